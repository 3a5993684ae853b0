//! The settings as Java's clients name them.

use connect_api::config::Password;
use connect_tls::TlsSettings;

use super::jaas::{JaasEntry, parse_jaas};
use super::oauth::OAuthSettings;
use super::{
    Credentials, SaslSettings, ScramHash, SecurityError, SecurityProtocol, SecuritySettings,
};

/// Settings that name a Java class in the way of authentication.
pub(crate) const JAVA_CLASSES: &[&str] = &[
    "ssl.engine.factory.class",
    "ssl.provider",
    "sasl.login.class",
    "sasl.login.callback.handler.class",
    "sasl.client.callback.handler.class",
    "sasl.oauthbearer.jwt.retriever.class",
    "sasl.oauthbearer.jwt.validator.class",
];

/// Kafka's own class for tokens of an identity provider, which stands for what is done here anyway.
const OAUTH_LOGIN_HANDLER: &str = "OAuthBearerLoginCallbackHandler";
const HANDLER_KEY: &str = "sasl.login.callback.handler.class";
const PROTOCOL_KEY: &str = "security.protocol";
const MECHANISM_KEY: &str = "sasl.mechanism";
pub(super) const JAAS_KEY: &str = "sasl.jaas.config";

fn refused(key: &str, value: Option<&str>, reason: impl Into<String>) -> SecurityError {
    SecurityError {
        key: key.to_owned(),
        value: value.map(str::to_owned),
        reason: reason.into(),
    }
}

/// A refusal of `sasl.jaas.config`, whose value is never shown.
pub(super) fn jaas_refused(reason: impl Into<String>) -> SecurityError {
    refused(JAAS_KEY, None, reason)
}

impl SecuritySettings {
    /// Reads the settings; `get` gives the value of a key. Settings of a protocol that is not used
    /// have no effect, as in Java.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn read<'a>(get: &dyn Fn(&str) -> Option<&'a str>) -> Result<Self, SecurityError> {
        refuse_java_classes(get)?;
        let text = get(PROTOCOL_KEY).unwrap_or("PLAINTEXT");
        let protocol = match text.to_ascii_uppercase().as_str() {
            "PLAINTEXT" => SecurityProtocol::Plaintext,
            "SSL" => SecurityProtocol::Ssl,
            "SASL_PLAINTEXT" => SecurityProtocol::SaslPlaintext,
            "SASL_SSL" => SecurityProtocol::SaslSsl,
            _ => {
                let reason = "it must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL";
                return Err(refused(PROTOCOL_KEY, Some(text), reason));
            }
        };
        let (is_tls, is_sasl) = match protocol {
            SecurityProtocol::Plaintext => (false, false),
            SecurityProtocol::Ssl => (true, false),
            SecurityProtocol::SaslPlaintext => (false, true),
            SecurityProtocol::SaslSsl => (true, true),
        };
        let tls = is_tls.then(|| read_tls(get)).transpose()?;
        let sasl = is_sasl.then(|| read_sasl(get)).transpose()?;
        Ok(Self {
            protocol,
            tls,
            sasl,
        })
    }
}

fn refuse_java_classes<'a>(get: &dyn Fn(&str) -> Option<&'a str>) -> Result<(), SecurityError> {
    for key in JAVA_CLASSES {
        let Some(class) = get(key).filter(|class| !class.is_empty()) else {
            continue;
        };
        let is_own = *key == HANDLER_KEY
            && class.starts_with("org.apache.kafka.")
            && class.ends_with(OAUTH_LOGIN_HANDLER);
        if !is_own {
            let reason = "Java classes can't be loaded here; remove it";
            return Err(refused(key, Some(class), reason));
        }
    }
    Ok(())
}

fn read_tls<'a>(get: &dyn Fn(&str) -> Option<&'a str>) -> Result<TlsSettings, SecurityError> {
    TlsSettings::read("ssl.", |name| get(name).map(str::to_owned)).map_err(|error| SecurityError {
        // A value that is missing is one that may be a secret.
        key: error.key,
        value: error.value,
        reason: error.reason,
    })
}

fn read_sasl<'a>(get: &dyn Fn(&str) -> Option<&'a str>) -> Result<SaslSettings, SecurityError> {
    // GSSAPI is Java's default, so that a missing key is answered with the name in effect.
    let name = get(MECHANISM_KEY).unwrap_or("GSSAPI");
    match name.to_ascii_uppercase().as_str() {
        "PLAIN" => {
            let entry = login(get, name, "PlainLoginModule")?;
            Ok(SaslSettings::Plain(credentials(entry)?))
        }
        "SCRAM-SHA-256" => read_scram(get, ScramHash::Sha256),
        "SCRAM-SHA-512" => read_scram(get, ScramHash::Sha512),
        "OAUTHBEARER" => {
            let entry = login(get, name, "OAuthBearerLoginModule")?;
            OAuthSettings::read(get, entry).map(SaslSettings::OAuthBearer)
        }
        _ => {
            let reason = "supported are PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER; use one of them";
            Err(refused(MECHANISM_KEY, Some(name), reason))
        }
    }
}

fn read_scram<'a>(
    get: &dyn Fn(&str) -> Option<&'a str>,
    hash: ScramHash,
) -> Result<SaslSettings, SecurityError> {
    let entry = login(get, hash.mechanism(), "ScramLoginModule")?;
    if entry
        .options
        .get("tokenauth")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    {
        let reason = "delegation tokens are not supported: remove tokenauth and log in as a user";
        return Err(jaas_refused(reason));
    }
    Ok(SaslSettings::Scram(hash, credentials(entry)?))
}

/// The login module, which must be the mechanism's own.
fn login<'a>(
    get: &dyn Fn(&str) -> Option<&'a str>,
    mechanism: &str,
    expected: &str,
) -> Result<JaasEntry, SecurityError> {
    let text = get(JAAS_KEY)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| {
            let reason = format!("it is needed for {mechanism}: set it to a {expected}");
            refused(JAAS_KEY, Some("null"), reason)
        })?;
    let entry = parse_jaas(text).map_err(jaas_refused)?;
    if entry.login_module.rsplit('.').next() != Some(expected) {
        let reason = format!("its login module must be {expected} for {mechanism}");
        return Err(jaas_refused(reason));
    }
    Ok(entry)
}

fn credentials(mut entry: JaasEntry) -> Result<Credentials, SecurityError> {
    let mut option = |option: &str| {
        entry
            .options
            .remove(option)
            .ok_or_else(|| jaas_refused(format!("the option '{option}' is missing")))
    };
    Ok(Credentials {
        username: option("username")?,
        password: Password::new(option("password")?),
    })
}
