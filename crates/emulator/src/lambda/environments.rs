//! How a deployed function's process is started: what Lambda's own bootstrap
//! script does, wrapper and layers included.

use super::Lambda;
use super::configuration::Configuration;
use super::tap::Tap;
use super::version::{Code, Revision};
use crate::{files, id};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tether_host::{ExecutionEnvironment, Launch, node, python};
use tether_protocol::Secret;
use tether_runtime_api::ErrorObject;
use tether_runtime_api::environment::HANDLER;

/// Started in front of the runtime of managed runtimes
/// (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html>).
const WRAPPER: &str = "AWS_LAMBDA_EXEC_WRAPPER";

/// Where a function's environments are made: its code and `/opt` folders are
/// laid out here.
#[derive(Clone, Debug)]
pub(crate) struct Workshop {
    pub(crate) folder: PathBuf,
}

impl Workshop {
    /// Starts a process. The error is the caller's: a function that cannot be
    /// started is one that failed.
    pub(crate) async fn start(
        &self,
        lambda: &Lambda,
        revision: &Revision,
        tap: &Arc<Tap>,
        request_id: &str,
    ) -> Result<ExecutionEnvironment, ErrorObject> {
        let exited = |how: String| ErrorObject::exited(request_id, &how);
        let configuration = &revision.configuration;
        let opt = self
            .opt(lambda, configuration)
            .map_err(|error| exited(error.to_string()))?;
        lambda.iam.check_logs(configuration);
        match start(lambda, configuration, &revision.code, &opt) {
            Start::Launch(launch) => ExecutionEnvironment::start(&launch, &tap.sink())
                .await
                .map_err(|error| exited(format!("{}: {error}", launch.program.display()))),
            Start::Dead { log, code } => {
                tap.say(log);
                Err(exited(format!("exit status {code}")))
            }
        }
    }

