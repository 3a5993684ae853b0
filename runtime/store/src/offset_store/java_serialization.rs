//! A `java.util.HashMap<byte[], byte[]>` in the format of `java.io.ObjectOutputStream`: what the
//! offset file of a standalone worker holds.

use bytes::{Buf, BufMut, Bytes};

const STREAM_MAGIC_AND_VERSION: u32 = 0xaced_0005;
const TC_NULL: u8 = 0x70;
const TC_REFERENCE: u8 = 0x71;
const TC_CLASSDESC: u8 = 0x72;
const TC_OBJECT: u8 = 0x73;
const TC_ARRAY: u8 = 0x75;
const TC_BLOCKDATA: u8 = 0x77;
const TC_ENDBLOCKDATA: u8 = 0x78;

const HASH_MAP: &str = "java.util.HashMap";
/// After the name: serialVersionUID, flags (writeObject, serializable), two fields, no superclass.
const HASH_MAP_DESCRIPTION: &[u8] = b"\x05\x07\xda\xc1\xc3\x16\x60\xd1\x03\x00\x02\
    F\x00\x0aloadFactorI\x00\x09threshold\x78\x70";
const BYTE_ARRAY: &str = "[B";
/// After the name: serialVersionUID, flags (serializable), no fields, no superclass.
const BYTE_ARRAY_DESCRIPTION: &[u8] = b"\xac\xf3\x17\xf8\x06\x08\x54\xe0\x02\x00\x00\x78\x70";

const LOAD_FACTOR: f32 = 0.75;
const BASE_HANDLE: u32 = 0x7e_0000;
/// The class of the map is 0, the map 1.
const BYTE_ARRAY_CLASS_HANDLE: u32 = BASE_HANDLE + 2;
const FIRST_ARRAY_HANDLE: u32 = BASE_HANDLE + 3;

/// Key and value; either may be null.
pub(super) type Entry = (Option<Bytes>, Option<Bytes>);

/// Why a text is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SerializationError {
    #[error("it ends too early")]
    CutOff,
    #[error("it is no serialized java.util.HashMap of byte arrays: {0}")]
    OtherContent(&'static str),
    #[error("an entry is too long for Java: {0} bytes")]
    TooLong(usize),
}

use SerializationError::{CutOff, OtherContent};

/// Writes a map as Java writes it. An entry must not repeat the key of another.
pub(super) fn write_hash_map(entries: &[Entry]) -> Result<Vec<u8>, SerializationError> {
    let mut num_buckets = 16usize;
    while entries.len() > num_buckets / 4 * 3 {
        num_buckets *= 2;
    }
    let threshold = if entries.is_empty() {
        0
    } else {
        num_buckets / 4 * 3
    };
    let mut out = Vec::new();
    out.put_u32(STREAM_MAGIC_AND_VERSION);
    out.put_slice(&[TC_OBJECT, TC_CLASSDESC]);
    put_name(HASH_MAP, &mut out);
    out.put_slice(HASH_MAP_DESCRIPTION);
    out.put_f32(LOAD_FACTOR);
    out.put_i32(to_i32(threshold)?);
    out.put_slice(&[TC_BLOCKDATA, 8]);
    out.put_i32(to_i32(num_buckets)?);
    out.put_i32(to_i32(entries.len())?);
    let mut is_class_written = false;
    for bytes in entries.iter().flat_map(|(key, value)| [key, value]) {
        put_array(bytes.as_ref(), &mut is_class_written, &mut out)?;
    }
    out.put_u8(TC_ENDBLOCKDATA);
    Ok(out)
}

fn to_i32(number: usize) -> Result<i32, SerializationError> {
    i32::try_from(number).map_err(|_| SerializationError::TooLong(number))
}

fn put_name(name: &str, out: &mut Vec<u8>) {
    out.put_u16(name.len() as u16);
    out.put_slice(name.as_bytes());
}

fn put_array(
    bytes: Option<&Bytes>,
    is_class_written: &mut bool,
    out: &mut Vec<u8>,
) -> Result<(), SerializationError> {
    let Some(bytes) = bytes else {
        out.put_u8(TC_NULL);
        return Ok(());
    };
    out.put_u8(TC_ARRAY);
    if *is_class_written {
        out.put_u8(TC_REFERENCE);
        out.put_u32(BYTE_ARRAY_CLASS_HANDLE);
    } else {
        out.put_u8(TC_CLASSDESC);
        put_name(BYTE_ARRAY, out);
        out.put_slice(BYTE_ARRAY_DESCRIPTION);
        *is_class_written = true;
    }
    out.put_i32(to_i32(bytes.len())?);
    out.put_slice(bytes);
    Ok(())
}

