//! What a template takes from the parameter store and from Secrets Manager: parameters of the
//! types `AWS::SSM::Parameter::Value<…>`, and `{{resolve:service:reference}}` in properties.
//!
//! Nothing is looked up in AWS. [`crate::Surroundings::stored`] has values by name, and these names
//! count, the first that is there:
//!
//! | in the template | names |
//! |---|---|
//! | a parameter whose value is `/shop/url` | `/shop/url` |
//! | `{{resolve:ssm:/shop/url:2}}` | `ssm:/shop/url:2`, `/shop/url:2`, `/shop/url` |
//! | `{{resolve:secretsmanager:shop/db:SecretString:password}}` | `secretsmanager:shop/db:SecretString:password`, `shop/db:SecretString:password`, `shop/db` |
//!
//! A secret that holds JSON gives the key that is asked for; one that is named by its ARN goes by
//! its name, too. What has no value is left as it is, and said.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>

use serde_json::{Map, Value};
use std::collections::BTreeMap;

const OPENS: &str = "{{resolve:";
const CLOSES: &str = "}}";

/// The value of `ssm:/shop/url:2`, what stands between `{{resolve:` and `}}`.
fn value(stored: &BTreeMap<String, String>, reference: &str) -> Option<String> {
    if let Some(value) = stored.get(reference) {
        return Some(value.clone());
    }
    let (service, rest) = reference.split_once(':')?;
    if let Some(value) = stored.get(rest) {
        return Some(value.clone());
    }
    match service {
        "ssm" | "ssm-secure" => {
            let (name, _version) = rest.rsplit_once(':')?;
            stored.get(name).cloned()
        }
        "secretsmanager" => secret(stored, rest),
        _ => None,
    }
}

/// `id:SecretString:key:stage:version`, of which only the id must be there.
fn secret(stored: &BTreeMap<String, String>, reference: &str) -> Option<String> {
    let (id, rest) = reference
        .split_once(":SecretString")
        .unwrap_or((reference, ""));
    let key = rest.split(':').nth(1).filter(|it| !it.is_empty());
    if let Some(key) = key
        && let Some(value) = stored.get(&format!("{id}:SecretString:{key}"))
    {
        return Some(value.clone());
    }
    let value = stored.get(id).or_else(|| stored.get(name_of_arn(id)?))?;
    let Some(key) = key else {
        return Some(value.clone());
    };
    let members: Map<String, Value> = serde_json::from_str(value).ok()?;
    crate::tree::stringified(members.get(key)?)
}

/// `arn:aws:secretsmanager:region:account:secret:shop/db-AbCdEf`
fn name_of_arn(id: &str) -> Option<&str> {
    let name = id.strip_prefix("arn:")?.split(':').nth(5)?;
    let random = name
        .rsplit_once('-')
        .filter(|(_, suffix)| suffix.len() == 6);
    Some(random.map_or(name, |(name, _)| name))
}

/// `text` with the references filled in that are known; `None`: none of them is.
fn filled(stored: &BTreeMap<String, String>, text: &str) -> Option<String> {
    let mut output = String::new();
    let (mut rest, mut known) = (text, false);
    while let Some((before, after)) = rest.split_once(OPENS) {
        let Some((reference, after)) = after.split_once(CLOSES) else {
            break;
        };
        output.push_str(before);
        match value(stored, reference) {
            Some(value) => {
                known = true;
                output.push_str(&value);
            }
            None => output.push_str(&format!("{OPENS}{reference}{CLOSES}")),
        }
        rest = after;
    }
    output.push_str(rest);
    known.then_some(output)
}

/// Fills in every reference of a value that is known.
pub(crate) fn fill(stored: &BTreeMap<String, String>, value: &mut Value) {
    if stored.is_empty() {
        return;
    }
    match value {
        Value::String(text) => {
            if let Some(known) = filled(stored, text) {
                *text = known;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| fill(stored, it)),
        Value::Object(members) => members.values_mut().for_each(|it| fill(stored, it)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::resolve_among;
    use serde_json::json;

    fn property(written: &str) -> (serde_json::Value, Vec<String>) {
        let text = format!("Resources: {{T: {{Type: X, Properties: {{V: {written}}}}}}}\n");
        let stack = resolve_among(&text, &[]).unwrap_or_else(|it| panic!("{it}"));
        let notes = stack.unsupported.iter().map(|it| it.message.clone());
        let value = stack.resources["T"].properties["V"].clone();
        (value, notes.collect())
    }

    #[test]
    fn stored_values_are_found_by_their_names() {
        for (written, value) in [
            ("'{{resolve:ssm:/shop/url}}'", json!("https://shop")),
            ("'{{resolve:ssm:/shop/url:7}}'", json!("https://shop")),
            ("'{{resolve:ssm-secure:/shop/key:2}}'", json!("key")),
            (
                "'{{resolve:secretsmanager:shop/db:SecretString:password}}'",
                json!("secret"),
            ),
            (
                "!Sub 'x {{resolve:secretsmanager:arn:aws:secretsmanager:${AWS::Region}:1:secret:shop/db-AbCdEf:SecretString:user::}} y'",
                json!("x admin y"),
            ),
            (
                "'{{resolve:secretsmanager:shop/db}}'",
                json!(r#"{"user": "admin", "password": "secret"}"#),
            ),
            ("['{{resolve:ssm:/shop/url}}']", json!(["https://shop"])),
            ("'{{resolve:ssm:/open'", json!("{{resolve:ssm:/open")),
        ] {
            assert_eq!(property(written).0, value, "{written}");
        }
    }

    #[test]
    fn what_has_no_value_is_left_and_said() {
        let text = "{{resolve:ssm:/shop/url}} {{resolve:secretsmanager:shop/db:SecretString:gone}}";
        let (value, notes) = property(&format!("'{text}'"));
        assert_eq!(
            value,
            "https://shop {{resolve:secretsmanager:shop/db:SecretString:gone}}"
        );
        assert_eq!(
            notes,
            [
                "the reference {{resolve:secretsmanager:shop/db:SecretString:gone}} is left as it is; \
                 give its value as \"shop/db:SecretString:gone\" under Parameters in the file of \
                 --env-vars."
            ]
        );
    }

    #[test]
    fn a_parameter_of_a_stored_type_has_the_stored_value() {
        let text = "Parameters:
  Url: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /shop/url}
  Zones: {Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /shop/zones}
  Gone: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /gone}
Resources:
  T: {Type: X, Properties: {V: !Ref Url, W: !Ref Zones, X: !Ref Gone}}
";
        let stack = resolve_among(text, &[]).unwrap_or_else(|it| panic!("{it}"));
        assert_eq!(
            stack.resources["T"].properties,
            json!({"V": "https://shop", "W": ["a", "b"], "X": "/gone"})
        );
        let notes: Vec<_> = stack.unsupported.iter().map(ToString::to_string).collect();
        assert_eq!(
            notes,
            [
                "t.yaml:4:3: Parameters.Gone: its value is the name of a stored value, which is not \
                 looked up; give it as \"/gone\" under Parameters in the file of --env-vars."
            ]
        );
    }
}
