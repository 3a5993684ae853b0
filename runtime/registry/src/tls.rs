//! TLS as Kafka's clients set it: trust and key stores as PEM, PKCS #12 or JKS.

mod jks;
mod store;

use crate::config::keys::*;
use connect_api::config::{ParsedConfig, Password};
use connect_api::{ConnectError, Result};
use reqwest::tls::Version;
use reqwest::{Certificate, ClientBuilder, Identity};
use std::fmt;
use store::{KeyAndChain, StoreType};
use tracing::warn;

/// The settings of TLS with the stores read.
#[derive(Clone, Default)]
pub(crate) struct TlsConfig {
    /// The certificates to trust; `None` are those of the system.
    trusted: Option<Vec<Certificate>>,
    identity: Option<Identity>,
    skip_hostname_check: bool,
    versions: Option<(Version, Version)>,
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("num_trusted", &self.trusted.as_ref().map(Vec::len))
            .field("has_identity", &self.identity.is_some())
            .field("skip_hostname_check", &self.skip_hostname_check)
            .finish()
    }
}

/// The settings of one store, under their names for errors.
struct StoreSettings<'a> {
    parsed: &'a ParsedConfig,
    location: &'static str,
    store_type: &'static str,
    password: &'static str,
}

fn name_of(name: &str) -> String {
    format!("{SSL_PREFIX}{name}")
}

fn invalid(name: &str, why: impl fmt::Display) -> ConnectError {
    ConnectError::config(format!(
        "Invalid value for configuration {}: {why}",
        name_of(name)
    ))
}

fn secret(parsed: &ParsedConfig, name: &str) -> Result<Option<Password>> {
    Ok(parsed.password(&name_of(name))?.cloned())
}

impl StoreSettings<'_> {
    fn store_type(&self) -> Result<StoreType> {
        let text = self.parsed.string(&name_of(self.store_type))?;
        StoreType::parse(text)
            .ok_or_else(|| invalid(self.store_type, "it must be JKS, PKCS12 or PEM"))
    }

    /// The bytes of the store's file, if there is one.
    fn read_file(&self) -> Result<Option<Vec<u8>>> {
        let name = name_of(self.location);
        let Some(path) = self
            .parsed
            .opt_string(&name)?
            .filter(|path| !path.is_empty())
        else {
            return Ok(None);
        };
        std::fs::read(path).map(Some).map_err(|error| {
            ConnectError::config(format!(
                "Invalid value {path} for configuration {name}: the file cannot be read: {error}"
            ))
        })
    }

    /// Names the file in an error.
    fn unusable(&self, why: &str) -> ConnectError {
        let name = name_of(self.location);
        let path = self.parsed.opt_string(&name).ok().flatten().unwrap_or("");
        ConnectError::config(format!(
            "Invalid value {path} for configuration {name}: {why}"
        ))
    }
}

impl TlsConfig {
    pub(crate) fn new(parsed: &ParsedConfig) -> Result<Self> {
        for refused in [PROVIDER, ENGINE_FACTORY_CLASS] {
            if parsed
                .opt_string(&name_of(refused))?
                .is_some_and(|text| !text.is_empty())
            {
                return Err(invalid(
                    refused,
                    "no Java class can be used here; leave it out",
                ));
            }
        }
        if parsed
            .opt_string(&name_of(CIPHER_SUITES))?
            .is_some_and(|text| !text.is_empty())
        {
            warn!(
                setting = name_of(CIPHER_SUITES),
                "The cipher suites are not limited: all that are offered are strong ones"
            );
        }
        let algorithm = parsed.opt_string(&name_of(ENDPOINT_IDENTIFICATION_ALGORITHM))?;
        let skip_hostname_check = match algorithm {
            Some("") => true,
            None => false,
            Some(text) if text.eq_ignore_ascii_case("https") => false,
            Some(_) => {
                return Err(invalid(
                    ENDPOINT_IDENTIFICATION_ALGORITHM,
                    "it must be https, or empty for no check",
                ));
            }
        };
        Ok(Self {
            trusted: trusted(parsed)?,
            identity: identity(parsed)?,
            skip_hostname_check,
            versions: versions(parsed)?,
        })
    }

    /// Adds the settings to those of the HTTP client.
    pub(crate) fn apply(&self, mut builder: ClientBuilder) -> Result<ClientBuilder> {
        if let Some(trusted) = &self.trusted {
            builder = builder.tls_certs_only(trusted.iter().cloned());
        }
        if let Some(identity) = &self.identity {
            builder = builder.identity(identity.clone());
        }
        if self.skip_hostname_check {
            builder = builder.tls_danger_accept_invalid_hostnames(true);
        }
        if let Some((min, max)) = self.versions {
            builder = builder.tls_version_min(min).tls_version_max(max);
        }
        Ok(builder)
    }
}

