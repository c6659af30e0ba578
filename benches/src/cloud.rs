//! The cloud on the desk with one function, and a developer who attaches.

use crate::caller::{DEPLOYED, LAPTOP, Target};
use crate::proc_fs::{self, Stat};
use crate::process::Process;
use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

const TEMPLATE: &str = include_str!("../function/template.yaml");
const SOURCE: &str = include_str!("../function/hello/app.py");
const STACK: &str = "bench";

/// Variables of the developer's that are none of the bench's business.
const FOREIGN: [&str; 4] = ["AWS_", "PYTHON", "TETHER_", "DEBUGGER_"];

/// What is measured, and how thoroughly.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The command.
    pub(crate) tether: PathBuf,
    /// The layer's bootstrap.
    pub(crate) bootstrap: PathBuf,
    /// Fewer rounds.
    pub(crate) quick: bool,
    /// Invocations of the soak.
    pub(crate) soak: usize,
    /// Where what else serves functions is installed, if it shall be measured.
    pub(crate) peers: Option<PathBuf>,
    /// Whether the emulator can be far away.
    pub(crate) has_latency: bool,
}

impl Setting {
    /// So many, or fewer when it has to be quick.
    pub(crate) fn rounds(&self, count: usize) -> usize {
        if self.quick {
            (count / 5).max(2)
        } else {
            count
        }
    }
}

/// How far the cloud is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// This machine.
    Here,
    /// 25 ms each way to the laptop, 5 ms for each AWS call.
    Wan,
    /// The laptop's link alone, so that round trips can be counted.
    Distance,
}

/// One way, in milliseconds.
pub(crate) const ONE_WAY: u64 = 25;
const AWS_CALL: u64 = 5;

impl Link {
    fn flags(self) -> Vec<String> {
        let call = match self {
            Self::Here => return Vec::new(),
            Self::Wan => AWS_CALL,
            Self::Distance => 0,
        };
        let flags = [
            ("--latency", ONE_WAY.to_string()),
            ("--aws-latency", call.to_string()),
        ];
        let flags = flags.map(|(name, value)| [name.to_owned(), value]);
        flags.concat()
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Here => "one machine",
            Self::Wan => "WAN",
            Self::Distance => "far laptop",
        }
    }
}

/// Deployed and serving. Ended by `end`, or when dropped.
pub(crate) struct Cloud {
    pub(crate) process: Process,
    endpoint: String,
    pub(crate) target: Target,
    setting: Setting,
    folder: tempfile::TempDir,
}

/// A developer who is attached.
pub(crate) struct Attached {
    pub(crate) process: Process,
    /// From exec to `ready`.
    pub(crate) took: Duration,
}

impl Cloud {
    pub(crate) async fn start(setting: &Setting, link: Link) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tether-bench-").tempdir()?;
        let deployed = folder.path().join("deployed");
        write_project(&deployed, DEPLOYED)?;
        write_project(&folder.path().join("copy"), LAPTOP)?;
        let template = deployed.join("template.yaml");
        let mut arguments: Vec<String> = ["emulator", "--json", "--endpoint-port", "0", "--deploy"]
            .map(str::to_owned)
            .into();
        arguments.push(format!("{STACK}={}", template.display()));
        arguments.extend(link.flags());
        let process = Process::start(
            "tether emulator",
            &setting.tether,
            &arguments,
            &environment(None),
            folder.path(),
        )?;
        let ready = process.wait_for("ready").await?;
        let endpoint = ready["endpoint"].as_str().unwrap_or_default().to_owned();
        let functions = ready["functions"].as_array();
        let function = functions
            .into_iter()
            .flatten()
            .find(|it| it["stack"] == STACK)
            .and_then(|it| it["name"].as_str())
            .context("the emulator has deployed no function of the bench's")?;
        let target = Target {
            authority: endpoint.trim_start_matches("http://").to_owned(),
            function: function.to_owned(),
        };
        Ok(Self {
            process,
            endpoint,
            target,
            setting: setting.clone(),
            folder,
        })
    }

    /// The working copy's folder.
    pub(crate) fn copy(&self) -> PathBuf {
        self.folder.path().join("copy")
    }

    pub(crate) async fn attach(&self) -> Result<Attached> {
        let arguments = ["attach", "--json", "--stack-name", STACK].map(str::to_owned);
        let process = Process::start(
            "tether attach",
            &self.setting.tether,
            &arguments,
            &environment(Some(&self.endpoint)),
            &self.copy(),
        )?;
        process.wait_for("ready").await?;
        let took = process.started.elapsed();
        Ok(Attached { process, took })
    }

    /// The bootstraps of the function's environments.
    pub(crate) fn bootstraps(&self) -> Vec<Stat> {
        let all = proc_fs::descendants(self.process.pid);
        // `stat` has 15 characters of a name.
        let is_ours = |it: &Stat| it.name.starts_with("tether-bootstra");
        all.into_iter().filter(is_ours).collect()
    }

    /// The helper stack's Lambdas.
    pub(crate) fn helpers(&self) -> Vec<Stat> {
        let all = proc_fs::descendants(self.process.pid);
        all.into_iter()
            .filter(|it| it.name == "bootstrap")
            .collect()
    }

    /// How often AWS was called so far, if this emulator counts that.
    pub(crate) async fn calls(&self) -> Result<Option<Calls>> {
        Calls::read(&self.target.authority).await
    }

    pub(crate) async fn end(self) -> Result<()> {
        self.process.end(Signal::TERM).await.map(|_| ())
    }
}

