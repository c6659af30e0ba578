//! IAM's wildcards: `*` for any characters, none included, and `?` for exactly one.

/// Actions are matched whatever their case
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>).
pub(super) fn action(pattern: &str, action: &str) -> bool {
    matches(
        &pattern.to_lowercase(),
        &action.to_lowercase(),
        Colons::Free,
    )
}

/// Resources are matched case-sensitively, segment by segment: a wildcard stays
/// between its colons, except for a `*` at the end of a segment
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>).
pub(super) fn resource(pattern: &str, resource: &str) -> bool {
    matches(pattern, resource, Colons::Bound)
}

#[derive(Clone, Copy, PartialEq)]
enum Colons {
    Free,
    Bound,
}

/// Keeps, after each character of the pattern, the set of positions in the text
/// that it can have reached: time is pattern × text at most, whatever a policy
/// holds, where backtracking could take forever.
fn matches(pattern: &str, text: &str, colons: Colons) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let mut reached = vec![false; text.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for (index, wanted) in pattern.iter().enumerate() {
        let ends_segment = matches!(pattern.get(index + 1), None | Some(':'));
        let any_colon = colons == Colons::Free || (*wanted == '*' && ends_segment);
        reached = advance(*wanted, any_colon, &reached, &text);
    }
    reached.last().copied().unwrap_or_default()
}

fn advance(wanted: char, any_colon: bool, reached: &[bool], text: &[char]) -> Vec<bool> {
    let mut next = Vec::with_capacity(reached.len());
    // Where a `*` may stay without taking a character.
    next.push(wanted == '*' && reached.first().copied().unwrap_or_default());
    for ((found, before), here) in text.iter().zip(reached).zip(reached.iter().skip(1)) {
        let passable = any_colon || *found != ':';
        let open = match wanted {
            '*' => *here || (passable && next.last().copied().unwrap_or_default()),
            '?' => passable && *before,
            literal => *before && literal == *found,
        };
        next.push(open);
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        assert!(action("s*t", "s3:get"));
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
            prop_assert!(resource(&text, &text) && resource("*", &text) && action("*", &text));
        }
    }
}
