//! What was typed about WebSocket APIs, as the emulator takes it.

use crate::args::WebSockets as Typed;
use anyhow::{Result, bail};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use std::num::NonZeroU32;
use std::path::PathBuf;
use tether_aws::{Access, EndpointKind};
use tether_emulator::{Options, WebSocketTable};
use tether_project::settings::websocket_rules;
use tether_receiver::{Surroundings, Whereabouts};

/// The table of `tether local`.
pub(crate) const TABLE: &str = "ws_connections";

/// Which table there is if none was typed, and where AWS is.
pub(crate) struct Otherwise {
    pub(crate) table: Option<&'static str>,
    /// A `tether.toml` that is there.
    pub(crate) rules: Option<PathBuf>,
    pub(crate) region: String,
    pub(crate) profile: Option<String>,
}

/// Says it to the emulator.
pub(crate) async fn apply(
    typed: &Typed,
    otherwise: Otherwise,
    options: &mut Options,
) -> Result<()> {
    let usual = Options::default();
    options.websocket_idle = typed.websocket_idle.unwrap_or(usual.websocket_idle);
    options.websocket_lifetime = typed.websocket_lifetime.unwrap_or(usual.websocket_lifetime);
    options.websocket_unread = typed.websocket_unread.unwrap_or(usual.websocket_unread);
    options.websocket_connects = match typed.websocket_connects {
        None => usual.websocket_connects,
        Some(count) => NonZeroU32::new(count),
    };
    if let Some(file) = typed.websocket_rules.as_ref().or(otherwise.rules.as_ref()) {
        options.websocket_rules.replace(websocket_rules(file)?);
    }
    let table = typed.websocket_table.as_deref().or(otherwise.table);
    let Some(name) = table.filter(|it| *it != "-") else {
        if typed.dynamodb_endpoint.is_some() {
            bail!(
                "--dynamodb-endpoint is about the table of connections: name one with --websocket-table"
            );
        }
        return Ok(());
    };
    check_name(name)?;
    let elsewhere = match &typed.dynamodb_endpoint {
        None => None,
        Some(url) => Some(elsewhere(url, otherwise).await?),
    };
    options.websocket_table = Some(WebSocketTable {
        name: name.to_owned(),
        elsewhere,
    });
    Ok(())
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html>
fn check_name(name: &str) -> Result<()> {
    let good = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | '.');
    if !(3..=255).contains(&name.len()) || !name.chars().all(good) {
        bail!(
            "{name} is no name of a table (--websocket-table): 3 to 255 letters, digits, dots, dashes and underscores"
        );
    }
    Ok(())
}

/// A DynamoDB of AWS's wants real credentials; others take any.
async fn elsewhere(url: &str, otherwise: Otherwise) -> Result<Access> {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        bail!("{url} is no URL (--dynamodb-endpoint): http://127.0.0.1:8000 is one");
    }
    let surroundings = Surroundings::look(&Whereabouts {
        region: Some(otherwise.region.clone()),
        profile: otherwise.profile,
        endpoint_url: Some(url.to_owned()),
    })
    .await?;
    let credentials = match surroundings.keys().await {
        Ok(_) => surroundings.provider(),
        Err(error) if url.contains(".amazonaws.com") => return Err(error.into()),
        Err(_) => {
            let any = Credentials::from_keys("local", "local", None);
            SharedCredentialsProvider::new(any)
        }
    };
    Ok(Access {
        region: otherwise.region,
        endpoint_url: Some(url.to_owned()),
        kind: EndpointKind::default(),
        credentials,
    })
}
