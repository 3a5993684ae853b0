//! One connection to one broker.

use std::io;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, RequestHeader, ResponseHeader,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::api::ApiRequest;
use super::error::WireError;
use super::sasl;
use super::settings::{BrokerAddress, ClientSettings};
use super::stream::{BrokerStream, Dialer};
use super::versions::ApiVersionTable;
use crate::security::SaslSettings;

const LENGTH_NUM_BYTES: usize = 4;
/// How much room a frame gets before its bytes have arrived, whatever its length prefix claims.
const READ_CHUNK_NUM_BYTES: usize = 64 * 1024;
const SOFTWARE_NAME: &str = "dovetail";

/// An open, negotiated and, where configured, authenticated connection.
///
/// A session that the broker ends is renewed on the same connection, before the request that would
/// come too late for it, so that a member of a group need not notice.
///
/// One request is in flight at a time. A request that fails or whose future is dropped leaves an
/// answer behind that nobody waits for; the connection then refuses further requests
/// ([`WireError::Unusable`]) and must be dropped.
pub struct BrokerConnection {
    stream: Box<dyn BrokerStream>,
    broker: BrokerAddress,
    client_id: StrBytes,
    max_frame_num_bytes: usize,
    next_correlation_id: i32,
    versions: ApiVersionTable,
    usable: bool,
    sasl: Option<SaslSettings>,
    setup_timeout: Duration,
    /// When the session must be renewed, if it ends at all.
    authenticate_again_at: Option<Instant>,
    last_used: Instant,
    /// `None` where an idle connection is kept for ever.
    max_idle: Option<Duration>,
}

/// Which request an error speaks of.
#[derive(Clone, Copy)]
struct Call {
    api: &'static str,
    version: i16,
}

impl BrokerConnection {
    /// Dials the broker, negotiates versions and authenticates, all within
    /// `socket.connection.setup.timeout.ms`.
    ///
    /// # Errors
    /// As [`WireError`] tells; [`WireError::Authentication`] is the one that retrying cannot mend.
    pub async fn open(
        dialer: &dyn Dialer,
        settings: &ClientSettings,
        broker: &BrokerAddress,
    ) -> Result<Self, WireError> {
        let timeout = settings.connection_setup_timeout;
        let setup = async {
            let stream = dialer
                .dial(broker)
                .await
                .map_err(|source| WireError::not_opened(broker, source))?;
            let mut connection = Self {
                stream,
                broker: broker.clone(),
                client_id: StrBytes::from_string(settings.client_id.clone()),
                max_frame_num_bytes: settings.max_frame_num_bytes,
                next_correlation_id: 0,
                versions: ApiVersionTable::default(),
                usable: true,
                sasl: settings.sasl().cloned(),
                setup_timeout: timeout,
                authenticate_again_at: None,
                last_used: Instant::now(),
                max_idle: settings.connections_max_idle,
            };
            connection.negotiate(timeout).await?;
            connection.authenticate().await?;
            Ok(connection)
        };
        tokio::time::timeout(timeout, setup)
            .await
            .unwrap_or_else(|_| {
                Err(WireError::Connect {
                    broker: broker.clone(),
                    source: io::Error::new(
                        io::ErrorKind::TimedOut,
                        format!("not set up within {} ms", timeout.as_millis()),
                    ),
                })
            })
    }

    /// The broker at the other end.
    pub fn broker(&self) -> &BrokerAddress {
        &self.broker
    }

    /// What the broker understands.
    pub fn versions(&self) -> &ApiVersionTable {
        &self.versions
    }

    /// Whether another request may be sent: false after a failed or abandoned request, and once
    /// the connection was idle for `connections.max.idle.ms`.
    pub fn is_usable(&self) -> bool {
        self.usable
            && self
                .max_idle
                .is_none_or(|max_idle| self.last_used.elapsed() < max_idle)
    }

