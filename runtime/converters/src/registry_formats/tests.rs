//! The converter over a format made for these tests: its schemas are words, its data is text.

use super::*;
use bytes::{Bytes, BytesMut};
use connect_api::config::{ConfigDef, ConfigMap, ParsedConfig};
use connect_api::data::{Schema, SchemaRef, Value};
use connect_api::{
    ConnectError, Converter, ConverterType, Encoded, ErrorKind, RawHeader, RawMessage, Result,
    SchemaAndValue,
};
use connect_registry::{MockRegistry, ResolvedReference, SchemaType};
use std::sync::Arc;
use std::time::Duration;

mod failures;
mod reading;
mod writing;

/// A format whose schema text is `WORD` or `WORD REASON`: data is the word, a colon and a text.
/// `INDEXED` has frames with message indexes.
struct WordFormat<const INDEXED: bool>;

struct Word {
    name: String,
    /// Another word than which it cannot be read.
    requires: Option<String>,
    references: Vec<String>,
}

struct WordReader {
    word: Arc<Word>,
    read_as: Option<Arc<Word>>,
    schema: SchemaRef,
}

struct WordWriter {
    word: Arc<Word>,
    indexes: Option<Vec<i32>>,
}

impl<const INDEXED: bool> RegistryFormat for WordFormat<INDEXED> {
    type Schema = Word;
    type Reader = WordReader;
    type Writer = WordWriter;

    const SCHEMA_TYPE: SchemaType = if INDEXED {
        SchemaType::Protobuf
    } else {
        SchemaType::Avro
    };

    fn config_def() -> &'static ConfigDef {
        registry_config_def()
    }

    fn new(_config: &ParsedConfig, _converter_type: ConverterType) -> Result<Self> {
        Ok(Self)
    }

    fn parse(&self, text: &str, references: &[ResolvedReference]) -> Result<Word> {
        let mut words = text.trim_matches('"').split(' ');
        match words.next() {
            Some(name) if !name.is_empty() && name != "broken" => Ok(Word {
                name: name.to_string(),
                requires: words.next().map(str::to_string),
                references: references
                    .iter()
                    .map(|reference| reference.name.clone())
                    .collect(),
            }),
            _ => Err(malformed("no word")),
        }
    }

    fn derive(&mut self, schema: Option<&SchemaRef>) -> Result<DerivedSchema<Word>> {
        let name = match schema {
            None => "schemaless",
            Some(schema) => schema
                .name()
                .ok_or_else(|| ConnectError::data("a schema without a name"))?,
        };
        let text = format!("\"{name}\"");
        let dependencies = match name.strip_suffix("-importing") {
            Some(imported) => vec![Dependency {
                name: format!("{imported}.ref"),
                subject: format!("{imported}-subject"),
                text: format!("\"{imported}\""),
                dependencies: Vec::new(),
                lookup_only: false,
            }],
            None => Vec::new(),
        };
        Ok(DerivedSchema {
            schema: Arc::new(self.parse(&text, &[])?),
            text,
            dependencies,
        })
    }

    fn record_name(&self, schema: &Word, message_indexes: &[i32]) -> Option<String> {
        match message_indexes {
            [0] => (schema.name != "primitive").then(|| format!("ns.{}", schema.name)),
            path => Some(format!("ns.{}.{path:?}", schema.name)),
        }
    }

    fn incompatibilities(&self, reader: &Word, writer: &Word) -> Vec<String> {
        match &reader.requires {
            Some(required) if *required != writer.name => vec![format!("not {required}")],
            _ => Vec::new(),
        }
    }

    fn reader(&mut self, spec: &ReaderSpec<'_, Word>) -> Result<WordReader> {
        let mut schema = Schema::builder(connect_api::data::SchemaType::String)
            .name(format!("{}{:?}", spec.schema.name, spec.message_indexes));
        if let Some(version) = spec.version {
            schema = schema.version(version);
        }
        for reference in &spec.schema.references {
            schema = schema.parameter(reference.clone(), "");
        }
        Ok(WordReader {
            word: spec.schema.clone(),
            read_as: spec.reader_schema.cloned(),
            schema: schema.build()?,
        })
    }

    fn writer(&mut self, _connect: Option<&SchemaRef>, schema: &Arc<Word>) -> Result<WordWriter> {
        Ok(WordWriter {
            word: schema.clone(),
            indexes: INDEXED.then(|| match schema.name.strip_prefix("nested") {
                Some(_) => vec![1, 0],
                None => vec![0],
            }),
        })
    }
}

