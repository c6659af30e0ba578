//! A hundred functions at once, and one that never answers.

use super::*;

fn is_all(told: &[(ProgressState, String)], state: ProgressState, count: usize) {
    assert_eq!(told.len(), count);
    assert!(told.iter().all(|it| it.0 == state), "{told:?}");
}

/// The most calls within any one second.
fn busiest_second(fake: &Fake) -> usize {
    let turns = fake.turns.borrow();
    let within = |from: usize| {
        turns[from..]
            .iter()
            .take_while(|at| at.since(turns[from]) < Duration::from_secs(1))
            .count()
    };
    (0..turns.len()).map(within).max().unwrap_or_default()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_hundred_functions_are_attached_within_half_a_minute_by_ten_calls_a_second() {
    let fake = Fake::new().with_functions(100);
    for turn in 0..30 {
        fake.meddle(move |_| match turn % 3 {
            0 => Err(failure(429)),
            1 => Err(failure(409)),
            _ => Ok(()),
        });
    }
    let session_id = SessionId::new("ann");
    let told = ask(&fake, ManagerRequest::Instrument { session_id }).await;
    is_all(&told, ProgressState::Instrumented, 100);
    // Two calls for each, 20 that are refused, and then three looks for each at
    // those who call it.
    assert!(
        matches!(fake.told.borrow().get(100), Some(ToLaptop::Ready)),
        "ready comes first"
    );
    let last = fake.turns.borrow().get(219).copied().unwrap_or_default();
    let attached = last.since(crate::fake::NOW);
    assert!(attached < Duration::from_secs(25), "{attached:?}");
    assert!(busiest_second(&fake) <= 10, "{}", busiest_second(&fake));
    assert_eq!(fake.journal.borrow().len(), 100);

    // Another manager knows nothing of this one's turns.
    tokio::time::advance(Duration::from_secs(1)).await;
    let before = fake.waited();
    is_all(&restore(&fake, "ann").await, ProgressState::Restored, 100);
    // An update and a look at its versions for each.
    assert!(fake.waited() - before < Duration::from_secs(22));
    assert!(busiest_second(&fake) <= 10);
    assert!(fake.journal.borrow().is_empty());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn progress_is_told_when_a_function_is_done_and_not_at_the_end() {
    let fake = Fake::new().with_functions(20);
    // The first one settles late.
    fake.updates
        .borrow_mut()
        .extend(vec![LastUpdate::InProgress; 8]);
    let session_id = SessionId::new("ann");
    let told = ask(&fake, ManagerRequest::Instrument { session_id }).await;
    is_all(&told, ProgressState::Instrumented, 20);
    let told = fake.told.borrow();
    let first = told.iter().find_map(|it| match it {
        ToLaptop::Progress(progress) => Some(progress.function_arn.clone()),
        _ => None,
    });
    assert!(
        first.is_some_and(|it| it != ARN),
        "the slow one is not first"
    );
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn one_function_that_never_answers_keeps_no_other_waiting() {
    for request in [
        ManagerRequest::Sweep,
        ManagerRequest::RestoreStack {
            stack_name: "app".into(),
        },
    ] {
        let fake = Fake::new().with_functions(30);
        let session_id = SessionId::new("ann");
        ask(&fake, ManagerRequest::Instrument { session_id }).await;
        fake.edit_session("ann", |it| it.status = SessionStatus::Closed);
        fake.surroundings.borrow_mut().silent.insert(ARN.into());
        let told = ask(&fake, request).await;
        let failed: Vec<_> = told
            .iter()
            .filter(|it| it.0 == ProgressState::Failed)
            .collect();
        assert!(matches!(&failed[..], [(_, why)] if why.contains("AWS took longer")));
        assert_eq!(told.len(), 30);
        assert_eq!(fake.journal.borrow().keys().collect::<Vec<_>>(), [ARN]);
        // It is found again when it answers.
        fake.surroundings.borrow_mut().silent.clear();
        assert_eq!(
            ask(&fake, ManagerRequest::Sweep).await,
            [done(ProgressState::Restored)]
        );
    }
}
