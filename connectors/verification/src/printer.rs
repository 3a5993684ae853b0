//! Lines on standard output: whole, flushed, and written off the async threads.

use connect_api::{ConnectError, Result};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinHandle;

type Output = Arc<Mutex<dyn Write + Send>>;

/// Prints lines in the order in which they come.
pub(crate) struct Printer {
    output: Output,
    in_flight: Option<JoinHandle<io::Result<()>>>,
}

impl Default for Printer {
    fn default() -> Self {
        // The lock of `Stdout` keeps the lines of other tasks apart: each call writes whole lines.
        Self::to(Arc::new(Mutex::new(io::stdout())))
    }
}

impl Printer {
    /// Prints to anything.
    pub(crate) fn to(output: Output) -> Self {
        Self {
            output,
            in_flight: None,
        }
    }

    /// Begins to print lines, each ended by `\n`. [`Printer::finish`] must come before the next.
    pub(crate) fn begin(&mut self, lines: Vec<u8>) {
        let output = self.output.clone();
        self.in_flight = Some(tokio::task::spawn_blocking(move || {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.write_all(&lines)?;
            output.flush()
        }));
    }

    /// Waits until the lines are out. Cancel-safe: called again, it goes on to wait.
    pub(crate) async fn finish(&mut self) -> Result<()> {
        let Some(in_flight) = &mut self.in_flight else {
            return Ok(());
        };
        let joined = in_flight.await;
        self.in_flight = None;
        joined.map_err(io::Error::other).flatten().map_err(|error| {
            ConnectError::fatal("Couldn't write to standard output").with_cause(error)
        })
    }

    /// Prints lines, if there are any.
    pub(crate) async fn print(&mut self, lines: Vec<u8>) -> Result<()> {
        self.finish().await?;
        if !lines.is_empty() {
            self.begin(lines);
        }
        self.finish().await
    }
}
