//! Answers: stacks, events, resources, change sets, templates.

use super::api::{Form, does_not_exist};
use super::change_set::{self, ChangeSet};
use super::stack::{Event, Row, Stack, State};
use super::{capabilities, nested, target, template};
use crate::cloud::Cloud;
use crate::names::Chosen;
use crate::query::{Refusal, element};
use std::sync::Arc;

type Answer = Result<String, Refusal>;

/// In one page.
const PAGE: usize = 100;

/// Serves what only looks.
pub(super) fn serve(cloud: &Cloud, action: &str, form: &Form<'_>) -> Answer {
    match action {
        "DescribeStacks" => stacks(cloud, form),
        "ListStacks" => list_stacks(cloud, form),
        "DescribeStackEvents" => events(cloud, form),
        "DescribeStackResources" => resources(cloud, form),
        "DescribeStackResource" => resource(cloud, form),
        "ListStackResources" => list_resources(cloud, form),
        "DescribeChangeSet" => change_set(cloud, form),
        "ListChangeSets" => list_change_sets(cloud, form),
        "GetTemplate" => get_template(cloud, form),
        "GetTemplateSummary" => summary(cloud, form),
        "ValidateTemplate" => validate(cloud, form),
        other => Err(Refusal {
            code: "InvalidAction",
            message: format!("tether's emulator does not serve {other}"),
        }),
    }
}

fn find(cloud: &Cloud, form: &Form<'_>) -> Result<Arc<Stack>, Refusal> {
    let wanted = form.get("StackName").unwrap_or_default();
    let found = nested::find(cloud, wanted);
    found.ok_or_else(|| does_not_exist(wanted))
}

// ---- XML

fn optional(name: &str, text: Option<&str>) -> String {
    text.map(|it| element(name, it)).unwrap_or_default()
}

fn list<T>(name: &str, items: impl IntoIterator<Item = T>, write: impl Fn(T) -> String) -> String {
    let members = items
        .into_iter()
        .map(|it| format!("<member>{}</member>", write(it)));
    format!("<{name}>{}</{name}>", members.collect::<String>())
}

/// A page of a list, and the mark of the next one.
fn page<T>(form: &Form<'_>, name: &str, items: Vec<T>, write: impl Fn(T) -> String) -> Answer {
    let from: usize = match form.get("NextToken") {
        None => 0,
        Some(token) => token
            .parse()
            .map_err(|_| Refusal::validation("The specified token is invalid"))?,
    };
    let more = items.len() > from.saturating_add(PAGE);
    let items = items.into_iter().skip(from).take(PAGE);
    let next = more.then(|| (from + PAGE).to_string());
    let next = optional("NextToken", next.as_deref());
    Ok(format!("{}{next}", list(name, items, write)))
}

fn pairs(name: &str, pairs: &[(String, String)], key: &str, value: &str) -> String {
    list(name, pairs, |(k, v)| {
        format!("{}{}", element(key, k), element(value, v))
    })
}

// ---- stacks

fn stacks(cloud: &Cloud, form: &Form<'_>) -> Answer {
    if form.get("StackName").is_some() {
        let stack = find(cloud, form)?;
        return Ok(list("Stacks", [stack], |it| described(cloud, &it)));
    }
    let mut all = nested::all(cloud);
    all.retain(|it| !it.is_gone());
    page(form, "Stacks", all, |it| described(cloud, &it))
}

fn described(cloud: &Cloud, stack: &Stack) -> String {
    let state = stack.state();
    let last = state.change_sets.last();
    let outputs = list("Outputs", &state.outputs, |it| {
        format!(
            "{}{}{}{}",
            element("OutputKey", &it.key),
            element("OutputValue", &cloud.localize(&it.value)),
            optional("Description", it.description.as_deref()),
            optional("ExportName", it.export_name.as_deref())
        )
    });
    let parts = [
        element("StackName", &stack.name),
        element("StackId", &stack.id),
        optional("ChangeSetId", last.map(|it| it.id.as_str())),
        optional("Description", state.description.as_deref()),
        times(&state),
        element("StackStatus", state.status),
        optional("StackStatusReason", state.reason.as_deref()),
        element("DisableRollback", &state.disable_rollback.to_string()),
        element("EnableTerminationProtection", "false"),
        pairs(
            "Parameters",
            &state.parameters,
            "ParameterKey",
            "ParameterValue",
        ),
        list("Capabilities", &state.wish.capabilities, |it| {
            crate::query::escape(it)
        }),
        outputs,
        parents(stack),
        pairs("Tags", &state.wish.tags, "Key", "Value"),
        "<DriftInformation><StackDriftStatus>NOT_CHECKED</StackDriftStatus></DriftInformation>"
            .to_owned(),
    ];
    parts.concat()
}

