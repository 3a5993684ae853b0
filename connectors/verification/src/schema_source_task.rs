//! Structs with fixed fields, of one schema version or two.

use crate::config::{
    ID_CONFIG, MULTIPLE_SCHEMA_CONFIG, NAME_CONFIG, NUM_MESSAGES_CONFIG, PARTITION_COUNT_CONFIG,
    THROUGHPUT_CONFIG, invalid_task_config, is_true, number, number_or, text, topic,
};
use crate::printer::Printer;
use crate::throttle::{MAX_WAIT, Throttle};
use crate::verifiable_source_task::next_seqno;
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::data::{Map, Schema, SchemaBuilder, SchemaRef, SchemaType, Struct, Value};
use connect_api::{
    Clock, ConnectError, Result, SourceBatch, SourceRecord, SourceTask, SourceTaskContext, Topic,
};
use std::sync::{Arc, LazyLock};

static VALUE_SCHEMA: LazyLock<Result<SchemaRef>> =
    LazyLock::new(|| value_schema(1, |builder| builder));

static VALUE_SCHEMA_2: LazyLock<Result<SchemaRef>> = LazyLock::new(|| {
    let string = Schema::builder(SchemaType::String)
        .default_value("abc")
        .build()?;
    value_schema(2, |builder| builder.field("string", string))
});

fn value_schema(
    version: i32,
    add_field: impl FnOnce(SchemaBuilder) -> SchemaBuilder,
) -> Result<SchemaRef> {
    let builder = Schema::struct_builder()
        .version(version)
        .name("record")
        .field("boolean", Schema::boolean())
        .field("int", Schema::int32())
        .field("long", Schema::int64())
        .field("float", Schema::float32())
        .field("double", Schema::float64())
        .field("partitioning", Schema::int32());
    add_field(builder)
        .field("id", Schema::int32())
        .field("seqno", Schema::int64())
        .build()
}

/// The task of `org.apache.kafka.connect.tools.SchemaSourceConnector`.
#[derive(Default)]
pub struct SchemaSourceTask {
    printer: Printer,
    running: Option<Running>,
}

struct Running {
    clock: Arc<dyn Clock>,
    id: i32,
    topic: Topic,
    source_partition: Arc<Map>,
    max_num_messages: i64,
    multiple_schema: bool,
    partition_count: i32,
    throttle: Throttle,
    seqno: i64,
    num_sent: u64,
    /// A record whose line is being printed; see the verifiable source.
    unreturned: Option<SourceRecord>,
}

struct Numbers {
    id: i32,
    max_num_messages: i64,
    partition_count: i32,
    throughput: i64,
}

impl Numbers {
    fn parse(config: &ConfigMap) -> Result<Self> {
        let partition_count = number_or(config, PARTITION_COUNT_CONFIG, 1)?;
        if partition_count == 0 {
            // The JVM's task divides by it.
            return Err(ConnectError::config(
                "Invalid value 0 for configuration partition.count: Value must not be 0",
            ));
        }
        Ok(Self {
            id: number(config, ID_CONFIG)?,
            max_num_messages: number(config, NUM_MESSAGES_CONFIG)?,
            partition_count,
            throughput: number(config, THROUGHPUT_CONFIG)?,
        })
    }
}

