//! Who is let in: the account's limit, a signature or the authorizer, a key, what must be
//! sent, the application's rules, and `$connect`, in this order. It is REST's `[inf]`: a
//! key may come from the authorizer.

use super::integration::{self, Question};
use super::keys::{self, KeySource};
use super::manners::Standing;
use super::signed::check_signature;
use super::{Api, CallResult, Definition};
use serde_json::json;
use std::time::Instant;
use tether_apigw::authorizer::{self, IdentitySource, Verdict};
use tether_apigw::http::Request;
use tether_apigw::websocket::{
    Connection, Handshake, HandshakeAnswer, Stamp, authorizer_event, complaint, connect_answer,
    connect_event, method_arn, throttled_frame,
};
use tether_sam::{Authorizer, Route};

/// What came with the handshake.
pub(super) struct Entrance<'a> {
    pub(super) handshake: &'a Handshake,
    /// As the client sent it.
    pub(super) request: &'a Request,
}

/// What becomes of it.
pub(super) struct Admitted {
    pub(super) answer: HandshakeAnswer,
    pub(super) manners: Standing,
}

impl From<HandshakeAnswer> for Admitted {
    fn from(answer: HandshakeAnswer) -> Self {
        Self {
            answer,
            manners: Standing::default(),
        }
    }
}

/// Asks everybody who has a say.
pub(super) async fn admit(
    api: &Api,
    connection: &mut Connection,
    entrance: &Entrance<'_>,
) -> Admitted {
    let stamp = api.stamp(false);
    if !api.connects.take() {
        return throttled(connection, &stamp).into();
    }
    let definition = api.definition();
    let Some(route) = definition.routes.get("$connect") else {
        let accept = || HandshakeAnswer::Accept { subprotocol: None };
        return match api
            .manners
            .admit(api, connection, entrance.handshake, &stamp)
        {
            Ok(manners) => Admitted {
                answer: accept(),
                manners,
            },
            Err(refused) => refused.into(),
        };
    };
    let stage = definition.stages.get(&connection.stage);
    if stage.is_some_and(|it| !it.throttles.take("$connect")) {
        return throttled(connection, &stamp).into();
    }
    let refused = check(api, &definition, route, connection, entrance).await;
    if let Some(refused) = refused {
        return refused.into();
    }
    match api
        .manners
        .admit(api, connection, entrance.handshake, &stamp)
    {
        Ok(manners) => Admitted {
            answer: connect(api, route, connection, entrance.handshake).await,
            manners,
        },
        Err(refused) => refused.into(),
    }
}

fn throttled(connection: &Connection, stamp: &Stamp) -> HandshakeAnswer {
    HandshakeAnswer::Refuse {
        status: 429,
        body: throttled_frame(&connection.connection_id, &stamp.request_id),
    }
}

/// None: let in.
async fn check(
    api: &Api,
    definition: &Definition,
    route: &Route,
    connection: &mut Connection,
    entrance: &Entrance<'_>,
) -> Option<HandshakeAnswer> {
    let handshake = entrance.handshake;
    if route.authorization_type == "AWS_IAM"
        && !api.lets_everybody_in
        && let Some(refused) = check_signature(api, connection, entrance.request)
    {
        return Some(refused);
    }
    let authorizer = route.authorizer.as_ref();
    let usage_key = match authorizer.filter(|_| !api.lets_everybody_in) {
        None => None,
        Some(authorizer) => match authorize(api, authorizer, connection, handshake).await {
            Ok(usage_key) => usage_key,
            Err(refused) => return Some(refused),
        },
    };
    let stamp = api.stamp(false);
    let source = definition.keys;
    // Nobody is asked who would know it.
    let unknown = api.lets_everybody_in && source == KeySource::Authorizer;
    if route.api_key_required && !unknown {
        let key = match source {
            KeySource::Authorizer => usage_key,
            KeySource::Header => handshake.header("x-api-key").map(str::to_owned),
        };
        if let Some(refused) = keys::check(api, connection, source, key, &stamp) {
            return Some(refused);
        }
    }
    missing(route, connection, handshake, &stamp)
}

