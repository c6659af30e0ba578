//! .NET functions: executable assemblies as they are, class libraries by AWS's
//! own client (`Amazon.Lambda.RuntimeSupport`) when the project has it.
//!
//! Not tried: neither .NET nor the client could be had where this was written.
//! It does what AWS's own start script does
//! (<https://github.com/aws/aws-lambda-dotnet/blob/master/LambdaRuntimeDockerfiles/Images/net8/amd64/Dockerfile>).

use super::build::{BuildTool, Built, Stream};
use super::{BuildFailed, Progress, RunsOn, Source, StartCommand, StartError, tool};
use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// <https://www.nuget.org/packages/Amazon.Lambda.RuntimeSupport>
const CLIENT: &str = "Amazon.Lambda.RuntimeSupport";

/// A function's project.
#[derive(Debug)]
pub struct DotNet {
    dotnet: PathBuf,
    project: PathBuf,
    source: Source,
    built: Built,
}

/// What `msbuild -getProperty` prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    target_path: PathBuf,
}

impl DotNet {
    /// The project file in the code's folder.
    pub(super) fn project(code: &Path) -> Option<PathBuf> {
        let entries = std::fs::read_dir(code).ok()?.flatten();
        let is_project = |it: &PathBuf| {
            let ending = it.extension().and_then(|it| it.to_str());
            ending.is_some_and(|it| ["csproj", "fsproj", "vbproj"].contains(&it))
        };
        entries.map(|it| it.path()).filter(is_project).min()
    }

    pub(super) fn find(source: &Source, project: PathBuf) -> Result<Self, StartError> {
        let root = std::env::var_os("DOTNET_ROOT").map(PathBuf::from);
        let fixed = [
            "/usr/share/dotnet",
            "/usr/local/share/dotnet",
            "/usr/lib/dotnet",
        ];
        let folders: Vec<_> = root
            .into_iter()
            .chain(tool::at_home(".dotnet"))
            .chain(fixed.map(PathBuf::from))
            .collect();
        let dotnet = tool::find("dotnet", &folders).ok_or_else(|| StartError::NoTool {
            tool: "dotnet",
            function: source.name.clone(),
            install: "install .NET (https://dotnet.microsoft.com), or put dotnet on the PATH",
        })?;
        Ok(Self {
            dotnet,
            project,
            source: source.clone(),
            built: Built::default(),
        })
    }

    pub(super) fn program(&self) -> &Path {
        &self.dotnet
    }

    pub(super) async fn check(&self) -> Result<RunsOn, StartError> {
        let version = tool::first_line(&self.dotnet, &["--version"]).await;
        let version = version.map_err(|reason| StartError::Broken {
            program: self.dotnet.clone(),
            reason,
            advice: "install .NET anew",
        })?;
        Ok(RunsOn {
            what: format!(".NET {version} ({})", self.dotnet.display()),
            as_meant: true,
        })
    }

    pub(super) fn watched(&self) -> Vec<PathBuf> {
        vec![self.source.code.clone()]
    }

    pub(super) async fn build(&self, progress: &Progress) -> Result<(), BuildFailed> {
        self.built
            .again(&self.watched(), self.compile(progress))
            .await
    }

    async fn compile(&self, progress: &Progress) -> Result<PathBuf, BuildFailed> {
        let project: OsString = self.project.clone().into();
        let tool = |words: &[&str]| {
            BuildTool::new(&self.dotnet, &self.source.code)
                .arguments(words.iter().map(OsString::from))
                .arguments([project.clone()])
        };
        // A class library is to run by itself, with all that it needs beside it.
        let build = tool(&["build", "--nologo", "--verbosity", "quiet"]).arguments([
            "-p:GenerateRuntimeConfigurationFiles=true",
            "-p:CopyLocalLockFileAssemblies=true",
        ]);
        build
            .run_shown(progress, |line| line.contains(": error "))
            .await?;
        let mut json = String::new();
        // Of one property, it would print the bare value.
        let ask =
            tool(&["msbuild"]).arguments(["-getProperty:TargetPath", "-getProperty:OutputType"]);
        let asked = ask.run(|stream, line| {
            if stream == Stream::Out {
                json.push_str(line);
            }
        });
        asked.await?;
        let said: Said = serde_json::from_str(&json).map_err(|_| {
            BuildFailed::new("dotnet does not say where it has built: .NET 8 or newer does")
        })?;
        let target = said.properties.target_path;
        match self.is_library() && !beside(&target, CLIENT, "dll").is_file() {
            true => Err(BuildFailed::new(format!(
                "{CLIENT} is not beside {}: run `dotnet add package {CLIENT}`",
                target.display()
            ))),
            false => Ok(target),
        }
    }

    /// `Assembly::Namespace.Type::Method`; an executable has the assembly's name
    /// only.
    fn is_library(&self) -> bool {
        self.source.handler.contains("::")
    }

    pub(super) fn command(&self) -> StartCommand {
        let target = self.built.product().unwrap_or_default();
        let mut arguments: Vec<OsString> = vec!["exec".into()];
        if self.is_library() {
            let name = target.file_stem().unwrap_or_default().to_string_lossy();
            for (option, ending) in [
                ("--depsfile", "deps.json"),
                ("--runtimeconfig", "runtimeconfig.json"),
            ] {
                arguments.push(option.into());
                arguments.push(beside(&target, &name, ending).into());
            }
            arguments.push(beside(&target, CLIENT, "dll").into());
            arguments.push(self.source.handler.clone().into());
        } else {
            arguments.push(target.into());
        }
        StartCommand {
            program: self.dotnet.clone(),
            arguments,
            ..StartCommand::default()
        }
    }
}

fn beside(target: &Path, name: &str, ending: &str) -> PathBuf {
    target.with_file_name(format!("{name}.{ending}"))
}
