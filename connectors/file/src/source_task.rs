//! Reads a file, or standard input, line by line.

use crate::config::{FILENAME_FIELD, POSITION_FIELD, SourceConfig, file_system_exception};
use crate::input::{FileRead, Opened, Pieces, open_file, read_file_at};
use crate::lines::{Lines, split_lines};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use connect_api::config::ConfigMap;
use connect_api::data::{Map, Value};
use connect_api::{
    ConnectError, PlainType, Result, SourceBatch, SourceBytes, SourceOffsets, SourceTask,
    SourceTaskContext,
};
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How long to wait for more lines, or for a missing file, as the JVM's task does.
const WAIT: Duration = Duration::from_secs(1);
/// A missing file is named in the log at once and then after this many tries.
const TRIES_BETWEEN_WARNINGS: u64 = 60;
/// Bytes of one read: one system call for some thousand lines.
const READ_NUM_BYTES: usize = 512 * 1024;
/// The longest line; what waits for its end is kept in memory. Far above `max.message.bytes` of any
/// broker.
pub(crate) const MAX_LINE_NUM_BYTES: usize = 64 * 1024 * 1024;

/// The task of [`FileStreamSourceConnector`](crate::FileStreamSourceConnector).
///
/// What was read and not yet returned stands in `pending`, and only code without an await between
/// takes lines out of it: a dropped `poll` loses nothing.
#[derive(Default)]
pub struct FileStreamSourceTask {
    running: Option<Running>,
}

struct Running {
    context: SourceTaskContext,
    config: SourceConfig,
    source_partition: Arc<Map>,
    position_field: Arc<str>,
    /// The offset of every line of standard input: nothing to go on from.
    untracked_offset: Option<Arc<Map>>,
    input: Option<Input>,
    /// The position of the first byte of `pending`.
    position: u64,
    pending: Bytes,
    /// The number of bytes of `pending` that hold no line end.
    scanned: usize,
    missing_tries: u64,
    warned_of_truncation: bool,
}

enum Input {
    Regular(Arc<File>),
    Pipe(Pieces),
    /// A pipe or standard input whose other end was closed.
    Ended,
}

