//! The verification connectors of Kafka's own system tests.
