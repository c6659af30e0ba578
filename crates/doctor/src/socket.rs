//! The WebSocket, tried with a session that does not exist: API Gateway, the
//! authorizer and its table have to say no, and nothing is left behind.

use super::finding::{Finding, Step};
use super::helper::Helper;
use tether_protocol::rights::NOBODY;
use tether_protocol::{Secret, SessionId};
use tether_receiver::Account;
use tether_relay::{ConnectError, Socket, Target};

pub(crate) async fn look(account: &Account, helper: &Helper) -> Vec<Finding> {
    let url = helper.outputs.of("WebSocketUrl").to_owned();
    let target = Target {
        url: url.clone(),
        // The road that a session takes, and no mere try of a right.
        session: SessionId::new(format!("doctor-{}", random())),
        token: Secret::new(random()),
        road: account.road().clone(),
    };
    let proxy = url.parse().ok().and_then(|it| account.road().proxy(&it));
    let way = proxy.map_or(String::new(), |it| format!(" through the proxy {it}"));
    vec![match Socket::open(&target).await {
        Err(ConnectError::Refused { status }) => Finding::ok(
            Step::WebSocket,
            format!("{url} is reached{way}, and refuses strangers (it answered {status})"),
        ),
        Ok(_) => Finding::failed(
            Step::WebSocket,
            format!("{url} lets in a session that does not exist"),
            "this is not tether's helper stack, or its authorizer is broken: install it again",
        ),
        Err(ConnectError::Unreachable { reason, .. }) => failed(&url, &reason),
    }]
}

fn failed(url: &str, reason: &str) -> Finding {
    if reason.starts_with("the proxy ") || reason.starts_with("the certificate ") {
        return Finding::error(Step::WebSocket, &reason);
    }
    let fix = if reason.starts_with("it answered 5") {
        "its authorizer fails: look at the helper stack's logs, and install it again"
    } else {
        "have WebSockets to *.execute-api allowed on this network; behind a proxy, set HTTPS_PROXY to it"
    };
    let what = format!("{url} cannot be reached ({reason})");
    Finding::failed(Step::WebSocket, what, fix)
}

/// A key of nothing, for a try of a right.
pub(crate) fn nobody() -> String {
    format!("{NOBODY}-{}", random())
}

fn random() -> String {
    let mut bytes = [0u8; 16];
    // Without randomness it is one that nobody has either.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}
