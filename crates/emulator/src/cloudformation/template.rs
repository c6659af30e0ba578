//! Templates as they come over the wire: in a request or in S3.

use super::api::Form;
use super::wish::Wish;
use crate::cloud::Cloud;
use crate::query::Refusal;
use std::collections::BTreeMap;
use tether_sam::{Code, Parameter, Stack, Template};

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
const IN_REQUEST: usize = 51_200;
const IN_S3: usize = 1_048_576;

/// What problems call a template that has no file.
const FILE: &str = "template";

/// A secret parameter's value as it is shown.
const STARS: &str = "****";

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::validation(message)
}

/// What a request wants. `before` is what the stack is made of, if it exists.
pub(super) fn wish(cloud: &Cloud, form: &Form<'_>, before: Option<&Wish>) -> Result<Wish, Refusal> {
    let (text, folder) = match (before, form.flag("UsePreviousTemplate")) {
        (Some(before), true) => (before.text.clone(), before.folder.clone()),
        _ => (text(cloud, form)?, None),
    };
    let template = parse(&text)?;
    let tags = form.pairs("Tags", "Key", "Value");
    let tags = match (tags.is_empty(), before) {
        (true, Some(before)) => before.tags.clone(),
        _ => tags,
    };
    Ok(Wish {
        parameters: parameters(form, &template.parameters(), before)?,
        text,
        file: FILE.to_owned(),
        folder,
        tags,
        capabilities: form.list("Capabilities"),
        known: before.map(|it| it.known.clone()).unwrap_or_default(),
    })
}

/// `TemplateBody`, or what `TemplateURL` leads to.
pub(super) fn text(cloud: &Cloud, form: &Form<'_>) -> Result<String, Refusal> {
    match (form.get("TemplateBody"), form.get("TemplateURL")) {
        (Some(_), Some(_)) => Err(invalid(
            "You cannot specify both TemplateBody and TemplateURL",
        )),
        (Some(body), None) if body.len() > IN_REQUEST => Err(invalid(format!(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: \
             Member must have length less than or equal to {IN_REQUEST}"
        ))),
        (Some(body), None) => Ok(body.to_owned()),
        (None, Some(url)) => of_s3(cloud, url),
        (None, None) => Err(invalid(
            "Either Template URL or Template Body must be specified.",
        )),
    }
}

fn of_s3(cloud: &Cloud, url: &str) -> Result<String, Refusal> {
    let unsupported = || invalid("TemplateURL must be a supported URL.");
    let (bucket, key) = bucket_and_key(url).ok_or_else(unsupported)?;
    let object = cloud.s3.object(&bucket, &key);
    let object = object.map_err(|error| {
        invalid(format!(
            "S3 error: {}\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
            error.message
        ))
    })?;
    if object.len() > IN_S3 {
        return Err(invalid(format!(
            "Template may not exceed {IN_S3} bytes in size."
        )));
    }
    String::from_utf8(object.to_vec()).map_err(|_| invalid("Template format error: not UTF-8"))
}

/// Of a URL in path style or with the bucket in the host's name, or of `s3://bucket/key`.
pub(super) fn bucket_and_key(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    if scheme == "s3" {
        let (bucket, key) = rest.split_once('/')?;
        return Some((bucket.to_owned(), key.to_owned()));
    }
    let (host, path) = rest.split_once('/')?;
    let path = path.split('?').next().unwrap_or(path);
    let path = percent_encoding::percent_decode_str(path)
        .decode_utf8()
        .ok()?;
    let in_host = crate::s3::bucket_of_host(host);
    let (bucket, key) = match in_host {
        Some(bucket) => (bucket, &*path),
        None => path.split_once('/')?,
    };
    let whole = !bucket.is_empty() && !key.is_empty();
    whole.then(|| (bucket.to_owned(), key.to_owned()))
}

/// Reads a template's form.
pub(super) fn parse(text: &str) -> Result<Template, Refusal> {
    Template::parse(FILE, text).map_err(|problems| format_error(&problems))
}

/// What is wrong with a template, in one line.
pub(super) fn format_error(problems: &tether_sam::Problems) -> Refusal {
    let lines: Vec<String> = problems.0.iter().map(ToString::to_string).collect();
    invalid(format!("Template format error: {}", lines.join("; ")))
}

