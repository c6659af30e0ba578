//! A process before its first event.

use super::Function;
use crate::environment::Ended;
use crate::run_state::RunState;
use tether_protocol::Environment;

impl Function {
    /// Starts the process of a remote environment, builds it if need be, and
    /// waits until it asks for its first event: an invocation's time begins
    /// behind that, as on Lambda. Some: it could not start, and this is what
    /// its invocations are answered with.
    ///
    /// None as well behind the ten seconds that a start has on Lambda: it is
    /// tried again in the invocation's own time.
    pub async fn start(&self, remote_environment: &str, variables: &Environment) -> Option<Ended> {
        let mut seat = self.slots.seat(remote_environment, || {}).await;
        let nobodys = RunState::new();
        let failed = match self.process(&mut seat.0, variables, &nobodys).await {
            Ok(process) => match self.init_limit() {
                Some(limit) => {
                    let ready = tokio::time::timeout(limit, process.environment.ready()).await;
                    ready.ok().flatten()
                }
                None => process.environment.ready().await,
            },
            Err(error) => Some(self.not_started(error)),
        };
        if failed.is_some() {
            seat.0.stop().await;
        }
        failed
    }
}
