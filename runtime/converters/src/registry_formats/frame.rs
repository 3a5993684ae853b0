//! The frame around data: which schema it was written with.
//!
//! `0x00` and the id in four bytes, or `0x01` and the GUID in sixteen; in Protobuf then the path to the
//! message within its file. It stands before the data, or alone in a header of the record.

use super::malformed;
use connect_api::{ConnectError, Result};
use connect_registry::Guid;

/// The header of keys whose frame stands in a header.
pub const KEY_SCHEMA_ID_HEADER: &str = "__key_schema_id";
/// The header of values whose frame stands in a header.
pub const VALUE_SCHEMA_ID_HEADER: &str = "__value_schema_id";

const MAGIC_BYTE_ID: u8 = 0;
const MAGIC_BYTE_GUID: u8 = 1;

/// How a frame names a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SchemaId {
    /// By the number that the registry gave it.
    Id(i32),
    /// By its GUID.
    Guid(Guid),
}

/// A frame, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Which schema.
    pub schema_id: SchemaId,
    /// The path to the message; empty if the format has none.
    pub message_indexes: Vec<i32>,
    /// The length of the frame: the data begins there.
    pub num_bytes: usize,
}

/// The path to the message of frames that leave it out: the first one.
pub const FIRST_MESSAGE: &[i32] = &[0];

/// Takes a frame apart. Any bytes may come in: what is too short, too long or of another kind is an
/// error, and no more is allocated than the bytes can hold.
pub fn decode_frame(bytes: &[u8], with_message_indexes: bool) -> Result<Frame> {
    let mut message_indexes = Vec::new();
    let indexes = with_message_indexes.then_some(&mut message_indexes);
    let (schema_id, num_bytes) = walk(bytes, with_message_indexes, indexes)?;
    Ok(Frame {
        schema_id,
        message_indexes,
        num_bytes,
    })
}

/// The length of the frame that the bytes begin with. Allocates nothing unless it fails.
#[inline]
pub fn frame_length(bytes: &[u8], with_message_indexes: bool) -> Result<usize> {
    if !with_message_indexes && bytes.len() >= 5 && bytes[0] == MAGIC_BYTE_ID {
        return Ok(5);
    }
    walk(bytes, with_message_indexes, None).map(|(_, num_bytes)| num_bytes)
}

fn walk(
    bytes: &[u8],
    with_message_indexes: bool,
    mut indexes: Option<&mut Vec<i32>>,
) -> Result<(SchemaId, usize)> {
    let (schema_id, mut at) = match bytes.first() {
        Some(&MAGIC_BYTE_ID) => match bytes[1..].first_chunk() {
            Some(id) => (SchemaId::Id(i32::from_be_bytes(*id)), 5),
            None => return Err(too_short()),
        },
        Some(&MAGIC_BYTE_GUID) => match bytes[1..].first_chunk() {
            Some(guid) => (SchemaId::Guid(Guid::from_bytes(*guid)), 17),
            None => return Err(too_short()),
        },
        Some(_) => return Err(bad_frame("Unknown magic byte!".to_string())),
        None => return Err(too_short()),
    };
    if !with_message_indexes {
        return Ok((schema_id, at));
    }
    let count = read_varint(bytes, &mut at)?;
    if count == 0 {
        if let Some(indexes) = indexes {
            indexes.extend_from_slice(FIRST_MESSAGE);
        }
        return Ok((schema_id, at));
    }
    if count < 0 {
        return Err(bad_frame(format!("Illegal Capacity: {count}")));
    }
    for _ in 0..count {
        let index = read_varint(bytes, &mut at)?;
        if let Some(indexes) = &mut indexes {
            indexes.push(index);
        }
    }
    Ok((schema_id, at))
}

/// A zigzag varint of 32 bits.
fn read_varint(bytes: &[u8], at: &mut usize) -> Result<i32> {
    let mut value = 0u32;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(*at).ok_or_else(too_short)?;
        *at += 1;
        value |= u32::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok((value >> 1) as i32 ^ -((value & 1) as i32));
        }
    }
    Err(bad_frame(format!(
        "Varint is too long, the most significant bit in the 5th byte is set, converted value: \
         {value:x}"
    )))
}

#[cold]
fn bad_frame(message: String) -> ConnectError {
    malformed("Error deserializing schema ID")
        .with_cause(ConnectError::data(message).with_class("java.lang.IllegalArgumentException"))
}

#[cold]
fn too_short() -> ConnectError {
    malformed("Error deserializing schema ID").with_cause(
        ConnectError::data("")
            .with_class("java.nio.BufferUnderflowException")
            .without_message(),
    )
}

