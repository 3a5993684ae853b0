//! From a request to the resource that answers it.

use crate::access::{self, Access, Denied};
use crate::error::{APPLICATION_JSON, Failure};
use crate::exchange::Exchange;
use crate::options::RestOptions;
use crate::path::{Query, segments};
use crate::resource::Resource;
use crate::{cors, json, media, response_headers};
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, Version};
use chrono::Utc;
use connect_herder::{Herder, PeerClient};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::time::timeout;

/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

/// The largest request body. The largest configurations in use are some ten kilobytes.
const MAX_BODY_BYTES: usize = 8 << 20;

/// How long a client may take for the body of a request.
const BODY_READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest path with its query, and the headers of a request together: Jetty's bounds.
const MAX_URI_NUM_BYTES: usize = 8 << 10;
const MAX_HEADERS_NUM_BYTES: usize = 8 << 10;

/// Makes the text of `/metrics`.
pub type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

/// The REST API over a herder.
pub struct Rest {
    pub(crate) herder: Arc<dyn Herder>,
    pub(crate) metrics: MetricsText,
    /// Reaches the workers to which requests are forwarded.
    pub(crate) peers: Arc<dyn PeerClient>,
    /// Whether `/health` was ever well: tells a worker that starts from one that is stuck.
    pub(crate) was_healthy: AtomicBool,
    pub(crate) options: RestOptions,
}

/// What a resource gets to see of a request.
#[derive(Clone)]
pub(crate) struct Call {
    pub method: Method,
    pub headers: HeaderMap,
    pub query: Query,
    pub body: Bytes,
    /// The URL that the client knows this worker by, from its `Host` header.
    pub base_url: String,
    pub access: Access,
}

impl Rest {
    /// An API over this herder. `metrics` makes the text of `/metrics`; requests that another worker
    /// must answer are forwarded through `peers`.
    pub fn new(herder: Arc<dyn Herder>, metrics: MetricsText, peers: Arc<dyn PeerClient>) -> Self {
        Self {
            herder,
            metrics,
            peers,
            was_healthy: AtomicBool::new(false),
            options: RestOptions::default(),
        }
    }

    /// The same API with what the worker's settings say about it.
    #[must_use]
    pub fn with_options(mut self, options: RestOptions) -> Self {
        self.options = options;
        self
    }

    /// Answers one request.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let mut exchange = Exchange::begin(&request);
        let mut changes = false;
        let mut response = match self.respond(request, &mut exchange, &mut changes).await {
            Ok(response) => response,
            Err(failure) => failure.into_response(),
        };
        let status = response.status();
        let headers = response.headers_mut();
        if let Some(cors) = &self.options.cors {
            cors.apply(&exchange.origin, headers);
        }
        response_headers::apply(&self.options.response_headers, Utc::now(), headers);
        exchange.end(changes, status, headers);
        response
    }

    /// The answer; `changes` tells whether anything was to be changed.
    async fn respond(
        &self,
        request: Request,
        exchange: &mut Exchange,
        changes: &mut bool,
    ) -> Result<Response<Body>, Failure> {
        let (parts, body) = request.into_parts();
        check_head(parts.version, &parts.uri, &parts.headers)?;
        let segments =
            segments(parts.uri.path()).map_err(|error| Failure::bad_request(error.message()))?;
        let resource = Resource::find(&segments)
            .filter(|resource| exchange.connection.surface.serves(resource.is_admin()))
            .filter(|resource| !resource.is_for_page() || self.options.status_page.is_some())
            .ok_or_else(|| Failure::unrouted(StatusCode::NOT_FOUND))?;
        let methods = resource.methods();
        if !methods
            .split(',')
            .any(|method| method == parts.method.as_str())
        {
            return Err(Failure::unrouted(StatusCode::METHOD_NOT_ALLOWED));
        }
        *changes = access::changes(&resource, &parts.method);
        let is_options = parts.method == Method::OPTIONS;
        let reads_body = resource.reads_body(&parts.method);
        if !is_options {
            if resource.is_json_only(&parts.method) {
                // Of a body that is not there no type is asked; the resource says that it misses it.
                let has_body = !body.is_end_stream();
                media::check_content_type(&parts.headers, reads_body && has_body)?;
            }
            media::check_accept(&parts.headers, resource.produces())?;
        }
        let auth = self.options.basic_auth.as_ref();
        let access = match access::check(auth, &resource, &parts.method, &parts.headers) {
            Ok(access) => access,
            Err(Denied::Unauthorized) => {
                return Ok(access::unauthorized(&resource, &parts.method));
            }
            Err(Denied::Refused(failure)) => return Err(failure),
        };
        exchange.user.clone_from(&access.user);
        if *changes {
            cors::check_site(self.options.cors.as_ref(), &exchange.origin)?;
        }
        if is_options {
            return Ok(options(methods));
        }
        let body = if reads_body {
            timeout(BODY_READ_TIMEOUT, read_body(body))
                .await
                .map_err(|_| body_timed_out())??
        } else {
            Bytes::new()
        };
        let call = Call {
            method: parts.method,
            query: Query::parse(parts.uri.query().unwrap_or_default()),
            body,
            base_url: base_url(exchange.connection.is_tls, &parts.headers),
            access,
            headers: parts.headers,
        };
        match timeout(REQUEST_TIMEOUT, self.answer(&resource, call)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.timed_out(&resource)),
        }
    }

    /// The answer of this worker, or of the one that its herder points to.
    async fn answer(&self, resource: &Resource, call: Call) -> Result<Response<Body>, Failure> {
        match self.dispatch(resource, call.clone()).await {
            Err(Failure {
                forward_to: Some(url),
                ..
            }) => self.forward(resource, &call, &url).await,
            answer => answer,
        }
    }

    async fn dispatch(&self, resource: &Resource, call: Call) -> Result<Response<Body>, Failure> {
        match resource {
            Resource::Root => Ok(ok(&self.herder.cluster_info())),
            Resource::Health => Ok(self.health(&call).await),
            Resource::Loggers => self.loggers(),
            Resource::Logger(logger) => self.logger(logger, call).await,
            Resource::Metrics => Ok(text(&(self.metrics)())),
            Resource::Page => self.page(),
            Resource::Figures => self.figures(&call),
            Resource::Plugins | Resource::PluginConfig(_) | Resource::PluginValidate(_) => {
                self.plugins(resource, call).await
            }
            _ => self.connectors(resource, call).await,
        }
    }

    fn timed_out(&self, resource: &Resource) -> Failure {
        let message = match self.herder.stage() {
            Some(stage) if matches!(resource, Resource::PluginValidate(_)) => {
                format!("Request timed out. {}", stage.trim_end_matches('.'))
            }
            Some(stage) => format!("Request timed out. {stage}"),
            None => "Request timed out".to_string(),
        };
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }
}

