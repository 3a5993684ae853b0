//! Whatever Connect can say goes to Avro and comes back; whatever bytes come, nothing panics and no more
//! memory is taken than they warrant.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use bytes::{Bytes, BytesMut};
use connect_api::data::{Decimal, LogicalType, Map, Schema, SchemaRef, SchemaType, Struct, Value};
use connect_avro::{AvroData, AvroDataConfig, AvroSchema, Decoder, Encoder, incompatibilities};
use proptest::prelude::*;

/// Numbers out of a seed (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn chance(&mut self) -> bool {
        self.roll(2) == 0
    }
}

const PRIMITIVES: [SchemaType; 9] = [
    SchemaType::Int8,
    SchemaType::Int16,
    SchemaType::Int32,
    SchemaType::Int64,
    SchemaType::Float32,
    SchemaType::Float64,
    SchemaType::Boolean,
    SchemaType::String,
    SchemaType::Bytes,
];

fn primitive(dice: &mut Dice) -> SchemaRef {
    let schema_type = PRIMITIVES[dice.roll(9) as usize];
    if dice.roll(3) > 0 {
        return Schema::primitive(schema_type, dice.chance()).unwrap();
    }
    let mut builder = Schema::builder(schema_type);
    if dice.chance() {
        builder = builder.optional();
    }
    if dice.chance() {
        builder = builder.name(format!("name {}", dice.roll(5)));
    }
    if dice.chance() {
        builder = builder.version(dice.roll(9) as i32).doc("documentation");
    }
    if dice.chance() {
        builder = builder.parameter("p", "v").parameter("avro.q", "w");
    }
    builder.build().unwrap()
}

fn schema(dice: &mut Dice, depth: u64) -> SchemaRef {
    let kind = if depth == 0 {
        dice.roll(4)
    } else {
        dice.roll(8)
    };
    let optional = dice.chance();
    let builder = match kind {
        0..3 => return primitive(dice),
        3 => match dice.roll(4) {
            0 => Decimal::builder(dice.roll(5) as i32),
            1 => return LogicalType::Date.schema(optional),
            2 => return LogicalType::Time.schema(optional),
            _ => return LogicalType::Timestamp.schema(optional),
        },
        4 => Schema::array_builder(schema(dice, depth - 1)),
        5 => Schema::map_builder(Schema::string(), schema(dice, depth - 1)),
        6 => Schema::map_builder(Schema::int32(), schema(dice, depth - 1)),
        _ => (0..dice.roll(5)).fold(Schema::struct_builder(), |builder, index| {
            builder.field(format!("f{index}"), schema(dice, depth - 1))
        }),
    };
    if optional {
        builder.optional()
    } else {
        builder
    }
    .build()
    .unwrap()
}

fn value(dice: &mut Dice, schema: &SchemaRef) -> Value {
    if schema.is_optional() && dice.roll(3) == 0 {
        return Value::Null;
    }
    let raw = dice.roll(u64::MAX);
    match LogicalType::of(schema) {
        Some(LogicalType::Decimal) => {
            return Value::from(Decimal {
                unscaled: (raw as i64 >> dice.roll(60)).into(),
                scale: Decimal::scale_of(schema).unwrap(),
            });
        }
        Some(LogicalType::Date) => return Value::Date((raw % 50_000) as i64 * 86_400_000),
        Some(LogicalType::Time) => return Value::Date((raw % 86_400_001) as i64),
        Some(LogicalType::Timestamp) => return Value::Date(raw as i64),
        None => {}
    }
    let shift = dice.roll(64);
    match schema.schema_type() {
        SchemaType::Int8 => Value::Int8(raw as i8),
        SchemaType::Int16 => Value::Int16(raw as i16),
        SchemaType::Int32 => Value::Int32(raw as i32),
        SchemaType::Int64 => Value::Int64(raw as i64 >> shift),
        SchemaType::Float32 => Value::Float32(raw as i32 as f32),
        SchemaType::Float64 => Value::Float64(raw as i64 as f64),
        SchemaType::Boolean => Value::Boolean(raw.is_multiple_of(2)),
        SchemaType::String => Value::from(format!("té{}", "x".repeat(raw as usize % 80))),
        SchemaType::Bytes => Value::Bytes(raw.to_be_bytes()[..raw as usize % 9].to_vec().into()),
        SchemaType::Array => {
            let inner = schema.value_schema().unwrap().unwrap();
            Value::Array((0..raw % 5).map(|_| value(dice, inner)).collect())
        }
        SchemaType::Map => {
            let key_schema = schema.key_schema().unwrap().unwrap();
            let value_schema = schema.value_schema().unwrap().unwrap();
            let entries =
                (0..raw % 5).map(|_| (value(dice, key_schema), value(dice, value_schema)));
            Value::Map(entries.collect::<Map>())
        }
        SchemaType::Struct => {
            let values = schema
                .fields()
                .iter()
                .map(|field| value(dice, &field.schema))
                .collect();
            Value::from(Struct::from_values(schema.clone(), values))
        }
    }
}

