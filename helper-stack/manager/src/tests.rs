//! Stories: requests, over a cloud in memory.

mod prechecks;
mod repairs;
mod several;

use crate::cloud::LastUpdate;
use crate::fake::{ARN, Fake, LAYER, configuration, failure};
use crate::paced::Paced;
use crate::requests::serve;
use crate::settings::Helper;
use std::time::Duration;
use tether_protocol::SessionId;
use tether_protocol::config::{SESSION, WRAPPER};
use tether_protocol::message::{ManagerRequest, ProgressState, ToLaptop};
use tether_protocol::records::SessionStatus;

type Told = Vec<(ProgressState, String)>;

async fn ask(fake: &Fake, request: ManagerRequest) -> Told {
    let helper = Helper {
        layer_x86_64: Some(LAYER.into()),
        ..Helper::default()
    };
    let cloud = Paced::new(fake);
    let answer = serve(&cloud, &helper, request).await.unwrap_or_default();
    let functions = answer.functions.into_iter();
    functions.map(|it| (it.state, it.detail)).collect()
}

async fn instrument(fake: &Fake, session: &str) -> (ProgressState, String) {
    let session_id = SessionId::new(session);
    one(ask(fake, ManagerRequest::Instrument { session_id }).await)
}

async fn restore(fake: &Fake, session: &str) -> Told {
    let session_id = SessionId::new(session);
    ask(fake, ManagerRequest::Restore { session_id }).await
}

fn one(told: Told) -> (ProgressState, String) {
    assert_eq!(told.len(), 1, "{told:?}");
    told.into_iter()
        .next()
        .unwrap_or((ProgressState::Unknown, String::new()))
}

fn is_untouched(fake: &Fake) {
    assert_eq!(fake.found(), Some(configuration()));
    assert_eq!(fake.owner(), None);
}

