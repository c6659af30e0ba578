//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html>

use super::Request;
use crate::callers::lambda_action;
use crate::iam::Ask;
use crate::lambda::name_and_qualifier;
use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::collections::HashMap;

/// What an action is about.
enum On<'a> {
    Function(&'a str),
    /// The version or alias that is asked for, if one is: also a resource
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html>).
    Qualified(&'a str),
    Layer(&'a str),
    LayerVersion(&'a str, &'a str),
    Mapping(&'a str),
    Arn(&'a str),
    /// The function of a new one's body.
    Named,
    Everything,
}

pub(super) fn asks(request: &Request<'_>) -> Vec<Ask> {
    let path = request.parts.uri.path().trim_matches('/');
    let decode = |it: &str| percent_decode_str(it).decode_utf8_lossy().into_owned();
    let segments: Vec<String> = path.split('/').map(decode).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let query = request.parts.uri.query().unwrap_or_default();
    let query: HashMap<String, String> = serde_urlencoded::from_str(query).unwrap_or_default();
    let body = request.json();
    let found = operation(
        &request.parts.method,
        segments.get(1..).unwrap_or_default(),
        &query,
    );
    let Some((action, on)) = found else {
        // Only who may do everything may do what has no name here.
        let action = lambda_action(&request.parts.method, path);
        return vec![Ask::new(format!("lambda:{action}"), "*")];
    };
    let mut ask = Ask::new(
        format!("lambda:{action}"),
        resource(request, &on, &query, &body),
    );
    if action == "CreateEventSourceMapping"
        && let Some(name) = body.get("FunctionName").and_then(Value::as_str)
    {
        ask.context
            .set("lambda:FunctionArn", function(request, name, None));
    }
    let mut asks = vec![ask];
    if matches!(action, "CreateFunction" | "UpdateFunctionConfiguration") {
        asks.extend(used(&body));
    }
    asks
}

/// What a function is to use, its caller must be allowed to use.
fn used(body: &Value) -> Vec<Ask> {
    let layers = body.get("Layers").and_then(Value::as_array);
    let layers = layers.into_iter().flatten().filter_map(Value::as_str);
    let mut asks: Vec<Ask> = layers
        .map(|arn| Ask::new("lambda:GetLayerVersion", arn))
        .collect();
    if let Some(role) = body.get("Role").and_then(Value::as_str) {
        let ask = Ask::new("iam:PassRole", role);
        asks.push(ask.with("iam:PassedToService", "lambda.amazonaws.com"));
    }
    asks
}

fn operation<'a>(
    method: &Method,
    path: &[&'a str],
    query: &'a HashMap<String, String>,
) -> Option<(&'static str, On<'a>)> {
    let method = method.as_str();
    match path {
        ["functions" | "functions/"] | ["functions", ""] => match method {
            "GET" => Some(("ListFunctions", On::Everything)),
            _ => Some(("CreateFunction", On::Named)),
        },
        ["functions", name, rest @ ..] => of_function(method, name, rest, query),
        ["layers"] | ["layers", ""] => match query.get("Arn") {
            Some(arn) => Some(("GetLayerVersion", On::Arn(arn))),
            None => Some(("ListLayers", On::Everything)),
        },
        ["layers", name, "versions"] if method == "POST" => {
            Some(("PublishLayerVersion", On::Layer(name)))
        }
        ["layers", _, "versions"] => Some(("ListLayerVersions", On::Everything)),
        ["layers", name, "versions", version] => {
            let action = match method {
                "DELETE" => "DeleteLayerVersion",
                _ => "GetLayerVersion",
            };
            Some((action, On::LayerVersion(name, version)))
        }
        ["layers", name, "versions", version, "policy", ..] => {
            let action = match method {
                "GET" => "GetLayerVersionPolicy",
                "POST" => "AddLayerVersionPermission",
                _ => "RemoveLayerVersionPermission",
            };
            Some((action, On::LayerVersion(name, version)))
        }
        ["event-source-mappings"] | ["event-source-mappings", ""] => match method {
            "GET" => Some(("ListEventSourceMappings", On::Everything)),
            _ => Some(("CreateEventSourceMapping", On::Everything)),
        },
        ["event-source-mappings", id] => {
            let action = match method {
                "GET" => "GetEventSourceMapping",
                "PUT" => "UpdateEventSourceMapping",
                _ => "DeleteEventSourceMapping",
            };
            Some((action, On::Mapping(id)))
        }
        ["code-signing-configs", arn] => Some(("GetCodeSigningConfig", On::Arn(arn))),
        ["tags", arn] => {
            let action = match method {
                "GET" => "ListTags",
                "POST" => "TagResource",
                _ => "UntagResource",
            };
            Some((action, On::Arn(arn)))
        }
        ["account-settings"] => Some(("GetAccountSettings", On::Everything)),
        _ => None,
    }
}

/// Reading, changing, removing.
fn three(method: &str, [read, write, remove]: [&'static str; 3]) -> &'static str {
    match method {
        "GET" => read,
        "DELETE" => remove,
        _ => write,
    }
}

fn of_function<'a>(
    method: &str,
    name: &'a str,
    rest: &[&str],
    query: &HashMap<String, String>,
) -> Option<(&'static str, On<'a>)> {
    let whole = |action| Some((action, On::Function(name)));
    let qualified = |action| Some((action, On::Qualified(name)));
    match (method, rest) {
        ("GET", []) => qualified("GetFunction"),
        ("DELETE", []) => qualified("DeleteFunction"),
        ("GET", ["configuration"]) => qualified("GetFunctionConfiguration"),
        (_, ["configuration"]) => whole("UpdateFunctionConfiguration"),
        (_, ["code"]) => whole("UpdateFunctionCode"),
        (_, ["invocations" | "response-streaming-invocations"]) => qualified("InvokeFunction"),
        (_, ["invoke-async"]) => whole("InvokeAsync"),
        ("GET", ["versions"]) => whole("ListVersionsByFunction"),
        (_, ["versions"]) => whole("PublishVersion"),
        ("GET", ["aliases"]) => whole("ListAliases"),
        (_, ["aliases"]) => whole("CreateAlias"),
        (_, ["aliases", _]) => whole(three(method, ["GetAlias", "UpdateAlias", "DeleteAlias"])),
        (_, ["policy", ..]) => qualified(three(
            method,
            ["GetPolicy", "AddPermission", "RemovePermission"],
        )),
        (_, ["concurrency"]) => whole(three(
            method,
            [
                "GetFunctionConcurrency",
                "PutFunctionConcurrency",
                "DeleteFunctionConcurrency",
            ],
        )),
        (_, ["code-signing-config"]) => whole(three(
            method,
            [
                "GetFunctionCodeSigningConfig",
                "PutFunctionCodeSigningConfig",
                "DeleteFunctionCodeSigningConfig",
            ],
        )),
        ("GET", ["provisioned-concurrency"]) if query.contains_key("List") => {
            whole("ListProvisionedConcurrencyConfigs")
        }
        (_, ["provisioned-concurrency"]) => qualified(three(
            method,
            [
                "GetProvisionedConcurrencyConfig",
                "PutProvisionedConcurrencyConfig",
                "DeleteProvisionedConcurrencyConfig",
            ],
        )),
        ("GET", ["urls"]) => whole("ListFunctionUrlConfigs"),
        ("GET", ["event-invoke-config", "list"]) => whole("ListFunctionEventInvokeConfigs"),
        (_, ["event-invoke-config"]) => whole(three(
            method,
            [
                "GetFunctionEventInvokeConfig",
                "PutFunctionEventInvokeConfig",
                "DeleteFunctionEventInvokeConfig",
            ],
        )),
        ("GET", ["runtime-management-config"]) => whole("GetRuntimeManagementConfig"),
        (_, ["runtime-management-config"]) => whole("PutRuntimeManagementConfig"),
        _ => None,
    }
}

fn resource(
    request: &Request<'_>,
    on: &On<'_>,
    query: &HashMap<String, String>,
    body: &Value,
) -> String {
    match on {
        On::Function(name) => {
            let (name, _) = name_and_qualifier(name);
            function(request, name, None)
        }
        On::Qualified(name) => {
            let given = query.get("Qualifier").filter(|it| !it.is_empty());
            function(request, name, given.map(String::as_str))
        }
        On::Layer(name) => layer(request, name),
        On::LayerVersion(name, version) => format!("{}:{version}", layer(request, name)),
        On::Mapping(id) => request.arn("lambda", &format!("event-source-mapping:{id}")),
        On::Arn(arn) => (*arn).to_owned(),
        On::Named => {
            let name = body.get("FunctionName").and_then(Value::as_str);
            function(request, name.unwrap_or_default(), None)
        }
        On::Everything => "*".to_owned(),
    }
}

/// A function's ARN, from each form of its name.
fn function(request: &Request<'_>, reference: &str, qualifier: Option<&str>) -> String {
    let (name, derived) = name_and_qualifier(reference);
    let arn = match reference.split_once(":function:") {
        Some((before, _)) if before.starts_with("arn:") => format!("{before}:function:{name}"),
        _ => request.arn("lambda", &format!("function:{name}")),
    };
    match qualifier.or(derived) {
        Some(qualifier) => format!("{arn}:{qualifier}"),
        None => arn,
    }
}

fn layer(request: &Request<'_>, reference: &str) -> String {
    if reference.starts_with("arn:") {
        return reference.to_owned();
    }
    request.arn("lambda", &format!("layer:{reference}"))
}
