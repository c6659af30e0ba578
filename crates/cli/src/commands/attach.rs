//! `tether attach`

use super::account;
use crate::args::Attach;
use crate::ending;
use crate::output::Output;
use anyhow::Result;
use std::process::ExitCode;
use std::sync::Arc;
use tether_receiver::{AttachPlan, Debugging, Report, Reports, attach};

pub(crate) async fn run(typed: Attach, output: &Output) -> Result<ExitCode> {
    let account = account(&typed.aws).await?;
    let local = super::local_variables(&typed.aws);
    let plan = AttachPlan {
        stack_name: typed.stack_name,
        helper_stack: typed.aws.helper_stack_name,
        template: typed.template,
        functions: typed.function,
        timeout: (!typed.keep_timeout).then_some(typed.timeout),
        take_over: typed.take_over,
        debugging: typed.debug.then(|| Debugging {
            host: "127.0.0.1".to_owned(),
            first_port: typed.debug_port,
        }),
    };
    let printer = output.clone();
    let reports: Reports = Arc::new(move |report: Report| printer.report(&report));
    attach(&account, &plan, local, &reports, &ending::watch()).await?;
    Ok(ExitCode::SUCCESS)
}
