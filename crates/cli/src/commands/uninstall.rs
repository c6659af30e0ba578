//! `tether uninstall`

use crate::args::Uninstall;
use crate::attached::{self, Record};
use crate::ending::{Asked, Signals};
use crate::exit::{self, TETHER_FAILED};
use crate::output::Output;
use crate::{confirmation, progress};
use anyhow::{Result, bail};
use serde_json::json;
use std::process::ExitCode;
use tether_installer::{Installer, Removal, Resource, table};

pub(crate) async fn run(typed: Uninstall, output: &Output) -> Result<ExitCode> {
    let is_asked = !typed.there.yes;
    if is_asked && !confirmation::is_possible() {
        return Ok(exit::refused(output, super::NOBODY_TO_ASK));
    }
    let account = super::account_of(&typed.there).await?;
    let endpoint = account.endpoint_url().map(str::to_owned);
    let stack = &typed.there.stack_name;
    let reporter = progress::reporter(output);
    let installer = Installer::find(account, stack, reporter).await?;
    let bucket = typed.there.bucket.as_deref();
    let removal = installer.look_for_removal(bucket).await?;
    let place = installer.place().clone();
    if removal.is_nothing() {
        let region = &place.region;
        output.say(&format!(
            "nothing to do: {stack} is not installed in {region}"
        ));
        output.object(&json!({ "event": "uninstalled", "isChanged": false, "left": [] }));
        return Ok(ExitCode::SUCCESS);
    }
    show(&removal, &installer, stack, output);
    if is_asked && !confirmation::is_given("Remove all of this?", output).await {
        output.say("nothing was changed");
        return Ok(ExitCode::from(TETHER_FAILED));
    }
    for record in attached_here(&removal) {
        end(&record, output).await?;
    }
    let mut signals = Signals::listen();
    let left = tokio::select! {
        left = installer.remove(removal, typed.force) => left?,
        _ = signals.next() => bail!("{}", super::ENDED_EARLY),
    };
    attached::forget(&place.account, &place.region, endpoint.as_deref());
    output.object(&json!({ "event": "uninstalled", "isChanged": true, "left": left }));
    if left.is_empty() {
        output.done(&format!("{stack} is uninstalled: nothing is left of it"));
        return Ok(ExitCode::SUCCESS);
    }
    output.done(&format!("{stack} is uninstalled; what is left of it:"));
    for it in left {
        output.say(&format!("  {it}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn show(removal: &Removal, installer: &Installer, stack: &str, output: &Output) {
    let place = installer.place();
    let status = removal.status.as_ref();
    let functions = status.map(|it| it.functions.as_slice()).unwrap_or_default();
    output.object(&json!({
        "event": "removal",
        "account": place.account,
        "region": place.region,
        "resources": removal.resources,
        "besides": removal.besides(),
        "instrumented": functions,
    }));
    output.say(&format!(
        "tether's helper stack {stack} is going to be removed from account {}, {}:",
        place.account, place.region
    ));
    for it in functions {
        output.say(&format!(
            "  restore {} of {}, to which {} is attached",
            it.function, it.stack, it.owner
        ));
    }
    // Layers have no part in the stack's deletion, and stand below.
    let its = |it: &&Resource| it.resource_type != "AWS::Lambda::LayerVersion";
    let rows = removal.resources.iter().filter(its);
    let rows = rows.map(|it| ["delete", &it.logical_id, &it.resource_type].map(str::to_owned));
    for line in table(&rows.collect::<Vec<_>>()) {
        output.say(&format!("  {line}"));
    }
    for it in removal.besides() {
        output.say(&format!("  and then {it}"));
    }
}

/// Processes of this machine that are attached by this helper stack.
fn attached_here(removal: &Removal) -> Vec<Record> {
    let Some(status) = &removal.status else {
        return Vec::new();
    };
    let sessions: Vec<&str> = status.sessions.iter().map(|it| &*it.session_id).collect();
    let is_its = |it: &Record| {
        let session = it.session_id.as_deref();
        session.is_some_and(|it| sessions.contains(&it))
    };
    attached::all().into_iter().filter(is_its).collect()
}

/// As `tether detach` ends it: what runs may end.
async fn end(record: &Record, output: &Output) -> Result<()> {
    let pid = record.pid;
    record.ask(Asked::Gently);
    output.say(&format!(
        "… process {pid} is attached: it ends once nothing runs, and restores"
    ));
    let mut signals = Signals::listen();
    tokio::select! {
        ended = attached::ended(record) => ended?,
        _ = signals.next() => bail!(
            "uninstall was ended before process {pid} was: nothing else is changed; run `tether uninstall` again"
        ),
    }
    output.say(&format!("process {pid} has ended"));
    Ok(())
}
