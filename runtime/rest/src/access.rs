//! Who sends a request, and what he may do.

use crate::error::{APPLICATION_JSON, Failure};
use crate::resource::Resource;
use crate::router::empty;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use connect_herder::{BasicAuth, Login, RestRole};

/// The text that the JVM's extension answers with.
const UNAUTHORIZED: &str = "User cannot access the resource.";

/// What a request is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub user: Option<String>,
    pub role: RestRole,
}

impl Access {
    /// Everything: nobody has to tell who he is.
    const OPEN: Self = Self {
        user: None,
        role: RestRole::Admin,
    };
}

/// Why a request is not let in.
pub(crate) enum Denied {
    /// It does not tell who sends it.
    Unauthorized,
    /// It tells so in a way that cannot be read, or the user may not do this.
    Refused(Failure),
}

/// Finds out who sends a request to a resource, and whether he may.
pub(crate) fn check(
    auth: Option<&BasicAuth>,
    resource: &Resource,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Access, Denied> {
    let Some(auth) = auth else {
        return Ok(Access::OPEN);
    };
    // Workers sign what they send to each other.
    if resource.is_internal(method) {
        return Ok(Access::OPEN);
    }
    let authorization = headers
        .get(AUTHORIZATION)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let access = match auth.log_in(authorization.as_deref()) {
        Login::Accepted { user, role } => Access { user, role },
        Login::Refused => return Err(Denied::Unauthorized),
        Login::Malformed => {
            return Err(Denied::Refused(Failure::bad_request(
                "The Authorization header is not of the form 'Basic' and user:password in Base64",
            )));
        }
    };
    let needed = needed_role(resource, method);
    if access.role >= needed {
        return Ok(access);
    }
    let user = access.user.as_deref().unwrap_or_default();
    Err(Denied::Refused(Failure::new(
        StatusCode::FORBIDDEN,
        format!(
            "The user {user} has the role {}; this request needs the role {} (see the settings \
             dovetail.rest.basic.auth.readers and dovetail.rest.basic.auth.admins)",
            access.role.name(),
            needed.name()
        ),
    )))
}

fn needed_role(resource: &Resource, method: &Method) -> RestRole {
    if !changes(resource, method) {
        RestRole::Reader
    } else if matches!(resource, Resource::Logger(_)) {
        RestRole::Admin
    } else {
        RestRole::Writer
    }
}

/// Whether a request changes anything.
pub(crate) fn changes(resource: &Resource, method: &Method) -> bool {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
    !reads && !matches!(resource, Resource::PluginValidate(_))
}

/// What makes a browser ask for a name and a password.
const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Basic realm=\"Dovetail\", charset=\"UTF-8\"");

/// 401 in the words of the JVM's extension, which sends no challenge; the page for people does, for
/// without one no browser would ask.
pub(crate) fn unauthorized(resource: &Resource, method: &Method) -> Response<Body> {
    let mut response = empty(StatusCode::UNAUTHORIZED);
    *response.body_mut() = Body::from(UNAUTHORIZED);
    let content_type = if method == Method::OPTIONS {
        HeaderValue::from_static("text/plain")
    } else {
        APPLICATION_JSON
    };
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    if resource.is_for_page() {
        response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    }
    response
}
