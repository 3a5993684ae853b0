//! What Kafka's own converters make of data and bytes, and what ours make of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../../api/tests/golden/notation.rs"]
mod notation;

use bytes::{Bytes, BytesMut};
use connect_api::config::ConfigMap;
use connect_api::data::{SchemaRef, Value, project};
use connect_api::{
    CONVERTERS, ConnectError, Converter, ConverterType, Encoded, HEADER_CONVERTERS,
    HeaderConverter, RawMessage, Result, SchemaAndValue,
};
// Links the converters, which register themselves.
use connect_converters as _;
use notation::{base64, bytes, error_text, lines, schema_text, value, value_text};
use serde_json::{Value as Json, json};

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

fn converter(class: &str) -> Box<dyn Converter> {
    let plugin = CONVERTERS.iter().find(|plugin| plugin.class == class);
    (plugin.expect("the class is registered").create)()
}

fn header_converter(class: &str) -> Box<dyn HeaderConverter> {
    let plugin = HEADER_CONVERTERS
        .iter()
        .find(|plugin| plugin.class == class);
    (plugin.expect("the class is registered").create)()
}

fn configured(class: &str, config: &Json) -> Result<Box<dyn Converter>> {
    let mut converter = converter(class);
    let config: ConfigMap = config
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.as_str().map(str::to_string)))
        .collect();
    converter.configure(&config, ConverterType::Value)?;
    Ok(converter)
}

fn encode(
    converter: &mut dyn Converter,
    schema: Option<&SchemaRef>,
    value: &Value,
) -> Result<Option<Vec<u8>>> {
    // What stands in the buffer before is not to be touched.
    let mut out = BytesMut::from(&b"before"[..]);
    let encoded = converter.from_connect_data("t", &mut Vec::new(), schema, value, &mut out)?;
    assert_eq!(&out[..6], b"before");
    Ok(match encoded {
        Encoded::Null => None,
        Encoded::Appended => Some(out[6..].to_vec()),
        Encoded::Shared(bytes) => Some(bytes.to_vec()),
    })
}

fn decode(converter: &mut dyn Converter, payload: Option<Vec<u8>>) -> Result<SchemaAndValue> {
    let payload = payload.map(Bytes::from);
    converter.to_connect_data(RawMessage {
        topic: "t",
        headers: &[],
        payload: payload.as_ref(),
    })
}

