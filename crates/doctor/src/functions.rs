//! The user's functions as they are deployed: what the manager would say of each
//! at attach, by the same rules, and what only a look at its network tells.

use super::finding::{Finding, Step, silent};
use super::helper::Helper;
use super::{PATIENCE, Wish};
use aws_sdk_lambda::Client as Lambda;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput as Deployed;
use aws_sdk_lambda::types::{CodeSigningPolicy, PackageType};
use futures_util::StreamExt as _;
use futures_util::stream::iter;
use tether_protocol::config::{SESSION, WRAPPER};
use tether_protocol::constants::ATTACHED_TIMEOUT_SECONDS;
use tether_protocol::instrumentation::{
    FunctionConfiguration, MAX_ENVIRONMENT, MAX_LAYERS, Order, carries_ours, environment_size,
    instrument,
};
use tether_protocol::{ConnectionId, Secret, SessionId, Timestamp};
use tether_receiver::{Account, Developer, Error, function_names};
use tokio::time::Instant;

/// The control plane takes 15 calls a second, and others call it, too.
const AT_ONCE: usize = 4;

/// What becomes of one that cannot be attached to.
const LEFT_ALONE: &str = "attach leaves it alone; the others are not stopped by it";

/// As long as real ones.
const SESSION_ID: &str = "0123456789abcdef";
const CONNECTION_ID: &str = "L0SM9cOFvHcCIhw=";

pub(crate) async fn look(
    wish: &Wish,
    account: &Account,
    helper: &Helper,
    developer: &Developer,
) -> Vec<Finding> {
    let until = Instant::now() + PATIENCE;
    let Some(stack) = &wish.stack_name else {
        let what = "not looked at without --stack-name";
        return vec![Finding::skipped(Step::Functions, what)];
    };
    let named = function_names(account, developer.config(), stack);
    let names = match tokio::time::timeout_at(until, named).await {
        Err(_) => return vec![silent(Step::Functions)],
        Ok(Ok(names)) => names,
        Ok(Err(Error::Aws { what, failure })) => {
            let fix = "see the rights of the developer role";
            return vec![Finding::failed(
                Step::Functions,
                format!("{what} ({failure})"),
                fix,
            )];
        }
        Ok(Err(error)) => return vec![Finding::error(Step::Functions, &error)],
    };
    let mut findings: Vec<Finding> = unknown(wish, stack, &names).into_iter().collect();
    let wanted = names.into_iter().filter(|(id, _)| wish.wants(id));
    let eyes = Eyes {
        developer: Lambda::new(developer.config()),
        caller: Lambda::new(account.caller()),
        helper,
        stack,
    };
    let looks = iter(wanted.map(|(id, name)| eyes.see(id, name)));
    let mut looks = looks.buffered(AT_ONCE);
    loop {
        match tokio::time::timeout_at(until, looks.next()).await {
            Ok(Some(found)) => findings.extend(found),
            Ok(None) => break,
            // What has been seen is worth telling.
            Err(_) => {
                let what = "not all were looked at in time";
                findings.push(Finding::warning(
                    Step::Functions,
                    what,
                    "name some with --function",
                ));
                break;
            }
        }
    }
    if findings.is_empty() {
        let what = format!("{stack} has no function");
        let fix = "check --stack-name, --region and --profile";
        findings.push(Finding::failed(Step::Functions, what, fix));
    }
    findings
}

fn unknown(wish: &Wish, stack: &str, names: &[(String, String)]) -> Option<Finding> {
    let is_known = |it: &&String| names.iter().any(|(id, _)| id == *it);
    let missing = wish.functions.iter().find(|it| !is_known(it))?;
    let known: Vec<&str> = names.iter().map(|(id, _)| id.as_str()).collect();
    Some(Finding::failed(
        Step::Functions,
        format!("{stack} has no function {missing}"),
        format!("it has {}", known.join(", ")),
    ))
}

struct Eyes<'a> {
    developer: Lambda,
    caller: Lambda,
    helper: &'a Helper,
    stack: &'a str,
}

