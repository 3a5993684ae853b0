//! The client against registries: the one in memory, and the same one behind a server of HTTP.

#![allow(clippy::unwrap_used, reason = "what fails to unwrap fails the test")]

#[path = "registry/http.rs"]
mod http;
#[path = "registry/server.rs"]
mod server;
#[path = "registry/suite.rs"]
mod suite;
#[path = "registry/tls.rs"]
mod tls;

use connect_api::config::ConfigMap;
use connect_registry::config::{ClientConfig, client_config_def, with_plain_names};
use connect_registry::{MockRegistry, RegistryClient};
use server::{Reply, Seen, Server};

/// A client that repeats nothing unless told to.
fn client(url: &str, entries: &[(&str, &str)]) -> connect_api::Result<RegistryClient> {
    let mut config = ConfigMap::from_iter([("schema.registry.url", url), ("max.retries", "0")]);
    config.extend(&ConfigMap::from_iter(entries.iter().copied()));
    let config = with_plain_names(&config);
    let parsed = client_config_def().parse(&config)?;
    RegistryClient::new(&ClientConfig::new(&parsed, &config)?)
}

/// Has the registry in memory answer a request; `base` is the path that it stands under.
fn answer_from(registry: &MockRegistry, base: &str, request: &Seen) -> Reply {
    let uri = format!("http://registry{}", request.uri);
    let uri = reqwest::Url::parse(&uri).unwrap();
    let Some(path) = uri.path().strip_prefix(base) else {
        return Reply::Json(404, "{}".to_string());
    };
    let path: Vec<String> = path
        .split('/')
        .filter(|part| !part.is_empty())
        .map(percent_decode)
        .collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let query: Vec<(String, String)> = uri.query_pairs().into_owned().collect();
    let query: Vec<(&str, &str)> = query
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let (status, body) = registry.answer(&request.method, &path, &query, Some(&request.body));
    Reply::Json(status, body)
}

fn percent_decode(part: &str) -> String {
    // In a query a plus is a blank; in a path it is itself.
    let query = format!("http://h/?part={}", part.replace('+', "%2B"));
    let url = reqwest::Url::parse(&query).unwrap();
    url.query_pairs().next().unwrap().1.into_owned()
}
