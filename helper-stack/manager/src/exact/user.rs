//! What a user has, and what a user does to it meanwhile.

use crate::fake::{LAYER, configuration};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tether_protocol::Secret;
use tether_protocol::config::{CONNECTION, SESSION, WRAPPER};
use tether_protocol::instrumentation::{FunctionConfiguration, MAX_ENVIRONMENT, MAX_LAYERS};

/// A change of the user's.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    Set(&'static str, String),
    Unset(&'static str),
    AddLayer(String, bool),
    RemoveLayer(String),
    ReplaceLayers(Vec<String>),
    Timeout(u32),
    /// By somebody who does not know what it is.
    DropOurLayer,
    /// Everything anew from the user's template.
    Deploy(FunctionConfiguration),
}

impl Edit {
    /// What becomes of a configuration; none: Lambda does not take it. `ours`:
    /// this is the one that we write, too.
    pub(super) fn of(
        &self,
        before: &FunctionConfiguration,
        ours: bool,
    ) -> Option<FunctionConfiguration> {
        let mut it = before.clone();
        let mut environment = it.environment.expose().clone();
        match self {
            Self::Set(name, value) => {
                environment.insert((*name).to_owned(), value.clone());
            }
            Self::Unset(name) => {
                environment.remove(*name);
            }
            Self::AddLayer(layer, front) if !it.layers.contains(layer) => {
                let at = if *front { 0 } else { it.layers.len() };
                it.layers.insert(at, layer.clone());
            }
            Self::AddLayer(..) => return None,
            Self::RemoveLayer(layer) => it.layers.retain(|it| it != layer),
            Self::ReplaceLayers(layers) => it.layers.clone_from(layers),
            Self::Timeout(timeout) => it.timeout = *timeout,
            Self::DropOurLayer if ours => it.layers.retain(|it| it != LAYER),
            Self::DropOurLayer => {}
            Self::Deploy(own) => {
                environment = own.environment.expose().clone();
                it.layers.clone_from(&own.layers);
                it.timeout = own.timeout;
            }
        }
        let size: usize = environment.iter().map(|(k, v)| k.len() + v.len()).sum();
        it.environment = Secret::new(environment);
        (it.layers.len() <= MAX_LAYERS && size <= MAX_ENVIRONMENT).then_some(it)
    }
}

fn any_value() -> impl Strategy<Value = String> {
    "[a-z/]{1,9}"
}

fn any_layer() -> impl Strategy<Value = String> {
    "arn:l:[a-f]:[1-3]"
}

fn any_layers() -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(any_layer(), 0..=MAX_LAYERS).prop_map(|it| it.into_iter().collect())
}

/// Not one of those that the sessions raise to: nobody could tell it apart.
fn any_timeout() -> impl Strategy<Value = u32> {
    (1u32..450).prop_map(|it| it * 2)
}

/// Any configuration of a user's: with variables of our names among them, and
/// hardly any room left.
pub(super) fn any_own() -> impl Strategy<Value = FunctionConfiguration> {
    let name = prop::sample::select(vec![WRAPPER, SESSION, CONNECTION, "TABLE", "OTHER"]);
    let variables = prop::collection::btree_map(name, any_value(), 0..5);
    let filling = prop_oneof![6 => Just(0usize), 1 => 3_000usize..4_000];
    (variables, any_layers(), any_timeout(), filling).prop_map(
        |(variables, layers, timeout, filling)| {
            let variables = variables.into_iter().map(|(k, v)| (k.to_owned(), v));
            let mut environment: BTreeMap<String, String> = variables.collect();
            if filling > 0 {
                environment.insert("FILLING".into(), "x".repeat(filling));
            }
            FunctionConfiguration {
                environment: Secret::new(environment),
                layers,
                timeout,
                ..configuration()
            }
        },
    )
}

pub(super) fn any_edit() -> impl Strategy<Value = Edit> {
    let set = prop::sample::select(vec![WRAPPER, "TABLE", "NEW"]);
    let unset = prop::sample::select(vec![WRAPPER, SESSION, CONNECTION, "TABLE"]);
    prop_oneof![
        1 => (set, any_value()).prop_map(|(name, value)| Edit::Set(name, value)),
        1 => unset.prop_map(Edit::Unset),
        1 => (any_layer(), any::<bool>()).prop_map(|(layer, front)| Edit::AddLayer(layer, front)),
        1 => any_layer().prop_map(Edit::RemoveLayer),
        1 => any_layers().prop_map(Edit::ReplaceLayers),
        1 => any_timeout().prop_map(Edit::Timeout),
        2 => Just(Edit::DropOurLayer),
        2 => any_own().prop_map(Edit::Deploy),
    ]
}