/// Of a nested one.
fn parents(stack: &Stack) -> String {
    let parent = stack.parent.as_ref();
    let parents = parent.map(|it| [element("ParentId", &it.id), element("RootId", &it.root)]);
    parents.map(|it| it.concat()).unwrap_or_default()
}

fn times(state: &State) -> String {
    format!(
        "{}{}{}",
        element("CreationTime", &state.created),
        optional("LastUpdatedTime", state.updated.as_deref()),
        optional("DeletionTime", state.deleted.as_deref())
    )
}

fn list_stacks(cloud: &Cloud, form: &Form<'_>) -> Answer {
    let wanted = form.list("StackStatusFilter");
    let mut all = nested::all(cloud);
    all.retain(|it| wanted.is_empty() || wanted.iter().any(|wish| wish == it.state().status));
    page(form, "StackSummaries", all, |it| {
        let state = it.state();
        [
            element("StackName", &it.name),
            element("StackId", &it.id),
            optional("TemplateDescription", state.description.as_deref()),
            times(&state),
            element("StackStatus", state.status),
            optional("StackStatusReason", state.reason.as_deref()),
            parents(&it),
        ]
        .concat()
    })
}

fn events(cloud: &Cloud, form: &Form<'_>) -> Answer {
    let stack = find(cloud, form)?;
    let mut events: Vec<Event> = stack.state().events.clone();
    events.retain(|it| !nested::is_within(&it.logical_id));
    events.reverse();
    page(form, "StackEvents", events, |it| {
        [
            element("StackId", &stack.id),
            element("StackName", &stack.name),
            element("EventId", &it.id),
            element("LogicalResourceId", &it.logical_id),
            element("PhysicalResourceId", &it.physical_id),
            element("ResourceType", &it.kind),
            element("Timestamp", &it.at),
            element("ResourceStatus", it.status),
            optional("ResourceStatusReason", it.reason.as_deref()),
        ]
        .concat()
    })
}

// ---- resources

/// What a listing has: what is there, and what happens to it.
fn rows(stack: &Stack) -> Vec<(String, Row)> {
    let state = stack.state();
    let gone = |it: &Row| matches!(it.status, "DELETE_COMPLETE" | "DELETE_SKIPPED");
    // A replacement's predecessor was told of last.
    let rows = state.rows.iter().filter(|(id, _)| !nested::is_within(id));
    let rows = rows.filter_map(|(id, row)| {
        let made = state.made.get(id);
        match made {
            Some(made) if gone(row) => Some((
                id.clone(),
                Row {
                    physical_id: made.physical_id.clone(),
                    status: "UPDATE_COMPLETE",
                    reason: None,
                    ..row.clone()
                },
            )),
            None if gone(row) && !stack_is_gone(state.status) => None,
            _ => Some((id.clone(), row.clone())),
        }
    });
    rows.collect()
}

/// Everything of it is listed as deleted.
fn stack_is_gone(status: &str) -> bool {
    matches!(status, "DELETE_COMPLETE" | "ROLLBACK_COMPLETE")
}

fn about(id: &str, row: &Row) -> String {
    [
        element("LogicalResourceId", id),
        element("PhysicalResourceId", &row.physical_id),
        element("ResourceType", &row.kind),
        element("ResourceStatus", row.status),
        optional("ResourceStatusReason", row.reason.as_deref()),
    ]
    .concat()
}

fn list_resources(cloud: &Cloud, form: &Form<'_>) -> Answer {
    let stack = find(cloud, form)?;
    page(form, "StackResourceSummaries", rows(&stack), |(id, row)| {
        let at = element("LastUpdatedTimestamp", &row.at);
        format!("{}{at}", about(&id, &row))
    })
}

fn of_stack(stack: &Stack, id: &str, row: &Row, time: &str) -> String {
    [
        element("StackName", &stack.name),
        element("StackId", &stack.id),
        about(id, row),
        element(time, &row.at),
    ]
    .concat()
}

