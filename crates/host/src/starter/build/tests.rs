#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;
use std::sync::Arc;

fn sh(script: &str) -> BuildTool {
    BuildTool::new(Path::new("/bin/sh"), Path::new("/")).arguments(["-c", script])
}

#[tokio::test]
async fn both_streams_are_heard_to_their_end() {
    let mut heard = Vec::new();
    let tool = sh("printf 'one\\ntwo'; printf '\\377x\\n' >&2; exit 3");
    let succeeded = tool.run(|stream, line| heard.push((stream, line.to_owned())));
    assert!(!succeeded.await.unwrap());
    heard.sort_by_key(|(stream, _)| *stream == Stream::Err);
    let out = |text: &str| (Stream::Out, text.to_owned());
    let err = (Stream::Err, "\u{fffd}x".to_owned());
    assert_eq!(heard, [out("one"), out("two"), err]);
}

#[tokio::test]
async fn a_server_that_it_leaves_is_not_waited_for() {
    let tool = sh("sleep 60 & echo $!");
    let mut pid = String::new();
    assert!(tool.run(|_, line| pid.push_str(line)).await.unwrap());
    let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
    // It is still there.
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_server_that_goes_on_writing_is_not_waited_for_either() {
    // It ends when nobody reads it any more.
    let tool = sh("(while echo serving; do sleep 0.05; done) 2>&- &");
    assert!(tool.run(|_, _| {}).await.unwrap());
}

#[tokio::test]
async fn people_see_all_of_it_and_the_first_error_stays() {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let progress: Progress = {
        let shown = Arc::clone(&shown);
        Arc::new(move |line: &str| shown.lock().unwrap().push(line.to_owned()))
    };
    let tool = sh("echo building; printf '\\033[31merror\\033[0m: one\\n'; echo error: two; false");
    let failed = tool
        .run_shown(&progress, |line| line.starts_with("error"))
        .await;
    assert_eq!(failed.unwrap_err().message, "error: one");
    assert_eq!(shown.lock().unwrap()[1], "\u{1b}[31merror\u{1b}[0m: one");
    let failed = sh("echo broken; exit 1")
        .run_shown(&progress, |_| false)
        .await;
    assert_eq!(failed.unwrap_err().message, "broken");
    let failed = sh("exit 1").run_shown(&progress, |_| false).await;
    assert_eq!(
        failed.unwrap_err().message,
        "the build fails and does not say why"
    );
}

#[tokio::test]
async fn what_was_built_from_these_sources_is_not_built_again() {
    let root = tempfile::tempdir().unwrap();
    let (code, product) = (root.path().join("code"), root.path().join("product"));
    std::fs::create_dir(&code).unwrap();
    std::fs::write(code.join("a.c"), "1").unwrap();
    let sources = [code.clone(), root.path().join("lock")];
    let built = Built::default();
    let builds = Mutex::new(0);
    let build = async |succeeds: bool| {
        *builds.lock().unwrap() += 1;
        std::fs::write(&product, "").unwrap();
        match succeeds {
            true => Ok(product.clone()),
            false => Err(BuildFailed::new("no")),
        }
    };
    let count = || *builds.lock().unwrap();

    built.again(&sources, build(true)).await.unwrap();
    built.again(&sources, build(true)).await.unwrap();
    assert_eq!((count(), built.product()), (1, Some(product.clone())));

    // A source, a file beside them, and the product itself.
    std::fs::write(code.join("b.c"), "").unwrap();
    built.again(&sources, build(true)).await.unwrap();
    std::fs::write(&sources[1], "").unwrap();
    built.again(&sources, build(true)).await.unwrap();
    std::fs::remove_file(&product).unwrap();
    built.again(&sources, build(true)).await.unwrap();
    assert_eq!(count(), 4);

    // What fails leaves nothing, and is tried again.
    std::fs::write(code.join("b.c"), "wrong").unwrap();
    for _ in 0..2 {
        built.again(&sources, build(false)).await.unwrap_err();
        assert_eq!(built.product(), None);
    }
    assert_eq!(count(), 6);
    built.again(&sources, build(true)).await.unwrap();
    assert_eq!(built.product(), Some(product.clone()));
}
