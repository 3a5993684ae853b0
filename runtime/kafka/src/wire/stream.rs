//! The byte stream under a connection.

use std::io;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::settings::BrokerAddress;

/// A stream to a broker: plain TCP, TLS over it, or a pipe in a test.
pub trait BrokerStream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> BrokerStream for T {}

/// Opens streams to brokers. TLS is a dialer that wraps [`TcpDialer`]; nothing above it changes.
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
