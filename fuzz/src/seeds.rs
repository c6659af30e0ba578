//! Where to start from: the golden files, the templates of this repository, and
//! what is known to be awkward.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;
use tether_protocol::Payload;

type Seeds = Vec<(String, Vec<u8>)>;

fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The golden files whose names begin so.
fn golden(prefix: &str) -> Seeds {
    let folder = root().join("crates/protocol/tests/golden");
    let mut seeds: Seeds = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.starts_with(prefix))
        .map(|name| (name.clone(), std::fs::read(folder.join(&name)).unwrap()))
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "no golden file begins with {prefix}");
    seeds
}

fn texts(texts: &[&str]) -> Seeds {
    let named = texts.iter().enumerate();
    named
        .map(|(index, text)| (index.to_string(), text.as_bytes().to_vec()))
        .collect()
}

/// Deeper than any reader should follow.
fn deep() -> String {
    "[".repeat(2000) + &"{\"a\":".repeat(1000)
}

pub(crate) fn to_cloud() -> Seeds {
    let awkward = texts(&[
        r#"{"type":"hunter2","tempo":1}"#,
        r#"{"type":"hello","version":"hunter2"}"#,
        r#"{"type":"reply","key":{"requestId":"r","nonce":"n"},"claimId":"c","outcome":{"status":"hunter2"}}"#,
        r#"{"type":"reply","key":{"requestId":"r","nonce":"n"},"claimId":"c","outcome":{"status":"completed","payload":{"hunter2":1}}}"#,
        &deep(),
    ]);
    [golden("to-cloud-"), awkward].concat()
}

pub(crate) fn to_laptop() -> Seeds {
    let awkward = texts(&[
        r#"{"message":"Internal server error","connectionId":"L=","requestId":"L="}"#,
        r#"{"type":"progress","functionArn":"a","state":"dancing"}"#,
        &deep(),
    ]);
    [golden("to-laptop-"), awkward].concat()
}

pub(crate) fn manager() -> Seeds {
    golden("manager-")
}

pub(crate) fn records() -> Seeds {
    golden("record-")
}

pub(crate) fn items() -> Seeds {
    let awkward = texts(&[
        r#"{"TTL":{"N":"hunter2"},"Status":{"SS":["hunter2"]}}"#,
        r#"{"RequestId":"r","Part":"n#head","SessionId":"s","Status":"PENDING","Deadline":{"N":"1e400"},"TTL":{"N":"-1"},"Response":{"B":"hunter2"}}"#,
        r#"{"RequestId":"r","Part":"n#head","SessionId":"s","Status":"PENDING","Deadline":{"N":"18446744073709551615"},"TTL":7,"Response":{"stored":{"chunks":4294967295,"size":{"N":"18446744073709551615"}}}}"#,
        r#"{"FunctionArn":{"NULL":true},"Variables":{"hunter2":{"Before":{"NS":["hunter2"]}}}}"#,
    ]);
    [golden("record-"), awkward].concat()
}

pub(crate) fn config() -> Seeds {
    let awkward = texts(&[
        r#"{"r":"role","x":"x","s":"S","d":"D","u":"U","t":"hunter2"}"#,
        r#"{"r":"","x":"","s":"","d":"","u":"","t":4294967296}"#,
        "{",
        &deep(),
    ]);
    [golden("variable-config"), awkward].concat()
}

pub(crate) fn payload() -> Seeds {
    let sealed = serde_json::to_string(&Payload::seal(&[b'x'; 5000])).unwrap_or_default();
    texts(&[
        r#"{"text":"{\"name\": \"Ada\"}"}"#,
        r#"{"base64":"/wA="}"#,
        r#"{"zstd":"KLUv/Q=="}"#,
        r#"{"stored":{"chunks":4294967295,"size":18446744073709551615,"zstd":true}}"#,
        r#"{"hunter2":"hunter2"}"#,
        &sealed,
    ])
}

pub(crate) fn bytes() -> Seeds {
    let mut seeds = texts(&[
        "\u{1}\u{1}text",
        "\u{40}\u{2}{\"name\": \"Ada\", \"n\": [1]}",
    ]);
    seeds.push((
        "binary".to_owned(),
        vec![200, 9, 0xff, 0, 0xfe, 7, 8, 9, 10, 11],
    ));
    if let Payload::Zstd(text) = Payload::seal(&[b'x'; 5000]) {
        let packed = STANDARD.decode(text).unwrap_or_default();
        seeds.push(("zstd".to_owned(), [vec![1, 1], packed].concat()));
    }
    seeds
}

