//! A source that counts: keys, values and headers with the number of the record.

use super::{ALTER_OFFSETS_RESULT, TASK_ID_CONFIG, injected_error, named_task_configs};
use crate::config::{THROUGHPUT_CONFIG, TOPIC_CONFIG, is_true, number, number_or, text};
use crate::throttle::{MAX_WAIT, Throttle};
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::data::{Map, Schema, Value};
use connect_api::{
    Clock, ConnectError, ConnectorContext, ExactlyOnceSupport, Header, Result, SourceBatch,
    SourceConnector, SourceRecord, SourceTask, SourceTaskContext, Topic,
};
use std::sync::Arc;

const NUM_TASKS_CONFIG: &str = "num.tasks";
const MESSAGES_PER_POLL_CONFIG: &str = "messages.per.poll";
const MAX_MESSAGES_CONFIG: &str = "max.messages";
const EXACTLY_ONCE_SUPPORT_CONFIG: &str = "custom.exactly.once.support";
const CONNECTOR_START_ERROR_CONFIG: &str = "connector.start.inject.error";
const CONNECTOR_STOP_ERROR_CONFIG: &str = "connector.stop.inject.error";
const DEFAULT_TOPIC: &str = "sequential-topic";
const SAVED_FIELD: &str = "saved";
/// However many a poll is told to return, the runtime is to see them in pieces.
const MAX_MESSAGES_PER_POLL: i64 = 10_000;

#[derive(Default)]
pub(super) struct TestableSourceConnector {
    config: ConfigMap,
}

#[async_trait]
impl SourceConnector for TestableSourceConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        self.config = config.clone();
        match is_true(config, CONNECTOR_START_ERROR_CONFIG) {
            true => Err(injected_error("connector start")),
            false => Ok(()),
        }
    }

    fn task_configs(&self, max_tasks: usize) -> Result<Vec<ConfigMap>> {
        let num_tasks = match self.config.get(NUM_TASKS_CONFIG) {
            Some(_) => number::<u16>(&self.config, NUM_TASKS_CONFIG)?.into(),
            None => max_tasks,
        };
        Ok(named_task_configs(&self.config, num_tasks))
    }

    fn new_task(&self) -> Box<dyn SourceTask> {
        Box::new(TestableSourceTask::default())
    }

    fn exactly_once_support(&self, config: &ConfigMap) -> Option<ExactlyOnceSupport> {
        match text(config, EXACTLY_ONCE_SUPPORT_CONFIG)
            .to_lowercase()
            .as_str()
        {
            "supported" => Some(ExactlyOnceSupport::Supported),
            "unsupported" => Some(ExactlyOnceSupport::Unsupported),
            _ => None,
        }
    }

    async fn alter_offsets(
        &self,
        config: &ConfigMap,
        _offsets: &[(Option<Map>, Option<Map>)],
    ) -> Result<bool> {
        Ok(is_true(config, ALTER_OFFSETS_RESULT))
    }

    async fn stop(&mut self) -> Result<()> {
        match is_true(&self.config, CONNECTOR_STOP_ERROR_CONFIG) {
            true => Err(injected_error("connector stop")),
            false => Ok(()),
        }
    }
}

#[derive(Default)]
struct TestableSourceTask {
    running: Option<Running>,
}

struct Running {
    clock: Arc<dyn Clock>,
    id: String,
    topic: Topic,
    source_partition: Arc<Map>,
    num_messages_per_poll: i64,
    max_seqno: i64,
    throttle: Throttle,
    seqno: i64,
    num_sent: u64,
}