/// Schemas for bytes that were not made for them.
const SCHEMAS: [&str; 7] = [
    r#"{"type":"record","name":"R","fields":[{"name":"a","type":"long"},{"name":"b","type":["null","string","int","double"]},{"name":"c","type":{"type":"map","values":"bytes"}},{"name":"d","type":{"type":"array","items":"R"}}]}"#,
    r#"{"type":"array","items":{"type":"record","name":"E","fields":[]}}"#,
    r#"{"type":"array","items":{"type":"fixed","name":"F","size":0}}"#,
    r#"{"type":"array","items":{"type":"record","name":"MapEntry","namespace":"io.confluent.connect.avro","fields":[{"name":"key","type":["null","int"]},{"name":"value","type":{"type":"array","items":"string"}}]}}"#,
    r#"["null",{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}]"#,
    r#"{"type":"enum","name":"N","symbols":["A","B"]}"#,
    r#"{"type":"map","values":{"type":"array","items":{"type":"long","logicalType":"timestamp-millis"}}}"#,
];

proptest! {
    #[test]
    fn connect_data_comes_back(seed in 1u64..) {
        let dice = &mut Dice(seed);
        let schema = schema(dice, 3);
        let value = value(dice, &schema);
        let mut data = AvroData::default();
        let avro = match data.from_connect_schema(Some(&schema)) {
            Ok(avro) => avro,
            // Maps of other than string keys without names are all called MapEntry.
            Err(error) => {
                prop_assert!(error.message().contains("MapEntry"), "{}", error);
                return Ok(());
            }
        };
        let text = avro.to_string();
        let parsed = AvroSchema::parse(&text).unwrap();
        prop_assert_eq!(parsed.to_string(), text);
        prop_assert_eq!(incompatibilities(&parsed, &avro), Vec::<String>::new());
        let decoder = Decoder::new(&mut data, &parsed, None).unwrap();
        prop_assert_eq!(decoder.schema(), Some(&schema));
        let mut out = BytesMut::new();
        Encoder::new(&data, Some(&schema), &avro).unwrap().encode(&value, &mut out).unwrap();
        let bytes = out.freeze();
        let (back, num_bytes) = decoder.decode(&bytes).unwrap();
        prop_assert_eq!(num_bytes, bytes.len());
        prop_assert_eq!(&back.value, &value);
        for end in 0..bytes.len() {
            // A part of a datum is an error, or a datum that ends earlier; never a panic.
            let _ = decoder.decode(&bytes.slice(..end));
        }
    }

    #[test]
    fn schemaless_data_comes_back(seed in 1u64..) {
        fn any_value(dice: &mut Dice, depth: u64) -> Value {
            match dice.roll(if depth == 0 { 6 } else { 8 }) {
                0 => Value::Null,
                1 => Value::Boolean(dice.chance()),
                2 => Value::Int32(dice.roll(1 << 32) as i32),
                3 => Value::Int64(dice.roll(u64::MAX) as i64),
                4 => Value::Float64(dice.roll(1000) as f64 / 8.0),
                5 => Value::from(format!("s{}", dice.roll(100))),
                6 => Value::Array((0..dice.roll(4)).map(|_| any_value(dice, depth - 1)).collect()),
                _ => {
                    let entries = (0..dice.roll(4))
                        .map(|_| (Value::from(format!("k{}", dice.roll(9))), any_value(dice, depth - 1)));
                    Value::Map(entries.collect::<Map>())
                }
            }
        }
        let value = any_value(&mut Dice(seed), 4);
        let mut data = AvroData::default();
        let avro = data.from_connect_schema(None).unwrap();
        let mut out = BytesMut::new();
        Encoder::new(&data, None, &avro).unwrap().encode(&value, &mut out).unwrap();
        let (back, _) = Decoder::new(&mut data, &avro, None).unwrap().decode(&out.freeze()).unwrap();
        prop_assert_eq!((back.schema, back.value), (None, value));
    }

    #[test]
    fn any_bytes_are_data_or_an_error(bytes: Vec<u8>, which in 0..SCHEMAS.len()) {
        let avro = AvroSchema::parse(SCHEMAS[which]).unwrap();
        let decoder = Decoder::new(&mut AvroData::default(), &avro, None).unwrap();
        let _ = decoder.decode(&Bytes::from(bytes.clone()));
        let _ = decoder.decode_message(&Bytes::from(bytes.clone()));
        let mut data = AvroData::default();
        let anything = data.from_connect_schema(None).unwrap();
        let _ = Decoder::new(&mut data, &anything, None).unwrap().decode(&Bytes::from(bytes));
    }

    #[test]
    fn any_text_is_a_schema_or_an_error(text in r#"[\[\]{}",:a-z0-9 ]{0,60}"#) {
        let _ = AvroSchema::parse(&text);
    }

    /// Any two schemas make a plan, even if all that it can do is to fail.
    #[test]
    fn any_two_schemas_make_a_plan(writer in 0..SCHEMAS.len(), reader in 0..SCHEMAS.len(), bytes: Vec<u8>) {
        let writer = AvroSchema::parse(SCHEMAS[writer]).unwrap();
        let reader = AvroSchema::parse(SCHEMAS[reader]).unwrap();
        let generalized = AvroDataConfig {
            generalized_sum_type_support: true,
            ..AvroDataConfig::default()
        };
        let mut data = AvroData::new(generalized);
        let decoder = Decoder::with_reader(&mut data, &writer, &reader, Some(1)).unwrap();
        let _ = decoder.decode(&Bytes::from(bytes));
    }
}

