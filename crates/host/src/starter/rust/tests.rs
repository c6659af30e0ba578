#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;
use serde_json::{Value, json};

fn workspace(packages: Value) -> Workspace {
    serde_json::from_value(
        json!({ "packages": packages, "workspace_root": "/w", "target_directory": "/t" }),
    )
    .unwrap()
}

fn package(name: &str, binaries: &[&str], dependencies: &[&str]) -> Value {
    let targets = binaries
        .iter()
        .map(|it| json!({ "name": it, "kind": ["bin"] }));
    let library = json!({ "name": "own", "kind": ["lib"] });
    json!({
        "manifest_path": format!("/w/{name}/Cargo.toml"),
        "targets": targets.chain([library]).collect::<Vec<_>>(),
        "dependencies": dependencies.iter().map(|it| json!({ "path": it })).collect::<Vec<_>>(),
        "default_run": null,
    })
}

fn chosen(workspace: &Workspace, project: &str, handler: &str, wanted: Option<&str>) -> String {
    let source = Source {
        name: "Hello".to_owned(),
        code: PathBuf::from(project),
        handler: handler.to_owned(),
        ..Source::default()
    };
    match workspace.binary(Path::new(project), &source, wanted) {
        Ok(binary) => binary.name,
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_only_binary_is_the_functions() {
    let one = workspace(json!([
        package("a", &["a"], &[]),
        package("b", &["b"], &[])
    ]));
    assert_eq!(chosen(&one, "/w/a", "bootstrap", None), "a");
}

#[test]
fn of_several_the_template_or_the_handler_names_one() {
    let many = workspace(json!([
        package("a", &["get", "put"], &[]),
        package("b", &["b"], &[])
    ]));
    assert_eq!(chosen(&many, "/w/a", "put", None), "put");
    assert_eq!(chosen(&many, "/w/a", "put", Some("get")), "get");
    // A workspace without a package of its own.
    assert_eq!(chosen(&many, "/w", "b", None), "b");
    let said = chosen(&many, "/w/a", "bootstrap", None);
    assert!(said.contains("several binaries: get, put"), "{said}");
    let said = chosen(&many, "/w/a", "put", Some("gte"));
    assert!(said.contains("no binary gte, but get, put, b"), "{said}");
    let none = workspace(json!([package("a", &[], &[])]));
    let said = chosen(&none, "/w/a", "bootstrap", None);
    assert!(said.contains("it has no binary (src/main.rs"), "{said}");
}

#[test]
fn its_sources_are_its_package_and_what_that_is_made_of_here() {
    let both = workspace(json!([
        package("a", &["a"], &["/w/b", "/elsewhere/c"]),
        package("b", &[], &["/w/a"]),
    ]));
    let manifest = PathBuf::from("/w/a/Cargo.toml");
    let name = "a".to_owned();
    let sources = both.sources(&Binary { name, manifest });
    let expected = [
        "/w/a",
        "/elsewhere/c",
        "/w/b",
        "/w/Cargo.toml",
        "/w/Cargo.lock",
    ];
    assert_eq!(sources, expected.map(PathBuf::from));
}

#[test]
fn what_cargo_lambda_built_is_its_projects() {
    let root = tempfile::tempdir().unwrap();
    let built = root.path().join("target/lambda/hello");
    std::fs::create_dir_all(&built).unwrap();
    assert_eq!(Rust::project(&built), None);
    std::fs::write(root.path().join("Cargo.toml"), "").unwrap();
    assert_eq!(Rust::project(&built).as_deref(), Some(root.path()));
    assert_eq!(Rust::project(root.path()).as_deref(), Some(root.path()));
    assert_eq!(Rust::project(&root.path().join("target")), None);
}

/// As cargo 1.95 prints them, without what is not read.
#[test]
fn cargo_is_heard() {
    let binary = Binary {
        name: "hello".to_owned(),
        manifest: PathBuf::from("/w/Cargo.toml"),
    };
    let mut heard = Heard::of(&binary);
    let mut out = |line: &str| heard.line(Stream::Out, line);
    let warning = r#"{"reason":"compiler-message","message":{"rendered":"warning: unused\n","level":"warning","message":"unused","spans":[]}}"#;
    assert_eq!(out(warning).as_deref(), Some("warning: unused\n"));
    let error = r#"{"reason":"compiler-message","message":{"rendered":"error[E0425]: …","level":"error","message":"cannot find value `x`\nin this scope","spans":[{"file_name":"src/lib.rs","line_start":1,"column_start":1,"is_primary":false},{"file_name":"src/main.rs","line_start":3,"column_start":5,"is_primary":true}]}}"#;
    assert_eq!(out(error).as_deref(), Some("error[E0425]: …"));
    let other = r#"{"reason":"compiler-artifact","target":{"name":"serde","kind":["lib"]},"executable":null}"#;
    assert_eq!(out(other), None);
    let test = r#"{"reason":"compiler-artifact","target":{"name":"hello","kind":["test"]},"executable":"/t/deps/hello-1"}"#;
    assert_eq!(out(test), None);
    let made = r#"{"reason":"compiler-artifact","target":{"name":"hello","kind":["bin"]},"executable":"/t/hello"}"#;
    assert_eq!(out(made), None);
    assert_eq!(out(r#"{"reason":"build-finished","success":true}"#), None);
    assert_eq!(
        heard.line(Stream::Err, "   Compiling hello").as_deref(),
        Some("   Compiling hello")
    );
    assert_eq!(heard.executable.as_deref(), Some(Path::new("/t/hello")));
    let message = "src/main.rs:3:5: cannot find value `x`";
    assert_eq!(heard.error.as_deref(), Some(message));
}
