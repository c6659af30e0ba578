use super::*;
use crate::fake::{LAYER, NOW, configuration, session};
use std::collections::BTreeMap;
use tether_protocol::config::{CONFIG, SESSION, WRAPPER};
use tether_protocol::records::SessionStatus;
use tether_protocol::{ConnectionId, Secret};

fn next_for(
    who: &SessionRecord,
    function: &FunctionConfiguration,
    entry: Option<&JournalRecord>,
) -> Step {
    let connection = ConnectionId::new("c=");
    next(
        function,
        entry,
        &Order {
            session_id: &who.session_id,
            connection_id: &connection,
            stack_name: &who.stack_name,
            owner: &who.owner,
            now: NOW,
            timeout: who.timeout,
            layer: Some(LAYER),
            layer_role: ("role", "x"),
            tables: ("S", "D"),
            connections_url: "https://example.invalid/live",
        },
    )
}

/// The function as instrumented for a session, and the entry.
fn instrumented(
    who: &SessionRecord,
    function: &FunctionConfiguration,
    entry: Option<&JournalRecord>,
) -> (FunctionConfiguration, JournalRecord) {
    match next_for(who, function, entry) {
        Step::Write(change, journal) => (applied(function, change), *journal),
        step => panic!("{step:?}"),
    }
}

fn restored(function: &FunctionConfiguration, entry: &JournalRecord) -> FunctionConfiguration {
    let change = back(function, entry).unwrap();
    change.map_or_else(|| function.clone(), |change| applied(function, change))
}

fn with_own_wrapper() -> FunctionConfiguration {
    let mut before = configuration();
    let variables = [(WRAPPER, "/opt/own"), ("TABLE", "things")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    before.environment = Secret::new(BTreeMap::from(variables));
    before
}

#[test]
fn a_function_of_nobody_or_of_this_session_may_be_had() {
    let ann = session("ann");
    let (_, entry) = instrumented(&ann, &configuration(), None);
    assert_eq!(claim(&ann, None, None, NOW), Claim::Ours);
    assert_eq!(claim(&ann, Some(&entry), Some(&ann), NOW), Claim::Ours);
}

#[test]
fn a_function_of_a_live_session_is_named_with_owner_and_age() {
    let (ann, mut bob) = (session("ann"), session("bob"));
    let (_, mut entry) = instrumented(&ann, &configuration(), None);
    entry.changed_at = NOW.minus(Duration::from_secs(250));
    let Claim::Theirs(reason) = claim(&bob, Some(&entry), Some(&ann), NOW) else {
        panic!("had");
    };
    assert_eq!(reason, "owned by ann@laptop since 4 min; use --take-over");
    bob.take_over = true;
    assert_eq!(claim(&bob, Some(&entry), Some(&ann), NOW), Claim::Inherited);
}

#[test]
fn a_function_of_a_session_that_is_not_live_is_inherited() {
    let (mut ann, bob) = (session("ann"), session("bob"));
    let (_, entry) = instrumented(&ann, &configuration(), None);
    assert_eq!(claim(&bob, Some(&entry), None, NOW), Claim::Inherited);
    ann.status = SessionStatus::Closed;
    assert_eq!(claim(&bob, Some(&entry), Some(&ann), NOW), Claim::Inherited);
    ann.status = SessionStatus::Active;
    let later = ann.lease_until;
    assert_eq!(
        claim(&bob, Some(&entry), Some(&ann), later),
        Claim::Inherited
    );
}

#[test]
fn ages_read_as_people_say_them() {
    for (seconds, expected) in [
        (0, "0 s"),
        (240, "4 min"),
        (7_300, "2 h"),
        (300_000, "3 days"),
    ] {
        assert_eq!(age(Duration::from_secs(seconds)), expected);
    }
}

#[test]
fn an_instrumented_function_is_done_and_a_deploy_that_took_the_layer_is_repaired() {
    let ann = session("ann");
    let (mut function, entry) = instrumented(&ann, &with_own_wrapper(), None);
    assert_eq!(next_for(&ann, &function, Some(&entry)), Step::Done);
    function.layers.retain(|layer| layer != LAYER);
    let (repaired, again) = instrumented(&ann, &function, Some(&entry));
    assert!(repaired.layers.contains(&LAYER.to_owned()));
    assert_eq!(restored(&repaired, &again), with_own_wrapper());
}

#[test]
fn what_is_taken_over_and_given_back_is_what_it_was_before_the_first() {
    let before = with_own_wrapper();
    let (anns, first) = instrumented(&session("ann"), &before, None);
    let (bobs, second) = instrumented(&session("bob"), &anns, Some(&first));
    assert_eq!(bobs.environment.expose().get(SESSION).unwrap(), "bob");
    assert_eq!(bobs.layers.iter().filter(|it| *it == LAYER).count(), 1);
    assert_eq!(restored(&bobs, &second), before);
}

#[test]
fn a_manager_that_ended_between_journal_and_function_leaves_nothing_behind() {
    let before = with_own_wrapper();
    let (anns, first) = instrumented(&session("ann"), &before, None);
    let mut bob = session("bob");
    bob.timeout = Some(300);
    // Bob's entry is written, and Ann's variables still stand in the function.
    let (_, second) = instrumented(&bob, &anns, Some(&first));
    assert_eq!(restored(&anns, &second), before);
    let (bobs, third) = instrumented(&bob, &anns, Some(&second));
    assert_eq!(bobs.timeout, 300);
    assert_eq!(restored(&bobs, &third), before);
}

#[test]
fn a_function_of_a_helper_stack_that_is_gone_is_undone_without_an_entry() {
    let before = with_own_wrapper();
    let (mut function, _) = instrumented(&session("ann"), &before, None);
    let old = LAYER.replace(":7", ":2");
    for layer in &mut function.layers {
        *layer = layer.replace(LAYER, &old);
    }
    let (again, entry) = instrumented(&session("bob"), &function, None);
    assert!(!again.layers.contains(&old), "{:?}", again.layers);
    assert_eq!(restored(&again, &entry), before);
    // Its configuration does not chain our wrapper to itself.
    let config = again.environment.expose().get(CONFIG).unwrap();
    assert!(config.contains("/opt/own"), "{config}");
}

#[test]
fn what_the_user_calls_like_ours_comes_back() {
    let mut before = configuration();
    before.environment = Secret::new(BTreeMap::from([(SESSION.into(), "mine".into())]));
    let (function, entry) = instrumented(&session("ann"), &before, None);
    assert_eq!(restored(&function, &entry), before);
    assert_eq!(back(&before, &entry), Ok(None), "nothing of ours is in it");
}

#[test]
fn an_environment_that_cannot_be_read_is_never_written_back() {
    let (mut function, entry) = instrumented(&session("ann"), &configuration(), None);
    function.environment = Secret::default();
    function.environment_error = Some("KMSAccessDenied".into());
    let reason = back(&function, &entry).unwrap_err();
    assert!(
        reason.contains("KMSAccessDenied") && reason.contains("tether detach"),
        "{reason}"
    );
    assert!(matches!(
        next_for(&session("bob"), &function, None),
        Step::Leave(_)
    ));
}
