//! The addresses to listen on, and what each of them serves.

use crate::tls::ListenerTls;
use std::fmt;

/// Which resources an address serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Surface {
    /// All: `admin.listeners` is not set.
    #[default]
    All,
    /// All but `/admin`.
    WithoutAdmin,
    /// Only `/admin`: an entry of `admin.listeners`.
    AdminOnly,
}

impl Surface {
    /// Whether it serves the resources below `/admin`, or those that are not.
    pub(crate) fn serves(self, is_admin: bool) -> bool {
        match self {
            Self::All => true,
            Self::WithoutAdmin => !is_admin,
            Self::AdminOnly => is_admin,
        }
    }
}

/// An address to listen on.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The host name or address; empty for all addresses.
    pub host: String,
    /// The port; 0 for any that is free.
    pub port: u16,
    /// What it serves.
    pub surface: Surface,
    /// TLS, if it is `https`.
    pub tls: Option<ListenerTls>,
}

impl Listener {
    /// An address that serves everything, without TLS.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            surface: Surface::All,
            tls: None,
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = if self.tls.is_some() { "https" } else { "http" };
        if self.host.contains(':') {
            write!(f, "{protocol}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{protocol}://{}:{}", self.host, self.port)
        }
    }
}
