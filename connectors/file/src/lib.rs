//! FileStreamSource and FileStreamSink: lines of a file to records and back.
//!
//! The README beside this crate lists the settings.

mod config;
mod connector;
mod input;
mod lines;
mod sink_task;
mod source_task;
mod writer;

#[cfg(test)]
mod paused_clock;

pub use connector::{FileStreamSinkConnector, FileStreamSourceConnector};
pub use sink_task::FileStreamSinkTask;
pub use source_task::FileStreamSourceTask;
