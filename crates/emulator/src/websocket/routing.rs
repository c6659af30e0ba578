//! Messages on their way to a function and back.

use super::connection::{End, Live};
use super::integration::{self, Question};
use super::{Api, CallResult, Definition};
use std::borrow::Cow;
use tether_apigw::websocket::limits::MESSAGE_BYTES;
use tether_apigw::websocket::rules::Then;
use tether_apigw::websocket::{
    Connection, Stamp, bad_request_body_frame, choose_route, complaint, disconnect_event,
    forbidden_frame, message_event, refused_frame, route_response, throttled_frame, validation,
};
use tether_sam::Route;

/// Finds a message's route, asks its integration, and sends what it answers.
pub(super) async fn route(api: &Api, live: &Live, body: &str) {
    let stamp = api.stamp(true);
    let connection = &live.connection;
    if let Err(refusal) = api.manners.check(live, body, &stamp) {
        api.manners.tell(api, live, &refusal);
        let frame = refusal.frame(&connection.connection_id, &stamp.request_id);
        live.send(frame).await;
        if refusal.then == Then::Close {
            live.expel();
        }
        return;
    }
    let definition = api.definition();
    let selected = definition.selection.select(body);
    let key = choose_route(&selected, definition.routes.keys().map(String::as_str));
    let route = key.and_then(|key| definition.routes.get(key));
    let integration = route.and_then(|it| Some((it, it.integration.as_ref()?)));
    let Some((route, integration)) = integration else {
        live.send(forbidden_frame(
            &connection.connection_id,
            &stamp.request_id,
        ))
        .await;
        return;
    };
    let connection = &*as_it_is_now(connection, &definition);
    if let Some(frame) = held_back(api, &definition, route, connection, body, &stamp) {
        live.send(frame).await;
        return;
    }
    let question = Question {
        connection,
        route,
        event: message_event(connection, &route.route_key, body, &stamp),
    };
    let result = integration::ask(api, integration, question).await;
    if let Some(complaint) = complaint(&result.borrowed()) {
        api.notice(format!(
            "{} {}: {complaint}",
            api.logical_id, route.route_key
        ));
    }
    if let Some(frame) = answer(api, route, connection, &result, &stamp) {
        live.send(frame).await;
    }
}

/// What a client hears of what came of its message, if anything.
fn answer(
    api: &Api,
    route: &Route,
    connection: &Connection,
    result: &CallResult,
    stamp: &Stamp,
) -> Option<String> {
    let (id, request_id) = (&connection.connection_id, &stamp.request_id);
    if let CallResult::Refused(refusal) = result {
        return Some(refused_frame(refusal.message, id, request_id));
    }
    let reply = route_response(&result.borrowed());
    if route.has_route_response && reply.is_too_long() {
        api.notice(format!(
            "{} {}: the answer is longer than {MESSAGE_BYTES} bytes, which no message may be: send it in parts, by @connections",
            api.logical_id, route.route_key
        ));
    }
    reply.frame(route.has_route_response, id, request_id)
}

/// What a client hears of a message that comes too soon, or that its route's model does
/// not describe.
fn held_back(
    api: &Api,
    definition: &Definition,
    route: &Route,
    connection: &Connection,
    body: &str,
    stamp: &Stamp,
) -> Option<String> {
    let (id, request_id) = (&connection.connection_id, &stamp.request_id);
    let stage = definition.stages.get(&connection.stage);
    if stage.is_some_and(|it| !it.throttles.take(&route.route_key)) {
        return Some(throttled_frame(id, request_id));
    }
    let expression = route.model_selection.as_deref()?;
    let models = &definition.models;
    let held = validation::check(expression, &route.request_models, models, body);
    let (name, key) = (&api.logical_id, &route.route_key);
    api.notice(format!("{name} {key}: {}", held.err()?));
    let message_id = stamp.message_id.as_ref().unwrap_or(request_id);
    Some(bad_request_body_frame(id, message_id))
}

/// A template that was saved meanwhile may have given its stage other variables: they are not
/// the connection's own.
fn as_it_is_now<'a>(connection: &'a Connection, definition: &Definition) -> Cow<'a, Connection> {
    match definition.stages.get(&connection.stage) {
        Some(stage) if stage.variables != connection.stage_variables => {
            let mut connection = connection.clone();
            connection.stage_variables.clone_from(&stage.variables);
            Cow::Owned(connection)
        }
        _ => Cow::Borrowed(connection),
    }
}

/// Tells `$disconnect`; best effort, as on AWS.
pub(super) async fn disconnected(api: &Api, connection: &Connection, end: &End) {
    if api.ending.is_cancelled() {
        // Nobody is left to be told when the emulator ends.
        return;
    }
    let definition = api.definition();
    let Some(route) = definition.routes.get("$disconnect") else {
        return;
    };
    let Some(integration) = &route.integration else {
        return;
    };
    let stamp = api.stamp(false);
    let connection = &*as_it_is_now(connection, &definition);
    let question = Question {
        connection,
        route,
        event: disconnect_event(connection, end.code, &end.reason, &stamp),
    };
    let _: CallResult = integration::ask(api, integration, question).await;
}
