//! The rows A01 to A14 of the reference, with texts that AvroData gives.

use super::*;
use connect_api::data::{Decimal, LogicalType, Schema, Struct, Value};

fn avro_of(config: AvroDataConfig, schema: &SchemaRef) -> String {
    AvroData::new(config)
        .from_connect_schema(Some(schema))
        .unwrap()
        .to_string()
}

fn avro(schema: &SchemaRef) -> String {
    avro_of(AvroDataConfig::default(), schema)
}

fn connect_with(config: AvroDataConfig, text: &str, version: Option<i32>) -> SchemaRef {
    AvroData::new(config)
        .to_connect_schema(&AvroSchema::parse(text).unwrap(), version)
        .unwrap()
        .unwrap()
}

fn connect(text: &str) -> SchemaRef {
    connect_with(AvroDataConfig::default(), text, None)
}

#[test]
fn a01_small_integers_are_marked() {
    assert_eq!(
        avro(&Schema::int8()),
        r#"{"type":"int","connect.type":"int8"}"#
    );
    assert_eq!(
        avro(&Schema::int16()),
        r#"{"type":"int","connect.type":"int16"}"#
    );
    assert_eq!(
        connect(r#"{"type":"int","connect.type":"int8"}"#),
        Schema::int8()
    );
    let error = AvroData::default()
        .to_connect_schema(
            &AvroSchema::parse(r#"{"type":"int","connect.type":"x"}"#).unwrap(),
            None,
        )
        .unwrap_err();
    assert_eq!(
        error.message(),
        "Connect type annotation for Avro int field is null"
    );
}

#[test]
fn a02_properties_keep_their_order() {
    let schema = Schema::builder(SchemaType::Int8)
        .name("n")
        .version(3)
        .doc("d")
        .parameter("p", "q")
        .parameter("avro.x", "y")
        .default_value(5i8)
        .build()
        .unwrap();
    assert_eq!(
        avro(&schema),
        concat!(
            r#"{"type":"int","connect.doc":"d","connect.version":3,"#,
            r#""connect.parameters":{"p":"q","avro.x":"y"},"connect.default":5,"connect.name":"n","#,
            r#""connect.type":"int8","avro.x":"y"}"#
        )
    );
    assert_eq!(
        avro(&Decimal::builder(2).build().unwrap()),
        concat!(
            r#"{"type":"bytes","scale":2,"precision":64,"connect.version":1,"#,
            r#""connect.parameters":{"scale":"2"},"#,
            r#""connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}"#
        )
    );
    let bare = AvroDataConfig {
        connect_meta_data: false,
        ..AvroDataConfig::default()
    };
    assert_eq!(avro_of(bare, &schema), r#"{"type":"int","avro.x":"y"}"#);
}

#[test]
fn a03_the_branch_of_the_default_stands_first() {
    assert_eq!(avro(&Schema::optional_string()), r#"["null","string"]"#);
    let with_default = Schema::builder(SchemaType::Int32)
        .optional()
        .default_value(1i32)
        .build()
        .unwrap();
    let record = Schema::struct_builder()
        .name("r")
        .field("a", Schema::optional_string())
        .field("b", with_default)
        .build()
        .unwrap();
    assert_eq!(
        avro(&record),
        concat!(
            r#"{"type":"record","name":"r","fields":["#,
            r#"{"name":"a","type":["null","string"],"default":null},"#,
            r#"{"name":"b","type":[{"type":"int","connect.default":1},"null"],"default":1}],"#,
            r#""connect.name":"r"}"#
        )
    );
}

/// Since Avro 1.12 a default may be of any branch, so this one is kept.
#[test]
fn a04_an_optional_struct_has_null_first() {
    let inner = || {
        Schema::struct_builder()
            .name("i")
            .field("x", Schema::int32())
            .optional()
    };
    let mut default = Struct::new(inner().build().unwrap()).unwrap();
    default.put("x", 4i32).unwrap();
    let schema = Schema::struct_builder()
        .name("o")
        .field("s", inner().default_value(default).build().unwrap())
        .build()
        .unwrap();
    assert_eq!(
        avro(&schema),
        concat!(
            r#"{"type":"record","name":"o","fields":[{"name":"s","type":["null","#,
            r#"{"type":"record","name":"i","fields":[{"name":"x","type":"int"}],"#,
            r#""connect.default":{"x":4},"connect.name":"i"}],"default":{"x":4}}],"connect.name":"o"}"#
        )
    );
}

#[test]
fn a05_structs_without_names_are_numbered() {
    let inner = |name: &str| {
        Schema::struct_builder()
            .field(name, Schema::int32())
            .build()
            .unwrap()
    };
    let outer = Schema::struct_builder()
        .field("a", inner("x"))
        .field("b", inner("y"))
        .build()
        .unwrap();
    let text = avro(&outer);
    assert_eq!(
        text,
        concat!(
            r#"{"type":"record","name":"ConnectDefault","namespace":"io.confluent.connect.avro","#,
            r#""fields":[{"name":"a","type":{"type":"record","name":"ConnectDefault2","#,
            r#""fields":[{"name":"x","type":"int"}]}},{"name":"b","type":{"type":"record","#,
            r#""name":"ConnectDefault3","fields":[{"name":"y","type":"int"}]}}]}"#
        )
    );
    assert_eq!(connect(&text), outer);
}

#[test]
fn a06_maps_of_other_keys_are_arrays_of_entries() {
    let map = Schema::map_builder(Schema::int32(), Schema::optional_string())
        .build()
        .unwrap();
    let text = avro(&map);
    assert_eq!(
        text,
        concat!(
            r#"{"type":"array","items":{"type":"record","name":"MapEntry","#,
            r#""namespace":"io.confluent.connect.avro","fields":[{"name":"key","type":"int"},"#,
            r#"{"name":"value","type":["null","string"],"default":null}]}}"#
        )
    );
    assert_eq!(connect(&text), map);
    let named = Schema::map_builder(Schema::int32(), Schema::string())
        .name("a.M")
        .build()
        .unwrap();
    let text = avro(&named);
    assert_eq!(
        text,
        concat!(
            r#"{"type":"array","items":{"type":"record","name":"M","namespace":"a","fields":["#,
            r#"{"name":"key","type":"int"},{"name":"value","type":"string"}],"#,
            r#""connect.internal.type":"MapEntry"},"connect.name":"a.M"}"#
        )
    );
    assert_eq!(connect(&text), named);
    let optional_keys = Schema::map_builder(Schema::optional_string(), Schema::int32())
        .build()
        .unwrap();
    let allow = AvroDataConfig {
        allow_optional_map_keys: true,
        ..AvroDataConfig::default()
    };
    assert_eq!(
        avro_of(allow, &optional_keys),
        r#"{"type":"map","values":"int"}"#
    );
}

#[test]
fn a07_schemaless_data_is_anything() {
    let mut data = AvroData::default();
    let schema = data.from_connect_schema(None).unwrap();
    assert_eq!(
        schema.root().full_name(),
        "io.confluent.connect.avro.Anything"
    );
    assert!(data.to_connect_schema(&schema, None).unwrap().is_none());
}

#[test]
fn a08_decimals_have_precision_64_unless_told() {
    let with_precision = Decimal::builder(2)
        .parameter("connect.decimal.precision", "9")
        .build()
        .unwrap();
    let text = avro(&with_precision);
    assert!(text.contains(r#""scale":2,"precision":9"#), "{text}");
    assert_eq!(connect(&text), with_precision);
    let plain = connect(r#"{"type":"bytes","logicalType":"decimal","precision":64,"scale":3}"#);
    assert_eq!(plain, Decimal::builder(3).build().unwrap());
    // Avro has no word for a negative scale, the property stands nevertheless.
    let text = avro(&Decimal::builder(-2).build().unwrap());
    assert!(text.ends_with(r#""logicalType":"decimal"}"#), "{text}");
}

#[test]
fn a09_other_logical_types_are_lost() {
    for (text, schema) in [
        (
            r#"{"type":"long","logicalType":"timestamp-micros"}"#,
            SchemaType::Int64,
        ),
        (
            r#"{"type":"long","logicalType":"local-timestamp-millis"}"#,
            SchemaType::Int64,
        ),
        (
            r#"{"type":"long","logicalType":"time-micros"}"#,
            SchemaType::Int64,
        ),
        (
            r#"{"type":"int","logicalType":"x","connect.type":"int8"}"#,
            SchemaType::Int32,
        ),
        (
            r#"{"type":"string","logicalType":"uuid"}"#,
            SchemaType::String,
        ),
    ] {
        assert_eq!(
            connect(text),
            Schema::primitive(schema, false).unwrap(),
            "{text}"
        );
    }
    for (text, logical) in [
        (
            r#"{"type":"long","logicalType":"timestamp-millis"}"#,
            LogicalType::Timestamp,
        ),
        (
            r#"{"type":"int","logicalType":"time-millis"}"#,
            LogicalType::Time,
        ),
        (r#"{"type":"int","logicalType":"date"}"#, LogicalType::Date),
    ] {
        assert_eq!(connect(text), logical.schema(false), "{text}");
    }
}

const ENUM: &str =
    r#"{"type":"enum","name":"E","namespace":"n","doc":"d","symbols":["A","B"],"default":"A"}"#;

#[test]
fn a10_enums_are_strings_that_remember() {
    let schema = connect(ENUM);
    assert_eq!(schema.name(), Some("n.E"));
    let expected = [
        ("io.confluent.connect.avro.enum.doc.E", "d"),
        ("io.confluent.connect.avro.enum.default.E", "A"),
        ("io.confluent.connect.avro.Enum", "n.E"),
        ("io.confluent.connect.avro.Enum.A", "A"),
        ("io.confluent.connect.avro.Enum.B", "B"),
    ];
    let expected = expected.map(|(name, value)| (name.to_string(), value.to_string()));
    assert_eq!(schema.parameters(), expected);
    assert!(avro(&schema).starts_with(r#"{"type":"string","#));
    let enhanced = AvroDataConfig {
        enhanced_avro_schema_support: true,
        ..AvroDataConfig::default()
    };
    let text = avro_of(enhanced, &schema);
    assert!(text.starts_with(&ENUM[..ENUM.len() - 1]), "{text}");
    let generalized = AvroDataConfig {
        generalized_sum_type_support: true,
        ..AvroDataConfig::default()
    };
    let schema = connect_with(generalized, ENUM, None);
    assert_eq!(
        schema.parameter("org.apache.kafka.connect.data.Enum"),
        Some("n.E")
    );
    assert_eq!(
        schema.parameter("org.apache.kafka.connect.data.Enum.B"),
        Some("1")
    );
}

#[test]
fn a11_unions_are_structs_in_three_modes() {
    let text = r#"["null","int",{"type":"record","name":"R","namespace":"n","fields":[]}]"#;
    let names = |schema: &Schema| -> Vec<String> {
        schema
            .fields()
            .iter()
            .map(|field| field.name.to_string())
            .collect()
    };
    let plain = connect(text);
    assert_eq!(plain.name(), Some("io.confluent.connect.avro.Union"));
    assert_eq!(names(&plain), ["int", "R"]);
    assert!(
        plain.is_optional()
            && plain
                .fields()
                .iter()
                .all(|field| field.schema.is_optional())
    );
    let enhanced = AvroDataConfig {
        enhanced_avro_schema_support: true,
        ..AvroDataConfig::default()
    };
    assert_eq!(names(&connect_with(enhanced, text, None)), ["int", "n.R"]);
    let generalized = AvroDataConfig {
        generalized_sum_type_support: true,
        ..AvroDataConfig::default()
    };
    let schema = connect_with(generalized, text, None);
    assert_eq!(schema.name(), Some("connect_union_0"));
    assert_eq!(
        names(&schema),
        ["connect_union_field_1", "connect_union_field_2"]
    );
    assert_eq!(connect(r#"["int"]"#).schema_type(), SchemaType::Int32);
    let keeps = AvroDataConfig {
        flatten_singleton_unions: false,
        ..AvroDataConfig::default()
    };
    assert_eq!(
        connect_with(keeps, r#"["int"]"#, None).schema_type(),
        SchemaType::Struct
    );
    let same_names = r#"[{"type":"record","name":"a.R","fields":[]},{"type":"record","name":"b.R","fields":[]}]"#;
    let error = AvroData::default()
        .to_connect_schema(&AvroSchema::parse(same_names).unwrap(), None)
        .unwrap_err();
    assert_eq!(
        error.message(),
        "Multiple union schemas map to the Connect union field name"
    );
}

#[test]
fn a12_fixed_is_bytes_of_a_size() {
    let schema = connect(r#"{"type":"fixed","name":"n.F","size":4}"#);
    assert_eq!(schema.name(), Some("n.F"));
    assert_eq!(schema.parameter("connect.fixed.size"), Some("4"));
    assert_eq!(
        avro(&schema),
        concat!(
            r#"{"type":"fixed","name":"F","namespace":"n","size":4,"#,
            r#""connect.parameters":{"connect.fixed.size":"4"},"connect.name":"n.F"}"#
        )
    );
}

#[test]
fn a13_docs_and_defaults_are_parameters() {
    let text = r#"{"type":"record","name":"R","doc":"rd","fields":[{"name":"f","type":"int","doc":"fd","default":7}]}"#;
    let schema = connect(text);
    assert_eq!(
        schema.parameter("io.confluent.connect.avro.record.doc"),
        Some("rd")
    );
    assert_eq!(
        schema.parameter("io.confluent.connect.avro.field.doc.f"),
        Some("fd")
    );
    let field = &schema.fields()[0].schema;
    assert_eq!(field.default_value(), Some(&Value::Int32(7)));
    assert_eq!(
        field.parameter("io.confluent.connect.avro.field.default"),
        Some("true")
    );
    let back = avro(&schema);
    assert!(
        back.contains(r#""doc":"rd""#) && back.contains(r#""doc":"fd","default":7"#),
        "{back}"
    );
    let discards = AvroDataConfig {
        discard_type_doc_default: true,
        ..AvroDataConfig::default()
    };
    let schema = connect_with(discards, text, None);
    assert_eq!(schema.parameter("connect.record.doc"), Some("rd"));
    assert_eq!(schema.fields()[0].schema.doc(), Some("fd"));
}

#[test]
fn a14_connect_properties_count_before_the_registry() {
    let text =
        r#"{"type":"record","name":"R","fields":[],"connect.version":5,"connect.name":"other"}"#;
    let schema = connect_with(AvroDataConfig::default(), text, Some(9));
    assert_eq!((schema.version(), schema.name()), (Some(5), Some("other")));
    let text = r#"{"type":"record","name":"a.R","fields":[]}"#;
    let schema = connect_with(AvroDataConfig::default(), text, Some(9));
    assert_eq!((schema.version(), schema.name()), (Some(9), Some("a.R")));
    let error = AvroData::default()
        .to_connect_schema(
            &AvroSchema::parse(r#"{"type":"int","logicalType":"date","connect.version":2}"#)
                .unwrap(),
            None,
        )
        .unwrap_err();
    assert_eq!(
        error.message(),
        "Mismatched versions: version already added to SchemaBuilder (1) differs from version in source \
         schema (2)"
    );
}

#[test]
fn recursive_schemas_are_laid_out_and_fold_back() {
    let list = r#"{"type":"record","name":"Node","fields":[{"name":"value","type":"int"},{"name":"next","type":["null","Node"],"default":null}]}"#;
    let schema = connect(list);
    let mut depth = 0;
    let mut level = Some(&schema);
    while let Some(next) = level.and_then(|schema| schema.field("next")) {
        depth += 1;
        level = Some(&next.schema);
    }
    assert_eq!(depth, 16);
    assert_eq!(
        avro(&schema),
        format!("{},\"connect.name\":\"Node\"}}", &list[..list.len() - 1])
    );
    let tree = r#"{"type":"record","name":"T","fields":[{"name":"l","type":["null","T"]},{"name":"r","type":["null","T"]},{"name":"c","type":{"type":"array","items":"T"}}]}"#;
    assert!(connect(tree).field("l").is_some());
}

#[test]
fn schemas_that_grow_without_bound_are_refused() {
    let mut text =
        String::from(r#"{"type":"record","name":"R0","fields":[{"name":"a","type":"int"}]}"#);
    let mut branches = vec![text];
    for level in 1..60 {
        let below = level - 1;
        branches.push(format!(
            r#"{{"type":"record","name":"R{level}","fields":[{{"name":"a","type":"R{below}"}},{{"name":"b","type":"R{below}"}}]}}"#
        ));
    }
    text = format!("[{}]", branches.join(","));
    let error = AvroData::default()
        .to_connect_schema(&AvroSchema::parse(&text).unwrap(), None)
        .unwrap_err();
    assert!(error.message().contains("too large"), "{error}");
}

/// AvroData writes one of them in the place of the other, and nobody can read the data.
#[test]
fn two_types_of_one_name_are_refused() {
    let map = |value: SchemaRef| Schema::map_builder(Schema::int32(), value).build().unwrap();
    let both = |left: SchemaRef, right: SchemaRef| {
        let schema = Schema::struct_builder()
            .field("a", left)
            .field("b", right)
            .build()
            .unwrap();
        AvroData::default().from_connect_schema(Some(&schema))
    };
    both(map(Schema::string()), map(Schema::string())).unwrap();
    let error = both(map(Schema::string()), map(Schema::int32())).unwrap_err();
    assert!(
        error
            .message()
            .contains("io.confluent.connect.avro.MapEntry"),
        "{error}"
    );
    let nested = map(map(Schema::string()));
    assert!(
        AvroData::default()
            .from_connect_schema(Some(&nested))
            .is_err()
    );
    // Read all the same: the entry holds itself there.
    let text = r#"{"type":"array","items":{"type":"record","name":"MapEntry","namespace":"io.confluent.connect.avro","fields":[{"name":"key","type":"int"},{"name":"value","type":{"type":"array","items":"MapEntry"}}]}}"#;
    let error = AvroData::default()
        .to_connect_schema(&AvroSchema::parse(text).unwrap(), None)
        .unwrap_err();
    assert!(error.message().contains("nests too deep"), "{error}");
}
