//! Web pages of other origins (CORS).

use crate::error::Failure;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use fancy_regex::Regex;

/// What Kafka allows unless `access.control.allow.methods` says otherwise.
const DEFAULT_METHODS: &str = "GET,POST,HEAD";
/// For how long a browser may rely on the answer to a preflight request.
const MAX_AGE_SECONDS: u32 = 60;

/// The origins and methods of `access.control.allow.*`.
#[derive(Debug)]
pub struct Cors {
    origins: Vec<OriginPattern>,
    methods: HeaderValue,
}

#[derive(Debug)]
enum OriginPattern {
    Any,
    /// Compared without regard to case.
    Literal(String),
    Regex(Regex),
}

impl OriginPattern {
    fn new(text: &str) -> Self {
        if text == "*" {
            return Self::Any;
        }
        // As the JVM worker does: an origin is a regular expression that mostly matches itself.
        match Regex::new(&format!("^(?i:{text})$")) {
            Ok(regex) => Self::Regex(regex),
            Err(_) => Self::Literal(text.to_string()),
        }
    }

    fn matches(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Literal(text) => text.eq_ignore_ascii_case(origin),
            Self::Regex(regex) => regex.is_match(origin).unwrap_or(false),
        }
    }
}

/// What a request says about its origin.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    origin: Option<HeaderValue>,
    is_preflight: bool,
    /// Whether a browser says that a page of another site sends this.
    is_cross_site: bool,
}

impl Origin {
    pub fn of(method: &Method, headers: &HeaderMap) -> Self {
        Self {
            origin: headers.get(ORIGIN).cloned(),
            is_preflight: method == Method::OPTIONS
                && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD),
            is_cross_site: headers
                .get("sec-fetch-site")
                .is_some_and(|site| site == "cross-site"),
        }
    }
}

impl Cors {
    /// The rules of `access.control.allow.origin` and `access.control.allow.methods`; `None` if the
    /// first is blank, which switches them off.
    pub fn from_settings(allow_origin: &str, allow_methods: &str) -> Option<Self> {
        let origins: Vec<OriginPattern> = allow_origin
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(OriginPattern::new)
            .collect();
        if origins.is_empty() {
            return None;
        }
        let methods: Vec<&str> = allow_methods
            .split(',')
            .map(str::trim)
            .filter(|method| !method.is_empty())
            .collect();
        let methods = HeaderValue::from_str(&methods.join(","))
            .ok()
            .filter(|methods| !methods.is_empty())
            .unwrap_or(HeaderValue::from_static(DEFAULT_METHODS));
        Some(Self { origins, methods })
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        origin
            .to_str()
            .is_ok_and(|origin| self.origins.iter().any(|one| one.matches(origin)))
    }

    /// Adds what an answer says to the browser.
    pub(crate) fn apply(&self, request: &Origin, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = &request.origin else {
            return;
        };
        if !self.allows(origin) {
            return;
        }
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if request.is_preflight {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
            headers.insert(
                ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderValue::from_static("Content-Type"),
            );
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(MAX_AGE_SECONDS));
        }
    }
}

/// Refuses a change that a page of another site has a browser send, unless the settings allow its
/// origin. A browser that has been at `/ui` knows a password, and a restart is a request that it sends
/// for any page without asking first.
pub(crate) fn check_site(cors: Option<&Cors>, request: &Origin) -> Result<(), Failure> {
    let is_allowed = cors
        .zip(request.origin.as_ref())
        .is_some_and(|(cors, origin)| cors.allows(origin));
    if !request.is_cross_site || is_allowed {
        return Ok(());
    }
    Err(Failure::new(
        StatusCode::FORBIDDEN,
        "A page of another site may not change connectors; the setting access.control.allow.origin \
         names the origins that may",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(cors: &Cors, method: &Method, request: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in request {
            headers.insert(*name, value.parse().expect("a header value"));
        }
        let mut answer = HeaderMap::new();
        cors.apply(&Origin::of(method, &headers), &mut answer);
        answer
    }

    #[test]
    fn without_an_origin_there_are_no_rules() {
        assert!(Cors::from_settings(" ", "GET").is_none());
        assert!(Cors::from_settings("", "").is_none());
    }

    #[test]
    fn matching_origins_are_echoed() {
        let cors = Cors::from_settings("http://a.com, https://.*\\.b\\.com", "").expect("on");
        let origin = |origin: &str| {
            let answer = applied(&cors, &Method::GET, &[("origin", origin)]);
            assert_eq!(answer[VARY], "Origin");
            let allowed = answer.get(ACCESS_CONTROL_ALLOW_ORIGIN);
            allowed.map(|value| value.to_str().expect("ASCII").to_string())
        };
        assert_eq!(origin("http://A.com").as_deref(), Some("http://A.com"));
        assert_eq!(
            origin("https://x.b.com").as_deref(),
            Some("https://x.b.com")
        );
        assert_eq!(origin("https://x.b.com.evil.org"), None);
        assert_eq!(origin("null"), None);
        let none = applied(&cors, &Method::GET, &[]);
        assert_eq!(
            (none.len(), &none[VARY]),
            (1, &HeaderValue::from_static("Origin"))
        );
        let any = Cors::from_settings("*", "").expect("on");
        let answer = applied(&any, &Method::GET, &[("origin", "http://c")]);
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "http://c");
        assert!(!answer.contains_key(ACCESS_CONTROL_ALLOW_METHODS));
    }

    #[test]
    fn preflight_requests_hear_of_methods() {
        let cors = Cors::from_settings("*", "GET, PUT").expect("on");
        let request = [
            ("origin", "http://c"),
            ("access-control-request-method", "PUT"),
        ];
        let answer = applied(&cors, &Method::OPTIONS, &request);
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_METHODS], "GET,PUT");
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_HEADERS], "Content-Type");
        assert_eq!(answer[ACCESS_CONTROL_MAX_AGE], "60");
        let answer = applied(&cors, &Method::GET, &request);
        assert!(!answer.contains_key(ACCESS_CONTROL_ALLOW_METHODS));
        let cors = Cors::from_settings("*", "").expect("on");
        let answer = applied(&cors, &Method::OPTIONS, &request);
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_METHODS], "GET,POST,HEAD");
    }

    #[test]
    fn pages_of_other_sites_change_nothing_unless_they_are_allowed() {
        let cors = Cors::from_settings("http://a", "").expect("on");
        let status = |cors: Option<&Cors>, site: Option<&str>, origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ORIGIN, origin.parse().expect("a header value"));
            if let Some(site) = site {
                headers.insert("sec-fetch-site", site.parse().expect("a header value"));
            }
            check_site(cors, &Origin::of(&Method::POST, &headers)).map_err(|it| it.parts().0)
        };
        assert_eq!(status(None, Some("cross-site"), "http://a"), Err(403));
        assert_eq!(
            status(Some(&cors), Some("cross-site"), "http://b"),
            Err(403)
        );
        assert_eq!(status(Some(&cors), Some("cross-site"), "http://a"), Ok(()));
        // Proxies of consoles pass origins on; only browsers say what is another site.
        for site in [None, Some("same-origin"), Some("same-site"), Some("none")] {
            assert_eq!(status(None, site, "http://b"), Ok(()), "{site:?}");
        }
    }

    #[test]
    fn an_origin_that_is_no_regex_matches_itself() {
        let cors = Cors::from_settings("http://a(", "").expect("on");
        let answer = applied(&cors, &Method::GET, &[("origin", "http://a(")]);
        assert!(answer.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }
}
