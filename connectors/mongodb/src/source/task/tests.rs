mod copy;
mod loss;

use super::*;
use crate::bson::parse_document;
use crate::scripted_server::{Script, ScriptedServer};
use bson::doc;
use connect_api::data::{Map, Value};
use connect_api::{OffsetStorageReader, PluginMetrics};
use futures::future::BoxFuture;
use std::sync::Mutex;
use std::time::Instant;

/// What the runtime would store.
#[derive(Default)]
struct Store(Mutex<Option<Map>>);

#[async_trait]
impl OffsetStorageReader for Store {
    async fn offsets(&self, partitions: &[Map]) -> Result<Vec<Option<Map>>> {
        assert_eq!(partitions.len(), 1);
        Ok(vec![self.0.lock().unwrap().clone()])
    }
}

impl Store {
    fn commit(&self, record: &SourceRecord) {
        let offset = record.origin.source_offset.as_deref().cloned();
        *self.0.lock().unwrap() = offset;
    }
}

/// Time that runs fifty times as fast.
struct FastClock(Instant);

const SPEED: u32 = 50;

impl Clock for FastClock {
    fn now_ms(&self) -> i64 {
        1_600_000_000_000 + i64::try_from(self.monotonic().as_millis()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed() * SPEED
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration / SPEED))
    }
}

async fn start(
    server: &ScriptedServer,
    store: &Arc<Store>,
    more: &[(&str, &str)],
) -> MongoSourceTask {
    start_with(server, store, more, PluginMetrics::default()).await
}

async fn start_with(
    server: &ScriptedServer,
    store: &Arc<Store>,
    more: &[(&str, &str)],
    metrics: PluginMetrics,
) -> MongoSourceTask {
    let uri = server.uri("&serverSelectionTimeoutMS=2000");
    let mut config = ConfigMap::from_iter([
        ("connection.uri", uri.as_str()),
        ("poll.await.time.ms", "10"),
    ]);
    for (key, value) in more {
        config.insert(*key, *value);
    }
    let context = SourceTaskContext::new(Arc::new(FastClock(Instant::now())), store.clone())
        .with_plugin_metrics(metrics);
    let mut task = MongoSourceTask::default();
    task.start(context, &config).await.unwrap();
    task
}

fn rows(batch: SourceBatch) -> Vec<SourceRecord> {
    match batch {
        SourceBatch::Rows(records) => records,
        other => panic!("{other:?}"),
    }
}

/// Polls, as the runtime does, until there are so many records.
async fn poll(task: &mut MongoSourceTask, num_records: usize) -> Vec<SourceRecord> {
    let mut records = Vec::new();
    while records.len() < num_records {
        match task.poll().await {
            Ok(batch) => records.extend(rows(batch)),
            Err(error) if error.is_retriable() => {}
            Err(error) => panic!("{error}"),
        }
    }
    records
}

/// Polls until an error that fails the task.
async fn poll_failure(task: &mut MongoSourceTask) -> ConnectError {
    loop {
        match task.poll().await {
            Err(error) if !error.is_retriable() => return error,
            _ => {}
        }
    }
}

/// Polls until an error.
async fn poll_error(task: &mut MongoSourceTask) -> ConnectError {
    loop {
        match task.poll().await {
            Err(error) => return error,
            Ok(batch) => assert!(batch.is_empty()),
        }
    }
}

/// Polls until the stream is open: changes from now on are seen.
async fn poll_open(server: &ScriptedServer, task: &mut MongoSourceTask) {
    let before = server.commands("getMore").len();
    while server.commands("getMore").len() == before {
        assert!(rows(task.poll().await.unwrap()).is_empty());
    }
}

fn id_of(record: &SourceRecord) -> i32 {
    let value = parse_document(record.record.value.as_str().unwrap()).unwrap();
    value
        .get_document("documentKey")
        .unwrap()
        .get_i32("_id")
        .unwrap()
}

fn ids(records: &[SourceRecord]) -> Vec<i32> {
    records.iter().map(id_of).collect()
}

fn offset_of(record: &SourceRecord) -> String {
    record.origin.source_offset.as_ref().unwrap().to_string()
}

