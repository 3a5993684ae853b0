//! Base64 in JSON strings, as Jackson reads and writes it (`MIME-NO-LINEFEEDS`).

use crate::error::{ConnectError, Result};
use base64::Engine;
use base64::alphabet::STANDARD as STANDARD_ALPHABET;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD};
use bytes::BufMut;

/// Jackson does not look at the bits behind the last byte.
const READER: GeneralPurpose = GeneralPurpose::new(
    &STANDARD_ALPHABET,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Appends bytes as padded Base64, without quotes.
pub fn write_base64(bytes: &[u8], out: &mut impl BufMut) {
    // A multiple of three, so that only the last chunk is padded.
    const CHUNK: usize = 768;
    let mut text = [0u8; CHUNK / 3 * 4];
    for chunk in bytes.chunks(CHUNK) {
        let num_chars = STANDARD
            .encode_slice(chunk, &mut text)
            .expect("the buffer holds the text of a full chunk");
        out.put_slice(&text[..num_chars]);
    }
}

/// Reads padded Base64. Blanks may stand between groups of four characters.
pub fn decode_base64(text: &str) -> Result<Vec<u8>> {
    READER
        .decode(text)
        .or_else(|_| decode_groups(text.as_bytes()))
}

fn invalid(why: &str) -> ConnectError {
    ConnectError::data(why).with_class("com.fasterxml.jackson.databind.exc.InvalidFormatException")
}

/// The rare texts with blanks, or with padding before their end.
fn decode_groups(text: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut rest = text;
    loop {
        rest = rest.trim_ascii_start();
        // Java skips every character up to the blank, also control characters.
        while let [first, tail @ ..] = rest
            && *first <= b' '
        {
            rest = tail;
        }
        if rest.is_empty() {
            return Ok(bytes);
        }
        let (group, tail) = rest
            .split_at_checked(4)
            .ok_or_else(|| invalid("Unexpected end of base64-encoded String: base64 variant 'MIME-NO-LINEFEEDS' expects padding (one or more '=' characters) at the end."))?;
        let decoded = READER
            .decode(group)
            .map_err(|_| invalid("Illegal character in base64 content"))?;
        bytes.extend_from_slice(&decoded);
        rest = tail;
    }
}
