//! 100 MB of a function's output through `tether invoke` into a file, beside
//! the same handler that writes into a file itself.

use super::Part;
use crate::cloud;
use crate::figures::{Times, mb, number};
use crate::proc_fs;
use crate::report::{Met, Report};
use crate::say;
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

const TEMPLATE: &str = include_str!("../../printing/template.yaml");
const SOURCE: &str = include_str!("../../printing/app.py");

const LINES: usize = 1_000_000;
const LINE: usize = 100;
const RUNS: usize = 3;

/// Its peak is read this often.
const LOOK: Duration = Duration::from_millis(50);

/// What the handler does without tether.
const ALONE: &str = "import app, json, sys; app.handler(json.load(open(sys.argv[1])), None)";

/// How the handler writes, which costs its own time.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    together: usize,
}

const WAYS: [Way; 2] = [
    Way {
        name: "print of each line",
        together: 1,
    },
    Way {
        name: "64 KB at a time",
        together: 640,
    },
];

/// What is in front of a line's text.
const AS_TEXT: &str = "[Printing] ";
const AS_JSON: &str = r#"{"event":"log","function":"Printing","line":""#;

pub(super) async fn run(part: Part<'_>, report: &mut Report) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("tether-bench-").tempdir()?;
    std::fs::write(folder.path().join("template.yaml"), TEMPLATE)?;
    std::fs::write(folder.path().join("app.py"), SOURCE)?;
    let project = Project {
        part,
        folder: folder.path(),
        environment: cloud::environment(None),
        lines: part.setting.rounds(LINES),
    };
    for way in WAYS {
        project.measure(way, report).await?;
    }
    Ok(())
}

struct Project<'a> {
    part: Part<'a>,
    folder: &'a Path,
    environment: BTreeMap<String, String>,
    lines: usize,
}

/// One way of getting the lines into a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Through {
    Nothing,
    Text,
    Json,
}

impl Project<'_> {
    async fn measure(&self, way: Way, report: &mut Report) -> Result<()> {
        let event = json!({ "lines": self.lines, "together": way.together });
        std::fs::write(self.folder.join("event.json"), event.to_string())?;
        let name = way.name;
        let mut medians = Vec::new();
        for through in [Through::Nothing, Through::Text, Through::Json] {
            let (mut times, mut peak) = (Vec::new(), 0);
            for _ in 0..self.part.setting.rounds(RUNS) {
                say::progress(&format!("logs, {name}, {}", through.name()));
                let (took, most) = self.once(through).await?;
                times.push(took);
                peak = peak.max(most);
            }
            let times = Times::of(times);
            report.times(&format!("logs, {name}, {}", through.name()), &times);
            medians.push((through, times.p50(), peak));
        }
        self.tell(name, &medians, report);
        Ok(())
    }

    fn tell(&self, way: &str, medians: &[(Through, Duration, u64)], report: &mut Report) {
        let [(_, alone, _), through @ ..] = medians else {
            return;
        };
        let size = self.lines * LINE;
        let rate = |time: &Duration| number(rate(size, *time));
        for (through, time, peak) in through {
            report.row(
                &format!(
                    "{} of log, {way}: {}",
                    mb(u64::try_from(size).unwrap_or(u64::MAX)),
                    through.name()
                ),
                "full speed",
                format!(
                    "{} MB/s, {} of the handler's own time ({} MB/s); tether {} at most",
                    rate(time),
                    number(time.as_secs_f64() / alone.as_secs_f64().max(f64::MIN_POSITIVE)),
                    rate(alone),
                    mb(*peak)
                ),
                Met::NoBudget,
            );
        }
    }

    /// How long it took from exec to exit, and its peak of memory.
    async fn once(&self, through: Through) -> Result<(Duration, u64)> {
        let file = self.folder.join("output");
        let (out, rest) = (
            File::create(&file)?,
            File::create(self.folder.join("rest"))?,
        );
        let mut command = self.command(through);
        match through {
            Through::Text => command.stderr(out).stdout(rest),
            _ => command.stdout(out).stderr(rest),
        };
        let began = Instant::now();
        let mut child = command.spawn().context("it cannot be started")?;
        let pid = i32::try_from(child.id().context("it has ended already")?)?;
        let mut peak = 0;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                () = tokio::time::sleep(LOOK) => {}
            }
            peak = proc_fs::memory(pid).map_or(peak, |it| it.peak.max(peak));
        };
        let took = began.elapsed();
        ensure!(status.success(), "{}: {status}", through.name());
        self.check(&file, through)?;
        Ok((took, peak))
    }

    fn command(&self, through: Through) -> Command {
        let mut command = match through {
            Through::Nothing => {
                let mut alone = Command::new(interpreter(&self.environment));
                // A function's output is written at once, line by line.
                alone.args(["-u", "-c", ALONE, "event.json"]);
                alone
            }
            Through::Text | Through::Json => {
                let mut tether = Command::new(&self.part.setting.tether);
                tether.args(["invoke", "--event", "event.json", "--timeout", "900"]);
                if through == Through::Json {
                    tether.arg("--json");
                }
                tether
            }
        };
        command
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.folder)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Every line is there, in order, whole.
    fn check(&self, file: &Path, through: Through) -> Result<()> {
        let mut lines = BufReader::new(File::open(file)?);
        let (mut line, mut found) = (String::new(), 0);
        while lines.read_line(&mut line)? > 0 {
            if number_in(&line, through.front()) == Some(found) {
                found += 1;
            }
            line.clear();
        }
        let expected = self.lines;
        ensure!(
            found == expected,
            "{}: of {expected} lines {found} have come in order",
            through.name()
        );
        Ok(())
    }
}

impl Through {
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "without tether",
            Self::Text => "invoke",
            Self::Json => "invoke --json",
        }
    }

    fn front(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Text => AS_TEXT,
            Self::Json => AS_JSON,
        }
    }
}

/// The number of one of the handler's lines, if it is one and nothing of it is
/// missing.
fn number_in(line: &str, front: &str) -> Option<usize> {
    let (number, rest) = line.strip_prefix(front)?.split_once(' ')?;
    let end = rest.trim_start_matches('x');
    let is_whole = rest.len() - end.len() == LINE - 11 && (end == "\n" || end.starts_with('"'));
    is_whole.then(|| number.parse().ok())?
}

/// The one that tether takes as well.
fn interpreter(environment: &BTreeMap<String, String>) -> PathBuf {
    let virtualenv = environment.get("VIRTUAL_ENV");
    virtualenv.map_or_else(|| "python3".into(), |it| Path::new(it).join("bin/python"))
}

/// In millions of bytes a second.
fn rate(bytes: usize, time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "three digits of it are printed")]
    let bytes = bytes as f64;
    bytes / 1e6 / time.as_secs_f64().max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_when_nothing_of_it_is_missing() {
        let text = format!("000000007 {}", "x".repeat(89));
        assert_eq!(number_in(&format!("{text}\n"), ""), Some(7));
        assert_eq!(number_in(&format!("[Printing] {text}\n"), AS_TEXT), Some(7));
        let event = format!("{AS_JSON}{text}\",\"stream\":\"stdout\"}}\n");
        assert_eq!(number_in(&event, AS_JSON), Some(7));
        assert_eq!(number_in(&format!("{}\n", &text[..98]), ""), None);
        assert_eq!(number_in("[Printing] START RequestId: 1\n", AS_TEXT), None);
    }
}
