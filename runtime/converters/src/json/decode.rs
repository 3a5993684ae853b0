//! JSON to data of a known schema, in one pass and without a tree.

use connect_api::data::{
    Decimal, LogicalType, Map, Schema, SchemaRef, SchemaType, Struct, Value, validate_value,
};
use connect_api::json::{
    JsonKind, JsonNumber, JsonOptions, JsonParser, JsonReader, decode_base64, write_with_schema,
};
use connect_api::{ConnectError, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// Decodes values. Where the text does not fit the schema, it does what Jackson's accessors do: a text
/// is the number 0, a number is the text null.
#[derive(Debug)]
pub(super) struct Decoder {
    replace_null_with_default: bool,
    /// How often something that is not null became null. Structs refuse that when the schema does.
    num_made_null: usize,
}

impl Decoder {
    pub(super) fn new(replace_null_with_default: bool) -> Self {
        Self {
            replace_null_with_default,
            num_made_null: 0,
        }
    }

    /// The next value. After an error that is not one of JSON itself the reader stands anywhere.
    pub(super) fn value(
        &mut self,
        parser: &mut JsonParser,
        schema: Option<&SchemaRef>,
        reader: &mut JsonReader<'_>,
    ) -> Result<Value> {
        let Some(schema) = schema else {
            return parser.read(reader);
        };
        let kind = reader.peek_value()?;
        if kind == JsonKind::Null {
            reader.read_null()?;
            return self.null(schema);
        }
        if schema.name().is_some()
            && let Some(logical_type) = LogicalType::of(schema)
        {
            return logical(logical_type, schema, kind, reader);
        }
        Ok(match schema.schema_type() {
            SchemaType::Int8 => Value::Int8(number(kind, reader)?.map_or(0, |n| n.to_int() as i8)),
            SchemaType::Int16 => {
                Value::Int16(number(kind, reader)?.map_or(0, |n| n.to_int() as i16))
            }
            SchemaType::Int32 => Value::Int32(number(kind, reader)?.map_or(0, |n| n.to_int())),
            SchemaType::Int64 => Value::Int64(number(kind, reader)?.map_or(0, |n| n.to_long())),
            SchemaType::Float32 => {
                Value::Float32(number(kind, reader)?.map_or(0.0, |n| n.to_float()))
            }
            SchemaType::Float64 => {
                Value::Float64(number(kind, reader)?.map_or(0.0, |n| n.to_double()))
            }
            SchemaType::Boolean if kind == JsonKind::Boolean => {
                Value::Boolean(reader.read_boolean()?)
            }
            SchemaType::Boolean => {
                reader.skip_value()?;
                Value::Boolean(false)
            }
            SchemaType::String if kind == JsonKind::String => Value::String(reader.read_string()?),
            SchemaType::Bytes if kind == JsonKind::String => {
                let bytes = decode_base64(&reader.read_str()?)
                    .map_err(|error| ConnectError::data("Invalid bytes field").with_cause(error))?;
                Value::Bytes(bytes.into())
            }
            SchemaType::String | SchemaType::Bytes => {
                reader.skip_value()?;
                self.num_made_null += 1;
                Value::Null
            }
            SchemaType::Array => self.array(parser, schema, kind, reader)?,
            SchemaType::Map => self.map(parser, schema, kind, reader)?,
            SchemaType::Struct => self.structure(parser, schema, kind, reader)?,
        })
    }

    /// What null or a missing member stands for.
    fn null(&self, schema: &Schema) -> Result<Value> {
        match schema.default_value() {
            Some(default) if self.replace_null_with_default => Ok(default.clone()),
            _ if schema.is_optional() => Ok(Value::Null),
            _ => Err(ConnectError::data(format!(
                "Invalid null value for required {} field",
                schema.schema_type()
            ))),
        }
    }

    /// What an empty document stands for, which is not the same as null.
    pub(super) fn missing_document(&self, schema: &Schema) -> Result<Value> {
        const MISSING: &str = "MISSING";
        if let Some(logical_type) = LogicalType::of(schema) {
            return Err(wrong_representation(logical_type, MISSING));
        }
        Ok(match schema.schema_type() {
            SchemaType::Int8 => Value::Int8(0),
            SchemaType::Int16 => Value::Int16(0),
            SchemaType::Int32 => Value::Int32(0),
            SchemaType::Int64 => Value::Int64(0),
            SchemaType::Float32 => Value::Float32(0.0),
            SchemaType::Float64 => Value::Float64(0.0),
            SchemaType::Boolean => Value::Boolean(false),
            SchemaType::String | SchemaType::Bytes => Value::Null,
            SchemaType::Array => Value::Array(Vec::new()),
            SchemaType::Map if has_string_keys(schema)? => return Err(not_an_object(MISSING)),
            SchemaType::Map => return Err(not_an_array(MISSING)),
            SchemaType::Struct => return Err(not_a_struct(MISSING)),
        })
    }

    fn array(
        &mut self,
        parser: &mut JsonParser,
        schema: &Schema,
        kind: JsonKind,
        reader: &mut JsonReader<'_>,
    ) -> Result<Value> {
        let item_schema = schema.value_schema()?;
        let mut items = Vec::new();
        match kind {
            JsonKind::Array => {
                reader.begin_array()?;
                let mut first = true;
                while reader.next_item(&mut first)? {
                    items.push(self.value(parser, item_schema, reader)?);
                }
            }
            // Jackson iterates over the values of an object, and over nothing in other values.
            JsonKind::Object => {
                reader.begin_object()?;
                let mut places: HashMap<String, usize> = HashMap::new();
                let mut first = true;
                while let Some(name) = reader.next_member(&mut first)? {
                    let item = self.value(parser, item_schema, reader)?;
                    match places.get(&*name) {
                        Some(&place) => items[place] = item,
                        None => {
                            places.insert(name.into_owned(), items.len());
                            items.push(item);
                        }
                    }
                }
            }
            _ => reader.skip_value()?,
        }
        Ok(Value::Array(items))
    }

    fn map(
        &mut self,
        parser: &mut JsonParser,
        schema: &Schema,
        kind: JsonKind,
        reader: &mut JsonReader<'_>,
    ) -> Result<Value> {
        if has_string_keys(schema)? {
            if kind != JsonKind::Object {
                return Err(not_an_object(kind.name()));
            }
            let value_schema = schema.value_schema()?;
            let map = parser.read_map(reader, |parser, reader| {
                self.value(parser, value_schema, reader)
            })?;
            return Ok(Value::Map(map));
        }
        if kind != JsonKind::Array {
            return Err(not_an_array(kind.name()));
        }
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
        reader.begin_array()?;
        let mut first = true;
        while reader.next_item(&mut first)? {
            let (key, value) = self.pair(parser, schema, reader)?;
            // Equal keys have equal texts.
            let mut text = Vec::new();
            let key_schema = schema.key_schema()?.map(|schema| &**schema);
            if write_with_schema(key_schema, &key, &JsonOptions::default(), &mut text).is_err() {
                text.clear();
            }
            match places.get(&text) {
                Some(&place) => values[place] = value,
                None => {
                    places.insert(text, keys.len());
                    keys.push(key);
                    values.push(value);
                }
            }
        }
        Ok(Value::Map(
            Map::with_shared_keys(Arc::new(keys), values).into_java_hash_order(),
        ))
    }

    /// A key and a value in an array of two.
    fn pair(
        &mut self,
        parser: &mut JsonParser,
        schema: &Schema,
        reader: &mut JsonReader<'_>,
    ) -> Result<(Value, Value)> {
        let kind = reader.peek_value()?;
        if kind != JsonKind::Array {
            return Err(ConnectError::data(format!(
                "Found invalid map entry instead of array tuple: {}",
                kind.name()
            )));
        }
        let (start, depth) = (reader.position(), reader.depth());
        let num_items = count_items(reader)?;
        if num_items != 2 {
            return Err(ConnectError::data(format!(
                "Found invalid map entry, expected length 2 but found :{num_items}"
            )));
        }
        reader.rewind(start, depth);
        reader.begin_array()?;
        let mut first = true;
        reader.next_item(&mut first)?;
        let key = self.value(parser, schema.key_schema()?, reader)?;
        reader.next_item(&mut first)?;
        let value = self.value(parser, schema.value_schema()?, reader)?;
        reader.next_item(&mut first)?;
        Ok((key, value))
    }

    fn structure(
        &mut self,
        parser: &mut JsonParser,
        schema: &SchemaRef,
        kind: JsonKind,
        reader: &mut JsonReader<'_>,
    ) -> Result<Value> {
        if kind != JsonKind::Object {
            return Err(not_a_struct(kind.name()));
        }
        reader.begin_object()?;
        let fields = schema.fields();
        let mut values = vec![None; fields.len()];
        let mut faults: Vec<(usize, ConnectError)> = Vec::new();
        let num_made_null = self.num_made_null;
        let mut expected = 0;
        let mut first = true;
        while let Some(name) = reader.next_member(&mut first)? {
            let index = match fields.get(expected) {
                Some(field) if *field.name == *name => expected,
                _ => match schema.field(&name) {
                    Some(field) => field.index,
                    None => {
                        reader.skip_value()?;
                        continue;
                    }
                },
            };
            expected = index + 1;
            let (start, depth) = (reader.position(), reader.depth());
            let value = self.value(parser, Some(&fields[index].schema), reader);
            if !faults.is_empty() {
                faults.retain(|(faulty, _)| *faulty != index);
            }
            match value {
                Ok(value) => values[index] = Some(value),
                Err(error) => {
                    // The fault counts if the rest is JSON, no other member of this name follows, and
                    // no earlier field has a fault.
                    reader.rewind(start, depth);
                    reader.skip_value()?;
                    faults.push((index, error));
                }
            }
        }
        let must_validate = self.num_made_null != num_made_null;
        let values = values
            .into_iter()
            .zip(fields)
            .map(|(value, field)| {
                if let Some((_, error)) = faults.iter().find(|(index, _)| *index == field.index) {
                    return Err(error.clone());
                }
                match value {
                    Some(value) => {
                        if must_validate {
                            validate_value(Some(&field.name), &field.schema, &value)?;
                        }
                        Ok(value)
                    }
                    None => self.null(&field.schema),
                }
            })
            .collect::<Result<Vec<Value>>>()?;
        Ok(Value::Struct(Box::new(Struct::from_values(
            schema.clone(),
            values,
        ))))
    }
}

/// Takes the next value; `None` if it is no number.
#[inline]
fn number<'a>(kind: JsonKind, reader: &mut JsonReader<'a>) -> Result<Option<JsonNumber<'a>>> {
    if kind == JsonKind::Number {
        return reader.read_number().map(Some);
    }
    reader.skip_value()?;
    Ok(None)
}

