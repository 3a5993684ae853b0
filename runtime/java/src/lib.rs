//! Java's semantics where values of configurations rely on them: regular expressions, replacement
//! strings, date formats.
//!
//! - [`regex`] is `java.util.regex`: `topics.regex`, routers of topics, predicates.
//! - [`date_format`] is `java.text.SimpleDateFormat`: timestamps in topic names and in text fields.
//! - [`properties`] is the format of `java.util.Properties`: settings of workers, files of secrets.

pub mod date_format;
pub mod properties;
pub mod regex;
