use crate::testing::{problems_of, property, property_problems, resolve_among};
use serde_json::{Value, json};

#[test]
fn join_makes_text_of_scalars() {
    assert_eq!(
        property("!Join ['-', [a, 1, true, !Ref Stage]]"),
        json!("a-1-true-dev")
    );
    assert_eq!(property("!Join ['', !Ref Zones]"), json!("abc"));
    assert_eq!(
        property("!Join [',', [a, !Ref 'AWS::NoValue', b]]"),
        json!("a,b")
    );
    assert_eq!(
        property_problems("!Join [',', [a, [b]]]"),
        ["t.yaml:24:22: Subject.V: Fn::Join joins text, but one of its elements is a list."]
    );
    assert_eq!(
        property_problems("!Join [',']"),
        ["t.yaml:24:10: Subject.V: Fn::Join needs a list of 2 elements."]
    );
}

#[test]
fn select_counts_from_zero() {
    assert_eq!(property("!Select [1, [a, b]]"), json!("b"));
    assert_eq!(property("!Select ['2', !Ref Zones]"), json!("c"));
    assert_eq!(property("!Select [0, !Split ['/', 'x/y']]"), json!("x"));
    assert_eq!(property("!Select [0, [{a: 1}]]"), json!({"a": 1}));
    assert_eq!(
        property_problems("!Select [3, !Ref Zones]"),
        ["t.yaml:24:19: Subject.V: Fn::Select wants element 3, counted from 0, of a list of 3."]
    );
    assert_eq!(
        property_problems("!Select [x, [a]]"),
        ["t.yaml:24:19: Subject.V: the index of Fn::Select is a number from 0, not x."]
    );
}

#[test]
fn split_is_the_inverse_of_join() {
    assert_eq!(property("!Split [', ', 'a, b, ']"), json!(["a", "b", ""]));
    assert_eq!(
        property_problems("!Split ['', 'ab']"),
        [
            "t.yaml:24:18: Subject.V: the delimiter of Fn::Split is empty; give the text to split at."
        ]
    );
}

#[test]
fn if_keeps_the_type_of_the_chosen_branch() {
    assert_eq!(property("!If [IsDev, {a: 1}, text]"), json!({"a": 1}));
    assert_eq!(property("!If [IsProd, 1, !If [IsDev, 2, 3]]"), json!(2));
    // The other branch is not looked at.
    assert_eq!(property("!If [IsDev, a, !Ref Gone]"), json!("a"));
    assert_eq!(
        property("[!If [IsProd, a, !Ref 'AWS::NoValue'], b]"),
        json!(["b"])
    );
    assert_eq!(
        property("!If [IsProd, a, !Ref 'AWS::NoValue']"),
        Value::Null
    );
    assert_eq!(
        property_problems("!If [IsProf, a, b]"),
        [
            "t.yaml:24:15: Subject.V: there is no condition IsProf in this template. Did you mean \
          IsProd?"
        ]
    );
    assert_eq!(
        property_problems("!If [!Equals [a, b], a, b]"),
        [
            "t.yaml:24:15: Subject.V: the first element of Fn::If is the name of a condition; move \
          the expression to the Conditions section."
        ]
    );
}

#[test]
fn find_in_map_gives_what_the_mapping_says() {
    assert_eq!(
        property("!FindInMap [Sizes, !Ref Stage, Memory]"),
        json!(128)
    );
    assert_eq!(
        property("!FindInMap [Sizes, dev, Names]"),
        json!(["x", "y"])
    );
    assert_eq!(
        property("!FindInMap [Sizes, none, Memory, {DefaultValue: !Ref Count}]"),
        json!("3")
    );
    assert_eq!(
        property_problems("!FindInMap [Size, dev, Memory]"),
        ["t.yaml:24:10: Subject.V: there is no mapping Size. Did you mean Sizes?"]
    );
    assert_eq!(
        property_problems("!FindInMap [Sizes, dve, Memory]"),
        ["t.yaml:24:10: Subject.V: the mapping Sizes has no key dve. Did you mean dev?"]
    );
    assert_eq!(
        property_problems("!FindInMap [Sizes, dev, Memroy]"),
        [
            "t.yaml:24:10: Subject.V: dev in the mapping Sizes has no key Memroy. Did you mean \
          Memory?"
        ]
    );
}

