//! Who calls: by access key, and so from where. What is called is counted.

use crate::delay::pause;
use crate::id;
use crate::options::Options;
use crate::signature::{self, Signature, Unsigned};
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;
use tether_iam::Principal;
use tether_protocol::Timestamp;

/// The principal of keys that nobody gave out here.
const OUTSIDE: &str = "outside";

/// A void key is known for so long: what is signed with it is told why it is
/// refused.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// See the module.
pub(crate) struct Callers {
    latency: Duration,
    aws_latency: Duration,
    keys: RwLock<HashMap<String, Caller>>,
    calls: Mutex<BTreeMap<Call, u64>>,
}

#[derive(Clone)]
struct Caller {
    principal: Principal,
    place: Place,
    /// When the key is void; none: it lives as long as this cloud.
    until: Option<Timestamp>,
}

/// Where a caller is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A deployed function, under its own role or one that it assumed.
    Region,
    /// A person under a role.
    Laptop,
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    principal: String,
    service: String,
    action: String,
}

/// How long a request and its answer travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) there: Duration,
    pub(crate) back: Duration,
}

impl Callers {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            latency: options.latency,
            aws_latency: options.aws_latency,
            keys: RwLock::default(),
            calls: Mutex::default(),
        }
    }

    /// An access key for a deployed function under its role; a new one each time.
    pub(crate) fn issue(&self, role_arn: &str, function: &str) -> String {
        self.keep(Caller {
            principal: session(role_arn, function),
            place: Place::Region,
            until: None,
        })
    }

    /// An access key for a role that was assumed, until then. Who assumed it
    /// stays where they are.
    pub(crate) fn assume(&self, session: Principal, by: &str, until: Timestamp) -> String {
        let place = self.caller(by).map_or(Place::Laptop, |it| it.place);
        self.keep(Caller {
            principal: session,
            place,
            until: Some(until),
        })
    }

    /// An access key for a user.
    pub(crate) fn issue_to_user(&self, user: Principal) -> String {
        self.keep(Caller {
            principal: user,
            place: Place::Laptop,
            until: None,
        })
    }

    /// Whose a key is; none: it was not given out here.
    pub(crate) fn whose(&self, key: &str) -> Option<Principal> {
        self.caller(key).map(|it| it.principal)
    }

    fn keep(&self, caller: Caller) -> String {
        let key = format!("ASIA{}", id::stable(&id::uuid(), 16, id::UPPER));
        let now = tether_host::now();
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|_, it| it.until.is_none_or(|until| until.plus(REMEMBERED) > now));
        keys.insert(key.clone(), caller);
        key
    }

    fn caller(&self, key: &str) -> Option<Caller> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(key).cloned()
    }

    /// Who has this key; none: it was not given out here.
    pub(crate) fn arn(&self, key: &str) -> Option<String> {
        self.caller(key).map(|it| it.principal.arn().to_owned())
    }

    /// The name of this key's role.
    pub(crate) fn principal(&self, key: &str) -> String {
        let arn = self.arn(key);
        let principal = arn.as_deref().map_or(OUTSIDE, role_name);
        principal.to_owned()
    }

    /// Reads who calls.
    ///
    /// # Errors
    /// Why AWS would not look at the request at all.
    pub(crate) fn admit(
        &self,
        headers: &HeaderMap,
        query: Option<&str>,
        now: Timestamp,
    ) -> Result<Signature, Unsigned> {
        let signature = signature::read(headers, query, now)?;
        let until = self.caller(&signature.access_key).and_then(|it| it.until);
        match until {
            Some(until) if until <= now => Err(Unsigned::Outlived),
            _ => Ok(signature),
        }
    }

    /// Counts a call, and says how far it has to travel.
    pub(crate) fn arrive(&self, key: &str, service: &str, action: String) -> Way {
        let caller = self.caller(key);
        let principal = caller
            .as_ref()
            .map_or(OUTSIDE, |it| role_name(it.principal.arn()));
        let way = self.way(caller.as_ref().map(|it| it.place), service, &action);
        let call = Call {
            principal: principal.to_owned(),
            service: service.to_owned(),
            action,
        };
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls.entry(call).or_default() += 1;
        way
    }

    fn way(&self, place: Option<Place>, service: &str, action: &str) -> Way {
        let (there, back) = match place {
            Some(Place::Region) => (Duration::ZERO, self.aws_latency),
            // Whoever calls the app is no part of what is measured.
            None if (service, action) == ("lambda", "Invoke") => (Duration::ZERO, Duration::ZERO),
            None | Some(Place::Laptop) => (self.latency, self.latency),
        };
        Way { there, back }
    }

    /// All calls so far.
    pub(crate) fn calls(&self) -> Value {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = calls.iter().map(|(call, count)| {
            json!({
                "principal": call.principal,
                "service": call.service,
                "action": call.action,
                "count": count,
            })
        });
        rows.collect()
    }
}

