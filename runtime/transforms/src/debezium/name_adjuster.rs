//! Names made fit for Avro.

use connect_api::config::{ConfigKey, ConfigType, Importance, Validator};

/// `none`, `avro` or `avro_unicode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum NameAdjustment {
    #[default]
    None,
    Avro,
    AvroUnicode,
}

/// What may stand in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameKind {
    /// The name of a schema: dots are part of it.
    Schema,
    /// The name of a field.
    Field,
}

impl NameAdjustment {
    /// The key of a setting that takes the modes.
    pub fn key(name: &'static str) -> ConfigKey {
        ConfigKey::new(name, ConfigType::String)
            .default("none")
            .validator(Validator::CaseInsensitiveValidString(&[
                "none",
                "avro",
                "avro_unicode",
            ]))
            .importance(Importance::Low)
    }

    pub fn parse(mode: &str) -> Self {
        match mode.trim().to_ascii_lowercase().as_str() {
            "avro" => Self::Avro,
            "avro_unicode" => Self::AvroUnicode,
            _ => Self::None,
        }
    }

    /// The name with an underscore, or the number of the character, for each character that Avro refuses.
    pub fn adjust(self, name: &str, kind: NameKind) -> String {
        if self == Self::None {
            return name.to_string();
        }
        let mut out = String::with_capacity(name.len() + 1);
        // Java counts in UTF-16 units.
        for (index, unit) in name.encode_utf16().enumerate() {
            let ascii = u8::try_from(unit).ok().filter(u8::is_ascii).map(char::from);
            let is_escape = self == Self::AvroUnicode && ascii == Some('_');
            let is_valid = ascii.is_some_and(|ascii| {
                ascii.is_ascii_alphabetic()
                    || ascii == '_' && !is_escape
                    || index > 0
                        && (ascii.is_ascii_digit() || ascii == '.' && kind == NameKind::Schema)
            });
            match ascii {
                Some(ascii) if is_valid => out.push(ascii),
                _ if self == Self::AvroUnicode => out.push_str(&format!("_u{unit:04x}")),
                // A digit at the start stays behind its underscore.
                Some(ascii) if index == 0 && ascii.is_ascii_digit() => {
                    out.push('_');
                    out.push(ascii);
                }
                _ => out.push('_'),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_avro_refuses_are_replaced() {
        let adjust = |name| NameAdjustment::Avro.adjust(name, NameKind::Schema);
        assert_eq!(adjust("a-b.c$d"), "a_b.c_d");
        assert_eq!(adjust("1a"), "_1a");
        assert_eq!(NameAdjustment::Avro.adjust("a.b", NameKind::Field), "a_b");
        assert_eq!(NameAdjustment::None.adjust("a-b", NameKind::Field), "a-b");
        assert_eq!(
            NameAdjustment::AvroUnicode.adjust("a-b", NameKind::Field),
            "a_u002db"
        );
    }
}
