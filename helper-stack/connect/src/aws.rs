//! The steps, on AWS.

use crate::refusal;
use crate::routes::{Caller, Cloud, Fault};
use crate::settings::Settings;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use lambda_runtime::tracing::info;
use tether_protocol::message::{ManagerRequest, Reply};
use tether_protocol::rights::{NOBODY, RightsAnswer, RightsRequest};
use tether_protocol::{SessionId, Timestamp};
use tether_store::{Correlation, Right, Sessions, StoreError};

/// The tables, and the manager.
pub(crate) struct Aws {
    sessions: Sessions,
    correlation: Correlation,
    lambda: aws_sdk_lambda::Client,
    manager: String,
}

impl Aws {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            sessions: Sessions::new(&settings.aws, &settings.sessions_table),
            correlation: Correlation::new(&settings.aws, &settings.debugger_table),
            lambda: aws_sdk_lambda::Client::new(&settings.aws),
            manager: settings.manager_function.clone(),
        }
    }
}

impl Aws {
    /// Which rights are missing. Nothing is changed: there is no such session, the
    /// record's condition never holds, and the manager is not run.
    pub(crate) async fn rights(&self, asked: RightsRequest) -> RightsAnswer {
        info!("asked which rights are missing ({:?})", asked.extent);
        let session = self.sessions.close(&SessionId::new(NOBODY)).await;
        let record = self.correlation.try_rights(&[Right::Change]).await;
        let manager = self
            .lambda
            .invoke()
            .function_name(&self.manager)
            .invocation_type(InvocationType::DryRun)
            .send()
            .await;
        let manager = manager.err().map(|error| tether_aws::classify(&error));
        let manager = manager.and_then(|it| it.denial());
        let tables = [session, record].into_iter().filter_map(Result::err);
        let tables = tables.filter_map(|it| it.missing_right());
        RightsAnswer {
            missing: tables.chain(manager.map(|it| it.to_string())).collect(),
        }
    }
}

impl Cloud for Aws {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp(since.map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)))
    }

    async fn activate(&self, caller: Caller<'_>) -> Result<(), Fault> {
        let activated = self.sessions.activate(
            caller.session,
            caller.connection,
            caller.connected_at,
            self.now(),
        );
        activated.await.map_err(fault)
    }

    async fn renew(&self, caller: Caller<'_>) -> Result<(), Fault> {
        let renewed = self
            .sessions
            .renew(caller.session, caller.connection, self.now());
        renewed.await.map_err(fault)
    }

    async fn disconnect(&self, caller: Caller<'_>) -> Result<(), Fault> {
        let disconnected = self.sessions.disconnect(caller.session, caller.connection);
        disconnected.await.map_err(fault)
    }

    async fn close(&self, caller: Caller<'_>) -> Result<(), Fault> {
        self.sessions.close(caller.session).await.map_err(fault)
    }

    async fn answer(&self, session: &SessionId, reply: &Reply) -> Result<(), Fault> {
        let answered =
            self.correlation
                .answer(&reply.key, session, &reply.claim_id, &reply.outcome);
        answered.await.map_err(|error| match error {
            StoreError::Condition { row, .. } => {
                let lookup = row
                    .as_ref()
                    .map(|it| it.expose())
                    .map(|row| |name: &str| row.get(name)?.as_s().ok().map(String::as_str));
                Fault::Condition(refusal::reason(lookup, session, &reply.claim_id).to_owned())
            }
            error => fault(error),
        })
    }

    async fn instrument(&self, session: &SessionId) -> Result<(), Fault> {
        let request = ManagerRequest::Instrument {
            session_id: session.clone(),
        };
        let payload =
            serde_json::to_vec(&request).map_err(|error| Fault::Failed(error.to_string()))?;
        // Event: it takes longer than a WebSocket integration may.
        self.lambda
            .invoke()
            .function_name(&self.manager)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(payload))
            .send()
            .await
            .map_err(|error| Fault::Failed(tether_aws::classify(&error).to_string()))?;
        Ok(())
    }
}

fn fault(error: StoreError) -> Fault {
    if error.is_condition() {
        Fault::Condition(error.to_string())
    } else {
        Fault::Failed(error.to_string())
    }
}
