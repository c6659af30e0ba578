//! Where the time of an invocation went, from `tether attach`'s own reports.

use serde_json::Value;

/// The median of each hop over these `invocation` events.
pub(super) fn line(events: &[Value]) -> String {
    let mut names: Vec<&String> = Vec::new();
    for hops in events.iter().filter_map(|it| it["hops"].as_object()) {
        for name in hops.keys() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let parts: Vec<String> = names
        .iter()
        .map(|name| {
            let mut values: Vec<f64> = events
                .iter()
                .filter_map(|it| it["hops"][name.as_str()].as_f64())
                .collect();
            values.sort_by(f64::total_cmp);
            let median = values.get(values.len() / 2).copied().unwrap_or_default();
            format!("{} {median}", name.trim_end_matches("Ms"))
        })
        .collect();
    if parts.is_empty() {
        return "none were reported".to_owned();
    }
    format!("{} (n {})", parts.join(", "), events.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_hop_has_its_median() {
        let events: Vec<Value> = [5, 1, 3]
            .map(|ms| json!({ "hops": { "carryMs": ms, "claimMs": 2 } }))
            .into();
        assert_eq!(line(&events), "carry 3, claim 2 (n 3)");
        assert_eq!(line(&[]), "none were reported");
    }
}
