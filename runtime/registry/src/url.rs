//! The addresses of a registry.

use crate::request::Request;
use connect_api::config::Password;
use connect_api::{ConnectError, Result};
use reqwest::Url;
use std::fmt;

/// The scheme of registries within this process.
const MOCK_SCHEME: &str = "mock";

/// An address of `schema.registry.url`. What it prints holds no credentials.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    url: Url,
    /// `user:password`, as written.
    user_info: Option<Password>,
}

impl BaseUrl {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let refuse = |why: &str| {
            // Whatever stands before an @ may be a password.
            let shown = match text.rsplit_once('@') {
                Some((_, host)) => format!("...@{host}"),
                None => text.to_string(),
            };
            ConnectError::config(format!(
                "Invalid value {shown} for configuration {}: {why}",
                crate::config::URL
            ))
        };
        let mut url = Url::parse(text)
            .map_err(|error| refuse(&format!("{error}; give http://HOST:PORT/PATH")))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => {}
            MOCK_SCHEME => {}
            _ => return Err(refuse("it must begin with http://, https:// or mock://")),
        }
        let user_info = (!url.username().is_empty() || url.password().is_some()).then(|| {
            // Java sends what is written, without decoding it.
            let authority = text
                .split_once("://")
                .map_or("", |(_, rest)| rest)
                .split(['/', '?', '#'])
                .next()
                .unwrap_or("");
            Password::new(authority.rsplit_once('@').map_or("", |(info, _)| info))
        });
        if user_info.is_some() {
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self { url, user_info })
    }

    /// `user:password` of the address.
    pub(crate) fn user_info(&self) -> Option<&Password> {
        self.user_info.as_ref()
    }

    /// The name of a registry within this process.
    pub(crate) fn mock_scope(&self) -> Option<&str> {
        (self.url.scheme() == MOCK_SCHEME).then(|| {
            self.url
                .as_str()
                .trim_start_matches("mock://")
                .trim_end_matches('/')
        })
    }

    /// The address of a request.
    pub(crate) fn join(&self, request: &Request) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&request.segments);
        }
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        url
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Guid;

    #[test]
    fn paths_are_kept_and_parts_encoded() {
        let join =
            |base: &str, request: &Request| BaseUrl::parse(base).unwrap().join(request).to_string();
        for base in ["http://h:1/apis/ccompat/v7", "http://h:1/apis/ccompat/v7/"] {
            assert_eq!(
                join(base, &Request::schema_by_id(5, Some(":.c:a/b"))),
                "http://h:1/apis/ccompat/v7/schemas/ids/5?fetchMaxId=false&subject=%3A.c%3Aa%2Fb"
            );
        }
        assert_eq!(
            join("https://h", &Request::version("a/b ü", None)),
            "https://h/subjects/a%2Fb%20%C3%BC/versions/latest"
        );
        assert_eq!(
            join("https://h", &Request::schema_by_guid(Guid(1))),
            "https://h/schemas/guids/00000000-0000-0000-0000-000000000001"
        );
    }

    #[test]
    fn credentials_leave_the_address() {
        let url = BaseUrl::parse("http://alice:s%40cret@h:8081/p").unwrap();
        assert_eq!(url.to_string(), "http://h:8081/p");
        assert_eq!(format!("{url:?}"), "http://h:8081/p");
        assert_eq!(url.user_info().unwrap().expose(), "alice:s%40cret");
        assert_eq!(BaseUrl::parse("http://h").unwrap().user_info(), None);
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_credentials() {
        for text in [
            "registry:8081",
            "ftp://u:hidden@h",
            "http://u:hidden@",
            "",
            "/x",
        ] {
            let message = BaseUrl::parse(text).unwrap_err().to_string();
            assert!(message.contains("schema.registry.url"), "{message}");
            assert!(!message.contains("hidden"), "{message}");
        }
    }

    #[test]
    fn mocks_have_scopes() {
        assert_eq!(
            BaseUrl::parse("mock://scope-1").unwrap().mock_scope(),
            Some("scope-1")
        );
        assert_eq!(BaseUrl::parse("http://scope").unwrap().mock_scope(), None);
    }
}
