//! The HTTP face of a worker.
//!
//! [`serve`] binds the listeners and answers requests out of a [`Herder`](connect_herder::Herder).
//! There is no logic of connectors here: paths, bodies, statuses and headers as clients of Connect
//! know them, and nothing else.

mod access;
mod body;
mod client;
mod connectors;
mod cors;
mod error;
mod exchange;
mod forward;
mod json;
mod listener;
mod location;
mod loggers;
mod media;
mod offsets;
mod options;
mod path;
mod plugins;
mod resource;
mod response_headers;
mod router;
mod server;
mod tls;
mod ui;
mod write_timeout;

pub use client::RestClient;
pub use cors::Cors;
pub use listener::{Listener, Surface};
pub use options::RestOptions;
pub use router::{MetricsText, Rest};
pub use server::{ServeError, Server, serve};
pub use tls::{ClientAuth, ListenerTls, TlsParts};
pub use ui::StatusPage;