    async fn authenticate(&mut self) -> Result<(), WireError> {
        let Some(sasl) = self.sasl.clone() else {
            return Ok(());
        };
        let timeout = self.setup_timeout;
        self.authenticate_again_at = sasl::authenticate(self, &sasl, timeout).await?;
        Ok(())
    }

    /// Sends the request that `build` makes for the negotiated version and waits for its answer.
    ///
    /// The error code inside the answer is the caller's to read; [`Self::response_error`] words it.
    ///
    /// # Errors
    /// After any error but [`WireError::UnsupportedVersion`] and [`WireError::Unencodable`] the
    /// connection is no longer usable.
    pub async fn send<R: ApiRequest>(
        &mut self,
        timeout: Duration,
        build: impl FnOnce(i16) -> R,
    ) -> Result<R::Response, WireError> {
        if self.is_usable()
            && self
                .authenticate_again_at
                .is_some_and(|at| at <= Instant::now())
        {
            self.authenticate().await?;
        }
        self.send_as_is(timeout, build).await
    }

    /// As [`Self::send`], whatever the state of the session.
    pub(super) async fn send_as_is<R: ApiRequest>(
        &mut self,
        timeout: Duration,
        build: impl FnOnce(i16) -> R,
    ) -> Result<R::Response, WireError> {
        let version = self
            .versions
            .pick::<R>()
            .ok_or_else(|| WireError::UnsupportedVersion {
                broker: self.broker.clone(),
                api: R::NAME,
                ours: R::WINDOW,
                theirs: self.versions.window(R::KEY),
            })?;
        self.send_version(version, &build(version), timeout).await
    }

    /// Words an error code that came inside an answer.
    pub fn response_error<R: ApiRequest>(
        &self,
        error: ResponseError,
        message: Option<String>,
    ) -> WireError {
        WireError::Response {
            broker: self.broker.clone(),
            api: R::NAME,
            version: self.versions.pick::<R>().unwrap_or(R::WINDOW.max),
            error,
            message,
        }
    }

