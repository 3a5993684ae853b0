//! What tests do with topics: make, fill, read to the end.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use rdkafka::{Offset, TopicPartitionList};

use super::wait;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A record to produce, or one that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicRecord {
    /// Where it lies; to be produced, `None` lets the partitioner choose.
    pub partition: Option<i32>,
    /// Its offset; not looked at when produced.
    pub offset: i64,
    /// The key's bytes.
    pub key: Option<Vec<u8>>,
    /// The value's bytes; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The time in the record; to be produced, `None` takes the clock's.
    pub timestamp_ms: Option<i64>,
}

impl TopicRecord {
    /// A record with a value only.
    pub fn of_value(value: impl Into<Vec<u8>>) -> Self {
        Self {
            value: Some(value.into()),
            ..Self::default()
        }
    }

    /// A record with a key and a value.
    pub fn of_key_value(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self {
            key: Some(key.into()),
            ..Self::of_value(value)
        }
    }

    /// The value as text; invalid UTF-8 and a missing value fail the test.
    pub fn value_text(&self) -> &str {
        let value = self
            .value
            .as_deref()
            .unwrap_or_else(|| panic!("the record has no value: {self:?}"));
        std::str::from_utf8(value)
            .unwrap_or_else(|error| panic!("the value is not UTF-8 ({error}): {self:?}"))
    }
}

/// The values of `records` as text.
pub fn values(records: &[TopicRecord]) -> Vec<&str> {
    records.iter().map(TopicRecord::value_text).collect()
}

/// A test's hand on the topics of one cluster.
#[derive(Clone, Debug)]
pub struct Topics {
    bootstrap_servers: String,
}