/// The schema of a JSON text; it comes as the items of an empty list.
fn schema(json: &Json) -> Option<SchemaRef> {
    let text = json.as_str().unwrap();
    if text == "null" {
        return None;
    }
    let envelope = format!(r#"{{"schema":{{"type":"array","items":{text}}},"payload":[]}}"#);
    let mut converter = configured(JSON, &json!({})).unwrap();
    let list = decode(&mut *converter, Some(envelope.into_bytes())).unwrap();
    list.schema.unwrap().value_schema().unwrap().cloned()
}

#[derive(Default)]
struct Differences {
    num_cases: usize,
    texts: Vec<String>,
}

impl Differences {
    fn compare(&mut self, case: &Json, ours: Json, javas: Json) {
        self.num_cases += 1;
        if ours != javas {
            self.texts
                .push(format!("{case}\n  ours  {ours}\n  Javas {javas}"));
        }
    }

    fn finish(self, at_least: usize) {
        assert!(self.num_cases >= at_least, "only {} cases", self.num_cases);
        assert!(
            self.texts.is_empty(),
            "{} of {} cases differ:\n{}",
            self.texts.len(),
            self.num_cases,
            self.texts.join("\n")
        );
    }
}

/// Both chains up to the first error of Java's that comes from the JDK, whose words differ from version
/// to version.
fn chains(ours: &ConnectError, case: &Json) -> (Json, Json) {
    let mut javas: Vec<String> = serde_json::from_value(case["error"].clone()).unwrap();
    let mut ours = error_text(ours);
    let is_jdks = |text: &String| text.starts_with("java.");
    if let Some(end) = javas.iter().position(is_jdks) {
        javas.truncate(end);
        ours.truncate(end);
    }
    let is_databinds = |text: &String| text.starts_with("com.fasterxml.jackson.databind.");
    if let Some(end) = javas.iter().position(is_databinds) {
        javas.truncate(end);
        ours.truncate(end);
    }
    (json!(ours), json!(javas))
}

fn compare_encoded(
    differences: &mut Differences,
    case: &Json,
    ours: Result<Option<Vec<u8>>>,
    javas: Option<Vec<u8>>,
) {
    let text = |bytes: Option<Vec<u8>>| bytes.map(|b| String::from_utf8_lossy(&b).into_owned());
    match ours {
        Ok(_) if case.get("error").is_some() => {
            differences.compare(case, json!("no error"), case["error"].clone());
        }
        Ok(out) if out == javas => differences.num_cases += 1,
        Ok(out) => differences.compare(case, json!(text(out)), json!(text(javas))),
        Err(error) if case.get("error").is_some() => {
            let (ours, javas) = chains(&error, case);
            differences.compare(case, ours, javas);
        }
        Err(error) => differences.compare(case, json!(error_text(&error)), json!(text(javas))),
    }
}

fn compare_decoded(
    differences: &mut Differences,
    case: &Json,
    ours: Result<SchemaAndValue>,
    members: [&str; 2],
) {
    match (ours, case.get("error").is_some()) {
        (Ok(ours), false) => differences.compare(
            case,
            json!([schema_text(ours.schema.as_deref()), value_text(&ours.value)]),
            json!([case[members[0]], case[members[1]]]),
        ),
        (Ok(ours), true) => {
            differences.compare(case, value_text(&ours.value), case["error"].clone());
        }
        (Err(error), true) => {
            let (ours, javas) = chains(&error, case);
            differences.compare(case, ours, javas);
        }
        (Err(error), false) => {
            differences.compare(case, json!(error_text(&error)), case[members[1]].clone());
        }
    }
}

#[test]
fn json_is_written_as_in_java() {
    let mut differences = Differences::default();
    for case in lines(include_str!("golden/json_encode.jsonl")) {
        let mut converter = configured(JSON, &case["config"]).unwrap();
        let schema = schema(&case["schema"]);
        let value = value(&case["value"], schema.as_ref());
        let ours = encode(&mut *converter, schema.as_ref(), &value);
        compare_encoded(&mut differences, &case, ours, bytes(&case["out"]));
    }
    differences.finish(900);
}

#[test]
fn json_is_read_as_in_java() {
    let mut differences = Differences::default();
    for case in lines(include_str!("golden/json_decode.jsonl")) {
        let ours = configured(JSON, &case["config"])
            .and_then(|mut converter| decode(&mut *converter, bytes(&case["in"])));
        compare_decoded(&mut differences, &case, ours, ["schema", "value"]);
    }
    differences.finish(2000);
}

#[test]
fn the_other_converters_write_and_read_as_in_java() {
    let mut differences = Differences::default();
    for case in lines(include_str!("golden/plain.jsonl")) {
        let mut converter = configured(case["class"].as_str().unwrap(), &case["config"]).unwrap();
        if let Some(input) = case.get("in") {
            let input = (!input.is_null()).then(|| base64(input));
            let ours = decode(&mut *converter, input);
            compare_decoded(&mut differences, &case, ours, ["out_schema", "out_value"]);
        } else {
            let schema = schema(&case["schema"]);
            if case["value"].get("struct").is_some() && case["out"].is_string() {
                // The text of a struct is that of its fields, which the case does not name.
                continue;
            }
            let value = value(&case["value"], None);
            let ours = encode(&mut *converter, schema.as_ref(), &value);
            let javas = case.get("out").filter(|out| !out.is_null()).map(base64);
            compare_encoded(&mut differences, &case, ours, javas);
        }
    }
    differences.finish(600);
}

#[test]
fn headers_are_written_and_read_as_in_java() {
    let mut differences = Differences::default();
    let mut converter = header_converter("org.apache.kafka.connect.storage.SimpleHeaderConverter");
    for case in lines(include_str!("golden/headers.jsonl")) {
        if let Some(input) = case.get("in") {
            let input = (!input.is_null()).then(|| Bytes::from(base64(input)));
            let ours = converter.to_connect_header("t", "k", input.as_ref());
            compare_decoded(&mut differences, &case, ours, ["out_schema", "out_value"]);
        } else {
            let schema = schema(&case["schema"]);
            let value = value(&case["value"], schema.as_ref());
            let ours = converter.from_connect_header("t", "k", schema.as_ref(), &value);
            let javas = Some(&case["out"]).filter(|out| !out.is_null()).map(base64);
            compare_encoded(
                &mut differences,
                &case,
                ours.map(|b| b.map(Into::into)),
                javas,
            );
        }
    }
    differences.finish(60);
}

#[test]
fn schemas_are_projected_as_in_java() {
    let mut differences = Differences::default();
    for case in lines(include_str!("golden/projector.jsonl")) {
        let source = schema(&case["source"]).unwrap();
        let target = schema(&case["target"]).unwrap();
        let record = value(&case["value"], Some(&source));
        let (ours, javas) = match project(&source, &record, &target) {
            Ok(value) => (value_text(&value), case["out"].clone()),
            Err(error) => chains(&error, &case),
        };
        differences.compare(&case, ours, javas);
    }
    differences.finish(350);
}
