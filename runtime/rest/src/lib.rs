//! The HTTP face of a worker.
//!
//! [`serve`] binds the listeners and answers requests out of a [`Herder`](connect_herder::Herder).
//! There is no logic of connectors here: paths, bodies, statuses and headers as clients of Connect
//! know them, and nothing else.

mod body;
mod client;
mod connectors;
mod error;
mod forward;
mod json;
mod listener;
mod location;
mod media;
mod path;
mod plugins;
mod router;
mod server;

pub use client::RestClient;
pub use listener::{Listener, ListenerError};
pub use router::{MetricsText, Rest};
pub use server::{ServeError, Server, serve};