#[async_trait]
impl SourceTask for SchemaSourceTask {
    async fn start(&mut self, context: SourceTaskContext, config: &ConfigMap) -> Result<()> {
        let numbers = Numbers::parse(config)
            .map_err(|cause| invalid_task_config("SchemaSourceTask", cause))?;
        let id = numbers.id;
        let topic = topic(config)?;
        let source_partition = Arc::new(Map::from_iter([(ID_CONFIG, id)]));
        let seqno = next_seqno(&context, &source_partition).await?;
        tracing::info!(
            "Started SchemaSourceTask {}-{id} producing to topic {topic} resuming from seqno {seqno}",
            text(config, NAME_CONFIG)
        );
        let clock = context.clock().clone();
        self.running = Some(Running {
            id,
            topic: topic.into(),
            source_partition,
            max_num_messages: numbers.max_num_messages,
            multiple_schema: is_true(config, MULTIPLE_SCHEMA_CONFIG),
            partition_count: numbers.partition_count,
            throttle: Throttle::new(numbers.throughput, &*clock),
            seqno,
            num_sent: 0,
            unreturned: None,
            clock,
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<SourceBatch> {
        let running = self.running.as_mut().ok_or_else(|| {
            ConnectError::fatal("SchemaSourceTask was polled before it was started")
        })?;
        if running.unreturned.is_none() {
            let all_sent = i64::try_from(running.num_sent)
                .is_ok_and(|num_sent| num_sent >= running.max_num_messages);
            if all_sent {
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
            let (record, line) = running.next_record()?;
            self.printer.begin(line.into_bytes());
            running.unreturned = Some(record);
        }
        self.printer.finish().await?;
        Ok(SourceBatch::Rows(
            running.unreturned.take().into_iter().collect(),
        ))
    }

    async fn stop(&mut self) -> Result<()> {
        self.running = None;
        self.printer.finish().await
    }
}

impl Running {
    fn next_record(&mut self) -> Result<(SourceRecord, String)> {
        let (id, seqno) = (self.id, self.seqno);
        // The remainder is smaller than the divisor, which has 32 bits.
        let partitioning = (seqno % i64::from(self.partition_count)) as i32;
        let second_schema = self.multiple_schema && !self.num_sent.is_multiple_of(2);
        let mut values: Vec<Value> = vec![
            true.into(),
            12i32.into(),
            12i64.into(),
            12.2f32.into(),
            12.2f64.into(),
            partitioning.into(),
        ];
        let schema = if second_schema {
            values.push("def".into());
            VALUE_SCHEMA_2.clone()?
        } else {
            VALUE_SCHEMA.clone()?
        };
        values.extend([Value::Int32(id), Value::Int64(seqno)]);
        let value = Struct::from_values(schema.clone(), values).into();
        let mut record = SourceRecord::new(self.topic.clone(), Some(schema), value);
        record.record.kafka_partition = Some(id);
        record.record.key_schema = Some(Schema::string());
        record.record.key = "key".into();
        record.origin.source_partition = Some(self.source_partition.clone());
        record.origin.source_offset = Some(Arc::new(Map::from_iter([("seqno", seqno)])));
        self.seqno = seqno.wrapping_add(1);
        self.num_sent += 1;
        Ok((record, format!("{{\"task\": {id}, \"seqno\": {seqno}}}\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paused_clock::{Captured, PausedClock, StoredOffset};

    async fn records_of(
        config: &[(&str, &str)],
        offset: Option<Map>,
        captured: &Captured,
    ) -> Result<Vec<SourceRecord>> {
        let mut task = SchemaSourceTask {
            printer: captured.printer(),
            running: None,
        };
        let context =
            SourceTaskContext::new(Arc::new(PausedClock::new()), Arc::new(StoredOffset(offset)));
        task.start(context, &config.iter().copied().collect())
            .await?;
        let mut records = Vec::new();
        loop {
            match task.poll().await? {
                SourceBatch::Rows(rows) if rows.is_empty() => return Ok(records),
                SourceBatch::Rows(rows) => records.extend(rows),
                batch => panic!("not rows: {batch:?}"),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn second_schema_comes_with_every_odd_message() {
        let captured = Captured::default();
        let config = [
            ("id", "2"),
            ("topic", "t"),
            ("throughput", "-1"),
            ("num.messages", "3"),
            ("multiple.schema", "true"),
            ("partition.count", "4"),
        ];
        let offset = Some(Map::from_iter([("seqno", 4i64)]));
        let records = records_of(&config, offset, &captured).await.expect("runs");
        let texts: Vec<String> = records.iter().map(|r| r.record.value.to_string()).collect();
        let fixed = "Struct{boolean=true,int=12,long=12,float=12.2,double=12.2";
        assert_eq!(
            texts,
            [
                format!("{fixed},partitioning=1,id=2,seqno=5}}"),
                format!("{fixed},partitioning=2,string=def,id=2,seqno=6}}"),
                format!("{fixed},partitioning=3,id=2,seqno=7}}"),
            ]
        );
        let versions: Vec<_> = records
            .iter()
            .map(|r| r.record.value_schema.as_ref().and_then(|s| s.version()))
            .collect();
        assert_eq!(versions, [Some(1), Some(2), Some(1)]);
        for record in &records {
            let Value::Struct(value) = &record.record.value else {
                panic!("not a struct");
            };
            value.validate().expect("fits its schema");
            assert_eq!(record.record.kafka_partition, Some(2));
            assert_eq!(record.record.key, Value::string("key"));
        }
        assert_eq!(
            captured.lines(),
            [
                r#"{"task": 2, "seqno": 5}"#,
                r#"{"task": 2, "seqno": 6}"#,
                r#"{"task": 2, "seqno": 7}"#
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn bad_numbers_are_refused() {
        let captured = Captured::default();
        for (key, value) in [("num.messages", "many"), ("partition.count", "0")] {
            let mut config = vec![
                ("id", "0"),
                ("topic", "t"),
                ("throughput", "-1"),
                ("num.messages", "3"),
            ];
            config.push((key, value));
            let error = records_of(&config, None, &captured)
                .await
                .expect_err("refused");
            assert_eq!(error.message(), "Invalid SchemaSourceTask configuration");
            assert!(error.trace().contains(key), "{}", error.trace());
        }
    }
}
