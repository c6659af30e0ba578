//! Values for a template's parameters, as `sam` users type them
//! (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-cli-command-reference-sam-local-invoke.html>).

use crate::error::ProjectError;
use crate::samconfig;
use std::collections::BTreeMap;

/// Reads `Stage=test Size="a b"` and the older
/// `ParameterKey=Stage,ParameterValue=test`, one or more to a word, and
/// `file://values.yaml` with more of them. Later ones win.
///
/// # Errors
/// When something is none of these.
pub fn parameter_overrides(typed: &[String]) -> Result<BTreeMap<String, String>, ProjectError> {
    let mut values = BTreeMap::new();
    for word in typed.iter().flat_map(|it| words(it)) {
        match word.strip_prefix("file://") {
            Some(path) => values.extend(samconfig::overrides_of_file(path)?),
            None => values.extend([pair(&word).ok_or(ProjectError::Override(name_only(&word)))?]),
        }
    }
    Ok(values)
}

/// A value may be a secret.
fn name_only(word: &str) -> String {
    let name = word.split('=').next().unwrap_or_default();
    name.to_owned()
}

fn pair(word: &str) -> Option<(String, String)> {
    let (name, value) = match word.strip_prefix("ParameterKey=") {
        Some(rest) => rest.split_once(",ParameterValue=")?,
        None => word.split_once('=')?,
    };
    let name = unquoted(name);
    (!name.is_empty()).then(|| (name, unquoted(value)))
}

/// At spaces that stand in no quotes.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut quote, mut escaped) = (None, false);
    for letter in text.chars() {
        if quote.is_none() && !escaped && letter.is_whitespace() {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            continue;
        }
        word.push(letter);
        match (quote, letter) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// Without the quotes around it, and without the backslash before one inside.
fn unquoted(text: &str) -> String {
    let inner = ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    let (mut value, mut letters) = (String::new(), inner.unwrap_or(text).chars().peekable());
    while let Some(letter) = letters.next() {
        let quoted = letters.peek().is_some_and(|it| "\"'\\ ".contains(*it));
        if letter == '\\' && quoted {
            value.extend(letters.next());
        } else {
            value.push(letter);
        }
    }
    value
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn read(typed: &[&str]) -> Vec<(String, String)> {
        let typed: Vec<String> = typed.iter().map(|it| (*it).to_owned()).collect();
        parameter_overrides(&typed).unwrap().into_iter().collect()
    }

    #[test]
    fn both_forms_of_sam_are_read() {
        for typed in [
            &["A=1 B=two"][..],
            &["A=1", "B=two"],
            &["ParameterKey=A,ParameterValue=1 ParameterKey=B,ParameterValue=two"],
            &["A=\"1\"", "ParameterKey=B,ParameterValue=\"two\""],
        ] {
            let expected = [("A", "1"), ("B", "two")].map(|(a, b)| (a.into(), b.into()));
            assert_eq!(read(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn a_value_may_hold_anything() {
        for (typed, value) in [
            ("A=", ""),
            ("A=b=c", "b=c"),
            ("A=\"two words\"", "two words"),
            ("A='a \"quoted\" word'", "a \"quoted\" word"),
            (r#"A="a \"quoted\" word""#, "a \"quoted\" word"),
            (r"A=two\ words", "two words"),
            (r"A=C:\temp", r"C:\temp"),
            ("A=a,b,c", "a,b,c"),
            ("ParameterKey=A,ParameterValue=x,y=z", "x,y=z"),
        ] {
            assert_eq!(read(&[typed]), [("A".into(), value.into())], "{typed}");
        }
    }

    #[test]
    fn what_is_neither_is_named_without_its_value() {
        for typed in ["Stage", "=secret", "ParameterKey=A"] {
            let error = parameter_overrides(&[typed.to_owned()]).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains("Name=value") && !text.contains("secret"),
                "{text}"
            );
        }
    }
}
