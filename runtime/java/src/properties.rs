//! Java properties files, by the rules of `java.util.Properties`.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

/// A file that Java would not read either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedEscape {
    /// The line, from 1, on which the entry begins.
    line: usize,
}

impl fmt::Display for MalformedEscape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}: Malformed \\uxxxx encoding: \\u must be followed by four hexadecimal digits",
            self.line
        )
    }
}

impl std::error::Error for MalformedEscape {}

impl MalformedEscape {
    /// The line, from 1, on which the entry begins.
    pub const fn line(&self) -> usize {
        self.line
    }
}

/// An entry and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line, from 1.
    pub line: usize,
    /// The column of the key, in characters from 1.
    pub column: usize,
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// Reads a file as UTF-8 or, where it is none, as ISO 8859-1, which Java expects.
pub fn decode(bytes: Vec<u8>) -> String {
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect());
    match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_string(),
        None => text,
    }
}

/// The entries in the order of the file. Of equal keys the last counts, which is the caller's part.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, MalformedEscape> {
    let entries = entries(text)?.into_iter();
    Ok(entries.map(|entry| (entry.key, entry.value)).collect())
}

/// As [`parse`], with the place of each entry.
pub fn entries(text: &str) -> Result<Vec<Entry>, MalformedEscape> {
    let mut entries = Vec::new();
    for LogicalLine { line, column, text } in logical_lines(text) {
        let mut chars = text.chars().peekable();
        let at_end_of_key = |c: char| matches!(c, '=' | ':') || is_blank(c);
        let key = unescape(&mut chars, at_end_of_key).ok_or(MalformedEscape { line })?;
        skip_blanks(&mut chars);
        if chars.next_if(|c| matches!(c, '=' | ':')).is_some() {
            skip_blanks(&mut chars);
        }
        let value = unescape(&mut chars, |_| false).ok_or(MalformedEscape { line })?;
        entries.push(Entry {
            line,
            column,
            key,
            value,
        });
    }
    Ok(entries)
}

/// A value as it would be read from a file into which it had been written as it is: the scripts of
/// container images do so with variables.
pub fn unescape_value(text: &str) -> Option<String> {
    let mut chars = text.chars().peekable();
    skip_blanks(&mut chars);
    unescape(&mut chars, |_| false)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

fn skip_blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| is_blank(*c)).is_some() {}
}

/// A line that holds an entry, with those that continue it.
struct LogicalLine {
    line: usize,
    column: usize,
    text: String,
}

/// Lines that hold entries, with the place where each begins.
fn logical_lines(text: &str) -> Vec<LogicalLine> {
    let mut entries = Vec::new();
    let mut begun: Option<LogicalLine> = None;
    for (index, natural) in natural_lines(text).enumerate() {
        let line = natural.text.trim_start_matches(is_blank);
        // An empty line and a comment are none only where an entry may begin.
        if begun.is_none() && (line.is_empty() || line.starts_with(['#', '!'])) {
            continue;
        }
        let num_backslashes = line.len() - line.trim_end_matches('\\').len();
        let is_continued = num_backslashes % 2 == 1;
        let part = if is_continued {
            &line[..line.len() - 1]
        } else {
            line
        };
        let mut entry = begun.take().unwrap_or_else(|| LogicalLine {
            line: index + 1,
            column: natural.text.chars().count() - line.chars().count() + 1,
            text: String::new(),
        });
        entry.text.push_str(part);
        if !is_continued {
            entries.push(entry);
        } else if !entry.text.is_empty() {
            begun = Some(entry);
        } else if natural.ends_text {
            // Java takes a backslash alone for an entry here, and only here; elsewhere the next line
            // begins an entry as if there had been none.
            entries.push(entry);
        }
    }
    entries.extend(begun);
    entries
}

/// A line as it stands in the file.
struct NaturalLine<'t> {
    text: &'t str,
    /// Nothing is behind it but one character that ends lines.
    ends_text: bool,
}

/// Lines end with `\n`, `\r` or both.
fn natural_lines(text: &str) -> impl Iterator<Item = NaturalLine<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let (text, tail) = rest.split_at(end);
        rest = tail
            .strip_prefix("\r\n")
            .or_else(|| tail.strip_prefix(['\n', '\r']))
            .unwrap_or(tail);
        Some(NaturalLine {
            text,
            ends_text: tail.len() <= 1,
        })
    })
}

