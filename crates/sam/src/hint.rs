//! "Did you mean …?" for names that are nearly right.

/// ` Did you mean X?` with the closest candidate, or nothing when none is close.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    closest(name, candidates)
        .map(|found| format!(" Did you mean {found}?"))
        .unwrap_or_default()
}

fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let allowed = (wanted.chars().count() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (distance(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed && *distance < wanted.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many characters to add, drop, change or swap with their neighbour (optimal string
/// alignment): swapping is the commonest slip of the hand.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    // The first row and column: what an empty word needs to become the other.
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    rows[0] = (0..=right.len()).collect();
    for (line, row) in rows.iter_mut().enumerate() {
        row[0] = line;
    }
    for line in 1..=left.len() {
        for column in 1..=right.len() {
            let (one, other) = (left[line - 1], right[column - 1]);
            let change = rows[line - 1][column - 1] + usize::from(one != other);
            let longer = rows[line - 1][column].min(rows[line][column - 1]) + 1;
            let mut cheapest = change.min(longer);
            let swapped =
                line > 1 && column > 1 && one == right[column - 2] && left[line - 2] == other;
            if swapped {
                cheapest = cheapest.min(rows[line - 2][column - 2] + 1);
            }
            rows[line][column] = cheapest;
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_slips_of_the_hand() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "same"), 0);
        assert_eq!(distance("Tabel", "Table"), 1);
    }

    #[test]
    fn only_close_names_are_offered() {
        let known = ["Resources", "Outputs", "Parameters"];
        assert_eq!(did_you_mean("Resourcs", known), " Did you mean Resources?");
        assert_eq!(did_you_mean("resources", known), " Did you mean Resources?");
        assert_eq!(did_you_mean("Banana", known), "");
    }
}