    async fn negotiate(&mut self, timeout: Duration) -> Result<(), WireError> {
        let newest = ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str(SOFTWARE_NAME))
            .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        let mut version = ApiVersionsRequest::WINDOW.max;
        let mut frame = self.exchange(version, &newest, timeout).await?;
        // A broker that does not know the version answers in v0, whatever was asked; in every
        // version the error code comes first.
        if frame.len() >= 2 && (&frame[..2]).get_i16() == ResponseError::UnsupportedVersion.code() {
            version = 0;
            frame = self
                .exchange(version, &ApiVersionsRequest::default(), timeout)
                .await?;
        }
        let response: ApiVersionsResponse = self.decode(
            Call {
                api: ApiVersionsRequest::NAME,
                version,
            },
            &mut frame,
        )?;
        if let Some(error) = ResponseError::try_from_code(response.error_code) {
            self.usable = false;
            return Err(self.response_error::<ApiVersionsRequest>(error, None));
        }
        self.versions = ApiVersionTable::from_response(&response);
        Ok(())
    }

    async fn send_version<R: ApiRequest>(
        &mut self,
        version: i16,
        request: &R,
        timeout: Duration,
    ) -> Result<R::Response, WireError> {
        let mut frame = self.exchange(version, request, timeout).await?;
        self.decode(
            Call {
                api: R::NAME,
                version,
            },
            &mut frame,
        )
    }

    /// Sends one request and returns the bytes of its answer after the answer's header.
    async fn exchange<R: ApiRequest>(
        &mut self,
        version: i16,
        request: &R,
        timeout: Duration,
    ) -> Result<Bytes, WireError> {
        let call = Call {
            api: R::NAME,
            version,
        };
        if !self.is_usable() {
            return Err(WireError::Unusable {
                broker: self.broker.clone(),
                api: call.api,
            });
        }
        let correlation_id = self.next_correlation_id;
        self.next_correlation_id = self.next_correlation_id.wrapping_add(1);
        let frame = self.encode(call, correlation_id, request)?;

        // Set back only after a whole answer: a dropped future must leave it false.
        self.usable = false;
        let mut answer = match tokio::time::timeout(timeout, self.round_trip(call, &frame)).await {
            Ok(answer) => answer?,
            Err(_) => {
                return Err(WireError::Timeout {
                    broker: self.broker.clone(),
                    api: call.api,
                    version,
                    timeout_ms: timeout.as_millis(),
                });
            }
        };
        let header_version = R::Response::header_version(version);
        let header = ResponseHeader::decode(&mut answer, header_version)
            .map_err(|error| self.malformed(call, format!("answer header: {error}")))?;
        if header.correlation_id != correlation_id {
            return Err(self.malformed(
                call,
                format!(
                    "correlation id {} in place of {correlation_id}",
                    header.correlation_id
                ),
            ));
        }
        self.usable = true;
        self.last_used = Instant::now();
        Ok(answer)
    }

    fn encode<R: ApiRequest>(
        &self,
        call: Call,
        correlation_id: i32,
        request: &R,
    ) -> Result<BytesMut, WireError> {
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(call.version)
            .with_correlation_id(correlation_id)
            .with_client_id(Some(self.client_id.clone()));
        let mut frame = BytesMut::new();
        frame.put_i32(0);
        let unencodable = |reason: String| WireError::Unencodable {
            broker: self.broker.clone(),
            api: call.api,
            version: call.version,
            reason,
        };
        header
            .encode(&mut frame, R::header_version(call.version))
            .and_then(|()| request.encode(&mut frame, call.version))
            .map_err(|error| unencodable(error.to_string()))?;
        let length = i32::try_from(frame.len() - LENGTH_NUM_BYTES)
            .map_err(|_| unencodable(format!("{} bytes are too many", frame.len())))?;
        frame[..LENGTH_NUM_BYTES].copy_from_slice(&length.to_be_bytes());
        Ok(frame)
    }

    async fn round_trip(&mut self, call: Call, frame: &[u8]) -> Result<Bytes, WireError> {
        let broken = |broker: &BrokerAddress, source| {
            // A broker may refuse a client's certificate only when the first request comes.
            WireError::tls(broker, &source).unwrap_or_else(|| WireError::Disconnected {
                broker: broker.clone(),
                api: call.api,
                version: call.version,
                source,
            })
        };
        let written = async {
            self.stream.write_all(frame).await?;
            self.stream.flush().await
        };
        written
            .await
            .map_err(|source| broken(&self.broker, source))?;
        let length = self
            .stream
            .read_i32()
            .await
            .map_err(|source| broken(&self.broker, source))?;
        let num_bytes = usize::try_from(length)
            .ok()
            .filter(|num_bytes| *num_bytes <= self.max_frame_num_bytes)
            .ok_or_else(|| {
                self.malformed(
                    call,
                    format!(
                        "a frame of {length} bytes; at most {} are accepted",
                        self.max_frame_num_bytes
                    ),
                )
            })?;
        let mut answer = BytesMut::with_capacity(num_bytes.min(READ_CHUNK_NUM_BYTES));
        while answer.len() < num_bytes {
            let missing = num_bytes - answer.len();
            answer.reserve(missing.min(READ_CHUNK_NUM_BYTES));
            let mut room = (&mut answer).limit(missing);
            let num_read = self
                .stream
                .read_buf(&mut room)
                .await
                .map_err(|source| broken(&self.broker, source))?;
            if num_read == 0 {
                return Err(broken(&self.broker, io::ErrorKind::UnexpectedEof.into()));
            }
        }
        Ok(answer.freeze())
    }

    fn decode<T: Decodable>(&mut self, call: Call, frame: &mut Bytes) -> Result<T, WireError> {
        T::decode(frame, call.version).map_err(|error| {
            self.usable = false;
            self.malformed(call, error.to_string())
        })
    }

    fn malformed(&self, call: Call, reason: String) -> WireError {
        WireError::Malformed {
            broker: self.broker.clone(),
            api: call.api,
            version: call.version,
            reason: reason.trim_end().to_owned(),
        }
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
