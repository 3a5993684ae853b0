//! Who the client says it is.

mod jaas;
mod oauth;

pub(crate) use jaas::user_info_of_jaas;
pub(crate) use oauth::OAuthConfig;

use crate::connection::{ConnectionError, set_authorization};
use crate::url::BaseUrl;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connect_api::config::Password;
use oauth::TokenSource;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// The settings of authentication, checked.
#[derive(Clone, Debug, Default)]
pub(crate) enum AuthConfig {
    /// None.
    #[default]
    None,
    /// Basic, with what stands in each address.
    Url,
    /// Basic, with `user:password`.
    UserInfo(Password),
    /// A token that does not change.
    StaticToken(Password, TargetHeaders),
    /// Tokens of an identity provider.
    OAuth(Box<OAuthConfig>, TargetHeaders),
}

/// The headers that Confluent Cloud routes by.
#[derive(Clone, Debug, Default)]
pub(crate) struct TargetHeaders {
    pub(crate) logical_cluster: Option<HeaderValue>,
    pub(crate) identity_pool_id: Option<HeaderValue>,
}

const TARGET_SR_CLUSTER: HeaderName = HeaderName::from_static("target-sr-cluster");
const TARGET_IDENTITY_POOL_ID: HeaderName = HeaderName::from_static("confluent-identity-pool-id");

/// Makes the headers of authentication.
pub(crate) enum Auth {
    None,
    Url,
    UserInfo(Password),
    StaticToken(Password, TargetHeaders),
    Renewed(Box<TokenSource>, TargetHeaders),
}

impl Auth {
    /// `client` is what an identity provider is asked with.
    pub(crate) fn new(config: &AuthConfig, client: reqwest::Client) -> Self {
        match config {
            AuthConfig::None => Self::None,
            AuthConfig::Url => Self::Url,
            AuthConfig::UserInfo(user_info) => Self::UserInfo(user_info.clone()),
            AuthConfig::StaticToken(token, target) => {
                Self::StaticToken(token.clone(), target.clone())
            }
            AuthConfig::OAuth(oauth, target) => Self::Renewed(
                Box::new(TokenSource::new(oauth.as_ref().clone(), client)),
                target.clone(),
            ),
        }
    }

    /// The headers for a request to `base`.
    pub(crate) async fn headers(&self, base: &BaseUrl) -> Result<HeaderMap, ConnectionError> {
        let mut headers = HeaderMap::new();
        match self {
            Self::None => {}
            Self::Url => {
                if let Some(user_info) = base.user_info() {
                    set_authorization(&mut headers, &basic(user_info))?;
                }
            }
            Self::UserInfo(user_info) => set_authorization(&mut headers, &basic(user_info))?,
            Self::StaticToken(token, target) => {
                set_authorization(&mut headers, &format!("Bearer {}", token.expose()))?;
                target.add_to(&mut headers);
            }
            Self::Renewed(source, target) => {
                let token = source.token().await?;
                set_authorization(&mut headers, &format!("Bearer {}", token.expose()))?;
                target.add_to(&mut headers);
            }
        }
        Ok(headers)
    }

    /// Has the next request fetch a new token, because the registry refused this one.
    pub(crate) async fn forget_token(&self) {
        if let Self::Renewed(source, _) = self {
            source.forget().await;
        }
    }
}

impl TargetHeaders {
    fn add_to(&self, headers: &mut HeaderMap) {
        if let Some(cluster) = &self.logical_cluster {
            headers.insert(TARGET_SR_CLUSTER, cluster.clone());
        }
        if let Some(pool) = &self.identity_pool_id {
            headers.insert(TARGET_IDENTITY_POOL_ID, pool.clone());
        }
    }
}

fn basic(user_info: &Password) -> String {
    format!("Basic {}", STANDARD.encode(user_info.expose()))
}
