//! Search for the bytes that end a run of plain text in a JSON string, eight bytes at a time.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte that is zero, and maybe of bytes above the lowest such one.
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// The high bit of each byte that is `"`, `\` or a control character; exact up to the lowest one.
const fn quotes_and_controls(word: u64) -> u64 {
    zero_bytes(word ^ (ONES * b'"' as u64))
        | zero_bytes(word ^ (ONES * b'\\' as u64))
        | (word.wrapping_sub(ONES * 0x20) & !word & HIGHS)
}

/// The high bit of each byte from 0xF0 on: the first bytes of characters beyond U+FFFF.
const fn astral(word: u64) -> u64 {
    word & (word << 1) & (word << 2) & (word << 3) & HIGHS
}

#[inline]
fn find(
    bytes: &[u8],
    from: usize,
    in_word: impl Fn(u64) -> u64,
    is_match: impl Fn(u8) -> bool,
) -> usize {
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let hits = in_word(u64::from_le_bytes(*chunk));
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while at < bytes.len() && !is_match(bytes[at]) {
        at += 1;
    }
    at
}

/// The index of the first `"`, `\` or control character from `from` on, or the length.
#[inline]
pub(super) fn find_string_end(bytes: &[u8], from: usize) -> usize {
    find(bytes, from, quotes_and_controls, |byte| {
        byte == b'"' || byte == b'\\' || byte < 0x20
    })
}

/// The index of the first byte from `from` on that the writer has to escape, or the length.
#[inline]
pub(super) fn find_escape(bytes: &[u8], from: usize) -> usize {
    find(
        bytes,
        from,
        |word| quotes_and_controls(word) | astral(word),
        |byte| byte == b'"' || byte == b'\\' || !(0x20..0xF0).contains(&byte),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_and_bytes_agree(bytes in proptest::collection::vec(any::<u8>(), 0..40), from in 0usize..41) {
            let from = from.min(bytes.len());
            let end = |is_match: fn(u8) -> bool| {
                (from..bytes.len()).find(|&i| is_match(bytes[i])).unwrap_or(bytes.len())
            };
            prop_assert_eq!(
                find_string_end(&bytes, from),
                end(|b| b == b'"' || b == b'\\' || b < 0x20)
            );
            prop_assert_eq!(
                find_escape(&bytes, from),
                end(|b| b == b'"' || b == b'\\' || !(0x20..0xF0).contains(&b))
            );
        }
    }
}
