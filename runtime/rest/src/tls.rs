//! TLS of listeners.

use std::fmt;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

/// `ssl.client.auth`: whether clients show certificates of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClientAuth {
    /// They are not asked.
    #[default]
    None,
    /// They are asked; one without a certificate is served all the same.
    Requested,
    /// Only those that show one which is trusted are served.
    Required,
}

/// What a listener needs for TLS, as PEM texts.
pub struct TlsParts<'a> {
    /// The certificate of the worker, then those that lead to a root.
    pub certificate_chain: &'a str,
    /// The key of the first certificate, not encrypted.
    pub private_key: &'a str,
    /// The roots of the certificates of clients.
    pub trusted: Option<&'a str>,
    /// Whether clients show certificates.
    pub client_auth: ClientAuth,
    /// The versions to offer: `TLSv1.2`, `TLSv1.3`; others are not offered.
    pub protocols: &'a [String],
}

/// TLS as a listener speaks it.
#[derive(Clone)]
pub struct ListenerTls {
    acceptor: TlsAcceptor,
}

impl fmt::Debug for ListenerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerTls").finish_non_exhaustive()
    }
}

impl ListenerTls {
    /// Checks that the parts fit together.
    ///
    /// # Errors
    /// What is wrong, with the setting of Kafka that it comes from; never a part of a key.
    pub fn new(parts: &TlsParts<'_>) -> Result<Self, String> {
        let chain = certificates(parts.certificate_chain, "ssl.keystore")?;
        let key = PrivateKeyDer::from_pem_slice(parts.private_key.as_bytes())
            .map_err(|_| "ssl.keystore holds no private key that can be read".to_string())?;
        let versions = versions(parts.protocols)?;
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&versions)
            .map_err(|error| format!("ssl.enabled.protocols: {error}"))?;
        let builder = match parts.client_auth {
            ClientAuth::None => builder.with_no_client_auth(),
            asked => {
                let trusted = parts.trusted.ok_or(
                    "ssl.client.auth asks for certificates of clients, but no ssl.truststore says \
                     which to trust",
                )?;
                let mut roots = RootCertStore::empty();
                for certificate in certificates(trusted, "ssl.truststore")? {
                    roots
                        .add(certificate)
                        .map_err(|error| format!("ssl.truststore: {error}"))?;
                }
                let provider = Arc::new(default_provider());
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = match asked {
                    ClientAuth::Required => verifier,
                    _ => verifier.allow_unauthenticated(),
                };
                let verifier = verifier
                    .build()
                    .map_err(|error| format!("ssl.truststore: {error}"))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| format!("ssl.keystore: {error}"))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }
}

fn certificates(pem: &str, store: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(format!("{store} holds no certificate")),
        Err(_) => Err(format!("{store} holds a certificate that cannot be read")),
    }
}

fn versions(protocols: &[String]) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let offered = |name: &str| protocols.iter().any(|protocol| protocol.trim() == name);
    let mut versions = Vec::new();
    for (name, version) in [("TLSv1.3", &TLS13), ("TLSv1.2", &TLS12)] {
        if offered(name) {
            versions.push(version);
        }
    }
    if versions.is_empty() {
        return Err("ssl.enabled.protocols has neither TLSv1.2 nor TLSv1.3".to_string());
    }
    Ok(versions)
}
