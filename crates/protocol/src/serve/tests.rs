use super::*;
use proptest::prelude::*;
use std::time::Duration;

const START: Timestamp = Timestamp(1_000_000);
const DEADLINE: Timestamp = Timestamp(1_060_000);

fn claiming() -> Serve {
    let (serve, first) = Serve::start(DEADLINE, false);
    assert_eq!(first, [Action::Claim]);
    serve
}

fn running() -> Serve {
    let mut serve = claiming();
    let next = serve.handle(Event::Claimed(Taking::Won), START);
    assert_eq!(next.first(), Some(&Action::Run));
    serve
}

fn replied() -> Serve {
    let mut serve = running();
    let next = serve.handle(Event::Ran(Ran::Answered), START);
    let again = START.plus(REPEAT_REPLY_AFTER);
    assert_eq!(next, [Action::Send(Word::Outcome), Action::Wake(again)]);
    serve
}

fn ends(serve: &mut Serve, event: Event, now: Timestamp, finish: Finish) {
    assert_eq!(serve.handle(event, now), [Action::Finish(finish)]);
    assert!(!serve.is_awaited());
    assert_eq!(serve.handle(Event::Timer, now), [], "nothing after the end");
}

#[test]
fn a_confirmed_claim_runs_and_its_answer_is_sent_until_it_is_stored() {
    let mut serve = replied();
    let later = START.plus(REPEAT_REPLY_AFTER);
    for event in [Event::Timer, Event::Reconnected] {
        let next = serve.handle(event, later);
        assert_eq!(next.first(), Some(&Action::Send(Word::Outcome)));
    }
    ends(&mut serve, Event::Stored, later, Finish::Delivered);
}

#[test]
fn without_a_confirmed_claim_nothing_runs() {
    ends(
        &mut claiming(),
        Event::Claimed(Taking::Lost),
        START,
        Finish::Elsewhere,
    );
    let mut failing = claiming();
    for _ in 1..CLAIM_TRIES {
        let next = failing.handle(Event::Claimed(Taking::Failed), START);
        assert_eq!(next, [Action::Claim]);
    }
    ends(
        &mut failing,
        Event::Claimed(Taking::Failed),
        START,
        Finish::Unclaimed,
    );
    let mut doubtful = claiming();
    doubtful.handle(Event::Claimed(Taking::Unknown), START);
    doubtful.handle(Event::Claimed(Taking::Failed), START);
    let next = doubtful.handle(Event::Claimed(Taking::Failed), START);
    assert_eq!(next.first(), Some(&Action::Send(Word::Unconfirmed)));
    ends(&mut doubtful, Event::Refused, START, Finish::Refused);
}

#[test]
fn a_claim_that_is_confirmed_too_late_runs_nothing() {
    let late = Finish::Late(Late::Claiming);
    ends(&mut claiming(), Event::Claimed(Taking::Won), DEADLINE, late);
    ends(
        &mut claiming(),
        Event::Claimed(Taking::Unknown),
        DEADLINE,
        late,
    );
}

#[test]
fn shortly_before_the_bootstrap_answers_it_is_told_what_the_handler_does() {
    let mut serve = claiming();
    let next = serve.handle(Event::Claimed(Taking::Won), START);
    let tell_at = DEADLINE
        .minus(ANSWER_BEFORE_DEADLINE)
        .minus(TELL_BEFORE_ANSWER);
    assert_eq!(next, [Action::Run, Action::Wake(tell_at)]);
    let next = serve.handle(Event::Timer, tell_at);
    let end = DEADLINE.plus(GRACE_AFTER_DISCONNECT);
    assert_eq!(next, [Action::Wake(end), Action::Tell]);
    assert_eq!(serve.handle(Event::Timer, DEADLINE), [Action::Wake(end)]);
    let late = Finish::Late(Late::Running);
    let mut ended = serve.clone();
    ends(&mut ended, Event::Ran(Ran::TooLate), DEADLINE, late);
    ends(&mut serve, Event::Timer, end, late);
}

#[test]
fn an_answer_that_was_refused_after_it_was_sent_twice_is_looked_for() {
    ends(&mut replied(), Event::Refused, START, Finish::Refused);
    let mut twice = replied();
    twice.handle(Event::Reconnected, START);
    assert_eq!(
        twice.handle(Event::Refused, START).first(),
        Some(&Action::Look)
    );
    let mut unknown = twice.clone();
    ends(
        &mut unknown,
        Event::Head(Look::Failed),
        START,
        Finish::Unknown,
    );
    let mut lost = twice.clone();
    let expired = Event::Head(Look::Found(InvocationStatus::Expired));
    ends(&mut lost, expired, START, Finish::Refused);
    ends(
        &mut twice,
        Event::Head(Look::Missing),
        START,
        Finish::Delivered,
    );
}