#[async_trait]
impl SourceTask for TestableSourceTask {
    async fn start(&mut self, context: SourceTaskContext, config: &ConfigMap) -> Result<()> {
        let id = text(config, TASK_ID_CONFIG);
        let source_partition = Map::from_iter([(TASK_ID_CONFIG, id.clone())]);
        let seqno = match context.offset(&source_partition).await? {
            None => 0,
            Some(offset) => saved_seqno(&offset).ok_or_else(|| {
                ConnectError::fatal(format!(
                    "The stored offset {offset} of source partition {source_partition} has no \
                     whole number '{SAVED_FIELD}'; alter or reset the offsets of the connector"
                ))
            })?,
        };
        if is_true(config, &format!("task-{id}.start.inject.error")) {
            return Err(injected_error("task start"));
        }
        let clock = context.clock().clone();
        self.running = Some(Running {
            id,
            topic: config.get(TOPIC_CONFIG).unwrap_or(DEFAULT_TOPIC).into(),
            source_partition: Arc::new(source_partition),
            num_messages_per_poll: number_or::<i32>(config, MESSAGES_PER_POLL_CONFIG, 1)?.into(),
            max_seqno: number_or(config, MAX_MESSAGES_CONFIG, i64::MAX)?,
            throttle: Throttle::new(number_or(config, THROUGHPUT_CONFIG, -1)?, &*clock),
            seqno,
            num_sent: 0,
            clock,
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<SourceBatch> {
        let running = self.running.as_mut().ok_or_else(|| {
            ConnectError::fatal("TestableSourceTask was polled before it was started")
        })?;
        if running.seqno >= running.max_seqno {
            // The JVM's task returns at once and keeps a core busy.
            running.clock.sleep(MAX_WAIT).await;
            return Ok(SourceBatch::empty());
        }
        if !running
            .throttle
            .is_due(running.num_sent, &*running.clock)
            .await
        {
            return Ok(SourceBatch::empty());
        }
        let num_messages = running
            .num_messages_per_poll
            .min(running.max_seqno - running.seqno)
            .clamp(0, MAX_MESSAGES_PER_POLL);
        let records = (0..num_messages).map(|_| running.next_record());
        Ok(SourceBatch::Rows(records.collect()))
    }

    async fn stop(&mut self) -> Result<()> {
        self.running = None;
        Ok(())
    }
}

fn saved_seqno(offset: &Map) -> Option<i64> {
    match offset.get_str(SAVED_FIELD) {
        None => Some(0),
        Some(saved) => saved.as_i64(),
    }
}

impl Running {
    fn next_record(&mut self) -> SourceRecord {
        self.seqno = self.seqno.wrapping_add(1);
        self.num_sent += 1;
        let (id, seqno) = (&self.id, self.seqno);
        let value = Value::string(format!("value-{id}-{seqno}"));
        let mut record = SourceRecord::new(self.topic.clone(), Some(Schema::string()), value);
        record.record.key_schema = Some(Schema::string());
        record.record.key = Value::string(format!("key-{id}-{seqno}"));
        record.record.headers = vec![Header {
            key: format!("header-{seqno}").into(),
            schema: Some(Schema::int64()),
            value: Value::Int64(seqno),
        }];
        record.origin.source_partition = Some(self.source_partition.clone());
        record.origin.source_offset = Some(Arc::new(Map::from_iter([(SAVED_FIELD, seqno)])));
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paused_clock::{PausedClock, StoredOffset};

    async fn task_of(config: &[(&str, &str)], offset: Option<Map>) -> Result<TestableSourceTask> {
        let mut task = TestableSourceTask::default();
        let context =
            SourceTaskContext::new(Arc::new(PausedClock::new()), Arc::new(StoredOffset(offset)));
        task.start(context, &config.iter().copied().collect())
            .await?;
        Ok(task)
    }

    async fn poll(task: &mut TestableSourceTask) -> Vec<SourceRecord> {
        match task.poll().await.expect("polls") {
            SourceBatch::Rows(rows) => rows,
            batch => panic!("not rows: {batch:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn records_count_from_the_stored_number_to_the_last_one() {
        let config = [
            ("task.id", "c-1"),
            ("topic", "t"),
            ("messages.per.poll", "3"),
            ("max.messages", "10"),
        ];
        let offset = Map::from_iter([("saved", 6i64)]);
        let mut task = task_of(&config, Some(offset)).await.expect("starts");
        let first = poll(&mut task).await;
        let last = poll(&mut task).await;
        assert_eq!((first.len(), last.len()), (3, 1));
        let record = &last[0].record;
        assert_eq!(&*record.topic, "t");
        assert_eq!(record.key, Value::string("key-c-1-10"));
        assert_eq!(record.value, Value::string("value-c-1-10"));
        assert_eq!(&*record.headers[0].key, "header-10");
        assert_eq!(record.headers[0].value, Value::Int64(10));
        let origin = &last[0].origin;
        let partition = origin.source_partition.as_ref().expect("has one");
        let offset = origin.source_offset.as_ref().expect("has one");
        assert_eq!(partition.to_string(), "{task.id=c-1}");
        assert_eq!(offset.to_string(), "{saved=10}");
        assert!(poll(&mut task).await.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn settings_left_out_have_defaults() {
        let mut task = task_of(&[("task.id", "c-0")], None).await.expect("starts");
        let records = poll(&mut task).await;
        assert_eq!(records.len(), 1);
        assert_eq!(&*records[0].record.topic, "sequential-topic");
        assert_eq!(records[0].record.key, Value::string("key-c-0-1"));
    }

    #[tokio::test(start_paused = true)]
    async fn errors_come_where_they_are_asked_for() {
        let message = |error: ConnectError| error.message().to_owned();
        let config = [("task.id", "c-0"), ("task-c-0.start.inject.error", "true")];
        let error = task_of(&config, None).await.err().expect("refuses");
        assert_eq!(message(error), "Injecting errors during task start");
        let config = [("task.id", "c-1"), config[1]];
        task_of(&config, None).await.expect("the error of another");

        let config = [("max.messages", "many")];
        let error = task_of(&config, None).await.err().expect("refuses");
        assert!(message(error).contains("'max.messages'"));

        let context = ConnectorContext::new(Arc::new(PausedClock::new()), Arc::new(|_| {}));
        let mut connector = TestableSourceConnector::default();
        let config = ConfigMap::from_iter([
            ("connector.start.inject.error", "true"),
            ("connector.stop.inject.error", "true"),
        ]);
        let error = connector.start(context, &config).await.expect_err("fails");
        assert_eq!(message(error), "Injecting errors during connector start");
        let error = connector.stop().await.expect_err("fails");
        assert_eq!(message(error), "Injecting errors during connector stop");
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_are_named_and_counted() {
        let context = ConnectorContext::new(Arc::new(PausedClock::new()), Arc::new(|_| {}));
        let mut connector = TestableSourceConnector::default();
        let mut config = ConfigMap::from_iter([("name", "c")]);
        connector
            .start(context.clone(), &config)
            .await
            .expect("starts");
        let ids = |configs: Vec<ConfigMap>| -> Vec<String> {
            let id = |config: &ConfigMap| config.get("task.id").expect("has one").to_owned();
            configs.iter().map(id).collect()
        };
        let configs = connector.task_configs(2).expect("two");
        assert_eq!(configs[0].get("connector.name"), Some("c"));
        assert_eq!(ids(configs), ["c-0", "c-1"]);
        config.insert("num.tasks", "1");
        connector.start(context, &config).await.expect("starts");
        assert_eq!(ids(connector.task_configs(2).expect("one")), ["c-0"]);
    }

    #[test]
    fn support_for_exactly_once_is_configured() {
        let connector = TestableSourceConnector::default();
        for (support, expected) in [
            ("Supported", Some(ExactlyOnceSupport::Supported)),
            ("unsupported", Some(ExactlyOnceSupport::Unsupported)),
            ("null", None),
        ] {
            let config = ConfigMap::from_iter([("custom.exactly.once.support", support)]);
            assert_eq!(connector.exactly_once_support(&config), expected);
        }
        assert_eq!(connector.exactly_once_support(&ConfigMap::new()), None);
    }
}