impl Topics {
    /// Of the cluster at `bootstrap_servers`, without logging in.
    pub fn of(bootstrap_servers: &str) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.to_owned(),
        }
    }

    /// Makes a topic and waits until it may be written to.
    pub async fn create(&self, topic: &str, num_partitions: i32) {
        self.create_with(topic, num_partitions, &[]).await;
    }

    /// As [`create`](Self::create), with topic configs.
    pub async fn create_with(&self, topic: &str, num_partitions: i32, configs: &[(&str, &str)]) {
        let mut new = NewTopic::new(topic, num_partitions, TopicReplication::Fixed(1));
        for (key, value) in configs {
            new = new.set(key, value);
        }
        let options = AdminOptions::new().operation_timeout(Some(Timeout::After(REQUEST_TIMEOUT)));
        let results = self.admin().create_topics([&new], &options).await;
        let results =
            results.unwrap_or_else(|error| panic!("cannot create topic {topic}: {error}"));
        for result in results {
            result.unwrap_or_else(|(topic, error)| panic!("cannot create topic {topic}: {error}"));
        }
    }

    /// Deletes a topic.
    pub async fn delete(&self, topic: &str) {
        let options = AdminOptions::new().operation_timeout(Some(Timeout::After(REQUEST_TIMEOUT)));
        let results = self.admin().delete_topics(&[topic], &options).await;
        for result in results.unwrap_or_else(|error| panic!("cannot delete topic {topic}: {error}"))
        {
            result.unwrap_or_else(|(topic, error)| panic!("cannot delete topic {topic}: {error}"));
        }
    }

    /// The names of all topics and their partition counts, Kafka's own topics included.
    pub async fn list(&self) -> Vec<(String, usize)> {
        let consumer = self.consumer(None);
        blocking(move || {
            let metadata = consumer.fetch_metadata(None, REQUEST_TIMEOUT)?;
            Ok(metadata
                .topics()
                .iter()
                .map(|topic| (topic.name().to_owned(), topic.partitions().len()))
                .collect())
        })
        .await
    }

    /// Produces `records` in order and waits until the broker has them all.
    pub async fn produce(&self, topic: &str, records: &[TopicRecord]) {
        let producer: FutureProducer = made(
            self.client()
                .set("enable.idempotence", "true")
                .set("linger.ms", "5")
                .set("queue.buffering.max.kbytes", "65536")
                .create(),
        );
        let mut deliveries = Vec::with_capacity(records.len());
        for record in records {
            let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
            for (key, value) in &record.headers {
                headers = headers.insert(Header {
                    key,
                    value: value.as_deref(),
                });
            }
            let mut message: FutureRecord<'_, [u8], [u8]> =
                FutureRecord::to(topic).headers(headers);
            message.partition = record.partition;
            message.timestamp = record.timestamp_ms;
            message.key = record.key.as_deref();
            message.payload = record.value.as_deref();
            let delivery = loop {
                match producer.send_result(message) {
                    Ok(delivery) => break delivery,
                    // The client's buffer is full: it drains while the oldest deliveries are waited for.
                    Err((
                        KafkaError::MessageProduction(rdkafka::types::RDKafkaErrorCode::QueueFull),
                        back,
                    )) => {
                        message = back;
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    Err((error, _)) => panic!("cannot produce to {topic}: {error}"),
                }
            };
            deliveries.push(delivery);
        }
        for delivery in deliveries {
            match delivery.await {
                Ok(Ok(_)) => {}
                Ok(Err((error, _))) => panic!("a record for {topic} was not delivered: {error}"),
                Err(_) => {
                    panic!("the producer was dropped before its records for {topic} were delivered")
                }
            }
        }
    }

    /// Produces each line as a value.
    pub async fn produce_lines<L: AsRef<str>>(&self, topic: &str, lines: &[L]) {
        let records: Vec<_> = lines
            .iter()
            .map(|line| TopicRecord::of_value(line.as_ref()))
            .collect();
        self.produce(topic, &records).await;
    }

    /// Reads every partition to its end, open transactions included; sorted by partition and offset.
    pub async fn read_all(&self, topic: &str) -> Vec<TopicRecord> {
        self.read(topic, "read_uncommitted").await
    }

    /// As [`read_all`](Self::read_all), without what is not committed.
    pub async fn read_all_committed(&self, topic: &str) -> Vec<TopicRecord> {
        self.read(topic, "read_committed").await
    }

    /// Reads again until the topic holds `num_records` at least, and returns all it holds then.
    pub async fn wait_for_records(&self, topic: &str, num_records: usize) -> Vec<TopicRecord> {
        let what = format!("{num_records} records in topic {topic}");
        wait::eventually(&what, async || {
            if self.num_records_at_most(topic).await < num_records {
                return Err("fewer offsets than that".to_owned());
            }
            let records = self.read_all(topic).await;
            match records.len() >= num_records {
                true => Ok(records),
                false => Err(format!("{} records", records.len())),
            }
        })
        .await
    }

    /// The end offset of each partition; empty if the topic does not exist.
    pub async fn end_offsets(&self, topic: &str) -> Vec<i64> {
        let (consumer, topic) = (self.consumer(None), topic.to_owned());
        blocking(move || {
            let metadata = consumer.fetch_metadata(Some(&topic), REQUEST_TIMEOUT)?;
            let num_partitions = metadata
                .topics()
                .first()
                .map_or(0, |topic| topic.partitions().len());
            (0..num_partitions as i32)
                .map(|partition| {
                    Ok(consumer
                        .fetch_watermarks(&topic, partition, REQUEST_TIMEOUT)?
                        .1)
                })
                .collect()
        })
        .await
    }

    /// The broker that leads each partition of a topic, -1 where none does; empty if there is no such topic.
    pub async fn leaders(&self, topic: &str) -> Vec<i32> {
        let (consumer, topic) = (self.consumer(None), topic.to_owned());
        blocking(move || {
            let metadata = consumer.fetch_metadata(Some(&topic), REQUEST_TIMEOUT)?;
            let partitions = metadata.topics().first().map(|topic| topic.partitions());
            let mut leaders: Vec<_> = partitions
                .unwrap_or_default()
                .iter()
                .map(|partition| (partition.id(), partition.leader()))
                .collect();
            leaders.sort_unstable();
            Ok(leaders.into_iter().map(|(_, leader)| leader).collect())
        })
        .await
    }

    /// The broker that leads each partition of `__consumer_offsets`, and so coordinates its groups; has the
    /// brokers make that topic, and waits until all of it is led.
    pub async fn offsets_topic_leaders(&self) -> Vec<i32> {
        let asks_for_its_coordinator = self.consumer(Some("nobody"));
        let what = "a leader for each partition of __consumer_offsets";
        let leaders = wait::eventually(what, async || {
            let leaders = self.leaders("__consumer_offsets").await;
            match !leaders.is_empty() && leaders.iter().all(|leader| *leader >= 0) {
                true => Ok(leaders),
                false => Err(format!("{leaders:?}")),
            }
        })
        .await;
        drop(asks_for_its_coordinator);
        leaders
    }

    /// The committed offset of a consumer group for each partition of a topic; `None` where there is none.
    pub async fn committed_offsets(&self, group: &str, topic: &str) -> Vec<Option<i64>> {
        let num_partitions = self.end_offsets(topic).await.len() as i32;
        let (consumer, topic) = (self.consumer(Some(group)), topic.to_owned());
        blocking(move || {
            let mut partitions = TopicPartitionList::new();
            partitions.add_partition_range(&topic, 0, num_partitions - 1);
            let committed = consumer.committed_offsets(partitions, REQUEST_TIMEOUT)?;
            Ok(committed
                .elements()
                .iter()
                .map(|element| match element.offset() {
                    Offset::Offset(offset) => Some(offset),
                    _ => None,
                })
                .collect())
        })
        .await
    }

    /// Waits until a consumer group has committed `offsets`, one for each partition of the topic.
    pub async fn wait_for_commit(&self, group: &str, topic: &str, offsets: &[i64]) {
        let wanted: Vec<_> = offsets.iter().copied().map(Some).collect();
        let what = format!("offsets {offsets:?} of {topic} committed by {group}");
        wait::eventually(&what, async || {
            let committed = self.committed_offsets(group, topic).await;
            match committed == wanted {
                true => Ok(()),
                false => Err(format!("{committed:?}")),
            }
        })
        .await;
    }

    /// A bound that costs no reading: compacted records and transaction markers count too.
    async fn num_records_at_most(&self, topic: &str) -> usize {
        self.end_offsets(topic)
            .await
            .iter()
            .map(|end| *end as usize)
            .sum()
    }

    async fn read(&self, topic: &str, isolation_level: &str) -> Vec<TopicRecord> {
        let num_partitions = self.end_offsets(topic).await.len();
        let config = {
            let mut config = self.client();
            config
                .set("enable.auto.commit", "false")
                // librdkafka assigns nothing to a client without a group; none is joined.
                .set("group.id", "test-reader")
                .set("enable.partition.eof", "true")
                .set("isolation.level", isolation_level);
            config
        };
        let topic = topic.to_owned();
        blocking(move || read_to_end(&config, &topic, num_partitions)).await
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap_servers);
        config
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        made(self.client().create())
    }

    /// Joins no group, and makes no topic by asking for it. Only a question about a group names one: a
    /// client with a group looks for its coordinator, for which the broker makes `__consumer_offsets`.
    fn consumer(&self, group: Option<&str>) -> BaseConsumer {
        let mut config = self.client();
        config
            .set("enable.auto.commit", "false")
            .set("allow.auto.create.topics", "false");
        if let Some(group) = group {
            config.set("group.id", group);
        }
        made(config.create())
    }
}

