//! Settings: their definition, and what the client makes of them.

mod client;
mod def;
pub(crate) mod keys;

pub(crate) use client::RetryConfig;
pub use client::{ClientConfig, with_plain_names};
pub use def::client_config_def;
pub use keys::{LATEST_CACHE_TTL_SEC, MAX_SCHEMAS_PER_SUBJECT, URL};
