//! Real servers for tests: Kafka 4.3 (KRaft) and 3.9 (ZooKeeper), Connect workers (the JVM's and Dovetail),
//! an S3 server, a Schema Registry, an in-memory MongoDB; a network that can be cut, and Python clients.
//!
//! `tests/stack/fetch` brought the parts; a test whose part is missing fails and names `make setup`.
//! Every server listens on a free port of 127.0.0.1, writes below one temporary folder of the test process
//! ([`run`]) and ends with the handle that started it, with the test process, or with its death.
//! Whatever goes wrong while a server starts is the end of the test, so functions here panic, with the
//! place of the server's log, where other code would return an error.

pub mod connect;
pub mod disk;
pub mod kafka;
pub mod layout;
pub mod mongo;
pub mod ports;
pub mod process;
pub mod properties;
pub mod proxy;
pub mod python;
pub mod registry;
pub mod rest;
pub mod run;
pub mod s3;
pub mod second_broker;
pub mod secure;
pub mod shared;
pub mod topics;
pub mod wait;
pub mod zookeeper;

pub use connect::{ConnectWorker, Runtime, WorkerConfig};
pub use disk::SmallDisk;
pub use kafka::{KafkaCluster, KafkaOptions, KafkaVersion};
pub use mongo::MongoServer;
pub use proxy::Proxy;
pub use registry::SchemaRegistry;
pub use rest::{Answer, RestClient};
pub use s3::S3Server;
pub use second_broker::SecondBroker;
pub use secure::Login;
pub use topics::{TopicRecord, Topics};
pub use wait::eventually;
pub use zookeeper::ZooKeeper;
