//! What a worker's settings say about the REST API, beyond its listeners.

use crate::cors::Cors;
use crate::ui::StatusPage;
use connect_herder::{BasicAuth, HeaderRule};

/// How requests are let in and answers are dressed.
#[derive(Debug, Default)]
pub struct RestOptions {
    /// Which web pages of other origins may use the API; `None` for none.
    pub cors: Option<Cors>,
    /// Headers of all answers.
    pub response_headers: Vec<HeaderRule>,
    /// Who may use the API; `None` for everybody.
    pub basic_auth: Option<BasicAuth>,
    /// Whether users who may only read see `[hidden]` in place of secret settings.
    pub masks_secrets: bool,
    /// The page at `/ui`; `None` for none.
    pub status_page: Option<StatusPage>,
}
