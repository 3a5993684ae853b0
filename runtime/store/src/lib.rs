//! Config, offset and status stores over memory, file and Kafka.
//!
//! | trait | what it keeps | implementations |
//! |---|---|---|
//! | [`ConfigStore`] | connector and task configurations, target states, session key | [`KafkaConfigStore`], [`MemoryConfigStore`] |
//! | [`OffsetStore`] | how far source connectors have read | [`KafkaOffsetStore`], [`FileOffsetStore`], [`MemoryOffsetStore`]; [`LayeredOffsetStore`] over two, [`TransactionalOffsetStore`] over one |
//! | [`StatusStore`] | states of connectors and tasks, active topics | [`KafkaStatusStore`], [`MemoryStatusStore`] |
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
mod transaction;

pub use config_store::{
    ClusterConfigState, ConfigStore, ConfigUpdate, ConfigUpdates, FencableWriter, KafkaConfigStore,
    MemoryConfigStore, NO_CONFIG_OFFSET, RestartRequest, SessionKey, TargetState,
    TransactionalConfigWriter,
};
pub use connect_kafka::group::protocol::ConnectorTaskId;
pub use error::{StoreError, StoreResult};
pub use offset_store::{
    ConnectorOffsets, FileOffsetStore, KafkaOffsetStore, LayeredOffsetStore, MemoryOffsetStore,
    OffsetEntry, OffsetFlush, OffsetStore, OffsetWriter, StoredPartition, TransactionalOffsetStore,
};
pub use status_store::{
    ConnectorStatus, KafkaStatusStore, MemoryStatusStore, State, Status, StatusStore, TaskStatus,
    TopicStatus,
};
pub use transaction::TransactionalProducerFactory;