#[async_trait]
impl SourceTask for FileStreamSourceTask {
    async fn start(&mut self, context: SourceTaskContext, config: &ConfigMap) -> Result<()> {
        let config = SourceConfig::parse(config)?;
        let filename = Value::from(config.filename.as_deref());
        let (input, untracked_offset) = match &config.filename {
            Some(_) => (None, None),
            None => (
                Some(Input::Pipe(Pieces::of_standard_input()?)),
                Some(Arc::new(Map::from_iter([(POSITION_FIELD, Value::Null)]))),
            ),
        };
        self.running = Some(Running {
            context,
            source_partition: Arc::new(Map::from_iter([(FILENAME_FIELD, filename)])),
            position_field: POSITION_FIELD.into(),
            untracked_offset,
            input,
            position: 0,
            pending: Bytes::new(),
            scanned: 0,
            missing_tries: 0,
            warned_of_truncation: false,
            config,
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<SourceBatch> {
        match &mut self.running {
            Some(running) => running.poll().await,
            None => Err(ConnectError::fatal(
                "FileStreamSourceTask was polled before it was started",
            )),
        }
    }

    async fn stop(&mut self) -> Result<()> {
        self.running = None;
        Ok(())
    }
}

impl Running {
    async fn poll(&mut self) -> Result<SourceBatch> {
        if self.input.is_none() && !self.open().await? {
            return Ok(SourceBatch::empty());
        }
        loop {
            let lines = split_lines(&self.pending, self.scanned, self.config.batch_size);
            if !lines.ends.is_empty() {
                return Ok(SourceBatch::Bytes(self.take(lines)));
            }
            // The last byte may be a `\r` that waits for the byte behind it.
            self.scanned = self.pending.len().saturating_sub(1);
            if self.pending.len() > MAX_LINE_NUM_BYTES {
                return Err(self.line_too_long());
            }
            if !self.read_more().await? {
                return Ok(SourceBatch::empty());
            }
        }
    }

    /// The name as the log shows it.
    fn log_filename(&self) -> &str {
        self.config.filename.as_deref().unwrap_or("stdin")
    }

    /// Removes lines from the front of `pending` and makes a batch of them.
    fn take(&mut self, lines: Lines) -> SourceBytes {
        let position = self.position;
        let source_offsets = match &self.untracked_offset {
            Some(offset) => SourceOffsets::Maps(vec![Some(offset.clone()); lines.ends.len()]),
            None => SourceOffsets::Int64 {
                field: self.position_field.clone(),
                values: lines
                    .ends
                    .iter()
                    .map(|&end| i64::try_from(position + end as u64).unwrap_or(i64::MAX))
                    .collect(),
            },
        };
        let num_bytes = lines.num_bytes();
        self.position += num_bytes as u64;
        self.pending = self.pending.slice(num_bytes..);
        self.scanned = 0;
        SourceBytes {
            topic: self.config.topic.clone(),
            source_partition: Some(self.source_partition.clone()),
            value_type: PlainType::String,
            values: lines.values,
            source_offsets,
            timestamp: Some(self.context.clock().now_ms()),
        }
    }

    /// Opens the file and goes to the stored position. `false` after a wait: the file is not there.
    async fn open(&mut self) -> Result<bool> {
        let Some(filename) = self.config.filename.clone() else {
            // Standard input is opened by `start`.
            return Ok(false);
        };
        let path = filename.clone();
        let opened = match blocking(move || open_file(&path)).await {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.missing_tries.is_multiple_of(TRIES_BETWEEN_WARNINGS) {
                    tracing::warn!(
                        "Couldn't find file {filename} for FileStreamSourceTask, waiting for it to \
                         be created. It is looked for each second; create it, or correct 'file' \
                         (a relative name is looked up in the worker's working directory)"
                    );
                }
                self.missing_tries += 1;
                self.context.clock().sleep(WAIT).await;
                return Ok(false);
            }
            Err(error) => return Err(cannot_read("open", &filename, &error)),
        };
        let position = self.stored_position().await?;
        self.input = Some(match opened {
            Opened::Regular(file) => Input::Regular(file),
            Opened::Pipe => Input::Pipe(
                Pieces::of_pipe(&filename)
                    .map_err(|error| cannot_read("open", &filename, &error))?,
            ),
        });
        self.position = position;
        self.missing_tries = 0;
        tracing::debug!("Opened {filename} for reading from position {position}");
        Ok(true)
    }

    async fn stored_position(&self) -> Result<u64> {
        let offset = self.context.offset(&self.source_partition).await?;
        match offset
            .as_ref()
            .and_then(|offset| offset.get_str(POSITION_FIELD))
        {
            None | Some(Value::Null) => Ok(0),
            Some(Value::Int64(position)) => Ok(u64::try_from(*position).unwrap_or(0)),
            Some(_) => Err(ConnectError::fatal("Offset position is the incorrect type")),
        }
    }

    /// Puts more bytes behind `pending`. `false` after a wait: there are none.
    async fn read_more(&mut self) -> Result<bool> {
        match &mut self.input {
            Some(Input::Regular(file)) => {
                let file = file.clone();
                self.read_file(file).await
            }
            Some(Input::Pipe(pieces)) => {
                let piece = tokio::select! {
                    piece = pieces.next() => piece,
                    () = self.context.clock().sleep(WAIT) => return Ok(false),
                };
                match piece {
                    Some(Ok(piece)) => {
                        self.append(&piece);
                        Ok(true)
                    }
                    Some(Err(error)) => Err(cannot_read("read", self.log_filename(), &error)),
                    None => {
                        tracing::info!(
                            "{} has ended; the task stays, without records",
                            self.log_filename()
                        );
                        self.input = Some(Input::Ended);
                        Ok(false)
                    }
                }
            }
            Some(Input::Ended) | None => {
                self.context.clock().sleep(WAIT).await;
                Ok(false)
            }
        }
    }

    fn append(&mut self, piece: &Bytes) {
        if self.pending.is_empty() {
            self.pending = piece.clone();
            return;
        }
        // Without a copy if no batch shares the buffer any more.
        let mut pending = match std::mem::take(&mut self.pending).try_into_mut() {
            Ok(pending) => pending,
            Err(shared) => BytesMut::from(&shared[..]),
        };
        pending.extend_from_slice(piece);
        self.pending = pending.freeze();
    }

    async fn read_file(&mut self, file: Arc<File>) -> Result<bool> {
        let carry = self.pending.clone();
        let at = self.position + carry.len() as u64;
        // Reads grow with an unfinished line, so that a long one is not copied again and again.
        let num_bytes = READ_NUM_BYTES.max(carry.len());
        let read = blocking(move || read_file_at(&file, at, num_bytes, &carry)).await;
        let FileRead {
            bytes,
            num_new,
            file_len,
        } = read.map_err(|error| cannot_read("read", self.log_filename(), &error))?;
        if num_new > 0 {
            self.pending = bytes;
            self.warned_of_truncation = false;
            return Ok(true);
        }
        if let Some(file_len) = file_len.filter(|len| *len < at)
            && !self.warned_of_truncation
        {
            self.warned_of_truncation = true;
            tracing::warn!(
                "File {} has {file_len} bytes, fewer than the {at} that were read: it was cut or \
                 replaced. Nothing is read before it grows beyond that; to read it from its start, \
                 stop the connector and reset its offsets",
                self.log_filename()
            );
        }
        self.context.clock().sleep(WAIT).await;
        Ok(false)
    }

    fn line_too_long(&self) -> ConnectError {
        ConnectError::fatal(format!(
            "The line at position {} of file '{}' has more than {MAX_LINE_NUM_BYTES} bytes without a \
             line end, which FileStreamSourceTask does not keep in memory. Check that the file is \
             text; to go on behind it, stop the connector and alter its offset",
            self.position,
            self.log_filename()
        ))
    }
}

fn cannot_read(verb: &str, filename: &str, error: &io::Error) -> ConnectError {
    ConnectError::fatal(format!(
        "Couldn't {verb} file '{filename}' for FileStreamSourceTask"
    ))
    .with_cause(file_system_exception(filename, error))
}

/// Runs a system call that may block. If the future is dropped, its outcome is.
async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(call).await {
        Ok(outcome) => outcome,
        Err(error) => Err(io::Error::other(error)),
    }
}

#[cfg(test)]
#[path = "source_task_tests.rs"]
mod tests;
