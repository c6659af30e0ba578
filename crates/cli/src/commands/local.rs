//! `tether local`

use crate::args::Local as Typed;
use crate::ending;
use crate::output::Output;
use anyhow::Result;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use tether_aws::Partition;
use tether_emulator::{Options, Place};
use tether_local::{Local, Plan, Reports};
use tether_project::parameter_overrides;

pub(crate) async fn run(typed: Typed, output: &Output) -> Result<ExitCode> {
    let ending = ending::watch();
    let printer = output.clone();
    let reports: Reports = Arc::new(move |report| printer.local(&report));
    let local = tokio::select! {
        local = Local::start(plan(typed)?, Options::default(), reports) => local?,
        // Nothing has begun.
        () = ending.gently.cancelled() => return Ok(ExitCode::SUCCESS),
    };
    local.follow(&ending.gently).await;
    local.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn plan(typed: Typed) -> Result<Plan> {
    Ok(Plan {
        place: place(typed.region.as_deref()),
        parameters: parameter_overrides(&typed.parameter_overrides)?,
        variables: variables(&typed),
        external: typed.running.external.wishes(),
        debugging: typed.running.debugging(),
        commands: typed.running.commands.command,
        template: typed.template,
        stack_name: typed.stack_name,
        env_vars: typed.env_vars,
        first_port: typed.port,
        endpoint_port: typed.endpoint_port,
        concurrency: typed.concurrency,
    })
}

/// Where the stack is taken to be.
fn place(typed: Option<&str>) -> Place {
    let from_environment = ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|it| !it.is_empty()));
    let place = Place::default();
    let region = typed.map(str::to_owned).or(from_environment);
    let region = region.unwrap_or(place.region);
    let partition = Partition::of_region(&region);
    Place {
        region,
        partition: partition.name.to_owned(),
        url_suffix: partition.url_suffix.to_owned(),
        ..Place::default()
    }
}

fn variables(typed: &Typed) -> BTreeMap<String, String> {
    let profile = typed.profile.clone();
    let profile = profile.map(|it| ("AWS_PROFILE".to_owned(), it));
    profile
        .into_iter()
        .chain(typed.logging.variables())
        .collect()
}
