//! One function: `$LATEST`, its published versions, its aliases.

mod versions;

use super::Lambda;
use super::alias::Alias;
use super::archive;
use super::configuration::{Configuration, Known, LATEST, check_revision};
use super::environments::{self, Workshop};
use super::error::LambdaError;
use super::records::Records;
use super::run::{self, Call, Invoked};
use super::run_here;
use super::version::{Code, Revision, Version};
use crate::working_copies::Here;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A change takes this long here; on AWS it takes seconds. Invocations
/// meanwhile meet what was there before.
pub(super) const CHANGE_TAKES: Duration = Duration::from_millis(150);

/// See the module.
pub(crate) struct Function {
    pub(crate) name: String,
    /// Without a qualifier.
    pub(crate) arn: String,
    pub(crate) workshop: Workshop,
    /// Its working copy, which runs in the place of its code.
    pub(crate) here: Option<Here>,
    latest: Arc<Version>,
    pub(super) state: Mutex<State>,
    pub(super) records: Mutex<Records>,
}

pub(super) struct State {
    /// What `GetFunctionConfiguration` shows of `$LATEST`.
    shown: Configuration,
    versions: BTreeMap<u64, Arc<Version>>,
    last_version: u64,
    pub(super) aliases: BTreeMap<String, Alias>,
    /// Invocations at once, if it is limited.
    pub(super) reserved: Option<u32>,
    running: u32,
}

impl State {
    /// `$LATEST`, or one that is published.
    pub(super) fn has_version(&self, version: &str) -> bool {
        let number = version.parse().ok();
        version == LATEST || number.is_some_and(|it: u64| self.versions.contains_key(&it))
    }
}

/// One of the function's places.
struct Running<'a>(&'a Function);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state().running -= 1;
    }
}

impl Function {
    pub(crate) fn new(configuration: Configuration, code: Code, workshop: Workshop) -> Self {
        let latest = Version::new(Revision {
            configuration: configuration.clone(),
            code,
        });
        Self {
            name: configuration.function_name.clone(),
            arn: configuration.function_arn.clone(),
            workshop,
            here: None,
            latest,
            state: Mutex::new(State {
                shown: configuration,
                versions: BTreeMap::new(),
                last_version: 0,
                aliases: BTreeMap::new(),
                reserved: None,
                running: 0,
            }),
            records: Mutex::default(),
        }
    }

    /// The same, as a working copy.
    pub(crate) fn worked_on(self, here: Here) -> Self {
        let here = Some(here);
        Self { here, ..self }
    }

    pub(super) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its ARN with a qualifier.
    pub(crate) fn qualified(&self, qualifier: &str) -> String {
        format!("{}:{qualifier}", self.arn)
    }

    pub(super) fn not_found(&self, qualifier: &str) -> LambdaError {
        LambdaError::NotFound(format!("Function not found: {}", self.qualified(qualifier)))
    }

    // ---- what it is

    /// What a qualifier means: none and `$LATEST`, a version, an alias.
    fn version(&self, qualifier: Option<&str>) -> Result<Arc<Version>, LambdaError> {
        let qualifier = match qualifier {
            None | Some(LATEST) => return Ok(Arc::clone(&self.latest)),
            Some(qualifier) => qualifier,
        };
        let state = self.state();
        let number = match state.aliases.get(qualifier) {
            Some(alias) => alias.choose(),
            None => qualifier,
        };
        match number {
            LATEST => Ok(Arc::clone(&self.latest)),
            number => number
                .parse()
                .ok()
                .and_then(|it: u64| state.versions.get(&it).cloned())
                .ok_or_else(|| self.not_found(qualifier)),
        }
    }

    /// The version of one invocation: an alias may lead to two.
    pub(crate) fn chosen(&self, qualifier: Option<&str>) -> Result<String, LambdaError> {
        let version = self.version(qualifier)?;
        Ok(version.revision().configuration.version.clone())
    }

