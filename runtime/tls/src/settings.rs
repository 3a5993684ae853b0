//! The settings below `ssl.`, read and checked.

use std::fmt;

use connect_api::config::Password;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, SupportedProtocolVersion};
use tracing::warn;

use crate::store::{self, KeyAndChain};
use crate::verifier;

/// A setting of TLS that cannot be used. The text holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid value{} for configuration {key}: {reason}", value.as_deref().map(|value| format!(" {value}")).unwrap_or_default())]
pub struct TlsSettingsError {
    /// The key as the user writes it.
    pub key: String,
    /// The value, where it is not a secret.
    pub value: Option<String>,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// The settings of TLS of one client with its stores read.
///
/// `Debug` shows what there is, and nothing of the key.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// In DER; `None` are those of the system.
    trusted: Option<Vec<CertificateDer<'static>>>,
    identity: Option<Identity>,
    checks_hostname: bool,
    versions: Vec<&'static SupportedProtocolVersion>,
    /// For errors.
    prefix: String,
}

/// A key and its certificates, the own one first.
#[derive(Clone, PartialEq, Eq)]
struct Identity {
    /// The key, which needs no password, and the chain.
    pem: Password,
    chain: Vec<CertificateDer<'static>>,
    /// For errors.
    setting: String,
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSettings")
            .field("num_trusted", &self.trusted.as_ref().map(Vec::len))
            .field("has_identity", &self.identity.is_some())
            .field("checks_hostname", &self.checks_hostname)
            .finish()
    }
}

/// How a store is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StoreType {
    /// Java's own, or PKCS #12: the file tells.
    Binary,
    Pem,
}

/// Gives the values of settings under their prefix.
struct Reader<'a, F> {
    prefix: &'a str,
    get: F,
}

impl<F: Fn(&str) -> Option<String>> Reader<'_, F> {
    fn name_of(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn get(&self, name: &str) -> Option<String> {
        (self.get)(&self.name_of(name))
    }

    /// As [`Self::get`], with an empty text for nothing, as in Java.
    fn filled(&self, name: &str) -> Option<String> {
        self.get(name).filter(|text| !text.trim().is_empty())
    }

    fn secret(&self, name: &str) -> Option<Password> {
        self.filled(name).map(Password::new)
    }

    fn invalid(&self, name: &str, reason: impl fmt::Display) -> TlsSettingsError {
        TlsSettingsError {
            key: self.name_of(name),
            value: None,
            reason: reason.to_string(),
        }
    }

    /// The type that is set; `None` where it is Java's default, which stands for "as the file is".
    fn store_type(&self, name: &str) -> Result<Option<StoreType>, TlsSettingsError> {
        match self.filled(name).map(|text| text.to_ascii_uppercase()) {
            None => Ok(None),
            Some(text) => match text.as_str() {
                "JKS" => Ok(None),
                "PKCS12" => Ok(Some(StoreType::Binary)),
                "PEM" => Ok(Some(StoreType::Pem)),
                _ => Err(self.invalid(name, "it must be JKS, PKCS12 or PEM")),
            },
        }
    }

    /// Texts in a setting are PEM, and Java wants that said.
    fn require_pem(&self, type_name: &str, name: &str) -> Result<(), TlsSettingsError> {
        if self.store_type(type_name)? == Some(StoreType::Pem) {
            return Ok(());
        }
        let reason = format!("{} must be PEM for it", self.name_of(type_name));
        Err(self.invalid(name, reason))
    }
}

/// The file of a store.
struct StoreFile {
    key: String,
    path: String,
    bytes: Vec<u8>,
    store_type: StoreType,
}

impl StoreFile {
    fn read<F: Fn(&str) -> Option<String>>(
        reader: &Reader<'_, F>,
        location: &str,
        type_name: &str,
    ) -> Result<Option<Self>, TlsSettingsError> {
        let Some(path) = reader.filled(location) else {
            return Ok(None);
        };
        let key = reader.name_of(location);
        let bytes = std::fs::read(&path).map_err(|error| TlsSettingsError {
            key: key.clone(),
            value: Some(path.clone()),
            reason: format!("the file cannot be read: {error}"),
        })?;
        let store_type = match reader.store_type(type_name)? {
            Some(store_type) => store_type,
            None if looks_like_pem(&bytes) => StoreType::Pem,
            None => StoreType::Binary,
        };
        Ok(Some(Self {
            key,
            path,
            bytes,
            store_type,
        }))
    }

    fn text(&self) -> Result<&str, TlsSettingsError> {
        std::str::from_utf8(&self.bytes).map_err(|_| self.unusable("it is no PEM text"))
    }

