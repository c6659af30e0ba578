use super::*;
use proptest::prelude::*;

const START: Timestamp = Timestamp(1_000_000);
const DEADLINE: Timestamp = Timestamp(1_060_000);

fn conn(name: &str) -> ConnectionId {
    ConnectionId::new(name)
}

fn posted() -> Carry {
    let (mut carry, first) = Carry::start(conn("a"), START, DEADLINE);
    assert_eq!(
        first,
        [Action::Create(conn("a")), Action::Post(conn("a"))],
        "both at once"
    );
    assert_eq!(carry.handle(Event::Created, START), []);
    let next = carry.handle(Event::Posted(Post::Delivered), START);
    let pause = poll_pause(Duration::ZERO);
    assert_eq!(next, [Action::Wake(START.plus(pause))]);
    carry
}

fn found(status: InvocationStatus) -> Event {
    Event::Head(Look::Found(status))
}

#[test]
fn an_answer_in_the_record_ends_it() {
    let mut carry = posted();
    assert_eq!(carry.handle(Event::Timer, START), [Action::Read]);
    let end = carry.handle(found(InvocationStatus::Completed), START);
    assert_eq!(end, [Action::Finish(Verdict::Answered)]);
    assert_eq!(
        carry.handle(Event::Timer, START),
        [],
        "nothing after the end"
    );
}

#[test]
fn a_gone_connection_is_looked_up_once_and_posted_to_once_more() {
    let (mut carry, _) = Carry::start(conn("a"), START, DEADLINE);
    let next = carry.handle(Event::Posted(Post::Gone), START);
    assert_eq!(next, [Action::ReadSession]);
    let next = carry.handle(Event::Session(Some(Standing::Active(conn("b")))), START);
    assert_eq!(next, [Action::Post(conn("b"))]);
    let end = carry.handle(Event::Posted(Post::Gone), START);
    let deployed = Action::Finish(Verdict::Deployed(Why::ConnectionGone));
    assert_eq!(end, [deployed]);
}

#[test]
fn without_another_connection_the_deployed_code_answers() {
    for standing in [
        None,
        Some(Standing::Away),
        Some(Standing::Active(conn("a"))),
        Some(Standing::Over),
    ] {
        let (mut carry, _) = Carry::start(conn("a"), START, DEADLINE);
        carry.handle(Event::Posted(Post::Gone), START);
        let why = match standing {
            Some(Standing::Over) => Why::SessionOver,
            _ => Why::ConnectionGone,
        };
        let end = carry.handle(Event::Session(standing), START);
        assert_eq!(end, [Action::Finish(Verdict::Deployed(why))]);
    }
}

#[test]
fn the_deadline_is_told_with_what_the_laptop_was_doing() {
    let said = Failure::Deadline.message(Some("stopped at a breakpoint for 28 s (app.py:7)\n"));
    assert!(
        said.contains("the deadline, stopped at a breakpoint for 28 s (app.py:7): raise"),
        "{said}"
    );
    let long = Failure::Deadline.message(Some(&"x".repeat(10_000)));
    assert!(long.len() < 500, "{long}");
    assert_eq!(
        Failure::LaptopGone.message(Some("running")),
        Failure::LaptopGone.to_string()
    );
    assert_eq!(
        Failure::Deadline.message(None),
        Failure::Deadline.to_string()
    );
}

#[test]
fn an_unclaimed_event_goes_to_the_deployed_code_only_after_a_confirmed_abandon() {
    let mut carry = posted();
    let late = START.plus(CLAIM_WAIT);
    let next = carry.handle(found(InvocationStatus::Pending), late);
    assert_eq!(next, [Action::Abandon]);
    let mut doubtful = carry.clone();
    let deployed = Action::Finish(Verdict::Deployed(Why::Unclaimed));
    let end = carry.handle(Event::Settled(Settlement::Won), late);
    assert_eq!(end, std::slice::from_ref(&deployed));
    let next = doubtful.handle(Event::Settled(Settlement::Unknown), late);
    assert_eq!(next, [Action::Read], "the record tells");
    let end = doubtful.handle(found(InvocationStatus::Abandoned), late);
    assert_eq!(end, [deployed]);
}

