//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html>

use super::Request;
use crate::iam::Ask;
use serde_json::Value;

/// What each write of a transaction needs
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>).
const WRITES: [(&str, &str); 4] = [
    ("Put", "PutItem"),
    ("Update", "UpdateItem"),
    ("Delete", "DeleteItem"),
    ("ConditionCheck", "ConditionCheckItem"),
];

pub(super) fn asks(request: &Request<'_>) -> Vec<Ask> {
    let (operation, body) = (request.target(), request.json());
    let one = |action: &str, resource: String| Ask::new(format!("dynamodb:{action}"), resource);
    match operation {
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = body.get("RequestItems").and_then(Value::as_object);
            let tables = tables.into_iter().flatten();
            tables
                .map(|(name, _)| one(operation, table(request, name)))
                .collect()
        }
        "TransactGetItems" | "TransactWriteItems" => {
            let items = body.get("TransactItems").and_then(Value::as_array);
            let items = items.into_iter().flatten().filter_map(Value::as_object);
            let members = items.flatten().filter_map(|(member, item)| {
                let action = match member.as_str() {
                    "Get" => "GetItem",
                    member => WRITES.iter().find(|it| it.0 == member)?.1,
                };
                Some(one(action, table_of(request, item)))
            });
            members.collect()
        }
        "ExecuteStatement" => vec![statement(request, &body)],
        "BatchExecuteStatement" | "ExecuteTransaction" => {
            let member = if operation == "ExecuteTransaction" {
                "TransactStatements"
            } else {
                "Statements"
            };
            let statements = body.get(member).and_then(Value::as_array);
            let statements = statements.into_iter().flatten();
            statements.map(|it| statement(request, it)).collect()
        }
        "DescribeEndpoints" => Vec::new(),
        _ => {
            let resource = match body.get("IndexName").and_then(Value::as_str) {
                // The index alone is asked about.
                Some(index) => format!("{}/index/{index}", table_of(request, &body)),
                None => table_of(request, &body),
            };
            vec![one(operation, resource)]
        }
    }
}

/// Of a request's member: a name or an ARN; none: all there is.
fn table_of(request: &Request<'_>, item: &Value) -> String {
    match item.get("TableName").and_then(Value::as_str) {
        Some(name) => table(request, name),
        None => "*".to_owned(),
    }
}

fn table(request: &Request<'_>, name: &str) -> String {
    if name.starts_with("arn:") {
        return name.to_owned();
    }
    request.arn("dynamodb", &format!("table/{name}"))
}

/// PartiQL has actions of its own.
fn statement(request: &Request<'_>, item: &Value) -> Ask {
    let text = item.get("Statement").and_then(Value::as_str);
    let words: Vec<&str> = text.unwrap_or_default().split_whitespace().collect();
    let is = |word: &str, name: &str| word.eq_ignore_ascii_case(name);
    let verb = words.first().copied().unwrap_or_default();
    let (action, before) = match verb {
        it if is(it, "select") => ("PartiQLSelect", "from"),
        it if is(it, "insert") => ("PartiQLInsert", "into"),
        it if is(it, "delete") => ("PartiQLDelete", "from"),
        _ => ("PartiQLUpdate", verb),
    };
    let position = words.iter().position(|it| is(it, before));
    let named = position.and_then(|it| words.get(it + 1)).copied();
    let mut names = named.unwrap_or_default().split('.');
    let mut name = || names.next().map(|it| it.trim_matches('"'));
    let table = table(request, name().unwrap_or_default());
    let resource = match name() {
        Some(index) => format!("{table}/index/{index}"),
        None => table,
    };
    Ask::new(format!("dynamodb:{action}"), resource)
}
