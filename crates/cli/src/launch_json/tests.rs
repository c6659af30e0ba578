use super::*;
use jsonc_parser::parse_to_serde_value;

fn entry(function: &str, port: u16) -> Entry {
    Entry {
        function: function.to_owned(),
        kind: DebuggerKind::Debugpy,
        host: "localhost".to_owned(),
        port,
        local_root: "${workspaceFolder}/hello".to_owned(),
        task: None,
    }
}

/// Merges, and checks what holds for every text: again changes nothing,
/// and the result is JSONC that has every entry once.
fn merged(existing: &str, entries: &[Entry]) -> String {
    let once = merge(Some(existing), entries, vec![]).unwrap();
    assert_eq!(
        merge(Some(&once), entries, vec![]).unwrap(),
        once,
        "idempotent"
    );
    let bare = once.strip_prefix(BOM).unwrap_or(&once);
    let value: Value = parse_to_serde_value(bare, &jsonc()).unwrap();
    for entry in entries {
        let found: Vec<&Value> = value["configurations"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|found| found["name"] == entry.name())
            .collect();
        assert_eq!(found.len(), 1, "{once}");
        for (key, ours) in entry.to_value().as_object().unwrap() {
            if key != "connect" && key != "pathMappings" {
                assert_eq!(&found[0][key], ours, "{once}");
            }
        }
        assert_eq!(found[0]["connect"]["port"], entry.port, "{once}");
    }
    once
}

const NEW: &str = r#"{
    "version": "0.2.0",
    "configurations": [
        {
            "name": "tether: Hello",
            "type": "debugpy",
            "request": "attach",
            "connect": {
                "host": "localhost",
                "port": 5678
            }
        }
    ]
}
"#;

#[test]
fn new_files() {
    let entries = [entry("Hello", 5678)];
    assert_eq!(merge(None, &entries, vec![]).unwrap(), NEW);
    assert_eq!(merged("", &entries), NEW);
    assert_eq!(merged(" \n\t", &entries), NEW);
    assert_eq!(merged("\r\n", &entries), NEW.replace('\n', "\r\n"));
    assert_eq!(merged("\u{feff}\n", &entries), format!("\u{feff}{NEW}"));
    assert_eq!(merged(NEW, &entries), NEW);
    assert_eq!(
        merge(None, &[], vec![]).unwrap(),
        "{\n    \"version\": \"0.2.0\",\n    \"configurations\": []\n}\n"
    );
}

#[test]
fn path_mappings_only_for_another_machine() {
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "::1", "[::1]"] {
        let mut entry = entry("Hello", 1);
        entry.host = host.to_owned();
        assert_eq!(entry.to_value().get("pathMappings"), None, "{host}");
        assert_eq!(entry.to_value()["connect"]["host"], host);
    }
    let mut entry = entry("Hello", 1);
    entry.host = "192.168.1.7".to_owned();
    assert_eq!(
        entry.to_value()["pathMappings"],
        json!([{ "localRoot": "${workspaceFolder}/hello", "remoteRoot": "." }])
    );
}

#[test]
fn users_path_mappings_stay() {
    let existing = r#"{ "configurations": [ {
  "name": "tether: Hello",
  "pathMappings": [
    { "localRoot": "${workspaceFolder}/layer", "remoteRoot": "/opt" }, // theirs
    { "localRoot": "old", "remoteRoot": "." },
  ],
} ] }"#;
    let mut entry = entry("Hello", 7);
    entry.host = "box".to_owned();
    let text = merged(existing, &[entry]);
    assert!(text.contains(
            "\"remoteRoot\": \"/opt\" }, // theirs\n    { \"localRoot\": \"${workspaceFolder}/hello\", \"remoteRoot\": \".\" },\n  ],"
        ), "{text}");
}

/// What a developer's file looks like, in every line ending, with and
/// without a byte order mark and a final newline.
const USERS: &str = r#"// Debugging; ask Ann.
{
  // Use IntelliSense to learn about possible attributes.
  "version": "0.2.0",

  "inputs": [ ],

  "configurations": [

    { "name": "Ünïcode 🚀", "type": "node", "request": "launch", }, // mine
    /* the live one */
    {
      // leave this alone
      "env": {"A":"1",   "B":"2"},
      "name": "tether: Hello", // found by this
      "type": "python", /* old */
      "request": "attach",
      "connect": { "port": 1111, /* why */ "host": "localhost" },
      "justMyCode": false, // libraries too
    }, // after
    // { "name": "commented out" },

  ],
  "compounds": []
}
// end"#;

