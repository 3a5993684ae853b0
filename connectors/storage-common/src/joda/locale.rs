//! The texts of months, days, halves of the day and eras, as Java has them.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A locale as `new Locale(text)` makes it: the whole text is the language. `en` has the English
/// texts, `en-US` and `US` are languages that nobody speaks and have the neutral ones.
#[derive(Clone, Copy, Debug)]
pub struct Locale {
    symbols: &'static Symbols,
}

impl Locale {
    /// The locale of a text; any text makes one.
    pub fn new(text: &str) -> Self {
        let language = text.to_ascii_lowercase();
        let symbols = TABLE.get(language.as_str()).or_else(|| TABLE.get("root"));
        Self {
            symbols: symbols.unwrap_or(&EMPTY),
        }
    }

    pub(super) fn symbols(self) -> &'static Symbols {
        self.symbols
    }
}

/// Texts, with Monday and January first.
#[derive(Debug)]
pub(super) struct Symbols {
    pub(super) months: [&'static str; 12],
    pub(super) short_months: [&'static str; 12],
    pub(super) weekdays: [&'static str; 7],
    pub(super) short_weekdays: [&'static str; 7],
    pub(super) halves_of_day: [&'static str; 2],
    pub(super) eras: [&'static str; 2],
}

static EMPTY: Symbols = Symbols {
    months: [""; 12],
    short_months: [""; 12],
    weekdays: [""; 7],
    short_weekdays: [""; 7],
    halves_of_day: [""; 2],
    eras: [""; 2],
};

/// Made by `tests/java/JodaGolden.java`.
static TABLE: LazyLock<HashMap<&'static str, Symbols>> = LazyLock::new(|| {
    include_str!("joda_symbols.tsv")
        .lines()
        .filter_map(parse_line)
        .collect()
});

fn parse_line(line: &'static str) -> Option<(&'static str, Symbols)> {
    let mut columns = line.split('\t');
    let language = columns.next()?;
    let symbols = Symbols {
        months: texts(columns.next()?)?,
        short_months: texts(columns.next()?)?,
        weekdays: texts(columns.next()?)?,
        short_weekdays: texts(columns.next()?)?,
        halves_of_day: texts(columns.next()?)?,
        eras: texts(columns.next()?)?,
    };
    Some((language, symbols))
}

fn texts<const N: usize>(column: &'static str) -> Option<[&'static str; N]> {
    let texts: Vec<&'static str> = column.split('|').collect();
    texts.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        assert_eq!(
            TABLE.len(),
            include_str!("joda_symbols.tsv").lines().count()
        );
        assert!(TABLE.contains_key("root") && TABLE.contains_key("de"));
    }
}