#[tokio::test]
async fn changes_become_records_and_a_restart_goes_on() {
    let server = ScriptedServer::start().await;
    let store = Arc::new(Store::default());
    let scope = [
        ("database", "shop"),
        ("collection", "orders"),
        ("batch.size", "2"),
        ("pipeline", "[{$match: {a: 1}}]"),
    ];
    let mut task = start(&server, &store, &scope).await;
    poll_open(&server, &mut task).await;
    for id in 0..5 {
        server.insert("shop", "orders", doc! {"_id": id});
        server.insert("shop", "others", doc! {"_id": 100 + id});
    }
    let records = poll(&mut task, 5).await;
    assert_eq!(ids(&records), [0, 1, 2, 3, 4]);
    let first = &records[0];
    assert_eq!(&*first.record.topic, "shop.orders");
    assert_eq!(first.record.key, Value::string("{\"_id\": 0}"));
    assert_eq!(offset_of(first), "{_id={\"_data\": \"00000001\"}}");
    let partition = first.origin.source_partition.as_ref().unwrap().to_string();
    assert!(
        partition.starts_with("{ns=mongodb://127.0.0.1:"),
        "{partition}"
    );
    assert!(partition.ends_with("/shop.orders}"), "{partition}");

    store.commit(&records[2]);
    task.stop().await.unwrap();
    let mut task = start(&server, &store, &scope).await;
    assert_eq!(ids(&poll(&mut task, 2).await), [3, 4]);
    let opened = server.commands("aggregate").pop().unwrap();
    let stages = opened.get_array("pipeline").unwrap();
    assert_eq!(
        stages[0],
        doc! {"$changeStream": {"startAfter": {"_data": "00000005"}}}.into()
    );
    assert_eq!(stages[1], doc! {"$match": {"a": 1}}.into());
    let cursor = opened.get_document("cursor").unwrap();
    assert_eq!(cursor.get_i32("batchSize").unwrap(), 2);
    let read = server.commands("getMore").pop().unwrap();
    assert_eq!(read.get("maxTimeMS").unwrap().to_string(), "10");
}

#[tokio::test]
async fn batches_are_no_larger_than_asked_for() {
    let server = ScriptedServer::start().await;
    let store = Arc::new(Store::default());
    let mut task = start(&server, &store, &[("poll.max.batch.size", "3")]).await;
    poll_open(&server, &mut task).await;
    for id in 0..50 {
        server.insert("a", "b", doc! {"_id": id});
    }
    let mut found = Vec::new();
    while found.len() < 50 {
        let records = rows(task.poll().await.unwrap());
        assert!(records.len() <= 3, "{}", records.len());
        found.extend(ids(&records));
    }
    assert_eq!(found, (0..50).collect::<Vec<_>>());
}

#[tokio::test]
async fn existing_documents_come_first_and_no_change_is_lost_meanwhile() {
    let server = ScriptedServer::start().await;
    let store = Arc::new(Store::default());
    for id in 0..10 {
        server.insert("shop", "orders", doc! {"_id": id});
        server.insert("shop", "secret", doc! {"_id": 100 + id});
    }
    server.answer(
        "listDatabases",
        doc! {"ok": 1, "databases": [{"name": "admin"}, {"name": "shop"}]},
    );
    let collections =
        ["orders", "secret", "system.views"].map(|name| doc! {"name": name, "type": "collection"});
    server.answer("listCollections", doc! {"ok": 1, "cursor": {"id": 0_i64, "ns": "shop.$cmd.listCollections", "firstBatch": collections.to_vec()}});
    let copy = [
        ("startup.mode", "copy_existing"),
        ("startup.mode.copy.existing.namespace.regex", "ders$"),
        ("startup.mode.copy.existing.pipeline", "[{$match: {x: 1}}]"),
        ("startup.mode.copy.existing.queue.size", "8"),
        ("pipeline", "[{$project: {y: 0}}]"),
    ];
    let mut task = start(&server, &store, &copy).await;
    let records = poll(&mut task, 10).await;
    assert_eq!(ids(&records), (0..10).collect::<Vec<_>>());
    assert_eq!(
        offset_of(&records[0]),
        "{_id={\"_id\": 0, \"copyingData\": true}, copy=true}"
    );
    // The last one says that the copy is done, and where the stream goes on.
    assert_eq!(offset_of(&records[9]), "{_id={\"_data\": \"00000020\"}}");
    let value = parse_document(records[0].record.value.as_str().unwrap()).unwrap();
    let names: Vec<&String> = value.keys().collect();
    assert_eq!(
        names,
        ["_id", "operationType", "documentKey", "fullDocument", "ns"]
    );
    server.insert("shop", "orders", doc! {"_id": 10});
    assert_eq!(ids(&poll(&mut task, 1).await), [10]);

    let aggregates = server.commands("aggregate");
    let copying = aggregates
        .iter()
        .find(|command| command.get_str("aggregate").ok() == Some("orders"))
        .unwrap();
    assert!(copying.get_bool("allowDiskUse").unwrap());
    let stages: Vec<&String> = copying
        .get_array("pipeline")
        .unwrap()
        .iter()
        .filter_map(|stage| stage.as_document()?.keys().next())
        .collect();
    assert_eq!(
        stages,
        [
            "$match",
            "$replaceRoot",
            "$project",
            "$addFields",
            "$project"
        ]
    );
    assert!(
        !aggregates
            .iter()
            .any(|command| command.get_str("aggregate").ok() == Some("secret"))
    );

    // A copy that was not finished begins again, a finished one does not.
    store.commit(&records[5]);
    let mut task = start(&server, &store, &copy).await;
    assert_eq!(ids(&poll(&mut task, 11).await), (0..11).collect::<Vec<_>>());
    store.commit(&records[9]);
    let mut task = start(&server, &store, &copy).await;
    assert_eq!(ids(&poll(&mut task, 1).await), [10]);
}