#[test]
fn a_claim_that_wins_the_race_is_waited_for() {
    let mut carry = posted();
    let late = START.plus(CLAIM_WAIT);
    carry.handle(found(InvocationStatus::Pending), late);
    carry.handle(Event::Settled(Settlement::Lost), late);
    let next = carry.handle(found(InvocationStatus::Accepted), late);
    assert!(matches!(next.first(), Some(Action::Wake(_))), "{next:?}");
    let end = carry.handle(found(InvocationStatus::Failed), late);
    assert_eq!(end, [Action::Finish(Verdict::Answered)]);
}

#[test]
fn a_table_that_cannot_be_reached_is_an_error_and_not_a_second_run() {
    let mut carry = posted();
    let late = START.plus(CLAIM_WAIT);
    let next = carry.handle(Event::Head(Look::Failed), late);
    assert_eq!(next, [Action::Abandon]);
    carry.handle(Event::Settled(Settlement::Unknown), late);
    let later = late.plus(GRACE_AFTER_DISCONNECT);
    let end = carry.handle(Event::Head(Look::Failed), later);
    assert_eq!(end, [Action::Finish(Verdict::Fail(Failure::Unconfirmed))]);
}

#[test]
fn a_run_past_the_deadline_is_expired_first() {
    let mut carry = posted();
    carry.handle(found(InvocationStatus::Accepted), START);
    let end = DEADLINE.minus(ANSWER_BEFORE_DEADLINE);
    let next = carry.handle(found(InvocationStatus::Accepted), end);
    assert_eq!(next, [Action::Expire]);
    let next = carry.handle(Event::Settled(Settlement::Won), end);
    assert_eq!(next, [Action::Finish(Verdict::Fail(Failure::Deadline))]);
}

#[test]
fn a_laptop_that_vanishes_in_the_middle_has_its_grace_and_no_more() {
    let mut carry = posted();
    let seen = START.plus(SESSION_WATCH);
    let next = carry.handle(found(InvocationStatus::Accepted), seen);
    assert!(next.contains(&Action::ReadSession), "{next:?}");
    carry.handle(Event::Session(Some(Standing::Away)), seen);
    let over = seen.plus(GRACE_AFTER_DISCONNECT);
    let next = carry.handle(found(InvocationStatus::Accepted), over);
    assert_eq!(next, [Action::Expire]);
    let end = carry.handle(Event::Settled(Settlement::Won), over);
    assert_eq!(end, [Action::Finish(Verdict::Fail(Failure::LaptopGone))]);
}

#[test]
fn a_short_deadline_shortens_the_wait_for_a_claim() {
    let deadline = START.plus(Duration::from_secs(2));
    let (carry, _) = Carry::start(conn("a"), START, deadline);
    assert_eq!(carry.claim_by, START.plus(Duration::from_millis(500)));
}

fn any_status() -> impl Strategy<Value = InvocationStatus> {
    use InvocationStatus::*;
    prop::sample::select(vec![
        Pending, Accepted, Accepted, Pending, Declined, Completed, Failed, Abandoned, Expired,
    ])
}

