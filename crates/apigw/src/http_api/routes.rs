//! Which route takes a request.

use percent_encoding::percent_decode_str;
use std::cmp::Reverse;
use std::fmt;

/// The route that takes what no other takes.
pub const DEFAULT: &str = "$default";

/// `GET /pets/{id}`, `ANY /{proxy+}`, `$default`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteKey {
    /// `$default`
    Default,
    /// A method and a path.
    Route {
        /// `GET`; none is `ANY`.
        method: Option<String>,
        /// As it was written.
        path: String,
    },
}

/// What is no route key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteKeyError {
    /// There is no path in it.
    #[error("{0:?} is no route: write a method and a path (GET /pets/{{id}}), or $default")]
    Shape(String),
    /// Something follows a greedy variable, or there are two.
    #[error(
        "the route {0:?} goes on after its greedy variable: {{name+}} must be its last segment"
    )]
    Greedy(String),
}

/// The routes of an API.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routes(Vec<RouteKey>);

/// The route that takes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Its place in what [`Routes::new`] got.
    pub index: usize,
    /// Its variables, decoded, in their order.
    pub path_parameters: Vec<(String, String)>,
}

/// One part of a route's path.
#[derive(Debug, PartialEq, Eq)]
enum Segment<'a> {
    Literal(&'a str),
    Variable(&'a str),
    Greedy(&'a str),
}

impl RouteKey {
    /// Reads a method and a path, `ANY` and `*` being all methods; `$default` stands in either.
    ///
    /// # Errors
    /// If the path does not begin with a slash, or its greedy variable is not the last segment.
    pub fn new(method: &str, path: &str) -> Result<Self, RouteKeyError> {
        if path == DEFAULT || method == DEFAULT {
            return Ok(Self::Default);
        }
        let shape = || RouteKeyError::Shape(format!("{method} {path}"));
        if !path.starts_with('/') || method.is_empty() {
            return Err(shape());
        }
        let mut parts = segments(path);
        if parts.any(|it| matches!(it, Segment::Greedy(_))) && parts.next().is_some() {
            return Err(RouteKeyError::Greedy(path.to_owned()));
        }
        let method = method.to_ascii_uppercase();
        Ok(Self::Route {
            method: (method != "ANY" && method != "*").then_some(method),
            path: path.to_owned(),
        })
    }

    /// Reads `GET /pets/{id}` or `$default`.
    ///
    /// # Errors
    /// See [`RouteKey::new`].
    pub fn parse(key: &str) -> Result<Self, RouteKeyError> {
        match key.split_once(' ') {
            Some((method, path)) => Self::new(method, path.trim()),
            None if key == DEFAULT => Ok(Self::Default),
            None => Err(RouteKeyError::Shape(key.to_owned())),
        }
    }

    /// `/pets/{id}`, `$default`
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Default => DEFAULT,
            Self::Route { path, .. } => path,
        }
    }

    /// The variables of a path that this route takes.
    fn take(&self, method: &str, path: &str) -> Option<Vec<(String, String)>> {
        match self {
            Self::Default => Some(Vec::new()),
            Self::Route {
                method: own,
                path: pattern,
            } => {
                let takes = own.as_deref().is_none_or(|own| own == method);
                takes.then(|| variables(pattern, path))?
            }
        }
    }

    /// Greater is better: a full match before a greedy one before `$default`; among the former
    /// literals before variables, from the left; then a method of its own before `ANY`.
    fn rank(&self) -> (u8, Reverse<Vec<u8>>, bool) {
        match self {
            Self::Default => (0, Reverse(Vec::new()), false),
            Self::Route { method, path } => {
                let kinds: Vec<u8> = segments(path).map(|it| it.kind()).collect();
                let full = !kinds.contains(&2);
                (1 + u8::from(full), Reverse(kinds), method.is_some())
            }
        }
    }
}

impl fmt::Display for RouteKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str(DEFAULT),
            Self::Route { method, path } => {
                write!(out, "{} {path}", method.as_deref().unwrap_or("ANY"))
            }
        }
    }
}

impl Segment<'_> {
    fn kind(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Variable(_) => 1,
            Self::Greedy(_) => 2,
        }
    }
}

