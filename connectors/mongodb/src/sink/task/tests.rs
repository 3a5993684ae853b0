use super::*;
use crate::scripted_server::{Script, ScriptedServer};
use bson::doc;
use connect_api::data::Value;
use connect_api::{Clock, ErrantRecordReporter, Record, SinkOrigin, TimestampType, TopicPartition};
use futures::future::BoxFuture;
use std::sync::Mutex;
use std::time::Duration;

/// A clock that stands still and writes down for how long it was asked to wait.
#[derive(Default)]
struct StillClock {
    pauses: Mutex<Vec<Duration>>,
}

impl Clock for StillClock {
    fn now_ms(&self) -> i64 {
        1_600_000_000_000
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.pauses.lock().unwrap().push(duration);
        Box::pin(std::future::ready(()))
    }
}

/// Keeps what is reported: the offset and the error in Java's words.
#[derive(Default)]
struct Letters(Mutex<Vec<(i64, String)>>);

impl ErrantRecordReporter for Letters {
    fn report(
        &self,
        origin: &SinkOrigin,
        error: ConnectError,
    ) -> Result<BoxFuture<'static, Result<()>>> {
        let letter = (origin.kafka_offset, error.to_java_string());
        self.0.lock().unwrap().push(letter);
        Ok(Box::pin(std::future::ready(Ok(()))))
    }
}

struct Fixture {
    server: ScriptedServer,
    task: MongoSinkTask,
    letters: Arc<Letters>,
    clock: Arc<StillClock>,
}

fn config(uri: &str, more: &[(&str, &str)]) -> ConfigMap {
    let mut config = ConfigMap::from_iter([
        ("connection.uri", uri),
        ("topics", "orders"),
        ("database", "db"),
        (
            "document.id.strategy",
            "com.mongodb.kafka.connect.sink.processor.id.strategy.ProvidedInValueStrategy",
        ),
    ]);
    for (key, value) in more {
        config.insert(*key, *value);
    }
    config
}

const INSERT: (&str, &str) = (
    "writemodel.strategy",
    "com.mongodb.kafka.connect.sink.writemodel.strategy.InsertOneDefaultStrategy",
);
const OID: (&str, &str) = (
    "document.id.strategy",
    "com.mongodb.kafka.connect.sink.processor.id.strategy.BsonOidStrategy",
);

impl Fixture {
    async fn start(more: &[(&str, &str)]) -> Self {
        Self::start_with_options("", more).await
    }

    async fn start_with_options(options: &str, more: &[(&str, &str)]) -> Self {
        let server = ScriptedServer::start().await;
        let letters = Arc::new(Letters::default());
        let clock = Arc::new(StillClock::default());
        let reporter: Arc<dyn ErrantRecordReporter> = letters.clone();
        let context = SinkTaskContext::new(clock.clone(), Some(reporter));
        let mut task = MongoSinkTask::default();
        let config = config(&server.uri(options), more);
        task.start(context, &config).await.unwrap();
        Self {
            server,
            task,
            letters,
            clock,
        }
    }

    async fn put(&mut self, values: &[&str]) -> Result<()> {
        self.task.put(&batch(values)).await
    }

    async fn commits(&mut self) -> bool {
        let current = Offsets::from([(TopicPartition::new("orders", 0), 9)]);
        let committed = self.task.pre_commit(&current).await.unwrap();
        assert!(committed.is_empty() || committed == current);
        !committed.is_empty()
    }

    fn letters(&self) -> Vec<(i64, String)> {
        self.letters.0.lock().unwrap().clone()
    }

    fn num_documents(&self) -> usize {
        self.server.documents("db.orders").len()
    }
}

fn batch(values: &[&str]) -> SinkBatch {
    let records = values.iter().enumerate().map(|(offset, value)| SinkRecord {
        record: Record {
            topic: "orders".into(),
            kafka_partition: Some(0),
            key_schema: None,
            key: Value::Null,
            value_schema: None,
            value: Value::string(*value),
            timestamp: None,
            headers: Vec::new(),
        },
        origin: SinkOrigin {
            original_topic: "orders".into(),
            original_kafka_partition: 0,
            kafka_offset: offset as i64,
            timestamp_type: TimestampType::NoTimestampType,
        },
    });
    SinkBatch::Rows(records.collect())
}

