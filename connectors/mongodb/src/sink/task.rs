//! The task: records to statements, statements to commands, errors to the dead letter queue.

mod errors;
mod writer;

use super::bulk::{BulkWrite, Statement};
use super::keys;
use super::namespace::Namespace;
use super::processing::process;
use super::settings::SinkSettings;
use super::topic_settings::{Tolerance, TopicSettings};
use crate::client::ConnectionSettings;
use crate::config::Values;
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::{
    ConnectError, Offsets, Result, SinkBatch, SinkRecord, SinkTask, SinkTaskContext,
};
use errors::Reports;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use writer::Writer;

/// `com.mongodb.kafka.connect.sink.MongoSinkTask`.
#[derive(Default)]
pub struct MongoSinkTask {
    started: Option<Started>,
}

struct Started {
    context: SinkTaskContext,
    settings: SinkSettings,
    writer: Writer,
    /// What is left of a batch whose `put` ended in a retriable error.
    unfinished: Option<Unfinished>,
    /// How many bulk writes each topic had since its last pause.
    num_writes: HashMap<String, u32>,
}

/// The groups of a batch that are not written yet.
struct Unfinished {
    batch: BatchMark,
    groups: VecDeque<Group>,
}

/// Tells whether a batch is the one that came before.
#[derive(PartialEq, Eq)]
struct BatchMark {
    num_records: usize,
    first: (Arc<str>, i32, i64),
    last: (Arc<str>, i32, i64),
}

impl BatchMark {
    fn of(records: &[SinkRecord]) -> Option<Self> {
        let place = |record: &SinkRecord| {
            let origin = &record.origin;
            (
                origin.original_topic.clone(),
                origin.original_kafka_partition,
                origin.kafka_offset,
            )
        };
        Some(Self {
            num_records: records.len(),
            first: place(records.first()?),
            last: place(records.last()?),
        })
    }
}

/// Neighbouring records of one topic that go to one collection.
struct Group {
    settings: Arc<TopicSettings>,
    /// The places of the records in the batch.
    records: Vec<usize>,
    write: BulkWrite,
}

#[async_trait]
impl SinkTask for MongoSinkTask {
    async fn start(&mut self, context: SinkTaskContext, config: &ConfigMap) -> Result<()> {
        let settings = SinkSettings::read(config)?;
        let values = keys::config_def().validate(config);
        let mut faults = Vec::new();
        let connection =
            ConnectionSettings::read(Values(&values), &mut faults).ok_or_else(|| {
                let messages: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
                ConnectError::config(messages.join("\n"))
            })?;
        tracing::info!("The MongoDB sink writes to {}", connection.hosts());
        self.started = Some(Started {
            context,
            settings,
            writer: Writer::new(connection),
            unfinished: None,
            num_writes: HashMap::new(),
        });
        Ok(())
    }

    async fn put(&mut self, batch: &SinkBatch) -> Result<()> {
        let started = self
            .started
            .as_mut()
            .ok_or_else(|| ConnectError::fatal("put was called before start"))?;
        match batch {
            SinkBatch::Rows(records) => started.put(records).await,
            _ => Err(ConnectError::fatal("The MongoDB sink only takes rows")),
        }
    }

    async fn pre_commit(&mut self, current: &Offsets) -> Result<Offsets> {
        // `put` returns when the server has acknowledged everything. While it has not, the batch comes
        // again, and none of its offsets may be committed.
        match &self.started {
            Some(started) if started.unfinished.is_none() => Ok(current.clone()),
            _ => Ok(Offsets::new()),
        }
    }

    async fn stop(&mut self) -> Result<()> {
        if let Some(started) = self.started.take() {
            started.writer.close().await;
        }
        Ok(())
    }
}

impl Started {
    async fn put(&mut self, records: &[SinkRecord]) -> Result<()> {
        let Some(mark) = BatchMark::of(records) else {
            return Ok(());
        };
        let mut groups = match self.unfinished.take() {
            Some(unfinished) if unfinished.batch == mark => unfinished.groups,
            _ => self.prepare(records).await?,
        };
        while let Some(group) = groups.front_mut() {
            if let Err(error) = self.write(group, records).await {
                if error.is_retriable() {
                    self.unfinished = Some(Unfinished {
                        batch: mark,
                        groups,
                    });
                }
                return Err(error);
            }
            let settings = group.settings.clone();
            groups.pop_front();
            self.limit_rate(&settings).await;
        }
        Ok(())
    }

