//! JSON to data of a known schema, in one pass and without a tree.

use connect_api::data::{
    LogicalType, Map, Schema, SchemaRef, SchemaType, Struct, Value, validate_value,
};
use connect_api::json::{
    JsonKind, JsonOptions, JsonParser, JsonReader, missing_value, not_a_struct, not_an_object,
    read_logical, read_scalar, write_with_schema, wrong_representation,
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
            return read_logical(logical_type, schema, kind, reader);
        }
        if let Some(scalar) = read_scalar(schema.schema_type(), kind, reader)? {
            return Ok(scalar);
        }
        match schema.schema_type() {
            SchemaType::Array => self.array(parser, schema, kind, reader),
            SchemaType::Map => self.map(parser, schema, kind, reader),
            SchemaType::Struct => self.structure(parser, schema, kind, reader),
            _ => {
                reader.skip_value()?;
                self.num_made_null += 1;
                Ok(Value::Null)
            }
        }
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
        if let Some(value) = missing_value(schema.schema_type()) {
            return Ok(value);
        }
        Err(match schema.schema_type() {
            SchemaType::Map if has_string_keys(schema)? => not_an_object(MISSING),
            SchemaType::Map => not_an_array(MISSING),
            _ => not_a_struct(MISSING),
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
        let items = parser.read_items(kind, reader, |parser, reader| {
            self.value(parser, item_schema, reader)
        })?;
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
fn not_an_array(kind: &str) -> ConnectError {
    ConnectError::data(format!(
        "Maps with non-string fields should be encoded as JSON array of tuples, but found {kind}"
    ))
}
