//! The S3 sink connector.
