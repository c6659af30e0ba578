#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::settings::websocket_rules_of;
use std::path::Path;
use tether_apigw::websocket::rules::{Access, Field, Rules, Then};

fn read(text: &str) -> Result<Rules, Vec<String>> {
    let read = websocket_rules_of(Path::new("tether.toml"), text);
    read.map_err(|it| it.0.iter().map(ToString::to_string).collect())
}

#[test]
fn without_the_section_there_are_no_rules() {
    assert_eq!(read(""), Ok(Rules::default()));
    assert_eq!(read("[defaults]\nignore = []"), Ok(Rules::default()));
}

#[test]
fn the_example_of_the_documentation_is_read() {
    let text = include_str!("../../settings.rs");
    let lines = text.lines().filter_map(|it| it.strip_prefix("//!"));
    let lines = lines.skip_while(|it| !it.contains("[websocket]"));
    let example: Vec<&str> = lines.take_while(|it| !it.contains("```")).collect();
    let rules = read(&example.join("\n")).unwrap();
    assert_eq!(rules.channel, Field::parse("$request.body.channel").ok());
    let token = rules.token.as_ref().unwrap();
    assert_eq!(token.expires.as_deref(), Some("exp"));
    assert_eq!(token.then, Then::Close);
    let pace = rules.pace.as_ref().unwrap();
    assert_eq!(pace.identity.map(|it| it.rate), Some(50.0));
    let access: Vec<Access> = rules.rules.iter().map(|it| it.access).collect();
    assert_eq!(access, [Access::Public, Access::Private, Access::Closed]);
    assert_eq!(rules.rules[1].permissions, ["room:write"]);
    assert_eq!(rules.rules[2].name, "rules[3]");
}

#[test]
fn everything_that_is_wrong_is_said_at_once_and_in_its_place() {
    let text = "[websocket]
channel = \"channel\"
chanel = 1
[websocket.token]
message = \"$request.body.token\"
[websocket.pace]
connection = 0
[[websocket.rules]]
access = \"secret\"
on-refusal = \"shout\"
[[websocket.rules]]
access = \"public\"
permissions = [\"x\"]
";
    let problems = read(text).unwrap_err();
    let places: Vec<&str> = problems
        .iter()
        .map(|it| it.split(": ").nth(1).unwrap())
        .collect();
    assert_eq!(
        places,
        [
            "websocket.channel",
            "websocket.chanel",
            "websocket.token.connect",
            "websocket.pace.connection",
            "websocket.rules[1].access",
            "websocket.rules[1].on-refusal",
            "websocket.rules[2]",
        ]
    );
}