    /// `/opt`: the layers one over the other, the last one on top.
    fn opt(&self, lambda: &Lambda, configuration: &Configuration) -> std::io::Result<PathBuf> {
        let layers: Vec<&str> = configuration
            .layers
            .iter()
            .map(|it| it.arn.as_str())
            .collect();
        let name = id::stable(&layers.join("\n"), 16, id::LOWER);
        let opt = self.folder.join("opt").join(name);
        if opt.is_dir() {
            return Ok(opt);
        }
        let unfinished = self.folder.join(format!("opt-{}", id::uuid()));
        std::fs::create_dir_all(&unfinished)?;
        for arn in layers {
            if let Some(content) = lambda.layers.content(arn) {
                files::copy(&content, &unfinished)?;
            }
        }
        std::fs::create_dir_all(self.folder.join("opt"))?;
        // Somebody else may have been first with the same.
        if std::fs::rename(&unfinished, &opt).is_err() && !opt.is_dir() {
            return Err(std::io::Error::other("the layers could not be laid out"));
        }
        Ok(opt)
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html>
const LOGGING: [(&str, &str); 2] = [
    ("AWS_LAMBDA_LOG_FORMAT", "LogFormat"),
    ("AWS_LAMBDA_LOG_LEVEL", "ApplicationLogLevel"),
];

/// What comes of a start.
enum Start {
    /// This process.
    Launch(Box<Launch>),
    /// Lambda's bootstrap script gives up: it prints this and exits so.
    Dead { log: String, code: i32 },
}

/// Says how to start a function. `opt` is the folder of its layers.
fn start(lambda: &Lambda, configuration: &Configuration, code: &Code, opt: &Path) -> Start {
    let runtime = command(lambda, configuration, code, opt);
    let (program, arguments) = match runtime {
        Ok(command) => command,
        Err(log) => return Start::Dead { log, code: 1 },
    };
    let wrapper = configuration.environment.expose().get(WRAPPER);
    let managed = !configuration.runtime.starts_with("provided");
    let (program, arguments) = match wrapper.filter(|it| managed && !it.is_empty()) {
        None => (program, arguments),
        Some(wrapper) => {
            let file = inside(wrapper, code, opt);
            if let Err((log, code)) = check_wrapper(wrapper, &file) {
                return Start::Dead { log, code };
            }
            let mut all = vec![program.into_os_string()];
            all.extend(arguments);
            (file, all)
        }
    };
    Start::Launch(Box::new(Launch {
        label: configuration.function_name.as_str().into(),
        program,
        arguments,
        environment: Secret::new(variables(lambda, configuration, code, opt)),
        directory: code.root.clone(),
    }))
}

/// The runtime's own command, as behind the wrapper on Lambda: interpreter,
/// then the runtime's script.
fn command(
    lambda: &Lambda,
    configuration: &Configuration,
    code: &Code,
    opt: &Path,
) -> Result<(PathBuf, Vec<OsString>), String> {
    if configuration.runtime.starts_with("provided") {
        // "If there's a file named bootstrap in your deployment package,
        // Lambda runs that file. If not, … layers"
        // (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html>).
        return [code.root.join("bootstrap"), opt.join("bootstrap")]
            .into_iter()
            .find(|file| file.is_file())
            .map(|file| (file, Vec::new()))
            .ok_or_else(|| {
                "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]".to_owned()
            });
    }
    let Some(interpreter) = code.interpreter.clone() else {
        return Err(format!("tether cannot run {} yet", configuration.runtime));
    };
    let (flags, script) = if is_node(&configuration.runtime) {
        (NODE_FLAGS.as_slice(), lambda.clients.node())
    } else {
        (NO_FLAGS.as_slice(), lambda.clients.python())
    };
    let mut arguments: Vec<OsString> = flags.iter().map(Into::into).collect();
    arguments.push(script.into_os_string());
    Ok((interpreter, arguments))
}

const NO_FLAGS: [&str; 0] = [];

/// What Lambda's script gives Node, apart from the sizes of its heap, which
/// are a matter of the function's memory.
const NODE_FLAGS: [&str; 3] = ["--expose-gc", "--max-http-header-size", "81920"];

fn is_node(runtime: &str) -> bool {
    runtime.starts_with("nodejs")
}

/// Lambda's script: 127 if the file is not there, 126 if it is not executable.
fn check_wrapper(wrapper: &str, file: &Path) -> Result<(), (String, i32)> {
    if !file.is_file() {
        return Err((format!("{wrapper}: does not exist"), 127));
    }
    if !is_executable(file) {
        return Err((format!("{wrapper}: is not an executable"), 126));
    }
    Ok(())
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata()
        .is_ok_and(|about| about.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    true
}

/// `/opt/…` and `/var/task/…` as they stand on this machine.
fn inside(path: &str, code: &Code, opt: &Path) -> PathBuf {
    for (prefix, folder) in [("/opt/", opt), ("/var/task/", code.root.as_path())] {
        if let Some(rest) = path.strip_prefix(prefix) {
            return folder.join(rest);
        }
    }
    PathBuf::from(path)
}

fn variables(
    lambda: &Lambda,
    configuration: &Configuration,
    code: &Code,
    opt: &Path,
) -> BTreeMap<String, String> {
    let name = &configuration.function_name;
    let date = super::configuration::last_modified();
    let day = date.get(..10).unwrap_or_default().replace('-', "/");
    let version = &configuration.version;
    let stream = format!("{day}/[{version}]{}", id::hex(&id::random::<16>()));
    let path = std::env::var("PATH").unwrap_or_default();
    let endpoint = format!("http://{}", lambda.endpoint);
    let defaults = [
        ("PATH", path),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("AWS_ENDPOINT_URL", endpoint),
        ("PYTHONPATH", opt.join("python").display().to_string()),
    ];
    let reserved = [
        (HANDLER, configuration.handler.clone()),
        ("LAMBDA_TASK_ROOT", code.root.display().to_string()),
        ("LAMBDA_RUNTIME_DIR", opt.display().to_string()),
        ("AWS_REGION", lambda.place.region.clone()),
        ("AWS_DEFAULT_REGION", lambda.place.region.clone()),
        ("AWS_EXECUTION_ENV", execution_env(&configuration.runtime)),
        ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", version.clone()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            configuration.memory_mb.to_string(),
        ),
        (
            "AWS_LAMBDA_LOG_GROUP_NAME",
            configuration.plain.log_group(name),
        ),
        ("AWS_LAMBDA_LOG_STREAM_NAME", stream),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        // Each environment has credentials of its own.
        (
            "AWS_ACCESS_KEY_ID",
            lambda.callers.issue(&configuration.role, name),
        ),
        ("AWS_SECRET_ACCESS_KEY", "emulated".to_owned()),
        ("AWS_SESSION_TOKEN", "emulated".to_owned()),
    ];
    let own = |(name, value): (&str, String)| (name.to_owned(), value);
    let mut variables: BTreeMap<String, String> = defaults.map(own).into();
    variables.extend(node_path(&configuration.runtime, code, opt));
    variables.extend(configuration.environment.expose().clone());
    variables.extend(reserved.map(own));
    // Only functions that have set them have these.
    for (name, member) in LOGGING {
        if let Some(value) = configuration.plain.logging(member) {
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    variables
}

/// Where Node looks for packages, the layers' for its own version first
/// (<https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html>).
fn node_path(runtime: &str, code: &Code, opt: &Path) -> Option<(String, String)> {
    let version = runtime.strip_prefix("nodejs")?.trim_end_matches(".x");
    let folders = [
        opt.join(format!("nodejs/node{version}/node_modules")),
        opt.join("nodejs/node_modules"),
        code.root.clone(),
    ];
    let joined = std::env::join_paths(folders).ok()?;
    Some(("NODE_PATH".to_owned(), joined.to_str()?.to_owned()))
}

fn execution_env(runtime: &str) -> String {
    format!("AWS_Lambda_{runtime}")
}

/// The project's interpreter for a function in Python or for Node; none for
/// what brings its own program.
pub(crate) fn interpreter(runtime: &str, source: &Path) -> Result<Option<PathBuf>, String> {
    if runtime.starts_with("provided") {
        return Ok(None);
    }
    if runtime.starts_with("python") {
        let found = python::interpreter(source).map_err(|error| error.to_string())?;
        return Ok(Some(found));
    }
    if is_node(runtime) {
        let found = node::interpreter(source).map_err(|error| error.to_string())?;
        return Ok(Some(found));
    }
    Err(format!(
        "the emulator cannot run {runtime} yet: only python3.x, nodejs*.x and provided.*"
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_wrapper_is_checked_as_lambdas_script_checks_it() {
        let opt = tempfile::tempdir().unwrap();
        let file = opt.path().join("wrapper");
        let missing = check_wrapper("/opt/wrapper", &file).unwrap_err();
        assert_eq!(missing, ("/opt/wrapper: does not exist".to_owned(), 127));
        std::fs::write(&file, "").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
            let (_, code) = check_wrapper("/opt/wrapper", &file).unwrap_err();
            assert_eq!(code, 126);
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        assert_eq!(check_wrapper("/opt/wrapper", &file), Ok(()));
    }
}
