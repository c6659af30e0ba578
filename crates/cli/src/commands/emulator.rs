//! `tether emulator`

use super::websockets::{self, Otherwise};
use crate::args::Emulator as Typed;
use crate::artifacts::HelperStackFolder;
use crate::ending;
use crate::output::Output;
use anyhow::{Result, anyhow, bail};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::process::ExitCode;
use std::sync::Arc;
use tether_aws::Partition;
use tether_emulator::{
    Deployment, Emulator, FaultHit, FaultSink, Known, LogLine, LogSink, Notice, Options, Place,
    StackSource,
};

pub(crate) async fn run(typed: Typed, output: &Output) -> Result<ExitCode> {
    // Kept for as long as it serves: it may be a temporary folder.
    let helper = helper_stack(&typed)?;
    let sources = sources(&typed, helper.as_ref())?;
    let (logs, notices) = sinks(&typed, output);
    let place = place(&typed)?;
    let mut options = options(&typed);
    let otherwise = Otherwise {
        table: None,
        rules: None,
        region: place.region.clone(),
        profile: None,
    };
    websockets::apply(&typed.websockets, otherwise, &mut options).await?;
    let ending = ending::watch();
    let emulator = Emulator::start(
        typed.endpoint_port,
        place.clone(),
        options,
        logs,
        notices,
        fault_sink(output),
    )
    .await?;
    let deployed = deploy(&emulator, &sources, output).await;
    let served = match deployed {
        Ok(deployments) => {
            announce(&emulator, &place, &deployments, output);
            ending.gently.cancelled().await;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(error),
    };
    emulator.stop().await;
    served
}

fn place(typed: &Typed) -> Result<Place> {
    let partition = match &typed.partition {
        None => Partition::of_region(&typed.region),
        Some(name) => Partition::named(name).ok_or_else(|| {
            anyhow!("there is no partition {name}: aws, aws-cn and aws-us-gov are some")
        })?,
    };
    Ok(Place {
        region: typed.region.clone(),
        partition: partition.name.to_owned(),
        url_suffix: partition.url_suffix.to_owned(),
        ..Place::default()
    })
}

fn helper_stack(typed: &Typed) -> Result<Option<HelperStackFolder>> {
    if typed.no_helper_stack {
        return Ok(None);
    }
    let found = HelperStackFolder::find();
    found
        .map(Some)
        .map_err(|error| anyhow!("{error}, or pass --no-helper-stack"))
}

fn sources(typed: &Typed, helper: Option<&HelperStackFolder>) -> Result<Vec<StackSource>> {
    let mut sources = Vec::new();
    if let Some(folder) = helper {
        sources.push(StackSource {
            name: typed.helper_stack_name.clone(),
            template: folder.template(),
            parameters: folder.parameters(),
            known: Known::default(),
        });
    }
    sources.extend(typed.deploy.iter().map(|(name, template)| StackSource {
        name: name.clone(),
        template: template.clone(),
        parameters: BTreeMap::new(),
        known: Known::default(),
    }));
    let mut names = HashSet::new();
    match sources.iter().find(|it| !names.insert(it.name.as_str())) {
        Some(twice) => bail!(
            "two stacks are called {}: give one of them another name in --deploy (tether is the helper stack's, see --helper-stack-name)",
            twice.name
        ),
        None => Ok(sources),
    }
}

fn options(typed: &Typed) -> Options {
    let usual = Options::default();
    Options {
        latency: typed.latency.unwrap_or(usual.latency),
        aws_latency: typed.aws_latency.unwrap_or(usual.aws_latency),
        async_retries: typed.async_retry_seconds.unwrap_or(usual.async_retries),
        role_session: typed.role_session.unwrap_or(usual.role_session),
        reap_after: typed.reap_after.unwrap_or(usual.reap_after),
        control_plane_rate: typed.control_plane_rate,
        record_requests: typed.record_requests.clone(),
        no_iam: typed.no_iam,
        ..usual
    }
}

fn sinks(typed: &Typed, output: &Output) -> (LogSink, Notice) {
    let (judge, notices) = (output.clone(), output.clone());
    // What the helper Lambdas print is tether's own affair.
    let helper = format!("{}-", typed.helper_stack_name);
    let wanted = move |source: &str| judge.is_verbose() || !source.starts_with(&helper);
    let logs = output.log_sink();
    (
        logs.clone().behind(move |line: LogLine| {
            if wanted(&line.source) {
                logs.take(line);
            }
        }),
        Arc::new(move |line: String| notices.notice(&line)),
    )
}

/// For programs: people have no use for it.
fn fault_sink(output: &Output) -> FaultSink {
    let output = output.clone();
    Arc::new(move |hit: FaultHit| {
        output.object(&json!({
            "event": "fault",
            "id": hit.id,
            "service": hit.service,
            "action": hit.action,
            "principal": hit.principal,
        }));
    })
}

async fn deploy(
    emulator: &Emulator,
    sources: &[StackSource],
    output: &Output,
) -> Result<Vec<Deployment>> {
    let mut deployments = Vec::new();
    for source in sources {
        output.say(&format!(
            "… deploying {} from {}",
            source.name,
            source.template.display()
        ));
        deployments.push(emulator.deploy(source).await?);
    }
    Ok(deployments)
}

fn announce(emulator: &Emulator, place: &Place, deployments: &[Deployment], output: &Output) {
    let endpoint = format!("http://{}", emulator.endpoint());
    let mut functions: Vec<Value> = Vec::new();
    let mut apis: Vec<Value> = Vec::new();
    for it in deployments {
        let stack = &it.stack;
        functions.extend(it.functions.iter().map(|function| {
            json!({ "stack": stack, "logicalId": function.logical_id, "name": function.name })
        }));
        apis.extend(it.apis.iter().map(|api| {
            json!({ "stack": stack, "logicalId": api.logical_id, "type": api.kind, "url": api.url })
        }));
    }
    let stacks: Vec<&str> = deployments.iter().map(|it| it.stack.as_str()).collect();
    output.object(&json!({
        "event": "ready",
        "endpoint": endpoint,
        "region": place.region,
        "account": place.account_id,
        "stacks": stacks,
        "apis": apis,
        "functions": functions,
    }));
    for it in deployments {
        for function in &it.functions {
            output.say(&format!(
                "  {}  {}  {}",
                it.stack, function.logical_id, function.name
            ));
        }
        for api in &it.apis {
            output.say(&format!("  {}  {}  {}", it.stack, api.logical_id, api.url));
        }
    }
    output.say(&format!(
        "the cloud serves on {endpoint}; Ctrl-C ends it. In another terminal:"
    ));
    output.say(&format!(
        "  export AWS_ENDPOINT_URL={endpoint} AWS_REGION={} AWS_ACCESS_KEY_ID=emulated AWS_SECRET_ACCESS_KEY=emulated",
        place.region
    ));
    if let Some(app) = deployments.last() {
        output.say(&format!("  tether attach --stack-name {}", app.stack));
    }
}
