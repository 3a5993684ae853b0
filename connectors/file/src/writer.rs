//! Appends whole lines in big chunks, off the async threads.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// A chunk is handed over once it has this many bytes. It fits the cache of a core, and its cost is
/// spread over some hundred lines.
const CHUNK_NUM_BYTES: usize = 256 * 1024;

enum Output {
    File(File),
    StandardOutput,
}

/// Collects lines and appends them: one chunk is written while the next one fills, so that two chunks
/// are the bound of memory (and the longest line, if that is longer).
pub(crate) struct LineWriter {
    output: Arc<Output>,
    /// Whole lines that are to be written next.
    filling: Vec<u8>,
    /// The chunk on its way; it comes back empty.
    writing: Option<JoinHandle<(Vec<u8>, io::Result<()>)>>,
    spare: Vec<u8>,
    /// Whether bytes were written that the disk may not have yet.
    unsynced: bool,
}

impl LineWriter {
    /// Appends to a file, which is created if it is not there.
    pub(crate) async fn append_to(filename: &str) -> io::Result<Self> {
        let path = filename.to_string();
        let open = move || OpenOptions::new().append(true).create(true).open(path);
        let file = unwind(tokio::task::spawn_blocking(open).await)??;
        Ok(Self::new(Output::File(file)))
    }

    /// Writes to standard output.
    pub(crate) fn to_standard_output() -> Self {
        Self::new(Output::StandardOutput)
    }

    fn new(output: Output) -> Self {
        Self {
            output: Arc::new(output),
            filling: Vec::new(),
            writing: None,
            spare: Vec::new(),
            unsynced: false,
        }
    }

    /// The buffer to append whole lines to, ended by `\n`; call [`LineWriter::is_full`] after each.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.filling
    }

    /// Whether [`LineWriter::hand_over`] is due.
    pub(crate) fn is_full(&self) -> bool {
        self.filling.len() >= CHUNK_NUM_BYTES
    }

    /// Begins to write what the buffer holds, once the chunk before is written; an error may be that
    /// chunk's. After an error it is unknown which lines are written.
    pub(crate) async fn hand_over(&mut self) -> io::Result<()> {
        self.settle().await?;
        let chunk = std::mem::replace(&mut self.filling, std::mem::take(&mut self.spare));
        let output = self.output.clone();
        self.unsynced = true;
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let outcome = output.write_lines(&chunk);
            let mut chunk = chunk;
            chunk.clear();
            // One long line must not hold its memory for good.
            chunk.shrink_to(2 * CHUNK_NUM_BYTES);
            (chunk, outcome)
        }));
        Ok(())
    }

    /// Waits for the chunk on its way.
    async fn settle(&mut self) -> io::Result<()> {
        if let Some(writing) = &mut self.writing {
            let joined = writing.await;
            self.writing = None;
            let (chunk, outcome) = unwind(joined)?;
            self.spare = chunk;
            outcome?;
        }
        Ok(())
    }

    /// Writes everything and waits until the disk has it.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        if !self.filling.is_empty() {
            self.hand_over().await?;
        }
        self.settle().await?;
        if self.unsynced {
            let output = self.output.clone();
            unwind(tokio::task::spawn_blocking(move || output.sync()).await)??;
            self.unsynced = false;
        }
        Ok(())
    }
}

/// A panic of a closure as an error.
fn unwind<T>(joined: Result<T, tokio::task::JoinError>) -> io::Result<T> {
    joined.map_err(io::Error::other)
}

impl Output {
    fn write_lines(&self, chunk: &[u8]) -> io::Result<()> {
        match self {
            Self::File(file) => write_whole_lines(file, chunk),
            Self::StandardOutput => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(chunk)?;
                stdout.flush()
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        match self {
            // Pipes and devices know no sync.
            Self::File(file) if file.metadata()?.is_file() => file.sync_data(),
            Self::File(_) | Self::StandardOutput => Ok(()),
        }
    }
}

fn write_whole_lines(mut file: &File, chunk: &[u8]) -> io::Result<()> {
    let mut written = 0;
    while written < chunk.len() {
        match file.write(&chunk[written..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(num_bytes) => written += num_bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                let line_start = memchr::memrchr(b'\n', &chunk[..written]).map_or(0, |at| at + 1);
                drop_torn_line(file, (written - line_start) as u64);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Takes back the beginning of a line whose rest found no room: its record comes again, and must not
/// continue that line. Only if nobody appended since; otherwise, and if it fails, the line stays torn,
/// and the error of the write is the one to report.
fn drop_torn_line(mut file: &File, num_bytes: u64) {
    use std::io::Seek;
    if num_bytes == 0 {
        return;
    }
    if let (Ok(end), Ok(metadata)) = (file.stream_position(), file.metadata())
        && metadata.is_file()
        && metadata.len() == end
        && end >= num_bytes
        && let Err(error) = file.set_len(end - num_bytes)
    {
        tracing::warn!("Couldn't remove {num_bytes} bytes of an unfinished line: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_line_is_taken_back_unless_others_appended() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("out.txt");
        let open = || {
            OpenOptions::new()
                .append(true)
                .create(true)
                .open(&path)
                .expect("opens")
        };
        let file = open();
        write_whole_lines(&file, b"one\ntorn").expect("writes");
        drop_torn_line(&file, 4);
        assert_eq!(std::fs::read(&path).expect("reads"), b"one\n");

        write_whole_lines(&file, b"torn").expect("writes");
        write_whole_lines(&open(), b"other\n").expect("writes");
        drop_torn_line(&file, 4);
        assert_eq!(std::fs::read(&path).expect("reads"), b"one\ntornother\n");
    }
}