fn resources(cloud: &Cloud, form: &Form<'_>) -> Answer {
    let stack = match form.get("PhysicalResourceId") {
        Some(id) if form.get("StackName").is_none() => that_has(cloud, id)?,
        _ => find(cloud, form)?,
    };
    let wanted = form.get("LogicalResourceId");
    let mut rows = rows(&stack);
    rows.retain(|(id, _)| wanted.is_none_or(|it| it == id));
    Ok(list("StackResources", rows, |(id, row)| {
        of_stack(&stack, &id, &row, "Timestamp")
    }))
}

/// The stack of a resource.
fn that_has(cloud: &Cloud, physical_id: &str) -> Result<Arc<Stack>, Refusal> {
    let has = |it: &Arc<Stack>| {
        rows(it)
            .iter()
            .any(|(_, row)| row.physical_id == physical_id)
    };
    let found = nested::all(cloud)
        .into_iter()
        .find(|it| !it.is_gone() && has(it));
    found.ok_or_else(|| Refusal::validation(format!("Stack for {physical_id} does not exist")))
}

fn resource(cloud: &Cloud, form: &Form<'_>) -> Answer {
    let stack = find(cloud, form)?;
    let wanted = form.get("LogicalResourceId").unwrap_or_default();
    let rows = rows(&stack);
    let found = rows.iter().find(|(id, _)| id == wanted);
    let (id, row) = found.ok_or_else(|| {
        let name = &stack.name;
        Refusal::validation(format!("Resource {wanted} does not exist for stack {name}"))
    })?;
    let inside = of_stack(&stack, id, row, "LastUpdatedTimestamp");
    Ok(format!(
        "<StackResourceDetail>{inside}</StackResourceDetail>"
    ))
}

// ---- change sets

/// The stack that a request about a change set means: its id says it, too.
pub(super) fn stack_of_change_set(cloud: &Cloud, form: &Form<'_>) -> Result<Arc<Stack>, Refusal> {
    if form.get("StackName").is_some() {
        return find(cloud, form);
    }
    let wanted = form.get("ChangeSetName").unwrap_or_default();
    let has = |stack: &Arc<Stack>| stack.state().change_sets.iter().any(|it| it.id == wanted);
    let found = cloud.stacks.all().into_iter().find(has);
    found.ok_or_else(|| change_set::not_found(wanted))
}

fn change_set(cloud: &Cloud, form: &Form<'_>) -> Answer {
    let stack = stack_of_change_set(cloud, form)?;
    let wanted = form.get("ChangeSetName").unwrap_or_default();
    let set = change_set::find(&mut stack.state(), wanted)?.clone();
    let head = [
        head(&stack, &set),
        pairs(
            "Parameters",
            &set.parameters,
            "ParameterKey",
            "ParameterValue",
        ),
        list("Capabilities", &set.wish.capabilities, |it| {
            crate::query::escape(it)
        }),
        pairs("Tags", &set.wish.tags, "Key", "Value"),
    ];
    let changes = page(form, "Changes", set.changes, |row| change(&row))?;
    Ok(format!("{}{changes}", head.concat()))
}

fn head(stack: &Stack, set: &ChangeSet) -> String {
    [
        element("ChangeSetName", &set.name),
        element("ChangeSetId", &set.id),
        element("StackId", &stack.id),
        element("StackName", &stack.name),
        optional("Description", set.description.as_deref()),
        element("CreationTime", &set.created),
        element("ExecutionStatus", set.execution),
        element("Status", set.status),
        optional("StatusReason", set.reason.as_deref()),
    ]
    .concat()
}

fn change(row: &change_set::Row) -> String {
    let details = list("Details", &row.properties, |name| {
        format!(
            "<Target><Attribute>Properties</Attribute>{}</Target>",
            element("Name", name)
        )
    });
    let scope = match row.properties.is_empty() {
        true => "<Scope/>".to_owned(),
        false => list("Scope", ["Properties"], str::to_owned),
    };
    let inside = [
        element("Action", row.action),
        element("LogicalResourceId", &row.logical_id),
        optional("PhysicalResourceId", row.physical_id.as_deref()),
        element("ResourceType", &row.kind),
        optional("Replacement", row.replacement),
        scope,
        details,
    ];
    let inside = inside.concat();
    format!("<Type>Resource</Type><ResourceChange>{inside}</ResourceChange>")
}

