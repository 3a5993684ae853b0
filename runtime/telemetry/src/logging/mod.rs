//! Log lines on standard error, as text in the shape of Connect's own or as JSON, with levels that can
//! be changed while the worker runs.
//!
//! Spans with the fields `connector` and `task` name what every line below them is about:
//!
//! ```
//! let span = tracing::info_span!("task", connector = "flights", task = 0);
//! span.in_scope(|| tracing::info!("started")); // [...] INFO [flights|task-0] started (...)
//! ```

mod format;
mod java_names;
mod levels;
mod scope;
mod settings;

#[cfg(test)]
mod tests;

pub use levels::{Level, LogLevels, LoggerLevel};
pub use settings::{LogConfig, LogFormat, LogSettingError};

use format::LineFormat;
use scope::ScopeLayer;
use std::fmt;
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Logs could not be set up because something else in the process has done so already.
#[derive(Debug)]
pub struct AlreadyInitialized;

impl fmt::Display for AlreadyInitialized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("The logs of this process have been set up already")
    }
}

impl std::error::Error for AlreadyInitialized {}

/// Sends the log lines of the process to standard error. Call it once, first of all.
pub fn init(config: &LogConfig) -> Result<LogLevels, AlreadyInitialized> {
    let (subscriber, levels) = subscriber(config, std::io::stderr);
    subscriber.try_init().map_err(|_| AlreadyInitialized)?;
    Ok(levels)
}

fn subscriber<W>(
    config: &LogConfig,
    writer: W,
) -> (impl tracing::Subscriber + Send + Sync + 'static, LogLevels)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let levels = LogLevels::new(config.root, &config.loggers);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(writer)
        .event_format(LineFormat::new(config.format))
        .with_filter(levels.filter());
    let subscriber = tracing_subscriber::registry().with(ScopeLayer).with(lines);
    (subscriber, levels)
}
