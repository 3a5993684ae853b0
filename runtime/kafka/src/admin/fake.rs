//! Administration in memory, for tests of what is built on [`Admin`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;

use super::{Admin, AdminError, NewTopic, TopicCreation, TopicDescription, Watermarks};
use crate::error::ErrorCode;
use crate::record::{PartitionOffset, TopicPartition};

/// An [`Admin`] in memory.
#[derive(Debug, Default)]
pub struct FakeAdmin {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    topics: BTreeMap<String, Topic>,
    group_offsets: BTreeMap<String, Vec<PartitionOffset>>,
    watermarks: BTreeMap<TopicPartition, Watermarks>,
    errors: BTreeMap<&'static str, VecDeque<AdminError>>,
}

#[derive(Debug)]
struct Topic {
    num_partitions: i32,
    configs: BTreeMap<String, String>,
}

impl FakeAdmin {
    /// A cluster without topics.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a topic, whatever [`create_topic`](Admin::create_topic) would say.
    pub fn add_topic(&self, name: &str, num_partitions: i32, configs: BTreeMap<String, String>) {
        let topic = Topic {
            num_partitions,
            configs,
        };
        self.state().topics.insert(name.to_owned(), topic);
    }

    /// Sets what a group has committed.
    pub fn set_group_offsets(&self, group_id: &str, offsets: Vec<PartitionOffset>) {
        self.state()
            .group_offsets
            .insert(group_id.to_owned(), offsets);
    }

    /// Sets the watermarks of a partition; without them they are both 0.
    pub fn set_watermarks(&self, partition: TopicPartition, watermarks: Watermarks) {
        self.state().watermarks.insert(partition, watermarks);
    }

    /// Makes the next call of the method named `method` fail.
    pub fn fail_next(&self, method: &'static str, error: AdminError) {
        self.state()
            .errors
            .entry(method)
            .or_default()
            .push_back(error);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn call(&self, method: &str) -> Result<MutexGuard<'_, State>, AdminError> {
        let mut state = self.state();
        match state.errors.get_mut(method).and_then(VecDeque::pop_front) {
            Some(error) => Err(error),
            None => Ok(state),
        }
    }
}

#[async_trait]
impl Admin for FakeAdmin {
    async fn cluster_id(&self) -> Result<String, AdminError> {
        self.call("cluster_id").map(|_| "fake-cluster".to_owned())
    }

    async fn describe_topic(&self, topic: &str) -> Result<Option<TopicDescription>, AdminError> {
        let state = self.call("describe_topic")?;
        Ok(state.topics.get(topic).map(|found| TopicDescription {
            name: topic.to_owned(),
            num_partitions: found.num_partitions,
        }))
    }

    async fn create_topic(&self, topic: &NewTopic) -> Result<TopicCreation, AdminError> {
        let mut state = self.call("create_topic")?;
        if state.topics.contains_key(&topic.name) {
            return Ok(TopicCreation::Existed);
        }
        let created = Topic {
            num_partitions: topic.num_partitions.max(1),
            configs: topic.configs.clone(),
        };
        state.topics.insert(topic.name.clone(), created);
        Ok(TopicCreation::Created)
    }

    async fn topic_configs(&self, topic: &str) -> Result<BTreeMap<String, String>, AdminError> {
        let state = self.call("topic_configs")?;
        let found = state
            .topics
            .get(topic)
            .ok_or_else(|| unknown_topic(topic))?;
        Ok(found.configs.clone())
    }

    async fn list_consumer_group_offsets(
        &self,
        group_id: &str,
    ) -> Result<Vec<PartitionOffset>, AdminError> {
        let state = self.call("list_consumer_group_offsets")?;
        Ok(state
            .group_offsets
            .get(group_id)
            .cloned()
            .unwrap_or_default())
    }

    async fn alter_consumer_group_offsets(
        &self,
        group_id: &str,
        offsets: &[PartitionOffset],
    ) -> Result<(), AdminError> {
        let mut state = self.call("alter_consumer_group_offsets")?;
        for offset in offsets {
            let topic = &*offset.partition.topic;
            let exists = state.topics.get(topic).is_some_and(|found| {
                (0..found.num_partitions).contains(&offset.partition.partition)
            });
            if !exists {
                return Err(unknown_topic(topic));
            }
        }
        let committed = state.group_offsets.entry(group_id.to_owned()).or_default();
        for offset in offsets {
            committed.retain(|one| one.partition != offset.partition);
            committed.push(offset.clone());
        }
        Ok(())
    }

    async fn delete_consumer_group_offsets(
        &self,
        group_id: &str,
        partitions: &[TopicPartition],
    ) -> Result<(), AdminError> {
        let mut state = self.call("delete_consumer_group_offsets")?;
        match state.group_offsets.get_mut(group_id) {
            Some(committed) => committed.retain(|one| !partitions.contains(&one.partition)),
            None => {
                return Err(AdminError::Failed {
                    operation: format!("removing offsets of group {group_id}"),
                    code: ErrorCode::GROUP_ID_NOT_FOUND,
                });
            }
        }
        Ok(())
    }

    async fn delete_consumer_group(&self, group_id: &str) -> Result<(), AdminError> {
        let mut state = self.call("delete_consumer_group")?;
        state.group_offsets.remove(group_id);
        Ok(())
    }

    async fn watermarks(&self, partition: &TopicPartition) -> Result<Watermarks, AdminError> {
        let state = self.call("watermarks")?;
        let exists = state
            .topics
            .get(&*partition.topic)
            .is_some_and(|topic| (0..topic.num_partitions).contains(&partition.partition));
        if !exists {
            return Err(unknown_topic(&partition.topic));
        }
        let none = Watermarks { low: 0, high: 0 };
        Ok(state.watermarks.get(partition).copied().unwrap_or(none))
    }
}

fn unknown_topic(topic: &str) -> AdminError {
    AdminError::UnknownTopic {
        operation: "asking".to_owned(),
        topic: topic.to_owned(),
    }
}
