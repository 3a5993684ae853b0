//! `java.util.regex`: patterns, matches and replacements as Java has them.
//!
//! A pattern is read as Java reads it and handed to `fancy_regex` in a form that leaves nothing to
//! chance: flags, classes and line ends are written out. What Java accepts and this does not: `\X`,
//! `\N{name}`, `\b{g}`, most block names (`\p{In…}`), canonical equivalence.

mod character_class;
mod character_property;
mod lexer;
mod quantifier;
mod replacement;
mod syntax_exception;
mod translator;

pub use syntax_exception::PatternSyntaxException;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

/// How often a match may go back before it is given up; a pattern from outside must not stall a worker.
const BACKTRACK_LIMIT: usize = 1_000_000;

/// How large a compiled part of a pattern may become.
const MAX_COMPILED_BYTES: usize = 4 << 20;

/// A compiled pattern, `java.util.regex.Pattern`. It is shared between threads as it is.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    anywhere: fancy_regex::Regex,
    whole: fancy_regex::Regex,
    group_names: HashMap<String, usize>,
    group_count: usize,
}

/// Why a match or a replacement did not come to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatchError {
    /// The pattern goes back too often on this text; Java would run on, perhaps for hours.
    Undecided {
        /// The pattern.
        pattern: String,
    },
    /// The replacement is no replacement: Java's `IllegalArgumentException`.
    IllegalReplacement(String),
    /// The replacement names a group by a number that the pattern has not: Java's
    /// `IndexOutOfBoundsException`.
    NoSuchGroup(usize),
}

impl MatchError {
    /// The class of Java's exception.
    pub fn java_class(&self) -> &'static str {
        match self {
            // Java has no limit; deep recursion ends in this error there.
            Self::Undecided { .. } => "java.lang.StackOverflowError",
            Self::IllegalReplacement(_) => "java.lang.IllegalArgumentException",
            Self::NoSuchGroup(_) => "java.lang.IndexOutOfBoundsException",
        }
    }
}

impl fmt::Display for MatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undecided { pattern } => write!(
                f,
                "The regular expression {pattern} needs too many steps on this text; \
                 repetitions inside of repetitions cause that, make them possessive or simpler"
            ),
            Self::IllegalReplacement(why) => f.write_str(why),
            Self::NoSuchGroup(group) => write!(f, "No group {group}"),
        }
    }
}

impl std::error::Error for MatchError {}

/// A match in a text: the groups by number, group 0 is all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<'t> {
    text: &'t str,
    groups: Vec<Option<Range<usize>>>,
}

impl<'t> Match<'t> {
    fn new(text: &'t str, captures: &fancy_regex::Captures<'t, str>) -> Self {
        Self {
            text,
            groups: (0..captures.len())
                .map(|group| captures.get(group).map(|found| found.range()))
                .collect(),
        }
    }

    /// What a group took; `None` if it took part in no way, or is not there.
    pub fn group(&self, group: usize) -> Option<&'t str> {
        self.range(group).map(|range| &self.text[range])
    }

    /// Where a group matched, in bytes.
    pub fn range(&self, group: usize) -> Option<Range<usize>> {
        self.groups.get(group).cloned().flatten()
    }

    fn whole(&self) -> Range<usize> {
        self.range(0).expect("group 0 is the match itself")
    }
}

impl Pattern {
    /// Compiles a pattern. The error is Java's where Java refuses it too.
    pub fn compile(pattern: &str) -> Result<Self, PatternSyntaxException> {
        let translated = translator::translate(pattern)?;
        let build = |text: &str| {
            fancy_regex::RegexBuilder::new(text)
                .backtrack_limit(BACKTRACK_LIMIT)
                .delegate_size_limit(MAX_COMPILED_BYTES)
                .build()
                .map_err(|error| {
                    PatternSyntaxException::new(
                        format!("The pattern cannot be compiled: {error}"),
                        pattern,
                        None,
                    )
                })
        };
        Ok(Self {
            text: pattern.to_string(),
            anywhere: build(&translated.regex)?,
            whole: build(&format!("\\A(?:{})\\z", translated.regex))?,
            group_names: translated.group_names,
            group_count: translated.group_count,
        })
    }

    /// The pattern as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The number of capturing groups, without group 0.
    pub fn group_count(&self) -> usize {
        self.group_count
    }

    /// The number of a named group.
    pub fn group_number(&self, name: &str) -> Option<usize> {
        self.group_names.get(name).copied()
    }

    /// Whether the whole text matches: `Matcher.matches()`.
    pub fn matches(&self, text: &str) -> Result<bool, MatchError> {
        self.whole.is_match(text).map_err(|_| self.undecided())
    }

    /// The match of the whole text with its groups.
    pub fn match_whole<'t>(&self, text: &'t str) -> Result<Option<Match<'t>>, MatchError> {
        let captures = self.whole.captures(text).map_err(|_| self.undecided())?;
        Ok(captures.map(|captures| Match::new(text, &captures)))
    }

    /// The first match in the text: `Matcher.find()`.
    pub fn find<'t>(&self, text: &'t str) -> Result<Option<Match<'t>>, MatchError> {
        self.find_from(text, 0)
    }

    /// The first match at or after a place, which is a number of bytes at the border of a character.
    fn find_from<'t>(&self, text: &'t str, from: usize) -> Result<Option<Match<'t>>, MatchError> {
        let captures = self
            .anywhere
            .captures_from_pos(text, from)
            .map_err(|_| self.undecided())?;
        Ok(captures.map(|captures| Match::new(text, &captures)))
    }

    /// All matches from left to right, each where the one before ended.
    pub fn find_all<'t>(&self, text: &'t str) -> Result<Vec<Match<'t>>, MatchError> {
        let mut found = Vec::new();
        let mut from = 0;
        while from <= text.len() {
            let Some(next) = self.find_from(text, from)? else {
                break;
            };
            let whole = next.whole();
            from = if whole.is_empty() {
                // Go on behind the next character, or the same place matches for ever.
                let step = text[whole.end..].chars().next().map_or(1, char::len_utf8);
                whole.end + step
            } else {
                whole.end
            };
            found.push(next);
        }
        Ok(found)
    }

    /// `Matcher.replaceFirst`: the text with its first match replaced. In the replacement `$1` is a
    /// group, of as many digits as name one, `${name}` a named group, and a backslash makes the next
    /// character plain. A group that took no part is empty.
    pub fn replace_first(&self, text: &str, replacement: &str) -> Result<String, MatchError> {
        match self.find(text)? {
            None => Ok(text.to_string()),
            Some(found) => self.replaced(text, &[found], replacement),
        }
    }

    /// `Matcher.replaceAll`: the text with all matches replaced, as in [`Self::replace_first`].
    pub fn replace_all(&self, text: &str, replacement: &str) -> Result<String, MatchError> {
        self.replaced(text, &self.find_all(text)?, replacement)
    }

    fn replaced(
        &self,
        text: &str,
        matches: &[Match<'_>],
        replacement: &str,
    ) -> Result<String, MatchError> {
        let mut out = String::new();
        let mut end = 0;
        for found in matches {
            let range = found.whole();
            out.push_str(&text[end..range.start]);
            replacement::append(&mut out, self, found, replacement)?;
            end = range.end;
        }
        out.push_str(&text[end..]);
        Ok(out)
    }

    fn undecided(&self) -> MatchError {
        MatchError::Undecided {
            pattern: self.text.clone(),
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
