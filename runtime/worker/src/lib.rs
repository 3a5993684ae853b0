//! Task loops, the conversion chain, tolerance, and the tracking of offsets.
//!
//! A task has one owner: the loop that drives it, spawned by [`spawn_task`]. Whoever started it keeps a
//! [`TaskHandle`] to pause, resume and stop it, and hears of its states through a
//! [`TaskStatusListener`]. The loops know no Kafka client and no connector; they live on the faces of
//! `connect-kafka`, `connect-store` and `connect-api`, with a clock that is handed in.

mod chain;
mod connector;
mod produce_error;
mod report;
mod sink;
mod source;
mod task;
#[cfg(test)]
mod testing;
mod tolerance;

pub use chain::{Chain, ConversionError, PredicateStage, Stage, TransformStage};
pub use connect_store::ConnectorTaskId;
pub use connector::{
    ConnectorHandle, ConnectorInstance, ConnectorStatusListener, ConnectorTargetState,
    ConnectorUpdate, spawn_connector,
};
pub use report::{DeadLetterQueueConfig, DeadLetterQueuePlan};
pub use sink::{ConsumerFactory, SinkTaskPlan, run_sink_task};
pub use source::{
    ProducerFactory, SourceProducer, SourceTaskPlan, TaskPreflight, TopicCreator, TopicMatcher,
    TransactionBoundary, TransactionPlan, TransactionalTaskProducerFactory, run_source_task,
};
pub use task::{
    TaskControl, TaskEvent, TaskHandle, TaskStatusListener, TaskTargetState, spawn_task,
};
pub use tolerance::{ErrorPolicy, Tolerance};
