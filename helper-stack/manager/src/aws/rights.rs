//! Which rights the manager lacks: each is tried on a function that does not
//! exist, since AWS looks at rights first.

use super::Aws;
use crate::cloud::Cloud as _;
use crate::settings::Helper;
use std::collections::{BTreeMap, BTreeSet};
use tether_aws::{Failure, classify};
use tether_protocol::instrumentation::Change;
use tether_protocol::message::ToLaptop;
use tether_protocol::records::JournalRecord;
use tether_protocol::rights::{Extent, NOBODY, RightsAnswer};
use tether_protocol::{ConnectionId, Secret, SessionId, Timestamp};
use tether_relay::Posted;
use tether_store::StoreError;

impl Aws {
    /// Tries every right, and changes nothing.
    pub(crate) async fn rights(&self, helper: &Helper, extent: Extent) -> RightsAnswer {
        let mut missing = BTreeSet::new();
        missing.extend(self.of_tables().await);
        missing.extend(self.of_functions().await);
        missing.extend(self.of_layers(helper).await);
        missing.extend(self.of_connections().await);
        if extent == Extent::All {
            missing.extend(self.of_warnings().await);
        }
        RightsAnswer {
            missing: missing.into_iter().collect(),
        }
    }

    async fn of_tables(&self) -> Vec<String> {
        let session = SessionId::new(NOBODY);
        let nobody = entry();
        let tried: [Option<StoreError>; 6] = [
            self.session(&session).await.err(),
            self.close(&session).await.err(),
            self.entry(NOBODY).await.err(),
            self.entries().await.err(),
            // It replaces what does not stand there: nothing is written.
            self.write(&nobody, Some(&nobody)).await.err(),
            self.remove(&nobody).await.err(),
        ];
        let tried = tried.into_iter().flatten();
        tried.filter_map(|it| it.missing_right()).collect()
    }

    async fn of_functions(&self) -> Vec<String> {
        let change = Change {
            layers: Vec::new(),
            environment: Secret::new(std::iter::empty().collect()),
            timeout: 3,
            revision_id: NOBODY.to_owned(),
        };
        denied([
            self.function(NOBODY).await.err(),
            self.update(NOBODY, &change).await.err(),
        ])
    }

    async fn of_warnings(&self) -> Vec<String> {
        denied([
            self.versions(NOBODY, None).await.err(),
            self.code_signing(NOBODY).await.err(),
            self.aliases(NOBODY, None).await.err(),
            self.provisioned(NOBODY, None).await.err(),
            self.invokers(NOBODY, NOBODY).await.err(),
            self.event_sources(NOBODY, None).await.err(),
        ])
    }

    /// Lambda asks for these when a function gets a layer.
    async fn of_layers(&self, helper: &Helper) -> Vec<String> {
        let mut failures = Vec::new();
        for arn in [&helper.layer_x86_64, &helper.layer_arm64]
            .into_iter()
            .flatten()
        {
            let asked = self.control.get_layer_version_by_arn().arn(arn);
            failures.push(asked.send().await.err().map(|error| classify(&error)));
        }
        denied(failures)
    }

    async fn of_connections(&self) -> Option<String> {
        let text = serde_json::to_string(&ToLaptop::Ready).unwrap_or_default();
        match self.poster.post(&ConnectionId::new(NOBODY), text).await {
            Posted::Refused(reason) if reason.starts_with("no permission") => Some(reason),
            _ => None,
        }
    }
}

fn denied(failures: impl IntoIterator<Item = Option<Failure>>) -> Vec<String> {
    let denials = failures.into_iter().flatten();
    let denials = denials.filter_map(|it| it.denial());
    denials.map(|it| it.to_string()).collect()
}

/// Of nobody.
fn entry() -> JournalRecord {
    JournalRecord {
        function_arn: NOBODY.to_owned(),
        session_id: SessionId::new(NOBODY),
        stack_name: NOBODY.to_owned(),
        owner: NOBODY.to_owned(),
        changed_at: Timestamp(0),
        layer: NOBODY.to_owned(),
        variables: BTreeMap::new(),
        timeout: None,
    }
}
