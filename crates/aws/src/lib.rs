//! The one way to AWS: TLS, time limits, retries, endpoint.
//!
//! TLS is rustls on ring, because that cross-compiles for the layer; the SDK's
//! own default does not. Everything that talks to AWS starts from here, so
//! that a time limit is set in one place.

// No panic: this runs inside other people's functions.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::todo,
        clippy::unimplemented,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use std::time::Duration;

mod clock;
mod denial;
mod function;
mod outcome;
mod place;
mod road;
mod trust;
pub use aws_smithy_async::time::TimeSource;
pub use clock::{Clock, Skew};
pub use denial::Denial;
pub use function::{config_of_function, needed};
pub use outcome::{Failure, chain, classify, innermost};
pub use place::Partition;
pub use road::{Bundle, Proxy, Road, RoadError, Why};
pub use trust::Trust;

/// Where AWS is, and as whom.
#[derive(Clone, Debug)]
pub struct Access {
    /// `eu-west-1`
    pub region: String,
    /// Instead of AWS's own endpoints: `AWS_ENDPOINT_URL`.
    pub endpoint_url: Option<String>,
    /// Which of AWS's own endpoints.
    pub kind: EndpointKind,
    /// As whom.
    pub credentials: SharedCredentialsProvider,
}

/// `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT`
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndpointKind {
    /// With validated cryptography, as GovCloud's users often must have it.
    pub fips: bool,
    /// By IPv6, too.
    pub dual_stack: bool,
}

/// How long a call may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// One call with its retries.
    pub call: Duration,
    /// Tries in all.
    pub attempts: u32,
}

/// Connections are not kept longer than this: after a freeze every socket may
/// be dead, and a new one costs less than finding that out.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// The HTTP client for all SDK clients of a process.
#[must_use]
pub fn http_client(trust: Trust) -> SharedHttpClient {
    let builder = Builder::new()
        .pool_idle_timeout(POOL_IDLE)
        .tls_provider(Provider::Rustls(CryptoMode::Ring));
    match trust.context() {
        Some(context) => builder.tls_context(context).build_https(),
        None => builder.build_https(),
    }
}

/// The same for endpoints on this machine, without TLS: reading certificates
/// would be most of what a start costs.
#[must_use]
pub fn plain_http_client() -> SharedHttpClient {
    Builder::new().pool_idle_timeout(POOL_IDLE).build_http()
}

/// What every SDK client is made from.
#[must_use]
pub fn config(access: &Access, patience: Patience, http: &SharedHttpClient) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .operation_timeout(patience.call)
        .connect_timeout(patience.call.checked_div(2).unwrap_or_default())
        .build();
    let builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(access.region.clone()))
        .use_fips(access.kind.fips)
        .use_dual_stack(access.kind.dual_stack)
        .credentials_provider(access.credentials.clone())
        .sleep_impl(TokioSleep::new())
        .time_source(aws_smithy_async::time::SystemTimeSource::new())
        .retry_config(RetryConfig::standard().with_max_attempts(patience.attempts))
        .timeout_config(timeouts)
        .http_client(http.clone());
    match &access.endpoint_url {
        Some(url) => builder.endpoint_url(url),
        None => builder,
    }
    .build()
}
