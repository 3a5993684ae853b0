//! The wire format: a reader that trusts nothing, and the writer of its primitives.

use bytes::{BufMut, BytesMut};
use connect_api::{ConnectError, Result};

/// How deep messages and groups may nest, as in protobuf-java.
pub(crate) const MAX_DEPTH: usize = 100;

/// How the bytes of a field are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireType {
    Varint,
    Fixed64,
    LengthDelimited,
    StartGroup,
    EndGroup,
    Fixed32,
}

impl WireType {
    fn of(tag: u32) -> Option<Self> {
        Some(match tag & 7 {
            0 => Self::Varint,
            1 => Self::Fixed64,
            2 => Self::LengthDelimited,
            3 => Self::StartGroup,
            4 => Self::EndGroup,
            5 => Self::Fixed32,
            _ => return None,
        })
    }
}

fn invalid(message: &str) -> ConnectError {
    ConnectError::data(message).with_class("com.google.protobuf.InvalidProtocolBufferException")
}

fn truncated() -> ConnectError {
    invalid(
        "While parsing a protocol message, the input ended unexpectedly in the middle of a field.  \
         This could mean either that the input has been truncated or that an embedded message \
         misreported its own length.",
    )
}

fn wrong_end_tag() -> ConnectError {
    invalid("Protocol message end-group tag did not match expected tag.")
}

pub(crate) fn invalid_utf8() -> ConnectError {
    invalid("Protocol message had invalid UTF-8.")
}

pub(crate) fn too_deep() -> ConnectError {
    invalid(
        "Protocol message had too many levels of nesting.  May be malicious.  Use \
         setRecursionLimit() to increase the recursion depth limit.",
    )
}

pub(crate) fn missing_required(names: &[String]) -> ConnectError {
    invalid(&format!(
        "Message missing required fields: {}",
        names.join(", ")
    ))
}

/// Reads the fields of one message.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    /// Over a part of a buffer; the positions that it tells are those of the buffer.
    pub(crate) fn new(bytes: &'a [u8], start: usize, end: usize) -> Self {
        Self {
            bytes,
            position: start,
            end: end.min(bytes.len()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.position >= self.end
    }

    /// The bytes that are left.
    pub(crate) fn remaining(&self) -> usize {
        self.end.saturating_sub(self.position)
    }

    fn byte(&mut self) -> Result<u8> {
        if self.position >= self.end {
            return Err(truncated());
        }
        let byte = self.bytes[self.position];
        self.position += 1;
        Ok(byte)
    }

    pub(crate) fn varint(&mut self) -> Result<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let mut value = u64::from(first & 0x7f);
        for shift in (7..70).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(invalid("CodedInputStream encountered a malformed varint."))
    }

    pub(crate) fn fixed32(&mut self) -> Result<u32> {
        let bytes = self.take::<4>()?;
        Ok(u32::from_le_bytes(bytes))
    }

    pub(crate) fn fixed64(&mut self) -> Result<u64> {
        let bytes = self.take::<8>()?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let range = self.range(N)?;
        Ok(self.bytes[range]
            .try_into()
            .expect("the range is N bytes long"))
    }

    /// The range of the next bytes, which are passed over.
    fn range(&mut self, num_bytes: usize) -> Result<std::ops::Range<usize>> {
        if self.remaining() < num_bytes {
            return Err(truncated());
        }
        let start = self.position;
        self.position += num_bytes;
        Ok(start..self.position)
    }

    /// The range of a length-delimited field, which is passed over.
    pub(crate) fn delimited(&mut self) -> Result<std::ops::Range<usize>> {
        let length = self.varint()? as u32 as i32;
        match usize::try_from(length) {
            Ok(length) => self.range(length),
            Err(_) => Err(invalid(
                "CodedInputStream encountered an embedded string or message which claimed to have \
                 negative size.",
            )),
        }
    }

    /// The number and the wire type of the next field; `None` at the end.
    pub(crate) fn tag(&mut self) -> Result<Option<(u32, WireType)>> {
        if self.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()? as u32;
        let number = tag >> 3;
        if number == 0 {
            return Err(invalid("Protocol message contained an invalid tag (zero)."));
        }
        match WireType::of(tag) {
            Some(wire_type) => Ok(Some((number, wire_type))),
            None => Err(
                invalid("Protocol message tag had invalid wire type.").with_class(
                    "com.google.protobuf.InvalidProtocolBufferException$InvalidWireTypeException",
                ),
            ),
        }
    }

    /// Passes over a field that nobody wants; groups within groups up to [`MAX_DEPTH`].
    pub(crate) fn skip(&mut self, number: u32, wire_type: WireType, depth: usize) -> Result<()> {
        let mut groups = match wire_type {
            WireType::StartGroup => vec![number],
            wire_type => return self.skip_plain(wire_type),
        };
        while let Some(&group) = groups.last() {
            if depth + groups.len() > MAX_DEPTH {
                return Err(too_deep());
            }
            match self.tag()? {
                None => return Err(wrong_end_tag()),
                Some((number, WireType::StartGroup)) => groups.push(number),
                Some((number, WireType::EndGroup)) if number == group => {
                    groups.pop();
                }
                Some((_, wire_type)) => self.skip_plain(wire_type)?,
            }
        }
        Ok(())
    }

    fn skip_plain(&mut self, wire_type: WireType) -> Result<()> {
        match wire_type {
            WireType::Varint => self.varint().map(drop),
            WireType::Fixed64 => self.range(8).map(drop),
            WireType::LengthDelimited => self.delimited().map(drop),
            WireType::Fixed32 => self.range(4).map(drop),
            WireType::StartGroup | WireType::EndGroup => Err(wrong_end_tag()),
        }
    }
}