/// What must be sent and is not.
fn missing(
    route: &Route,
    connection: &Connection,
    handshake: &Handshake,
    stamp: &Stamp,
) -> Option<HandshakeAnswer> {
    let sources = route.required_parameters.iter();
    let mut sources = sources.filter_map(|it| IdentitySource::parse(it).ok());
    let missing = sources.find(|it| it.value(handshake, connection, stamp).is_none())?;
    // https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html,
    // BAD_REQUEST_PARAMETERS.
    let message = format!("Missing required request parameters: [{missing}]");
    Some(HandshakeAnswer::Refuse {
        status: 400,
        body: json!({ "message": message }).to_string(),
    })
}

/// Lets in, perhaps with the key of whoever connects.
async fn authorize(
    api: &Api,
    authorizer: &Authorizer,
    connection: &mut Connection,
    handshake: &Handshake,
) -> Result<Option<String>, HandshakeAnswer> {
    let stamp = api.stamp(false);
    let sources = authorizer.identity_sources.iter();
    let sources: Result<Vec<_>, _> = sources.map(|it| IdentitySource::parse(it)).collect();
    let verdict = match sources {
        Err(error) => {
            api.notice(format!("{}: {error}", authorizer.logical_id));
            Verdict::Unauthorized
        }
        Ok(sources) => match authorizer::check(&sources, handshake, connection, &stamp) {
            // Without all its identity sources it is not even asked.
            Err(_) => Verdict::Unauthorized,
            Ok(()) => ask_authorizer(api, authorizer, connection, handshake, &stamp).await,
        },
    };
    if let Verdict::Error(error) = &verdict {
        api.notice(format!("{}: {error}", authorizer.logical_id));
    }
    let refusal = verdict.refusal(&connection.connection_id, &stamp.request_id);
    match (refusal, verdict) {
        (Some(refused), _) => Err(refused),
        (None, Verdict::Allow { usage_key, .. }) => Ok(usage_key),
        (None, _) => Ok(None),
    }
}

async fn ask_authorizer(
    api: &Api,
    authorizer: &Authorizer,
    connection: &mut Connection,
    handshake: &Handshake,
    stamp: &Stamp,
) -> Verdict {
    let arn = method_arn(
        &api.partition,
        &api.region,
        &api.account_id,
        &api.id,
        &connection.stage,
        "$connect",
    );
    let event = authorizer_event(connection, handshake, &arn, stamp);
    let asked = Instant::now();
    let part = format!("authorizers/{}", authorizer.id);
    let result = api.call(&part, &authorizer.function_arn, &event).await;
    let verdict = authorizer::verdict(&result.borrowed(), &arn);
    if let Verdict::Allow {
        principal_id,
        context,
        ..
    } = &verdict
    {
        let took = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
        connection.authorizer = Some(authorizer::event_context(principal_id, context, took));
    }
    verdict
}

async fn connect(
    api: &Api,
    route: &Route,
    connection: &Connection,
    handshake: &Handshake,
) -> HandshakeAnswer {
    let Some(integration) = &route.integration else {
        return HandshakeAnswer::Accept { subprotocol: None };
    };
    let stamp = api.stamp(false);
    let question = Question {
        connection,
        route,
        event: connect_event(connection, handshake, &stamp),
    };
    let result = integration::ask(api, integration, question).await;
    if let CallResult::Refused(refusal) = result {
        // https://repost.aws/knowledge-center/api-gateway-rest-api-lambda-integrations
        // "Invalid permissions on Lambda function" is an error of the configuration, and so is a
        // MOCK without a status: https://gist.github.com/maatthc/9d2dfe0448733f0ee1624d658fbac80f
        return HandshakeAnswer::Refuse {
            status: refusal.status,
            body: json!({ "message": refusal.message }).to_string(),
        };
    }
    if let Some(complaint) = complaint(&result.borrowed()) {
        api.notice(format!("{} $connect: {complaint}", api.logical_id));
    }
    connect_answer(&result.borrowed())
}
