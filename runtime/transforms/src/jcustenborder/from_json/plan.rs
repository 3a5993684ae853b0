//! How a text is read, resolved once from the schema.

use connect_api::data::{Decimal, SchemaRef, Struct, Value};
use connect_api::json::{JsonKind, JsonReader, decode_base64};
use connect_api::{ConnectError, Result};
use num_bigint::BigInt;
use std::collections::HashMap;

/// The reader of one type.
pub(super) enum Plan {
    Boolean(SchemaRef),
    Integer(SchemaRef),
    Number(SchemaRef),
    Text(SchemaRef),
    Bytes(SchemaRef),
    Decimal { schema: SchemaRef, scale: i32 },
    Date(SchemaRef),
    Time(SchemaRef),
    Timestamp(SchemaRef),
    Array { schema: SchemaRef, items: Box<Plan> },
    Struct(StructPlan),
}

/// The reader of an object: its fields by name, and the plans in the order of the schema.
pub(super) struct StructPlan {
    pub(super) schema: SchemaRef,
    pub(super) fields: Vec<Plan>,
    pub(super) positions: HashMap<String, usize>,
}

/// The error of a text of one type where another is wanted.
#[cold]
fn unexpected(found: JsonKind, wanted: &str) -> ConnectError {
    let found = match found {
        JsonKind::Null => "null",
        JsonKind::Boolean => "a boolean",
        JsonKind::Number => "a number",
        JsonKind::String => "a string",
        JsonKind::Array => "an array",
        JsonKind::Object => "an object",
    };
    ConnectError::data(format!("The schema has {wanted} here, the JSON {found}"))
}

/// `1970-01-01` and the like, as days since the epoch.
fn epoch_ms_of_date(text: &str) -> Option<i64> {
    let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(
        date.and_time(chrono::NaiveTime::MIN)
            .and_utc()
            .timestamp_millis(),
    )
}

fn ms_of_time(text: &str) -> Option<i64> {
    use chrono::Timelike;
    let time = ["%H:%M:%S%.f", "%H:%M"]
        .iter()
        .find_map(|format| chrono::NaiveTime::parse_from_str(text, format).ok())?;
    Some(
        i64::from(time.num_seconds_from_midnight()) * 1000
            + i64::from(time.nanosecond() / 1_000_000),
    )
}

fn epoch_ms_of_timestamp(text: &str) -> Option<i64> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.timestamp_millis())
}

/// More zeros than this are no number that somebody means.
const MAX_ADDED_DIGITS: u32 = 1_000;

/// The same number with `scale` digits after the point, if it has no more.
fn rescaled(decimal: Decimal, scale: i32) -> Option<Decimal> {
    let added = i64::from(scale) - i64::from(decimal.scale);
    let power = u32::try_from(added.unsigned_abs()).ok()?;
    if power > MAX_ADDED_DIGITS {
        return None;
    }
    let factor = BigInt::from(10u8).pow(power);
    let unscaled = if added >= 0 {
        decimal.unscaled * factor
    } else {
        let (quotient, remainder) = (&decimal.unscaled / &factor, &decimal.unscaled % &factor);
        (remainder == BigInt::ZERO).then_some(quotient)?
    };
    Some(Decimal { unscaled, scale })
}

impl Plan {
    pub(super) fn schema(&self) -> &SchemaRef {
        match self {
            Self::Boolean(schema)
            | Self::Integer(schema)
            | Self::Number(schema)
            | Self::Text(schema)
            | Self::Bytes(schema)
            | Self::Decimal { schema, .. }
            | Self::Date(schema)
            | Self::Time(schema)
            | Self::Timestamp(schema)
            | Self::Array { schema, .. } => schema,
            Self::Struct(plan) => &plan.schema,
        }
    }