/// Refuses what no server of HTTP takes: too much of it, or another host than the one it names.
fn check_head(version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(), Failure> {
    let uri_num_bytes = uri.path_and_query().map_or(0, |path| path.as_str().len());
    if uri_num_bytes > MAX_URI_NUM_BYTES {
        return Err(Failure::of_status(StatusCode::URI_TOO_LONG));
    }
    // `name: value` and the end of the line.
    let headers_num_bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if headers_num_bytes > MAX_HEADERS_NUM_BYTES {
        return Err(Failure::of_status(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        ));
    }
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(Failure::bad_request("The request has several Host headers"));
    }
    if host.is_none() && version == Version::HTTP_11 {
        return Err(Failure::bad_request("The request has no Host header"));
    }
    let (Some(authority), Some(host)) = (uri.authority(), host) else {
        return Ok(());
    };
    if !authority
        .as_str()
        .as_bytes()
        .eq_ignore_ascii_case(host.as_bytes())
    {
        return Err(Failure::bad_request(
            "The request names one host in its URI and another in its Host header",
        ));
    }
    Ok(())
}

fn body_timed_out() -> Failure {
    Failure::new(
        StatusCode::REQUEST_TIMEOUT,
        format!(
            "The request body did not come within {} s",
            BODY_READ_TIMEOUT.as_secs()
        ),
    )
}

async fn read_body(body: Body) -> Result<Bytes, Failure> {
    to_bytes(body, MAX_BODY_BYTES).await.map_err(|error| {
        let is_too_large = std::error::Error::source(&error)
            .is_some_and(|source| source.to_string().contains("length limit"));
        if is_too_large {
            Failure::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("The request body is larger than {MAX_BODY_BYTES} bytes"),
            )
        } else {
            Failure::bad_request(format!("The request body could not be read: {error}"))
        }
    })
}

fn base_url(is_tls: bool, headers: &HeaderMap) -> String {
    let protocol = if is_tls { "https" } else { "http" };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    match host {
        Some(host) if !host.is_empty() => format!("{protocol}://{host}"),
        _ => String::new(),
    }
}

fn options(methods: &'static str) -> Response<Body> {
    let mut response = text(&methods.replace(',', ", "));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(ALLOW, HeaderValue::from_static(methods));
    response
}

fn text(text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(text.to_string()));
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    response
}

/// 200 with JSON.
pub(crate) fn ok<T: Serialize + ?Sized>(value: &T) -> Response<Body> {
    answer(StatusCode::OK, value)
}

/// JSON under a status.
pub(crate) fn answer<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Response<Body> {
    json_body(status, json::to_bytes(value))
}

/// JSON that is written already.
pub(crate) fn json_body(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, APPLICATION_JSON);
    response
}

/// A status without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
