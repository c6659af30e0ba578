//! The life cycle of an invocation, explored exhaustively: the real
//! [`Carry`](tether_protocol::carry::Carry) of the bootstrap and the real
//! [`Serve`](tether_protocol::serve::Serve) of the receiver, over models of the
//! tables, of `@connections` and of the `connect` Lambda.
//!
//! # What is explored
//!
//! Every order in which these can happen, with up to three faults:
//!
//! * a call to a table is done and told; or not done, and told; or nobody tells,
//!   and it is done at once, at any later time, or never; or nothing comes back
//!   from any table for a while. The first write of the record is always late;
//! * a post is delivered at once, late, twice or never; answered with 410,
//!   rightly or not; refused; slow; or its outcome is unknown. The session is
//!   away, over, or on another connection;
//! * the receiver declines or is ready to run, by a clock that may be minutes
//!   off; between any two steps it may sleep, for more than an hour, or end at
//!   once. Replies are lost, repeated, late; so are their acknowledgements;
//! * either side dies at any step. A receiver comes back without a memory, as
//!   another session; an attempt that has failed is tried again, with the same
//!   request id, while all of the first one is still under way.
//!
//! Time is coarse: it stands at the moments at which the machine decides
//! otherwise (the end of the wait for a claim, the watch over the session, the
//! grace, `answer_by`), at the deadline, ten minutes later, and when the record
//! has vanished. In between, one look at the record is as good as many.
//!
//! The rules are in `model/rules.rs` and `model/bootstrap.rs`: one verdict, in
//! time, and from every state; never on the laptop and deployed, never twice on
//! the laptop; never a success that this attempt's run has not computed;
//! deployed only if no laptop can have it, or the record keeps it from running.
//!
//! # How much that is
//!
//! | what | faults | deaths | states | steps |
//! |---|---|---|---|---|
//! | 60 s to the deadline | 2 | 1 | 1,512,924 | 5,616,918 |
//! | 3 s to the deadline | 3 | 1 | 915,652 | 2,664,357 |
//! | the same, and a retry | 1 | 0 | 724,479 | 2,217,441 |
//! | the same, and a retry | 0 | 1 | 230,590 | 590,941 |
//!
//! These take 13 s on one core, without optimization. With one fault more,
//! `TETHER_MODEL_FAULTS=4 cargo test -p tether-protocol --test model`, there are
//! 9.6 million states, which take 110 s and 630 MB; `-- --nocapture` tells the
//! numbers. After the last verdict, only what can lead to a run is followed;
//! with a retry, nothing is followed past the deadline.
//!
//! # What is not in it
//!
//! Large payloads (chunks), what the developer is told, the read of an answer at
//! one moment and its use at the next, a bootstrap of which two attempts run at
//! once (Lambda gives an environment one at a time), and a clock that changes
//! its pace.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly, and tell what it has seen"
)]

#[path = "model/bootstrap.rs"]
mod bootstrap;
#[path = "model/choices.rs"]
mod choices;
#[path = "model/explorer.rs"]
mod explorer;
#[path = "model/receiver.rs"]
mod receiver;
#[path = "model/rules.rs"]
mod rules;
#[path = "model/steps.rs"]
mod steps;
#[path = "model/table.rs"]
mod table;
#[path = "model/world.rs"]
mod world;

use explorer::{Explored, explore};
use std::time::Instant;
use world::{Setup, Twist, World};

/// Long enough for the watch over the session and for the grace.
const LONG: u64 = 60;

/// Too short for them.
const SHORT: u64 = 3;

/// How much goes wrong. Fewer would leave no fault for a retry.
fn faults() -> u8 {
    let more = std::env::var("TETHER_MODEL_FAULTS");
    let more = more.map(|it| it.parse().expect("TETHER_MODEL_FAULTS is a small number"));
    more.unwrap_or(3).max(3)
}

fn run(setup: &Setup) -> Explored {
    let began = Instant::now();
    let explored = explore(&World::new(setup).expect("a beginning within the rules"));
    println!(
        "{} states, {} steps in {:?} ({setup:?}): {:#?}",
        explored.states,
        explored.steps,
        began.elapsed(),
        explored.ends
    );
    explored
}

/// No rule is broken, and all these ends were seen.
fn holds(setup: &Setup, ends: &[&str]) {
    let explored = run(setup);
    if let Some(broken) = explored.broken {
        panic!("{broken}");
    }
    let seen: Vec<&str> = explored.ends.keys().map(String::as_str).collect();
    assert_eq!(seen, ends, "every end, and no other");
}

const ENDS: [&str; 9] = [
    "Answered",
    "Deployed(ConnectionGone)",
    "Deployed(Declined)",
    "Deployed(PostRefused(\"403\"))",
    "Deployed(SessionOver)",
    "Deployed(Unclaimed)",
    "Fail(Deadline)",
    "Fail(LaptopGone)",
    "Fail(Unconfirmed)",
];

/// Without time for a grace, nobody is waited for.
const SHORT_ENDS: [&str; 8] = [
    ENDS[0], ENDS[1], ENDS[2], ENDS[3], ENDS[4], ENDS[5], ENDS[6], ENDS[8],
];

