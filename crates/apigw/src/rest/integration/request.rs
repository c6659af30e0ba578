//! What an integration is sent.

use super::super::binary::MediaTypes;
use super::super::events::integration_headers;
use super::super::exchange::Exchange;
use super::super::fault::{Fault, FaultKind};
use super::super::headers::{self, Headers, can_be_sent};
use super::mapping;
use super::template::{self, RequestOverride};
use super::{Call, ContentHandling, Integration, Kind, Passthrough, Prepared, ResponseOverride};
use crate::query;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

/// No mapping may set these: AWS answers 500.
pub(crate) const NOT_MAPPED: [&str; 4] = [
    "content-length",
    "transfer-encoding",
    "x-amzn-trace-id",
    "x-amzn-apigateway-api-id",
];

/// What is to be called.
///
/// # Errors
/// 415 for a body without a template, 500 for a template or a mapping that fails, 400 for a body that
/// a mapping or a function cannot read.
pub fn prepare(
    integration: &Integration,
    exchange: &Exchange<'_>,
    binary: &MediaTypes,
) -> Result<Prepared, Fault> {
    let mut mapped = mapped(integration, exchange)?;
    if integration.kind == Kind::HttpProxy {
        let body = exchange.request.body.clone();
        let call = http_call(integration, exchange, mapped, body)?;
        return Ok(Prepared {
            call,
            overrides: ResponseOverride::default(),
        });
    }
    let (body, overrides) = body(integration, exchange, binary, &mut mapped)?;
    let call = match integration.kind {
        Kind::Mock => Call::Mock {
            status: mock_status(&body)?,
        },
        Kind::Lambda => lambda_call(&mapped, body)?,
        Kind::Http | Kind::HttpProxy => http_call(integration, exchange, mapped, body)?,
    };
    Ok(Prepared { call, overrides })
}

/// Parameters by where they go.
#[derive(Default)]
struct Mapped {
    headers: Vec<(String, Vec<String>)>,
    query: Vec<(String, Vec<String>)>,
    path: Vec<(String, Vec<String>)>,
}

fn mapped(integration: &Integration, exchange: &Exchange<'_>) -> Result<Mapped, Fault> {
    let mut mapped = Mapped::default();
    for (target, source) in &integration.request_parameters {
        let target = target
            .strip_prefix("integration.request.")
            .unwrap_or(target);
        let (place, name) = target.split_once('.').unwrap_or((target, ""));
        let values = mapping::of_request(source, exchange)?;
        if values.is_empty() {
            continue;
        }
        let pair = (name.to_owned(), values);
        match place {
            "header" => mapped.headers.push(pair),
            "querystring" => mapped.query.push(pair),
            "path" => mapped.path.push(pair),
            _ => {}
        }
    }
    let forbidden = mapped.headers.iter().map(|(name, _)| name);
    let mut forbidden =
        forbidden.filter(|name| NOT_MAPPED.contains(&name.to_ascii_lowercase().as_str()));
    match forbidden.next() {
        None => Ok(mapped),
        Some(name) => {
            let reason = format!(
                "the integration maps the header {name}, which is the gateway's own: remove the mapping"
            );
            Err(Fault::new(FaultKind::InternalServerError, reason))
        }
    }
}

impl Mapped {
    fn override_by(&mut self, set: RequestOverride) {
        let places = [
            (&mut self.headers, set.headers),
            (&mut self.query, set.query),
            (&mut self.path, set.path),
        ];
        for (place, set) in places {
            for (name, values) in set {
                place.retain(|(other, _)| *other != name);
                place.push((name, values));
            }
        }
    }
}

/// The body as its template makes it, or as it came.
fn body(
    integration: &Integration,
    exchange: &Exchange<'_>,
    binary: &MediaTypes,
    mapped: &mut Mapped,
) -> Result<(Bytes, ResponseOverride), Fault> {
    let none = ResponseOverride::default();
    let template = chosen(integration, exchange)?;
    let body = converted(integration, exchange, binary)?;
    let Some(template) = template else {
        return Ok((body, none));
    };
    let text = String::from_utf8_lossy(&body).into_owned();
    let rendered = template::run(template, text, exchange, &none)?;
    mapped.override_by(rendered.request);
    Ok((Bytes::from(rendered.body), rendered.response))
}

