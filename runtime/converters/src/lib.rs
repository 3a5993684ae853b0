//! Bytes to and from Connect data: the converters of Apache Kafka.
