//! `tether attach`

use super::account;
use crate::args::{Attach, WhenBusy, WhenOffline};
use crate::attached::{NotTaken, Presence, Stack, cannot_be_written};
use crate::output::Output;
use crate::{background, ending};
use anyhow::{Result, anyhow};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use tether_protocol::constants::{CHECK_FUNCTIONS, KEEP_ALIVE, RENEW_CONNECTION_AFTER};
use tether_receiver::{AttachPlan, HelperStack, Report, Reports, attach};

pub(crate) async fn run(typed: Attach, output: &Output) -> Result<ExitCode> {
    if typed.background {
        return background::launch(output).await;
    }
    if typed.daemon {
        background::leave_terminal()?;
    }
    let ending = ending::watch();
    let found = async {
        let account = account(&typed.aws).await?;
        let helper = HelperStack::find(&account, &typed.aws.helper_stack_name).await?;
        Ok::<_, anyhow::Error>((account, helper))
    };
    let (account, helper) = tokio::select! {
        found = found => found?,
        // Nothing has begun.
        () = ending.gently.cancelled() => return Ok(ExitCode::SUCCESS),
    };
    let presence = take_presence(
        &typed,
        Stack::of(&account, &helper, &typed.stack_name),
        output,
    )?;
    let left_session = presence.as_ref().and_then(Presence::left_session);
    let presence = Arc::new(Mutex::new(presence));
    let (printer, record) = (output.clone(), Arc::clone(&presence));
    let reports: Reports = Arc::new(move |report: Report| {
        if let Report::Ready { session_id, .. } = &report
            && let Some(presence) = &mut *record.lock().unwrap_or_else(PoisonError::into_inner)
        {
            presence.serves(session_id);
        }
        printer.report(&report);
    });
    let mut local = super::local_variables(&typed.aws);
    local.extend(typed.logging.variables());
    let plan = plan(typed, left_session);
    let attached = attach(&account, &helper, &plan, local, &reports, &ending).await;
    // Whoever waits for the end of this process may find it ended now.
    presence
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    attached?;
    Ok(ExitCode::SUCCESS)
}

fn plan(typed: Attach, left_session: Option<String>) -> AttachPlan {
    AttachPlan {
        stack_name: typed.stack_name,
        template: typed.template,
        functions: typed.function,
        commands: typed.running.commands.command.clone(),
        external: typed.running.external.wishes(),
        timeout: (!typed.keep_timeout).then_some(typed.timeout),
        take_over: typed.take_over,
        left_session,
        debugging: typed.running.debugging(),
        when_offline: match typed.when_offline {
            WhenOffline::Passthrough => tether_protocol::records::WhenOffline::Passthrough,
            WhenOffline::Fail => tether_protocol::records::WhenOffline::Fail,
        },
        concurrency: typed.concurrency,
        when_busy: match typed.when_busy {
            WhenBusy::Queue => tether_receiver::WhenBusy::Queue,
            WhenBusy::Decline => tether_receiver::WhenBusy::Decline,
        },
        check_every: typed.check_every.unwrap_or(CHECK_FUNCTIONS),
        renew_connection_after: typed
            .renew_connection_after
            .unwrap_or(RENEW_CONNECTION_AFTER),
        keep_alive: typed.keep_alive.unwrap_or(KEEP_ALIVE),
    }
}

/// One process for each stack: two would take each other's functions.
fn take_presence(typed: &Attach, stack: Stack, output: &Output) -> Result<Option<Presence>> {
    let name = &typed.stack_name;
    let mut presence = match Presence::take(stack) {
        Ok(presence) => presence,
        Err(NotTaken::Taken(Some(other))) => {
            let log = match &other.log {
                Some(log) => format!(", and its log is {}", log.display()),
                None => String::new(),
            };
            return Err(anyhow!(
                "process {} on this machine is attached to {name} already: `tether detach --stack-name {name}` ends it{log}",
                other.pid
            ));
        }
        Err(NotTaken::Taken(None)) => {
            return Err(anyhow!(
                "another process on this machine is just attaching to {name} or leaving it: try again; if that stays so, look for it with `ps` and end it"
            ));
        }
        Err(NotTaken::Failed(error)) if typed.daemon => {
            return Err(anyhow!(
                "there is no place for the log: {}",
                cannot_be_written(&error)
            ));
        }
        Err(NotTaken::Failed(error)) => {
            output.notice(&format!(
                "`tether status` and `tether detach` will not find this process: {}",
                cannot_be_written(&error)
            ));
            return Ok(None);
        }
    };
    if typed.daemon {
        let log = presence.open_log().map_err(|error| {
            anyhow!(
                "there is no place for the log: {}",
                cannot_be_written(&error)
            )
        })?;
        background::stderr_to(&log)?;
        if let Some(log) = presence.log() {
            output.log_to(log);
        }
    }
    Ok(Some(presence))
}
