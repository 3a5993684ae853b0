//! The metric catalogue under Kafka's own names, events, and log levels at run time.
