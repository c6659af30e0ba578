//! What a function's code is at one moment, as files tell it.

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{DirEntry, WalkBuilder};
use std::fs::Metadata;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

/// A look at more files than this would cost more than it is worth.
pub(crate) const MOST_FILES: usize = 100_000;

/// Endings of files that editors and processes leave beside code.
const NOT_SAVED: [&str; 5] = ["~", ".swp", ".pyc", ".log", ".tmp"];

/// Folders that are made, and the files beside them that say by what. What is
/// called so without them is code.
const MADE: [(&str, &[&str]); 5] = [
    ("target", &["Cargo.toml", "pom.xml"]),
    ("build", &["build.gradle", "build.gradle.kts"]),
    ("bin", &["*.csproj", "*.fsproj"]),
    ("obj", &["*.csproj", "*.fsproj"]),
    ("node_modules", &[]),
];

/// Files in folders that are made: of caches (<https://bford.info/cachedir/>),
/// `target` among them, and of virtualenvs.
const MARKS: [&str; 2] = ["CACHEDIR.TAG", "pyvenv.cfg"];

/// The code at one moment: which files, when written, how long. An older file
/// that takes a newer one's place is a change as well, and so is a file that is
/// only touched, as it is for compilers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

/// Which file or folder a path is: what takes its place is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity(u64, u64);

/// What a look has found.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) code: Fingerprint,
    /// Folders whose files are code.
    pub(crate) folders: Vec<(PathBuf, Identity)>,
    /// What may change without a word in these folders: linked files, which
    /// stand in others as well, the folders that were asked for, because they
    /// may be moved with one above them, and those that are linked.
    pub(crate) elsewhere: Vec<PathBuf>,
    /// What those were; see [`glance`].
    pub(crate) glance: Fingerprint,
    /// There are more than [`MOST_FILES`].
    pub(crate) is_cut: bool,
}

/// Looks at everything that is code in and below these folders: neither what
/// git ignores, nor build output, nor what editors leave, nor what is `ignored`,
/// in `.gitignore`'s words.
pub(crate) fn look(roots: &[PathBuf], ignored: &[String]) -> Seen {
    let mut seen = Seen::default();
    let Some((first, others)) = roots.split_first() else {
        return seen;
    };
    let mut walk = WalkBuilder::new(first);
    for root in others {
        walk.add(root);
    }
    // The rules are git's, and nobody's else. What is hidden is not code,
    // see `is_nobodys`.
    walk.hidden(false).ignore(false).follow_links(true);
    let rules = rules(roots, ignored);
    walk.filter_entry(move |entry| {
        entry.depth() == 0 || (is_code(entry) && !is_ignored(entry, &rules))
    });
    let mut left = MOST_FILES;
    for entry in walk.build().flatten() {
        let Ok(about) = entry.metadata() else {
            continue;
        };
        if left == 0 {
            seen.is_cut = true;
            break;
        }
        left -= 1;
        seen.add(&entry, &about);
    }
    for missing in roots {
        if !seen.elsewhere.contains(missing) {
            seen.is_elsewhere(missing, None);
        }
    }
    seen
}

fn rules(roots: &[PathBuf], ignored: &[String]) -> Vec<Gitignore> {
    if ignored.is_empty() {
        return Vec::new();
    }
    let of = |root: &PathBuf| {
        let mut rules = GitignoreBuilder::new(root);
        for pattern in ignored {
            // One that is none ignores nothing.
            let _ = rules.add_line(None, pattern);
        }
        rules.build().ok()
    };
    roots.iter().filter_map(of).collect()
}

fn is_ignored(entry: &DirEntry, rules: &[Gitignore]) -> bool {
    let is_folder = entry.file_type().is_some_and(|it| it.is_dir());
    let mut rules = rules
        .iter()
        .filter(|it| entry.path().starts_with(it.path()));
    rules.any(|it| it.matched(entry.path(), is_folder).is_ignore())
}

/// What these are now: see [`Seen::elsewhere`].
pub(crate) fn glance(paths: &[PathBuf]) -> Fingerprint {
    let mut sum = Fingerprint::default();
    for path in paths {
        sum.add(at_a_glance(path, std::fs::metadata(path).ok().as_ref()));
    }
    sum
}

