//! Which verb a request is.

use http::Method;

/// A request to the Runtime API's port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `GET …/runtime/invocation/next`
    Next,
    /// `POST …/runtime/invocation/{id}/response`
    Response(String),
    /// `POST …/runtime/invocation/{id}/error`
    Error(String),
    /// `POST …/runtime/init/error`
    InitError,
    /// `GET /2018-06-01/ping`
    Ping,
    /// Extensions, telemetry, logs, SnapStart and whatever comes: a proxy
    /// passes it on, untouched.
    Other,
}

impl Route {
    /// Reads method and path.
    #[must_use]
    pub fn of(method: &Method, path: &str) -> Self {
        let Some(rest) = path.strip_prefix("/2018-06-01/") else {
            return Self::Other;
        };
        let parts: Vec<&str> = rest.split('/').collect();
        match (method, parts.as_slice()) {
            (&Method::GET, ["runtime", "invocation", "next"]) => Self::Next,
            (&Method::POST, ["runtime", "invocation", id, "response"]) => {
                Self::Response((*id).to_owned())
            }
            (&Method::POST, ["runtime", "invocation", id, "error"]) => {
                Self::Error((*id).to_owned())
            }
            (&Method::POST, ["runtime", "init", "error"]) => Self::InitError,
            (&Method::GET, ["ping"]) => Self::Ping,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_told_apart_by_method_and_path() {
        let of = |method, path: &str| Route::of(&method, path);
        let at = |path: &str| format!("/2018-06-01/{path}");
        assert_eq!(of(Method::GET, &at("runtime/invocation/next")), Route::Next);
        assert_eq!(
            of(Method::POST, &at("runtime/invocation/a-1/response")),
            Route::Response("a-1".into())
        );
        assert_eq!(
            of(Method::POST, &at("runtime/invocation/a-1/error")),
            Route::Error("a-1".into())
        );
        assert_eq!(
            of(Method::POST, &at("runtime/init/error")),
            Route::InitError
        );
        assert_eq!(of(Method::GET, &at("runtime/restore/next")), Route::Other);
        assert_eq!(
            of(Method::POST, "/2020-01-01/extension/register"),
            Route::Other
        );
    }
}
