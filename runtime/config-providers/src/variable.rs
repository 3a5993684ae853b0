//! Variables in the texts of configurations: `${provider:key}` and `${provider:path:key}`.

use std::fmt;
use std::ops::Range;

/// A variable in a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Variable<'t> {
    /// The name of the provider, as `config.providers` has it.
    pub provider: &'t str,
    /// What stands between the first and the second colon; empty if there is one colon only.
    pub path: &'t str,
    /// The rest; it may hold colons.
    pub key: &'t str,
    /// The whole variable, from `${` to `}`.
    pub text: &'t str,
}

impl fmt::Display for Variable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// The variables of a text with their places, in order; there is no way to escape one.
///
/// The pattern is Kafka's: `\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}`. So a variable ends at the first `}`,
/// and what it is named begins after the first `${`, whatever follows.
pub fn variables(text: &str) -> impl Iterator<Item = (Range<usize>, Variable<'_>)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text[from..].find("${")?;
            let end = start + text[start..].find('}')? + 1;
            from = end;
            let inner = &text[start + 2..end - 1];
            // Without a colon it is text. A `${` inside of it has no colon either.
            let Some((provider, rest)) = inner.split_once(':') else {
                continue;
            };
            let (path, key) = rest.split_once(':').unwrap_or(("", rest));
            let variable = Variable {
                provider,
                path,
                key,
                text: &text[start..end],
            };
            return Some((start..end, variable));
        }
    })
}

/// Whether a text has a variable, of whatever provider.
pub fn contains_variable(text: &str) -> bool {
    variables(text).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str) -> Vec<(&str, &str, &str)> {
        variables(text)
            .map(|(_, variable)| (variable.provider, variable.path, variable.key))
            .collect()
    }

    #[test]
    fn the_third_part_takes_all_further_colons() {
        assert_eq!(all("${file:/f:b:c}"), [("file", "/f", "b:c")]);
        assert_eq!(
            all("${env:X}${env::Y}"),
            [("env", "", "X"), ("env", "", "Y")]
        );
        assert_eq!(all("a ${b} ${:} ${"), [("", "", "")]);
        assert_eq!(all("${a${b:c}}"), [("a${b", "", "c")]);
    }

    /// The pattern by hand, step by step as a regular expression engine takes it.
    fn by_the_pattern(text: &str) -> Vec<(usize, usize, String, Option<String>, String)> {
        let chars: Vec<char> = text.chars().collect();
        let string = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
        let is_colon = |at: usize| chars.get(at) == Some(&':');
        // The end of the shortest run of characters other than `}` after which `go_on` succeeds.
        fn lazy<T>(
            chars: &[char],
            from: usize,
            go_on: &dyn Fn(usize) -> Option<T>,
        ) -> Option<(usize, T)> {
            let mut end = from;
            loop {
                if let Some(rest) = go_on(end) {
                    return Some((end, rest));
                }
                if chars.get(end).is_none_or(|c| *c == '}') {
                    return None;
                }
                end += 1;
            }
        }
        let is_end = |at: usize| (chars.get(at) == Some(&'}')).then_some(at + 1);
        let mut found = Vec::new();
        let mut start = 0;
        while start < chars.len() {
            if chars[start] != '$' || chars.get(start + 1) != Some(&'{') {
                start += 1;
                continue;
            }
            let body = start + 2;
            let matched = lazy(&chars, body, &|colon| {
                if !is_colon(colon) {
                    return None;
                }
                let with_path = lazy(&chars, colon + 1, &|second| {
                    if !is_colon(second) {
                        return None;
                    }
                    lazy(&chars, second + 1, &is_end).map(|(_, end)| end)
                });
                with_path
                    .map(|(second, end)| (Some(second), end))
                    .or_else(|| lazy(&chars, colon + 1, &is_end).map(|(_, end)| (None, end)))
            });
            match matched {
                Some((colon, (second, end))) => {
                    let key_start = second.unwrap_or(colon) + 1;
                    found.push((
                        start,
                        end,
                        string(body, colon),
                        second.map(|second| string(colon + 1, second)),
                        string(key_start, end - 1),
                    ));
                    start = end;
                }
                None => start += 1,
            }
        }
        found
    }

    proptest! {
        #[test]
        fn the_grammar_is_that_of_the_pattern(text in "[${}:a/\n\u{e9} ]{0,24}") {
            let expected = by_the_pattern(&text);
            let found: Vec<_> = variables(&text)
                .map(|(range, variable)| {
                    let at = |byte: usize| text[..byte].chars().count();
                    (
                        at(range.start),
                        at(range.end),
                        variable.provider.to_string(),
                        variable.path.to_string(),
                        variable.key.to_string(),
                    )
                })
                .collect();
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(start, end, provider, path, key)| {
                    (start, end, provider, path.unwrap_or_default(), key)
                })
                .collect();
            prop_assert_eq!(found, expected);
            prop_assert_eq!(contains_variable(&text), variables(&text).count() > 0);
        }

        #[test]
        fn what_is_written_as_a_variable_is_read_as_one(
            provider in "[^:}]{0,8}", path in "[^:}]{0,8}", key in "[^}]{0,8}", before in "[^$]{0,8}", after in "[^$]{0,8}",
        ) {
            let written = format!("${{{provider}:{path}:{key}}}");
            let text = format!("{before}{written}{after}");
            let found: Vec<_> = variables(&text).map(|(_, variable)| variable).collect();
            prop_assert_eq!(found, [Variable { provider: &provider, path: &path, key: &key, text: &written }]);
        }

        #[test]
        fn any_text_is_read(text in "(?s).*") {
            for (range, variable) in variables(&text) {
                prop_assert_eq!(&text[range], variable.text);
            }
        }
    }
}
