//! Finds the programs that a language needs, where developers have them.

use std::path::{Path, PathBuf};

/// A program of the `PATH`, else of the folders where its installers put it: an
/// editor that was started from a menu has no shell's `PATH`.
pub(super) fn find(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).filter(|it| !it.as_os_str().is_empty());
    on_path
        .chain(folders.iter().cloned())
        .find_map(|folder| in_folder(&folder, name))
}

/// A program in a folder.
pub(super) fn in_folder(folder: &Path, name: &str) -> Option<PathBuf> {
    let endings: &[&str] = match cfg!(windows) {
        true => &["", ".exe", ".cmd", ".bat"],
        false => &[""],
    };
    let candidates = endings
        .iter()
        .map(|end| folder.join(format!("{name}{end}")));
    let found = candidates.into_iter().find(|it| is_program(it))?;
    Some(std::path::absolute(&found).unwrap_or(found))
}

/// Whether it can be started.
#[cfg(unix)]
pub(super) fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let about = path.metadata();
    about.is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// Whether it can be started: its ending says so.
#[cfg(not(unix))]
pub(super) fn is_program(path: &Path) -> bool {
    let ending = path.extension().and_then(|it| it.to_str());
    ending.is_some_and(|it| ["exe", "cmd", "bat"].contains(&it)) && path.is_file()
}

/// A folder below the developer's own.
pub(super) fn at_home(folder: &str) -> Option<PathBuf> {
    let home = std::env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" })?;
    Some(Path::new(&home).join(folder))
}

/// The nearest folder, from here upwards, that has one of these files.
pub(super) fn nearest(from: &Path, files: &[&str]) -> Option<PathBuf> {
    let has = |folder: &&Path| files.iter().any(|file| folder.join(file).is_file());
    from.ancestors().find(has).map(Path::to_path_buf)
}

/// What a program says first when it is asked, or why it does not.
pub(super) async fn first_line(program: &Path, words: &[&str]) -> Result<String, String> {
    let mut command = tokio::process::Command::new(program);
    let asked = command.args(words).kill_on_drop(true).output().await;
    let output = asked.map_err(|error| error.to_string())?;
    let stream = match output.status.success() {
        true => &output.stdout,
        false => &output.stderr,
    };
    let words = String::from_utf8_lossy(stream);
    let mut lines = words.lines().map(str::trim).filter(|it| !it.is_empty());
    let line = match output.status.success() {
        true => lines.next(),
        false => lines.next_back(),
    };
    match (line, output.status.success()) {
        (Some(line), true) => Ok(line.to_owned()),
        (line, _) => Err(line.unwrap_or("no message").to_owned()),
    }
}
