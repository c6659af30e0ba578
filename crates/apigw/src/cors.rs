//! CORS of HTTP APIs and function URLs: what the gateway itself tells browsers
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors>).
//! For REST APIs it is a route with a mock integration.

use bytes::Bytes;

use crate::http::{Answer, Request};

/// What is configured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cors {
    /// `*`, `https://example.com`, `https://*`.
    pub allow_origins: Vec<String>,
    /// `GET`, `*`.
    pub allow_methods: Vec<String>,
    /// Header names, `*`.
    pub allow_headers: Vec<String>,
    /// Header names, `*`.
    pub expose_headers: Vec<String>,
    /// `Access-Control-Allow-Credentials`
    pub allow_credentials: bool,
    /// `Access-Control-Max-Age`
    pub max_age_seconds: Option<u32>,
}

/// Whose CORS it is: they differ in three things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// A preflight is a 204; `*` is said as `*`; what the integration says of CORS is ignored.
    HttpApi,
    /// A preflight is a 200; `*` is said as the origin that asked `[inf]`; what the function says
    /// stands beside what is configured, so that browsers complain of two origins, as they do of
    /// AWS (<https://github.com/aws-powertools/powertools-lambda-python/issues/4163>).
    FunctionUrl,
}

/// Whether a request is a preflight: `OPTIONS` with an origin and the method that is to come.
#[must_use]
pub fn is_preflight(request: &Request) -> bool {
    request.method == "OPTIONS"
        && request.header("origin").is_some()
        && request.header("access-control-request-method").is_some()
}

/// The answer to a preflight, for which no integration is asked and no route needs to be there. To
/// an origin that is not allowed it says nothing of CORS, and the browser does the rest `[inf]`.
/// None for any other request.
#[must_use]
pub fn preflight(cors: &Cors, side: Side, request: &Request) -> Option<Answer> {
    if !is_preflight(request) {
        return None;
    }
    let mut headers = Vec::new();
    if let Some(origin) = allowed_origin(cors, side, request) {
        push(&mut headers, "Allow-Origin", Some(origin));
        push(&mut headers, "Allow-Methods", joined(&cors.allow_methods));
        push(&mut headers, "Allow-Headers", joined(&cors.allow_headers));
        push(
            &mut headers,
            "Max-Age",
            cors.max_age_seconds.map(|it| it.to_string()),
        );
        push(&mut headers, "Allow-Credentials", credentials(cors));
    }
    Some(Answer {
        status: match side {
            Side::HttpApi => 204,
            Side::FunctionUrl => 200,
        },
        headers,
        body: Bytes::new(),
    })
}

/// Tells an answer to anything but a preflight, the gateway's own refusals included `[inf]`, what
/// browsers ask for. Where CORS is not configured this must not be called: answers stay as they are.
pub fn apply(cors: &Cors, side: Side, request: &Request, answer: &mut Answer) {
    if side == Side::HttpApi {
        let about_cors = |name: &str| name.to_ascii_lowercase().starts_with("access-control-");
        answer.headers.retain(|(name, _)| !about_cors(name));
    }
    if let Some(origin) = allowed_origin(cors, side, request) {
        push(&mut answer.headers, "Allow-Origin", Some(origin));
        push(
            &mut answer.headers,
            "Expose-Headers",
            joined(&cors.expose_headers),
        );
        push(&mut answer.headers, "Allow-Credentials", credentials(cors));
    }
}

fn push(headers: &mut Vec<(String, String)>, name: &str, value: Option<String>) {
    if let Some(value) = value {
        headers.push((format!("Access-Control-{name}"), value));
    }
}

fn joined(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(","))
}

fn credentials(cors: &Cors) -> Option<String> {
    cors.allow_credentials.then(|| "true".to_owned())
}

/// `https://*` allows all origins of that scheme. An origin that no header can carry is none.
fn allowed_origin(cors: &Cors, side: Side, request: &Request) -> Option<String> {
    let origin = request.header("origin")?;
    if origin.chars().any(char::is_control) {
        return None;
    }
    let all = cors.allow_origins.iter().any(|it| it == "*");
    if all && side == Side::HttpApi && !cors.allow_credentials {
        return Some("*".to_owned());
    }
    let allowed = |it: &String| match it.strip_suffix('*') {
        Some(prefix) => starts_with(origin, prefix),
        None => it.trim_end_matches('/').eq_ignore_ascii_case(origin),
    };
    cors.allow_origins
        .iter()
        .any(allowed)
        .then(|| origin.to_owned())
}

