//! A server of HTTP that does as a test says.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// With the parameters; with scheme and host if it came through a proxy.
    pub uri: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }
}

/// What the server does.
pub enum Reply {
    Json(u16, String),
    /// A redirection.
    To(String),
    /// Nothing: the request stays open.
    Hang,
}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

/// Runs until it is dropped.
pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(None, handler).await
    }

    pub async fn start_tls(
        config: ServerConfig,
        handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(TlsAcceptor::from(Arc::new(config))), handler).await
    }

    async fn listen(
        tls: Option<TlsAcceptor>,
        handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let handler: Arc<Handler> = Arc::new(handler);
        let task = tokio::spawn({
            let seen = seen.clone();
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let (tls, seen, handler) = (tls.clone(), seen.clone(), handler.clone());
                    tokio::spawn(async move {
                        match tls {
                            None => serve(stream, seen, handler).await,
                            Some(tls) => {
                                if let Ok(stream) = tls.accept(stream).await {
                                    serve(stream, seen, handler).await;
                                }
                            }
                        }
                    });
                }
            }
        });
        Self { url, seen, task }
    }

    /// The requests so far; they are forgotten then.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    seen: Arc<Mutex<Vec<Seen>>>,
    handler: Arc<Handler>,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let (seen, handler) = (seen.clone(), handler.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let request = Seen {
                method: parts.method.to_string(),
                uri: parts.uri.to_string(),
                headers: parts
                    .headers
                    .iter()
                    .map(|(key, value)| {
                        (
                            key.to_string(),
                            String::from_utf8_lossy(value.as_bytes()).into(),
                        )
                    })
                    .collect(),
                body: String::from_utf8_lossy(&body).into(),
            };
            let reply = handler(&request);
            seen.lock().unwrap().push(request);
            let mut response = Response::new(Full::<Bytes>::default());
            match reply {
                Reply::Json(status, body) => {
                    *response.status_mut() = status.try_into().unwrap();
                    *response.body_mut() = Full::from(body);
                }
                Reply::To(url) => {
                    *response.status_mut() = 307.try_into().unwrap();
                    response
                        .headers_mut()
                        .insert("location", url.try_into().unwrap());
                }
                Reply::Hang => std::future::pending().await,
            }
            Ok::<_, hyper::Error>(response)
        }
    });
    // A client that goes away is not a fault of the server.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
