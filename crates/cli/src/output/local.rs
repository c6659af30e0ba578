//! What `tether local` tells.

use super::{BAD, GOOD, NAME, Output, SOFT, WARN};
use anstyle::Style;
use serde_json::json;
use std::time::Duration;
use tether_emulator::Access;
use tether_local::{Report, ServedApi, ServedFunction};

impl Output {
    /// Something that happened to a template that is served.
    pub(crate) fn local(&self, report: &Report) {
        self.tell(lines(report), || json!(report));
    }

    /// A request that an API has answered.
    pub(crate) fn request(&self, access: &Access<'_>) {
        let event = || {
            json!({
                "event": "request",
                "api": access.api,
                "method": access.method,
                "path": access.path,
                "route": access.route,
                "function": access.function,
                "status": access.status,
                "ms": milliseconds(access.took),
            })
        };
        self.tell(vec![request_line(access)], event);
    }
}

fn milliseconds(took: Duration) -> f64 {
    // A hundredth is enough.
    (took.as_secs_f64() * 100_000.0).round() / 100.0
}

fn request_line(access: &Access<'_>) -> String {
    let style: Style = match access.status {
        0..400 => GOOD,
        400..500 => WARN,
        _ => BAD,
    };
    let (method, path, status) = (access.method, access.path, access.status);
    let took = milliseconds(access.took);
    format!("{style}{status}{style:#} {method} {path} {SOFT}{took} ms{SOFT:#}")
}

fn lines(report: &Report) -> Vec<String> {
    match report {
        Report::Notice { message } => vec![super::note(message)],
        Report::Ready {
            endpoint,
            apis,
            functions,
            ..
        } => table(endpoint, apis, functions),
        Report::Debugger { .. } | Report::RuntimeApi { .. } => shared(report)
            .map(|it| super::lines(&it))
            .unwrap_or_default(),
        Report::Reloaded { template } => {
            vec![format!("{GOOD}reloaded{GOOD:#} {}", template.display())]
        }
        Report::NotReloaded { message } => {
            let mut lines = vec![format!(
                "{WARN}the template has changed and cannot be served like that; what was served before goes on:{WARN:#}"
            )];
            lines.extend(message.lines().map(|it| format!("  {it}")));
            lines
        }
        _ => Vec::new(),
    }
}

/// What looks the same under `attach`.
fn shared(report: &Report) -> Option<tether_receiver::Report> {
    Some(match report.clone() {
        Report::Debugger {
            function,
            kind,
            host,
            port,
            waits,
            editor_listens,
        } => tether_receiver::Report::Debugger {
            function,
            kind,
            host,
            port,
            waits,
            editor_listens,
        },
        Report::RuntimeApi {
            function,
            address,
            env_file,
        } => tether_receiver::Report::RuntimeApi {
            function,
            address,
            env_file,
        },
        _ => return None,
    })
}

/// APIs with their routes, functions that no route names, and where SDKs go.
fn table(endpoint: &str, apis: &[ServedApi], functions: &[ServedFunction]) -> Vec<String> {
    let mut lines = Vec::new();
    let routes = || apis.iter().flat_map(|it| &it.routes);
    let width = routes().map(|it| it.route.chars().count()).max();
    let width = width.unwrap_or_default();
    for api in apis {
        let (id, kind, url) = (&api.logical_id, api.kind, &api.url);
        lines.push(format!("{NAME}{id}{NAME:#} {SOFT}{kind}{SOFT:#} {url}"));
        for route in &api.routes {
            let gap = width.saturating_sub(route.route.chars().count());
            let by = match &route.authorizer {
                Some(name) => format!("  {SOFT}authorizer {name}{SOFT:#}"),
                None => String::new(),
            };
            lines.push(format!(
                "  {}{}  {SOFT}→{SOFT:#} {}{by}",
                route.route,
                " ".repeat(gap),
                route.target
            ));
        }
    }
    let named = |id: &str| routes().any(|it| it.target == id);
    let others: Vec<&str> = functions
        .iter()
        .map(|it| it.logical_id.as_str())
        .filter(|id| !named(id))
        .collect();
    if !others.is_empty() {
        lines.push(format!(
            "{SOFT}by invocation:{SOFT:#} {}",
            others.join(", ")
        ));
    }
    lines.push(format!(
        "{SOFT}Lambda, DynamoDB and CloudFormation are here: {endpoint}; everything else is AWS's{SOFT:#}"
    ));
    lines.push(format!("{GOOD}ready{GOOD:#}: Ctrl-C ends it"));
    lines
}
