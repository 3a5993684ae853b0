//! The ends of transactions: offsets are written, and all becomes visible or nothing.

use super::super::Runner;
use super::super::exactly_once::{Retries, STEP_TIMEOUT, commit_error};
use super::OFFSET_TOKEN;
use crate::produce_error::send_error;
use connect_api::{ConnectError, Result};
use connect_kafka::producer::{ProducerRecord, SendError, TransactionError};
use connect_store::OffsetEntry;

impl Runner {
    pub(super) async fn commit_transaction(&mut self) -> Result<()> {
        let started = self.clock.monotonic();
        let outcome = self.try_commit_transaction().await;
        let elapsed = self.clock.monotonic().saturating_sub(started);
        let is_success = outcome.is_ok();
        self.metrics
            .task()
            .record_offset_commit(is_success, elapsed);
        if let Some(transactions) = self.commits.transactions() {
            transactions.writer.end_flush(is_success);
            transactions.completed_round |= is_success;
        }
        outcome
    }

    async fn try_commit_transaction(&mut self) -> Result<()> {
        self.await_reports().await?;
        let Some(transactions) = self.commits.transactions() else {
            return Ok(());
        };
        transactions.keep_latest();
        let task = transactions.task.clone();
        let failed = |cause: ConnectError| {
            ConnectError::fatal(format!(
                "Failed to flush offsets and/or records for task {task}"
            ))
            .with_cause(cause)
        };
        let entries = transactions.writer.begin_write();
        let entries = entries.map_err(|error| failed(error.into()))?;
        let kept = match entries {
            None if !transactions.is_open => Vec::new(),
            entries => {
                let entries = entries.unwrap_or_default();
                self.begin_transaction()?;
                let kept = self.write_offsets(entries).await.map_err(failed)?;
                self.make_visible().await?;
                kept
            }
        };
        self.copy_offsets(kept).await;
        // All that was submitted is written or dropped.
        self.submitted.take_committable(|_, _| {});
        if let Some(transactions) = self.commits.transactions() {
            self.acked.append(&mut transactions.acked);
        }
        Ok(())
    }

    /// Skipped records are not read again once a later offset is stored: their reports come before.
    async fn await_reports(&mut self) -> Result<()> {
        while self
            .commits
            .transactions()
            .is_some_and(|transactions| transactions.num_open_reports > 0)
            && self.error.is_none()
        {
            let (token, result) = self.settled_reports.next().await;
            self.on_report(token, result);
        }
        self.fail_if_not_written()
    }

    /// Sends offsets in the open transaction. Returns those that the worker's offsets get a copy of.
    async fn write_offsets(&mut self, entries: Vec<OffsetEntry>) -> Result<Vec<OffsetEntry>> {
        let Some(transactions) = self.commits.transactions() else {
            return Ok(Vec::new());
        };
        let topic = transactions.offsets_topic.clone();
        let worker_offsets = transactions.worker_offsets.clone();
        if let Some(worker_offsets) = &worker_offsets {
            let removed = entries.iter().filter(|entry| entry.value.is_none());
            let removed: Vec<OffsetEntry> = removed.cloned().collect();
            // First: otherwise a removed offset would come back from there after a failure in between.
            if !removed.is_empty() {
                worker_offsets.set(removed).await?;
            }
        }
        for entry in &entries {
            self.send_offset(&topic, entry).await?;
        }
        Ok(match worker_offsets {
            None => Vec::new(),
            Some(_) => {
                let kept = entries.into_iter().filter(|entry| entry.value.is_some());
                kept.collect()
            }
        })
    }

