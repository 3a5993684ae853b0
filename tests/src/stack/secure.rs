//! What listeners with TLS and logins need: certificates of an authority made for the test, and users.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair};

use super::ports;
use super::properties::Properties;

/// The user of the listener with logins, for every mechanism.
pub const USER: &str = "alice";
/// The password of [`USER`]: it must not be found in any log.
pub const PASSWORD: &str = "alice-secret";
/// How long a login holds: short, so that a test of seconds sees several.
const SESSION_LIFETIME_MS: &str = "2000";

/// How a client reaches a secure listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// TLS: the client checks the broker's certificate, and the broker nothing.
    Tls,
    /// TLS, and the broker checks a certificate of the client.
    MutualTls,
    /// The password as it is, over TLS.
    Plain,
    /// The password, hashed by both sides, over TLS.
    ScramSha256,
    /// As above, with the longer hash.
    ScramSha512,
    /// A token without a signature, over TLS.
    OAuthBearer,
}

impl Login {
    /// Every way.
    pub const ALL: [Self; 6] = [
        Self::Tls,
        Self::MutualTls,
        Self::Plain,
        Self::ScramSha256,
        Self::ScramSha512,
        Self::OAuthBearer,
    ];

    const MECHANISMS: [Self; 4] = [
        Self::Plain,
        Self::ScramSha256,
        Self::ScramSha512,
        Self::OAuthBearer,
    ];

    /// Kafka's name of the mechanism, if there is one.
    fn mechanism(self) -> Option<&'static str> {
        match self {
            Self::Tls | Self::MutualTls => None,
            Self::Plain => Some("PLAIN"),
            Self::ScramSha256 => Some("SCRAM-SHA-256"),
            Self::ScramSha512 => Some("SCRAM-SHA-512"),
            Self::OAuthBearer => Some("OAUTHBEARER"),
        }
    }

    fn jaas(self, password: &str) -> String {
        let package = "org.apache.kafka.common.security";
        let module = match self {
            Self::OAuthBearer => {
                return format!(
                    "{package}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"{USER}\";"
                );
            }
            Self::Plain => "plain.PlainLoginModule",
            _ => "scram.ScramLoginModule",
        };
        format!("{package}.{module} required username=\"{USER}\" password=\"{password}\";")
    }
}

/// The secure listeners of a broker: their ports and files.
#[derive(Clone, Debug)]
pub struct SecureListeners {
    folder: PathBuf,
    tls_port: u16,
    mutual_port: u16,
    login_port: u16,
}

impl SecureListeners {
    /// Makes an authority, the certificates of broker and client, and a second authority of which the
    /// broker knows nothing.
    pub fn make(folder: &Path) -> Self {
        let listeners = Self {
            folder: folder.to_owned(),
            tls_port: ports::free_port(),
            mutual_port: ports::free_port(),
            login_port: ports::free_port(),
        };
        let authority = authority("authority");
        listeners.write("authority", &authority.pem());
        listeners.certify("broker", &authority);
        listeners.certify("client", &authority);
        let stranger = self::authority("other-authority");
        listeners.write("other-authority", &stranger.pem());
        listeners.certify("stranger", &stranger);
        listeners
    }

    fn certify(&self, name: &str, authority: &Issuer<'_, KeyPair>) {
        let key = key();
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("an address");
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(&key, authority).expect("a certificate");
        self.write(
            name,
            &format!("{}{}", key.serialize_pem(), certificate.pem()),
        );
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.pem"))
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::write(&path, text)
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }

    fn store(&self, kind: &str, name: &str) -> Properties {
        vec![
            (format!("ssl.{kind}.type"), "PEM".to_owned()),
            (
                format!("ssl.{kind}.location"),
                self.path(name).display().to_string(),
            ),
        ]
    }

    /// The broker's listeners, in the form of `listeners` and `advertised.listeners`.
    pub(super) fn addresses(&self) -> String {
        format!(
            "TLS://127.0.0.1:{},MUTUAL://127.0.0.1:{},LOGIN://127.0.0.1:{}",
            self.tls_port, self.mutual_port, self.login_port
        )
    }