impl Routes {
    /// All routes of an API.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = RouteKey>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// The route that takes a request whose path is [`Found::path`](super::Found::path): the most
    /// specific one
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>).
    /// None: 404, see [`not_found`](super::not_found).
    #[must_use]
    pub fn select(&self, method: &str, path: &str) -> Option<Match> {
        let routes = self.0.iter().enumerate();
        let takers = routes.filter_map(|(index, key)| Some((index, key, key.take(method, path)?)));
        // Of two that are equal the first one counts, which `max_by_key` would not keep.
        let best = takers.rev_max();
        best.map(|(index, _, path_parameters)| Match {
            index,
            path_parameters,
        })
    }
}

/// The greatest by [`RouteKey::rank`], and of equal ones the first.
trait Best<'a>: Iterator<Item = (usize, &'a RouteKey, Vec<(String, String)>)> + Sized {
    fn rev_max(self) -> Option<Self::Item> {
        self.fold(None, |best: Option<Self::Item>, next| match best {
            Some(best) if best.1.rank() >= next.1.rank() => Some(best),
            _ => Some(next),
        })
    }
}

impl<'a, I: Iterator<Item = (usize, &'a RouteKey, Vec<(String, String)>)>> Best<'a> for I {}

fn segments(path: &str) -> impl Iterator<Item = Segment<'_>> {
    path.split('/').skip(1).map(|part| {
        let inner = part.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
        match inner.map(|name| name.strip_suffix('+').ok_or(name)) {
            None => Segment::Literal(part),
            Some(Ok(name)) => Segment::Greedy(name),
            Some(Err(name)) => Segment::Variable(name),
        }
    })
}

/// A variable needs something to stand for; a greedy one also takes the nothing behind a last
/// slash (captured: `/handler/` reaches `ANY /handler/{proxy+}` with `"proxy": ""`), but never no
/// segment at all.
fn variables(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = path.strip_prefix('/');
    for segment in segments(pattern) {
        let left = rest?;
        if let Segment::Greedy(name) = segment {
            found.push((name.to_owned(), left.to_owned()));
            return Some(found);
        }
        let (part, behind) = match left.split_once('/') {
            Some((part, behind)) => (part, Some(behind)),
            None => (left, None),
        };
        match segment {
            Segment::Literal(literal) if literal == part => {}
            Segment::Variable(name) if !part.is_empty() => {
                found.push((name.to_owned(), part.to_owned()));
            }
            _ => return None,
        }
        rest = behind;
    }
    rest.is_none().then_some(found)
}

