//! Whether the other side is who it says.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Verifies by webpki, with what Java's trust manager does in addition: a certificate that is itself
/// in the trust store is trusted although it is the one of an authority (as `openssl req -x509` makes
/// them), and the name is not compared where that is switched off.
#[derive(Debug)]
struct Verifier {
    roots: RootCertStore,
    /// As they stand in the trust store.
    trusted: Vec<CertificateDer<'static>>,
    checks_hostname: bool,
    provider: CryptoProvider,
}

/// A verifier that trusts these certificates, or those of the system. The error is the reason.
pub(super) fn verifier(
    trusted: Option<&[CertificateDer<'static>]>,
    checks_hostname: bool,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    let mut roots = RootCertStore::empty();
    let trusted = match trusted {
        Some(trusted) => {
            for certificate in trusted {
                roots
                    .add(certificate.clone())
                    .map_err(|_| "it holds a certificate that cannot be read".to_owned())?;
            }
            trusted.to_vec()
        }
        None => {
            roots = system_roots().clone();
            Vec::new()
        }
    };
    Ok(Arc::new(Verifier {
        roots,
        trusted,
        checks_hostname,
        provider: aws_lc_rs::default_provider(),
    }))
}

/// The authorities that this system trusts, read once. None at all is not an error here: it would
/// refuse those as well who connect to nothing by TLS.
fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!("Trusted certificates of this system cannot be read: {error}");
        }
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            tracing::warn!("This system trusts no certificate; TLS needs a trust store");
        }
        roots
    })
}

impl Verifier {
    fn verify_chain(
        &self,
        end_entity: &CertificateDer<'_>,
        parsed: &ParsedCertificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let verified = verify_server_cert_signed_by_trust_anchor(
            parsed,
            &self.roots,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        );
        match verified {
            // webpki looks at the times of validity before it comes to this.
            Err(error)
                if is_of_authority(&error)
                    && self
                        .trusted
                        .iter()
                        .any(|certificate| certificate.as_ref() == end_entity.as_ref()) =>
            {
                Ok(())
            }
            verified => verified,
        }
    }
}

/// Whether the only fault is that the certificate is one that could sign others.
fn is_of_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else {
        return false;
    };
    matches!(
        other.0.downcast_ref::<webpki::Error>(),
        Some(webpki::Error::CaUsedAsEndEntity)
    )
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        self.verify_chain(end_entity, &parsed, intermediates, now)?;
        if self.checks_hostname {
            verify_server_name(&parsed, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
