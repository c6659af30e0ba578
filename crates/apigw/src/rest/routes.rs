//! Which stage and which method a path selects.

use std::collections::HashMap;

/// A method of a resource, as an API declares it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Method {
    /// `GET`; `ANY` for each that has none of its own.
    pub method: String,
    /// `/pets/{id}`, `/{proxy+}`
    pub path: String,
    /// `a1b2c3`
    pub resource_id: String,
    /// `ListPets`, if it has one.
    pub operation_name: Option<String>,
}

/// A request's path, taken apart. Nothing of it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StagePath<'a> {
    /// `/Prod//pets/`: `requestContext.path`.
    pub whole: &'a str,
    /// `/pets/`: the event's `path`.
    pub inner: &'a str,
}

/// Finds the stage in a path: its first segment.
///
/// `None` if the API has no stage of that name, which is a 403 of its own
/// ([`FaultKind::NoStage`](super::FaultKind::NoStage)). Slashes before the stage are one in both
/// paths, those behind it are one in [`StagePath::inner`] alone, as recorded by LocalStack's
/// `test_lambda_aws_proxy_integration`.
#[must_use]
pub fn take_stage<'a, 's>(
    path: &'a str,
    stages: impl IntoIterator<Item = &'s str>,
) -> Option<(&'s str, StagePath<'a>)> {
    let whole = single_leading_slash(path)?;
    let behind = whole.strip_prefix('/')?;
    let end = behind.find('/').unwrap_or(behind.len());
    let (name, rest) = behind.split_at(end);
    let stage = stages.into_iter().find(|stage| *stage == name)?;
    let inner = single_leading_slash(rest).unwrap_or("/");
    Some((stage, StagePath { whole, inner }))
}

/// `///a` as `/a`; none for what does not begin with a slash.
fn single_leading_slash(path: &str) -> Option<&str> {
    let slashes = path.len() - path.trim_start_matches('/').len();
    path.get(slashes.checked_sub(1)?..)
}

/// The methods of an API, by path.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    methods: Vec<Method>,
    root: Node,
}

/// A resource: what comes below it, and its methods.
#[derive(Debug, Clone, Default)]
struct Node {
    named: HashMap<String, Node>,
    /// `{id}`: by its name.
    any: Vec<(String, Node)>,
    /// `{proxy+}`: by its name, with its methods.
    rest: Vec<(String, Methods)>,
    methods: Methods,
}

/// Places in [`Routes::methods`], by the method's name.
type Methods = HashMap<String, usize>;

/// The method that answers a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched<'a> {
    /// Where it stands among those given to [`Routes::new`].
    pub index: usize,
    /// It.
    pub method: &'a Method,
    /// What stands at `{id}` and `{proxy+}`, in the path's order, not decoded.
    pub path_parameters: Vec<(&'a str, String)>,
}

impl Routes {
    /// Compiles what an API declares. Of two of the same method and path the later holds.
    #[must_use]
    pub fn new(methods: Vec<Method>) -> Self {
        let mut root = Node::default();
        for (index, method) in methods.iter().enumerate() {
            let below = root.below(&method.path);
            below.insert(method.method.to_ascii_uppercase(), index);
        }
        Self { methods, root }
    }

    /// The method that answers; none: [`FaultKind::MissingAuthenticationToken`](super::FaultKind::MissingAuthenticationToken).
    ///
    /// `path` is [`StagePath::inner`]. A static segment goes before `{id}`, and that before
    /// `{proxy+}`; a resource that does not have the method leaves it to the next
    /// (recorded by LocalStack's `test_proxy_routing_with_hardcoded_resource_sibling`), and its
    /// own method goes before `ANY`.
    #[must_use]
    pub fn find(&self, method: &str, path: &str) -> Option<Matched<'_>> {
        let path = path.trim_end_matches('/');
        let path = path.strip_prefix('/').unwrap_or(path);
        let mut taken = Vec::new();
        let index = self.root.find(method, path, &mut taken)?;
        Some(Matched {
            index,
            method: self.methods.get(index)?,
            path_parameters: taken,
        })
    }
}

