//! Where the REST API listens, and the address that others are told.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// An entry of `listeners`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Whether it is `https`.
    pub is_https: bool,
    /// The host to bind, without brackets; empty for all interfaces.
    pub host: String,
    /// The port to bind; 0 for any free one.
    pub port: u16,
}

impl Listener {
    /// `http` or `https`.
    pub fn protocol(&self) -> &'static str {
        if self.is_https { "https" } else { "http" }
    }
}

impl FromStr for Listener {
    type Err = String;

    /// Reads `protocol://host:port`; the host may be missing, or an IPv6 address in brackets.
    fn from_str(url: &str) -> Result<Self, String> {
        const WRONG_FORMAT: &str =
            "Listener doesn't have the right format (protocol://hostname:port).";
        if url.trim().is_empty() {
            return Err("Empty URL found when parsing listeners list.".to_string());
        }
        let (protocol, address) = url.rsplit_once("://").ok_or(WRONG_FORMAT)?;
        let (host, port) = address.rsplit_once(':').ok_or(WRONG_FORMAT)?;
        let host = host.strip_prefix('[').unwrap_or(host);
        let host = host.strip_suffix(']').unwrap_or(host);
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-%._:".contains(c);
        let is_number = !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
        if !host.chars().all(is_host) || !is_number {
            return Err(WRONG_FORMAT.to_string());
        }
        let is_https = match protocol.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => {
                return Err("Listener protocol must be either \"http\" or \"https\".".to_string());
            }
        };
        let port = port
            .parse()
            .map_err(|_| "the port must be a number from 0 to 65535".to_string())?;
        Ok(Self {
            is_https,
            host: host.to_string(),
            port,
        })
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (protocol, port) = (self.protocol(), self.port);
        write!(f, "{protocol}://{}:{port}", UrlHost(&self.host))
    }
}

/// A host as it stands in a URL: an IPv6 address in brackets.
struct UrlHost<'a>(&'a str);

impl fmt::Display for UrlHost<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(':') {
            write!(f, "[{}]", self.0)
        } else {
            f.write_str(self.0)
        }
    }
}

/// The address under which other workers and users reach this worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvertisedAddress {
    /// `http://host:port/`, as the group protocol carries it.
    pub url: String,
    /// `host:port`, as statuses carry it.
    pub worker_id: String,
}

/// What the user says about the advertised address.
pub(super) struct Advertised<'a> {
    pub listeners: &'a [Listener],
    pub protocol: Option<&'a str>,
    pub host: Option<&'a str>,
    pub port: Option<u16>,
}

impl Advertised<'_> {
    /// The protocol is the one asked for, else `http` if any listener has it. Host and port are
    /// those asked for, else those of the first listener with that protocol; `bound` are the real
    /// addresses of the listeners, in their order, for ports that the system has chosen.
    pub fn address(&self, bound: &[SocketAddr]) -> AdvertisedAddress {
        let protocol = match self.protocol {
            Some(protocol) if !protocol.is_empty() => protocol.to_ascii_lowercase(),
            _ if self.listeners.iter().any(|listener| !listener.is_https) => "http".to_string(),
            _ => "https".to_string(),
        };
        let listener = self
            .listeners
            .iter()
            .enumerate()
            .find(|(_, listener)| listener.protocol() == protocol);
        let host = self
            .host
            .filter(|host| !host.is_empty())
            .or_else(|| {
                listener
                    .map(|(_, listener)| listener.host.as_str())
                    .filter(|host| !host.is_empty())
            })
            .map_or_else(|| local_host_address().to_string(), str::to_string);
        let port = self.port.unwrap_or_else(|| match listener {
            Some((index, Listener { port: 0, .. })) => bound.get(index).map_or(0, SocketAddr::port),
            Some((_, listener)) => listener.port,
            None => bound.first().map_or(0, SocketAddr::port),
        });
        let host = UrlHost(&host);
        AdvertisedAddress {
            url: format!("{protocol}://{host}:{port}/"),
            worker_id: format!("{host}:{port}"),
        }
    }
}

/// The address that the machine's own name resolves to, IPv4 before IPv6, as a JVM worker tells
/// it when no host is configured.
fn local_host_address() -> IpAddr {
    let resolved = host_name().and_then(|name| {
        let addresses: Vec<SocketAddr> = (name.as_str(), 0).to_socket_addrs().ok()?.collect();
        addresses
            .iter()
            .find(|address| address.is_ipv4())
            .or(addresses.first())
            .map(SocketAddr::ip)
    });
    resolved.unwrap_or_else(|| {
        tracing::warn!(
            "The name of this machine has no address, so other workers are told 127.0.0.1; set \
             rest.advertised.host.name if there are any"
        );
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    })
}

fn host_name() -> Option<String> {
    let mut name = [0_u8; 256];
    // SAFETY: the pointer and the length are those of one array, which the call fills with at
    // most that many bytes; one is left for the zero at the end.
    let status = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    if status != 0 {
        return None;
    }
    let name = name.split(|byte| *byte == 0).next()?;
    String::from_utf8(name.to_vec())
        .ok()
        .filter(|name| !name.is_empty())
}
