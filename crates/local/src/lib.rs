//! `tether local`: a template served as AWS would serve it, by the emulator, with working copies in
//! the place of deployed code.
//!
//! [`Plan`] is what was asked for, `copies` the functions as they are run here, `reload` what
//! happens when the template is saved.

mod copies;
mod error;
mod plan;
mod reload;
mod report;
mod surroundings;

pub use error::Error;
pub use plan::Plan;
pub use report::{Report, Reports, ServedApi, ServedFunction, ServedRoute};

use copies::Copies;
use reload::{Seen, Sources};
use std::sync::{Arc, PoisonError};
use tether_emulator::{Deployment, Emulator, Options, Tails, WebSocketRules};
use tether_host::LogSink;
use tether_project::TemplateFile;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// A template that is served.
pub struct Local {
    plan: Plan,
    emulator: Emulator,
    copies: Arc<Copies>,
    rules: WebSocketRules,
    reports: Reports,
    /// As they were before they were read.
    sources: Mutex<Sources>,
    /// Files that the template includes, as they were before they were read: they may
    /// be saved before anybody follows them.
    included: std::sync::Mutex<Vec<Seen>>,
}

impl Local {
    /// Serves a template; [`Report::Ready`] says where. `logs` takes the lines of its functions.
    ///
    /// # Errors
    /// Everything that is wrong with the template; a port that is taken.
    pub async fn start(
        plan: Plan,
        options: Options,
        reports: Reports,
        logs: LogSink,
    ) -> Result<Self, Error> {
        let sources = Mutex::new(Sources::of(&plan));
        let tails = Tails::default();
        let rules = options.websocket_rules.clone();
        let copies = Arc::new(Copies::find(
            &plan,
            &options,
            tails.sink(logs.clone()),
            &reports,
        )?);
        let options = Options {
            no_iam: true,
            working_copies: Some(Arc::clone(&copies) as _),
            tails,
            first_api_port: Some(plan.first_port),
            ..options
        };
        let emulator = Emulator::start(
            plan.endpoint_port,
            plan.place.clone(),
            options,
            logs,
            report::notice_sink(&reports),
            Arc::new(|_| {}),
        )
        .await?;
        let local = Self {
            plan,
            emulator,
            copies,
            rules,
            reports,
            sources,
            included: std::sync::Mutex::default(),
        };
        let deployed = match local.deploy().await {
            Ok(deployed) if local.plan.strict && !deployed.unsupported.is_empty() => {
                local.stop().await;
                return Err(Error::Strict(deployed.unsupported));
            }
            Ok(deployed) => deployed,
            Err(error) => {
                local.stop().await;
                return Err(error);
            }
        };
        local.copies.open(&local.plan, &local.reports).await?;
        local.tell_ready(&deployed);
        local.copies.check(&local.reports);
        Ok(local)
    }

    /// Follows the template's changes until this ends.
    pub async fn follow(&self, ending: &CancellationToken) {
        let mut sources = self.sources.lock().await;
        loop {
            sources.follow(self.take_included());
            tokio::select! {
                () = sources.change() => self.reload().await,
                () = ending.cancelled() => return,
            }
        }
    }

    /// The template as it is now; if there is something wrong with it, what was
    /// served before goes on.
    async fn reload(&self) {
        let tell = |report| (self.reports)(report);
        if let Err(error) = self.copies.look_again(&self.plan, &self.reports).await {
            return tell(Report::NotReloaded {
                message: error.to_string(),
            });
        }
        match self.update().await {
            Ok(deployed) => {
                self.copies.settle().await;
                if let Err(error) = self.copies.open(&self.plan, &self.reports).await {
                    let message = error.to_string();
                    tell(Report::Notice { message });
                }
                tell(Report::Reloaded {
                    template: self.plan.template.clone(),
                });
                self.tell_ready(&deployed);
                self.copies.check(&self.reports);
            }
            Err(error) => {
                self.copies.go_back().await;
                tell(Report::NotReloaded {
                    message: error.to_string(),
                });
            }
        }
    }

    async fn deploy(&self) -> Result<Deployment, Error> {
        let (source, file) = self.plan.source()?;
        let deployed = self.emulator.deploy(&source).await;
        self.includes(&file);
        Ok(deployed?)
    }

    async fn update(&self) -> Result<Deployment, Error> {
        let rules = self.plan.rules()?;
        let (source, file) = self.plan.source()?;
        let updated = self.emulator.update(&source).await;
        self.includes(&file);
        let updated = updated?;
        self.rules.replace(rules);
        Ok(updated)
    }

    /// Those are followed as well from now on.
    fn includes(&self, file: &TemplateFile) {
        let included = self.included.lock();
        let mut included = included.unwrap_or_else(PoisonError::into_inner);
        included.extend(file.seen());
    }

    /// What is to be followed besides.
    fn take_included(&self) -> Vec<Seen> {
        let included = self.included.lock();
        std::mem::take(&mut *included.unwrap_or_else(PoisonError::into_inner))
    }

    fn tell_ready(&self, deployed: &Deployment) {
        (self.reports)(Report::ready(&self.plan, &self.emulator, deployed));
    }

    /// Ends every connection and every process.
    pub async fn stop(&self) {
        // Connections end first: `$disconnect` may have something to say. What
        // runs then is not waited for.
        self.emulator.stop().await;
        self.copies.stop().await;
    }
}
