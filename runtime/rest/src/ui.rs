//! `/ui`: a page for people.
//!
//! It is one document without outside assets. What it shows and does goes through the same API that
//! scripts use; only the figures for its plots come from `/ui/figures`, because the text of `/metrics`
//! would be too much to read every two seconds.

mod figures;

use crate::error::Failure;
use crate::media::TEXT_HTML;
use crate::router::{Call, Rest, json_body};
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, Response, StatusCode};
use chrono::Utc;
use connect_telemetry::metrics::MBean;
use figures::{Figures, TaskFigures};
use std::fmt;
use std::sync::Arc;

const DOCUMENT: &str = include_str!("ui/page.html");
const STYLE: &str = include_str!("ui/page.css");
/// Each uses what those before it define.
const SCRIPTS: [&str; 6] = [
    include_str!("ui/basics.js"),
    include_str!("ui/plots.js"),
    include_str!("ui/errors.js"),
    include_str!("ui/changes.js"),
    include_str!("ui/rows.js"),
    include_str!("ui/page.js"),
];

/// Where the document has the style, the scripts, and the nonce that lets the browser take them.
const STYLE_PLACE: &str = "{{style}}";
const SCRIPTS_PLACE: &str = "{{scripts}}";
const NONCE_PLACE: &str = "{{nonce}}";

/// The status page of a worker.
#[derive(Clone)]
pub struct StatusPage {
    mbeans: Arc<dyn Fn() -> Vec<MBean> + Send + Sync>,
}

impl StatusPage {
    /// A page whose plots are drawn from these metrics of the worker.
    pub fn new(mbeans: impl Fn() -> Vec<MBean> + Send + Sync + 'static) -> Self {
        Self {
            mbeans: Arc::new(mbeans),
        }
    }

    /// The document. Each one has another nonce, so that nothing that found its way into it would run.
    pub(crate) fn document(&self) -> Response<Body> {
        let nonce = format!("{:032x}", rand::random::<u128>());
        let scripts: String = SCRIPTS
            .iter()
            .map(|script| format!("<script nonce=\"{nonce}\">\n{script}</script>\n"))
            .collect();
        let document = DOCUMENT
            .replace(NONCE_PLACE, &nonce)
            .replace(STYLE_PLACE, STYLE)
            .replace(SCRIPTS_PLACE, &scripts);
        let policy = format!(
            "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
             connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'"
        );
        let mut response = Response::new(Body::from(document));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, TEXT_HTML);
        // Hexadecimal digits are fit for a header.
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        for (name, value) in [
            (CACHE_CONTROL, "no-store"),
            (REFERRER_POLICY, "no-referrer"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl fmt::Debug for StatusPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StatusPage")
    }
}

impl Rest {
    /// `/ui`.
    pub(crate) fn page(&self) -> Result<Response<Body>, Failure> {
        Ok(self.status_page()?.document())
    }

    /// `/ui/figures`: who is asking, and what the tasks of this worker have done so far.
    pub(crate) fn figures(&self, call: &Call) -> Result<Response<Body>, Failure> {
        let beans = (self.status_page()?.mbeans)();
        let figures = Figures {
            user: call.access.user.as_deref(),
            role: call.access.role.name(),
            time_ms: Utc::now().timestamp_millis(),
            tasks: TaskFigures::of(&beans),
        };
        let mut response = json_body(StatusCode::OK, crate::json::to_bytes(&figures));
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().insert(CACHE_CONTROL, no_store);
        Ok(response)
    }

    fn status_page(&self) -> Result<&StatusPage, Failure> {
        let page = self.options.status_page.as_ref();
        page.ok_or_else(|| Failure::unrouted(StatusCode::NOT_FOUND))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_whole_and_holds_every_place_once() {
        for place in [STYLE_PLACE, SCRIPTS_PLACE, NONCE_PLACE] {
            assert_eq!(DOCUMENT.matches(place).count(), 1, "{place}");
        }
        for part in SCRIPTS.iter().chain([&STYLE]) {
            assert!(!part.contains("{{"), "a place inside of a part");
            assert!(!part.contains("</s"), "the part would end there");
        }
    }

    #[test]
    fn nothing_comes_from_elsewhere_or_is_read_as_markup() {
        let outside = |text: &str| {
            text.replace("http://www.w3.org/2000/svg", "")
                .contains("://")
        };
        for part in SCRIPTS.iter().chain([&DOCUMENT, &STYLE]) {
            assert!(!outside(part));
        }
        for markup in ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval("] {
            assert!(!SCRIPTS.concat().contains(markup), "{markup}");
        }
        // The policy allows no attributes with scripts or styles.
        assert!(!DOCUMENT.contains(" style=") && !DOCUMENT.contains(" onclick="));
    }
}
