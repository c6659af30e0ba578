//! The helper stack's template, with its code in a bucket instead of beside it.

use crate::error::Error;

/// What CloudFormation takes within a request
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>).
const LARGEST: usize = 51_200;

/// Properties that say where code is.
const CODE: [&str; 2] = ["CodeUri: ", "ContentUri: "];

/// Puts a `s3://` URI in the place of each local path.
///
/// # Errors
/// When a path is not known, or the template is too large for a request.
pub(crate) fn with_code_at(
    template: &str,
    uri_of: impl Fn(&str) -> Option<String>,
) -> Result<String, Error> {
    let mut text = String::with_capacity(template.len());
    for line in template.lines() {
        match code(line) {
            Some((before, path)) => {
                let uri = uri_of(path).ok_or_else(|| Error::UnknownCode(path.to_owned()))?;
                text.push_str(before);
                text.push_str(&uri);
            }
            None => text.push_str(line),
        }
        text.push('\n');
    }
    if text.len() > LARGEST {
        return Err(Error::TemplateTooLarge(text.len()));
    }
    Ok(text)
}

/// `      CodeUri: ` and `build/manager/`
fn code(line: &str) -> Option<(&str, &str)> {
    let content = line.trim_start();
    let property = CODE.iter().find(|it| content.starts_with(**it))?;
    let start = line.len() - content.len() + property.len();
    let (before, path) = line.split_at_checked(start)?;
    Some((before, path.trim()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    const OURS: &str = include_str!("../../../helper-stack/template.yaml");

    #[test]
    fn no_local_path_is_left_in_the_helper_stack() {
        let paths = std::cell::RefCell::new(Vec::new());
        let replaced = with_code_at(OURS, |path| {
            paths.borrow_mut().push(path.to_owned());
            Some(format!("s3://bucket/{}.zip", path.len()))
        });
        let replaced = replaced.unwrap();
        let mut paths = paths.into_inner();
        paths.sort();
        let expected = [
            "build/authorizer/",
            "build/connect/",
            "build/layer-arm64/",
            "build/layer-x86_64/",
            "build/manager/",
        ];
        assert_eq!(paths, expected);
        let content = |line: &&str| !line.trim_start().starts_with('#');
        let left: Vec<_> = replaced
            .lines()
            .filter(content)
            .filter(|it| it.contains("build/") && !it.contains("Description: Whether build/"))
            .collect();
        assert_eq!(left, Vec::<&str>::new());
        // Every way in which a resource of the template could name its code.
        for uri in replaced.lines().filter(|it| it.contains("Uri: ")) {
            let is_ours = uri.contains("s3://bucket/")
                || !uri.contains("CodeUri") && !uri.contains("ContentUri");
            assert!(is_ours, "{uri}");
        }
        assert_eq!(replaced.lines().count(), OURS.lines().count());
        // Long bucket names and stack names have room.
        assert!(replaced.len() + 5 * 300 < LARGEST);
    }

    #[test]
    fn a_path_that_nobody_has_built_is_an_error() {
        let error = with_code_at("  CodeUri: src/\n", |_| None).unwrap_err();
        assert!(error.to_string().contains("src/"), "{error}");
    }
}
