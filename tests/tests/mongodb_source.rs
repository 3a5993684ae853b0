//! From MongoDB into topics: from one runtime to the other, through elections, broken networks and lost
//! positions.
//!
//! With `MONGODB_URI` these tests run on that replica set, and show there what the stand-in cannot.

use std::collections::BTreeMap;

use dovetail_tests::stack::mongo::{self, MongoServer};
use dovetail_tests::stack::proxy::Proxy;
use dovetail_tests::stack::{ConnectWorker, Runtime, WorkerConfig, eventually, shared};
use mongodb::Collection;
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

/// A source of the collection `orders` that copies what is there; its topic is `PREFIX.DATABASE.orders`.
fn source(prefix: &str, uri: &str, database: &str, more: &Value) -> Value {
    let mut config = json!({
        "connector.class": "com.mongodb.kafka.connect.MongoSourceConnector",
        "tasks.max": "1",
        "connection.uri": uri,
        "database": database,
        "collection": "orders",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        "startup.mode": "copy_existing",
        "publish.full.document.only": "true",
        "topic.prefix": prefix,
        "poll.await.time.ms": "200",
    });
    for (key, value) in more.as_object().expect("settings") {
        config[key.as_str()] = value.clone();
    }
    config
}

/// A worker of a group whose members may change between runtimes.
async fn member(runtime: Runtime, group: &str) -> ConnectWorker {
    let mut config = WorkerConfig::distributed(&shared::kafka().await.bootstrap_servers(), group)
        .property("plugin.path", &mongo::plugin_path().display().to_string())
        .property("plugin.discovery", "hybrid_warn");
    // A killed member leaves no word: its group must not wait long.
    for (key, value) in [
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "1000"),
    ] {
        config = config.property(key, value);
    }
    ConnectWorker::start(runtime, config).await
}

async fn insert(collection: &Collection<Document>, numbers: std::ops::Range<i32>) {
    for number in numbers {
        let document = doc! {"_id": number, "text": format!("é{number}")};
        let inserted = collection.insert_one(document).await;
        inserted.unwrap_or_else(|error| panic!("cannot insert {number}: {error}"));
    }
}

/// Waits until the documents of these numbers are in the topic, and returns the texts of their records by
/// number.
async fn wait_for_documents(topic: &str, numbers: std::ops::Range<i32>) -> BTreeMap<i32, String> {
    let topics = shared::kafka().await.topics();
    eventually(
        &format!("the documents {numbers:?} in {topic}"),
        async || {
            let mut found = BTreeMap::new();
            for record in topics.read_all(topic).await {
                let value: Value = serde_json::from_str(record.value_text()).expect("JSON");
                let key = record.key.as_deref().unwrap_or_default();
                let text = format!("{} {value}", String::from_utf8_lossy(key));
                let number = value["_id"].as_i64().expect("an id");
                found.insert(i32::try_from(number).expect("a small id"), text);
            }
            match numbers.clone().find(|number| !found.contains_key(number)) {
                None => Ok(found),
                Some(number) => Err(format!("{number} is missing among {}", found.len())),
            }
        },
    )
    .await
}

