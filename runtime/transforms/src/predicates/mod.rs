//! The predicates of Apache Kafka, one file each.

mod has_header_key;
mod record_is_tombstone;
mod topic_name_matches;