fn at_a_glance(path: &Path, about: Option<&Metadata>) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    if let Some(about) = about {
        identity(path, about).hash(&mut hasher);
        if about.is_file() {
            version(about).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Whether nobody's work is lost if a file of this name, or a folder, is
/// overlooked.
pub(crate) fn is_nobodys(name: &str) -> bool {
    name.starts_with(['.', '#'])
        || name.starts_with("__pycache__")
        || NOT_SAVED.iter().any(|end| name.ends_with(end))
}

impl Seen {
    fn add(&mut self, entry: &DirEntry, about: &Metadata) {
        let path = entry.path();
        let is_root = entry.depth() == 0 && !self.elsewhere.iter().any(|it| it == path);
        if is_root || entry.path_is_symlink() || (about.is_file() && has_other_names(about)) {
            self.is_elsewhere(path, Some(about));
        }
        if about.is_dir() {
            let folder = (path.to_path_buf(), identity(path, about));
            self.folders.push(folder);
            return;
        }
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        version(about).hash(&mut hasher);
        self.code.add(hasher.finish());
    }

    fn is_elsewhere(&mut self, path: &Path, about: Option<&Metadata>) {
        self.glance.add(at_a_glance(path, about));
        self.elsewhere.push(path.to_path_buf());
    }
}

impl Fingerprint {
    /// Whatever the order.
    fn add(&mut self, part: u64) {
        self.0 = self.0.wrapping_add(part);
    }
}

fn is_code(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    if is_nobodys(&name) {
        return false;
    }
    // A link to a folder is followed, and may lead to one of them.
    let may_be_folder = entry.file_type().is_some_and(|it| !it.is_file());
    !(may_be_folder && is_made(entry.path(), &name))
}

fn is_made(folder: &Path, name: &str) -> bool {
    let known = MADE.iter().find(|(made, _)| *made == name);
    let by_name = known.is_some_and(|(_, by)| {
        by.is_empty()
            || folder
                .parent()
                .is_some_and(|it| by.iter().any(|by| has(it, by)))
    });
    by_name || MARKS.iter().any(|mark| folder.join(mark).is_file())
}

/// Whether a folder has such a file: a name, or `*.ending`.
fn has(folder: &Path, pattern: &str) -> bool {
    let Some(ending) = pattern.strip_prefix('*') else {
        return folder.join(pattern).is_file();
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .into_iter()
        .any(|it| it.file_name().to_string_lossy().ends_with(ending))
}

/// Its length and its times. The second one cannot be set: it tells a file
/// whose content was replaced by another one of the same age and length.
fn version(about: &Metadata) -> impl std::hash::Hash + use<> {
    #[cfg(unix)]
    let changed = {
        use std::os::unix::fs::MetadataExt as _;
        (about.ctime(), about.ctime_nsec())
    };
    #[cfg(not(unix))]
    let changed = ();
    (about.len(), about.modified().ok(), changed)
}

#[cfg(unix)]
pub(crate) fn identity(_: &Path, about: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    Identity(about.dev(), about.ino())
}

#[cfg(not(unix))]
pub(crate) fn identity(path: &Path, _: &Metadata) -> Identity {
    let mut hasher = DefaultHasher::new();
    path.canonicalize().ok().hash(&mut hasher);
    Identity(0, hasher.finish())
}

#[cfg(unix)]
fn has_other_names(file: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    file.nlink() > 1
}

#[cfg(not(unix))]
fn has_other_names(_: &Metadata) -> bool {
    false
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use std::fs;

    struct Code(tempfile::TempDir);

    impl Code {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            fs::create_dir_all(self.at(name).parent().unwrap()).unwrap();
            fs::write(self.at(name), text).unwrap();
        }

        fn now(&self) -> Fingerprint {
            look(&[self.0.path().to_path_buf()], &[]).code
        }

        /// Whether a file of this name counts.
        fn counts(&self, name: &str) -> bool {
            let before = self.now();
            self.write(name, "x");
            before != self.now()
        }
    }

    #[test]
    fn what_a_developer_does_is_noticed() {
        let code = Code::new();
        code.write("pkg/app.py", "one");
        let first = code.now();
        assert_eq!(first, code.now());

        // Of the same length, and older.
        let old = fs::metadata(code.at("pkg/app.py")).unwrap();
        let old = old.modified().unwrap();
        let file = fs::File::create(code.at("pkg/app.py")).unwrap();
        file.set_modified(old - std::time::Duration::from_secs(86_400))
            .unwrap();
        assert!(code.counts("pkg/new.py"));
        let second = code.now();
        assert_ne!(first, second);
        fs::remove_file(code.at("pkg/new.py")).unwrap();
        assert_ne!(second, code.now());
    }

    #[test]
    #[cfg(unix)]
    fn a_file_of_the_same_age_and_length_is_another_one() {
        let code = Code::new();
        code.write("app.py", "one");
        let first = code.now();
        let age = fs::metadata(code.at("app.py")).unwrap().modified().unwrap();
        code.write("beside", "two");
        let beside = fs::File::options().write(true).open(code.at("beside"));
        beside.unwrap().set_modified(age).unwrap();
        fs::rename(code.at("beside"), code.at("app.py")).unwrap();
        assert_ne!(first, code.now());
    }

    #[test]
    fn what_tools_leave_is_not_code() {
        let code = Code::new();
        code.write("pkg/app.py", "one");
        for left in [
            "pkg/__pycache__/app.pyc",
            ".app.py.swp",
            "app.py~",
            "run.log",
            "node_modules/x/index.js",
        ] {
            assert!(!code.counts(left), "{left}");
        }
        assert!(code.counts("target/code.py") && code.counts("build/code.py"));
    }

    #[test]
    fn what_the_developer_ignores_is_not_code() {
        let code = Code::new();
        let root = [code.0.path().to_path_buf()];
        let ignored = ["generated/".to_owned(), "*.data".to_owned()];
        code.write("app.py", "one");
        let first = look(&root, &ignored).code;
        code.write("generated/a.py", "x");
        code.write("pkg/a.data", "x");
        assert_eq!(first, look(&root, &ignored).code);
        code.write("pkg/a.py", "x");
        assert_ne!(first, look(&root, &ignored).code);
    }

    #[test]
    fn build_output_is_told_by_what_stands_beside_it_or_in_it() {
        let code = Code::new();
        for (by, made) in [
            ("rust/Cargo.toml", "rust/target/debug/bootstrap"),
            ("java/pom.xml", "java/target/app.jar"),
            ("gradle/build.gradle.kts", "gradle/build/libs/app.jar"),
            ("net/App.csproj", "net/obj/App.dll"),
            ("cache/CACHEDIR.TAG", "cache/anything"),
            ("env/pyvenv.cfg", "env/lib/python3.13/site-packages/x.py"),
        ] {
            assert!(code.counts(made), "{made}");
            code.write(by, "");
            code.write(made, "longer");
            assert!(!code.counts(made), "{made} beside {by}");
        }
    }

    #[test]
    fn what_git_ignores_is_not_code_but_in_a_folder_that_was_asked_for() {
        let code = Code::new();
        code.write("out/app.py", "");
        code.write(".gitignore", "out/\n*.gen.py\n!kept.gen.py\n");
        code.write("pkg/.gitignore", "/local.py\n");
        code.write(".git/info/exclude", "private.py\n");
        for ignored in ["a.gen.py", "pkg/local.py", "pkg/private.py", "out/app.py"] {
            assert!(!code.counts(ignored), "{ignored}");
        }
        assert!(code.counts("pkg/kept.gen.py") && code.counts("local.py"));

        let roots = [code.at("out")];
        let before = look(&roots, &[]).code;
        code.write("out/app.py", "y");
        assert_ne!(before, look(&roots, &[]).code);
    }

    #[test]
    #[cfg(unix)]
    fn linked_files_and_folders_are_followed_and_known_as_such() {
        use std::os::unix::fs::symlink;
        let (code, other) = (Code::new(), Code::new());
        code.write("app.py", "one");
        other.write("shared/a.py", "one");
        other.write("b.py", "one");
        other.write("c.py", "one");
        symlink(other.at("shared"), code.at("shared")).unwrap();
        symlink(other.at("b.py"), code.at("b.py")).unwrap();
        symlink(code.at("."), code.at("itself")).unwrap();
        fs::hard_link(other.at("c.py"), code.at("c.py")).unwrap();
        for linked in ["shared/a.py", "b.py", "c.py"] {
            let before = code.now();
            other.write(linked, "another");
            assert_ne!(before, code.now(), "{linked}");
        }
        let seen = look(&[code.0.path().to_path_buf()], &[]);
        let known = ["", "b.py", "c.py", "shared"].map(|it| code.at(it));
        let mut elsewhere = seen.elsewhere.clone();
        elsewhere.sort();
        assert_eq!(elsewhere, known);
        let before = glance(&seen.elsewhere);
        other.write("c.py", "yet another");
        assert_ne!(before, glance(&seen.elsewhere));
    }

    #[test]
    fn nothing_at_all_is_a_version_too() {
        let code = Code::new();
        let roots = [code.at("gone")];
        let gone = (look(&roots, &[]).code, glance(&roots));
        code.write("gone/app.py", "");
        assert_ne!(gone, (look(&roots, &[]).code, glance(&roots)));
    }
}
