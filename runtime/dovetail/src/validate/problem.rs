//! What is wrong with a connector file.

use crate::connector_file::{ConnectorFile, Oddity, Place};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A worker would refuse the file.
    Error,
    /// A worker would take it, and not do what was meant.
    Warning,
}

/// Something that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Where in it; none if it could not be read.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// The key it is about; none if it is about the whole.
    pub key: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
}

impl Problem {
    /// A problem of the value of a key, or of its absence.
    pub fn at_value(file: &ConnectorFile, key: &str, severity: Severity, message: &str) -> Self {
        Self::new(file, file.place_of(key), key, severity, message)
    }

    /// A problem of the key itself.
    pub fn at_key(file: &ConnectorFile, key: &str, severity: Severity, message: &str) -> Self {
        Self::new(file, file.place_of_key(key), key, severity, message)
    }

    /// Something odd about the file.
    pub fn odd(file: &ConnectorFile, oddity: &Oddity) -> Self {
        let Oddity {
            place,
            key,
            message,
        } = oddity;
        Self::new(file, *place, key, Severity::Warning, message)
    }

    fn new(
        file: &ConnectorFile,
        place: Place,
        key: &str,
        severity: Severity,
        message: &str,
    ) -> Self {
        let lines = message.lines().map(str::trim);
        Self {
            file: file.path.clone(),
            place: Some(place),
            key: Some(key.to_string()),
            severity,
            message: lines.collect::<Vec<_>>().join(" "),
        }
    }

    /// Adds it, unless it is told already: validation says of each of two keys that one of them is
    /// missing, and of overrides twice what is wrong.
    pub fn add_to(self, problems: &mut Vec<Self>) {
        let is_told = problems
            .iter()
            .any(|known| known.message == self.message && known.place == self.place);
        if !is_told {
            problems.push(self);
        }
    }
}

/// The errors of a setting that say something. A value that cannot be read is also checked as if there
/// were none, and that nobody need be told.
pub fn telling<E: AsRef<str>>(errors: &[E]) -> impl Iterator<Item = &str> {
    let is_alone = errors.len() == 1;
    errors
        .iter()
        .map(AsRef::as_ref)
        .filter(move |error| is_alone || !error.starts_with("Invalid value null for configuration"))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(place) = self.place {
            write!(f, ":{place}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        if self.severity == Severity::Warning {
            f.write_str(": warning")?;
        }
        write!(f, ": {}", self.message)
    }
}