impl Node {
    /// The methods of the resource at a declared path.
    fn below(&mut self, path: &str) -> &mut Methods {
        let mut node = self;
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            match variable(segment) {
                None => node = node.named.entry(segment.to_owned()).or_default(),
                Some((name, false)) => node = child(&mut node.any, name),
                Some((name, true)) => return child(&mut node.rest, name),
            }
        }
        &mut node.methods
    }

    /// `path` is what is left of the request's, without a slash before it.
    fn find<'a>(
        &'a self,
        method: &str,
        path: &str,
        taken: &mut Vec<(&'a str, String)>,
    ) -> Option<usize> {
        if path.is_empty() {
            return pick(&self.methods, method);
        }
        let (segment, left) = path.split_once('/').unwrap_or((path, ""));
        let named = self.named.get(segment);
        if let Some(index) = named.and_then(|node| node.find(method, left, taken)) {
            return Some(index);
        }
        for (name, node) in self.any.iter().filter(|_| !segment.is_empty()) {
            taken.push((name, segment.to_owned()));
            if let Some(index) = node.find(method, left, taken) {
                return Some(index);
            }
            taken.pop();
        }
        self.rest.iter().find_map(|(name, methods)| {
            let index = pick(methods, method)?;
            taken.push((name, path.to_owned()));
            Some(index)
        })
    }
}

/// `{id}` as `id`, and whether it takes all that is left: `{proxy+}`.
fn variable(segment: &str) -> Option<(&str, bool)> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    Some(match name.strip_suffix('+') {
        Some(name) => (name, true),
        None => (name, false),
    })
}

fn child<'a, T: Default>(children: &'a mut Vec<(String, T)>, name: &str) -> &'a mut T {
    let at = children.iter().position(|(other, _)| other == name);
    let at = at.unwrap_or_else(|| {
        children.push((name.to_owned(), T::default()));
        children.len() - 1
    });
    &mut children[at].1
}