const USERS_MERGED: &str = r#"// Debugging; ask Ann.
{
  // Use IntelliSense to learn about possible attributes.
  "version": "0.2.0",

  "inputs": [ ],

  "configurations": [

    { "name": "Ünïcode 🚀", "type": "node", "request": "launch", }, // mine
    /* the live one */
    {
      // leave this alone
      "env": {"A":"1",   "B":"2"},
      "name": "tether: Hello", // found by this
      "type": "debugpy", /* old */
      "request": "attach",
      "connect": { "port": 5678, /* why */ "host": "localhost" },
      "justMyCode": false, // libraries too
    }, // after
    {
      "name": "tether: Other",
      "type": "debugpy",
      "request": "attach",
      "connect": {
        "host": "localhost",
        "port": 5679
      }
    },
    // { "name": "commented out" },

  ],
  "compounds": []
}
// end"#;

#[test]
fn everything_else_stays() {
    let entries = [entry("Hello", 5678), entry("Other", 5679)];
    for bom in ["", "\u{feff}"] {
        for newline in ["\n", "\r\n"] {
            for end in ["", "\n", "\n\n"] {
                let whole = |text: &str| format!("{bom}{text}{end}").replace('\n', newline);
                assert_eq!(merged(&whole(USERS), &entries), whole(USERS_MERGED));
            }
        }
    }
}

#[test]
fn tabs() {
    let text = merged(
        "{\n\t\"configurations\": [\n\t\t{\n\t\t\t\"name\": \"a\"\n\t\t}\n\t]\n}\n",
        &[entry("Hello", 1)],
    );
    assert_eq!(
        text,
        "{\n\t\"configurations\": [\n\t\t{\n\t\t\t\"name\": \"a\"\n\t\t},\n\t\t{\n\t\t\t\"name\": \"tether: Hello\",\n\t\t\t\"type\": \"debugpy\",\n\t\t\t\"request\": \"attach\",\n\t\t\t\"connect\": {\n\t\t\t\t\"host\": \"localhost\",\n\t\t\t\t\"port\": 1\n\t\t\t}\n\t\t}\n\t]\n}\n"
    );
}

const COMPACT: &str = r#"{"name": "tether: Hello", "type": "debugpy", "request": "attach", "connect": {"host": "localhost", "port": 1}}"#;