fn versions(parsed: &ParsedConfig) -> Result<Option<(Version, Version)>> {
    let enabled = parsed.list(&name_of(ENABLED_PROTOCOLS))?;
    let mut versions = Vec::new();
    for protocol in enabled {
        match protocol.as_str() {
            "TLSv1.2" => versions.push(Version::TLS_1_2),
            "TLSv1.3" => versions.push(Version::TLS_1_3),
            "TLSv1" | "TLSv1.1" | "SSLv3" => warn!(
                setting = name_of(ENABLED_PROTOCOLS),
                %protocol,
                "This version of TLS is not offered: it is not safe"
            ),
            other => {
                return Err(invalid(
                    ENABLED_PROTOCOLS,
                    format_args!("{other} is none of TLSv1.2 and TLSv1.3"),
                ));
            }
        }
    }
    if versions.is_empty() && !enabled.is_empty() {
        return Err(invalid(
            ENABLED_PROTOCOLS,
            "neither TLSv1.2 nor TLSv1.3 is among them",
        ));
    }
    Ok(versions
        .iter()
        .min()
        .copied()
        .zip(versions.iter().max().copied()))
}

fn trusted(parsed: &ParsedConfig) -> Result<Option<Vec<Certificate>>> {
    let settings = StoreSettings {
        parsed,
        location: TRUSTSTORE_LOCATION,
        store_type: TRUSTSTORE_TYPE,
        password: TRUSTSTORE_PASSWORD,
    };
    let from_pem = |pem: &[u8], name: &str| {
        let certificates = Certificate::from_pem_bundle(pem)
            .map_err(|_| invalid(name, "it is no PEM text of certificates"))?;
        if certificates.is_empty() {
            return Err(invalid(name, "it holds no certificate"));
        }
        Ok(Some(certificates))
    };
    if let Some(text) = secret(parsed, TRUSTSTORE_CERTIFICATES)? {
        if settings.store_type()? != StoreType::Pem {
            return Err(invalid(
                TRUSTSTORE_CERTIFICATES,
                "schema.registry.ssl.truststore.type must be PEM for it",
            ));
        }
        return from_pem(text.expose().as_bytes(), TRUSTSTORE_CERTIFICATES);
    }
    let Some(bytes) = settings.read_file()? else {
        return Ok(None);
    };
    if settings.store_type()? == StoreType::Pem {
        return from_pem(&bytes, TRUSTSTORE_LOCATION);
    }
    let password = secret(parsed, settings.password)?;
    let certificates = store::trusted_certificates(&bytes, password.as_ref())
        .map_err(|why| settings.unusable(&why))?;
    let certificates = certificates
        .iter()
        .map(|der| Certificate::from_der(der))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| settings.unusable("it holds a certificate that cannot be read"))?;
    if certificates.is_empty() {
        return Err(settings.unusable("it holds no trusted certificate"));
    }
    Ok(Some(certificates))
}

fn identity(parsed: &ParsedConfig) -> Result<Option<Identity>> {
    let settings = StoreSettings {
        parsed,
        location: KEYSTORE_LOCATION,
        store_type: KEYSTORE_TYPE,
        password: KEYSTORE_PASSWORD,
    };
    let key_password = secret(parsed, KEY_PASSWORD)?;
    let from_pem = |key: &[u8], chain: &[u8], name: &str| {
        let pem = store::plain_pem(key, chain, key_password.as_ref())
            .map_err(|why| invalid(name, why))?;
        Identity::from_pem(&pem)
            .map(Some)
            .map_err(|_| invalid(name, "it holds no key with its certificate"))
    };
    let key = secret(parsed, KEYSTORE_KEY)?;
    let chain = secret(parsed, KEYSTORE_CERTIFICATE_CHAIN)?;
    match (key, chain) {
        (Some(key), Some(chain)) => {
            if settings.store_type()? != StoreType::Pem {
                return Err(invalid(
                    KEYSTORE_KEY,
                    "schema.registry.ssl.keystore.type must be PEM for it",
                ));
            }
            return from_pem(
                key.expose().as_bytes(),
                chain.expose().as_bytes(),
                KEYSTORE_KEY,
            );
        }
        (None, None) => {}
        _ => {
            return Err(invalid(
                KEYSTORE_KEY,
                "schema.registry.ssl.keystore.key and schema.registry.ssl.keystore.certificate.chain \
                 go together",
            ));
        }
    }
    let Some(bytes) = settings.read_file()? else {
        return Ok(None);
    };
    if settings.store_type()? == StoreType::Pem {
        return from_pem(&bytes, &[], KEYSTORE_LOCATION);
    }
    let password = secret(parsed, settings.password)?;
    let KeyAndChain { key, chain } =
        store::key_and_chain(&bytes, password.as_ref(), key_password.as_ref())
            .map_err(|why| settings.unusable(&why))?;
    Identity::from_pem(&store::to_pem(&key, &chain))
        .map(Some)
        .map_err(|_| settings.unusable("its key or its certificates cannot be read"))
}
