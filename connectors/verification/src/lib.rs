//! The connectors of Kafka's own system tests: VerifiableSource and VerifiableSink, whose lines on
//! standard output tell what was sent, acknowledged, received and flushed; MockSource and MockSink,
//! which fail on demand; SchemaSource, which makes structs. Also those that Kafka's integration tests
//! of Connect start: TestableSource, TestableSink and BlockingSink.
//!
//! The README beside this crate lists the settings.

mod config;
mod connector;
mod integration;
mod json_line;
mod mock;
mod printer;
mod schema_source_task;
mod throttle;
mod verifiable_sink_task;
mod verifiable_source_task;

#[cfg(test)]
mod paused_clock;

pub use mock::{MockSinkTask, MockSourceTask};
pub use schema_source_task::SchemaSourceTask;
pub use verifiable_sink_task::VerifiableSinkTask;
pub use verifiable_source_task::VerifiableSourceTask;
