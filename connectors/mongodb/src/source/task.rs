//! The task: events to records, errors to what follows from them.

use super::change_stream::StartAt;
use super::event_mapping::EventMapping;
use super::failure::{Remedy, ServerError, after_opening, after_reading};
use super::heartbeat::Heartbeat;
use super::offset::{OffsetKind, StoredOffset, offset, token_of};
use super::reader::{Failure, Message, Reader};
use super::settings::SourceSettings;
use super::startup::{CopySettings, StartupMode};
use async_trait::async_trait;
use bson::Document;
use connect_api::config::ConfigMap;
use connect_api::{
    Clock, ConnectError, Result, SourceBatch, SourceRecord, SourceTask, SourceTaskContext,
};
use std::sync::Arc;
use std::time::Duration;

/// The longest wait of one poll.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The pause before a stream is opened again that the server closed, or for a database that is not there.
const REOPEN_PAUSE: Duration = Duration::from_millis(500);

/// `com.mongodb.kafka.connect.source.MongoSourceTask`.
#[derive(Default)]
pub struct MongoSourceTask {
    started: Option<Started>,
}

struct Started {
    clock: Arc<dyn Clock>,
    settings: Arc<SourceSettings>,
    mapping: EventMapping,
    reader: Option<Reader>,
    /// Whether the server has taken the position.
    is_open: bool,
    /// What has been returned goes up to here; `None` begins as `startup.mode` says.
    position: Option<Document>,
    /// What is still to be copied.
    copy: Option<CopySettings>,
    /// The last copied document. Its offset depends on whether another one follows.
    held_back: Option<Document>,
    heartbeat: Heartbeat,
    /// When the reader may start again.
    pause_until: Option<Duration>,
}

