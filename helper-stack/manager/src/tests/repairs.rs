//! What somebody else did to a function while it was attached.

use super::*;
use crate::cloud::Version;
use tether_protocol::Secret;
use tether_protocol::config::CONFIG;
use tether_protocol::instrumentation::FunctionConfiguration;

async fn check(fake: &Fake) -> Told {
    let session_id = SessionId::new("ann");
    ask(fake, ManagerRequest::Check { session_id }).await
}

async fn attached() -> Fake {
    let fake = Fake::new();
    instrument(&fake, "ann").await;
    tokio::time::advance(Duration::from_secs(30)).await;
    fake
}

/// A deploy sets everything anew.
fn deploy(fake: &Fake, own: &FunctionConfiguration) {
    fake.edit(|it| {
        let revision_id = it.revision_id.clone();
        *it = own.clone();
        it.revision_id = revision_id;
    });
}

fn deployed() -> FunctionConfiguration {
    let mut own = configuration();
    own.timeout = 20;
    own.layers = vec!["arn:deployed:2".into()];
    let variables = [("NEW", "value"), (WRAPPER, "/opt/own")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    own.environment = Secret::new(variables.into());
    own
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_in_place_is_read_and_left_alone() {
    let fake = attached().await;
    let calls = fake.turns.borrow().len();
    assert!(check(&fake).await.is_empty());
    assert!(ask(&fake, ManagerRequest::Sweep).await.is_empty());
    assert_eq!(fake.turns.borrow().len(), calls, "by GetFunction alone");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_deploy_in_the_middle_is_instrumented_again_and_comes_back_at_the_end() {
    let session_id = SessionId::new("ann");
    // Whoever asks for it has the answer; whoever does not is told.
    for (request, messages) in [
        (ManagerRequest::Sweep, 1),
        (ManagerRequest::Check { session_id }, 0),
    ] {
        let fake = attached().await;
        deploy(&fake, &deployed());
        fake.told.borrow_mut().clear();
        let (state, detail) = one(ask(&fake, request).await);
        assert_eq!(state, ProgressState::Instrumented);
        assert_eq!(detail, "it was deployed while attached: instrumented again");
        let of_it = |it: &ToLaptop| matches!(it, ToLaptop::Progress(it) if it.detail == detail);
        assert_eq!(fake.told.borrow().len(), messages);
        assert!(fake.told.borrow().iter().all(of_it));
        let config = fake.variable(CONFIG).unwrap_or_default();
        assert!(
            config.contains("/opt/own") && config.contains(r#""t":20"#),
            "{config}"
        );
        restore(&fake, "ann").await;
        assert_eq!(fake.found(), Some(deployed()));
        assert_eq!(fake.owner(), None);
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_timeout_that_was_changed_is_the_functions_own_from_now_on() {
    let fake = attached().await;
    fake.edit(|it| it.timeout = 10);
    assert_eq!(one(check(&fake).await).0, ProgressState::Instrumented);
    assert_eq!(fake.found().map(|it| it.timeout), Some(900));
    assert!(
        fake.variable(CONFIG)
            .is_some_and(|it| it.contains(r#""t":10"#))
    );
    restore(&fake, "ann").await;
    assert_eq!(fake.found().map(|it| it.timeout), Some(10));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_function_that_cannot_start_is_repaired_first() {
    let fake = Fake::new().with_functions(30);
    let session_id = SessionId::new("ann");
    ask(&fake, ManagerRequest::Instrument { session_id }).await;
    tokio::time::advance(Duration::from_secs(30)).await;
    fake.told.borrow_mut().clear();
    let dead = format!("{ARN}-9");
    for (arn, function) in fake.functions.borrow_mut().iter_mut() {
        function.configuration.layers.retain(|it| it != LAYER);
        function.configuration.revision_id.push('+');
        if *arn != dead {
            function.configuration.environment = Secret::default();
        }
    }
    let told = ask(&fake, ManagerRequest::Sweep).await;
    assert_eq!(told.len(), 30);
    let told = fake.told.borrow();
    let Some(ToLaptop::Progress(first)) = told.first() else {
        panic!("{told:?}");
    };
    assert_eq!(first.function_arn, dead);
    assert_eq!(
        first.detail,
        "its layer was taken out while attached: instrumented again"
    );
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_cannot_be_instrumented_again_keeps_nothing_that_would_stop_it() {
    let fake = attached().await;
    fake.edit(|it| it.layers = vec!["arn:theirs:1".into(); 5]);
    let (state, detail) = one(check(&fake).await);
    assert_eq!(state, ProgressState::Skipped);
    assert!(
        detail.contains("5 layers") && detail.contains("nothing of tether"),
        "{detail}"
    );
    assert_eq!(fake.variable(WRAPPER), None);
    assert_eq!(fake.owner(), None);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn while_its_session_is_away_a_dead_function_starts_again_and_is_taken_up_later() {
    let fake = attached().await;
    fake.edit(|it| it.layers.retain(|it| it != LAYER));
    fake.edit_session("ann", |it| it.status = SessionStatus::Disconnected);
    assert_eq!(
        one(ask(&fake, ManagerRequest::Sweep).await).0,
        ProgressState::Failed
    );
    assert_eq!(fake.variable(WRAPPER), None, "it starts");
    assert_eq!(fake.owner().as_deref(), Some("ann"));
    fake.edit_session("ann", |it| it.status = SessionStatus::Active);
    assert_eq!(one(check(&fake).await).0, ProgressState::Instrumented);
    restore(&fake, "ann").await;
    is_untouched(&fake);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_session_that_is_not_live_is_not_checked() {
    let fake = attached().await;
    fake.edit_session("ann", |it| it.status = SessionStatus::Closed);
    assert!(check(&fake).await.is_empty());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_manager_that_gives_up_does_not_forget_what_another_one_wrote() {
    let fake = Fake::new();
    // The other one, for the same session, is faster; this one hears of nothing
    // but other updates.
    fake.meddle(|fake| {
        fake.journal
            .borrow_mut()
            .entry(ARN.into())
            .and_modify(|it| {
                it.changed_at = it.changed_at.plus(Duration::from_millis(7));
            });
        Err(failure(400))
    });
    assert_eq!(instrument(&fake, "ann").await.0, ProgressState::Failed);
    assert_eq!(
        fake.owner().as_deref(),
        Some("ann"),
        "its change is on its way"
    );
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_entry_whose_change_may_be_on_its_way_is_kept_for_the_sweeper() {
    let fake = Fake::new();
    instrument(&fake, "ann").await;
    deploy(&fake, &configuration());
    assert_eq!(restore(&fake, "ann").await, [done(ProgressState::Restored)]);
    assert_eq!(fake.owner().as_deref(), Some("ann"));
    tokio::time::advance(Duration::from_secs(60)).await;
    ask(&fake, ManagerRequest::Sweep).await;
    is_untouched(&fake);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn versions_that_were_published_while_attached_are_named() {
    let fake = attached().await;
    let version = |number: &str, configuration: Option<FunctionConfiguration>| Version {
        number: number.into(),
        configuration: configuration.unwrap_or_else(super::configuration),
    };
    let published = fake.found();
    fake.surroundings.borrow_mut().versions = vec![
        version("6", None),
        version("7", published.clone()),
        version("8", None),
    ];
    let (state, detail) = one(restore(&fake, "ann").await);
    assert_eq!(state, ProgressState::Restored);
    assert_eq!(
        detail,
        "version 7 was published while attached: it runs its own code, and keeps tether's layer until you delete it or publish again"
    );
    instrument(&fake, "bob").await;
    let more = version("9", published);
    fake.surroundings.borrow_mut().versions.push(more);
    let (_, detail) = one(restore(&fake, "bob").await);
    assert!(
        detail.starts_with("versions 7, 9 were published"),
        "{detail}"
    );
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn versions_that_cannot_be_listed_do_not_fail_the_restore() {
    let fake = attached().await;
    fake.surroundings.borrow_mut().forbidden.insert("versions");
    assert_eq!(restore(&fake, "ann").await, [done(ProgressState::Restored)]);
    is_untouched(&fake);
}
