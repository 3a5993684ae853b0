//! The MongoDB source.

mod avro_schema;
mod change_stream;
mod connector;
mod copy;
mod copy_progress;
mod copy_ranges;
mod event_mapping;
mod failure;
mod heartbeat;
pub mod keys;
mod offset;
mod open_stream;
mod reader;
mod schema_inference;
mod schema_values;
mod scope;
mod settings;
mod split_events;
mod startup;
mod task;
mod topic_mapper;
mod validation;

pub use change_stream::{ChangeStreamSettings, StartAt};
pub use connector::MongoSourceConnector;
pub use event_mapping::EventMapping;
pub use scope::Scope;
pub use settings::SourceSettings;
pub use startup::{CopySettings, StartupMode};
pub use task::MongoSourceTask;

#[cfg(test)]
mod golden_tests;
