//! Settings: their definition, and what the client makes of them.

mod def;
pub(crate) mod keys;

pub use def::client_config_def;
pub use keys::{LATEST_CACHE_TTL_SEC, MAX_SCHEMAS_PER_SUBJECT, URL};
