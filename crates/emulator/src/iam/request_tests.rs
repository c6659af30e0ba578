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

/// Method, path, action, resource; `f`, `l` and `A` are a function's ARN, a layer's and what
/// both begin with.
const LAMBDA: &str = "
GET    /2015-03-31/functions/                      ListFunctions *
GET    /2015-03-31/functions/hello                 GetFunction f
GET    /2015-03-31/functions/hello?Qualifier=7     GetFunction f:7
GET    /2015-03-31/functions/f:live                GetFunction f:live
POST   /2015-03-31/functions/f:live/invocations    InvokeFunction f:live
PUT    /2015-03-31/functions/f:live/code           UpdateFunctionCode f
DELETE /2015-03-31/functions/hello                 DeleteFunction f
PUT    /2015-03-31/functions/hello/configuration   UpdateFunctionConfiguration f
GET    /2015-03-31/functions/hello/versions        ListVersionsByFunction f
PUT    /2015-03-31/functions/hello/aliases/live    UpdateAlias f
DELETE /2015-03-31/functions/hello/policy/one?Qualifier=live RemovePermission f:live
GET    /2020-06-30/functions/hello/code-signing-config GetFunctionCodeSigningConfig f
GET    /2019-09-30/functions/hello/provisioned-concurrency?List=ALL ListProvisionedConcurrencyConfigs f
GET    /2018-10-31/layers/tools/versions/3         GetLayerVersion l:3
GET    /2018-10-31/layers?find=LayerVersion&Arn=l:3 GetLayerVersion l:3
POST   /2018-10-31/layers/tools/versions           PublishLayerVersion l
PUT    /2015-03-31/event-source-mappings/1-2       UpdateEventSourceMapping A:event-source-mapping:1-2
GET    /2015-03-31/event-source-mappings/          ListEventSourceMappings *
GET    /2017-03-31/tags/f                          ListTags f
GET    /2016-08-19/account-settings/               GetAccountSettings *
";

/// Puts ARNs where their letters stand.
fn spelled(text: &str) -> String {
    let begin = format!("arn:aws:lambda:{ACCOUNT}");
    let word = |word: &str| match word.split_once(':').unwrap_or((word, "")) {
        ("f", rest) => format!("{begin}:function:hello:{rest}"),
        ("l", rest) => format!("{begin}:layer:tools:{rest}"),
        ("A", rest) => format!("{begin}:{rest}"),
        _ => word.to_owned(),
    };
    let words = text.split_inclusive(['/', '=']).map(|it| {
        let end = it.find(['/', '=']).unwrap_or(it.len());
        let (name, end) = it.split_at(end);
        format!("{}{end}", word(name).trim_end_matches(':'))
    });
    words.collect()
}

#[test]
fn each_call_of_lambda_has_its_action_and_its_resource() {
    for line in LAMBDA.lines().filter(|it| !it.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [method, path, action, resource]: [&str; 4] = words.try_into().unwrap();
        let expected = vec![(format!("lambda:{action}"), spelled(resource))];
        let path = spelled(path);
        let asks = asked(lambda::asks, method, &path, &json!({}));
        assert_eq!(asks, expected, "{line}");
        let encoded = path.replace(':', "%3A");
        assert_eq!(asked(lambda::asks, method, &encoded, &json!({})), expected);
    }
    // What has no name is for those who may do everything.
    let moon = "/2015-03-31/functions/hello/moon";
    let expected = "lambda:GET /2015-03-31/functions/{}/moon".to_owned();
    let asks = asked(lambda::asks, "GET", moon, &json!({}));
    assert_eq!(asks, [(expected, "*".to_owned())]);
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

/// Method, path, action, what stands behind `arn:aws:s3:::`.
const S3: &str = "
PUT    /b                        CreateBucket b
GET    /b?list-type=2&prefix=x   ListBucket b
GET    /b/?location              GetBucketLocation b
PUT    /b?publicAccessBlock      PutBucketPublicAccessBlock b
GET    /b/a%2Bb/c                GetObject b/a+b/c
HEAD   /b/k?versionId=1          GetObjectVersion b/k
POST   /b/k?uploads              PutObject b/k
DELETE /b/k?uploadId=1           AbortMultipartUpload b/k
";

#[test]
fn each_call_of_s3_has_its_action_on_a_bucket_or_an_object() {
    let on = |action: &str, path: &str| (format!("s3:{action}"), format!("arn:aws:s3:::{path}"));
    for line in S3.lines().filter(|it| !it.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [method, path, action, resource]: [&str; 4] = words.try_into().unwrap();
        let asks = asked(s3::asks, method, path, &json!({}));
        assert_eq!(asks, [on(action, resource)], "{line}");
    }
    let all = asked(s3::asks, "GET", "/", &json!({}));
    assert_eq!(all, [("s3:ListAllMyBuckets".to_owned(), "*".to_owned())]);
    let copy = json!({ "__source": "/other/from%20here?versionId=3" });
    assert_eq!(
        asked(s3::asks, "PUT", "/b/k", &copy),
        [on("PutObject", "b/k"), on("GetObject", "other/from here")]
    );
    let two = "<Delete><Object><Key>x &amp; y</Key></Object><Object><Key>z</Key></Object></Delete>";
    assert_eq!(
        asked(s3::asks, "POST", "/b?delete", &json!(two)),
        [on("DeleteObject", "b/x & y"), on("DeleteObject", "b/z")]
    );
}
