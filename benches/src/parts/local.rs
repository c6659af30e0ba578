//! `tether local` before a function that says hello, beside what else serves one on this machine.

mod peers;
mod server;

use super::Part;
use crate::cloud::{self, Setting};
use crate::figures::{Times, mb, ms, number};
use crate::http_load::{self, Load};
use crate::process::Process;
use crate::report::{Met, Report};
use crate::say;
use anyhow::{Context as _, Result};
use rustix::process::Signal;
use server::{Launch, Server};
use std::path::{Path, PathBuf};
use std::time::Duration;

const PYTHON: &str = include_str!("../../local/python/template.yaml");
const PYTHON_SOURCE: &str = include_str!("../../local/python/app.py");
const NODE: &str = include_str!("../../local/node/template.yaml");
const NODE_SOURCE: &str = include_str!("../../local/node/app.js");
const RUST: &str = include_str!("../../local/rust/template.yaml");

/// The smallest example there is, as its user has it.
const EXAMPLE: &str = "examples/hello-python";

const STARTS: usize = 10;
/// So many connections, and so many requests on them.
const LOADS: [(usize, usize); 2] = [(1, 5_000), (16, 20_000)];
const WARM: usize = 500;

const START: Duration = Duration::from_millis(150);
const OWN_MEMORY: u64 = 30_000_000;

/// What a function must be able to do, in requests a second at each of the loads.
struct Goals([f64; 2]);

pub(super) async fn run(part: Part<'_>, report: &mut Report) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("tether-bench-").tempdir()?;
    let python = [("template.yaml", PYTHON), ("app.py", PYTHON_SOURCE)];
    let python = project(folder.path(), "python", &python)?;
    let node = [("template.yaml", NODE), ("app.js", NODE_SOURCE)];
    let node = project(folder.path(), "node", &node)?;
    ready(part.setting, Path::new(EXAMPLE), "hello-python", report).await?;
    ready(part.setting, &python, "an API and a function", report).await?;
    let served = tether(part.setting, &python);
    measure(
        part,
        "tether local, Python",
        &served,
        Some(Goals([3_500.0, 6_000.0])),
        report,
    )
    .await?;
    let served = tether(part.setting, &node);
    measure(part, "tether local, Node", &served, None, report).await?;
    match rust(part.setting, folder.path())? {
        Some(rust) => {
            let served = tether(part.setting, &rust);
            let goals = Some(Goals([5_000.0, 12_000.0]));
            measure(part, "tether local, Rust", &served, goals, report).await?;
        }
        None => report.row(
            "tether local, Rust",
            "",
            "hello-rust is not built",
            Met::Unknown,
        ),
    }
    let Some(installed) = &part.setting.peers else {
        report.detail("local: --peers measures serverless-offline, MiniStack and Flask as well");
        return Ok(());
    };
    for (name, launch) in peers::all(installed, folder.path()).await? {
        // What others do is theirs: the rest is measured all the same.
        if let Err(error) = measure(part, name, &launch, None, report).await {
            report.row(name, "", format!("{error:#}"), Met::Unknown);
        }
    }
    Ok(())
}

fn project(folder: &Path, name: &str, files: &[(&str, &str)]) -> Result<PathBuf> {
    let project = folder.join(name);
    std::fs::create_dir(&project)?;
    for (name, text) in files {
        std::fs::write(project.join(name), text)?;
    }
    Ok(project)
}

/// With the program that `make bench` has built; none if it has not.
fn rust(setting: &Setting, folder: &Path) -> Result<Option<PathBuf>> {
    let built = setting.tether.with_file_name("hello-rust");
    if !built.is_file() {
        return Ok(None);
    }
    let project = project(folder, "rust", &[("template.yaml", RUST)])?;
    std::fs::copy(built, project.join("bootstrap"))?;
    Ok(Some(project))
}

