use super::super::fixtures::{Scene, request, with};
use super::super::{Identity, KeyUse, Method, Routes};
use super::*;
use bytes::Bytes;

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap();
    object.keys().map(String::as_str).collect()
}

fn routes() -> Routes {
    let method = |path: &str, operation: Option<&str>| Method {
        method: "ANY".to_owned(),
        path: path.to_owned(),
        resource_id: "2gxmpl".to_owned(),
        operation_name: operation.map(str::to_owned),
    };
    Routes::new(vec![
        method("/{proxy+}", None),
        method("/pets/{id}", Some("GetPet")),
        method("/", None),
    ])
}

fn event_of(scene: &Scene, binary: &[&str]) -> Value {
    let routes = routes();
    let mut exchange = scene.exchange();
    exchange.matched = routes.find(&scene.request.method, exchange.path.inner);
    let binary = MediaTypes(binary.iter().map(|it| (*it).to_owned()).collect());
    proxy_event(&exchange, &binary)
}

#[test]
fn an_event_has_its_keys_in_the_order_of_aws() {
    let event = event_of(&Scene::new(request("GET", "/dev/a/b?x=1")), &[]);
    assert_eq!(
        keys(&event),
        [
            "resource",
            "path",
            "httpMethod",
            "headers",
            "multiValueHeaders",
            "queryStringParameters",
            "multiValueQueryStringParameters",
            "pathParameters",
            "stageVariables",
            "requestContext",
            "body",
            "isBase64Encoded"
        ]
    );
    let context = &event["requestContext"];
    assert_eq!(keys(context).len(), 16);
    assert_eq!(keys(&context["identity"]).len(), 12);
    assert_eq!(context["path"], "/dev/a/b");
    assert_eq!(context["resourcePath"], "/{proxy+}");
    assert_eq!(context["requestTime"], "20/Jan/2024:11:55:08 +0000");
    assert_eq!(context["requestTimeEpoch"], 1_705_751_708_326_u64);
    assert_eq!(context["domainPrefix"], "a1b2c3d4e5");
    assert_eq!(context["deploymentId"], "k2ua1z");
}

#[test]
fn what_is_not_there_is_null() {
    let mut scene = Scene::new(request("GET", "/dev"));
    scene.stage.variables.clear();
    let event = event_of(&scene, &["*/*"]);
    for key in [
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "body",
    ] {
        assert_eq!(event[key], Value::Null, "{key}");
    }
    assert_eq!(event["isBase64Encoded"], false);
    assert_eq!(event["path"], "/");
    assert_eq!(event["resource"], "/");
    assert_eq!(
        event["requestContext"]["identity"]["userAgent"],
        Value::Null
    );
}

#[test]
fn a_query_is_decoded_and_a_path_is_not() {
    let target = "/dev/pets/a%20b%2Fc+d?e=x%2By@z&p=a+b&n=1&n=2&flag";
    let event = event_of(&Scene::new(request("GET", target)), &[]);
    assert_eq!(event["path"], "/pets/a%20b%2Fc+d");
    assert_eq!(event["pathParameters"], json!({ "id": "a%20b%2Fc+d" }));
    let last = json!({ "e": "x+y@z", "p": "a b", "n": "2", "flag": "" });
    assert_eq!(event["queryStringParameters"], last);
    let all = json!({ "e": ["x+y@z"], "p": ["a b"], "n": ["1", "2"], "flag": [""] });
    assert_eq!(event["multiValueQueryStringParameters"], all);
}

#[test]
fn headers_are_as_sent_with_those_of_the_gateway() {
    let sent = [
        ("tEsT-HEADeR", "aValUE"),
        ("Host", "127.0.0.1:3000"),
        ("X-Two", "1"),
        ("x-two", "2"),
        ("X-Forwarded-For", "203.0.113.5"),
        ("x-forwarded-proto", "gopher"),
        ("X-Amzn-Trace-Id", "Root=made-up"),
        ("Connection", "keep-alive"),
    ];
    let event = event_of(&Scene::new(with(request("GET", "/dev/a"), &sent, "")), &[]);
    let seen = json!({
        "tEsT-HEADeR": "aValUE",
        "Host": "127.0.0.1:3000",
        "X-Two": "2",
        "X-Amzn-Trace-Id": "Root=1-67659810-101d2f353e7cd9797a9aa4ba",
        "X-Forwarded-For": "203.0.113.5, 192.0.2.7",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    });
    assert_eq!(event["headers"], seen);
    assert_eq!(event["multiValueHeaders"]["X-Two"], json!(["1", "2"]));
    assert_eq!(keys(&event["multiValueHeaders"]), keys(&event["headers"]));
}

#[test]
fn a_body_is_text_unless_its_type_is_binary() {
    let text = with(
        request("POST", "/dev/a"),
        &[("Content-Type", "image/png")],
        "hé",
    );
    let mut scene = Scene::new(text);
    let event = event_of(&scene, &[]);
    assert_eq!(
        (&event["body"], &event["isBase64Encoded"]),
        (&json!("hé"), &json!(false))
    );
    let event = event_of(&scene, &["image/png"]);
    assert_eq!(
        (&event["body"], &event["isBase64Encoded"]),
        (&json!("aMOp"), &json!(true))
    );
    scene.request.body = Bytes::from_static(&[0x68, 0xff]);
    assert_eq!(event_of(&scene, &[])["body"], "h\u{fffd}");
    assert_eq!(event_of(&scene, &["*/*"])["body"], "aP8=");
}

#[test]
fn an_authorizer_a_key_a_signature_and_an_operation_show() {
    let scene = Scene::new(request("GET", "/dev/pets/7"));
    let routes = routes();
    let mut exchange = scene.exchange();
    exchange.matched = routes.find("GET", "/pets/7");
    exchange.authorizer = json!({ "principalId": "me" }).as_object().cloned();
    exchange.key = Some(KeyUse {
        id: "k1".to_owned(),
        value: "secret".to_owned(),
    });
    exchange.identity = Identity {
        access_key: Some("AKIA".to_owned()),
        user_arn: Some("arn:aws:iam::1:user/me".to_owned()),
        ..Identity::default()
    };
    let event = proxy_event(&exchange, &MediaTypes::default());
    let context = &event["requestContext"];
    assert_eq!(context["authorizer"], json!({ "principalId": "me" }));
    assert_eq!(context["operationName"], "GetPet");
    let identity = &context["identity"];
    assert_eq!(identity["apiKey"], "secret");
    assert_eq!(identity["apiKeyId"], "k1");
    assert_eq!(identity["accessKey"], "AKIA");
    assert_eq!(identity["userArn"], "arn:aws:iam::1:user/me");
    assert_eq!(identity["user"], Value::Null);
    assert_eq!(event["stageVariables"], json!({ "colour": "blue" }));
    assert!(!format!("{:?}", exchange.key).contains("secret"));
}
