//! The patterns of Java's `DateTimeFormatter`, for reading.

mod elements;
mod parsed;

use elements::{Element, compile};
use parsed::Parsed;

/// A pattern of dates.
#[derive(Clone, Debug)]
pub struct DateTimePattern {
    elements: Vec<Element>,
}

impl DateTimePattern {
    /// Reads a pattern. Names of months and days are English ones; `language_tag` may only ask for them.
    pub fn parse(pattern: &str, language_tag: &str) -> Result<Self, String> {
        let language = language_tag.split(['-', '_']).next().unwrap_or("");
        if !language.is_empty() && !language.eq_ignore_ascii_case("en") {
            return Err(format!(
                "names of months and days are known in English only, not in '{language_tag}'"
            ));
        }
        Ok(Self {
            elements: compile(pattern)?,
        })
    }

    /// Reads a text to milliseconds since the epoch. Without a zone it is UTC, without a time the
    /// beginning of the day.
    pub fn to_epoch_ms(&self, text: &str) -> Result<i64, String> {
        let mut parsed = Parsed::default();
        match elements::read(&self.elements, text, 0, &mut parsed) {
            Some(end) if end == text.len() => parsed
                .to_epoch_ms()
                .ok_or_else(|| format!("Text '{text}' could not be parsed: it names no date")),
            Some(end) => Err(format!(
                "Text '{text}' could not be parsed, unparsed text found at index {end}"
            )),
            None => Err(format!("Text '{text}' could not be parsed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::keys::DEFAULT_DATE_FORMAT;

    fn read(pattern: &str, text: &str) -> Option<i64> {
        DateTimePattern::parse(pattern, "")
            .unwrap()
            .to_epoch_ms(text)
            .ok()
    }

    #[test]
    fn the_default_reads_iso_dates() {
        for (text, ms) in [
            ("1970-01-02", Some(86_400_000)),
            ("1970-01-01T00:00:01", Some(1000)),
            ("1970-01-01 00:00:01", Some(1000)),
            ("1970-01-01T00:00:01.5", None),
            ("1970-01-01T00:00:01.500", Some(1500)),
            ("1970-01-01T00:00:01.500123", Some(1500)),
            ("1970-01-01T00:00:01Z", Some(1000)),
            ("1970-01-01T01:00:01 +01", Some(1000)),
            // The zone stands in brackets behind an offset or another zone.
            ("1970-01-01T01:00:01.000 Europe/Paris", None),
            ("1970-01-01T01:00:01.000+01:00[Europe/Paris]", Some(1000)),
            ("70-01-01", None),
            ("1970-01-01x", None),
        ] {
            assert_eq!(read(DEFAULT_DATE_FORMAT, text), ms, "{text}");
        }
    }

    #[test]
    fn patterns_of_users_are_read() {
        for (pattern, text, ms) in [
            ("yyyyMMddHHmmss", "19700101000001", Some(1000)),
            ("dd/MM/yyyy", "02/01/1970", Some(86_400_000)),
            ("d MMM yyyy h:mm a", "1 Jan 1970 1:00 AM", Some(3_600_000)),
            ("EEEE, d MMMM uuuu", "Thursday, 1 January 1970", Some(0)),
            (
                "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
                "1970-01-01T00:00:00.001+00:00",
                Some(1),
            ),
            ("yyyy-MM-dd", "1970-02-30", Some(58 * 86_400_000)),
            ("yyyy-MM-dd", "1970-13-01", None),
            ("HH:mm", "10:00", None),
        ] {
            assert_eq!(read(pattern, text), ms, "{pattern} {text}");
        }
        assert!(DateTimePattern::parse("yyyy-bb", "").is_err());
        assert!(DateTimePattern::parse("yyyy[", "").is_err());
        assert!(DateTimePattern::parse("yyyy", "fr-FR").is_err());
    }
}
