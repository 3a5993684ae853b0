//! The addresses to listen on, as `listeners` has them.

use std::fmt;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The host name or address; empty for all addresses.
    pub host: String,
    /// The port; 0 for any that is free.
    pub port: u16,
}

/// Why a listener cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenerError {
    /// It is not `protocol://host:port`.
    Malformed(String),
    /// The protocol is neither http nor https.
    UnknownProtocol(String),
    /// It asks for TLS.
    Https(String),
}

impl fmt::Display for ListenerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(text) => write!(
                f,
                "Listener doesn't have the right format (protocol://hostname:port). It is '{text}'."
            ),
            Self::UnknownProtocol(text) => write!(
                f,
                "Listener protocol must be either \"http\" or \"https\". It is '{text}'."
            ),
            Self::Https(text) => write!(
                f,
                "The listener '{text}' asks for https, which this worker does not serve yet. Use \
                 http://, and a proxy in front of it where clients need TLS."
            ),
        }
    }
}

impl std::error::Error for ListenerError {}

impl Listener {
    /// Reads `http://host:port`; the host may be empty.
    pub fn parse(text: &str) -> Result<Self, ListenerError> {
        let text = text.trim();
        let malformed = || ListenerError::Malformed(text.to_string());
        let (protocol, address) = text.split_once("://").ok_or_else(malformed)?;
        let (host, port) = address.rsplit_once(':').ok_or_else(malformed)?;
        let port = port
            .trim_end_matches('/')
            .parse()
            .map_err(|_| malformed())?;
        match protocol.to_ascii_lowercase().as_str() {
            "http" => Ok(Self {
                host: host.trim_matches(['[', ']']).to_string(),
                port,
            }),
            "https" => Err(ListenerError::Https(text.to_string())),
            _ => Err(ListenerError::UnknownProtocol(text.to_string())),
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "http://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "http://{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_read_as_connect_reads_them() {
        let listener = |host: &str, port| Listener {
            host: host.to_string(),
            port,
        };
        assert_eq!(Listener::parse("http://:8083"), Ok(listener("", 8083)));
        assert_eq!(Listener::parse(" HTTP://h:1 "), Ok(listener("h", 1)));
        assert_eq!(Listener::parse("http://[::1]:2"), Ok(listener("::1", 2)));
        assert!(matches!(
            Listener::parse("h:1"),
            Err(ListenerError::Malformed(_))
        ));
        assert!(matches!(
            Listener::parse("http://h"),
            Err(ListenerError::Malformed(_))
        ));
        assert!(matches!(
            Listener::parse("ftp://h:1"),
            Err(ListenerError::UnknownProtocol(_))
        ));
        let refused = Listener::parse("https://h:1")
            .expect_err("it is refused")
            .to_string();
        assert!(refused.contains("https"), "{refused}");
    }
}
