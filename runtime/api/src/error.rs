//! Errors that say what the runtime does next.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// The result of every call between the runtime and a plugin.
pub type Result<T, E = ConnectError> = std::result::Result<T, E>;

/// What the runtime does about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The same call may succeed later. From `put`, the same batch is delivered again after a pause;
    /// from `poll`, the task is polled again; from a converter or transform, the record is retried
    /// until `errors.retry.timeout`. `after` asks for a pause of that length before the next try.
    Retriable {
        /// The pause that the outside system asked for, if it did.
        after: Option<Duration>,
    },
    /// One record is at fault. Under `errors.tolerance=all` it is skipped and reported; otherwise the
    /// task fails.
    Data,
    /// The configuration is at fault: the user must change it. The connector or task fails.
    Config,
    /// Nothing helps but a person. The connector or task fails.
    Fatal,
}

/// An error of a connector, task, converter, transform or of the runtime itself.
///
/// It carries the class name of the Java exception that the JVM worker would report in its place,
/// because that name begins the `trace` of a failed task, which people and scripts match on.
#[derive(Debug, Clone)]
pub struct ConnectError {
    inner: Box<Inner>,
}

#[derive(Debug, Clone)]
struct Inner {
    kind: ErrorKind,
    class: Cow<'static, str>,
    message: Option<String>,
    cause: Option<ConnectError>,
}

impl ConnectError {
    /// An error of the given kind under the given Java class name.
    pub fn new(
        kind: ErrorKind,
        class: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                class: class.into(),
                message: Some(message.into()),
                cause: None,
            }),
        }
    }

    /// `org.apache.kafka.connect.errors.RetriableException`.
    pub fn retriable(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Retriable { after: None },
            "org.apache.kafka.connect.errors.RetriableException",
            message,
        )
    }

    /// A retriable error with the pause that the outside system asked for.
    pub fn retriable_after(message: impl Into<String>, after: Duration) -> Self {
        let mut error = Self::retriable(message);
        error.inner.kind = ErrorKind::Retriable { after: Some(after) };
        error
    }

    /// `org.apache.kafka.connect.errors.DataException`.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Data,
            "org.apache.kafka.connect.errors.DataException",
            message,
        )
    }

    /// `org.apache.kafka.common.config.ConfigException`.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Config,
            "org.apache.kafka.common.config.ConfigException",
            message,
        )
    }

    /// `org.apache.kafka.connect.errors.ConnectException`.
    pub fn fatal(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Fatal,
            "org.apache.kafka.connect.errors.ConnectException",
            message,
        )
    }

    /// The same error under another Java class name.
    #[must_use]
    pub fn with_class(mut self, class: impl Into<Cow<'static, str>>) -> Self {
        self.inner.class = class.into();
        self
    }

    /// The same error with another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.inner.kind = kind;
        self
    }

    /// The same error with a cause, which the trace shows as `Caused by:`.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<ConnectError>) -> Self {
        self.inner.cause = Some(cause.into());
        self
    }

    /// The same error without a message, as `new NullPointerException()` has none.
    #[must_use]
    pub fn without_message(mut self) -> Self {
        self.inner.message = None;
        self
    }

    /// What the runtime does about it.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Whether the same call may succeed later.
    pub fn is_retriable(&self) -> bool {
        matches!(self.inner.kind, ErrorKind::Retriable { .. })
    }

    /// The Java class name, for example `org.apache.kafka.connect.errors.DataException`.
    pub fn class(&self) -> &str {
        &self.inner.class
    }

    /// The message without class name and causes; empty if there is none.
    pub fn message(&self) -> &str {
        self.inner.message.as_deref().unwrap_or("")
    }

    /// The message, or `None` where Java's `getMessage()` is null.
    pub fn message_opt(&self) -> Option<&str> {
        self.inner.message.as_deref()
    }

    /// The cause, if one was given.
    pub fn cause(&self) -> Option<&ConnectError> {
        self.inner.cause.as_ref()
    }

    /// The error in the shape of Java's `printStackTrace`: `CLASS: MESSAGE`, then one
    /// `Caused by: CLASS: MESSAGE` line for each cause. There are no stack frames.
    pub fn trace(&self) -> String {
        let mut trace = String::new();
        let mut error = Some(self);
        while let Some(current) = error {
            if !trace.is_empty() {
                trace.push_str("Caused by: ");
            }
            trace.push_str(&current.to_java_string());
            trace.push('\n');
            error = current.cause();
        }
        trace
    }

    /// `CLASS: MESSAGE`, as Java's `Throwable.toString()`.
    pub fn to_java_string(&self) -> String {
        match &self.inner.message {
            Some(message) => format!("{}: {message}", self.inner.class),
            None => self.inner.class.to_string(),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner.message {
            Some(message) => f.write_str(message)?,
            None => f.write_str(&self.inner.class)?,
        }
        if let Some(cause) = &self.inner.cause {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner
            .cause
            .as_ref()
            .map(|cause| cause as &(dyn std::error::Error + 'static))
    }
}

impl From<std::io::Error> for ConnectError {
    fn from(error: std::io::Error) -> Self {
        Self::new(ErrorKind::Fatal, "java.io.IOException", error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_names_every_cause() {
        let error = ConnectError::fatal("Exiting WorkerSinkTask due to unrecoverable exception.")
            .with_cause(
                ConnectError::data("bad record").with_cause(std::io::Error::other("disk full")),
            );
        assert_eq!(
            error.trace(),
            "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to \
             unrecoverable exception.\n\
             Caused by: org.apache.kafka.connect.errors.DataException: bad record\n\
             Caused by: java.io.IOException: disk full\n"
        );
    }
}
