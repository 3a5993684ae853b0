//! TLS and SASL settings: Java's stores and login modules to the library's files and names.

use std::path::Path;

use rdkafka::config::ClientConfig;

use super::{ClientConfigError, ClientProperties, ClientType, warn_once};
use crate::wire::parse_jaas;

/// Settings without a counterpart, which only tune what Java does.
pub(super) const IGNORED: &[&str] = &[
    "ssl.protocol",
    "ssl.enabled.protocols",
    "ssl.provider",
    "ssl.keymanager.algorithm",
    "ssl.trustmanager.algorithm",
    "ssl.secure.random.implementation",
    "ssl.cipher.suites",
    "sasl.login.refresh.buffer.seconds",
    "sasl.login.refresh.min.period.seconds",
    "sasl.login.refresh.window.factor",
    "sasl.login.refresh.window.jitter",
    "sasl.login.connect.timeout.ms",
    "sasl.login.read.timeout.ms",
    "sasl.login.retry.backoff.max.ms",
    "sasl.login.retry.backoff.ms",
    "sasl.kerberos.kinit.cmd",
    "sasl.kerberos.min.time.before.relogin",
    "sasl.kerberos.service.name",
    "sasl.kerberos.ticket.renew.jitter",
    "sasl.kerberos.ticket.renew.window.factor",
];

/// Settings that name a Java class in the way of authentication.
pub(super) const JAVA_CLASSES: &[&str] = &[
    "ssl.engine.factory.class",
    "sasl.login.class",
    "sasl.login.callback.handler.class",
    "sasl.client.callback.handler.class",
];

pub(super) fn apply(
    properties: &ClientProperties,
    client: ClientType,
    config: &mut ClientConfig,
) -> Result<(), ClientConfigError> {
    let invalid = |key: &str, reason: String| ClientConfigError {
        client,
        key: key.to_owned(),
        reason,
    };
    for (key, value) in properties.iter() {
        if JAVA_CLASSES.contains(&key) && !value.is_empty() {
            let reason = "Java classes can't be loaded here; remove it".to_owned();
            return Err(invalid(key, reason));
        }
        if IGNORED.contains(&key) {
            warn_once(client, key, "the client library decides this by itself");
        }
    }
    let protocol = properties
        .get("security.protocol")
        .unwrap_or("PLAINTEXT")
        .to_ascii_lowercase();
    let (ssl, sasl) = match protocol.as_str() {
        "plaintext" => (false, false),
        "ssl" => (true, false),
        "sasl_plaintext" => (false, true),
        "sasl_ssl" => (true, true),
        _ => {
            let reason =
                format!("'{protocol}' is none of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL");
            return Err(invalid("security.protocol", reason));
        }
    };
    config.set("security.protocol", &protocol);
    // As in Java, settings of a protocol that is not used have no effect.
    if ssl {
        apply_trust(properties, config).map_err(|(key, reason)| invalid(key, reason))?;
        apply_identity(properties, config).map_err(|(key, reason)| invalid(key, reason))?;
        match properties.get("ssl.endpoint.identification.algorithm") {
            None => {}
            Some("") => _ = config.set("ssl.endpoint.identification.algorithm", "none"),
            Some(algorithm) => {
                config.set(
                    "ssl.endpoint.identification.algorithm",
                    algorithm.to_ascii_lowercase(),
                );
            }
        }
    }
    if sasl {
        apply_sasl(properties, config).map_err(|(key, reason)| invalid(key, reason))?;
    }
    Ok(())
}