/// Without a `Content-Type` a body is JSON; `$default` is for every other.
fn chosen<'a>(
    integration: &'a Integration,
    exchange: &Exchange<'_>,
) -> Result<Option<&'a str>, Fault> {
    let content_type = exchange.request.header("Content-Type");
    let content_type = content_type.unwrap_or("application/json");
    let bare = content_type.split(';').next().unwrap_or_default().trim();
    let templates = &integration.request_templates;
    let found = templates.get(content_type).or_else(|| templates.get(bare));
    if let Some(template) = found.or_else(|| templates.get("$default")) {
        return Ok(Some(template)
            .filter(|text| !text.is_empty())
            .map(String::as_str));
    }
    let refused = match integration.passthrough {
        Passthrough::WhenNoMatch => false,
        Passthrough::WhenNoTemplates => !templates.is_empty(),
        Passthrough::Never => true,
    };
    match refused {
        false => Ok(None),
        true => {
            let reason = format!(
                "the integration has no mapping template for {bare}, and no passthrough: add a template"
            );
            Err(Fault::new(FaultKind::UnsupportedMediaType, reason))
        }
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html>
fn converted(
    integration: &Integration,
    exchange: &Exchange<'_>,
    binary: &MediaTypes,
) -> Result<Bytes, Fault> {
    let body = &exchange.request.body;
    let is_binary = binary.content_type(exchange.request.header("Content-Type"));
    Ok(match (integration.content_handling, is_binary) {
        (Some(ContentHandling::ToText), true) => Bytes::from(STANDARD.encode(body)),
        (Some(ContentHandling::ToBinary), false) if !body.is_empty() => {
            let decoded = STANDARD.decode(body.trim_ascii());
            let reason =
                "the request's body is no base64, and its integration converts it to binary";
            let failed = |_| Fault::new(FaultKind::ApiConfigurationError, reason);
            Bytes::from(decoded.map_err(failed)?)
        }
        (_, true) | (Some(ContentHandling::ToBinary), false) => body.clone(),
        // Bytes that are no UTF-8 are lost here as they are on AWS.
        (_, false) => Bytes::from(String::from_utf8_lossy(body).into_owned()),
    })
}

/// `{"statusCode": 200}`, as loosely written as CDK does: `{ statusCode: 200 }`.
pub(crate) fn mock_status(body: &[u8]) -> Result<u16, Fault> {
    let text = String::from_utf8_lossy(body);
    let strict = serde_json::from_str(&text).ok();
    let strict = strict.and_then(|value: Value| match &value["statusCode"] {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    });
    let loose = || {
        let (_, behind) = text.split_once("statusCode")?;
        let behind = behind.trim_start_matches(['"', '\'']).trim_start();
        let value = behind
            .strip_prefix(':')?
            .trim_start()
            .trim_start_matches(['"', '\'']);
        let end = value
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(value.len());
        value[..end].parse().ok()
    };
    let status = strict
        .or_else(loose)
        .and_then(|status: u64| u16::try_from(status).ok());
    status.ok_or_else(|| {
        let reason = "the mock integration's request template gives no statusCode: write {\"statusCode\": 200}";
        Fault::new(FaultKind::InternalServerError, reason)
    })
}

/// No body is an empty event. What Lambda says of a payload that is no JSON is `[inf]` in its status.
fn lambda_call(mapped: &Mapped, body: Bytes) -> Result<Call, Fault> {
    let payload = match body.trim_ascii().is_empty() {
        true => Bytes::from_static(b"{}"),
        false => body,
    };
    if serde_json::from_slice::<Value>(&payload).is_err() {
        let reason =
            "the function's event is no JSON: check the mapping template, or the request's body";
        let fault = Fault::new(FaultKind::BadRequest, reason);
        return Err(fault.saying("Could not parse request body into json"));
    }
    let mut headers = mapped.headers.iter();
    let kind = headers.find(|(name, _)| name.eq_ignore_ascii_case("X-Amz-Invocation-Type"));
    Ok(Call::Lambda {
        payload,
        asynchronous: kind.is_some_and(|(_, values)| values.iter().any(|it| it == "Event")),
    })
}

fn http_call(
    integration: &Integration,
    exchange: &Exchange<'_>,
    mapped: Mapped,
    body: Bytes,
) -> Result<Call, Fault> {
    let own = integration.http_method.as_deref();
    let method = own.filter(|method| !method.is_empty() && *method != "ANY");
    let method = method.unwrap_or(&exchange.request.method).to_owned();
    let is_proxy = integration.kind == Kind::HttpProxy;
    let query = match is_proxy {
        true => query::decode(&exchange.request.query),
        false => Vec::new(),
    };
    let url = url(integration, exchange, &mapped, query)?;
    let headers = match is_proxy {
        true => proxied_headers(exchange, &mapped),
        false => own_headers(exchange, &method, &mapped),
    };
    Ok(Call::Http {
        method,
        url,
        headers,
        body,
    })
}

/// Stage variables, then path parameters, then the query: what the URL has, what the request has and
/// what is mapped, as recorded by LocalStack's `test_http_proxy_integration_request_data_mappings`.
fn url(
    integration: &Integration,
    exchange: &Exchange<'_>,
    mapped: &Mapped,
    query: Vec<(String, String)>,
) -> Result<String, Fault> {
    let Some(uri) = integration.uri.as_deref().filter(|uri| !uri.is_empty()) else {
        let reason = "the HTTP integration has no Uri: add one";
        return Err(Fault::new(FaultKind::ApiConfigurationError, reason));
    };
    let mut url = uri.to_owned();
    for (name, value) in &exchange.stage.variables {
        url = url.replace(&format!("${{stageVariables.{name}}}"), value);
    }
    for (name, values) in &mapped.path {
        let value = values.join(",");
        url = url.replace(&format!("{{{name}}}"), &value);
        url = url.replace(&format!("{{{name}+}}"), &value);
    }
    let mapped = mapped
        .query
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |it| (name, it)));
    let all = query
        .iter()
        .map(|(name, value)| (name, value))
        .chain(mapped);
    for (name, value) in all {
        query::append(&mut url, name, value);
    }
    Ok(url)
}

