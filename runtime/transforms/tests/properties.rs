//! What holds for any record under any configuration of a transform.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use connect_api::config::{ConfigMap, ConfigType};
use connect_api::data::{Decimal, LogicalType, Map, Schema, SchemaRef, SchemaType, Struct, Value};
use connect_api::{
    Header, Origin, PREDICATES, Record, SinkOrigin, SourceOrigin, TRANSFORMS, TimestampType,
    Transform, TransformPlugin,
};
// Links the transforms, which register themselves.
use connect_transforms as _;
use proptest::prelude::*;
use proptest::sample::select;

const KAFKAS: &str = "org.apache.kafka.connect.transforms.";

/// Few names, so that settings and data often mean the same field.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => select(vec!["a", "b", "c", "a.b", "x", "", "é"]).prop_map(str::to_string),
        1 => ".{0,3}",
    ]
}

/// Any value of some type, with a schema that describes it.
fn typed() -> BoxedStrategy<(SchemaRef, Value)> {
    let primitive = |schema_type| Schema::primitive(schema_type, false).unwrap();
    let leaf = prop_oneof![
        any::<i8>().prop_map(move |v| (primitive(SchemaType::Int8), Value::Int8(v))),
        any::<i16>().prop_map(move |v| (primitive(SchemaType::Int16), Value::Int16(v))),
        any::<i32>().prop_map(move |v| (primitive(SchemaType::Int32), Value::Int32(v))),
        any::<i64>().prop_map(move |v| (primitive(SchemaType::Int64), Value::Int64(v))),
        any::<f32>().prop_map(move |v| (primitive(SchemaType::Float32), Value::Float32(v))),
        any::<f64>().prop_map(move |v| (primitive(SchemaType::Float64), Value::Float64(v))),
        any::<bool>().prop_map(move |v| (primitive(SchemaType::Boolean), Value::Boolean(v))),
        ".{0,8}|-?[0-9]{1,20}|[0-9.eE+-]{1,12}|[0-9]{4}-[0-9]{2}-[0-9]{2}"
            .prop_map(|v| (Schema::string(), Value::from(v))),
        any::<Vec<u8>>().prop_map(|v| (Schema::bytes(), Value::Bytes(v.into()))),
        (any::<i64>(), any::<i32>()).prop_map(|(unscaled, scale)| {
            let decimal = Decimal {
                unscaled: unscaled.into(),
                scale,
            };
            (
                Decimal::builder(scale).build().unwrap(),
                Value::from(decimal),
            )
        }),
        any::<i64>().prop_map(|v| (LogicalType::Timestamp.schema(false), Value::Date(v))),
        any::<i64>().prop_map(|v| (LogicalType::Date.schema(false), Value::Date(v))),
        (0i64..=86_400_000).prop_map(|v| (LogicalType::Time.schema(false), Value::Date(v))),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec((name(), inner.clone(), 0..4u8), 0..5).prop_map(struct_of),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|items| {
                let schema = Schema::array_builder(items[0].0.clone()).build().unwrap();
                let same = items.iter().filter(|item| item.0 == items[0].0);
                (
                    schema,
                    Value::Array(same.map(|item| item.1.clone()).collect()),
                )
            }),
            (name(), inner).prop_map(|(key, (schema, value))| {
                let schema = Schema::map_builder(Schema::string(), schema)
                    .build()
                    .unwrap();
                (schema, Value::Map([(key, value)].into_iter().collect()))
            }),
        ]
    })
    .boxed()
}

/// A struct of fields which are, by their numbers, required, optional, null, or null with a default.
fn struct_of(fields: Vec<(String, (SchemaRef, Value), u8)>) -> (SchemaRef, Value) {
    let mut builder = Schema::struct_builder().name("any");
    let mut values = Vec::new();
    let mut names = Vec::new();
    for (name, (schema, value), kind) in fields {
        if name.is_empty() || names.contains(&name) {
            continue;
        }
        names.push(name.clone());
        let is_plain = schema.schema_type().is_primitive() && schema.name().is_none();
        let schema = match kind {
            1 | 2 if is_plain => Schema::primitive(schema.schema_type(), true).unwrap(),
            3 if is_plain => Schema::builder(schema.schema_type())
                .default_value(value.clone())
                .build()
                .unwrap(),
            _ => schema,
        };
        let is_null = kind >= 2 && is_plain;
        values.push(if is_null { Value::Null } else { value });
        builder = builder.field(name, schema);
    }
    let schema = builder.build().unwrap();
    (
        schema.clone(),
        Value::from(Struct::from_values(schema, values)),
    )
}