    /// What `GetFunctionConfiguration` shows, and where the code lies.
    pub(crate) fn describe(
        &self,
        qualifier: Option<&str>,
    ) -> Result<(Configuration, PathBuf), LambdaError> {
        let version = self.version(qualifier)?;
        let revision = version.revision();
        let mut shown = if Arc::ptr_eq(&version, &self.latest) {
            self.configuration()
        } else {
            revision.configuration.clone()
        };
        if let Some(qualifier) = qualifier {
            // The ARN is the one that was asked for: an alias's, too.
            shown.function_arn = self.qualified(qualifier);
        }
        Ok((shown, revision.code.root.clone()))
    }

    /// Of `$LATEST`.
    pub(crate) fn configuration(&self) -> Configuration {
        self.state().shown.clone()
    }

    /// `$LATEST` first, then each published version.
    pub(crate) fn versions(&self) -> Vec<Configuration> {
        let state = self.state();
        let mut all = vec![state.shown.clone()];
        all[0].function_arn = self.qualified(LATEST);
        let published = state.versions.values();
        all.extend(published.map(|it| it.revision().configuration.clone()));
        all
    }

    // ---- changing `$LATEST`

    /// `UpdateFunctionConfiguration`: in progress at first, then in force.
    pub(crate) fn update(
        self: &Arc<Self>,
        lambda: &Arc<Lambda>,
        request: &Value,
    ) -> Result<Configuration, LambdaError> {
        let (shown, code) = {
            let mut state = self.state();
            let mut code = self.latest.revision().code.clone();
            let interpreter = |runtime: &str| match self.here {
                Some(_) => Ok(None),
                None => environments::interpreter(runtime, &code.source),
            };
            let known = Known {
                layer: &|arn| lambda.layers.size(arn),
                runtime: &|runtime| interpreter(runtime).map(|_| ()),
            };
            let changed = state.shown.with(request, &known)?;
            code.interpreter = interpreter(&changed.runtime).map_err(LambdaError::NotServed)?;
            // From here on nothing fails: it would be in progress for ever.
            state.shown = changed.clone();
            (changed, code)
        };
        self.put_in_force_soon(lambda, code);
        Ok(shown)
    }

