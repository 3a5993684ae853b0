//! Tokens without a signature, as `OAuthBearerUnsecuredLoginCallbackHandler` makes them.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connect_api::config::Password;
use serde_json::{Map, Number, Value};

use super::Token;
use crate::security::SecurityError;
use crate::security::read::jaas_refused;

const PREFIX: &str = "unsecuredLogin";
const LIFETIME_SECONDS: &str = "unsecuredLoginLifetimeSeconds";
const MAX_LIFETIME_SECONDS: u64 = 100 * 365 * 24 * 3600;

/// What an unsecured token claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsecuredClaims {
    claims: Map<String, Value>,
    principal: String,
    lifetime: Duration,
}

impl UnsecuredClaims {
    pub(super) fn read(options: &BTreeMap<String, String>) -> Result<Self, SecurityError> {
        let mut claims = Map::new();
        for (option, value) in options {
            let Some((kind, name)) = option
                .strip_prefix(PREFIX)
                .and_then(|rest| rest.split_once("Claim_"))
                .filter(|(_, name)| !name.is_empty())
            else {
                continue;
            };
            if matches!(name, "iat" | "exp") {
                let reason = format!("Cannot explicitly set the '{name}' claim");
                return Err(jaas_refused(reason));
            }
            let claim = match kind {
                "String" => Value::String(value.clone()),
                "Number" => value
                    .trim()
                    .parse()
                    .ok()
                    .and_then(Number::from_f64)
                    .map(Value::Number)
                    .ok_or_else(|| jaas_refused(format!("the option {option} is no number")))?,
                "List" => list(value),
                _ => continue,
            };
            claims.insert(name.to_owned(), claim);
        }
        let principal_claim = options
            .get("unsecuredLoginPrincipalClaimName")
            .map(|name| name.trim())
            .filter(|name| !name.is_empty())
            .unwrap_or("sub");
        let principal = claims
            .get(principal_claim)
            .and_then(Value::as_str)
            .filter(|principal| !principal.trim().is_empty())
            .ok_or_else(|| {
                jaas_refused(format!(
                    "the option unsecuredLoginStringClaim_{principal_claim} is missing: an unsecured \
                     token needs a principal; for tokens of an identity provider set \
                     sasl.oauthbearer.token.endpoint.url"
                ))
            })?
            .to_owned();
        let lifetime = match options.get(LIFETIME_SECONDS) {
            None => 3600,
            Some(text) => text
                .trim()
                .parse()
                .ok()
                .filter(|seconds| (1..=MAX_LIFETIME_SECONDS).contains(seconds))
                .ok_or_else(|| {
                    jaas_refused(format!(
                        "the option {LIFETIME_SECONDS} is no number of seconds"
                    ))
                })?,
        };
        Ok(Self {
            claims,
            principal,
            lifetime: Duration::from_secs(lifetime),
        })
    }

    pub(super) fn token(&self, now: SystemTime) -> Token {
        let expires_at = now + self.lifetime;
        let seconds = |at: SystemTime| {
            let since_epoch = at.duration_since(UNIX_EPOCH).unwrap_or_default();
            Number::from_f64((since_epoch.as_secs_f64() * 1000.0).round() / 1000.0)
                .map_or(Value::Null, Value::Number)
        };
        let mut claims = Map::new();
        claims.insert("exp".to_owned(), seconds(expires_at));
        claims.insert("iat".to_owned(), seconds(now));
        claims.extend(self.claims.clone());
        let text = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
            URL_SAFE_NO_PAD.encode(Value::Object(claims).to_string())
        );
        Token {
            text: Password::new(text),
            principal: self.principal.clone(),
            made_at: now,
            expires_at,
        }
    }
}

/// A list whose first character is its delimiter.
fn list(value: &str) -> Value {
    let mut rest = value.chars();
    let items = match rest.next() {
        Some(delimiter) if !rest.as_str().is_empty() => rest
            .as_str()
            .split(delimiter)
            .map(|item| Value::String(item.to_owned()))
            .collect(),
        _ => Vec::new(),
    };
    Value::Array(items)
}
