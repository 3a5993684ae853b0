//! The offsets of a sink: those of its consumer group.

use super::{OffsetChange, Subject};
use crate::face::{ConnectorOffset, HerderError, HerderResult};
use connect_api::config::ConfigMap;
use connect_api::data::{Map, Value};
use connect_api::{Offsets, SinkConnector, TopicPartition};
use connect_kafka::admin::{Admin, AdminError};
use connect_kafka::record::PartitionOffset;
use std::collections::BTreeMap;

/// What an offset of a sink is made of, in the words of the REST API.
pub(super) const TOPIC_KEY: &str = "kafka_topic";
pub(super) const PARTITION_KEY: &str = "kafka_partition";
pub(super) const OFFSET_KEY: &str = "kafka_offset";

/// The consumer group of a sink.
pub(super) fn consumer_group(connector: &str, config: &ConfigMap) -> String {
    config.get("consumer.override.group.id").map_or_else(
        || format!("connect-{connector}"),
        |group| group.trim().to_string(),
    )
}

pub(super) fn sink_offset(committed: &PartitionOffset) -> ConnectorOffset {
    let partition = &committed.partition;
    let partition: Map = [
        (PARTITION_KEY, Value::Int32(partition.partition)),
        (TOPIC_KEY, Value::string(&*partition.topic)),
    ]
    .into_iter()
    .collect();
    let offset: Map = [(OFFSET_KEY, Value::Int64(committed.offset))]
        .into_iter()
        .collect();
    ConnectorOffset {
        partition: Some(partition),
        offset: Some(offset),
    }
}

/// A sink whose offsets are changed.
pub(super) struct Sink<'a> {
    pub subject: Subject<'a>,
    pub plugin: &'a dyn SinkConnector,
    pub config: &'a ConfigMap,
    pub admin: &'a dyn Admin,
    pub group: String,
}

impl Sink<'_> {
    /// Returns whether the connector has changed all that there is to change.
    pub async fn change_offsets(&self, change: &OffsetChange) -> HerderResult<bool> {
        let connector = self.subject.connector;
        let offsets = match change {
            OffsetChange::Alter(offsets) => parse_sink_offsets(offsets)?,
            OffsetChange::Reset => self.committed_partitions().await?,
        };
        let mut altered = Offsets::new();
        let mut forgotten = Vec::new();
        for (partition, offset) in offsets {
            match offset {
                Some(offset) => {
                    altered.insert(partition, offset);
                }
                None => forgotten.push(partition),
            }
        }
        let is_all_done = self
            .plugin
            .alter_offsets(self.config, &altered, &forgotten)
            .await
            .map_err(|error| self.subject.refused(&error))?;
        if let Some((partition, offset)) = altered.iter().find(|(_, offset)| **offset < 0) {
            let cause = format!("the offset {offset} of {partition} is negative");
            return Err(self.subject.failed_to_modify(&cause));
        }
        let outcome = match change {
            OffsetChange::Alter(_) => self.write(&altered, &forgotten).await,
            OffsetChange::Reset => self.admin.delete_consumer_group(&self.group).await,
        };
        match outcome {
            Ok(()) => Ok(is_all_done),
            Err(error @ AdminError::GroupInUse { .. }) => {
                let verb = change.verb();
                let message = format!(
                    "Failed to {verb} consumer group offsets for connector {connector} either \
                     because its tasks haven't stopped completely yet or the connector was resumed \
                     before the request to {verb} its offsets could be successfully completed. If \
                     the connector is in a stopped state, this operation can be safely retried. If \
                     it doesn't eventually succeed, the Connect cluster may need to be restarted to \
                     get rid of the zombie sink tasks."
                );
                Err(self.subject.failed(message, &error))
            }
            Err(error) => {
                let message = match change {
                    OffsetChange::Alter(_) => {
                        format!("Failed to alter consumer group offsets for connector {connector}")
                    }
                    OffsetChange::Reset => format!(
                        "Failed to reset consumer group offsets for sink connector {connector}"
                    ),
                };
                Err(self.subject.failed(message, &error))
            }
        }
    }

    async fn committed_partitions(&self) -> HerderResult<BTreeMap<TopicPartition, Option<i64>>> {
        let committed = self.admin.list_consumer_group_offsets(&self.group).await;
        let committed = committed.map_err(|error| {
            let message = format!(
                "Failed to list offsets prior to resetting offsets for sink connector {}",
                self.subject.connector
            );
            self.subject.failed(message, &error)
        })?;
        let partitions = committed.into_iter();
        Ok(partitions.map(|one| (one.partition, None)).collect())
    }

    async fn write(
        &self,
        altered: &Offsets,
        forgotten: &[TopicPartition],
    ) -> Result<(), AdminError> {
        self.check_partitions(altered.keys().chain(forgotten))
            .await?;
        if !altered.is_empty() {
            let offsets: Vec<PartitionOffset> = altered
                .iter()
                .map(|(partition, offset)| PartitionOffset::new(partition.clone(), *offset))
                .collect();
            self.admin
                .alter_consumer_group_offsets(&self.group, &offsets)
                .await?;
        }
        if !forgotten.is_empty() {
            self.admin
                .delete_consumer_group_offsets(&self.group, forgotten)
                .await?;
        }
        Ok(())
    }

    /// All partitions must exist: the client library would wait for others to appear, and nothing may be
    /// changed if one is wrong.
    async fn check_partitions(
        &self,
        partitions: impl Iterator<Item = &TopicPartition> + Send,
    ) -> Result<(), AdminError> {
        let mut largest: BTreeMap<&str, i32> = BTreeMap::new();
        let mut is_any_negative = false;
        for partition in partitions {
            is_any_negative |= partition.partition < 0;
            let known = largest.entry(&partition.topic).or_default();
            *known = (*known).max(partition.partition);
        }
        for (topic, largest) in largest {
            let described = self.admin.describe_topic(topic).await?;
            if is_any_negative || described.is_none_or(|found| found.num_partitions <= largest) {
                return Err(AdminError::UnknownTopic {
                    operation: format!(
                        "changing the offset of partition {largest} for group {}",
                        self.group
                    ),
                    topic: topic.to_string(),
                });
            }
        }
        Ok(())
    }
}