#[tokio::test]
async fn records_become_documents_and_a_replay_changes_nothing() {
    let mut fixture = Fixture::start(&[]).await;
    for _ in 0..2 {
        fixture
            .put(&["{a: 1, _id: 1}", "{a: 2, _id: 2}"])
            .await
            .unwrap();
        assert!(fixture.commits().await);
    }
    let documents = fixture.server.documents("db.orders");
    assert_eq!(
        documents,
        [doc! {"_id": 1, "a": 1}, doc! {"_id": 2, "a": 2}]
    );
    // One command for each batch, and an empty batch needs none.
    fixture.put(&[]).await.unwrap();
    assert_eq!(fixture.server.writes().len(), 2);
    fixture.task.stop().await.unwrap();
}

#[tokio::test]
async fn a_command_without_answer_is_sent_again_and_done_once() {
    for script in [
        Script::BreakBefore,
        Script::BreakAfter,
        Script::Answer(
            doc! {"ok": 0, "code": 10107, "codeName": "NotWritablePrimary", "errmsg": "no"},
        ),
        Script::Answer(
            doc! {"ok": 1, "n": 2, "writeConcernError": {"code": 189, "errmsg": "down"}},
        ),
    ] {
        let mut fixture = Fixture::start(&[OID, INSERT]).await;
        fixture.server.script([script.clone()]);
        fixture.put(&["{a: 1}", "{a: 2}"]).await.unwrap();
        assert!(fixture.commits().await);
        assert_eq!(fixture.num_documents(), 2, "{script:?}");
        let writes = fixture.server.writes();
        assert_eq!(writes.len(), 2);
        for field in ["txnNumber", "lsid", "documents"] {
            assert_eq!(writes[0].get(field), writes[1].get(field), "{field}");
        }
    }
}

#[tokio::test]
async fn a_batch_that_comes_again_goes_on_where_it_stopped() {
    // One group for each record.
    let mut fixture = Fixture::start(&[OID, INSERT, ("max.batch.size", "1")]).await;
    fixture.put(&["{a: 0}"]).await.unwrap();
    fixture.server.script([
        Script::AddToAnswer(doc! {}),
        Script::BreakAfter,
        Script::BreakBefore,
    ]);
    let values = ["{a: 1}", "{a: 2}", "{a: 3}"];
    let error = fixture.put(&values).await.unwrap_err();
    assert!(error.is_retriable(), "{error}");
    assert!(error.message().contains("db.orders"), "{error}");
    assert!(!fixture.commits().await, "nothing may be committed now");
    fixture.put(&values).await.unwrap();
    assert!(fixture.commits().await);
    // The ids are random: whatever was made twice would be there twice.
    assert_eq!(fixture.num_documents(), 4);
}

#[tokio::test]
async fn without_retryable_writes_the_runtime_alone_repeats() {
    let mut fixture = Fixture::start_with_options("&retryWrites=false", &[]).await;
    fixture.server.script([Script::BreakBefore]);
    assert!(fixture.put(&["{_id: 1}"]).await.unwrap_err().is_retriable());
    fixture.put(&["{_id: 1}"]).await.unwrap();
    assert_eq!(fixture.num_documents(), 1);
    assert!(!fixture.server.writes()[0].contains_key("txnNumber"));
}

const TWICE: [&str; 4] = ["{_id: 1}", "{_id: 1}", "{_id: 2}", "no document"];
const DUPLICATE: &str = "com.mongodb.kafka.connect.sink.dlq.WriteException: v=1, code=11000, \
    message=E11000 duplicate key error dup key: { _id: 1 }, details={}";
const NO_DOCUMENT: &str = "org.apache.kafka.connect.errors.DataException: Could not convert value \
    'no document' (java.lang.String) into a BsonDocument.";

#[tokio::test]
async fn without_tolerance_the_first_error_ends_the_task_and_says_where() {
    let mut fixture = Fixture::start(&[INSERT]).await;
    let error = fixture.put(&TWICE).await.unwrap_err();
    assert!(!error.is_retriable());
    assert!(
        error
            .message()
            .starts_with("The record at orders-0@3 cannot be written: "),
        "{error}"
    );
    let error = fixture.put(&TWICE[..3]).await.unwrap_err();
    assert_eq!(
        error.message(),
        "The server refused the record at orders-0@1 for db.orders: code 11000: E11000 duplicate key \
         error dup key: { _id: 1 }. A document with this _id or unique key is there already: an id \
         strategy that goes by the record, or a strategy that replaces, lets records come twice. 1 \
         record(s) of the bulk write failed, 1 were not tried"
    );
    assert_eq!(error.cause().unwrap().to_java_string(), DUPLICATE);
    assert!(fixture.letters().is_empty());
}

