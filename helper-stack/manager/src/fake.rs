//! A cloud in memory, which meddlers can change under the manager's hands.

use crate::cloud::{Alias, Cloud, Entries, Function, LastUpdate, Page, Version};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use tether_aws::Failure;
use tether_protocol::instrumentation::{
    Change, FunctionConfiguration, MAX_ENVIRONMENT, MAX_LAYERS,
};
use tether_protocol::message::ToLaptop;
use tether_protocol::records::{JournalRecord, SessionRecord, SessionStatus, WhenOffline};
use tether_protocol::{ConnectionId, Secret, SessionId, Timestamp, TokenHash};
use tether_store::{StoreError, UnreadableEntry};
use tokio::time::Instant;

pub(crate) const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:hello";
pub(crate) const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:tether-x86-64:7";
pub(crate) const NOW: Timestamp = Timestamp(1_000_000_000);

/// What happens when an update is asked for, before Lambda looks at it.
pub(crate) type Meddler = Box<dyn FnOnce(&Fake) -> Result<(), Failure>>;

pub(crate) struct Fake {
    pub(crate) functions: RefCell<BTreeMap<String, Function>>,
    pub(crate) journal: RefCell<BTreeMap<String, JournalRecord>>,
    /// What the next look at the journal cannot read.
    pub(crate) unreadable: RefCell<Vec<UnreadableEntry>>,
    pub(crate) sessions: RefCell<BTreeMap<SessionId, SessionRecord>>,
    pub(crate) told: RefCell<Vec<ToLaptop>>,
    /// Time is tokio's, which tests pause: it passes when all wait for it.
    started: Instant,
    /// One for each update, in order; none: nobody meddles.
    pub(crate) meddlers: RefCell<VecDeque<Meddler>>,
    /// Answers to the next looks at an update; none: successful.
    pub(crate) updates: RefCell<VecDeque<LastUpdate>>,
    pub(crate) update_count: Cell<u32>,
    pub(crate) surroundings: RefCell<Surroundings>,
    /// When each call was made that shares Lambda's quota.
    pub(crate) turns: RefCell<Vec<Timestamp>>,
}

/// What stands around the functions.
#[derive(Default)]
pub(crate) struct Surroundings {
    pub(crate) versions: Vec<Version>,
    pub(crate) aliases: Vec<Alias>,
    pub(crate) provisioned: Vec<String>,
    /// By ARN of the function or the alias.
    pub(crate) event_sources: BTreeMap<String, Vec<String>>,
    /// By alias.
    pub(crate) invokers: BTreeMap<String, Vec<String>>,
    pub(crate) visibility_timeout: Option<u32>,
    pub(crate) code_signing: Option<String>,
    pub(crate) is_enforced: bool,
    /// Calls that are not allowed.
    pub(crate) forbidden: BTreeSet<&'static str>,
    /// Functions that Lambda refuses to change, and how.
    pub(crate) refused: BTreeMap<String, Failure>,
    /// Functions about which Lambda never answers.
    pub(crate) silent: BTreeSet<String>,
}

pub(crate) fn configuration() -> FunctionConfiguration {
    FunctionConfiguration {
        function_arn: ARN.into(),
        revision_id: "r0".into(),
        runtime: Some("python3.13".into()),
        image: false,
        architecture: "x86_64".into(),
        timeout: 3,
        layers: vec!["arn:theirs:1".into()],
        environment: Secret::new(BTreeMap::from([("TABLE".into(), "things".into())])),
        environment_error: None,
    }
}

pub(crate) fn session(id: &str) -> SessionRecord {
    SessionRecord {
        session_id: SessionId::new(id),
        connection_id: Some(ConnectionId::new(format!("{id}-connection="))),
        connected_at: None,
        status: SessionStatus::Active,
        ttl: NOW.seconds() + 600,
        stack_name: "app".into(),
        token_hash: TokenHash::of(&Secret::new("t".into())),
        lease_until: NOW.plus(Duration::from_secs(90)),
        created_at: NOW,
        owner: format!("{id}@laptop"),
        functions: vec![ARN.into()],
        timeout: Some(900),
        take_over: false,
        when_offline: WhenOffline::Passthrough,
    }
}

pub(crate) fn failure(status: u16) -> Failure {
    Failure {
        code: format!("Status{status}"),
        message: "Lambda says no".into(),
        status: Some(status),
        outcome_unknown: status >= 500,
    }
}

fn condition(what: &str) -> StoreError {
    StoreError::Condition {
        table: "Fake".into(),
        what: what.into(),
        row: None,
    }
}

