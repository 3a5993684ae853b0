//! Values.

use super::java_text::{double_to_java_string, float_to_java_string};
use super::{Decimal, Map, Struct};
use bytes::Bytes;
use bytestring::ByteString;
use std::fmt;

/// A value of Connect data. Its Java class is told by the variant, its meaning by the schema beside it.
///
/// Strings and bytes are slices of shared buffers: cloning one copies no text.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Null.
    Null,
    /// `java.lang.Boolean`.
    Boolean(bool),
    /// `java.lang.Byte`.
    Int8(i8),
    /// `java.lang.Short`.
    Int16(i16),
    /// `java.lang.Integer`.
    Int32(i32),
    /// `java.lang.Long`.
    Int64(i64),
    /// `java.lang.Float`.
    Float32(f32),
    /// `java.lang.Double`.
    Float64(f64),
    /// `java.lang.String`.
    String(ByteString),
    /// `byte[]`.
    Bytes(Bytes),
    /// `java.util.List`.
    Array(Vec<Value>),
    /// `java.util.Map`.
    Map(Map),
    /// `org.apache.kafka.connect.data.Struct`.
    Struct(Box<Struct>),
    /// `java.math.BigDecimal`, the value of the logical type Decimal.
    Decimal(Box<Decimal>),
    /// `java.util.Date`, the value of the logical types Date, Time and Timestamp: milliseconds since
    /// the epoch.
    Date(i64),
}

impl Value {
    /// A string.
    pub fn string(text: impl Into<ByteString>) -> Self {
        Self::String(text.into())
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of any of the four integer types.
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::Int8(value) => Some(value.into()),
            Self::Int16(value) => Some(value.into()),
            Self::Int32(value) => Some(value.into()),
            Self::Int64(value) => Some(value),
            _ => None,
        }
    }

    /// The name of the Java class, as `Class.toString()` prints it after `class `; `None` for null.
    pub fn java_class(&self) -> Option<&'static str> {
        Some(match self {
            Self::Null => return None,
            Self::Boolean(_) => "java.lang.Boolean",
            Self::Int8(_) => "java.lang.Byte",
            Self::Int16(_) => "java.lang.Short",
            Self::Int32(_) => "java.lang.Integer",
            Self::Int64(_) => "java.lang.Long",
            Self::Float32(_) => "java.lang.Float",
            Self::Float64(_) => "java.lang.Double",
            Self::String(_) => "java.lang.String",
            Self::Bytes(_) => "[B",
            Self::Array(_) => "java.util.ArrayList",
            Self::Map(_) => "java.util.HashMap",
            Self::Struct(_) => "org.apache.kafka.connect.data.Struct",
            Self::Decimal(_) => "java.math.BigDecimal",
            Self::Date(_) => "java.util.Date",
        })
    }

    /// An estimate of the memory that the value holds, in bytes.
    pub fn num_bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::String(text) => text.len(),
                Self::Bytes(bytes) => bytes.len(),
                Self::Array(items) => items.iter().map(Self::num_bytes).sum(),
                Self::Map(map) => map.iter().map(|(_, value)| value.num_bytes()).sum(),
                Self::Struct(record) => record.values().iter().map(Self::num_bytes).sum(),
                _ => 0,
            }
    }
}

/// Java's `toString()`. A `byte[]` has no stable text there; here it is `[B` with its length.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => value.fmt(f),
            Self::Int8(value) => value.fmt(f),
            Self::Int16(value) => value.fmt(f),
            Self::Int32(value) => value.fmt(f),
            Self::Int64(value) => value.fmt(f),
            Self::Float32(value) => f.write_str(&float_to_java_string(*value)),
            Self::Float64(value) => f.write_str(&double_to_java_string(*value)),
            Self::String(text) => f.write_str(text),
            Self::Bytes(bytes) => write!(f, "[B@{:x}", bytes.len()),
            Self::Array(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    item.fmt(f)?;
                }
                f.write_str("]")
            }
            Self::Map(map) => map.fmt(f),
            Self::Struct(record) => record.fmt(f),
            Self::Decimal(decimal) => decimal.fmt(f),
            Self::Date(ms) => super::logical::fmt_java_date(*ms, f),
        }
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident),* $(,)?) => {
        $(impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

from! {
    bool => Boolean, i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64, f32 => Float32,
    f64 => Float64, &str => String, String => String, ByteString => String, Bytes => Bytes,
    Vec<Value> => Array, Map => Map, Struct => Struct, Decimal => Decimal,
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
