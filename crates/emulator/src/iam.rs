//! Who may do what: each call of a deployed function's role, of an assumed role or
//! of a user of this cloud is decided here, by `tether-iam`, before it is served.
//!
//! Roles and their policies come from templates ([`templates`]) and may be changed
//! by IAM's own API ([`api`]), at once. [`request`] says which action on which
//! resource a request is, [`refusal`] how each service refuses it. Keys that were
//! not given out here belong to the account's administrator, who may do everything.
//! What was used of each policy, and what was refused, is kept ([`ledger`]).

pub(crate) mod api;
mod global;
mod identity;
mod inside;
mod ledger;
mod managed;
mod refusal;
mod request;
pub(crate) mod templates;

pub(crate) use identity::{Document, Identity, Rules};
pub(crate) use inside::{api_arn, ask_connections};
pub(crate) use refusal::refuse;
pub(crate) use request::check;

use crate::callers::Callers;
use crate::cloud::{Notice, Place};
use crate::options::Options;
use ledger::Denials;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tether_iam::{Context, Denied, Policies, Policy, Principal, authorize};

/// See the module.
pub(crate) struct Iam {
    pub(crate) place: Place,
    enforced: bool,
    callers: Arc<Callers>,
    notices: Notice,
    /// Roles and users, by ARN.
    identities: RwLock<BTreeMap<String, Arc<Identity>>>,
    /// Managed policies of templates, by ARN.
    managed: RwLock<BTreeMap<String, serde_json::Value>>,
    log_groups: RwLock<HashSet<String>>,
    denials: Denials,
    said: Mutex<HashSet<String>>,
    /// What an administrator may do.
    everything: Option<Policy>,
    /// What a resource's policy says if everybody may do everything with it.
    pub(crate) public: Option<Arc<Policy>>,
}

/// What somebody wants to do: an action, a resource's ARN (`*` for an action that
/// knows none), and the condition keys that this request has.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) context: Context,
    /// Only tries whether it would be allowed: not counted as a use.
    pub(crate) is_probe: bool,
}

impl Ask {
    /// One without keys of its own. What its service may know beside is not told.
    pub(crate) fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        let action = action.into();
        let service = action.split(':').next().unwrap_or_default();
        let context = Context::new().not_telling(format!("{service}:"));
        Self {
            action,
            resource: resource.into(),
            context,
            is_probe: false,
        }
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.context.set(key, value);
        self
    }
}

impl Iam {
    pub(crate) fn new(
        place: &Place,
        options: &Options,
        callers: Arc<Callers>,
        notices: Notice,
    ) -> Self {
        let everything = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" },
        });
        let public = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*",
            },
        });
        Self {
            place: place.clone(),
            enforced: !options.no_iam,
            callers,
            notices,
            identities: RwLock::default(),
            managed: RwLock::default(),
            log_groups: RwLock::default(),
            denials: Denials::default(),
            said: Mutex::default(),
            everything: Policy::parse(&everything).ok(),
            public: Policy::of_resource(&public).ok().map(Arc::new),
        }
    }

    /// Decides about a call by whose key it is.
    pub(crate) fn authorize(&self, access_key: &str, ask: &Ask) -> Result<(), Denied> {
        self.authorize_on(access_key, ask, None)
    }

    /// The same for a resource that has a policy of its own.
    pub(crate) fn authorize_on(
        &self,
        access_key: &str,
        ask: &Ask,
        resource: Option<&Policy>,
    ) -> Result<(), Denied> {
        match self.whose(access_key) {
            Some(principal) => self.judge(&principal, ask, resource),
            None => Ok(()),
        }
    }

    /// Who has to be asked about; nobody if everything is allowed.
    pub(crate) fn whose(&self, access_key: &str) -> Option<Principal> {
        if !self.enforced {
            return None;
        }
        self.callers.whose(access_key)
    }

    fn judge(
        &self,
        principal: &Principal,
        ask: &Ask,
        resource: Option<&Policy>,
    ) -> Result<(), Denied> {
        let rules = self.rules(principal);
        let documents = rules.documents();
        let identity: Vec<&Policy> = documents.iter().map(|it| it.policy()).collect();
        let policies = Policies {
            identity: &identity,
            boundary: rules.boundary(),
            resource,
            trust: None,
        };
        let context = self.context(principal, ask);
        self.decide(principal, ask, &context, &policies)?;
        if !ask.is_probe {
            for document in documents {
                document.count(ask, &context);
            }
        }
        Ok(())
    }

    fn decide(
        &self,
        principal: &Principal,
        ask: &Ask,
        context: &Context,
        policies: &Policies<'_>,
    ) -> Result<(), Denied> {
        // S3's buckets have none in their ARNs, and are ours.
        let account = ask.resource.split(':').nth(4).filter(|it| !it.is_empty());
        let asked = tether_iam::Ask {
            principal,
            action: &ask.action,
            resource: &ask.resource,
            account: account.unwrap_or(&self.place.account_id),
            context,
        };
        authorize(&asked, policies).inspect_err(|denied| self.denials.count(denied))
    }

    fn rules(&self, principal: &Principal) -> Arc<Rules> {
        let identity = principal.principal_arn().and_then(|it| self.identity(it));
        identity.map(|it| it.rules()).unwrap_or_default()
    }

    /// A role or a user.
    pub(crate) fn identity(&self, arn: &str) -> Option<Arc<Identity>> {
        let identities = self.identities.read();
        let identities = identities.unwrap_or_else(PoisonError::into_inner);
        identities.get(arn).cloned()
    }

    /// The ARN of a role or a user.
    pub(crate) fn arn(&self, kind: &str, path: &str, name: &str) -> String {
        let (partition, account) = (&self.place.partition, &self.place.account_id);
        format!("arn:{partition}:iam::{account}:{kind}{path}{name}")
    }

    /// A role or a user by its name, which has no path.
    pub(crate) fn named(&self, kind: &str, name: &str) -> Option<Arc<Identity>> {
        let identities = self.identities.read();
        let identities = identities.unwrap_or_else(PoisonError::into_inner);
        let found = identities
            .values()
            .find(|it| it.kind() == kind && it.name == name);
        found.cloned()
    }

    /// Adds a role or a user, or puts it in the place of the one with its ARN.
    pub(crate) fn add(&self, identity: Identity) -> Arc<Identity> {
        let identity = Arc::new(identity);
        let identities = self.identities.write();
        let mut identities = identities.unwrap_or_else(PoisonError::into_inner);
        identities.insert(identity.arn.clone(), Arc::clone(&identity));
        identity
    }

    /// Removes a role or a user; its keys are worth nothing from now on.
    pub(crate) fn remove(&self, arn: &str) {
        let identities = self.identities.write();
        let mut identities = identities.unwrap_or_else(PoisonError::into_inner);
        identities.remove(arn);
    }

    /// What is used and what is refused: `GET /_tether/permissions`.
    pub(crate) fn permissions(&self) -> serde_json::Value {
        let identities = self.identities.read();
        let identities = identities.unwrap_or_else(PoisonError::into_inner);
        let roles = identities.values().filter(|it| it.kind() == "role");
        let roles: Vec<serde_json::Value> = roles.map(|it| ledger::of(it)).collect();
        serde_json::json!({
            "enforced": self.enforced,
            "roles": roles,
            "denials": self.denials.listed(),
        })
    }

    /// Says something once.
    fn say_once(&self, line: String) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert(line.clone()) {
            (self.notices)(line);
        }
    }
}
