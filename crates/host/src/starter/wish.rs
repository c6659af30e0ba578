//! Which version of a language a project asks for, and where version managers
//! have installed it. Their files are read, they are not run.

use super::machine::{Machine, is_program, upwards};
use serde_json::Value;
use std::path::{Path, PathBuf};

mod range;

use range::Range;

/// A version that a file of the project asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// As it is written: `3.13`, `lts/iron`, `>=18 <21`
    pub(super) version: String,
    /// The file that says so.
    pub(super) file: PathBuf,
    /// Whether a manager switches to it; otherwise it is only what is fit.
    pub(super) binding: bool,
}

impl Wish {
    /// A version that no file asks for.
    pub(super) fn version(version: &str) -> Self {
        Self {
            version: version.to_owned(),
            file: PathBuf::new(),
            binding: false,
        }
    }

    /// For people, where it is not installed.
    pub(super) fn note(&self, language: &str) -> String {
        let (file, version) = (self.file.display(), &self.version);
        format!("{file} asks for {language} {version}, which no version manager has installed")
    }
}

/// What differs from language to language.
pub(super) struct Tool {
    /// As asdf and mise call it.
    names: &'static [&'static str],
    /// Files with nothing but a version.
    files: &'static [&'static str],
    /// Below an installation: the program.
    program: &'static [&'static str],
}

/// Python, by pyenv, uv, asdf, mise and rye.
pub(super) const PYTHON: Tool = Tool {
    names: &["python"],
    files: &[".python-version"],
    program: if cfg!(windows) {
        &["python.exe"]
    } else {
        &["bin/python3", "bin/python"]
    },
};

/// Node, by nvm, fnm, volta, asdf, mise, nodenv and n.
pub(super) const NODE: Tool = Tool {
    names: &["nodejs", "node"],
    files: &[".nvmrc", ".node-version"],
    program: if cfg!(windows) {
        &["node.exe", "installation/node.exe"]
    } else {
        &["bin/node", "installation/bin/node"]
    },
};

impl Tool {
    /// What the nearest file asks for.
    pub(super) fn wish(&self, code: &Path) -> Option<Wish> {
        let folders = upwards(code);
        let mut fit = None;
        for folder in &folders {
            if let Some(wish) = self.wish_in(folder) {
                return Some(wish);
            }
            if self.names.contains(&"node") {
                match package(&folder.join("package.json")) {
                    Some(wish) if wish.binding => return Some(wish),
                    Some(wish) => fit = fit.or(Some(wish)),
                    None => {}
                }
            }
        }
        fit
    }

    fn wish_in(&self, folder: &Path) -> Option<Wish> {
        let plain = self.files.iter().find_map(|name| {
            let file = folder.join(name);
            let text = std::fs::read_to_string(&file).ok()?;
            let lines = text.lines().map(|it| it.split('#').next().unwrap_or(it));
            let version = lines.map(str::trim).find(|it| !it.is_empty())?.to_owned();
            Some((version, file))
        });
        let found = plain.or_else(|| self.in_tool_files(folder));
        found.map(|(version, file)| Wish {
            version,
            file,
            binding: true,
        })
    }

    /// `.tool-versions` of asdf and mise, and mise's own file.
    fn in_tool_files(&self, folder: &Path) -> Option<(String, PathBuf)> {
        [".tool-versions", "mise.toml", ".mise.toml"]
            .iter()
            .find_map(|name| {
                let file = folder.join(name);
                let text = std::fs::read_to_string(&file).ok()?;
                let version = text.lines().find_map(|line| self.in_tool_line(line))?;
                Some((version, file))
            })
    }

    /// `nodejs 22.1.0`, `node = "22"`, `python = ["3.13", "3.12"]`
    fn in_tool_line(&self, line: &str) -> Option<String> {
        let line = line.split('#').next()?;
        let (name, rest) = line.trim().split_once([' ', '='])?;
        if !self.names.contains(&name.trim().trim_matches('"')) {
            return None;
        }
        let words = rest.split(|c: char| c.is_whitespace() || "=\"'[],".contains(c));
        words
            .map(str::trim)
            .find(|it| !it.is_empty())
            .map(str::to_owned)
    }

    /// The newest installed version that is as it is wished.
    pub(super) fn installed(&self, wish: &Wish, machine: &Machine) -> Option<PathBuf> {
        let version = alias(&wish.version, machine);
        let homes = self.homes(machine);
        let Some(range) = Range::parse(&version) else {
            // pyenv's virtualenvs have names.
            let is_name = !version.contains(['/', '\\', '.']);
            let mut named = homes.iter().filter(|_| is_name);
            return named.find_map(|home| self.program_in(&home.join(&version)));
        };
        let installed = homes.into_iter().flat_map(|home| {
            let entries = std::fs::read_dir(home).ok();
            entries.into_iter().flatten().flatten()
        });
        let mut fit: Vec<_> = installed
            .filter_map(|entry| {
                let name = entry.file_name();
                let version = range::version_in(name.to_str()?)?;
                let program = self.program_in(&entry.path())?;
                range.contains(version).then_some((version, program))
            })
            .collect();
        fit.sort();
        fit.pop().map(|(_, program)| program)
    }

