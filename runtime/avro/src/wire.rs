//! Avro's binary form: zigzag varints, lengths, floats.

use crate::schema::AVRO_RUNTIME_EXCEPTION;
use bytes::{BufMut, Bytes};
use bytestring::ByteString;
use connect_api::{ConnectError, Result};

/// How many items without any bytes of their own one datum may have. A count of such items costs a
/// writer a few bytes and a reader as much memory as it says.
const MAX_EMPTY_ITEMS: u64 = 1 << 16;

/// Reads one datum. Nothing is allocated for a length before the bytes were seen to be there.
pub(crate) struct Cursor<'a> {
    source: &'a Bytes,
    at: usize,
    num_empty_items: u64,
}

#[cold]
fn malformed(text: String) -> ConnectError {
    ConnectError::data(text).with_class(AVRO_RUNTIME_EXCEPTION)
}

#[cold]
fn invalid_number(kind: &str) -> ConnectError {
    ConnectError::data(format!("Invalid {kind} encoding"))
        .with_class("org.apache.avro.InvalidNumberEncodingException")
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(source: &'a Bytes) -> Self {
        Self {
            source,
            at: 0,
            num_empty_items: 0,
        }
    }

    /// The number of bytes that were read.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn num_remaining(&self) -> usize {
        self.source.len() - self.at
    }

    #[cold]
    fn end(&self) -> ConnectError {
        ConnectError::data(format!(
            "The Avro data ends after {} bytes, in the middle of a value",
            self.source.len()
        ))
        .with_class("java.io.EOFException")
    }

    #[inline]
    fn byte(&mut self) -> Result<u8> {
        let byte = *self.source.get(self.at).ok_or_else(|| self.end())?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    fn slice(&mut self, num_bytes: usize) -> Result<&'a [u8]> {
        let end = self
            .at
            .checked_add(num_bytes)
            .filter(|&end| end <= self.source.len());
        let end = end.ok_or_else(|| self.end())?;
        let slice = &self.source[self.at..end];
        self.at = end;
        Ok(slice)
    }

    #[inline]
    pub(crate) fn read_boolean(&mut self) -> Result<bool> {
        Ok(self.byte()? == 1)
    }

    #[inline]
    pub(crate) fn read_int(&mut self) -> Result<i32> {
        let first = self.byte()?;
        let mut raw = u32::from(first & 0x7F);
        if first >= 0x80 {
            let mut shift = 7;
            loop {
                let byte = self.byte()?;
                raw |= u32::from(byte & 0x7F) << shift;
                if byte < 0x80 {
                    break;
                }
                shift += 7;
                if shift > 28 {
                    return Err(invalid_number("int"));
                }
            }
        }
        Ok((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }

    #[inline]
    pub(crate) fn read_long(&mut self) -> Result<i64> {
        let first = self.byte()?;
        let mut raw = u64::from(first & 0x7F);
        if first >= 0x80 {
            let mut shift = 7;
            loop {
                let byte = self.byte()?;
                raw |= u64::from(byte & 0x7F) << shift;
                if byte < 0x80 {
                    break;
                }
                shift += 7;
                if shift > 63 {
                    return Err(invalid_number("long"));
                }
            }
        }
        Ok((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }

    #[inline]
    pub(crate) fn read_float(&mut self) -> Result<f32> {
        let bytes = self.slice(4)?;
        Ok(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    #[inline]
    pub(crate) fn read_double(&mut self) -> Result<f64> {
        let bytes = self.slice(8)?;
        let mut raw = [0; 8];
        raw.copy_from_slice(bytes);
        Ok(f64::from_le_bytes(raw))
    }

    #[inline]
    fn read_length(&mut self) -> Result<usize> {
        let length = self.read_long()?;
        usize::try_from(length)
            .map_err(|_| malformed(format!("Malformed data. Length is negative: {length}")))
    }

    /// The bytes of a length-prefixed value.
    #[inline]
    pub(crate) fn read_slice(&mut self) -> Result<&'a [u8]> {
        let length = self.read_length()?;
        self.slice(length)
    }

    /// Bytes that share the memory of the record.
    #[inline]
    pub(crate) fn read_bytes(&mut self) -> Result<Bytes> {
        let length = self.read_length()?;
        self.read_fixed(length)
    }

    #[inline]
    pub(crate) fn read_fixed(&mut self, num_bytes: usize) -> Result<Bytes> {
        let start = self.at;
        self.slice(num_bytes)?;
        Ok(self.source.slice(start..self.at))
    }

    pub(crate) fn read_fixed_slice(&mut self, num_bytes: usize) -> Result<&'a [u8]> {
        self.slice(num_bytes)
    }

    /// A string that shares the memory of the record; malformed UTF-8 is replaced as in Java.
    #[inline]
    pub(crate) fn read_string(&mut self) -> Result<ByteString> {
        let bytes = self.read_bytes()?;
        Ok(string_of(bytes))
    }

    /// Skips bytes.
    pub(crate) fn skip(&mut self, num_bytes: usize) -> Result<()> {
        self.slice(num_bytes).map(|_| ())
    }

    /// The number of items in the next block of an array or map; 0 at the end. A negative count has the
    /// number of bytes behind it, which is not needed.
    #[inline]
    pub(crate) fn read_block(&mut self) -> Result<u64> {
        let count = self.read_long()?;
        if count < 0 {
            self.read_long()?;
        }
        Ok(count.unsigned_abs())
    }

    /// How many items of a block of `count` to make room for at once.
    #[inline]
    pub(crate) fn capacity(&self, count: u64) -> usize {
        usize::try_from(count)
            .map_or(usize::MAX, |count| count)
            .min(self.num_remaining())
            .min(1024)
    }

    /// To be called after each item: `before` is the position where it began.
    #[inline]
    pub(crate) fn count_item(&mut self, before: usize) -> Result<()> {
        if self.at == before {
            self.num_empty_items += 1;
            if self.num_empty_items > MAX_EMPTY_ITEMS {
                return Err(malformed(format!(
                    "Malformed data. More than {MAX_EMPTY_ITEMS} items without content"
                )));
            }
        }
        Ok(())
    }
}

/// A string of bytes that should be UTF-8.
pub(crate) fn string_of(bytes: Bytes) -> ByteString {
    ByteString::try_from(bytes.clone())
        .unwrap_or_else(|_| ByteString::from(String::from_utf8_lossy(&bytes).into_owned()))
}

#[inline]
pub(crate) fn write_long(value: i64, out: &mut impl BufMut) {
    let mut raw = ((value << 1) ^ (value >> 63)).cast_unsigned();
    if raw < 0x80 {
        out.put_u8(raw as u8);
        return;
    }
    let mut buffer = [0u8; 10];
    let mut length = 0;
    while raw >= 0x80 {
        buffer[length] = raw as u8 | 0x80;
        length += 1;
        raw >>= 7;
    }
    buffer[length] = raw as u8;
    out.put_slice(&buffer[..=length]);
}

#[inline]
pub(crate) fn write_bytes(bytes: &[u8], out: &mut impl BufMut) {
    write_long(bytes.len() as i64, out);
    out.put_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn overlong_numbers_and_negative_lengths_are_refused() {
        let read = |bytes: &'static [u8]| Cursor::new(&Bytes::from_static(bytes)).read_int();
        assert_eq!(read(&[0xFE, 0xFF, 0xFF, 0xFF, 0x0F]).unwrap(), i32::MAX);
        assert_eq!(
            read(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01])
                .unwrap_err()
                .message(),
            "Invalid int encoding"
        );
        let long = Bytes::from_static(&[0xFF; 11]);
        assert_eq!(
            Cursor::new(&long).read_long().unwrap_err().message(),
            "Invalid long encoding"
        );
        let negative = Bytes::from_static(&[1]);
        assert_eq!(
            Cursor::new(&negative).read_slice().unwrap_err().message(),
            "Malformed data. Length is negative: -1"
        );
        let huge = Bytes::from_static(&[0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 1, 2]);
        assert_eq!(
            Cursor::new(&huge).read_bytes().unwrap_err().class(),
            "java.io.EOFException"
        );
    }

    #[test]
    fn malformed_utf8_is_replaced() {
        let bytes = Bytes::from_static(&[4, b'a', 0xFF]);
        assert_eq!(&*Cursor::new(&bytes).read_string().unwrap(), "a\u{FFFD}");
    }

    proptest! {
        #[test]
        fn longs_come_back(value: i64) {
            let mut out = Vec::new();
            write_long(value, &mut out);
            let bytes = Bytes::from(out);
            let mut cursor = Cursor::new(&bytes);
            prop_assert_eq!(cursor.read_long().unwrap(), value);
            prop_assert_eq!(cursor.num_remaining(), 0);
            if let Ok(int) = i32::try_from(value) {
                prop_assert_eq!(Cursor::new(&bytes).read_int().unwrap(), int);
            }
        }
    }
}
