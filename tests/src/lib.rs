//! Starts real servers and tests Dovetail against them.
//!
//! [`stack`] holds the servers and what tests say to them; the tests themselves are the modules of the
//! one integration test `it`.

pub mod connectors;
pub mod flights;
pub mod lines;
pub mod stack;
