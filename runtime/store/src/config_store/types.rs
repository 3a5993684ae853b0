//! What the cluster agrees on, besides the configurations themselves.

use bytes::Bytes;
use std::fmt;

/// What a user wants a connector to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetState {
    /// Connector and tasks run.
    Started,
    /// Connector and tasks stay where they are and do nothing.
    Paused,
    /// The connector is stopped and has no tasks.
    Stopped,
}

impl TargetState {
    /// The name in configuration records and requests, for example `STARTED`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Started => "STARTED",
            Self::Paused => "PAUSED",
            Self::Stopped => "STOPPED",
        }
    }

    /// The state of a name; exact, as in configuration records.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Started, Self::Paused, Self::Stopped]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

impl fmt::Display for TargetState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A request to restart a connector and maybe its tasks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RestartRequest {
    /// The connector.
    pub connector: String,
    /// Only what has failed is restarted.
    pub only_failed: bool,
    /// Tasks are restarted too.
    pub include_tasks: bool,
}

impl RestartRequest {
    /// How much a request restarts: of several for one connector, the one with the highest impact is
    /// carried out.
    pub fn impact(&self) -> u8 {
        u8::from(self.include_tasks) + 2 * u8::from(!self.only_failed)
    }
}

/// The key by which the workers of a cluster sign requests to each other.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey {
    /// The secret.
    pub key: Bytes,
    /// The JCA name of its algorithm, for example `HmacSHA256`.
    pub algorithm: String,
    /// When it was made, in milliseconds since the epoch.
    pub creation_timestamp_ms: i64,
}

/// Without the secret.
impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKey")
            .field("algorithm", &self.algorithm)
            .field("creation_timestamp_ms", &self.creation_timestamp_ms)
            .finish_non_exhaustive()
    }
}
