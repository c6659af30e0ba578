//! `tether install` and `tether upgrade`

use crate::args::{self, Install};
use crate::artifacts::HelperStackFolder;
use crate::ending::Signals;
use crate::exit::{self, TETHER_FAILED};
use crate::output::Output;
use crate::{confirmation, progress};
use anyhow::{Result, bail};
use serde_json::json;
use std::process::ExitCode;
use tether_installer::{
    Architecture, Changes, Error, Installed, Installer, Order, Prepared, Release, Settings, Wish,
    rows, size, table,
};

pub(crate) async fn run(typed: Install, wish: Wish, output: &Output) -> Result<ExitCode> {
    let is_asked = !typed.there.yes;
    if is_asked && !confirmation::is_possible() {
        return Ok(exit::refused(output, super::NOBODY_TO_ASK));
    }
    let folder = HelperStackFolder::find()?;
    let account = super::account_of(&typed.there).await?;
    let reporter = progress::reporter(output);
    let installer = Installer::find(account, &typed.there.stack_name, reporter).await?;
    let order = order(typed, wish);
    loop {
        let prepared = installer.prepare(&order, folder.path());
        match unless_ended(prepared).await? {
            Prepared::Nothing(installed) => {
                tell(&installed, false, output);
                return Ok(ExitCode::SUCCESS);
            }
            Prepared::Leftovers(leftovers) => {
                output.say(&format!(
                    "what is left of a stack of that name is {}: it is removed first",
                    leftovers.status
                ));
                if is_asked && !confirmation::is_given("Remove it?", output).await {
                    return Ok(declined(output));
                }
                unless_ended(installer.remove_leftovers(&leftovers)).await?;
            }
            Prepared::Rollback(rollback) => {
                output.say("the rollback of an update stopped half way: it is finished first");
                if is_asked && !confirmation::is_given("Finish it?", output).await {
                    return Ok(declined(output));
                }
                unless_ended(installer.finish_rollback(&rollback)).await?;
            }
            Prepared::Changes(changes) => {
                show(&changes, &installer, output);
                if is_asked && !confirmation::is_given("Do this?", output).await {
                    unless_ended(installer.discard(*changes)).await?;
                    return Ok(declined(output));
                }
                let installed = installer.carry_out(*changes);
                let installed = unless_ended(installed).await?;
                tell(&installed, true, output);
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
}

/// Ctrl-C ends whatever goes on; while a question stands it is an answer.
async fn unless_ended<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T> {
    let mut signals = Signals::listen();
    tokio::select! {
        done = work => Ok(done?),
        _ = signals.next() => bail!(
            "{}, or `tether uninstall` to remove what is there",
            super::ENDED_EARLY
        ),
    }
}

fn declined(output: &Output) -> ExitCode {
    output.say("nothing was changed");
    ExitCode::from(TETHER_FAILED)
}

fn order(typed: Install, wish: Wish) -> Order {
    Order {
        wish,
        settings: Settings {
            permissions_boundary: typed.permissions_boundary,
            trusted_principals: typed.trusted_principals,
            log_retention_days: typed.log_retention_days,
        },
        tags: typed.tag.into_iter().collect(),
        bucket: typed.there.bucket,
        architecture: typed.architecture.map(|it| match it {
            args::Architecture::X86 => Architecture::X86,
            args::Architecture::Arm64 => Architecture::Arm64,
        }),
    }
}

fn show(changes: &Changes, installer: &Installer, output: &Output) {
    let place = installer.place();
    let ours = Release::ours();
    output.object(&json!({
        "event": "changes",
        "account": place.account,
        "region": place.region,
        "before": changes.before.as_ref().map(ToString::to_string),
        "release": ours.to_string(),
        "resources": changes.resources,
        "bucket": changes.bucket,
        "isNewBucket": changes.is_new_bucket,
        "uploads": changes.uploads,
    }));
    let what = match &changes.before {
        None => format!("tether {ours} is going to be installed"),
        Some(before) if *before == ours => format!("tether {ours} is going to be changed"),
        Some(before) => format!("tether {before} is going to be upgraded to {ours}"),
    };
    output.say(&format!(
        "{what} in account {}, {}:",
        place.account, place.region
    ));
    for line in table(&rows(&changes.resources)) {
        output.say(&format!("  {line}"));
    }
    let kind = if changes.is_new_bucket {
        "the new"
    } else {
        "the"
    };
    let bytes = changes.uploads.iter().map(|it| it.bytes).sum();
    if changes.uploads.is_empty() {
        output.say(&format!(
            "  nothing to upload: it is in the bucket {}",
            changes.bucket
        ));
        return;
    }
    output.say(&format!(
        "  {} to upload into {kind} bucket {}:",
        size(bytes),
        changes.bucket
    ));
    let uploads = changes.uploads.iter();
    let uploads: Vec<_> = uploads
        .map(|it| [it.name.clone(), size(it.bytes)])
        .collect();
    for line in table(&uploads) {
        output.say(&format!("    {line}"));
    }
}

fn tell(installed: &Installed, is_changed: bool, output: &Output) {
    let Installed {
        stack,
        region,
        account,
        release,
        outputs,
    } = installed;
    output.object(&json!({
        "event": "installed",
        "isChanged": is_changed,
        "stack": stack,
        "region": region,
        "account": account,
        "release": release,
        "outputs": outputs,
    }));
    if !is_changed {
        output.say(&format!(
            "nothing to do: {stack} in {region} is tether {release}"
        ));
        return;
    }
    output.done(&format!(
        "{stack} in account {account}, {region}, is tether {release}"
    ));
    let shown = ["WebSocketUrl", "DeveloperRoleArn"];
    for name in shown {
        if let Some(value) = outputs.get(name) {
            output.say(&format!("  {name}  {value}"));
        }
    }
    let named = match stack.as_str() {
        "tether" => String::new(),
        other => format!(" --helper-stack-name {other}"),
    };
    output.say("developers need sts:AssumeRole on that role. Next, in the folder of a template:");
    output.say(&format!("  tether attach --stack-name YOUR-STACK{named}"));
}
