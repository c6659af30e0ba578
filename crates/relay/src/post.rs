//! Posting to a connection: `POST {url}/@connections/{id}`, signed.

use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::config::Builder;
use aws_sdk_apigatewaymanagement::config::retry::RetryConfig;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use aws_types::SdkConfig;
use tether_aws::{Failure, classify};
use tether_protocol::ConnectionId;
use tether_protocol::constants::MESSAGE_LIMIT;

/// Posts to the connections of one WebSocket API.
#[derive(Clone, Debug)]
pub struct Poster {
    client: Client,
}

/// What became of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// API Gateway took it.
    Delivered,
    /// 410: nobody is connected there.
    Gone,
    /// Certainly not delivered, and why.
    Refused(String),
    /// May have been delivered.
    Unknown,
}

impl Poster {
    /// `connections_url` is the helper stack's output `ConnectionsUrl`.
    #[must_use]
    pub fn new(config: &SdkConfig, connections_url: &str) -> Self {
        let config = Builder::from(config)
            .endpoint_url(connections_url)
            // A retry inside the SDK would hide that the first try may have
            // been delivered: whoever posts decides.
            .retry_config(RetryConfig::disabled())
            .build();
        Self {
            client: Client::from_conf(config),
        }
    }

    /// Posts one message. Text over API Gateway's limit is refused here.
    pub async fn post(&self, connection: &ConnectionId, message: String) -> Posted {
        if message.len() > MESSAGE_LIMIT {
            return Posted::Refused(format!(
                "{} bytes, and a message may have {MESSAGE_LIMIT}",
                message.len()
            ));
        }
        let sent = self
            .client
            .post_to_connection()
            .connection_id(connection.as_str())
            .data(Blob::new(message))
            .send()
            .await;
        match sent {
            Ok(_) => Posted::Delivered,
            Err(error) => verdict(&classify(&error)),
        }
    }
}

fn verdict(failure: &Failure) -> Posted {
    match failure.status {
        Some(410) => Posted::Gone,
        _ if failure.outcome_unknown => Posted::Unknown,
        _ => Posted::Refused(failure.to_string()),
    }
}
