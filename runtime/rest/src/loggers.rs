//! `/admin/loggers`.

use crate::body;
use crate::error::Failure;
use crate::router::{Call, Rest, empty, ok};
use axum::body::Body;
use axum::http::{Method, Response, StatusCode};
use connect_herder::{HerderError, Level};

type Answer = Result<Response<Body>, Failure>;

impl Rest {
    pub(crate) fn loggers(&self) -> Answer {
        Ok(ok(&self.herder.logger_levels()))
    }

    pub(crate) async fn logger(&self, logger: &str, call: Call) -> Answer {
        if call.method == Method::PUT {
            return self.set_logger(logger, &call).await;
        }
        let level = self
            .herder
            .logger_level(logger)
            .ok_or_else(|| HerderError::not_found(format!("Logger {logger} not found.")))?;
        Ok(ok(&level))
    }

    async fn set_logger(&self, logger: &str, call: &Call) -> Answer {
        let Some(levels) = body::optional_config(&call.body)? else {
            return Err(Failure::bad_request(
                "The request body is empty; send the level as JSON, for example \
                 {\"level\":\"DEBUG\"}",
            ));
        };
        let Some(text) = levels.get("level") else {
            return Err(Failure::bad_request(
                "Desired 'level' parameter was not specified in request.",
            ));
        };
        if text.trim().is_empty() {
            return Err(Failure::bad_request("Illegal null or empty Level name."));
        }
        let Some(level) = Level::of_name(text) else {
            return Err(HerderError::not_found(format!("invalid log level '{text}'.")).into());
        };
        let scope = call.query.all("scope").next().unwrap_or_default();
        if scope.eq_ignore_ascii_case("cluster") {
            self.herder.set_cluster_logger_level(logger, text).await?;
            return Ok(empty(StatusCode::NO_CONTENT));
        }
        if !scope.is_empty() && !scope.eq_ignore_ascii_case("worker") {
            tracing::warn!(
                "Received invalid scope '{scope}' in request to adjust logging level; will default \
                 to worker"
            );
        }
        let changed = self.herder.set_worker_logger_level(logger, level);
        Ok(ok(&changed))
    }
}
