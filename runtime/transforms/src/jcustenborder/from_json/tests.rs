use super::*;
use connect_api::data::{LogicalType, SchemaType};
use connect_api::{SourceOrigin, SourceRecord};
use proptest::prelude::*;

const FLIGHT: &str = r##"{
  "type": "object", "title": "Flight", "description": "One flight",
  "required": ["carrier", "flight"],
  "properties": {
    "tailnum": {"type": "string"},
    "carrier": {"type": "string"},
    "flight": {"type": "integer"},
    "distance": {"type": "number"},
    "cancelled": {"type": "boolean"},
    "day": {"type": "string", "format": "date"},
    "at": {"type": "string", "format": "time"},
    "time_hour": {"type": "string", "format": "date-time"},
    "fare": {"type": "string", "format": "decimal", "scale": 2},
    "raw": {"type": "string", "contentEncoding": "base64"},
    "legs": {"type": "array", "items": {"$ref": "#/definitions/leg"}}
  },
  "definitions": {"leg": {"type": "object", "title": "Leg", "properties": {"to": {"type": "string"}}}}
}"##;

fn transform(settings: &[(&str, &str)]) -> Result<FromJson> {
    let mut config = ConfigMap::new();
    for (key, value) in settings {
        config.insert(*key, *value);
    }
    let mut transform = FromJson::of(Half::Value);
    transform.configure(&config)?;
    Ok(transform)
}

fn inline(schema: &str) -> Result<FromJson> {
    transform(&[(LOCATION, "Inline"), (INLINE, schema)])
}

fn apply(transform: &mut FromJson, value: impl Into<Value>) -> Result<Record> {
    let record = SourceRecord::new("t", None, value.into()).record;
    transform
        .apply(record, Origin::Source(&SourceOrigin::default()))
        .map(|record| record.expect("it drops nothing"))
}

#[test]
fn types_optional_fields_and_logical_types_come_from_the_schema() {
    let mut transform = inline(FLIGHT).expect("a good schema");
    let text = r#"{"flight": 1545, "carrier": "UA", "distance": 1400, "cancelled": false,
        "day": "2013-01-01", "at": "05:15:30.250", "time_hour": "2013-01-01T10:00:00Z",
        "fare": "12.5", "raw": "AQI=", "legs": [{"to": "IAH", "other": [1, {}]}, null], "unknown": 1}"#;
    for value in [
        Value::string(text),
        Value::Bytes(text.as_bytes().to_vec().into()),
    ] {
        let record = apply(&mut transform, value).expect("good JSON");
        let schema = record.value_schema.as_ref().expect("a schema");
        assert_eq!(
            (schema.name(), schema.doc()),
            (Some("Flight"), Some("One flight"))
        );
        let names: Vec<&str> = schema.fields().iter().map(|field| &*field.name).collect();
        assert_eq!(
            names,
            [
                "at",
                "cancelled",
                "carrier",
                "day",
                "distance",
                "fare",
                "flight",
                "legs",
                "raw",
                "tailnum",
                "time_hour"
            ]
        );
        let field = |name: &str| &schema.field(name).expect("a field").schema;
        assert!(!field("carrier").is_optional() && field("tailnum").is_optional());
        assert_eq!(LogicalType::of(field("day")), Some(LogicalType::Date));
        assert_eq!(field("distance").schema_type(), SchemaType::Float64);
        assert_eq!(
            record.value.to_string(),
            "Struct{at=Thu Jan 01 05:15:30 UTC 1970,cancelled=false,carrier=UA,day=Tue Jan 01 00:00:00 UTC 2013,\
             distance=1400.0,fare=12.50,flight=1545,legs=[Struct{to=IAH}, null],raw=[B@0,\
             time_hour=Tue Jan 01 10:00:00 UTC 2013}"
                .replace("[B@0", &Value::Bytes(vec![1, 2].into()).to_string())
        );
    }
}

#[test]
fn a_tombstone_stays_one_and_loses_its_schema() {
    let mut transform = inline(FLIGHT).expect("a good schema");
    let record = apply(&mut transform, Value::Null).expect("a tombstone");
    assert_eq!((record.value_schema, record.value), (None, Value::Null));
}