/// A path as HTTP APIs see it before anything else: decoded, an encoded slash becoming one more
/// (<https://github.com/honojs/hono/issues/2156>), and cut at an encoded question mark
/// (<https://github.com/middleapi/standard-server/pull/93>). REST APIs and function URLs keep it.
pub(crate) fn decoded(path: &str) -> String {
    let path = percent_decode_str(path).decode_utf8_lossy();
    let end = path.find('?').unwrap_or(path.len());
    path.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn routes(keys: &[&str]) -> Routes {
        Routes::new(keys.iter().map(|key| RouteKey::parse(key).unwrap()))
    }

    fn chosen(keys: &[&str], method: &str, path: &str) -> Option<String> {
        let routes = routes(keys);
        let found = routes.select(method, path)?;
        Some(routes.0[found.index].to_string())
    }

    /// The table of the developer guide.
    #[test]
    fn a_full_match_wins_then_a_greedy_one_then_the_default_route() {
        let keys = [
            "$default",
            "ANY /{proxy+}",
            "GET /pets/{proxy+}",
            "GET /pets/dog/{id}",
            "GET /pets/dog/1",
        ];
        for (method, path, route) in [
            ("GET", "/pets/dog/1", "GET /pets/dog/1"),
            ("GET", "/pets/dog/2", "GET /pets/dog/{id}"),
            ("GET", "/pets/cat/1", "GET /pets/{proxy+}"),
            ("POST", "/test/5", "ANY /{proxy+}"),
            ("POST", "/pets/dog/1", "ANY /{proxy+}"),
        ] {
            assert_eq!(
                chosen(&keys, method, path).as_deref(),
                Some(route),
                "{path}"
            );
        }
        let few = ["$default", "GET /pets"];
        assert_eq!(chosen(&few, "POST", "/pets").as_deref(), Some("$default"));
    }

    #[test]
    fn nothing_that_matches_is_nothing() {
        assert_eq!(chosen(&["GET /pets"], "GET", "/dogs"), None);
        assert_eq!(chosen(&["GET /pets"], "POST", "/pets"), None);
        assert_eq!(chosen(&["GET /pets"], "GET", "/Pets"), None);
        assert_eq!(chosen(&["GET /pets"], "GET", "/pets/"), None);
        assert_eq!(chosen(&["GET /pets/{id}"], "GET", "/pets/"), None);
        assert_eq!(chosen(&["GET /pets/{id+}"], "GET", "/pets"), None);
        assert_eq!(chosen(&[], "GET", "/"), None);
    }

    #[test]
    fn a_method_of_its_own_wins_over_any() {
        let keys = ["ANY /pets", "GET /pets"];
        assert_eq!(chosen(&keys, "GET", "/pets").as_deref(), Some("GET /pets"));
        assert_eq!(chosen(&keys, "PUT", "/pets").as_deref(), Some("ANY /pets"));
        // Where the path is nearer, the method does not matter.
        let keys = ["GET /pets/{id}", "ANY /pets/dog"];
        assert_eq!(
            chosen(&keys, "GET", "/pets/dog").as_deref(),
            Some("ANY /pets/dog")
        );
    }

    #[test]
    fn variables_are_what_stands_in_their_place() {
        let found = routes(&["GET /a/{x}/b/{rest+}"])
            .select("GET", "/a/1/b/2/3")
            .unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(found.path_parameters, [pair("x", "1"), pair("rest", "2/3")]);
        let found = routes(&["ANY /handler/{proxy+}"])
            .select("POST", "/handler/")
            .unwrap();
        assert_eq!(found.path_parameters, [pair("proxy", "")]);
        let found = routes(&["ANY /{proxy+}"]).select("GET", "//a//b/").unwrap();
        assert_eq!(found.path_parameters, [pair("proxy", "/a//b/")]);
    }

    #[test]
    fn paths_are_decoded_before_they_are_routed() {
        assert_eq!(decoded("/a%20b/c%2Bd+e"), "/a b/c+d+e");
        assert_eq!(decoded("/a%2Fb"), "/a/b");
        assert_eq!(decoded("/me%3Fadmin=1"), "/me");
        assert_eq!(decoded("/%zz%"), "/%zz%");
        assert_eq!(decoded("/%ff"), "/\u{fffd}");
    }

    #[test]
    fn what_is_no_route_is_named() {
        for key in ["", "GET", "pets", "GET pets", " /pets", "GET "] {
            assert!(
                matches!(RouteKey::parse(key), Err(RouteKeyError::Shape(_))),
                "{key}"
            );
        }
        for key in ["GET /{a+}/b", "GET /{a+}/{b+}"] {
            assert!(
                matches!(RouteKey::parse(key), Err(RouteKeyError::Greedy(_))),
                "{key}"
            );
        }
        assert_eq!(RouteKey::new("$default", ""), Ok(RouteKey::Default));
        assert_eq!(RouteKey::new("*", "/a").unwrap().to_string(), "ANY /a");
        assert_eq!(RouteKey::new("get", "/a").unwrap().to_string(), "GET /a");
    }

    proptest! {
        #[test]
        fn a_route_key_prints_as_it_was_read(key in "(GET|ANY|PATCH) (/[a-z{}+]{0,6}){1,4}") {
            if let Ok(parsed) = RouteKey::parse(&key) {
                prop_assert_eq!(parsed.to_string(), key);
            }
        }

        #[test]
        fn what_a_route_takes_can_be_put_together_again(
            first in "[a-z ]{1,5}", rest in "[a-z/]{0,8}",
        ) {
            let path = format!("/p/{first}/{rest}");
            let found = routes(&["GET /p/{first}/{rest+}"]).select("GET", &path).unwrap();
            let values: Vec<&str> = found.path_parameters.iter().map(|it| it.1.as_str()).collect();
            prop_assert_eq!(values, [first.as_str(), rest.as_str()]);
        }

        #[test]
        fn no_path_is_too_strange(method in ".{0,8}", path in ".{0,40}", pattern in "[/a{}+$]{0,12}") {
            if let Ok(key) = RouteKey::new("ANY", &pattern) {
                let _ = Routes::new([key]).select(&method, &decoded(&path));
            }
        }
    }
}
