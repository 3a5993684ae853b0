//! Config, offset and status stores over memory, file and Kafka.
//!
//! | trait | what it keeps | implementations |
//! |---|---|---|
//! | [`ConfigStore`] | connector and task configurations, target states, session key | [`MemoryConfigStore`] |
//! | [`OffsetStore`] | how far source connectors have read | [`MemoryOffsetStore`] |
//! | [`StatusStore`] | states of connectors and tasks, active topics | [`MemoryStatusStore`] |
//!
//! What is written to topics and files is read by JVM workers and the other way round, so every byte
//! is theirs: keys, field order, number text, the Java serialization of the offset file.
//!
//! Each trait has one suite that runs on all of its implementations.

mod config_store;
mod error;
mod json;
mod offset_store;
mod status_store;
mod task_id;

pub use config_store::{
    ClusterConfigState, ConfigStore, ConfigTransformer, ConfigUpdate, ConfigUpdates,
    MemoryConfigStore, NO_CONFIG_OFFSET, RestartRequest, SessionKey, TargetState,
};
pub use error::{StoreError, StoreResult};
pub use offset_store::{
    ConnectorOffsets, MemoryOffsetStore, OffsetEntry, OffsetFlush, OffsetStore, OffsetWriter,
    StoredPartition,
};
pub use status_store::{
    ConnectorStatus, MemoryStatusStore, State, Status, StatusStore, TaskStatus, TopicStatus,
};
pub use task_id::ConnectorTaskId;
