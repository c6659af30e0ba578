//! A session from its first look at the stack to the restored functions.

mod in_flight;
mod prepare;
pub use prepare::open_door;
mod session;

use crate::Ending;
use crate::account::{Account, Developer};
use crate::error::Error;
use crate::lifetime;
use crate::link::Link;
use crate::manager;
use crate::plan::AttachPlan;
use crate::report::{Report, Reports};
use crate::rights;
use crate::stack::{HelperStack, functions_of};
use prepare::Prepared;
use session::Session;
use std::collections::HashMap;
use std::time::Duration;
use tether_protocol::constants::{ATTACHED_TIMEOUT_SECONDS, LEASE, SESSION_PENDING};
use tether_protocol::message::ManagerRequest;
use tether_protocol::records::{SessionRecord, SessionStatus};
use tether_protocol::{Environment, Secret, SessionId, Token, TokenHash};
use tether_relay::Target;
use tether_store::{Correlation, EVERY_RIGHT, Sessions};
use tokio::time::Instant;

/// A Ctrl-C after this is meant for what can be seen.
const DELIBERATE: Duration = Duration::from_secs(1);

/// Attaches to a stack and serves until asked to end.
///
/// # Errors
/// Whatever keeps it from attaching, or ends the session early. Functions
/// that were instrumented are restored in any case.
pub async fn attach(
    account: &Account,
    helper: &HelperStack,
    plan: &AttachPlan,
    local: HashMap<String, String>,
    reports: &Reports,
    ending: &Ending,
) -> Result<(), Error> {
    let local = Secret::new(local.into_iter().collect());
    let opening = async {
        let (developer, prepared) = look(account, helper, plan, &local, reports).await?;
        reports(Report::Step {
            message: "opening a session".to_owned(),
        });
        let (id, token) = open_session(&developer, helper, plan, &prepared).await?;
        Ok::<_, Error>((developer, prepared, id, token))
    };
    let (developer, prepared, id, token) = tokio::select! {
        opened = opening => opened?,
        // Nothing has been changed yet; processes end with what is dropped, and
        // a session that nobody connects to is void soon.
        () = ending.gently.cancelled() => return Ok(()),
    };
    let target = Target {
        url: helper.websocket_url.clone(),
        session: id.clone(),
        token,
        road: account.road().clone(),
    };
    let logical_ids = prepared.logical_ids();
    let linked = tokio::select! {
        linked = Link::open(target, plan.renew_connection_after) => Some(linked),
        () = ending.gently.cancelled() => None,
    };
    let served = match linked {
        Some(Ok(link)) => {
            reports(Report::Step {
                message: "instrumenting".to_owned(),
            });
            let session = Session::new(
                id.clone(),
                link,
                plan,
                helper,
                &developer,
                prepared,
                local,
                reports,
            );
            serve(session, account, reports, ending).await
        }
        not_linked => {
            prepared.stop().await;
            not_linked.transpose().map(drop).map_err(Error::from)
        }
    };
    // Whatever happened: what was changed is changed back.
    let restoring = restore(&developer, helper, plan, id, &logical_ids, reports);
    let given_up = given_up(&plan.stack_name, ending, reports);
    let restored = tokio::select! {
        restored = restoring => restored,
        error = given_up => Err(error),
    };
    served?;
    restored?;
    reports(Report::Detached);
    Ok(())
}

/// Serves, and looks after the caller's credentials meanwhile.
async fn serve(
    session: Session,
    account: &Account,
    reports: &Reports,
    ending: &Ending,
) -> Result<(), Error> {
    tokio::select! {
        served = session.serve(ending) => served,
        // It never ends.
        () = lifetime::watch(account, reports) => Ok(()),
    }
}

/// What there is to attach to, there and here.
async fn look(
    account: &Account,
    helper: &HelperStack,
    plan: &AttachPlan,
    local: &Environment,
    reports: &Reports,
) -> Result<(Developer, Prepared), Error> {
    reports(Report::Step {
        message: format!("looking at the stack {}", plan.stack_name),
    });
    helper.speaks_our_protocol()?;
    let developer = account.developer(helper).await?;
    if let Some(off) = developer.clock_is_off() {
        reports(Report::Note {
            message: format!(
                "this machine's clock is {off}: set it (`timedatectl set-ntp true` on Linux); tether goes by AWS's meanwhile"
            ),
        });
    }
    if let Some(temporary) = lifetime::at_the_start(account) {
        reports(temporary);
    }
    let correlation = Correlation::new(&developer.config, &helper.debugger_table);
    // Rights, before a function is changed: an event that cannot be claimed would
    // be held up, and a function that cannot be restored would stay changed.
    let (remote, ours, theirs) = tokio::join!(
        functions_of(account, &developer, &plan.stack_name),
        correlation.try_rights(&EVERY_RIGHT),
        rights::suffice(&developer, helper),
    );
    let remote = remote?;
    ours?;
    theirs?;
    let mut copies = tether_project::load(&plan.template, &helper.place(&account.region))?;
    copies.let_commands_win(&plan.commands, None)?;
    let prepared = prepare::prepare(plan, remote, &copies, local, reports).await?;
    if let Some(left) = &plan.left_session {
        restore_left(&developer, helper, left, &prepared, reports).await;
    }
    Ok((developer, prepared))
}