#[tokio::test]
async fn tolerated_errors_become_dead_letters() {
    for tolerance in [
        ("errors.tolerance", "all"),
        ("mongo.errors.tolerance", "DATA"),
    ] {
        let mut fixture = Fixture::start(&[INSERT, tolerance]).await;
        fixture.put(&TWICE).await.unwrap();
        assert!(fixture.commits().await);
        let skipped = "com.mongodb.kafka.connect.sink.dlq.WriteSkippedException";
        assert_eq!(
            fixture.letters(),
            [(3, NO_DOCUMENT), (1, DUPLICATE), (2, skipped)]
                .map(|(at, text)| (at, text.to_string()))
        );
        assert_eq!(fixture.num_documents(), 1);

        let unordered = ("bulk.write.ordered", "false");
        let mut fixture = Fixture::start(&[INSERT, tolerance, unordered]).await;
        fixture.put(&TWICE).await.unwrap();
        assert_eq!(
            fixture.letters(),
            [(3, NO_DOCUMENT), (1, DUPLICATE)].map(|(at, text)| (at, text.to_string()))
        );
        assert_eq!(fixture.num_documents(), 2);
    }
}

#[tokio::test]
async fn the_connectors_own_tolerance_comes_before_the_frameworks() {
    let own = [
        INSERT,
        ("errors.tolerance", "all"),
        ("mongo.errors.tolerance", "none"),
    ];
    let mut fixture = Fixture::start(&own).await;
    assert!(fixture.put(&TWICE).await.is_err());
}

#[tokio::test]
async fn an_error_of_a_whole_command_is_no_data_error() {
    let refused = || {
        Script::Answer(
            doc! {"ok": 0, "code": 13, "codeName": "Unauthorized", "errmsg": "not authorized"},
        )
    };
    for (tolerance, start) in [
        (
            "none",
            "The records cannot be written (from the record at orders-0@0 on): ",
        ),
        (
            "data",
            "non Data Error, fail the connector. (from the record at orders-0@0 on): ",
        ),
    ] {
        let mut fixture = Fixture::start(&[("errors.tolerance", tolerance)]).await;
        fixture.server.script([refused()]);
        let error = fixture.put(&["{_id: 1}", "{_id: 2}"]).await.unwrap_err();
        assert!(error.message().starts_with(start), "{error}");
        assert!(
            error
                .message()
                .contains("server code 13 Unauthorized: not authorized. The user lacks")
        );
    }
    let mut fixture = Fixture::start(&[("errors.tolerance", "all")]).await;
    fixture.server.script([refused()]);
    fixture.put(&["{_id: 1}", "{_id: 2}"]).await.unwrap();
    let offsets: Vec<i64> = fixture
        .letters()
        .iter()
        .map(|(offset, _)| *offset)
        .collect();
    assert_eq!(offsets, [0, 1]);
}

#[tokio::test]
async fn a_write_concern_that_is_not_reached_is_told() {
    let error = doc! {
        "writeConcernError": {"code": 64, "codeName": "WriteConcernFailed", "errmsg": "waiting", "errInfo": {"wtimeout": true}}
    };
    let mut fixture = Fixture::start(&[("errors.tolerance", "all")]).await;
    fixture.server.script([Script::AddToAnswer(error.clone())]);
    fixture.put(&["{_id: 1}"]).await.unwrap();
    let letter = "com.mongodb.kafka.connect.sink.dlq.WriteConcernException: v=1, code=64, \
        codeName=WriteConcernFailed, message=waiting, details={\"wtimeout\": true}";
    assert_eq!(fixture.letters(), [(0, letter.to_string())]);
    let mut fixture = Fixture::start(&[]).await;
    fixture.server.script([Script::AddToAnswer(error)]);
    let error = fixture.put(&["{_id: 1}"]).await.unwrap_err();
    assert!(
        error.message().contains("did not reach the write concern"),
        "{error}"
    );
}