impl Attached {
    /// Ctrl-C: how long it takes to the end.
    pub(crate) async fn detach(self) -> Result<Duration> {
        self.process.end(Signal::INT).await
    }
}

/// The function, answering as this.
fn write_project(folder: &Path, answered_by: &str) -> Result<()> {
    std::fs::create_dir_all(folder.join("hello"))?;
    std::fs::write(folder.join("template.yaml"), TEMPLATE)?;
    save(folder, answered_by)
}

/// Saves the function's code as editors do: whole, by a rename.
pub(crate) fn save(folder: &Path, answered_by: &str) -> Result<()> {
    let source = SOURCE.replace(DEPLOYED, answered_by);
    let (file, beside) = (folder.join("hello/app.py"), folder.join("app.py.saving"));
    std::fs::write(&beside, source)?;
    std::fs::rename(&beside, &file)?;
    Ok(())
}

/// Dummy credentials, and no way to real ones.
pub(crate) fn environment(endpoint: Option<&str>) -> BTreeMap<String, String> {
    let own = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut all: BTreeMap<String, String> = own
        .filter(|(name, _)| !FOREIGN.iter().any(|it| name.starts_with(it)))
        .collect();
    let dummies = [
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "example"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    all.extend(dummies.map(|(name, value)| (name.to_owned(), value.to_owned())));
    // An interpreter itself, and not a version manager's script before it.
    if let Ok(virtualenv) = Path::new(".venv").canonicalize() {
        all.insert("VIRTUAL_ENV".into(), virtualenv.display().to_string());
    }
    if let Some(endpoint) = endpoint {
        all.insert("AWS_ENDPOINT_URL".into(), endpoint.to_owned());
    }
    all
}

/// `tether-LayerRole-0PD4L0FT2LBY` is another one at each deployment.
fn without_suffix(role: &str) -> &str {
    let is_random = |it: &str| {
        let mut all = it.bytes();
        it.len() >= 8 && all.all(|it| it.is_ascii_uppercase() || it.is_ascii_digit())
    };
    match role.rsplit_once('-') {
        Some((name, suffix)) if is_random(suffix) => name,
        _ => role,
    }
}

/// The emulator's ledger: who called what, how often.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(BTreeMap<(String, String, String), u64>);

impl Calls {
    async fn read(authority: &str) -> Result<Option<Self>> {
        let (status, body) = crate::caller::look(authority, "/_tether/calls").await?;
        if status != 200 {
            return Ok(None);
        }
        Self::parse(&body).map(Some)
    }

    fn parse(body: &[u8]) -> Result<Self> {
        let list: Vec<Value> = serde_json::from_slice(body)
            .with_context(|| "the emulator's list of calls is not understood")?;
        let mut calls = BTreeMap::new();
        for it in list {
            let text = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
            let principal = without_suffix(&text("principal")).to_owned();
            let key = (principal, text("service"), text("action"));
            let Some(count) = it["count"].as_u64() else {
                bail!("the emulator's list of calls has one without a count");
            };
            *calls.entry(key).or_default() += count;
        }
        Ok(Self(calls))
    }

    /// What came since then.
    pub(crate) fn since(&self, then: &Self) -> Self {
        let more = self.0.iter().map(|(key, count)| {
            let before = then.0.get(key).copied().unwrap_or_default();
            (key.clone(), count.saturating_sub(before))
        });
        Self(more.filter(|(_, count)| *count > 0).collect())
    }

    /// Principal, service, action, count.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str, &str, u64)> {
        let all = self.0.iter();
        all.map(|((who, service, action), count)| {
            (who.as_str(), service.as_str(), action.as_str(), *count)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn calls_are_those_since_then() {
        let ledger = |polls: u64| {
            let row = |action: &str, count: u64| serde_json::json!({ "principal": "tether-LayerRole-0PD4L0FT2LBY", "service": "dynamodb", "action": action, "count": count });
            let rows = Value::from(vec![row("GetItem", polls), row("PutItem", 3)]);
            Calls::parse(rows.to_string().as_bytes()).unwrap()
        };
        let calls = ledger(12).since(&ledger(5));
        let rows: Vec<_> = calls.iter().collect();
        assert_eq!(rows, [("tether-LayerRole", "dynamodb", "GetItem", 7)]);
    }
}
