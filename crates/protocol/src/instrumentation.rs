//! What changes in a function at attach, and what changes back at detach.
//!
//! Both are decisions over values: whoever reads and writes configurations is
//! the `manager` Lambda. Restore is the inverse of the *difference* that the
//! journal holds, not a stale snapshot: what we added goes, what we replaced
//! comes back, and what somebody else changed meanwhile stays.

use crate::config::{Attachment, BOOTSTRAP_PATH, CONFIG, CONNECTION, Config, SESSION, WRAPPER};
use crate::records::{JournalRecord, VariableChange};
use crate::{ConnectionId, Environment, Secret, SessionId, Timestamp};
use std::collections::BTreeMap;

mod pollers;

/// Lambda takes five layers at most
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
pub const MAX_LAYERS: usize = 5;
/// Lambda takes 4 KB of names and values together.
pub const MAX_ENVIRONMENT: usize = 4096;

/// A function's configuration, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionConfiguration {
    /// ARN without version.
    pub function_arn: String,
    /// Lambda's optimistic lock.
    pub revision_id: String,
    /// `python3.13`; none for container images.
    pub runtime: Option<String>,
    /// Whether it is a container image.
    pub image: bool,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// Seconds.
    pub timeout: u32,
    /// Layer version ARNs, in order.
    pub layers: Vec<String>,
    /// Variables.
    pub environment: Environment,
    /// Lambda's word when it cannot decrypt the variables: writing them back
    /// would wipe them.
    pub environment_error: Option<String>,
}

/// The part of a configuration that is written, whole, guarded by the revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The revision that this change was made from.
    pub revision_id: String,
    /// Seconds.
    pub timeout: u32,
    /// All layers.
    pub layers: Vec<String>,
    /// All variables.
    pub environment: Environment,
}

/// What the manager knows of its helper stack and of the session.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// Which session.
    pub session_id: &'a SessionId,
    /// Its connection.
    pub connection_id: &'a ConnectionId,
    /// Its stack.
    pub stack_name: &'a str,
    /// Who attached.
    pub owner: &'a str,
    /// Now.
    pub now: Timestamp,
    /// Timeout while attached, in seconds; none keeps the function's own.
    pub timeout: Option<u32>,
    /// The layer version for a function's architecture.
    pub layer: Option<&'a str>,
    /// The role that the bootstrap assumes, and its external id.
    pub layer_role: (&'a str, &'a str),
    /// Sessions and correlation tables.
    pub tables: (&'a str, &'a str),
    /// `@connections` lives below this URL.
    pub connections_url: &'a str,
}

/// Why a function is left alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Skip {
    /// Layers cannot be added to container images.
    #[error("it is a container image, which takes no layers")]
    Image,
    /// Lambda starts no wrapper for these.
    #[error("its runtime {0} is OS-only: Lambda starts no wrapper there")]
    OsOnly(String),
    /// No room.
    #[error("it has {MAX_LAYERS} layers already, and Lambda takes no more")]
    Layers,
    /// No room.
    #[error("its environment would have {0} bytes, and Lambda takes {MAX_ENVIRONMENT}")]
    EnvironmentSize(usize),
    /// Writing it back would wipe it.
    #[error("its environment cannot be read ({0}), and writing it back would wipe it")]
    EnvironmentUnreadable(String),
    /// Two would take events in turn.
    #[error("{name} is in it ({mark}), which polls the Runtime API itself: take it out to debug")]
    Poller {
        /// Whose it is.
        name: &'static str,
        /// What it was known by.
        mark: String,
    },
    /// The helper stack was installed without it.
    #[error("the helper stack has no layer for {0}: build it with `make layer` and install again")]
    NoLayer(String),
}

/// What to write into a function, and into the journal before it.
///
/// # Errors
/// The reason why this function is left alone.
pub fn instrument(
    function: &FunctionConfiguration,
    order: &Order<'_>,
) -> Result<(Change, JournalRecord), Skip> {
    check(function)?;
    let layer = order
        .layer
        .ok_or_else(|| Skip::NoLayer(function.architecture.clone()))?;
    if function.layers.len() >= MAX_LAYERS {
        return Err(Skip::Layers);
    }
    // Only ever raised: a user who chose 15 min or more chose it on purpose.
    let timeout = order
        .timeout
        .map_or(function.timeout, |wish| wish.max(function.timeout));
    let attachment = attachment(function, order, timeout);
    let mut environment = function.environment.expose().clone();
    let mut variables = BTreeMap::new();
    for (name, after) in attachment.variables() {
        let before = environment.insert(name.clone(), after.clone());
        variables.insert(name, VariableChange { before, after });
    }
    let size = environment_size(&environment);
    if size > MAX_ENVIRONMENT {
        return Err(Skip::EnvironmentSize(size));
    }
    let mut layers = function.layers.clone();
    layers.push(layer.to_owned());
    let journal = JournalRecord {
        function_arn: function.function_arn.clone(),
        session_id: order.session_id.clone(),
        stack_name: order.stack_name.to_owned(),
        owner: order.owner.to_owned(),
        changed_at: order.now,
        layer: layer.to_owned(),
        variables,
        timeout: (timeout != function.timeout).then_some((function.timeout, timeout)),
    };
    let change = Change {
        revision_id: function.revision_id.clone(),
        timeout,
        layers,
        environment: Secret::new(environment),
    };
    Ok((change, journal))
}

