//! Tells on standard output of each record that it gets, and again once its offset is to be committed.

use crate::config::{ID_CONFIG, NAME_CONFIG, invalid_task_config, number, text};
use crate::json_line::append_json_line;
use crate::printer::Printer;
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::data::Value;
use connect_api::{
    Clock, ConnectError, Offsets, Result, SinkBatch, SinkRecord, SinkTask, SinkTaskContext,
    TopicPartition,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// With this much waiting to be flushed, a commit is asked for.
const MAX_UNFLUSHED_NUM_BYTES: usize = 16 * 1024 * 1024;

/// The task of `org.apache.kafka.connect.tools.VerifiableSinkConnector`.
#[derive(Default)]
pub struct VerifiableSinkTask {
    printer: Printer,
    running: Option<Running>,
}

struct Running {
    context: SinkTaskContext,
    clock: Arc<dyn Clock>,
    name: Value,
    id: i32,
    /// What was put and not flushed, by the partitions that offsets are committed for.
    unflushed: BTreeMap<TopicPartition, Vec<Received>>,
    unflushed_num_bytes: usize,
}

/// What the lines of one record tell.
struct Received {
    task: Value,
    seqno: Value,
    topic: Value,
    offset: i64,
}

impl Received {
    fn new(record: &SinkRecord) -> Self {
        Self {
            task: record.record.key.clone(),
            seqno: record.record.value.clone(),
            topic: Value::string(&*record.record.topic),
            offset: record.origin.kafka_offset,
        }
    }

    fn num_bytes(&self) -> usize {
        size_of::<Self>() + self.task.num_bytes() + self.seqno.num_bytes()
    }
}

#[async_trait]
impl SinkTask for VerifiableSinkTask {
    async fn start(&mut self, context: SinkTaskContext, config: &ConfigMap) -> Result<()> {
        // The JVM's task names its sibling here, too.
        let id = number(config, ID_CONFIG)
            .map_err(|cause| invalid_task_config("VerifiableSourceTask", cause))?;
        self.running = Some(Running {
            clock: context.clock().clone(),
            context,
            name: Value::string(text(config, NAME_CONFIG)),
            id,
            unflushed: BTreeMap::new(),
            unflushed_num_bytes: 0,
        });
        Ok(())
    }

    async fn put(&mut self, batch: &SinkBatch) -> Result<()> {
        let running = started(&mut self.running)?;
        let SinkBatch::Rows(records) = batch else {
            return Err(ConnectError::fatal("VerifiableSinkTask takes rows only"));
        };
        let now_ms = running.clock.now_ms();
        let mut lines = Vec::new();
        for record in records {
            let received = Received::new(record);
            running.append_line(&received, now_ms, false, &mut lines);
            running.unflushed_num_bytes += received.num_bytes();
            let partition = record.origin.topic_partition();
            running
                .unflushed
                .entry(partition)
                .or_default()
                .push(received);
        }
        if running.unflushed_num_bytes > MAX_UNFLUSHED_NUM_BYTES {
            running.context.request_commit();
        }
        self.printer.print(lines).await
    }

    async fn pre_commit(&mut self, current: &Offsets) -> Result<Offsets> {
        let running = started(&mut self.running)?;
        let now_ms = running.clock.now_ms();
        let mut lines = Vec::new();
        for partition in current.keys() {
            for received in running.forget(partition) {
                running.append_line(&received, now_ms, true, &mut lines);
            }
        }
        self.printer.print(lines).await?;
        Ok(current.clone())
    }

    async fn close(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let running = started(&mut self.running)?;
        for partition in partitions {
            running.forget(partition);
        }
        Ok(())
    }

    async fn stop(&mut self) -> Result<()> {
        self.running = None;
        self.printer.finish().await
    }
}

fn started(running: &mut Option<Running>) -> Result<&mut Running> {
    running
        .as_mut()
        .ok_or_else(|| ConnectError::fatal("VerifiableSinkTask was used before it was started"))
}

impl Running {
    fn forget(&mut self, partition: &TopicPartition) -> Vec<Received> {
        let forgotten = self.unflushed.remove(partition).unwrap_or_default();
        let num_bytes: usize = forgotten.iter().map(Received::num_bytes).sum();
        self.unflushed_num_bytes -= num_bytes;
        forgotten
    }

    fn append_line(&self, received: &Received, now_ms: i64, flushed: bool, lines: &mut Vec<u8>) {
        let fields = [
            ("task", &received.task),
            ("seqno", &received.seqno),
            ("offset", &Value::Int64(received.offset)),
            ("time_ms", &Value::Int64(now_ms)),
            ("name", &self.name),
            ("topic", &received.topic),
            ("sinkTask", &Value::Int32(self.id)),
            ("flushed", &Value::Boolean(true)),
        ];
        let num_fields = fields.len() - usize::from(!flushed);
        append_json_line(&fields[..num_fields], lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paused_clock::{Captured, PausedClock};
    use connect_api::{Record, SinkOrigin, TimestampType};
    use std::time::Duration;

    fn record(partition: i32, kafka_offset: i64, value: Value) -> SinkRecord {
        SinkRecord {
            record: Record {
                topic: "routed".into(),
                kafka_partition: Some(partition),
                key_schema: None,
                key: Value::Int32(3),
                value_schema: None,
                value,
                timestamp: None,
                headers: Vec::new(),
            },
            origin: SinkOrigin {
                original_topic: "t".into(),
                original_kafka_partition: partition,
                kafka_offset,
                timestamp_type: TimestampType::CreateTime,
            },
        }
    }

    async fn task_of(captured: &Captured) -> (VerifiableSinkTask, SinkTaskContext) {
        let mut task = VerifiableSinkTask {
            printer: captured.printer(),
            running: None,
        };
        let context = SinkTaskContext::new(Arc::new(PausedClock::new()), None);
        let config = ConfigMap::from_iter([("name", "sink"), ("id", "0")]);
        task.start(context.clone(), &config).await.expect("starts");
        (task, context)
    }

    fn offsets(partition: i32, next: i64) -> Offsets {
        Offsets::from([(TopicPartition::new("t", partition), next)])
    }

    #[tokio::test(start_paused = true)]
    async fn records_are_told_when_put_and_when_flushed() {
        let captured = Captured::default();
        let (mut task, _) = task_of(&captured).await;
        let batch = SinkBatch::Rows(vec![
            record(0, 7, Value::Int64(42)),
            record(1, 8, Value::string("x")),
        ]);
        task.put(&batch).await.expect("prints");
        tokio::time::sleep(Duration::from_millis(5)).await;
        let committed = task.pre_commit(&offsets(0, 8)).await.expect("prints");
        assert_eq!(committed, offsets(0, 8));
        let (put, flushed) = (PausedClock::START_MS, PausedClock::START_MS + 5);
        assert_eq!(
            captured.lines(),
            [
                format!(
                    r#"{{"task":3,"seqno":42,"offset":7,"time_ms":{put},"name":"sink","topic":"routed","sinkTask":0}}"#
                ),
                format!(
                    r#"{{"task":3,"seqno":"x","offset":8,"time_ms":{put},"name":"sink","topic":"routed","sinkTask":0}}"#
                ),
                format!(
                    r#"{{"task":3,"seqno":42,"offset":7,"time_ms":{flushed},"name":"sink","topic":"routed","sinkTask":0,"flushed":true}}"#
                ),
            ]
        );
        // What moved away unflushed is told by its next owner.
        task.close(&[TopicPartition::new("t", 1)])
            .await
            .expect("closes");
        task.pre_commit(&offsets(1, 9))
            .await
            .expect("nothing to print");
        assert_eq!(captured.lines().len(), 3);
        assert_eq!(
            task.running.map(|running| running.unflushed_num_bytes),
            Some(0)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn much_unflushed_data_asks_for_a_commit() {
        let captured = Captured::default();
        let (mut task, context) = task_of(&captured).await;
        let big = || Value::string("x".repeat(MAX_UNFLUSHED_NUM_BYTES / 2));
        task.put(&SinkBatch::Rows(vec![record(0, 0, big())]))
            .await
            .expect("prints");
        assert!(!context.take_requests().commit);
        task.put(&SinkBatch::Rows(vec![record(0, 1, big())]))
            .await
            .expect("prints");
        assert!(context.take_requests().commit);
    }
}
