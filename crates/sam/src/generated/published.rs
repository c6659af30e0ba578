//! What SAM publishes of a function with `AutoPublishAlias`: a version, whose logical id changes
//! with what it is made of, and an alias that leads to it. Events invoke the alias.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/automating-updates-to-serverless-apps.html>

use super::{copied, reference, with_copies};
use crate::evaluator::{Evaluator, Place};
use crate::problem::Reported;
use crate::resources::{Declaration, Declarations, SAM_FUNCTION};
use crate::substitution::{Piece, pieces};
use crate::tree::{Member, Node, Tree, stringified};
use serde_json::{Map, Value};
use sha1::{Digest, Sha1};
use std::collections::BTreeMap;

const ALIAS: &str = "AutoPublishAlias";

/// What `Ref` gives for parameters.
type Parameters = BTreeMap<String, Result<Value, Reported>>;

/// Attributes that SAM hands on from a function.
const HANDED_ON: [&str; 2] = ["DeletionPolicy", "UpdateReplacePolicy"];

/// Properties of SAM's that are none of the Lambda function.
const NOT_LAMBDAS: [&str; 11] = [
    ALIAS,
    "AutoPublishAliasAllProperties",
    "AutoPublishCodeSha256",
    "DeploymentPreference",
    "EventInvokeConfig",
    "Events",
    "FunctionUrlConfig",
    "Policies",
    "ProvisionedConcurrencyConfig",
    "VersionDeletionPolicy",
    "VersionDescription",
];

/// The alias's logical id.
pub(crate) fn alias_id(function: &str, alias: &str) -> String {
    format!("{function}Alias{alias}")
}

/// Adds both for each function that asks for them.
pub(super) fn add(resources: &mut Declarations, evaluator: &mut Evaluator<'_>) {
    let mut added = Vec::new();
    for (logical_id, function) in resources.iter_mut() {
        if function.kind != SAM_FUNCTION || !function.live {
            continue;
        }
        let Some(alias) = alias_name(logical_id, function, evaluator) else {
            continue;
        };
        let parameters = &evaluator.parameters;
        let version = format!("{logical_id}Version{}", hash(function, parameters));
        added.push((version.clone(), published(logical_id, function)));
        let of = (alias.as_str(), version.as_str());
        added.push((
            alias_id(logical_id, &alias),
            leading(logical_id, function, of),
        ));
        // What is asked later is the name itself.
        if let Tree::Map(members) = &mut function.properties.tree
            && let Some(member) = members.get_mut(ALIAS)
        {
            member.value = Node::text(member.value.position, &alias);
        }
    }
    for (logical_id, resource) in added {
        resources.entry(logical_id).or_insert(resource);
    }
}

/// The logical id that stands for `Function.Alias` or `Function.Version`.
pub(super) fn id(
    owner: &str,
    function: &Declaration,
    what: &str,
    all: &Declarations,
) -> Option<String> {
    let name = function.properties.member(ALIAS)?.as_text()?;
    let id = alias_id(owner, name);
    if what == "Alias" {
        return Some(id);
    }
    let version = all.get(&id)?.properties.member("FunctionVersion")?;
    let (_, version) = version.intrinsic()?;
    version.as_list()?.first()?.as_text().map(str::to_owned)
}

/// SAM looks at it before anything but parameters is known.
fn alias_name(
    logical_id: &str,
    function: &Declaration,
    evaluator: &mut Evaluator<'_>,
) -> Option<String> {
    let node = function.properties.member(ALIAS)?;
    if node.is_null() || node.is_no_value() {
        return None;
    }
    match with_parameters(node, &evaluator.parameters) {
        // An empty one has been refused.
        Value::String(name) => Some(name).filter(|it| !it.is_empty()),
        _ => {
            if node.intrinsic().is_some() {
                let mut place = Place::resource(logical_id);
                place.enter(ALIAS, node.position);
                let message = "it must be text or a Ref to a parameter: SAM makes a logical id of \
                               it before anything else is known.";
                evaluator.problem(node.position, &place, message);
            }
            None
        }
    }
}

/// `AWS::Lambda::Version`, which stays when another one takes its place.
fn published(logical_id: &str, function: &Declaration) -> Declaration {
    let position = function.position;
    let named = vec![("FunctionName", reference(position, logical_id))];
    let description = copied(&function.properties, &["VersionDescription"]);
    let description = description.into_iter().map(|(_, it)| ("Description", it));
    let mut version = with_copies(
        function,
        "AWS::Lambda::Version",
        description.collect(),
        named,
    );
    hand_on(function, &mut version);
    let given = copied(&function.properties, &["VersionDeletionPolicy"]);
    let given = given.into_iter().next().map(|(_, it)| it);
    // Versions of managed instances go with their capacity.
    let stays = function
        .properties
        .member("CapacityProviderConfig")
        .is_none();
    let policy = given.unwrap_or_else(|| Member {
        key: position,
        value: Node::text(position, if stays { "Retain" } else { "Delete" }),
    });
    let attributes = &mut version.attributes;
    attributes
        .entry("DeletionPolicy".to_owned())
        .or_insert(policy);
    version
}

/// `AWS::Lambda::Alias`: its name, and the version that it leads to.
fn leading(logical_id: &str, function: &Declaration, (name, version): (&str, &str)) -> Declaration {
    let position = function.position;
    let text = |text: &str| Node::text(position, text);
    let number = Node::list(position, vec![text(version), text("Version")]);
    let own = vec![
        ("Name", text(name)),
        ("FunctionName", reference(position, logical_id)),
        (
            "FunctionVersion",
            Node::call(position, "Fn::GetAtt", number),
        ),
    ];
    let mut alias = with_copies(function, "AWS::Lambda::Alias", Vec::new(), own);
    hand_on(function, &mut alias);
    alias
}