/// What tells entries apart, as in the table.
fn which(entry: &JournalRecord) -> (&SessionId, Timestamp) {
    (&entry.session_id, entry.changed_at)
}

pub(crate) fn size(change: &Change) -> usize {
    let variables = change.environment.expose().iter();
    variables
        .map(|(name, value)| name.len() + value.len())
        .sum()
}

/// One item a page, so that the second one is asked for.
fn page<T: Clone>(items: &[T], next: Option<&str>) -> Page<T> {
    let at = next.and_then(|it| it.parse().ok()).unwrap_or(0);
    Page {
        items: items.iter().skip(at).take(1).cloned().collect(),
        next: (at + 1 < items.len()).then(|| (at + 1).to_string()),
    }
}

impl Fake {
    /// One function, and the active sessions `ann` and `bob`.
    pub(crate) fn new() -> Self {
        let function = Function {
            configuration: configuration(),
            managed_instances: false,
            snap_start: false,
        };
        let sessions = ["ann", "bob"].map(|id| (SessionId::new(id), session(id)));
        Self {
            functions: RefCell::new(BTreeMap::from([(ARN.into(), function)])),
            journal: RefCell::default(),
            unreadable: RefCell::default(),
            sessions: RefCell::new(sessions.into()),
            told: RefCell::default(),
            started: Instant::now(),
            surroundings: RefCell::default(),
            turns: RefCell::default(),
            meddlers: RefCell::default(),
            updates: RefCell::default(),
            update_count: Cell::default(),
        }
    }

    pub(crate) fn meddle(&self, meddler: impl FnOnce(&Self) -> Result<(), Failure> + 'static) {
        self.meddlers.borrow_mut().push_back(Box::new(meddler));
    }

    pub(crate) fn edit_session(&self, id: &str, edit: impl FnOnce(&mut SessionRecord)) {
        self.sessions
            .borrow_mut()
            .entry(SessionId::new(id))
            .and_modify(edit);
    }

    /// Somebody else's change: a new revision.
    pub(crate) fn edit(&self, edit: impl FnOnce(&mut FunctionConfiguration)) {
        self.functions
            .borrow_mut()
            .entry(ARN.into())
            .and_modify(|it| {
                edit(&mut it.configuration);
                it.configuration.revision_id.push('+');
            });
    }

    /// The function, its revision apart.
    pub(crate) fn found(&self) -> Option<FunctionConfiguration> {
        let functions = self.functions.borrow();
        functions.get(ARN).map(|it| FunctionConfiguration {
            revision_id: "r0".into(),
            ..it.configuration.clone()
        })
    }

    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.found()?.environment.expose().get(name).cloned()
    }

    /// Time that has passed.
    pub(crate) fn waited(&self) -> Duration {
        self.started.elapsed()
    }

    /// More functions like the first one, for session `ann`.
    pub(crate) fn with_functions(self, count: usize) -> Self {
        for number in 1..count {
            let arn = format!("{ARN}-{number}");
            let mut function = Function {
                configuration: configuration(),
                managed_instances: false,
                snap_start: false,
            };
            function.configuration.function_arn.clone_from(&arn);
            self.functions.borrow_mut().insert(arn.clone(), function);
            self.edit_session("ann", |it| it.functions.push(arn));
        }
        self
    }

    pub(crate) fn refuse(&self, arn: &str, refusal: Failure) {
        let mut surroundings = self.surroundings.borrow_mut();
        surroundings.refused.insert(arn.to_owned(), refusal);
    }

    /// A call that shares Lambda's quota.
    fn turn(&self, call: &'static str) -> Result<(), Failure> {
        self.turns.borrow_mut().push(self.now());
        match self.surroundings.borrow().forbidden.contains(call) {
            true => Err(failure(403)),
            false => Ok(()),
        }
    }

    async fn answers(&self, arn: &str) {
        if self.surroundings.borrow().silent.contains(arn) {
            std::future::pending::<()>().await;
        }
    }

    pub(crate) fn owner(&self) -> Option<String> {
        let journal = self.journal.borrow();
        journal.get(ARN).map(|it| it.session_id.to_string())
    }
}

impl Cloud for Fake {
    fn now(&self) -> Timestamp {
        NOW.plus(self.waited())
    }

