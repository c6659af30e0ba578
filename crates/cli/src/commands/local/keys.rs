//! What tokens and signatures are verified by.

use crate::args::Local as Typed;
use crate::output::Output;
use anyhow::{Context as _, Result, anyhow};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tether_emulator::Keys;

/// None: tokens by their issuers' own keys.
pub(super) fn of(typed: &Typed, output: &Output) -> Result<Option<Arc<Keys>>> {
    if typed.jwt_key.is_none() && !typed.accept_unsigned_tokens {
        return Ok(None);
    }
    let mut keys = match &typed.jwt_key {
        None => Keys::of_issuers(),
        Some(file) => {
            Keys::of_text(&read(file)?).map_err(|error| anyhow!("{}: {error}", file.display()))?
        }
    };
    if typed.accept_unsigned_tokens {
        output.notice(
            "tokens that nobody has signed are let in (--accept-unsigned-tokens): whoever reaches these ports is whoever they say they are",
        );
        keys = keys.or_unsigned();
    }
    Ok(Some(Arc::new(keys)))
}

/// Empty: every signature is believed.
pub(super) fn access_keys(typed: &Typed) -> Result<BTreeMap<String, String>> {
    let Some(file) = &typed.access_keys else {
        return Ok(BTreeMap::new());
    };
    // The error of a parser may have a secret in it.
    serde_json::from_str(&read(file)?).map_err(|_| {
        anyhow!(
            "{} is no JSON object of access keys and their secret keys: {{\"AKIA…\": \"…\"}}",
            file.display()
        )
    })
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}