#[async_trait]
impl SourceTask for MongoSourceTask {
    async fn start(&mut self, context: SourceTaskContext, config: &ConfigMap) -> Result<()> {
        let settings = SourceSettings::read(config)?;
        let stored = context.offset(&settings.partition).await?;
        let stored = StoredOffset::read(stored.as_ref())?;
        let copy = match &settings.startup {
            StartupMode::CopyExisting(copy) if !stored.is_past_copy => Some(copy.clone()),
            _ => None,
        };
        match (&stored.token, &copy) {
            (Some(token), _) => tracing::info!(
                "Resuming the change stream on {} after the stored offset {token}",
                settings.stream.scope
            ),
            (None, Some(_)) => {
                tracing::info!("No finished copy is stored: existing data is copied")
            }
            (None, None) => tracing::info!(
                "The change stream on {} begins without a stored offset",
                settings.stream.scope
            ),
        }
        self.started = Some(Started {
            clock: context.clock().clone(),
            mapping: settings.mapping.clone(),
            heartbeat: settings.heartbeat.clone(),
            settings: Arc::new(settings),
            reader: None,
            is_open: false,
            position: stored.token,
            copy,
            held_back: None,
            pause_until: None,
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<SourceBatch> {
        let started = self
            .started
            .as_mut()
            .ok_or_else(|| ConnectError::fatal("poll was called before start"))?;
        started.poll().await
    }

    async fn stop(&mut self) -> Result<()> {
        self.started = None;
        Ok(())
    }
}

impl Started {
    async fn poll(&mut self) -> Result<SourceBatch> {
        let until = self.clock.monotonic() + MAX_WAIT;
        loop {
            let now = self.clock.monotonic();
            if now >= until {
                return Ok(self.quiet());
            }
            if let Some(pause_until) = self.pause_until {
                if pause_until > now {
                    self.clock.sleep(pause_until.min(until) - now).await;
                    continue;
                }
                self.pause_until = None;
            }
            let reader = self.reader.get_or_insert_with(|| {
                let start = match &self.position {
                    Some(token) => StartAt::After(token.clone()),
                    None => StartAt::of_mode(&self.settings.startup),
                };
                Reader::start(self.settings.clone(), start, self.copy.clone())
            });
            let sleep = self.clock.sleep(until - now);
            let message = tokio::select! {
                message = reader.next() => message,
                () = sleep => return Ok(self.quiet()),
            };
            // From here on nothing waits: what was received is returned.
            let records = match message {
                Message::Copied(documents) => self.copied(documents)?,
                Message::CopyFinished(token) => self.copy_finished(token)?,
                Message::Events { events, token } => self.changed(&events, token)?,
                Message::Failed(failure) => {
                    self.reader = None;
                    self.is_open = false;
                    self.held_back = None;
                    self.recover(failure)?;
                    continue;
                }
            };
            if !records.is_empty() {
                return Ok(SourceBatch::Rows(records));
            }
            if self.copy.is_none() && self.heartbeat.interval_ms > 0 {
                let batch = self.quiet();
                if !batch.is_empty() {
                    return Ok(batch);
                }
            }
        }
    }

    /// What is returned when there is nothing.
    fn quiet(&mut self) -> SourceBatch {
        // The server may still refuse the position, which must not be stored again then.
        if self.copy.is_some() || !self.is_open {
            return SourceBatch::empty();
        }
        let now_ms = self.clock.now_ms();
        let token = self.position.as_ref();
        let record = self
            .heartbeat
            .record(now_ms, token, &self.settings.partition);
        SourceBatch::Rows(record.into_iter().collect())
    }

    fn changed(
        &mut self,
        events: &[Document],
        token: Option<Document>,
    ) -> Result<Vec<SourceRecord>> {
        self.is_open = true;
        let mut records = Vec::with_capacity(events.len());
        for event in events {
            let offset = offset(token_of(event)?, OffsetKind::Change);
            records.extend(self.mapping.record(event, offset)?);
        }
        if token.is_some() {
            self.position = token;
            // If the copy had no token at its end, it counts as done from here on.
            self.copy = None;
        }
        Ok(records)
    }

    fn copied(&mut self, documents: Vec<Document>) -> Result<Vec<SourceRecord>> {
        let mut records = Vec::with_capacity(documents.len());
        for document in documents {
            if let Some(before) = self.held_back.replace(document) {
                records.extend(self.copied_record(&before)?);
            }
        }
        Ok(records)
    }

    fn copied_record(&mut self, document: &Document) -> Result<Option<SourceRecord>> {
        let offset = offset(token_of(document)?, OffsetKind::Copy);
        self.mapping.record(document, offset)
    }

    /// The last document carries the token that the stream goes on from: the copy is done with it.
    fn copy_finished(&mut self, token: Option<Document>) -> Result<Vec<SourceRecord>> {
        tracing::info!("Finished copying existing data from the collection(s).");
        if token.is_some() {
            self.copy = None;
        }
        let record = match (self.held_back.take(), &token) {
            (None, _) => None,
            (Some(last), None) => self.copied_record(&last)?,
            (Some(last), Some(token)) => self
                .mapping
                .record(&last, offset(token, OffsetKind::Change))?,
        };
        self.position = token;
        Ok(record.into_iter().collect())
    }

    /// Makes ready for the next start of the reader, or tells the runtime.
    fn recover(&mut self, failure: Failure) -> Result<()> {
        let scope = &self.settings.stream.scope;
        let hosts = self.settings.connection.hosts();
        let what = format!("The change stream on {scope} of {hosts}");
        let tolerates_errors = self.mapping.tolerates_errors;
        let (remedy, told) = match failure {
            Failure::Opening(error) => {
                let told = ServerError::new(&what, &error);
                let text = told.error.message().to_string();
                let has_token = self.position.is_some();
                let remedy = after_opening(told, scope, has_token, tolerates_errors);
                (remedy, text)
            }
            Failure::Reading(error) => {
                let told = ServerError::new(&what, &error);
                let text = told.error.message().to_string();
                (after_reading(told, tolerates_errors), text)
            }
            Failure::Closed => {
                tracing::info!("{what} has been closed by the server and is opened again");
                (Remedy::TryLater, String::new())
            }
            Failure::Other(error) => (Remedy::Fail(error), String::new()),
            Failure::Stopped => {
                let error = ConnectError::retriable(format!("{what} ended without a reason"));
                (Remedy::Fail(error), String::new())
            }
        };
        match remedy {
            Remedy::Fail(error) => return Err(error),
            Remedy::TryLater => self.pause_until = Some(self.clock.monotonic() + REOPEN_PAUSE),
            Remedy::StartAnew { is_gap } => {
                if is_gap {
                    tracing::error!(
                        "{told}. Changes since the stored offset may be lost: the stream begins anew, \
                         because errors.tolerance=all"
                    );
                } else {
                    tracing::warn!("{told}. The stream begins anew, without the resume token");
                }
                self.position = None;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