    async fn pause(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    async fn session(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        Ok(self.sessions.borrow().get(id).cloned())
    }

    async fn close(&self, id: &SessionId) -> Result<(), StoreError> {
        let mut sessions = self.sessions.borrow_mut();
        let session = sessions.get_mut(id).ok_or_else(|| condition("session"))?;
        session.status = SessionStatus::Closed;
        Ok(())
    }

    async fn entry(&self, arn: &str) -> Result<Option<JournalRecord>, StoreError> {
        Ok(self.journal.borrow().get(arn).cloned())
    }

    async fn entries(&self) -> Result<Entries, StoreError> {
        Ok(Entries {
            readable: self.journal.borrow().values().cloned().collect(),
            unreadable: self.unreadable.take(),
        })
    }

    async fn write(
        &self,
        entry: &JournalRecord,
        replaces: Option<&JournalRecord>,
    ) -> Result<(), StoreError> {
        let mut journal = self.journal.borrow_mut();
        let found = journal.get(&entry.function_arn);
        if found.map(which) != replaces.map(which) {
            return Err(condition("entry"));
        }
        journal.insert(entry.function_arn.clone(), entry.clone());
        Ok(())
    }

    async fn remove(&self, entry: &JournalRecord) -> Result<(), StoreError> {
        let mut journal = self.journal.borrow_mut();
        match journal.get(&entry.function_arn) {
            Some(found) if which(found) != which(entry) => Err(condition("entry")),
            _ => {
                journal.remove(&entry.function_arn);
                Ok(())
            }
        }
    }

    async fn function(&self, arn: &str) -> Result<Option<Function>, Failure> {
        self.answers(arn).await;
        Ok(self.functions.borrow().get(arn).cloned())
    }

    async fn update(&self, arn: &str, change: &Change) -> Result<(), Failure> {
        self.answers(arn).await;
        self.turn("update")?;
        if let Some(refusal) = self.surroundings.borrow().refused.get(arn) {
            return Err(refusal.clone());
        }
        let meddler = self.meddlers.borrow_mut().pop_front();
        if let Some(meddler) = meddler {
            meddler(self)?;
        }
        let mut functions = self.functions.borrow_mut();
        let function = functions.get_mut(arn).ok_or_else(|| failure(404))?;
        let found = &mut function.configuration;
        if found.revision_id != change.revision_id {
            return Err(failure(412));
        }
        if change.layers.len() > MAX_LAYERS || size(change) > MAX_ENVIRONMENT {
            return Err(failure(400));
        }
        self.update_count.set(self.update_count.get() + 1);
        found.revision_id = format!("r{}", self.update_count.get());
        found.timeout = change.timeout;
        found.layers.clone_from(&change.layers);
        found.environment = change.environment.clone();
        Ok(())
    }

    async fn last_update(&self, arn: &str) -> Result<LastUpdate, Failure> {
        if !self.functions.borrow().contains_key(arn) {
            return Ok(LastUpdate::Gone);
        }
        let next = self.updates.borrow_mut().pop_front();
        Ok(next.unwrap_or(LastUpdate::Successful))
    }

    async fn versions(&self, _arn: &str, next: Option<&str>) -> Result<Page<Version>, Failure> {
        self.turn("versions")?;
        Ok(page(&self.surroundings.borrow().versions, next))
    }

    async fn aliases(&self, _arn: &str, next: Option<&str>) -> Result<Page<Alias>, Failure> {
        self.turn("aliases")?;
        Ok(page(&self.surroundings.borrow().aliases, next))
    }

    async fn provisioned(&self, _arn: &str, next: Option<&str>) -> Result<Page<String>, Failure> {
        self.turn("provisioned")?;
        Ok(page(&self.surroundings.borrow().provisioned, next))
    }

    async fn event_sources(&self, arn: &str, next: Option<&str>) -> Result<Page<String>, Failure> {
        self.turn("event_sources")?;
        let surroundings = self.surroundings.borrow();
        let found = surroundings.event_sources.get(arn);
        Ok(page(found.map_or(&[], Vec::as_slice), next))
    }

    async fn invokers(&self, _arn: &str, alias: &str) -> Result<Vec<String>, Failure> {
        self.turn("invokers")?;
        let surroundings = self.surroundings.borrow();
        let found = surroundings.invokers.get(alias);
        Ok(found.cloned().unwrap_or_default())
    }

    async fn visibility_timeout(&self, _queue_arn: &str) -> Result<Option<u32>, Failure> {
        Ok(self.surroundings.borrow().visibility_timeout)
    }

    async fn code_signing(&self, _arn: &str) -> Result<Option<String>, Failure> {
        self.turn("code_signing")?;
        Ok(self.surroundings.borrow().code_signing.clone())
    }

    async fn is_enforced(&self, _code_signing_arn: &str) -> Result<bool, Failure> {
        self.turn("is_enforced")?;
        Ok(self.surroundings.borrow().is_enforced)
    }

    async fn tell(&self, _connection: &ConnectionId, message: &ToLaptop) {
        self.told.borrow_mut().push(message.clone());
    }
}
