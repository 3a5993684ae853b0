//! The MongoDB sink.

mod cdc;
mod date_time;
mod document;
mod id_strategy;
pub mod keys;
mod namespace;
mod processing;
mod processor;
mod settings;
mod topic_settings;
mod write_model;

pub use namespace::Namespace;
pub use processing::process;
pub use settings::SinkSettings;
pub use topic_settings::{TimeSeries, Tolerance, TopicSettings};
pub use write_model::WriteModel;

#[cfg(test)]
mod golden_tests;