pub(crate) fn route() -> Seeds {
    texts(&[
        "GET /2018-06-01/runtime/invocation/next",
        "POST /2018-06-01/runtime/invocation/8f2e6c1a-0000-4000-8000-000000000001/response",
        "POST /2018-06-01/runtime/invocation/a%2Fb/error?x=1#y",
        "POST /2018-06-01/runtime/init/error",
        "GET /2018-06-01/ping",
        "GET http://127.0.0.1:9001/2018-06-01/runtime//next",
        "OPTIONS *",
        "CONNECT h:1",
        "POST /2018-06-01/runtime/invocation//response",
    ])
}

pub(crate) fn headers() -> Seeds {
    let next = "lambda-runtime-aws-request-id: 8f2e6c1a\nlambda-runtime-deadline-ms: 1700000003000\n\
        lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-west-1:123456789012:function:hello\n\
        lambda-runtime-trace-id: Root=1-5e1b4151;Sampled=1\nlambda-runtime-invocation-id: i\n\
        content-type: application/json\ntransfer-encoding: chunked\nconnection: keep-alive\n";
    let ids = "lambda-runtime-aws-request-id: r\nlambda-runtime-deadline-ms: ";
    texts(&[
        next,
        &format!(
            "{ids}18446744073709551615\nte: trailers\ntrailer: Lambda-Runtime-Function-Error-Type"
        ),
        &format!("{ids}18446744073709551616\n"),
        &format!("{ids}+1\nlambda-runtime-client-context: {{\"é\": 1}}\nTE: x\nUpgrade: y\n"),
        &format!("{ids}-1\nlambda-runtime-aws-request-id:\n"),
    ])
}

pub(crate) fn errors() -> Seeds {
    texts(&[
        r#"{"errorMessage":"'name'","errorType":"KeyError","stackTrace":["  File \"app.py\", line 3"]}"#,
        r#"{"errorMessage":"","errorType":"","requestId":"r","cause":null}"#,
        r#"{"errorMessage":null,"errorType":1,"stackTrace":{"a":[]}}"#,
        "\"text\"",
    ])
}

pub(crate) fn templates() -> Seeds {
    let mut seeds = texts(&[
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {Handler: app.h, Runtime: python3.13, CodeUri: .}\n",
        "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\nResources: {<<: *a}\n",
        "Resources: {F: {Type: !Sub '${A::B}', Properties: !Ref F}}\n",
        "{\"Resources\": {\"F\": {\"Type\": \"\\ud83d\\ude00\", \"Fn::If\": [\"C\", {\"Ref\": \"F\"}]}}}",
        "Parameters: {P: {Type: String, Default: hunter2}}\nConditions: {C: !Equals [!Ref P, x]}\nResources: {}\nOutputs: {O: {Value: !GetAtt F.Arn}}\n",
        &deep(),
    ]);
    for file in [
        "benches/function/template.yaml",
        "examples/hello-python/template.yaml",
        "helper-stack/template.yaml",
    ] {
        let text = std::fs::read(root().join(file)).unwrap();
        seeds.push((file.replace('/', "-"), text));
    }
    seeds
}

pub(crate) fn policies() -> Seeds {
    texts(&[
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}]}"#,
        r#"{"Statement":{"Sid":"S","Effect":"Deny","NotAction":["s3:*"],"NotResource":["arn:aws:execute-api:*:?23*/live/$connect"]}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}}"#,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["123456789012","arn:aws:iam::123456789012:role/f"]},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalAccount":"${aws:PrincipalAccount, 'x'}","sts:ExternalId":"id"},"ForAllValues:ArnLikeIfExists":{"aws:SourceArn":"arn:aws:*:*:*:?${*}"}}}]}"#,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotPrincipal":{"Service":"lambda.amazonaws.com"},"Action":"*","Condition":{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]},"DateLessThan":{"aws:CurrentTime":"2027-01-01"},"NumericGreaterThan":{"k":1.5},"Null":{"k":true}}}]}"#,
        r#"{"Version":7,"Statement":[],"Id":null,"News":1}"#,
    ])
}

pub(crate) fn selections() -> Seeds {
    texts(&[
        "$request.body.action\n{\"action\":\"join\"}",
        "${request.body.a[0]['b']}/${request.body.*}-x\n{\"a\":[{\"b\":[1,null,\"é\"]}]}",
        "\\$default\n{}",
        "a=1&b=%2B+%ff&=&c",
        "$request.body..a[?(@.b)]\n[]",
    ])
}

