//! Resources that wait for each other: CloudFormation refuses them, so they are named here.

use crate::evaluator::Evaluator;
use crate::resources::Declarations;
use std::collections::{BTreeMap, BTreeSet};

impl Evaluator<'_> {
    /// Reports each circle once, at the resource in it that is declared first.
    pub(crate) fn cycles(&mut self) {
        let Some(resources) = self.resources else {
            return;
        };
        let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for edge in self.edges.iter().filter(|edge| edge.hard) {
            graph.entry(&edge.from).or_default().insert(&edge.to);
        }
        for (id, declaration) in resources.iter().filter(|(_, it)| it.live) {
            let targets = declaration.depends_on.iter().map(|(to, _)| to.as_str());
            graph.entry(id).or_default().extend(targets);
        }
        let mut walk = Walk {
            graph: &graph,
            done: BTreeSet::new(),
            circles: Vec::new(),
        };
        for id in resources.keys() {
            walk.from(id);
        }
        let circles: Vec<_> = walk
            .circles
            .iter()
            .map(|circle| describe(circle, Some(resources)))
            .collect();
        for (first, message) in circles {
            if let Some(declaration) = resources.get(&first) {
                self.report
                    .resource(declaration.position, &first, None, message);
            }
        }
    }
}

/// The resource of the circle that is declared first, and the problem.
pub(crate) fn describe(circle: &[&str], resources: Option<&Declarations>) -> (String, String) {
    let order = |id: &str| resources.and_then(|it| it.get_index_of(id));
    let start = (0..circle.len()).min_by_key(|&at| circle.get(at).and_then(|id| order(id)));
    let mut rotated = circle.to_vec();
    rotated.rotate_left(start.unwrap_or(0));
    let first = rotated.first().copied().unwrap_or_default();
    let chain = rotated.join(" → ");
    let message = format!(
        "these resources wait for each other: {chain} → {first}; break the circle by removing one \
         of the references."
    );
    (first.to_owned(), message)
}

struct Walk<'g> {
    graph: &'g BTreeMap<&'g str, BTreeSet<&'g str>>,
    done: BTreeSet<&'g str>,
    circles: Vec<Vec<&'g str>>,
}

impl<'g> Walk<'g> {
    /// Depth first, without recursion: a chain may be as long as the template.
    fn from(&mut self, start: &'g str) {
        if self.done.contains(start) {
            return;
        }
        let mut path = vec![(start, self.targets(start))];
        while let Some((_, targets)) = path.last_mut() {
            let Some(next) = targets.next() else {
                if let Some((id, _)) = path.pop() {
                    self.done.insert(id);
                }
                continue;
            };
            if let Some(at) = path.iter().position(|(id, _)| *id == next) {
                let circle = path.iter().skip(at).map(|(id, _)| *id).collect();
                self.circles.push(circle);
            } else if !self.done.contains(next) {
                path.push((next, self.targets(next)));
            }
        }
    }

    fn targets(&self, id: &str) -> Box<dyn Iterator<Item = &'g str> + 'g> {
        match self.graph.get(id) {
            Some(targets) => Box::new(targets.iter().copied()),
            None => Box::new(std::iter::empty()),
        }
    }
}
