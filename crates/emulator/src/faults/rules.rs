//! The list of rules: which of them a call meets.

use super::rule::{Call, Effect, Rule};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// See the module.
#[derive(Default)]
pub(super) struct Rules {
    kept: Vec<Kept>,
    given: u64,
}

struct Kept {
    id: String,
    rule: Rule,
    /// Calls that it was about.
    matches: u64,
    /// Calls that met it.
    hits: u64,
    lifted: CancellationToken,
}

/// What a call has met.
pub(super) struct Met {
    pub(super) id: String,
    pub(super) effect: Effect,
    pub(super) lifted: CancellationToken,
}

impl Rules {
    /// Puts a rule behind the others; its id, `f1`.
    pub(super) fn add(&mut self, rule: Rule) -> String {
        self.given += 1;
        let id = format!("f{}", self.given);
        self.kept.push(Kept {
            id: id.clone(),
            rule,
            matches: 0,
            hits: 0,
            lifted: CancellationToken::new(),
        });
        id
    }

    /// Takes a rule away. Whether there was one.
    pub(super) fn lift(&mut self, id: &str) -> bool {
        let Some(position) = self.kept.iter().position(|it| it.id == id) else {
            return false;
        };
        self.kept.remove(position).lifted.cancel();
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(super) fn listed(&self) -> Value {
        let rows = self
            .kept
            .iter()
            .map(|it| json!({ "id": it.id, "matches": it.matches, "hits": it.hits }));
        rows.collect()
    }

    /// The first rule that takes this call. Those in front of it that let it
    /// pass have counted it.
    pub(super) fn meet(&mut self, call: &Call<'_>) -> Option<Met> {
        let taker = self.kept.iter_mut().find_map(|it| it.takes(call));
        taker.map(|it| Met {
            id: it.id.clone(),
            effect: it.rule.effect.clone(),
            lifted: it.lifted.clone(),
        })
    }
}

impl Kept {
    fn takes(&mut self, call: &Call<'_>) -> Option<&Self> {
        if !self.rule.is_about(call) {
            return None;
        }
        self.matches += 1;
        let used_up = self.rule.times.is_some_and(|it| self.hits >= it);
        if self.matches <= self.rule.skip || used_up {
            return None;
        }
        self.hits += 1;
        Some(self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn rules(all: &[Value]) -> Rules {
        let mut rules = Rules::default();
        for rule in all {
            let rule = Rule::read(rule.to_string().as_bytes()).unwrap();
            rules.add(rule);
        }
        rules
    }

    fn rule(skip: u64, times: Option<u64>) -> Value {
        json!({ "service": "lambda", "skip": skip, "times": times, "effect": { "kind": "drop" } })
    }

    fn meet(rules: &mut Rules, count: usize) -> Vec<String> {
        let call = || Call {
            service: "lambda",
            action: "Invoke",
            principal: None,
            texts: [b"", b""],
        };
        let met = (0..count).map(|_| rules.meet(&call()));
        met.map(|it| it.map(|it| it.id).unwrap_or_default())
            .collect()
    }

    #[test]
    fn so_many_calls_pass_and_so_many_meet_a_rule() {
        let mut rules = rules(&[rule(2, Some(2))]);
        assert_eq!(meet(&mut rules, 6), ["", "", "f1", "f1", "", ""]);
        let listed = json!([{ "id": "f1", "matches": 6, "hits": 2 }]);
        assert_eq!(rules.listed(), listed);
    }

    #[test]
    fn a_call_meets_the_first_rule_that_takes_it() {
        let mut rules = rules(&[rule(1, Some(1)), rule(0, None)]);
        assert_eq!(meet(&mut rules, 4), ["f2", "f1", "f2", "f2"]);
    }

    #[test]
    fn a_rule_that_is_lifted_lets_go_and_is_met_no_more() {
        let mut rules = rules(&[rule(0, None), rule(0, None)]);
        let call = Call::websocket("connect", ["", ""]);
        assert!(rules.meet(&call).is_none());
        let held = rules.kept[0].lifted.clone();
        assert!(rules.lift("f1") && held.is_cancelled());
        assert!(!rules.lift("f1"));
        assert_eq!(meet(&mut rules, 1), ["f2"]);
        // No id is given twice.
        let again = Rule::read(rule(0, None).to_string().as_bytes()).unwrap();
        assert_eq!(rules.add(again), "f3");
        assert!(rules.lift("f2") && rules.lift("f3") && rules.is_empty());
    }
}
