//! Servers that all tests of a process share: started by the first test that asks, ended with the process.
//!
//! Tests keep apart by the names of their topics, groups, connectors and buckets; [`unique`] makes them.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::OnceCell;

use super::{
    ConnectWorker, KafkaCluster, KafkaOptions, KafkaVersion, Runtime, S3Server, SchemaRegistry,
    WorkerConfig,
};

/// The buckets of [`s3`]; a test that needs an empty one makes it by the client.
pub const BUCKET: &str = "bucket";

/// A name that no other test of this process has.
pub fn unique(stem: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{stem}-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Kafka 4.3 with the default options. Never stop it: others are using it.
pub async fn kafka() -> &'static KafkaCluster {
    static KAFKA: OnceCell<KafkaCluster> = OnceCell::const_new();
    KAFKA
        .get_or_init(|| KafkaCluster::start(KafkaVersion::V4_3, KafkaOptions::default()))
        .await
}

/// A distributed JVM worker on [`kafka`].
pub async fn jvm_worker() -> &'static ConnectWorker {
    static WORKER: OnceCell<ConnectWorker> = OnceCell::const_new();
    let start = async || {
        let config = WorkerConfig::distributed(&kafka().await.bootstrap_servers(), "shared-jvm");
        ConnectWorker::start(Runtime::Jvm, config).await
    };
    WORKER.get_or_init(start).await
}

/// A distributed Dovetail worker on [`kafka`].
pub async fn dovetail_worker() -> &'static ConnectWorker {
    static WORKER: OnceCell<ConnectWorker> = OnceCell::const_new();
    let start = async || {
        let config =
            WorkerConfig::distributed(&kafka().await.bootstrap_servers(), "shared-dovetail");
        ConnectWorker::start(Runtime::Dovetail, config).await
    };
    WORKER.get_or_init(start).await
}

/// An S3 server with the bucket [`BUCKET`].
pub async fn s3() -> &'static S3Server {
    static S3: OnceCell<S3Server> = OnceCell::const_new();
    S3.get_or_init(|| S3Server::start(&[BUCKET])).await
}

/// A Schema Registry. Never stop it: others are using it.
pub async fn registry() -> &'static SchemaRegistry {
    static REGISTRY: OnceCell<SchemaRegistry> = OnceCell::const_new();
    REGISTRY.get_or_init(SchemaRegistry::start).await
}
