//! Patterns in settings.

use connect_java::regex::Pattern;

/// Compiles a pattern. The error says where and why, as Java does.
pub(crate) fn compile(pattern: &str) -> Result<Pattern, String> {
    Pattern::compile(pattern).map_err(|error| error.to_string())
}

/// Whether the whole text matches; a pattern that cannot be decided does not match.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    compile(pattern).is_ok_and(|pattern| pattern.matches(text).unwrap_or(false))
}
