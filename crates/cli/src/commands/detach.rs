//! `tether detach`

use super::account;
use crate::args::Detach;
use crate::attached::{self, Stack};
use crate::ending::{Asked, Signals};
use crate::output::Output;
use anyhow::{Result, bail};
use serde_json::json;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tether_receiver::{Error, HelperStack, Report, Reports, Restored, detach};
use tokio::time::{Instant, MissedTickBehavior};

/// How often people hear that it is still being waited for.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// The first Ctrl-C ends what runs there, the second one its restore; whoever
/// says it once more does not believe in that process.
const PATIENCE: u32 = 3;

/// What became of this machine's attach.
#[derive(PartialEq, Eq)]
enum Attached {
    /// There was none.
    None,
    /// It has ended, or was not waited for any longer.
    Ended,
    /// It has ended, and another one has begun meanwhile.
    Succeeded(u32),
}

pub(crate) async fn run(typed: Detach, output: &Output) -> Result<ExitCode> {
    let name = &typed.stack_name;
    let account = account(&typed.aws).await?;
    let helper = HelperStack::find(&account, &typed.aws.helper_stack_name).await?;
    let stack = Stack::of(&account, &helper, name);
    let mut signals = Signals::listen();
    let ended = end_attached(name, &stack, &mut signals, output).await?;
    if let Attached::Succeeded(pid) = ended {
        output.notice(&format!(
            "process {pid} has attached to {name} meanwhile, and stays: `tether detach --stack-name {name}` again ends that one"
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let printer = output.clone();
    let reports: Reports = Arc::new(move |report: Report| printer.report(&report));
    let Restored(count) = tokio::select! {
        restored = detach(&account, &helper, name, &reports) => restored?,
        _ = signals.next() => return Err(Error::RestoreGivenUp { stack: name.clone() }.into()),
    };
    if count == 0 && ended == Attached::None {
        output.say(&format!("nothing of {name} is instrumented"));
    }
    output.object(&Report::Detached);
    Ok(ExitCode::SUCCESS)
}

/// Ends this machine's attach once nothing runs; on Ctrl-C as Ctrl-C would.
async fn end_attached(
    name: &str,
    stack: &Stack,
    signals: &mut Signals,
    output: &Output,
) -> Result<Attached> {
    let Some(record) = attached::find(stack) else {
        return Ok(Attached::None);
    };
    let pid = record.pid;
    record.ask(Asked::Gently);
    output.say(&format!(
        "… process {pid} is attached: it ends once nothing runs, and restores; Ctrl-C ends what runs with an error"
    ));
    let began = Instant::now();
    let mut alive = tokio::time::interval_at(began + SIGN_OF_LIFE, SIGN_OF_LIFE);
    alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let ended = attached::ended(&record);
    tokio::pin!(ended);
    let mut asked = 0;
    loop {
        tokio::select! {
            ended = &mut ended => break ended?,
            _ = alive.tick() => {
                output.say(&format!("… process {pid} still ends: {} s", began.elapsed().as_secs()));
            }
            signal = signals.next() => {
                if signal == Asked::Gently {
                    bail!("detach was ended before process {pid} was: that one still ends, and restores; `tether detach --stack-name {name}` waits for it again");
                }
                asked += 1;
                if asked >= PATIENCE {
                    output.notice(&format!(
                        "process {pid} is not waited for any longer: its functions are restored now; `kill -9 {pid}` ends it"
                    ));
                    return Ok(Attached::Ended);
                }
                record.ask(Asked::Again);
            }
        }
    }
    output.say(&format!("process {pid} has ended"));
    output.object(&json!({ "event": "ended", "pid": pid }));
    Ok(match attached::find(stack) {
        Some(other) => Attached::Succeeded(other.pid),
        None => Attached::Ended,
    })
}