fn made<C>(client: Result<C, KafkaError>) -> C {
    client.unwrap_or_else(|error| panic!("cannot make a Kafka client: {error}"))
}

fn read_to_end(
    config: &ClientConfig,
    topic: &str,
    num_partitions: usize,
) -> Result<Vec<TopicRecord>, KafkaError> {
    let consumer: BaseConsumer = config.create()?;
    let mut partitions = TopicPartitionList::new();
    for partition in 0..num_partitions as i32 {
        partitions.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    // Where the partitions end now: one that grows all the time might never be seen at its end.
    let ends = (0..num_partitions as i32)
        .map(|partition| {
            let watermarks = consumer.fetch_watermarks(topic, partition, REQUEST_TIMEOUT)?;
            Ok(watermarks.1)
        })
        .collect::<Result<Vec<i64>, KafkaError>>()?;
    consumer.assign(&partitions)?;
    // A set: a partition that grows while it is read comes to its end more than once.
    let mut open: BTreeSet<i32> = (0..num_partitions as i32).collect();
    let (mut records, began) = (Vec::new(), Instant::now());
    while !open.is_empty() {
        assert!(
            began.elapsed() < wait::DEADLINE,
            "topic {topic} was not read to its end in {:?}",
            wait::DEADLINE
        );
        match consumer.poll(Duration::from_millis(200)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            Some(Err(error)) => return Err(error),
            Some(Ok(message)) => {
                if message.offset() + 1 >= ends[message.partition() as usize] {
                    open.remove(&message.partition());
                }
                records.push(TopicRecord {
                    partition: Some(message.partition()),
                    offset: message.offset(),
                    key: message.key().map(<[u8]>::to_vec),
                    value: message.payload().map(<[u8]>::to_vec),
                    headers: message
                        .headers()
                        .map(|headers| {
                            headers
                                .iter()
                                .map(|header| {
                                    (header.key.to_owned(), header.value.map(<[u8]>::to_vec))
                                })
                                .collect()
                        })
                        .unwrap_or_default(),
                    timestamp_ms: message.timestamp().to_millis(),
                });
            }
        }
    }
    records.sort_by_key(|record| (record.partition, record.offset));
    Ok(records)
}

/// librdkafka's synchronous calls, off the test's own thread.
async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> T {
    match tokio::task::spawn_blocking(call).await {
        Ok(result) => result.unwrap_or_else(|error| panic!("Kafka client: {error}")),
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}
