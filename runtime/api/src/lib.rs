//! What a connector author reads: records, schemas, [`config::ConfigDef`], the connector and task
//! traits, and errors that say what the runtime does next.
//!
//! A connector is a crate that depends on this one and on the client library of the system that it
//! talks to. It registers itself under the class name that users write in `connector.class`, so
//! linking the crate into the worker is all that it takes to offer it.
//!
//! # The life of a connector
//!
//! 1. `POST /connectors` stores a configuration. The worker validates it against the plugin's
//!    [`config::ConfigDef`] and then [`SourceConnector::validate`] or [`SinkConnector::validate`].
//! 2. The worker that owns the connector calls `start`, then `task_configs(tasks.max)`, and stores
//!    what comes back. Any worker of the cluster may then run any of the tasks.
//! 3. Each task is made by `new_task`, started with one of those configurations, driven by one
//!    owner at a time, and stopped. See [`SourceTask`] and [`SinkTask`] for the order of calls.
//!
//! # Errors
//!
//! Every fallible call returns [`ConnectError`]; its [`ErrorKind`] is an instruction to the runtime:
//! retry, skip under `errors.tolerance`, or fail the task.
//!
//! # A source and a sink
//!
//! The source takes some ninety lines and the sink fifty; behind them stand the calls that a worker makes
//! (`examples/counting_connectors.rs`).
//!
//! ```
#![doc = include_str!("../examples/counting_connectors.rs")]
//! ```

pub mod config;
pub mod data;
pub mod json;

mod clock;
mod config_provider;
mod connector;
mod converter;
mod error;
mod plugin;
mod plugin_metrics;
mod record;
mod sink;
mod source;
mod transaction;
mod transform;

pub use clock::{Clock, SystemClock};
pub use config_provider::{ConfigProvider, ProvidedValues};
pub use connector::{
    ConnectorContext, ConnectorEvent, ConnectorType, ExactlyOnceSupport, SinkConnector,
    SourceConnector,
};
pub use converter::{
    Converter, ConverterType, Encoded, HeaderConverter, PlainType, RawHeader, RawMessage,
    SchemaAndValue,
};
pub use error::{ConnectError, ErrorKind, Result};
pub use plugin::{
    CONFIG_PROVIDERS, CONNECTORS, CONVERTERS, ConfigProviderPlugin, ConnectorFactory,
    ConnectorPlugin, ConverterPlugin, HEADER_CONVERTERS, HeaderConverterPlugin, KAFKA_VERSION,
    PREDICATES, PredicatePlugin, TRANSFORMS, TransformPlugin, no_config, plugin_aliases,
};
pub use plugin_metrics::{Gauge, PluginMetrics};
pub use record::{
    Header, Headers, Offsets, Origin, Record, RecordMetadata, SinkOrigin, SinkRecord, SourceOrigin,
    SourceRecord, TimestampType, Topic, TopicPartition,
};
pub use sink::{
    BytesRecord, ErrantRecordReporter, Form, SinkBatch, SinkBytes, SinkRequests, SinkTask,
    SinkTaskContext,
};
pub use source::{
    AckedRecord, OffsetStorageReader, SourceBatch, SourceBytes, SourceOffsets, SourceTask,
    SourceTaskContext,
};
pub use transaction::{TransactionContext, TransactionRequests};
pub use transform::{Predicate, Transform};

/// Re-exports that the registration of plugins needs in the crates of connectors.
pub mod registry {
    pub use linkme;
}