/// Reads what a client says about the offsets of a sink. Numbers may be given as texts; the last one
/// of a partition counts, and `None` forgets its offset.
fn parse_sink_offsets(
    offsets: &[ConnectorOffset],
) -> HerderResult<BTreeMap<TopicPartition, Option<i64>>> {
    let mut parsed = BTreeMap::new();
    for ConnectorOffset { partition, offset } in offsets {
        let partition = sink_partition(partition.as_ref())?;
        let offset = offset.as_ref().map(sink_position).transpose()?;
        parsed.insert(partition, offset);
    }
    Ok(parsed)
}

fn sink_partition(partition: Option<&Map>) -> HerderResult<TopicPartition> {
    let Some(partition) = partition else {
        return Err(HerderError::bad_request(
            "The partition for a sink connector offset cannot be null or missing",
        ));
    };
    let (topic, number) = (
        partition.get_str(TOPIC_KEY),
        partition.get_str(PARTITION_KEY),
    );
    let (Some(topic), Some(number)) = (topic, number) else {
        return Err(HerderError::bad_request(format!(
            "The partition for a sink connector offset must contain the keys '{TOPIC_KEY}' and \
             '{PARTITION_KEY}'"
        )));
    };
    if matches!(topic, Value::Null) {
        return Err(HerderError::bad_request(
            "Kafka topic names must be valid strings and may not be null",
        ));
    }
    if matches!(number, Value::Null) {
        return Err(HerderError::bad_request(
            "Kafka partitions must be valid numbers and may not be null",
        ));
    }
    let number: i32 = number.to_string().parse().map_err(|_| {
        HerderError::bad_request(format!(
            "Failed to parse the following Kafka partition value in the provided offsets: \
             '{number}'. Partition values for sink connectors need to be integers."
        ))
    })?;
    Ok(TopicPartition::new(topic.to_string(), number))
}

fn sink_position(offset: &Map) -> HerderResult<i64> {
    let Some(position) = offset.get_str(OFFSET_KEY) else {
        return Err(HerderError::bad_request(format!(
            "The offset for a sink connector should either be null or contain the key \
             '{OFFSET_KEY}'"
        )));
    };
    position.to_string().parse().map_err(|_| {
        HerderError::bad_request(format!(
            "Failed to parse the following Kafka offset value in the provided offsets: \
             '{position}'. Offset values for sink connectors need to be integers."
        ))
    })
}
