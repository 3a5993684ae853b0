//! Numbers in order, each told on standard output when it is made and when it is acknowledged.

use crate::config::{
    COMPLETE_RECORD_DATA_CONFIG, ID_CONFIG, NAME_CONFIG, THROUGHPUT_CONFIG, invalid_task_config,
    is_true, number, text, topic,
};
use crate::json_line::append_json_line;
use crate::printer::Printer;
use crate::throttle::Throttle;
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::data::{Map, Schema, SchemaRef, Struct, Value};
use connect_api::{
    AckedRecord, Clock, ConnectError, Result, SourceBatch, SourceRecord, SourceTask,
    SourceTaskContext, Topic,
};
use std::sync::{Arc, LazyLock};

const SEQNO_FIELD: &str = "seqno";

static COMPLETE_VALUE_SCHEMA: LazyLock<Result<SchemaRef>> = LazyLock::new(|| {
    Schema::struct_builder()
        .field("name", Schema::string())
        .field("task", Schema::int32())
        .field("topic", Schema::string())
        .field("time_ms", Schema::int64())
        .field("seqno", Schema::int64())
        .build()
});

/// The task of `org.apache.kafka.connect.tools.VerifiableSourceConnector`.
#[derive(Default)]
pub struct VerifiableSourceTask {
    printer: Printer,
    running: Option<Running>,
}

struct Running {
    clock: Arc<dyn Clock>,
    name: Value,
    id: i32,
    topic: Topic,
    source_partition: Arc<Map>,
    complete_record_data: bool,
    throttle: Throttle,
    seqno: i64,
    num_sent: u64,
    /// A record whose line is being printed: a dropped `poll` must neither lose nor print it twice.
    unreturned: Option<SourceRecord>,
}

