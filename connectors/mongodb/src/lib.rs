//! The MongoDB sink and source.
//!
//! [`sink`] writes records as documents, [`source`] makes records of changes. What both need: [`bson`] turns Connect data and JSON into
//! documents and back, [`client`] makes the connection, [`config`] holds the keys of the connection.

pub mod bson;
pub mod client;
pub mod config;
mod server_check;
pub mod sink;
pub mod source;

#[cfg(test)]
mod scripted_server;

use connect_api::config::ConfigDef;
use connect_api::{ConnectorFactory, ConnectorPlugin};
use linkme::distributed_slice;

/// The version of the official connector whose behaviour is reproduced.
pub const VERSION: &str = "2.1.0";

#[distributed_slice(connect_api::CONNECTORS)]
#[linkme(crate = connect_api::registry::linkme)]
static MONGO_SINK: ConnectorPlugin = ConnectorPlugin {
    class: "com.mongodb.kafka.connect.MongoSinkConnector",
    task_class: "com.mongodb.kafka.connect.sink.MongoSinkTask",
    version: VERSION,
    config_def: sink_config_def,
    factory: ConnectorFactory::Sink(|| Box::new(sink::MongoSinkConnector::default())),
};

#[distributed_slice(connect_api::CONNECTORS)]
#[linkme(crate = connect_api::registry::linkme)]
static MONGO_SOURCE: ConnectorPlugin = ConnectorPlugin {
    class: "com.mongodb.kafka.connect.MongoSourceConnector",
    task_class: "com.mongodb.kafka.connect.source.MongoSourceTask",
    version: VERSION,
    config_def: source_config_def,
    factory: ConnectorFactory::Source(|| Box::new(source::MongoSourceConnector::default())),
};

fn source_config_def() -> &'static ConfigDef {
    source::keys::config_def()
}

fn sink_config_def() -> &'static ConfigDef {
    sink::keys::config_def()
}