impl FormatReader for WordReader {
    fn read(&mut self, payload: &Bytes) -> Result<SchemaAndValue> {
        let text = std::str::from_utf8(payload).map_err(|_| malformed("no text"))?;
        let text = text
            .strip_prefix(&self.word.name)
            .and_then(|text| text.strip_prefix(':'))
            .ok_or_else(|| malformed(format!("not of {}", self.word.name)))?;
        if text == "unmappable" {
            return Err(ConnectError::data("cannot be mapped"));
        }
        let read_as = self
            .read_as
            .as_ref()
            .map_or(String::new(), |word| format!(" as {}", word.name));
        Ok(SchemaAndValue {
            schema: Some(self.schema.clone()),
            value: Value::from(format!("{text}{read_as}")),
        })
    }
}

impl FormatWriter for WordWriter {
    fn write(&mut self, value: &Value, out: &mut BytesMut) -> Result<()> {
        let text = match value {
            Value::Null => "default",
            value => value.as_str().ok_or_else(|| malformed("not a text"))?,
        };
        out.extend_from_slice(format!("{}:{text}", self.word.name).as_bytes());
        Ok(())
    }

    fn message_indexes(&self) -> Option<&[i32]> {
        self.indexes.as_deref()
    }
}

type Words = RegistryConverter<WordFormat<false>>;
type IndexedWords = RegistryConverter<WordFormat<true>>;

/// A converter of values with the registry of a scope.
fn converter<const INDEXED: bool>(
    scope: &str,
    entries: &[(&str, &str)],
) -> RegistryConverter<WordFormat<INDEXED>> {
    let url = format!("mock://{scope}");
    let mut config = ConfigMap::from_iter([("schema.registry.url", url.as_str())]);
    config.extend(&ConfigMap::from_iter(entries.iter().copied()));
    let mut converter = RegistryConverter::default();
    converter.configure(&config, ConverterType::Value).unwrap();
    converter
}

fn words(scope: &str, entries: &[(&str, &str)]) -> Words {
    converter(scope, entries)
}

/// Registers a word, and returns its id.
fn register(scope: &str, subject: &str, word: &str) -> i32 {
    register_type(scope, subject, word, "AVRO", "[]")
}

fn register_type(
    scope: &str,
    subject: &str,
    text: &str,
    schema_type: &str,
    references: &str,
) -> i32 {
    let body = format!(
        r#"{{"schema":"\"{text}\"","schemaType":"{schema_type}","references":{references}}}"#
    );
    let (status, answer) = MockRegistry::of_scope(scope).answer(
        "POST",
        &["subjects", subject, "versions"],
        &[],
        Some(&body),
    );
    assert_eq!(status, 200, "{answer}");
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    answer["id"].as_i64().unwrap() as i32
}

fn schema(name: &str) -> SchemaRef {
    Schema::builder(connect_api::data::SchemaType::String)
        .name(name)
        .build()
        .unwrap()
}

fn frame(id: i32, data: &str) -> Bytes {
    let mut bytes = frame::encode_frame(frame::SchemaId::Id(id), None);
    bytes.extend_from_slice(data.as_bytes());
    bytes.into()
}

fn message<'a>(topic: &'a str, payload: &'a Bytes) -> RawMessage<'a> {
    RawMessage {
        topic,
        headers: &[],
        payload: Some(payload),
    }
}

/// Prepares and reads one record.
async fn read(
    converter: &mut dyn Converter,
    topic: &str,
    payload: &Bytes,
) -> Result<SchemaAndValue> {
    let message = message(topic, payload);
    converter.prepare_to_connect(&[message]).await;
    converter.to_connect_data(message)
}

/// Prepares and writes one record.
async fn write(
    converter: &mut dyn Converter,
    topic: &str,
    schema: Option<&SchemaRef>,
    value: &Value,
) -> Result<(Encoded, Bytes, Vec<RawHeader>)> {
    converter.prepare_from_connect(&[(topic, schema)]).await;
    let (mut headers, mut out) = (Vec::new(), BytesMut::new());
    let encoded = converter.from_connect_data(topic, &mut headers, schema, value, &mut out)?;
    Ok((encoded, out.freeze(), headers))
}

/// The bytes that a value is written as.
async fn bytes_of(
    converter: &mut dyn Converter,
    topic: &str,
    schema: &SchemaRef,
    text: &str,
) -> Bytes {
    let (_, bytes, _) = write(converter, topic, Some(schema), &Value::from(text))
        .await
        .unwrap();
    bytes
}

fn trace(error: &ConnectError) -> Vec<String> {
    error.trace().lines().map(str::to_string).collect()
}
