//! Stores that Java made (`tests/stores/make`), and certificates made here, against real handshakes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, KeyPair};
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConnection, ServerConfig, ServerConnection};

use super::*;

fn read(entries: &[(&str, &str)]) -> Result<TlsSettings, TlsSettingsError> {
    let entries: BTreeMap<String, String> = entries
        .iter()
        .map(|(name, value)| (format!("ssl.{name}"), (*value).to_owned()))
        .collect();
    TlsSettings::read("ssl.", |name| entries.get(name).cloned())
}

fn refusal(entries: &[(&str, &str)]) -> String {
    match read(entries) {
        Ok(_) => panic!("{entries:?} was taken"),
        Err(error) => error.to_string(),
    }
}

fn store(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stores");
    path.join(name)
        .to_str()
        .expect("a path in UTF-8")
        .to_owned()
}

/// A certificate that its own key signed, and the key.
struct SelfSigned {
    certificate: Certificate,
    key: KeyPair,
}

/// For `localhost`.
fn self_signed(is_ca: bool) -> SelfSigned {
    self_signed_with(is_ca, |_| ())
}

fn self_signed_with(is_ca: bool, change: impl FnOnce(&mut CertificateParams)) -> SelfSigned {
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a DNS name");
    if is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    change(&mut params);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    SelfSigned { certificate, key }
}

/// Shakes hands with a server of the certificate; the error is the client's.
fn shake_hands(settings: &TlsSettings, name: &str, server: &SelfSigned) -> Result<(), String> {
    let SelfSigned { certificate, key } = server;
    let server =
        ServerConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .expect("the key of the certificate");
    let mut server = ServerConnection::new(Arc::new(server)).expect("a server");
    let client = settings.client_config().expect("usable settings");
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let mut client = ClientConnection::new(Arc::new(client), name).expect("a client");
    // Each round carries what one side has to say; a handshake has few.
    for _ in 0..10 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).expect("memory");
        }
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).expect("memory");
            // What the server thinks of an alert is not of interest here.
            let _ = server.process_new_packets();
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).expect("memory");
        }
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).expect("memory");
            client
                .process_new_packets()
                .map_err(|error| error.to_string())?;
        }
        if !client.is_handshaking() {
            return Ok(());
        }
    }
    Err("the handshake does not end".to_owned())
}

fn trusting(server: &SelfSigned, more: &[(&str, &str)]) -> TlsSettings {
    let pem = server.certificate.pem();
    let mut entries = vec![
        ("truststore.type", "PEM"),
        ("truststore.certificates", &*pem),
    ];
    entries.extend(more);
    read(&entries).expect("usable settings")
}

#[test]
fn stores_of_all_kinds_give_the_same_certificates_and_keys() {
    let pem = std::fs::read_to_string(store("server.pem")).expect("the store");
    let [jks, p12, file] = ["trust.jks", "trust.p12", "server.pem"].map(store);
    let trusts: [&[(&str, &str)]; 6] = [
        &[("truststore.location", &jks)],
        &[
            ("truststore.location", &jks),
            ("truststore.password", "storepass"),
        ],
        &[
            ("truststore.location", &p12),
            ("truststore.password", "storepass"),
        ],
        &[("truststore.location", &file)],
        &[("truststore.location", &file), ("truststore.type", "PEM")],
        &[
            ("truststore.certificates", &pem),
            ("truststore.type", "PEM"),
        ],
    ];
    let expected = read(trusts[0]).expect("the store").trusted_pem();
    assert!(expected.is_some());
    for trust in trusts {
        assert_eq!(
            read(trust).expect("the store").trusted_pem(),
            expected,
            "{trust:?}"
        );
    }
    let [jks, p12] = ["client.jks", "client.p12"].map(store);
    let of_jks = read(&[
        ("keystore.location", &*jks),
        ("keystore.password", "storepass"),
        ("key.password", "keypass"),
    ])
    .expect("the store");
    let of_p12 = read(&[
        ("keystore.type", "PKCS12"),
        ("keystore.location", &*p12),
        ("keystore.password", "storepass"),
    ])
    .expect("the store");
    assert_eq!(of_jks.chain_pem(), of_p12.chain_pem());
    let key = |settings: &TlsSettings| {
        let pem = settings.identity_pem().expect("a key").expose().to_owned();
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).expect("a key");
        der.secret_der().to_vec()
    };
    assert_eq!(key(&of_jks), key(&of_p12));
    of_jks.client_config().expect("the key of the certificate");
    assert!(!format!("{of_jks:?}").contains("PRIVATE"));
}

