//! `tether doctor`

use crate::args::Doctor;
use crate::exit::TETHER_FAILED;
use crate::output::Output;
use std::process::ExitCode;
use tether_doctor::{Wish, examine};

pub(crate) async fn run(typed: Doctor, output: &Output) -> ExitCode {
    let wish = Wish {
        whereabouts: super::whereabouts(&typed.aws),
        helper_stack_name: typed.aws.helper_stack_name,
        stack_name: typed.stack_name,
        functions: typed.function,
        template: typed.template,
        debug_port: typed.debug_port,
    };
    let summary = examine(&wish, &|finding| output.finding(finding)).await;
    output.findings(&summary);
    if summary.failed > 0 {
        ExitCode::from(TETHER_FAILED)
    } else {
        ExitCode::SUCCESS
    }
}