/// One group, and its members one after the other: the JVM worker with the official connector, ours, which
/// is killed, and the JVM worker again. Each goes on where the one before was.
#[tokio::test]
async fn a_source_is_carried_on_from_runtime_to_runtime() {
    let server = MongoServer::start().await;
    let group = shared::unique("mongo-source");
    let database = server.database_name("shop");
    let collection = server.collection(&database, "orders").await;
    insert(&collection, 0..30).await;
    let topic = format!("{group}.{database}.orders");
    shared::kafka().await.topics().create(&topic, 1).await;
    let config = source(&group, &server.uri(), &database, &json!({}));

    let mut official = member(Runtime::Jvm, &group).await;
    official.rest().run_connector(&group, config, 1).await;
    wait_for_documents(&topic, 0..30).await;
    insert(&collection, 30..60).await;
    wait_for_documents(&topic, 0..60).await;
    official.terminate().await;
    // Nobody reads at this moment.
    insert(&collection, 60..90).await;

    let mut ours = member(Runtime::Dovetail, &group).await;
    ours.rest().wait_running(&group, 1).await;
    wait_for_documents(&topic, 0..90).await;
    insert(&collection, 90..120).await;
    ours.kill9();
    insert(&collection, 120..150).await;
    ours.start_again().await;
    ours.rest().wait_running(&group, 1).await;
    wait_for_documents(&topic, 0..150).await;
    ours.terminate().await;
    insert(&collection, 150..180).await;

    let mut official = member(Runtime::Jvm, &group).await;
    official.rest().wait_running(&group, 1).await;
    let found = wait_for_documents(&topic, 0..180).await;
    // Records of both runtimes differ in their numbers alone.
    for (number, text) in &found {
        let expected = found[&0]
            .replace("{\"_id\": 0}", &format!("{{\"_id\": {number}}}"))
            .replace("\"_id\":0,", &format!("\"_id\":{number},"))
            .replace("é0", &format!("é{number}"));
        assert_eq!(*text, expected);
    }
    // Nobody copied anew.
    let records = shared::kafka().await.topics().read_all(&topic).await;
    let of_first = records
        .iter()
        .filter(|record| record.key.as_deref() == Some(&b"{\"_id\": 0}"[..]));
    assert_eq!(of_first.count(), 1);
    official.rest().delete_connector(&group).await;
    official.terminate().await;
    server.drop_database(&database).await;
}

