//! Publishing what `$LATEST` is
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html>).

use super::{Function, Revision, Version};
use crate::lambda::LambdaError;
use crate::lambda::configuration::{Configuration, LATEST, check_revision};
use serde_json::Value;

impl Function {
    /// `PublishVersion`: what `$LATEST` is now, for good. Nothing changed
    /// since the last one: that one.
    pub(crate) fn publish(&self, request: &Value) -> Result<Configuration, LambdaError> {
        self.publish_unless(true, request)
    }

    /// The same for a stack. Of a working copy it is always a new one: what has
    /// changed in its code is not known here.
    pub(crate) fn publish_another(&self, request: &Value) -> Result<Configuration, LambdaError> {
        self.publish_unless(self.here.is_none(), request)
    }

    fn publish_unless(&self, same: bool, request: &Value) -> Result<Configuration, LambdaError> {
        if request.get("PublishTo").is_some_and(|it| !it.is_null()) {
            let what = "PublishTo of PublishVersion".to_owned();
            return Err(LambdaError::NotServed(what));
        }
        let mut state = self.state();
        let latest = &state.shown;
        check_revision(request, &latest.revision_id)?;
        latest.check_idle()?;
        if let Some(expected) = request.get("CodeSha256").and_then(Value::as_str)
            && !expected.is_empty()
            && expected != latest.code_sha256
        {
            return Err(LambdaError::InvalidParameter(format!(
                "CodeSHA256 ({expected}) is different from current CodeSHA256 in $LATEST ({}). \
                 Please try again with the CodeSHA256 in $LATEST.",
                latest.code_sha256
            )));
        }
        let code = self.latest.revision().code.clone();
        if let Some(last) = state
            .versions
            .get(&state.last_version)
            .map(|it| it.revision())
            && same
            && last.code == code
            && latest.publishes_as(&last.configuration)
        {
            return Ok(last.configuration.clone());
        }
        let mut configuration = latest.clone();
        let number = state.last_version + 1;
        configuration.version = number.to_string();
        configuration.function_arn = self.qualified(&configuration.version);
        configuration.revision_id = crate::id::uuid();
        if let Some(description) = request.get("Description").filter(|it| !it.is_null()) {
            configuration.plain.set("Description", description)?;
        }
        state.last_version = number;
        let version = Version::new(Revision {
            configuration: configuration.clone(),
            code,
        });
        state.versions.insert(number, version);
        Ok(configuration)
    }

    /// The number that the next version gets.
    pub(crate) fn next_version(&self) -> u64 {
        self.state().last_version + 1
    }

    /// `DeleteFunction` with a qualifier.
    pub(crate) async fn delete_version(&self, qualifier: &str) -> Result<(), LambdaError> {
        let version = {
            let mut state = self.state();
            let users: Vec<&str> = state
                .aliases
                .values()
                .filter(|it| it.uses(qualifier))
                .map(|it| it.name.as_str())
                .collect();
            if qualifier == LATEST {
                let message =
                    "$LATEST version cannot be deleted without deleting the function.".to_owned();
                return Err(LambdaError::InvalidParameter(message));
            }
            if !users.is_empty() {
                return Err(LambdaError::Conflict(format!(
                    "Unable to delete version because the following aliases reference it: [{}]",
                    users.join(", ")
                )));
            }
            qualifier
                .parse()
                .ok()
                .and_then(|it: u64| state.versions.remove(&it))
                .ok_or_else(|| self.not_found(qualifier))?
        };
        version.stop().await;
        Ok(())
    }

    /// Of a working copy each version has processes: those of versions that no alias
    /// leads to any more are not kept.
    pub(crate) async fn end_superseded(&self) {
        let Some(here) = &self.here else {
            return;
        };
        let superseded: Vec<String> = {
            let state = self.state();
            let versions = (1..=state.last_version).map(|it| it.to_string());
            let used = |version: &str| state.aliases.values().any(|it| it.uses(version));
            versions.filter(|it| !used(it)).collect()
        };
        here.end_versions(&superseded).await;
    }

    /// Published versions of a working copy are what it is now, each with its
    /// number.
    pub(super) async fn bring_along(&self) {
        let outdated: Vec<_> = {
            let state = self.state();
            let latest = self.latest.revision();
            let versions = state.versions.values();
            versions
                .map(|it| it.put_in_force(self.as_version(&latest, it)))
                .collect()
        };
        for it in outdated {
            it.stop().await;
        }
    }

    fn as_version(&self, latest: &Revision, version: &Version) -> Revision {
        let before = &version.revision().configuration;
        let mut configuration = latest.configuration.clone();
        configuration.version.clone_from(&before.version);
        configuration.function_arn = self.qualified(&before.version);
        configuration.plain.copy("Description", &before.plain);
        Revision {
            configuration,
            code: latest.code.clone(),
        }
    }
}