    async fn send_offset(&mut self, topic: &str, entry: &OffsetEntry) -> Result<()> {
        let record = ProducerRecord {
            topic,
            partition: None,
            key: Some(&entry.key),
            value: entry.value.as_deref(),
            headers: &[],
            timestamp_ms: None,
            token: OFFSET_TOKEN.0,
        };
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err(SendError::QueueFull) => {
                    tokio::select! {
                        biased;
                        deliveries = self.deliveries.recv() => {
                            if let Some(deliveries) = deliveries {
                                self.on_deliveries(&deliveries);
                            }
                        }
                        () = self.producer.wait_for_room() => {}
                    }
                }
                Err(error) => return Err(send_error(&error)),
            }
        }
    }

    /// Commits with the producer, however long that takes: whether a commit that was given up has taken
    /// effect, only the next producer would know.
    async fn make_visible(&mut self) -> Result<()> {
        let mut retries = Retries::default();
        while let Some(producer) = self.producer.transactional() {
            match producer.commit_transaction(STEP_TIMEOUT).await {
                Ok(()) => break,
                Err(error) if error.is_retriable() => {
                    retries
                        .wait("commit the transaction", &error, &*self.clock)
                        .await;
                }
                Err(error) => return Err(self.commit_failed(&error)),
            }
        }
        self.receive_deliveries().await;
        if let Some(transactions) = self.commits.transactions() {
            transactions.is_open = false;
            self.metrics.record_transaction(transactions.num_records);
            transactions.num_records = 0;
        }
        Ok(())
    }

    fn commit_failed(&mut self, error: &TransactionError) -> ConnectError {
        tracing::error!("Failed to commit producer transaction: {error}");
        match self.commits.transactions() {
            Some(transactions) => commit_error(&transactions.task, error),
            None => ConnectError::fatal(error.to_string()),
        }
    }

    /// Every record that was sent has its delivery by now, or very soon.
    async fn receive_deliveries(&mut self) {
        while self.producer.in_flight_records() > 0 {
            match self.deliveries.recv().await {
                Some(deliveries) => self.on_deliveries(&deliveries),
                None => return,
            }
        }
    }

    /// The worker's offsets get a copy, as well as it goes: the connector's own are read first.
    async fn copy_offsets(&mut self, kept: Vec<OffsetEntry>) {
        let Some(transactions) = self.commits.transactions() else {
            return;
        };
        let (Some(worker_offsets), false) = (&transactions.worker_offsets, kept.is_empty()) else {
            return;
        };
        let failure = match tokio::time::timeout(
            transactions.flush_timeout,
            worker_offsets.set(kept),
        )
        .await
        {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it takes longer than offset.flush.timeout.ms".to_string(),
        };
        tracing::warn!("Failed to write offsets to secondary backing store: {failure}");
    }

    pub(super) async fn abort_as_requested(&mut self) -> Result<()> {
        let is_open = self
            .commits
            .transactions()
            .is_some_and(|transactions| transactions.is_open);
        if !is_open {
            tracing::warn!(
                "Ignoring request by task to abort transaction as the current transaction is empty"
            );
            return Ok(());
        }
        let aborted = self.abort_transaction().await;
        aborted.map_err(|error| self.commit_failed(&error))
    }

    async fn abort_transaction(&mut self) -> std::result::Result<(), TransactionError> {
        if let Some(transactions) = self.commits.transactions() {
            transactions.is_aborting = true;
        }
        let mut retries = Retries::default();
        while let Some(producer) = self.producer.transactional() {
            match producer.abort_transaction(STEP_TIMEOUT).await {
                Ok(()) => break,
                Err(error) if error.is_retriable() => {
                    retries
                        .wait("abort the transaction", &error, &*self.clock)
                        .await;
                }
                Err(error) => return Err(error),
            }
        }
        self.receive_deliveries().await;
        if let Some(transactions) = self.commits.transactions() {
            transactions.is_aborting = false;
            transactions.is_open = false;
            transactions.num_records = 0;
            // Nobody will find them where they were written.
            for acked in &mut transactions.acked {
                acked.metadata = None;
            }
        }
        Ok(())
    }

    /// The task ends: others must not wait for a transaction that nobody will end.
    pub(in crate::source) async fn abort_what_is_open(&mut self) {
        let is_open = self
            .commits
            .transactions()
            .is_some_and(|transactions| transactions.is_open);
        if !is_open {
            return;
        }
        tracing::info!("Aborting incomplete transaction due to shutdown");
        if let Err(error) = self.abort_transaction().await {
            // A failed producer's transaction ends with the next one, or by its timeout.
            tracing::debug!("the open transaction was not aborted: {error}");
        }
    }
}
