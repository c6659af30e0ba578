//! Virtualenvs: where projects and their tools have them, and what is wrong
//! with one. Nothing is run.

use super::StartError;
use super::machine::{Machine, absolute, upwards};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// The virtualenv that belongs to this code: its own, the nearest first; one
/// that Poetry, Pipenv or PDM keeps elsewhere for it; the activated one.
///
/// # Errors
/// It is broken.
pub(super) fn find(code: &Path, machine: &Machine) -> Result<Option<PathBuf>, StartError> {
    for folder in upwards(code) {
        if let Some(found) = of_folder(&folder, machine)? {
            return Ok(Some(found));
        }
    }
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        if let Some(activated) = machine.path(name)
            && let Some(found) = python_in(&absolute(activated))?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn of_folder(folder: &Path, machine: &Machine) -> Result<Option<PathBuf>, StartError> {
    for name in [".venv", "venv"] {
        let there = folder.join(name);
        let found = match named_in(&there, machine) {
            Some(elsewhere) => python_in(&elsewhere)?,
            None => python_in(&there)?,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    if let Some(python) = pdm(folder) {
        return Ok(Some(python));
    }
    for kept in [poetry(folder, machine), pipenv(folder, machine)] {
        if let Some(found) = kept.map(|it| python_in(&it)).transpose()?.flatten() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A file `.venv` says where it is, by a path or by a name in Pipenv's folder
/// (<https://pipenv.pypa.io/en/latest/virtualenv.html>).
fn named_in(file: &Path, machine: &Machine) -> Option<PathBuf> {
    if !file.is_file() {
        return None;
    }
    let text = std::fs::read_to_string(file).ok()?;
    let name = text.lines().next()?.trim();
    if name.contains(['/', '\\']) {
        return Some(file.parent()?.join(name));
    }
    Some(kept_by_pipenv(machine)?.join(name))
}

/// The interpreter of a virtualenv; none: there is no such thing here.
fn python_in(virtualenv: &Path) -> Result<Option<PathBuf>, StartError> {
    let python = if cfg!(windows) {
        virtualenv.join("Scripts").join("python.exe")
    } else {
        virtualenv.join("bin").join("python")
    };
    if let Some(reason) = what_is_wrong(virtualenv, &python) {
        return Err(StartError::BrokenVirtualenv {
            virtualenv: virtualenv.to_path_buf(),
            reason,
        });
    }
    Ok(python.is_file().then_some(python))
}

/// What an upgrade or a move of the Python below it leaves behind.
fn what_is_wrong(virtualenv: &Path, python: &Path) -> Option<String> {
    if python.symlink_metadata().is_ok() && !python.exists() {
        return Some(format!("{} leads nowhere", link(python).display()));
    }
    let config = std::fs::read_to_string(virtualenv.join("pyvenv.cfg")).ok()?;
    if !python.exists() {
        return Some(format!("it has no {}", python.display()));
    }
    let home = config.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "home").then(|| PathBuf::from(value.trim()))
    })?;
    let gone = !home.as_os_str().is_empty() && !home.exists();
    gone.then(|| format!("its Python in {} is gone", home.display()))
}

/// The last of a chain of links.
fn link(from: &Path) -> PathBuf {
    let mut at = from.to_path_buf();
    for _ in 0..8 {
        let Ok(next) = std::fs::read_link(&at) else {
            break;
        };
        at = at.parent().map_or(next.clone(), |folder| folder.join(next));
    }
    at
}

/// <https://pdm-project.org/en/latest/usage/venv/>: the file names an interpreter.
fn pdm(folder: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(folder.join(".pdm-python")).ok()?;
    let python = PathBuf::from(text.trim());
    (python.is_absolute() && python.is_file()).then_some(python)
}

/// Poetry's own folder has one for each project and version of Python, named
/// after both
/// (<https://github.com/python-poetry/poetry/blob/main/src/poetry/utils/env/env_manager.py>).
fn poetry(folder: &Path, machine: &Machine) -> Option<PathBuf> {
    let text = std::fs::read_to_string(folder.join("pyproject.toml")).ok()?;
    let is_poetrys = text.contains("[tool.poetry") || folder.join("poetry.lock").is_file();
    if !is_poetrys {
        return None;
    }
    let name = poetrys_name(&project_name(&text)?, folder);
    let kept = kept_by_poetry(machine)?;
    // The one that `poetry env use` chose last, or the newest.
    let chosen = std::fs::read_to_string(kept.join("envs.toml")).unwrap_or_default();
    if let Some(minor) = minor_of(&chosen, &name) {
        return Some(kept.join(format!("{name}-py{minor}")));
    }
    let prefix = format!("{name}-py");
    let entries = std::fs::read_dir(&kept).ok()?;
    let mut versions: Vec<(Vec<u64>, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(&prefix)?.split('.');
            let version = version.map(|it| it.parse().unwrap_or(0)).collect();
            Some((version, entry.path()))
        })
        .collect();
    versions.sort();
    versions.pop().map(|(_, path)| path)
}

/// `name = "shop"` of `[project]` or `[tool.poetry]`.
fn project_name(pyproject: &str) -> Option<String> {
    let mut section = "";
    for line in pyproject.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line.split('#').next().unwrap_or(line).trim();
            continue;
        }
        if !["[project]", "[tool.poetry]"].contains(&section) {
            continue;
        }
        if let Some((key, value)) = line.split_once('=')
            && key.trim() == "name"
        {
            let value = value.trim();
            let quote = value.chars().next()?;
            return value
                .trim_start_matches(quote)
                .split(quote)
                .next()
                .map(str::to_owned);
        }
    }
    None
}

