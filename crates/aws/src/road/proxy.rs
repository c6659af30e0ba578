//! Which proxy leads to a URL, if any.

use super::RoadError;
use http::HeaderValue;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use std::fmt;

/// What no proxy can reach: this machine, and its own link, where EC2 and ECS
/// hand out credentials.
const NEVER: &str = "localhost,127.0.0.0/8,::1,169.254.0.0/16";

/// A proxy. It shows itself without user and password.
#[derive(Clone)]
pub struct Proxy {
    way: Intercept,
    variable: &'static str,
}

impl Proxy {
    /// Where it is.
    #[must_use]
    pub fn uri(&self) -> &http::Uri {
        self.way.uri()
    }

    /// What `Proxy-Authorization` has to be, if the variable has a user.
    #[must_use]
    pub fn authorization(&self) -> Option<&HeaderValue> {
        self.way.basic_auth()
    }

    /// What it means that it cannot be reached.
    #[must_use]
    pub fn out_of_reach(&self, reason: &str) -> String {
        format!(
            "the proxy {self} cannot be reached ({reason}): correct {}, or check the network",
            self.variable
        )
    }

    /// What an answer of it other than a connection means, and what to do.
    #[must_use]
    pub fn refusal(&self, to: &str, status: u16) -> String {
        let variable = self.variable;
        match (status, self.authorization()) {
            (407, None) => format!(
                "the proxy {self} asks for a user and a password (it answered 407): write them into {variable} as http://user:password@host:port"
            ),
            (407, Some(_)) => format!(
                "the proxy {self} does not take this user and password (it answered 407): correct them in {variable}, with special characters percent-encoded"
            ),
            _ => format!(
                "the proxy {self} answered {status} when it was asked for a connection to {to}: {}",
                self.when_refused()
            ),
        }
    }

    /// What to do when it refuses a host.
    pub(super) fn when_refused(&self) -> String {
        let variable = self.variable;
        format!("have that host allowed there, or correct {variable} or NO_PROXY")
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.uri().to_string().trim_end_matches('/'))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// The proxies of an environment, and who named them.
#[derive(Debug)]
pub(super) struct Proxies {
    matcher: Matcher,
    https: &'static str,
    http: &'static str,
}

impl Default for Proxies {
    fn default() -> Self {
        Self {
            matcher: Matcher::builder().build(),
            https: "",
            http: "",
        }
    }
}

impl Proxies {
    pub(super) fn find(variable: &impl Fn(&str) -> Option<String>) -> Result<Self, RoadError> {
        let all = value(variable, ["ALL_PROXY", "all_proxy"])?;
        let https = value(variable, ["HTTPS_PROXY", "https_proxy"])?;
        let http = value(variable, ["HTTP_PROXY", "http_proxy"])?;
        let no = first(variable, ["NO_PROXY", "no_proxy"]).map_or(String::new(), |(_, it)| it);
        let named = |own: &(&'static str, String)| {
            let (name, text) = if own.1.is_empty() { &all } else { own };
            not_socks(name, text, &no).map(|()| *name)
        };
        Ok(Self {
            https: named(&https)?,
            http: named(&http)?,
            matcher: Matcher::builder()
                .all(all.1)
                .https(https.1)
                .http(http.1)
                .no(format!("{no},{NEVER}"))
                .build(),
        })
    }

