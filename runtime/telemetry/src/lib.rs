//! The metric catalogue under Kafka's own names, events, and log levels at run time.
//!
//! [`metrics::Metrics`] is the registry of a worker: it hands out typed handles that the loops update
//! with a few atomic operations, and renders them for Prometheus. [`logging`] sets up the log lines, and
//! [`redaction`] keeps secrets out of them.

pub mod logging;
pub mod metrics;
pub mod redaction;
