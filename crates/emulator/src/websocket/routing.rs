//! Messages on their way to a function and back.

use super::connection::{End, Live};
use super::{Api, CallResult};
use tether_apigw::websocket::limits::INTEGRATION_TIMEOUT;
use tether_apigw::websocket::{
    choose_route, disconnect_event, forbidden_frame, message_event, route_response,
};
use tokio::time::timeout;

/// Finds a message's route, runs its function, and sends what it answers.
pub(super) async fn route(api: &Api, live: &Live, body: &str) {
    let stamp = api.stamp(true);
    let connection_id = &live.connection.connection_id;
    let definition = api.definition();
    let selected = definition.selection.select(body);
    let key = choose_route(&selected, definition.routes.keys().map(String::as_str));
    let route = key.and_then(|key| definition.routes.get(key));
    let function = route.and_then(|it| it.integration.as_ref()?.function_arn.clone());
    let (Some(route), Some(function)) = (route, function) else {
        live.send(forbidden_frame(connection_id, &stamp.request_id))
            .await;
        return;
    };
    let event = message_event(&live.connection, &route.route_key, body, &stamp);
    let part = format!("{}/{}", live.connection.stage, route.route_key);
    let result = timeout(INTEGRATION_TIMEOUT, api.call(&part, &function, &event)).await;
    let result = result.unwrap_or(CallResult::Failed);
    let reply = route_response(&result.borrowed());
    if let Some(frame) = reply.frame(route.has_route_response, connection_id, &stamp.request_id) {
        live.send(frame).await;
    }
}

/// Tells `$disconnect`; best effort, as on AWS.
pub(super) async fn disconnected(api: &Api, live: &Live, end: &End) {
    if api.ending.is_cancelled() {
        // Nobody is left to be told when the emulator ends.
        return;
    }
    let definition = api.definition();
    let route = definition.routes.get("$disconnect");
    let Some(function) = route.and_then(|it| it.integration.as_ref()?.function_arn.clone()) else {
        return;
    };
    let stamp = api.stamp(false);
    let event = disconnect_event(&live.connection, end.code, &end.reason, &stamp);
    let part = format!("{}/$disconnect", live.connection.stage);
    let _ = timeout(INTEGRATION_TIMEOUT, api.call(&part, &function, &event)).await;
}
