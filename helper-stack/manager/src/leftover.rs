//! What of ours stands in a function, where it is not what the journal says.
//!
//! The journal is written before the function, so a manager that ends between
//! the two leaves an entry that speaks of another session's variables. A
//! helper stack that was deleted while functions were instrumented leaves no
//! entry at all. The variables say enough to undo both.

use tether_protocol::SessionId;
use tether_protocol::Timestamp;
use tether_protocol::config::{Attachment, BOOTSTRAP_PATH, CONFIG, CONNECTION, SESSION, WRAPPER};
use tether_protocol::instrumentation::FunctionConfiguration;
use tether_protocol::records::{JournalRecord, VariableChange};

/// The entry, made to fit what stands in the function: restoring by it takes
/// out everything of ours, whichever session wrote it.
///
/// Whoever calls this has read the function first and the entry after: then
/// variables of another session cannot be those of a new owner, who would have
/// written the journal before the function.
pub(crate) fn fitted(function: &FunctionConfiguration, entry: &JournalRecord) -> JournalRecord {
    let mut fitted = entry.clone();
    let Some(found) = attachment(function) else {
        return fitted;
    };
    let environment = function.environment.expose();
    for name in [SESSION, CONNECTION, CONFIG] {
        if let (Some(ours), Some(value)) = (fitted.variables.get_mut(name), environment.get(name)) {
            ours.after.clone_from(value);
        }
    }
    if found.session_id != entry.session_id {
        fitted.timeout = raised(function, &found);
        fitted.layer = same_layer(function, &entry.layer);
    }
    fitted
}

/// An entry for what stands in a function that has none; none: there is
/// nothing of ours in it. Without this, our own wrapper would be chained to
/// itself.
pub(crate) fn orphan(function: &FunctionConfiguration, layer: &str) -> Option<JournalRecord> {
    let environment = function.environment.expose();
    let found = attachment(function)?;
    let mut variables = [SESSION, CONNECTION, CONFIG, WRAPPER]
        .into_iter()
        .filter_map(|name| {
            let change = VariableChange {
                before: None,
                after: environment.get(name)?.clone(),
            };
            Some((name.to_owned(), change))
        })
        .collect::<std::collections::BTreeMap<_, _>>();
    match variables.get_mut(WRAPPER) {
        Some(wrapper) if wrapper.after == BOOTSTRAP_PATH => {
            wrapper.before.clone_from(&found.config.wrapper);
        }
        // Somebody else's by now.
        _ => {
            variables.remove(WRAPPER);
        }
    }
    Some(JournalRecord {
        function_arn: function.function_arn.clone(),
        session_id: SessionId::new(""),
        stack_name: String::new(),
        owner: String::new(),
        changed_at: Timestamp::default(),
        layer: same_layer(function, layer),
        variables,
        timeout: raised(function, &found),
    })
}

fn attachment(function: &FunctionConfiguration) -> Option<Attachment> {
    let environment = function.environment.expose();
    Attachment::read(|name| environment.get(name).cloned()).ok()
}

/// The bootstrap is told the function's own timeout; ours is only ever longer.
fn raised(function: &FunctionConfiguration, found: &Attachment) -> Option<(u32, u32)> {
    let own = found.config.timeout;
    (function.timeout > own).then_some((own, function.timeout))
}

/// The version of `layer` that the function has, or else `layer`.
fn same_layer(function: &FunctionConfiguration, layer: &str) -> String {
    let name = |arn: &str| arn.rsplit_once(':').map(|(name, _)| name.to_owned());
    let found = function.layers.iter().find(|it| name(it) == name(layer));
    found.map_or(layer, String::as_str).to_owned()
}
