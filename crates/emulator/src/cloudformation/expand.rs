//! What SAM's transform makes of functions' events: resources of their own
//! (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources-function.html>).

use crate::lambda::{LATEST, name_and_qualifier};
use serde_json::{Value, json};
use tether_sam::{Event, Function, Problems, Resource, Stack};

/// SAM's names for the sources of an event source mapping.
const SOURCES: [(&str, &str); 3] = [
    ("SQS", "Queue"),
    ("Kinesis", "Stream"),
    ("DynamoDB", "Stream"),
];

pub(super) const RULE: &str = "AWS::Events::Rule";
pub(super) const SCHEDULE: &str = "AWS::Scheduler::Schedule";
pub(super) const PERMISSION: &str = "AWS::Lambda::Permission";
pub(super) const MAPPING: &str = "AWS::Lambda::EventSourceMapping";
pub(super) const VERSION: &str = "AWS::Lambda::Version";
pub(super) const ALIAS: &str = "AWS::Lambda::Alias";
pub(super) const EVENT_INVOKE: &str = "AWS::Lambda::EventInvokeConfig";

/// A resource's type after the transform.
pub(super) fn deployed_kind(kind: &str) -> &str {
    match kind {
        "AWS::Serverless::Function" => "AWS::Lambda::Function",
        "AWS::Serverless::LayerVersion" => "AWS::Lambda::LayerVersion",
        "AWS::Serverless::SimpleTable" => "AWS::DynamoDB::Table",
        "AWS::Serverless::Application" => super::stack::STACK,
        other => other,
    }
}

/// What gives a resource its `Ref` and its ARN.
pub(super) trait Called {
    fn reference(&self, resource: &Resource) -> String;
    fn arn(&self, resource: &Resource) -> String;
    /// Of everything in an API.
    fn api_arn(&self, id: &str) -> String;
}

/// Adds the resources of events.
pub(super) fn events(stack: &mut Stack, names: &dyn Called) -> Result<(), Problems> {
    leave_out_images(stack)?;
    let mut added = Vec::new();
    for function in stack.functions()? {
        let Some(resource) = stack.resources.get(&function.logical_id) else {
            continue;
        };
        if !function.package_image {
            let owner = Owner::of(stack, resource, names);
            added.extend(of_function(&owner, &function, names));
            added.extend(event_invoke(&owner));
        }
    }
    added.extend(permissions(stack, names)?);
    for mut resource in added {
        resource.reference = names.reference(&resource);
        let id = resource.logical_id.clone();
        // A nested stack is there when all of it is.
        if let Some((nested, _)) = id.rsplit_once('/')
            && let Some(nested) = stack.resources.get_mut(nested)
        {
            nested.depends_on.push(id.clone());
        }
        stack.resources.entry(id).or_insert(resource);
    }
    Ok(())
}

/// Container images are left out, and so is what there cannot be without them.
fn leave_out_images(stack: &mut Stack) -> Result<(), Problems> {
    let images = images(stack)?;
    stack.resources.retain(|_, it| {
        let needs_one = [VERSION, ALIAS, EVENT_INVOKE, PERMISSION].contains(&it.kind.as_str());
        let of = it.property("FunctionName").and_then(Value::as_str);
        let of = of.map(|it| name_and_qualifier(it).0);
        !needs_one || !of.is_some_and(|it| images.iter().any(|image| image == it))
    });
    Ok(())
}

/// The names of functions that are container images.
fn images(stack: &Stack) -> Result<Vec<String>, Problems> {
    let functions = stack.functions()?.into_iter();
    let images = functions.filter(|it| it.package_image);
    let images = images.filter_map(|it| stack.resources.get(&it.logical_id));
    Ok(images.map(|it| it.reference.clone()).collect())
}

/// A function, and what its events invoke: its alias, if it has one.
struct Owner<'s> {
    resource: &'s Resource,
    /// A name, or the ARN of an alias.
    name: &'s str,
    arn: String,
    /// Its own logical id, and its alias's.
    needs: Vec<String>,
}

impl<'s> Owner<'s> {
    fn of(stack: &'s Stack, resource: &'s Resource, names: &dyn Called) -> Self {
        let name = stack.invoked(resource);
        let arn = match name.starts_with("arn:") {
            true => name.to_owned(),
            false => names.arn(resource),
        };
        let alias = stack.resources.values();
        let alias = alias.filter(|it| it.kind == ALIAS && it.reference == name);
        let needs = alias.map(|it| it.logical_id.clone());
        Self {
            resource,
            name,
            arn,
            needs: [resource.logical_id.clone()]
                .into_iter()
                .chain(needs)
                .collect(),
        }
    }

