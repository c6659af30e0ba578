//! What answers an HTTP API's route.

use super::rules::{Rule, Target};
use crate::desk::{Called, Desk, TimedOut, payload, with_variables};
use crate::functions::Call;
use crate::upstream::{Outgoing, UpstreamError};
use std::time::Duration;
use tether_apigw::http::Answer;
use tether_apigw::http_api::{
    Exchange, answer_http, answer_v1, answer_v2, event_v1, event_v2, internal_error, outgoing,
    timed_out,
};
use tether_sam::api::PayloadVersion;

/// Longest that an integration may take
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
const TIMEOUT: Duration = Duration::from_secs(30);

/// The gateway's own answer, and why.
pub(super) struct Failed {
    pub(super) answer: Answer,
    pub(super) reason: String,
}

fn failed(reason: impl ToString) -> Failed {
    Failed {
        answer: internal_error(),
        reason: reason.to_string(),
    }
}

fn late(late: TimedOut) -> Failed {
    Failed {
        answer: timed_out(),
        reason: late.to_string(),
    }
}

/// Asks what answers the route; `function` is which, if one does.
pub(super) async fn integrate(
    desk: &Desk,
    rule: &Rule,
    exchange: &Exchange<'_>,
    function: &mut Option<String>,
) -> Result<Answer, Failed> {
    let within = desk.patience(rule.timeout, TIMEOUT);
    match &rule.target {
        Target::Function {
            function: named,
            version,
        } => {
            let call = call(desk, rule, exchange, named, *version);
            *function = Some(call.function.clone());
            let called = desk.call(call, within).await.map_err(late)?;
            answered(&called, *version)
        }
        Target::Http { uri, method } => {
            let going = outgoing(exchange, &rule.requests, method.as_deref(), uri);
            let going = going.map_err(failed)?;
            let going = Outgoing {
                method: going.method,
                url: going.url,
                headers: going.headers,
                body: going.body,
            };
            let came = desk.upstream.call(going, within).await;
            let came = came.map_err(|error| upstream(&error))?;
            Ok(answer_http(came.status, came.headers, came.body))
        }
        Target::Nothing(why) => Err(failed(why)),
    }
}

fn call(
    desk: &Desk,
    rule: &Rule,
    exchange: &Exchange<'_>,
    function: &str,
    version: PayloadVersion,
) -> Call {
    let changed = rule.requests.apply(exchange);
    let seen = Exchange {
        request: &changed,
        ..*exchange
    };
    let event = match version {
        PayloadVersion::V1 => event_v1(&seen),
        PayloadVersion::V2 => event_v2(&seen),
    };
    // `$default` has no method in source ARNs.
    let part = match rule.path.as_str() {
        "/$default" => rule.path.clone(),
        path => format!("/{}{path}", exchange.request.method),
    };
    Call {
        function: with_variables(function, exchange.stage_variables),
        source_arn: desk.arn(&format!("{}{part}", exchange.stage)),
        payload: payload(&event),
        streams: false,
    }
}

fn answered(called: &Called, version: PayloadVersion) -> Result<Answer, Failed> {
    let payload = match called {
        Called::Answer(payload) => payload,
        Called::Error(_) => {
            return Err(failed("the function failed: see its log"));
        }
        Called::Failed(why) => return Err(failed(why)),
    };
    let answer = match version {
        PayloadVersion::V1 => answer_v1(payload),
        PayloadVersion::V2 => answer_v2(payload),
    };
    answer.map_err(failed)
}

fn upstream(error: &UpstreamError) -> Failed {
    match error {
        UpstreamError::TimedOut { .. } => Failed {
            answer: timed_out(),
            reason: error.to_string(),
        },
        _ => failed(error),
    }
}
