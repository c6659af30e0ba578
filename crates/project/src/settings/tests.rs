#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;
use proptest::prelude::*;

const FUNCTIONS: [&str; 2] = ["HelloFunction", "OrdersFunction"];

fn read(text: &str) -> Result<Settings, Problems> {
    reading::read(Path::new("tether.toml"), text, &FUNCTIONS)
}

fn problems(text: &str) -> Vec<String> {
    let Problems(problems) = read(text).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_function_has_its_own_settings_above_the_defaults() {
    let settings = read(
        r#"
        [defaults]
        command = "make run"
        ignore = ["*.csv"]
        environment = { STAGE = "test", LEVEL = "info" }
        [functions.OrdersFunction]
        command = ["node", "server.js"]
        build = "make orders"
        debugger = "node"
        ignore = ["data/"]
        environment.LEVEL = "debug"
        "#,
    )
    .unwrap();
    let orders = settings.of("OrdersFunction");
    assert_eq!(orders.command.unwrap().words(), ["node", "server.js"]);
    assert_eq!(orders.build, Some(CommandLine::Shell("make orders".into())));
    assert_eq!(orders.debugger, Some(DebuggerKind::Node));
    assert_eq!(orders.ignore, ["*.csv", "data/"]);
    let variables = orders.environment.expose();
    assert_eq!(
        (&*variables["STAGE"], &*variables["LEVEL"]),
        ("test", "debug")
    );

    let hello = settings.of("HelloFunction");
    assert_eq!(hello.ignore, ["*.csv"]);
    #[cfg(unix)]
    assert_eq!(hello.command.unwrap().words(), ["sh", "-c", "make run"]);
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_place() {
    let text = r#"
[default]
[functions.HelloFuncton]
comand = "node"
[functions.OrdersFunction]
command = 7
build = []
debugger = "debugpi"
watch = ["no such folder", 1]
ignore = "*.csv"
environment = { ä = 1, NAME = true }
inherit = ["HOME"]
"#;
    let said = problems(text);
    let all = [
        "tether.toml:2:2: default: only [defaults], [functions.…] and [websocket] stand here. Did you mean defaults?",
        "tether.toml:3:12: functions.HelloFuncton: the template has no such function, but HelloFunction, OrdersFunction. Did you mean HelloFunction?",
        "tether.toml:4:1: functions.HelloFuncton.comand: there is no such setting, but command, build, debugger, watch, ignore, environment, inherit. Did you mean command?",
        "tether.toml:6:11: functions.OrdersFunction.command: it is a number: write a list ([\"node\", \"server.js\"]) or a string for the shell",
        "tether.toml:7:9: functions.OrdersFunction.build: it names no program",
        "tether.toml:8:12: functions.OrdersFunction.debugger: debugpi is no debugger that is known: write one of debugpy, node, native, delve, jdwp. Did you mean debugpy?",
        "functions.OrdersFunction.watch: ",
        "tether.toml:9:28: functions.OrdersFunction.watch: it is a number: write a string",
        "tether.toml:10:10: functions.OrdersFunction.ignore: it is a string: write a list of strings",
    ];
    for (line, wanted) in said.iter().zip(all) {
        assert!(line.contains(wanted), "{line}\nis not\n{wanted}");
    }
    assert!(
        said[6].ends_with("no such folder is no folder"),
        "{}",
        said[6]
    );
    // A key that is no plain word is TOML's own complaint; the rest goes on.
    assert!(
        said.iter()
            .any(|it| it.contains("NAME: it is true or false")),
        "{said:#?}"
    );
}

#[test]
fn a_function_at_the_top_is_shown_its_place() {
    let said = problems("[HelloFunction]\ncommand = \"x\"\n");
    assert!(
        said[0].ends_with("Write [functions.HelloFunction]."),
        "{said:?}"
    );
}

#[test]
fn what_is_no_toml_has_a_place_too() {
    let said = problems("[functions.HelloFunction]\ncommand = \"node\nbuild = [\"a\"]\n");
    assert!(said[0].starts_with("tether.toml:2:"), "{said:?}");
    assert!(said.iter().all(|it| !it.contains('\n')), "{said:?}");
}

#[test]
fn a_typed_command_is_somebodys() {
    let typed = |typed: &str, only| typed_command(typed, &FUNCTIONS, only);
    let shell = |text: &str| CommandLine::Shell(text.to_owned());
    let hello = typed("HelloFunction=node b.js --x=1", None).unwrap();
    assert_eq!(hello, ("HelloFunction".into(), shell("node b.js --x=1")));
    let only = typed("A=1 node c.js", Some("OrdersFunction")).unwrap();
    assert_eq!(only, ("OrdersFunction".into(), shell("A=1 node c.js")));

    let said = typed("HelloFuncton=x", None).unwrap_err();
    assert!(said.ends_with("Did you mean HelloFunction?"), "{said}");
    let said = typed("node x.js", None).unwrap_err();
    assert!(said.contains("LOGICAL_ID=COMMAND"), "{said}");
    let said = typed("HelloFunction= ", None).unwrap_err();
    assert!(said.contains("is empty"), "{said}");
}

#[test]
fn values_of_variables_do_not_print() {
    let settings = read("[defaults]\nenvironment = { KEY = \"very secret\" }\n").unwrap();
    assert!(!format!("{settings:?}").contains("very secret"));
    // Nor where one is wrong.
    let said = problems("[defaults]\nenvironment = { KEY = 123456 }\n");
    assert!(!said[0].contains("123456"), "{said:?}");
}

#[test]
fn a_variable_that_no_process_can_have_is_said_before_it_starts() {
    let text =
        "[defaults.environment]\n\"A=B\" = \"x\"\n\"\" = \"x\"\nKEY = \"very\\u0000secret\"\n";
    let said = problems(text);
    assert!(
        said[0].starts_with("tether.toml:2:1: defaults.environment.A=B: "),
        "{said:#?}"
    );
    assert!(said[1].starts_with("tether.toml:3:1: "), "{said:#?}");
    assert!(
        said[2].starts_with("tether.toml:4:7: defaults.environment.KEY: "),
        "{said:#?}"
    );
    assert!(said.iter().all(|it| !it.contains("secret")), "{said:#?}");
}

proptest! {
    #[test]
    fn any_text_is_settings_or_problems_of_one_line(text in "[\\[\\]a-z.=\"{}, \n'#0-9ä]{0,60}") {
        if let Err(Problems(problems)) = read(&text) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                prop_assert!(!problem.to_string().contains('\n'), "{problem}");
            }
        }
    }
}
