//! Patterns of `java.util.regex`, as far as they agree with those of Perl.

use fancy_regex::Regex;

/// How often a match may go back before it is given up; a pattern from outside must not stall a worker.
const BACKTRACK_LIMIT: usize = 100_000;

/// Compiles a pattern that must match a whole text. The error says where and why.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    // Compiled alone first, so that the error points into the text that the user wrote.
    Regex::new(pattern).map_err(|error| format!("{error}\n{pattern}"))?;
    fancy_regex::RegexBuilder::new(&format!("^(?:{pattern})$"))
        .backtrack_limit(BACKTRACK_LIMIT)
        .build()
        .map_err(|error| format!("{error}\n{pattern}"))
}

/// Whether the whole text matches; a pattern that cannot be decided does not match.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    compile(pattern).is_ok_and(|regex| regex.is_match(text).unwrap_or(false))
}
