//! What a record of the config topic says.

use super::types::{RestartRequest, SessionKey, TargetState};
use crate::ConnectorTaskId;
use connect_api::config::ConfigMap;

/// A record of the config topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConfigRecord {
    /// A target state; `None` takes it back.
    TargetState {
        connector: String,
        state: Option<TargetState>,
    },
    /// The configuration of a connector; `None` removes it.
    Connector {
        connector: String,
        config: Option<ConfigMap>,
    },
    /// The configuration of a task, which takes effect with the next commit.
    Task {
        task: ConnectorTaskId,
        config: ConfigMap,
    },
    /// The task configurations written before it take effect.
    Commit { connector: String, num_tasks: i32 },
    /// A restart is asked for.
    Restart(RestartRequest),
    /// Producers of that many tasks were fenced.
    TaskCount { connector: String, num_tasks: i32 },
    /// A session key.
    SessionKey(SessionKey),
    /// A level for a logger on all workers.
    LoggerLevel { logger: String, level: String },
    /// A record without meaning for us: an unknown key, or a value of the wrong shape.
    Ignored,
}
