//! JSON to data of a Connect schema, in one pass and without a tree.

use crate::union::is_union;
use crate::{KEY, VALUE, VARIANT};
use bytes::Bytes;
use connect_api::data::{
    LogicalType, Map, Schema, SchemaRef, SchemaType, Struct, Value, validate_value,
};
use connect_api::json::{
    JsonKind, JsonParser, JsonReader, missing_value, not_a_struct, not_an_object, read_logical,
    read_scalar, wrong_representation,
};
use connect_api::{ConnectError, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// Reads JSON as data of one schema. Where the text does not fit, it does what Jackson's accessors do: a
/// text is the number 0, a number is no text.
#[derive(Debug)]
pub struct ValueReader {
    plan: Arc<Plan>,
    parser: JsonParser,
}

/// The state of reading one value.
#[derive(Default)]
struct Decoder {
    /// How often a value became one that its schema may not hold.
    num_unfit: usize,
}

/// A schema with all that its values ask of it, looked up once.
#[derive(Debug)]
struct Plan {
    schema: SchemaRef,
    step: Step,
}

#[derive(Debug)]
enum Step {
    Primitive(SchemaType),
    Logical(LogicalType),
    Array(Arc<Plan>),
    StringMap(Arc<Plan>),
    EntryMap(Arc<Plan>, Arc<Plan>),
    Struct(Vec<Arc<Plan>>),
    Union(Vec<Arc<Plan>>),
    Variant,
}

impl Plan {
    fn new(schema: &SchemaRef) -> Arc<Self> {
        let fields = || {
            schema
                .fields()
                .iter()
                .map(|field| Self::new(&field.schema))
                .collect()
        };
        let step = if schema.name() == Some(VARIANT) {
            Step::Variant
        } else if let Some(logical_type) = LogicalType::of(schema) {
            Step::Logical(logical_type)
        } else {
            let value = || schema.value_schema().ok().flatten().map(Self::new);
            let key = || schema.key_schema().ok().flatten();
            match schema.schema_type() {
                SchemaType::Array => {
                    value().map_or(Step::Primitive(SchemaType::Array), Step::Array)
                }
                SchemaType::Map => match (key(), value()) {
                    (Some(key), Some(value)) if is_plain_text(key) => Step::StringMap(value),
                    (Some(key), Some(value)) => Step::EntryMap(Self::new(key), value),
                    _ => Step::Primitive(SchemaType::Map),
                },
                SchemaType::Struct if is_union(schema) => Step::Union(fields()),
                SchemaType::Struct => Step::Struct(fields()),
                primitive => Step::Primitive(primitive),
            }
        };
        Arc::new(Self {
            schema: schema.clone(),
            step,
        })
    }
}

/// Whether keys of this schema are the names of members.
pub(crate) fn is_plain_text(key: &Schema) -> bool {
    key.schema_type() == SchemaType::String && !key.is_optional()
}

impl ValueReader {
    /// A reader of data of a schema.
    pub fn new(schema: &SchemaRef) -> Self {
        Self {
            plan: Plan::new(schema),
            parser: JsonParser::new(),
        }
    }

    /// The schema of what is read.
    pub fn schema(&self) -> &SchemaRef {
        &self.plan.schema
    }

    /// Reads a value. What follows it is not looked at.
    ///
    /// # Errors
    /// A text that is not JSON has one of Jackson's classes; a value that does not fit the schema is a
    /// `DataException`.
    pub fn read(&mut self, payload: &Bytes) -> Result<Value> {
        let mut reader = JsonReader::new(payload);
        if reader.peek()?.is_none() {
            return missing(&self.plan);
        }
        let start = reader.position();
        let value = Decoder::default().value(&mut self.parser, &self.plan, &mut reader);
        if value.is_err() {
            // A text that breaks further on is not JSON, whatever went wrong before.
            reader.rewind(start, 0);
            reader.skip_value()?;
        }
        value
    }
}

impl Decoder {
    fn value(
        &mut self,
        parser: &mut JsonParser,
        plan: &Plan,
        reader: &mut JsonReader<'_>,
    ) -> Result<Value> {
        let kind = reader.peek_value()?;
        if kind == JsonKind::Null {
            reader.read_null()?;
            return null(&plan.schema);
        }
        match &plan.step {
            Step::Primitive(schema_type) => self.primitive(*schema_type, kind, reader),
            Step::Logical(logical_type) => read_logical(*logical_type, &plan.schema, kind, reader),
            Step::Array(items) => {
                let items = parser.read_items(kind, reader, |parser, reader| {
                    self.value(parser, items, reader)
                })?;
                Ok(Value::Array(items))
            }
            Step::StringMap(values) => {
                if kind != JsonKind::Object {
                    return Err(not_an_object(kind.name()));
                }
                let map =
                    parser.read_map(reader, |parser, reader| self.value(parser, values, reader))?;
                Ok(Value::Map(map))
            }
            Step::EntryMap(keys, values) => self.entries(parser, keys, values, kind, reader),
            Step::Struct(fields) => self.structure(parser, &plan.schema, fields, kind, reader),
            Step::Union(fields) => self.union(parser, &plan.schema, fields, kind, reader),
            Step::Variant => Err(ConnectError::data(
                "The JSON schema leaves open what stands here (an empty schema), and such values cannot \
                 be read yet; give the property a type, or drop it from the schema",
            )),
        }
    }

    fn primitive(
        &mut self,
        schema_type: SchemaType,
        kind: JsonKind,
        reader: &mut JsonReader<'_>,
    ) -> Result<Value> {
        if let Some(scalar) = read_scalar(schema_type, kind, reader)? {
            return Ok(scalar);
        }
        Ok(match schema_type {
            SchemaType::String => {
                reader.skip_value()?;
                self.num_unfit += 1;
                Value::Null
            }
            // Java makes a BigDecimal of whatever is no text; 0 of what is no number.
            SchemaType::Bytes => {
                self.num_unfit += 1;
                let decimal = if kind == JsonKind::Number {
                    reader.read_number()?.to_decimal()?
                } else {
                    reader.skip_value()?;
                    "0".parse()?
                };
                Value::Decimal(Box::new(decimal))
            }
            // Schemas without the schemas of their items come from nowhere here.
            _ => {
                return Err(ConnectError::data(format!(
                    "Unknown schema type: {schema_type}"
                )));
            }
        })
    }

    /// A map as an array of objects with a key and a value.
    fn entries(
        &mut self,
        parser: &mut JsonParser,
        keys: &Plan,
        values: &Plan,
        kind: JsonKind,
        reader: &mut JsonReader<'_>,
    ) -> Result<Value> {
        if kind != JsonKind::Array {
            return Err(ConnectError::data(format!(
                "Maps with non-string fields should be encoded as JSON array of objects, but found {}",
                kind.name()
            )));
        }
        let mut map = Map::new();
        reader.begin_array()?;
        let mut first = true;
        while reader.next_item(&mut first)? {
            let kind = reader.peek_value()?;
            if kind != JsonKind::Object {
                return Err(ConnectError::data(format!(
                    "Found invalid map entry instead of object: {}",
                    kind.name()
                )));
            }
            let members = members(reader)?;
            if members.len() != 2 {
                return Err(ConnectError::data(format!(
                    "Found invalid map entry, expected length 2 but found :{}",
                    members.len()
                )));
            }
            let (end, depth) = (reader.position(), reader.depth());
            let mut side = |this: &mut Self, name: &str, plan: &Plan| match members
                .iter()
                .find(|(member, _)| member == name)
            {
                Some((_, at)) => {
                    reader.rewind(*at, depth + 1);
                    this.value(parser, plan, reader)
                }
                None => Ok(absent(&plan.schema)),
            };
            let key = side(self, KEY, keys)?;
            let value = side(self, VALUE, values)?;
            reader.rewind(end, depth);
            map.insert(key, value);
        }
        Ok(Value::Map(map.into_java_hash_order()))
    }

    fn structure(
        &mut self,
        parser: &mut JsonParser,
        schema: &SchemaRef,
        plans: &[Arc<Plan>],
        kind: JsonKind,
        reader: &mut JsonReader<'_>,
    ) -> Result<Value> {
        if kind != JsonKind::Object {
            return Err(not_a_struct(kind.name()));
        }
        reader.begin_object()?;
        let fields = schema.fields();
        let mut values: Vec<Option<Value>> = vec![None; fields.len()];
        let mut faults: Vec<(usize, ConnectError)> = Vec::new();
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
            let num_unfit = self.num_unfit;
            let mut value = self.value(parser, &plans[index], reader);
            if let Ok(read) = &value
                && self.num_unfit != num_unfit
                && !read.is_null()
                && let Err(error) =
                    validate_value(Some(&fields[index].name), &fields[index].schema, read)
            {
                value = Err(error);
            }
            faults.retain(|(faulty, _)| *faulty != index);
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
        if let Some((_, error)) = faults.into_iter().min_by_key(|(index, _)| *index) {
            return Err(error);
        }
        let values = values
            .into_iter()
            .zip(fields)
            .map(|(value, field)| {
                let value = value.unwrap_or_else(|| absent(&field.schema));
                // It is no fault of this struct, but one of a struct that holds it.
                self.num_unfit += usize::from(value.is_null() && !field.schema.is_optional());
                value
            })
            .collect();
        Ok(Value::Struct(Box::new(Struct::from_values(
            schema.clone(),
            values,
        ))))
    }

    /// The first simple schema that fits, else the struct with most names in common.
    fn union(
        &mut self,
        parser: &mut JsonParser,
        schema: &SchemaRef,
        plans: &[Arc<Plan>],
        kind: JsonKind,
        reader: &mut JsonReader<'_>,
    ) -> Result<Value> {
        let (start, depth) = (reader.position(), reader.depth());
        let is_integral = if kind == JsonKind::Number {
            let number = reader.read_number()?;
            reader.rewind(start, depth);
            number.is_integral()
        } else {
            false
        };
        let mut best = None;
        let mut most = 0;
        for (index, plan) in plans.iter().enumerate() {
            let schema_type = plan.schema.schema_type();
            if fits(schema_type, kind, is_integral) {
                best = Some(index);
                break;
            }
            if schema_type == SchemaType::Struct && kind == JsonKind::Object {
                let num_common = num_common_names(&plan.schema, reader)?;
                reader.rewind(start, depth);
                if num_common > most {
                    most = num_common;
                    best = Some(index);
                }
            }
        }
        let Some(index) = best else {
            return Err(ConnectError::data(
                "Did not find matching oneof field for data",
            ));
        };
        let num_unfit = self.num_unfit;
        let value = self.value(parser, &plans[index], reader)?;
        let field = &schema.fields()[index];
        if self.num_unfit != num_unfit {
            validate_value(Some(&field.name), &field.schema, &value)?;
        }
        let mut values = vec![Value::Null; plans.len()];
        values[index] = value;
        Ok(Value::Struct(Box::new(Struct::from_values(
            schema.clone(),
            values,
        ))))
    }
}

/// Whether a value is one of a simple schema of a type.
fn fits(schema_type: SchemaType, kind: JsonKind, is_integral: bool) -> bool {
    match schema_type {
        SchemaType::Int8 | SchemaType::Int16 | SchemaType::Int32 | SchemaType::Int64 => is_integral,
        SchemaType::Float32 | SchemaType::Float64 => kind == JsonKind::Number,
        SchemaType::Boolean => kind == JsonKind::Boolean,
        SchemaType::String => kind == JsonKind::String,
        // Base64 is a text to Java, and only a fraction is a decimal.
        SchemaType::Bytes => kind == JsonKind::Number && !is_integral,
        SchemaType::Array => kind == JsonKind::Array,
        SchemaType::Map => matches!(kind, JsonKind::Object | JsonKind::Array),
        SchemaType::Struct => false,
    }
}

/// How many names the object that comes next shares with a struct, counted within too.
fn num_common_names(schema: &Schema, reader: &mut JsonReader<'_>) -> Result<usize> {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    reader.begin_object()?;
    let mut first = true;
    while let Some(name) = reader.next_member(&mut first)? {
        let Some(field) = schema.field(&name) else {
            reader.skip_value()?;
            continue;
        };
        let is_struct = field.schema.schema_type() == SchemaType::Struct;
        let within = if is_struct && reader.peek_value()? == JsonKind::Object {
            num_common_names(&field.schema, reader)?
        } else {
            reader.skip_value()?;
            0
        };
        counts.insert(field.index, 1 + within);
    }
    Ok(counts.values().sum())
}

/// The names of the members of the object that comes next, with where their last values stand.
fn members(reader: &mut JsonReader<'_>) -> Result<Vec<(String, usize)>> {
    let mut members: Vec<(String, usize)> = Vec::new();
    reader.begin_object()?;
    let mut first = true;
    while let Some(name) = reader.next_member(&mut first)? {
        let at = reader.position();
        reader.skip_value()?;
        match members.iter().position(|(member, _)| *member == *name) {
            Some(place) => members[place].1 = at,
            None => members.push((name.into_owned(), at)),
        }
    }
    Ok(members)
}

fn null(schema: &Schema) -> Result<Value> {
    match schema.default_value() {
        Some(default) => Ok(default.clone()),
        None if schema.is_optional() => Ok(Value::Null),
        None => Err(ConnectError::data(format!(
            "Invalid null value for required {} field",
            schema.schema_type()
        ))),
    }
}

/// A member that is not there is unset, without an error even if it is required.
fn absent(schema: &Schema) -> Value {
    schema.default_value().cloned().unwrap_or(Value::Null)
}

/// What no text at all stands for, which is not the same as null.
fn missing(plan: &Plan) -> Result<Value> {
    const MISSING: &str = "MISSING";
    Ok(match &plan.step {
        Step::Logical(logical_type) => return Err(wrong_representation(*logical_type, MISSING)),
        Step::Primitive(schema_type) => missing_value(*schema_type).unwrap_or(Value::Null),
        Step::Array(_) => Value::Array(Vec::new()),
        Step::StringMap(_) => return Err(not_an_object(MISSING)),
        Step::EntryMap(..) => {
            return Err(ConnectError::data(
                "Maps with non-string fields should be encoded as JSON array of objects, but found \
                 MISSING",
            ));
        }
        Step::Struct(_) | Step::Variant => return Err(not_a_struct(MISSING)),
        Step::Union(_) => {
            return Err(ConnectError::data(
                "Did not find matching oneof field for data",
            ));
        }
    })
}
