use super::*;
use std::fs;

fn program(at: &Path) -> PathBuf {
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    fs::write(at, "").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(at, fs::Permissions::from_mode(0o755)).unwrap();
    }
    at.to_path_buf()
}

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("project/src")).unwrap();
        Self { folder }
    }

    fn code(&self) -> PathBuf {
        self.folder.path().join("project/src")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("project").join(name), text).unwrap();
    }

    fn installed(&self, below_home: &str) -> PathBuf {
        program(&self.folder.path().join(below_home))
    }

    fn machine(&self) -> Machine {
        Machine::of([("HOME", self.folder.path())])
    }

    fn finds(&self, tool: &Tool) -> Option<PathBuf> {
        tool.installed(&tool.wish(&self.code())?, &self.machine())
    }
}

#[test]
#[cfg(unix)]
fn the_newest_fit_version_of_any_manager_is_found() {
    let desk = Desk::new();
    desk.installed(".nvm/versions/node/v20.9.0/bin/node");
    let newest = desk.installed(".local/share/fnm/node-versions/v20.11.1/installation/bin/node");
    desk.installed(".volta/tools/image/node/22.1.0/bin/node");
    desk.write(".nvmrc", "v20 # as on Lambda\n");
    assert_eq!(desk.finds(&NODE), Some(newest));
}

#[test]
#[cfg(unix)]
fn a_name_of_nvms_is_followed() {
    let desk = Desk::new();
    let node = desk.installed(".nvm/versions/node/v22.11.0/bin/node");
    fs::create_dir_all(desk.folder.path().join(".nvm/alias/lts")).unwrap();
    let alias = |name: &str, text: &str| {
        fs::write(desk.folder.path().join(".nvm/alias").join(name), text).unwrap();
    };
    alias("lts/*", "lts/jod\n");
    alias("lts/jod", "v22.11.0\n");
    desk.write(".nvmrc", "lts/*\n");
    assert_eq!(desk.finds(&NODE), Some(node));
}

#[test]
#[cfg(unix)]
fn volta_binds_and_engines_say_what_is_fit() {
    let desk = Desk::new();
    let old = desk.installed(".volta/tools/image/node/20.11.0/bin/node");
    let new = desk.installed(".volta/tools/image/node/22.1.0/bin/node");
    desk.write("package.json", r#"{"engines": {"node": ">=18"}}"#);
    let wish = NODE.wish(&desk.code()).unwrap();
    assert!(!wish.binding);
    assert_eq!(NODE.installed(&wish, &desk.machine()), Some(new));
    desk.write(
        "package.json",
        r#"{"engines": {"node": ">=18"}, "volta": {"node": "20.11.0"}}"#,
    );
    assert!(NODE.wish(&desk.code()).unwrap().binding);
    assert_eq!(desk.finds(&NODE), Some(old));
}

#[test]
#[cfg(unix)]
fn files_of_asdf_and_mise_are_read() {
    for (file, text) in [
        (
            ".tool-versions",
            "ruby 3.3.0\nnodejs 20.1.0\npython 3.12.1\n",
        ),
        (
            "mise.toml",
            "[tools]\nnode = \"20\"\npython = [\"3.12\", \"3.11\"]\n",
        ),
    ] {
        let desk = Desk::new();
        let node = desk.installed(".asdf/installs/nodejs/20.1.0/bin/node");
        let python = desk.installed(".local/share/mise/installs/python/3.12.1/bin/python3");
        desk.write(file, text);
        assert_eq!(desk.finds(&NODE), Some(node), "{file}");
        assert_eq!(desk.finds(&PYTHON), Some(python), "{file}");
    }
}

#[test]
#[cfg(unix)]
fn pythons_of_pyenv_and_uv_are_found() {
    let desk = Desk::new();
    desk.installed(".pyenv/versions/3.13.1/bin/python3");
    let newest =
        desk.installed(".local/share/uv/python/cpython-3.13.2-linux-x86_64-gnu/bin/python3");
    desk.write(".python-version", "3.13\n");
    assert_eq!(desk.finds(&PYTHON), Some(newest));
    desk.write(".python-version", "3.14\n");
    assert_eq!(desk.finds(&PYTHON), None);
}
