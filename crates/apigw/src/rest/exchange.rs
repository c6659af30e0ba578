//! One request on its way through a REST API, with all that was found out about it.

use super::routes::{Matched, StagePath};
use crate::http::{Request, Stamp, Whereabouts};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// One request on its way through a REST API.
///
/// Filled in step by step: a [`Fault`](super::Fault) can be answered at each of them, so what is not
/// yet known is `None`.
#[derive(Clone)]
pub struct Exchange<'a> {
    /// The request as it came.
    pub request: &'a Request,
    /// Which API it came to.
    pub at: &'a Whereabouts,
    /// Its ids and its time.
    pub stamp: &'a Stamp,
    /// The stage that its path names.
    pub stage: &'a Stage,
    /// Its path, taken apart.
    pub path: StagePath<'a>,
    /// The method that answers it.
    pub matched: Option<Matched<'a>>,
    /// `requestContext.authorizer`; none without an authorizer. Of Lambda authorizers its context,
    /// `principalId` and `integrationLatency`; of Cognito `{"claims": {…}}`.
    pub authorizer: Option<Map<String, Value>>,
    /// Who signed it, if somebody did.
    pub identity: Identity,
    /// The API key that let it in.
    pub key: Option<KeyUse>,
}

/// A stage, as its requests see it.
#[derive(Clone, PartialEq, Eq)]
pub struct Stage {
    /// `Prod`
    pub name: String,
    /// Its variables.
    pub variables: BTreeMap<String, String>,
    /// `k2ua1z`: the deployment that it serves.
    pub deployment_id: String,
}

/// Variables are configuration like an environment, so only their names print.
impl fmt::Debug for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Stage")
            .field("name", &self.name)
            .field("variables", &self.variables.keys())
            .field("deployment_id", &self.deployment_id)
            .finish()
    }
}

/// What `requestContext.identity` knows of a caller that signed its request by SigV4. All of it is
/// null for everybody else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// `AKIA…`
    pub access_key: Option<String>,
    /// Twelve digits.
    pub account_id: Option<String>,
    /// `AIDA…`
    pub caller: Option<String>,
    /// `AIDA…`
    pub user: Option<String>,
    /// `arn:aws:iam::123456789012:user/me`
    pub user_arn: Option<String>,
}

/// An API key in use. Its value is a secret, and does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// What `requestContext.identity.apiKeyId` gives.
    pub id: String,
    /// What `requestContext.identity.apiKey` gives.
    pub value: String,
}

impl fmt::Debug for KeyUse {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("KeyUse")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
