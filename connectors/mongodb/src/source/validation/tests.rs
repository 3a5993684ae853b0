use crate::scripted_server::ScriptedServer;
use crate::source::{MongoSourceConnector, keys};
use connect_api::SourceConnector;
use connect_api::config::ConfigMap;
use connect_api::data::Map;

async fn faults(config: ConfigMap) -> Vec<(String, String)> {
    let mut values = keys::config_def().validate(&config);
    let connector = MongoSourceConnector::default();
    connector.validate(&config, &mut values).await.unwrap();
    values
        .into_iter()
        .flat_map(|value| {
            let name = value.name;
            let with_name = move |message| (name.clone(), message);
            value.error_messages.into_iter().map(with_name)
        })
        .collect()
}

fn config(uri: &str) -> ConfigMap {
    ConfigMap::from_iter([("connection.uri", uri)])
}

#[tokio::test]
async fn a_member_of_a_replica_set_is_fine_and_a_single_server_is_not() {
    let server = ScriptedServer::start().await;
    assert_eq!(faults(config(&server.uri(""))).await, []);
    server.change_hello(|hello| {
        hello.remove("setName");
    });
    let found = faults(config(&server.uri(""))).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "connection.uri");
    assert!(
        found[0].1.starts_with("The server stands alone"),
        "{found:?}"
    );
    server.change_hello(|hello| {
        hello.insert("msg", "isdbgrid");
    });
    assert_eq!(faults(config(&server.uri(""))).await, []);
}

#[tokio::test]
async fn no_server_is_a_fault_that_shows_no_password() {
    let found = faults(config(
        "mongodb://u:s3cret@127.0.0.1:1/?connectTimeoutMS=200",
    ))
    .await;
    assert_eq!(
        found,
        [(
            "connection.uri".to_string(),
            "Unable to connect to the server.".to_string()
        )]
    );
}

#[tokio::test]
async fn faults_of_several_keys_are_found_without_a_server() {
    let mut config = config("mongodb://127.0.0.1:1");
    config.insert("collection", "c");
    config.insert("topic.namespace.map", "{'/(': 'x'}");
    let found = faults(config).await;
    let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["collection", "topic.namespace.map"], "{found:?}");
}

#[tokio::test]
async fn only_offsets_that_a_task_can_read_are_taken() {
    let connector = MongoSourceConnector::default();
    let partition = || Some(Map::from_iter([("ns", "mongodb://h/")]));
    let alter = async |offset: Option<Map>| {
        connector
            .alter_offsets(&ConfigMap::new(), &[(partition(), offset)])
            .await
    };
    assert!(!alter(None).await.unwrap());
    assert!(
        !alter(Some(Map::from_iter([("_id", "{\"_data\": \"82\"}")])))
            .await
            .unwrap()
    );
    let error = alter(Some(Map::from_iter([("_id", "no token")])))
        .await
        .unwrap_err();
    assert!(error.message().contains("no token"), "{error}");
    assert!(alter(Some(Map::from_iter([("_id", 5)]))).await.is_err());
}