fn refusal(code: i32, message: &str) -> Script {
    Script::Answer(doc! {"ok": 0.0, "code": code, "codeName": "Scripted", "errmsg": message})
}

/// An offset of which the token is no longer known.
async fn lost(server: &ScriptedServer, store: &Arc<Store>) {
    let mut task = start(server, store, &[]).await;
    poll_open(server, &mut task).await;
    server.insert("a", "b", doc! {"_id": 0});
    server.insert("a", "b", doc! {"_id": 1});
    store.commit(&poll(&mut task, 2).await[0]);
    server.forget_changes();
}

#[tokio::test]
async fn a_lost_token_fails_the_task_or_begins_anew() {
    let server = ScriptedServer::start().await;
    let store = Arc::new(Store::default());
    lost(&server, &store).await;
    let mut task = start(&server, &store, &[]).await;
    let error = poll_failure(&mut task).await;
    assert_eq!(
        error.message(),
        "ResumeToken not found. Cannot create a change stream cursor"
    );
    let cause = error.cause().unwrap().message();
    assert!(
        cause.contains("server code 286") && cause.contains("offset.partition.name"),
        "{cause}"
    );

    let mut task = start(&server, &store, &[("mongo.errors.tolerance", "all")]).await;
    poll_open(&server, &mut task).await;
    server.insert("a", "b", doc! {"_id": 2});
    assert_eq!(ids(&poll(&mut task, 1).await), [2]);
}

#[tokio::test]
async fn a_token_of_another_server_is_dropped_without_a_word() {
    let server = ScriptedServer::start().await;
    let foreign = Map::from_iter([("_id", "{\"_data\": \"82FF\"}")]);
    let store = Arc::new(Store(Mutex::new(Some(foreign))));
    let mut task = start(&server, &store, &[]).await;
    poll_open(&server, &mut task).await;
    server.insert("a", "b", doc! {"_id": 2});
    assert_eq!(ids(&poll(&mut task, 1).await), [2]);
}

#[tokio::test]
async fn errors_while_reading_are_told_or_tolerated() {
    let server = ScriptedServer::start().await;
    let store = Arc::new(Store::default());
    let mut task = start(&server, &store, &[]).await;
    poll_open(&server, &mut task).await;
    server.script_streams([refusal(10334, "BSONObj size is invalid")]);
    let error = poll_failure(&mut task).await;
    let start_of =
        "An exception occurred when trying to get the next item from the Change Stream: ";
    assert!(error.message().starts_with(start_of), "{error}");
    assert!(
        error
            .message()
            .contains("dovetail.change.stream.split.large.events"),
        "{error}"
    );

    let mut task = start(&server, &store, &[("errors.tolerance", "all")]).await;
    poll_open(&server, &mut task).await;
    let opened = server.commands("aggregate").len();
    server.script_streams([refusal(286, "oops")]);
    while server.commands("aggregate").len() == opened {
        assert!(rows(task.poll().await.unwrap()).is_empty());
    }
    poll_open(&server, &mut task).await;
    server.insert("a", "b", doc! {"_id": 5});
    assert_eq!(ids(&poll(&mut task, 1).await), [5]);
    let last = server.commands("aggregate").pop().unwrap();
    let stage = last.get_array("pipeline").unwrap()[0].clone();
    assert!(!stage.to_string().contains("startAfter"), "{stage}");
}

