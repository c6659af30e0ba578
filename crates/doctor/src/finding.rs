//! What is found, and what it counts.

use super::PATIENCE;
use serde::Serialize;
use std::sync::{Mutex, PoisonError};

/// A step of the road.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Where.
    Region,
    /// The way to AWS: proxy, certificates.
    Network,
    /// As whom.
    Credentials,
    /// This machine's clock.
    Clock,
    /// The installation.
    HelperStack,
    /// The role that attach works with.
    DeveloperRole,
    /// What stands in the helper stack is there.
    HelperParts,
    /// What the role may do.
    DeveloperRights,
    /// What the helper stack's own roles may do.
    HelperRights,
    /// The way back.
    WebSocket,
    /// What the account has left.
    Quotas,
    /// The user's functions, deployed.
    Functions,
    /// The user's functions, here.
    LocalCode,
    /// Their debuggers.
    Debugger,
}

impl Step {
    pub(crate) const BEHIND_HELPER: [Self; 6] = [
        Self::DeveloperRole,
        Self::HelperParts,
        Self::DeveloperRights,
        Self::HelperRights,
        Self::WebSocket,
        Self::Functions,
    ];
    pub(crate) const BEHIND_CREDENTIALS: [Self; 8] = [
        Self::HelperStack,
        Self::DeveloperRole,
        Self::HelperParts,
        Self::DeveloperRights,
        Self::HelperRights,
        Self::WebSocket,
        Self::Quotas,
        Self::Functions,
    ];
    pub(crate) const BEHIND_IDENTITY: [Self; 9] = [
        Self::Clock,
        Self::HelperStack,
        Self::DeveloperRole,
        Self::HelperParts,
        Self::DeveloperRights,
        Self::HelperRights,
        Self::WebSocket,
        Self::Quotas,
        Self::Functions,
    ];
    pub(crate) const BEHIND_NETWORK: [Self; 10] = [
        Self::Credentials,
        Self::Clock,
        Self::HelperStack,
        Self::DeveloperRole,
        Self::HelperParts,
        Self::DeveloperRights,
        Self::HelperRights,
        Self::WebSocket,
        Self::Quotas,
        Self::Functions,
    ];

    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Network => "network",
            Self::Credentials => "credentials",
            Self::Clock => "clock",
            Self::HelperStack => "helper stack",
            Self::DeveloperRole => "developer role",
            Self::HelperParts => "its parts",
            Self::DeveloperRights => "its rights",
            Self::HelperRights => "helper rights",
            Self::WebSocket => "websocket",
            Self::Quotas => "quotas",
            Self::Functions => "functions",
            Self::LocalCode => "local code",
            Self::Debugger => "debugger",
        }
    }
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, but not everything or not for long.
    Warning,
    /// It does not work.
    Failed,
    /// Not looked at, and why.
    Skipped,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "finding", rename_all = "camelCase")]
pub struct Finding {
    /// Where on the road.
    pub step: Step,
    /// How it is.
    pub state: State,
    /// In words.
    pub what: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Finding {
    fn new(step: Step, state: State, what: impl Into<String>, fix: Option<String>) -> Self {
        let what = what.into();
        Self {
            step,
            state,
            what,
            fix,
        }
    }

    pub(crate) fn ok(step: Step, what: impl Into<String>) -> Self {
        Self::new(step, State::Ok, what, None)
    }

    pub(crate) fn skipped(step: Step, what: impl Into<String>) -> Self {
        Self::new(step, State::Skipped, what, None)
    }

    pub(crate) fn warning(step: Step, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(step, State::Warning, what, Some(fix.into()))
    }

    pub(crate) fn failed(step: Step, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(step, State::Failed, what, Some(fix.into()))
    }

    /// An error's line, which ends with what to do.
    pub(crate) fn error(step: Step, error: &impl std::fmt::Display) -> Self {
        let line = error.to_string();
        match line.rsplit_once(": ") {
            Some((what, fix)) => Self::failed(step, what, fix),
            None => Self::new(step, State::Failed, line, None),
        }
    }
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "summary", rename_all = "camelCase")]
pub struct Summary {
    /// As they should be.
    pub ok: usize,
    /// See [`State::Warning`].
    pub warnings: usize,
    /// See [`State::Failed`].
    pub failed: usize,
    /// Not looked at.
    pub skipped: usize,
}

/// Tells and counts.
pub(crate) struct Book<'a> {
    tell: &'a (dyn Fn(&Finding) + Sync),
    summary: Mutex<Summary>,
}

impl<'a> Book<'a> {
    pub(crate) fn new(tell: &'a (dyn Fn(&Finding) + Sync)) -> Self {
        Self {
            tell,
            summary: Mutex::default(),
        }
    }

    pub(crate) fn put(&self, finding: Finding) {
        let mut summary = self.summary.lock().unwrap_or_else(PoisonError::into_inner);
        match finding.state {
            State::Ok => summary.ok += 1,
            State::Warning => summary.warnings += 1,
            State::Failed => summary.failed += 1,
            State::Skipped => summary.skipped += 1,
        }
        drop(summary);
        (self.tell)(&finding);
    }

    pub(crate) fn put_all(&self, findings: Vec<Finding>) {
        findings.into_iter().for_each(|it| self.put(it));
    }

    pub(crate) fn skip(&self, steps: &[Step], needs: &str) {
        for step in steps {
            self.put(Finding::skipped(*step, format!("needs {needs}")));
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        *self.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A step that is not waited for longer than anybody would.
pub(crate) async fn bounded(step: Step, work: impl Future<Output = Vec<Finding>>) -> Vec<Finding> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(findings) => findings,
        Err(_) => vec![silent(step)],
    }
}

/// Nothing was heard.
pub(crate) fn silent(step: Step) -> Finding {
    let seconds = PATIENCE.as_secs();
    Finding::failed(
        step,
        format!("no answer within {seconds} s"),
        "look at the network and at any proxy, and try again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errors_line_is_split_where_it_says_what_to_do() {
        let found = Finding::error(Step::Region, &"no AWS region: pass --region");
        assert_eq!(found.what, "no AWS region");
        assert_eq!(found.fix.as_deref(), Some("pass --region"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_that_hangs_is_a_failed_one() {
        let found = bounded(Step::WebSocket, std::future::pending()).await;
        assert_eq!(found.len(), 1);
        assert_eq!(found.first().map(|it| it.state), Some(State::Failed));
    }
}