#[tokio::test]
async fn a_document_that_is_too_large_fails_alone() {
    let large = format!("{{_id: 1, a: '{}'}}", "x".repeat(17 << 20));
    let mut fixture = Fixture::start(&[("errors.tolerance", "all")]).await;
    fixture.put(&[&large, "{_id: 2}"]).await.unwrap();
    let letters = fixture.letters();
    assert_eq!(letters.len(), 1);
    assert!(
        letters[0]
            .1
            .starts_with("org.bson.BsonMaximumSizeExceededException: Document size of 17825"),
        "{}",
        letters[0].1
    );
    assert_eq!(fixture.num_documents(), 1);
}

#[tokio::test]
async fn an_error_does_not_carry_a_whole_document() {
    let handler = "com.mongodb.kafka.connect.sink.cdc.mongodb.ChangeStreamHandler";
    let all = [
        ("errors.tolerance", "all"),
        ("change.data.capture.handler", handler),
    ];
    let mut fixture = Fixture::start(&all).await;
    let large = format!("{{a: '{}'}}", "é".repeat(1 << 20));
    fixture.put(&[&large]).await.unwrap();
    let letters = fixture.letters();
    assert!(
        letters[0]
            .1
            .contains("`operationType` field is doc is missing")
    );
    assert!(letters[0].1.ends_with("bytes in all)"));
    assert!(letters[0].1.len() < 20_000);
}

#[tokio::test]
async fn large_batches_become_several_commands() {
    let value = |id: usize| format!("{{_id: {id}, a: '{}'}}", "x".repeat(5 << 20));
    let values: Vec<String> = (0..7).map(value).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let mut fixture = Fixture::start(&[]).await;
    fixture.put(&values).await.unwrap();
    let sizes: Vec<usize> = fixture
        .server
        .writes()
        .iter()
        .map(|write| write.get_array("updates").unwrap().len())
        .collect();
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(fixture.num_documents(), 7);
}

#[tokio::test]
async fn pauses_come_after_every_nth_write() {
    let limit = [
        ("rate.limiting.timeout", "250"),
        ("rate.limiting.every.n", "2"),
        ("max.batch.size", "1"),
    ];
    let mut fixture = Fixture::start(&limit).await;
    let values = ["{_id: 1}", "{_id: 2}", "{_id: 3}", "{_id: 4}", "{_id: 5}"];
    fixture.put(&values).await.unwrap();
    let pauses = fixture.clock.pauses.lock().unwrap().clone();
    assert_eq!(pauses, [Duration::from_millis(250); 2]);
}

#[tokio::test]
async fn a_collection_of_time_series_is_made_first() {
    let mut fixture = Fixture::start(&[("timeseries.timefield", "ts"), OID]).await;
    fixture.put(&["{ts: 1}"]).await.unwrap();
    fixture.put(&["{ts: 2}"]).await.unwrap();
    let created = fixture.server.commands("create");
    assert_eq!(created.len(), 1);
    let expected = doc! {"timeField": "ts"};
    assert_eq!(created[0].get_document("timeseries").unwrap(), &expected);
    assert_eq!(fixture.num_documents(), 2);

    let mut fixture = Fixture::start(&[("timeseries.timefield", "ts"), OID]).await;
    fixture
        .server
        .answer("collStats", doc! {"ok": 1, "nindexes": 1});
    assert_eq!(
        fixture.put(&["{ts: 1}"]).await.unwrap_err().message(),
        "A collection already exists for: `db.orders` that is not a timeseries collection."
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_waited_for() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let uri = format!("mongodb://user:s3cret@127.0.0.1:{port}/?serverSelectionTimeoutMS=50");
    let mut task = MongoSinkTask::default();
    let context = SinkTaskContext::new(Arc::new(StillClock::default()), None);
    task.start(context, &config(&uri, &[])).await.unwrap();
    let error = task.put(&batch(&["{_id: 1}"])).await.unwrap_err();
    assert!(error.is_retriable());
    assert!(error.message().contains(&port.to_string()), "{error}");
    assert!(!error.trace().contains("s3cret"), "{error}");
    let offsets = Offsets::from([(TopicPartition::new("orders", 0), 0)]);
    assert_eq!(task.pre_commit(&offsets).await.unwrap(), offsets);
    task.stop().await.unwrap();
}

#[test]
fn a_batch_is_known_again_by_its_places() {
    let mark = |values: &[&str]| match batch(values) {
        SinkBatch::Rows(records) => BatchMark::of(&records),
        _ => None,
    };
    assert!(mark(&["a", "b"]) == mark(&["a", "b"]));
    assert!(mark(&["a", "b"]) != mark(&["a"]));
    assert!(mark(&[]).is_none());
}
