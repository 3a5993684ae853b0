#![doc = "A source that counts and a sink that collects, registered and driven as a worker would."]
use async_trait::async_trait;
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, Validator};
use connect_api::data::{Map, Schema, Value};
use connect_api::{registry::linkme, *};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

/// One declaration: parsing, validation, the validate endpoint and the documentation read it.
static COUNT_CONFIG: LazyLock<ConfigDef> = LazyLock::new(|| {
    let topic = ConfigKey::new("topic", ConfigType::String)
        .importance(Importance::High)
        .validator(Validator::NonEmptyString)
        .doc("The topic to count into.");
    let limit = ConfigKey::new("limit", ConfigType::Long)
        .default(10)
        .validator(Validator::at_least(1))
        .doc("The last number.");
    ConfigDef::new().define(topic).define(limit)
});

// Linking the crate into a worker is all it takes: the worker finds the class name in this slice.
#[linkme::distributed_slice(CONNECTORS)]
#[linkme(crate = connect_api::registry::linkme)]
static COUNT: ConnectorPlugin = ConnectorPlugin {
    class: "org.example.CountSourceConnector",
    task_class: "org.example.CountSourceTask",
    version: "1.0.0",
    config_def: || &COUNT_CONFIG,
    factory: ConnectorFactory::Source(|| Box::new(CountConnector::default())),
};
#[linkme::distributed_slice(CONNECTORS)]
#[linkme(crate = connect_api::registry::linkme)]
static COLLECT: ConnectorPlugin = ConnectorPlugin {
    class: "org.example.CollectSinkConnector",
    task_class: "org.example.CollectSinkTask",
    version: "1.0.0",
    config_def: no_config,
    factory: ConnectorFactory::Sink(|| Box::new(CollectConnector::default())),
};

#[derive(Default)]
struct CountConnector(ConfigMap);
#[async_trait]
impl SourceConnector for CountConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        self.0 = config.clone();
        Ok(())
    }
    fn task_configs(&self, _max_tasks: usize) -> Result<Vec<ConfigMap>> {
        Ok(vec![self.0.clone()]) // one counter, so one task, whatever tasks.max allows
    }
    fn new_task(&self) -> Box<dyn SourceTask> {
        Box::new(CountTask::default())
    }
}

#[derive(Default)]
struct CountTask {
    topic: String,
    limit: i64,
    counted: i64,
    clock: Option<Arc<dyn Clock>>,
}
#[async_trait]
impl SourceTask for CountTask {
    async fn start(&mut self, context: SourceTaskContext, config: &ConfigMap) -> Result<()> {
        let config = COUNT_CONFIG.parse(config)?;
        (self.topic, self.limit) = (config.string("topic")?.to_owned(), config.long("limit")?);
        // Go on where the last acknowledged record of an earlier run stands.
        let stored = context.offset(&map("counter", "main")).await?;
        self.counted = stored
            .and_then(|offset| offset.get_str("counted")?.as_i64())
            .unwrap_or(0);
        self.clock = Some(context.clock().clone());
        Ok(())
    }
    async fn poll(&mut self) -> Result<SourceBatch> {
        if self.counted == self.limit {
            let clock = self
                .clock
                .as_ref()
                .ok_or_else(|| ConnectError::fatal("not started"))?;
            clock.sleep(Duration::from_secs(1)).await; // now and then an empty batch, never a busy loop
            return Ok(SourceBatch::empty());
        }
        self.counted += 1;
        let (schema, value) = (Some(Schema::int64()), Value::Int64(self.counted));
        let mut record = SourceRecord::new(self.topic.as_str(), schema, value);
        record.origin.source_partition = Some(Arc::new(map("counter", "main")));
        record.origin.source_offset = Some(Arc::new(map("counted", self.counted)));
        Ok(SourceBatch::Rows(vec![record]))
    }
    async fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}

fn map(key: &str, value: impl Into<Value>) -> Map {
    let mut map = Map::new();
    map.insert(key, value);
    map
}

#[derive(Default)]
struct CollectConnector(ConfigMap);
#[async_trait]
impl SinkConnector for CollectConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        self.0 = config.clone();
        Ok(())
    }
    fn task_configs(&self, max_tasks: usize) -> Result<Vec<ConfigMap>> {
        Ok(vec![self.0.clone(); max_tasks]) // Kafka shares the partitions out among them
    }
    fn new_task(&self) -> Box<dyn SinkTask> {
        Box::new(CollectTask)
    }
}

/// The outside system.
static COLLECTED: Mutex<Vec<Value>> = Mutex::new(Vec::new());

struct CollectTask;
#[async_trait]
impl SinkTask for CollectTask {
    async fn start(&mut self, _context: SinkTaskContext, _config: &ConfigMap) -> Result<()> {
        Ok(())
    }
    async fn put(&mut self, batch: &SinkBatch) -> Result<()> {
        let SinkBatch::Rows(records) = batch else {
            return Err(ConnectError::fatal("only rows were asked for"));
        };
        let mut collected = COLLECTED
            .lock()
            .map_err(|_| ConnectError::fatal("a task has crashed"))?;
        collected.extend(records.iter().map(|record| record.record.value.clone()));
        Ok(())
    }
    async fn pre_commit(&mut self, current: &Offsets) -> Result<Offsets> {
        Ok(current.clone()) // every put was stored at once: all of it may be committed
    }
    async fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}