/// A count costs its writer five bytes; it must not cost its reader gigabytes.
#[test]
fn counts_are_not_trusted() {
    for text in [SCHEMAS[1], SCHEMAS[2], SCHEMAS[3], SCHEMAS[6]] {
        let avro = AvroSchema::parse(text).unwrap();
        let decoder = Decoder::new(&mut AvroData::default(), &avro, None).unwrap();
        let claimed = Bytes::from_static(&[0xFE, 0xFF, 0xFF, 0xFF, 0x0F]);
        assert!(decoder.decode(&claimed).is_err(), "{text}");
    }
}

#[test]
fn schemaless_data_may_not_nest_without_bound() {
    let mut data = AvroData::default();
    let anything = data.from_connect_schema(None).unwrap();
    let decoder = Decoder::new(&mut data, &anything, None).unwrap();
    // The eighth field is an array of one item, again and again.
    let deep: Vec<u8> = [0, 0, 0, 0, 0, 0, 0, 2, 2].repeat(100_000);
    let error = decoder.decode(&Bytes::from(deep)).unwrap_err();
    assert!(error.message().contains("nests deeper"), "{error}");
    let mut value = Value::Null;
    for _ in 0..1_000 {
        value = Value::Array(vec![value]);
    }
    let encoder = Encoder::new(&data, None, &anything).unwrap();
    let error = encoder.encode(&value, &mut BytesMut::new()).unwrap_err();
    assert!(error.message().contains("nests deeper"), "{error}");
}
