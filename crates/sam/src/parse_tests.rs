#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use super::*;
use crate::testing::problems_of;
use serde_json::{Value, json};

fn value(text: &str) -> Value {
    match parse("t.yaml", text) {
        Ok(node) => node.literal(),
        Err(problems) => panic!("{problems}"),
    }
}

fn wrong(text: &str) -> Vec<String> {
    problems_of(parse("t.yaml", text))
}

#[test]
fn yaml_and_json_give_the_same_tree() {
    let expected = json!({"a": [1, true, "x"], "b": {"c": null}});
    assert_eq!(value("a: [1, yes, x]\nb:\n  c:\n"), expected);
    assert_eq!(
        value("{\n\t\"a\": [1, true, \"x\"],\n\t\"b\": {\"c\": null}\n}\n"),
        expected
    );
}

#[test]
fn json_escapes_are_jsons() {
    assert_eq!(
        value(r#"{"a": "x\/y \ud83d\ude00 \u00e9 \\ud83d\n"}"#),
        json!({"a": "x/y \u{1f600} \u{e9} \\ud83d\n"})
    );
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_matter() {
    assert_eq!(value("\u{feff}a: 1\r\nb: x\r\n"), json!({"a": 1, "b": "x"}));
}

#[test]
fn every_short_tag_has_its_long_form() {
    for (short, long) in [
        ("Ref", "Ref"),
        ("Condition", "Condition"),
        ("Sub", "Fn::Sub"),
        ("Join", "Fn::Join"),
        ("Select", "Fn::Select"),
        ("Split", "Fn::Split"),
        ("If", "Fn::If"),
        ("Equals", "Fn::Equals"),
        ("And", "Fn::And"),
        ("Or", "Fn::Or"),
        ("Not", "Fn::Not"),
        ("FindInMap", "Fn::FindInMap"),
        ("ImportValue", "Fn::ImportValue"),
        ("Base64", "Fn::Base64"),
        ("Cidr", "Fn::Cidr"),
        ("GetAZs", "Fn::GetAZs"),
        ("Length", "Fn::Length"),
        ("ToJsonString", "Fn::ToJsonString"),
        ("Transform", "Fn::Transform"),
    ] {
        assert_eq!(
            value(&format!("a: !{short} [x]")),
            json!({"a": {long: ["x"]}})
        );
        // A tagged scalar is text whatever it looks like.
        assert_eq!(
            value(&format!("a: !{short} yes")),
            json!({"a": {long: "yes"}})
        );
    }
}

#[test]
fn get_att_falls_apart_at_the_first_point() {
    assert_eq!(
        value("a: !GetAtt Nested.Outputs.Url"),
        json!({"a": {"Fn::GetAtt": ["Nested", "Outputs.Url"]}})
    );
    assert_eq!(
        value("a: !GetAtt [A, B]"),
        json!({"a": {"Fn::GetAtt": ["A", "B"]}})
    );
    assert_eq!(value("a: !GetAtt A"), json!({"a": {"Fn::GetAtt": "A"}}));
}

#[test]
fn tags_nest_and_stand_in_flow_lists() {
    assert_eq!(
        value("a: !Join\n  - ','\n  - [!Ref B, !Sub '${C}']\n"),
        json!({"a": {"Fn::Join": [",", [{"Ref": "B"}, {"Fn::Sub": "${C}"}]]}})
    );
}

#[test]
fn quoted_scalars_and_block_scalars_are_text() {
    assert_eq!(
        value("a: '012345'\nb: \"yes\"\nc: |\n  30\nd: !!str 12\ne: 2012-10-17\n"),
        json!({"a": "012345", "b": "yes", "c": "30\n", "d": "12", "e": "2012-10-17"})
    );
}

#[test]
fn keys_are_text_whatever_they_look_like() {
    assert_eq!(
        value("200: a\non: b\n1.10: c\n"),
        json!({"200": "a", "on": "b", "1.10": "c"})
    );
}

#[test]
fn aliases_and_merge_keys_are_expanded() {
    assert_eq!(
        value("x: &x {a: 1, b: 2}\ny: *x\nz:\n  b: 3\n  <<: *x\n"),
        json!({"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 2}, "z": {"b": 3, "a": 1}})
    );
    assert_eq!(
        value("x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz: {<<: [*x, *y]}\n"),
        json!({"x": {"a": 1}, "y": {"a": 2, "b": 2}, "z": {"a": 1, "b": 2}})
    );
}

#[test]
fn an_alias_without_end_is_refused() {
    assert_eq!(
        wrong("a: &x\n  b: *x\n"),
        ["t.yaml:2:6: this alias stands inside the value that it names, which has no end."]
    );
}

#[test]
fn aliases_of_aliases_cannot_fill_memory() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    let message = "aliases of aliases expand to more than a template may hold.";
    assert!(wrong(&text)[0].contains(message));
    let mut text = "a0: &a0 [x]\n".to_owned();
    for level in 1..200 {
        text.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert!(wrong(&text)[0].contains(message));
}

#[test]
fn deep_nesting_is_refused_before_the_stack_ends() {
    let flow = format!("a: {}{}", "[".repeat(150), "]".repeat(150));
    assert!(wrong(&flow)[0].starts_with("t.yaml:1:104: the template is nested too deep"));
    let block = "- ".repeat(5000);
    assert!(wrong(&block)[0].starts_with("t.yaml:1:203: the template is nested too deep"));
    let json = "[".repeat(100_000);
    assert!(wrong(&json)[0].contains("recursion limit exceeded"));
}

#[test]
fn a_key_that_stands_twice_is_named_with_both_lines() {
    assert_eq!(
        wrong("Resources:\n  A: 1\n  B: 2\n  A: 3\n  B: 4\n"),
        [
            "t.yaml:4:3: the key A stands twice in this map, on lines 2 and 4; remove one.",
            "t.yaml:5:3: the key B stands twice in this map, on lines 3 and 5; remove one.",
        ]
    );
}

#[test]
fn unknown_tags_are_named_with_what_was_meant() {
    assert_eq!(
        wrong("a: !Sbu x\nb: !Banana y\nc: !!binary aGk=\n"),
        [
            "t.yaml:1:4: !Sbu is no intrinsic function of CloudFormation. Did you mean !Sub?",
            "t.yaml:2:4: !Banana is no intrinsic function of CloudFormation.",
            "t.yaml:3:4: YAML's type !!binary is not supported by CloudFormation; write the value \
             as text.",
        ]
    );
}

#[test]
fn syntax_errors_say_where_and_what() {
    assert_eq!(
        wrong("a:\n\tb: 1\n"),
        ["t.yaml:2:2: a tab is used for indentation; YAML allows only spaces there."]
    );
    assert_eq!(
        wrong("a: 1\nb: \"open\n"),
        [
            "t.yaml:2:4: this is not valid YAML: while scanning a quoted scalar, found unexpected \
          end of stream."
        ]
    );
    assert_eq!(
        wrong("a: b: c\n"),
        ["t.yaml:1:5: this is not valid YAML: mapping values are not allowed in this context."]
    );
    assert_eq!(
        wrong("{\"a\": \"x\" \"b\": 1}"),
        [
            "t.yaml:1:11: this is not valid JSON: invalid trailing content after double-quoted \
          scalar."
        ]
    );
    assert_eq!(
        wrong("a: *nope\n"),
        ["t.yaml:1:4: this is not valid YAML: while parsing node, found unknown anchor."]
    );
}

#[test]
fn a_template_is_exactly_one_document() {
    let empty = "t.yaml: the template is empty; it needs at least a Resources section.";
    assert_eq!(wrong(""), [empty]);
    assert_eq!(wrong("# nothing\n"), [empty]);
    assert_eq!(
        wrong("a: 1\n---\nb: 2\n"),
        ["t.yaml:2:1: a second document begins here; a template is one document."]
    );
    assert_eq!(value("---\na: 1\n...\n"), json!({"a": 1}));
}

#[test]
fn a_key_must_be_text() {
    assert_eq!(
        wrong("? [a, b]\n: c\n"),
        ["t.yaml:1:3: a key must be text, not a list or a map."]
    );
}

#[test]
fn every_value_knows_its_place() {
    let root = parse("t.yaml", "a:\n  bc: !Ref X\n  d: [1, 2]\n").unwrap();
    let a = root.as_map().unwrap().get("a").unwrap();
    assert_eq!(a.key, Position { line: 1, column: 1 });
    let members = a.value.as_map().unwrap();
    assert_eq!(members["bc"].key, Position { line: 2, column: 3 });
    assert_eq!(
        members["bc"].value.position,
        Position { line: 2, column: 7 }
    );
    let second = &members["d"].value.as_list().unwrap()[1];
    assert_eq!(
        second.position,
        Position {
            line: 3,
            column: 10
        }
    );
}