#[test]
fn past_the_deadline_nothing_is_sent_any_more_and_the_record_tells() {
    use InvocationStatus::{Completed, Expired};
    for (look, finish) in [
        (Look::Found(Completed), Finish::Delivered),
        (Look::Missing, Finish::Delivered),
        (Look::Found(Expired), Finish::Late(Late::Replying)),
        (Look::Failed, Finish::Unknown),
    ] {
        let mut serve = replied();
        let next = serve.handle(Event::Timer, DEADLINE);
        assert_eq!(next.first(), Some(&Action::Look));
        ends(&mut serve, Event::Head(look), DEADLINE, finish);
    }
}

#[test]
fn an_end_of_the_session_has_a_word_for_whoever_waits() {
    for mut serve in [claiming(), running()] {
        let next = serve.handle(Event::Interrupted, START);
        assert_eq!(next.first(), Some(&Action::Send(Word::Interrupted)));
        assert_eq!(serve.handle(Event::Claimed(Taking::Won), START), []);
        assert_eq!(serve.handle(Event::Ran(Ran::Answered), START), []);
        ends(&mut serve, Event::Stored, START, Finish::Delivered);
    }
    let mut answered = replied();
    let next = answered.handle(Event::Interrupted, START);
    assert_eq!(next.first(), Some(&Action::Send(Word::Outcome)));
}

#[test]
fn what_is_declined_holds_nobody_up() {
    let (mut serve, first) = Serve::start(DEADLINE, true);
    assert_eq!(first, [Action::Decline]);
    assert!(!serve.is_awaited());
    ends(&mut serve, Event::Declined, START, Finish::Declined);
}

fn any_event() -> impl Strategy<Value = Event> {
    use InvocationStatus::{Abandoned, Accepted, Completed, Expired, Pending};
    let status = prop_oneof![
        Just(Pending),
        Just(Accepted),
        Just(Completed),
        Just(Abandoned),
        Just(Expired)
    ];
    let look = prop_oneof![
        status.prop_map(Look::Found),
        Just(Look::Missing),
        Just(Look::Failed)
    ];
    let taking = prop_oneof![
        Just(Taking::Won),
        Just(Taking::Lost),
        Just(Taking::Failed),
        Just(Taking::Unknown)
    ];
    prop_oneof![
        3 => taking.prop_map(Event::Claimed),
        2 => Just(Event::Ran(Ran::Answered)),
        1 => Just(Event::Ran(Ran::TooLate)),
        1 => look.prop_map(Event::Head),
        1 => Just(Event::Stored),
        1 => Just(Event::Refused),
        1 => Just(Event::Reconnected),
        1 => Just(Event::Interrupted),
        4 => Just(Event::Timer),
    ]
}

proptest! {
    #[test]
    fn it_runs_at_most_once_after_a_claim_that_was_won_and_always_ends(
        events in prop::collection::vec((any_event(), 0u64..20_000), 0..60)
    ) {
        let (mut serve, first) = Serve::start(DEADLINE, false);
        let (mut now, mut runs, mut finishes, mut won) = (START, 0, 0, false);
        let mut wake = None;
        let mut take = |actions: Vec<Action>, wake: &mut Option<Timestamp>| {
            for action in actions {
                match action {
                    Action::Run => runs += 1,
                    Action::Finish(_) => finishes += 1,
                    Action::Wake(at) => *wake = Some(at),
                    _ => {}
                }
            }
            (runs, finishes)
        };
        take(first, &mut wake);
        for (event, pause) in events {
            now = now.plus(Duration::from_millis(pause));
            won |= event == Event::Claimed(Taking::Won);
            let (runs, finishes) = take(serve.handle(event, now), &mut wake);
            prop_assert!(runs <= u32::from(won) && finishes <= 1);
        }
        // Whatever is under way comes to nothing from now on, and time goes on.
        let mut done = take(serve.handle(Event::Claimed(Taking::Lost), now), &mut wake).1;
        let limit = DEADLINE.plus(GRACE_AFTER_DISCONNECT + 2 * REPEAT_REPLY_AFTER).max(now.plus(GRACE_AFTER_DISCONNECT));
        while done == 0 {
            let at = wake.take();
            prop_assert!(at.is_some(), "it waits for nothing, and has no end");
            now = now.max(at.unwrap_or(now));
            prop_assert!(now <= limit, "it goes on too long");
            done = take(serve.handle(Event::Timer, now), &mut wake).1;
        }
        prop_assert_eq!(done, 1);
    }
}
