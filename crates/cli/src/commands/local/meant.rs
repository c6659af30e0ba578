//! What was typed, together with what `samconfig.toml` says.

use super::keys;
use crate::args::{Local as Typed, explain};
use crate::output::Output;
use anyhow::{Result, anyhow};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tether_aws::Partition;
use tether_emulator::{HttpOptions, Options, Place};
use tether_local::Plan;
use tether_project::samconfig::{self, Settings};
use tether_project::{EnvVars, parameter_overrides};

/// The section that people have for `sam local start-api`.
const COMMAND: &str = "local_start_api";

/// Keys of it that count here; others are explained.
const COUNTS: [&str; 13] = [
    "config_env",
    "config_file",
    "debug_port",
    "disable_authorizer",
    "env_vars",
    "host",
    "parameter_overrides",
    "port",
    "profile",
    "region",
    "stack_name",
    "template",
    "template_file",
];

/// SAM's own defaults.
const TEMPLATES: [&str; 3] = ["template.yaml", "template.yml", "template.json"];
const PORT: u16 = 3000;

/// Callers wait for a developer at a breakpoint, as long as a function can.
const UNDER_A_DEBUGGER: Duration = Duration::from_secs(900);

/// Tells a plan from what was typed; what has no effect is said.
pub(super) fn of(typed: Typed, output: &Output) -> Result<(Plan, Options)> {
    for line in typed.habits.explained() {
        output.notice(&line);
    }
    let template = template(typed.template.as_deref());
    let settings = samconfig::load(
        typed.config_file.as_deref(),
        &template,
        typed.config_env.as_deref(),
        COMMAND,
    )?;
    tell(&settings, output);
    let template = match (&typed.template, settings.text("template_file")?) {
        (None, Some(path)) => beside(&settings, path),
        _ => template,
    };
    let mut parameters = settings.parameter_overrides.clone();
    parameters.extend(parameter_overrides(&typed.parameter_overrides)?);
    let env_vars = match &typed.env_vars {
        Some(typed) => Some(typed.clone()),
        None => settings.text("env_vars")?.map(|it| beside(&settings, it)),
    };
    if let Some(file) = &env_vars {
        // What is wrong with it is said before anything begins.
        EnvVars::read(file)?;
    }
    let debugging = typed.running.debugging_at(port(&settings, "debug_port")?);
    let external = typed.running.external.wishes();
    let debugs = debugging.is_some() || external.all || !external.functions.is_empty();
    let options = options(&typed, &settings, debugs, output)?;
    let plan = Plan {
        place: place(typed.region.clone().or(settings.text("region")?)),
        parameters,
        variables: variables(&typed, settings.text("profile")?),
        external,
        debugging,
        strict: typed.strict,
        first_port: match typed.port {
            Some(typed) => typed,
            None => port(&settings, "port")?.unwrap_or(PORT),
        },
        commands: typed.running.commands.command,
        template,
        stack_name: typed.stack_name.or(settings.text("stack_name")?),
        imports: typed.import_values,
        websocket_rules: None,
        env_vars,
        endpoint_port: typed.endpoint_port,
        concurrency: typed.concurrency,
    };
    Ok((plan, options))
}

fn options(typed: &Typed, settings: &Settings, debugs: bool, output: &Output) -> Result<Options> {
    let disable_authorizer =
        typed.disable_authorizer || settings.boolean("disable_authorizer")?.unwrap_or(false);
    if disable_authorizer {
        output.notice(
            "no authorizer or resource policy is asked and no signature is needed (--disable-authorizer), of REST, HTTP and WebSocket APIs and function URLs alike: whoever reaches these ports is let in; API keys are asked for still, but for those that an authorizer would give",
        );
    }
    let host = match (typed.host, settings.text("host")?) {
        (Some(host), _) => Some(host),
        (None, Some(text)) => Some(text.parse().map_err(|_| {
            settings.wrong("host", format!("{text} is no address: 127.0.0.1 is one"))
        })?),
        (None, None) => None,
    };
    Ok(Options {
        one_port: typed.one_port,
        http: HttpOptions {
            disable_authorizer,
            keys: keys::of(typed, output)?,
            access_keys: keys::access_keys(typed)?,
            patience: debugs.then_some(UNDER_A_DEBUGGER),
        },
        schedules: typed.schedules,
        data_dir: typed.data_dir.clone(),
        aws_tables: typed.aws_tables,
        host: host.unwrap_or_else(|| Options::default().host),
        ..Options::default()
    })
}

fn port(settings: &Settings, key: &str) -> Result<Option<u16>> {
    let Some(port) = settings.number(key)? else {
        return Ok(None);
    };
    let wrong = |_| anyhow!(settings.wrong(key, format!("{port} is no port: they end at 65535")));
    u16::try_from(port).map(Some).map_err(wrong)
}

fn template(typed: Option<&Path>) -> PathBuf {
    let found = || TEMPLATES.iter().map(PathBuf::from).find(|it| it.is_file());
    let typed = typed.map(Path::to_path_buf).or_else(found);
    typed.unwrap_or_else(|| PathBuf::from(TEMPLATES[0]))
}

/// A path of a file is seen from that file's folder.
fn beside(settings: &Settings, path: String) -> PathBuf {
    let path = PathBuf::from(path);
    match &settings.file {
        Some(file) => file.with_file_name("").join(path),
        None => path,
    }
}

/// What of `samconfig.toml` counts, and what has no effect here.
fn tell(settings: &Settings, output: &Output) {
    let Some(file) = &settings.file else { return };
    let mut counts = Vec::new();
    for key in settings.keys() {
        if COUNTS.contains(&key) {
            counts.push(key);
        } else if let Some(line) = explain(key) {
            output.notice(&format!("{}: {line}", file.display()));
        }
    }
    if !counts.is_empty() {
        let counts = counts.join(", ");
        output.notice(&format!("{} sets {counts}", file.display()));
    }
}

/// Where the stack is taken to be.
fn place(typed: Option<String>) -> Place {
    let from_environment = ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|it| !it.is_empty()));
    let place = Place::default();
    let region = typed.or(from_environment).unwrap_or(place.region);
    let partition = Partition::of_region(&region);
    Place {
        region,
        partition: partition.name.to_owned(),
        url_suffix: partition.url_suffix.to_owned(),
        ..Place::default()
    }
}

fn variables(typed: &Typed, of_file: Option<String>) -> BTreeMap<String, String> {
    let profile = typed.profile.clone().or(of_file);
    let profile = profile.map(|it| ("AWS_PROFILE".to_owned(), it));
    profile
        .into_iter()
        .chain(typed.logging.variables())
        .collect()
}