    /// Part of `listener.security.protocol.map`.
    pub(super) const PROTOCOLS: &'static str = "TLS:SSL,MUTUAL:SSL,LOGIN:SASL_SSL";

    /// What the broker needs beside the listeners themselves.
    pub(super) fn broker_properties(&self) -> Properties {
        let mut properties = self.store("keystore", "broker");
        properties.extend(self.store("truststore", "authority"));
        let mechanisms: Vec<_> = Login::MECHANISMS
            .iter()
            .filter_map(|login| login.mechanism())
            .collect();
        for (key, value) in [
            ("listener.name.mutual.ssl.client.auth", "required"),
            ("connections.max.reauth.ms", SESSION_LIFETIME_MS),
            ("sasl.enabled.mechanisms", &mechanisms.join(",")),
        ] {
            properties.push((key.to_owned(), value.to_owned()));
        }
        for (login, mechanism) in Login::MECHANISMS.iter().zip(mechanisms) {
            let key = format!(
                "listener.name.login.{}.sasl.jaas.config",
                mechanism.to_ascii_lowercase()
            );
            let value = match login {
                Login::Plain => format!(
                    "org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";"
                ),
                _ => login.jaas(PASSWORD),
            };
            properties.push((key, value));
        }
        properties
    }

    /// What a client needs, `bootstrap.servers` included.
    pub fn client_properties(&self, login: Login) -> Properties {
        self.client_properties_with(login, PASSWORD, "authority", "client")
    }

    /// As [`client_properties`](Self::client_properties), with a password of the caller's.
    pub fn client_properties_of(&self, login: Login, password: &str) -> Properties {
        self.client_properties_with(login, password, "authority", "client")
    }

    /// A client that trusts an authority which has not signed the broker's certificate.
    pub fn distrustful_properties(&self, login: Login) -> Properties {
        self.client_properties_with(login, PASSWORD, "other-authority", "client")
    }

    /// A client whose own certificate the broker does not trust.
    pub fn untrusted_properties(&self) -> Properties {
        self.client_properties_with(Login::MutualTls, PASSWORD, "authority", "stranger")
    }

    fn client_properties_with(
        &self,
        login: Login,
        password: &str,
        trusted: &str,
        own: &str,
    ) -> Properties {
        let (port, protocol) = match login {
            Login::Tls => (self.tls_port, "SSL"),
            Login::MutualTls => (self.mutual_port, "SSL"),
            _ => (self.login_port, "SASL_SSL"),
        };
        let mut properties = self.store("truststore", trusted);
        if login == Login::MutualTls {
            properties.extend(self.store("keystore", own));
        }
        for (key, value) in [
            ("bootstrap.servers", format!("127.0.0.1:{port}")),
            ("security.protocol", protocol.to_owned()),
        ] {
            properties.push((key.to_owned(), value));
        }
        if let Some(mechanism) = login.mechanism() {
            for (key, value) in [
                ("sasl.mechanism", mechanism.to_owned()),
                ("sasl.jaas.config", login.jaas(password)),
            ] {
                properties.push((key.to_owned(), value));
            }
        }
        properties
    }

    /// The arguments of Kafka's configuration tool that make the user for SCRAM, for each of its runs: it
    /// takes one mechanism of a user at a time.
    pub(super) fn user_arguments() -> [[String; 7]; 2] {
        ["SCRAM-SHA-256", "SCRAM-SHA-512"].map(|mechanism| {
            [
                "--alter",
                "--add-config",
                &format!("{mechanism}=[password={PASSWORD}]"),
                "--entity-type",
                "users",
                "--entity-name",
                USER,
            ]
            .map(str::to_owned)
        })
    }
}

/// Each has a name of its own: to OpenSSL a certificate that bears the name of its signer is self-signed.
fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, key()).expect("an authority")
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}