/// Changes of every kind that the server has, by both connectors at once.
#[tokio::test]
async fn records_of_changes_are_those_of_the_official_source() {
    let server = MongoServer::start().await;
    let topics = shared::kafka().await.topics();
    let group = shared::unique("mongo-changes");
    let mut official = member(Runtime::Jvm, &group).await;
    let ours = shared::dovetail_worker().await;
    let cases = [
        json!({}),
        json!({"change.stream.full.document": "updateLookup", "output.json.formatter":
            "com.mongodb.kafka.connect.source.json.formatter.ExtendedJson"}),
        json!({"output.format.value": "schema", "output.schema.infer.value": "true",
            "publish.full.document.only": "true", "change.stream.document.key.as.key": "false",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter"}),
    ];
    let database = server.database_name("changes");
    let collection = server.collection(&database, "orders").await;
    let topic = |owner: &str, case: usize| format!("{group}-{owner}-{case}.{database}.orders");
    let each = || (0..cases.len()).flat_map(|case| [("official", case), ("ours", case)]);
    for (owner, number) in each() {
        let rest = if owner == "ours" {
            ours.rest()
        } else {
            official.rest()
        };
        topics.create(&topic(owner, number), 1).await;
        let prefix = format!("{group}-{owner}-{number}");
        let mut config = source(&prefix, &server.uri(), &database, &cases[number]);
        config["startup.mode"] = "latest".into();
        if !cases[number]["publish.full.document.only"].is_string() {
            config["publish.full.document.only"] = "false".into();
        }
        rest.run_connector(&prefix, config, 1).await;
    }
    // A stream begins with the next change, whenever it is open.
    let mut number = 1000;
    eventually("all streams to be open", async || {
        insert(&collection, number..number + 1).await;
        number += 1;
        for (owner, case) in each() {
            if topics.read_all(&topic(owner, case)).await.is_empty() {
                return Err(format!("no record of {owner} {case}"));
            }
        }
        Ok(())
    })
    .await;

    let all = doc! {
        "_id": 1, "text": "é\u{1F600} first change", "number": 5_i64, "fraction": 0.1, "nothing": null, "yes": true,
        "list": [1, {"a": 2}], "in": {"deep": {"er": "x"}}, "at": mongodb::bson::DateTime::from_millis(1_600_000_000_123),
    };
    let done = async {
        collection.insert_one(all).await?;
        let set = doc! {"$set": {"in.deep.er": "y", "new": 1}, "$unset": {"nothing": ""}};
        collection.update_one(doc! {"_id": 1}, set).await?;
        // Updates are looked up: what changed again at once might be found so or so.
        collection.insert_one(doc! {"_id": 2}).await?;
        let other = doc! {"_id": 2};
        collection.replace_one(other.clone(), doc! {"a": 1}).await?;
        collection.delete_one(other).await?;
        collection
            .insert_one(doc! {"_id": {"a": 1, "b": "c"}})
            .await?;
        collection.insert_one(doc! {"_id": "last"}).await
    };
    done.await
        .unwrap_or_else(|error| panic!("cannot change {database}.orders: {error}"));

    let found = eventually("the last change in all topics", async || {
        let mut found = BTreeMap::new();
        for (owner, case) in each() {
            let records = topics.read_all(&topic(owner, case)).await;
            let texts: Vec<String> = records
                .iter()
                .map(|record| {
                    let text = |bytes: &Option<Vec<u8>>| match bytes {
                        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                        None => "null".to_owned(),
                    };
                    format!("{} {}", text(&record.key), text(&record.value))
                })
                .collect();
            if !texts.iter().any(|text| text.contains("\"last\"")) {
                return Err(format!("{} records of {owner} {case}", texts.len()));
            }
            // What came while the other was not open yet is left out.
            let first = texts.iter().position(|text| text.contains("first change"));
            found.insert((case, owner), texts[first.unwrap_or(0)..].to_vec());
        }
        Ok(found)
    })
    .await;
    for case in 0..cases.len() {
        let (theirs, own) = (&found[&(case, "official")], &found[&(case, "ours")]);
        assert!(theirs.len() >= 5, "case {case}: {theirs:?}");
        assert_eq!(own, theirs, "case {case}");
    }
    for (owner, case) in each() {
        let rest = if owner == "ours" {
            ours.rest()
        } else {
            official.rest()
        };
        rest.delete_connector(&format!("{group}-{owner}-{case}"))
            .await;
    }
    official.terminate().await;
    server.drop_database(&database).await;
}

#[tokio::test]
async fn an_election_or_a_broken_network_loses_no_change() {
    let server = MongoServer::start().await;
    let rest = shared::dovetail_worker().await.rest();
    let topics = shared::kafka().await.topics();
    let database = server.database_name("elections");
    let collection = server.collection(&database, "orders").await;
    let name = shared::unique("mongo-elections");
    let topic = format!("{name}.{database}.orders");
    topics.create(&topic, 1).await;
    // The stand-in has no elections: the network before it breaks as it does in one.
    let proxy = match server.is_stand_in() {
        true => Some(Proxy::to(server.port()).await),
        false => None,
    };
    let uri = match &proxy {
        Some(proxy) => format!(
            "mongodb://127.0.0.1:{}/?directConnection=true",
            proxy.port()
        ),
        None => server.uri(),
    };
    insert(&collection, 0..10).await;
    rest.run_connector(&name, source(&name, &uri, &database, &json!({})), 1)
        .await;
    wait_for_documents(&topic, 0..10).await;
    for round in 1..4 {
        match &proxy {
            Some(proxy) => {
                proxy.cut().await;
                insert(&collection, round * 10..round * 10 + 5).await;
                proxy.mend().await;
            }
            None => {
                server.step_down().await;
                insert(&collection, round * 10..round * 10 + 5).await;
            }
        }
        insert(&collection, round * 10 + 5..round * 10 + 10).await;
        wait_for_documents(&topic, 0..round * 10 + 10).await;
        rest.wait_running(&name, 1).await;
    }
    // Nothing was copied or read anew.
    assert_eq!(topics.read_all(&topic).await.len(), 40);
    rest.delete_connector(&name).await;
    server.drop_database(&database).await;
}

/// The stand-in forgets its changes with its memory, as an oplog does that is too small.
#[tokio::test]
async fn a_lost_resume_token_fails_the_task_and_says_what_to_do() {
    let mut server = MongoServer::start_stand_in().await;
    let rest = shared::dovetail_worker().await.rest();
    let topics = shared::kafka().await.topics();
    let name = shared::unique("mongo-lost");
    let topic = format!("{name}.shop.orders");
    topics.create(&topic, 1).await;
    let collection = server.collection("shop", "orders").await;
    insert(&collection, 0..10).await;
    let uri = format!("{}&serverSelectionTimeoutMS=500", server.uri());
    let latest = json!({"startup.mode": "latest"});
    let config = source(&name, &uri, "shop", &json!({}));
    rest.run_connector(&name, config, 1).await;
    wait_for_documents(&topic, 0..10).await;
    server.kill9();
    server.start_again().await;
    let status = rest.wait_task_state(&name, 0, "FAILED").await;
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    for part in [
        "ResumeToken not found. Cannot create a change stream cursor",
        "The oplog of the server no longer reaches back to the stored position",
        "errors.tolerance=all",
    ] {
        assert!(trace.contains(part), "{trace}");
    }
    // What the trace advises helps.
    let mut tolerant = source(&name, &uri, "shop", &latest);
    tolerant["errors.tolerance"] = "all".into();
    let path = format!("/connectors/{name}/config");
    rest.after_rebalance(async || rest.put(&path, Some(&tolerant)).await)
        .await
        .expect(200);
    let mut number = 10;
    eventually("a change after the new beginning", async || {
        // The stream begins with the next change, whenever it is open.
        let inserted = collection
            .insert_one(doc! {"_id": number, "text": ""})
            .await;
        inserted.map_err(|error| error.to_string())?;
        number += 1;
        match topics.read_all(&topic).await.len() {
            10 => Err("no record".to_owned()),
            _ => Ok(()),
        }
    })
    .await;
    rest.delete_connector(&name).await;
}

/// Ids of several types, in the order of the server.
#[tokio::test]
async fn a_copy_goes_on_where_its_stored_offset_says() {
    let server = MongoServer::start().await;
    let rest = shared::dovetail_worker().await.rest();
    let topics = shared::kafka().await.topics();
    let database = server.database_name("restartable");
    let collection = server.collection(&database, "orders").await;
    let name = shared::unique("mongo-restartable");
    let topic = format!("{name}.{database}.orders");
    topics.create(&topic, 1).await;
    insert(&collection, 0..20).await;
    for id in ["a", "b"] {
        let inserted = collection.insert_one(doc! {"_id": id}).await;
        inserted.unwrap_or_else(|error| panic!("cannot insert {id}: {error}"));
    }
    let restartable = json!({"dovetail.startup.mode.copy.existing.restartable": "true"});
    let config = source(&name, &server.uri(), &database, &restartable);
    rest.run_connector(&name, config, 1).await;
    let records = topics.wait_for_records(&topic, 22).await;
    assert_eq!(records.len(), 22);

    // The end of the copy is where the stream goes on; from there a copy is made that has half behind it.
    let path = format!("/connectors/{name}/offsets");
    let offsets = eventually("the offset of the end of the copy", async || {
        let offsets = rest.get(&path).await.json();
        match offsets["offsets"][0]["offset"].get("copy") {
            None if offsets["offsets"][0]["offset"]["_id"].is_string() => Ok(offsets),
            _ => Err(offsets.to_string()),
        }
    })
    .await;
    let token = offsets["offsets"][0]["offset"]["_id"].clone();
    let progress = json!({
        "token": token,
        "ranges": [{"db": database, "coll": "orders", "after": {"$numberInt": "11"}}],
    });
    let stop = format!("/connectors/{name}/stop");
    rest.after_rebalance(async || rest.put(&stop, None).await)
        .await
        .expect(204);
    rest.wait_connector_state(&name, "STOPPED").await;
    let half = json!({"offsets": [{
        "partition": offsets["offsets"][0]["partition"],
        "offset": {"_id": token, "copy": "true", "dovetail.copy.progress": progress.to_string()},
    }]});
    rest.after_rebalance(async || rest.patch(&path, &half).await)
        .await
        .expect(200);
    insert(&collection, 20..21).await;
    let resume = format!("/connectors/{name}/resume");
    rest.after_rebalance(async || rest.put(&resume, None).await)
        .await
        .expect(202);
    // 12 to 20, a and b by the copy, and 20 by the stream, too.
    let records = topics.wait_for_records(&topic, 22 + 12).await;
    let mut again: Vec<String> = records[22..]
        .iter()
        .map(|record| String::from_utf8_lossy(record.key.as_deref().unwrap_or_default()).into())
        .collect();
    again.sort();
    let mut expected: Vec<String> = (12..21).map(|id| format!("{{\"_id\": {id}}}")).collect();
    expected.extend(["{\"_id\": 20}", "{\"_id\": \"a\"}", "{\"_id\": \"b\"}"].map(String::from));
    expected.sort();
    assert_eq!(again, expected);
    rest.delete_connector(&name).await;
    server.drop_database(&database).await;
}
