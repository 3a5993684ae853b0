//! TLS and SASL between the client and the scripted broker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connect_api::config::Password;
use connect_tls::rustls;
use kafka_protocol::messages::{FindCoordinatorRequest, SaslHandshakeRequest};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::scripted_broker::{ADDRESS, Login, Script, ScriptedBroker};
use super::{ClientSettings, ClusterClient, WireError};
use crate::security::{Credentials, OAuthLogin, SaslSettings, ScramHash};

fn credentials(password: &str) -> Credentials {
    Credentials {
        username: "alice".to_owned(),
        password: Password::new(password),
    }
}

async fn refused(client: ClusterClient) -> WireError {
    match client.connect_any().await {
        Ok(_) => panic!("the broker let the client in"),
        Err(error) => error,
    }
}

fn unsecured(user: &str) -> SaslSettings {
    let jaas = format!("a.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub={user};");
    let settings = settings(&[
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "OAUTHBEARER"),
        ("sasl.jaas.config", &jaas),
    ]);
    settings.security.sasl.expect("a SASL protocol")
}

fn settings(lines: &[(&str, &str)]) -> ClientSettings {
    let mut properties: BTreeMap<String, String> = lines
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    properties.insert("bootstrap.servers".to_owned(), ADDRESS.to_owned());
    ClientSettings::from_properties(&properties).expect("usable settings")
}

