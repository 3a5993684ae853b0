//! UTF-8 that is none.

/// `new String(bytes, UTF_8)`: each malformed sequence becomes one U+FFFD.
pub(crate) fn decode_lossy(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        match std::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                return text;
            }
            Err(error) => {
                let (valid, bad) = rest.split_at(error.valid_up_to());
                text.push_str(std::str::from_utf8(valid).unwrap_or_default());
                text.push(char::REPLACEMENT_CHARACTER);
                let num_bytes = match bad {
                    // Half of a surrogate pair is one malformed sequence for Java and three for Rust.
                    [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..] => 3,
                    _ => error.error_len().unwrap_or(bad.len()),
                };
                rest = bad.get(num_bytes..).unwrap_or_default();
            }
        }
    }
}