fn hand_on(function: &Declaration, to: &mut Declaration) {
    for name in HANDED_ON {
        if let Some(member) = function.attributes.get(name) {
            to.attributes.insert(name.to_owned(), member.clone());
        }
    }
}

/// Ten digits that change with what a version is made of, as SAM has them.
fn hash(function: &Declaration, parameters: &Parameters) -> String {
    let given = |name: &str| {
        let value = with_parameters(function.properties.member(name)?, parameters);
        (!value.is_null()).then_some(value)
    };
    if let Some(Value::String(sha256)) = given("AutoPublishCodeSha256") {
        return sha256.chars().take(10).collect();
    }
    let all = given("AutoPublishAliasAllProperties").and_then(|it| stringified(&it));
    let made_of = match all.is_some_and(|it| it.eq_ignore_ascii_case("true")) {
        true => all_properties(function, parameters),
        false => content(function, given),
    };
    let hash = Sha1::digest(sorted(&Value::Object(made_of)).to_string());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    hash.chars().take(10).collect()
}

fn all_properties(function: &Declaration, parameters: &Parameters) -> Map<String, Value> {
    let members = function.properties.as_map().into_iter().flatten();
    members
        .filter(|(name, _)| !NOT_LAMBDAS.contains(&name.as_str()))
        .map(|(name, member)| (name.clone(), with_parameters(&member.value, parameters)))
        .collect()
}

/// The code, and the properties without which a version would not be what was deployed: those as
/// they are written.
fn content(function: &Declaration, given: impl Fn(&str) -> Option<Value>) -> Map<String, Value> {
    let mut content = match (given("InlineCode"), given("CodeUri"), given("ImageUri")) {
        (Some(code), ..) => Map::from_iter([("ZipFile".to_owned(), code)]),
        (None, Some(code), _) => uploaded(&code),
        (None, None, Some(uri)) => Map::from_iter([("ImageUri".to_owned(), uri)]),
        (None, None, None) => Map::new(),
    };
    content.extend(given("SourceKMSKeyArn").map(|it| ("SourceKMSKeyArn".to_owned(), it)));
    let written = |name: &str| {
        let value = function.properties.member(name).map(Node::literal);
        value.filter(|it| !it.is_null())
    };
    if let Some(Value::Object(environment)) = written("Environment") {
        content.extend(environment);
    }
    content.extend(written("MemorySize").map(|it| ("MemorySize".to_owned(), it)));
    let snapshots = written("SnapStart");
    let snapshots = snapshots.filter(|it| it.get("ApplyOn").is_some_and(|it| it != "None"));
    content.extend(snapshots.map(|it| ("SnapStart".to_owned(), it)));
    content
}

/// `CodeUri` as `Code` has it; a path stays one.
fn uploaded(code: &Value) -> Map<String, Value> {
    let mut parts = Map::new();
    let mut part = |name: &str, value: Option<&Value>| {
        parts.extend(value.map(|it| (name.to_owned(), it.clone())));
    };
    let object = code
        .as_str()
        .and_then(|it| it.strip_prefix("s3://")?.split_once('/'));
    if let Some((bucket, key)) = object {
        let (key, version) = match key.split_once("?versionId=") {
            Some((key, version)) => (key, Some(Value::from(version))),
            None => (key, None),
        };
        part("S3Bucket", Some(&bucket.into()));
        part("S3Key", Some(&key.into()));
        part("S3ObjectVersion", version.as_ref());
    } else if code.is_object() {
        part("S3Bucket", code.get("Bucket"));
        part("S3Key", code.get("Key"));
        part("S3ObjectVersion", code.get("Version"));
    } else {
        part("Path", Some(code));
    }
    parts
}

/// The value as it stands, but for parameters, whose values stand in their place.
fn with_parameters(node: &Node, parameters: &Parameters) -> Value {
    let parameter = |name: &str| parameters.get(name)?.as_ref().ok().cloned();
    if let Some((function, argument)) = node.intrinsic() {
        let text = argument.as_text().unwrap_or_default();
        match function {
            "Ref" => {
                if let Some(value) = parameter(text) {
                    return value;
                }
            }
            "Fn::Sub" if argument.as_text().is_some() => {
                if let Some(text) = filled_in(text, parameter) {
                    return Value::String(text);
                }
            }
            _ => {}
        }
    }
    match &node.tree {
        Tree::List(items) => items
            .iter()
            .map(|it| with_parameters(it, parameters))
            .collect(),
        Tree::Map(members) => {
            let members = members.iter();
            let members =
                members.map(|(key, it)| (key.clone(), with_parameters(&it.value, parameters)));
            members.collect()
        }
        _ => node.literal(),
    }
}

/// None: it names something else than parameters.
fn filled_in(text: &str, parameter: impl Fn(&str) -> Option<Value>) -> Option<String> {
    let pieces = pieces(text);
    let texts = pieces.iter().map(|piece| match piece {
        Piece::Literal(text) => Some((*text).to_owned()),
        Piece::Escaped(text) => Some(format!("${{{text}}}")),
        Piece::Reference(name) => stringified(&parameter(name)?),
    });
    texts.collect()
}

/// With the members of each map in their order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.iter().collect();
            let members = members.into_iter();
            members.map(|(key, it)| (key.clone(), sorted(it))).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
