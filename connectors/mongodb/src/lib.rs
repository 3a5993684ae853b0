//! The MongoDB sink and source.
//!
//! [`sink`] writes records as documents. What both need: [`bson`] turns Connect data and JSON into
//! documents and back, [`client`] makes the connection, [`config`] holds the keys of the connection.

pub mod bson;
pub mod client;
pub mod config;
pub mod sink;
