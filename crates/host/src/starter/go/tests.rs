#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::module::{outermost, replaced, used};
use super::*;

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

fn package(root: &tempfile::TempDir, handler: &str) -> String {
    let source = Source {
        name: "Hello".to_owned(),
        code: root.path().to_path_buf(),
        handler: handler.to_owned(),
        ..Source::default()
    };
    match Module::find(&source) {
        Ok(module) => module.package.into_string().unwrap(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_package_is_the_folders_own_or_the_handlers() {
    let own = project(&[
        ("go.mod", ""),
        ("hello.go", "// Hello\npackage main // x\n"),
    ]);
    assert!(Go::is_in(own.path()));
    assert_eq!(package(&own, "bootstrap"), ".");

    let main = "package main\n";
    let several = [
        ("go.mod", ""),
        ("lib.go", "package mainly\n"),
        ("cmd/get/a.go", main),
        ("cmd/put/a.go", main),
    ];
    let several = project(&several);
    assert_eq!(package(&several, "put"), "./cmd/put");
    assert_eq!(package(&several, "cmd/get"), "./cmd/get");
    let said = package(&several, "bootstrap");
    assert!(
        said.contains("several commands: cmd/get, cmd/put"),
        "{said}"
    );

    let only = project(&[
        ("go.mod", ""),
        ("cmd/get/a.go", main),
        ("cmd/lib/a.go", "package lib"),
    ]);
    assert_eq!(package(&only, "bootstrap"), "./cmd/get");
    let none = project(&[("go.mod", ""), ("a_test.go", main)]);
    let said = package(&none, "bootstrap");
    assert!(said.contains("it has no `package main`"), "{said}");
    assert!(!Go::is_in(project(&[("a.py", "")]).path()));
}

/// As go 1.19 prints them.
#[test]
fn what_go_says_of_its_modules_is_read() {
    let json = r#"{"Module":{"Path":"a"},"Go":"1.19","Require":null,"Exclude":null,"Replace":[{"Old":{"Path":"b"},"New":{"Path":"../b"}},{"Old":{"Path":"c"},"New":{"Path":"d.org/c","Version":"v1.0.0"}}],"Retract":null}"#;
    assert_eq!(
        replaced(json, Path::new("/w/a")),
        [PathBuf::from("/w/a/../b")]
    );
    let json = r#"{"Go":"1.19","Use":[{"DiskPath":"."},{"DiskPath":"./b"}],"Replace":null}"#;
    let expected = ["/w/.", "/w/./b"].map(PathBuf::from);
    assert_eq!(used(json, Path::new("/w")), expected);
    assert!(replaced(r#"{"Replace":null}"#, Path::new("/w")).is_empty());
    assert!(used("no json", Path::new("/w")).is_empty());
}

#[test]
fn a_folder_inside_another_one_is_watched_with_it() {
    let root = project(&[("a/b/go.mod", ""), ("c/go.mod", "")]);
    let at = |name: &str| root.path().join(name).canonicalize().unwrap();
    let folders = ["a/b", "c", "a", "c", "missing"].map(|it| root.path().join(it));
    assert_eq!(outermost(folders.to_vec()), [at("c"), at("a")]);
}

#[test]
fn its_first_complaint_is_the_error() {
    assert!(is_error("./main.go:7:2: undefined: foo"));
    assert!(is_error("go: go.mod file not found in current directory"));
    for other in [
        "# example.com/hello",
        "go: downloading example.com/b v1.0.0",
        " ",
    ] {
        assert!(!is_error(other), "{other}");
    }
}
