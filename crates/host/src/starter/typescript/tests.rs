use super::*;
use serde_json::json;
use std::fs;

fn desk(files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for name in files {
        let file = root.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "").unwrap();
        #[cfg(unix)]
        if name.contains("/.bin/") {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    root
}

fn source(root: &Path, handler: &str, metadata: Value) -> Source {
    Source {
        code: root.join("code"),
        handler: handler.to_owned(),
        runtime: "nodejs22.x".to_owned(),
        metadata,
        ..Source::default()
    }
}

fn found(root: &Path, handler: &str, metadata: Value) -> Written {
    find(&source(root, handler, metadata), &Machine::default()).unwrap()
}

fn typescript(written: Written) -> TypeScript {
    match written {
        Written::TypeScript(it) => *it,
        Written::JavaScript(note) => panic!("it is JavaScript: {note:?}"),
    }
}

#[test]
fn javascript_stays_javascript() {
    let root = desk(&["code/app.js"]);
    let written = found(root.path(), "app.handler", Value::Null);
    assert!(matches!(written, Written::JavaScript(None)));
    let written = found(root.path(), "gone.handler", Value::Null);
    assert!(matches!(written, Written::JavaScript(None)));
}

#[test]
#[cfg(unix)]
fn a_hoisted_esbuild_is_the_projects_own() {
    let root = desk(&["code/src/app.ts", "node_modules/.bin/esbuild"]);
    let typescript = typescript(found(root.path(), "src/app.handler", Value::Null));
    let How::Esbuild { program, .. } = &typescript.how else {
        panic!("{:?}", typescript.how);
    };
    assert_eq!(*program, root.path().join("node_modules/.bin/esbuild"));
}

#[test]
fn without_esbuild_it_is_left_to_node_which_may_be_too_old() {
    let root = desk(&["code/app.ts"]);
    let typescript = typescript(found(root.path(), "app.handler", Value::Null));
    assert!(matches!(typescript.how, How::Stripped));
    assert!(typescript.check("22.6.0").is_ok());
    let error = typescript.check("20.20.2").unwrap_err().to_string();
    assert!(error.contains("Node 20.20.2 cannot run it"), "{error}");
    assert!(error.contains("npm install --save-dev esbuild"), "{error}");
}

#[test]
fn compiled_files_run_where_nothing_compiles_and_it_is_said() {
    let root = desk(&["code/app.ts", "code/app.js"]);
    let Written::JavaScript(Some(note)) = found(root.path(), "app.handler", Value::Null) else {
        panic!("it is TypeScript");
    };
    assert!(note.contains("app.js runs, and not"), "{note}");
}

#[test]
#[cfg(unix)]
fn an_entry_point_in_a_folder_is_found_for_a_handler_without() {
    let root = desk(&["code/src/app.ts", "code/node_modules/.bin/esbuild"]);
    let metadata = json!({
        "BuildMethod": "esbuild",
        "BuildProperties": {"EntryPoints": ["src/app.ts"]},
    });
    let typescript = typescript(found(root.path(), "app.handler", metadata));
    assert_eq!(typescript.file, root.path().join("code/src/app.ts"));
    let out = typescript.lay_out().unwrap();
    fs::write(out.join("app.js"), "").unwrap();
    let expected = ["app.handler".into(), out.into_os_string()];
    assert_eq!(typescript.handler(), expected);
}

#[test]
#[cfg(unix)]
fn packages_are_found_from_the_laid_out_folder_as_from_the_code() {
    let root = desk(&[
        "code/app.ts",
        "code/node_modules/near/index.js",
        "node_modules/far/index.js",
        "node_modules/.bin/esbuild",
    ]);
    let typescript = typescript(found(root.path(), "app.handler", Value::Null));
    let out = typescript.lay_out().unwrap();
    let has = |package: &str| {
        let mut folders = out.ancestors();
        folders.any(|it| it.join("node_modules").join(package).is_dir())
    };
    assert!(has("near") && has("far"));
    assert_eq!(typescript.lay_out().unwrap(), out);
}

#[test]
fn odd_paths_become_urls() {
    assert_eq!(
        file_url(Path::new("/home/ada/my code/ä#1.ts")),
        "file:///home/ada/my%20code/%C3%A4%231.ts"
    );
}

/// An esbuild that notes each time that it runs, and builds what it is told.
#[cfg(unix)]
fn fake(root: &Path, script: &str) {
    let program = root.join("node_modules/.bin/esbuild");
    let text = format!("#!/bin/sh\necho ran >> {}/runs\n{script}\n", root.display());
    fs::write(program, text).unwrap();
}

#[cfg(unix)]
const BUILDS: &str = r#"
for argument; do case "$argument" in
  --outdir=*) echo built > "${argument#--outdir=}/app.js" ;;
  --metafile=*) echo '{"inputs": {"app.ts": {}, "../shared/lib.ts": {}}}' > "${argument#--metafile=}" ;;
esac; done"#;

#[tokio::test]
#[cfg(unix)]
async fn the_same_code_is_built_once_and_what_it_is_made_of_is_known() {
    let root = desk(&["code/app.ts", "shared/lib.ts", "node_modules/.bin/esbuild"]);
    let at = |name: &str| root.path().join(name);
    fake(root.path(), BUILDS);
    let typescript = typescript(found(root.path(), "app.handler", Value::Null));
    let progress: Progress = Arc::new(|_| {});
    let build = || typescript.build(Path::new("/usr/bin/node"), &[], &progress);
    let runs = || fs::read_to_string(at("runs")).unwrap().lines().count();
    let (first, second) = tokio::join!(build(), build());
    first.unwrap();
    second.unwrap();
    assert_eq!(runs(), 1);
    assert_eq!(typescript.inputs(), [at("shared")]);

    fs::write(at("shared/lib.ts"), "export const changed = true;").unwrap();
    build().await.unwrap();
    assert_eq!(runs(), 2);

    fake(root.path(), "echo '✘ [ERROR] odd' >&2; exit 1");
    fs::write(at("code/app.ts"), "odd").unwrap();
    for _ in 0..2 {
        let failed = build().await.unwrap_err();
        assert_eq!(failed.message, "odd");
    }
    assert_eq!(runs(), 4);
}
