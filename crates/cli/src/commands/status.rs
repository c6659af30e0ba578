//! `tether status`

use super::account;
use crate::args::Status;
use crate::output::Output;
use anyhow::Result;
use serde::Serialize;
use std::process::ExitCode;
use tether_receiver::status;

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
enum Line<'a> {
    Session(&'a tether_receiver::SessionStatusLine),
    Function(&'a tether_receiver::FunctionStatus),
}

pub(crate) async fn run(typed: Status, output: &Output) -> Result<ExitCode> {
    let account = account(&typed.aws).await?;
    let helper = &typed.aws.helper_stack_name;
    let status = status(&account, helper, typed.stack_name.as_deref()).await?;
    for problem in &status.unreadable {
        output.notice(problem);
    }
    for session in &status.sessions {
        output.object(&Line::Session(session));
    }
    for function in &status.functions {
        output.object(&Line::Function(function));
    }
    if output.is_json() {
        return Ok(ExitCode::SUCCESS);
    }
    if status.sessions.is_empty() && status.functions.is_empty() {
        output.result("nobody is attached, and no function is instrumented");
        return Ok(ExitCode::SUCCESS);
    }
    if !status.sessions.is_empty() {
        let rows = status
            .sessions
            .iter()
            .map(|it| [it.session_id.as_str(), &it.stack, &it.owner, it.state].map(str::to_owned));
        print(
            output,
            ["SESSION", "STACK", "OWNER", "STATE"],
            rows.collect(),
        );
    }
    if !status.functions.is_empty() {
        let rows = status.functions.iter().map(|it| {
            let state = if it.live {
                "instrumented"
            } else {
                "left over: `tether detach` restores it"
            };
            [it.function.as_str(), &it.stack, &it.owner, state].map(str::to_owned)
        });
        print(
            output,
            ["FUNCTION", "STACK", "OWNER", "STATE"],
            rows.collect(),
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn print(output: &Output, head: [&str; 4], rows: Vec<[String; 4]>) {
    let rows: Vec<[String; 4]> = std::iter::once(head.map(str::to_owned))
        .chain(rows)
        .collect();
    let widths: Vec<usize> = (0..4)
        .map(|column| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        output.result(cells.join("  ").trim_end());
    }
}
