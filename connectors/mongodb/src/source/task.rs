//! The task: events to records, errors to what follows from them.

use super::change_stream::StartAt;
use super::copy_progress::CopyProgress;
use super::event_mapping::EventMapping;
use super::failure::{Remedy, ServerError, after_opening, after_reading, stalled};
use super::heartbeat::Heartbeat;
use super::keys;
use super::offset::{ID, OffsetKind, StoredOffset, offset, offset_amid_copy, token_of};
use super::reader::{Copy, Failure, Message, Reader};
use super::settings::SourceSettings;
use super::startup::StartupMode;
use async_trait::async_trait;
use bson::Document;
use connect_api::config::ConfigMap;
use connect_api::data::Value;
use connect_api::{
    Clock, ConnectError, Gauge, Result, SourceBatch, SourceRecord, SourceTask, SourceTaskContext,
};
use std::sync::Arc;
use std::time::Duration;

/// The longest wait of one poll.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The pause before a stream is opened again that the server closed, or for a database that is not there.
const REOPEN_PAUSE: Duration = Duration::from_millis(500);

/// How many seconds the stream is behind the server: the name that the official connector has for it.
const LAG_METRIC: &str = "latest-mongodb-time-difference-secs";

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
    /// Where the stream begins without a position.
    begin: StartAt,
    /// What has been returned goes up to here.
    position: Option<Document>,
    /// What is still to be copied.
    copy: Option<Copy>,
    /// The last copied document. Its offset depends on whether another one follows.
    held_back: Option<Document>,
    heartbeat: Heartbeat,
    /// How often in a row the server gave no answer.
    num_stalls: u32,
    lag: Gauge,
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
            StartupMode::CopyExisting(copy) if !stored.is_past_copy => Some(Copy {
                progress: stored.copy_progress.filter(|_| copy.is_restartable),
                settings: copy.clone(),
            }),
            _ => None,
        };
        match (&stored.token, &copy) {
            (
                None,
                Some(Copy {
                    progress: Some(progress),
                    ..
                }),
            ) => tracing::info!(
                "Copying existing data goes on with the {} ranges that are left",
                progress.ranges().count()
            ),
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
            begin: StartAt::of_mode(&settings.startup),
            num_stalls: 0,
            lag: context.plugin_metrics().gauge(LAG_METRIC),
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
                let progress = self.copy.as_ref().and_then(|copy| copy.progress.as_ref());
                let token = self.position.as_ref().or(progress.map(CopyProgress::token));
                let start = match token {
                    Some(token) => StartAt::After(token.clone()),
                    None => self.begin.clone(),
                };
                let clock = self.clock.clone();
                Reader::start(self.settings.clone(), clock, start, self.copy.clone())
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
                Message::CopyPlanned(progress) => {
                    self.copy_mut()?.progress = Some(progress);
                    Vec::new()
                }
                Message::CopiedOfRange {
                    range,
                    documents,
                    is_end,
                } => self.copied_of_range(range, documents, is_end)?,
                Message::Opened {
                    token,
                    operation_time,
                } => {
                    // Else a stream that breaks before its first token would begin later.
                    if let (StartAt::Now, Some(time)) = (&self.begin, operation_time) {
                        self.begin = StartAt::OperationTime(time);
                    }
                    self.changed(&[], token)?
                }
                Message::Events {
                    events,
                    token,
                    lag_s,
                } => {
                    self.num_stalls = 0;
                    if let Some(lag_s) = lag_s {
                        self.lag.set(f64::from(lag_s));
                    }
                    self.changed(&events, token)?
                }
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

    fn copy_mut(&mut self) -> Result<&mut Copy> {
        let copy = self.copy.as_mut();
        copy.ok_or_else(|| ConnectError::fatal("The reader copies, and no copy was asked for"))
    }

    /// The offset of the last document says that the others are done with, too.
    fn copied_of_range(
        &mut self,
        range: usize,
        documents: Vec<Document>,
        is_end: bool,
    ) -> Result<Vec<SourceRecord>> {
        let progress = self.copy_mut()?.progress.as_mut();
        let progress = progress.ok_or_else(|| {
            ConnectError::fatal("The reader copies a range, and there is no plan")
        })?;
        let before = Value::from(progress.to_text());
        let last_id = match documents.last() {
            None => None,
            Some(document) => Some(token_of(document)?.get(ID).cloned().ok_or_else(|| {
                ConnectError::fatal(format!(
                    "A copied document has no {ID}, so the copy cannot go on behind it: let \
                     startup.mode.copy.existing.pipeline leave it, or set {}=false",
                    keys::COPY_RESTARTABLE
                ))
            })?),
        };
        progress.advance(range, last_id, is_end);
        // Behind the very last document comes the stream.
        let end = progress.is_finished().then(|| progress.token().clone());
        let after = Value::from(progress.to_text());
        let num_documents = documents.len();
        let mut records = Vec::with_capacity(num_documents);
        for (index, document) in documents.iter().enumerate() {
            let token = token_of(document)?;
            let offset = match &end {
                _ if index + 1 < num_documents => offset_amid_copy(token, &before),
                None => offset_amid_copy(token, &after),
                Some(end) => offset(end, OffsetKind::Change),
            };
            records.extend(self.mapping.record(document, offset)?);
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
                let goes_on = |copy: &Copy| copy.progress.is_some();
                let has_token = self.position.is_some() || self.copy.as_ref().is_some_and(goes_on);
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
            Failure::Stalled(timeout) => {
                self.num_stalls += 1;
                (stalled(&what, timeout, self.num_stalls), String::new())
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
                self.begin = StartAt::of_mode(&self.settings.startup);
                if let Some(copy) = &mut self.copy {
                    copy.progress = None;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
