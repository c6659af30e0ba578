//! What a function's role may do so that Lambda can tell its destinations about events
//! (`EventInvokeConfig`).

use super::{chosen, named};
use crate::evaluator::Evaluator;
use crate::resources::Declaration;
use crate::tree::Node;

/// A destination's type, and what is done to it there. Buckets are told about nothing here.
const ACTIONS: [(&str, &str); 4] = [
    ("Lambda", "lambda:InvokeFunction"),
    ("SQS", "sqs:SendMessage"),
    ("SNS", "sns:publish"),
    ("EventBridge", "events:PutEvents"),
];

/// Inline policies, as SAM names them.
pub(super) fn policies(
    logical_id: &str,
    function: &Declaration,
    evaluator: &mut Evaluator<'_>,
) -> Vec<Node> {
    let config = function.properties.member("EventInvokeConfig");
    let Some(destinations) = config.and_then(|it| it.member("DestinationConfig")) else {
        return Vec::new();
    };
    let mut policies = Vec::new();
    for when in ["OnSuccess", "OnFailure"] {
        let Some(destination) = destinations.member(when) else {
            continue;
        };
        let Some(destination) = chosen(logical_id, destination, evaluator) else {
            continue;
        };
        let kind = destination.member("Type").and_then(Node::as_text);
        let action = ACTIONS.iter().find(|(it, _)| Some(*it) == kind);
        // Without one, SAM makes a queue or a topic.
        let (Some((kind, action)), Some(arn)) = (action, destination.member("Destination")) else {
            continue;
        };
        let position = function.position;
        let text = |it: &str| Node::text(position, it);
        let statement = Node::map(
            position,
            [
                ("Action", text(action)),
                ("Effect", text("Allow")),
                ("Resource", arn.clone()),
            ],
        );
        let statements = Node::list(position, vec![statement]);
        let document = Node::map(position, [("Statement", statements)]);
        let name = format!("{logical_id}EventInvokeConfig{when}{kind}Policy");
        policies.push(named(position, &name, document));
    }
    policies
}
