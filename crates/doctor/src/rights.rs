//! What the developer role may do, and whether what it needs is there: the calls
//! of attach, for things that nobody has.

use super::finding::{Finding, Step};
use super::helper::Helper;
use super::socket::nobody;
use aws_sdk_cloudformation::Client as CloudFormation;
use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::Client as Lambda;
use aws_sdk_lambda::types::{InvocationType, State};
use std::collections::BTreeMap;
use tether_aws::{Failure, classify};
use tether_protocol::rights::Extent;
use tether_receiver::{Account, Developer, Error};

/// What became of a call.
struct Tried {
    action: &'static str,
    /// `SessionsTable`
    part: String,
    failure: Option<Failure>,
}

impl Tried {
    fn is_refused(&self) -> bool {
        self.is_one_of(&[
            "AccessDenied",
            "AccessDeniedException",
            "UnauthorizedOperation",
        ])
    }

    fn is_missing(&self) -> bool {
        self.is_one_of(&["ResourceNotFoundException", "ResourceNotFound"])
    }

    fn is_one_of(&self, codes: &[&str]) -> bool {
        let failure = self.failure.as_ref();
        failure.is_some_and(|it| codes.contains(&it.code.as_str()))
    }
}

pub(crate) async fn look(
    account: &Account,
    helper: &Helper,
    developer: &Developer,
) -> Vec<Finding> {
    let config = developer.config();
    let client = DynamoDb::new(config);
    let (mut tried, (more, broken)) =
        tokio::join!(tables(&client, helper), functions(config, helper));
    tried.extend(more);
    let region = &account.region;
    vec![
        parts(&tried, &broken, helper, region),
        rights(&tried, helper),
    ]
}

/// What the helper Lambdas say that they may not do.
pub(crate) async fn theirs(helper: &Helper, developer: &Developer) -> Vec<Finding> {
    let asked = tether_receiver::rights::missing(developer, &helper.stack, Extent::All).await;
    vec![match asked {
        Ok(missing) if missing.is_empty() => Finding::ok(
            Step::HelperRights,
            "the authorizer, connect and the manager may do what they must",
        ),
        Ok(missing) => Finding::failed(
            Step::HelperRights,
            missing.join("; "),
            format!(
                "look for an SCP or a permissions boundary that takes it away, or install {} again",
                helper.stack.name
            ),
        ),
        Err(Error::HelperSilent(words)) => Finding::warning(
            Step::HelperRights,
            words,
            "run `tether upgrade`: one of an older version does not say",
        ),
        Err(error) => Finding::error(Step::HelperRights, &error),
    }]
}

fn parts(tried: &[Tried], broken: &[String], helper: &Helper, region: &str) -> Finding {
    let name = &helper.stack.name;
    let mut missing: Vec<&str> = tried
        .iter()
        .filter(|it| it.is_missing())
        .map(|it| it.part.as_str())
        .collect();
    missing.dedup();
    if !missing.is_empty() {
        return Finding::failed(
            Step::HelperParts,
            format!("{name} is half deleted: {} is gone", missing.join(", ")),
            format!(
                "delete the stack {name} in {region} and install it again; what is still instrumented answers by its deployed code"
            ),
        );
    }
    if let Some(broken) = broken.first() {
        return Finding::failed(
            Step::HelperParts,
            broken.clone(),
            format!("look at the function in Lambda, or install {name} again"),
        );
    }
    let odd = tried.iter().find_map(|it| match &it.failure {
        Some(failure) if !it.is_refused() => Some((it, failure)),
        _ => None,
    });
    match odd {
        Some((it, failure)) => Finding::failed(
            Step::HelperParts,
            format!("{} of {} fails ({failure})", it.action, it.part),
            "see the network, and try again in a moment",
        ),
        None => Finding::ok(Step::HelperParts, "tables and functions are there"),
    }
}

fn rights(tried: &[Tried], helper: &Helper) -> Finding {
    let refused = tried.iter().find(|it| it.is_refused());
    if let Some((it, failure)) = refused.and_then(|it| Some((it, it.failure.as_ref()?))) {
        let role = helper.outputs.of("DeveloperRoleArn");
        return Finding::failed(
            Step::DeveloperRights,
            format!("it may not {} ({failure})", it.action),
            format!(
                "install the helper stack again, and look for an SCP or a permissions boundary that takes {} from {role}",
                it.action
            ),
        );
    }
    if tried.iter().any(|it| it.failure.is_some()) {
        return Finding::skipped(Step::DeveloperRights, "needs all parts of the helper stack");
    }
    let mut actions: BTreeMap<&str, usize> = BTreeMap::new();
    for it in tried {
        *actions.entry(it.action).or_default() += 1;
    }
    let actions: Vec<&str> = actions.into_keys().collect();
    Finding::ok(
        Step::DeveloperRights,
        format!("it may {}", actions.join(", ")),
    )
}

