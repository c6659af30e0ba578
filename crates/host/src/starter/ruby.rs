//! Ruby functions, by AWS's own client (the gem `aws_lambda_ric`) when the
//! project's Gemfile has it, or it is installed.
//!
//! Tried with a stand-in for the gem only: it could not be had where this was
//! written.

use super::{RunsOn, Source, StartCommand, StartError, tool};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// <https://github.com/aws/aws-lambda-ruby-runtime-interface-client>
const CLIENT: &str = "aws_lambda_ric";

/// A function's Ruby, and the client that it has.
#[derive(Debug)]
pub struct Ruby {
    ruby: PathBuf,
    /// `bundle exec aws_lambda_ric`, or the client itself.
    program: PathBuf,
    arguments: Vec<OsString>,
    code: PathBuf,
    runtime: String,
}

impl Ruby {
    pub(super) fn find(source: &Source) -> Result<Self, StartError> {
        let ruby = installed("ruby", source)?;
        let gemfile = tool::nearest(&source.code, &["Gemfile"]);
        let has_client = gemfile.as_ref().map(|folder| {
            let locked = std::fs::read_to_string(folder.join("Gemfile.lock"));
            let locked = locked.or_else(|_| std::fs::read_to_string(folder.join("Gemfile")));
            locked.is_ok_and(|it| it.contains(CLIENT))
        });
        let (program, mut arguments) = match has_client {
            Some(true) => {
                let words: Vec<OsString> = vec!["exec".into(), CLIENT.into()];
                (installed("bundle", source)?, words)
            }
            Some(false) => return Err(no_client(source, "run `bundle add aws_lambda_ric`")),
            None => match tool::find(CLIENT, &folders()) {
                Some(client) => (client, Vec::new()),
                None => return Err(no_client(source, "run `gem install aws_lambda_ric`")),
            },
        };
        arguments.push(source.handler.clone().into());
        Ok(Self {
            ruby,
            program,
            arguments,
            code: source.code.clone(),
            runtime: source.runtime.clone(),
        })
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    pub(super) async fn check(&self) -> Result<RunsOn, StartError> {
        let version = tool::first_line(&self.ruby, &["-e", "print RUBY_VERSION"]).await;
        let version = version.map_err(|reason| StartError::Broken {
            program: self.ruby.clone(),
            reason,
            advice: "install Ruby anew",
        })?;
        let meant = self.runtime.strip_prefix("ruby").unwrap_or_default();
        Ok(RunsOn {
            as_meant: version.starts_with(&format!("{meant}.")),
            what: format!("Ruby {version} ({})", self.ruby.display()),
        })
    }

    pub(super) fn watched(&self) -> Vec<PathBuf> {
        vec![self.code.clone()]
    }

    pub(super) fn command(&self) -> StartCommand {
        StartCommand {
            program: self.program.clone(),
            arguments: self.arguments.clone(),
            ..StartCommand::default()
        }
    }
}

fn installed(name: &'static str, source: &Source) -> Result<PathBuf, StartError> {
    tool::find(name, &folders()).ok_or_else(|| StartError::NoTool {
        tool: name,
        function: source.name.clone(),
        install: "install Ruby with Bundler (https://www.ruby-lang.org; Debian: ruby), or put it on the PATH",
    })
}

fn no_client(source: &Source, remedy: &'static str) -> StartError {
    StartError::Project {
        function: source.name.clone(),
        project: source.code.clone(),
        reason: format!("it has no {CLIENT}, which runs Ruby as Lambda does"),
        remedy,
    }
}

/// Where version managers put it.
fn folders() -> Vec<PathBuf> {
    let managers = [".rbenv/shims", ".asdf/shims", ".local/share/mise/shims"];
    managers.into_iter().filter_map(tool::at_home).collect()
}
