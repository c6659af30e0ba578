//! What a helper Lambda may not do: asked of each, because a missing right shows
//! elsewhere as a connection that is refused, or as nothing at all.

use serde::{Deserialize, Serialize};

/// Asked of `authorizer`, `connect` and `manager`, as the payload of an
/// invocation: try every right, and change nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RightsRequest {
    /// Tells it from whatever else these are asked.
    pub action: RightsAction,
    /// Which rights.
    #[serde(default)]
    pub extent: Extent,
}

/// Which rights are tried. Lambda's control plane takes 15 calls a second of a
/// whole account, so not all of them each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Extent {
    /// Those for warnings as well.
    All,
    /// Those without which an attach, an invocation or a restore fails; or of a
    /// newer version.
    #[default]
    #[serde(other)]
    Needed,
}

/// See [`RightsRequest`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RightsAction {
    /// The only one.
    #[default]
    Rights,
}

/// What is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RightsAnswer {
    /// One line for each missing right: which, on what, and what to do.
    ///
    /// Never left out: whatever else a Lambda answers is no such list.
    pub missing: Vec<String>,
}

/// No session, request, function or connection has this name.
pub const NOBODY: &str = "tether-rights";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_told_from_every_other() {
        let text = serde_json::to_string(&RightsRequest::default()).unwrap();
        assert_eq!(text, r#"{"action":"rights","extent":"needed"}"#);
        let short: RightsRequest = serde_json::from_str(r#"{"action":"rights"}"#).unwrap();
        assert_eq!(short, RightsRequest::default());
        for other in [r#"{"action":"sweep"}"#, r#"{"methodArn":"a"}"#, "{}"] {
            assert!(serde_json::from_str::<RightsRequest>(other).is_err());
        }
    }
}
