//! Datagen: made-up records from a schema, under the name and with the settings of Confluent's
//! kafka-connect-datagen.
//!
//! The README beside this crate lists the settings and what a schema may say.

mod config;
mod connector;
mod generator;
mod hints;
mod java_random;
mod json_value;
mod quickstart;
mod regex;
mod schema;
mod task;

pub use connector::DatagenConnector;
pub use task::DatagenTask;
