//! Appends the text of each value to a file, or writes it to standard output.

use crate::config::{file_system_exception, sink_filename};
use crate::writer::LineWriter;
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::data::Value;
use connect_api::{ConnectError, Form, Offsets, Result, SinkBatch, SinkTask, SinkTaskContext};
use std::io::{self, Write};

/// The task of [`FileStreamSinkConnector`](crate::FileStreamSinkConnector).
#[derive(Default)]
pub struct FileStreamSinkTask {
    running: Option<Running>,
}

struct Running {
    /// The name of the file as errors show it.
    filename: String,
    writer: LineWriter,
    /// Whether a `put` began and did not end well: what it took is not all written, so that nothing
    /// more may be committed.
    incomplete: bool,
}

#[async_trait]
impl SinkTask for FileStreamSinkTask {
    fn accepts(&self) -> &'static [Form] {
        &[Form::Rows, Form::Bytes]
    }

    async fn start(&mut self, _context: SinkTaskContext, config: &ConfigMap) -> Result<()> {
        let (filename, writer) = match sink_filename(config)? {
            None => ("stdout".to_string(), LineWriter::to_standard_output()),
            Some(filename) => {
                let writer = LineWriter::append_to(&filename).await.map_err(|error| {
                    ConnectError::fatal(format!(
                        "Couldn't find or create file '{filename}' for FileStreamSinkTask"
                    ))
                    .with_cause(file_system_exception(&filename, &error))
                })?;
                (filename, writer)
            }
        };
        self.running = Some(Running {
            filename,
            writer,
            incomplete: false,
        });
        Ok(())
    }

    async fn put(&mut self, batch: &SinkBatch) -> Result<()> {
        let running = self.running()?;
        running.check_complete()?;
        running.incomplete = true;
        let outcome = running.append(batch).await;
        outcome.map_err(|error| running.cannot_write(&error))?;
        running.incomplete = false;
        Ok(())
    }

    async fn pre_commit(&mut self, current: &Offsets) -> Result<Offsets> {
        let running = self.running()?;
        running.check_complete()?;
        running.incomplete = true;
        let outcome = running.writer.flush().await;
        outcome.map_err(|error| running.cannot_write(&error))?;
        running.incomplete = false;
        Ok(current.clone())
    }

    async fn stop(&mut self) -> Result<()> {
        match self.running.take() {
            Some(mut running) if !running.incomplete => {
                let outcome = running.writer.flush().await;
                outcome.map_err(|error| running.cannot_write(&error))
            }
            _ => Ok(()),
        }
    }
}

impl FileStreamSinkTask {
    fn running(&mut self) -> Result<&mut Running> {
        self.running
            .as_mut()
            .ok_or_else(|| ConnectError::fatal("FileStreamSinkTask was used before it was started"))
    }
}

impl Running {
    async fn append(&mut self, batch: &SinkBatch) -> io::Result<()> {
        match batch {
            SinkBatch::Rows(records) => {
                for record in records {
                    append_row(self.writer.buffer(), &record.record.value)?;
                    if self.writer.is_full() {
                        self.writer.hand_over().await?;
                    }
                }
            }
            SinkBatch::Bytes(batch) => {
                for record in &batch.records {
                    append_line(
                        self.writer.buffer(),
                        record.value.as_deref().unwrap_or(b"null"),
                    );
                    if self.writer.is_full() {
                        self.writer.hand_over().await?;
                    }
                }
            }
            // A form that `accepts` does not name.
            _ => return Err(io::ErrorKind::Unsupported.into()),
        }
        // Readers of the file see each batch soon, as with the JVM's task, and not only at the commit.
        if !self.writer.buffer().is_empty() {
            self.writer.hand_over().await?;
        }
        Ok(())
    }

    fn check_complete(&self) -> Result<()> {
        if self.incomplete {
            return Err(ConnectError::fatal(format!(
                "FileStreamSinkTask could not write all records to file '{}' earlier; restart the \
                 task to read them again",
                self.filename
            )));
        }
        Ok(())
    }

    fn cannot_write(&self, error: &io::Error) -> ConnectError {
        let advice = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                ". Make room on its disk, then restart the task: it goes on from the last commit"
            }
            _ => "",
        };
        ConnectError::fatal(format!(
            "Couldn't write to file '{}' for FileStreamSinkTask{advice}",
            self.filename
        ))
        .with_cause(file_system_exception(&self.filename, error))
    }
}

fn append_line(buffer: &mut Vec<u8>, line: &[u8]) {
    buffer.extend_from_slice(line);
    buffer.push(b'\n');
}

fn append_row(buffer: &mut Vec<u8>, value: &Value) -> io::Result<()> {
    match value {
        Value::String(text) => append_line(buffer, text.as_bytes()),
        // Java prints the identity of the array, which is of no use to anybody.
        Value::Bytes(bytes) => append_line(buffer, bytes),
        value => writeln!(buffer, "{value}")?,
    }
    Ok(())
}

#[cfg(test)]
#[path = "sink_task_tests.rs"]
mod tests;
