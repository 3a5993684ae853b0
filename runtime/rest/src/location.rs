//! The `Location` header of a new connector.

use std::fmt::Write;

/// The path of a connector. A percent escape that the name holds stays as it is, as do slashes.
pub(crate) fn connector_path(name: &str) -> String {
    let mut path = String::from("/connectors/");
    let bytes = name.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        let is_escape = *byte == b'%'
            && bytes
                .get(index + 1..index + 3)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(byte);
        if is_escape || is_plain {
            path.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_a_path() {
        assert_eq!(connector_path("x y/z%é"), "/connectors/x%20y/z%25%C3%A9");
        assert_eq!(connector_path("a%20b;c+d"), "/connectors/a%20b;c+d");
        assert_eq!(connector_path("{x}"), "/connectors/%7Bx%7D");
    }
}