    /// `wss` is `https` to a proxy, and `ws` is `http`.
    pub(super) fn intercept(&self, to: &http::Uri) -> Option<Proxy> {
        let (scheme, variable) = match to.scheme_str()? {
            "wss" | "https" => ("https", self.https),
            _ => ("http", self.http),
        };
        let mut parts = to.clone().into_parts();
        parts.scheme = scheme.parse().ok();
        let to = http::Uri::from_parts(parts).ok()?;
        let way = self.matcher.intercept(&to)?;
        Some(Proxy { way, variable })
    }
}

fn first(
    variable: &impl Fn(&str) -> Option<String>,
    names: [&'static str; 2],
) -> Option<(&'static str, String)> {
    names.into_iter().find_map(|it| Some((it, variable(it)?)))
}

/// What cannot be read would be passed over in silence by the matcher, and the
/// way out would be another one than the one that was asked for.
fn value(
    variable: &impl Fn(&str) -> Option<String>,
    names: [&'static str; 2],
) -> Result<(&'static str, String), RoadError> {
    let Some((name, text)) = first(variable, names) else {
        return Ok(("", String::new()));
    };
    if !text.is_empty() && anywhere(&text, "").is_none() {
        return Err(RoadError::NoProxy { variable: name });
    }
    Ok((name, text))
}

fn anywhere(text: &str, no: &str) -> Option<Intercept> {
    let matcher = Matcher::builder().all(text).no(no).build();
    matcher.intercept(&http::Uri::from_static("https://host.invalid/"))
}

fn not_socks(variable: &'static str, text: &str, no: &str) -> Result<(), RoadError> {
    let scheme = anywhere(text, no).and_then(|it| it.uri().scheme_str().map(str::to_owned));
    match scheme {
        Some(scheme) if scheme.starts_with("socks") => Err(RoadError::Socks { variable, scheme }),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn set(variables: &[(&'static str, &'static str)]) -> Result<Proxies, RoadError> {
        Proxies::find(&|name: &str| {
            let found = variables.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn way(proxies: &Proxies, to: &'static str) -> Option<String> {
        proxies
            .intercept(&http::Uri::from_static(to))
            .map(|it| it.to_string())
    }

    #[test]
    fn each_scheme_has_its_variable_and_sockets_go_the_same_way() {
        let found = set(&[
            ("HTTPS_PROXY", "http://secure:1"),
            ("http_proxy", "plain:2"),
        ]);
        let found = found.unwrap();
        for to in ["https://sts.amazonaws.com/", "wss://x.execute-api/live"] {
            assert_eq!(way(&found, to).as_deref(), Some("http://secure:1"));
        }
        for to in ["http://cloud:3100/", "ws://cloud:1/live"] {
            assert_eq!(way(&found, to).as_deref(), Some("http://plain:2"));
        }
        let found = set(&[("all_proxy", "https://all:3")]).unwrap();
        assert_eq!(
            way(&found, "wss://x/live").as_deref(),
            Some("https://all:3")
        );
    }

    #[test]
    fn what_is_on_this_machine_or_excepted_needs_no_proxy() {
        let found = set(&[
            ("ALL_PROXY", "http://p:1"),
            ("NO_PROXY", ".corp.example, 10.0.0.0/8"),
        ]);
        let found = found.unwrap();
        for to in [
            "http://127.0.0.1:3100/",
            "http://localhost:3100/",
            "http://[::1]:3100/",
            "ws://127.0.0.1:4000/live",
            "http://169.254.169.254/latest",
            "https://sts.corp.example/",
            "https://10.1.2.3/",
        ] {
            assert_eq!(way(&found, to), None, "{to}");
        }
        assert!(way(&found, "https://11.1.2.3/").is_some());
        assert!(way(&set(&[]).unwrap(), "https://11.1.2.3/").is_none());
    }

    #[test]
    fn a_password_is_handed_on_and_never_shown() {
        let found = set(&[("HTTPS_PROXY", "http://ada:p%40ss@p:1")]).unwrap();
        let proxy = found
            .intercept(&http::Uri::from_static("https://x/"))
            .unwrap();
        // ada:p@ss
        assert_eq!(proxy.authorization().unwrap(), "Basic YWRhOnBAc3M=");
        for said in [
            format!("{proxy} {proxy:?} {found:?}"),
            proxy.refusal("x:443", 407),
        ] {
            assert!(!said.contains("p@ss") && !said.contains("p%40ss"), "{said}");
        }
    }

    #[test]
    fn what_is_no_http_proxy_is_refused_by_the_name_of_its_variable() {
        let said = |variables: &[_]| set(variables).unwrap_err().to_string();
        let odd = said(&[("https_proxy", "ftp://secret@x")]);
        assert!(
            odd.starts_with("https_proxy is no proxy's address"),
            "{odd}"
        );
        assert!(!odd.contains("secret"));
        let socks = said(&[("ALL_PROXY", "socks5h://x:1080")]);
        assert!(
            socks.starts_with("ALL_PROXY names a socks5h proxy"),
            "{socks}"
        );
        // Not asked for by anybody.
        let both = [
            ("ALL_PROXY", "socks5://x:1080"),
            ("HTTPS_PROXY", "http://p:1"),
            ("HTTP_PROXY", "http://p:1"),
        ];
        assert!(set(&both).is_ok());
        assert!(set(&[("ALL_PROXY", "socks5://x:1"), ("NO_PROXY", "*")]).is_ok());
    }
}
