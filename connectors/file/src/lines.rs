//! Cutting bytes into lines as the JVM's FileStreamSourceTask does: a line ends at `\n`, `\r\n` or
//! `\r`. A `\r` at the very end waits for the byte behind it, and what no terminator follows is not a
//! line yet.

use bytes::Bytes;

/// Complete lines, taken from the front of a buffer.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Lines {
    /// The lines without their terminators, valid UTF-8.
    pub(crate) values: Vec<Bytes>,
    /// For each line the number of bytes from the front of the buffer to the end of its terminator.
    pub(crate) ends: Vec<usize>,
}

impl Lines {
    /// The number of bytes that the lines and their terminators take.
    pub(crate) fn num_bytes(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }
}

/// Takes at most `max_lines` lines from the front of `buffer`. The first `scanned` bytes are known to
/// hold no terminator.
pub(crate) fn split_lines(buffer: &Bytes, scanned: usize, max_lines: usize) -> Lines {
    let mut lines = Lines::default();
    let mut starts_and_untils: Vec<(usize, usize)> = Vec::new();
    let mut start = 0;
    let scanned = scanned.min(buffer.len());
    for at in memchr::memchr2_iter(b'\n', b'\r', &buffer[scanned..]) {
        let at = at + scanned;
        if at < start {
            // The `\n` of a `\r\n` that ended the line before.
            continue;
        }
        let end = match (buffer[at], buffer.get(at + 1)) {
            (b'\n', _) => at + 1,
            (_, Some(b'\n')) => at + 2,
            (_, Some(_)) => at + 1,
            (_, None) => break,
        };
        starts_and_untils.push((start, at));
        lines.ends.push(end);
        start = end;
        if lines.ends.len() >= max_lines {
            break;
        }
    }
    // One pass over all lines is cheaper than one for each; terminators are ASCII, so that slices
    // between them are valid where the whole is.
    let valid = std::str::from_utf8(&buffer[..lines.num_bytes()]).is_ok();
    lines.values = starts_and_untils
        .into_iter()
        .map(|(start, until)| {
            let line = buffer.slice(start..until);
            if valid || std::str::from_utf8(&line).is_ok() {
                line
            } else {
                decode_as_java(&line).into()
            }
        })
        .collect();
    lines
}

/// Decodes UTF-8 as Java's decoder does: U+FFFD for each malformed sequence. It differs from Rust's
/// in one case: an encoded surrogate is one malformed sequence of three bytes there, and three here.
fn decode_as_java(mut bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    loop {
        let error = match std::str::from_utf8(bytes) {
            Ok(rest) => {
                text.push_str(rest);
                return text;
            }
            Err(error) => error,
        };
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        // `valid_up_to` says that this part is valid: nothing is replaced in it.
        text.push_str(&String::from_utf8_lossy(valid));
        text.push(char::REPLACEMENT_CHARACTER);
        let malformed_len = match rest {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
            _ => error.error_len().unwrap_or(rest.len()),
        };
        bytes = &rest[malformed_len..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The extraction loop of the JVM's task, one byte at a time.
    fn reference(bytes: &[u8]) -> Vec<(Vec<u8>, usize)> {
        let mut lines = Vec::new();
        let (mut start, mut at) = (0, 0);
        while at < bytes.len() {
            let end = match bytes[at] {
                b'\n' => at + 1,
                b'\r' if at + 1 == bytes.len() => break,
                b'\r' if bytes[at + 1] == b'\n' => at + 2,
                b'\r' => at + 1,
                _ => {
                    at += 1;
                    continue;
                }
            };
            lines.push((bytes[start..at].to_vec(), end));
            (start, at) = (end, end);
        }
        lines
    }

    fn split(text: &'static str) -> (Vec<String>, usize) {
        let lines = split_lines(&Bytes::from_static(text.as_bytes()), 0, usize::MAX);
        let texts = lines
            .values
            .iter()
            .map(|line| String::from_utf8_lossy(line).into_owned());
        (texts.collect(), lines.num_bytes())
    }

    #[test]
    fn every_terminator_ends_a_line() {
        assert_eq!(
            split("a\nb\r\nc\rd"),
            (vec!["a".into(), "b".into(), "c".into()], 7)
        );
        assert_eq!(split("\n\r\n\r\r\n"), (vec![String::new(); 4], 6));
        assert_eq!(split("a\r"), (vec![], 0));
        assert_eq!(split("tail"), (vec![], 0));
    }

    #[test]
    fn malformed_text_is_replaced_as_java_does() {
        for (bytes, text) in [
            (&b"a\xffb"[..], "a\u{fffd}b"),
            (b"\xed\xa0\x80x", "\u{fffd}x"),
            (b"\xe2\x82", "\u{fffd}"),
            (b"\xe2\x28\xa1", "\u{fffd}(\u{fffd}"),
            (b"\xf0\x80\x80", "\u{fffd}\u{fffd}\u{fffd}"),
            (b"\xc0\xaf", "\u{fffd}\u{fffd}"),
            ("gr\u{fc}n".as_bytes(), "gr\u{fc}n"),
        ] {
            assert_eq!(decode_as_java(bytes), text, "{bytes:?}");
        }
    }

    #[test]
    fn only_the_malformed_line_of_a_batch_is_decoded_anew() {
        let lines = split_lines(&Bytes::from_static(b"good\nb\xffd\nrest"), 0, usize::MAX);
        assert_eq!(lines.values, ["good".as_bytes(), "b\u{fffd}d".as_bytes()]);
        assert_eq!(lines.ends, [5, 9]);
    }

    fn few_letters() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(
            prop_oneof![
                Just(b'\n'),
                Just(b'\r'),
                Just(b'a'),
                Just(0xc3),
                Just(0xbc),
                any::<u8>()
            ],
            0..200,
        )
    }

    proptest! {
        #[test]
        fn any_cuts_give_the_lines_of_the_reference(
            bytes in few_letters(),
            cuts in prop::collection::vec(1usize..40, 1..20),
            max_lines in 1usize..5,
        ) {
            let mut lines = Vec::new();
            let (mut position, mut read, mut scanned) = (0, 0, 0);
            for cut in cuts.iter().cycle().take(400) {
                read = (read + cut).min(bytes.len());
                loop {
                    let pending = Bytes::copy_from_slice(&bytes[position..read]);
                    let found = split_lines(&pending, scanned, max_lines);
                    for (value, end) in found.values.iter().zip(&found.ends) {
                        lines.push((value.clone(), position + end));
                    }
                    position += found.num_bytes();
                    scanned = 0;
                    if found.ends.is_empty() {
                        // As the task does: a final `\r` must be looked at again.
                        scanned = pending.len().saturating_sub(1);
                        break;
                    }
                }
            }
            prop_assert_eq!(read, bytes.len());
            let expected: Vec<_> = reference(&bytes)
                .into_iter()
                .map(|(line, end)| (Bytes::from(decode_as_java(&line)), end))
                .collect();
            prop_assert_eq!(lines, expected);
        }
    }
}