    fn unusable(&self, reason: impl Into<String>) -> TlsSettingsError {
        TlsSettingsError {
            key: self.key.clone(),
            value: Some(self.path.clone()),
            reason: reason.into(),
        }
    }
}

fn looks_like_pem(bytes: &[u8]) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN ";
    bytes.windows(BEGIN.len()).any(|window| window == BEGIN)
}

impl TlsSettings {
    /// Reads the settings whose names begin with `prefix` (such as `ssl.`) and the stores that they
    /// name. `get` gives the value of a full name; an empty one counts as none, but for the
    /// `endpoint.identification.algorithm`, where it switches the check of the name off.
    ///
    /// A store without a type is what its file is: Java's default `JKS` reads PKCS #12 too, and here
    /// PEM as well.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn read(
        prefix: &str,
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, TlsSettingsError> {
        let reader = Reader { prefix, get };
        for refused in ["provider", "engine.factory.class"] {
            if reader.filled(refused).is_some() {
                let reason = "no Java class can be used here; leave it out";
                return Err(reader.invalid(refused, reason));
            }
        }
        const ALGORITHM: &str = "endpoint.identification.algorithm";
        let checks_hostname = match reader.get(ALGORITHM).as_deref().map(str::trim) {
            Some("") => false,
            None => true,
            Some(text) if text.eq_ignore_ascii_case("https") => true,
            Some(_) => {
                let reason = "it must be https, or empty for no check";
                return Err(reader.invalid(ALGORITHM, reason));
            }
        };
        let settings = Self {
            trusted: trusted(&reader)?,
            identity: identity(&reader)?,
            checks_hostname,
            versions: versions(&reader)?,
            prefix: prefix.to_owned(),
        };
        // Whatever cannot be used is known now, and not at the first connection.
        settings.identity_for_rustls()?;
        Ok(settings)
    }

    /// Whether the name in the other side's certificate is compared with the one dialled.
    pub fn checks_hostname(&self) -> bool {
        self.checks_hostname
    }

    /// The trusted certificates as PEM; `None` for those of the system.
    pub fn trusted_pem(&self) -> Option<String> {
        self.trusted.as_deref().map(store::certificates_to_pem)
    }

    /// The own key, which needs no password, with its certificates, as PEM.
    pub fn identity_pem(&self) -> Option<&Password> {
        self.identity.as_ref().map(|identity| &identity.pem)
    }

    /// The own certificates as PEM, without the key.
    pub fn chain_pem(&self) -> Option<String> {
        self.identity
            .as_ref()
            .map(|identity| store::certificates_to_pem(&identity.chain))
    }

    /// The settings for rustls.
    ///
    /// # Errors
    /// A key that does not fit to its certificate; no certificate to trust on this system.
    pub fn client_config(&self) -> Result<ClientConfig, TlsSettingsError> {
        let unusable = |reason: String| TlsSettingsError {
            key: format!("{}truststore.location", self.prefix),
            value: None,
            reason,
        };
        let verifier =
            verifier::verifier(self.trusted.as_deref(), self.checks_hostname).map_err(unusable)?;
        let builder = ClientConfig::builder_with_provider(
            rustls::crypto::aws_lc_rs::default_provider().into(),
        )
        .with_protocol_versions(&self.versions)
        .map_err(|error| unusable(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
        let Some((chain, key)) = self.identity_for_rustls()? else {
            return Ok(builder.with_no_client_auth());
        };
        builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| TlsSettingsError {
                key: self
                    .identity
                    .as_ref()
                    .map(|identity| identity.setting.clone())
                    .unwrap_or_default(),
                value: None,
                reason: format!("its key cannot be used with its certificate: {error}"),
            })
    }

    #[allow(clippy::type_complexity)]
    fn identity_for_rustls(
        &self,
    ) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, TlsSettingsError>
    {
        let Some(identity) = &self.identity else {
            return Ok(None);
        };
        let key = PrivateKeyDer::from_pem_slice(identity.pem.expose().as_bytes());
        match key {
            Ok(key) if !identity.chain.is_empty() => Ok(Some((identity.chain.clone(), key))),
            _ => Err(TlsSettingsError {
                key: identity.setting.clone(),
                value: None,
                reason: "it holds no key with its certificate".to_owned(),
            }),
        }
    }
}

fn versions<F: Fn(&str) -> Option<String>>(
    reader: &Reader<'_, F>,
) -> Result<Vec<&'static SupportedProtocolVersion>, TlsSettingsError> {
    const ENABLED_PROTOCOLS: &str = "enabled.protocols";
    let Some(enabled) = reader.filled(ENABLED_PROTOCOLS) else {
        return Ok(vec![&TLS13, &TLS12]);
    };
    let mut versions = Vec::new();
    for protocol in enabled.split(',').map(str::trim) {
        match protocol {
            "TLSv1.2" => versions.push(&TLS12),
            "TLSv1.3" => versions.push(&TLS13),
            "TLSv1" | "TLSv1.1" | "SSLv3" => warn!(
                setting = reader.name_of(ENABLED_PROTOCOLS),
                %protocol,
                "This version of TLS is not offered: it is not safe"
            ),
            "" => {}
            other => {
                let reason = format!("{other} is none of TLSv1.2 and TLSv1.3");
                return Err(reader.invalid(ENABLED_PROTOCOLS, reason));
            }
        }
    }
    if versions.is_empty() {
        let reason = "neither TLSv1.2 nor TLSv1.3 is among them";
        return Err(reader.invalid(ENABLED_PROTOCOLS, reason));
    }
    Ok(versions)
}

