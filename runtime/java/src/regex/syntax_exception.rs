//! What is wrong with a pattern.

use std::fmt;

/// `java.util.regex.PatternSyntaxException`: shown, it is Java's message over several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternSyntaxException {
    description: String,
    pattern: String,
    index: Option<usize>,
}

impl PatternSyntaxException {
    pub(super) fn new(description: impl Into<String>, pattern: &str, index: Option<usize>) -> Self {
        Self {
            description: description.into(),
            pattern: pattern.to_string(),
            index,
        }
    }

    /// What is wrong, without the place.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The pattern as it was given.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Near which character of the pattern, where that is known.
    pub fn index(&self) -> Option<usize> {
        self.index
    }
}

impl fmt::Display for PatternSyntaxException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)?;
        let Some(index) = self.index else {
            return write!(f, "\n{}", self.pattern);
        };
        write!(f, " near index {index}\n{}", self.pattern)?;
        // Java counts in UTF-16 units here.
        let units: Vec<u16> = self.pattern.encode_utf16().collect();
        if index < units.len() {
            let indent: String = units[..index]
                .iter()
                .map(|unit| if *unit == u16::from(b'\t') { '\t' } else { ' ' })
                .collect();
            write!(f, "\n{indent}^")?;
        }
        Ok(())
    }
}

impl std::error::Error for PatternSyntaxException {}
