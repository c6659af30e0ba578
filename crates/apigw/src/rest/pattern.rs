//! Regular expressions of templates: `selectionPattern`, and `pattern` of models.
//!
//! AWS has Java's there. Ours take linear time and know neither look-around nor back references:
//! those are refused by name instead of matching something else.

use regex_lite::{Regex, RegexBuilder};

/// Longest compiled expression, in bytes: a class repeated a thousand times a thousand times is
/// somebody's mistake.
const COMPILED_BYTES: usize = 1 << 20;

/// An expression that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pattern {0:?} is not understood: look-around and back references are not supported")]
pub(crate) struct PatternError(String);

/// Whether an expression matches somewhere in a text.
pub(super) fn found_in(expression: &str, text: &str) -> Result<bool, PatternError> {
    Ok(compile(expression, expression)?.is_match(text))
}

/// Whether an expression matches all of a text. `.` is no line break, as in Java.
pub(crate) fn is_all_of(expression: &str, text: &str) -> Result<bool, PatternError> {
    Ok(compile(expression, &format!("^(?:{expression})$"))?.is_match(text))
}

fn compile(named: &str, expression: &str) -> Result<Regex, PatternError> {
    let compiled = RegexBuilder::new(expression)
        .size_limit(COMPILED_BYTES)
        .build();
    compiled.map_err(|_| PatternError(named.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_pattern_matches_all_of_a_text() {
        assert_eq!(is_all_of(r"4\d{2}", "404"), Ok(true));
        assert_eq!(is_all_of("400", "1400"), Ok(false));
        assert_eq!(is_all_of("a|b", "ab"), Ok(false));
        assert_eq!(is_all_of(".*Error.*", "an Error\nin two lines"), Ok(false));
        assert_eq!(
            is_all_of(r"(.|\n)*Error(.|\n)*", "an Error\nin two lines"),
            Ok(true)
        );
    }

    #[test]
    fn a_models_pattern_matches_anywhere() {
        assert_eq!(found_in("b+", "abc"), Ok(true));
        assert_eq!(found_in("^b+$", "abc"), Ok(false));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let error = found_in("(?=a)b", "ab").unwrap_err().to_string();
        assert!(error.contains("\"(?=a)b\""), "{error}");
        assert!(found_in("(", "").is_err() && found_in("(a{1000}){1000}", "").is_err());
    }
}