impl Way {
    pub(crate) async fn go(&self) {
        pause(self.there).await;
    }

    pub(crate) async fn come_back(&self) {
        pause(self.back).await;
    }
}

/// Whoever has assumed a role: `arn:…:sts::…:assumed-role/ROLE/session`, in which the
/// role's path does not stand.
pub(crate) fn session(role_arn: &str, session: &str) -> Principal {
    let parts: Vec<&str> = role_arn.splitn(6, ':').collect();
    let part = |index: usize| parts.get(index).copied().unwrap_or_default();
    let (partition, account) = (part(1), part(4));
    let role = role_name(role_arn);
    Principal::Session {
        arn: format!("arn:{partition}:sts::{account}:assumed-role/{role}/{session}"),
        role: role_arn.to_owned(),
        account: account.to_owned(),
    }
}

/// `arn:…:role/path/NAME` or `arn:…:assumed-role/NAME/session`
fn role_name(arn: &str) -> &str {
    match arn.split_once(":assumed-role/") {
        Some((_, rest)) => rest.split('/').next().unwrap_or(rest),
        None => arn.rsplit('/').next().unwrap_or(arn),
    }
}

/// The name of an operation of Lambda, or its method and path with `{}` for
/// names (<https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html>).
pub(crate) fn lambda_action(method: &Method, path: &str) -> String {
    let mut segments = path.trim_matches('/').split('/');
    let version = segments.next().unwrap_or_default();
    // Collections and names take turns.
    let rest: Vec<&str> = segments
        .enumerate()
        .map(|(position, it)| if position % 2 == 0 { it } else { "{}" })
        .collect();
    let rest = rest.join("/");
    let name = match (method.as_str(), rest.as_str()) {
        ("POST", "functions/{}/invocations") => "Invoke",
        ("POST", "functions/{}/invoke-async") => "InvokeAsync",
        ("POST", "functions/{}/response-streaming-invocations") => "InvokeWithResponseStream",
        ("GET", "functions") => "ListFunctions",
        ("GET", "functions/{}") => "GetFunction",
        ("GET", "functions/{}/configuration") => "GetFunctionConfiguration",
        ("PUT", "functions/{}/configuration") => "UpdateFunctionConfiguration",
        ("GET", "functions/{}/versions") => "ListVersionsByFunction",
        ("POST", "functions/{}/versions") => "PublishVersion",
        ("GET", "functions/{}/aliases") => "ListAliases",
        ("POST", "functions/{}/aliases") => "CreateAlias",
        ("GET", "functions/{}/aliases/{}") => "GetAlias",
        ("PUT", "functions/{}/aliases/{}") => "UpdateAlias",
        ("DELETE", "functions/{}/aliases/{}") => "DeleteAlias",
        ("GET", "layers") => "ListLayers",
        ("GET", "layers/{}/versions") => "ListLayerVersions",
        ("POST", "layers/{}/versions") => "PublishLayerVersion",
        ("GET", "layers/{}/versions/{}") => "GetLayerVersion",
        ("DELETE", "layers/{}/versions/{}") => "DeleteLayerVersion",
        ("GET", "event-source-mappings") => "ListEventSourceMappings",
        ("GET", "event-source-mappings/{}") => "GetEventSourceMapping",
        ("POST", "event-source-mappings") => "CreateEventSourceMapping",
        ("PUT", "event-source-mappings/{}") => "UpdateEventSourceMapping",
        ("DELETE", "event-source-mappings/{}") => "DeleteEventSourceMapping",
        (method, rest) => return format!("{method} /{version}/{rest}"),
    };
    name.to_owned()
}

