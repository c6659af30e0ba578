//! Which language a function has that is neither Python nor Node: by its
//! runtime, by SAM's build method, and by what is in its folder.

use super::command::Program;
use super::dotnet::DotNet;
use super::go::Go;
use super::java::Java;
use super::make::Make;
use super::ruby::Ruby;
use super::rust::Rust;
use super::{Source, StartError, Starter};
use std::sync::Arc;
use tether_runtime_api::runtimes::Language;

pub(super) fn find(source: &Source, language: Option<Language>) -> Result<Starter, StartError> {
    let code = &source.code;
    let method = source
        .metadata
        .get("BuildMethod")
        .and_then(|it| it.as_str());
    if language == Some(Language::Java) {
        return Java::find(source).map(|it| Starter::Java(Arc::new(it)));
    }
    if language == Some(Language::Ruby) {
        return Ruby::find(source).map(|it| Starter::Ruby(Arc::new(it)));
    }
    if let Some(project) = Rust::project(code) {
        return Rust::find(source, project).map(|it| Starter::Rust(Arc::new(it)));
    }
    if Go::is_in(code) {
        return Go::find(source).map(|it| Starter::Go(Arc::new(it)));
    }
    if let Some(project) = DotNet::project(code) {
        return DotNet::find(source, project).map(|it| Starter::DotNet(Arc::new(it)));
    }
    if method == Some("makefile") {
        return Make::find(source).map(|it| Starter::Make(Arc::new(it)));
    }
    if let Some(program) = Program::bootstrap(source) {
        return Ok(Starter::Command(program));
    }
    Err(StartError::Unknown {
        runtime: source.runtime.clone(),
        advice: match language == Some(Language::DotNet) {
            true => {
                "there is no project (*.csproj) in its folder: name a command for it in tether.toml, or by --command"
            }
            false => {
                "there is no Cargo.toml, go.mod, *.csproj or executable `bootstrap` in its folder: name a command for it in tether.toml, or by --command"
            }
        },
    })
}