#[async_trait]
impl SourceTask for VerifiableSourceTask {
    async fn start(&mut self, context: SourceTaskContext, config: &ConfigMap) -> Result<()> {
        let numbers = || {
            Ok((
                number(config, ID_CONFIG)?,
                number(config, THROUGHPUT_CONFIG)?,
            ))
        };
        let (id, throughput): (i32, i64) =
            numbers().map_err(|cause| invalid_task_config("VerifiableSourceTask", cause))?;
        let name = text(config, NAME_CONFIG);
        let topic = topic(config)?;
        let source_partition = Arc::new(Map::from_iter([(ID_CONFIG, id)]));
        let seqno = next_seqno(&context, &source_partition).await?;
        tracing::info!(
            "Started VerifiableSourceTask {name}-{id} producing to topic {topic} resuming from seqno \
             {seqno}"
        );
        let clock = context.clock().clone();
        self.running = Some(Running {
            name: Value::string(name),
            id,
            topic: topic.into(),
            source_partition,
            complete_record_data: is_true(config, COMPLETE_RECORD_DATA_CONFIG),
            throttle: Throttle::new(throughput, &*clock),
            seqno,
            num_sent: 0,
            unreturned: None,
            clock,
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<SourceBatch> {
        let running = started(&mut self.running)?;
        if running.unreturned.is_none() {
            if !running
                .throttle
                .is_due(running.num_sent, &*running.clock)
                .await
            {
                return Ok(SourceBatch::empty());
            }
            self.printer.finish().await?;
            let (record, line) = running.next_record()?;
            self.printer.begin(line);
            running.unreturned = Some(record);
        }
        self.printer.finish().await?;
        Ok(SourceBatch::Rows(
            running.unreturned.take().into_iter().collect(),
        ))
    }

    fn wants_acknowledgements(&self) -> bool {
        true
    }

    async fn committed(&mut self, records: &[AckedRecord]) -> Result<()> {
        let running = started(&mut self.running)?;
        let mut lines = Vec::new();
        for acked in records {
            append_json_line(
                &[
                    ("committed", &Value::Boolean(true)),
                    ("task", &Value::Int32(running.id)),
                    ("seqno", &acked.record.record.value),
                    ("time_ms", &Value::Int64(running.clock.now_ms())),
                    ("name", &running.name),
                    ("topic", &Value::string(&*running.topic)),
                ],
                &mut lines,
            );
        }
        self.printer.print(lines).await
    }

    async fn stop(&mut self) -> Result<()> {
        self.running = None;
        self.printer.finish().await
    }
}

fn started(running: &mut Option<Running>) -> Result<&mut Running> {
    running
        .as_mut()
        .ok_or_else(|| ConnectError::fatal("VerifiableSourceTask was used before it was started"))
}

/// The number after the stored one, or 0.
pub(crate) async fn next_seqno(context: &SourceTaskContext, partition: &Map) -> Result<i64> {
    let Some(offset) = context.offset(partition).await? else {
        return Ok(0);
    };
    match offset.get_str(SEQNO_FIELD).and_then(Value::as_i64) {
        Some(seqno) => Ok(seqno.wrapping_add(1)),
        None => Err(ConnectError::fatal(format!(
            "The stored offset {offset} of source partition {partition} has no whole number \
             'seqno'; alter or reset the offsets of the connector"
        ))),
    }
}

impl Running {
    /// The next record and the line that tells of it.
    fn next_record(&mut self) -> Result<(SourceRecord, Vec<u8>)> {
        let task = Value::Int32(self.id);
        let topic = Value::string(&*self.topic);
        let time_ms = Value::Int64(self.clock.now_ms());
        let seqno = Value::Int64(self.seqno);
        let mut line = Vec::new();
        append_json_line(
            &[
                ("task", &task),
                ("seqno", &seqno),
                ("time_ms", &time_ms),
                ("name", &self.name),
                ("topic", &topic),
            ],
            &mut line,
        );
        let source_offset = Arc::new(Map::from_iter([(SEQNO_FIELD, self.seqno)]));
        let (schema, value) = if self.complete_record_data {
            let schema = COMPLETE_VALUE_SCHEMA.clone()?;
            let values = vec![self.name.clone(), task, topic, time_ms, seqno];
            (schema.clone(), Struct::from_values(schema, values).into())
        } else {
            (Schema::int64(), seqno)
        };
        let mut record = SourceRecord::new(self.topic.clone(), Some(schema), value);
        record.record.key_schema = Some(Schema::int32());
        record.record.key = Value::Int32(self.id);
        record.origin.source_partition = Some(self.source_partition.clone());
        record.origin.source_offset = Some(source_offset);
        self.seqno = self.seqno.wrapping_add(1);
        self.num_sent += 1;
        Ok((record, line))
    }
}

#[cfg(test)]
impl VerifiableSourceTask {
    pub(crate) fn printing_to(printer: Printer) -> Self {
        Self {
            printer,
            running: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paused_clock::{Captured, PausedClock, StoredOffset};
    use futures::FutureExt;

    async fn task_of(
        config: &[(&str, &str)],
        offset: Option<Map>,
        captured: &Captured,
    ) -> Result<VerifiableSourceTask> {
        let mut task = VerifiableSourceTask::printing_to(captured.printer());
        let context =
            SourceTaskContext::new(Arc::new(PausedClock::new()), Arc::new(StoredOffset(offset)));
        task.start(context, &config.iter().copied().collect())
            .await?;
        Ok(task)
    }

    const CONFIG: [(&str, &str); 4] = [
        ("name", "source"),
        ("id", "1"),
        ("topic", "t"),
        ("throughput", "2"),
    ];

    async fn poll_one(task: &mut VerifiableSourceTask) -> SourceRecord {
        match task.poll().await.expect("polls") {
            SourceBatch::Rows(mut rows) if rows.len() == 1 => rows.remove(0),
            batch => panic!("not one row: {batch:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn records_and_lines_go_on_after_the_stored_number() {
        let captured = Captured::default();
        let offset = Map::from_iter([("seqno", 41i64)]);
        let mut task = task_of(&CONFIG, Some(offset), &captured)
            .await
            .expect("starts");
        let first = poll_one(&mut task).await;
        let second = poll_one(&mut task).await;
        assert_eq!(first.record.key, Value::Int32(1));
        assert_eq!(first.record.key_schema, Some(Schema::int32()));
        assert_eq!(first.record.value, Value::Int64(42));
        assert_eq!(first.record.value_schema, Some(Schema::int64()));
        assert_eq!(
            second.origin.source_offset.expect("has one").to_string(),
            "{seqno=43}"
        );
        assert_eq!(
            second.origin.source_partition.expect("has one").to_string(),
            "{id=1}"
        );
        let acked = AckedRecord {
            record: first,
            metadata: None,
        };
        task.committed(&[acked]).await.expect("prints");
        let start = PausedClock::START_MS;
        let half = start + 500;
        assert_eq!(
            captured.lines(),
            [
                format!(r#"{{"task":1,"seqno":42,"time_ms":{start},"name":"source","topic":"t"}}"#),
                format!(r#"{{"task":1,"seqno":43,"time_ms":{half},"name":"source","topic":"t"}}"#),
                format!(
                    r#"{{"committed":true,"task":1,"seqno":42,"time_ms":{half},"name":"source","topic":"t"}}"#
                ),
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn complete_record_data_makes_structs() {
        let captured = Captured::default();
        let config: Vec<_> = CONFIG
            .into_iter()
            .chain([("complete.record.data", "TRUE")])
            .collect();
        let mut task = task_of(&config, None, &captured).await.expect("starts");
        let record = poll_one(&mut task).await.record;
        let start = PausedClock::START_MS;
        assert_eq!(
            record.value.to_string(),
            format!("Struct{{name=source,task=1,topic=t,time_ms={start},seqno=0}}")
        );
        let Value::Struct(value) = &record.value else {
            panic!("not a struct");
        };
        value.validate().expect("fits its schema");
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_polls_neither_lose_nor_print_twice() {
        let captured = Captured::default();
        let config = CONFIG.map(|(key, value)| match key {
            "throughput" => (key, "-1"),
            _ => (key, value),
        });
        let mut task = task_of(&config, None, &captured).await.expect("starts");
        let mut seqnos = Vec::new();
        while seqnos.len() < 20 {
            // The line is printed by another thread: the first look rarely finds it done.
            let batch = match task.poll().now_or_never() {
                Some(batch) => batch,
                None if seqnos.len() % 2 == 0 => continue,
                None => task.poll().await,
            };
            if let SourceBatch::Rows(rows) = batch.expect("polls") {
                seqnos.extend(rows.iter().filter_map(|row| row.record.value.as_i64()));
            }
        }
        assert_eq!(seqnos, (0..20).collect::<Vec<i64>>());
        task.stop().await.expect("stops");
        let printed = captured.lines().len();
        assert_eq!(printed, 20);
    }

    #[tokio::test(start_paused = true)]
    async fn throughput_zero_sends_nothing() {
        let captured = Captured::default();
        let config = CONFIG.map(|(key, value)| match key {
            "throughput" => (key, "0"),
            _ => (key, value),
        });
        let mut task = task_of(&config, None, &captured).await.expect("starts");
        for _ in 0..3 {
            assert!(task.poll().await.expect("polls").is_empty());
        }
        assert_eq!(captured.lines(), [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn bad_numbers_are_refused_by_name() {
        let captured = Captured::default();
        let trace = |error: ConnectError| error.trace();
        let missing = [("id", "1"), ("topic", "t")];
        assert_eq!(
            trace(
                task_of(&missing, None, &captured)
                    .await
                    .err()
                    .expect("refused")
            ),
            "org.apache.kafka.connect.errors.ConnectException: Invalid VerifiableSourceTask \
             configuration\n\
             Caused by: java.lang.NumberFormatException: Cannot parse null string: null \
             (configuration 'throughput' must be a whole number)\n"
        );
        let wrong = [("id", "x"), ("topic", "t"), ("throughput", "1")];
        assert!(
            trace(
                task_of(&wrong, None, &captured)
                    .await
                    .err()
                    .expect("refused")
            )
            .contains("For input string: \"x\" (configuration 'id'")
        );
    }
}