impl Eyes<'_> {
    async fn see(&self, id: String, name: String) -> Vec<Finding> {
        let asked = self.developer.get_function_configuration();
        let deployed = match asked.function_name(&name).send().await {
            Ok(deployed) => deployed,
            Err(error) => {
                let failure = tether_aws::classify(&error);
                let what = format!("{id} ({name}) cannot be read ({failure})");
                let fix = "deploy the stack again if the function was deleted, or see the rights of the developer role";
                return vec![Finding::failed(Step::Functions, what, fix)];
            }
        };
        let mut findings = vec![self.judge(&id, &deployed)];
        if let Some(vpc) = deployed.vpc_config().and_then(|it| it.vpc_id())
            && !vpc.is_empty()
        {
            findings.push(in_vpc(&id, vpc));
        }
        if self.signs_code(&name).await {
            findings.push(Finding::warning(
                Step::Functions,
                format!("{id} enforces code signing, and tether's layer is not signed: attach leaves it alone"),
                "debug a copy of it without the code signing configuration",
            ));
        }
        findings
    }

    /// By the rules that the manager goes by.
    fn judge(&self, id: &str, deployed: &Deployed) -> Finding {
        if deployed.capacity_provider_config().is_some() {
            let what = format!(
                "{id} cannot be attached to: it runs on Managed Instances, where Lambda starts no wrapper"
            );
            return Finding::warning(Step::Functions, what, LEFT_ALONE);
        }
        let function = configuration(deployed);
        let layer = self.helper.outputs.layer(&function.architecture);
        if layer.is_some_and(|it| carries_ours(&function, it)) {
            let session = function.environment.expose().get(SESSION).cloned();
            let what = format!(
                "{id} is instrumented now, by session {}",
                session.unwrap_or_default()
            );
            return Finding::ok(Step::Functions, what);
        }
        let of = |name| self.helper.outputs.of(name);
        let order = Order {
            session_id: &SessionId::new(SESSION_ID),
            connection_id: &ConnectionId::new(CONNECTION_ID),
            stack_name: self.stack,
            owner: "",
            now: Timestamp(0),
            timeout: Some(ATTACHED_TIMEOUT_SECONDS),
            layer,
            layer_role: (of("LayerRoleArn"), of("ExternalId")),
            tables: (of("SessionsTable"), of("DebuggerTable")),
            connections_url: of("ConnectionsUrl"),
        };
        match instrument(&function, &order) {
            Ok((change, _)) => {
                let runtime = function.runtime.as_deref().unwrap_or_default();
                let bytes = environment_size(change.environment.expose());
                let wrapper = function.environment.expose().get(WRAPPER);
                let wrapper = wrapper.map_or(String::new(), |it| {
                    format!(", its wrapper {it} stays in between")
                });
                let what = format!(
                    "{id} can be attached to: {runtime} on {}, {} of {MAX_LAYERS} layers and {bytes} of {MAX_ENVIRONMENT} bytes of variables with tether's{wrapper}",
                    function.architecture,
                    change.layers.len(),
                );
                Finding::ok(Step::Functions, what)
            }
            Err(skip) => {
                let said = skip.to_string();
                let (what, fix) = match said.rsplit_once(": ") {
                    Some((what, fix)) => (what.to_owned(), fix.to_owned()),
                    None => (said, LEFT_ALONE.to_owned()),
                };
                Finding::warning(
                    Step::Functions,
                    format!("{id} cannot be attached to: {what}"),
                    fix,
                )
            }
        }
    }

    /// Only the caller may have the right to know; the manager knows at attach.
    async fn signs_code(&self, name: &str) -> bool {
        let asked = self.caller.get_function_code_signing_config();
        let Ok(found) = asked.function_name(name).send().await else {
            return false;
        };
        let arn = found.code_signing_config_arn();
        if arn.is_empty() {
            return false;
        }
        let asked = self.caller.get_code_signing_config();
        let found = asked.code_signing_config_arn(arn).send().await;
        let policies = found
            .ok()
            .and_then(|it| it.code_signing_config)
            .and_then(|it| it.code_signing_policies);
        let policy = policies.and_then(|it| it.untrusted_artifact_on_deployment);
        policy == Some(CodeSigningPolicy::Enforce)
    }
}

/// There are no private WebSocket APIs
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api.html>),
/// and whether subnets have a way out is not Lambda's to tell.
fn in_vpc(id: &str, vpc: &str) -> Finding {
    Finding::warning(
        Step::Functions,
        format!(
            "{id} is in {vpc}: from there it reaches API Gateway only by the internet, and whether it can is not to be seen from here"
        ),
        "its subnets need a route to a NAT gateway (or a NAT of your own), and no interface endpoint for execute-api with private DNS; without it, the deployed code answers",
    )
}

fn configuration(deployed: &Deployed) -> FunctionConfiguration {
    let architecture = deployed.architectures().first();
    let environment = deployed.environment();
    let variables = environment.and_then(|it| it.variables()).cloned();
    let error = environment.and_then(|it| it.error());
    FunctionConfiguration {
        function_arn: deployed.function_arn().unwrap_or_default().to_owned(),
        revision_id: String::new(),
        runtime: deployed.runtime().map(|it| it.as_str().to_owned()),
        image: deployed.package_type() == Some(&PackageType::Image),
        architecture: architecture.map_or("x86_64", |it| it.as_str()).to_owned(),
        timeout: deployed
            .timeout()
            .and_then(|it| u32::try_from(it).ok())
            .unwrap_or_default(),
        layers: deployed
            .layers()
            .iter()
            .filter_map(|it| it.arn().map(str::to_owned))
            .collect(),
        environment: Secret::new(variables.unwrap_or_default().into_iter().collect()),
        environment_error: error.map(|it| {
            let words = it.message().or_else(|| it.error_code());
            words.unwrap_or("no reason given").to_owned()
        }),
    }
}