#[test]
fn base64_length_and_json() {
    assert_eq!(property("!Base64 hello"), json!("aGVsbG8="));
    assert_eq!(property("!Base64 {'Fn::Sub': '${Stage}'}"), json!("ZGV2"));
    assert_eq!(property("!Length [a, b]"), json!(2));
    assert_eq!(property("{'Fn::Length': !Ref Zones}"), json!(3));
    assert_eq!(
        property("!ToJsonString {z: !Ref Stage, a: [1, yes]}"),
        json!(r#"{"z":"dev","a":[1,true]}"#)
    );
    assert_eq!(
        property_problems("!ToJsonString text"),
        ["t.yaml:24:10: Subject.V: Fn::ToJsonString takes a map or a list, but this is text."]
    );
}

#[test]
fn zones_are_the_regions_first_three() {
    let here = json!(["eu-west-1a", "eu-west-1b", "eu-west-1c"]);
    assert_eq!(property("!GetAZs ''"), here);
    assert_eq!(property("{'Fn::GetAZs': !Ref 'AWS::Region'}"), here);
    assert_eq!(
        property("!Select [0, !GetAZs us-east-1]"),
        json!("us-east-1a")
    );
}

#[test]
fn conditions_are_values_too() {
    assert_eq!(property("!Equals [!Ref Stage, dev]"), json!(true));
    assert_eq!(property("!Not [!Condition IsDev]"), json!(false));
}

#[test]
fn what_another_stack_exports_comes_from_the_imports() {
    let text = |name: &str| {
        format!("Resources:\n  T: {{Type: X, Properties: {{V: {{'Fn::ImportValue': {name}}}}}}}\n")
    };
    let stack = resolve_among(&text("!Sub '${AWS::NoValue}'"), &[]);
    assert!(stack.is_err());
    let stack = resolve_among(&text("!Join ['-', [shared, vpc]]"), &[]);
    assert_eq!(
        stack.unwrap().resources["T"].properties,
        json!({"V": "vpc-1"})
    );
    assert_eq!(
        problems_of(resolve_among(&text("shared-vcp"), &[])),
        [
            "t.yaml:2:52: T.V: Fn::ImportValue wants what another stack exports as shared-vcp; \
             give its value in the file of --import-values. Did you mean shared-vpc?"
        ]
    );
}

#[test]
fn blocks_of_addresses_are_counted() {
    assert_eq!(
        property("!Select [1, !Cidr ['10.0.0.0/16', 2, 8]]"),
        json!("10.0.1.0/24")
    );
    assert_eq!(
        property_problems("!Cidr ['10.0.0.0/33', 2, 8]"),
        ["t.yaml:24:10: Subject.V: 10.0.0.0/33 is no address block such as 10.0.0.0/16."]
    );
    assert_eq!(
        property_problems("!Cidr ['10.0.0.0/16']"),
        [
            "t.yaml:24:10: Subject.V: Fn::Cidr needs a list of block, count and bits: [10.0.0.0/16, 6, \
          8]."
        ]
    );
}

#[test]
fn unknown_and_misplaced_functions_are_named() {
    assert_eq!(
        property_problems("{'Fn::Jion': [a]}"),
        [
            "t.yaml:24:10: Subject.V: Fn::Jion is no intrinsic function of CloudFormation. Did you \
          mean Fn::Join?"
        ]
    );
    assert_eq!(
        property_problems("{a: 1, 'Fn::Sub': x}"),
        [
            "t.yaml:24:17: Subject.V: Fn::Sub stands beside other keys; a function must be the only \
          key of its map."
        ]
    );
}

#[test]
fn a_lone_condition_key_is_plain_data() {
    assert_eq!(
        property("[{Condition: {StringEquals: {a: b}}}]"),
        json!([{"Condition": {"StringEquals": {"a": "b"}}}])
    );
}

#[test]
fn sub_fills_in_names_attributes_and_variables() {
    assert_eq!(
        property("!Sub '${Stage}:${AWS::Region}:${Table}:${Table.Arn}:${Count}'"),
        json!("dev:eu-west-1:shop-orders:Table.Arn:3")
    );
    assert_eq!(property("!Sub '${!Stage} $x ${'"), json!("${Stage} $x ${"));
    assert_eq!(
        property("!Sub ['${Stage}-${A}', {A: !Join ['', [x, 1]], Stage: mine}]"),
        json!("mine-x1")
    );
    assert_eq!(
        property_problems("!Sub '${Stgae} ${Zones}'"),
        [
            "t.yaml:24:10: Subject.V: Stgae is neither a parameter nor a resource of this \
             template. Did you mean Stage?",
            "t.yaml:24:10: Subject.V: Fn::Sub fills in text, but ${Zones} is a list; join it \
             first.",
        ]
    );
    assert_eq!(
        property_problems("!Sub [a, b, c]"),
        ["t.yaml:24:10: Subject.V: Fn::Sub needs text, or a list of text and a map of variables."]
    );
}

#[test]
fn types_stay_in_properties() {
    assert_eq!(
        property("{a: 1, b: yes, c: 1.5, d: '012', e: 2012-10-17, f: null}"),
        json!({"a": 1, "b": true, "c": 1.5, "d": "012", "e": "2012-10-17", "f": null})
    );
}
