//! Messages on their way to a function and back.

use super::connection::{End, Live};
use super::integration::{self, Question};
use super::{Api, CallResult};
use tether_apigw::websocket::rules::Then;
use tether_apigw::websocket::{
    Connection, choose_route, complaint, disconnect_event, forbidden_frame, message_event,
    refused_frame, route_response, throttled_frame,
};

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
    let stage = definition.stages.get(&connection.stage);
    if stage.is_some_and(|it| !it.throttles.take(&route.route_key)) {
        live.send(throttled_frame(
            &connection.connection_id,
            &stamp.request_id,
        ))
        .await;
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
    let (id, request_id) = (&connection.connection_id, &stamp.request_id);
    let frame = match &result {
        CallResult::Refused(refusal) => Some(refused_frame(refusal.message, id, request_id)),
        other => {
            let reply = route_response(&other.borrowed());
            reply.frame(route.has_route_response, id, request_id)
        }
    };
    if let Some(frame) = frame {
        live.send(frame).await;
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
    let question = Question {
        connection,
        route,
        event: disconnect_event(connection, end.code, &end.reason, &stamp),
    };
    let _: CallResult = integration::ask(api, integration, question).await;
}
