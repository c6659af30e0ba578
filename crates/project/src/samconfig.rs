//! `samconfig.toml` beside a template: what SAM's users keep instead of typing it.
//!
//! [`load`] finds the file as `sam` does: the one that is named, seen from the template's folder or
//! else from here, or `samconfig.toml`, `.yaml` or `.yml` beside the template.

use crate::error::ProjectError;
use crate::overrides::parameter_overrides;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tether_sam::samconfig::{self, Override, SamConfig};
use tether_sam::{Position, Problems};

pub use tether_sam::samconfig::DEFAULT_ENVIRONMENT;

/// A file that names a file that names a file: more than anybody writes.
const DEPTH: usize = 16;

/// What the file says for one command. It does not print: its values may be secrets.
pub struct Settings {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// `parameter_overrides`, in whatever form they are written.
    pub parameter_overrides: BTreeMap<String, String>,
    parameters: samconfig::Settings,
}

/// Reads what holds for `command` (`local_start_api`, `local_start_lambda`, `local_invoke`) in an
/// environment. No file at all is as good as an empty one, unless one was named.
///
/// # Errors
/// When a file cannot be read or is wrong; when it lacks the environment.
pub fn load(
    named: Option<&Path>,
    template: &Path,
    environment: Option<&str>,
    command: &str,
) -> Result<Settings, ProjectError> {
    let file = match named {
        Some(named) => Some(seen(named, template)),
        None => beside(template),
    };
    let (name, text) = match &file {
        Some(file) => (file.display().to_string(), read(file)?),
        None => (samconfig::FILES[0].to_owned(), String::new()),
    };
    // Without a file there is nothing that an environment could be missing from.
    let environment = file.as_ref().and(environment);
    let config = SamConfig::parse(&name, &text)?;
    let environment = environment.unwrap_or(DEFAULT_ENVIRONMENT);
    let parameters = config.settings(environment, command).map_err(one)?;
    let mut overrides = BTreeMap::new();
    let folder = std::env::current_dir().unwrap_or_default();
    gather(
        parameters.parameter_overrides()?,
        &folder,
        0,
        &mut overrides,
    )?;
    Ok(Settings {
        file,
        parameter_overrides: overrides,
        parameters,
    })
}

impl Settings {
    /// The parameters' names: `parameter_overrides`, `warm_containers`.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.parameters.keys()
    }

    /// Where a parameter stands in the file.
    #[must_use]
    pub fn position(&self, key: &str) -> Option<Position> {
        self.parameters.position(key)
    }

    /// A text, or a number or truth value as one.
    ///
    /// # Errors
    /// When it is something else.
    pub fn text(&self, key: &str) -> Result<Option<String>, ProjectError> {
        self.parameters.text(key).map_err(one)
    }

    /// A whole number.
    ///
    /// # Errors
    /// When it is something else.
    pub fn number(&self, key: &str) -> Result<Option<u64>, ProjectError> {
        self.parameters.number(key).map_err(one)
    }

    /// `true` or `false`, also as texts.
    ///
    /// # Errors
    /// When it is something else.
    pub fn boolean(&self, key: &str) -> Result<Option<bool>, ProjectError> {
        self.parameters.boolean(key).map_err(one)
    }

    /// A list of texts; one text alone is a list of one.
    ///
    /// # Errors
    /// When it is something else.
    pub fn texts(&self, key: &str) -> Result<Vec<String>, ProjectError> {
        self.parameters.texts(key).map_err(one)
    }

    /// What is wrong with a parameter, with its place in the file.
    #[must_use]
    pub fn wrong(&self, key: &str, message: impl Into<String>) -> ProjectError {
        one(self.parameters.problem(key, message))
    }
}

fn one(problem: tether_sam::Problem) -> ProjectError {
    ProjectError::Template(Problems(vec![problem]))
}

/// As `sam`: from the template's folder. From here is what most people mean.
fn seen(named: &Path, template: &Path) -> PathBuf {
    let beside = template.with_file_name("").join(named);
    if beside.exists() {
        return beside;
    }
    named.to_path_buf()
}

fn beside(template: &Path) -> Option<PathBuf> {
    let files = samconfig::FILES.iter();
    let mut files = files.map(|it| template.with_file_name(it));
    files.find(|it| it.is_file())
}

fn read(file: &Path) -> Result<String, ProjectError> {
    std::fs::read_to_string(file).map_err(|error| ProjectError::SamConfig {
        path: file.to_path_buf(),
        reason: error.to_string(),
        what: "check the path given as --config-file",
    })
}

