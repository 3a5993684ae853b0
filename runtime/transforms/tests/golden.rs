//! What Kafka's own transforms and predicates make of records, and what ours make of them. The golden
//! file is printed by `tests/java/run TransformsGolden`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../../api/tests/golden/notation.rs"]
mod notation;

use connect_api::config::{ConfigKey, ConfigMap, Validator};
use connect_api::data::{Map, Schema, SchemaRef, SchemaType, Struct, Value};
use connect_api::{
    ConnectError, Header, Origin, PREDICATES, Record, SinkOrigin, SourceOrigin, TRANSFORMS,
    TimestampType,
};
// Links the transforms, which register themselves.
use connect_transforms as _;
use notation::{lines, schema_text, value_text};
use serde_json::{Value as Json, json};

const PACKAGE: &str = "org.apache.kafka.connect.transforms.";

/// Errors of the JDK whose words differ from version to version.
const JDK_WORDED: [&str; 7] = [
    "java.lang.ArrayIndexOutOfBoundsException",
    "java.lang.NullPointerException",
    "java.lang.ClassCastException",
    "java.lang.NumberFormatException",
    "java.lang.IndexOutOfBoundsException",
    "java.lang.IllegalArgumentException",
    "java.text.ParseException",
];

#[derive(Default)]
struct Golden {
    schemas: Vec<SchemaRef>,
    records: Vec<(Record, Option<i64>)>,
    num_cases: usize,
    differences: Vec<String>,
}

fn text(json: &Json) -> Option<&str> {
    json.as_str()
}

fn config(case: &Json) -> ConfigMap {
    let entries = case["config"].as_object().unwrap().iter();
    entries
        .map(|(key, value)| (key.clone(), text(value).map(str::to_string)))
        .collect()
}

impl Golden {
    fn schema(&self, json: &Json) -> Option<SchemaRef> {
        Some(self.schemas[json.as_u64()? as usize].clone())
    }

    /// A schema from its attributes; those within it come by their numbers.
    fn read_schema(&self, json: &Json) -> SchemaRef {
        let inner = |name: &str| self.schema(&json[name]);
        let mut builder = match text(&json["type"]).unwrap() {
            "ARRAY" => match inner("items") {
                Some(items) => Schema::array_builder(items),
                None => return Schema::untyped_array(false),
            },
            "MAP" => match (inner("keys"), inner("values")) {
                (Some(keys), Some(values)) => Schema::map_builder(keys, values),
                (keys, values) => return Schema::untyped_map(keys, values),
            },
            "STRUCT" => {
                let fields = json["fields"].as_array().unwrap().iter();
                fields.fold(Schema::struct_builder(), |builder, field| {
                    let schema = self.schema(&field[1]).unwrap();
                    builder.field(text(&field[0]).unwrap(), schema)
                })
            }
            name => Schema::builder(primitive(name)),
        };
        if json.get("optional").is_some() {
            builder = builder.optional();
        }
        if let Some(name) = text(&json["name"]) {
            builder = builder.name(name);
        }
        if let Some(version) = json["version"].as_i64() {
            builder = builder.version(version as i32);
        }
        if let Some(doc) = text(&json["doc"]) {
            builder = builder.doc(doc);
        }
        for parameter in json["parameters"].as_array().into_iter().flatten() {
            builder = builder.parameter(text(&parameter[0]).unwrap(), text(&parameter[1]).unwrap());
        }
        let Some(default) = json.get("default") else {
            return builder.build().unwrap();
        };
        let bare = builder.clone().build().unwrap();
        let default = self.value(default, Some(&bare));
        match builder.default_value(default).build() {
            Ok(schema) => schema,
            // Kafka makes a few that its own builder would refuse; their texts are compared.
            Err(_) => bare,
        }
    }

