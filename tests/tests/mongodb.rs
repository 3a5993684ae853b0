//! From topics into MongoDB: what the official sink writes, through outages, without loss.

use dovetail_tests::connectors::sink_group;
use dovetail_tests::stack::mongo::{self, MongoServer};
use dovetail_tests::stack::{
    ConnectWorker, Runtime, TopicRecord, WorkerConfig, eventually, shared,
};
use mongodb::bson::Document;
use serde_json::{Value, json};

const SINK: &str = "com.mongodb.kafka.connect.sink.";

/// A sink whose values are JSON without schemas and whose keys are JSON texts.
fn sink(topic: &str, uri: &str, database: &str, more: &Value) -> Value {
    let mut config = json!({
        "connector.class": "com.mongodb.kafka.connect.MongoSinkConnector",
        "tasks.max": "1",
        "topics": topic,
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "connection.uri": uri,
        "database": database,
        "collection": "c",
        "consumer.override.auto.offset.reset": "earliest",
    });
    for (key, value) in more.as_object().expect("settings") {
        let text = value.as_str().expect("a text").replace('~', SINK);
        config[key.as_str()] = text.into();
    }
    config
}

fn record(key: Option<&str>, value: Option<&str>) -> TopicRecord {
    TopicRecord {
        partition: Some(0),
        key: key.map(|key| key.as_bytes().to_vec()),
        value: value.map(|value| value.as_bytes().to_vec()),
        ..TopicRecord::default()
    }
}

fn records() -> Vec<TopicRecord> {
    let mut records: Vec<TopicRecord> = (0..200)
        .map(|number| {
            let key = format!("{{\"k\": {}, \"in\": {{\"p\": \"x\"}}}}", number % 50);
            let value = format!(
                "{{\"k\": {}, \"n\": {number}, \"text\": \"é{number}\", \"nothing\": null, \
                 \"list\": [1, {{\"a\": {number}.5}}], \"in\": {{\"deep\": {{\"er\": true}}}}}}",
                number % 40
            );
            record(Some(&key), Some(&value))
        })
        .collect();
    records.push(record(Some("{\"k\": 7, \"in\": {\"p\": \"x\"}}"), None));
    records
}

