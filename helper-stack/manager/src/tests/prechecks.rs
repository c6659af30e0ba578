//! Functions that are left alone, and those of which something is to be said.

use super::*;
use crate::cloud::Alias;
use tether_protocol::Secret;

/// What becomes of a function with this in it, when another one is attached as
/// well: that one is not stopped.
async fn beside_another(edit: impl FnOnce(&Fake)) -> (ProgressState, String) {
    let fake = Fake::new().with_functions(2);
    edit(&fake);
    let before = fake.found();
    let session_id = SessionId::new("ann");
    let told = ask(&fake, ManagerRequest::Instrument { session_id }).await;
    assert_eq!(told[1], done(ProgressState::Instrumented));
    assert_eq!(fake.found(), before);
    assert_eq!(fake.owner(), None);
    told[0].clone()
}

async fn is_skipped(edit: impl FnOnce(&Fake), because: &str) {
    let (state, reason) = beside_another(edit).await;
    assert_eq!(state, ProgressState::Skipped, "{reason}");
    assert!(reason.contains(because), "{reason}");
}

/// Lambda's own words.
fn says(code: &str, message: &'static str) -> impl Fn(&Fake) + use<> {
    let code = code.to_owned();
    move |fake: &Fake| {
        let mut refusal = failure(400);
        refusal.code.clone_from(&code);
        refusal.message = message.into();
        fake.refuse(ARN, refusal);
    }
}

fn with(variables: &[(&str, &str)]) -> impl Fn(&Fake) {
    let variables = variables.iter();
    let variables: Vec<_> = variables
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    move |fake: &Fake| {
        fake.edit(|it| it.environment = Secret::new(variables.iter().cloned().collect()))
    }
}

