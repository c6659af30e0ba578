//! Flags that people know from `sam local`, and that have nothing to do here.
//! They are taken, so that a command typed by habit works, and each is explained.

use clap::{Args, ValueEnum};

/// Name, and what is said of it.
const EXPLAINED: [(&str, &str); 22] = [
    ("warm-containers", KEPT_WARM),
    ("add-host", NO_CONTAINERS),
    ("container-dns", NO_CONTAINERS),
    (
        "container-env-vars",
        "there are no containers: functions are processes here; put what their debuggers need into --env-vars",
    ),
    ("container-host", NO_CONTAINERS),
    ("container-host-interface", NO_CONTAINERS),
    (
        "debug-args",
        "debuggers are started by tether itself: --debug starts them, and tether.toml has a debugger for commands of your own",
    ),
    (
        "debug-function",
        "every function has its own debugger port with --debug, so none is chosen",
    ),
    (
        "debugger-path",
        "debuggers are found in the project and on the PATH: --debug starts them",
    ),
    ("docker-network", NO_CONTAINERS),
    ("docker-volume-basedir", NO_CONTAINERS),
    ("force-image-build", NO_CONTAINERS),
    ("invoke-image", NO_CONTAINERS),
    (
        "layer-cache-basedir",
        "layers of the template are read where they are: there is no cache",
    ),
    ("log-file", "logs go to stderr: append `2> FILE`"),
    ("mount-symlinks", NO_CONTAINERS),
    ("no-memory-limit", "memory is measured and not limited here"),
    ("no-mount-symlinks", NO_CONTAINERS),
    (
        "runtime",
        "the project's own interpreter runs a function, whatever runtime is named",
    ),
    (
        "shutdown",
        "processes get SIGTERM when they end, as on Lambda",
    ),
    ("skip-pull-image", NO_CONTAINERS),
    (
        "static-dir",
        "static files are not served: a file server beside it does that, or your frontend's own",
    ),
];

const NO_CONTAINERS: &str = "there are no containers: functions are processes here";
const KEPT_WARM: &str =
    "processes are kept warm always, and are replaced when code is saved: nothing is to be chosen";

/// A word that `sam local` wants to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SamCommand {
    StartApi,
    StartLambda,
    Invoke,
    GenerateEvent,
}

impl SamCommand {
    /// What to type instead; none: what is served has all of it.
    pub(crate) fn elsewhere(self) -> Option<&'static str> {
        match self {
            Self::StartApi | Self::StartLambda => None,
            Self::Invoke => Some(
                "`tether invoke FUNCTION` runs one invocation: type that instead of `tether local invoke`",
            ),
            Self::GenerateEvent => Some(
                "`tether invoke --generate-event SERVICE EVENT` makes an event: type that instead of `tether local generate-event`",
            ),
        }
    }
}

/// See the module.
#[derive(Debug, Args)]
pub(crate) struct SamHabits {
    #[arg(long, hide = true, num_args = 0..=1, require_equals = false, value_name = "EAGER|LAZY")]
    warm_containers: Option<Option<String>>,
    #[arg(long, hide = true)]
    add_host: Vec<String>,
    #[arg(long, hide = true)]
    container_dns: Vec<String>,
    #[arg(long, hide = true)]
    container_env_vars: Option<String>,
    #[arg(long, hide = true)]
    container_host: Option<String>,
    #[arg(long, hide = true)]
    container_host_interface: Option<String>,
    #[arg(long, hide = true, allow_hyphen_values = true)]
    debug_args: Option<String>,
    #[arg(long, hide = true)]
    debug_function: Option<String>,
    #[arg(long, hide = true)]
    debugger_path: Option<String>,
    #[arg(long, hide = true)]
    docker_network: Option<String>,
    #[arg(long, hide = true)]
    docker_volume_basedir: Option<String>,
    #[arg(long, hide = true)]
    force_image_build: bool,
    #[arg(long, hide = true)]
    invoke_image: Vec<String>,
    #[arg(long, hide = true)]
    layer_cache_basedir: Option<String>,
    #[arg(long, short = 'l', hide = true)]
    log_file: Option<String>,
    #[arg(long, hide = true)]
    mount_symlinks: bool,
    #[arg(long, hide = true)]
    no_memory_limit: bool,
    #[arg(long, hide = true)]
    no_mount_symlinks: bool,
    #[arg(long, hide = true)]
    runtime: Option<String>,
    #[arg(long, hide = true)]
    shutdown: bool,
    #[arg(long, hide = true)]
    skip_pull_image: bool,
    #[arg(long, short = 's', hide = true)]
    static_dir: Option<String>,
}

impl SamHabits {
    /// A line for each that was typed.
    pub(crate) fn explained(&self) -> Vec<String> {
        let typed = [
            ("warm-containers", self.warm_containers.is_some()),
            ("add-host", !self.add_host.is_empty()),
            ("container-dns", !self.container_dns.is_empty()),
            ("container-env-vars", self.container_env_vars.is_some()),
            ("container-host", self.container_host.is_some()),
            (
                "container-host-interface",
                self.container_host_interface.is_some(),
            ),
            ("debug-args", self.debug_args.is_some()),
            ("debug-function", self.debug_function.is_some()),
            ("debugger-path", self.debugger_path.is_some()),
            ("docker-network", self.docker_network.is_some()),
            (
                "docker-volume-basedir",
                self.docker_volume_basedir.is_some(),
            ),
            ("force-image-build", self.force_image_build),
            ("invoke-image", !self.invoke_image.is_empty()),
            ("layer-cache-basedir", self.layer_cache_basedir.is_some()),
            ("log-file", self.log_file.is_some()),
            ("mount-symlinks", self.mount_symlinks),
            ("no-memory-limit", self.no_memory_limit),
            ("no-mount-symlinks", self.no_mount_symlinks),
            ("runtime", self.runtime.is_some()),
            ("shutdown", self.shutdown),
            ("skip-pull-image", self.skip_pull_image),
            ("static-dir", self.static_dir.is_some()),
        ];
        let typed = typed.into_iter().filter(|(_, typed)| *typed);
        typed.filter_map(|(name, _)| explain(name)).collect()
    }
}

/// What is said of a flag of `sam local`, or of its name in `samconfig.toml`;
/// none: it is no such flag.
pub(crate) fn explain(name: &str) -> Option<String> {
    let name = name.replace('_', "-");
    let (name, why) = EXPLAINED.iter().find(|(known, _)| *known == name)?;
    Some(format!("--{name} has no effect: {why}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        habits: SamHabits,
    }

    #[test]
    fn what_was_typed_by_habit_is_explained_and_nothing_else() {
        let typed = Typed::try_parse_from([
            "local",
            "--warm-containers",
            "EAGER",
            "--skip-pull-image",
            "--docker-network",
            "host",
        ]);
        let explained = typed.unwrap().habits.explained();
        assert_eq!(explained.len(), 3, "{explained:?}");
        assert!(explained[0].starts_with("--warm-containers has no effect: processes"));
        let nothing = Typed::try_parse_from(["local"]).unwrap();
        assert_eq!(nothing.habits.explained(), [""; 0]);
    }

    #[test]
    fn a_key_of_samconfig_is_explained_by_its_flag() {
        let said = explain("warm_containers").unwrap();
        assert!(said.starts_with("--warm-containers"), "{said}");
        assert_eq!(explain("capabilities"), None);
    }
}