fn starts_with(origin: &str, prefix: &str) -> bool {
    let begin = origin.get(..prefix.len());
    begin.is_some_and(|it| it.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::fixtures;

    const ORIGIN: &str = "https://www.example.com";

    fn list(values: &[&str]) -> Vec<String> {
        values.iter().map(|it| (*it).to_owned()).collect()
    }

    fn cors(origins: &[&str]) -> Cors {
        Cors {
            allow_origins: list(origins),
            allow_methods: list(&["GET", "POST"]),
            allow_headers: list(&["authorization", "content-type"]),
            expose_headers: list(&["date"]),
            allow_credentials: false,
            max_age_seconds: Some(300),
        }
    }

    fn request(method: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = fixtures::request(method, "/");
        for (name, value) in headers {
            request
                .headers
                .push(((*name).to_owned(), (*value).to_owned()));
        }
        request
    }

    fn asked(origin: &str) -> Request {
        let headers = [("Origin", origin), ("Access-Control-Request-Method", "GET")];
        request("OPTIONS", &headers)
    }

    fn said(answer: &Answer) -> Vec<(&str, &str)> {
        let all = answer.headers.iter();
        let pairs = all.map(|(name, value)| (name.as_str(), value.as_str()));
        pairs
            .filter(|(name, _)| name.to_ascii_lowercase().starts_with("access-control-"))
            .collect()
    }

    #[test]
    fn a_preflight_is_answered_by_what_is_configured() {
        let answer = preflight(&cors(&[ORIGIN]), Side::HttpApi, &asked(ORIGIN));
        let Some(answer) = answer else { panic!() };
        assert_eq!((answer.status, answer.body.len()), (204, 0));
        let wanted = [
            ("Access-Control-Allow-Origin", ORIGIN),
            ("Access-Control-Allow-Methods", "GET,POST"),
            ("Access-Control-Allow-Headers", "authorization,content-type"),
            ("Access-Control-Max-Age", "300"),
        ];
        assert_eq!(said(&answer), wanted);
        let url = preflight(&cors(&["*"]), Side::FunctionUrl, &asked(ORIGIN));
        assert_eq!(url.map(|it| it.status), Some(200));
    }

    #[test]
    fn a_preflight_has_an_origin_and_a_method() {
        let all = cors(&["*"]);
        for no in [
            request("OPTIONS", &[]),
            request("OPTIONS", &[("Origin", ORIGIN)]),
            request("OPTIONS", &[("Access-Control-Request-Method", "GET")]),
            request(
                "GET",
                &[("Origin", ORIGIN), ("Access-Control-Request-Method", "GET")],
            ),
        ] {
            assert_eq!(preflight(&all, Side::HttpApi, &no), None);
        }
    }

    #[test]
    fn origins_are_listed_or_begin_like_one_that_is() {
        let allowed = |origins: &[&str], origin: &str| {
            let answer = preflight(&cors(origins), Side::HttpApi, &asked(origin));
            answer.and_then(|it| it.headers.first().map(|(_, value)| value.clone()))
        };
        let same = Some(ORIGIN.to_owned());
        assert_eq!(allowed(&["*"], ORIGIN).as_deref(), Some("*"));
        assert_eq!(allowed(&["https://*"], ORIGIN), same);
        assert_eq!(allowed(&["http://*"], ORIGIN), None);
        assert_eq!(allowed(&["https://a.com", ORIGIN], ORIGIN), same);
        assert_eq!(allowed(&["https://www.example.com/"], ORIGIN), same);
        assert_eq!(allowed(&["https://example.com"], ORIGIN), None);
        assert_eq!(allowed(&[ORIGIN], "https://www.example.com.evil"), None);
        assert_eq!(allowed(&[], ORIGIN), None);
        assert_eq!(allowed(&["*"], "a\r\nb"), None);
    }

    #[test]
    fn an_http_api_has_the_last_word_on_cors() {
        let mut answer = Answer::message(200, "x");
        let backend = [
            ("access-control-allow-origin", "https://else"),
            ("X-A", "1"),
        ];
        for (name, value) in backend {
            answer.headers.push((name.to_owned(), value.to_owned()));
        }
        let from_elsewhere = request("GET", &[("Origin", "https://evil")]);
        let mut silent = answer.clone();
        apply(
            &cors(&[ORIGIN]),
            Side::HttpApi,
            &from_elsewhere,
            &mut silent,
        );
        assert!(said(&silent).is_empty());
        apply(
            &cors(&[ORIGIN]),
            Side::HttpApi,
            &request("GET", &[("Origin", ORIGIN)]),
            &mut answer,
        );
        let wanted = [
            ("Access-Control-Allow-Origin", ORIGIN),
            ("Access-Control-Expose-Headers", "date"),
        ];
        assert_eq!(said(&answer), wanted);
        assert!(answer.headers.iter().any(|(name, _)| name == "X-A"));
    }

    #[test]
    fn a_function_url_lets_the_function_speak_beside_it() {
        let mut answer = Answer::message(200, "x");
        answer
            .headers
            .push(("Access-Control-Allow-Origin".into(), ORIGIN.into()));
        apply(
            &cors(&["*"]),
            Side::FunctionUrl,
            &request("GET", &[("Origin", ORIGIN)]),
            &mut answer,
        );
        let origins: Vec<_> = said(&answer)
            .into_iter()
            .filter(|it| it.0.ends_with("Origin"))
            .collect();
        assert_eq!(origins, [("Access-Control-Allow-Origin", ORIGIN); 2]);
    }

    #[test]
    fn a_request_without_an_origin_is_told_nothing() {
        let mut answer = Answer::message(200, "x");
        apply(
            &cors(&["*"]),
            Side::HttpApi,
            &request("GET", &[]),
            &mut answer,
        );
        assert!(said(&answer).is_empty());
    }

    #[test]
    fn credentials_need_an_origin_that_is_named() {
        let mut with = cors(&["*"]);
        with.allow_credentials = true;
        let answer = preflight(&with, Side::HttpApi, &asked(ORIGIN));
        let Some(answer) = answer else { panic!() };
        let pairs = said(&answer);
        assert!(pairs.contains(&("Access-Control-Allow-Origin", ORIGIN)));
        assert!(pairs.contains(&("Access-Control-Allow-Credentials", "true")));
    }
}
