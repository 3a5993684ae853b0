//! JSON to schemaless Connect data.

use super::keys::{KeyShapes, Shape};
use super::reader::{JsonKind, JsonReader};
use crate::data::{Map, Value};
use crate::error::Result;
use bytes::Bytes;
use bytestring::ByteString;
use std::collections::HashMap;

/// Makes schemaless data of JSON texts: whole numbers become `Int64` (only the lowest 64 bits of
/// larger ones stay), others `Float64`, objects maps in the order of a `java.util.HashMap`.
///
/// An instance remembers the keys of objects, so that records of one shape share them. Keep one for
/// each stream of records.
#[derive(Debug)]
pub struct JsonParser {
    shapes: KeyShapes,
    /// The values of the objects that are being read.
    values: Vec<Value>,
    /// The number of these objects.
    num_open: usize,
}

impl Default for JsonParser {
    fn default() -> Self {
        Self::new()
    }
}

impl JsonParser {
    /// A parser that remembers nothing yet.
    pub fn new() -> Self {
        Self {
            shapes: KeyShapes::new(),
            values: Vec::new(),
            num_open: 0,
        }
    }

    /// The first value of a text; `None` if it is empty or blank. What follows is ignored.
    pub fn parse(&mut self, input: &Bytes) -> Result<Option<Value>> {
        let mut reader = JsonReader::new(input);
        if reader.peek()?.is_none() {
            return Ok(None);
        }
        self.read(&mut reader).map(Some)
    }

    /// The next value of a reader.
    pub fn read(&mut self, reader: &mut JsonReader<'_>) -> Result<Value> {
        let base = self.values.len();
        let value = self.value(reader);
        self.values.truncate(base);
        value
    }

    /// The next value of a reader, which must be an object, with `read_member` for its values; it gets
    /// this parser for objects within. Names go into the order of a `java.util.HashMap`.
    pub fn read_map(
        &mut self,
        reader: &mut JsonReader<'_>,
        mut read_member: impl FnMut(&mut Self, &mut JsonReader<'_>) -> Result<Value>,
    ) -> Result<Map> {
        let base = self.values.len();
        let map = self.object(reader, &mut read_member);
        if map.is_err() {
            self.values.truncate(base);
        }
        map
    }

    /// The items of the next value of a reader, which is of `kind` and not null, as Jackson iterates over a
    /// tree: over the values of an object too, and over nothing in other values.
    pub fn read_items(
        &mut self,
        kind: JsonKind,
        reader: &mut JsonReader<'_>,
        mut read_item: impl FnMut(&mut Self, &mut JsonReader<'_>) -> Result<Value>,
    ) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        match kind {
            JsonKind::Array => {
                reader.begin_array()?;
                let mut first = true;
                while reader.next_item(&mut first)? {
                    items.push(read_item(self, reader)?);
                }
            }
            JsonKind::Object => {
                reader.begin_object()?;
                let mut places: HashMap<String, usize> = HashMap::new();
                let mut first = true;
                while let Some(name) = reader.next_member(&mut first)? {
                    let item = read_item(self, reader)?;
                    // The last member of a name counts, at the place of the first.
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
        Ok(items)
    }

    fn value(&mut self, reader: &mut JsonReader<'_>) -> Result<Value> {
        Ok(match reader.peek_value()? {
            JsonKind::Null => {
                reader.read_null()?;
                Value::Null
            }
            JsonKind::Boolean => Value::Boolean(reader.read_boolean()?),
            JsonKind::Number => {
                let number = reader.read_number()?;
                if number.is_integral() {
                    Value::Int64(number.to_long())
                } else {
                    Value::Float64(number.to_double())
                }
            }
            JsonKind::String => Value::String(reader.read_string()?),
            JsonKind::Array => {
                reader.begin_array()?;
                let base = self.values.len();
                let mut first = true;
                while reader.next_item(&mut first)? {
                    let item = self.value(reader)?;
                    self.values.push(item);
                }
                Value::Array(self.values.drain(base..).collect())
            }
            JsonKind::Object => Value::Map(self.object(reader, &mut Self::value)?),
        })
    }

    fn object(
        &mut self,
        reader: &mut JsonReader<'_>,
        read_member: &mut impl FnMut(&mut Self, &mut JsonReader<'_>) -> Result<Value>,
    ) -> Result<Map> {
        if self.num_open == 0 {
            self.shapes.trim();
        }
        self.num_open += 1;
        let map = self.members(reader, read_member);
        self.num_open -= 1;
        map
    }

    fn members(
        &mut self,
        reader: &mut JsonReader<'_>,
        read_member: &mut impl FnMut(&mut Self, &mut JsonReader<'_>) -> Result<Value>,
    ) -> Result<Map> {
        reader.begin_object()?;
        let base = self.values.len();
        let mut node = KeyShapes::ROOT;
        let mut first = true;
        while let Some(name) = reader.next_member(&mut first)? {
            match self.shapes.child(node, &name) {
                Some(child) => node = child,
                None => {
                    let mut names = self.shapes.names(node);
                    names.push(ByteString::from(&*name));
                    return self.unshared_object(reader, base, names, read_member);
                }
            }
            let value = read_member(self, reader)?;
            self.values.push(value);
        }
        let shape = self.shapes.shape(node);
        Ok(take_map(shape, &mut self.values, base))
    }

    /// The rest of an object whose keys are not remembered; `names` holds the last name read.
    fn unshared_object(
        &mut self,
        reader: &mut JsonReader<'_>,
        base: usize,
        mut names: Vec<ByteString>,
        read_member: &mut impl FnMut(&mut Self, &mut JsonReader<'_>) -> Result<Value>,
    ) -> Result<Map> {
        let mut first = false;
        loop {
            let value = read_member(self, reader)?;
            self.values.push(value);
            match reader.next_member(&mut first)? {
                Some(name) => names.push(ByteString::from(&*name)),
                None => return Ok(take_map(&Shape::of(&names), &mut self.values, base)),
            }
        }
    }
}

/// The map of the values from `base` on, which are taken.
fn take_map(shape: &Shape, values: &mut Vec<Value>, base: usize) -> Map {
    let members = &mut values[base..];
    let taken = shape
        .members
        .iter()
        .map(|&member| std::mem::replace(&mut members[member], Value::Null))
        .collect();
    values.truncate(base);
    Map::with_shared_keys(shape.keys.clone(), taken)
}
