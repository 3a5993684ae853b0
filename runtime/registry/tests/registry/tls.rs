//! TLS with both sides proving who they are, out of stores that Java made (`stores/make`).

use super::{Reply, Server, client};
use p12_keystore::Pkcs12Archive;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::path::PathBuf;
use std::sync::Arc;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

fn store(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tls/tests/stores");
    path.join(name).to_str().unwrap().to_string()
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(store(name)).unwrap()
}

/// A server that takes only clients with this certificate, PEM.
async fn server(client_certificate: &[u8]) -> Server {
    let archive = Pkcs12Archive::from_pkcs12(&read("server.p12"), "storepass").unwrap();
    let key = PrivatePkcs8KeyDer::from(archive.keys[0].key.as_der().to_vec());
    let chain = vec![CertificateDer::from(
        archive.certs[0].cert.as_der().to_vec(),
    )];
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(client_certificate).unwrap())
        .unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
        .build()
        .unwrap();
    let config = ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, PrivateKeyDer::from(key))
        .unwrap();
    Server::start_tls(config, |_| {
        Reply::Json(200, r#"{"schema":"\"string\""}"#.to_string())
    })
    .await
}

fn named<'a>(entries: &[(&str, &'a str)]) -> Vec<(String, &'a str)> {
    entries
        .iter()
        .map(|(name, value)| (format!("schema.registry.ssl.{name}"), *value))
        .collect()
}

/// Asks for a schema; the error is the text.
async fn ask(server: &Server, entries: &[(&str, &str)]) -> Result<(), String> {
    let entries = named(entries);
    let entries: Vec<(&str, &str)> = entries
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    let client = client(&server.url, &entries).map_err(|error| error.to_string())?;
    match client.schema_by_id(1, None).await {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

#[tokio::test]
async fn stores_of_all_kinds_open_the_door() {
    let server = server(&read("client.pem")).await;
    let [trust_jks, trust_p12, server_pem] = ["trust.jks", "trust.p12", "server.pem"].map(store);
    let [client_jks, client_p12] = ["client.jks", "client.p12"].map(store);
    let server_text = String::from_utf8(read("server.pem")).unwrap();
    let trusts: [&[(&str, &str)]; 5] = [
        &[
            ("truststore.location", &trust_jks),
            ("truststore.password", "storepass"),
        ],
        // Java reads such a store without checking it.
        &[("truststore.location", &trust_jks)],
        // The type need not be told: Java looks at the file.
        &[
            ("truststore.location", &trust_p12),
            ("truststore.password", "storepass"),
        ],
        &[
            ("truststore.type", "PEM"),
            ("truststore.location", &server_pem),
        ],
        &[
            ("truststore.type", "PEM"),
            ("truststore.certificates", &server_text),
        ],
    ];
    let keys: [&[(&str, &str)]; 2] = [
        &[
            ("keystore.location", &client_jks),
            ("keystore.password", "storepass"),
            ("key.password", "keypass"),
        ],
        &[
            ("keystore.type", "PKCS12"),
            ("keystore.location", &client_p12),
            ("keystore.password", "storepass"),
        ],
    ];
    for trust in trusts {
        for key in keys {
            let entries = [trust, key].concat();
            assert_eq!(ask(&server, &entries).await, Ok(()), "{entries:?}");
        }
    }
}

#[tokio::test]
async fn keys_may_be_pem_texts_with_and_without_a_password() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["client".to_string()]).unwrap();
    let (chain, key) = (cert.pem(), signing_key.serialize_pem());
    let server = server(chain.as_bytes()).await;
    let server_text = String::from_utf8(read("server.pem")).unwrap();
    let trust = [
        ("truststore.type", "PEM"),
        ("truststore.certificates", &*server_text),
    ];
    let encrypted = encrypt(&signing_key.serialize_der());
    for (key, password) in [(&key, None), (&encrypted, Some("keypass"))] {
        let mut entries = trust.to_vec();
        entries.extend([
            ("keystore.type", "PEM"),
            ("keystore.key", key.as_str()),
            ("keystore.certificate.chain", &chain),
        ]);
        entries.extend(password.map(|password| ("key.password", password)));
        assert_eq!(ask(&server, &entries).await, Ok(()));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, format!("{key}\n{chain}")).unwrap();
        let mut entries = trust.to_vec();
        entries.extend([
            ("keystore.type", "PEM"),
            ("keystore.location", file.path().to_str().unwrap()),
        ]);
        entries.extend(password.map(|password| ("key.password", password)));
        assert_eq!(ask(&server, &entries).await, Ok(()));
    }
    let entries = [
        ("keystore.type", "PEM"),
        ("keystore.key", &*encrypted),
        ("keystore.certificate.chain", &chain),
        ("key.password", "wrong"),
    ];
    let error = ask(&server, &entries).await.unwrap_err();
    assert!(
        error.contains("schema.registry.ssl.key.password is another one"),
        "{error}"
    );
    assert!(!error.contains("wrong"), "{error}");
}