    /// The value of a notation; structs take their schema from the given one.
    fn value(&self, json: &Json, schema: Option<&SchemaRef>) -> Value {
        if let Some(items) = json.as_array() {
            let inner = schema.and_then(|schema| schema.value_schema().ok().flatten());
            return Value::Array(items.iter().map(|item| self.value(item, inner)).collect());
        }
        let Some((class, inside)) = json.as_object().and_then(|object| object.iter().next()) else {
            return notation::value(json, schema);
        };
        match class.as_str() {
            "map" => {
                let keys = schema.and_then(|schema| schema.key_schema().ok().flatten());
                let values = schema.and_then(|schema| schema.value_schema().ok().flatten());
                let entries = inside.as_array().unwrap().iter();
                let entries = entries
                    .map(|entry| (self.value(&entry[0], keys), self.value(&entry[1], values)));
                Value::Map(entries.collect::<Map>())
            }
            "struct_of" => {
                let schema = self.schema(&inside[0]).unwrap();
                self.value(&json!({ "struct": inside[1] }), Some(&schema))
            }
            "struct" => {
                let schema = schema.unwrap();
                let fields = schema.fields().iter().zip(inside.as_array().unwrap());
                let values = fields
                    .map(|(field, json)| self.value(json, Some(&field.schema)))
                    .collect();
                Value::from(Struct::from_values(schema.clone(), values))
            }
            _ => notation::value(json, schema),
        }
    }

    fn read_record(&self, json: &Json) -> Record {
        let (key_schema, value_schema) = (
            self.schema(&json["key_schema"]),
            self.schema(&json["value_schema"]),
        );
        Record {
            topic: text(&json["topic"]).unwrap().into(),
            kafka_partition: json["partition"].as_i64().map(|partition| partition as i32),
            key: self.value(&json["key"], key_schema.as_ref()),
            key_schema,
            value: self.value(&json["value"], value_schema.as_ref()),
            value_schema,
            timestamp: json["timestamp"].as_i64(),
            headers: self.read_headers(&json["headers"]),
        }
    }

    fn read_headers(&self, json: &Json) -> Vec<Header> {
        let header = |json: &Json| {
            let schema = self.schema(&json[1]);
            Header {
                key: text(&json[0]).unwrap().into(),
                value: self.value(&json[2], schema.as_ref()),
                schema,
            }
        };
        json.as_array().unwrap().iter().map(header).collect()
    }

    /// The record that came out in Java: the one that went in, with the changed parts.
    fn overlaid(&self, record: &Record, changes: &Json) -> Record {
        let mut record = record.clone();
        let has = |name: &str| changes.get(name).is_some();
        if has("topic") {
            record.topic = text(&changes["topic"]).unwrap().into();
        }
        if has("key_schema") {
            record.key_schema = self.schema(&changes["key_schema"]);
        }
        if has("key") {
            record.key = self.value(&changes["key"], record.key_schema.as_ref());
        }
        if has("value_schema") {
            record.value_schema = self.schema(&changes["value_schema"]);
        }
        if has("value") {
            record.value = self.value(&changes["value"], record.value_schema.as_ref());
        }
        if has("headers") {
            record.headers = self.read_headers(&changes["headers"]);
        }
        if has("partition") {
            let partition = changes["partition"].as_i64();
            record.kafka_partition = partition.map(|partition| partition as i32);
        }
        if has("timestamp") {
            record.timestamp = changes["timestamp"].as_i64();
        }
        record
    }

    fn compare(&mut self, case: &Json, ours: Json, javas: Json) {
        // A default that is a struct keeps the unfinished schema of its builder in Java, which equals no
        // other: such defaults can't be put into a field there. Here they get the schema of the field.
        if javas[0][1] == "Struct schemas do not match." {
            return;
        }
        self.num_cases += 1;
        if ours != javas {
            self.differences
                .push(format!("{case}\n  ours  {ours}\n  Javas {javas}"));
        }
    }

    fn compare_configure_error(&mut self, case: &Json, ours: connect_api::Result<()>) {
        let Err(error) = ours else {
            return self.compare(case, json!("no error"), case["configure_error"].clone());
        };
        // Java stops at the first fault; ours come one in a line.
        let message = error.message().lines().next().unwrap_or_default();
        let javas = case["configure_error"][0].clone();
        // Debezium only logs what is wrong; ours is told.
        let is_add_on = text(&case["case"]).is_some_and(|class| class.starts_with("io."));
        let is_jdk_worded = |class: &Json| is_add_on || JDK_WORDED.contains(&text(class).unwrap());
        let (ours, javas) = if is_jdk_worded(&javas[0]) {
            (json!("an error"), json!("an error"))
        } else {
            let javas_first_line = text(&javas[1]).unwrap().lines().next();
            (
                json!([error.class(), message]),
                json!([javas[0], javas_first_line]),
            )
        };
        self.compare(case, ours, javas);
    }

