//! `tether local`

mod keys;
mod meant;

use super::websockets::{self, Otherwise};
use crate::args::{Local as Typed, SamCommand};
use crate::ending;
use crate::exit::refused;
use crate::output::Output;
use anyhow::Result;
use std::process::ExitCode;
use std::sync::Arc;
use tether_emulator::Access;
use tether_local::{Local, Reports};

pub(crate) async fn run(mut typed: Typed, output: &Output) -> Result<ExitCode> {
    if let Some(text) = typed.habit.and_then(SamCommand::elsewhere) {
        return Ok(refused(output, text));
    }
    let ending = ending::watch();
    let (printer, requests) = (output.clone(), output.clone());
    let reports: Reports = Arc::new(move |report| printer.local(&report));
    let typed_websockets = std::mem::take(&mut typed.websockets);
    let profile = typed.profile.clone();
    let (mut plan, mut options) = meant::of(typed, output)?;
    plan.websocket_rules
        .clone_from(&typed_websockets.websocket_rules);
    let otherwise = Otherwise {
        table: Some(websockets::TABLE),
        rules: Some(plan.template.with_file_name(tether_project::settings::FILE))
            .filter(|it| it.is_file()),
        region: plan.place.region.clone(),
        profile,
    };
    websockets::apply(&typed_websockets, otherwise, &mut options).await?;
    options.access = Arc::new(move |access: &Access<'_>| requests.request(access));
    let local = tokio::select! {
        local = Local::start(plan, options, reports, output.log_sink()) => local?,
        // Nothing has begun.
        () = ending.gently.cancelled() => return Ok(ExitCode::SUCCESS),
    };
    local.follow(&ending.gently).await;
    local.stop().await;
    Ok(ExitCode::SUCCESS)
}