fn check(function: &FunctionConfiguration) -> Result<(), Skip> {
    if function.image {
        return Err(Skip::Image);
    }
    if let Some(runtime) = &function.runtime
        && runtime.starts_with("provided")
    {
        return Err(Skip::OsOnly(runtime.clone()));
    }
    if let Some((name, mark)) = pollers::found_in(function) {
        return Err(Skip::Poller { name, mark });
    }
    match &function.environment_error {
        Some(error) => Err(Skip::EnvironmentUnreadable(error.clone())),
        None => Ok(()),
    }
}

fn attachment(
    function: &FunctionConfiguration,
    order: &Order<'_>,
    attached_timeout: u32,
) -> Attachment {
    Attachment {
        session_id: order.session_id.clone(),
        connection_hint: order.connection_id.clone(),
        config: Config {
            layer_role: order.layer_role.0.to_owned(),
            external_id: order.layer_role.1.to_owned(),
            sessions_table: order.tables.0.to_owned(),
            debugger_table: order.tables.1.to_owned(),
            connections_url: order.connections_url.to_owned(),
            timeout: function.timeout,
            wrapper: function.environment.expose().get(WRAPPER).cloned(),
            attached_timeout: Some(attached_timeout),
        },
    }
}

/// Names and values together, as Lambda counts them.
#[must_use]
pub fn environment_size(environment: &BTreeMap<String, String>) -> usize {
    let texts = environment.iter().flat_map(|(k, v)| [k, v]);
    texts.map(String::len).sum()
}

/// What to write to make a function what it was. None: there is nothing of
/// ours in it.
#[must_use]
pub fn restore(function: &FunctionConfiguration, journal: &JournalRecord) -> Option<Change> {
    let mut change = Change {
        revision_id: function.revision_id.clone(),
        timeout: function.timeout,
        layers: function.layers.clone(),
        environment: function.environment.clone(),
    };
    change.layers.retain(|layer| *layer != journal.layer);
    let mut environment = function.environment.expose().clone();
    for (name, ours) in &journal.variables {
        if environment.get(name) != Some(&ours.after) {
            continue; // Somebody else's by now.
        }
        match &ours.before {
            Some(before) => environment.insert(name.clone(), before.clone()),
            None => environment.remove(name),
        };
    }
    change.environment = Secret::new(environment);
    if let Some((before, after)) = journal.timeout
        && function.timeout == after
    {
        change.timeout = before;
    }
    let changed = change.timeout != function.timeout
        || change.layers != function.layers
        || change.environment != function.environment;
    changed.then_some(change)
}

/// Whether a function still carries its events for this session: layer,
/// variables and timeout are in place.
#[must_use]
pub fn is_instrumented(function: &FunctionConfiguration, journal: &JournalRecord) -> bool {
    let environment = function.environment.expose();
    function.layers.contains(&journal.layer)
        && attached_timeout(journal).is_none_or(|timeout| timeout == function.timeout)
        && [WRAPPER, SESSION, CONNECTION, CONFIG].iter().all(|name| {
            journal.variables.get(*name).map(|ours| &ours.after) == environment.get(*name)
        })
}

/// The timeout that goes with an entry. Another one is a change of somebody
/// else's, of which the deployed code's deadline knows nothing yet.
fn attached_timeout(journal: &JournalRecord) -> Option<u32> {
    let config = &journal.variables.get(CONFIG)?.after;
    let config: Config = serde_json::from_str(config).ok()?;
    config.attached_timeout
}

/// Whether a function cannot start: it names our wrapper and has no layer that
/// brings it (exit 127). `layer` is any version of ours.
#[must_use]
pub fn is_dead(function: &FunctionConfiguration, layer: &str) -> bool {
    names_our_wrapper(function) && !has_layer(function, layer)
}

/// Whether something of ours stands in this configuration.
#[must_use]
pub fn carries_ours(function: &FunctionConfiguration, layer: &str) -> bool {
    names_our_wrapper(function) || has_layer(function, layer)
}

fn names_our_wrapper(function: &FunctionConfiguration) -> bool {
    let wrapper = function.environment.expose().get(WRAPPER);
    wrapper.is_some_and(|it| it == BOOTSTRAP_PATH)
}

fn has_layer(function: &FunctionConfiguration, layer: &str) -> bool {
    let wanted = without_version(layer);
    let mut layers = function.layers.iter();
    layers.any(|it| without_version(it) == wanted)
}

/// `arn:…:layer:NAME` of `arn:…:layer:NAME:VERSION`.
#[must_use]
pub fn without_version(layer: &str) -> &str {
    layer.rsplit_once(':').map_or(layer, |(name, _)| name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests;
