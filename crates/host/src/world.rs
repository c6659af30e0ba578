//! What a function's process finds around itself: what Lambda tells a function,
//! the function's own variables, and the little that it has of the developer
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>).

use crate::launch::developers_part;
use std::collections::BTreeMap;
use std::path::Path;
use tether_protocol::Environment;
use tether_runtime_api::environment::{CREDENTIALS, FUNCTION_VERSION, HANDLER};
use tether_runtime_api::runtimes::{Date, Language};

/// What Lambda would know of a function that nobody has deployed.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Its name.
    pub name: &'a str,
    /// `python3.13`
    pub runtime: &'a str,
    /// Its memory, in MB.
    pub memory_mb: u32,
    /// `eu-west-1`
    pub region: &'a str,
}

/// What Lambda tells a function of itself. A deployed one has been told by
/// Lambda, and brings it along.
#[must_use]
pub fn of_lambda(about: &About<'_>) -> BTreeMap<String, String> {
    let name = about.name.to_owned();
    let mut variables = BTreeMap::from(
        [
            ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
            (FUNCTION_VERSION, "$LATEST".to_owned()),
            (
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                about.memory_mb.to_string(),
            ),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
            ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_REGION", about.region.to_owned()),
            ("AWS_DEFAULT_REGION", about.region.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    // "not defined for functions that use the OS-only runtimes".
    if Language::of(about.runtime) != Some(Language::Provided) {
        let value = format!("AWS_Lambda_{}", about.runtime);
        variables.insert("AWS_EXECUTION_ENV".to_owned(), value);
    }
    variables
}

/// `2026/11/26/[$LATEST]0123…`: each environment writes one of its own.
fn log_stream() -> String {
    let day = Date::of_milliseconds(crate::now().0);
    let day = day.to_string().replace('-', "/");
    let mut random = [0; 16];
    // Without randomness it is the same one again.
    let _ = getrandom::fill(&mut random);
    let id: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{day}/[$LATEST]{id}")
}

/// What Lambda sets unless the function says otherwise. Only what is the same
/// on any machine: `PATH` and the libraries are the developer's.
const DEFAULTS: [(&str, &str); 3] = [
    ("LANG", "en_US.UTF-8"),
    ("TZ", ":UTC"),
    ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
];

/// Variables that list folders: the function's own come first, and do not take
/// the place of those that it is started with.
const LISTS: [&str; 7] = [
    "PATH",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "NODE_PATH",
    "GEM_PATH",
    "RUBYLIB",
    "CLASSPATH",
];

/// The environment of a process: all of it, but for the Runtime API's address.
pub(crate) fn environment(
    handler: &str,
    code: &Path,
    variables: &Environment,
    of_start: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let own = variables.expose();
    let mut environment = developers_part();
    if own.contains_key("AWS_PROFILE") {
        // A profile that is named wins over keys in the environment.
        for name in CREDENTIALS {
            environment.remove(name);
        }
    }
    environment.extend(of_function(handler, code, variables));
    for (name, value) in of_start {
        let value = match own.get(&name).filter(|_| LISTS.contains(&name.as_str())) {
            Some(first) => both(first, &value),
            None => value,
        };
        environment.insert(name, value);
    }
    environment
}

/// The part of it that is the function's, and Lambda's.
pub(crate) fn of_function(
    handler: &str,
    code: &Path,
    variables: &Environment,
) -> BTreeMap<String, String> {
    let defaults = DEFAULTS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut environment = BTreeMap::from(defaults);
    environment.extend(variables.expose().clone());
    environment.insert(HANDLER.to_owned(), handler.to_owned());
    let root = code.display().to_string();
    environment.insert("LAMBDA_TASK_ROOT".to_owned(), root);
    environment
}

fn both(first: &str, then: &str) -> String {
    let folders = std::env::split_paths(first).chain(std::env::split_paths(then));
    let joined = std::env::join_paths(folders).ok();
    let joined = joined.and_then(|it| it.into_string().ok());
    joined.unwrap_or_else(|| first.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use tether_protocol::Secret;

    fn variables<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn environment_of<const N: usize>(
        own: [(&str, &str); N],
        start: BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let own = Secret::new(variables(own));
        environment("app.handler", Path::new("/code"), &own, start)
    }

    #[test]
    fn a_function_is_told_what_lambda_tells() {
        let told = |runtime| {
            of_lambda(&About {
                name: "hello",
                runtime,
                memory_mb: 256,
                region: "eu-west-1",
            })
        };
        let python = told("python3.13");
        assert_eq!(python["AWS_EXECUTION_ENV"], "AWS_Lambda_python3.13");
        assert_eq!(python["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "256");
        assert_eq!(python["AWS_DEFAULT_REGION"], "eu-west-1");
        let (day, id) = python["AWS_LAMBDA_LOG_STREAM_NAME"]
            .split_once("/[$LATEST]")
            .unwrap();
        assert_eq!((day.len(), id.len()), (10, 32));
        assert!(!told("provided.al2023").contains_key("AWS_EXECUTION_ENV"));
    }

    #[test]
    fn the_functions_own_word_counts_but_for_what_is_reserved() {
        let environment = environment_of(
            [("TZ", "Europe/Berlin"), ("_HANDLER", "other.handler")],
            BTreeMap::new(),
        );
        assert_eq!(environment["TZ"], "Europe/Berlin");
        assert_eq!(environment["LANG"], "en_US.UTF-8");
        assert_eq!(environment["_HANDLER"], "app.handler");
        assert_eq!(environment["LAMBDA_TASK_ROOT"], "/code");
    }

    #[test]
    #[cfg(unix)]
    fn lists_of_folders_are_joined_with_the_functions_own_first() {
        let start = variables([("PYTHONPATH", "/layer"), ("ONE", "start")]);
        let environment = environment_of([("PYTHONPATH", "/var/task/lib"), ("ONE", "own")], start);
        assert_eq!(environment["PYTHONPATH"], "/var/task/lib:/layer");
        assert_eq!(environment["ONE"], "start");
    }

    #[test]
    fn of_the_developer_only_what_is_named_gets_in() {
        // What this test itself was started with is marked enough.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        let environment = environment_of([], BTreeMap::new());
        assert!(!environment.keys().any(|it| it.starts_with("CARGO")));
        assert!(environment.contains_key("PATH"));
    }
}
