//! SAM's APIs against what its transform makes of them, where its templates lie beside the project:
//! the APIs of an input are those of its output.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test may panic, and a skipped one says so"
)]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use tether_sam::api::{Api, ApiAuthorizer, ApiRoute, AuthorizerKind};
use tether_sam::{Context, PhysicalNames, Resource, Stack, Template};

/// Functions are called alike whichever way they are named; hashes of SAM's are left out.
struct Names;

fn is_function(resource: &Resource) -> bool {
    resource.kind.ends_with("::Function")
}

impl PhysicalNames for Names {
    fn reference(&self, resource: &Resource) -> String {
        let given = |property| resource.properties.get(property).and_then(Value::as_str);
        match resource.kind.as_str() {
            "AWS::ApiGateway::Stage" | "AWS::ApiGatewayV2::Stage" => given("StageName"),
            // Its name stands in its logical id, which is the same on both sides.
            _ => None,
        }
        .unwrap_or(&resource.logical_id)
        .to_owned()
    }

    fn attribute(&self, resource: &Resource, attribute: &str) -> Option<Value> {
        let id = &resource.logical_id;
        Some(Value::from(match attribute {
            "Arn" if is_function(resource) => id.clone(),
            attribute => format!("{id}.{attribute}"),
        }))
    }
}

/// `shared/data` stands beside the project, or beside what it stands in.
fn folder() -> Option<PathBuf> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut folders = above.map(|it| it.join("shared/data/sam-translator"));
    let folder = folders.find(|it| it.is_dir());
    if folder.is_none() {
        eprintln!("skipped: no shared/data/sam-translator is there");
    }
    folder
}

/// The names of inputs that the transform takes, or refuses.
fn inputs(folder: &Path, refused: bool) -> BTreeSet<String> {
    let entries = fs::read_dir(folder.join("input")).unwrap();
    let names = entries.map(|it| it.unwrap().file_name().to_string_lossy().into_owned());
    let yaml = names.filter(|it| it.ends_with(".yaml"));
    yaml.filter(|it| it.starts_with("error_") == refused)
        .collect()
}

fn resolve(name: &str, text: &str) -> Result<Stack, String> {
    let template = Template::parse(name, text).map_err(|it| it.to_string())?;
    let without_default = template.parameters().into_iter();
    let parameters: BTreeMap<String, String> = without_default
        .filter(|parameter| parameter.default.is_none())
        .map(|parameter| {
            let number = parameter.kind.contains("Number");
            let dummy = if number { "1" } else { "dummy" };
            let allowed = parameter.allowed_values.first().cloned();
            (parameter.name, allowed.unwrap_or_else(|| dummy.to_owned()))
        })
        .collect();
    let context = Context {
        stack_name: "stack",
        stack_id: "arn:aws:cloudformation:ap-southeast-1:123456789012:stack/stack/1",
        account_id: "123456789012",
        region: "ap-southeast-1",
        partition: "aws",
        url_suffix: "amazonaws.com",
        parameters: &parameters,
        names: &Names,
    };
    template.resolve(&context).map_err(|it| it.to_string())
}

fn function(function: &Option<String>) -> String {
    function.as_deref().unwrap_or("-").to_owned()
}

fn authorizer(authorizer: &ApiAuthorizer) -> String {
    let kind = match &authorizer.kind {
        AuthorizerKind::Cognito { user_pools } => format!("cognito {user_pools:?}"),
        other => format!("{other:?}"),
    };
    let (sources, ttl) = (&authorizer.identity_sources, &authorizer.ttl);
    format!("{kind} {sources:?} {ttl:?}")
}

fn route(route: &ApiRoute) -> String {
    let integration = route.integration.as_ref().map(|it| {
        let target = it.uri.as_ref().map(|_| "elsewhere");
        format!(
            "{:?} {} {target:?} {:?} {:?} streams={} {:?}",
            it.kind,
            function(&it.function),
            it.payload_version,
            it.timeout,
            it.streams,
            it.responses
        )
    });
    format!(
        "{} {}: {integration:?} {:?} key={} {:?}",
        route.method, route.path, route.authorization, route.api_key_required, route.validation
    )
}

/// An API as lines that can be compared.
fn lines(api: &Api) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    let mut add = |what: &str, text: String| {
        lines.insert(format!("{} {what} {text}", api.logical_id));
    };
    // SAM calls an API that has no name after the stack, which is not known to whoever reads it.
    let name = Some(&api.name).filter(|it| *it != "stack" && **it != api.logical_id);
    add("kind", format!("{:?} {name:?}", api.kind));
    for stage in &api.stages {
        let (name, variables) = (&stage.name, &stage.variables.0);
        add(
            "stage",
            format!("{name} {variables:?} {:?}", stage.throttles),
        );
    }
    for it in &api.routes {
        add("route", route(it));
    }
    for (name, it) in &api.authorizers {
        add("authorizer", format!("{name} {}", authorizer(it)));
    }
    add("cors", format!("{:?}", api.cors));
    add("binary", format!("{:?}", api.binary_media_types));
    add(
        "compression",
        format!("{:?}", api.minimum_compression_bytes),
    );
    if let Some(policy) = &api.policy {
        add("policy", with_a_list(policy).to_string());
    }
    add("keys from", format!("{:?}", api.api_key_source));
    for (kind, it) in &api.gateway_responses {
        add("gateway response", format!("{kind} {it:?}"));
    }
    for (name, it) in &api.models {
        add("model", format!("{name} {}", sorted(it)));
    }
    for it in &api.usage_plans {
        add("usage plan", format!("{it:?}"));
    }
    lines
}