#[tokio::test(start_paused = true)]
async fn every_mechanism_lets_in_who_may_and_no_other() {
    let scram = |hash| Login::Scram {
        hash,
        password: "right".to_owned(),
        knows_password: true,
    };
    let plain = Login::Plain {
        user: "alice".to_owned(),
        password: "right".to_owned(),
    };
    type Sasl = fn(Credentials) -> SaslSettings;
    let cases: [(Login, Sasl, &str); 3] = [
        (
            plain,
            SaslSettings::Plain,
            "PLAIN failed: Invalid username or password",
        ),
        (
            scram(ScramHash::Sha256),
            |credentials| SaslSettings::Scram(ScramHash::Sha256, credentials),
            "SCRAM-SHA-256 failed: invalid credentials",
        ),
        (
            scram(ScramHash::Sha512),
            |credentials| SaslSettings::Scram(ScramHash::Sha512, credentials),
            "SCRAM-SHA-512 failed: invalid credentials",
        ),
    ];
    for (login, sasl, refusal) in cases {
        let broker = ScriptedBroker::new();
        broker.require_login(login, 0);
        let client = broker.client_with_sasl(sasl(credentials("right")));
        let coordinator = client.find_group_coordinator("g").await.expect("let in");
        assert_eq!(coordinator.address.to_string(), ADDRESS);

        let error = refused(broker.client_with_sasl(sasl(credentials("wrong-password")))).await;
        assert_eq!(
            error.to_string(),
            format!(
                "authentication to broker {ADDRESS} with sasl.mechanism {refusal}; check \
                 sasl.jaas.config and sasl.mechanism"
            )
        );
        assert!(error.is_fatal() && error.is_refusal());

        broker.script::<SaslHandshakeRequest>(Script::Error(33));
        let error = refused(broker.client_with_sasl(sasl(credentials("right")))).await;
        assert!(
            error.to_string().contains("the broker offers only "),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_does_not_know_the_password_is_not_trusted() {
    let broker = ScriptedBroker::new();
    let login = Login::Scram {
        hash: ScramHash::Sha256,
        password: "right".to_owned(),
        knows_password: false,
    };
    broker.require_login(login, 0);
    let sasl = SaslSettings::Scram(ScramHash::Sha256, credentials("right"));
    let error = refused(broker.client_with_sasl(sasl)).await;
    assert!(error.to_string().contains("signature is wrong"), "{error}");
    assert!(error.is_fatal());
}

#[tokio::test(start_paused = true)]
async fn tokens_open_the_door_and_refusals_say_why() {
    let broker = ScriptedBroker::new();
    let sasl = unsecured("security-tests");
    let SaslSettings::OAuthBearer(oauth) = &sasl else {
        panic!("another mechanism");
    };
    let login = OAuthLogin::shared(oauth);
    let token = login.token().await.expect("an unsecured token");
    broker.require_login(Login::Token(token.text.expose().to_owned()), 0);
    broker
        .client_with_sasl(sasl)
        .connect_any()
        .await
        .expect("let in");
    let error = refused(broker.client_with_sasl(unsecured("somebody-else"))).await;
    assert_eq!(
        error.to_string(),
        format!(
            "authentication to broker {ADDRESS} with sasl.mechanism OAUTHBEARER failed: no such token \
             ({{\"status\":\"invalid_token\"}}); check sasl.jaas.config and sasl.mechanism"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_on_the_same_connection_before_it_ends() {
    let broker = ScriptedBroker::new();
    let login = |password: &str| Login::Plain {
        user: "alice".to_owned(),
        password: password.to_owned(),
    };
    broker.require_login(login("right"), 10_000);
    let client = broker.client_with_sasl(SaslSettings::Plain(credentials("right")));
    let mut connection = client.connect_any().await.expect("let in");
    let mut ask = async || {
        connection
            .send(Duration::from_secs(1), |_| {
                FindCoordinatorRequest::default()
            })
            .await
    };
    ask().await.expect("an answer");
    assert_eq!(broker.count("SaslAuthenticate"), 1);
    tokio::time::advance(Duration::from_millis(8_400)).await;
    ask().await.expect("an answer");
    assert_eq!(broker.count("SaslAuthenticate"), 1);
    tokio::time::advance(Duration::from_millis(200)).await;
    ask().await.expect("an answer");
    assert_eq!(broker.count("SaslAuthenticate"), 2);
    // The lifetime counts anew.
    ask().await.expect("an answer");
    assert_eq!(broker.count("SaslAuthenticate"), 2);
    assert_eq!(broker.count("ApiVersions"), 1, "one connection");
    broker.require_login(login("changed meanwhile"), 10_000);
    tokio::time::advance(Duration::from_millis(8_600)).await;
    let error = ask().await.expect_err("the password has changed");
    assert!(error.is_refusal(), "{error}");
}

/// An authority, and a broker whose certificate it signed.
struct Certificates {
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Certificates {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
        Self { authority }
    }

    /// A certificate and its key, PEM.
    fn sign(&self, name: &str) -> (String, String, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new([name.to_owned()])
            .expect("a name")
            .signed_by(&key, &self.authority)
            .expect("a certificate");
        (certificate.pem(), key.serialize_pem(), key)
    }

    fn acceptor(&self, name: &str, asks_for_certificate: bool) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new([name.to_owned()])
            .expect("a name")
            .signed_by(&key, &self.authority)
            .expect("a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider has them");
        let builder = if asks_for_certificate {
            let mut roots = RootCertStore::empty();
            roots
                .add(self.authority.der().clone())
                .expect("a certificate");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .expect("a verifier");
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let config = builder
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .expect("the key of the certificate");
        TlsAcceptor::from(Arc::new(config))
    }
}

fn client(broker: &ScriptedBroker, lines: &[(&str, &str)]) -> ClusterClient {
    let mut all = vec![("security.protocol", "SSL"), ("ssl.truststore.type", "PEM")];
    all.extend(lines);
    ClusterClient::with_dialer(settings(&all), Arc::new(broker.clone()))
}

#[tokio::test]
async fn tls_carries_requests_to_who_is_trusted_and_to_no_other() {
    let certificates = Certificates::new();
    let authority = certificates.authority.pem();
    let trust = ("ssl.truststore.certificates", &*authority);
    let broker = ScriptedBroker::new();
    broker.speak_tls(certificates.acceptor("scripted", false));
    let coordinator = client(&broker, &[trust])
        .find_group_coordinator("g")
        .await
        .expect("an answer over TLS");
    assert_eq!(coordinator.address.to_string(), ADDRESS);

    // Another authority than the one that signed.
    let stranger = Certificates::new().authority.pem();
    let error = refused(client(
        &broker,
        &[("ssl.truststore.certificates", &*stranger)],
    ))
    .await;
    assert!(error.is_fatal() && error.is_refusal());
    let text = error.to_string();
    assert!(
        text.contains("TLS with broker scripted:9092 failed"),
        "{text}"
    );
    assert!(
        text.contains("invalid peer certificate") && text.contains("ssl.truststore"),
        "{text}"
    );

    // Another name than the one that was dialled.
    broker.speak_tls(certificates.acceptor("other", false));
    let text = refused(client(&broker, &[trust])).await.to_string();
    assert!(text.contains("not valid for name"), "{text}");
    client(
        &broker,
        &[trust, ("ssl.endpoint.identification.algorithm", "")],
    )
    .connect_any()
    .await
    .expect("the name is not compared");
}

#[tokio::test]
async fn mutual_tls_shows_the_certificate_of_the_client() {
    let certificates = Certificates::new();
    let authority = certificates.authority.pem();
    let (chain, key, _) = certificates.sign("client");
    let broker = ScriptedBroker::new();
    broker.speak_tls(certificates.acceptor("scripted", true));
    let trust = ("ssl.truststore.certificates", &*authority);
    client(
        &broker,
        &[
            trust,
            ("ssl.keystore.type", "PEM"),
            ("ssl.keystore.key", &key),
            ("ssl.keystore.certificate.chain", &chain),
        ],
    )
    .find_group_coordinator("g")
    .await
    .expect("an answer over TLS");
    // In TLS 1.3 the broker refuses after the client has finished its part.
    let error = refused(client(&broker, &[trust])).await;
    assert!(error.is_refusal(), "{error}");
    assert!(error.to_string().contains("ertificateRequired"), "{error}");
}

#[tokio::test]
async fn the_wrong_protocol_is_named_whoever_speaks_tls() {
    let certificates = Certificates::new();
    let broker = ScriptedBroker::new();
    broker.speak_tls(certificates.acceptor("scripted", false));
    let error = refused(ClusterClient::with_dialer(settings(&[]), Arc::new(broker))).await;
    assert!(!error.is_refusal());
}