/// All of the request's, and `X-Forwarded-*`: recorded for proxies alone.
fn proxied_headers(exchange: &Exchange<'_>, mapped: &Mapped) -> Headers {
    let mut all = integration_headers(exchange);
    all.retain(|(name, _)| !name.eq_ignore_ascii_case("Host"));
    add(&mut all, mapped);
    headers::set(
        &mut all,
        "X-Amzn-Apigateway-Api-Id",
        exchange.at.api_id.as_str(),
    );
    all
}

/// What is mapped, and what the gateway sends for itself, as recorded by LocalStack's
/// `test_http_integration_with_lambda`.
fn own_headers(exchange: &Exchange<'_>, method: &str, mapped: &Mapped) -> Headers {
    let api = exchange.at.api_id.as_str();
    let mut all = Headers::new();
    headers::set(&mut all, "Accept", "application/json");
    headers::set(&mut all, "User-Agent", format!("AmazonAPIGateway_{api}"));
    let content_type = exchange.request.header("Content-Type");
    if let Some(content_type) =
        content_type.filter(|_| !["GET", "HEAD", "OPTIONS"].contains(&method))
    {
        headers::set(&mut all, "Content-Type", content_type);
    }
    add(&mut all, mapped);
    headers::set(
        &mut all,
        "X-Amzn-Trace-Id",
        exchange.stamp.trace_id.as_str(),
    );
    headers::set(&mut all, "X-Amzn-Apigateway-Api-Id", api);
    all
}

fn add(all: &mut Headers, mapped: &Mapped) {
    for (name, values) in &mapped.headers {
        let value = values.join(",");
        if can_be_sent(name, &value) {
            headers::set(all, name, value);
        }
    }
}