#[test]
fn errors_of_records_name_the_field() {
    let mut transform = inline(FLIGHT).expect("a good schema");
    for (text, words) in [
        (r#"{"carrier": "UA"}"#, ["Flight:flight", "requires it"]),
        (
            r#"{"carrier": "UA", "flight": null}"#,
            ["Flight:flight", "requires it"],
        ),
        (
            r#"{"carrier": 5, "flight": 1}"#,
            ["Flight:carrier", "a string here, the JSON a number"],
        ),
        (
            r#"{"carrier": "UA", "flight": 1, "day": "soon"}"#,
            ["Flight:day", "a date"],
        ),
        (
            r#"{"carrier": "UA", "flight": 1, "fare": "1.234"}"#,
            ["Flight:fare", "at most 2 digits"],
        ),
        (
            r#"{"carrier": "UA", "flight": 1, "legs": [{"to": 1}]}"#,
            ["Leg:to", "a string here"],
        ),
        ("[]", ["an object here", "an array"]),
        ("{", ["Unexpected end-of-input", ""]),
        (" ", ["the text is empty", ""]),
    ] {
        let trace = apply(&mut transform, Value::string(text))
            .expect_err(text)
            .trace();
        for word in words {
            assert!(trace.contains(word), "{text}: {trace}");
        }
    }
    let error = apply(&mut transform, Value::Int32(1)).expect_err("not a text");
    assert!(error.message().contains("java.lang.Integer"), "{error}");
}

#[test]
fn bad_schemas_say_what_is_wrong_and_where() {
    for (schema, words) in [
        ("", "it is not JSON"),
        ("[]", "# is not an object"),
        (
            r#"{"type": ["string", "null"]}"#,
            "Schema type is not supported. # has no single type",
        ),
        (
            r#"{"type": "object", "properties": {"a": {"type": "null"}}}"#,
            "#/properties/a has type null",
        ),
        (r#"{"type": "array"}"#, "an array without items"),
        (r##"{"$ref": "#"}"##, "goes round in a circle"),
        (
            r##"{"type": "object", "properties": {"a": {"$ref": "#"}}}"##,
            "nested deeper",
        ),
        (r#"{"$ref": "http://example.com/x"}"#, "leaves the document"),
        (r##"{"$ref": "#/nothing"}"##, "points to nothing"),
        (
            r#"{"type": "string", "format": "decimal"}"#,
            "needs a whole number as scale",
        ),
    ] {
        let error = inline(schema).err().expect(schema);
        assert!(error.message().contains(words), "{schema}: {error}");
    }
    let excluded = transform(&[
        (LOCATION, "Inline"),
        (
            INLINE,
            r#"{"type": "object", "properties": {"a": {"type": "null"}}}"#,
        ),
        (EXCLUDE, "#/properties/a"),
    ]);
    assert!(excluded.is_ok());
}

#[test]
fn a_schema_lies_in_a_file_and_nowhere_else() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), r#"{"type": "string"}"#).expect("written");
    let path = file.path().display();
    for url in [format!("file://{path}"), format!("File:{path}")] {
        let mut transform = transform(&[(URL, url.as_str())]).expect("a readable schema");
        let record = apply(&mut transform, Value::string("\"x\"")).expect("a string");
        assert_eq!(record.value, Value::string("x"));
    }
    for (url, words) in [
        ("file:///nowhere/at/all", "exception while loading schema"),
        ("https://example.com/schema", "only file: URLs"),
    ] {
        let error = transform(&[(URL, url)]).err().expect(url);
        assert!(error.message().contains(words), "{error}");
    }
    let error = transform(&[(VALIDATION, "true")]).err().expect("refused");
    assert!(error.message().contains("not supported"), "{error}");
}

proptest! {
    #[test]
    fn no_text_and_no_schema_is_too_odd(schema in "\\PC{0,80}", text in "\\PC{0,80}") {
        if let Ok(mut transform) = inline(&schema) {
            let _ = apply(&mut transform, Value::string(text.clone()));
        }
        let mut transform = inline(FLIGHT).expect("a good schema");
        let _ = apply(&mut transform, Value::string(text));
    }
}
