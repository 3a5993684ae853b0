//! Standalone and distributed control, validation, restarts.