/// Masked by nothing, so that a mutation of the text is one of what is read.
pub(crate) fn frames() -> Seeds {
    let frame = |first: u8, payload: &[u8]| {
        let mut bytes = vec![first];
        match u8::try_from(payload.len()) {
            Ok(short @ 0..=125) => bytes.push(0x80 | short),
            _ => {
                bytes.push(0x80 | 126);
                bytes.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
            }
        }
        bytes.extend([0; 4]);
        bytes.extend(payload);
        bytes
    };
    let parts = [
        frame(0x01, b"hel"),
        frame(0x89, b"?"),
        frame(0x00, "lö".as_bytes()),
        frame(0x8a, b""),
        frame(0x80, b"o"),
        frame(0x88, b"\x03\xe8enough"),
    ];
    let seeds = [
        ("text", frame(0x81, b"{\"action\":\"say\"}")),
        ("parts", parts.concat()),
        ("full", frame(0x81, &[b'x'; 32 * 1024])),
        ("larger", frame(0x81, &[b'x'; 32 * 1024 + 1])),
        (
            "five",
            [
                frame(0x01, &[b'x'; 32_000]),
                frame(0x00, &[b'x'; 32_000]).repeat(4),
            ]
            .concat(),
        ),
        ("binary", frame(0x82, &[0, 1])),
        ("no-code", frame(0x88, b"")),
        ("no-text", frame(0x81, &[0xff, 0xfe])),
        (
            "endless",
            b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0abc".to_vec(),
        ),
    ];
    seeds.map(|(name, bytes)| (name.to_owned(), bytes)).into()
}

pub(crate) fn http_answers() -> Seeds {
    let mut seeds = texts(&[
        r#"{"statusCode":201,"headers":{"X-One":"1","n":2,"b":true,"x":null},"multiValueHeaders":{"set-cookie":["a=1"]},"cookies":["b=2"],"body":"aGk=","isBase64Encoded":true}"#,
        r#"{"statusCode":"418","body":"{\"a\":1}"}"#,
        r#"{"statusCode":200,"headers":{"a\r\nb":"c\r\nd"},"body":7}"#,
        "\"Hello\"",
        "[1, 2.50, 1e400]",
        &deep(),
    ]);
    let head = br#"{"statusCode":204,"headers":{"a":"b"},"cookies":["c"]}"#;
    let stream = [head.as_slice(), &[0; 8], b"body"].concat();
    seeds.push(("stream".to_owned(), stream));
    seeds
}

pub(crate) fn opinions() -> Seeds {
    let policy = r#""principalId":"hunter2","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:*","Resource":"arn:aws:execute-api:*:*:*/live/GET/*"}]}"#;
    texts(&[
        &format!(
            r#"{{{policy},"context":{{"a":"hunter2","n":1,"b":true,"z":null}},"usageIdentifierKey":"hunter2"}}"#
        ),
        &format!(r#"{{{policy},"context":{{"list":[1],"map":{{}}}},"isAuthorized":false}}"#),
        r#"{"isAuthorized":true,"context":{"a":["hunter2"]}}"#,
        r#"{"isAuthorized":"true"}"#,
        r#"{"errorMessage":"Unauthorized","errorType":"Error"}"#,
        "null",
    ])
}

pub(crate) fn tokens() -> Seeds {
    let none = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiZXhwIjoxODAwMDAwMDAwLCJzdWIiOiJodW50ZXIyIn0.";
    let pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPO3g1Y/SyQmrLDdaUzQ3KG3X1zXa\nvENfgp55WvICh/QnolURg56uYu75j8vGugQJtYxyQKbHYnd57Y+2l+Y0Pw==\n-----END PUBLIC KEY-----";
    texts(&[
        crate::targets::http_apis::TOKEN,
        &format!("{none}\n{pem}"),
        &format!(
            r#"{none}{}{{"keys":[{{"kty":"EC","crv":"P-256","kid":"k","x":"AA","y":"AA"}}]}}"#,
            "\n"
        ),
        "a.b.c\n{\"keys\":[]}",
    ])
}

pub(crate) fn visits() -> Seeds {
    let signed = "GET /live/pets/1?a=1&a=%2B+x\nHost: h\nX-Amz-Date: 20260101T000000Z\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=00ff";
    texts(&[
        signed,
        "POST /a%2Fb%3Fc\nContent-Type: application/json\nCookie: a=1; b=2\nX-Forwarded-For: 1.2.3.4\n\n{\"append:header.x\":\"$request.querystring.q\",\"overwrite:path\":\"/${request.path}\"}",
        "OPTIONS /?X-Amz-Credential=A%2F20260101%2Fr%2Flambda%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=0\nOrigin: https://a.example\nAccess-Control-Request-Method: GET",
        "GET //pets/../%ff?&&=\n\n\u{0}",
    ])
}