fn certificates_of(pem: &str) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| "it is no PEM text of certificates")?;
    if certificates.is_empty() {
        return Err("it holds no certificate");
    }
    Ok(certificates)
}

fn trusted<F: Fn(&str) -> Option<String>>(
    reader: &Reader<'_, F>,
) -> Result<Option<Vec<CertificateDer<'static>>>, TlsSettingsError> {
    const CERTIFICATES: &str = "truststore.certificates";
    const TYPE: &str = "truststore.type";
    let certificates = if let Some(text) = reader.filled(CERTIFICATES) {
        reader.require_pem(TYPE, CERTIFICATES)?;
        certificates_of(&text).map_err(|why| reader.invalid(CERTIFICATES, why))?
    } else {
        let Some(file) = StoreFile::read(reader, "truststore.location", TYPE)? else {
            return Ok(None);
        };
        if file.store_type == StoreType::Pem {
            certificates_of(file.text()?).map_err(|why| file.unusable(why))?
        } else {
            let password = reader.secret("truststore.password");
            let certificates = store::trusted_certificates(&file.bytes, password.as_ref())
                .map_err(|why| file.unusable(why))?;
            if certificates.is_empty() {
                return Err(file.unusable("it holds no trusted certificate"));
            }
            certificates.into_iter().map(CertificateDer::from).collect()
        }
    };
    Ok(Some(certificates))
}

fn identity<F: Fn(&str) -> Option<String>>(
    reader: &Reader<'_, F>,
) -> Result<Option<Identity>, TlsSettingsError> {
    const KEY: &str = "keystore.key";
    const CHAIN: &str = "keystore.certificate.chain";
    const TYPE: &str = "keystore.type";
    const KEY_PASSWORD: &str = "key.password";
    let key_password = reader.secret(KEY_PASSWORD);
    let key_password_name = reader.name_of(KEY_PASSWORD);
    let of_pem = |key: &str, chain: &str, setting: String| -> Result<Identity, String> {
        let pem = store::plain_pem(key, chain, key_password.as_ref(), &key_password_name)?;
        let chain =
            certificates_of(&pem).map_err(|_| "it holds no key with its certificate".to_owned())?;
        Ok(Identity {
            pem: Password::new(pem),
            chain,
            setting,
        })
    };
    match (reader.filled(KEY), reader.filled(CHAIN)) {
        (Some(key), Some(chain)) => {
            reader.require_pem(TYPE, KEY)?;
            return of_pem(&key, &chain, reader.name_of(KEY))
                .map(Some)
                .map_err(|why| reader.invalid(KEY, why));
        }
        (None, None) => {}
        _ => {
            let reason = format!(
                "{} and {} go together",
                reader.name_of(KEY),
                reader.name_of(CHAIN)
            );
            return Err(reader.invalid(KEY, reason));
        }
    }
    let Some(file) = StoreFile::read(reader, "keystore.location", TYPE)? else {
        return Ok(None);
    };
    if file.store_type == StoreType::Pem {
        return of_pem(file.text()?, "", file.key.clone())
            .map(Some)
            .map_err(|why| file.unusable(why));
    }
    let password = reader.secret("keystore.password");
    let KeyAndChain { key, chain } = store::key_and_chain(
        &file.bytes,
        password.as_ref(),
        key_password.as_ref(),
        &key_password_name,
    )
    .map_err(|why| file.unusable(why))?;
    Ok(Some(Identity {
        pem: Password::new(store::to_pem(&key, &chain)),
        chain: chain.into_iter().map(CertificateDer::from).collect(),
        setting: file.key,
    }))
}

#[cfg(test)]
mod tests;
