//! Request paths: segments as they were sent, decoded one by one.

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathError {
    /// `//`.
    EmptySegment,
    /// `%zz`.
    BadEscape,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// A control character.
    ControlCharacter,
}

impl PathError {
    pub fn message(self) -> &'static str {
        match self {
            Self::EmptySegment => "The path has an empty segment: two slashes follow each other",
            Self::BadEscape => "The path has a % that two hexadecimal digits do not follow",
            Self::NotUtf8 => "The path is not UTF-8 after its percent escapes are decoded",
            Self::ControlCharacter => "The path has a control character",
        }
    }
}

/// A segment as it was sent and as it reads. Fixed segments are compared as sent, names as they read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub raw: String,
    pub decoded: String,
}

/// Splits a path. One slash at the end is passed over; parameters after `;` are dropped.
pub(crate) fn segments(path: &str) -> Result<Vec<Segment>, PathError> {
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/')
        .map(|segment| {
            if segment.is_empty() {
                return Err(PathError::EmptySegment);
            }
            let raw = segment.split(';').next().unwrap_or_default();
            Ok(Segment {
                raw: raw.to_string(),
                decoded: decode(raw)?,
            })
        })
        .collect()
}

fn decode(text: &str) -> Result<String, PathError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || {
            let digit = char::from(rest.next().ok_or(PathError::BadEscape)?);
            let value = digit.to_digit(16).ok_or(PathError::BadEscape)?;
            u8::try_from(value).map_err(|_| PathError::BadEscape)
        };
        bytes.push(digit()? * 16 + digit()?);
    }
    let decoded = String::from_utf8(bytes).map_err(|_| PathError::NotUtf8)?;
    if decoded.chars().any(char::is_control) {
        return Err(PathError::ControlCharacter);
    }
    Ok(decoded)
}

/// The parameters of a query, in order. Escapes that make no sense are left as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode_form(name), decode_form(value))
                })
                .collect(),
        )
    }

    /// All values of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(one, _)| one == name)
            .map(|(_, value)| value.as_str())
    }

    /// Only `true`, in any case, is true; the first of several counts; none or an empty one is the
    /// default.
    pub fn boolean(&self, name: &str, default: bool) -> bool {
        self.optional_boolean(name).unwrap_or(default)
    }

    /// The same without a default.
    pub fn optional_boolean(&self, name: &str) -> Option<bool> {
        let text = self.all(name).next().filter(|text| !text.is_empty())?;
        Some(text.eq_ignore_ascii_case("true"))
    }
}

fn decode_form(text: &str) -> String {
    let text = text.replace('+', " ");
    decode(&text).unwrap_or(text)
}

/// The number of a task, as Java's `Integer.parseInt` reads it.
pub(crate) fn task_number(text: &str) -> Option<i32> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(path: &str) -> Result<Vec<String>, PathError> {
        Ok(segments(path)?.into_iter().map(|one| one.decoded).collect())
    }

    #[test]
    fn segments_are_decoded_one_by_one() {
        assert_eq!(decoded("/"), Ok(Vec::new()));
        let names = |parts: &[&str]| Ok(parts.iter().map(ToString::to_string).collect());
        assert_eq!(decoded("/connectors/"), names(&["connectors"]));
        assert_eq!(
            decoded("/a%20b/c+d;x=1/%C3%A9"),
            names(&["a b", "c+d", "é"])
        );
        assert_eq!(decoded("/a%2Fb/.."), names(&["a/b", ".."]));
        assert_eq!(decoded("/a//b"), Err(PathError::EmptySegment));
        assert_eq!(decoded("/a//"), Err(PathError::EmptySegment));
        assert_eq!(decoded("/%zz"), Err(PathError::BadEscape));
        assert_eq!(decoded("/%4"), Err(PathError::BadEscape));
        assert_eq!(decoded("/%E9"), Err(PathError::NotUtf8));
        assert_eq!(decoded("/a%0Ab"), Err(PathError::ControlCharacter));
    }

    #[test]
    fn only_true_is_true() {
        let query = Query::parse("a=TRUE&b=yes&c=&d=false&d=true&e");
        assert!(query.boolean("a", false));
        assert!(!query.boolean("b", true));
        assert!(query.boolean("c", true));
        assert!(!query.boolean("d", true));
        assert!(query.boolean("e", true));
        assert!(!query.boolean("A", false));
    }

    #[test]
    fn task_numbers_are_java_ints() {
        for (text, number) in [("0", 0), ("007", 7), ("+1", 1), ("-1", -1)] {
            assert_eq!(task_number(text), Some(number), "{text}");
        }
        for text in ["", "abc", "1.0", "2147483648", " 1"] {
            assert_eq!(task_number(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_path_is_split_or_refused(path in ".*") {
            let _ = segments(&path);
            let _ = Query::parse(&path);
        }
    }
}
