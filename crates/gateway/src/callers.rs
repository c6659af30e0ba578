//! Who signs requests by SigV4.

use std::collections::BTreeMap;
use std::fmt;

/// Knows whose an access key is: for routes with `AWS_IAM`.
pub trait Callers: Send + Sync {
    /// Who signs by an access key. None: nobody, and the request is refused.
    fn signer(&self, access_key: &str) -> Option<Signer>;

    /// Whether a signer may invoke `arn`, the ARN of a route or of a function.
    ///
    /// # Errors
    /// Why not, for the log; the client is told no more than AWS tells.
    fn may(&self, signer: &Signer, action: &str, arn: &str) -> Result<(), String> {
        let _ = (signer, action, arn);
        Ok(())
    }
}

/// Somebody with an access key. The secret does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Signer {
    /// `AKIA…`
    pub access_key: String,
    /// What signatures are verified by; none: they are believed.
    pub secret: Option<String>,
    /// Twelve digits.
    pub account_id: String,
    /// `AIDA…`, or `AROA…:session`.
    pub user_id: String,
    /// `arn:aws:iam::123456789012:user/alice`
    pub user_arn: String,
}

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Signer")
            .field("user_arn", &self.user_arn)
            .finish_non_exhaustive()
    }
}

/// Keys that are known on this machine. Without any, every signature is read and believed: what is
/// on the desk has no secrets to hold it against.
#[derive(Clone, Default)]
pub struct LocalKeys {
    account_id: String,
    secrets: BTreeMap<String, String>,
}

impl LocalKeys {
    /// Of an account; secrets by access key.
    #[must_use]
    pub fn new(account_id: impl Into<String>, secrets: BTreeMap<String, String>) -> Self {
        Self {
            account_id: account_id.into(),
            secrets,
        }
    }
}

impl fmt::Debug for LocalKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LocalKeys")
            .field("keys", &self.secrets.len())
            .finish_non_exhaustive()
    }
}

impl Callers for LocalKeys {
    fn signer(&self, access_key: &str) -> Option<Signer> {
        let secret = self.secrets.get(access_key).cloned();
        if secret.is_none() && !self.secrets.is_empty() {
            return None;
        }
        let account_id = self.account_id.clone();
        Some(Signer {
            access_key: access_key.to_owned(),
            secret,
            user_id: access_key.replacen("AKIA", "AIDA", 1),
            user_arn: format!("arn:aws:iam::{account_id}:user/local"),
            account_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_keys_everybody_is_believed_and_with_them_nobody_else() {
        let known = LocalKeys::new("123456789012", BTreeMap::new());
        assert_eq!(known.signer("AKIAX").unwrap().secret, None);
        let secrets = BTreeMap::from([("AKIAX".to_owned(), "s3cret".to_owned())]);
        let known = LocalKeys::new("123456789012", secrets);
        let signer = known.signer("AKIAX").unwrap();
        assert_eq!(signer.secret.as_deref(), Some("s3cret"));
        assert_eq!(known.signer("AKIAY"), None);
        assert!(!format!("{known:?} {signer:?}").contains("s3cret"));
    }
}