fn list_change_sets(cloud: &Cloud, form: &Form<'_>) -> Answer {
    let stack = find(cloud, form)?;
    let sets = stack.state().change_sets.clone();
    page(form, "Summaries", sets, |it| head(&stack, &it))
}

// ---- templates

fn get_template(cloud: &Cloud, form: &Form<'_>) -> Answer {
    let text = match form.get("ChangeSetName") {
        Some(wanted) => {
            let stack = stack_of_change_set(cloud, form)?;
            let mut state = stack.state();
            change_set::find(&mut state, wanted)?.wish.text.clone()
        }
        None => find(cloud, form)?.state().wish.text.clone(),
    };
    let stages = list("StagesAvailable", ["Original"], str::to_owned);
    Ok(format!("{}{stages}", element("TemplateBody", &text)))
}

/// The template that a request brings, or that a stack has.
fn text(cloud: &Cloud, form: &Form<'_>) -> Result<String, Refusal> {
    match form.get("StackName") {
        Some(_) => Ok(find(cloud, form)?.state().wish.text.clone()),
        None => template::text(cloud, form),
    }
}

fn validate(cloud: &Cloud, form: &Form<'_>) -> Answer {
    let text = template::text(cloud, form)?;
    let template = template::parse(&text)?;
    let parameters = list("Parameters", template.parameters(), |it| {
        [
            element("ParameterKey", &it.name),
            optional("DefaultValue", it.default.as_deref()),
            element("NoEcho", &it.no_echo.to_string()),
            optional("Description", it.description.as_deref()),
        ]
        .concat()
    });
    Ok(format!("{}{parameters}", needs(cloud, &text)?.text))
}

fn summary(cloud: &Cloud, form: &Form<'_>) -> Answer {
    let text = text(cloud, form)?;
    let template = template::parse(&text)?;
    let parameters = list("Parameters", template.parameters(), |it| {
        let allowed = list("AllowedValues", &it.allowed_values, |value| {
            crate::query::escape(value)
        });
        [
            element("ParameterKey", &it.name),
            optional("DefaultValue", it.default.as_deref()),
            element("ParameterType", &it.kind),
            element("NoEcho", &it.no_echo.to_string()),
            optional("Description", it.description.as_deref()),
            format!("<ParameterConstraints>{allowed}</ParameterConstraints>"),
        ]
        .concat()
    });
    let needs = needs(cloud, &text)?;
    let kinds = list("ResourceTypes", &needs.kinds, |it| crate::query::escape(it));
    Ok(format!("{}{parameters}{kinds}", needs.text))
}

/// What a template needs, found with the defaults of its parameters.
struct Needs {
    text: String,
    kinds: Vec<String>,
}

fn needs(cloud: &Cloud, text: &str) -> Result<Needs, Refusal> {
    let mut wish = super::Wish {
        text: text.to_owned(),
        file: "template".to_owned(),
        ..super::Wish::default()
    };
    for parameter in template::parse(text)?.parameters() {
        if parameter.default.is_none() {
            let any = parameter.allowed_values.first().cloned();
            wish.parameters
                .insert(parameter.name, any.unwrap_or_else(|| "1".to_owned()));
        }
    }
    let stack = Stack::imagined("validated", "stack/validated/0");
    let resolved = target::resolve(cloud, &stack, &wish, &Chosen::default());
    let resolved = resolved.map_err(|problems| template::format_error(&problems))?;
    let iam = capabilities::of_iam(&resolved);
    let reason =
        iam.map(|_| "The following resource(s) require capabilities: [AWS::IAM::Role]".to_owned());
    let mut kinds: Vec<String> = resolved
        .resources
        .values()
        .filter(|it| !nested::is_within(&it.logical_id))
        .map(|it| it.kind.clone())
        .collect();
    kinds.sort();
    kinds.dedup();
    let text = [
        optional("Description", resolved.description.as_deref()),
        list("Capabilities", iam, str::to_owned),
        optional("CapabilitiesReason", reason.as_deref()),
        list("DeclaredTransforms", template::transforms(text), |it| {
            crate::query::escape(&it)
        }),
    ];
    Ok(Needs {
        text: text.concat(),
        kinds,
    })
}
