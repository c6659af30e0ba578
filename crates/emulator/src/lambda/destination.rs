//! What is told about an asynchronous invocation when it is over
//! (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>).

use super::configuration::LATEST;
use super::event_invoke::is_function;
use super::later::{Event, Over};
use super::run::Call;
use super::{Lambda, Target};
use crate::id;
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::sync::Arc;
use tether_host::RunState;

/// Lambda ends a loop of functions after so many rounds
/// (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>).
const LONGEST_CHAIN: u32 = 16;

impl Lambda {
    /// Tells a function's destination, and its dead-letter queue, what became
    /// of an event.
    pub(super) fn tell(self: &Arc<Self>, target: &Target, event: &Event, over: &Over) {
        let function = &target.function;
        let config = function.event_invoke(target.qualifier());
        let config = config.unwrap_or_default();
        if let Some(arn) = config.destination(over.succeeded()) {
            let record = record(target, event, over);
            if let Err(why) = self.deliver(target, event, arn, record) {
                let (name, request_id) = (&function.name, &event.call.request_id);
                let what = over.describe();
                self.notice(format!(
                    "the record of {name}'s invocation {request_id} is not sent to {arn}: {why}; \
                     it says {what}"
                ));
            }
        }
        let configuration = function.configuration();
        if let (false, Some(queue)) = (over.succeeded(), configuration.plain.dead_letter_target()) {
            let (name, request_id) = (&function.name, &event.call.request_id);
            let what = over.describe();
            self.notice(format!(
                "the event of {name}'s invocation {request_id}, which failed, is not sent to the \
                 dead-letter queue {queue}: queues and topics are not played; it ended as {what}"
            ));
        }
    }

    fn deliver(
        self: &Arc<Self>,
        from: &Target,
        event: &Event,
        arn: &str,
        record: Value,
    ) -> Result<(), String> {
        if !is_function(arn) {
            return Err("only functions are played as destinations".to_owned());
        }
        if event.chain >= LONGEST_CHAIN {
            return Err(format!(
                "it would be the {LONGEST_CHAIN}th of a chain of destinations, which Lambda takes \
                 for a loop and ends"
            ));
        }
        let to = self.target(arn, None).map_err(|error| error.to_string())?;
        self.iam
            .check_destination(&from.function.configuration(), &to)
            .map_err(|denied| denied.to_string())?;
        let call = Call {
            request_id: id::uuid(),
            arn: to.arn(),
            payload: Bytes::from(record.to_string()),
            client_context: None,
            tail: false,
            state: RunState::new(),
        };
        self.invoke_later(Event::new(&to, call, event.chain + 1));
        Ok(())
    }
}

/// As Lambda writes it.
fn record(target: &Target, event: &Event, over: &Over) -> Value {
    let qualifier = target.qualifier().unwrap_or(LATEST);
    let mut record = json!({
        "version": "1.0",
        "timestamp": timestamp(),
        "requestContext": {
            "requestId": event.call.request_id,
            "functionArn": target.function.qualified(qualifier),
            "condition": over.condition.name(),
            "approximateInvokeCount": over.attempts,
        },
        "requestPayload": payload(&event.call.payload),
    });
    if let Some(invoked) = &over.last {
        let mut context = json!({ "statusCode": 200, "executedVersion": invoked.version });
        if invoked.failed {
            context["functionError"] = json!("Unhandled");
        }
        record["responseContext"] = context;
        record["responsePayload"] = payload(&invoked.payload);
    }
    record
}

/// JSON; what a runtime answered that is none is text.
fn payload(bytes: &Bytes) -> Value {
    let text = String::from_utf8_lossy(bytes);
    match serde_json::from_str::<&RawValue>(&text) {
        Ok(_) => serde_json::from_str(&text).unwrap_or_default(),
        Err(_) => json!(text),
    }
}

/// `2019-11-14T18:16:05.568Z`
fn timestamp() -> String {
    let now = time::OffsetDateTime::now_utc();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second(),
        now.millisecond()
    )
}
