mod config;
mod recorded;
mod server;
mod sink;

use connect_api::config::ConfigMap;

/// A configuration as users write it, for a server at that address.
fn config(endpoint: &str, more: &[(&str, &str)]) -> ConfigMap {
    let mut config = ConfigMap::from_iter([
        ("connector.class", "io.confluent.connect.s3.S3SinkConnector"),
        ("tasks.max", "1"),
        ("topics", "flights"),
        ("s3.bucket.name", "flights"),
        ("s3.region", "us-east-1"),
        ("store.url", endpoint),
        ("aws.access.key.id", "test"),
        ("aws.secret.access.key", "testtest"),
        ("storage.class", "io.confluent.connect.s3.storage.S3Storage"),
        (
            "format.class",
            "io.confluent.connect.s3.format.json.JsonFormat",
        ),
        ("flush.size", "3"),
        ("s3.part.size", "5242880"),
        ("s3.retry.backoff.ms", "1"),
    ]);
    for (key, value) in more {
        config.insert(*key, *value);
    }
    config
}
