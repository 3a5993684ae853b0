//! The Schema Registry client: ids, subjects, fail-over, authentication, caches with bounds.
