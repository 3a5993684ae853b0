//! Names: of fields and types that Protobuf does not allow, and of the entries of maps.

use std::fmt::Write;

const MAP_ENTRY_SUFFIX: &str = "Entry";

/// What `scrub.invalid.names` makes of a name: each byte that Protobuf does not allow is percent-encoded
/// with `_` in place of the percent sign, and a name may not begin with a digit or an underscore.
pub(crate) fn scrub(name: &str) -> String {
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts_well = |name: &str| {
        !name.starts_with(|first: char| first.is_ascii_digit()) && !name.starts_with('_')
    };
    if name.is_empty() || (name.bytes().all(is_name_byte) && starts_well(name)) {
        return name.to_string();
    }
    let mut scrubbed = String::with_capacity(name.len() + 8);
    for byte in name.bytes() {
        match byte {
            byte if is_name_byte(byte) => scrubbed.push(char::from(byte)),
            // The form encoding of Java leaves three marks alone and turns a blank into a plus sign.
            b'.' | b'-' | b'*' | b' ' => scrubbed.push('_'),
            byte => write!(scrubbed, "_{byte:02X}").expect("a string takes everything"),
        }
    }
    // An underscore in first place counts only if it stood there before.
    if name.starts_with(|first: char| first.is_ascii_digit() || first == '_') {
        scrubbed.insert(0, 'x');
    }
    scrubbed
}

/// The name of the message that holds the entries of a map: `tags` gives `tagsEntry`, `my_tags` gives
/// `MyTagsEntry`.
pub(crate) fn map_entry(map_name: &str) -> String {
    let mut name = String::with_capacity(map_name.len() + MAP_ENTRY_SUFFIX.len());
    if map_name.contains('_') {
        for word in map_name.split('_') {
            let mut letters = word.chars();
            name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            name.extend(letters.map(|letter| letter.to_ascii_lowercase()));
        }
    } else {
        name.push_str(map_name);
    }
    name + MAP_ENTRY_SUFFIX
}

/// The name of a map schema, from the full or simple name of its entries: `p.MyTagsEntry` gives
/// `p.my_tags`.
pub(crate) fn map_field(entry_name: &str) -> String {
    let (scope, simple) = match entry_name.rfind('.') {
        Some(dot) => entry_name.split_at(dot + 1),
        None => ("", entry_name),
    };
    let Some(camel) = simple.strip_suffix(MAP_ENTRY_SUFFIX) else {
        return entry_name.to_string();
    };
    let mut name = scope.to_string();
    for (index, letter) in camel.char_indices() {
        if index > 0 && letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// Whether a message name is that of entries of a map.
pub(crate) fn is_map_entry(name: &str) -> bool {
    name.ends_with(MAP_ENTRY_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_scrubbed_as_by_the_jvm() {
        for (name, scrubbed) in [
            ("abc_1", "abc_1"),
            ("x y", "x_y"),
            ("1ü", "x1_C3_BC"),
            ("_a", "x_a"),
            ("c-d", "c_d"),
            ("-a", "_a"),
            ("ü", "_C3_BC"),
            ("", ""),
        ] {
            assert_eq!(scrub(name), scrubbed, "{name}");
        }
    }

    #[test]
    fn map_names_go_to_entries_and_back() {
        assert_eq!(map_entry("tags"), "tagsEntry");
        assert_eq!(map_entry("my_mapField"), "MyMapfieldEntry");
        assert_eq!(map_field("a.b.MyMapfieldEntry"), "a.b.my_mapfield");
        assert_eq!(map_field("ConnectDefault1Entry"), "connect_default1");
        assert_eq!(map_field("tagsEntry"), "tags");
        assert_eq!(map_field("Other"), "Other");
    }
}