/// A key in PKCS #8 with PBES2 and the password `keypass`.
fn encrypt(key: &[u8]) -> String {
    let parameters =
        pkcs8::pkcs5::pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(2_048, &[7; 16], [9; 16])
            .unwrap();
    let encrypted = parameters.encrypt("keypass", key).unwrap();
    let info = pkcs8::EncryptedPrivateKeyInfoRef {
        encryption_algorithm: parameters.into(),
        encrypted_data: pkcs8::der::asn1::OctetStringRef::new(&encrypted).unwrap(),
    };
    let document = pkcs8::SecretDocument::try_from(info).unwrap();
    document
        .to_pem("ENCRYPTED PRIVATE KEY", Default::default())
        .unwrap()
        .to_string()
}

#[tokio::test]
async fn strangers_are_refused_on_both_sides() {
    let server = server(&read("client.pem")).await;
    let trust_jks = store("trust.jks");
    let trust = [
        ("truststore.location", &*trust_jks),
        ("truststore.password", "storepass"),
    ];
    // No certificate of the client.
    let error = ask(&server, &trust).await.unwrap_err();
    assert!(error.contains("check schema.registry.url"), "{error}");
    // No trust in the server.
    let error = ask(&server, &[]).await.unwrap_err();
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test]
async fn the_name_in_the_certificate_is_checked_unless_told_not_to() {
    let mut server = server(&read("client.pem")).await;
    // The certificate names the number only.
    server.url = server.url.replace("127.0.0.1", "localhost");
    let [trust, key] = ["trust.jks", "client.jks"].map(store);
    let entries = [
        ("truststore.location", &*trust),
        ("truststore.password", "storepass"),
        ("keystore.location", &*key),
        ("keystore.password", "storepass"),
        ("key.password", "keypass"),
        ("enabled.protocols", "TLSv1.2"),
    ];
    let error = ask(&server, &entries).await.unwrap_err();
    assert!(error.contains("not valid for name"), "{error}");
    let unchecked = [&entries[..], &[("endpoint.identification.algorithm", "")]].concat();
    assert_eq!(ask(&server, &unchecked).await, Ok(()));
    let entries = [("endpoint.identification.algorithm", "ldaps")];
    let error = ask(&server, &entries).await.unwrap_err();
    assert!(
        error.contains("it must be https, or empty for no check"),
        "{error}"
    );
}

#[tokio::test]
async fn stores_that_cannot_be_used_are_named_without_their_passwords() {
    let server = server(&read("client.pem")).await;
    let [trust_jks, trust_p12, client_jks] = ["trust.jks", "trust.p12", "client.jks"].map(store);
    let server_pem = store("server.pem");
    for (entries, expected) in [
        (
            &[("truststore.location", "/does/not/exist.jks")][..],
            "Invalid value /does/not/exist.jks for configuration schema.registry.ssl.truststore.location: \
             the file cannot be read",
        ),
        (
            &[
                ("truststore.location", &*trust_jks),
                ("truststore.password", "hidden"),
            ],
            "trust.jks for configuration schema.registry.ssl.truststore.location: its password is another \
             one, or the file was changed",
        ),
        (
            &[
                ("truststore.location", &*trust_p12),
                ("truststore.password", "hidden"),
            ],
            "it is no JKS or PKCS #12 store, or its password is another one",
        ),
        (
            &[
                ("truststore.type", "PKCS12"),
                ("truststore.location", &*server_pem),
            ],
            "it is no JKS or PKCS #12 store",
        ),
        (
            &[
                ("truststore.location", &*client_jks),
                ("truststore.password", "storepass"),
            ],
            "it holds no trusted certificate",
        ),
        (
            &[
                ("keystore.location", &*trust_jks),
                ("keystore.password", "storepass"),
            ],
            "it holds no private key",
        ),
        (
            &[
                ("keystore.location", &*client_jks),
                ("keystore.password", "storepass"),
                ("key.password", "hidden"),
            ],
            "schema.registry.ssl.key.password is another one",
        ),
        (
            &[("keystore.type", "PEM"), ("keystore.key", "hidden")],
            "schema.registry.ssl.keystore.key and schema.registry.ssl.keystore.certificate.chain go \
             together",
        ),
        (
            &[
                ("keystore.key", "hidden"),
                ("keystore.certificate.chain", "hidden"),
            ],
            "schema.registry.ssl.keystore.type must be PEM for it",
        ),
        (
            &[
                ("truststore.type", "BKS"),
                ("truststore.location", &*trust_jks),
            ],
            "it must be JKS, PKCS12 or PEM",
        ),
        (
            &[("engine.factory.class", "com.example.Mine")],
            "no Java class can be used here",
        ),
        (
            &[("enabled.protocols", "TLSv1")],
            "neither TLSv1.2 nor TLSv1.3 is among them",
        ),
        (
            &[("enabled.protocols", "TLSv9")],
            "TLSv9 is none of TLSv1.2 and TLSv1.3",
        ),
    ] {
        let error = ask(&server, entries).await.unwrap_err();
        assert!(error.contains(expected), "{entries:?}: {error}");
        assert!(!error.contains("hidden"), "{error}");
    }
}
