//! The connection to MongoDB.

mod error;

pub(crate) use error::is_retriable_code;
pub use error::{code_of, is_retriable, to_connect_error};

use crate::config::connection as keys;
use crate::config::{Fault, Values};
use bson::{Document, doc};
use connect_api::{ConnectError, Result};
use mongodb::Client;
use mongodb::options::{
    ClientOptions, ConnectionString, DriverInfo, ServerApi, ServerApiVersion, Tls, TlsOptions,
    WriteConcern,
};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the driver looks for a server before it gives up, unless the connection string says.
const SERVER_SELECTION_TIMEOUT: Duration = Duration::from_secs(30);

/// What the connection goes by.
#[derive(Clone)]
pub struct ConnectionSettings {
    uri: String,
    server_api: Option<ServerApi>,
    trust_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
}

/// Without what may be secret.
impl std::fmt::Debug for ConnectionSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionSettings")
            .field("uri", &redacted(&self.uri))
            .field("trust_file", &self.trust_file)
            .field("key_file", &self.key_file)
            .finish_non_exhaustive()
    }
}

/// A connection string without user, password and options.
pub fn redacted(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return "[hidden]".into();
    };
    let end = rest.find(['?', '/']).unwrap_or(rest.len());
    // A password with a slash in it is a fault, but must not show either.
    let hosts = rest.rfind('@').map_or(&rest[..end], |at| {
        let hosts = &rest[at + 1..];
        &hosts[..hosts.find(['?', '/']).unwrap_or(hosts.len())]
    });
    format!("{scheme}://{hosts}")
}

/// Why a text is no connection string. The text itself is not repeated: it may hold a password.
pub fn check_uri(uri: &str) -> Result<(), String> {
    if !uri.starts_with("mongodb://") && !uri.starts_with("mongodb+srv://") {
        return Err(
            "The connection string is invalid. Connection strings must start with either 'mongodb://' \
             or 'mongodb+srv://"
                .into(),
        );
    }
    if ConnectionString::parse(uri).is_ok() {
        return Ok(());
    }
    // The driver's own words may repeat a part of the string; which part is at fault is found here.
    let (address, _) = uri.split_once('?').unwrap_or((uri, ""));
    let why = if ConnectionString::parse(address).is_ok() {
        "an option after the ? is not known or has a value that it does not take"
    } else if address.matches('@').count() > 1 {
        "user and password must be percent-encoded, for example @ as %40"
    } else {
        "host, port, user or database are not as in \
         mongodb://user:password@host1:27017,host2:27017/database"
    };
    Err(format!("The connection string is invalid: {why}"))
}

impl ConnectionSettings {
    /// Reads the settings from values that the definition found without fault.
    pub(crate) fn read(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let before = faults.len();
        let mut file = |key: &str| {
            let path = values.text(key).trim();
            if path.is_empty() {
                return None;
            }
            if let Err(why) = check_pem(Path::new(path)) {
                faults.push(Fault::invalid(key, path, &why));
            }
            Some(PathBuf::from(path))
        };
        let trust_file = file(keys::SSL_TRUSTSTORE);
        let key_file = file(keys::SSL_KEYSTORE);
        let server_api = (!values.text(keys::SERVER_API_VERSION).is_empty()).then(|| {
            ServerApi::builder()
                .version(ServerApiVersion::V1)
                .strict(values.is_true(keys::SERVER_API_STRICT))
                .deprecation_errors(values.is_true(keys::SERVER_API_DEPRECATION_ERRORS))
                .build()
        });
        (faults.len() == before).then(|| Self {
            uri: values.secret(keys::CONNECTION_URI).to_string(),
            server_api,
            trust_file,
            key_file,
        })
    }

    /// The hosts, without credentials.
    pub fn hosts(&self) -> String {
        redacted(&self.uri)
    }

    /// `connectTimeoutMS` of the connection string.
    pub(crate) fn connect_timeout(&self) -> Option<Duration> {
        ConnectionString::parse(&self.uri).ok()?.connect_timeout
    }

    /// Whether a version of the server's API is asked for.
    pub(crate) fn has_server_api(&self) -> bool {
        self.server_api.is_some()
    }

    /// Makes a client; it connects when it is used. `connector_type` is `sink` or `source` and shows in
    /// the server's log. `selection_timeout` bounds the search for a server in place of what the
    /// connection string says.
    pub async fn connect(
        &self,
        connector_type: &str,
        selection_timeout: Option<Duration>,
    ) -> Result<MongoConnection> {
        let mut options = ClientOptions::parse(self.uri.as_str())
            .await
            .map_err(|error| to_connect_error(&self.hosts(), &error))?;
        if let Some(Tls::Enabled(tls)) = &mut options.tls {
            self.add_files(tls);
        }
        if self.server_api.is_some() {
            options.server_api = self.server_api.clone();
        }
        options.server_selection_timeout = selection_timeout
            .or(options.server_selection_timeout)
            .or(Some(SERVER_SELECTION_TIMEOUT));
        options.driver_info = Some(
            DriverInfo::builder()
                .name(format!("dovetail|{connector_type}"))
                .version(env!("CARGO_PKG_VERSION").to_string())
                .build(),
        );
        let write_concern = options.write_concern.clone();
        let retry_writes = options.retry_writes != Some(false);
        let credential_source = options.credential.as_ref().map(|credential| {
            credential
                .source
                .clone()
                .or_else(|| options.default_database.clone())
                .unwrap_or_else(|| "admin".to_string())
        });
        let client = Client::with_options(options)
            .map_err(|error| to_connect_error(&self.hosts(), &error))?;
        Ok(MongoConnection {
            client,
            hosts: self.hosts(),
            write_concern,
            retry_writes,
            credential_source,
        })
    }

