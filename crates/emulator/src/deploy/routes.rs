//! The routes of an API, for people.

use super::DeployedRoute;
use tether_sam::api::{Api, ApiRoute, Authorization, IntegrationKind};
use tether_sam::{Stack, WebSocketApi};

pub(super) fn of_http(target: &Stack, api: &Api) -> Vec<DeployedRoute> {
    let routes = api.routes.iter();
    routes
        .map(|route| DeployedRoute {
            route: match route.path.as_str() {
                "$default" => "$default".to_owned(),
                path => format!("{} {path}", route.method),
            },
            target: answers(target, route),
            authorizer: match &route.authorization {
                Authorization::None => None,
                Authorization::Iam => Some("AWS_IAM".to_owned()),
                Authorization::Authorizer { name, .. } => Some(name.clone()),
            },
        })
        .collect()
}

fn answers(target: &Stack, route: &ApiRoute) -> String {
    let Some(integration) = &route.integration else {
        return "nothing".to_owned();
    };
    if let Some(function) = &integration.function {
        return logical_id(target, function);
    }
    match (integration.kind, &integration.uri) {
        (IntegrationKind::Mock, _) => "mock".to_owned(),
        (_, Some(uri)) => uri.clone(),
        (_, None) => "nothing".to_owned(),
    }
}

/// A function's, by its ARN or name.
fn logical_id(target: &Stack, function: &str) -> String {
    let name = function.rsplit("function:").next().unwrap_or(function);
    let name = name.split(':').next().unwrap_or(name);
    let mut resources = target.resources.values();
    let found = resources.find(|it| it.reference == name);
    found.map_or_else(|| function.to_owned(), |it| it.logical_id.clone())
}

pub(super) fn of_websocket(target: &Stack, api: &WebSocketApi) -> Vec<DeployedRoute> {
    let routes = api.routes.iter();
    routes
        .map(|route| {
            let integration = route.integration.as_ref();
            let function = integration.and_then(|it| it.function_arn.as_deref());
            let other = integration.map_or("nothing", |it| it.kind.as_str());
            DeployedRoute {
                route: route.route_key.clone(),
                target: function.map_or_else(|| other.to_owned(), |it| logical_id(target, it)),
                authorizer: match &route.authorizer {
                    Some(authorizer) => Some(authorizer.name.clone()),
                    None if route.authorization_type == "AWS_IAM" => Some("AWS_IAM".to_owned()),
                    None => None,
                },
            }
        })
        .collect()
}
