//! Walks through all states of a small world, breadth first, so that the trace
//! of a broken rule is one of the shortest there are.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt::Display;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// Something with states, and steps from one to the next.
pub(crate) trait System: Clone + Hash {
    /// One thing that may happen.
    type Step: Copy + Display;
    /// Everything that may happen next.
    fn steps(&self) -> Vec<Self::Step>;
    /// Lets it happen.
    ///
    /// # Errors
    /// The rule that is broken by it.
    fn take(&mut self, step: Self::Step) -> Result<(), String>;
    /// How things stand, for a trace.
    fn moment(&self) -> String;
    /// What the last step has come to, if that is worth counting.
    fn came_to(&self) -> Option<String>;
}

/// What was seen.
pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) steps: usize,
    /// Which ends there were, and in how many states.
    pub(crate) ends: BTreeMap<String, usize>,
    /// The rule that is broken, and how that came about.
    pub(crate) broken: Option<String>,
}

/// Which step led to a state, and from where.
type Origin<S> = Option<(usize, <S as System>::Step)>;

/// Explores every state, or up to the first broken rule.
pub(crate) fn explore<S: System>(start: &S) -> Explored {
    let mut seen: HashSet<u64, BuildHasherDefault<Mixed>> = HashSet::default();
    seen.insert(fingerprint(start));
    let mut origins: Vec<Origin<S>> = vec![None];
    let mut queue = VecDeque::from([(0, start.clone())]);
    let mut explored = Explored {
        states: 1,
        steps: 0,
        ends: BTreeMap::new(),
        broken: None,
    };
    while let Some((index, state)) = queue.pop_front() {
        for step in state.steps() {
            explored.steps += 1;
            let mut next = state.clone();
            if let Err(rule) = next.take(step) {
                let trace = trace(start, &origins, index, step);
                explored.broken = Some(format!("{rule}\n{trace}"));
                return explored;
            }
            if !seen.insert(fingerprint(&next)) {
                continue;
            }
            if let Some(end) = next.came_to() {
                *explored.ends.entry(end).or_default() += 1;
            }
            origins.push(Some((index, step)));
            queue.push_back((explored.states, next));
            explored.states += 1;
        }
    }
    explored
}

/// The steps to a state and one more, as a list.
fn trace<S: System>(start: &S, origins: &[Origin<S>], index: usize, last: S::Step) -> String {
    let mut steps = vec![last];
    let mut at = index;
    while let Some((from, step)) = origins[at] {
        steps.push(step);
        at = from;
    }
    let mut state = start.clone();
    let mut lines = vec![format!("     {}", state.moment())];
    for (number, step) in steps.into_iter().rev().enumerate() {
        // The last one breaks a rule.
        let _ = state.take(step);
        lines.push(format!("{:3}. {step}\n     {}", number + 1, state.moment()));
    }
    lines.join("\n")
}

fn fingerprint(state: &impl Hash) -> u64 {
    let mut mixed = Mixed::default();
    state.hash(&mut mixed);
    mixed.finish()
}

/// A hasher for many small numbers: the standard one takes most of the time
/// without optimization. With 64 bits, two of a million states meet by chance
/// once in thirty million explorations.
#[derive(Default)]
pub(crate) struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number.cast_unsigned() as u64);
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        self.0 = mixed ^ (mixed >> 32);
    }
}
