//! A network that a test can cut.

use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::ports;

/// Passes TCP connections on to a server; while cut, its port refuses them and those open are gone.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    target: SocketAddr,
    serving: Mutex<Option<JoinHandle<()>>>,
}

impl Proxy {
    /// A whole network before `127.0.0.1:target_port`.
    pub async fn to(target_port: u16) -> Self {
        let proxy = Self {
            port: ports::free_port(),
            target: SocketAddr::from(([127, 0, 0, 1], target_port)),
            serving: Mutex::new(None),
        };
        proxy.mend().await;
        proxy
    }

    /// The port to connect to in place of the server's own.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends every connection and refuses new ones.
    pub async fn cut(&self) {
        let serving = self.serving.lock().expect("never poisoned").take();
        if let Some(serving) = serving {
            serving.abort();
            // The listener is closed when the task has been dropped, not when its end was asked for.
            let _ = serving.await;
        }
    }

    /// Takes connections again, on the same port.
    pub async fn mend(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port))
            .await
            .unwrap_or_else(|error| {
                panic!("the proxy cannot listen on port {}: {error}", self.port)
            });
        let target = self.target;
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                connections.spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(target).await {
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
                while connections.try_join_next().is_some() {}
            }
        });
        *self.serving.lock().expect("never poisoned") = Some(serving);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Ok(mut serving) = self.serving.lock()
            && let Some(serving) = serving.take()
        {
            serving.abort();
        }
    }
}