    fn compare_transform(&mut self, case: &Json) {
        let class = match text(&case["case"]).unwrap() {
            add_on if add_on.starts_with("io.") => add_on.to_string(),
            name => format!("{PACKAGE}{name}"),
        };
        let plugin = TRANSFORMS.iter().find(|plugin| plugin.class == class);
        let mut transform = (plugin.expect("the class is registered").create)();
        let configured = transform.configure(&config(case));
        if case.get("configure_error").is_some() {
            return self.compare_configure_error(case, configured);
        }
        if let Err(error) = configured {
            return self.compare(case, error_json(&error), json!("no error"));
        }
        let (record, offset) = self.records[case["of"].as_u64().unwrap() as usize].clone();
        // What was found out from the first record is used for the second.
        for _ in 0..2 {
            let ours = with_origin(&record, offset, |origin| {
                transform.apply(record.clone(), origin)
            });
            match (ours, case.get("errors")) {
                (Ok(ours), Some(javas)) => {
                    let ours = ours.as_ref().map(record_json);
                    self.compare(case, json!(ours), javas.clone());
                }
                (Ok(None), None) => self.compare(case, json!(true), case["dropped"].clone()),
                (Ok(Some(ours)), None) if case.get("dropped").is_some() => {
                    self.compare(case, record_json(&ours), json!("dropped"));
                }
                (Ok(Some(ours)), None) => {
                    let javas = self.overlaid(&record, &case["out"]);
                    if case.get("odd").is_none() {
                        assert_schemas_agree(&ours);
                    }
                    self.compare(case, record_json(&ours), record_json(&javas));
                }
                (Err(ours), Some(javas)) => {
                    let javas = without_jdk_words(javas.clone());
                    self.compare(case, without_jdk_words(error_json(&ours)), javas);
                }
                (Err(ours), None) => self.compare(case, error_json(&ours), case["out"].clone()),
            }
        }
    }

    fn compare_config_def(&mut self, case: &Json) {
        let class = format!("{PACKAGE}{}", text(&case["config_def"]).unwrap());
        let transform = TRANSFORMS.iter().find(|plugin| plugin.class == class);
        let predicate = PREDICATES.iter().find(|plugin| plugin.class == class);
        let config_def = transform
            .map(|plugin| (plugin.config_def, plugin.version))
            .or(predicate.map(|plugin| (plugin.config_def, plugin.version)));
        let (config_def, version) = config_def.expect("the class is registered");
        assert_eq!(version, connect_api::KAFKA_VERSION);
        let keys: Vec<Json> = config_def().keys().map(key_json).collect();
        self.compare(case, json!(keys), case["keys"].clone());
    }

    fn compare_predicate(&mut self, case: &Json) {
        let class = format!("{PACKAGE}predicates.{}", text(&case["predicate"]).unwrap());
        let plugin = PREDICATES.iter().find(|plugin| plugin.class == class);
        let mut predicate = (plugin.expect("the class is registered").create)();
        let configured = predicate.configure(&config(case));
        if case.get("configure_error").is_some() {
            return self.compare_configure_error(case, configured);
        }
        configured.unwrap();
        let (record, offset) = self.records[case["of"].as_u64().unwrap() as usize].clone();
        for _ in 0..2 {
            let ours = with_origin(&record, offset, |origin| predicate.test(&record, origin));
            self.compare(case, json!(ours.unwrap()), case["holds"].clone());
        }
    }
}

/// Ours has what follows cut off where Java prints the whole record.
fn cut(message: &str) -> &str {
    const MISSING: &str = "Timestamp missing on record:";
    if message.starts_with(MISSING) {
        MISSING
    } else {
        message
    }
}

fn primitive(name: &str) -> SchemaType {
    use SchemaType::*;
    [
        Int8, Int16, Int32, Int64, Float32, Float64, Boolean, String, Bytes,
    ]
    .into_iter()
    .find(|known| known.name() == name)
    .unwrap()
}

