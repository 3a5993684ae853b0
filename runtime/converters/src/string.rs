//! `StringConverter`: the text of anything.

use crate::SERIALIZATION_EXCEPTION;
use crate::config::{converter_def, parse};
use crate::utf8::decode_lossy;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, Width};
use connect_api::data::{Schema, SchemaRef, Value};
use connect_api::{
    ConnectError, Converter, ConverterType, Encoded, PlainType, RawHeader, RawMessage, Result,
    SchemaAndValue,
};
use std::fmt::Write;
use std::sync::LazyLock;

const ENCODING: &str = "converter.encoding";

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        converter_def().define(
            ConfigKey::new(ENCODING, ConfigType::String)
                .default("UTF-8")
                .importance(Importance::High)
                .doc(
                    "The name of the Java character set to use for encoding strings as byte arrays.",
                )
                .ungrouped(Width::Medium, "Encoding"),
        )
    });
    &DEF
}

/// The character sets that every JVM has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Encoding {
    #[default]
    Utf8,
    /// With a byte order mark when written; by the mark, else big-endian, when read.
    Utf16,
    Utf16BigEndian,
    Utf16LittleEndian,
    /// One byte per character up to the given one.
    SingleByte(u8),
}

impl Encoding {
    fn of(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "UTF-8" | "UTF8" => Self::Utf8,
            "UTF-16" | "UTF16" => Self::Utf16,
            "UTF-16BE" => Self::Utf16BigEndian,
            "UTF-16LE" => Self::Utf16LittleEndian,
            "ISO-8859-1" | "ISO8859-1" | "ISO8859_1" | "LATIN1" => Self::SingleByte(0xFF),
            "US-ASCII" | "ASCII" => Self::SingleByte(0x7F),
            _ => return None,
        })
    }

    fn encode(self, text: &str, out: &mut BytesMut) {
        match self {
            Self::Utf8 => out.extend_from_slice(text.as_bytes()),
            Self::Utf16 => {
                out.extend_from_slice(&[0xFE, 0xFF]);
                Self::Utf16BigEndian.encode(text, out);
            }
            Self::Utf16BigEndian => out.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            Self::Utf16LittleEndian => out.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Self::SingleByte(last) => out.extend(text.chars().map(|character| {
                u8::try_from(u32::from(character))
                    .ok()
                    .filter(|byte| *byte <= last)
                    .unwrap_or(b'?')
            })),
        }
    }

    fn decode(self, bytes: &Bytes) -> ByteString {
        let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let mut text: String = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
                .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect();
            if !rest.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
            ByteString::from(text)
        };
        match self {
            Self::Utf8 => match ByteString::try_from(bytes.clone()) {
                Ok(text) => text,
                Err(_) => ByteString::from(decode_lossy(bytes)),
            },
            Self::Utf16 => match &bytes[..] {
                [0xFF, 0xFE, rest @ ..] => units(rest, u16::from_le_bytes),
                [0xFE, 0xFF, rest @ ..] | rest => units(rest, u16::from_be_bytes),
            },
            Self::Utf16BigEndian => units(bytes, u16::from_be_bytes),
            Self::Utf16LittleEndian => units(bytes, u16::from_le_bytes),
            Self::SingleByte(last) => ByteString::from(
                bytes
                    .iter()
                    .map(|&byte| {
                        if byte <= last {
                            char::from(byte)
                        } else {
                            char::REPLACEMENT_CHARACTER
                        }
                    })
                    .collect::<String>(),
            ),
        }
    }
}

/// Any value as the text that Java's `toString()` makes of it; texts on the way back.
#[derive(Debug, Default)]
pub struct StringConverter {
    encoding: Encoding,
}

crate::register!(
    "org.apache.kafka.connect.storage.StringConverter",
    StringConverter,
    config_def
);

#[async_trait]
impl Converter for StringConverter {
    fn configure(&mut self, config: &ConfigMap, converter_type: ConverterType) -> Result<()> {
        let config = parse(config_def(), config, converter_type)?;
        let name = config.string(ENCODING)?;
        self.encoding = Encoding::of(name).ok_or_else(|| {
            ConnectError::config(format!("Unsupported encoding {name}"))
                .with_class(SERIALIZATION_EXCEPTION)
        })?;
        Ok(())
    }

    fn to_connect_data(&mut self, message: RawMessage<'_>) -> Result<SchemaAndValue> {
        let value = match message.payload {
            None => Value::Null,
            Some(bytes) => Value::String(self.encoding.decode(bytes)),
        };
        Ok(SchemaAndValue {
            schema: Some(Schema::optional_string()),
            value,
        })
    }

    fn from_connect_data(
        &mut self,
        _topic: &str,
        _headers: &mut Vec<RawHeader>,
        _schema: Option<&SchemaRef>,
        value: &Value,
        out: &mut BytesMut,
    ) -> Result<Encoded> {
        if value.is_null() {
            return Ok(Encoded::Null);
        }
        let encoding = self.encoding;
        match (value, encoding) {
            (Value::String(text), Encoding::Utf8) => {
                return Ok(Encoded::Shared(text.as_bytes().clone()));
            }
            (Value::String(text), _) => encoding.encode(text, out),
            // Writing to a buffer that grows does not fail.
            (_, Encoding::Utf8) => drop(write!(out, "{value}")),
            _ => encoding.encode(&value.to_string(), out),
        }
        Ok(Encoded::Appended)
    }

    fn plain_type(&self) -> Option<PlainType> {
        (self.encoding == Encoding::Utf8).then_some(PlainType::String)
    }
}
