//! Any schema and values of it, from a seed.

use super::*;

/// Numbers out of a seed (xorshift).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

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

pub(super) fn optional(schema_type: SchemaType) -> SchemaRef {
    Schema::primitive(schema_type, true).unwrap()
}

/// A struct with some fields, down to that depth.
pub(super) fn record_schema(dice: &mut Dice, depth: u64) -> SchemaRef {
    record(dice, depth, false)
}

fn record(dice: &mut Dice, depth: u64, optional: bool) -> SchemaRef {
    let name = format!("R{}", dice.roll(u64::MAX));
    let mut builder = Schema::struct_builder().name(name);
    if optional {
        builder = builder.optional();
    }
    let num_fields = 1 + dice.roll(5);
    (0..num_fields)
        .fold(builder, |builder, index| {
            builder.field(format!("f{index}"), schema(dice, depth - 1))
        })
        .build()
        .unwrap()
}

fn schema(dice: &mut Dice, depth: u64) -> SchemaRef {
    let kinds = if depth == 0 { 6 } else { 12 };
    let optional = dice.chance();
    let builder = match dice.roll(kinds) {
        0..4 => {
            let schema_type = PRIMITIVES[dice.roll(9) as usize];
            return Schema::primitive(schema_type, optional).unwrap();
        }
        4 => Decimal::builder(dice.roll(5) as i32),
        5 => {
            let logical = [LogicalType::Date, LogicalType::Time, LogicalType::Timestamp];
            return logical[dice.roll(3) as usize].schema(optional);
        }
        6 | 7 => Schema::array_builder(schema(dice, depth - 1)),
        8 => Schema::map_builder(Schema::string(), schema(dice, depth - 1)),
        // Without a name it would be a MapEntry, of which a schema can have one only.
        9 => Schema::map_builder(Schema::int32(), schema(dice, depth - 1))
            .name(format!("M{}", dice.roll(u64::MAX))),
        _ => return record(dice, depth, optional),
    };
    let builder = if optional {
        builder.optional()
    } else {
        builder
    };
    builder.build().unwrap()
}

/// A value of a schema.
pub(super) fn value(dice: &mut Dice, schema: &SchemaRef) -> Value {
    if schema.is_optional() && dice.roll(4) == 0 {
        return Value::Null;
    }
    let raw = dice.roll(u64::MAX);
    match LogicalType::of(schema) {
        Some(LogicalType::Decimal) => {
            let scale = Decimal::scale_of(schema).unwrap();
            let digits = (raw as i64 >> dice.roll(60)).to_string();
            let mut decimal: Decimal = digits.parse().unwrap();
            decimal.scale = scale;
            return Value::from(decimal);
        }
        Some(LogicalType::Date) => return Value::Date((raw % 100_000) as i64 * 86_400_000),
        Some(LogicalType::Time) => return Value::Date((raw % 86_400_000) as i64),
        Some(LogicalType::Timestamp) => return Value::Date(raw as i64 >> 16),
        None => {}
    }
    match schema.schema_type() {
        SchemaType::Int8 => Value::Int8(raw as i8),
        SchemaType::Int16 => Value::Int16(raw as i16),
        SchemaType::Int32 => Value::Int32(raw as i32),
        SchemaType::Int64 => Value::Int64(raw as i64),
        SchemaType::Float32 => Value::Float32(raw as f32),
        SchemaType::Float64 => Value::Float64(raw as f64),
        SchemaType::Boolean => Value::Boolean(raw.is_multiple_of(2)),
        SchemaType::String => Value::string(format!("ü{}", raw % 50)),
        SchemaType::Bytes => Value::Bytes(raw.to_be_bytes()[..(raw % 9) as usize].to_vec().into()),
        SchemaType::Array => {
            let items = schema.value_schema().unwrap().unwrap();
            Value::Array((0..dice.roll(4)).map(|_| value(dice, items)).collect())
        }
        SchemaType::Map => {
            let is_text = schema.key_schema().unwrap().unwrap().schema_type() == SchemaType::String;
            let values = schema.value_schema().unwrap().unwrap();
            let mut map = Map::new();
            for key in 0..dice.roll(4) as i32 {
                let key = if is_text {
                    Value::string(format!("k{key}"))
                } else {
                    Value::Int32(key)
                };
                map.insert(key, value(dice, values));
            }
            Value::Map(map)
        }
        SchemaType::Struct => {
            let fields = schema.fields().iter();
            let values = fields.map(|field| value(dice, &field.schema)).collect();
            structure(schema, values)
        }
    }
}
