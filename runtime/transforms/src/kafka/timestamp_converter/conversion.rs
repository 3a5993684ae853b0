//! One timestamp from one representation to another.

use connect_api::data::{LogicalType, Schema, SchemaRef, SchemaType, Value};
use connect_api::{ConnectError, Result};
use connect_java::date_format::{Locale, SimpleDateFormat, Zone};

const MS_PER_DAY: i64 = 86_400_000;

/// What a timestamp can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Representation {
    Text,
    Unix,
    Date,
    Time,
    #[default]
    Timestamp,
}

impl Representation {
    /// The one that a value of `target.type` names, which was validated before.
    pub(super) fn of_target_type(name: &str) -> Self {
        match name {
            "string" => Self::Text,
            "unix" => Self::Unix,
            "Date" => Self::Date,
            "Time" => Self::Time,
            _ => Self::Timestamp,
        }
    }

    /// The one that a schema stands for.
    pub(super) fn of_schema(schema: &Schema) -> Result<Self> {
        match (LogicalType::of(schema), schema.schema_type()) {
            (Some(LogicalType::Timestamp), _) => Ok(Self::Timestamp),
            (Some(LogicalType::Date), _) => Ok(Self::Date),
            (Some(LogicalType::Time), _) => Ok(Self::Time),
            (_, SchemaType::String) => Ok(Self::Text),
            (_, SchemaType::Int64) => Ok(Self::Unix),
            _ => Err(ConnectError::data(format!(
                "Schema {schema} does not correspond to a known timestamp type format"
            ))
            .with_class("org.apache.kafka.connect.errors.ConnectException")),
        }
    }

    fn of_class(value: &Value) -> Result<Self> {
        match value {
            Value::Date(_) => Ok(Self::Timestamp),
            Value::Int64(_) => Ok(Self::Unix),
            Value::String(_) => Ok(Self::Text),
            other => Err(ConnectError::data(format!(
                "TimestampConverter does not support class {} objects as timestamps",
                other.java_class().unwrap_or("null")
            ))),
        }
    }

    fn schema(self, optional: bool) -> SchemaRef {
        match (self, optional) {
            (Self::Text, false) => Schema::string(),
            (Self::Text, true) => Schema::optional_string(),
            (Self::Unix, false) => Schema::int64(),
            (Self::Unix, true) => {
                Schema::primitive(SchemaType::Int64, true).unwrap_or_else(|_| Schema::int64())
            }
            (Self::Date, _) => LogicalType::Date.schema(optional),
            (Self::Time, _) => LogicalType::Time.schema(optional),
            (Self::Timestamp, _) => LogicalType::Timestamp.schema(optional),
        }
    }
}

/// The unit of timestamps that are numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum UnixPrecision {
    Seconds,
    #[default]
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl UnixPrecision {
    /// The one that a value of `unix.precision` names, which was validated before.
    pub(super) fn of_name(name: &str) -> Self {
        match name {
            "seconds" => Self::Seconds,
            "microseconds" => Self::Microseconds,
            "nanoseconds" => Self::Nanoseconds,
            _ => Self::Milliseconds,
        }
    }

    // As `TimeUnit` converts: towards zero, and no further than the type goes.

    fn to_ms(self, number: i64) -> i64 {
        match self {
            Self::Seconds => number.saturating_mul(1_000),
            Self::Milliseconds => number,
            Self::Microseconds => number / 1_000,
            Self::Nanoseconds => number / 1_000_000,
        }
    }

    fn of_ms(self, ms: i64) -> i64 {
        match self {
            Self::Seconds => ms / 1_000,
            Self::Milliseconds => ms,
            Self::Microseconds => ms.saturating_mul(1_000),
            Self::Nanoseconds => ms.saturating_mul(1_000_000),
        }
    }
}

/// A conversion to one representation.
pub(super) struct Conversion {
    target: Representation,
    format: Option<SimpleDateFormat>,
    unix_precision: UnixPrecision,
    required_schema: SchemaRef,
    optional_schema: SchemaRef,
}

impl Default for Conversion {
    fn default() -> Self {
        Self::to(Representation::default(), None, UnixPrecision::default())
    }
}

