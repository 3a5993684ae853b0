//! The transforms and predicates of Apache Kafka, and the add-ons that configurations use most.
