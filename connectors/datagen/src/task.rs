//! Makes records, one after a pause of random length each, and stores the state of its generator.

use crate::config::{DatagenConfig, Records};
use crate::java_random::JavaRandom;
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::data::{Map, Schema, Value};
use connect_api::{
    Clock, ConnectError, Header, Result, SourceBatch, SourceRecord, SourceTask, SourceTaskContext,
};
use std::sync::Arc;
use std::time::Duration;

/// The setting that the connector adds for each task, and the key of the source partition.
pub(crate) const TASK_ID: &str = "task.id";
const TASK_GENERATION: &str = "task.generation";
const CURRENT_ITERATION: &str = "current.iteration";
const RANDOM_SEED: &str = "random.seed";

/// The longest wait of one poll.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// Records of one poll where no pause is between them.
const MAX_BATCH_NUM_RECORDS: usize = 100;
const MAX_BATCH_NUM_BYTES: usize = 1024 * 1024;

/// The task of [`DatagenConnector`](crate::DatagenConnector).
#[derive(Default)]
pub struct DatagenTask {
    running: Option<Running>,
}

struct Running {
    clock: Arc<dyn Clock>,
    config: DatagenConfig,
    task_id: i32,
    source_partition: Arc<Map>,
    records: Records,
    random: JavaRandom,
    /// How often the task was started before on the stored offsets.
    generation: i64,
    /// How many records were made, by earlier generations too.
    iteration: i64,
    /// When the next record is due.
    due: Option<Duration>,
    header_names: [Arc<str>; 3],
}

#[async_trait]
impl SourceTask for DatagenTask {
    async fn start(&mut self, context: SourceTaskContext, config: &ConfigMap) -> Result<()> {
        let task_id: i32 = config
            .get(TASK_ID)
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| {
                ConnectError::config("The task configuration holds no number 'task.id'")
            })?;
        let config = DatagenConfig::parse(config)?;
        let source_partition = Arc::new(Map::from_iter([(TASK_ID, task_id)]));
        let stored = context.offset(&source_partition).await?;
        let state = match &stored {
            Some(offset) => State::stored(offset)?,
            None => State::first(config.random_seed, task_id),
        };
        let for_reading = config.clone();
        let records = tokio::task::spawn_blocking(move || for_reading.records(state.iteration));
        let records = records
            .await
            .map_err(|error| ConnectError::fatal(format!("Reading the schema: {error}")))?
            .map_err(|(_, message)| ConnectError::config(message))?;
        self.running = Some(Running {
            clock: context.clock().clone(),
            config,
            task_id,
            source_partition,
            records,
            random: JavaRandom::new(state.seed),
            generation: state.generation,
            iteration: state.iteration,
            due: None,
            header_names: [
                TASK_GENERATION.into(),
                TASK_ID.into(),
                CURRENT_ITERATION.into(),
            ],
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<SourceBatch> {
        let running = self
            .running
            .as_mut()
            .ok_or_else(|| ConnectError::fatal("DatagenTask was polled before it was started"))?;
        if !running.is_due().await {
            return Ok(SourceBatch::empty());
        }
        running.make_batch()
    }

    async fn stop(&mut self) -> Result<()> {
        self.running = None;
        Ok(())
    }
}

/// Where a task goes on.
#[derive(Clone, Copy)]
struct State {
    generation: i64,
    iteration: i64,
    seed: i64,
}

impl State {
    fn first(random_seed: Option<i64>, task_id: i32) -> Self {
        let mut seed = random_seed.unwrap_or_else(rand::random);
        if random_seed.is_some() {
            // Tasks make different records from one seed.
            for _ in 0..task_id {
                seed = JavaRandom::new(seed).next_long();
            }
        }
        Self {
            generation: 0,
            iteration: 0,
            seed,
        }
    }

    fn stored(offset: &Map) -> Result<Self> {
        let number = |name: &str| {
            offset.get_str(name).and_then(Value::as_i64).ok_or_else(|| {
                ConnectError::fatal(format!(
                    "The stored offset {offset} has no whole number '{name}'; alter or reset the \
                     offsets of the connector"
                ))
            })
        };
        Ok(Self {
            generation: number(TASK_GENERATION)?,
            iteration: number(CURRENT_ITERATION)?,
            seed: number(RANDOM_SEED)?,
        })
    }
}

impl Running {
    /// Waits until the next record is due. `false` if that takes longer than a poll may.
    async fn is_due(&mut self) -> bool {
        let now = self.clock.monotonic();
        let max_interval = self.config.max_interval;
        let due = *self
            .due
            .get_or_insert_with(|| now.saturating_add(max_interval.mul_f64(rand::random::<f64>())));
        let wait = due.saturating_sub(now);
        if !wait.is_zero() {
            self.clock.sleep(wait.min(MAX_WAIT)).await;
        }
        wait <= MAX_WAIT
    }

    fn make_batch(&mut self) -> Result<SourceBatch> {
        let ended = |iteration: i64, config: &DatagenConfig| {
            config
                .iterations
                .is_some_and(|iterations| iteration >= iterations)
        };
        if ended(self.iteration, &self.config) {
            return Err(ConnectError::fatal(format!(
                "Stopping connector: generated the configured {} number of messages",
                self.iteration
            )));
        }
        let max_num_records = match self.config.max_interval.is_zero() {
            true => MAX_BATCH_NUM_RECORDS,
            false => 1,
        };
        let mut records = Vec::new();
        let mut num_bytes = 0;
        while records.len() < max_num_records
            && num_bytes < MAX_BATCH_NUM_BYTES
            && !ended(self.iteration, &self.config)
        {
            let record = self.next_record();
            num_bytes += record.record.value.num_bytes();
            records.push(record);
        }
        self.due = None;
        Ok(SourceBatch::Rows(records))
    }

    fn next_record(&mut self) -> SourceRecord {
        let value = self.records.generator.generate(&mut self.random);
        let schema = self.records.generator.schema.clone();
        let key = match (&value, self.records.key_index) {
            (Value::Struct(record), Some(index)) => {
                let field = &schema.fields()[index];
                (field.schema.clone(), record.values()[index].clone())
            }
            _ => (Schema::optional_string(), Value::Null),
        };
        // The state after this record: the next start goes on from it.
        let seed = self.random.next_long();
        self.random = JavaRandom::new(seed);
        let source_offset = Map::from_iter([
            (TASK_GENERATION, self.generation.wrapping_add(1)),
            (RANDOM_SEED, seed),
            (CURRENT_ITERATION, self.iteration.wrapping_add(1)),
        ]);
        let header_values = [self.generation, i64::from(self.task_id), self.iteration];
        let header = |(key, value): (&Arc<str>, i64)| Header {
            key: key.clone(),
            schema: Some(Schema::int64()),
            value: Value::Int64(value),
        };
        let mut record = SourceRecord::new(self.config.topic.clone(), Some(schema), value);
        record.record.headers = self
            .header_names
            .iter()
            .zip(header_values)
            .map(header)
            .collect();
        (record.record.key_schema, record.record.key) = (Some(key.0), key.1);
        record.origin.source_partition = Some(self.source_partition.clone());
        record.origin.source_offset = Some(Arc::new(source_offset));
        self.iteration = self.iteration.wrapping_add(1);
        record
    }
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
