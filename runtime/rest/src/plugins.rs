//! `/connector-plugins`.

use crate::body;
use crate::error::Failure;
use crate::resource::Resource;
use crate::router::{Call, Rest, ok};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use connect_herder::{HerderError, HerderErrorKind};

impl Rest {
    pub(crate) async fn plugins(
        &self,
        resource: &Resource,
        call: Call,
    ) -> Result<Response<Body>, Failure> {
        match resource {
            Resource::PluginConfig(plugin) => Ok(ok(&self.herder.plugin_config(plugin)?)),
            Resource::PluginValidate(plugin) => self.validate(plugin, &call).await,
            _ => {
                let connectors_only = call.query.boolean("connectorsOnly", true);
                Ok(ok(&self.herder.plugins(connectors_only)))
            }
        }
    }

    async fn validate(&self, plugin: &str, call: &Call) -> Result<Response<Body>, Failure> {
        let config = body::config(&call.body)?;
        if let Some(class) = config.get("connector.class")
            && !without_suffix(class).ends_with(without_suffix(plugin))
        {
            return Err(Failure::bad_request(format!(
                "Included connector type {class} does not match request type {plugin}"
            )));
        }
        match self.herder.validate_connector_config(config).await {
            Ok(infos) => Ok(ok(&infos)),
            Err(error) => Err(wrapped(error)),
        }
    }
}

fn without_suffix(class: &str) -> &str {
    class.strip_suffix("Connector").unwrap_or(class)
}

/// A validation that failed as a whole names the exception, if it is the worker's fault. The JVM worker
/// answers a configuration without a known class in the same way, but that is the client's fault.
fn wrapped(error: HerderError) -> Failure {
    match error.kind {
        HerderErrorKind::Internal => Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("{}: {}", error.exception, error.message),
        ),
        _ => error.into(),
    }
}
