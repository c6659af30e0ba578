//! `tether status`

use super::account;
use crate::args::Status;
use crate::attached::{self, Record};
use crate::output::Output;
use anyhow::Result;
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;
use tether_receiver::{HelperStack, SessionStatusLine, status};

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
enum Line<'a> {
    Session(Session<'a>),
    Function(&'a tether_receiver::FunctionStatus),
}

/// A session, and its process if that is on this machine.
#[derive(Serialize)]
struct Session<'a> {
    #[serde(flatten)]
    session: &'a SessionStatusLine,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'a Path>,
}

impl<'a> Session<'a> {
    fn of(session: &'a SessionStatusLine, here: &'a [Record]) -> Self {
        let is_its = |it: &&Record| it.session_id.as_ref() == Some(&session.session_id);
        let process = here.iter().find(is_its);
        Self {
            session,
            pid: process.map(|it| it.pid),
            log: process.and_then(|it| it.log.as_deref()),
        }
    }

    fn row(&self) -> [String; 5] {
        let SessionStatusLine {
            session_id,
            stack,
            owner,
            state,
            ..
        } = self.session;
        let process = match (self.pid, self.log) {
            (Some(pid), Some(log)) => format!("{pid}, log {}", log.display()),
            (Some(pid), None) => pid.to_string(),
            (None, _) => String::new(),
        };
        [
            session_id.clone(),
            stack.clone(),
            owner.clone(),
            (*state).to_owned(),
            process,
        ]
    }
}

pub(crate) async fn run(typed: Status, output: &Output) -> Result<ExitCode> {
    let account = account(&typed.aws).await?;
    let helper = HelperStack::find(&account, &typed.aws.helper_stack_name).await?;
    let status = status(&account, &helper, typed.stack_name.as_deref()).await?;
    let here = attached::all();
    let sessions = status.sessions.iter().map(|it| Session::of(it, &here));
    let sessions: Vec<_> = sessions.collect();
    for problem in &status.unreadable {
        output.notice(problem);
    }
    if output.is_json() {
        let sessions = sessions.into_iter().map(Line::Session);
        let functions = status.functions.iter().map(Line::Function);
        sessions
            .chain(functions)
            .for_each(|line| output.object(&line));
        return Ok(ExitCode::SUCCESS);
    }
    if sessions.is_empty() && status.functions.is_empty() {
        output.result("nobody is attached, and no function is instrumented");
        return Ok(ExitCode::SUCCESS);
    }
    if !sessions.is_empty() {
        print(
            output,
            ["SESSION", "STACK", "OWNER", "STATE", "PROCESS HERE"],
            sessions.iter().map(Session::row).collect(),
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

fn print<const N: usize>(output: &Output, head: [&str; N], rows: Vec<[String; N]>) {
    let rows: Vec<[String; N]> = std::iter::once(head.map(str::to_owned))
        .chain(rows)
        .collect();
    let widths: Vec<usize> = (0..N)
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