/// Each call of attach, one after the other: they are fast.
async fn tables(client: &DynamoDb, helper: &Helper) -> Vec<Tried> {
    let of = |name: &str| helper.outputs.of(name).to_owned();
    let (sessions, debugger) = (of("SessionsTable"), of("DebuggerTable"));
    let text = |it: String| AttributeValue::S(it);
    let mut tried = Vec::new();
    macro_rules! tried {
        ($action:literal, $part:literal, $call:expr) => {
            let failure = $call.send().await.err().map(|error| classify(&error));
            // It got as far as the condition: it may, and has not.
            let failure = failure.filter(|it| it.code != "ConditionalCheckFailedException");
            tried.push(Tried {
                action: $action,
                part: $part.to_owned(),
                failure,
            });
        };
    }
    let row = client
        .get_item()
        .table_name(&sessions)
        .key("SessionId", text(nobody()));
    tried!("dynamodb:GetItem", "SessionsTable", row);
    let row = client
        .put_item()
        .table_name(&sessions)
        .item("SessionId", text(nobody()));
    let never = row.condition_expression("attribute_exists(SessionId)");
    tried!("dynamodb:PutItem", "SessionsTable", never);
    let rows = client
        .query()
        .table_name(&sessions)
        .index_name("StackNameIndex")
        .key_condition_expression("StackName = :stack")
        .expression_attribute_values(":stack", text(nobody()));
    tried!("dynamodb:Query", "SessionsTable", rows);
    let (id, part) = (text(nobody()), text("head".to_owned()));
    let row = client.get_item().table_name(&debugger);
    let row = row.key("RequestId", id.clone()).key("Part", part.clone());
    tried!("dynamodb:GetItem", "DebuggerTable", row);
    let row = client.put_item().table_name(&debugger);
    let row = row.item("RequestId", id.clone()).item("Part", part.clone());
    let never = row.condition_expression("attribute_exists(RequestId)");
    tried!("dynamodb:PutItem", "DebuggerTable", never);
    let row = client.update_item().table_name(&debugger);
    let row = row.key("RequestId", id.clone()).key("Part", part.clone());
    let never = row
        .update_expression("REMOVE Nothing")
        .condition_expression("attribute_exists(RequestId)");
    tried!("dynamodb:UpdateItem", "DebuggerTable", never);
    let row = client.delete_item().table_name(&debugger);
    let row = row.key("RequestId", id).key("Part", part);
    let never = row.condition_expression("attribute_exists(RequestId)");
    tried!("dynamodb:DeleteItem", "DebuggerTable", never);
    let rows = client.scan().table_name(of("FunctionsTable")).limit(1);
    tried!("dynamodb:Scan", "FunctionsTable", rows);
    tried
}

/// The functions of the helper stack: calls, and what is wrong with one that is there.
async fn functions(config: &aws_types::SdkConfig, helper: &Helper) -> (Vec<Tried>, Vec<String>) {
    let (mut tried, mut broken) = (Vec::new(), Vec::new());
    let client = CloudFormation::new(config);
    let listed = client.list_stack_resources().stack_name(&helper.stack.name);
    let mut pages = listed.into_paginator().items().send();
    let (mut found, mut failure) = (Vec::new(), None);
    while let Some(resource) = pages.next().await {
        match resource {
            Ok(it) if it.resource_type() == Some("AWS::Lambda::Function") => found.push(it),
            Ok(_) => {}
            Err(error) => failure = Some(classify(&error)),
        }
    }
    tried.push(Tried {
        action: "cloudformation:ListStackResources",
        part: helper.stack.name.clone(),
        failure,
    });
    let lambda = Lambda::new(config);
    for resource in found {
        let part = resource
            .logical_resource_id()
            .unwrap_or_default()
            .to_owned();
        let name = resource.physical_resource_id().unwrap_or_default();
        let asked = lambda.get_function_configuration().function_name(name);
        let asked = asked.send().await;
        if let Ok(found) = &asked
            && matches!(found.state(), Some(State::Failed | State::Inactive))
        {
            let why = found.state_reason().unwrap_or("it does not say why");
            broken.push(format!("{part} ({name}) cannot run: {why}"));
        }
        tried.push(Tried {
            action: "lambda:GetFunctionConfiguration",
            part,
            failure: asked.err().map(|error| classify(&error)),
        });
    }
    let manager = lambda
        .invoke()
        .function_name(helper.outputs.of("ManagerFunction"));
    let dry = manager.invocation_type(InvocationType::DryRun).send().await;
    tried.push(Tried {
        action: "lambda:InvokeFunction",
        part: "ManagerFunction".to_owned(),
        failure: dry.err().map(|error| classify(&error)),
    });
    (tried, broken)
}
