//! IAM's wildcards: `*` for any characters, none included, and `?` for exactly one.

use super::{Colons, Token};

/// Whether a text is what the tokens say. Most patterns are decided by their
/// first characters.
pub(super) fn matches(pattern: &[Token], text: &str, colons: Colons) -> bool {
    let mut left = text.chars();
    for (index, token) in pattern.iter().enumerate() {
        match token {
            Token::Char(wanted) if left.next() == Some(*wanted) => {}
            Token::Any if index + 1 == pattern.len() => return true,
            Token::Any | Token::One => {
                let rest = pattern.get(index..).unwrap_or_default();
                return globbed(rest, left.as_str(), colons);
            }
            // A variable has become characters by now.
            Token::Char(_) | Token::Variable { .. } => return false,
        }
    }
    left.next().is_none()
}

/// Keeps, after each token of the pattern, the set of positions in the text
/// that it can have reached: time is pattern × text at most, whatever a policy
/// holds, where backtracking could take forever.
fn globbed(pattern: &[Token], text: &str, colons: Colons) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut reached = vec![false; text.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    let mut next = Vec::with_capacity(reached.len());
    for (index, wanted) in pattern.iter().enumerate() {
        let ends_segment = matches!(pattern.get(index + 1), None | Some(Token::Char(':')));
        let any_colon = colons == Colons::Free || (*wanted == Token::Any && ends_segment);
        advance(wanted, any_colon, &reached, &text, &mut next);
        std::mem::swap(&mut reached, &mut next);
    }
    reached.last().copied().unwrap_or_default()
}

fn advance(wanted: &Token, any_colon: bool, reached: &[bool], text: &[char], next: &mut Vec<bool>) {
    next.clear();
    // Where a `*` may stay without taking a character.
    next.push(*wanted == Token::Any && reached.first().copied().unwrap_or_default());
    for ((found, before), here) in text.iter().zip(reached).zip(reached.iter().skip(1)) {
        let passable = any_colon || *found != ':';
        let open = match wanted {
            Token::Any => *here || (passable && next.last().copied().unwrap_or_default()),
            Token::One => passable && *before,
            Token::Char(literal) => *before && literal == found,
            Token::Variable { .. } => false,
        };
        next.push(open);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::pattern::{Pattern, Syntax};
    use proptest::prelude::*;

    fn glob(pattern: &str, text: &str, colons: Colons) -> bool {
        let syntax = Syntax {
            wildcards: true,
            variables: false,
        };
        matches(
            &Pattern::read(pattern, syntax).unwrap().tokens,
            text,
            colons,
        )
    }

    fn resource(pattern: &str, text: &str) -> bool {
        glob(pattern, text, Colons::Bound)
    }

    fn free(pattern: &str, text: &str) -> bool {
        glob(pattern, text, Colons::Free)
    }

    #[test]
    fn a_star_is_any_characters_and_none() {
        assert!(resource("a*c", "ac") && resource("a*c", "abbc") && resource("*", ""));
        assert!(!resource("a*c", "ab") && !resource("", "a") && resource("", ""));
    }

    #[test]
    fn a_question_mark_is_exactly_one() {
        assert!(resource("a?c", "abc") && resource("a?c", "aéc"));
        assert!(!resource("a?c", "ac") && !resource("a?", "a:"));
    }

    #[test]
    fn only_a_star_that_ends_its_segment_crosses_colons() {
        assert!(resource("arn:*", "arn:aws:s3:::x"));
        assert!(resource("arn:*:x", "arn:aws:s3:::x"));
        assert!(!resource("arn:a*x", "arn:aws:x"));
        assert!(free("s*t", "s3:get"));
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "*a".repeat(200);
        assert!(!resource(&pattern, &"a".repeat(199)));
        assert!(resource(&pattern, &"a".repeat(400)));
    }

    /// The definition, to compare with.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, rest) => rest.is_none(),
            (Some(('*', after)), rest) => {
                naive(after, text)
                    || rest.is_some_and(|(head, tail)| {
                        (*head != ':' || matches!(after.first(), None | Some(':')))
                            && naive(pattern, tail)
                    })
            }
            (Some(_), None) => false,
            (Some(('?', after)), Some((head, tail))) => *head != ':' && naive(after, tail),
            (Some((wanted, after)), Some((head, tail))) => wanted == head && naive(after, tail),
        }
    }

    proptest! {
        #[test]
        fn it_is_what_the_definition_says(pattern in "[ab:*?]{0,8}", text in "[ab:]{0,8}") {
            let chars = |of: &str| of.chars().collect::<Vec<_>>();
            prop_assert_eq!(resource(&pattern, &text), naive(&chars(&pattern), &chars(&text)));
        }

        #[test]
        fn every_text_matches_itself_and_the_star(text in "[a-z:/$-]{0,40}") {
            prop_assert!(resource(&text, &text) && resource("*", &text) && free("*", &text));
        }
    }
}
