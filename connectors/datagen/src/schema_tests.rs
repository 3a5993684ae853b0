use super::*;
use crate::java_random::JavaRandom;
use connect_api::data::Struct;
use proptest::prelude::*;

fn records(fields: &str, num_records: usize) -> Vec<Struct> {
    let schema = format!(r#"{{"type":"record","name":"r","namespace":"n","fields":[{fields}]}}"#);
    let mut generator = parse_schema(&schema, 0).expect("parses");
    let mut random = JavaRandom::new(5);
    let record = |_| match generator.generate(&mut random) {
        Value::Struct(record) => {
            record.validate().expect("fits its schema");
            *record
        }
        other => panic!("not a struct: {other}"),
    };
    (0..num_records).map(record).collect()
}

fn values(field_type: &str, num_records: usize) -> Vec<String> {
    let field = format!(r#"{{"name":"a","type":{field_type}}}"#);
    let records = records(&field, num_records);
    records
        .iter()
        .map(|record| record.get_at(0).to_string())
        .collect()
}

fn fault(schema: &str) -> String {
    parse_schema(schema, 0).expect_err("refused")
}

fn field_fault(field_type: &str) -> String {
    fault(&format!(
        r#"{{"type":"record","name":"r","fields":[{{"name":"a","type":{field_type}}}]}}"#
    ))
}

#[test]
fn hints_are_followed() {
    let of = |json: &str, n| values(json, n);
    let one_of = |json: &str, expected: &[&str]| {
        let mut found = values(json, 200);
        found.sort();
        found.dedup();
        assert_eq!(found, expected, "{json}");
    };
    one_of(
        r#"{"type":"int","arg.properties":{"range":{"min":-1,"max":2}}}"#,
        &["-1", "0", "1"],
    );
    one_of(
        r#"{"type":"string","arg.properties":{"options":["x","y"]}}"#,
        &["x", "y"],
    );
    one_of(
        r#"{"type":"string","arg.properties":{"length":0,"prefix":"p"}}"#,
        &["p"],
    );
    one_of(
        r#"{"type":"boolean","arg.properties":{"odds":1.0}}"#,
        &["true"],
    );
    one_of(
        r#"{"type":"enum","name":"e","symbols":["A","B"]}"#,
        &["A", "B"],
    );
    one_of(
        r#"["null",{"type":"int","arg.properties":{"options":[7]}}]"#,
        &["7", "null"],
    );
    one_of(
        r#"{"type":"array","items":{"type":"int","arg.properties":{"options":[1]}},"arg.properties":{"length":{"min":1,"max":3}}}"#,
        &["[1, 1]", "[1]"],
    );
    one_of(
        r#"{"type":"map","values":"int","arg.properties":{"options":[{"k":1}]}}"#,
        &["{k=1}"],
    );
    assert_eq!(
        of(
            r#"{"type":"long","arg.properties":{"iteration":{"start":5,"step":-2}}}"#,
            3
        ),
        ["5", "3", "1"]
    );
    assert_eq!(
        of(
            r#"{"type":"string","arg.properties":{"iteration":{"start":0}}}"#,
            2
        ),
        ["0", "1"]
    );
    assert_eq!(
        of(
            r#"{"type":"boolean","arg.properties":{"iteration":{"start":true}}}"#,
            3
        ),
        ["true", "false", "true"]
    );
    for text in of(
        r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2,"arg.properties":{"range":{"min":10.0,"max":50.0}}}"#,
        100,
    ) {
        let number: f64 = text.parse().expect("a number");
        assert!((10.0..50.0).contains(&number) && text.len() == 5, "{text}");
    }
    for length in of(
        r#"{"type":"string","arg.properties":{"length":{"min":2,"max":4}}}"#,
        50,
    ) {
        assert!((2..4).contains(&length.len()), "{length}");
    }
}

#[test]
fn generation_moves_iterations_on() {
    let schema = r#"{"type":"record","name":"r","fields":[
        {"name":"a","type":{"type":"int","arg.properties":{"iteration":{"start":0,"restart":3}}}}]}"#;
    let mut generator = parse_schema(schema, 4).expect("parses");
    let record = generator.generate(&mut JavaRandom::new(0));
    assert_eq!(record.to_string(), "Struct{a=1}");
}

#[test]
fn schemas_are_those_of_confluents_converter() {
    let record = records(
        r#"{"name":"a","doc":"about a","type":"int","default":7},
           {"name":"b","type":["null","string"],"default":null},
           {"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}},
           {"name":"i","type":{"type":"record","name":"inner","doc":"in","fields":[]}},
           {"name":"j","type":["null","inner"]},
           {"name":"f","type":{"type":"fixed","name":"m.f","size":2}}"#,
        30,
    )
    .remove(0);
    let schema = record.schema();
    assert_eq!(schema.name(), Some("n.r"));
    let field = |name: &str| &schema.field(name).expect("there").schema;
    assert_eq!(field("a").doc(), Some("about a"));
    assert_eq!(field("a").default_value(), Some(&Value::Int32(7)));
    assert!(field("b").is_optional() && !field("a").is_optional());
    assert_eq!(LogicalType::of(field("t")), Some(LogicalType::Timestamp));
    assert_eq!(
        (field("i").name(), field("i").doc()),
        (Some("n.inner"), Some("in"))
    );
    assert_eq!(
        (field("j").name(), field("j").is_optional()),
        (Some("n.inner"), true)
    );
    assert_eq!(field("f").name(), Some("m.f"));
}

#[test]
fn comments_are_left_out_but_not_in_texts() {
    assert_eq!(
        without_comments("{// one\n\"a//b\\\"/*\": /* two\n */ 1}"),
        "{\n\"a//b\\\"/*\":  1}"
    );
    assert_eq!(without_comments("/* open"), "");
}

#[test]
fn faults_name_the_field() {
    for (field_type, why) in [
        (r#""nope""#, "field 'a': type 'nope' is not known"),
        (
            r#"["int","string"]"#,
            "field 'a': a union must be of one type, or of null and one type",
        ),
        (r#"{"type":"array"}"#, "field 'a': an array has no 'items'"),
        (
            r#"{"type":"int","arg.properties":{"options":["x"]}}"#,
            "field 'a': \"x\" is no value of type INT32",
        ),
        (
            r#"{"type":"int","arg.properties":{"range":{"min":5,"max":5}}}"#,
            "field 'a': 'max' of 'range' is not above 'min'",
        ),
        (
            r#"{"type":"string","arg.properties":{"regex":"(a"}}"#,
            "field 'a': regex '(a': '(' without ')'",
        ),
        (
            r#"{"type":"string","arg.properties":{"length":-1}}"#,
            "field 'a': 'length' is no length up to 1048576",
        ),
        (
            r#"{"type":"array","items":{"type":"array","items":"int","arg.properties":{"length":2000}},"arg.properties":{"length":1000}}"#,
            "field 'a' items: 'length' is no length up to 1000",
        ),
        (
            r#""r""#,
            "field 'a': types are nested too deeply, or a record holds itself",
        ),
    ] {
        assert_eq!(field_fault(field_type), why);
    }
    assert_eq!(fault("\"int\""), "it describes INT32 values, not records");
    assert!(fault("{").starts_with("it is not JSON: "));
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in r#"[\[\]{}":, a-z/*\\]{0,60}"#) {
        prop_assert!(parse_schema(&text, 0).is_err());
    }
}