/// Reads a map that Java or [`write_hash_map`] wrote. Arrays are slices of `input`: nothing is
/// allocated for a length that the input does not have.
pub(super) fn read_hash_map(input: &Bytes) -> Result<Vec<Entry>, SerializationError> {
    let mut reader = Reader {
        rest: input.clone(),
        has_array_class: false,
        arrays: Vec::new(),
    };
    if reader.u32()? != STREAM_MAGIC_AND_VERSION {
        return Err(OtherContent("it does not begin with aced0005"));
    }
    reader.expect(&[TC_OBJECT, TC_CLASSDESC], "it holds no object")?;
    reader.expect_name(HASH_MAP, "it holds an object of another class")?;
    reader.expect(HASH_MAP_DESCRIPTION, "another version of the class")?;
    // Load factor and threshold mean nothing to a reader.
    reader.take(8)?;
    reader.expect(&[TC_BLOCKDATA, 8], "the size is missing")?;
    reader.u32()?;
    let num_entries = reader.u32()?;
    let mut entries = Vec::new();
    for _ in 0..num_entries {
        let key = reader.array()?;
        let value = reader.array()?;
        entries.push((key, value));
    }
    reader.expect(&[TC_ENDBLOCKDATA], "more entries than its size says")?;
    Ok(entries)
}

struct Reader {
    rest: Bytes,
    has_array_class: bool,
    /// For references to arrays that occurred before.
    arrays: Vec<Bytes>,
}

impl Reader {
    fn take(&mut self, num_bytes: usize) -> Result<Bytes, SerializationError> {
        if num_bytes > self.rest.len() {
            return Err(CutOff);
        }
        Ok(self.rest.split_to(num_bytes))
    }

    fn u8(&mut self) -> Result<u8, SerializationError> {
        self.rest.try_get_u8().map_err(|_| CutOff)
    }

    fn u32(&mut self) -> Result<u32, SerializationError> {
        self.rest.try_get_u32().map_err(|_| CutOff)
    }

    fn expect(&mut self, bytes: &[u8], otherwise: &'static str) -> Result<(), SerializationError> {
        let num_bytes = bytes.len().min(self.rest.len());
        if self.rest[..num_bytes] != bytes[..num_bytes] {
            return Err(OtherContent(otherwise));
        }
        self.take(bytes.len()).map(drop)
    }

    fn expect_name(
        &mut self,
        name: &str,
        otherwise: &'static str,
    ) -> Result<(), SerializationError> {
        self.expect(&(name.len() as u16).to_be_bytes(), otherwise)?;
        self.expect(name.as_bytes(), otherwise)
    }

    fn array(&mut self) -> Result<Option<Bytes>, SerializationError> {
        match self.u8()? {
            TC_NULL => return Ok(None),
            TC_REFERENCE => {
                let index = self.u32()?.wrapping_sub(FIRST_ARRAY_HANDLE) as usize;
                let array = self.arrays.get(index);
                let array = array.ok_or(OtherContent("a reference to something unknown"))?;
                return Ok(Some(array.clone()));
            }
            TC_ARRAY => {}
            _ => return Err(OtherContent("an entry is not a byte array")),
        }
        match self.u8()? {
            TC_CLASSDESC if !self.has_array_class => {
                self.expect_name(BYTE_ARRAY, "an entry is an array of something else")?;
                self.expect(BYTE_ARRAY_DESCRIPTION, "another version of the class")?;
                self.has_array_class = true;
            }
            TC_REFERENCE if self.has_array_class => {
                if self.u32()? != BYTE_ARRAY_CLASS_HANDLE {
                    return Err(OtherContent("an entry is an array of something else"));
                }
            }
            _ => return Err(OtherContent("an entry is an array of something else")),
        }
        let num_bytes = self.u32()? as usize;
        let array = self.take(num_bytes)?;
        self.arrays.push(array.clone());
        Ok(Some(array))
    }
}

#[cfg(test)]
#[path = "java_serialization_tests.rs"]
mod tests;