    fn added(&self, event: &Event, suffix: &str, kind: &str, properties: Value) -> Resource {
        Resource {
            logical_id: format!("{}{}{suffix}", self.resource.logical_id, event.name),
            kind: kind.to_owned(),
            properties,
            // Where it comes from, for messages.
            metadata: json!({ "Event": event.name, "Kind": event.kind }),
            depends_on: self.needs.clone(),
            references: Vec::new(),
            ..self.resource.clone()
        }
    }
}

/// SAM lets its own APIs invoke their functions; raw ones say it themselves.
fn permissions(stack: &Stack, names: &dyn Called) -> Result<Vec<Resource>, Problems> {
    let images = images(stack)?;
    let mut added: Vec<Resource> = Vec::new();
    for api in stack.apis()? {
        let Some(owner) = stack.resources.get(&api.logical_id) else {
            continue;
        };
        if !owner.kind.starts_with("AWS::Serverless::") {
            continue;
        }
        let routes = api.routes.iter().filter_map(|it| it.integration.as_ref());
        let routes = routes.filter_map(|it| it.function.as_deref());
        let authorizers = api.authorizers.values().filter_map(|it| it.kind.function());
        for invoked in routes.chain(authorizers) {
            let (name, qualifier) = name_and_qualifier(invoked);
            if images.iter().any(|it| it == name) {
                continue;
            }
            let mut functions = stack.resources.values();
            let Some(function) = functions.find(|it| it.reference == name) else {
                continue;
            };
            let api_id = seen_from(&function.logical_id, &api.logical_id);
            let of = qualifier.unwrap_or_default();
            let id = format!("{}{of}{api_id}Permission", function.logical_id);
            if added.iter().any(|it| it.logical_id == id) {
                continue;
            }
            let mut permission = json!({
                "Action": "lambda:InvokeFunction",
                "FunctionName": function.reference,
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": names.api_arn(&api.id),
            });
            let mut depends_on = vec![function.logical_id.clone()];
            if let Some(qualifier) = qualifier {
                let arn = format!("{}:{qualifier}", names.arn(function));
                let made = stack.resources.values().filter(|it| it.reference == arn);
                depends_on.extend(made.map(|it| it.logical_id.clone()));
                permission["FunctionName"] = json!(arn);
            }
            added.push(Resource {
                logical_id: id,
                kind: PERMISSION.to_owned(),
                properties: permission,
                metadata: json!({ "Kind": "Api" }),
                depends_on,
                references: Vec::new(),
                ..function.clone()
            });
        }
    }
    Ok(added)
}

/// What an API is called where the function is: of the same nested stack its own
/// name, of another one the way there, as others there may be called the same.
fn seen_from(function: &str, api: &str) -> String {
    let own = function.rsplit_once('/').and_then(|(nested, _)| {
        let within = api.strip_prefix(nested)?;
        within.strip_prefix('/')
    });
    own.unwrap_or(api).replace('/', "")
}

fn of_function(owner: &Owner<'_>, function: &Function, names: &dyn Called) -> Vec<Resource> {
    let mut added = Vec::new();
    for event in &function.events {
        let source = SOURCES.iter().find(|(kind, _)| *kind == event.kind);
        match (expression(event), source) {
            (Some(expression), _) if event.kind == "ScheduleV2" => {
                added.push(schedule_v2(owner, event, expression));
            }
            (Some(expression), _) => added.extend(schedule(owner, event, expression, names)),
            (None, Some((_, source))) => added.push(mapping(owner, event, source)),
            (None, None) => {}
        }
    }
    added
}

/// Of a schedule; whether it can be played is said where it is made.
fn expression(event: &Event) -> Option<&str> {
    let property = match event.kind.as_str() {
        "Schedule" => "Schedule",
        "ScheduleV2" => "ScheduleExpression",
        _ => return None,
    };
    event.properties.get(property)?.as_str()
}

/// Whether something comes of an event here.
pub(super) fn is_played(event: &Event) -> bool {
    expression(event).is_some()
        || matches!(event.kind.as_str(), "Api" | "HttpApi")
        || SOURCES.iter().any(|(kind, _)| *kind == event.kind)
}