impl Conversion {
    /// A conversion with the settings `target.type`, `format` and `unix.precision`.
    pub(super) fn new(
        target: Representation,
        pattern: &str,
        unix_precision: UnixPrecision,
    ) -> Result<Self> {
        if pattern.trim().is_empty() {
            if target == Representation::Text {
                return Err(ConnectError::config(
                    "TimestampConverter requires format option to be specified when using string \
                     timestamps",
                ));
            }
            return Ok(Self::to(target, None, unix_precision));
        }
        let format =
            SimpleDateFormat::new(pattern, Zone::utc(), Locale::English).map_err(|why| {
                // Kafka gives the cause where the value belongs, and the message where the key does.
                ConnectError::config(format!(
                    "Invalid value java.lang.IllegalArgumentException: {why} for configuration \
                 TimestampConverter requires a SimpleDateFormat-compatible pattern for string \
                 timestamps: {pattern}"
                ))
            })?;
        Ok(Self::to(target, Some(format), unix_precision))
    }

    fn to(
        target: Representation,
        format: Option<SimpleDateFormat>,
        unix_precision: UnixPrecision,
    ) -> Self {
        Self {
            target,
            format,
            unix_precision,
            required_schema: target.schema(false),
            optional_schema: target.schema(true),
        }
    }

    /// The schema of what it makes.
    pub(super) fn schema(&self, optional: bool) -> SchemaRef {
        if optional {
            self.optional_schema.clone()
        } else {
            self.required_schema.clone()
        }
    }

    /// Converts a timestamp whose class tells what it is.
    pub(super) fn convert_inferred(&self, value: &Value) -> Result<Value> {
        if value.is_null() {
            return Ok(Value::Null);
        }
        self.convert(value, Representation::of_class(value)?)
    }

    /// Converts a timestamp; null stays null.
    pub(super) fn convert(&self, value: &Value, source: Representation) -> Result<Value> {
        if value.is_null() {
            return Ok(Value::Null);
        }
        let ms = self.to_ms(value, source)?;
        Ok(match (self.target, &self.format) {
            (Representation::Text, Some(format)) => Value::from(format.format(ms)),
            // Texts are not made without a format.
            (Representation::Text, None) => Value::Null,
            (Representation::Unix, _) => Value::Int64(self.unix_precision.of_ms(ms)),
            (Representation::Date, _) => Value::Date(ms.wrapping_sub(ms.rem_euclid(MS_PER_DAY))),
            (Representation::Time, _) => Value::Date(ms.rem_euclid(MS_PER_DAY)),
            (Representation::Timestamp, _) => Value::Date(ms),
        })
    }

    fn to_ms(&self, value: &Value, source: Representation) -> Result<i64> {
        let what = match (source, value) {
            (Representation::Text, Value::String(text)) => return self.parse(text),
            (Representation::Unix, Value::Int64(number)) => {
                return Ok(self.unix_precision.to_ms(*number));
            }
            (Representation::Text, _) => "string timestamp to be a String",
            (Representation::Unix, _) => "Unix timestamp to be a Long",
            (_, Value::Date(ms)) => return Ok(*ms),
            (Representation::Date, _) => "Date to be a java.util.Date",
            (Representation::Time, _) => "Time to be a java.util.Date",
            (Representation::Timestamp, _) => "Timestamp to be a java.util.Date",
        };
        Err(ConnectError::data(format!(
            "Expected {what}, but found class {}",
            value.java_class().unwrap_or("null")
        )))
    }

    fn parse(&self, text: &str) -> Result<i64> {
        let Some(format) = &self.format else {
            return Err(ConnectError::data(
                "The timestamp is a text: the setting 'format' must say how to read it",
            )
            .with_class("java.lang.NullPointerException"));
        };
        format.parse(text).map_err(|why| {
            ConnectError::data(format!(
                "Could not parse timestamp: value ({text}) does not match pattern ({})",
                format.pattern()
            ))
            .with_cause(ConnectError::data(why.to_string()).with_class("java.text.ParseException"))
        })
    }
}