/// In order, so that later ones win. A path in `--parameter-overrides` is seen from here, one in a
/// file from that file's folder.
fn gather(
    pieces: Vec<Override>,
    folder: &Path,
    depth: usize,
    found: &mut BTreeMap<String, String>,
) -> Result<(), ProjectError> {
    for piece in pieces {
        match piece {
            Override::Words(words) => found.extend(parameter_overrides(&[words])?),
            Override::Pair(name, value) => {
                found.insert(name, value);
            }
            Override::File(path) => {
                let path = folder.join(path);
                let refuse = |reason: String| ProjectError::SamConfig {
                    path: path.clone(),
                    reason,
                    what: "check what names it in parameter overrides (file://…)",
                };
                if depth > DEPTH {
                    return Err(refuse("the files name each other".to_owned()));
                }
                let text = std::fs::read_to_string(&path);
                let text = text.map_err(|error| refuse(error.to_string()))?;
                let pieces = samconfig::overrides_of_file(&path.display().to_string(), &text)?;
                let folder = path.parent().unwrap_or(folder);
                gather(pieces, folder, depth + 1, found)?;
            }
        }
    }
    Ok(())
}

/// The file that `--parameter-overrides file://…` names.
pub(crate) fn overrides_of_file(path: &str) -> Result<BTreeMap<String, String>, ProjectError> {
    let mut found = BTreeMap::new();
    let folder = std::env::current_dir().unwrap_or_default();
    gather(
        vec![Override::File(path.to_owned())],
        &folder,
        0,
        &mut found,
    )?;
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let template = folder.path().join("template.yaml");
        (folder, template)
    }

    #[test]
    fn the_file_beside_the_template_is_found_toml_first() {
        let toml = "[default.local_invoke.parameters]\nregion = 'a'\n";
        let yaml = "default: {local_invoke: {parameters: {region: b}}}\n";
        let (all, template) = folder(&[("samconfig.toml", toml), ("samconfig.yaml", yaml)]);
        let read = |named: Option<&str>, command| {
            let settings = load(named.map(Path::new), &template, None, command).unwrap();
            settings.text("region").unwrap()
        };
        assert_eq!(read(None, "local_invoke").as_deref(), Some("a"));
        assert_eq!(read(None, "local_start_api"), None);
        let named = Some("samconfig.yaml");
        assert_eq!(read(named, "local_invoke").as_deref(), Some("b"));
        std::fs::remove_file(all.path().join("samconfig.toml")).unwrap();
        assert_eq!(read(None, "local_invoke").as_deref(), Some("b"));
    }

    #[test]
    fn no_file_is_as_good_as_an_empty_one_unless_it_was_named() {
        let (_all, template) = folder(&[]);
        let settings = load(None, &template, Some("prod"), "local_invoke").unwrap();
        assert_eq!((settings.file.clone(), settings.keys().count()), (None, 0));
        let named = load(Some(Path::new("my.toml")), &template, None, "local_invoke");
        let error = named.err().unwrap().to_string();
        assert!(error.contains("my.toml cannot be read"), "{error}");
        let (_all, template) = folder(&[("samconfig.toml", "[dev]\n")]);
        let missing = load(None, &template, Some("prod"), "local_invoke");
        let error = missing.err().unwrap().to_string();
        assert!(error.contains("no environment prod, but dev"), "{error}");
    }

    #[test]
    fn overrides_come_from_files_too_and_later_ones_win() {
        let config = "default:
  local_start_api:
    parameters:
      parameter_overrides:
        - A=1 B=1 C=1
        - B: 2
";
        let (all, template) = folder(&[
            ("samconfig.yaml", config),
            ("values/all.yaml", "- $include: file://more.json\n- C: 3\n"),
            ("values/more.json", "{\"B\": \"3\", \"C\": \"2\"}"),
            ("loop.yaml", "$include: file://loop.yaml\n"),
        ]);
        let settings = load(None, &template, None, "local_start_api").unwrap();
        let expected = [("A", "1"), ("B", "2"), ("C", "1")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(settings.parameter_overrides, BTreeMap::from(expected));
        let file = |name: &str| format!("file://{}", all.path().join(name).display());
        let typed = parameter_overrides(&["B=1 D=4".to_owned(), file("values/all.yaml")]);
        let expected = [("B", "3"), ("C", "3"), ("D", "4")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(typed.unwrap(), BTreeMap::from(expected));
        let endless = parameter_overrides(&[file("loop.yaml")]).unwrap_err();
        assert!(endless.to_string().contains("name each other"), "{endless}");
    }
}