fn parameters(
    form: &Form<'_>,
    declared: &[Parameter],
    before: Option<&Wish>,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut values = BTreeMap::new();
    for member in form.members("Parameters") {
        let key = member.get("ParameterKey").unwrap_or_default();
        if member.flag("UsePreviousValue") {
            let kept = before.and_then(|it| it.parameters.get(key));
            match (kept, before) {
                (Some(kept), _) => {
                    values.insert(key.to_owned(), kept.clone());
                }
                // It had its default, and has it again.
                (None, Some(_)) => {}
                (None, None) => {
                    return Err(invalid(format!(
                        "Invalid input for parameter key {key}. Cannot specify usePreviousValue \
                         as true for a parameter key not in the previous template"
                    )));
                }
            }
        } else {
            let value = member.get("ParameterValue").unwrap_or_default();
            values.insert(key.to_owned(), value.to_owned());
        }
    }
    let missing = declared
        .iter()
        .filter(|it| it.default.is_none() && !values.contains_key(&it.name))
        .map(|it| it.name.as_str());
    let missing: Vec<&str> = missing.collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(invalid(format!("Parameters: [{missing}] must have values")));
    }
    let unknown = values
        .keys()
        .filter(|key| !declared.iter().any(|it| it.name == **key));
    let unknown: Vec<&str> = unknown.map(String::as_str).collect();
    if !unknown.is_empty() {
        let unknown = unknown.join(", ");
        return Err(invalid(format!(
            "Parameters: [{unknown}] do not exist in the template"
        )));
    }
    Ok(values)
}

/// What a template asks to be transformed by.
pub(super) fn transforms(text: &str) -> Vec<String> {
    let template = Template::parse(FILE, text);
    template.map(|it| it.transforms()).unwrap_or_default()
}

/// Parameters as a description shows them.
pub(super) fn shown_parameters(wish: &Wish, target: &Stack) -> Vec<(String, String)> {
    shown(&wish.file, &wish.text, &target.parameters)
}

/// The same of a template's text.
pub(super) fn shown(
    file: &str,
    text: &str,
    parameters: &BTreeMap<String, String>,
) -> Vec<(String, String)> {
    let declared = Template::parse(file, text).map(|it| it.parameters());
    let declared = declared.unwrap_or_default();
    let secret = |name: &str| declared.iter().any(|it| it.name == name && it.no_echo);
    let shown = parameters.iter().map(|(name, value)| {
        let value = if secret(name) { STARS } else { value };
        (name.clone(), value.to_owned())
    });
    shown.collect()
}

/// What SAM's transform says of code that was never uploaded.
pub(super) fn local_code(target: &Stack) -> Option<String> {
    let functions = target.functions().unwrap_or_default();
    let layers = target.layers().unwrap_or_default();
    let codes = functions
        .iter()
        .map(|it| (&it.logical_id, &it.code, "CodeUri"));
    let contents = layers
        .iter()
        .map(|it| (&it.logical_id, &it.content, "ContentUri"));
    let local: Vec<String> = codes
        .chain(contents)
        .filter(|(_, code, _)| matches!(code, Code::Path(_)))
        .map(|(id, _, property)| {
            let why = super::resources::no_s3_uri(property);
            format!("Resource with id [{id}] is invalid. {why}")
        })
        .collect();
    (!local.is_empty()).then(|| {
        format!(
            "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application \
             Specification document. Number of errors found: {}. {}",
            local.len(),
            local.join(" ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_found_in_each_form_of_its_url() {
        let expected = Some(("up".to_owned(), "a/t.yaml".to_owned()));
        for url in [
            "https://up.s3.us-east-1.amazonaws.com/a/t.yaml",
            "https://up.s3.amazonaws.com/a/t.yaml?versionId=1",
            "https://s3.us-east-1.amazonaws.com/up/a/t.yaml",
            "https://s3.amazonaws.com/up/a%2Ft.yaml",
            "http://127.0.0.1:4566/up/a/t.yaml",
            "s3://up/a/t.yaml",
        ] {
            assert_eq!(bucket_and_key(url), expected, "{url}");
        }
        for url in ["t.yaml", "https://s3.amazonaws.com/", "https://host/key"] {
            assert_eq!(bucket_and_key(url), None, "{url}");
        }
    }

    #[test]
    fn a_transform_is_seen_in_each_form() {
        let sam = "AWS::Serverless-2016-10-31";
        for text in [
            "Transform: AWS::Serverless-2016-10-31\n",
            "Transform: [AWS::Serverless-2016-10-31]\n",
            "{\"Resources\": {}, \"Transform\": \"AWS::Serverless-2016-10-31\"}",
        ] {
            assert_eq!(transforms(text), [sam], "{text}");
        }
        assert!(transforms("Resources: {}\n").is_empty());
    }
}
