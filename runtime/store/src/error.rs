//! Why a store could not do what it was asked.

use connect_api::ConnectError;
use connect_kafka::log::LogError;
use std::path::PathBuf;

/// The result of a store's call.
pub type StoreResult<T> = Result<T, StoreError>;

/// Why a store could not do what it was asked. The text names the topic, file or connector.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operation did not finish in time. It may still take effect: look at the snapshot after the
    /// next refresh before doing it again.
    #[error("timed out after {timeout_ms} ms while trying to {operation} on topic {topic}")]
    Timeout {
        /// What was tried, for example `write the configuration of connector a`.
        operation: String,
        /// The topic of the store.
        topic: String,
        /// How long it was tried.
        timeout_ms: u64,
    },
    /// Another worker has taken over the right to write (a privileged write of a leader that is none
    /// any more). Claim the privileges again, if this worker is still the leader.
    #[error(
        "another worker has taken over writing to topic {topic}; this worker must claim the write \
         privileges again before it can {operation}"
    )]
    Fenced {
        /// What was tried.
        operation: String,
        /// The topic of the store.
        topic: String,
    },
    /// The connector is not known to the store.
    #[error("No connector `{connector}` configured")]
    UnknownConnector {
        /// Its name.
        connector: String,
    },
    /// The offset file could not be read or written.
    #[error("the offset file {} could not be {action}: {reason}", path.display())]
    File {
        /// The file (`offset.storage.file.filename`).
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// What the operating system or the parser said.
        reason: String,
    },
    /// A partition or an offset of a source cannot be stored, or a call came out of order.
    #[error(transparent)]
    Data(#[from] ConnectError),
    /// The topic could not be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl StoreError {
    /// Whether the same call can succeed later without anybody changing anything.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::File { .. } => true,
            Self::Data(error) => error.is_retriable(),
            Self::Log(error) => error.is_retriable(),
            Self::Fenced { .. } | Self::UnknownConnector { .. } => false,
        }
    }
}

impl From<StoreError> for ConnectError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Data(error) => error,
            error if error.is_retriable() => Self::retriable(error.to_string()),
            error => Self::fatal(error.to_string()),
        }
    }
}