#[test]
fn entries_on_one_line() {
    let padded = COMPACT.replace(r#"{""#, r#"{ ""#).replace("1}}", "1 } }");
    assert_eq!(
        merged(
            "{\n  \"configurations\": [\n    { \"name\": \"a\" } // c\n  ]\n}",
            &[entry("Hello", 1)]
        ),
        format!(
            "{{\n  \"configurations\": [\n    {{ \"name\": \"a\" }}, // c\n    {padded}\n  ]\n}}"
        )
    );
    assert_eq!(
        merged(r#"{"configurations":[{"name":"a"}]}"#, &[entry("Hello", 1)]),
        format!(r#"{{"configurations":[{{"name":"a"}}, {COMPACT}]}}"#)
    );
    assert_eq!(
        merged(
            r#"{"configurations":[{ "name": "tether: Hello" }]}"#,
            &[entry("Hello", 1)]
        ),
        format!(r#"{{"configurations":[{padded}]}}"#)
    );
}

#[test]
fn brackets_on_the_line_of_their_neighbours() {
    assert_eq!(
        merged(
            "{\n  \"configurations\": [{\n    \"name\": \"a\"\n  }, {\n    \"name\": \"b\"\n  }]\n}",
            &[entry("Hello", 1)]
        ),
        "{\n  \"configurations\": [{\n    \"name\": \"a\"\n  }, {\n    \"name\": \"b\"\n  }, {\n    \"name\": \"tether: Hello\",\n    \"type\": \"debugpy\",\n    \"request\": \"attach\",\n    \"connect\": {\n      \"host\": \"localhost\",\n      \"port\": 1\n    }\n  }]\n}"
    );
}

#[test]
fn empty_lists() {
    let body = "        {\n            \"name\": \"tether: Hello\",\n            \"type\": \"debugpy\",\n            \"request\": \"attach\",\n            \"connect\": {\n                \"host\": \"localhost\",\n                \"port\": 5678\n            }\n        }\n";
    let entries = [entry("Hello", 5678)];
    for (before, after) in [
        ("[]", "[\nBODY    ]"),
        ("[ ]", "[\nBODY    ]"),
        ("[\n    ]", "[\nBODY    ]"),
        ("[ // none\n    ]", "[ // none\nBODY    ]"),
        ("[\n        // none\n    ]", "[\n        // none\nBODY    ]"),
        ("[ /* none */ ]", "[ /* none */\nBODY    ]"),
    ] {
        let whole = |list: &str| format!("{{\n    \"configurations\": {list}\n}}\n");
        let expected = whole(&after.replace("BODY", body));
        assert_eq!(merged(&whole(before), &entries), expected, "{before}");
    }
}

#[test]
fn missing_configurations() {
    let entries = [entry("Hello", 5678)];
    let without_version = NEW.replace("    \"version\": \"0.2.0\",\n", "");
    assert_eq!(merged("{}\n", &entries), without_version);
    assert_eq!(merged("{\n    \"version\": \"0.2.0\"\n}\n", &entries), NEW);
    assert_eq!(
        merged("{\n    \"version\": \"0.2.0\", // v\n}\n", &entries),
        NEW.replace("0.2.0\",", "0.2.0\", // v")
            .replace("    ]\n}", "    ],\n}")
    );
    assert_eq!(
        merged(r#"{"version": "0.2.0"}"#, &[entry("Hello", 1)]),
        format!(r#"{{"version": "0.2.0", "configurations": [{COMPACT}]}}"#)
    );
    // Not taken for one: it stands deeper, or in a comment.
    merged(
        "{ \"a\": {\"configurations\": []} /* \"configurations\": [] */ }",
        &entries,
    );
}

#[test]
fn missing_and_wrong_keys_of_an_entry() {
    assert_eq!(
        merged(
            "{\n  \"configurations\": [\n    1, null,\n    {\n      \"name\": \"tether: Hello\", // n\n      \"connect\": 3,\n      \"mine\": [\n        1\n      ] // m\n    }\n  ]\n}",
            &[entry("Hello", 9)]
        ),
        "{\n  \"configurations\": [\n    1, null,\n    {\n      \"name\": \"tether: Hello\", // n\n      \"connect\": {\n        \"host\": \"localhost\",\n        \"port\": 9\n      },\n      \"mine\": [\n        1\n      ], // m\n      \"type\": \"debugpy\",\n      \"request\": \"attach\"\n    }\n  ]\n}"
    );
}

#[test]
fn more_shapes_hold_what_merged_checks() {
    let entries = [entry("He\"llo\\ ü", 1), entry("B", 2)];
    for text in [
        "{\"configurations\":[\n]}",
        "{\"configurations\"\n:\n[\n{}\n,\n{}\n,\n]\n}",
        "{\"configurations\":[{}/* a\nb */]}",
        "{\"configurations\":[{}, // a, b ]\n // c\n ]}",
        "{\"configurations\":[{}, /* , */ /*]*/]}",
        "{\"configurations\":[{} /* , */ , // x\n]}",
        "{\"configurations\": [{\"name\": \"tether: B\", \"connect\": {}}]}",
        "{\"configurations\": [{\"name\": \"tether: B\", \"connect\": {}, \"port\": 3,}],}",
        "{\"configurations\": [{\"name\": \"x\", \"name\": \"tether: B\"}]}",
        "{\"configurations\": 1, \"configurations\": []}",
        "{\"configurations\": [{\"name\": \"tether: \\u0042\", \"type\": null}]}",
        "{\r\n\"configurations\": [\r\n{\r\n\"name\": \"tether: B\"\r\n}\r\n]\r\n}\r\n",
        "{\"configurations\": [ // a\r ]\r}",
    ] {
        merged(text, &entries);
    }
}

#[test]
fn no_entries_no_change() {
    assert_eq!(merged(USERS, &[]), USERS);
    assert_eq!(merged("{}", &[]), "{\n    \"configurations\": []\n}");
}

#[test]
fn of_two_entries_with_one_name_the_later_holds() {
    let twice = [entry("Hello", 1), entry("Hello", 5678)];
    assert_eq!(merge(None, &twice, vec![]).unwrap(), NEW);
    assert_eq!(merge(Some(NEW), &twice, vec![]).unwrap(), NEW);
}

#[test]
fn errors_name_the_place_and_what_to_do() {
    let cases = [
        ("{\n  \"configurations\": [\n", (2, 21), "not JSON"),
        ("{\n  \"a\": 1\n  \"b\": 2\n}", (2, 9), "expected comma"),
        ("{\n  'a': 1\n}", (2, 3), "single-quoted"),
        ("{} {}", (1, 4), "more than one"),
        ("\u{feff}// c\r\n  [1]", (2, 3), "an object"),
        ("\"text\"", (1, 1), "an object"),
        ("// nothing\n", (2, 1), "an object"),
        (
            "{\n\t\"ü\": 1, \"configurations\": {}\n}",
            (2, 28),
            "an array",
        ),
        ("{\"configurations\": null}", (1, 20), "an array"),
    ];
    for (text, (line, column), part) in cases {
        let message = merge(Some(text), &[entry("Hello", 1)], vec![])
            .unwrap_err()
            .to_string();
        let place = format!("line {line}, column {column}: ");
        assert!(message.starts_with(&place), "{text}: {message}");
        assert!(message.contains(part), "{text}: {message}");
        assert!(message.ends_with("run again"), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

fn of_kind(kind: DebuggerKind) -> Value {
    let entry = Entry {
        kind,
        ..entry("Hello", 5679)
    };
    entry.to_value()
}

#[test]
fn each_debugger_has_the_entry_of_its_extension() {
    let node = of_kind(DebuggerKind::Node);
    assert_eq!(
        (&node["type"], &node["restart"]),
        (&json!("node"), &json!(true))
    );
    assert_eq!(
        (&node["address"], &node["port"]),
        (&json!("localhost"), &json!(5679))
    );
    let program = Some("${workspaceFolder}/target/debug/hello".to_owned());
    let native = of_kind(DebuggerKind::Native { program });
    assert_eq!(native["type"], "lldb");
    let commands = json!(["target create \"${workspaceFolder}/target/debug/hello\""]);
    assert_eq!(native["targetCreateCommands"], commands);
    assert_eq!(
        native["processCreateCommands"],
        json!(["gdb-remote localhost:5679"])
    );
    let go = of_kind(DebuggerKind::Delve);
    assert_eq!(
        (&go["type"], &go["mode"], &go["port"]),
        (&json!("go"), &json!("remote"), &json!(5679))
    );
    let java = of_kind(DebuggerKind::Jdwp);
    assert_eq!(
        (&java["type"], &java["hostName"]),
        (&json!("java"), &json!("localhost"))
    );
}

fn attaching(arguments: &[&str]) -> Task {
    Task {
        label: "tether: attach".to_owned(),
        arguments: arguments.iter().map(|it| (*it).to_owned()).collect(),
        ready: "^attached to ",
    }
}

#[test]
fn an_entry_that_starts_tether_waits_for_its_task() {
    let mut entry = entry("Hello", 1);
    entry.task = Some("tether: invoke Hello".to_owned());
    let value = entry.to_value();
    assert_eq!(value["name"], "tether: invoke Hello");
    assert_eq!(value["preLaunchTask"], "tether: invoke Hello");
}

#[test]
fn a_compound_keeps_the_entries_that_were_added_to_it() {
    let entries = [entry("Hello", 1), entry("Bye", 2)];
    let all = || vec![compound("tether: attach", Some(&attaching(&[])), &entries)];
    let existing = r#"{
  "configurations": [],
  "compounds": [
    { "name": "tether: attach", "configurations": ["mine", "tether: Hello"], "stopAll": true } // ours
  ]
}
"#;
    let once = merge(Some(existing), &entries, all()).unwrap();
    let value: Value = parse_to_serde_value(&once, &jsonc()).unwrap();
    let compound = &value["compounds"][0];
    assert_eq!(
        compound["configurations"],
        json!(["mine", "tether: Hello", "tether: Bye"])
    );
    assert_eq!(compound["preLaunchTask"], "tether: attach");
    assert!(once.contains("// ours"), "{once}");
    assert_eq!(
        merge(Some(&once), &entries, all()).unwrap(),
        once,
        "idempotent"
    );
}

#[test]
fn a_new_file_of_tasks_asks_for_a_stack_that_no_flag_named() {
    let named = [attaching(&["attach", "--stack-name", "shop"])];
    let text = merge_tasks(None, &named).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&value["version"], value.get("inputs")),
        (&json!("2.0.0"), None)
    );
    let task = &value["tasks"][0];
    assert_eq!(task["args"], json!(["attach", "--stack-name", "shop"]));
    let background = &task["problemMatcher"]["background"];
    assert_eq!(background["endsPattern"], "^attached to ");

    let asked = [attaching(&[
        "attach",
        "--stack-name",
        "${input:tetherStackName}",
    ])];
    let text = merge_tasks(None, &asked).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["inputs"][0]["id"], STACK_NAME);
    assert_eq!(
        merge_tasks(Some(&text), &asked).unwrap(),
        text,
        "idempotent"
    );
}

#[test]
fn tasks_of_others_stay_and_ours_is_brought_up_to_date() {
    let existing = r#"{
  "version": "2.0.0",
  "tasks": [
    { "label": "build", "type": "shell", "command": "make" }, // mine
    {
      "label": "tether: attach",
      "args": ["attach", "--stack-name", "old"],
      "presentation": { "reveal": "silent" },
    },
  ],
}
"#;
    let ours = [attaching(&["attach", "--stack-name", "new"])];
    let once = merge_tasks(Some(existing), &ours).unwrap();
    let value: Value = parse_to_serde_value(&once, &jsonc()).unwrap();
    assert_eq!(value["tasks"].as_array().unwrap().len(), 2);
    assert_eq!(value["tasks"][1]["args"][2], "new");
    assert_eq!(value["tasks"][1]["presentation"]["reveal"], "silent");
    assert!(once.contains("\"command\": \"make\" }, // mine"), "{once}");
    assert_eq!(merge_tasks(Some(&once), &ours).unwrap(), once, "idempotent");
}
