use super::*;
use crate::scripted_server::ScriptedServer;
use crate::sink::MongoSinkConnector;
use connect_api::SinkConnector;
use connect_api::config::{ConfigMap, ConfigValue};

fn config(uri: &str, more: &[(&str, &str)]) -> ConfigMap {
    let mut config = ConfigMap::from_iter([
        ("connection.uri", uri),
        ("topics", "orders"),
        ("database", "db"),
    ]);
    for (key, value) in more {
        config.insert(*key, *value);
    }
    config
}

async fn faults(config: &ConfigMap) -> Vec<(String, String)> {
    let mut values: Vec<ConfigValue> = keys::config_def().validate(config);
    let connector = MongoSinkConnector::default();
    connector.validate(config, &mut values).await.unwrap();
    values
        .into_iter()
        .flat_map(|value| {
            let name = value.name;
            let with_name = move |message| (name.clone(), message);
            value.error_messages.into_iter().map(with_name)
        })
        .collect()
}

async fn fault(config: &ConfigMap) -> (String, String) {
    let mut faults = faults(config).await;
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

#[tokio::test]
async fn validation_looks_at_the_server() {
    let server = ScriptedServer::start().await;
    assert_eq!(faults(&config(&server.uri(""), &[])).await, []);
    let api = config(&server.uri(""), &[("server.api.version", "1")]);
    assert_eq!(faults(&api).await, []);
    server.change_hello(|hello| {
        hello.insert("maxWireVersion", 9);
    });
    let (key, message) = fault(&api).await;
    assert_eq!(key, "connection.uri");
    assert_eq!(
        message,
        "Server Version API requires MongoDB 5.0 or greater"
    );
    let series = config(&server.uri(""), &[("timeseries.timefield", "ts")]);
    let (key, message) = fault(&series).await;
    assert_eq!(key, "timeseries.timefield");
    assert_eq!(message, "Timeseries support requires MongoDB 5.0 or newer");
}

#[tokio::test]
async fn validation_tells_of_a_server_that_is_not_there() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let uri = format!("mongodb://user:s3cret@127.0.0.1:{port}/?connectTimeoutMS=50");
    let (key, message) = fault(&config(&uri, &[])).await;
    assert_eq!(key, "connection.uri");
    assert_eq!(message, "Unable to connect to the server.");
}

#[tokio::test]
async fn validation_names_the_key_that_the_user_wrote() {
    let overrides = [
        ("topic.override.orders.max.batch.size", "-1"),
        (
            "topic.override.orders.document.id.strategy",
            "org.example.Own",
        ),
        ("topics.regex", "x.*"),
    ];
    for (index, expected) in [
        (
            0,
            "Invalid value -1 for configuration max.batch.size: Value must be at least 0",
        ),
        (
            1,
            "Invalid value org.example.Own for configuration document.id.strategy: Class not found: \
             org.example.Own. Classes of your own need Java; those of the connector are built in",
        ),
        (
            2,
            "topics and topics.regex are mutually exclusive options, but both are set.",
        ),
    ] {
        let (key, message) = fault(&config("mongodb://localhost", &overrides[index..=index])).await;
        assert_eq!(message, expected);
        let own_key = if index == 2 {
            "topics"
        } else {
            overrides[index].0
        };
        assert_eq!(key, own_key);
    }
}