/// Takes characters up to an unescaped one that ends the text; `None` at a malformed escape.
fn unescape(chars: &mut Peekable<Chars<'_>>, is_end: impl Fn(char) -> bool) -> Option<String> {
    // Escapes are UTF-16: two of them may make one character.
    let mut units: Vec<u16> = Vec::new();
    let mut buffer = [0; 2];
    while let Some(c) = chars.next_if(|c| !is_end(*c)) {
        if c != '\\' {
            units.extend_from_slice(c.encode_utf16(&mut buffer));
            continue;
        }
        let Some(escaped) = chars.next() else {
            break;
        };
        let plain = match escaped {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\u{c}',
            'u' => {
                let mut unit: u16 = 0;
                for _ in 0..4 {
                    let digit = chars.next()?.to_digit(16)?;
                    unit = unit << 4 | u16::try_from(digit).ok()?;
                }
                units.push(unit);
                continue;
            }
            other => other,
        };
        units.extend_from_slice(plain.encode_utf16(&mut buffer));
    }
    Some(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap()
    }

    #[test]
    fn entries_know_where_they_begin() {
        let text = "# comment\n  a = 1, \\\n    2\n\n\tb=3\r\nc";
        let places: Vec<_> = super::entries(text)
            .unwrap()
            .into_iter()
            .map(|entry| (entry.line, entry.column, entry.key, entry.value))
            .collect();
        let place = |line, column, key: &str, value: &str| {
            (line, column, key.to_string(), value.to_string())
        };
        assert_eq!(
            places,
            [
                place(2, 3, "a", "1, 2"),
                place(5, 2, "b", "3"),
                place(6, 1, "c", "")
            ]
        );
        assert_eq!(parse("a=b\n\nc=\\u1").unwrap_err().line(), 3);
    }

    fn one(text: &str) -> (String, String) {
        let mut all = entries(text);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_string(), value.to_string())
    }

    #[test]
    fn keys_end_at_the_first_separator() {
        for text in [
            "Truth = Beauty",
            "Truth:Beauty",
            "  Truth   :Beauty",
            "Truth Beauty",
            "Truth\tBeauty",
        ] {
            assert_eq!(one(text), pair("Truth", "Beauty"));
        }
        assert_eq!(one("a==b"), pair("a", "=b"));
        assert_eq!(one("a = : b"), pair("a", ": b"));
        assert_eq!(one(r"a\=b\:c\ d=e"), pair("a=b:c d", "e"));
        assert_eq!(one("cheeses"), pair("cheeses", ""));
        assert_eq!(one("=x"), pair("", "x"));
        assert_eq!(
            one("listeners=http://:8083"),
            pair("listeners", "http://:8083")
        );
        assert_eq!(one("a= b \t"), pair("a", "b \t"));
    }

    #[test]
    fn lines_continue_after_an_odd_number_of_backslashes() {
        assert_eq!(
            one("fruits   apple, banana, \\\n          pear, \\\r\n  # kiwi\n"),
            pair("fruits", "apple, banana, pear, # kiwi")
        );
        assert_eq!(entries("a=x\\\\\nb=y"), [pair("a", "x\\"), pair("b", "y")]);
        assert_eq!(entries("a=1\\\n\nb=2"), [pair("a", "1"), pair("b", "2")]);
        assert_eq!(
            entries("a=1\rb=2\r\n\r\nc=3"),
            [pair("a", "1"), pair("b", "2"), pair("c", "3")]
        );
        assert_eq!(one("a=x\\"), pair("a", "x"));
        // What is continued from nothing is a line like any other.
        assert_eq!(one("\\\n# no entry\na=b"), pair("a", "b"));
        assert!(entries("\\\n\n").is_empty());
    }

    #[test]
    fn comments_and_empty_lines_are_none() {
        assert!(entries("# a=b\n ! c=d\n\n \t \n").is_empty());
        // A comment is not continued.
        assert_eq!(one("# a \\\nb=c"), pair("b", "c"));
        assert_eq!(one("a=b # no comment"), pair("a", "b # no comment"));
    }

    #[test]
    fn escapes_are_javas() {
        assert_eq!(one(r"a=\t\n\r\f\q\\\u0041"), pair("a", "\t\n\r\u{c}q\\A"));
        assert_eq!(one(r"a=\uD83D\uDE00"), pair("a", "😀"));
        assert_eq!(one(r"a=\uD83D"), pair("a", "\u{fffd}"));
        let error = parse("a=b\nc=d\\\n\\u00g0").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("line 2: Malformed \\uxxxx encoding")
        );
        assert!(parse(r"a\u1").is_err());
    }

    #[test]
    fn files_are_utf8_or_latin1() {
        assert_eq!(decode("ä=ö".as_bytes().to_vec()), "ä=ö");
        assert_eq!(decode(vec![0xe4, b'=', 0xf6]), "ä=ö");
        assert_eq!(decode("\u{feff}a=b".as_bytes().to_vec()), "a=b");
    }

    #[test]
    fn values_of_variables_are_unescaped_as_in_a_file() {
        assert_eq!(
            unescape_value(r#" required username=\"a\" x=\\;"#).unwrap(),
            r#"required username="a" x=\;"#
        );
        assert_eq!(unescape_value("a\nb").unwrap(), "a\nb");
        assert_eq!(unescape_value(r"\u12"), None);
    }

    /// As `Properties.store` writes, with every character that could mean something escaped.
    fn store(text: &str) -> String {
        let mut stored = String::new();
        for c in text.chars() {
            match c {
                '\n' => stored.push_str("\\n"),
                '\r' => stored.push_str("\\r"),
                '=' | ':' | '#' | '!' | '\\' | ' ' | '\t' | '\u{c}' => {
                    stored.push('\\');
                    stored.push(if c == '\t' {
                        't'
                    } else if c == '\u{c}' {
                        'f'
                    } else {
                        c
                    });
                }
                c => stored.push(c),
            }
        }
        stored
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(?s).*") {
            let _ = parse(&text);
            let _ = unescape_value(&text);
        }

        #[test]
        fn any_text_of_special_characters_is_read_or_refused(text in "[\\\\u0-9a =:#!\r\n\t]*") {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_stored_is_read(pairs in prop::collection::vec(("(?s).{1,9}", "(?s).{0,9}"), 0..5)) {
            let text: String = pairs
                .iter()
                .map(|(key, value)| format!("{} = {}\n", store(key), store(value)))
                .collect();
            prop_assert_eq!(parse(&text).unwrap(), pairs);
        }
    }
}
