//! The MongoDB sink.

mod bulk;
mod cdc;
mod connector;
mod date_time;
mod document;
mod id_strategy;
pub mod keys;
mod namespace;
mod processing;
mod processor;
mod settings;
mod task;
mod time_series;
mod topic_settings;
mod unused_keys;
mod validation;
mod write_model;

pub use connector::MongoSinkConnector;
pub use namespace::Namespace;
pub use processing::process;
pub use settings::SinkSettings;
pub use task::MongoSinkTask;
pub use topic_settings::{TimeSeries, Tolerance, TopicSettings};
pub use write_model::WriteModel;

#[cfg(test)]
mod golden_tests;