/// The same value as it comes without a schema: maps in place of structs.
fn without_schema(value: Value) -> Value {
    match value {
        Value::Struct(record) => {
            let names = record.schema().fields().iter().map(|field| &*field.name);
            let entries = names.zip(record.values());
            let map: Map = entries
                .map(|(name, value)| (name, without_schema(value.clone())))
                .collect();
            Value::Map(map.into_java_hash_order())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_schema).collect()),
        Value::Map(map) => Value::Map(
            map.iter()
                .map(|(key, value)| (key.clone(), without_schema(value.clone())))
                .collect(),
        ),
        other => other,
    }
}

fn half() -> impl Strategy<Value = (Option<SchemaRef>, Value)> {
    prop_oneof![
        4 => typed().prop_map(|(schema, value)| (Some(schema), value)),
        4 => typed().prop_map(|(_, value)| (None, without_schema(value))),
        1 => typed().prop_map(|(schema, _)| (Some(schema), Value::Null)),
        // A careless connector's.
        1 => (typed(), typed()).prop_map(|((schema, _), (_, value))| (Some(schema), value)),
        1 => Just((None, Value::Null)),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let header = (name(), half()).prop_map(|(key, (schema, value))| Header {
        key: key.into(),
        schema,
        value,
    });
    (
        "[a-z.-]{0,6}",
        any::<Option<i32>>(),
        half(),
        half(),
        any::<Option<i64>>(),
        prop::collection::vec(header, 0..3),
    )
        .prop_map(
            |(topic, kafka_partition, key, value, timestamp, headers)| Record {
                topic: topic.into(),
                kafka_partition,
                key_schema: key.0,
                key: key.1,
                value_schema: value.0,
                value: value.1,
                timestamp,
                headers,
            },
        )
}

fn kafkas_transforms() -> Vec<&'static str> {
    let classes = TRANSFORMS.iter().map(|plugin| plugin.class);
    classes.filter(|class| class.starts_with(KAFKAS)).collect()
}

fn plugin(class: &str) -> &'static TransformPlugin {
    TRANSFORMS
        .iter()
        .find(|plugin| plugin.class == class)
        .unwrap()
}

/// Settings that often mean something.
fn setting(config_type: ConfigType) -> BoxedStrategy<Option<String>> {
    let word = select(vec![
        "move",
        "copy",
        "string",
        "unix",
        "Date",
        "Time",
        "Timestamp",
        "V1",
        "V2",
        "seconds",
        "nanoseconds",
        "yyyy-MM-dd",
        "YYYY ww HH:mm z",
        "5",
        "int8",
        "float64",
        "boolean",
        "(.*)",
        "$1",
        "${topic}",
        "true",
        "a:int32,b:string",
        "a:int64,c:float32",
        "a:b",
        "b:c,c:b",
    ]);
    let names = prop::collection::vec(name(), 0..4).prop_map(|names| names.join(","));
    let text = match config_type {
        ConfigType::Boolean => select(vec!["true", "false"])
            .prop_map(str::to_string)
            .boxed(),
        ConfigType::List => prop_oneof![2 => names, 2 => word.prop_map(str::to_string)].boxed(),
        _ => prop_oneof![
            3 => word.prop_map(str::to_string),
            2 => name(),
            1 => ".{0,5}",
        ]
        .boxed(),
    };
    prop_oneof![3 => text.prop_map(Some), 1 => Just(None)].boxed()
}

/// The class of a transform with settings made for its definition.
fn transform() -> impl Strategy<Value = (&'static str, ConfigMap)> {
    select(kafkas_transforms()).prop_flat_map(|class| {
        let config_def = (plugin(class).config_def)();
        let settings: Vec<_> = config_def
            .keys()
            .map(|key| setting(key.config_type()))
            .collect();
        settings.prop_map(move |texts| {
            let keys = config_def.keys().zip(texts);
            let entries =
                keys.filter_map(|(key, text)| Some((key.name().to_string(), Some(text?))));
            (class, entries.collect())
        })
    })
}

fn apply(
    transform: &mut dyn Transform,
    record: Record,
    is_sink: bool,
) -> connect_api::Result<Option<Record>> {
    if is_sink {
        let origin = SinkOrigin {
            original_topic: record.topic.clone(),
            original_kafka_partition: 0,
            kafka_offset: 7,
            timestamp_type: TimestampType::CreateTime,
        };
        transform.apply(record, Origin::Sink(&origin))
    } else {
        transform.apply(record, Origin::Source(&SourceOrigin::default()))
    }
}

fn configured(class: &str, settings: &[(&'static str, &'static str)]) -> Box<dyn Transform> {
    let mut transform = (plugin(&format!("{KAFKAS}{class}")).create)();
    transform
        .configure(&ConfigMap::from_iter(settings.iter().copied()))
        .unwrap();
    transform
}