/// The name of an operation of `@connections`
/// (<https://docs.aws.amazon.com/apigatewaymanagementapi/latest/reference/connections-connectionid.html>).
pub(crate) fn connections_action(method: &Method) -> String {
    let name = match *method {
        Method::POST => "PostToConnection",
        Method::GET => "GetConnection",
        Method::DELETE => "DeleteConnection",
        _ => return method.to_string(),
    };
    name.to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    const LATENCY: Duration = Duration::from_millis(25);
    const AWS: Duration = Duration::from_millis(5);
    const NEVER: Timestamp = Timestamp(u64::MAX);

    fn callers() -> Callers {
        Callers::new(&Options {
            latency: LATENCY,
            aws_latency: AWS,
            ..Options::default()
        })
    }

    #[test]
    fn a_role_is_where_the_one_is_who_assumed_it() {
        let callers = callers();
        let far = Way {
            there: LATENCY,
            back: LATENCY,
        };
        let near = Way {
            there: Duration::ZERO,
            back: AWS,
        };
        let none = Way {
            there: Duration::ZERO,
            back: Duration::ZERO,
        };
        let function = callers.issue("arn:aws:iam::0:role/app-HelloRole-X", "hello");
        let layer = callers.assume(session("arn:aws:iam::0:role/Layer", "s"), &function, NEVER);
        let developer =
            callers.assume(session("arn:aws:iam::0:role/Developer", "s"), "AKIA", NEVER);
        let get = |key: &str| callers.arrive(key, "dynamodb", "GetItem".to_owned());
        assert_eq!(["AKIA", &developer].map(get), [far, far]);
        assert_eq!([&*function, &layer].map(get), [near, near]);
        let invoke = |key: &str| callers.arrive(key, "lambda", "Invoke".to_owned());
        assert_eq!(invoke("AKIA"), none);
        assert_eq!(invoke(&developer), far);
        assert_eq!(invoke(&function), near);
    }

    #[test]
    fn calls_are_counted_by_role_service_and_operation() {
        let callers = callers();
        let function = callers.issue("arn:aws:iam::0:role/app-HelloRole-X", "hello");
        let developer =
            callers.assume(session("arn:aws:iam::0:role/Developer", "s"), "AKIA", NEVER);
        for key in [&*function, &developer, &function, "AKIA"] {
            callers.arrive(key, "dynamodb", "GetItem".to_owned());
        }
        let row = |principal: &str, count: u64| json!({ "principal": principal, "service": "dynamodb", "action": "GetItem", "count": count });
        let rows = json!([
            row("Developer", 1),
            row("app-HelloRole-X", 2),
            row("outside", 1)
        ]);
        assert_eq!(callers.calls(), rows);
    }

    #[test]
    fn a_key_is_void_when_its_role_session_is_over() {
        let callers = callers();
        let now = Timestamp(1_792_567_320_000);
        let admitted = |key: &str| {
            let mut headers = HeaderMap::new();
            let signed = format!(
                "AWS4-HMAC-SHA256 Credential={key}/20261021/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0"
            );
            headers.insert("authorization", signed.parse().unwrap());
            headers.insert("x-amz-date", "20261021T072200Z".parse().unwrap());
            callers.admit(&headers, None, now)
        };
        let after = now.plus(Duration::from_millis(1));
        for (until, over) in [(now, true), (after, false)] {
            let key = callers.assume(session("arn:aws:iam::0:role/Layer", "s"), "AKIA", until);
            assert_eq!(admitted(&key) == Err(Unsigned::Outlived), over);
        }
        assert!(admitted("AKIA").is_ok());
    }

    #[test]
    fn a_key_that_has_been_void_for_long_is_forgotten() {
        let callers = callers();
        let assume = |ago: Duration| {
            let until = tether_host::now().minus(ago);
            callers.assume(session("arn:aws:iam::0:role/Layer", "s"), "AKIA", until)
        };
        let long = assume(2 * REMEMBERED);
        let short = assume(REMEMBERED / 2);
        assert_eq!(
            [&long, &short].map(|it| callers.arn(it).is_some()),
            [false, true]
        );
        let function = callers.issue("arn:aws:iam::0:role/app-HelloRole-X", "hello");
        assert!([&short, &function].map(|it| callers.arn(it).is_some()) == [true, true]);
    }

    #[test]
    fn operations_of_lambda_have_their_names() {
        let of = |method, path: &str| lambda_action(&method, path);
        let at = "/2015-03-31/functions/hello";
        assert_eq!(of(Method::POST, &format!("{at}/invocations")), "Invoke");
        assert_eq!(of(Method::GET, at), "GetFunction");
        assert_eq!(of(Method::GET, "/2015-03-31/functions/"), "ListFunctions");
        assert_eq!(
            of(Method::PUT, &format!("{at}/configuration")),
            "UpdateFunctionConfiguration"
        );
        assert_eq!(
            of(Method::PUT, "/2017-10-31/functions/hello/concurrency"),
            "PUT /2017-10-31/functions/{}/concurrency"
        );
    }
}
