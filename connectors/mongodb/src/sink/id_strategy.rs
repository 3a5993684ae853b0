//! Where the `_id` of a document comes from.

use super::document::{ID_FIELD, SharedId, SinkDocument};
use super::processor::Projection;
use crate::bson::{JsonMode, value_to_json};
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Uuid, oid::ObjectId};
use connect_api::{ConnectError, Result, SinkRecord};

/// Which half of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// The strategies of `document.id.strategy`.
#[derive(Clone, Debug)]
pub enum IdStrategy {
    /// A new ObjectId.
    BsonOid,
    /// The key.
    FullKey,
    /// `topic#partition#offset`.
    KafkaMetaData,
    /// Some fields of the key or the value.
    Partial(Half, Projection),
    /// The `_id` of the key or the value.
    Provided(Half),
    /// A random UUID, as text or binary.
    Uuid {
        /// As 16 bytes of subtype 4.
        is_binary: bool,
    },
    /// The `_id` of the key or the value as a UUID.
    UuidProvided(Half),
}

impl IdStrategy {
    /// The id for a record, and what it shares with the key.
    pub fn generate(
        &self,
        document: &mut SinkDocument<'_>,
        record: &SinkRecord,
    ) -> Result<(Bson, SharedId)> {
        let id = match self {
            Self::BsonOid => Bson::ObjectId(ObjectId::new()),
            Self::FullKey => {
                let key = document.key.copy_or_empty()?;
                return Ok((Bson::Document(key), SharedId::Key));
            }
            Self::KafkaMetaData => Bson::String(format!(
                "{}#{}#{}",
                record.record.topic,
                PartitionText(record.record.kafka_partition),
                record.origin.kafka_offset
            )),
            Self::Partial(half, projection) => {
                let mut part = match half {
                    Half::Key => document.key.copy_or_empty()?,
                    Half::Value => document.value.copy_or_empty()?,
                };
                projection.project(&mut part);
                Bson::Document(part)
            }
            Self::Provided(half) => {
                let id = provided(*half, document)?;
                let shared_id = match half {
                    Half::Key => SharedId::IdOfKey,
                    Half::Value => SharedId::None,
                };
                return Ok((id, shared_id));
            }
            Self::Uuid { is_binary } => {
                let uuid = Uuid::new();
                match is_binary {
                    true => uuid_binary(uuid),
                    false => Bson::String(uuid.to_string()),
                }
            }
            Self::UuidProvided(half) => to_uuid(provided(*half, document)?)?,
        };
        Ok((id, SharedId::None))
    }

    /// Whether the id is made of some fields, which filters then name one by one.
    pub fn is_partial(&self) -> bool {
        matches!(self, Self::Partial(..))
    }

    /// Whether the same record always gets the same id, so that a replay does no harm.
    pub fn names_documents_by_key(&self) -> bool {
        matches!(
            self,
            Self::FullKey | Self::Partial(Half::Key, _) | Self::Provided(Half::Key)
        )
    }
}

/// The partition of a record as Java prints it.
pub(super) struct PartitionText(pub(super) Option<i32>);

impl std::fmt::Display for PartitionText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(partition) => partition.fmt(f),
            None => f.write_str("null"),
        }
    }
}

fn provided(half: Half, document: &mut SinkDocument<'_>) -> Result<Bson> {
    let source = match half {
        Half::Key => document.key.get()?,
        Half::Value => document.value.get()?,
    };
    match source.and_then(|source| source.get(ID_FIELD)) {
        Some(Bson::Null) => Err(ConnectError::data(
            "Provided id strategy used but the document structure contained an _id of type BsonNull",
        )),
        Some(id) => Ok(id.clone()),
        None => Err(ConnectError::data(
            "Provided id strategy is used but the document structure either contained no _id field \
             or it was null",
        )),
    }
}

fn to_uuid(id: Bson) -> Result<Bson> {
    let refuse = |shown: &str| {
        Err(ConnectError::data(format!(
            "UUID cannot be constructed from provided value: `{shown}`"
        )))
    };
    match &id {
        Bson::Binary(binary)
            if matches!(binary.subtype, BinarySubtype::Uuid | BinarySubtype::UuidOld) =>
        {
            Ok(id)
        }
        Bson::String(text) => match parse_uuid(text) {
            Some(uuid) => Ok(uuid_binary(uuid)),
            None => refuse(text),
        },
        other => refuse(&shown(other)),
    }
}

fn uuid_binary(uuid: Uuid) -> Bson {
    Bson::Binary(Binary {
        subtype: BinarySubtype::Uuid,
        bytes: uuid.bytes().to_vec(),
    })
}

/// 32 digits, or 36 characters with dashes where `UUID.fromString` takes them: each part may be
/// shorter or longer there than it should be, as long as the whole is 36 characters.
fn parse_uuid(text: &str) -> Option<Uuid> {
    match text.len() {
        32 => Uuid::parse_str(text).ok(),
        36 => {
            let parts: Vec<&str> = text.split('-').collect();
            let [a, b, c, d, e] = parts.as_slice() else {
                return None;
            };
            let part = |text: &str, bits: u32| {
                let number = i64::from_str_radix(text, 16).ok()?;
                Some(number as u64 & (u64::MAX >> (64 - bits)))
            };
            let high = part(a, 32)? << 32 | part(b, 16)? << 16 | part(c, 16)?;
            let low = part(d, 16)? << 48 | part(e, 48)?;
            let bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
            Some(Uuid::from_bytes(bytes))
        }
        _ => None,
    }
}

/// A value as Java's `toString` shows it, near enough for a message.
pub(super) fn shown(value: &Bson) -> String {
    match value {
        Bson::Int32(number) => format!("BsonInt32{{value={number}}}"),
        Bson::Int64(number) => format!("BsonInt64{{value={number}}}"),
        Bson::Double(number) => format!(
            "BsonDouble{{value={}}}",
            connect_api::data::double_to_java_string(*number)
        ),
        Bson::Boolean(value) => format!("BsonBoolean{{value={value}}}"),
        Bson::String(text) => format!("BsonString{{value='{text}'}}"),
        Bson::ObjectId(id) => format!("BsonObjectId{{value={}}}", id.to_hex()),
        Bson::DateTime(date) => format!("BsonDateTime{{value={}}}", date.timestamp_millis()),
        Bson::Null => "BsonNull".into(),
        Bson::Array(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("BsonArray{{values=[{}]}}", items.join(", "))
        }
        other => value_to_json(other, JsonMode::Relaxed),
    }
}
