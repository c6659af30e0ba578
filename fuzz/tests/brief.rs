//! Every target over its seeds and mutations of them: the same ones every time.

#![allow(clippy::print_stderr, reason = "a test that fails says by which input")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use tether_fuzz::mutator::Mutator;
use tether_fuzz::{Target, targets};

/// For each target, over all its seeds together.
const MUTATIONS: u64 = 4000;

fn run(target: &Target, origin: &str, bytes: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))) {
        eprintln!("target {}, {origin}: {}", target.name, bytes.escape_ascii());
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn no_seed_breaks_a_promise() {
    for target in targets() {
        for (name, bytes) in (target.seeds)() {
            run(&target, &format!("seed {name}"), &bytes);
        }
    }
}

#[test]
fn no_mutation_of_a_seed_breaks_a_promise() {
    for target in targets() {
        let seeds = (target.seeds)();
        for number in 0..MUTATIONS {
            let mut mutator = Mutator::new(number);
            let pick = |by: u64| &seeds[(by % seeds.len() as u64) as usize];
            let ((name, bytes), (_, other)) = (pick(number), pick(number / 7));
            let mutated = mutator.mutated(bytes, other);
            run(
                &target,
                &format!("mutation {number} of seed {name}"),
                &mutated,
            );
        }
    }
}

#[test]
fn mutations_are_the_same_every_time() {
    let mutated = |seed| Mutator::new(seed).mutated(b"{\"type\":\"hello\"}", b"other");
    assert_eq!(mutated(7), mutated(7));
    assert!((0..50).any(|seed| mutated(seed) != mutated(7)));
}