#[tokio::test]
async fn documents_are_those_of_the_official_sink() {
    let id = |strategy: &str| format!("~processor.id.strategy.{strategy}Strategy");
    let write = |strategy: &str| format!("~writemodel.strategy.{strategy}Strategy");
    let cases = [
        json!({"document.id.strategy": id("FullKey"), "delete.on.null.values": "true"}),
        json!({"document.id.strategy": id("KafkaMetaData"), "errors.tolerance": "all",
            "writemodel.strategy": write("InsertOneDefault"), "max.batch.size": "7"}),
        json!({"document.id.strategy": id("PartialValue"), "errors.tolerance": "all",
            "document.id.strategy.partial.value.projection.type": "AllowList",
            "document.id.strategy.partial.value.projection.list": "k,in.deep",
            "writemodel.strategy": write("UpdateOneDefault")}),
        json!({"document.id.strategy": id("KafkaMetaData"), "errors.tolerance": "all",
            "post.processor.chain": "~processor.DocumentIdAdder,~processor.NullFieldValueRemover,\
                ~processor.BlockListValueProjector,~processor.field.renaming.RenameByMapping",
            "value.projection.type": "BlockList", "value.projection.list": "text,list.a",
            "field.renamer.mapping": "[{\"oldName\": \"value.in.deep\", \"newName\": \"deeper\"}]",
            "bulk.write.ordered": "false"}),
        // Most of them are there already.
        json!({"document.id.strategy": id("FullKey"), "errors.tolerance": "all",
            "writemodel.strategy": write("InsertOneDefault"), "bulk.write.ordered": "false"}),
    ];
    let kafka = shared::kafka().await;
    let topics = kafka.topics();
    let server = MongoServer::start().await;
    let topic = shared::unique("mongo-cases");
    let database = |owner: &str, number: usize| server.database_name(&format!("{owner}-{number}"));
    topics.create(&topic, 1).await;
    let sent = records();
    topics.produce(&topic, &sent).await;
    let end = [sent.len() as i64];

    let config =
        WorkerConfig::distributed(&kafka.bootstrap_servers(), &shared::unique("mongo-jvm"))
            .property("plugin.path", &mongo::plugin_path().display().to_string())
            // The jars of the connector do not name their plugins.
            .property("plugin.discovery", "hybrid_warn");
    let mut official = ConnectWorker::start(Runtime::Jvm, config).await;
    let ours = shared::dovetail_worker().await;
    for (worker, owner) in [(&official, "official"), (ours, "ours")] {
        let rest = worker.rest();
        for (number, case) in cases.iter().enumerate() {
            let name = format!("{topic}-{owner}-{number}");
            let config = sink(&topic, &server.uri(), &database(owner, number), case);
            rest.run_connector(&name, config, 1).await;
            topics
                .wait_for_commit(&sink_group(&name), &topic, &end)
                .await;
            rest.delete_connector(&name).await;
        }
    }
    for number in 0..cases.len() {
        let theirs = server.documents(&database("official", number), "c").await;
        let ours = server.documents(&database("ours", number), "c").await;
        assert!(
            theirs.len() > 30,
            "case {number}: {} documents",
            theirs.len()
        );
        // As text: equal documents of this crate may have their fields in another order.
        let texts = |documents: &[Document]| -> Vec<String> {
            documents.iter().map(Document::to_string).collect()
        };
        assert_eq!(texts(&ours), texts(&theirs), "case {number}");
        for owner in ["official", "ours"] {
            server.drop_database(&database(owner, number)).await;
        }
    }
    official.terminate().await;
}

#[tokio::test]
async fn a_server_that_dies_and_comes_back_gets_every_record() {
    let kafka = shared::kafka().await;
    let (topics, worker) = (kafka.topics(), shared::dovetail_worker().await);
    let rest = worker.rest();
    let mut server = MongoServer::start_stand_in().await;
    let topic = shared::unique("mongo-outage");
    topics.create(&topic, 1).await;
    let case = json!({
        "document.id.strategy": "~processor.id.strategy.KafkaMetaDataStrategy",
        "connection.uri": format!("{}&serverSelectionTimeoutMS=500", server.uri()),
    });
    let config = sink(&topic, &server.uri(), "outage", &case);
    rest.run_connector(&topic, config, 1).await;
    let value = |number: usize| record(None, Some(&format!("{{\"n\": {number}}}")));
    topics
        .produce(&topic, &(0..100).map(value).collect::<Vec<_>>())
        .await;
    topics
        .wait_for_commit(&sink_group(&topic), &topic, &[100])
        .await;
    assert_eq!(server.documents("outage", "c").await.len(), 100);

    server.kill9();
    topics
        .produce(&topic, &(100..200).map(value).collect::<Vec<_>>())
        .await;
    // The worker has met the dead server before that comes back, and has not failed over it.
    let log = || worker.log_text();
    eventually("the worker tells of the dead server", async || {
        let port = server.port().to_string();
        let told = log()
            .lines()
            .any(|line| line.contains(&port) && line.contains(&topic));
        told.then_some(())
            .ok_or_else(|| "not in the log".to_owned())
    })
    .await;
    server.start_again().await;
    topics
        .wait_for_commit(&sink_group(&topic), &topic, &[200])
        .await;
    rest.wait_running(&topic, 1).await;
    // The first hundred died with the server's memory.
    let numbers: Vec<i64> = server
        .documents("outage", "c")
        .await
        .iter()
        .map(|document| document.get_i64("n").expect("a number"))
        .collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (100..200).collect::<Vec<i64>>());
    rest.delete_connector(&topic).await;
}
