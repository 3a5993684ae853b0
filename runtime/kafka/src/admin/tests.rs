//! What every [`Admin`] promises, and what the embedded broker can't do.

use std::collections::BTreeMap;

use super::{
    Admin, AdminError, FakeAdmin, LibrdkafkaAdmin, NewTopic, TopicDescription, Watermarks,
};
use crate::client_config::ClientProperties;
use crate::log::{CompactedLog, KafkaLog, KafkaLogConfig};
use crate::mock::MockCluster;
use crate::record::{PartitionOffset, TopicPartition};

const TOPIC: &str = "orders";

fn admin(bootstrap_servers: &str, timeout_ms: &str) -> LibrdkafkaAdmin {
    let mut properties = ClientProperties::admin(bootstrap_servers, "admin");
    properties.set("default.api.timeout.ms", timeout_ms);
    LibrdkafkaAdmin::new(&properties).unwrap()
}

/// `admin` sees topic `orders` with three empty partitions, and no topic `missing`.
async fn the_suite(admin: &dyn Admin) {
    assert!(!admin.cluster_id().await.unwrap().is_empty());
    let description = TopicDescription {
        name: TOPIC.to_owned(),
        num_partitions: 3,
    };
    assert_eq!(admin.describe_topic(TOPIC).await, Ok(Some(description)));
    // Twice: asking must not create it.
    assert_eq!(admin.describe_topic("missing").await, Ok(None));
    assert_eq!(admin.describe_topic("missing").await, Ok(None));
    assert_eq!(
        admin.watermarks(&TopicPartition::new(TOPIC, 2)).await,
        Ok(Watermarks { low: 0, high: 0 })
    );
    let error = admin
        .watermarks(&TopicPartition::new("missing", 0))
        .await
        .unwrap_err();
    assert!(matches!(error, AdminError::UnknownTopic { .. }), "{error}");
}

#[tokio::test]
async fn fake_admin_fulfils_the_contract() {
    let admin = FakeAdmin::new();
    admin.add_topic(TOPIC, 3, BTreeMap::new());
    the_suite(&admin).await;
}

#[tokio::test]
async fn librdkafka_admin_fulfils_the_contract() {
    let cluster = MockCluster::start(1).unwrap();
    cluster.create_topic(TOPIC, 3, 1).unwrap();
    the_suite(&admin(&cluster.bootstrap_servers(), "20000")).await;
}

#[tokio::test]
async fn the_embedded_broker_says_what_it_lacks() {
    let cluster = MockCluster::start(1).unwrap();
    cluster.create_topic(TOPIC, 1, 1).unwrap();
    let admin = admin(&cluster.bootstrap_servers(), "20000");
    let topic = NewTopic {
        name: "new".to_owned(),
        num_partitions: 1,
        replication_factor: 1,
        configs: BTreeMap::new(),
    };
    let error = admin.create_topic(&topic).await.unwrap_err();
    assert!(matches!(error, AdminError::Unsupported { .. }), "{error}");
    let error = admin.topic_configs(TOPIC).await.unwrap_err();
    assert!(matches!(error, AdminError::Unsupported { .. }), "{error}");
}

#[tokio::test]
async fn brokers_that_are_not_there_are_named() {
    // A port that was free a moment ago: nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let bootstrap_servers = format!("127.0.0.1:{port}");
    let admin = admin(&bootstrap_servers, "500");
    let offset = PartitionOffset::new(TopicPartition::new(TOPIC, 0), 1);
    let errors = [
        admin.cluster_id().await.unwrap_err(),
        admin.describe_topic(TOPIC).await.unwrap_err(),
        admin.topic_configs(TOPIC).await.unwrap_err(),
        admin
            .list_consumer_group_offsets("group")
            .await
            .unwrap_err(),
        admin
            .alter_consumer_group_offsets("group", &[offset])
            .await
            .unwrap_err(),
        admin.delete_consumer_group("group").await.unwrap_err(),
    ];
    for error in &errors[..3] {
        let text = error.to_string();
        assert!(
            text.contains(" The last error was: ") && text.contains("refused"),
            "{text}"
        );
    }
    for error in errors {
        assert!(matches!(error, AdminError::Timeout { .. }), "{error:?}");
        assert!(error.to_string().contains(&bootstrap_servers), "{error}");
        assert!(error.is_retriable());
    }
}

#[tokio::test]
async fn a_group_without_commits_has_no_offsets() {
    let cluster = MockCluster::start(1).unwrap();
    let offsets = admin(&cluster.bootstrap_servers(), "20000")
        .list_consumer_group_offsets("nobody")
        .await;
    match offsets {
        Ok(offsets) => assert_eq!(offsets, []),
        // The embedded broker's version of the request can't ask for all partitions.
        Err(error) => assert!(matches!(error, AdminError::Unsupported { .. }), "{error:?}"),
    }
}

#[tokio::test]
async fn offsets_of_a_group_are_changed_one_by_one_and_go_with_it() {
    let admin = FakeAdmin::new();
    admin.add_topic(TOPIC, 2, BTreeMap::new());
    let offset =
        |partition, offset| PartitionOffset::new(TopicPartition::new(TOPIC, partition), offset);
    let listed = async || admin.list_consumer_group_offsets("g").await.unwrap();
    admin
        .alter_consumer_group_offsets("g", &[offset(0, 5), offset(1, 7)])
        .await
        .unwrap();
    admin
        .alter_consumer_group_offsets("g", &[offset(0, 3)])
        .await
        .unwrap();
    assert_eq!(listed().await, [offset(1, 7), offset(0, 3)]);
    let missing = [offset(2, 0)];
    let error = admin.alter_consumer_group_offsets("g", &missing).await;
    assert!(matches!(error, Err(AdminError::UnknownTopic { .. })));
    let partitions = [TopicPartition::new(TOPIC, 1)];
    admin
        .delete_consumer_group_offsets("g", &partitions)
        .await
        .unwrap();
    assert_eq!(listed().await, [offset(0, 3)]);
    // A second time, too: the group is gone already.
    for _ in 0..2 {
        admin.delete_consumer_group("g").await.unwrap();
        assert_eq!(listed().await, []);
    }
    let error = admin.delete_consumer_group_offsets("g", &partitions).await;
    assert!(error.is_err());
}

#[tokio::test]
async fn watermarks_follow_records() {
    let cluster = MockCluster::start(1).unwrap();
    cluster.create_topic(TOPIC, 1, 1).unwrap();
    let properties =
        ClientProperties::from_iter([("bootstrap.servers", cluster.bootstrap_servers())]);
    let log = KafkaLog::new(KafkaLogConfig {
        topic: TOPIC.to_owned(),
        producer: Some(properties.clone()),
        consumer: properties,
    });
    log.start(Box::new(drop)).await.unwrap();
    log.send(None, Some("value".into())).await.unwrap();
    log.stop().await;
    let watermarks = admin(&cluster.bootstrap_servers(), "20000")
        .watermarks(&TopicPartition::new(TOPIC, 0))
        .await;
    assert_eq!(watermarks, Ok(Watermarks { low: 0, high: 1 }));
}
