//! Plugin versions (KIP-891): ranges as Maven writes them.

use std::cmp::Ordering;

/// A range of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum VersionRange {
    /// Any: `latest`.
    Latest,
    /// Within one of these.
    Intervals(Vec<Interval>),
}

/// An interval with or without its ends; an end that is `None` is open to infinity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    lower: Option<String>,
    lower_included: bool,
    upper: Option<String>,
    upper_included: bool,
}

impl VersionRange {
    /// Reads a range; a bare version means that one alone.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("latest") {
            return Ok(Self::Latest);
        }
        if !text.starts_with(['[', '(']) {
            return Ok(Self::Intervals(vec![Interval::exactly(text)]));
        }
        let mut intervals = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let Some(end) = rest.find([']', ')']) else {
                return Err(format!("Unbounded range: {text}"));
            };
            let (interval, after) = rest.split_at(end + 1);
            intervals.push(Interval::parse(interval, text)?);
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        Ok(Self::Intervals(intervals))
    }

    /// Whether the version lies in the range.
    pub fn contains(&self, version: &str) -> bool {
        match self {
            Self::Latest => true,
            Self::Intervals(intervals) => {
                intervals.iter().any(|interval| interval.contains(version))
            }
        }
    }
}

impl std::fmt::Display for VersionRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Intervals(intervals) = self else {
            return f.write_str("latest");
        };
        for (index, interval) in intervals.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(if interval.lower_included { "[" } else { "(" })?;
            f.write_str(interval.lower.as_deref().unwrap_or(""))?;
            f.write_str(",")?;
            f.write_str(interval.upper.as_deref().unwrap_or(""))?;
            f.write_str(if interval.upper_included { "]" } else { ")" })?;
        }
        Ok(())
    }
}

impl Interval {
    fn exactly(version: &str) -> Self {
        Self {
            lower: Some(version.to_string()),
            lower_included: true,
            upper: Some(version.to_string()),
            upper_included: true,
        }
    }

    /// Reads `[a,b)`, with its brackets.
    fn parse(text: &str, whole: &str) -> Result<Self, String> {
        let not_a_range = || format!("Invalid version specification: {whole}");
        let inner = text
            .get(1..text.len().saturating_sub(1))
            .filter(|_| text.starts_with(['[', '(']))
            .ok_or_else(not_a_range)?;
        let Some((lower, upper)) = inner.split_once(',') else {
            if text.starts_with('[') && text.ends_with(']') && !inner.trim().is_empty() {
                return Ok(Self::exactly(inner.trim()));
            }
            return Err(not_a_range());
        };
        let end = |text: &str| Some(text.trim().to_string()).filter(|text| !text.is_empty());
        Ok(Self {
            lower: end(lower),
            lower_included: text.starts_with('['),
            upper: end(upper),
            upper_included: text.ends_with(']'),
        })
    }

    fn contains(&self, version: &str) -> bool {
        let above = self
            .lower
            .as_deref()
            .is_none_or(|lower| match compare(version, lower) {
                Ordering::Greater => true,
                Ordering::Equal => self.lower_included,
                Ordering::Less => false,
            });
        let below = self
            .upper
            .as_deref()
            .is_none_or(|upper| match compare(version, upper) {
                Ordering::Less => true,
                Ordering::Equal => self.upper_included,
                Ordering::Greater => false,
            });
        above && below
    }
}

/// Numbers by value, missing ones as 0; a qualifier such as `-SNAPSHOT` comes before the plain version.
fn compare(a: &str, b: &str) -> Ordering {
    let split = |text: &str| {
        let (numbers, qualifier) = text.split_once('-').unwrap_or((text, ""));
        let mut numbers: Vec<u64> = numbers
            .split('.')
            .map(|part| part.parse().unwrap_or(0))
            .collect();
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        (numbers, qualifier.to_string())
    };
    let ((a_numbers, a_qualifier), (b_numbers, b_qualifier)) = (split(a), split(b));
    a_numbers
        .cmp(&b_numbers)
        .then_with(|| match (a_qualifier.is_empty(), b_qualifier.is_empty()) {
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ => a_qualifier.cmp(&b_qualifier),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_they_say() {
        let holds =
            |range: &str, version: &str| VersionRange::parse(range).expect(range).contains(version);
        assert!(holds("latest", "4.3.1"));
        assert!(holds("4.3.1", "4.3.1"));
        assert!(!holds("4.3", "4.3.1"));
        assert!(holds("[0,)", "4.3.1"));
        assert!(!holds("(,4.3.1)", "4.3.1"));
        assert!(holds("(,4.3.1]", "4.3.1"));
        assert!(holds("[4.3.1]", "4.3.1"));
        assert!(holds("(,1],[4.2,5)", "4.10"));
        assert!(!holds("(,1],[4.2,5)", "5.0"));
        assert!(!holds("[4.3.1,)", "4.3.1-SNAPSHOT"));
    }

    #[test]
    fn bare_versions_show_as_intervals_and_bad_ones_say_why() {
        let shown = |range| VersionRange::parse(range).map(|range| range.to_string());
        assert_eq!(shown("99").as_deref(), Ok("[99,99]"));
        assert_eq!(shown("[5,6]").as_deref(), Ok("[5,6]"));
        assert_eq!(shown("["), Err("Unbounded range: [".to_string()));
        assert_eq!(
            shown("()"),
            Err("Invalid version specification: ()".to_string())
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = VersionRange::parse(&text).map(|range| range.contains("4.3.1"));
        }
    }
}
