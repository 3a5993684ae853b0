//! Binding and serving.

use crate::listener::{Listener, Surface};
use crate::router::Rest;
use crate::tls::ListenerTls;
use crate::write_timeout::WriteTimeout;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, info, warn};

/// Connections at a time, of all listeners together; others wait to be taken.
const MAX_NUM_CONNECTIONS: usize = 1024;
/// How long a client may take for the first line and the headers of a request, and so how long a
/// connection may stay idle; the JVM worker's idle time.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take no byte of an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Room for the first line and the headers, each of which the API bounds further.
const MAX_HEAD_NUM_BYTES: usize = 32 << 10;
/// How long a client may take to agree on keys.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// Why the REST API could not be started.
#[derive(Debug)]
pub enum ServeError {
    /// No listener was given.
    NoListener,
    /// An address could not be used.
    Bind {
        /// The listener.
        listener: Listener,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoListener => f.write_str(
                "The setting 'listeners' names no address; leave it out for http://:8083",
            ),
            Self::Bind { listener, source } => {
                write!(f, "Cannot listen on {listener}: {source}. ")?;
                match source.kind() {
                    io::ErrorKind::AddrInUse => write!(
                        f,
                        "Another process uses port {}: stop it, or set 'listeners' to a free port",
                        listener.port
                    ),
                    io::ErrorKind::PermissionDenied => write!(
                        f,
                        "This user may not use port {}: set 'listeners' to a port above 1023",
                        listener.port
                    ),
                    _ => write!(f, "Check the host and port in the setting 'listeners'"),
                }
            }
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoListener => None,
            Self::Bind { source, .. } => Some(source),
        }
    }
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Connection {
    /// The address of the client; `None` where there is no socket.
    pub peer: Option<SocketAddr>,
    pub surface: Surface,
    pub is_tls: bool,
}

/// A running REST API.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Server {
    /// The addresses that it listens on, in the order of the listeners; ports that were 0 are known.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Takes no more requests, answers those that run, and ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }

    /// Runs until `shutdown` completes, then stops.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) {
        shutdown.await;
        self.stop().await;
    }
}

/// Binds all listeners and begins to answer requests on the present runtime.
pub async fn serve(listeners: &[Listener], rest: Rest) -> Result<Server, ServeError> {
    if listeners.is_empty() {
        return Err(ServeError::NoListener);
    }
    let mut sockets = Vec::new();
    for listener in listeners {
        let socket = bind(listener).await.map_err(|source| ServeError::Bind {
            listener: listener.clone(),
            source,
        })?;
        sockets.push(socket);
    }
    let rest = Arc::new(rest);
    let slots = Arc::new(Semaphore::new(MAX_NUM_CONNECTIONS));
    let (stop, _) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let mut addresses = Vec::new();
    for (socket, listener) in sockets.into_iter().zip(listeners) {
        if let Ok(address) = socket.local_addr() {
            let protocol = if listener.tls.is_some() {
                "https"
            } else {
                "http"
            };
            info!("REST API listens on {protocol}://{address}");
            addresses.push(address);
        }
        let door = Door {
            rest: rest.clone(),
            surface: listener.surface,
            tls: listener.tls.as_ref().map(ListenerTls::acceptor),
            slots: slots.clone(),
            stopped: stop.subscribe(),
        };
        tasks.spawn(door.serve(socket));
    }
    Ok(Server {
        addresses,
        stop,
        tasks,
    })
}

/// What serves one listener.
#[derive(Clone)]
struct Door {
    rest: Arc<Rest>,
    surface: Surface,
    tls: Option<TlsAcceptor>,
    slots: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
}

impl Door {
    /// Takes connections until the server stops, then waits for those that are being answered.
    async fn serve(mut self, socket: TcpListener) {
        let mut connections = JoinSet::new();
        let mut stopped = self.stopped.clone();
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop_asked(&mut stopped) => break,
                accepted = self.accept(&socket) => accepted,
            };
            if let Some((stream, peer, slot)) = accepted {
                connections.spawn(self.clone().converse(stream, peer, slot));
            }
            while connections.try_join_next().is_some() {}
        }
        drop(socket);
        while connections.join_next().await.is_some() {}
    }

    /// The next connection, once there is room for it.
    async fn accept(
        &mut self,
        socket: &TcpListener,
    ) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        // The semaphore is never closed.
        let slot = self.slots.clone().acquire_owned().await.ok()?;
        match socket.accept().await {
            Ok((stream, peer)) => Some((stream, peer, slot)),
            Err(error) => {
                // A client that went away again is no trouble; that no file is left passes, too.
                warn!("A connection to the REST API could not be taken: {error}");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                None
            }
        }
    }

    /// Answers the requests of one connection.
    async fn converse(mut self, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) {
        // Answers are written whole: nothing is gained by waiting for more.
        let _ = stream.set_nodelay(true);
        match self.tls.take() {
            None => self.answer(stream, peer, false).await,
            Some(acceptor) => {
                let mut stopped = self.stopped.clone();
                let handshake = tokio::select! {
                    biased;
                    () = stop_asked(&mut stopped) => return,
                    handshake = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)) => handshake,
                };
                match handshake {
                    Ok(Ok(stream)) => self.answer(stream, peer, true).await,
                    Ok(Err(error)) => debug!("The TLS handshake with {peer} failed: {error}"),
                    Err(_) => debug!("The TLS handshake with {peer} took too long"),
                }
            }
        }
        drop(slot);
    }

    async fn answer<S>(self, stream: S, peer: SocketAddr, is_tls: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self {
            rest,
            surface,
            mut stopped,
            ..
        } = self;
        let connection = Connection {
            peer: Some(peer),
            surface,
            is_tls,
        };
        let answer = service_fn(move |request: hyper::Request<Incoming>| {
            let rest = rest.clone();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(connection);
            async move { Ok::<_, Infallible>(rest.handle(request).await) }
        });
        let stream = TokioIo::new(WriteTimeout::new(stream, WRITE_TIMEOUT));
        let conversation = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_READ_TIMEOUT)
            .max_buf_size(MAX_HEAD_NUM_BYTES)
            .serve_connection(stream, answer);
        tokio::pin!(conversation);
        let result = tokio::select! {
            result = conversation.as_mut() => result,
            () = stop_asked(&mut stopped) => {
                conversation.as_mut().graceful_shutdown();
                conversation.await
            }
        };
        if let Err(error) = result {
            debug!("The connection of {peer} ended: {error}");
        }
    }
}

async fn stop_asked(stopped: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is a stop, too.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// An empty host means all addresses of both families; where IPv6 is off, those of IPv4.
async fn bind(listener: &Listener) -> io::Result<TcpListener> {
    if listener.host.is_empty() {
        let any_v6 = SocketAddr::from(([0u16; 8], listener.port));
        return match TcpListener::bind(any_v6).await {
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                TcpListener::bind(SocketAddr::from(([0u8; 4], listener.port))).await
            }
            bound => bound,
        };
    }
    let addresses: Vec<SocketAddr> = lookup_host((listener.host.as_str(), listener.port))
        .await?
        .collect();
    TcpListener::bind(addresses.as_slice()).await
}
