//! The byte stream under a connection.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use connect_tls::rustls::ClientConfig;
use connect_tls::rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::settings::BrokerAddress;

/// A stream to a broker: plain TCP, TLS over it, or a pipe in a test.
pub trait BrokerStream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> BrokerStream for T {}

/// Opens streams to brokers. TLS is a dialer that wraps another; nothing above it changes.
///
/// The caller bounds the time of a dial; dropping the future must close what it opened.
#[async_trait]
pub trait Dialer: Send + Sync {
    /// Opens a stream on which the first Kafka frame can be written.
    async fn dial(&self, broker: &BrokerAddress) -> io::Result<Box<dyn BrokerStream>>;
}

/// Plain TCP, for `security.protocol` PLAINTEXT and SASL_PLAINTEXT.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpDialer;

#[async_trait]
impl Dialer for TcpDialer {
    async fn dial(&self, broker: &BrokerAddress) -> io::Result<Box<dyn BrokerStream>> {
        let stream = TcpStream::connect((broker.host.as_str(), broker.port)).await?;
        // Requests are small and each waits for its answer: holding them back only adds latency.
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}

/// TLS, for `security.protocol` SSL and SASL_SSL.
pub struct TlsDialer {
    inner: Arc<dyn Dialer>,
    connector: TlsConnector,
}

impl TlsDialer {
    /// Puts TLS over the streams of `inner`.
    pub fn over(inner: Arc<dyn Dialer>, config: Arc<ClientConfig>) -> Self {
        Self {
            inner,
            connector: TlsConnector::from(config),
        }
    }
}

#[async_trait]
impl Dialer for TlsDialer {
    async fn dial(&self, broker: &BrokerAddress) -> io::Result<Box<dyn BrokerStream>> {
        let name = ServerName::try_from(broker.host.clone()).map_err(|_| {
            let reason = "its name cannot stand in a certificate";
            io::Error::new(io::ErrorKind::InvalidInput, reason)
        })?;
        let stream = self.inner.dial(broker).await?;
        let stream = self.connector.connect(name, stream).await?;
        Ok(Box::new(stream))
    }
}
