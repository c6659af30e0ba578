//! A cloud in memory, which meddlers can change under the manager's hands.

use crate::cloud::{Cloud, Function, LastUpdate};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tether_aws::Failure;
use tether_protocol::instrumentation::{Change, FunctionConfiguration};
use tether_protocol::message::ToLaptop;
use tether_protocol::records::{JournalRecord, SessionRecord, SessionStatus, WhenOffline};
use tether_protocol::{ConnectionId, Secret, SessionId, Timestamp, TokenHash};
use tether_store::StoreError;

pub(crate) const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:hello";
pub(crate) const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:tether-x86-64:7";
pub(crate) const NOW: Timestamp = Timestamp(1_000_000_000);

/// What happens when an update is asked for, before Lambda looks at it.
pub(crate) type Meddler = Box<dyn FnOnce(&Fake) -> Result<(), Failure>>;

pub(crate) struct Fake {
    pub(crate) functions: RefCell<BTreeMap<String, Function>>,
    pub(crate) journal: RefCell<BTreeMap<String, JournalRecord>>,
    pub(crate) sessions: RefCell<BTreeMap<SessionId, SessionRecord>>,
    pub(crate) told: RefCell<Vec<ToLaptop>>,
    pub(crate) waited: Cell<Duration>,
    /// One for each update, in order; none: nobody meddles.
    pub(crate) meddlers: RefCell<VecDeque<Meddler>>,
    /// Answers to the next looks at an update; none: successful.
    pub(crate) updates: RefCell<VecDeque<LastUpdate>>,
    pub(crate) update_count: Cell<u32>,
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

impl Fake {
    /// One function, and the active sessions `ann` and `bob`.
    pub(crate) fn new() -> Self {
        let function = Function {
            configuration: configuration(),
            managed_instances: false,
        };
        let sessions = ["ann", "bob"].map(|id| (SessionId::new(id), session(id)));
        Self {
            functions: RefCell::new(BTreeMap::from([(ARN.into(), function)])),
            journal: RefCell::default(),
            sessions: RefCell::new(sessions.into()),
            told: RefCell::default(),
            waited: Cell::default(),
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

    pub(crate) fn owner(&self) -> Option<String> {
        let journal = self.journal.borrow();
        journal.get(ARN).map(|it| it.session_id.to_string())
    }
}

impl Cloud for Fake {
    fn now(&self) -> Timestamp {
        NOW.plus(self.waited.get())
    }

    async fn pause(&self, span: Duration) {
        self.waited.set(self.waited.get() + span);
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

    async fn entries(&self) -> Result<Vec<JournalRecord>, StoreError> {
        Ok(self.journal.borrow().values().cloned().collect())
    }

    async fn write(&self, entry: &JournalRecord, replaces: &SessionId) -> Result<(), StoreError> {
        let mut journal = self.journal.borrow_mut();
        match journal.get(&entry.function_arn) {
            Some(found) if found.session_id != *replaces => Err(condition("entry")),
            _ => {
                journal.insert(entry.function_arn.clone(), entry.clone());
                Ok(())
            }
        }
    }

    async fn remove(&self, arn: &str, session: &SessionId) -> Result<(), StoreError> {
        let mut journal = self.journal.borrow_mut();
        match journal.get(arn) {
            Some(found) if found.session_id != *session => Err(condition("entry")),
            _ => {
                journal.remove(arn);
                Ok(())
            }
        }
    }

    async fn function(&self, arn: &str) -> Result<Option<Function>, Failure> {
        Ok(self.functions.borrow().get(arn).cloned())
    }

    async fn update(&self, arn: &str, change: &Change) -> Result<(), Failure> {
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

    async fn tell(&self, _connection: &ConnectionId, message: &ToLaptop) {
        self.told.borrow_mut().push(message.clone());
    }
}