fn count_items(reader: &mut JsonReader<'_>) -> Result<usize> {
    reader.begin_array()?;
    let (mut num_items, mut first) = (0, true);
    while reader.next_item(&mut first)? {
        reader.skip_value()?;
        num_items += 1;
    }
    Ok(num_items)
}

fn has_string_keys(schema: &Schema) -> Result<bool> {
    Ok(schema
        .key_schema()?
        .is_none_or(|schema| schema.schema_type() == SchemaType::String))
}

#[cold]
fn not_an_object(kind: &str) -> ConnectError {
    ConnectError::data(format!(
        "Maps with string fields should be encoded as JSON objects, but found {kind}"
    ))
}

#[cold]
fn not_an_array(kind: &str) -> ConnectError {
    ConnectError::data(format!(
        "Maps with non-string fields should be encoded as JSON array of tuples, but found {kind}"
    ))
}

#[cold]
fn not_a_struct(kind: &str) -> ConnectError {
    ConnectError::data(format!(
        "Structs should be encoded as JSON objects, but found {kind}"
    ))
}

#[cold]
fn wrong_representation(logical_type: LogicalType, kind: &str) -> ConnectError {
    let (name, wanted) = match logical_type {
        LogicalType::Decimal => ("Decimal", "numeric or bytes"),
        LogicalType::Date => ("Date", "integer"),
        LogicalType::Time => ("Time", "integer"),
        LogicalType::Timestamp => ("Timestamp", "integral"),
    };
    ConnectError::data(format!(
        "Invalid type for {name}, underlying representation should be {wanted} but was {kind}"
    ))
}