/// A rule, and the permission to do what it does.
fn schedule(
    owner: &Owner<'_>,
    event: &Event,
    expression: &str,
    names: &dyn Called,
) -> [Resource; 2] {
    let given = |name: &str| event.properties.get(name).filter(|it| !it.is_null());
    let mut target = json!({
        "Arn": owner.arn,
        "Id": format!("{}{}LambdaTarget", owner.resource.logical_id, event.name),
    });
    if let Some(input) = given("Input") {
        target["Input"] = input.clone();
    }
    let mut rule = json!({ "ScheduleExpression": expression, "Targets": [target] });
    for name in ["Description", "Name", "State"] {
        if let Some(value) = given(name) {
            rule[name] = value.clone();
        }
    }
    if given("Enabled").is_some_and(|it| it == false || it == "false") {
        rule["State"] = json!("DISABLED");
    }
    let rule = owner.added(event, "", RULE, rule);
    let permission = json!({
        "Action": "lambda:InvokeFunction",
        "FunctionName": owner.name,
        "Principal": "events.amazonaws.com",
        "SourceArn": names.arn(&rule),
    });
    let mut permission = owner.added(event, "Permission", PERMISSION, permission);
    permission.depends_on.push(rule.logical_id.clone());
    [rule, permission]
}

/// What a function does with events that it gets asynchronously.
fn event_invoke(owner: &Owner<'_>) -> Option<Resource> {
    let needs = owner.needs.clone();
    let owner = owner.resource;
    let config = owner.property("EventInvokeConfig")?;
    let destination = |when: &str| {
        let given = config.get("DestinationConfig")?.get(when)?;
        let arn = given.get("Destination").filter(|it| !it.is_null())?;
        Some((when.to_owned(), json!({ "Destination": arn })))
    };
    let destinations: serde_json::Map<String, Value> = ["OnSuccess", "OnFailure"]
        .into_iter()
        .filter_map(destination)
        .collect();
    let alias = owner.property("AutoPublishAlias").and_then(Value::as_str);
    let mut properties = json!({
        "FunctionName": owner.reference,
        "Qualifier": alias.unwrap_or(LATEST),
        "DestinationConfig": destinations,
    });
    for member in ["MaximumEventAgeInSeconds", "MaximumRetryAttempts"] {
        if let Some(value) = config.get(member).filter(|it| !it.is_null()) {
            properties[member] = value.clone();
        }
    }
    Some(Resource {
        logical_id: format!("{}EventInvokeConfig", owner.logical_id),
        kind: EVENT_INVOKE.to_owned(),
        properties,
        metadata: json!({ "Event": "EventInvokeConfig" }),
        depends_on: needs,
        // Its destinations are to be there.
        references: owner.references.clone(),
        ..owner.clone()
    })
}

/// A schedule of the scheduler's; the role that SAM makes for it may invoke the
/// function, and nothing else.
fn schedule_v2(owner: &Owner<'_>, event: &Event, expression: &str) -> Resource {
    let given = |name: &str| event.properties.get(name).filter(|it| !it.is_null());
    let mut target = json!({ "Arn": owner.arn });
    for name in ["Input", "RoleArn"] {
        if let Some(value) = given(name) {
            target[name] = value.clone();
        }
    }
    let mut schedule = json!({ "ScheduleExpression": expression, "Target": target });
    for name in [
        "Description",
        "Name",
        "State",
        "GroupName",
        "ScheduleExpressionTimezone",
        "FlexibleTimeWindow",
        "StartDate",
        "EndDate",
    ] {
        if let Some(value) = given(name) {
            schedule[name] = value.clone();
        }
    }
    owner.added(event, "", SCHEDULE, schedule)
}

fn mapping(owner: &Owner<'_>, event: &Event, source: &str) -> Resource {
    let mut properties = event.properties.clone();
    if let Value::Object(members) = &mut properties {
        let arn = members.shift_remove(source).unwrap_or_default();
        members.insert("EventSourceArn".to_owned(), arn);
        members.insert("FunctionName".to_owned(), json!(owner.name));
    }
    owner.added(event, "", MAPPING, properties)
}

#[cfg(test)]
mod tests {
    use super::seen_from;

    #[test]
    fn apis_of_different_nested_stacks_are_told_apart() {
        assert_eq!(seen_from("Hello", "Api"), "Api");
        assert_eq!(seen_from("Orders/Hello", "Orders/Api"), "Api");
        assert_eq!(seen_from("Orders/Hello", "Orders/Deep/Api"), "DeepApi");
        assert_eq!(seen_from("Orders/Hello", "Api"), "Api");
        assert_eq!(seen_from("Orders/Hello", "OrdersToo/Api"), "OrdersTooApi");
        // A root's authorizer, with APIs that call it.
        assert_eq!(seen_from("Asks", "Orders/Api"), "OrdersApi");
        assert_eq!(seen_from("Asks", "Users/Api"), "UsersApi");
    }
}
