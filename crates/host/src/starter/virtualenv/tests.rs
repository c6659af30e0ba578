use super::*;
use std::fs;

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let desk = Self { folder };
        fs::create_dir_all(desk.code()).unwrap();
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn code(&self) -> PathBuf {
        self.at("shop/src/hello")
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.at(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        file
    }

    fn virtualenv(&self, name: &str) -> PathBuf {
        self.write(&format!("{name}/pyvenv.cfg"), "home = /\n");
        self.write(&format!("{name}/bin/python"), "")
    }

    fn machine(&self) -> Machine {
        Machine::of([("HOME", self.folder.path())])
    }

    fn finds(&self) -> Option<PathBuf> {
        find(&self.code(), &self.machine()).unwrap()
    }

    fn complains(&self) -> String {
        find(&self.code(), &self.machine()).unwrap_err().to_string()
    }
}

#[test]
fn the_nearest_virtualenv_is_the_projects_own() {
    let desk = Desk::new();
    let far = desk.virtualenv("shop/.venv");
    assert_eq!(desk.finds(), Some(far));
    let near = desk.virtualenv("shop/src/hello/venv");
    assert_eq!(desk.finds(), Some(near));
}

#[test]
fn a_folder_of_that_name_need_not_be_one() {
    let desk = Desk::new();
    desk.write("shop/src/venv/readme.txt", "");
    assert_eq!(desk.finds(), None);
}

#[test]
fn a_virtualenv_whose_python_is_gone_is_named() {
    let desk = Desk::new();
    let python = desk.virtualenv("shop/.venv");
    desk.write(
        "shop/.venv/pyvenv.cfg",
        "home = /opt/python3.9/bin\nversion = 3.9.1\n",
    );
    let said = desk.complains();
    assert!(
        said.contains("its Python in /opt/python3.9/bin is gone"),
        "{said}"
    );

    fs::remove_file(&python).unwrap();
    let said = desk.complains();
    assert!(said.contains("it has no "), "{said}");

    std::os::unix::fs::symlink("/opt/python3.9/bin/python3.9", &python).unwrap();
    let said = desk.complains();
    assert!(
        said.contains("/opt/python3.9/bin/python3.9 leads nowhere"),
        "{said}"
    );
    assert!(said.contains("-m venv --clear"), "{said}");
    assert!(!said.contains('\n'), "{said}");
}

#[test]
fn a_file_may_say_where_it_is() {
    let desk = Desk::new();
    let python = desk.virtualenv(".local/share/virtualenvs/shop");
    desk.write("shop/.venv", "shop\n");
    assert_eq!(desk.finds(), Some(python));
    let python = desk.virtualenv("elsewhere");
    desk.write(
        "shop/.venv",
        &format!("{}\n", desk.at("elsewhere").display()),
    );
    assert_eq!(desk.finds(), Some(python));
}

#[test]
fn pipenvs_is_known_by_its_project() {
    let desk = Desk::new();
    desk.write("shop/Pipfile", "");
    desk.virtualenv(".local/share/virtualenvs/other-12345678");
    desk.write(".local/share/virtualenvs/other-12345678/.project", "/other");
    let python = desk.virtualenv(".local/share/virtualenvs/shop-87654321");
    let project = desk.at("shop").display().to_string();
    desk.write(".local/share/virtualenvs/shop-87654321/.project", &project);
    assert_eq!(desk.finds(), Some(python));
}

#[test]
fn poetrys_is_known_by_name_and_folder() {
    let desk = Desk::new();
    desk.write("shop/pyproject.toml", "[tool.poetry]\nname = \"My Shop\"\n");
    let name = poetrys_name("My Shop", &desk.at("shop"));
    assert!(name.starts_with("my_shop-"), "{name}");
    let kept = if cfg!(target_os = "macos") {
        "Library/Caches/pypoetry/virtualenvs"
    } else {
        ".cache/pypoetry/virtualenvs"
    };
    let old = desk.virtualenv(&format!("{kept}/{name}-py3.9"));
    let new = desk.virtualenv(&format!("{kept}/{name}-py3.12"));
    assert_eq!(desk.finds(), Some(new));
    desk.write(
        &format!("{kept}/envs.toml"),
        &format!("[other]\nminor = \"3.12\"\n[\"{name}\"]\nminor = \"3.9\"\n"),
    );
    assert_eq!(desk.finds(), Some(old));
}

#[test]
fn poetrys_hash_is_poetrys_own() {
    // generate_env_name("demo", "/home/ada/demo") of Poetry 2.
    assert_eq!(
        poetrys_name("demo", Path::new("/home/ada/demo")),
        "demo-MFN0qiRM"
    );
}

#[test]
fn pdms_file_names_the_interpreter() {
    let desk = Desk::new();
    let python = desk.virtualenv("kept/pdm");
    desk.write("shop/.pdm-python", &python.display().to_string());
    assert_eq!(desk.finds(), Some(python));
}

#[test]
fn the_activated_one_comes_last() {
    let desk = Desk::new();
    let python = desk.virtualenv("activated");
    let folder = desk.at("activated");
    let machine = Machine::of([("VIRTUAL_ENV", folder.as_path())]);
    assert_eq!(find(&desk.code(), &machine).unwrap(), Some(python));
    let own = desk.virtualenv("shop/.venv");
    assert_eq!(find(&desk.code(), &machine).unwrap(), Some(own));
}
