#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;
use serde_json::{Value, json};

/// Actions and resources that a request asks for.
fn asked(
    asks: fn(&Request<'_>) -> Vec<Ask>,
    method: &str,
    path: &str,
    body: &Value,
) -> Vec<(String, String)> {
    let target = body.get("__target").and_then(Value::as_str);
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("x-amz-target", target.unwrap_or_default())
        .header("x-amz-copy-source", path_of_source(body))
        .body(())
        .unwrap();
    let (mut parts, ()) = request.into_parts();
    if path_of_source(body).is_empty() {
        parts.headers.remove("x-amz-copy-source");
    }
    let body = match body.as_str() {
        Some(text) => Bytes::from(text.to_owned()),
        None => Bytes::from(body.to_string()),
    };
    let request = Request {
        place: &Place::default(),
        parts: &parts,
        body: &body,
    };
    let asks = asks(&request).into_iter();
    asks.map(|it| (it.action, it.resource)).collect()
}

fn path_of_source(body: &Value) -> &str {
    let source = body.get("__source").and_then(Value::as_str);
    source.unwrap_or_default()
}

const ACCOUNT: &str = "us-east-1:000000000000";

#[test]
fn each_call_of_lambda_has_its_action_and_its_resource() {
    let function = format!("arn:aws:lambda:{ACCOUNT}:function:hello");
    let layer = format!("arn:aws:lambda:{ACCOUNT}:layer:tools");
    let mapping = format!("arn:aws:lambda:{ACCOUNT}:event-source-mapping:1-2");
    let at = "/2015-03-31/functions/hello";
    let whole = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahello%3Alive";
    let cases = [
        (
            "GET",
            "/2015-03-31/functions/".to_owned(),
            "ListFunctions",
            "*".to_owned(),
        ),
        ("GET", at.to_owned(), "GetFunction", function.clone()),
        (
            "GET",
            format!("{at}?Qualifier=7"),
            "GetFunction",
            format!("{function}:7"),
        ),
        (
            "GET",
            whole.to_owned(),
            "GetFunction",
            format!("{function}:live"),
        ),
        (
            "POST",
            format!("{whole}/invocations"),
            "InvokeFunction",
            format!("{function}:live"),
        ),
        (
            "PUT",
            format!("{whole}/code"),
            "UpdateFunctionCode",
            function.clone(),
        ),
        ("DELETE", at.to_owned(), "DeleteFunction", function.clone()),
        (
            "PUT",
            format!("{at}/configuration"),
            "UpdateFunctionConfiguration",
            function.clone(),
        ),
        (
            "GET",
            format!("{at}/versions"),
            "ListVersionsByFunction",
            function.clone(),
        ),
        (
            "PUT",
            format!("{at}/aliases/live"),
            "UpdateAlias",
            function.clone(),
        ),
        (
            "DELETE",
            format!("{at}/policy/one?Qualifier=live"),
            "RemovePermission",
            format!("{function}:live"),
        ),
        (
            "GET",
            "/2020-06-30/functions/hello/code-signing-config".to_owned(),
            "GetFunctionCodeSigningConfig",
            function.clone(),
        ),
        (
            "GET",
            "/2019-09-30/functions/hello/provisioned-concurrency?List=ALL".to_owned(),
            "ListProvisionedConcurrencyConfigs",
            function.clone(),
        ),
        (
            "GET",
            "/2018-10-31/layers/tools/versions/3".to_owned(),
            "GetLayerVersion",
            format!("{layer}:3"),
        ),
        (
            "GET",
            format!("/2018-10-31/layers?find=LayerVersion&Arn={layer}:3"),
            "GetLayerVersion",
            format!("{layer}:3"),
        ),
        (
            "POST",
            "/2018-10-31/layers/tools/versions".to_owned(),
            "PublishLayerVersion",
            layer.clone(),
        ),
        (
            "PUT",
            "/2015-03-31/event-source-mappings/1-2".to_owned(),
            "UpdateEventSourceMapping",
            mapping,
        ),
        (
            "GET",
            "/2015-03-31/event-source-mappings/".to_owned(),
            "ListEventSourceMappings",
            "*".to_owned(),
        ),
        (
            "GET",
            format!("/2017-03-31/tags/{}", function.replace(':', "%3A")),
            "ListTags",
            function.clone(),
        ),
        (
            "GET",
            "/2016-08-19/account-settings/".to_owned(),
            "GetAccountSettings",
            "*".to_owned(),
        ),
        // What has no name is for those who may do everything.
        (
            "GET",
            format!("{at}/moon"),
            "GET /2015-03-31/functions/{}/moon",
            "*".to_owned(),
        ),
    ];
    for (method, path, action, resource) in cases {
        let expected = vec![(format!("lambda:{action}"), resource)];
        assert_eq!(
            asked(lambda::asks, method, &path, &json!({})),
            expected,
            "{method} {path}"
        );
    }
}

#[test]
fn what_a_function_is_to_use_is_asked_for_as_well() {
    let body = json!({ "FunctionName": "hello", "Layers": ["arn:l:1"], "Role": "arn:r" });
    let asks = asked(lambda::asks, "POST", "/2015-03-31/functions", &body);
    let actions: Vec<&str> = asks.iter().map(|it| it.0.as_str()).collect();
    let expected = [
        "lambda:CreateFunction",
        "lambda:GetLayerVersion",
        "iam:PassRole",
    ];
    assert_eq!(actions, expected);
    assert!(asks[0].1.ends_with(":function:hello"));
    assert_eq!([&*asks[1].1, &*asks[2].1], ["arn:l:1", "arn:r"]);
}

#[test]
fn each_call_of_dynamodb_asks_for_each_table_and_index() {
    let table = |name: &str| format!("arn:aws:dynamodb:{ACCOUNT}:table/{name}");
    let cases = [
        (
            json!({ "__target": "DynamoDB_20120810.GetItem", "TableName": "a" }),
            vec![("GetItem", table("a"))],
        ),
        (
            json!({ "__target": "DynamoDB_20120810.GetItem", "TableName": table("a") }),
            vec![("GetItem", table("a"))],
        ),
        (
            json!({ "__target": "DynamoDB_20120810.ListTables" }),
            vec![("ListTables", "*".to_owned())],
        ),
        (
            json!({ "__target": "DynamoDB_20120810.Scan", "TableName": "a", "IndexName": "i" }),
            vec![("Scan", table("a/index/i"))],
        ),
        (
            json!({ "__target": "DynamoDB_20120810.BatchGetItem", "RequestItems": { "a": {}, "b": {} } }),
            vec![("BatchGetItem", table("a")), ("BatchGetItem", table("b"))],
        ),
        (
            json!({ "__target": "DynamoDB_20120810.TransactWriteItems", "TransactItems": [
                { "ConditionCheck": { "TableName": "a" } }, { "Update": { "TableName": "b" } },
            ] }),
            vec![
                ("ConditionCheckItem", table("a")),
                ("UpdateItem", table("b")),
            ],
        ),
        (
            json!({ "__target": "DynamoDB_20120810.ExecuteStatement", "Statement": "SELECT * FROM \"a\".\"i\" WHERE x = 1" }),
            vec![("PartiQLSelect", table("a/index/i"))],
        ),
        (
            json!({ "__target": "DynamoDB_20120810.BatchExecuteStatement", "Statements": [
                { "Statement": "insert INTO a VALUE {'id':'1'}" }, { "Statement": "UPDATE b SET x=1" },
            ] }),
            vec![("PartiQLInsert", table("a")), ("PartiQLUpdate", table("b"))],
        ),
    ];
    for (body, expected) in cases {
        let expected = expected.into_iter();
        let expected: Vec<_> = expected
            .map(|(it, on)| (format!("dynamodb:{it}"), on))
            .collect();
        assert_eq!(
            asked(dynamodb::asks, "POST", "/", &body),
            expected,
            "{body}"
        );
    }
}

#[test]
fn each_call_of_s3_has_its_action_on_a_bucket_or_an_object() {
    let cases = [
        ("GET", "/", json!({}), vec![("ListAllMyBuckets", "*")]),
        (
            "PUT",
            "/b",
            json!({}),
            vec![("CreateBucket", "arn:aws:s3:::b")],
        ),
        (
            "GET",
            "/b?list-type=2&prefix=x",
            json!({}),
            vec![("ListBucket", "arn:aws:s3:::b")],
        ),
        (
            "GET",
            "/b/?location",
            json!({}),
            vec![("GetBucketLocation", "arn:aws:s3:::b")],
        ),
        (
            "PUT",
            "/b?publicAccessBlock",
            json!({}),
            vec![("PutBucketPublicAccessBlock", "arn:aws:s3:::b")],
        ),
        (
            "GET",
            "/b/a%20b/c",
            json!({}),
            vec![("GetObject", "arn:aws:s3:::b/a b/c")],
        ),
        (
            "HEAD",
            "/b/k?versionId=1",
            json!({}),
            vec![("GetObjectVersion", "arn:aws:s3:::b/k")],
        ),
        (
            "POST",
            "/b/k?uploads",
            json!({}),
            vec![("PutObject", "arn:aws:s3:::b/k")],
        ),
        (
            "DELETE",
            "/b/k?uploadId=1",
            json!({}),
            vec![("AbortMultipartUpload", "arn:aws:s3:::b/k")],
        ),
        (
            "PUT",
            "/b/k",
            json!({ "__source": "/other/from%20here?versionId=3" }),
            vec![
                ("PutObject", "arn:aws:s3:::b/k"),
                ("GetObject", "arn:aws:s3:::other/from here"),
            ],
        ),
        (
            "POST",
            "/b?delete",
            json!(
                "<Delete><Object><Key>x &amp; y</Key></Object><Object><Key>z</Key></Object></Delete>"
            ),
            vec![
                ("DeleteObject", "arn:aws:s3:::b/x & y"),
                ("DeleteObject", "arn:aws:s3:::b/z"),
            ],
        ),
    ];
    for (method, path, body, expected) in cases {
        let expected = expected.into_iter();
        let expected: Vec<_> = expected
            .map(|(it, on)| (format!("s3:{it}"), on.to_owned()))
            .collect();
        assert_eq!(
            asked(s3::asks, method, path, &body),
            expected,
            "{method} {path}"
        );
    }
}