fn done(state: ProgressState) -> (ProgressState, String) {
    (state, String::new())
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_function_is_instrumented_reported_and_restored_to_what_it_was() {
    let fake = Fake::new();
    fake.updates
        .borrow_mut()
        .extend([LastUpdate::InProgress, LastUpdate::InProgress]);
    assert_eq!(
        instrument(&fake, "ann").await,
        done(ProgressState::Instrumented)
    );
    assert_eq!(fake.variable(SESSION).as_deref(), Some("ann"));
    assert_eq!(fake.owner().as_deref(), Some("ann"));
    assert!(
        fake.waited() >= Duration::from_millis(300),
        "it waits for the update"
    );
    let told = fake.told.take();
    assert!(
        matches!(&told[..], [ToLaptop::Progress(it), ToLaptop::Ready] if it.function_arn == ARN)
    );
    // Asked again, by Lambda's own retry: nothing to do.
    assert_eq!(
        instrument(&fake, "ann").await,
        done(ProgressState::Instrumented)
    );
    assert_eq!(fake.update_count.get(), 1);
    assert_eq!(restore(&fake, "ann").await, [done(ProgressState::Restored)]);
    is_untouched(&fake);
    assert!(restore(&fake, "ann").await.is_empty());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn nothing_is_instrumented_for_a_session_that_is_not_active() {
    let fake = Fake::new();
    fake.edit_session("ann", |it| it.status = SessionStatus::Disconnected);
    let (state, reason) = instrument(&fake, "ann").await;
    assert_eq!(
        (state, reason.as_str()),
        (ProgressState::Failed, "the session is not connected")
    );
    is_untouched(&fake);
    let session_id = SessionId::new("nobody");
    assert!(
        ask(&fake, ManagerRequest::Instrument { session_id })
            .await
            .is_empty()
    );
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_deploy_under_our_hands_makes_us_read_again_and_keeps_its_change() {
    let fake = Fake::new();
    fake.meddle(|fake| {
        fake.edit(|it| it.layers.push("arn:deployed:1".into()));
        Ok(())
    });
    assert_eq!(
        instrument(&fake, "ann").await,
        done(ProgressState::Instrumented)
    );
    restore(&fake, "ann").await;
    let layers = fake.found().map(|it| it.layers).unwrap_or_default();
    assert_eq!(layers, ["arn:theirs:1", "arn:deployed:1"]);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_update_that_keeps_being_overtaken_is_given_up_without_a_trace() {
    let fake = Fake::new();
    for _ in 0..9 {
        fake.meddle(|fake| {
            fake.edit(|_| {});
            Ok(())
        });
    }
    let (state, reason) = instrument(&fake, "ann").await;
    assert_eq!(state, ProgressState::Failed, "{reason}");
    is_untouched(&fake);
    assert_eq!(fake.meddlers.borrow().len(), 4, "five tries");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn another_update_is_waited_for_and_not_for_ever() {
    let fake = Fake::new();
    fake.meddle(|_| Err(failure(409)));
    fake.meddle(|_| Err(failure(429)));
    assert_eq!(
        instrument(&fake, "ann").await,
        done(ProgressState::Instrumented)
    );
    assert!(fake.waited() >= Duration::from_millis(750));

    let fake = Fake::new();
    for _ in 0..50 {
        fake.meddle(|_| Err(failure(409)));
    }
    let (state, reason) = instrument(&fake, "ann").await;
    assert!(
        state == ProgressState::Failed && reason.contains("Status409"),
        "{reason}"
    );
    assert!(fake.waited() <= Duration::from_secs(70));
    is_untouched(&fake);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_refused_change_takes_its_journal_entry_back() {
    let fake = Fake::new();
    fake.meddle(|_| Err(failure(400)));
    let (state, reason) = instrument(&fake, "ann").await;
    assert!(
        state == ProgressState::Failed && reason.contains("Lambda says no"),
        "{reason}"
    );
    is_untouched(&fake);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_update_whose_answer_was_lost_is_found_in_place() {
    let fake = Fake::new();
    fake.meddle(|fake| {
        // What Lambda did before the answer was lost.
        let entry = fake.journal.borrow().get(ARN).cloned();
        fake.edit(|it| {
            let mut environment = it.environment.expose().clone();
            for (name, change) in entry.into_iter().flat_map(|it| it.variables) {
                environment.insert(name, change.after);
            }
            it.environment = tether_protocol::Secret::new(environment);
            it.layers.push(LAYER.into());
            it.timeout = 900;
        });
        Err(failure(503))
    });
    assert_eq!(
        instrument(&fake, "ann").await,
        done(ProgressState::Instrumented)
    );
    assert_eq!(fake.update_count.get(), 0, "it is not done twice");
    restore(&fake, "ann").await;
    is_untouched(&fake);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_change_that_does_not_take_effect_is_undone() {
    let fake = Fake::new();
    fake.updates
        .borrow_mut()
        .push_back(LastUpdate::Failed("no subnet".into()));
    let (state, reason) = instrument(&fake, "ann").await;
    assert_eq!(state, ProgressState::Failed);
    assert!(
        reason.contains("no subnet") && reason.contains("what it was"),
        "{reason}"
    );
    is_untouched(&fake);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_session_that_ends_during_the_change_leaves_nothing_behind() {
    let fake = Fake::new();
    fake.meddle(|fake| {
        // A detach that came in between found the function as it was.
        fake.edit_session("ann", |it| it.status = SessionStatus::Closed);
        fake.journal.borrow_mut().clear();
        Ok(())
    });
    let (state, reason) = instrument(&fake, "ann").await;
    assert_eq!(state, ProgressState::Failed);
    assert_eq!(reason, "the session has ended; it is what it was");
    is_untouched(&fake);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_colleagues_function_is_skipped_and_can_be_taken_over() {
    let fake = Fake::new();
    instrument(&fake, "ann").await;
    let (state, reason) = instrument(&fake, "bob").await;
    assert_eq!(state, ProgressState::Skipped);
    assert!(reason.starts_with("owned by ann@laptop since"), "{reason}");
    fake.edit_session("bob", |it| it.take_over = true);
    assert_eq!(
        instrument(&fake, "bob").await,
        done(ProgressState::Instrumented)
    );
    assert_eq!(fake.variable(SESSION).as_deref(), Some("bob"));
    // Ann's detach leaves it alone.
    assert!(restore(&fake, "ann").await.is_empty());
    assert_eq!(fake.variable(SESSION).as_deref(), Some("bob"));
    assert_eq!(restore(&fake, "bob").await, [done(ProgressState::Restored)]);
    is_untouched(&fake);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_take_over_that_is_refused_leaves_the_function_to_its_owner() {
    let fake = Fake::new();
    instrument(&fake, "ann").await;
    fake.edit_session("bob", |it| it.take_over = true);
    fake.meddle(|_| Err(failure(400)));
    assert_eq!(instrument(&fake, "bob").await.0, ProgressState::Failed);
    assert_eq!(fake.owner().as_deref(), Some("ann"));
    assert_eq!(fake.variable(SESSION).as_deref(), Some("ann"));
    restore(&fake, "ann").await;
    is_untouched(&fake);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_take_over_during_a_detach_wins() {
    let fake = Fake::new();
    instrument(&fake, "ann").await;
    fake.meddle(|fake| {
        // Bob's manager: the journal first, then the function.
        let mut journal = fake.journal.borrow_mut();
        journal
            .entry(ARN.into())
            .and_modify(|it| it.session_id = SessionId::new("bob"));
        fake.edit(|_| {});
        Ok(())
    });
    let (state, reason) = one(restore(&fake, "ann").await);
    assert_eq!(
        (state, reason.as_str()),
        (ProgressState::Skipped, "ann@laptop has taken it over")
    );
    assert!(fake.variable(WRAPPER).is_some());
    assert_eq!(fake.owner().as_deref(), Some("bob"));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn two_restores_at_once_do_it_once() {
    let fake = Fake::new();
    instrument(&fake, "ann").await;
    fake.meddle(|fake| {
        // The other one was faster.
        fake.edit(|it| {
            let revision_id = it.revision_id.clone();
            *it = configuration();
            it.revision_id = revision_id;
        });
        fake.journal.borrow_mut().clear();
        Ok(())
    });
    assert_eq!(restore(&fake, "ann").await, [done(ProgressState::Restored)]);
    assert_eq!(fake.update_count.get(), 1);
    is_untouched(&fake);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_function_that_was_deleted_is_forgotten() {
    for meddling in [false, true] {
        let fake = Fake::new();
        instrument(&fake, "ann").await;
        if meddling {
            fake.meddle(|fake| {
                fake.functions.borrow_mut().clear();
                Ok(())
            });
        } else {
            fake.functions.borrow_mut().clear();
        }
        let (state, detail) = one(restore(&fake, "ann").await);
        assert_eq!(state, ProgressState::Restored);
        assert_eq!(detail, "the function does not exist any more");
        assert_eq!(fake.owner(), None);
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_function_that_cannot_be_restored_keeps_its_entry() {
    let fake = Fake::new();
    instrument(&fake, "ann").await;
    let attached = fake.found();
    fake.meddle(|_| Err(failure(403)));
    assert_eq!(one(restore(&fake, "ann").await).0, ProgressState::Failed);
    assert_eq!(
        (fake.found(), fake.owner().as_deref()),
        (attached, Some("ann"))
    );
    // The sweeper tries again.
    assert_eq!(
        ask(&fake, ManagerRequest::Sweep).await,
        [done(ProgressState::Restored)]
    );
    is_untouched(&fake);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_sweeper_restores_what_has_no_live_session_and_nothing_else() {
    let fake = Fake::new();
    instrument(&fake, "ann").await;
    assert!(ask(&fake, ManagerRequest::Sweep).await.is_empty());
    assert_eq!(fake.owner().as_deref(), Some("ann"));
    tokio::time::advance(Duration::from_secs(91)).await;
    assert_eq!(
        ask(&fake, ManagerRequest::Sweep).await,
        [done(ProgressState::Restored)]
    );
    is_untouched(&fake);
    let sessions = fake.sessions.borrow();
    let ann = sessions.get(&SessionId::new("ann"));
    assert!(
        ann.is_some_and(|it| it.status == SessionStatus::Closed),
        "she is told to attach anew"
    );
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_stack_is_restored_whoever_attached_and_even_if_the_session_is_gone() {
    let fake = Fake::new();
    instrument(&fake, "ann").await;
    fake.sessions.borrow_mut().clear();
    let stack = |name: &str| ManagerRequest::RestoreStack {
        stack_name: name.into(),
    };
    assert!(ask(&fake, stack("other")).await.is_empty());
    assert_eq!(
        ask(&fake, stack("app")).await,
        [done(ProgressState::Restored)]
    );
    is_untouched(&fake);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_entry_that_cannot_be_read_is_named_and_keeps_no_other_from_being_restored() {
    let fake = Fake::new();
    instrument(&fake, "ann").await;
    let unreadable = |stack: &str| tether_store::UnreadableEntry {
        function_arn: format!("{ARN}-of-{stack}"),
        stack_name: stack.into(),
        session_id: String::new(),
        reason: "missing field `Layer`".into(),
    };
    fake.unreadable
        .borrow_mut()
        .extend([unreadable("app"), unreadable("other")]);
    let stack_name = "app".into();
    let told = ask(&fake, ManagerRequest::RestoreStack { stack_name }).await;
    let [restored, (state, reason)] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(*restored, done(ProgressState::Restored));
    assert_eq!(*state, ProgressState::Failed);
    assert!(
        reason.contains("cannot be read") && reason.contains("missing field"),
        "{reason}"
    );
    is_untouched(&fake);
}