/// From exec to `ready`.
async fn ready(setting: &Setting, project: &Path, what: &str, report: &mut Report) -> Result<()> {
    let mut times = Vec::new();
    // The first one warms the disk.
    for run in 0..=setting.rounds(STARTS) {
        let flags = ["local", "--json", "--port", "0", "--endpoint-port", "0"];
        let process = Process::start(
            "tether local",
            &setting.tether,
            &flags.map(str::to_owned),
            &cloud::environment(None),
            project,
        )?;
        process.wait_for("ready").await?;
        let took = process.started.elapsed();
        process.end(Signal::INT).await?;
        if run > 0 {
            times.push(took);
        }
    }
    let times = Times::of(times);
    report.row(
        &format!("tether local, {what}: exec to ready"),
        "≤ 150 ms",
        format!("{} p50, {} at most", ms(times.p50()), ms(times.max())),
        Met::when(times.p50() <= START),
    );
    report.times(&format!("local, {what}, exec to ready"), &times);
    Ok(())
}

/// As its user starts it; what it prints is read by nobody.
fn tether(setting: &Setting, project: &Path) -> Launch {
    Launch {
        program: setting.tether.clone(),
        arguments: ["local", "--endpoint-port", "0", "--port", "{port}"]
            .map(str::to_owned)
            .into(),
        environment: cloud::environment(None),
        folder: project.to_path_buf(),
        path: "/hello".to_owned(),
        beside: None,
        is_ours: true,
    }
}

async fn measure(
    part: Part<'_>,
    name: &str,
    launch: &Launch,
    goals: Option<Goals>,
    report: &mut Report,
) -> Result<()> {
    say::progress(&format!("local, {name}"));
    let mut starts = Vec::new();
    for run in 0..=part.setting.rounds(STARTS) {
        let server = launch.start().await?;
        let took = http_load::first_answer(&server.asked, server.started).await;
        let took = took.with_context(|| server.last_words())?;
        server.end().await;
        if run > 0 {
            starts.push(took);
        }
    }
    let server = launch.start().await?;
    let first = http_load::first_answer(&server.asked, server.started).await;
    first.with_context(|| server.last_words())?;
    let mut loads = Vec::new();
    for (connections, count) in LOADS {
        http_load::run(&server.asked, connections, WARM).await?;
        let count = part.setting.rounds(count);
        let load = http_load::run(&server.asked, connections, count).await;
        loads.push(load.with_context(|| server.last_words())?);
    }
    tell(name, &Times::of(starts), &loads, goals, report);
    tell_memory(name, launch, &server, report)?;
    server.end().await;
    Ok(())
}

fn tell(name: &str, starts: &Times, loads: &[Load], goals: Option<Goals>, report: &mut Report) {
    let met = |met: bool| match goals {
        Some(_) => Met::when(met),
        None => Met::NoBudget,
    };
    report.row(
        &format!("{name}: exec to the first answer"),
        "",
        format!("{} p50, {} at most", ms(starts.p50()), ms(starts.max())),
        Met::NoBudget,
    );
    report.times(&format!("local, {name}, exec to first answer"), starts);
    for (index, ((connections, _), load)) in LOADS.iter().zip(loads).enumerate() {
        let goal = goals.as_ref().and_then(|it| it.0.get(index).copied());
        report.row(
            &format!("{name}: {connections} at once"),
            &goal.map_or_else(String::new, |it| format!("≥ {} a second", number(it))),
            format!(
                "{} a second, {} p50, {} p99",
                number(load.rate),
                ms(load.times.p50()),
                ms(load.times.p99())
            ),
            met(goal.is_some_and(|it| load.rate >= it)),
        );
        report.times(
            &format!("local, {name}, {connections} at once"),
            &load.times,
        );
    }
}

fn tell_memory(name: &str, launch: &Launch, server: &Server, report: &mut Report) -> Result<()> {
    let (own, children) = server.memory()?;
    let (budget, met) = if launch.is_ours {
        ("≤ 30 MB itself", Met::when(own <= OWN_MEMORY))
    } else {
        ("", Met::NoBudget)
    };
    report.row(
        &format!("{name}: memory after that"),
        budget,
        format!(
            "{} itself, {} with what it has started",
            mb(own),
            mb(own + children)
        ),
        met,
    );
    Ok(())
}
