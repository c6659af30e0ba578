//! What functions find around them besides the template's variables: this
//! cloud's endpoints, and credentials.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use tether_emulator::Certificates;

/// What SDKs of functions talk to instead of AWS: the services that are here, and
/// no others (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>).
pub(crate) fn endpoints(endpoint: SocketAddr, aws_tables: bool) -> BTreeMap<String, String> {
    let tables = (!aws_tables).then_some("AWS_ENDPOINT_URL_DYNAMODB");
    ["AWS_ENDPOINT_URL_LAMBDA"]
        .into_iter()
        .chain(tables)
        .map(|name| (name.to_owned(), format!("http://{endpoint}")))
        .collect()
}

/// What makes the SDKs of each language trust this cloud's WebSocket APIs, beside
/// everything else: Node adds a file of its own; Python, Go and Rust take one
/// with all of them in it.
pub(crate) fn trust(certificates: &Certificates<'_>) -> BTreeMap<String, String> {
    [
        ("NODE_EXTRA_CA_CERTS", certificates.own),
        ("AWS_CA_BUNDLE", certificates.all),
        ("SSL_CERT_FILE", certificates.all),
    ]
    .map(|(name, path)| (name.to_owned(), path.display().to_string()))
    .into()
}

/// Keys for developers who have none: SDKs refuse to call even this cloud
/// without. Empty where there may be some.
pub(crate) fn stand_in_credentials() -> BTreeMap<String, String> {
    if may_have_credentials() {
        return BTreeMap::new();
    }
    [
        ("AWS_ACCESS_KEY_ID", "tether-local"),
        ("AWS_SECRET_ACCESS_KEY", "tether-local"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Whether an SDK would look further than this machine's environment for keys
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>).
fn may_have_credentials() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|it| !it.is_empty());
    let named = [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CONFIG_FILE",
    ];
    let home = std::env::home_dir().map(|it| it.join(".aws"));
    let file = |name: &str| home.as_ref().is_some_and(|it| it.join(name).is_file());
    named.into_iter().any(set) || file("credentials") || file("config")
}
