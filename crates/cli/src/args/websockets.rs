//! WebSocket APIs, as `tether emulator` and `tether local` serve them.

use super::seconds;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Default, Args)]
pub(crate) struct WebSockets {
    /// Close a WebSocket that is without a message for this long, instead of
    /// after 10 minutes.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) websocket_idle: Option<Duration>,
    /// Close a WebSocket at this age, instead of after 2 hours.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) websocket_lifetime: Option<Duration>,
    /// Let in so many new WebSocket connections in a second, instead of 500; 0
    /// lets in all.
    #[arg(long, value_name = "N")]
    pub(crate) websocket_connects: Option<u32>,
    /// Cut a WebSocket whose client takes no byte of what waits for it for this
    /// long, instead of for a minute.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) websocket_unread: Option<Duration>,
    /// Keep WebSocket connections in this DynamoDB table, which is created if it
    /// is not there. `tether local` has ws_connections; a dash is none.
    #[arg(long, value_name = "NAME")]
    pub(crate) websocket_table: Option<String>,
    /// Hold WebSocket messages against the [websocket] section of this file; for
    /// `tether local` it is that of the tether.toml beside the template.
    #[arg(long, value_name = "FILE")]
    pub(crate) websocket_rules: Option<PathBuf>,
    /// In which DynamoDB that table is, instead of in the embedded one.
    #[arg(long, value_name = "URL")]
    pub(crate) dynamodb_endpoint: Option<String>,
}
