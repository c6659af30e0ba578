//! What `tether local` tells.

use super::{GOOD, NAME, Output, SOFT, WARN};
use serde_json::json;
use tether_local::{Report, ServedApi, ServedFunction};

impl Output {
    /// Something that happened to a template that is served.
    pub(crate) fn local(&self, report: &Report) {
        if let Report::Log(line) = report {
            return self.log(line);
        }
        self.tell(lines(report), || json!(report));
    }
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
                "{WARN}the template has changed and is not served like that; what was served before goes on:{WARN:#}"
            )];
            lines.extend(message.lines().map(str::to_owned));
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

fn table(endpoint: &str, apis: &[ServedApi], functions: &[ServedFunction]) -> Vec<String> {
    let mut lines = Vec::new();
    for api in apis {
        let (id, kind, url) = (&api.logical_id, api.kind, &api.url);
        lines.push(format!("  {NAME}{id}{NAME:#}  {SOFT}{kind}{SOFT:#}  {url}"));
    }
    for function in functions {
        let (id, name) = (&function.logical_id, &function.name);
        lines.push(format!(
            "  {NAME}{id}{NAME:#}  {SOFT}function{SOFT:#}  {name}"
        ));
    }
    lines.push(format!(
        "{GOOD}ready{GOOD:#}: Lambda, DynamoDB and CloudFormation at {endpoint}; Ctrl-C ends it"
    ));
    lines
}
