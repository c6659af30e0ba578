//! One invocation of a working copy. The host tells of it, from START to
//! REPORT.

use super::Lambda;
use super::run::{Call, Invoked, failed, invocation};
use super::version::Version;
use crate::working_copies::Here;
use std::time::Duration;
use tether_runtime_api::ErrorObject;

/// Runs it in the execution environment that was used last, or in a new one.
pub(super) async fn run(lambda: &Lambda, here: &Here, version: &Version, call: Call) -> Invoked {
    let function = match here.copies.find(&here.logical_id) {
        Ok(function) => function,
        Err(reason) => {
            let error = ErrorObject::new("Tether.NoWorkingCopy", reason);
            return failed(version, &call, &error);
        }
    };
    let revision = version.revision();
    let configuration = &revision.configuration;
    let seconds = here.timeout(configuration.timeout);
    let (variables, lane) = (here.variables(), here.lane());
    if call.tail {
        lambda.tails.begin(&call.request_id);
    }
    // A start has time of its own; why it failed, the invocation tells.
    let head = invocation(&call, seconds);
    let payload = call.payload.clone();
    let run = function.run(None, &lane.name, &variables, head, payload, &call.state);
    let ran = tokio::select! {
        ran = run => ran,
        // Nobody waits for it any more; its process is ended with the others.
        () = lambda.ending.cancelled() => {
            let error = ErrorObject::exited(&call.request_id, "tether ends");
            return failed(version, &call, &error);
        }
    };
    drop(lane);
    let time = Duration::from_secs(u64::from(seconds)).as_secs_f64();
    let (failed, payload) = match ran.ended.settle(&call.request_id, time) {
        Ok((_, body)) => (false, body),
        Err((_, body)) => (true, body),
    };
    let tail = match call.tail {
        true => Some(lambda.tails.end(&call.request_id).await),
        false => None,
    };
    Invoked {
        version: configuration.version.clone(),
        failed,
        payload,
        tail,
        request_id: call.request_id,
    }
}
