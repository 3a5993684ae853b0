//! Where a source task reads from: regular files by position, anything else (standard input, pipes,
//! devices) through a thread of its own, because a read there may block for ever.

use bytes::Bytes;
use connect_api::{ConnectError, Result};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Bytes of one read from a pipe, and how many such pieces may wait.
const PIECE_NUM_BYTES: usize = 64 * 1024;
const MAX_WAITING_PIECES: usize = 16;

/// What a read of a regular file brought.
pub(crate) struct FileRead {
    /// `carry` and the new bytes behind it.
    pub(crate) bytes: Bytes,
    /// The number of new bytes.
    pub(crate) num_new: usize,
    /// The size of the file, looked up only if there was nothing new.
    pub(crate) file_len: Option<u64>,
}

/// Reads at most `num_bytes` from `position` on; called off the async threads.
pub(crate) fn read_file_at(
    file: &File,
    position: u64,
    num_bytes: usize,
    carry: &[u8],
) -> io::Result<FileRead> {
    let mut buffer = vec![0; carry.len() + num_bytes];
    buffer[..carry.len()].copy_from_slice(carry);
    let num_new = loop {
        match file.read_at(&mut buffer[carry.len()..], position) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => break outcome?,
        }
    };
    let file_len = match num_new {
        0 => Some(file.metadata()?.len()),
        _ => None,
    };
    buffer.truncate(carry.len() + num_new);
    // A slice keeps its whole buffer in memory: a few lines must not hold a big empty one.
    if buffer.len() < buffer.capacity() / 2 {
        buffer.shrink_to_fit();
    }
    Ok(FileRead {
        bytes: buffer.into(),
        num_new,
        file_len,
    })
}

/// What a file name stands for.
pub(crate) enum Opened {
    /// A regular file, read by position.
    Regular(Arc<File>),
    /// A pipe or device, not opened yet: that would block until somebody writes.
    Pipe,
}

/// Opens a file; called off the async threads.
pub(crate) fn open_file(filename: &str) -> io::Result<Opened> {
    let metadata = std::fs::metadata(filename)?;
    if metadata.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    if metadata.is_file() {
        return Ok(Opened::Regular(Arc::new(File::open(filename)?)));
    }
    Ok(Opened::Pipe)
}

/// Pieces of a pipe or of standard input, in order.
pub(crate) struct Pieces {
    receiver: Option<mpsc::Receiver<io::Result<Bytes>>>,
    is_standard_input: bool,
}

/// Standard input belongs to the process: one thread reads it, and its pieces stay here while no task
/// holds them, so that a restarted task goes on with the next piece.
static STANDARD_INPUT: Mutex<StandardInput> = Mutex::new(StandardInput::Untouched);

enum StandardInput {
    Untouched,
    Idle(mpsc::Receiver<io::Result<Bytes>>),
    Taken,
}

impl Pieces {
    /// The pieces of standard input. An error if another task has them.
    pub(crate) fn of_standard_input() -> Result<Self> {
        let mut slot = STANDARD_INPUT
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let receiver = match std::mem::replace(&mut *slot, StandardInput::Taken) {
            StandardInput::Idle(receiver) => receiver,
            StandardInput::Untouched => match read_in_thread("stdin", || Ok(io::stdin())) {
                Ok(receiver) => receiver,
                Err(error) => {
                    *slot = StandardInput::Untouched;
                    return Err(
                        ConnectError::fatal("Couldn't read standard input").with_cause(error)
                    );
                }
            },
            StandardInput::Taken => {
                return Err(ConnectError::fatal(
                    "Standard input is already read by another FileStreamSourceTask of this \
                     worker; set 'file', or delete the other connector",
                ));
            }
        };
        Ok(Self {
            receiver: Some(receiver),
            is_standard_input: true,
        })
    }

    /// The pieces of a pipe or device.
    pub(crate) fn of_pipe(filename: &str) -> io::Result<Self> {
        let path = filename.to_string();
        let receiver = read_in_thread(filename, move || File::open(path))?;
        Ok(Self {
            receiver: Some(receiver),
            is_standard_input: false,
        })
    }

    /// The next piece; `None` once there will be no more. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<io::Result<Bytes>> {
        self.receiver.as_mut()?.recv().await
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        if self.is_standard_input
            && let Some(receiver) = self.receiver.take()
        {
            *STANDARD_INPUT
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = StandardInput::Idle(receiver);
        }
    }
}

/// Not `spawn_blocking`: the executor waits for such threads when it ends, and a read of a silent pipe
/// never does. The thread ends with the input, or with the first piece that nobody takes any more.
fn read_in_thread<R: Read>(
    name: &str,
    open: impl FnOnce() -> io::Result<R> + Send + 'static,
) -> io::Result<mpsc::Receiver<io::Result<Bytes>>> {
    let (sender, receiver) = mpsc::channel(MAX_WAITING_PIECES);
    let read = move || {
        let mut input = match open() {
            Ok(input) => input,
            Err(error) => {
                // Nobody is left to tell if this fails.
                let _ = sender.blocking_send(Err(error));
                return;
            }
        };
        let mut buffer = vec![0; PIECE_NUM_BYTES];
        loop {
            let piece = match input.read(&mut buffer) {
                Ok(0) => return,
                Ok(num_bytes) => Ok(Bytes::copy_from_slice(&buffer[..num_bytes])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let failed = piece.is_err();
            if sender.blocking_send(piece).is_err() || failed {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name(format!("read-{name}"))
        .spawn(read)?;
    Ok(receiver)
}