    fn program_in(&self, installation: &Path) -> Option<PathBuf> {
        let mut programs = self.program.iter().map(|it| installation.join(it));
        programs.find(|it| is_program(it))
    }

    /// Folders with one folder for each installed version.
    fn homes(&self, machine: &Machine) -> Vec<PathBuf> {
        let below = |folder: Option<PathBuf>, rest: &str| folder.map(|it| it.join(rest));
        let data = |name: &str| machine.data().map(|it| it.join(name));
        let asdf = machine.folder("ASDF_DATA_DIR", ".asdf");
        let mise = machine.path("MISE_DATA_DIR").or_else(|| data("mise"));
        let mut homes: Vec<Option<PathBuf>> = Vec::new();
        for name in self.names {
            homes.push(below(asdf.clone(), &format!("installs/{name}")));
            homes.push(below(mise.clone(), &format!("installs/{name}")));
        }
        if self.names.contains(&"node") {
            homes.extend(node_homes(machine));
        } else {
            homes.extend(python_homes(machine));
        }
        homes.into_iter().flatten().collect()
    }
}

/// <https://github.com/pyenv/pyenv#environment-variables>,
/// <https://docs.astral.sh/uv/reference/storage/#python-versions>
fn python_homes(machine: &Machine) -> Vec<Option<PathBuf>> {
    let pyenv = machine.folder("PYENV_ROOT", ".pyenv");
    let uv = if cfg!(windows) {
        machine.path("APPDATA").map(|it| it.join("uv/data/python"))
    } else {
        machine.data().map(|it| it.join("uv/python"))
    };
    vec![
        pyenv.map(|it| it.join("versions")),
        machine.path("UV_PYTHON_INSTALL_DIR").or(uv),
    ]
}

/// <https://github.com/nvm-sh/nvm>, <https://github.com/Schniz/fnm>,
/// <https://docs.volta.sh/advanced/installers>, <https://github.com/nodenv/nodenv>,
/// <https://github.com/tj/n>
fn node_homes(machine: &Machine) -> Vec<Option<PathBuf>> {
    let home = machine.home();
    let below_home = |rest: &str| home.as_ref().map(|it| it.join(rest));
    let fnm = machine.path("FNM_DIR").map(|it| it.join("node-versions"));
    let volta = machine
        .path("VOLTA_HOME")
        .or_else(|| below_home(".volta"))
        .or_else(|| machine.path("LOCALAPPDATA").map(|it| it.join("Volta")));
    let data = machine.data();
    vec![
        machine
            .folder("NVM_DIR", ".nvm")
            .map(|it| it.join("versions/node")),
        // nvm for Windows.
        machine.path("NVM_HOME"),
        fnm,
        data.map(|it| it.join("fnm/node-versions")),
        below_home("Library/Application Support/fnm/node-versions"),
        machine
            .path("APPDATA")
            .map(|it| it.join("fnm/node-versions")),
        below_home(".fnm/node-versions"),
        volta.map(|it| it.join("tools/image/node")),
        machine
            .folder("NODENV_ROOT", ".nodenv")
            .map(|it| it.join("versions")),
        machine
            .path("N_PREFIX")
            .or_else(|| Some(PathBuf::from("/usr/local")))
            .map(|it| it.join("n/versions/node")),
    ]
}

/// What volta switches to, and what the package says that it is fit for.
fn package(file: &Path) -> Option<Wish> {
    let text = std::fs::read_to_string(file).ok()?;
    let package: Value = serde_json::from_str(&text).ok()?;
    let version = |pointer: &str| package.pointer(pointer)?.as_str().map(str::to_owned);
    let volta = version("/volta/node");
    Some(Wish {
        binding: volta.is_some(),
        version: volta.or_else(|| version("/engines/node"))?,
        file: file.to_path_buf(),
    })
}

/// nvm's names stand in files, which may name another one:
/// `lts/*` → `lts/krypton` → `v24.11.0`.
fn alias(version: &str, machine: &Machine) -> String {
    let mut version = version.to_owned();
    let aliases = machine.folder("NVM_DIR", ".nvm").map(|it| it.join("alias"));
    for _ in 0..4 {
        // Not a path out of there.
        let is_name = !version.contains("..") && !version.starts_with('/');
        let text = aliases
            .as_ref()
            .filter(|_| is_name)
            .and_then(|it| std::fs::read_to_string(it.join(&version)).ok());
        match text {
            Some(text) => text.trim().clone_into(&mut version),
            None => break,
        }
    }
    version
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests;
