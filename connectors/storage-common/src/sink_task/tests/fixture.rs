//! A task on a store in memory, under paused time.

use super::super::*;
use crate::format::Compression;
use crate::keys;
use crate::memory::MemoryStore;
use crate::retry::RetryPolicy;
use crate::settings::{Values, faults_to_error};
use crate::upload::UploadSettings;
use connect_api::config::ConfigDef;
use connect_api::data::Value;
use connect_api::{Clock, ErrantRecordReporter, Record, SinkOrigin, SinkRecord, TimestampType};
use futures::future::BoxFuture;
use std::io::Read;
use std::sync::Mutex;

pub(super) const TIME_BASED: &str = "io.confluent.connect.storage.partitioner.TimeBasedPartitioner";

/// Small, so that files have several.
const PART_BYTES: usize = 64 * 1024;

/// The paused time of the test's runtime.
struct TokioClock(tokio::time::Instant);

impl Clock for TokioClock {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000 + self.monotonic().as_millis() as i64
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

pub(super) fn partition() -> TopicPartition {
    TopicPartition::new("t", 0)
}

/// A record whose value is its offset.
pub(super) fn record(offset: i64) -> SinkRecord {
    SinkRecord {
        record: Record {
            topic: "t".into(),
            kafka_partition: Some(0),
            key_schema: None,
            key: Value::Null,
            value_schema: None,
            value: Value::Int64(offset),
            timestamp: Some(offset),
            headers: Vec::new(),
        },
        origin: SinkOrigin {
            original_topic: "t".into(),
            original_kafka_partition: 0,
            kafka_offset: offset,
            timestamp_type: TimestampType::CreateTime,
        },
    }
}

/// A record of about one KiB without a pattern, whose value begins with its offset.
pub(super) fn large_record(offset: i64) -> SinkRecord {
    let mut record = record(offset);
    let mut state = offset.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let text: String = (0..1000)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b'0' + (state % 43) as u8)
        })
        .collect();
    record.record.value = Value::string(format!("{offset} {text}"));
    record
}

pub(super) struct MemoryConnection {
    store: MemoryStore,
    compression: Compression,
}

#[async_trait]
impl StoreConnection for MemoryConnection {
    async fn open(
        &mut self,
        _context: &SinkTaskContext,
        config: &ConfigMap,
    ) -> Result<(SinkSettings, Arc<dyn ObjectStore>)> {
        let def = ConfigDef::new()
            .define_all(&keys::connector_keys())
            .define_all(&keys::key_and_header_keys("p"))
            .define_all(&keys::conditional_write_keys())
            .define_all(&keys::storage_keys())
            .define_all(&keys::partitioner_keys());
        let values = def.validate(config);
        let mut faults = Vec::new();
        let upload = UploadSettings {
            part_bytes: PART_BYTES,
            compression: self.compression,
            retry: RetryPolicy {
                max_retries: 2,
                backoff: Duration::from_millis(10),
                max_backoff: Duration::from_secs(1),
            },
        };
        let settings = SinkSettings::read(Values(&values), config, "p", upload, &mut faults)
            .ok_or_else(|| faults_to_error(&faults))?;
        Ok((settings, Arc::new(self.store.clone())))
    }
}

pub(super) struct Fixture {
    pub(super) task: ObjectStoreSinkTask<MemoryConnection>,
    pub(super) context: SinkTaskContext,
    pub(super) store: MemoryStore,
    reports: Arc<Reports>,
}

/// Keeps what is reported.
#[derive(Default)]
struct Reports(Mutex<Vec<String>>);

impl ErrantRecordReporter for Reports {
    fn report(
        &self,
        _record: &SinkOrigin,
        error: ConnectError,
    ) -> Result<BoxFuture<'static, Result<()>>> {
        self.0.lock().unwrap().push(error.to_string());
        Ok(Box::pin(std::future::ready(Ok(()))))
    }
}

impl Fixture {
    pub(super) async fn start(more: &[(&str, &str)]) -> Self {
        Self::start_on(MemoryStore::new(PART_BYTES), more, "none").await
    }

    /// The same with a place for reports.
    pub(super) async fn start_reporting(more: &[(&str, &str)]) -> Self {
        Self::start_with(MemoryStore::new(PART_BYTES), more, "none", true).await
    }

    /// What was reported.
    pub(super) fn reports(&self) -> Vec<String> {
        self.reports.0.lock().unwrap().clone()
    }

    pub(super) async fn start_on(
        store: MemoryStore,
        more: &[(&str, &str)],
        compression: &str,
    ) -> Self {
        Self::start_with(store, more, compression, false).await
    }

    async fn start_with(
        store: MemoryStore,
        more: &[(&str, &str)],
        compression: &str,
        has_reporter: bool,
    ) -> Self {
        let mut config = ConfigMap::from_iter([
            ("format.class", "p.format.json.JsonFormat"),
            ("flush.size", "3"),
            ("storage.class", "p.storage.Memory"),
        ]);
        for (key, value) in more {
            config.insert(*key, *value);
        }
        let clock = Arc::new(TokioClock(tokio::time::Instant::now()));
        let reports = Arc::new(Reports::default());
        let reporter = has_reporter.then(|| reports.clone() as Arc<dyn ErrantRecordReporter>);
        let context = SinkTaskContext::new(clock, reporter);
        let mut task = ObjectStoreSinkTask::new(MemoryConnection {
            store: store.clone(),
            compression: match compression {
                "gzip" => Compression::Gzip { level: Some(1) },
                _ => Compression::None,
            },
        });
        task.start(context.clone(), &config).await.unwrap();
        task.open(&[partition()]).await.unwrap();
        Self {
            task,
            context,
            store,
            reports,
        }
    }

    /// What `pre_commit` offers.
    pub(super) async fn committed(&mut self) -> Option<i64> {
        let offsets = self.task.pre_commit(&Offsets::new()).await.unwrap();
        offsets.get(&partition()).copied()
    }

    /// Closes and stops the task; it must leave no upload behind.
    pub(super) async fn close(&mut self) {
        self.task.close(&[partition()]).await.unwrap();
        assert_eq!(self.store.open_uploads(), Vec::<String>::new());
        self.task.stop().await.unwrap();
    }

    /// For each object the start offset in its name and the offsets that its lines begin with.
    pub(super) fn lines(&self) -> Vec<(i64, Vec<i64>)> {
        let mut lines: Vec<(i64, Vec<i64>)> = self
            .store
            .objects()
            .into_iter()
            .map(|(key, content)| {
                let name = key.split('+').nth(2).unwrap();
                let start = name.split('.').next().unwrap().parse().unwrap();
                let mut text = String::new();
                if key.ends_with(".gz") {
                    flate2::read::GzDecoder::new(&content[..])
                        .read_to_string(&mut text)
                        .unwrap();
                } else {
                    text.push_str(std::str::from_utf8(&content).unwrap());
                }
                (start, text.lines().map(offset_of_line).collect())
            })
            .collect();
        lines.sort();
        lines
    }
}

fn offset_of_line(line: &str) -> i64 {
    let text = line.trim_matches('"');
    text.split(' ').next().unwrap().parse().unwrap()
}
