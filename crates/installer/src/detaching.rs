//! Before the helper stack goes: every function is what it was.

use crate::error::Error;
use crate::install::Installer;
use std::collections::BTreeSet;
use std::time::Duration;
use tether_receiver::{HelperStack, Report, Reports, Status, detach, status};
use tokio::time::Instant;

/// An entry of the journal that is younger than a minute stays for the manager
/// who wrote it.
const PATIENCE: Duration = Duration::from_secs(90);

/// How soon the journal is read again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

impl Installer {
    /// Restores whatever is instrumented, and says what could not be. A helper
    /// stack of which parts are missing cannot restore anything, nor say what.
    pub(crate) async fn detach_everything(
        &self,
        helper: &HelperStack,
        reports: &Reports,
    ) -> Result<BTreeSet<String>, Error> {
        let began = Instant::now();
        loop {
            let status = status(&self.account, helper, None).await?;
            if status.functions.is_empty() && status.unreadable.is_empty() {
                return Ok(BTreeSet::new());
            }
            let left = left(&status);
            let stacks: BTreeSet<&str> = status.functions.iter().map(|it| &*it.stack).collect();
            let mut failed = !status.unreadable.is_empty();
            for problem in &status.unreadable {
                self.note(problem);
            }
            for stack in stacks {
                match detach(&self.account, helper, stack, reports).await {
                    Ok(_) => {}
                    // Which, and why, it has said itself.
                    Err(tether_receiver::Error::NotRestored(_)) => failed = true,
                    Err(error) => {
                        self.note(&format!("{stack} is not detached from: {error}"));
                        failed = true;
                    }
                }
            }
            if failed || began.elapsed() > PATIENCE {
                return Ok(left);
            }
            if self.is_journal_empty(helper).await? {
                return Ok(BTreeSet::new());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn is_journal_empty(&self, helper: &HelperStack) -> Result<bool, Error> {
        let status = status(&self.account, helper, None).await?;
        Ok(status.functions.is_empty() && status.unreadable.is_empty())
    }

    /// What the receiver tells while it restores.
    pub(crate) fn reports_of_detaching(&self) -> Reports {
        let installer = self.clone();
        std::sync::Arc::new(move |report: Report| match report {
            Report::Restored { function, .. } => {
                installer.step(&format!("{function} is restored"));
            }
            Report::Note { message } | Report::Step { message } => installer.note(&message),
            _ => {}
        })
    }
}

fn left(status: &Status) -> BTreeSet<String> {
    let functions = status.functions.iter().map(|it| it.function.clone());
    // `arn:aws:lambda:…:function:NAME: why`
    let unreadable = status.unreadable.iter().filter_map(|problem| {
        let arn = problem.split(": ").next()?;
        Some(arn.rsplit(':').next()?.to_owned())
    });
    functions.chain(unreadable).collect()
}