/// Whether structs stand under the schema beside them, with one value for each field.
fn schemas_agree(record: &Record) -> bool {
    let halves = [
        (&record.key_schema, &record.key),
        (&record.value_schema, &record.value),
    ];
    halves
        .into_iter()
        .all(|(schema, value)| match (schema, value) {
            (Some(schema), Value::Struct(value)) => {
                // NaN as a default equals nothing.
                let is_same = value.schema() == schema || format!("{schema:?}").contains("NaN");
                is_same && value.values().len() == schema.fields().len()
            }
            _ => true,
        })
}

/// What can be compared where NaN, which equals nothing, may be in it.
fn text(record: &Record) -> String {
    format!("{record:?}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The second record meets what the transform kept from the first one.
    #[test]
    fn no_record_makes_a_transform_panic(
        (class, config) in transform(),
        first in record(),
        second in record(),
        is_sink: bool,
    ) {
        let mut transform = (plugin(class).create)();
        if transform.configure(&config).is_ok() {
            let again = apply(&mut *transform, first.clone(), is_sink).map(|r| r.as_ref().map(text));
            let _ = apply(&mut *transform, second, is_sink);
            // What is kept changes nothing.
            let fresh = apply(&mut *transform, first, is_sink).map(|r| r.as_ref().map(text));
            prop_assert_eq!(
                again.map_err(|error| error.trace()),
                fresh.map_err(|error| error.trace())
            );
        }
    }

    #[test]
    fn structs_come_out_under_the_schema_beside_them(
        (class, config) in transform(),
        record in record(),
    ) {
        prop_assume!(schemas_agree(&record));
        let mut transform = (plugin(class).create)();
        if transform.configure(&config).is_ok()
            && let Ok(Some(out)) = apply(&mut *transform, record, true)
        {
            prop_assert!(schemas_agree(&out), "{}", text(&out));
        }
    }

    #[test]
    fn a_predicate_never_panics(settings in prop::collection::vec(setting(ConfigType::String), 3), record in record()) {
        for plugin in PREDICATES.iter() {
            let mut predicate = (plugin.create)();
            let keys = (plugin.config_def)().keys().zip(&settings);
            let config = keys
                .filter_map(|(key, text)| Some((key.name().to_string(), Some(text.clone()?))))
                .collect();
            if predicate.configure(&config).is_ok() {
                let _ = predicate.test(&record, Origin::Source(&SourceOrigin::default()));
            }
        }
    }

    /// A field that was hoisted and then extracted is what it was.
    #[test]
    fn extracting_undoes_hoisting(record in record()) {
        let mut hoist = configured("HoistField$Value", &[("field", "h")]);
        let mut extract = configured("ExtractField$Value", &[("field", "h"), ("replace.null.with.default", "false")]);
        if let Ok(Some(hoisted)) = apply(&mut *hoist, record.clone(), true) {
            let extracted = apply(&mut *extract, hoisted, true).unwrap().unwrap();
            prop_assert_eq!(text(&extracted), text(&record));
        }
    }

    /// Names that are swapped twice are where they were.
    #[test]
    fn renaming_back_undoes_renaming(record in record()) {
        let settings = |renames| [("renames", renames), ("replace.null.with.default", "false")];
        let mut there = configured("ReplaceField$Value", &settings("a:q1,b:q2"));
        let mut back = configured("ReplaceField$Value", &settings("q1:a,q2:b"));
        if let Ok(Some(renamed)) = apply(&mut *there, record.clone(), true) {
            let renamed = apply(&mut *back, renamed, true).unwrap().unwrap();
            // The order of a map may be another one, which its equality does not see.
            prop_assert!(renamed.value == record.value || text(&renamed).contains("NaN"));
        }
    }

    /// What is flat stays as it is. Null under a default, which the second time is read as the default,
    /// is the only exception.
    #[test]
    fn flattening_twice_is_flattening_once(record in record()) {
        let mut flatten = configured("Flatten$Value", &[("delimiter", "_")]);
        if let Ok(Some(once)) = apply(&mut *flatten, record, true)
            && let Ok(Some(twice)) = apply(&mut *flatten, once.clone(), true)
        {
            // NaN equals nothing.
            let seen = text(&once);
            prop_assert!(twice.value_schema == once.value_schema || seen.contains("NaN"));
            if !seen.contains("default: Some") && !seen.contains("NaN") {
                prop_assert_eq!(twice, once);
            }
        }
    }

    /// A topic that does not match, and a header that is not there, leave the record alone.
    #[test]
    fn what_is_not_meant_stays(record in record()) {
        let mut router = configured("RegexRouter", &[("regex", "NONE[0-9]"), ("replacement", "x")]);
        let mut drop = configured("DropHeaders", &[("headers", "not there")]);
        for transform in [&mut router, &mut drop] {
            let out = apply(&mut **transform, record.clone(), false).unwrap().unwrap();
            prop_assert_eq!(text(&out), text(&record));
        }
    }
}
