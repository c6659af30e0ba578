//! Which API's route is meant, and which routes are the same.

use super::Collision;
use crate::front::Front;
use std::collections::HashMap;
use std::sync::Arc;
use tether_sam::api::ApiRoute;

/// How well a route fits: the larger, the better. Paths before methods, as each kind of API has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// 0: `$default`, 1: greedy, 2: a full match.
    whole: u8,
    /// Segments that are literally the same.
    literal: usize,
    /// Whether the method is named.
    method: bool,
}

/// The best fit among some routes.
pub(super) fn rank(routes: &[ApiRoute], method: &str, path: &str) -> Option<Rank> {
    let ranks = routes.iter().filter_map(|it| {
        let any = it.method.eq_ignore_ascii_case("any") || it.path == "$default";
        if !any && !it.method.eq_ignore_ascii_case(method) {
            return None;
        }
        let (whole, literal) = fit(&it.path, path)?;
        Some(Rank {
            whole,
            literal,
            method: !any,
        })
    });
    ranks.max()
}

fn fit(pattern: &str, path: &str) -> Option<(u8, usize)> {
    if pattern == "$default" {
        return Some((0, 0));
    }
    let mut literal = 0_usize;
    let mut parts = path.trim_start_matches('/').split('/');
    for segment in pattern.trim_start_matches('/').split('/') {
        let part = parts.next()?;
        if segment.starts_with('{') && segment.ends_with("+}") {
            return Some((1, literal));
        }
        if segment == part {
            literal = literal.saturating_add(1);
        } else if !segment.starts_with('{') || part.is_empty() {
            return None;
        }
    }
    // A slash at the end is the affair of each kind's own rules.
    parts.all(str::is_empty).then_some((2, literal))
}

/// Routes that more than one API has, but for the names of their parameters.
pub(super) fn collisions(fronts: &[Arc<Front>]) -> Vec<Collision> {
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut found = Vec::new();
    for front in fronts {
        let api = front.api();
        for route in &api.routes {
            let shape = format!("{} {}", route.method, shape(&route.path));
            let serves = seen.entry(shape).or_insert_with(|| api.logical_id.clone());
            if *serves != api.logical_id {
                found.push(Collision {
                    route: crate::front::label(route),
                    serves: serves.clone(),
                    hidden: api.logical_id.clone(),
                });
            }
        }
    }
    found
}

fn shape(path: &str) -> String {
    let parts = path.split('/').map(|it| match it.strip_suffix('}') {
        Some(name) if it.starts_with('{') && name.ends_with('+') => "{+}",
        Some(_) if it.starts_with('{') => "{}",
        _ => it,
    });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_route_fits_better() {
        let in_order = [
            "$default",
            "/{proxy+}",
            "/a/{p+}",
            "/{x}/{y}",
            "/a/{y}",
            "/a/b",
        ];
        let fits: Vec<_> = in_order.iter().map(|it| fit(it, "/a/b").unwrap()).collect();
        assert!(fits.is_sorted(), "{fits:?}");
        assert_eq!(fit("/a", "/a/b"), None);
        assert_eq!(fit("/a/b/c", "/a/b"), None);
        assert_eq!(fit("/a/{b}", "/a/"), None);
        assert_eq!(fit("/", "/"), Some((2, 1)));
    }

    #[test]
    fn names_of_parameters_make_no_difference() {
        assert_eq!(shape("/a/{id}/{rest+}"), "/a/{}/{+}");
    }
}