// From here on: what a worker does with them, on a clock that a test can hold.

/// Time that only moves when somebody sleeps.
#[derive(Default)]
struct StepClock(Arc<Mutex<Duration>>);
impl Clock for StepClock {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000 + self.monotonic().as_millis() as i64
    }
    fn monotonic(&self) -> Duration {
        self.0.lock().map_or(Duration::MAX, |time| *time)
    }
    fn sleep(&self, duration: Duration) -> futures::future::BoxFuture<'static, ()> {
        if let Ok(mut time) = self.0.lock() {
            *time += duration;
        }
        Box::pin(std::future::ready(()))
    }
}

/// The offset that was stored for the only source partition.
struct StoredOffset(Option<Map>);
#[async_trait]
impl OffsetStorageReader for StoredOffset {
    async fn offsets(&self, partitions: &[Map]) -> Result<Vec<Option<Map>>> {
        Ok(vec![self.0.clone(); partitions.len()])
    }
}

/// Runs the source until it has nothing more, from a stored offset: the records and the last offset.
async fn run_source(config: &ConfigMap, stored: Option<Map>) -> Result<(Vec<Record>, Option<Map>)> {
    let clock: Arc<dyn Clock> = Arc::new(StepClock::default());
    let plugin = CONNECTORS
        .iter()
        .find(|plugin| plugin.class == "org.example.CountSourceConnector");
    let ConnectorFactory::Source(create) = plugin.expect("it is linked in").factory else {
        panic!("it is a source");
    };
    let mut connector = create();
    let events = Arc::new(|event| panic!("nothing happens outside: {event:?}"));
    connector
        .start(ConnectorContext::new(clock.clone(), events), config)
        .await?;
    let task_config = connector.task_configs(1)?.remove(0);
    let mut task = connector.new_task();
    let mut last_offset = stored.clone();
    let offsets = Arc::new(StoredOffset(stored));
    task.start(SourceTaskContext::new(clock.clone(), offsets), &task_config)
        .await?;
    let mut records = Vec::new();
    while let SourceBatch::Rows(batch) = task.poll().await? {
        if batch.is_empty() {
            break;
        }
        for SourceRecord { record, origin } in batch {
            last_offset = origin.source_offset.map(|offset| Map::clone(&offset));
            records.push(record);
        }
    }
    assert_eq!(
        clock.monotonic(),
        Duration::from_secs(1),
        "it waited for more"
    );
    task.stop().await?;
    connector.stop().await?;
    Ok((records, last_offset))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // Validation names every fault at once.
    let faulty: ConfigMap = [("limit", "0")].into_iter().collect();
    let faults = COUNT_CONFIG
        .parse(&faulty)
        .err()
        .map(|error| error.message().to_owned());
    assert_eq!(
        faults.as_deref(),
        Some(
            "Missing required configuration \"topic\" which has no default value.\n\
             Invalid value 0 for configuration limit: Value must be at least 1"
        )
    );

    // The first run counts to 3; the next one goes on from the stored offset.
    let config: ConfigMap = [("topic", "numbers"), ("limit", "3")].into_iter().collect();
    let (mut records, stored) = run_source(&config, None).await?;
    assert_eq!(stored, Some(map("counted", 3_i64)));
    let config: ConfigMap = [("topic", "numbers"), ("limit", "5")].into_iter().collect();
    records.extend(run_source(&config, stored).await?.0);

    // The sink gets them as Kafka would hand them over, and says how far they are safe.
    let partition = TopicPartition::new("numbers", 0);
    let mut task = CollectConnector::default().new_task();
    let context = SinkTaskContext::new(Arc::new(StepClock::default()), None);
    context.set_assignment([partition.clone()].into());
    task.start(context, &ConfigMap::new()).await?;
    task.open(std::slice::from_ref(&partition)).await?;
    let rows = records
        .into_iter()
        .enumerate()
        .map(|(offset, record)| SinkRecord {
            origin: SinkOrigin {
                original_topic: record.topic.clone(),
                original_kafka_partition: 0,
                kafka_offset: offset as i64,
                timestamp_type: TimestampType::CreateTime,
            },
            record,
        });
    task.put(&SinkBatch::Rows(rows.collect())).await?;
    let current = Offsets::from([(partition.clone(), 5)]);
    assert_eq!(task.pre_commit(&current).await?, current);
    task.close(&[partition]).await?;
    task.stop().await?;
    let collected = COLLECTED
        .lock()
        .map_err(|_| ConnectError::fatal("a task has crashed"))?;
    assert_eq!(*collected, [1, 2, 3, 4, 5].map(Value::Int64));
    Ok(())
}