fn with_layer(name: &'static str) -> impl Fn(&Fake) {
    move |fake: &Fake| {
        fake.edit(|it| it.layers = vec![format!("arn:aws:lambda:eu-west-1:1:layer:{name}:25")]);
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_function_that_takes_no_layer_or_no_wrapper_is_skipped() {
    is_skipped(|fake| fake.edit(|it| it.image = true), "container image").await;
    let os_only = |it: &mut tether_protocol::instrumentation::FunctionConfiguration| {
        it.runtime = Some("provided.al2023".into());
    };
    is_skipped(|fake| fake.edit(os_only), "provided.al2023 is OS-only").await;
    let managed = |fake: &Fake| {
        let mut functions = fake.functions.borrow_mut();
        functions
            .entry(ARN.into())
            .and_modify(|it| it.managed_instances = true);
    };
    is_skipped(managed, "Managed Instances").await;
    let five = |fake: &Fake| fake.edit(|it| it.layers = vec!["arn:l:1".into(); 5]);
    is_skipped(five, "5 layers already").await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_environment_without_room_or_without_a_key_is_skipped() {
    is_skipped(with(&[("A", &"x".repeat(4_000))]), "4096").await;
    is_skipped(
        says(
            "InvalidParameterValueException",
            "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit.",
        ),
        "no room for tether's variables",
    )
    .await;
    let locked = |fake: &Fake| fake.edit(|it| it.environment_error = Some("KMSDisabled".into()));
    is_skipped(locked, "KMSDisabled").await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_runtime_whose_updates_are_blocked_is_skipped() {
    is_skipped(
        says(
            "InvalidParameterValueException",
            "The runtime parameter of nodejs12.x is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime.",
        ),
        "its runtime nodejs12.x is deprecated",
    )
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_polls_the_runtime_api_itself_is_skipped_by_name() {
    for (edit, because) in [
        (with_layer("LambdaAdapterLayerX86"), "Lambda Web Adapter"),
        (with_layer("Datadog-Extension-ARM"), "Datadog"),
        (with_layer("LDKLayerArm64"), "remote debugger"),
        (with_layer("LambdaLiveDebugger"), "Live Debugger"),
    ] {
        is_skipped(edit, because).await;
    }
    for (name, value, because) in [
        (WRAPPER, "/opt/bootstrap", "Lambda Web Adapter"),
        ("AWS_LWA_PORT", "8080", "AWS_LWA_PORT"),
        (WRAPPER, "/opt/datadog_wrapper", "Datadog"),
        (WRAPPER, "/opt/bin/ldk_wrapper", "remote debugger"),
        (WRAPPER, "/opt/lld-wrapper", "Live Debugger"),
    ] {
        is_skipped(with(&[(name, value)]), because).await;
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn code_signing_is_asked_for_and_enforced_is_skipped() {
    let fake = Fake::new();
    instrument(&fake, "ann").await;
    assert_eq!(
        fake.turns.borrow().len(),
        5,
        "no second look without a first answer"
    );

    let fake = Fake::new();
    fake.surroundings.borrow_mut().code_signing = Some("arn:csc:1".into());
    fake.surroundings.borrow_mut().is_enforced = true;
    let (state, reason) = instrument(&fake, "ann").await;
    assert_eq!(state, ProgressState::Skipped);
    assert!(reason.contains("code signing is enforced"), "{reason}");
    is_untouched(&fake);

    let fake = Fake::new();
    fake.surroundings.borrow_mut().code_signing = Some("arn:csc:1".into());
    let warned = warnings(&fake).await;
    assert!(
        matches!(&warned[..], [it] if it.contains("code signing warns")),
        "{warned:?}"
    );

    let fake = Fake::new();
    fake.surroundings
        .borrow_mut()
        .forbidden
        .insert("code_signing");
    assert_eq!(
        instrument(&fake, "ann").await,
        done(ProgressState::Instrumented)
    );
}

/// What is said after all functions are ready, and that they are.
async fn warnings(fake: &Fake) -> Vec<String> {
    let session_id = SessionId::new("ann");
    let told = ask(fake, ManagerRequest::Instrument { session_id }).await;
    assert!(told.iter().all(|it| it.0 == ProgressState::Instrumented));
    let told = fake.told.borrow();
    let ready = told.iter().position(|it| *it == ToLaptop::Ready);
    let (before, after) = told.split_at(ready.unwrap_or_default());
    let warning = |it: &ToLaptop| match it {
        ToLaptop::Warning(warning) => Some(warning.detail.clone()),
        _ => None,
    };
    assert_eq!(before.iter().find_map(warning), None, "nobody waits for it");
    after.iter().filter_map(warning).collect()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn callers_of_frozen_versions_are_told_of_with_all_that_is_known_of_them() {
    let fake = Fake::new();
    {
        let mut around = fake.surroundings.borrow_mut();
        let alias = |name: &str, versions: &[&str]| Alias {
            name: name.into(),
            versions: versions.iter().map(|it| (*it).to_owned()).collect(),
        };
        around.aliases = vec![alias("live", &["3"]), alias("canary", &["3", "4"])];
        around.provisioned = vec!["live".into(), "2".into()];
        let queue = "arn:aws:sqs:eu-west-1:1:jobs".to_owned();
        around
            .event_sources
            .insert(format!("{ARN}:live"), vec![queue]);
        let service = "apigateway.amazonaws.com".to_owned();
        around.invokers.insert("live".into(), vec![service]);
    }
    fake.functions
        .borrow_mut()
        .entry(ARN.into())
        .and_modify(|it| it.snap_start = true);
    let end = "do not reach your laptop: that is a frozen version; invoke $LATEST";
    assert_eq!(
        warnings(&fake).await,
        [
            format!(
                "callers through its alias live (version 3, with provisioned concurrency, events of arn:aws:sqs:eu-west-1:1:jobs, calls of apigateway.amazonaws.com) {end}"
            ),
            format!("callers through its alias canary (versions 3 and 4) {end}"),
            format!("callers through its version 2 (with provisioned concurrency) {end}"),
            format!("callers through its published versions (with SnapStart) {end}"),
        ]
    );
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_queue_that_shows_a_message_again_too_soon_is_told_of() {
    let fake = Fake::new();
    {
        let mut around = fake.surroundings.borrow_mut();
        let sources = [
            "arn:aws:kinesis:eu-west-1:1:stream/s",
            "arn:aws:sqs:eu-west-1:1:jobs",
        ];
        let sources = sources.map(str::to_owned).to_vec();
        around.event_sources.insert(ARN.into(), sources);
        around.visibility_timeout = Some(30);
    }
    let warned = warnings(&fake).await;
    assert!(
        matches!(&warned[..], [it] if it.contains("queue jobs") && it.contains("--timeout 30")),
        "{warned:?}"
    );
    fake.surroundings.borrow_mut().visibility_timeout = Some(900);
    fake.told.borrow_mut().clear();
    assert!(warnings(&fake).await.is_empty());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_timeout_that_a_queue_does_not_allow_becomes_the_longest_that_it_does() {
    let refused = |allowed: u32| {
        let mut refusal = failure(400);
        refusal.message = format!(
            "Queue visibility timeout: {allowed} seconds is less than Function timeout: 900 seconds"
        );
        refusal
    };
    let fake = Fake::new();
    fake.meddle(move |_| Err(refused(30)));
    let warned = warnings(&fake).await;
    assert!(
        matches!(&warned[..], [it] if it.contains("30 s only")),
        "{warned:?}"
    );
    assert_eq!(fake.found().map(|it| it.timeout), Some(30));
    restore(&fake, "ann").await;
    is_untouched(&fake);

    // Not even its own timeout is allowed: that is tried, and given up.
    let fake = Fake::new();
    fake.refuse(ARN, refused(2));
    let (state, reason) = instrument(&fake, "ann").await;
    assert!(
        state == ProgressState::Failed && reason.contains("visibility"),
        "{reason}"
    );
    is_untouched(&fake);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_may_not_be_looked_at_is_told_once_and_stops_nothing() {
    let fake = Fake::new().with_functions(5);
    let all = ["aliases", "provisioned", "event_sources"];
    fake.surroundings.borrow_mut().forbidden.extend(all);
    let warned = warnings(&fake).await;
    assert_eq!(warned.len(), 3, "{warned:?}");
    for action in [
        "lambda:ListAliases",
        "lambda:ListProvisionedConcurrencyConfigs",
        "lambda:ListEventSourceMappings",
    ] {
        assert!(warned.iter().any(|it| it.contains(action)), "{warned:?}");
    }
}
