//! One command a file.

mod attach;
mod detach;
mod doctor;
mod emulator;
mod generate_event;
mod install;
mod invoke;
mod launch_json;
mod local;
mod status;
mod uninstall;
mod websockets;

use crate::args::{Aws, Cli, ClientLanguage, Command};
use crate::output::Output;
use anyhow::Result;
use std::collections::HashMap;
use std::process::ExitCode;
use tether_installer::Wish;
use tether_receiver::{Account, Whereabouts};

/// Runs a command.
pub(crate) async fn run(command: Command, output: &Output) -> Result<ExitCode> {
    match command {
        Command::Install(typed) => install::run(typed, Wish::Install, output).await,
        Command::Upgrade(typed) => install::run(typed, Wish::Upgrade, output).await,
        Command::Uninstall(typed) => uninstall::run(typed, output).await,
        Command::Attach(typed) => attach::run(typed, output).await,
        Command::Detach(typed) => detach::run(typed, output).await,
        Command::Status(typed) => status::run(typed, output).await,
        Command::Doctor(typed) => Ok(doctor::run(typed, output).await),
        Command::Emulator(typed) => emulator::run(typed, output).await,
        Command::Local(typed) => local::run(*typed, output).await,
        Command::Invoke(typed) => invoke::run(typed, output).await,
        Command::GenerateEvent(typed) => generate_event::run(&typed, output),
        Command::LaunchJson(typed) => launch_json::run(&typed, output).await,
        Command::Client { language } => {
            output.result(match language {
                ClientLanguage::Python => tether_host::Clients::PYTHON,
                ClientLanguage::Node => tether_host::Clients::NODE,
            });
            Ok(ExitCode::SUCCESS)
        }
        Command::Completions { shell } => {
            use clap::CommandFactory as _;
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tether", &mut script);
            output.result(String::from_utf8_lossy(&script).trim_end());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The account that the flags and the environment mean.
pub(crate) async fn account(aws: &Aws) -> Result<Account> {
    Ok(Account::find(&whereabouts(aws)).await?)
}

fn whereabouts(aws: &Aws) -> Whereabouts {
    Whereabouts {
        region: aws.region.clone(),
        profile: aws.profile.clone(),
        endpoint_url: aws.endpoint_url.clone(),
    }
}

/// The same, where the helper stack is or shall be.
async fn account_of(there: &crate::args::Whereabouts) -> Result<Account> {
    let whereabouts = Whereabouts {
        region: there.region.clone(),
        profile: there.profile.clone(),
        endpoint_url: there.endpoint_url.clone(),
    };
    Ok(Account::find(&whereabouts).await?)
}

/// Nothing is changed in an account that nobody has agreed to.
const NOBODY_TO_ASK: &str = "there is no terminal to ask on whether this shall be done: pass --yes to do it without a question";

/// Ctrl-C ends what is done here, and not what AWS has begun to do.
const ENDED_EARLY: &str = "this was ended before it was done: what CloudFormation has begun goes on; run this again to see it through";

/// What local code needs to reach AWS as tether does.
pub(crate) fn local_variables(aws: &Aws) -> HashMap<String, String> {
    let given = [
        ("AWS_PROFILE", &aws.profile),
        ("AWS_ENDPOINT_URL", &aws.endpoint_url),
    ];
    given
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
        .collect()
}
