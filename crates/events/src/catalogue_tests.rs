use super::*;
use base64::Engine as _;
use serde_json::json;

/// In 2026.
const NOW: u64 = 1_795_694_401_250;

fn all() -> Vec<Event> {
    let services = services().iter();
    services.flat_map(|it| it.events().unwrap()).collect()
}

fn made(service: &str, event: &str, given: &[(&str, &str)]) -> Value {
    let given = given.iter().map(|it| (it.0.to_owned(), it.1.to_owned()));
    let event = find(service, event).unwrap();
    event.generate(&given.collect(), NOW).unwrap()
}

fn decoded(text: &Value) -> Vec<u8> {
    let base64 = &base64::engine::general_purpose::STANDARD;
    base64.decode(text.as_str().unwrap()).unwrap()
}

fn unpacked(text: &Value) -> Value {
    let bytes = decoded(text);
    serde_json::from_reader(flate2::read::GzDecoder::new(bytes.as_slice())).unwrap()
}

#[test]
fn every_event_is_made_of_its_defaults() {
    for event in all() {
        let text = event
            .generate(&BTreeMap::new(), NOW)
            .unwrap_or_else(|error| panic!("{} {}: {error}", event.service, event.name))
            .to_string();
        assert!(!text.contains("${"), "{text}");
        assert!(event.documentation.starts_with("https://"), "{event:?}");
        assert!(!event.about.is_empty(), "{event:?}");
    }
}

#[test]
fn every_value_that_an_event_takes_changes_it() {
    for event in all() {
        let before = event.generate(&BTreeMap::new(), NOW).unwrap();
        for Parameter { name, .. } in event.parameters() {
            let other = match name.as_str() {
                "time" => "1999-12-31T23:59:58.765Z",
                "region" => "cn-north-1",
                _ => r#"{"other": "7"}"#,
            };
            let given = BTreeMap::from([(name.clone(), other.to_owned())]);
            let after = event.generate(&given, NOW).unwrap();
            assert_ne!(before, after, "{} {}: {name}", event.service, event.name);
        }
    }
}

#[test]
fn the_flags_are_the_names_in_the_files() {
    let names = all().into_iter().flat_map(|it| it.parameters());
    let names: BTreeSet<String> = names.map(|it| it.name).collect();
    assert_eq!(
        names.iter().map(String::as_str).collect::<Vec<_>>(),
        flags()
    );
}

#[test]
fn no_default_is_left_that_no_event_uses() {
    for service in services() {
        let file: Value = serde_json::from_str(service.text).unwrap();
        let used: BTreeSet<String> = service
            .events()
            .unwrap()
            .iter()
            .flat_map(Event::parameter_names)
            .collect();
        let unused = texts(&file["defaults"]);
        let unused: Vec<_> = unused.keys().filter(|it| !used.contains(*it)).collect();
        assert!(unused.is_empty(), "{}: {unused:?}", service.name);
    }
}

#[test]
fn a_name_means_one_thing() {
    let mut names = BTreeSet::new();
    for service in services() {
        for name in service.aliases.iter().chain([&service.name]) {
            assert!(names.insert(*name), "{name}");
        }
        let mut names = BTreeSet::new();
        for event in service.events().unwrap() {
            for name in event.aliases.iter().chain([&event.name]) {
                assert!(names.insert(name.clone()), "{} {name}", service.name);
            }
        }
    }
}

#[test]
fn sams_names_are_found() {
    let sams = [
        ("alb", "request"),
        ("alexa-skills-kit", "intent-recipe"),
        ("alexa-smart-home", "smart-home-control-turn-on-request"),
        ("apigateway", "aws-proxy"),
        ("apigateway", "request-authorizer"),
        ("cloudfront", "ab-test"),
        ("cloudfront", "modify-response-header"),
        ("cognito", "sync-trigger"),
        ("kinesis", "apachelog"),
        ("kinesis", "analytics-dynamodb"),
        ("lex", "order-flowers"),
        ("lex-v2", "book-hotel"),
        ("s3", "batch-invocation"),
        ("stepfunctions", "error"),
        ("workmail", "email"),
    ];
    for (service, event) in sams {
        assert!(find(service, event).is_ok(), "{service} {event}");
    }
    assert_eq!(find("msk", "msk").unwrap().service, "kafka");
}

#[test]
fn what_is_not_there_is_named_with_what_there_is() {
    let refused = |service: &str, event: &str| find(service, event).unwrap_err();
    let error = refused("s33", "put");
    assert_eq!(error.to_string(), "there is no service s33");
    assert!(error.alternatives().unwrap().1.contains(&"s3"));
    let error = refused("s3", "putt");
    assert_eq!(error.to_string(), "s3 has no event putt");
    assert!(error.alternatives().unwrap().1.contains(&"put"));
    let given = BTreeMap::from([("buckt".to_owned(), "b".to_owned())]);
    let error = find("s3", "put")
        .unwrap()
        .generate(&given, NOW)
        .unwrap_err();
    assert_eq!(error.to_string(), "s3 put takes no buckt");
    assert!(error.alternatives().unwrap().1.contains(&"bucket"));
}

