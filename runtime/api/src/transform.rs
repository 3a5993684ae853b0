//! Single message transforms and predicates.

use crate::config::ConfigMap;
use crate::error::Result;
use crate::record::{Origin, Record};

/// Changes one record at a time between connector and converter.
///
/// Each task makes its own instances and calls them from one place at a time. Order of calls:
/// `configure` once, then `apply` for each record.
pub trait Transform: Send {
    /// Takes the settings below `transforms.<alias>.`, without the prefix. An error fails the task.
    fn configure(&mut self, config: &ConfigMap) -> Result<()>;

    /// Returns the record to go on with, or `None` to drop it: a dropped record still counts as
    /// consumed, and its source offset is committed. An error is subject to `errors.tolerance`; the
    /// call may be repeated with an equal record after a retriable one.
    fn apply(&mut self, record: Record, origin: Origin<'_>) -> Result<Option<Record>>;
}

/// Decides whether a transform is applied to a record.
pub trait Predicate: Send {
    /// Takes the settings below `predicates.<alias>.`, without the prefix. An error fails the task.
    fn configure(&mut self, config: &ConfigMap) -> Result<()>;

    /// Whether the predicate holds for the record.
    fn test(&mut self, record: &Record, origin: Origin<'_>) -> Result<bool>;
}