fn logical(
    logical_type: LogicalType,
    schema: &Schema,
    kind: JsonKind,
    reader: &mut JsonReader<'_>,
) -> Result<Value> {
    match (logical_type, kind) {
        (LogicalType::Decimal, JsonKind::Number) => Ok(Value::Decimal(Box::new(
            reader.read_number()?.to_decimal()?,
        ))),
        (LogicalType::Decimal, JsonKind::String) => {
            let decimal = decode_base64(&reader.read_str()?)
                .and_then(|bytes| Decimal::from_bytes(&bytes, Decimal::scale_of(schema)?))
                .map_err(|error| {
                    ConnectError::data("Invalid bytes for Decimal field").with_cause(error)
                })?;
            Ok(Value::Decimal(Box::new(decimal)))
        }
        (LogicalType::Date | LogicalType::Time, JsonKind::Number) => {
            match reader.read_number()?.to_exact_int() {
                Some(number) => logical_type.number_to_date(number.into()),
                None => Err(wrong_representation(logical_type, kind.name())),
            }
        }
        (LogicalType::Timestamp, JsonKind::Number) => {
            let number = reader.read_number()?;
            if number.is_integral() {
                logical_type.number_to_date(number.to_long())
            } else {
                Err(wrong_representation(logical_type, kind.name()))
            }
        }
        _ => Err(wrong_representation(logical_type, kind.name())),
    }
}