    /// `UpdateFunctionCode`, as far as the code comes in the request.
    pub(crate) async fn update_code(
        self: &Arc<Self>,
        lambda: &Arc<Lambda>,
        request: &Value,
    ) -> Result<Configuration, LambdaError> {
        check_code_request(request, self.configuration().architecture)?;
        let dry = request.get("DryRun").and_then(Value::as_bool) == Some(true);
        let mut shown = self.configuration();
        check_revision(request, &shown.revision_id)?;
        shown.check_idle()?;
        let zip = archive::read(request.get("ZipFile"))?;
        let (sha256, size) = (zip.sha256(), zip.size());
        let root = self
            .workshop
            .folder
            .join(format!("task-{}", crate::id::uuid()));
        if dry {
            (shown.code_sha256, shown.code_size) = (sha256, size);
            return Ok(shown);
        }
        zip.unpack(root.clone()).await?;
        let begun = self.begin_code(request, &root, sha256, size);
        let (shown, code) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                // Nobody needs it.
                let _ = tokio::fs::remove_dir_all(&root).await;
                return Err(error);
            }
        };
        if request.get("Publish").and_then(Value::as_bool) == Some(true) {
            self.put_in_force(code).await;
            return self.publish(&Value::Null);
        }
        self.put_in_force_soon(lambda, code);
        Ok(shown)
    }

    /// A change to code that has been unpacked is in progress from now on.
    fn begin_code(
        &self,
        request: &Value,
        root: &Path,
        sha256: String,
        size: u64,
    ) -> Result<(Configuration, Code), LambdaError> {
        let mut state = self.state();
        // Unpacking took a while: somebody else may have been faster.
        check_revision(request, &state.shown.revision_id)?;
        state.shown.check_idle()?;
        // A zip brings its dependencies along; the interpreter stays.
        let source = self.latest.revision().code.source.clone();
        let interpreter = environments::interpreter(&state.shown.runtime, &source)
            .map_err(LambdaError::NotServed)?;
        (state.shown.code_sha256, state.shown.code_size) = (sha256, size);
        state.shown.updating = true;
        state.shown.touch();
        let code = Code {
            root: root.to_owned(),
            source,
            interpreter,
        };
        Ok((state.shown.clone(), code))
    }

    /// `$LATEST` is something else from now on, code and all: an update of a
    /// stack, which waits for changes by others.
    pub(crate) async fn replace(&self, configuration: Configuration, code: Code) {
        while self.configuration().updating {
            tokio::time::sleep(CHANGE_TAKES / 10).await;
        }
        self.state().shown = configuration;
        self.put_in_force(code).await;
        if self.here.is_some() {
            self.bring_along().await;
        }
    }

    fn put_in_force_soon(self: &Arc<Self>, lambda: &Lambda, code: Code) {
        let this = Arc::clone(self);
        lambda.tasks.spawn(async move {
            tokio::time::sleep(CHANGE_TAKES).await;
            this.put_in_force(code).await;
        });
    }

    async fn put_in_force(&self, code: Code) {
        let outdated = {
            let mut state = self.state();
            let mut configuration = state.shown.clone();
            configuration.updating = false;
            configuration.touch();
            let outdated = self.latest.put_in_force(Revision {
                configuration: configuration.clone(),
                code,
            });
            // Not before it is: who waits for a change counts on it.
            state.shown = configuration;
            outdated
        };
        outdated.stop().await;
    }

    // ---- running

    /// Whether there is something to invoke.
    pub(crate) fn check(&self, qualifier: Option<&str>) -> Result<(), LambdaError> {
        self.version(qualifier).map(|_| ())
    }

    /// Runs one invocation.
    pub(crate) async fn invoke(
        &self,
        lambda: &Lambda,
        qualifier: Option<&str>,
        call: Call,
    ) -> Result<Invoked, LambdaError> {
        let version = self.version(qualifier)?;
        let _place = self.enter()?;
        if let Some(here) = &self.here {
            if Arc::ptr_eq(&version, &self.latest) {
                return Ok(run_here::run(lambda, here, &version, call).await);
            }
            let published = here.of_version(&version.revision().configuration.version);
            return Ok(run_here::run(lambda, &published, &version, call).await);
        }
        lambda.iam.check_role(&version.revision().configuration)?;
        Ok(run::run(lambda, self, &version, call).await)
    }

    fn enter(&self) -> Result<Running<'_>, LambdaError> {
        let mut state = self.state();
        if state.reserved.is_some_and(|most| state.running >= most) {
            return Err(LambdaError::Throttled);
        }
        state.running += 1;
        Ok(Running(self))
    }

    fn all_versions(&self) -> Vec<Arc<Version>> {
        let mut all = vec![Arc::clone(&self.latest)];
        all.extend(self.state().versions.values().cloned());
        all
    }

    pub(crate) async fn reap(&self, after: Duration) {
        for version in self.all_versions() {
            version.reap(after).await;
        }
    }

    pub(crate) async fn stop(&self) {
        for version in self.all_versions() {
            version.stop().await;
        }
    }

    /// It is deleted: what is idle ends now, and what is busy when it is done.
    pub(crate) async fn end(&self) {
        for version in self.all_versions() {
            version.end().await;
        }
    }
}

/// What of `UpdateFunctionCode` is not emulated.
fn check_code_request(request: &Value, architecture: &str) -> Result<(), LambdaError> {
    const SERVED: [&str; 5] = [
        "ZipFile",
        "Publish",
        "DryRun",
        "RevisionId",
        "Architectures",
    ];
    let architectures = request.get("Architectures").and_then(Value::as_array);
    if architectures.is_some_and(|it| it.iter().any(|it| it != architecture)) {
        let what = "another architecture in UpdateFunctionCode".to_owned();
        return Err(LambdaError::NotServed(what));
    }
    let members = request.as_object().into_iter().flatten();
    let other = members
        .filter(|(_, value)| !value.is_null())
        .map(|(member, _)| member)
        .find(|it| !SERVED.contains(&it.as_str()));
    match other {
        Some(other) => Err(LambdaError::NotServed(format!(
            "{other} of UpdateFunctionCode: send a ZipFile"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
pub(crate) fn example() -> Function {
    let code = Code {
        root: PathBuf::new(),
        source: PathBuf::new(),
        interpreter: None,
    };
    let workshop = Workshop {
        folder: PathBuf::new(),
    };
    Function::new(super::configuration::example(), code, workshop)
}