fn pick(methods: &Methods, method: &str) -> Option<usize> {
    methods.get(method).or_else(|| methods.get("ANY")).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn routes(declared: &[&str]) -> Routes {
        let method = |line: &&str| {
            let (method, path) = line.split_once(' ').unwrap();
            Method {
                method: method.to_owned(),
                path: path.to_owned(),
                ..Method::default()
            }
        };
        Routes::new(declared.iter().map(method).collect())
    }

    /// `GET /pets/{id} id=7`
    fn found(routes: &Routes, request: &str) -> String {
        let (method, path) = request.split_once(' ').unwrap();
        let Some(found) = routes.find(method, path) else {
            return "none".to_owned();
        };
        let mut line = format!("{} {}", found.method.method, found.method.path);
        for (name, value) in &found.path_parameters {
            line += &format!(" {name}={value}");
        }
        line
    }

    #[test]
    fn a_static_segment_goes_before_a_parameter_and_that_before_the_rest() {
        let routes = routes(&["GET /{proxy+}", "GET /pets/{id}", "GET /pets/new", "GET /"]);
        assert_eq!(found(&routes, "GET /"), "GET /");
        assert_eq!(found(&routes, "GET /pets/new"), "GET /pets/new");
        assert_eq!(found(&routes, "GET /pets/7"), "GET /pets/{id} id=7");
        assert_eq!(found(&routes, "GET /pets"), "GET /{proxy+} proxy=pets");
        assert_eq!(
            found(&routes, "GET /pets/7/x"),
            "GET /{proxy+} proxy=pets/7/x"
        );
    }

    #[test]
    fn a_branch_that_ends_in_nothing_is_left_again() {
        let routes = routes(&["GET /a/{x}/c", "GET /{y}/b/d", "GET /{z}/{rest+}"]);
        assert_eq!(found(&routes, "GET /a/b/c"), "GET /a/{x}/c x=b");
        assert_eq!(found(&routes, "GET /a/b/d"), "GET /{y}/b/d y=a");
        assert_eq!(
            found(&routes, "GET /a/b/e"),
            "GET /{z}/{rest+} z=a rest=b/e"
        );
    }

    /// LocalStack's `test_proxy_routing_with_hardcoded_resource_sibling`, against AWS.
    #[test]
    fn a_resource_without_the_method_leaves_it_to_the_next() {
        let routes = routes(&["POST /test", "ANY /test/any", "OPTIONS /{proxy+}"]);
        assert_eq!(found(&routes, "POST /test"), "POST /test");
        assert_eq!(
            found(&routes, "OPTIONS /test"),
            "OPTIONS /{proxy+} proxy=test"
        );
        assert_eq!(found(&routes, "OPTIONS /test/any"), "ANY /test/any");
        assert_eq!(found(&routes, "GET /test/any"), "ANY /test/any");
        assert_eq!(found(&routes, "GET /test"), "none");
    }

    #[test]
    fn a_method_of_its_own_goes_before_any() {
        let routes = routes(&["ANY /pets", "GET /pets", "get /lower"]);
        assert_eq!(found(&routes, "GET /pets"), "GET /pets");
        assert_eq!(found(&routes, "PATCH /pets"), "ANY /pets");
        assert_eq!(found(&routes, "GET /lower"), "get /lower");
        assert_eq!(found(&routes, "get /pets"), "ANY /pets");
    }

    #[test]
    fn slashes_at_the_end_do_not_count_and_those_within_do() {
        let routes = routes(&["GET /pets", "GET /files/{proxy+}", "GET /a/{b}/c"]);
        assert_eq!(found(&routes, "GET /pets/"), "GET /pets");
        assert_eq!(found(&routes, "GET /pets//"), "GET /pets");
        assert_eq!(
            found(&routes, "GET /files/x//y/"),
            "GET /files/{proxy+} proxy=x//y"
        );
        assert_eq!(
            found(&routes, "GET /files//x"),
            "GET /files/{proxy+} proxy=/x"
        );
        assert_eq!(found(&routes, "GET /files/"), "none");
        assert_eq!(found(&routes, "GET /a//c"), "none");
    }

    #[test]
    fn parameters_stay_as_they_were_sent() {
        let routes = routes(&["GET /pets/{id}", "GET /files/{proxy+}"]);
        assert_eq!(found(&routes, "GET /pets/a%2Fb"), "GET /pets/{id} id=a%2Fb");
        assert_eq!(
            found(&routes, "GET /pets/a%20b+c"),
            "GET /pets/{id} id=a%20b+c"
        );
        let mail = "GET /files/test%2Balias@gmail.com";
        let taken = "GET /files/{proxy+} proxy=test%2Balias@gmail.com";
        assert_eq!(found(&routes, mail), taken);
    }

    #[test]
    fn names_are_case_sensitive_and_an_api_without_methods_answers_nothing() {
        assert_eq!(found(&routes(&["GET /pets"]), "GET /Pets"), "none");
        assert_eq!(found(&routes(&[]), "GET /"), "none");
    }

    #[test]
    fn of_two_of_the_same_the_later_holds() {
        let routes = routes(&["GET /a", "GET /a"]);
        assert_eq!(routes.find("GET", "/a").unwrap().index, 1);
    }

    fn taken(path: &str) -> Option<(&str, &str, &str)> {
        let (stage, path) = take_stage(path, ["Prod", "dev"])?;
        Some((stage, path.whole, path.inner))
    }

    #[test]
    fn the_stage_is_the_first_segment() {
        assert_eq!(taken("/Prod/a/b/"), Some(("Prod", "/Prod/a/b/", "/a/b/")));
        assert_eq!(taken("/dev"), Some(("dev", "/dev", "/")));
        assert_eq!(taken("/dev/"), Some(("dev", "/dev/", "/")));
        for path in ["/", "", "/prod/a", "/Production/a", "dev/a", "/%64ev/a"] {
            assert_eq!(taken(path), None, "{path}");
        }
    }

    /// LocalStack's `test_lambda_aws_proxy_integration`, against AWS.
    #[test]
    fn slashes_around_the_stage_are_one_for_routing() {
        assert_eq!(taken("//dev/a"), Some(("dev", "/dev/a", "/a")));
        assert_eq!(taken("/dev//a"), Some(("dev", "/dev//a", "/a")));
        assert_eq!(taken("/dev///"), Some(("dev", "/dev///", "/")));
    }

    proptest! {
        #[test]
        fn no_path_is_too_strange(path in "[/a%{}+é]{0,12}", method in "[A-Z]{0,4}") {
            let routes = routes(&["GET /a/{b}", "ANY /{a}/a", "GET /a/{rest+}", "ANY /"]);
            let _ = routes.find(&method, &path);
            let _ = take_stage(&path, ["a"]);
        }
    }
}
