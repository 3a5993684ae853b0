//! Config, offset and status stores over memory, file and Kafka.
