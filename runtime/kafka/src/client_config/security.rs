//! TLS and SASL settings as the library takes them: PEM texts and names of its own.

use super::{ClientConfigError, ClientProperties, ClientType, NativeConfig, warn_once};
use crate::security::{OAuthLogin, SaslSettings, SecurityError, SecuritySettings};

/// Settings without a counterpart, which only tune what Java does.
pub(super) const IGNORED: &[&str] = &[
    "ssl.protocol",
    "ssl.enabled.protocols",
    "ssl.keymanager.algorithm",
    "ssl.trustmanager.algorithm",
    "ssl.secure.random.implementation",
    "ssl.cipher.suites",
    "sasl.login.refresh.buffer.seconds",
    "sasl.login.refresh.min.period.seconds",
    "sasl.login.refresh.window.factor",
    "sasl.login.refresh.window.jitter",
    "sasl.kerberos.kinit.cmd",
    "sasl.kerberos.min.time.before.relogin",
    "sasl.kerberos.service.name",
    "sasl.kerberos.ticket.renew.jitter",
    "sasl.kerberos.ticket.renew.window.factor",
];

pub(super) fn apply(
    properties: &ClientProperties,
    client: ClientType,
    config: &mut NativeConfig,
) -> Result<(), ClientConfigError> {
    for (key, _) in properties.iter() {
        if IGNORED.contains(&key) {
            warn_once(client, key, "the client library decides this by itself");
        }
    }
    let settings = SecuritySettings::read(&|key| properties.get(key))
        .map_err(|error| refusal(client, error))?;
    config.set(
        "security.protocol",
        settings.protocol.name().to_ascii_lowercase(),
    );
    if let Some(tls) = &settings.tls {
        if let Some(certificates) = tls.trusted_pem() {
            config.set("ssl.ca.pem", certificates);
        }
        if let (Some(identity), Some(chain)) = (tls.identity_pem(), tls.chain_pem()) {
            config.set("ssl.key.pem", identity.expose());
            config.set("ssl.certificate.pem", chain);
        }
        let algorithm = if tls.checks_hostname() {
            "https"
        } else {
            "none"
        };
        config.set("ssl.endpoint.identification.algorithm", algorithm);
    }
    if let Some(sasl) = &settings.sasl {
        config.set("sasl.mechanism", sasl.mechanism());
        match sasl {
            SaslSettings::Plain(credentials) | SaslSettings::Scram(_, credentials) => {
                config.set("sasl.username", &credentials.username);
                config.set("sasl.password", credentials.password.expose());
            }
            SaslSettings::OAuthBearer(oauth) => config.login = Some(OAuthLogin::shared(oauth)),
        }
    }
    Ok(())
}

fn refusal(client: ClientType, error: SecurityError) -> ClientConfigError {
    let reason = match error.value {
        Some(value) => format!("'{value}': {}", error.reason),
        None => error.reason,
    };
    ClientConfigError {
        client,
        key: error.key,
        reason,
    }
}
