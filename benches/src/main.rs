//! `make bench`: the budgets of the live road, measured.
//!
//! The programs are those that people run: the release build of `tether
//! emulator` and `tether attach`, the helper Lambdas and the layer, each as a
//! process of its own. The caller is raw HTTP on connections that are kept, in
//! Rust, because an SDK's own time would be most of what is measured. Medians
//! and p99 are values that were measured (nearest rank), never means.
//!
//! | part | what is measured, and how |
//! |---|---|
//! | `bootstrap` | from just before the spawn to the arrival of GET `next` at a Runtime API of the bench's, in an instrumented function's environment; the floor is `/bin/true` from spawn to exit. Peak RSS is VmHWM when the session has been looked up (AWS is the bench's, too: STS gives a role, the table has no such session). The layer is deflated at level 9. There is no TLS here, as there would be on AWS |
//! | `fall-through` | events handed to a runtime that does nothing (`tether-bench runtime`), alone and behind the bootstrap whose session is over, in turns; the difference of the medians from an event to the next `next` |
//! | `round-trip` | the deployed function invoked over HTTP: before attach and after detach (the floor: the faster of both medians), and attached. The handler is the same, so the difference is tether. With 16 in flight once with handlers of 200 to 300 ms, and once as fast as it can: then the processors are busy all the time, and the figure is what they can do. Then 16 at once with a handler of a second: who has to wait for another one shows |
//! | `payloads` | 6 MB in and out in one invocation, whole time; the handler parses and writes them, so the floor stands beside it. "Not carried" if it is not the laptop that answers |
//! | `cost` | RSS of the bootstrap after 1 and 200 carried invocations; CPU of each process (`/proc/PID/stat`, ticks of 10 ms over a thousand invocations); AWS calls from the emulator's ledger |
//! | `reload` | from a save to the answer of an invocation that is made at once; and from a save to a process that has imported the new code, whose first answer is taken after that |
//! | `host` | one function through the host (the library, in a process of its own), with our client for Python and for Node: 10,000 invocations one after the other, each prints a line; before each 500th one its code is saved. The handler does nothing else, so all of it is above the handler. RSS and descriptors of that process after the first thousand and at the end: it may grow by 2 MB, which allocators do, by no descriptor and no process |
//! | `logs` | a handler that prints a million lines of 100 bytes, by `tether invoke` into a file, from exec to exit; beside it the same handler and interpreter, unbuffered as a function's output is, straight into a file. Every line is looked for afterwards |
//! | `local` | `tether local` on a template, from exec to `ready`, and to the first answer over HTTP; then requests on 1 and on 16 connections that are kept, by prepared bytes in Rust, and the memory after that. The handler says hello, in Python and in Rust; what is printed goes to a file, as for the others. With `--peers` the same handler behind serverless-offline, MiniStack (its deployment, by a boto3 that is loaded, belongs to its start) and a Flask server that imports it, which are installed into `target/bench-peers` |
//! | `attach` | exec to `ready`, Ctrl-C to exit |
//! | `soak` | 2,000 invocations, 16 in flight; RSS and descriptors at each quarter, at rest. In the last quarter nothing may grow by more than 5 % or 1 MB, nor by more than 8 descriptors. What each invocation left behind since the first quarter stands in the details; `--soak 20000` tells a small leak from an allocator that settles |
//! | `websocket` | ten thousand WebSockets that say nothing, in one emulator: its RSS before and after. Then 16 callers on kept connections post 100 bytes each time, signed, to 100 clients in turn, which read all of it; the clock runs until the last one has the last message. Callers and clients are this process, so two cores have both sides to do |
//!
//! With a WAN the emulator delays the laptop's link by 25 ms each way and each
//! AWS call by 5 ms. Round trips are counted as what a distance alone adds to
//! the median, divided by 50 ms.
//!
//! Every answer is parsed and compared with its event, after its time was
//! taken. An answer that is wrong, or not the laptop's where it should be,
//! ends the bench with exit code 1, and so does a soak that grows. A budget
//! that is missed is a line of the table and no error.

mod caller;
mod cloud;
mod figures;
mod host;
mod http_load;
mod parts;
mod proc_fs;
mod process;
mod report;
mod runtime;
mod say;
mod stage;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};
use cloud::Setting;
use report::Report;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Measure the live road, beside its budgets.
#[derive(Debug, Parser)]
#[command(name = "tether-bench", max_term_width = 100)]
struct Options {
    /// The command to measure, with `helper-stack/build` beside it or above it.
    #[arg(long, default_value = "target/release/tether", value_name = "FILE")]
    tether: PathBuf,
    /// Only this part; repeatable.
    #[arg(long, value_name = "NAME")]
    only: Vec<parts::Name>,
    /// A fifth of the rounds.
    #[arg(long)]
    quick: bool,
    /// How long the soak is, in invocations; a small leak needs more of them.
    #[arg(long, default_value_t = 2000, value_name = "COUNT")]
    soak: usize,
    /// Measure what else serves functions beside `tether local`; installs it first,
    /// into target/bench-peers.
    #[arg(long)]
    peers: bool,
    /// One JSON object on stdout.
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Be a Lambda runtime that gives events back.
    #[command(hide = true)]
    Runtime,
    /// Invoke one function through the host.
    #[command(hide = true)]
    Host(host::Job),
}

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match &options.command {
        Some(Command::Runtime) => runtime::run().map(|()| true),
        Some(Command::Host(job)) => host::run(job).map(|()| true),
        None => bench(&options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say::error(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

/// Whether all is as it must be.
fn bench(options: &Options) -> Result<bool> {
    // One thread: callers and servers of the bench's share what it takes.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    process::adopt_orphans()?;
    let mut report = Report::default();
    let done = runtime.block_on(async {
        let setting = setting(options).await?;
        tokio::select! {
            done = parts::run(&setting, &options.only, &mut report) => done,
            () = interrupted() => bail!("interrupted"),
        }
    });
    process::end_orphans();
    let machine = proc_fs::machine();
    if options.json {
        say::result(&report.to_json(&machine).to_string());
    } else if !report.is_empty() {
        say::result(&report.to_text(&machine));
    }
    done.map(|()| !report.failed())
}

async fn setting(options: &Options) -> Result<Setting> {
    let tether = options.tether.canonicalize().with_context(|| {
        let path = options.tether.display();
        format!("{path} is not there: run `make build`, or name another one with --tether")
    })?;
    let help = tokio::process::Command::new(&tether)
        .args(["emulator", "--help"])
        .output()
        .await?;
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    Ok(Setting {
        bootstrap: bootstrap(&tether)?,
        has_latency: help.contains("--latency") && help.contains("--aws-latency"),
        tether,
        quick: options.quick,
        soak: options.soak,
        peers: options.peers.then(peers).transpose()?,
    })
}

/// Where they are installed.
fn peers() -> Result<PathBuf> {
    let folder = PathBuf::from("target/bench-peers");
    std::fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

/// The layer's file for this machine: where `tether` itself looks for it.
fn bootstrap(tether: &Path) -> Result<PathBuf> {
    let architecture = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    };
    let file = format!("helper-stack/build/layer-{architecture}/tether-bootstrap");
    let around = tether.ancestors().skip(1).take(4);
    around
        .map(|folder| folder.join(&file))
        .find(|it| it.is_file())
        .with_context(|| {
            format!(
                "{file} is not beside {}: run `make layer`",
                tether.display()
            )
        })
}

/// Ctrl-C, or a service manager: whatever runs is ended on the way out.
async fn interrupted() {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
