use super::*;
use proptest::prelude::*;

const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:tether-x86-64:7";

fn function() -> FunctionConfiguration {
    FunctionConfiguration {
        function_arn: "arn:aws:lambda:eu-west-1:123456789012:function:hello".into(),
        revision_id: "r1".into(),
        runtime: Some("python3.13".into()),
        image: false,
        architecture: "x86_64".into(),
        timeout: 3,
        layers: vec![],
        environment: Secret::new(BTreeMap::new()),
        environment_error: None,
    }
}

fn try_instrument(
    function: &FunctionConfiguration,
    timeout: Option<u32>,
) -> Result<(Change, JournalRecord), Skip> {
    let session_id = SessionId::new("s");
    let connection_id = ConnectionId::new("c=");
    let order = Order {
        session_id: &session_id,
        connection_id: &connection_id,
        stack_name: "app",
        owner: "me@here",
        now: Timestamp(1),
        timeout,
        layer: Some(LAYER),
        layer_role: ("arn:aws:iam::123456789012:role/layer", "x"),
        tables: ("S", "D"),
        connections_url: "https://example.invalid/live",
    };
    instrument(function, &order)
}

fn applied(function: &FunctionConfiguration, change: &Change) -> FunctionConfiguration {
    FunctionConfiguration {
        timeout: change.timeout,
        layers: change.layers.clone(),
        environment: change.environment.clone(),
        ..function.clone()
    }
}

fn any_function() -> impl Strategy<Value = FunctionConfiguration> {
    let name = prop_oneof![
        Just(WRAPPER.to_owned()),
        Just(SESSION.to_owned()),
        "[A-Z]{2,6}"
    ];
    (
        prop::collection::btree_map(name, "[a-z/]{0,12}", 0..6),
        prop::collection::vec("arn:l:[a-z]{3}:[0-9]", 0..MAX_LAYERS),
        1u32..901,
    )
        .prop_map(|(environment, layers, timeout)| FunctionConfiguration {
            environment: Secret::new(environment),
            layers,
            timeout,
            ..function()
        })
}

proptest! {
    #[test]
    fn restore_is_the_inverse_of_instrument(before in any_function(), wish in prop::option::of(1u32..901)) {
        let (change, journal) = try_instrument(&before, wish).unwrap();
        let attached = applied(&before, &change);
        prop_assert!(is_instrumented(&attached, &journal));
        let back = applied(&attached, &restore(&attached, &journal).unwrap());
        prop_assert_eq!(&back, &before);
        prop_assert_eq!(restore(&back, &journal), None, "a second restore has nothing to do");
    }

    #[test]
    fn what_somebody_else_changed_meanwhile_stays(
        before in any_function(), name in "[A-Z]{7}", value in "[a-z]{1,9}", timeout in 1u32..900
    ) {
        let (change, journal) = try_instrument(&before, Some(900)).unwrap();
        let mut edited = applied(&before, &change);
        let mut environment = edited.environment.expose().clone();
        environment.insert(name.clone(), value.clone());
        environment.insert(WRAPPER.into(), "/opt/theirs".into());
        edited.environment = Secret::new(environment);
        edited.layers.insert(0, "arn:theirs:1".into());
        edited.timeout = timeout;
        let back = applied(&edited, &restore(&edited, &journal).unwrap());
        prop_assert_eq!(back.environment.expose().get(&name), Some(&value));
        prop_assert_eq!(back.environment.expose().get(WRAPPER).map(String::as_str), Some("/opt/theirs"));
        prop_assert_eq!(back.timeout, timeout);
        let mut layers = before.layers.clone();
        layers.insert(0, "arn:theirs:1".into());
        prop_assert_eq!(back.layers, layers);
    }
}

#[test]
fn a_wrapper_that_was_there_is_kept_for_chaining() {
    let mut before = function();
    before.environment = Secret::new(BTreeMap::from([(WRAPPER.into(), "/opt/theirs".into())]));
    let (change, _) = try_instrument(&before, None).unwrap();
    let environment = change.environment.expose();
    let attachment = Attachment::read(|name| environment.get(name).cloned()).unwrap();
    assert_eq!(attachment.config.wrapper.as_deref(), Some("/opt/theirs"));
}

#[test]
fn a_function_that_cannot_be_instrumented_is_left_alone_with_the_reason() {
    let skip = |edit: fn(&mut FunctionConfiguration)| {
        let mut it = function();
        edit(&mut it);
        try_instrument(&it, None).unwrap_err()
    };
    assert_eq!(skip(|it| it.image = true), Skip::Image);
    assert_eq!(
        skip(|it| it.runtime = Some("provided.al2023".into())),
        Skip::OsOnly("provided.al2023".into())
    );
    assert_eq!(skip(|it| it.layers = vec!["l".into(); 5]), Skip::Layers);
    assert!(matches!(
        skip(|it| it.environment = Secret::new(BTreeMap::from([("A".into(), "x".repeat(4000))]))),
        Skip::EnvironmentSize(size) if size > MAX_ENVIRONMENT
    ));
    assert_eq!(
        skip(|it| it.environment_error = Some("AccessDenied".into())),
        Skip::EnvironmentUnreadable("AccessDenied".into())
    );
}

#[test]
fn a_long_timeout_of_the_users_own_is_not_shortened() {
    let mut before = function();
    before.timeout = 900;
    let (change, journal) = try_instrument(&before, Some(300)).unwrap();
    assert_eq!((change.timeout, journal.timeout), (900, None));
}