fn poetrys_name(project: &str, folder: &Path) -> String {
    let name: String = project
        .to_lowercase()
        .chars()
        .map(|c| {
            if " $`!*@\"\\\r\n\t".contains(c) {
                '_'
            } else {
                c
            }
        })
        .take(42)
        .collect();
    let folder = folder.canonicalize().unwrap_or(folder.to_path_buf());
    let hash = Sha256::digest(folder.to_string_lossy().as_bytes());
    let hash: String = URL_SAFE.encode(hash).chars().take(8).collect();
    format!("{name}-{hash}")
}

/// `minor = "3.12"` of `["shop-AbCdEfGh"]`.
fn minor_of(envs: &str, name: &str) -> Option<String> {
    let mut lines = envs.lines().map(str::trim);
    lines.find(|line| line.trim_matches(['[', ']', '"']) == name)?;
    let minor = lines
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| line.strip_prefix("minor"))?;
    Some(minor.trim_matches([' ', '=', '"']).to_owned())
}

/// <https://python-poetry.org/docs/configuration/#virtualenvspath>
fn kept_by_poetry(machine: &Machine) -> Option<PathBuf> {
    if let Some(path) = machine.path("POETRY_VIRTUALENVS_PATH") {
        return Some(path);
    }
    let cache = machine.path("POETRY_CACHE_DIR").or_else(|| {
        if cfg!(windows) {
            Some(machine.path("LOCALAPPDATA")?.join("pypoetry/Cache"))
        } else if cfg!(target_os = "macos") {
            Some(machine.home()?.join("Library/Caches/pypoetry"))
        } else {
            Some(machine.folder("XDG_CACHE_HOME", ".cache")?.join("pypoetry"))
        }
    });
    Some(cache?.join("virtualenvs"))
}

/// Each of Pipenv's names its project in a file.
fn pipenv(folder: &Path, machine: &Machine) -> Option<PathBuf> {
    if !folder.join("Pipfile").is_file() {
        return None;
    }
    let entries = std::fs::read_dir(kept_by_pipenv(machine)?).ok()?;
    let mut kept = entries.flatten().map(|it| it.path());
    kept.find(|virtualenv| {
        let project = std::fs::read_to_string(virtualenv.join(".project"));
        project.is_ok_and(|it| Path::new(it.trim()) == folder)
    })
}

fn kept_by_pipenv(machine: &Machine) -> Option<PathBuf> {
    let below_home = if cfg!(windows) {
        ".virtualenvs"
    } else {
        ".local/share/virtualenvs"
    };
    machine.folder("WORKON_HOME", below_home)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
#[cfg(unix)]
mod tests;