proptest! {
    /// Whatever the world answers, an attempt ends in time, once, and runs
    /// deployed only if the record said so or the post never left.
    #[test]
    fn every_attempt_ends(
        posts in prop::collection::vec(0u8..4, 3),
        looks in prop::collection::vec(prop::option::of(prop::option::of(any_status())), 1..400),
        standings in prop::collection::vec(0u8..4, 1..40),
        settlements in prop::collection::vec(0u8..3, 1..20),
        call_ms in 1u64..400,
    ) {
        let (mut carry, first) = Carry::start(conn("a"), START, DEADLINE);
        let (mut now, mut queue, mut verdict) = (START, first, None);
        let (mut posts, mut looks, mut standings) = (posts.into_iter().cycle(), looks.into_iter().cycle(), standings.into_iter().cycle());
        let mut settlements = settlements.into_iter().cycle();
        let (mut left, mut last) = (false, Look::Missing);
        for _ in 0..50_000 {
            let Some(action) = queue.pop() else { break };
            let call = |now: &mut Timestamp| *now = now.plus(Duration::from_millis(call_ms));
            let event = match action {
                Action::Create(_) => { call(&mut now); Event::Created }
                Action::Post(_) => {
                    call(&mut now);
                    Event::Posted(match posts.next().unwrap_or(0) {
                        0 => { left = true; Post::Delivered }
                        1 => Post::Gone,
                        2 => Post::Refused("403".into()),
                        _ => { left = true; Post::Unknown }
                    })
                }
                Action::ReadSession => {
                    call(&mut now);
                    Event::Session(match standings.next().unwrap_or(0) {
                        0 => None,
                        1 => Some(Standing::Active(conn("b"))),
                        2 => Some(Standing::Away),
                        _ => Some(Standing::Over),
                    })
                }
                Action::Read => {
                    call(&mut now);
                    last = match looks.next().flatten() {
                        None => Look::Failed,
                        Some(None) => Look::Missing,
                        Some(Some(status)) => Look::Found(status),
                    };
                    Event::Head(last)
                }
                Action::Abandon | Action::Expire => {
                    call(&mut now);
                    Event::Settled(match settlements.next().unwrap_or(0) {
                        0 => {
                            if action == Action::Abandon {
                                last = Look::Found(InvocationStatus::Abandoned);
                            }
                            Settlement::Won
                        }
                        1 => Settlement::Lost,
                        _ => Settlement::Unknown,
                    })
                }
                Action::Wake(at) => { now = now.max(at); Event::Timer }
                Action::Finish(end) => { prop_assert!(verdict.replace(end).is_none()); continue }
            };
            queue.extend(carry.handle(event, now));
        }
        let Some(verdict) = verdict else {
            return Err(TestCaseError::fail("it never ended"));
        };
        // A few calls may be under way when time is up; each is bounded.
        prop_assert!(now <= DEADLINE.minus(ANSWER_BEFORE_DEADLINE).plus(Duration::from_millis(4 * call_ms)));
        match verdict {
            Verdict::Answered => prop_assert!(matches!(last, Look::Found(InvocationStatus::Completed | InvocationStatus::Failed))),
            Verdict::Deployed(Why::Unclaimed) => prop_assert_eq!(last, Look::Found(InvocationStatus::Abandoned)),
            Verdict::Deployed(Why::Declined) => prop_assert_eq!(last, Look::Found(InvocationStatus::Declined)),
            Verdict::Deployed(_) => prop_assert!(!left),
            Verdict::Fail(_) => prop_assert!(left),
        }
    }
}

/// A hand-edited or hostile deadline, a clock that was never set.
#[test]
fn clocks_at_the_end_of_time_are_lived_through() {
    let ends = [Timestamp(0), Timestamp(u64::MAX)];
    for (now, deadline) in ends.into_iter().flat_map(|now| ends.map(|end| (now, end))) {
        let (mut carry, mut all) = Carry::start(conn("a"), now, deadline);
        for (event, at) in [
            (Event::Posted(Post::Delivered), now),
            (Event::Timer, Timestamp(u64::MAX)),
            (found(InvocationStatus::Accepted), now),
            (Event::Session(Some(Standing::Away)), Timestamp(0)),
            (Event::Head(Look::Missing), Timestamp(u64::MAX)),
            (Event::Timer, now),
            (found(InvocationStatus::Completed), now),
        ] {
            all.extend(carry.handle(event, at));
        }
        let ends = all.iter().filter(|it| matches!(it, Action::Finish(_)));
        assert_eq!(ends.count(), 1, "{now:?} to {deadline:?}: {all:?}");
    }
}