#[test]
fn who_is_trusted_is_who_java_would_trust() {
    let stranger = self_signed(false);
    for is_ca in [false, true] {
        let server = self_signed(is_ca);
        let trusting_it = trusting(&server, &[]);
        assert_eq!(
            shake_hands(&trusting_it, "localhost", &server),
            Ok(()),
            "CA: {is_ca}"
        );
        let error = shake_hands(&trusting_it, "elsewhere", &server).unwrap_err();
        assert!(error.contains("not valid for name"), "{error}");
        let unchecked = trusting(&server, &[("endpoint.identification.algorithm", "")]);
        assert_eq!(shake_hands(&unchecked, "elsewhere", &server), Ok(()));
        // Without the check of the name a stranger stays a stranger.
        let error = shake_hands(&unchecked, "elsewhere", &stranger).unwrap_err();
        assert!(error.contains("invalid peer certificate"), "{error}");
    }
    let authority = self_signed(true);
    let other_authority = self_signed(true);
    let error = shake_hands(&trusting(&authority, &[]), "localhost", &other_authority).unwrap_err();
    assert!(error.contains("invalid peer certificate"), "{error}");
}

#[test]
fn a_certificate_out_of_date_is_refused_although_it_is_in_the_store() {
    for is_ca in [false, true] {
        let server = self_signed_with(is_ca, |params| {
            params.not_before = rcgen::date_time_ymd(2001, 1, 1);
            params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        });
        let error = shake_hands(&trusting(&server, &[]), "localhost", &server).unwrap_err();
        assert!(error.contains("expired"), "{error}");
    }
}

#[test]
fn faults_name_the_setting_and_no_secret() {
    let key = KeyPair::generate().expect("a key");
    let chain = self_signed(false).certificate.pem();
    let [jks, p12] = ["trust.jks", "client.p12"].map(store);
    for (entries, part) in [
        (
            &[("truststore.location", "/does/not/exist.jks")][..],
            "Invalid value /does/not/exist.jks for configuration ssl.truststore.location: the file \
             cannot be read",
        ),
        (
            &[
                ("truststore.location", &*jks),
                ("truststore.password", "hunter2"),
            ],
            "its password is another one",
        ),
        (
            &[
                ("keystore.location", &*p12),
                ("keystore.password", "hunter2"),
            ],
            "ssl.keystore.location: it is no JKS or PKCS #12 store, or its password is another one",
        ),
        (
            &[
                ("truststore.type", "PKCS12"),
                ("truststore.location", &*store("server.pem")),
            ],
            "it is no JKS or PKCS #12 store",
        ),
        (
            &[("truststore.certificates", "hunter2")],
            "ssl.truststore.type must be PEM",
        ),
        (
            &[
                ("truststore.type", "PEM"),
                ("truststore.certificates", "hunter2"),
            ],
            "Invalid value for configuration ssl.truststore.certificates: it holds no certificate",
        ),
        (
            &[("truststore.type", "BKS"), ("truststore.location", &*jks)],
            "JKS, PKCS12 or PEM",
        ),
        (
            &[("keystore.type", "PEM"), ("keystore.key", "hunter2")],
            "go together",
        ),
        (
            &[
                ("keystore.type", "PEM"),
                ("keystore.key", "hunter2"),
                ("keystore.certificate.chain", &*chain),
            ],
            "ssl.keystore.key: it holds no key",
        ),
        (
            &[("endpoint.identification.algorithm", "ldaps")],
            "https, or empty",
        ),
        (
            &[("enabled.protocols", "TLSv1,SSLv3")],
            "neither TLSv1.2 nor TLSv1.3",
        ),
        (&[("enabled.protocols", "TLSv9")], "TLSv9 is none of"),
        (&[("provider", "BC")], "ssl.provider: no Java class"),
    ] {
        let error = refusal(entries);
        assert!(error.contains(part), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let mixed = read(&[
        ("keystore.type", "PEM"),
        ("keystore.key", &*key.serialize_pem()),
        ("keystore.certificate.chain", &*chain),
    ])
    .expect("two readable texts");
    let error = mixed.client_config().unwrap_err().to_string();
    assert!(
        error.contains("ssl.keystore.key: its key cannot be used"),
        "{error}"
    );
}

#[test]
fn only_the_versions_that_are_enabled_are_offered() {
    let server = self_signed(false);
    for versions in ["TLSv1.2", "TLSv1.3", "TLSv1.2, TLSv1.3", "TLSv1,TLSv1.2"] {
        let settings = trusting(&server, &[("enabled.protocols", versions)]);
        assert_eq!(
            shake_hands(&settings, "localhost", &server),
            Ok(()),
            "{versions}"
        );
        assert_eq!(
            settings.versions.contains(&&TLS13),
            versions.contains("1.3")
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_a_store_or_an_error(text in "(-----BEGIN [A-Z ]{0,20}-----)?\\PC{0,60}") {
        let _ = read(&[("truststore.type", "PEM"), ("truststore.certificates", &text)]);
        let _ = read(&[
            ("keystore.type", "PEM"),
            ("keystore.key", &text),
            ("keystore.certificate.chain", &text),
            ("key.password", "x"),
        ]);
    }
}