    fn wanted(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Bytes(_) => "a string of Base64",
            Self::Decimal { .. } => "a string with a decimal number",
            Self::Date(_) => "a string with a date (2013-01-31)",
            Self::Time(_) => "a string with a time (10:15:30)",
            Self::Timestamp(_) => "a string with a date-time (2013-01-31T10:15:30Z)",
            Self::Array { .. } => "an array",
            Self::Struct(_) => "an object",
        }
    }

    /// The next value of the text. Null is null; whether it may be is for who holds it to say.
    pub(super) fn read(&self, reader: &mut JsonReader<'_>) -> Result<Value> {
        let kind = reader.peek_value()?;
        match (self, kind) {
            (_, JsonKind::Null) => {
                reader.read_null()?;
                Ok(Value::Null)
            }
            (Self::Boolean(_), JsonKind::Boolean) => Ok(Value::Boolean(reader.read_boolean()?)),
            (Self::Integer(_), JsonKind::Number) => {
                Ok(Value::Int64(reader.read_number()?.to_long()))
            }
            (Self::Number(_), JsonKind::Number) => {
                Ok(Value::Float64(reader.read_number()?.to_double()))
            }
            (Self::Text(_), JsonKind::String) => Ok(Value::String(reader.read_string()?)),
            (
                Self::Bytes(_)
                | Self::Decimal { .. }
                | Self::Date(_)
                | Self::Time(_)
                | Self::Timestamp(_),
                JsonKind::String,
            ) => {
                let text = reader.read_str()?;
                self.of_text(&text)
            }
            (Self::Array { items, .. }, JsonKind::Array) => {
                reader.begin_array()?;
                let (mut first, mut values) = (true, Vec::new());
                while reader.next_item(&mut first)? {
                    values.push(items.read(reader)?);
                }
                Ok(Value::Array(values))
            }
            (Self::Struct(plan), JsonKind::Object) => plan.read(reader),
            (_, found) => Err(unexpected(found, self.wanted())),
        }
    }

    /// A value that JSON has as text.
    fn of_text(&self, text: &str) -> Result<Value> {
        let value = match self {
            Self::Bytes(_) => return Ok(Value::Bytes(decode_base64(text)?.into())),
            Self::Decimal { scale, .. } => text
                .trim()
                .parse::<Decimal>()
                .ok()
                .and_then(|decimal| rescaled(decimal, *scale))
                .map(|decimal| Value::Decimal(Box::new(decimal))),
            Self::Date(_) => epoch_ms_of_date(text).map(Value::Date),
            Self::Time(_) => ms_of_time(text).map(Value::Date),
            Self::Timestamp(_) => epoch_ms_of_timestamp(text).map(Value::Date),
            _ => None,
        };
        value.ok_or_else(|| match self {
            Self::Decimal { scale, .. } => ConnectError::data(format!(
                "The schema has a decimal number with at most {scale} digits after the point here, the \
                 JSON another text"
            )),
            _ => ConnectError::data(format!(
                "The schema has {} here, the JSON another text",
                self.wanted()
            )),
        })
    }
}

impl StructPlan {
    fn read(&self, reader: &mut JsonReader<'_>) -> Result<Value> {
        reader.begin_object()?;
        let mut values = vec![Value::Null; self.fields.len()];
        let mut first = true;
        while let Some(name) = reader.next_member(&mut first)? {
            match self.positions.get(&*name) {
                Some(&position) => {
                    values[position] = self.fields[position]
                        .read(reader)
                        .map_err(|error| self.in_field(position, error))?;
                }
                None => reader.skip_value()?,
            }
        }
        for (position, value) in values.iter().enumerate() {
            if value.is_null() && !self.fields[position].schema().is_optional() {
                let error = ConnectError::data("The schema requires it, the JSON has none");
                return Err(self.in_field(position, error));
            }
        }
        Ok(Value::Struct(Box::new(Struct::from_values(
            self.schema.clone(),
            values,
        ))))
    }

    #[cold]
    fn in_field(&self, position: usize, error: ConnectError) -> ConnectError {
        let name = self.schema.name().unwrap_or("null");
        let field = self
            .schema
            .fields()
            .get(position)
            .map_or("", |field| &field.name);
        ConnectError::data(format!("Exception thrown while reading {name}:{field}"))
            .with_class("java.lang.IllegalStateException")
            .with_cause(error)
    }
}
