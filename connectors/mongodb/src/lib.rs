//! The MongoDB sink and source.
