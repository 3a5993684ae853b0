//! Control of connectors and tasks: standalone and distributed herders behind one face, the
//! validation of configurations, and restarts.

mod face;
pub mod plugins;
pub mod validation;

pub use face::{
    ActiveTopics, ClusterInfo, ConfigInfo, ConfigInfos, ConfigKeyInfo, ConfigValueInfo,
    ConnectorInfo, ConnectorOffset, ConnectorOffsets, ConnectorState, ConnectorStateInfo,
    ConnectorTaskId, Created, Herder, HerderError, HerderErrorKind, HerderHealth, HerderResult,
    PluginInfo, PluginType, RestartRequest, TargetState, TaskInfo, TaskState,
};
