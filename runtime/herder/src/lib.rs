//! Control of connectors and tasks: standalone and distributed herders behind one face, the
//! validation of configurations, and restarts.

mod core;
mod face;
mod herder;
pub mod host;
mod peers;
pub mod plugins;
mod preflight;
pub mod restart_policy;
pub mod secrets;
mod shell;
mod signature;
mod stage;
pub mod validation;
mod worker;
mod worker_config;

pub use face::{
    ActiveTopics, ClusterInfo, ConfigInfo, ConfigInfos, ConfigKeyInfo, ConfigValueInfo,
    ConnectorInfo, ConnectorOffset, ConnectorOffsets, ConnectorState, ConnectorStateInfo,
    ConnectorTaskId, Created, Herder, HerderError, HerderErrorKind, HerderHealth, HerderResult,
    Level, LoggerLevel, PluginInfo, PluginType, RestartRequest, TargetState, TaskInfo, TaskState,
};
pub use peers::{PeerAnswer, PeerClient, PeerError, PeerRequest, path_segment};
pub use signature::{InternalRequest, RequestSignature};
pub use worker::{Group, HerderParts, HerderShutdown, WorkerHerder};
pub use worker_config::{
    AdvertisedAddress, BasicAuth, ExactlyOnceSourceSupport, HeaderAction, HeaderRule, Listener,
    Login, RestRole, StorageTopic, WorkerConfig, WorkerMode,
};
