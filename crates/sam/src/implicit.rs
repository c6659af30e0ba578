//! Resources that SAM adds without being told: a role for each function that names none, and the
//! API of events that name none.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html>

use crate::evaluator::{Evaluator, Place};
use crate::policies;
use crate::problem::Position;
use crate::resources::{Declaration, Declarations, SAM_FUNCTION};
use crate::tree::{Member, Node, Tree};

/// The implicit APIs: the event's type, the property that names an API, the logical id that stands
/// in for it, and its type. What SAM would define in it is `api`'s.
const APIS: [(&str, &str, &str, &str); 2] = [
    (
        "Api",
        "RestApiId",
        "ServerlessRestApi",
        "AWS::Serverless::Api",
    ),
    (
        "HttpApi",
        "ApiId",
        "ServerlessHttpApi",
        "AWS::Serverless::HttpApi",
    ),
];

const STATE_MACHINE: &str = "AWS::Serverless::StateMachine";

/// Adds `ServerlessRestApi` and `ServerlessHttpApi` where an event needs them.
pub(crate) fn add_apis(resources: &mut Declarations) {
    for (event, property, logical_id, kind) in APIS {
        let needed = resources
            .values()
            .find(|it| it.live && may_have(it, event) && has_event(it, event, property));
        let Some(position) = needed.map(|it| it.position) else {
            continue;
        };
        let stage = Node::text(position, "Prod");
        let properties = match event {
            "Api" => Node::map(position, [("StageName", stage)]),
            _ => Node::map(position, []),
        };
        let api = Declaration::added(kind, properties);
        resources.entry(logical_id.to_owned()).or_insert(api);
    }
}

/// State machines start by REST APIs too.
fn may_have(resource: &Declaration, event: &str) -> bool {
    resource.kind == SAM_FUNCTION || (resource.kind == STATE_MACHINE && event == "Api")
}

fn has_event(function: &Declaration, kind: &str, property: &str) -> bool {
    let events = function.properties.member("Events").and_then(Node::as_map);
    events.into_iter().flatten().any(|(_, member)| {
        let event = &member.value;
        let api = event
            .member("Properties")
            .and_then(|it| it.member(property));
        event.member("Type").and_then(Node::as_text) == Some(kind) && api.is_none()
    })
}

/// Adds `<Function>Role` for each function whose `Role` is absent, and makes it the `Role`.
pub(crate) fn add_roles(resources: &mut Declarations, evaluator: &mut Evaluator<'_>) {
    let mut roles = Vec::new();
    for (logical_id, function) in resources.iter_mut() {
        if function.kind != SAM_FUNCTION || !function.live {
            continue;
        }
        if has_role(logical_id, function, evaluator) {
            continue;
        }
        let id = format!("{logical_id}Role");
        let arn = vec![
            Node::text(function.position, &id),
            Node::text(function.position, "Arn"),
        ];
        let arn = Node::list(function.position, arn);
        let arn = Node::call(function.position, "Fn::GetAtt", arn);
        roles.push((id, role(logical_id, function, evaluator)));
        if let Tree::Map(members) = &mut function.properties.tree {
            let key = function.position;
            members.insert("Role".to_owned(), Member { key, value: arn });
        }
    }
    for (id, role) in roles {
        resources.entry(id).or_insert(role);
    }
}

/// Whether the function has a role of its own, once its conditions have chosen.
fn has_role(logical_id: &str, function: &Declaration, evaluator: &mut Evaluator<'_>) -> bool {
    let Some(mut node) = function.properties.member("Role") else {
        return false;
    };
    let mut place = Place::resource(logical_id);
    place.enter("Role", node.position);
    while let Some(("Fn::If", argument)) = node.intrinsic() {
        match evaluator.branch(argument, &place) {
            Ok(branch) => node = branch,
            // It is wrong and reported; a role of ours would only add to that.
            Err(_) => return true,
        }
    }
    !node.is_no_value() && !node.is_null()
}

fn role(logical_id: &str, function: &Declaration, evaluator: &mut Evaluator<'_>) -> Declaration {
    let position = function.position;
    let (managed, inline) = policies::of_role(logical_id, function, evaluator);
    let given = |property| function.properties.member(property).cloned();
    let mut properties = vec![
        (
            "AssumeRolePolicyDocument",
            given("AssumeRolePolicyDocument").unwrap_or_else(|| trust(position)),
        ),
        ("ManagedPolicyArns", managed),
    ];
    properties.extend(inline.map(|it| ("Policies", it)));
    properties.extend(given("RolePath").map(|it| ("Path", it)));
    properties.extend(given("PermissionsBoundary").map(|it| ("PermissionsBoundary", it)));
    let mut role = Declaration::added("AWS::IAM::Role", Node::map(position, properties));
    role.condition.clone_from(&function.condition);
    role
}

/// Lambda may take the role.
fn trust(position: Position) -> Node {
    let text = |text| Node::text(position, text);
    let service = Node::list(position, vec![text("lambda.amazonaws.com")]);
    let statement = Node::map(
        position,
        [
            ("Action", Node::list(position, vec![text("sts:AssumeRole")])),
            ("Effect", text("Allow")),
            ("Principal", Node::map(position, [("Service", service)])),
        ],
    );
    Node::map(
        position,
        [
            ("Version", text("2012-10-17")),
            ("Statement", Node::list(position, vec![statement])),
        ],
    )
}

#[cfg(test)]
#[path = "implicit_tests.rs"]
mod tests;
