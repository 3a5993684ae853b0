//! OAUTHBEARER (RFC 7628): tokens that are unsecured, out of a file, or of an identity provider.

mod endpoint;
mod unsecured;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connect_api::config::Password;
use serde_json::Value;

use super::SecurityError;
use super::jaas::JaasEntry;
use super::read::jaas_refused;
use endpoint::ClientCredentials;
use unsecured::UnsecuredClaims;

const URL_KEY: &str = "sasl.oauthbearer.token.endpoint.url";
/// The life of a token that does not tell it.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);
/// Kafka's default of `sasl.login.refresh.window.factor`.
const RENEWAL_SHARE: f64 = 0.8;

/// Where tokens come from, and what is told beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthSettings {
    /// Where tokens come from.
    pub tokens: OAuthTokens,
    /// SASL extensions, such as `logicalCluster` of Confluent Cloud.
    pub extensions: BTreeMap<String, String>,
}

/// Where tokens come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OAuthTokens {
    /// Made here and not signed, as Kafka's default login does: for development only.
    Unsecured(UnsecuredClaims),
    /// Read from a file, which something else renews.
    File(PathBuf),
    /// Asked for at an identity provider.
    Endpoint(Box<ClientCredentials>),
}

/// A token with what Kafka's clients know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: Password,
    pub(crate) principal: String,
    pub(crate) made_at: SystemTime,
    pub(crate) expires_at: SystemTime,
}

/// No token could be had. The text holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OAuthError {
    pub(crate) reason: String,
    /// Whether asking again later may help.
    pub(crate) is_retriable: bool,
}

impl OAuthSettings {
    /// Reads the options of the login module and the settings beside it.
    pub(super) fn read<'a>(
        get: &dyn Fn(&str) -> Option<&'a str>,
        entry: JaasEntry,
    ) -> Result<Self, SecurityError> {
        let Some(url) = get(URL_KEY).filter(|url| !url.is_empty()) else {
            let claims = UnsecuredClaims::read(&entry.options)?;
            let extensions = extensions(&entry.options, "unsecuredLoginExtension_")?;
            return Ok(Self {
                tokens: OAuthTokens::Unsecured(claims),
                extensions,
            });
        };
        let extensions = extensions(&entry.options, "extension_")?;
        let invalid = |reason: &str| SecurityError {
            key: URL_KEY.to_owned(),
            value: Some(url.to_owned()),
            reason: reason.to_owned(),
        };
        let parsed = reqwest::Url::parse(url).map_err(|_| invalid("it is no URL"))?;
        let tokens = match parsed.scheme() {
            "http" | "https" => {
                OAuthTokens::Endpoint(Box::new(ClientCredentials::read(get, parsed, entry)?))
            }
            "file" => OAuthTokens::File(
                parsed
                    .to_file_path()
                    .map_err(|()| invalid("it names no file of this machine"))?,
            ),
            _ => return Err(invalid("it must begin with https, http or file")),
        };
        Ok(Self { tokens, extensions })
    }

    /// The client's first message. It holds the token.
    pub(crate) fn first_message(&self, token: &Token) -> Vec<u8> {
        let mut message = format!("n,,\u{1}auth=Bearer {}\u{1}", token.text.expose());
        for (name, value) in &self.extensions {
            message.push_str(&format!("{name}={value}\u{1}"));
        }
        message.push('\u{1}');
        message.into_bytes()
    }
}

/// The options that begin with `prefix`, under the rules of RFC 7628.
fn extensions(
    options: &BTreeMap<String, String>,
    prefix: &str,
) -> Result<BTreeMap<String, String>, SecurityError> {
    options
        .iter()
        .filter_map(|(option, value)| Some((option.strip_prefix(prefix)?, value)))
        .map(|(name, value)| {
            let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
            let is_value = !value.is_empty()
                && value
                    .bytes()
                    .all(|byte| matches!(byte, 0x21..=0x7E | b' ' | b'\t' | b'\r' | b'\n'));
            if name == "auth" || !is_name || !is_value {
                let reason = format!(
                    "the option {prefix}{name} is no SASL extension: the name must be of letters and \
                     not 'auth', the value of printable ASCII"
                );
                return Err(jaas_refused(reason));
            }
            Ok((name.to_owned(), value.clone()))
        })
        .collect()
}