/// One statement is as good as a list of it.
fn with_a_list(policy: &Value) -> Value {
    let mut policy = sorted(policy);
    if let Some(statement) = policy.get_mut("Statement").filter(|it| !it.is_array()) {
        *statement = Value::Array(vec![statement.take()]);
    }
    policy
}

fn all_lines(stack: &Stack) -> Result<BTreeSet<String>, String> {
    let apis = stack.apis().map_err(|it| it.to_string())?;
    Ok(apis.iter().flat_map(lines).collect())
}

/// An output without what has no part in its APIs: some of it does not resolve.
fn reduced(output: &str) -> String {
    let mut output: Value = serde_json::from_str(output).unwrap();
    output.as_object_mut().unwrap().remove("Outputs");
    for (_, resource) in output["Resources"].as_object_mut().unwrap() {
        let kind = resource["Type"].as_str().unwrap_or_default().to_owned();
        let has_part = ["ApiGateway", "Lambda::Url", "Lambda::Alias", "Serverless"];
        if !has_part.iter().any(|it| kind.contains(it)) {
            let condition = resource.get("Condition").cloned();
            // A nested stack without its template would be wrong.
            let function = kind.ends_with("::Function");
            let kind = if function { &kind } else { "AWS::Any::Thing" };
            *resource = serde_json::json!({ "Type": kind });
            if let Some(condition) = condition {
                resource["Condition"] = condition;
            }
        }
    }
    output.to_string()
}

/// With the members of each map in their order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.iter().collect();
            members
                .into_iter()
                .map(|(key, it)| (key.clone(), sorted(it)))
                .collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// What differs, or nothing.
fn difference(folder: &Path, name: &str) -> Result<Option<usize>, String> {
    let text = fs::read_to_string(folder.join("input").join(name)).unwrap();
    let output = name.replace(".yaml", ".json");
    let output = fs::read_to_string(folder.join("output").join(output)).unwrap();
    let theirs = resolve(name, &reduced(&output)).map_err(|it| format!("output: {it}"))?;
    let theirs = all_lines(&theirs).map_err(|it| format!("output: {it}"))?;
    let ours = match resolve(name, &text) {
        Ok(stack) => all_lines(&stack)?,
        // Whether it resolves is another test's concern.
        Err(_) if theirs.is_empty() => return Ok(None),
        Err(problems) => return Err(format!("it does not resolve: {problems}")),
    };
    if theirs.is_empty() && ours.is_empty() {
        return Ok(None);
    }
    let only = |left: &BTreeSet<String>, right: &BTreeSet<String>, sign: &str| {
        let lines = left.difference(right);
        lines
            .map(|it| format!("\n    {sign} {it}"))
            .collect::<String>()
    };
    let difference = only(&ours, &theirs, "+") + &only(&theirs, &ours, "-");
    if difference.is_empty() {
        Ok(Some(ours.len()))
    } else {
        Err(difference)
    }
}

/// Inputs that are not read as the transform reads them, and why.
const DIFFERENT: [(&str, &str); 1] = [(
    "intrinsic_functions.yaml",
    "it has Fn::Ref, which CloudFormation does not know",
)];

/// Inputs that the transform refuses, and that are taken here.
const TAKEN: [(&str, &str); 1] = [(
    "error_gateway_response_invalid_type_intrinsic.yaml",
    "its intrinsic function in GatewayResponses is resolved here",
)];

#[test]
fn the_apis_of_a_template_are_those_that_the_transform_makes_of_it() {
    let Some(folder) = folder() else {
        return;
    };
    let (mut equal, mut different) = (0, BTreeMap::new());
    for name in inputs(&folder, false) {
        match difference(&folder, &name) {
            Ok(None) => {}
            Ok(Some(_)) => equal += 1,
            Err(difference) => {
                different.insert(name, difference);
            }
        }
    }
    let all = equal + different.len();
    eprintln!("the APIs of {equal} of {all} templates are those of AWS's transform");
    for (name, reason) in DIFFERENT {
        assert!(different.remove(name).is_some(), "{name} is read now");
        eprintln!("{name} is left: {reason}");
    }
    assert_eq!(different, BTreeMap::new());
    assert!(equal >= 115, "only {equal} templates have APIs");
}

#[test]
fn what_the_transform_refuses_of_an_api_is_refused() {
    let Some(folder) = folder() else {
        return;
    };
    let about = ["api", "cors", "gateway_response", "swagger", "function_url"];
    let (mut refused, mut taken) = (0, BTreeMap::new());
    for name in inputs(&folder, true) {
        if !about.iter().any(|it| name.contains(it)) || name.contains("websocket") {
            continue;
        }
        let text = fs::read_to_string(folder.join("input").join(&name)).unwrap();
        if resolve(&name, &text).and_then(|it| all_lines(&it)).is_err() {
            refused += 1;
            continue;
        }
        let output = name.replace(".yaml", ".json");
        let output = fs::read_to_string(folder.join("output").join(output)).unwrap();
        let output: Value = serde_json::from_str(&output).unwrap();
        taken.insert(name, output["errorMessage"].to_string());
    }
    let all = refused + taken.len();
    eprintln!("{refused} of {all} templates that the transform refuses are refused");
    for (name, reason) in TAKEN {
        assert!(taken.remove(name).is_some(), "{name} is refused now");
        eprintln!("{name} is taken: {reason}");
    }
    assert_eq!(taken, BTreeMap::new());
    assert!(refused >= 60, "only {refused} templates are about APIs");
}