    /// Makes statements of the records. Records that cannot become one are reported or end the task.
    async fn prepare(&mut self, records: &[SinkRecord]) -> Result<VecDeque<Group>> {
        let limits = self.writer.limits().await?;
        let now_ms = self.context.clock().now_ms();
        let mut groups: Vec<PlannedGroup> = Vec::new();
        for (place, record) in records.iter().enumerate() {
            let settings = self.settings.topic(&record.record.topic)?;
            let processed = process(&settings, record, now_ms).and_then(|processed| {
                processed
                    .map(|(namespace, model)| Ok((namespace, Statement::encode(model, &limits)?)))
                    .transpose()
            });
            let (namespace, statement) = match processed {
                Ok(Some(processed)) => processed,
                Ok(None) => continue,
                Err(error) => {
                    let error = errors::with_place(record, error);
                    self.reports(&settings).tolerate(record, error)?;
                    continue;
                }
            };
            match groups.last_mut() {
                Some(group) if group.takes(&settings, &namespace) => group.push(place, statement),
                _ => groups.push(PlannedGroup::new(settings, namespace, place, statement)),
            }
        }
        Ok(groups.into_iter().map(PlannedGroup::into_group).collect())
    }

    fn reports<'a>(&'a self, settings: &'a TopicSettings) -> Reports<'a> {
        Reports {
            reporter: self.context.errant_record_reporter(),
            settings,
        }
    }

    /// Writes a group. After a retriable error it goes on from where it stopped.
    async fn write(&mut self, group: &mut Group, records: &[SinkRecord]) -> Result<()> {
        let settings = group.settings.clone();
        if let Some(time_series) = &settings.time_series {
            let namespace = group.write.namespace();
            self.writer
                .ensure_time_series(namespace, time_series)
                .await?;
        }
        let result = self.writer.write(&mut group.write).await;
        let reports = self.reports(&settings);
        match result {
            Ok(()) => reports.outcome(&group.write, &group.records, records),
            Err(error) if error.is_retriable() => Err(error),
            Err(error) => {
                let unwritten = group.write.give_up();
                reports.outcome(&group.write, &group.records, records)?;
                let places = unwritten.iter().map(|member| group.records[*member]);
                reports.whole_command(places.filter_map(|place| records.get(place)), error)
            }
        }
    }

    async fn limit_rate(&mut self, settings: &TopicSettings) {
        let Some((pause, every_n)) = settings.rate_limit else {
            return;
        };
        let num_writes = self.num_writes.entry(settings.topic.clone()).or_default();
        *num_writes += 1;
        if *num_writes >= every_n {
            *num_writes = 0;
            tracing::debug!(
                "A pause of {} ms after {every_n} bulk writes of topic {}",
                pause.as_millis(),
                settings.topic
            );
            self.context.clock().sleep(pause).await;
        }
    }
}

/// A group while it grows.
struct PlannedGroup {
    settings: Arc<TopicSettings>,
    namespace: Namespace,
    records: Vec<usize>,
    statements: Vec<Statement>,
}

impl PlannedGroup {
    fn new(
        settings: Arc<TopicSettings>,
        namespace: Namespace,
        place: usize,
        statement: Statement,
    ) -> Self {
        Self {
            settings,
            namespace,
            records: vec![place],
            statements: vec![statement],
        }
    }

    fn takes(&self, settings: &TopicSettings, namespace: &Namespace) -> bool {
        let max = self.settings.max_batch_size;
        self.settings.topic == settings.topic
            && self.namespace == *namespace
            && (max == 0 || self.statements.len() < max)
    }

    fn push(&mut self, place: usize, statement: Statement) {
        self.records.push(place);
        self.statements.push(statement);
    }

    fn into_group(self) -> Group {
        let ordered = self.settings.ordered;
        Group {
            write: BulkWrite::new(self.namespace, ordered, self.statements),
            settings: self.settings,
            records: self.records,
        }
    }
}

/// Whether the error of a whole command is told for each record, or ends the task.
fn tolerates_whole_commands(tolerance: Tolerance) -> bool {
    tolerance == Tolerance::All
}

#[cfg(test)]
mod tests;