/// Its process is gone, and was on this machine: nobody else will end it before
/// its lease is over.
async fn restore_left(
    developer: &Developer,
    helper: &HelperStack,
    left: &str,
    prepared: &Prepared,
    reports: &Reports,
) {
    reports(Report::Step {
        message: "restoring what a process of this machine has left that is gone".to_owned(),
    });
    let session_id = SessionId::new(left);
    let asked = manager::ask(developer, helper, &ManagerRequest::Restore { session_id }).await;
    let told = asked.and_then(|it| manager::tell(reports, it, &prepared.logical_ids()));
    if let Err(error) = told {
        // Its functions are skipped then, with their reason.
        reports(Report::Note {
            message: format!("that did not succeed: {error}"),
        });
    }
}

/// Somebody does not want to wait for the restore. A Ctrl-C right at its start
/// belongs to what came before it.
async fn given_up(stack: &str, ending: &Ending, reports: &Reports) -> Error {
    let began = Instant::now();
    loop {
        ending.again.notified().await;
        if began.elapsed() >= DELIBERATE {
            return Error::RestoreGivenUp {
                stack: stack.to_owned(),
            };
        }
        reports(Report::Note {
            message: "restoring: Ctrl-C again leaves it to the sweeper".to_owned(),
        });
    }
}

async fn restore(
    developer: &Developer,
    helper: &HelperStack,
    plan: &AttachPlan,
    session_id: SessionId,
    logical_ids: &HashMap<String, String>,
    reports: &Reports,
) -> Result<(), Error> {
    reports(Report::Step {
        message: "restoring".to_owned(),
    });
    let asked = manager::ask(developer, helper, &ManagerRequest::Restore { session_id }).await;
    if asked.is_err() {
        reports(Report::Note {
            message: format!(
                "not restored yet: the sweeper does it once the lease is over, or run `tether detach --stack-name {}`",
                plan.stack_name
            ),
        });
    }
    manager::tell(reports, asked?, logical_ids).map(|_| ())
}

/// Writes the session, PENDING: whoever has the token may connect.
async fn open_session(
    developer: &Developer,
    helper: &HelperStack,
    plan: &AttachPlan,
    prepared: &Prepared,
) -> Result<(SessionId, Token), Error> {
    let id = SessionId::new(random_text(8));
    let token: Token = Secret::new(random_text(32));
    let now = developer.now();
    let record = SessionRecord {
        session_id: id.clone(),
        connection_id: None,
        connected_at: None,
        status: SessionStatus::Pending,
        ttl: now.plus(SESSION_PENDING).seconds(),
        stack_name: plan.stack_name.clone(),
        token_hash: TokenHash::of(&token),
        lease_until: now.plus(LEASE),
        created_at: now,
        owner: owner(),
        functions: prepared.arns(),
        timeout: plan.timeout.map(|it| it.min(ATTACHED_TIMEOUT_SECONDS)),
        take_over: plan.take_over,
        when_offline: plan.when_offline,
    };
    Sessions::new(&developer.config, &helper.sessions_table)
        .create(&record)
        .await?;
    Ok((id, token))
}

/// Random bytes in hex. Without randomness there is no session.
pub(crate) fn random_text(bytes: usize) -> String {
    let mut buffer = vec![0u8; bytes];
    while getrandom::fill(&mut buffer).is_err() {
        std::thread::sleep(Duration::from_millis(10));
    }
    buffer.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `user@host`, for people.
fn owner() -> String {
    let user = ["USER", "USERNAME", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    #[cfg(unix)]
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(unix))]
    let host = std::env::var("COMPUTERNAME").unwrap_or_default();
    format!("{}@{host}", user.unwrap_or_else(|| "somebody".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[tokio::test(start_paused = true)]
    async fn a_restore_is_given_up_by_a_ctrl_c_that_is_meant_for_it() {
        let notes = Arc::new(Mutex::new(0));
        let count = Arc::clone(&notes);
        let reports: Reports = Arc::new(move |_| *count.lock().unwrap() += 1);
        let ending = Ending::default();
        let waiting = given_up("app", &ending, &reports);
        tokio::pin!(waiting);
        let mut over = async |waits: Duration| {
            let timeout = tokio::time::timeout(waits, &mut waiting).await;
            ending.again.notify_waiters();
            timeout.is_ok()
        };
        let moment = Duration::from_millis(10);
        // The second of two quick ones belongs to what ran.
        assert!(!over(moment).await);
        assert!(!over(moment).await);
        assert_eq!(*notes.lock().unwrap(), 1);
        assert!(!over(DELIBERATE).await);
        assert!(over(moment).await);
    }
}
