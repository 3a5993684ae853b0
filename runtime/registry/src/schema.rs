//! Schemas as the registry holds them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The language that a schema is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SchemaType {
    /// Apache Avro; the registry leaves its name out.
    Avro,
    /// Protocol Buffers.
    Protobuf,
    /// JSON Schema.
    Json,
}

impl SchemaType {
    /// The name in the registry: `AVRO`, `PROTOBUF` or `JSON`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Protobuf => "PROTOBUF",
            Self::Json => "JSON",
        }
    }
}

impl fmt::Display for SchemaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The globally unique identifier of a schema, the same in every registry (Confluent Platform 8).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(pub u128);

impl Guid {
    /// Reads `01234567-89ab-cdef-0123-456789abcdef`.
    pub fn parse(text: &str) -> Option<Self> {
        const DASHES: [usize; 4] = [8, 13, 18, 23];
        if text.len() != 36 || !DASHES.iter().all(|&at| text.as_bytes()[at] == b'-') {
            return None;
        }
        let mut digits = 0u128;
        for (at, byte) in text.bytes().enumerate() {
            if DASHES.contains(&at) {
                continue;
            }
            let digit = char::from(byte).to_digit(16)?;
            digits = digits << 4 | u128::from(digit);
        }
        Some(Self(digits))
    }

    /// The 16 bytes of the wire format.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// From the 16 bytes of the wire format.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        write!(
            f,
            "{}-{}-{}-{}-{}",
            &digits[..8],
            &digits[8..12],
            &digits[12..16],
            &digits[16..20],
            &digits[20..]
        )
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a schema imports: the name that it uses, and where the registry keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SchemaReference {
    /// The name that the schema uses: a full name in Avro, an import path in Protobuf, a URL in JSON
    /// Schema.
    pub name: String,
    /// The subject that holds it.
    pub subject: String,
    /// Its version there.
    pub version: i32,
}

/// What is registered and looked up: a text with its references.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SchemaDefinition {
    /// The language.
    pub schema_type: SchemaType,
    /// The text.
    pub text: Arc<str>,
    /// What it imports, one level deep.
    pub references: Vec<SchemaReference>,
}

/// A schema of the registry. Which of the identifiers are there depends on how it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct RegisteredSchema {
    /// The number that stands before the data; `None` if it was asked for by GUID.
    pub id: Option<i32>,
    /// The GUID; `None` from registries before 8.0.
    pub guid: Option<Guid>,
    /// The subject that it was found under.
    pub subject: Option<String>,
    /// Its version there.
    pub version: Option<i32>,
    /// Language, text and references. After a registration the text is the one that was sent, unless
    /// the registry answered with another one.
    pub definition: Arc<SchemaDefinition>,
    /// The properties of its metadata.
    pub properties: BTreeMap<String, String>,
    /// The rules of its data contract that are in force.
    pub rules: Vec<Rule>,
}

/// A rule that data of a schema must pass, such as one that encrypts fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What carries it out: `ENCRYPT`, `CEL`, ...
    pub rule_type: String,
    /// When: `READ`, `WRITE`, `WRITEREAD`, `UPGRADE`, ...
    pub mode: String,
}

impl Rule {
    /// Whether it is to be carried out when data is written.
    pub fn is_for_writing(&self) -> bool {
        matches!(self.mode.as_str(), "WRITE" | "WRITEREAD")
    }

    /// Whether it is to be carried out when data is read.
    pub fn is_for_reading(&self) -> bool {
        matches!(self.mode.as_str(), "READ" | "WRITEREAD")
    }
}

impl RegisteredSchema {
    /// The version that the metadata names (`confluent:version`), which goes before the subject's.
    pub fn confluent_version(&self) -> Option<i32> {
        self.properties.get("confluent:version")?.parse().ok()
    }
}

/// A schema that another one imports, directly or through others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedReference {
    /// The name under which it is imported.
    pub name: String,
    /// The subject that holds it.
    pub subject: String,
    /// Its version there.
    pub version: i32,
    /// Its text.
    pub text: Arc<str>,
}