#[tokio::test]
async fn a_missing_database_is_waited_for() {
    let server = ScriptedServer::start().await;
    let store = Arc::new(Store::default());
    server.script_streams([
        refusal(26, "no such database"),
        refusal(26, "no such database"),
    ]);
    let mut task = start(&server, &store, &[("database", "later")]).await;
    poll_open(&server, &mut task).await;
    server.insert("later", "b", doc! {"_id": 7});
    assert_eq!(ids(&poll(&mut task, 1).await), [7]);
}

#[tokio::test]
async fn no_error_leaves_the_task_without_a_stream() {
    for (code, message, part) in [
        (
            40573,
            "The $changeStream stage is only supported on replica sets",
            "stands alone",
        ),
        (13, "not authorized", "changeStream and find"),
        (8000, "oops", "server code 8000"),
    ] {
        let server = ScriptedServer::start().await;
        let store = Arc::new(Store::default());
        server.script_streams([refusal(code, message)]);
        let mut task = start(&server, &store, &[("errors.tolerance", "all")]).await;
        let error = poll_failure(&mut task).await;
        assert!(error.message().contains("cannot be opened"), "{error}");
        let cause = error.cause().unwrap().message();
        assert!(cause.contains(part), "{cause}");
    }
}

#[tokio::test]
async fn a_closed_stream_goes_on_without_a_gap() {
    let server = ScriptedServer::start().await;
    let store = Arc::new(Store::default());
    let mut task = start(&server, &store, &[]).await;
    poll_open(&server, &mut task).await;
    server.insert("a", "b", doc! {"_id": 1});
    server.close_streams();
    assert_eq!(ids(&poll(&mut task, 1).await), [1]);
    // Nobody reads at this moment.
    server.insert("a", "b", doc! {"_id": 2});
    assert_eq!(ids(&poll(&mut task, 1).await), [2]);
}

#[tokio::test]
async fn heartbeats_come_when_nothing_else_does() {
    let server = ScriptedServer::start().await;
    let store = Arc::new(Store::default());
    let settings = [
        ("collection", "b"),
        ("database", "a"),
        ("heartbeat.interval.ms", "1"),
        ("heartbeat.topic.name", "beats"),
    ];
    let mut task = start(&server, &store, &settings).await;
    let first = poll(&mut task, 1).await.remove(0);
    assert_eq!(&*first.record.topic, "beats");
    assert_eq!(first.record.key, Value::string("{\"_data\": \"00000000\"}"));
    assert_eq!(first.record.value, Value::Null);
    assert_eq!(
        offset_of(&first),
        "{_id={\"_data\": \"00000000\"}, HEARTBEAT=true}"
    );
    // What others write moves the position; the same position is told once.
    server.insert("a", "other", doc! {"_id": 1});
    let second = poll(&mut task, 1).await.remove(0);
    assert_eq!(
        second.record.key,
        Value::string("{\"_data\": \"00000001\"}")
    );
    store.commit(&second);
    server.insert("a", "b", doc! {"_id": 2});
    let third = poll(&mut task, 1).await.remove(0);
    assert_eq!(
        (&*third.record.topic, offset_of(&third)),
        ("a.b", "{_id={\"_data\": \"00000002\"}}".into())
    );
    // An offset of a heartbeat is as good as any other.
    let mut task = start(&server, &store, &settings).await;
    let again = loop {
        let record = poll(&mut task, 1).await.remove(0);
        if &*record.record.topic == "a.b" {
            break record;
        }
    };
    assert_eq!(offset_of(&again), offset_of(&third));
}

