//! What an unquoted YAML scalar means to CloudFormation: YAML 1.1, so `yes` is true and `0755` is
//! octal, except that dates stay text.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html> (YAML 1.1
//! without timestamps); <https://yaml.org/type/bool.html>, <https://yaml.org/type/int.html>,
//! <https://yaml.org/type/float.html>. Base 60 (`22:22`) is left as text: nobody means it.

use crate::tree::Tree;
use serde_json::Number;

/// The value of a plain scalar. JSON's `1e3` is a number only in JSON: in YAML 1.1 it is text.
pub(crate) fn plain(text: &str, json: bool) -> Tree {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Tree::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            return Tree::Bool(true);
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Tree::Bool(false);
        }
        _ => {}
    }
    integer(text)
        .or_else(|| float(text, json))
        .map_or_else(|| Tree::Text(text.to_owned()), Tree::Number)
}

/// An integer of base 2, 8, 10 or 16; `None` also when it does not fit 64 bits, because text keeps
/// every digit.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = sign(text);
    let (base, digits) = if let Some(digits) = digits.strip_prefix("0b") {
        (2, digits)
    } else if let Some(digits) = digits.strip_prefix("0x") {
        (16, digits)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, digits)
    } else {
        (10, digits)
    };
    let digits = without_underscores(digits)?;
    if !digits.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    let magnitude = u64::from_str_radix(&digits, base).ok()?;
    if negative {
        0i64.checked_sub_unsigned(magnitude).map(Number::from)
    } else {
        Some(Number::from(magnitude))
    }
}

/// A float, which in YAML 1.1 has a point, and a signed exponent if any.
fn float(text: &str, json: bool) -> Option<Number> {
    let (negative, digits) = sign(text);
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    if !json && (!mantissa.contains('.') || exponent.is_some_and(|it| !it.starts_with(['+', '-'])))
    {
        return None;
    }
    let mantissa = without_underscores(mantissa)?;
    let digits = |text: &str| text.chars().all(|digit| digit.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    let exponent = exponent.unwrap_or("0");
    let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let plausible = digits(whole) && digits(fraction) && digits(power);
    if !plausible || power.is_empty() || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let value: f64 = format!("{whole}.{fraction}e{exponent}").parse().ok()?;
    Number::from_f64(if negative { -value } else { value })
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The digits without YAML 1.1's grouping; `None` if none are left or it begins with a grouping.
fn without_underscores(digits: &str) -> Option<String> {
    let bare = digits.replace('_', "");
    (!bare.is_empty() && !digits.starts_with('_')).then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Position;
    use crate::tree::Node;
    use serde_json::{Value, json};

    fn yaml(text: &str) -> Value {
        let position = Position { line: 1, column: 1 };
        Node::new(position, plain(text, false)).literal()
    }

    #[test]
    fn yaml_1_1_booleans_are_booleans() {
        for text in ["true", "True", "yes", "YES", "on", "On"] {
            assert_eq!(yaml(text), json!(true), "{text}");
        }
        for text in ["false", "FALSE", "no", "No", "off", "OFF"] {
            assert_eq!(yaml(text), json!(false), "{text}");
        }
        assert_eq!(yaml("y"), json!("y"));
        assert_eq!(yaml("n"), json!("n"));
    }

    #[test]
    fn numbers_are_numbers_and_dates_and_versions_are_text() {
        assert_eq!(yaml("30"), json!(30));
        assert_eq!(yaml("-7"), json!(-7));
        assert_eq!(yaml("1.5"), json!(1.5));
        assert_eq!(yaml("0x1F"), json!(31));
        assert_eq!(yaml("0755"), json!(493));
        assert_eq!(yaml("1_000"), json!(1000));
        for text in [
            "2012-10-17",
            "2010-09-09",
            "1.2.3",
            "012345678901",
            "1e3",
            "22:22",
            "-",
            ".",
            "_1",
            "123456789012345678901234",
            "e+5",
        ] {
            assert_eq!(yaml(text), json!(text), "{text}");
        }
    }

    #[test]
    fn nothing_is_null() {
        assert_eq!(yaml(""), Value::Null);
        assert_eq!(yaml("~"), Value::Null);
        assert_eq!(yaml("null"), Value::Null);
    }

    #[test]
    fn json_numbers_have_exponents() {
        let position = Position { line: 1, column: 1 };
        let json = |text| Node::new(position, plain(text, true)).literal();
        assert_eq!(json("1e3"), serde_json::json!(1000.0));
        assert_eq!(json("-2.5E-1"), serde_json::json!(-0.25));
    }
}