fn with_origin<T>(record: &Record, offset: Option<i64>, run: impl FnOnce(Origin<'_>) -> T) -> T {
    match offset {
        Some(kafka_offset) => run(Origin::Sink(&SinkOrigin {
            original_topic: record.topic.clone(),
            original_kafka_partition: record.kafka_partition.unwrap_or(0),
            kafka_offset,
            timestamp_type: TimestampType::CreateTime,
        })),
        None => run(Origin::Source(&SourceOrigin::default())),
    }
}

fn assert_schemas_agree(record: &Record) {
    let halves = [
        (&record.key_schema, &record.key),
        (&record.value_schema, &record.value),
    ];
    for (schema, value) in halves {
        if let (Some(schema), Value::Struct(value)) = (schema, value) {
            assert_eq!(value.schema(), schema);
        }
    }
}

fn record_json(record: &Record) -> Json {
    let headers: Vec<Json> = record
        .headers
        .iter()
        .map(|header| {
            json!([
                *header.key,
                schema_text(header.schema.as_deref()),
                value_text(&header.value)
            ])
        })
        .collect();
    json!({
        "topic": *record.topic,
        "partition": record.kafka_partition,
        "key_schema": schema_text(record.key_schema.as_deref()),
        "key": value_text(&record.key),
        "value_schema": schema_text(record.value_schema.as_deref()),
        "value": value_text(&record.value),
        "timestamp": record.timestamp,
        "headers": headers,
    })
}

fn error_json(error: &ConnectError) -> Json {
    let mut chain = vec![json!([error.class(), error.message_opt().map(cut)])];
    let mut cause = error.cause();
    while let Some(error) = cause {
        chain.push(json!([error.class(), error.message_opt()]));
        cause = error.cause();
    }
    Json::Array(chain)
}

/// What the golden file says about a setting.
fn key_json(key: &ConfigKey) -> Json {
    assert!(!key.documentation().is_empty());
    json!([
        key.name(),
        key.config_type().name(),
        match key.default_data() {
            Some(default) => json!(default.to_string()),
            None if key.is_required() => json!("<required>"),
            None => Json::Null,
        },
        key.get_importance().name(),
        // Java has no words for this one.
        key.get_validator().map(|validator| match validator {
            Validator::ListWithoutDuplicates { .. } => String::new(),
            validator => validator.to_string(),
        }),
        key.group_name(),
        key.order_in_group(),
        key.width().name(),
        key.display_name(),
    ])
}

/// The errors without what differs from JDK to JDK.
fn without_jdk_words(mut chain: Json) -> Json {
    for error in chain.as_array_mut().unwrap() {
        const MIXED: &str = "Array elements with different Bson types are not supported";
        if text(&error[1]).is_some_and(|message| message.starts_with(MIXED)) {
            // There the data follows, here what to do.
            error[1] = json!(MIXED);
        }
        if JDK_WORDED.contains(&text(&error[0]).unwrap()) {
            let is_kafkas = text(&error[1]).is_some_and(|m| m.starts_with("Unknown field: "));
            if !is_kafkas {
                error[1] = json!("the JDK's words");
            }
        }
    }
    chain
}

fn compare_all(file: &str, at_least: usize) {
    let path = format!("{}/tests/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut golden = Golden::default();
    for line in lines(&std::fs::read_to_string(path).unwrap()) {
        if line.get("schema").is_some() {
            let schema = golden.read_schema(&line["is"]);
            golden.schemas.push(schema);
        } else if line.get("record").is_some() {
            let record = golden.read_record(&line);
            golden.records.push((record, line["offset"].as_i64()));
        } else if line.get("config_def").is_some() {
            golden.compare_config_def(&line);
        } else if line.get("predicate").is_some() {
            golden.compare_predicate(&line);
        } else {
            golden.compare_transform(&line);
        }
    }
    assert!(
        golden.num_cases >= at_least,
        "only {} cases",
        golden.num_cases
    );
    let num_differences = golden.differences.len();
    golden.differences.truncate(100);
    assert!(
        num_differences == 0,
        "{num_differences} of {} cases differ:\n{}",
        golden.num_cases,
        golden.differences.join("\n")
    );
}

#[test]
fn records_come_out_as_in_java() {
    compare_all("transforms.jsonl", 4000);
}

#[test]
fn records_come_out_as_in_debezium() {
    compare_all("debezium.jsonl", 2000);
}

#[test]
fn settings_of_debezium_2_do_what_they_did() {
    compare_all("debezium_3_0.jsonl", 800);
}
