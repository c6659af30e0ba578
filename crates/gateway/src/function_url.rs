//! A request's road to a function URL.

use crate::desk::{Answered, Called, Desk, payload};
use crate::functions::{Call, Outcome};
use crate::http1::{Received, Reply};
use crate::signed::{self, NotSigned, Wanted};
use crate::stamps::stamp;
use crate::streams::{self, Beginning, Rest};
use std::sync::Arc;
use std::time::Duration;
use tether_apigw::caller::Caller;
use tether_apigw::cors::{self, Cors, Side};
use tether_apigw::http::{Answer, Request, Stamp};
use tether_apigw::rest::limits;
use tether_apigw::url::{self, Visit};
use tether_sam::api::{Api, Authorization};

/// Largest body: an invocation's own
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const BODY: usize = 6 * 1024 * 1024;

/// No function runs longer, and nothing else ends a request to a function URL.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// A function URL as its requests meet it.
pub(crate) struct Rules {
    function: String,
    streams: bool,
    signed: bool,
    cors: Option<Cors>,
}

impl Rules {
    /// # Errors
    /// When it has no function.
    pub(crate) fn new(api: &Api) -> Result<Self, String> {
        let route = api.routes.first();
        let integration = route.and_then(|it| it.integration.as_ref());
        let function = integration.and_then(|it| it.function.clone());
        Ok(Self {
            function: function.ok_or("it has no function: name one by TargetFunctionArn")?,
            streams: integration.is_some_and(|it| it.streams),
            signed: route.is_some_and(|it| it.authorization == Authorization::Iam),
            cors: api.cors.as_ref().map(crate::http_api::cors),
        })
    }
}

/// Answers a request.
pub(crate) async fn answer(desk: &Desk, rules: &Rules, received: &Received) -> Answered {
    let request = &received.request;
    let stamp = stamp(desk.now(), true);
    let mut reply = go(desk, rules, received, &stamp).await;
    if let Reply::Whole(answer) | Reply::Streamed(answer, _) = &mut reply {
        if let Some(own) = rules.cors.as_ref().filter(|_| !cors::is_preflight(request)) {
            cors::apply(own, Side::FunctionUrl, request, answer);
        }
        url::finish(answer, &stamp);
    }
    Answered {
        reply,
        route: None,
        function: Some(rules.function.clone()),
    }
}

async fn go(desk: &Desk, rules: &Rules, received: &Received, stamp: &Stamp) -> Reply {
    let request = &received.request;
    if received.too_large || request.body.len() > BODY {
        desk.say(
            None,
            &"the request's body has more than 6 MB, which an invocation may have: send it in parts, or to S3",
        );
        return Reply::Whole(url::too_large());
    }
    if let Err(fault) = limits::check(request) {
        desk.say(None, &fault);
        return Reply::Whole(Answer::message(431, "Request Header Fields Too Large"));
    }
    if let Some(own) = &rules.cors
        && let Some(answer) = cors::preflight(own, Side::FunctionUrl, request)
    {
        return Reply::Whole(answer);
    }
    let caller = match authorize(desk, rules, request) {
        Ok(caller) => caller,
        Err(why) => {
            desk.say(None, &why);
            return Reply::Whole(url::forbidden());
        }
    };
    let visit = Visit {
        request,
        whereabouts: &desk.at,
        stamp,
        caller: caller.as_ref(),
    };
    let call = Call {
        function: rules.function.clone(),
        source_arn: String::new(),
        payload: payload(&url::event(&visit)),
        streams: rules.streams,
    };
    if rules.streams {
        stream(desk, call).await
    } else {
        Reply::Whole(whole(desk, call).await)
    }
}

async fn whole(desk: &Desk, call: Call) -> Answer {
    match desk.call(call, LONGEST).await {
        Ok(Called::Answer(payload)) => url::answer(&payload).unwrap_or_else(|why| bad(desk, &why)),
        Ok(Called::Error(_)) => bad(desk, &FAILED),
        Ok(Called::Failed(why)) => bad(desk, &why),
        Err(late) => bad(desk, &late),
    }
}

const FAILED: &str = "the function failed: see its log";

fn bad(desk: &Desk, why: &dyn std::fmt::Display) -> Answer {
    desk.say(None, why);
    url::bad_gateway()
}

async fn stream(desk: &Desk, call: Call) -> Reply {
    let outcome = match desk.invoke(call, LONGEST).await {
        Ok(outcome) => outcome,
        Err(late) => return Reply::Whole(bad(desk, &late)),
    };
    let mut streamed = match outcome {
        Outcome::Stream(streamed) => streamed,
        Outcome::Answer(payload) => {
            let mut answer = url::streamed(Some("application/json"));
            answer.body = payload;
            return Reply::Whole(answer);
        }
        Outcome::Error(_) => return Reply::Whole(bad(desk, &FAILED)),
        Outcome::Failed(why) => return Reply::Whole(bad(desk, &why)),
    };
    let head = match streams::begin(&mut streamed, false).await {
        Beginning::Head(head) => head,
        Beginning::Body {
            content_type,
            first,
        } => {
            let mut head = url::streamed(content_type.as_deref());
            head.body = first;
            head
        }
        Beginning::Error(_) => return Reply::Whole(bad(desk, &FAILED)),
        Beginning::Malformed(why) => return Reply::Whole(bad(desk, &why)),
    };
    let sink = Arc::clone(&desk.settings.sink);
    let rest = Rest::new(streamed, None, sink, desk.logical_id.clone());
    Reply::Streamed(head, Box::new(rest))
}

/// Who signed, where somebody must.
fn authorize(desk: &Desk, rules: &Rules, request: &Request) -> Result<Option<Caller>, NotSigned> {
    if !rules.signed || desk.settings.disable_authorizer {
        return Ok(None);
    }
    let wanted = Wanted {
        service: "lambda",
        action: "lambda:InvokeFunctionUrl",
        arn: &rules.function,
    };
    signed::by(desk, request, &wanted).map(Some)
}
