//! Binding and serving.

use crate::listener::Listener;
use crate::router::Rest;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, lookup_host};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info};

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
    let router = rest.router();
    let (stop, _) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let mut addresses = Vec::new();
    for (socket, listener) in sockets.into_iter().zip(listeners) {
        if let Ok(address) = socket.local_addr() {
            info!("REST API listens on http://{address}");
            addresses.push(address);
        }
        let mut stopped = stop.subscribe();
        let served = axum::serve(socket, router.clone()).with_graceful_shutdown(async move {
            // An error means that the server is gone, which is a stop, too.
            let _ = stopped.wait_for(|stop| *stop).await;
        });
        let listener = listener.clone();
        tasks.spawn(async move {
            if let Err(error) = served.await {
                error!("The REST API on {listener} ended: {error}");
            }
        });
    }
    Ok(Server {
        addresses,
        stop,
        tasks,
    })
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