#[tokio::test]
async fn a_server_that_says_nothing_fails_the_task() {
    let server = ScriptedServer::start().await;
    let store = Arc::new(Store::default());
    let settings = [("dovetail.change.stream.stall.timeout.ms", "100000")];
    let mut task = start(&server, &store, &settings).await;
    poll_open(&server, &mut task).await;
    server.insert("a", "b", doc! {"_id": 1});
    store.commit(&poll(&mut task, 1).await[0]);
    // Once does no harm.
    server.fall_silent(1);
    let error = poll_error(&mut task).await;
    assert!(error.is_retriable(), "{error}");
    assert!(error.message().ends_with("it is opened again"), "{error}");
    server.insert("a", "b", doc! {"_id": 2});
    assert_eq!(ids(&poll(&mut task, 1).await), [2]);
    server.fall_silent(usize::MAX);
    assert!(poll_error(&mut task).await.is_retriable());
    let error = poll_error(&mut task).await;
    assert!(!error.is_retriable(), "{error}");
    for part in [
        "no answer for 100000 ms",
        "db.currentOp()",
        "restart the task",
    ] {
        assert!(error.message().contains(part), "{error}");
    }
    server.fall_silent(0);
    let mut task = start(&server, &store, &settings).await;
    assert_eq!(ids(&poll(&mut task, 1).await), [2]);
}

#[tokio::test]
async fn the_lag_is_a_metric() {
    let server = ScriptedServer::start().await;
    let store = Arc::new(Store::default());
    let metrics = PluginMetrics::default();
    let mut task = start_with(&server, &store, &[], metrics.clone()).await;
    poll_open(&server, &mut task).await;
    let lag = || metrics.values();
    assert_eq!(lag().len(), 1);
    assert_eq!(lag()[0].0, "latest-mongodb-time-difference-secs");
    assert!(lag()[0].1.is_nan());
    let time = |seconds| bson::Timestamp {
        time: seconds,
        increment: 1,
    };
    server.script_streams([Script::AddToAnswer(doc! {
        "operationTime": time(0x6350_19A7),
        "cursor": {
            "id": 1_i64, "ns": "a.b", "nextBatch": [],
            "postBatchResumeToken": {"_data": "82635019A0000000012B0229296E04"},
        },
    })]);
    while lag()[0].1.is_nan() {
        assert!(rows(task.poll().await.unwrap()).is_empty());
    }
    assert_eq!(lag()[0].1, 7.0);
}

#[tokio::test]
async fn split_events_are_one_record_with_the_token_of_the_last_part() {
    let server = ScriptedServer::start().await;
    let store = Arc::new(Store::default());
    let mut task = start(
        &server,
        &store,
        &[("dovetail.change.stream.split.large.events", "true")],
    )
    .await;
    poll_open(&server, &mut task).await;
    let stages = server.commands("aggregate").pop().unwrap();
    let last = stages.get_array("pipeline").unwrap().last().cloned();
    assert_eq!(last, Some(doc! {"$changeStreamSplitLargeEvent": {}}.into()));
    server.change(doc! {"splitEvent": {"fragment": 1, "of": 2}, "ns": {"db": "a", "coll": "b"}, "documentKey": {"_id": 9}});
    // The server has no more at this moment.
    let read = server.commands("getMore").len();
    while server.commands("getMore").len() < read + 3 {
        assert!(rows(task.poll().await.unwrap()).is_empty());
    }
    server.change(doc! {"splitEvent": {"fragment": 2, "of": 2}, "fullDocument": {"_id": 9}, "ns": {"db": "a", "coll": "b"}});
    let records = poll(&mut task, 1).await;
    assert_eq!(ids(&records), [9]);
    assert_eq!(offset_of(&records[0]), "{_id={\"_data\": \"00000002\"}}");
}

#[tokio::test]
async fn a_poll_that_is_given_up_loses_nothing() {
    let server = ScriptedServer::start().await;
    let store = Arc::new(Store::default());
    let mut task = start(&server, &store, &[]).await;
    poll_open(&server, &mut task).await;
    let mut found = Vec::new();
    for id in 0..30 {
        server.insert("a", "b", doc! {"_id": id});
        // Polled once and dropped.
        let mut poll = Box::pin(task.poll());
        if let std::task::Poll::Ready(batch) = futures::poll!(poll.as_mut()) {
            found.extend(ids(&rows(batch.unwrap())));
        }
    }
    found.extend(ids(&poll(&mut task, 30 - found.len()).await));
    assert_eq!(found, (0..30).collect::<Vec<_>>());
}
