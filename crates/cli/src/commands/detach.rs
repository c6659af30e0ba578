//! `tether detach`

use super::account;
use crate::args::Detach;
use crate::output::Output;
use anyhow::Result;
use std::process::ExitCode;
use std::sync::Arc;
use tether_receiver::{Report, Reports, Restored, detach};

pub(crate) async fn run(typed: Detach, output: &Output) -> Result<ExitCode> {
    let account = account(&typed.aws).await?;
    let printer = output.clone();
    let reports: Reports = Arc::new(move |report: Report| printer.report(&report));
    let helper = &typed.aws.helper_stack_name;
    let Restored(count) = detach(&account, helper, &typed.stack_name, &reports).await?;
    if count == 0 {
        output.say(&format!("nothing of {} is instrumented", typed.stack_name));
    }
    output.object(&Report::Detached);
    Ok(ExitCode::SUCCESS)
}
