//! Expressions that pick models and templates, looked at before any message comes.

use tether_apigw::websocket::templates::check_selection;
use tether_apigw::websocket::{RouteSelection, SelectionError};
use tether_sam::Route;

/// A wrong expression would fail for each message.
pub(super) fn check(route: &Route) -> Result<(), String> {
    let wrong = |logical_id: &str, property: &str, error: SelectionError| {
        format!("{logical_id}: {property}: {error}")
    };
    if let Some(expression) = &route.model_selection {
        RouteSelection::parse(expression)
            .map_err(|error| wrong(&route.logical_id, "ModelSelectionExpression", error))?;
    }
    let integration = route.integration.as_ref();
    // A proxy has no templates.
    let Some(integration) = integration.filter(|it| !it.kind.ends_with("_PROXY")) else {
        return Ok(());
    };
    let own = (&integration.logical_id, &integration.template_selection);
    let responses = integration.responses.iter();
    let responses = responses.map(|it| (&it.logical_id, &it.template_selection));
    let all = std::iter::once((own, false)).chain(responses.map(|it| (it, true)));
    for ((logical_id, expression), of_answer) in all {
        if let Some(expression) = expression {
            check_selection(expression, of_answer)
                .map_err(|error| wrong(logical_id, "TemplateSelectionExpression", error))?;
        }
    }
    Ok(())
}
