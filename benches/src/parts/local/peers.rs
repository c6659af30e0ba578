//! What else serves a function on this machine: installed where it is asked for, and no part of
//! any build.

use super::server::{Beside, Launch};
use super::{NODE_SOURCE, PYTHON_SOURCE, project, say};
use crate::cloud;
use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};
use tokio::process::Command;

const FLASK: &str = include_str!("../../../local/peers/flask_server.py");
const DEPLOY: &str = include_str!("../../../local/peers/ministack_deploy.py");
const SERVERLESS: &str = include_str!("../../../local/peers/serverless.yml");

const PIP: [&str; 3] = ["flask==3.1.3", "ministack==1.5.33", "boto3==1.43.106"];
const NPM: [&str; 2] = ["serverless@3.40.0", "serverless-offline@13.9.0"];

/// Each by its name, ready to be started.
pub(super) async fn all(installed: &Path, folder: &Path) -> Result<Vec<(&'static str, Launch)>> {
    let python = pip(installed).await?;
    let serverless = npm(installed).await?;
    Ok(vec![
        ("Flask, Python", flask(&python, folder)?),
        ("MiniStack, Python", ministack(&python, folder)?),
        (
            "serverless-offline 13, Python",
            offline(&serverless, folder, "python3.11")?,
        ),
        (
            "serverless-offline 13, Node",
            offline(&serverless, folder, "nodejs20.x")?,
        ),
    ])
}

/// The interpreter.
async fn pip(installed: &Path) -> Result<PathBuf> {
    let (venv, done) = (
        installed.join("python"),
        installed.join("python/.installed"),
    );
    let python = venv.join("bin/python");
    if !done.is_file() {
        say::progress("installing Flask and MiniStack for the bench");
        std::fs::create_dir_all(installed)?;
        run(
            "python3",
            &["-m", "venv", &venv.display().to_string()],
            installed,
        )
        .await?;
        let install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ];
        let words: Vec<&str> = install.into_iter().chain(PIP).collect();
        run(&python.display().to_string(), &words, installed).await?;
        std::fs::write(done, "")?;
    }
    Ok(python)
}

/// The folder with its packages.
async fn npm(installed: &Path) -> Result<PathBuf> {
    let folder = installed.join("node");
    let done = folder.join(".installed");
    if !done.is_file() {
        say::progress("installing serverless-offline for the bench");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("package.json"), r#"{"private": true}"#)?;
        let install = [
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--loglevel=error",
        ];
        let words: Vec<&str> = install.into_iter().chain(NPM).collect();
        run("npm", &words, &folder).await?;
        std::fs::write(done, "")?;
    }
    Ok(folder)
}

async fn run(program: &str, arguments: &[&str], folder: &Path) -> Result<()> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    let ran = command.output().await;
    let ran = ran.with_context(|| format!("{program} is not there: --peers needs it"))?;
    let said = String::from_utf8_lossy(&ran.stderr);
    ensure!(
        ran.status.success(),
        "{program} could not install the peers: {}",
        said.trim()
    );
    Ok(())
}

fn flask(python: &Path, folder: &Path) -> Result<Launch> {
    let files = [("app.py", PYTHON_SOURCE), ("server.py", FLASK)];
    Ok(Launch {
        program: python.to_path_buf(),
        arguments: ["server.py", "{port}"].map(str::to_owned).into(),
        environment: cloud::environment(None),
        folder: project(folder, "flask", &files)?,
        path: "/hello".to_owned(),
        beside: None,
        is_ours: false,
    })
}

fn ministack(python: &Path, folder: &Path) -> Result<Launch> {
    let files = [("app.py", PYTHON_SOURCE), ("deploy.py", DEPLOY)];
    let folder = project(folder, "ministack", &files)?;
    let mut environment = cloud::environment(None);
    environment.insert("GATEWAY_PORT".to_owned(), "{port}".to_owned());
    Ok(Launch {
        program: python.with_file_name("ministack"),
        arguments: Vec::new(),
        environment,
        beside: Some(Beside {
            program: python.to_path_buf(),
            script: folder.join("deploy.py"),
        }),
        folder,
        path: String::new(),
        is_ours: false,
    })
}

fn offline(installed: &Path, folder: &Path, runtime: &str) -> Result<Launch> {
    let configuration = SERVERLESS.replace("RUNTIME", runtime);
    let source = if runtime.starts_with("python") {
        ("app.py", PYTHON_SOURCE)
    } else {
        ("app.js", NODE_SOURCE)
    };
    let files = [("serverless.yml", configuration.as_str()), source];
    let folder = project(folder, &format!("offline-{runtime}"), &files)?;
    // It finds its plugin beside the project.
    std::os::unix::fs::symlink(installed.join("node_modules"), folder.join("node_modules"))?;
    let mut environment = cloud::environment(None);
    for (name, value) in [
        ("SLS_TELEMETRY_DISABLED", "1"),
        ("SLS_NOTIFICATIONS_MODE", "off"),
    ] {
        environment.insert(name.to_owned(), value.to_owned());
    }
    let words = "offline start --host 127.0.0.1 --httpPort {port} --lambdaPort {other}";
    Ok(Launch {
        program: installed.join("node_modules/.bin/serverless"),
        arguments: words.split(' ').map(str::to_owned).collect(),
        environment,
        folder,
        path: "/hello".to_owned(),
        beside: None,
        is_ours: false,
    })
}
