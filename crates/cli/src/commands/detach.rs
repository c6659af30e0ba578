//! `tether detach`

use super::account;
use crate::args::Detach;
use crate::attached::{self, Stack};
use crate::ending;
use crate::output::Output;
use anyhow::Result;
use serde_json::json;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tether_receiver::{HelperStack, Report, Reports, Restored, detach};
use tokio::time::{Instant, MissedTickBehavior};

/// How often people hear that it is still being waited for.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

pub(crate) async fn run(typed: Detach, output: &Output) -> Result<ExitCode> {
    let account = account(&typed.aws).await?;
    let helper = HelperStack::find(&account, &typed.aws.helper_stack_name).await?;
    let stack = Stack::of(&account, &helper, &typed.stack_name);
    let ended = end_attached(&stack, output).await?;
    let printer = output.clone();
    let reports: Reports = Arc::new(move |report: Report| printer.report(&report));
    let Restored(count) = detach(&account, &helper, &typed.stack_name, &reports).await?;
    if count == 0 && !ended {
        output.say(&format!("nothing of {} is instrumented", typed.stack_name));
    }
    output.object(&Report::Detached);
    Ok(ExitCode::SUCCESS)
}

/// Ends this machine's attach as Ctrl-C would. False: there is none.
async fn end_attached(stack: &Stack, output: &Output) -> Result<bool> {
    let Some(record) = attached::find(stack) else {
        return Ok(false);
    };
    let pid = record.pid;
    output.say(&format!(
        "… process {pid} is attached: it ends once nothing runs, and restores; Ctrl-C ends what runs with an error"
    ));
    record.interrupt();
    let began = Instant::now();
    let mut alive = tokio::time::interval_at(began + SIGN_OF_LIFE, SIGN_OF_LIFE);
    alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let ending = ending::watch();
    let ended = attached::ended(stack);
    tokio::pin!(ended);
    loop {
        tokio::select! {
            ended = &mut ended => break ended?,
            _ = alive.tick() => {
                output.say(&format!("… process {pid} still ends: {} s", began.elapsed().as_secs()));
            }
            () = ending.again.notified() => record.interrupt(),
        }
    }
    output.say(&format!("process {pid} has ended"));
    output.object(&json!({ "event": "ended", "pid": pid }));
    Ok(true)
}
