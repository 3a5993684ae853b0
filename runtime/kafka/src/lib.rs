//! The only owner of rdkafka and of raw protocol requests.
//!
//! Everything here is used through traits with in-memory fakes, so that task loops, stores and
//! the herder can be tested without a broker:
//!
//! | trait | real | fake |
//! |---|---|---|
//! | [`producer::Producer`] | [`producer::LibrdkafkaProducer`] | [`producer::FakeProducer`] |
//! | [`producer::TransactionalProducer`] | [`producer::LibrdkafkaTransactionalProducer`] | [`producer::FakeTransactionalProducer`] |
//! | [`consumer::SinkConsumer`] | [`consumer::LibrdkafkaConsumer`] | [`consumer::FakeConsumer`] |
//! | [`log::CompactedLog`] | [`log::KafkaLog`] | [`log::MemoryLog`] |
//! | [`admin::Admin`] | [`admin::LibrdkafkaAdmin`] | [`admin::FakeAdmin`] |
//!
//! Settings are those of Java clients; [`client_config`] translates them.

pub mod admin;
pub mod client_config;
pub mod consumer;
pub mod error;
pub mod group;
pub mod log;
pub mod mock;
mod native;
pub mod producer;
pub mod record;
pub mod security;
pub mod wire;