#[test]
fn an_attempt_ends_once_and_in_one_place() {
    holds(&Setup::new(LONG, 1, faults() - 1, 1), &ENDS);
}

#[test]
fn so_does_one_with_little_time() {
    holds(&Setup::new(SHORT, 1, faults(), 1), &SHORT_ENDS);
}

#[test]
fn and_one_with_the_request_id_of_another() {
    holds(&Setup::new(SHORT, 2, faults() - 2, 0), &SHORT_ENDS);
}

#[test]
fn and_one_that_is_tried_again_after_a_death() {
    let explored = run(&Setup::new(SHORT, 2, faults() - 3, 1));
    if let Some(broken) = explored.broken {
        panic!("{broken}");
    }
    assert!(explored.ends.contains_key("Answered"));
}

#[test]
fn and_one_whose_laptop_has_another_time() {
    const MINUTE: i64 = 60;
    for skew in [-5 * MINUTE, 5 * MINUTE, -180 * MINUTE] {
        let mut setup = Setup::new(SHORT, 1, faults() - 2, 1);
        setup.skew = skew;
        holds(&setup, &SHORT_ENDS);
    }
}

#[test]
fn the_deadline_is_blamed_only_when_it_has_come() {
    let mut setup = Setup::new(LONG, 1, 2, 0);
    setup.reasons = true;
    holds(&setup, &ENDS);
}

/// The explorer finds what was broken on purpose, and tells how it comes about.
fn finds(twist: Twist, mut setup: Setup, rule: &str, steps: &[&str]) {
    setup.twist = Some(twist);
    let Some(broken) = run(&setup).broken else {
        panic!("{twist:?} breaks no rule");
    };
    println!("{broken}");
    assert_eq!(broken.lines().next(), Some(rule), "{broken}");
    let mut rest = broken.as_str();
    for step in steps {
        let (_, after) = rest
            .split_once(step)
            .unwrap_or_else(|| panic!("no step {step:?} in its place in\n{broken}"));
        rest = after;
    }
}

const BOTH: &str = "an attempt runs on the laptop and as deployed code";

#[test]
fn a_receiver_that_runs_before_its_claim_is_confirmed_is_found_out() {
    let steps = [
        "the bootstrap abandons: it is done, and told",
        "ABANDONED; Deployed",
        "the laptop starts attempt 1",
        "ABANDONED; Deployed, and started on the laptop",
    ];
    finds(
        Twist::RunsUnclaimed,
        Setup::new(LONG, 1, 0, 0),
        BOTH,
        &steps,
    );
}

#[test]
fn a_table_that_lets_go_of_what_was_accepted_is_found_out() {
    let steps = [
        "the laptop takes attempt 1: it is done, and told",
        "ACCEPTED; open",
        "the bootstrap abandons: it is done, and told",
        "ABANDONED; Deployed",
    ];
    finds(
        Twist::AbandonIgnoresAccepted,
        Setup::new(LONG, 1, 0, 0),
        BOTH,
        &steps,
    );
}

#[test]
fn an_answer_to_another_attempt_is_found_out() {
    let steps = [
        "the bootstrap dies",
        "it is tried again, with the same request id",
        "connect answers attempt 1: it is done, and told",
        "the bootstrap reads the record",
    ];
    finds(
        Twist::OneRowPerRequest,
        Setup::new(SHORT, 2, 0, 1),
        "a success that nobody computed for this attempt",
        &steps,
    );
}

#[test]
fn a_receiver_that_takes_a_message_twice_is_found_out() {
    let steps = [
        "the post is taken, and delivered twice",
        "done after all: remove of attempt 1",
        "the laptop starts attempt 1",
    ];
    finds(
        Twist::ForgetsNonces,
        Setup::new(LONG, 1, 1, 0),
        BOTH,
        &steps,
    );
}

#[test]
fn a_receiver_that_takes_a_message_of_an_hour_ago_is_found_out() {
    let steps = [
        "ABANDONED; Deployed",
        "3720.0 s  no record; Deployed",
        "the laptop has attempt 1",
    ];
    finds(Twist::NeverStale, Setup::new(LONG, 1, 0, 0), BOTH, &steps);
}

#[test]
fn a_laptop_that_believes_its_slow_clock_is_found_out() {
    let steps = [
        "ABANDONED; Deployed",
        "3720.0 s  no record; Deployed",
        "the laptop has attempt 1",
    ];
    let mut setup = Setup::new(LONG, 1, 0, 0);
    setup.skew = -3 * 60 * 60;
    finds(Twist::NeverToldTheTime, setup, BOTH, &steps);
}

#[test]
fn a_bootstrap_that_takes_doubt_for_a_yes_is_found_out() {
    let rule = "the deployed code answers although the laptop may have the event, \
                and nothing in the record keeps it from running it";
    let steps = ["the bootstrap abandons: nobody tells what came of it"];
    finds(
        Twist::BelievesItWon,
        Setup::new(LONG, 1, 1, 0),
        rule,
        &steps,
    );
}

#[test]
fn a_bootstrap_that_waits_for_ever_is_found_out() {
    let rule = "it goes on without an end";
    let steps = ["59.5 s  no record; open", "the bootstrap wakes up"];
    finds(Twist::ClockStands, Setup::new(LONG, 1, 0, 0), rule, &steps);
}
