//! An invocation from START to REPORT.

use super::{Ended, ExecutionEnvironment};
use crate::run_state::RunState;
use bytes::Bytes;
use std::time::{Duration, Instant};
use tether_runtime_api::log::{Report, Status};
use tether_runtime_api::{ErrorObject, Invocation};

/// As Lambda has it, where the function does not say.
const MEMORY_MB: u64 = 128;

impl ExecutionEnvironment {
    /// Waits until the process is ready and runs one invocation, which stands in
    /// the function's log as on Lambda. It also says when the process was ready.
    ///
    /// A process that is not ready in time is not given the event, as if it had
    /// ended: `init` is its time from its start on. Without one, it has until
    /// the deadline.
    pub(crate) async fn report(
        &mut self,
        invocation: Invocation,
        payload: Bytes,
        state: &RunState,
        init: Option<Duration>,
    ) -> (Ended, Instant) {
        let left = Duration::from_millis(invocation.deadline_ms.saturating_sub(crate::now().0));
        let init = init.map(|it| it.saturating_sub(self.init.began.elapsed()));
        let patience = init.unwrap_or(left).min(left);
        let ready = tokio::time::timeout(patience, self.ready()).await;
        let began = Instant::now();
        let request_id = invocation.request_id.clone();
        let ended = match ready {
            Ok(None) => {
                let begin = self.journal.begin(&request_id);
                self.run(invocation, payload, state, Some(begin)).await
            }
            Ok(Some(failed)) => failed,
            Err(_) if patience < left => {
                self.journal.init_timed_out(self.init.began.elapsed());
                return (Ended::NotTaken(invocation, payload), began);
            }
            Err(_) => Ended::TimedOut,
        };
        let status = match &ended {
            // Another process will tell of it.
            Ended::NotTaken(..) => return (ended, began),
            Ended::Answered { .. } | Ended::Failed { .. } => Status::Success,
            Ended::TimedOut => Status::Timeout(left),
            Ended::Exited(how) => Status::Exited(how.clone()),
            Ended::InitFailed { error_type, body } => {
                Status::InitFailed(type_of(error_type.as_deref(), body))
            }
        };
        let duration = began.elapsed();
        self.journal.conclude(Report {
            request_id,
            duration,
            init: self.init.took.take(),
            memory_mb: self.memory_mb,
            max_memory_mb: self.peak_memory_mb(duration),
            status,
        });
        (ended, began)
    }
}

fn type_of(error_type: Option<&str>, body: &[u8]) -> String {
    let named = || serde_json::from_slice::<ErrorObject>(body).ok();
    let error_type = error_type.map(str::to_owned);
    let found = error_type.or_else(|| named().map(|it| it.error_type));
    found.unwrap_or_else(|| "Runtime.Unknown".to_owned())
}

/// What the function may use.
pub(super) fn memory_mb(variable: Option<&String>) -> u64 {
    variable.and_then(|it| it.parse().ok()).unwrap_or(MEMORY_MB)
}
