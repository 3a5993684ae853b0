//! Partitions come and go.

use super::{POSITION_TIMEOUT, Runner};
use connect_api::{ConnectError, Result, TopicPartition};

impl Runner {
    pub(super) async fn on_assigned(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let result = self.open(partitions).await;
        self.consumer.complete_rebalance();
        result
    }

    async fn open(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let positions = self
            .consumer
            .position(partitions, POSITION_TIMEOUT)
            .await
            .map_err(|error| {
                ConnectError::fatal(format!(
                    "the position of the assigned partitions is not known: {error}"
                ))
            })?;
        for position in positions {
            self.current
                .insert(position.partition.clone(), position.offset);
            self.commits.assigned(position.partition, position.offset);
        }
        if self.paused || self.pending.is_some() {
            self.consumer.pause(partitions);
        }
        self.publish_assignment();
        if partitions.is_empty() {
            return Ok(());
        }
        tracing::info!(
            "{} partitions assigned: {}",
            partitions.len(),
            list(partitions)
        );
        self.task.open(partitions).await?;
        // A task may ask in `open` to go to the offsets that it keeps outside.
        self.apply_requests();
        Ok(())
    }

    pub(super) async fn on_revoked(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        if !partitions.is_empty() {
            tracing::info!(
                "{} partitions revoked: {}",
                partitions.len(),
                list(partitions)
            );
            self.commit_and_close(partitions).await;
        }
        self.forget(partitions);
        self.consumer.complete_rebalance();
        Ok(())
    }

    pub(super) async fn on_lost(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        if !partitions.is_empty() {
            tracing::warn!(
                "{} partitions lost, nothing is committed for them: {}",
                partitions.len(),
                list(partitions)
            );
            if let Err(error) = self.task.close(partitions).await {
                tracing::warn!("close of lost partitions failed: {error}");
            }
            for partition in partitions {
                self.current.remove(partition);
                self.commits.unassigned(partition);
            }
            self.open_reports.forget(partitions);
        }
        self.forget(partitions);
        self.consumer.complete_rebalance();
        Ok(())
    }

    fn forget(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.paused_by_task.remove(partition);
            self.lags.remove(partition);
        }
        self.drop_pending_of(&partitions.iter().cloned().collect());
        self.publish_assignment();
    }

    fn publish_assignment(&self) {
        self.publish_lags();
        self.metrics.set_partition_count(self.current.len());
        self.context
            .set_assignment(self.current.keys().cloned().collect());
    }
}

fn list(partitions: &[TopicPartition]) -> String {
    const MOST: usize = 20;
    let mut text = partitions
        .iter()
        .take(MOST)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if partitions.len() > MOST {
        text.push_str(", ...");
    }
    text
}
