//! Wrappers and extensions that poll the Runtime API themselves, or stand in
//! front of it as the bootstrap does. With one of them beside the bootstrap,
//! two would take the events of one environment in turn.

use super::FunctionConfiguration;
use crate::config::WRAPPER;

/// What one of them is known by. Layers and variables by how they begin.
struct Poller {
    name: &'static str,
    layers: &'static [&'static str],
    wrappers: &'static [&'static str],
    variables: &'static [&'static str],
}

const POLLERS: [Poller; 4] = [
    // An extension that asks for events and sends them to a web server
    // (<https://github.com/awslabs/aws-lambda-web-adapter#lambda-functions-packaged-as-zip-package-for-aws-managed-runtimes>).
    Poller {
        name: "the Lambda Web Adapter",
        layers: &["LambdaAdapterLayer"],
        wrappers: &["/opt/bootstrap"],
        variables: &["AWS_LWA_"],
    },
    // Its extension is a proxy of the Runtime API, to which its wrapper sends
    // the runtime
    // (<https://github.com/DataDog/datadog-lambda-extension/blob/main/scripts/datadog_wrapper>).
    Poller {
        name: "Datadog's extension",
        layers: &["Datadog-Extension"],
        wrappers: &["/opt/datadog_wrapper"],
        variables: &[],
    },
    // AWS Toolkit's remote debugging
    // (<https://github.com/aws/aws-toolkit-vscode/blob/master/packages/core/src/lambda/remoteDebugging/ldkClient.ts>).
    Poller {
        name: "AWS's remote debugger",
        layers: &["LDKLayer"],
        wrappers: &["/opt/bin/ldk_wrapper"],
        variables: &[],
    },
    // <https://github.com/ServerlessLife/lambda-live-debugger/blob/main/src/infraDeploy.ts>
    Poller {
        name: "Lambda Live Debugger",
        layers: &["LambdaLiveDebugger"],
        wrappers: &["/opt/lld-wrapper"],
        variables: &["LLD_"],
    },
];

/// The first one that a function has: whose it is, and by what it is known.
pub(super) fn found_in(function: &FunctionConfiguration) -> Option<(&'static str, String)> {
    let found = |it: &Poller| Some((it.name, mark_of(it, function)?));
    POLLERS.iter().find_map(found)
}

fn mark_of(poller: &Poller, function: &FunctionConfiguration) -> Option<String> {
    let begins = |text: &str, with: &[&str]| with.iter().any(|it| text.starts_with(it));
    let environment = function.environment.expose();
    let mut layers = function.layers.iter().filter_map(|arn| layer_name(arn));
    if let Some(layer) = layers.find(|name| begins(name, poller.layers)) {
        return Some(format!("layer {layer}"));
    }
    let wrapper = environment.get(WRAPPER);
    if let Some(wrapper) = wrapper.filter(|it| poller.wrappers.contains(&it.as_str())) {
        return Some(format!("wrapper {wrapper}"));
    }
    let mut variables = environment.keys();
    let variable = variables.find(|name| begins(name, poller.variables))?;
    Some(format!("variable {variable}"))
}

/// `NAME` of `arn:…:layer:NAME:VERSION`.
fn layer_name(arn: &str) -> Option<&str> {
    let (_, name) = arn.split_once(":layer:")?;
    name.split(':').next()
}
