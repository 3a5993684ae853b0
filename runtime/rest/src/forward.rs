//! Requests that another worker must answer.

use crate::client::{SIGNATURE, SIGNATURE_ALGORITHM};
use crate::error::Failure;
use crate::location::connector_path;
use crate::resource::Resource;
use crate::router::{Call, Rest, json_body};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, LOCATION};
use axum::http::{HeaderValue, Response, StatusCode};
use connect_herder::{PeerRequest, RequestSignature, path_segment};

impl Rest {
    /// Sends a request on to the worker at `url` and passes on what it answers.
    ///
    /// A request makes two hops at most: the worker that a client asked sends it to the leader, and the
    /// leader to the one that runs the connector. Who is asked third knows no better.
    pub(crate) async fn forward(
        &self,
        resource: &Resource,
        call: &Call,
        url: &str,
    ) -> Result<Response<Body>, Failure> {
        let Some(path) = path(resource) else {
            return Err(Failure::of_status(StatusCode::NOT_FOUND));
        };
        let may_hop_again = match call.query.optional_boolean("forward") {
            None => true,
            Some(true) => false,
            Some(false) => {
                tracing::error!(
                    "Request '{} {path}' failed because it couldn't find the target Connect worker \
                     within two hops (between workers).",
                    call.method
                );
                return Err(Failure::new(
                    StatusCode::CONFLICT,
                    "Cannot complete request because of a conflicting operation (e.g. worker \
                     rebalance)",
                ));
            }
        };
        let base = url.trim_end_matches('/');
        let query = query(resource, call);
        let url = format!("{base}{path}?forward={may_hop_again}{query}");
        tracing::debug!("Forwarding request {} {url}", call.method);
        let header = |name: &str| Some(call.headers.get(name)?.to_str().ok()?.to_string());
        let answer = self
            .peers
            .send(PeerRequest {
                method: call.method.to_string(),
                url,
                authorization: header(AUTHORIZATION.as_str()),
                // The body goes on byte for byte, so that its signature stays good.
                signature: header(SIGNATURE).zip(header(SIGNATURE_ALGORITHM)).map(
                    |(signature, algorithm)| RequestSignature {
                        signature,
                        algorithm,
                    },
                ),
                body: (!call.body.is_empty()).then(|| call.body.clone()),
            })
            .await
            .map_err(|error| {
                let status =
                    StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Failure::new(status, error.message)
            })?;
        let status =
            StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status == StatusCode::NO_CONTENT {
            return Ok(crate::router::empty(status));
        }
        let mut response = json_body(status, answer.body);
        // The client sees the worker that it asked.
        if status == StatusCode::CREATED
            && let Some(name) = created_name(resource, &response_name(call))
            && let Ok(location) =
                HeaderValue::from_str(&format!("{}{}", call.base_url, connector_path(name)))
        {
            response.headers_mut().insert(LOCATION, location);
        }
        Ok(response)
    }
}

/// The path of a resource, from the names as they read.
fn path(resource: &Resource) -> Option<String> {
    let of = |name: &str, rest: &str| Some(format!("/connectors/{}{rest}", path_segment(name)));
    match resource {
        Resource::Connectors => Some("/connectors".to_string()),
        Resource::Connector(name) => of(name, ""),
        Resource::Config(name) => of(name, "/config"),
        Resource::Restart(name) => of(name, "/restart"),
        Resource::Stop(name) => of(name, "/stop"),
        Resource::Tasks(name) => of(name, "/tasks"),
        Resource::Fence(name) => of(name, "/fence"),
        Resource::Offsets(name) => of(name, "/offsets"),
        Resource::TaskRestart(name, task) => {
            of(name, &format!("/tasks/{}/restart", path_segment(task)))
        }
        _ => None,
    }
}

fn query(resource: &Resource, call: &Call) -> String {
    let flag = |name: &str| call.query.boolean(name, false);
    match resource {
        Resource::Restart(_) if flag("onlyFailed") || flag("includeTasks") => format!(
            "&includeTasks={}&onlyFailed={}",
            flag("includeTasks"),
            flag("onlyFailed")
        ),
        _ => String::new(),
    }
}

/// The name that a `POST /connectors` gives the connector.
fn response_name(call: &Call) -> String {
    crate::body::create_connector(&call.body)
        .ok()
        .and_then(|create| create.name)
        .unwrap_or_default()
        .trim()
        .to_string()
}

fn created_name<'a>(resource: &'a Resource, posted: &'a str) -> Option<&'a str> {
    match resource {
        Resource::Connectors => Some(posted),
        Resource::Config(name) => Some(name),
        _ => None,
    }
}