/// Holds the current token of one login. All clients with the same settings share one, as Java's do,
/// so that a worker with many tasks asks its identity provider once for each life of a token.
#[derive(Debug)]
pub(crate) struct OAuthLogin {
    settings: OAuthSettings,
    current: Mutex<Option<Token>>,
}

/// The logins in use. As many as there are different settings in this process.
static LOGINS: Mutex<Vec<Weak<OAuthLogin>>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is replaced as a whole, so that it is never half written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OAuthLogin {
    /// The login of these settings.
    pub(crate) fn shared(settings: &OAuthSettings) -> Arc<Self> {
        let mut logins = lock(&LOGINS);
        logins.retain(|login| login.strong_count() > 0);
        let present = logins
            .iter()
            .filter_map(Weak::upgrade)
            .find(|login| login.settings == *settings);
        present.unwrap_or_else(|| {
            let login = Arc::new(Self {
                settings: settings.clone(),
                current: Mutex::new(None),
            });
            logins.push(Arc::downgrade(&login));
            login
        })
    }

    pub(crate) fn settings(&self) -> &OAuthSettings {
        &self.settings
    }

    /// The current token, renewed if it is time. While renewing fails the old one serves to its end.
    pub(crate) async fn token(&self) -> Result<Token, OAuthError> {
        let now = SystemTime::now();
        let held = lock(&self.current).clone();
        if let Some(token) = &held
            && now < token.renew_at()
        {
            return Ok(token.clone());
        }
        let fetched = match &self.settings.tokens {
            OAuthTokens::Unsecured(claims) => Ok(claims.token(now)),
            OAuthTokens::File(path) => read_file(path).await,
            OAuthTokens::Endpoint(credentials) => credentials.fetch().await,
        };
        match (fetched, held) {
            (Ok(token), _) => {
                *lock(&self.current) = Some(token.clone());
                Ok(token)
            }
            (Err(error), Some(token)) if now < token.expires_at => {
                tracing::warn!("The old token is used on: {}", error.reason);
                Ok(token)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// As [`Self::token`], on a thread that may block.
    pub(crate) fn token_blocking(&self) -> Result<Token, OAuthError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| OAuthError {
                reason: format!("no runtime for asking for a token: {error}"),
                is_retriable: true,
            })?;
        runtime.block_on(self.token())
    }

    /// Drops a token that a broker refused.
    pub(crate) fn forget(&self) {
        *lock(&self.current) = None;
    }
}

impl Token {
    /// A token of somebody else's making, which is a JSON Web Token or something that only the broker
    /// understands. `expires_in` is what was told of it.
    fn foreign(text: &str, expires_in: Option<Duration>, sub_claim: &str) -> Self {
        let made_at = SystemTime::now();
        let claims = claims_of(text);
        let claim = |name: &str| claims.as_ref().and_then(|claims| claims.get(name));
        let expires_at = claim("exp")
            .and_then(Value::as_f64)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .and_then(|since_epoch| UNIX_EPOCH.checked_add(since_epoch));
        Self {
            text: Password::new(text),
            principal: claim(sub_claim)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            made_at,
            expires_at: expires_at.unwrap_or(made_at + expires_in.unwrap_or(DEFAULT_LIFETIME)),
        }
    }

    fn renew_at(&self) -> SystemTime {
        let lifetime = self
            .expires_at
            .duration_since(self.made_at)
            .unwrap_or_default();
        self.made_at + lifetime.mul_f64(RENEWAL_SHARE)
    }

    /// Milliseconds since the epoch.
    pub(crate) fn expires_at_ms(&self) -> i64 {
        let since_epoch = self
            .expires_at
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
    }
}

/// The claims of a JSON Web Token, which only the broker can verify.
fn claims_of(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?.trim_end_matches('=');
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

async fn read_file(path: &std::path::Path) -> Result<Token, OAuthError> {
    let text = tokio::fs::read_to_string(path)
        .await
        .map_err(|error| OAuthError {
            reason: format!(
                "the token file {} of {URL_KEY} cannot be read: {error}",
                path.display()
            ),
            is_retriable: true,
        })?;
    usable(text.trim())?;
    Ok(Token::foreign(text.trim(), None, "sub"))
}

/// A token with a blank or a control character would end the message that it stands in.
fn usable(token: &str) -> Result<(), OAuthError> {
    if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(OAuthError {
        reason: "what was given as a token is empty or has characters that no token has".to_owned(),
        is_retriable: false,
    })
}

#[cfg(test)]
mod tests;