/// Writes the frame of a schema; `message_indexes` is `None` for formats without them.
pub fn encode_frame(schema_id: SchemaId, message_indexes: Option<&[i32]>) -> Vec<u8> {
    let mut frame = Vec::with_capacity(24);
    match schema_id {
        SchemaId::Id(id) => {
            frame.push(MAGIC_BYTE_ID);
            frame.extend_from_slice(&id.to_be_bytes());
        }
        SchemaId::Guid(guid) => {
            frame.push(MAGIC_BYTE_GUID);
            frame.extend_from_slice(&guid.to_bytes());
        }
    }
    match message_indexes {
        None => {}
        Some(FIRST_MESSAGE | []) => frame.push(0),
        Some(indexes) => {
            write_varint(indexes.len() as i32, &mut frame);
            for &index in indexes {
                write_varint(index, &mut frame);
            }
        }
    }
    frame
}

fn write_varint(value: i32, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 31)) as u32;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frames_are_those_of_confluents_serializers() {
        let guid = Guid::parse("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9").unwrap();
        let guid_bytes = guid.to_bytes();
        assert_eq!(guid_bytes[..3], [0x0A, 0x1B, 0x2C]);
        assert_eq!(encode_frame(SchemaId::Id(1), None), [0, 0, 0, 0, 1]);
        assert_eq!(
            encode_frame(SchemaId::Id(258), Some(&[0])),
            [0, 0, 0, 1, 2, 0]
        );
        // The count, then each index, all as zigzag: 2 -> 04, 1 -> 02, 0 -> 00.
        assert_eq!(
            encode_frame(SchemaId::Id(7), Some(&[1, 0])),
            [0, 0, 0, 0, 7, 4, 2, 0]
        );
        assert_eq!(
            encode_frame(SchemaId::Id(7), Some(&[1])),
            [0, 0, 0, 0, 7, 2, 2]
        );
        let frame = encode_frame(SchemaId::Guid(guid), Some(&[100]));
        assert_eq!(frame[0], 1);
        assert_eq!(frame[1..17], guid_bytes);
        assert_eq!(frame[17..], [2, 0xC8, 1]);
    }

    #[test]
    fn what_is_no_frame_is_told_in_javas_words() {
        let trace = |bytes: &[u8], indexes| decode_frame(bytes, indexes).unwrap_err().trace();
        let wrong = |cause: &str| {
            format!(
                "org.apache.kafka.common.errors.SerializationException: Error deserializing schema \
                 ID\nCaused by: {cause}\n"
            )
        };
        assert_eq!(
            trace(b"{\"a\":1}", false),
            wrong("java.lang.IllegalArgumentException: Unknown magic byte!")
        );
        let underflow = wrong("java.nio.BufferUnderflowException");
        assert_eq!(trace(b"", false), underflow);
        assert_eq!(trace(&[0, 0, 0, 1], false), underflow);
        assert_eq!(trace(&[1; 16], false), underflow);
        assert_eq!(trace(&[0, 0, 0, 0, 1], true), underflow);
        assert_eq!(
            trace(&[0, 0, 0, 0, 1, 1], true),
            wrong("java.lang.IllegalArgumentException: Illegal Capacity: -1")
        );
        // A count of two thousand million claims memory that the bytes do not back.
        assert_eq!(
            trace(&[0, 0, 0, 0, 1, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F], true),
            underflow
        );
    }

    proptest! {
        #[test]
        fn frames_come_back(
            number in any::<i32>(),
            guid in proptest::option::of(any::<u128>()),
            indexes in proptest::option::of(proptest::collection::vec(any::<i32>(), 1..20)),
            data in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let schema_id = match guid {
                Some(guid) => SchemaId::Guid(Guid(guid)),
                None => SchemaId::Id(number),
            };
            let mut bytes = encode_frame(schema_id, indexes.as_deref());
            let num_bytes = bytes.len();
            bytes.extend_from_slice(&data);
            let frame = decode_frame(&bytes, indexes.is_some()).unwrap();
            prop_assert_eq!(frame.schema_id, schema_id);
            prop_assert_eq!(frame.num_bytes, num_bytes);
            prop_assert_eq!(frame_length(&bytes, indexes.is_some()).unwrap(), num_bytes);
            prop_assert_eq!(frame.message_indexes, indexes.unwrap_or_default());
        }

        #[test]
        fn any_bytes_are_a_frame_or_an_error(
            bytes in proptest::collection::vec(
                prop_oneof![4 => 0u8..4, 1 => any::<u8>()], 0..64
            ),
            with_message_indexes: bool,
        ) {
            let length = frame_length(&bytes, with_message_indexes);
            match decode_frame(&bytes, with_message_indexes) {
                Ok(frame) => {
                    prop_assert!(frame.num_bytes <= bytes.len());
                    prop_assert!(frame.message_indexes.len() <= bytes.len());
                    prop_assert_eq!(length.unwrap(), frame.num_bytes);
                }
                Err(_) => prop_assert!(length.is_err()),
            }
        }
    }
}
