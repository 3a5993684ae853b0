//! Transforms of Confluent's own, built from their public documentation: their classes are not public.

mod filter;
mod filter_condition;
mod json_path;
mod message_timestamp_router;
mod tombstone_handler;

/// The version that the plugins report.
const VERSION: &str = "1.6.1";
