//! What API Gateway is answered: a policy that allows or denies.

use crate::request::Request;
use lambda_runtime::{Diagnostic, tracing};
use serde_json::{Value, json};
use tether_protocol::session::admit;
use tether_protocol::{SessionId, Timestamp, Token};
use tether_store::Sessions;

/// Decides about one connection. A refusal is a Deny policy, which the caller
/// sees as 403; a failure is an error, which it sees as 500: it may try again.
///
/// # Errors
/// When the session cannot be read.
pub(crate) async fn give(sessions: &Sessions, request: Request) -> Result<Value, Diagnostic> {
    let (id, token) = match presented(&request) {
        Ok(presented) => presented,
        Err(reason) => return Ok(deny(&request, reason)),
    };
    // The runtime logs the error. The id is escaped: it is what the caller sent.
    let session = sessions.read(&id).await.map_err(|error| Diagnostic {
        error_type: "Tether.Store".to_owned(),
        error_message: format!("session {:?} not decided: {error}", id.as_str()),
    })?;
    Ok(match admit(session.as_ref(), &token, now()) {
        Ok(()) => allow(&request, &id),
        Err(refusal) => deny(&request, &refusal.to_string()),
    })
}

fn presented(request: &Request) -> Result<(SessionId, Token), &'static str> {
    let id = request.session().ok_or("the query names no session")?;
    let token = request.token().ok_or("there is no bearer token")?;
    Ok((id, token))
}

fn allow(request: &Request, id: &SessionId) -> Value {
    tracing::info!("session {:?} let in", id.as_str());
    let mut answer = policy("Allow", &request.method_arn, id);
    // Comes back to `connect` in every later event of this connection.
    answer["context"] = json!({ "sessionId": id });
    answer
}

fn deny(request: &Request, reason: &str) -> Value {
    let id = request
        .session()
        .unwrap_or_else(|| SessionId::new("nobody"));
    tracing::warn!("session {:?} not let in: {reason}", id.as_str());
    policy("Deny", &request.method_arn, &id)
}

fn policy(effect: &str, method_arn: &str, principal: &SessionId) -> Value {
    json!({
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{
                "Action": "execute-api:Invoke",
                "Effect": effect,
                "Resource": method_arn,
            }],
        },
    })
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(since.map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn request(query: &Value) -> Request {
        let event = json!({"methodArn": "arn:m", "queryStringParameters": query});
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn who_is_let_in_is_named_to_connect() {
        let answer = allow(&request(&json!({})), &SessionId::new("s-1"));
        assert_eq!(answer["principalId"], "s-1");
        assert_eq!(answer["context"], json!({"sessionId": "s-1"}));
        let statement = &answer["policyDocument"]["Statement"][0];
        assert_eq!(statement["Effect"], "Allow");
        assert_eq!(statement["Resource"], "arn:m");
    }

    #[test]
    fn who_is_not_let_in_gets_a_policy_and_no_context() {
        let answer = deny(&request(&json!({"session": "s-1"})), "because");
        assert_eq!(answer["policyDocument"]["Statement"][0]["Effect"], "Deny");
        assert_eq!(answer["principalId"], "s-1");
        assert!(answer.get("context").is_none());
        // API Gateway takes no policy without a principal.
        let answer = deny(&request(&Value::Null), "because");
        assert_eq!(answer["principalId"], "nobody");
    }

    #[test]
    fn half_of_what_is_needed_is_refused_without_a_look_at_the_table() {
        let reason = presented(&request(&json!({"session": "s-1"}))).unwrap_err();
        assert_eq!(reason, "there is no bearer token");
        let reason = presented(&request(&Value::Null)).unwrap_err();
        assert_eq!(reason, "the query names no session");
    }
}