type Invalid = (&'static str, String);

#[derive(Clone, Copy, PartialEq, Eq)]
enum StoreType {
    Pem,
    Pkcs12,
    Jks,
}

/// The type of a store: as set, else by the file's ending, else Java's default.
fn store_type(
    properties: &ClientProperties,
    type_key: &'static str,
    location: &str,
) -> Result<StoreType, Invalid> {
    let extension = Path::new(location)
        .extension()
        .and_then(|extension| extension.to_str())
        .map(str::to_ascii_lowercase);
    match properties
        .get(type_key)
        .map(str::to_ascii_uppercase)
        .as_deref()
    {
        Some("PEM") => Ok(StoreType::Pem),
        Some("PKCS12") => Ok(StoreType::Pkcs12),
        // JKS is Java's default and reads PKCS#12 files too, so the ending has a say.
        None | Some("" | "JKS") => Ok(match extension.as_deref() {
            Some("pem" | "crt" | "cer" | "key") => StoreType::Pem,
            Some("p12" | "pfx" | "pkcs12") => StoreType::Pkcs12,
            _ => StoreType::Jks,
        }),
        Some(other) => Err((type_key, format!("{other} is none of PEM, PKCS12, JKS"))),
    }
}

fn apply_trust(properties: &ClientProperties, config: &mut ClientConfig) -> Result<(), Invalid> {
    if let Some(certificates) = properties.get("ssl.truststore.certificates") {
        config.set("ssl.ca.pem", certificates);
        return Ok(());
    }
    let Some(location) = properties
        .get("ssl.truststore.location")
        .filter(|it| !it.is_empty())
    else {
        return Ok(());
    };
    match store_type(properties, "ssl.truststore.type", location)? {
        StoreType::Pem => {
            config.set("ssl.ca.location", location);
            Ok(())
        }
        StoreType::Pkcs12 | StoreType::Jks => Err((
            "ssl.truststore.location",
            format!(
                "the trust store {location} must be a PEM file here; make one with \
                 'keytool -exportcert -rfc -alias <alias> -keystore {location} -file truststore.pem' \
                 and set ssl.truststore.type=PEM"
            ),
        )),
    }
}

fn apply_identity(properties: &ClientProperties, config: &mut ClientConfig) -> Result<(), Invalid> {
    if let Some(password) = properties.get("ssl.key.password") {
        config.set("ssl.key.password", password);
    }
    if let Some(key) = properties.get("ssl.keystore.key") {
        config.set("ssl.key.pem", key);
        if let Some(chain) = properties.get("ssl.keystore.certificate.chain") {
            config.set("ssl.certificate.pem", chain);
        }
        return Ok(());
    }
    let Some(location) = properties
        .get("ssl.keystore.location")
        .filter(|it| !it.is_empty())
    else {
        return Ok(());
    };
    match store_type(properties, "ssl.keystore.type", location)? {
        StoreType::Pem => {
            // Java's PEM store is one file with both.
            config.set("ssl.key.location", location);
            config.set("ssl.certificate.location", location);
            Ok(())
        }
        StoreType::Pkcs12 => {
            config.set("ssl.keystore.location", location);
            if let Some(password) = properties.get("ssl.keystore.password") {
                config.set("ssl.keystore.password", password);
            }
            Ok(())
        }
        StoreType::Jks => Err((
            "ssl.keystore.location",
            format!(
                "the key store {location} must be PKCS12 or PEM here; convert it with \
                 'keytool -importkeystore -srckeystore {location} -destkeystore keystore.p12 \
                 -deststoretype PKCS12' and set ssl.keystore.type=PKCS12"
            ),
        )),
    }
}

fn apply_sasl(properties: &ClientProperties, config: &mut ClientConfig) -> Result<(), Invalid> {
    // GSSAPI is Java's default too.
    let mechanism = properties
        .get("sasl.mechanism")
        .unwrap_or("GSSAPI")
        .to_ascii_uppercase();
    match mechanism.as_str() {
        "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" => {}
        _ => {
            let reason = format!(
                "{mechanism} is not available here: use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
            );
            return Err(("sasl.mechanism", reason));
        }
    }
    config.set("sasl.mechanism", &mechanism);
    let jaas_key = "sasl.jaas.config";
    let jaas = properties
        .get(jaas_key)
        .ok_or_else(|| (jaas_key, format!("it is needed for {mechanism}")))?;
    let entry = parse_jaas(jaas).map_err(|reason| (jaas_key, reason))?;
    let expected = if mechanism == "PLAIN" {
        "PlainLoginModule"
    } else {
        "ScramLoginModule"
    };
    if entry.login_module.rsplit('.').next() != Some(expected) {
        let reason = format!("its login module must be {expected} for {mechanism}");
        return Err((jaas_key, reason));
    }
    for (option, name) in [("username", "sasl.username"), ("password", "sasl.password")] {
        let value = entry
            .options
            .get(option)
            .ok_or_else(|| (jaas_key, format!("the option {option} is missing")))?;
        config.set(name, value);
    }
    Ok(())
}
