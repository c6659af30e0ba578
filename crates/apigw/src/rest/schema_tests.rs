use super::*;
use proptest::prelude::*;
use serde_json::json;

fn said(schema: &Value, value: &Value) -> String {
    let models = [("M".to_owned(), schema.clone())].into();
    match check(&models, "M", value) {
        Ok(()) => "holds".to_owned(),
        Err(mismatch) => mismatch.to_string(),
    }
}

fn holds(schema: &Value, values: &[Value]) {
    for value in values {
        assert_eq!(said(schema, value), "holds", "{schema} {value}");
    }
}

fn fails(schema: &Value, values: &[Value]) {
    for value in values {
        assert_ne!(said(schema, value), "holds", "{schema} {value}");
    }
}

#[test]
fn a_mismatch_says_where_and_what_and_not_the_value() {
    let schema = json!({
        "type": "object",
        "properties": { "pets": { "items": { "required": ["name", "age"], "properties": { "age": { "type": "integer" } } } } },
    });
    let missing = json!({ "pets": [{ "name": "a", "age": 1 }, {}] });
    assert_eq!(said(&schema, &missing), "/pets/1: lacks name, age");
    let wrong = json!({ "pets": [{ "name": "a", "age": "secret" }] });
    assert_eq!(
        said(&schema, &wrong),
        "/pets/0/age: is not of type \"integer\""
    );
    assert_eq!(said(&schema, &json!([])), "/: is not of type \"object\"");
}

#[test]
fn types_are_those_of_draft_4() {
    for (kind, good, bad) in [
        ("null", json!(null), json!(false)),
        ("boolean", json!(true), json!("true")),
        ("number", json!(1.5), json!("1.5")),
        ("integer", json!(-3), json!(3.5)),
        ("string", json!(""), json!(0)),
        ("array", json!([]), json!({})),
        ("object", json!({}), json!([])),
    ] {
        holds(&json!({ "type": kind }), &[good]);
        fails(&json!({ "type": kind }), &[bad]);
    }
    holds(
        &json!({ "type": ["string", "null"] }),
        &[json!("a"), json!(null)],
    );
    fails(&json!({ "type": ["string", "null"] }), &[json!(1)]);
    holds(&json!({ "enum": ["a", 1] }), &[json!("a"), json!(1.0)]);
    fails(&json!({ "enum": ["a", 1] }), &[json!("b"), json!(true)]);
}

#[test]
fn numbers_have_limits() {
    let limits = json!({ "minimum": 1, "maximum": 5, "exclusiveMaximum": true, "multipleOf": 0.5 });
    holds(&limits, &[json!(1), json!(4.5), json!("text")]);
    fails(&limits, &[json!(0.5), json!(5), json!(1.2)]);
    fails(
        &json!({ "minimum": 1, "exclusiveMinimum": true }),
        &[json!(1)],
    );
    holds(&json!({ "multipleOf": 0.01 }), &[json!(19.99)]);
}

#[test]
fn texts_have_lengths_and_patterns() {
    let text = json!({ "minLength": 2, "maxLength": 3, "pattern": "^[a-zé]+$" });
    holds(&text, &[json!("ab"), json!("éé"), json!(7)]);
    fails(&text, &[json!("a"), json!("abcd"), json!("A1")]);
    let strange = said(&json!({ "pattern": "(?!a)" }), &json!("b"));
    assert!(strange.contains("is not understood"), "{strange}");
}

#[test]
fn lists_have_lengths_items_and_may_be_sets() {
    let list = json!({ "minItems": 1, "maxItems": 2, "uniqueItems": true, "items": { "type": "integer" } });
    holds(&list, &[json!([1]), json!([1, 2])]);
    fails(
        &list,
        &[json!([]), json!([1, 1]), json!([1, 2, 3]), json!(["a"])],
    );
    let tuple = json!({ "items": [{ "type": "string" }], "additionalItems": false });
    holds(&tuple, &[json!([]), json!(["a"])]);
    fails(&tuple, &[json!([1]), json!(["a", "b"])]);
    let open = json!({ "items": [{}], "additionalItems": { "type": "null" } });
    holds(&open, &[json!([1, null])]);
    fails(&open, &[json!([1, 2])]);
}

