//! Statuses.

use crate::ConnectorTaskId;
use std::fmt;

/// The state of a connector or task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// No worker runs it.
    Unassigned,
    /// It runs.
    Running,
    /// It waits at the user's wish.
    Paused,
    /// It broke down.
    Failed,
    /// It is being restarted at the user's wish.
    Restarting,
    /// It is stopped at the user's wish; connectors only.
    Stopped,
    /// It is gone; never shown.
    Destroyed,
}

impl State {
    const ALL: [Self; 7] = [
        Self::Unassigned,
        Self::Running,
        Self::Paused,
        Self::Failed,
        Self::Restarting,
        Self::Stopped,
        Self::Destroyed,
    ];

    /// The name in records and in the REST API, for example `RUNNING`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unassigned => "UNASSIGNED",
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Failed => "FAILED",
            Self::Restarting => "RESTARTING",
            Self::Stopped => "STOPPED",
            Self::Destroyed => "DESTROYED",
        }
    }

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a worker reports of a connector or a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The state.
    pub state: State,
    /// The text of the error that it failed with.
    pub trace: Option<String>,
    /// Host and port of the worker's REST address, for example `10.0.0.1:8083`.
    pub worker_id: String,
    /// The generation of the group in which it was reported; 0 in standalone mode.
    pub generation: i32,
    /// The version of the plugin; `None` if it was never instantiated.
    pub version: Option<String>,
}

/// The status of a connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorStatus {
    /// The name of the connector.
    pub connector: String,
    /// What was reported.
    pub status: Status,
}

/// The status of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskStatus {
    /// The task.
    pub id: ConnectorTaskId,
    /// What was reported.
    pub status: Status,
}

/// That a connector uses a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicStatus {
    /// The name of the topic.
    pub topic: String,
    /// The name of the connector.
    pub connector: String,
    /// The task that used it first.
    pub task: i32,
    /// When it was first used, in milliseconds since the epoch.
    pub discover_timestamp_ms: i64,
}