#[test]
fn an_object_of_s3_has_the_size_and_the_digest_of_its_body() {
    let given = [
        ("bucket", "photos"),
        ("key", "my cat.jpg"),
        ("body", "meow"),
    ];
    let event = made("s3", "put", &given);
    let s3 = &event["Records"][0]["s3"];
    assert_eq!(s3["bucket"]["arn"], "arn:aws:s3:::photos");
    assert_eq!(s3["object"]["key"], "my+cat.jpg");
    assert_eq!(s3["object"]["size"], 4);
    assert_eq!(s3["object"]["eTag"], "4a4be40c96ac6314e91d93f38043a634");
    assert_eq!(event["Records"][0]["eventTime"], "2026-11-26T12:00:01.250Z");
}

#[test]
fn a_message_of_sqs_has_the_digest_of_its_body() {
    let event = made(
        "sqs",
        "receive-message",
        &[("body", "Hello"), ("queue-name", "q")],
    );
    let record = &event["Records"][0];
    assert_eq!(record["md5OfBody"], "8b1a9953c4611296a827abf8c47804d7");
    assert_eq!(
        record["eventSourceARN"],
        "arn:aws:sqs:us-east-1:123456789012:q"
    );
    assert_eq!(record["attributes"]["SentTimestamp"], "1795694401250");
}

#[test]
fn logs_are_compressed_and_can_be_read() {
    let event = made("cloudwatch", "logs", &[("message", "it broke")]);
    let logs = unpacked(&event["awslogs"]["data"]);
    assert_eq!(logs["logEvents"][0]["message"], "it broke");
    assert_eq!(logs["logEvents"][0]["timestamp"], NOW);
    let event = made(
        "kinesis",
        "cloudwatch-logs-processor",
        &[("data", "it broke")],
    );
    let logs = unpacked(&event["records"][0]["data"]);
    assert_eq!(logs["logEvents"][0]["message"], "it broke");
    let event = made("kinesis", "analytics-compressed", &[("data", r#"{"a":1}"#)]);
    assert_eq!(unpacked(&event["records"][0]["data"]), json!({"a": 1}));
}

#[test]
fn data_is_in_base64_where_the_service_has_it_so() {
    let event = made("kinesis", "get-records", &[("data", "Zürich")]);
    let data = decoded(&event["Records"][0]["kinesis"]["data"]);
    assert_eq!(data, "Zürich".as_bytes());
    let event = made(
        "kafka",
        "msk",
        &[("topic", "t"), ("message", "m"), ("key", "k")],
    );
    let record = &event["records"]["t-0"][0];
    assert_eq!(
        (decoded(&record["key"]), decoded(&record["value"])),
        ("k".into(), "m".into())
    );
    let event = made(
        "mq",
        "rabbitmq",
        &[("queue-name", "q"), ("message", "Zürich")],
    );
    let message = &event["rmqMessagesByQueue"]["q::/"][0];
    assert_eq!(decoded(&message["data"]), "Zürich".as_bytes());
    assert_eq!(message["basicProperties"]["bodySize"], 7);
    assert_eq!(
        message["basicProperties"]["timestamp"],
        "Nov 26, 2026, 12:00:01 PM"
    );
}

#[test]
fn what_is_json_in_a_text_can_be_read() {
    let event = made("config", "periodic-rule", &[("account-id", "210987654321")]);
    let inner: Value = serde_json::from_str(event["invokingEvent"].as_str().unwrap()).unwrap();
    assert_eq!(inner["awsAccountId"], "210987654321");
    assert_eq!(
        inner["notificationCreationTime"],
        "2026-11-26T12:00:01.250Z"
    );
}

#[test]
fn a_region_brings_its_partition() {
    let event = made(
        "sns",
        "notification",
        &[("region", "cn-north-1"), ("topic", "t")],
    );
    let sns = &event["Records"][0]["Sns"];
    assert_eq!(sns["TopicArn"], "arn:aws-cn:sns:cn-north-1:123456789012:t");
    let certificate = sns["SigningCertUrl"].as_str().unwrap();
    assert!(
        certificate.starts_with("https://sns.cn-north-1.amazonaws.com.cn/"),
        "{certificate}"
    );
    let event = made("sqs", "receive-message", &[("partition", "aws-iso")]);
    let queue = event["Records"][0]["eventSourceARN"].as_str().unwrap();
    assert!(queue.starts_with("arn:aws-iso:sqs:us-east-1:"), "{queue}");
}

#[test]
fn requests_are_as_their_front_door_has_them() {
    let query = [
        ("querystringparameters", r#"{"q":"a b"}"#),
        ("path", "users/1"),
    ];
    let rest = made("apigateway", "aws-proxy", &query);
    assert_eq!(rest["path"], "/users/1");
    assert_eq!(rest["requestContext"]["path"], "/prod/users/1");
    assert_eq!(rest["pathParameters"], json!({"proxy": "users/1"}));
    assert_eq!(
        rest["multiValueQueryStringParameters"],
        json!({"q": ["a b"]})
    );
    assert_eq!(rest["requestContext"].as_object().unwrap().len(), 16);
    assert_eq!(
        rest["requestContext"]["identity"]
            .as_object()
            .unwrap()
            .len(),
        12
    );
    let http = made("apigateway", "http-api-proxy", &query);
    assert_eq!(http["rawPath"], "/users/1");
    assert_eq!(http["rawQueryString"], "q=a%20b");
    assert_eq!(http["requestContext"]["timeEpoch"], NOW);
    let token = made(
        "apigateway",
        "authorizer",
        &[("rest-api-id", "a"), ("resource", "x")],
    );
    assert_eq!(
        token["methodArn"],
        "arn:aws:execute-api:us-east-1:123456789012:a/prod/POST/x"
    );
    assert_eq!(token.as_object().unwrap().len(), 3);
}
