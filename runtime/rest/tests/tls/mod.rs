//! HTTPS with and without certificates of clients.

use crate::fake_herder::FakeHerder;
use connect_rest::{ClientAuth, Listener, ListenerTls, Server, TlsParts, serve};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// An authority, and certificates that it has signed: of the worker, and of a client.
struct Certificates {
    root: String,
    worker: (String, String),
    client: (String, String),
}

impl Certificates {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let signed = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_string()]).unwrap();
            let certificate = params.signed_by(&key, &root).unwrap();
            (certificate.pem(), key.serialize_pem())
        };
        let (worker, client) = (signed("localhost"), signed("client"));
        Self {
            root: root.pem(),
            worker,
            client,
        }
    }

    fn parts<'a>(&'a self, client_auth: ClientAuth, protocols: &'a [String]) -> TlsParts<'a> {
        TlsParts {
            certificate_chain: &self.worker.0,
            private_key: &self.worker.1,
            trusted: Some(&self.root),
            client_auth,
            protocols,
        }
    }

    async fn serve(&self, client_auth: ClientAuth) -> Server {
        let protocols = ["TLSv1.2", "TLSv1.3"].map(str::to_string);
        let listener = Listener {
            tls: Some(ListenerTls::new(&self.parts(client_auth, &protocols)).unwrap()),
            ..Listener::new("127.0.0.1", 0)
        };
        let rest = crate::rest(FakeHerder::default());
        serve(&[listener], rest).await.unwrap()
    }

    /// What the server answers to a client; an error if it does not let it in.
    async fn post(&self, server: &Server, with_certificate: bool) -> std::io::Result<String> {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(self.root.as_bytes()).unwrap();
        roots.add(root).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = if with_certificate {
            let certificate = CertificateDer::from_pem_slice(self.client.0.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(self.client.1.as_bytes()).unwrap();
            config
                .with_client_auth_cert(vec![certificate], key)
                .unwrap()
        } else {
            config.with_no_client_auth()
        };
        let stream = TcpStream::connect(server.addresses()[0]).await?;
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = connector
            .connect("localhost".try_into().unwrap(), stream)
            .await?;
        let request = "POST /connectors HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n\
                       Content-Type: application/json\r\nContent-Length: 24\r\n\r\n\
                       {\"name\":\"x\",\"config\":{}}";
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

#[tokio::test]
async fn a_listener_speaks_tls() {
    let certificates = Certificates::new();
    let server = certificates.serve(ClientAuth::None).await;
    let answer = certificates.post(&server, false).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert!(
        answer.contains("location: https://localhost:1/connectors/x\r\n"),
        "{answer}"
    );
    // A client that does not speak it gets nothing, and is no trouble.
    let mut plain = TcpStream::connect(server.addresses()[0]).await.unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    server.stop().await;
}

#[tokio::test]
async fn certificates_of_clients_are_asked_for_as_set() {
    let certificates = Certificates::new();
    for (client_auth, with, without) in [
        (ClientAuth::Required, true, false),
        (ClientAuth::Requested, true, true),
    ] {
        let server = certificates.serve(client_auth).await;
        assert_eq!(certificates.post(&server, true).await.is_ok(), with);
        assert_eq!(certificates.post(&server, false).await.is_ok(), without);
        // One that somebody else has signed is not taken.
        let strangers = Certificates {
            root: certificates.root.clone(),
            ..Certificates::new()
        };
        assert!(strangers.post(&server, true).await.is_err());
        server.stop().await;
    }
}

#[test]
fn what_does_not_fit_is_named_without_the_key() {
    let certificates = Certificates::new();
    let protocols = ["TLSv1.3".to_string()];
    let parts = || certificates.parts(ClientAuth::Required, &protocols);
    let error = |parts: TlsParts<'_>| ListenerTls::new(&parts).unwrap_err();
    let text = error(TlsParts {
        trusted: None,
        ..parts()
    });
    assert!(text.contains("ssl.client.auth"), "{text}");
    let text = error(TlsParts {
        certificate_chain: "",
        ..parts()
    });
    assert!(text.contains("ssl.keystore holds no certificate"), "{text}");
    let text = error(TlsParts {
        private_key: "hunter2",
        ..parts()
    });
    assert!(
        text.contains("private key") && !text.contains("hunter2"),
        "{text}"
    );
    let text = error(TlsParts {
        private_key: &certificates.client.1,
        ..parts()
    });
    assert!(text.starts_with("ssl.keystore: "), "{text}");
    let old = ["TLSv1.1".to_string()];
    let text = error(TlsParts {
        protocols: &old,
        ..parts()
    });
    assert!(text.contains("ssl.enabled.protocols"), "{text}");
}