    fn add_files(&self, tls: &mut TlsOptions) {
        if let Some(file) = &self.trust_file {
            tls.ca_file_path = Some(file.clone());
        }
        if let Some(file) = &self.key_file {
            tls.cert_key_file_path = Some(file.clone());
        }
    }
}

/// A client and what its connection string says about writing.
#[derive(Clone)]
pub struct MongoConnection {
    /// The client.
    pub client: Client,
    /// The hosts, for messages.
    pub hosts: String,
    /// The write concern of the connection string.
    pub write_concern: Option<WriteConcern>,
    /// `retryWrites` of the connection string; true if it says nothing.
    pub retry_writes: bool,
    /// The database that the user is known in, if there is a user.
    pub credential_source: Option<String>,
}

impl MongoConnection {
    /// The greeting of the server, which tells what it is and what it takes.
    pub async fn hello(&self) -> mongodb::error::Result<Document> {
        const COMMAND_NOT_FOUND: i32 = 59;
        let admin = self.client.database("admin");
        match admin.run_command(doc! {"hello": 1}).await {
            // Servers that only look like MongoDB know the older name.
            Err(error) if code_of(&error) == Some(COMMAND_NOT_FOUND) => {
                admin.run_command(doc! {"isMaster": 1}).await
            }
            greeting => greeting,
        }
    }
}

/// Why a file cannot be used as PEM.
fn check_pem(path: &Path) -> Result<(), String> {
    // Files of certificates are small; a huge one is something else.
    const MAX_BYTES: u64 = 4 * 1024 * 1024;
    let mut content = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES).read_to_end(&mut content))
        .map_err(|error| format!("The file cannot be read: {error}"))?;
    if content.windows(11).any(|window| window == b"-----BEGIN ") {
        return Ok(());
    }
    let kind = match content.as_slice() {
        [0xFE, 0xED, 0xFE, 0xED, ..] => "a Java key store (JKS)",
        [0x30, ..] => "a PKCS12 store",
        _ => return Err("The file holds no PEM (-----BEGIN ...)".into()),
    };
    Err(format!(
        "The file is {kind}; PEM is needed. Convert it: keytool -importkeystore -srckeystore STORE \
         -destkeystore store.p12 -deststoretype PKCS12, then openssl pkcs12 -in store.p12 -nodes \
         -out store.pem"
    ))
}

/// An error that tells that a deadline ran out.
pub(crate) fn timed_out(what: &str, after: Duration) -> ConnectError {
    ConnectError::retriable(format!(
        "{what}: no answer within {} s. Check the network and the load of the server",
        after.as_secs()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_show_and_nothing_else() {
        for (uri, shown) in [
            ("mongodb://user:s3cret@a:1,b:2/db?x=y", "mongodb://a:1,b:2"),
            (
                "mongodb+srv://user:p%40ss@cluster.example.com",
                "mongodb+srv://cluster.example.com",
            ),
            ("mongodb://user:p/s3cret@a/db", "mongodb://a"),
            ("mongodb://a/?authSource=admin", "mongodb://a"),
            ("user:s3cret@a", "[hidden]"),
        ] {
            assert_eq!(redacted(uri), shown);
        }
    }

    #[test]
    fn a_fault_of_a_connection_string_does_not_repeat_it() {
        for (uri, part) in [
            ("http://user:s3cret@a", "must start with either"),
            ("mongodb://user:s3@cret@a", "percent-encoded"),
            ("mongodb://user:s3cret@a/?tls=s3cret", "an option"),
            ("mongodb://:s3cret@", "host, port"),
        ] {
            let why = check_uri(uri).unwrap_err();
            assert!(why.contains(part) && !why.contains("cret"), "{uri}: {why}");
        }
        assert_eq!(check_uri("mongodb://localhost:27017"), Ok(()));
        assert_eq!(
            check_uri("mongodb+srv://u:p@cluster0.example.net/?retryWrites=true&w=majority"),
            Ok(())
        );
    }

    #[test]
    fn java_key_stores_are_told_apart() {
        let folder = std::env::temp_dir().join(format!("dovetail-pem-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("store");
        for (content, part) in [
            (&b"\xfe\xed\xfe\xed...."[..], "JKS"),
            (b"\x30\x82....", "PKCS12"),
            (b"text", "no PEM"),
        ] {
            std::fs::write(&file, content).unwrap();
            assert!(check_pem(&file).unwrap_err().contains(part));
        }
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----").unwrap();
        assert_eq!(check_pem(&file), Ok(()));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(check_pem(&file).unwrap_err().contains("cannot be read"));
    }
}