#[test]
fn objects_have_properties() {
    let object = json!({
        "properties": { "a": { "type": "string" } },
        "patternProperties": { "^x-": { "type": "integer" } },
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 2,
        "dependencies": { "a": ["x-1"], "x-2": { "maxProperties": 1 } },
    });
    holds(
        &object,
        &[json!({ "a": "b", "x-1": 1 }), json!({ "x-2": 1 })],
    );
    fails(
        &object,
        &[
            json!({}),
            json!({ "a": "b" }),
            json!({ "x-1": "b" }),
            json!({ "b": 1 }),
        ],
    );
    fails(&object, &[json!({ "x-2": 1, "x-1": 1 })]);
    holds(
        &json!({ "additionalProperties": { "type": "null" } }),
        &[json!({ "a": null })],
    );
    fails(
        &json!({ "additionalProperties": { "type": "null" } }),
        &[json!({ "a": 1 })],
    );
}

#[test]
fn schemas_are_combined() {
    let all = json!({ "allOf": [{ "type": "integer" }, { "minimum": 3 }] });
    holds(&all, &[json!(3)]);
    fails(&all, &[json!(2), json!("a")]);
    let any = json!({ "anyOf": [{ "type": "string" }, { "minimum": 3 }] });
    holds(&any, &[json!("a"), json!(4)]);
    fails(&any, &[json!(2)]);
    let one = json!({ "oneOf": [{ "type": "integer" }, { "minimum": 3 }] });
    holds(&one, &[json!(2), json!(3.5)]);
    fails(&one, &[json!(3), json!(2.5)]);
    fails(&json!({ "not": { "type": "null" } }), &[json!(null)]);
    holds(&json!({ "not": { "type": "null" } }), &[json!(1)]);
}

/// LocalStack's `test_api_gateway_request_validator_with_ref_one_ofmodels`, against AWS.
#[test]
fn a_model_may_refer_to_itself_and_to_others() {
    let reference = "https://apigateway.amazonaws.com/restapis/a1b2c3d4e5/models/Status";
    let models: BTreeMap<String, Value> = [
        ("Status".to_owned(), json!({ "type": "object", "required": ["order"], "properties": { "order": { "$ref": "#/definitions/count" } }, "definitions": { "count": { "type": "integer" } } })),
        ("Test".to_owned(), json!({ "required": ["status"], "properties": { "status": { "oneOf": [{ "type": "null" }, { "$ref": reference }] } } })),
    ]
    .into();
    let held = |value: Value| check(&models, "Test", &value).is_ok();
    assert!(held(json!({ "status": null })));
    assert!(held(json!({ "status": { "order": 1 } })));
    assert!(!held(json!({ "status": { "order": "1" } })));
    assert!(!held(json!({})));
    assert!(check(&models, "None", &json!({})).is_err());
    let lost = said(&json!({ "$ref": "#/definitions/none" }), &json!(1));
    assert_eq!(
        lost,
        "/: the schema's $ref #/definitions/none leads nowhere"
    );
}

#[test]
fn a_schema_without_end_has_one() {
    let tree = json!({ "properties": { "next": { "$ref": "#" } }, "type": "object" });
    holds(&tree, &[json!({ "next": { "next": {} } })]);
    fails(&tree, &[json!({ "next": { "next": 1 } })]);
    fails(&json!({ "$ref": "#" }), &[json!(1)]);
    let both = json!([{ "$ref": "#" }, { "$ref": "#" }]);
    fails(&json!({ "anyOf": both, "oneOf": both }), &[json!(1)]);
}

proptest! {
    #[test]
    fn no_schema_is_too_strange(
        key in "(type|enum|items|pattern|required|not|allOf|maximum|\\$ref|dependencies)",
        schema in "[\\PC]{0,6}",
        number in any::<f64>(),
    ) {
        for inner in [json!(schema), json!([schema]), json!({ schema.clone(): number }), json!(number)] {
            let _ = said(&json!({ key.clone(): inner }), &json!({ "a": [number, schema] }));
        }
    }
}