pub(crate) fn unzigzag32(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

pub(crate) fn unzigzag64(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

pub(crate) fn zigzag32(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

pub(crate) fn zigzag64(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

pub(crate) fn put_varint(mut value: u64, out: &mut BytesMut) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

pub(crate) fn put_tag(number: u32, wire_type: WireType, out: &mut BytesMut) {
    put_varint(u64::from(number << 3 | wire_type as u32), out);
}

pub(crate) fn put_bytes(bytes: &[u8], out: &mut BytesMut) {
    put_varint(bytes.len() as u64, out);
    out.put_slice(bytes);
}

/// Writes what `body` writes, behind its length.
pub(crate) fn put_delimited(
    out: &mut BytesMut,
    body: impl FnOnce(&mut BytesMut) -> Result<()>,
) -> Result<()> {
    let at = out.len();
    // Most messages are shorter than 128 bytes: one byte is set aside, and longer ones move.
    out.put_u8(0);
    body(out)?;
    let length = out.len() - at - 1;
    if length < 0x80 {
        out[at] = length as u8;
        return Ok(());
    }
    let mut prefix = BytesMut::with_capacity(10);
    put_varint(length as u64, &mut prefix);
    out.resize(out.len() + prefix.len() - 1, 0);
    out.copy_within(at + 1..at + 1 + length, at + prefix.len());
    out[at..at + prefix.len()].copy_from_slice(&prefix);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zigzag_goes_there_and_back() {
        for value in [0, 1, -1, 2, i32::MAX, i32::MIN] {
            assert_eq!(unzigzag32(zigzag32(value)), value);
            assert_eq!(
                unzigzag64(zigzag64(i64::from(value) << 31)),
                i64::from(value) << 31
            );
        }
    }

    #[test]
    fn lengths_of_any_size_stand_before_what_they_measure() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 70_000] {
            let mut out = BytesMut::from(&b"before"[..]);
            put_delimited(&mut out, |out| {
                out.resize(out.len() + length, b'x');
                Ok(())
            })
            .unwrap();
            let mut reader = Reader::new(&out, 6, out.len());
            let range = reader.delimited().unwrap();
            assert_eq!(range.len(), length);
            assert!(out[range].iter().all(|byte| *byte == b'x'));
            assert!(reader.is_empty());
        }
    }
}
