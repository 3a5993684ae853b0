//! Users of the REST API: Kafka's basic authentication extension, and what each user may do.

use super::WorkerConfig;
use connect_api::{ConnectError, Result};
use connect_java::properties;
use connect_kafka::security::parse_jaas;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// The class of `rest.extension.classes` that this worker has built in.
pub(super) const EXTENSION_CLASS: &str =
    "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
/// Users who may only read.
pub(super) const READERS_SETTING: &str = "dovetail.rest.basic.auth.readers";
/// The only users who may change levels of loggers, if it is set.
pub(super) const ADMINS_SETTING: &str = "dovetail.rest.basic.auth.admins";

/// The entry of the JAAS file, the module in it, and its option.
const JAAS_ENTRY: &str = "KafkaConnect";
const LOGIN_MODULE: &str =
    "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule";
const FILE_OPTION: &str = "file";
/// The option of a JVM that names the JAAS file.
const JAAS_FILE_OPTION: &str = "-Djava.security.auth.login.config=";

/// What a user of the REST API may do; each may do what those before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RestRole {
    /// Look at everything, and validate configurations.
    Reader,
    /// Change connectors.
    Writer,
    /// Change the worker: levels of loggers.
    Admin,
}

impl RestRole {
    /// `reader`, `writer` or `admin`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Admin => "admin",
        }
    }
}

/// What comes of an `Authorization` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// The user is known.
    Accepted {
        /// The name; `None` where everybody is let in and nobody named himself.
        user: Option<String>,
        /// What he may do.
        role: RestRole,
    },
    /// There is no such user, or the password is wrong or missing.
    Refused,
    /// The header cannot be read.
    Malformed,
}

/// Who may use the REST API. `Debug` shows no password.
#[derive(Clone, Default)]
pub struct BasicAuth {
    passwords: HashMap<String, String>,
    readers: HashSet<String>,
    admins: Option<HashSet<String>>,
}

impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicAuth")
            .field("num_users", &self.passwords.len())
            .field("readers", &self.readers)
            .field("admins", &self.admins)
            .finish_non_exhaustive()
    }
}

impl BasicAuth {
    /// Who sends a request with this `Authorization` header. Without any user everybody is let in, as
    /// Kafka's extension does with an empty file.
    pub fn log_in(&self, authorization: Option<&str>) -> Login {
        let credentials = match credentials(authorization) {
            Ok(credentials) => credentials,
            Err(Unreadable) => return Login::Malformed,
        };
        let Some((user, password)) = credentials else {
            return match self.passwords.is_empty() {
                true => self.accepted(None),
                false => Login::Refused,
            };
        };
        if self.passwords.is_empty() {
            return self.accepted(Some(user));
        }
        match self.passwords.get(&user) {
            Some(known) if is_same(known.as_bytes(), password.as_bytes()) => {
                self.accepted(Some(user))
            }
            _ => Login::Refused,
        }
    }

    fn accepted(&self, user: Option<String>) -> Login {
        let is_in =
            |names: &HashSet<String>| user.as_ref().is_some_and(|user| names.contains(user));
        let role = if is_in(&self.readers) {
            RestRole::Reader
        } else if self.admins.as_ref().is_none_or(is_in) {
            RestRole::Admin
        } else {
            RestRole::Writer
        };
        Login::Accepted { user, role }
    }
}

/// Takes the same time wherever two texts differ.
fn is_same(left: &[u8], right: &[u8]) -> bool {
    let differing = left
        .iter()
        .zip(right)
        .fold(0, |differing, (left, right)| differing | (left ^ right));
    left.len() == right.len() && differing == 0
}

/// What is behind `Basic ` is no user and password in Base64.
struct Unreadable;

/// The user and password of a header; `None` if it has none, by the rules of Kafka's extension: exactly
/// one blank behind the scheme, and a password that may hold colons.
fn credentials(authorization: Option<&str>) -> Result<Option<(String, String)>, Unreadable> {
    let Some((scheme, encoded)) = authorization.and_then(|text| text.split_once(' ')) else {
        return Ok(None);
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let decoded = connect_api::json::decode_base64(encoded).map_err(|_| Unreadable)?;
    let decoded = String::from_utf8_lossy(&decoded);
    Ok(match decoded.split_once(':') {
        Some((user, password)) if !user.is_empty() => {
            Some((user.to_string(), password.to_string()))
        }
        _ => None,
    })
}

impl WorkerConfig {
    /// The users of the REST API; `None` if `rest.extension.classes` does not ask for them.
    /// `java_options` are those that a JVM would be started with (`KAFKA_OPTS`): they name the JAAS
    /// file. It reads files, which blocks: call it once, at the start.
    ///
    /// # Errors
    /// What is missing or wrong, and where; never a password.
    pub fn basic_auth(&self, java_options: &str) -> Result<Option<BasicAuth>> {
        let extensions = self.parsed().list("rest.extension.classes");
        if !extensions
            .unwrap_or_default()
            .iter()
            .any(|class| is_extension(class))
        {
            return Ok(None);
        }
        let file = jaas_file(java_options).ok_or_else(|| {
            ConnectError::config(format!(
                "rest.extension.classes asks for basic authentication, but no file says who may log \
                 in: set the environment variable KAFKA_OPTS to {JAAS_FILE_OPTION}/path/to/jaas.conf"
            ))
        })?;
        let entries = properties_file(&read(&file)?, &file)?;
        let users = read(&entries)?;
        let passwords = properties::parse(&users)
            .map_err(|error| ConnectError::config(format!("{}: {error}", entries.display())))?;
        Ok(Some(BasicAuth {
            passwords: passwords.into_iter().collect(),
            readers: self.names(READERS_SETTING).unwrap_or_default(),
            admins: self.names(ADMINS_SETTING),
        }))
    }

    /// A list of names; `None` where it is not set.
    fn names(&self, setting: &str) -> Option<HashSet<String>> {
        let names = self.raw().get(setting)?.split(',');
        let names = names.map(str::trim).filter(|name| !name.is_empty());
        Some(names.map(str::to_string).collect())
    }
}

/// Whether an entry of `rest.extension.classes` is Kafka's basic authentication.
pub(super) fn is_extension(class: &str) -> bool {
    let simple_name = EXTENSION_CLASS.rsplit('.').next();
    class == EXTENSION_CLASS || Some(class) == simple_name
}

fn jaas_file(java_options: &str) -> Option<PathBuf> {
    let file = java_options
        .split_whitespace()
        .filter_map(|option| option.strip_prefix(JAAS_FILE_OPTION))
        .next_back()?;
    let file = file.trim_start_matches('=').trim_matches(['"', '\'']);
    Some(PathBuf::from(file))
}

fn read(file: &Path) -> Result<String> {
    let bytes = std::fs::read(file).map_err(|error| {
        ConnectError::config(format!(
            "Cannot read {}, which the basic authentication of the REST API needs: {error}",
            file.display()
        ))
    })?;
    Ok(properties::decode(bytes))
}

/// The file of users that a JAAS file names.
fn properties_file(jaas: &str, jaas_file: &Path) -> Result<PathBuf> {
    let fault = |what: &str| ConnectError::config(format!("{}: {what}", jaas_file.display()));
    let entry = jaas_entry(jaas).ok_or_else(|| {
        fault(&format!(
            "there is no entry {JAAS_ENTRY} {{ {LOGIN_MODULE} required {FILE_OPTION}=\"...\"; }};"
        ))
    })?;
    let module = parse_jaas(entry).map_err(|error| fault(&error))?;
    if module.login_module != LOGIN_MODULE {
        return Err(fault(&format!(
            "the entry {JAAS_ENTRY} names the login module {}; there is {LOGIN_MODULE} only",
            module.login_module
        )));
    }
    let file = module.options.get(FILE_OPTION).map(|file| file.trim());
    match file {
        Some(file) if !file.is_empty() => Ok(PathBuf::from(file)),
        _ => Err(fault(&format!(
            "Property Credentials file must be specified: the login module has no option \
             {FILE_OPTION}"
        ))),
    }
}

/// What stands between the braces behind `KafkaConnect`.
fn jaas_entry(jaas: &str) -> Option<&str> {
    let mut rest = jaas;
    loop {
        let at = rest.find(JAAS_ENTRY)?;
        let (before, behind) = (&rest[..at], &rest[at + JAAS_ENTRY.len()..]);
        let begins_word = before
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric());
        if begins_word && let Some(body) = behind.trim_start().strip_prefix('{') {
            return body.split_once('}').map(|(entry, _)| entry);
        }
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker_config::WorkerMode;
    use connect_api::config::ConfigMap;

    fn header(user_and_password: &str) -> String {
        let mut text = bytes::BytesMut::new();
        connect_api::json::write_base64(user_and_password.as_bytes(), &mut text);
        let text = String::from_utf8(text.to_vec()).expect("ASCII");
        format!("Basic {}", text.trim_matches('"'))
    }

    fn users(readers: &[&str], admins: Option<&[&str]>) -> BasicAuth {
        let set = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        BasicAuth {
            passwords: [("ann", "a:b"), ("bob", "c")]
                .map(|(user, password)| (user.to_string(), password.to_string()))
                .into(),
            readers: set(readers),
            admins: admins.map(set),
        }
    }

    fn role(auth: &BasicAuth, user_and_password: &str) -> Option<RestRole> {
        match auth.log_in(Some(&header(user_and_password))) {
            Login::Accepted { role, .. } => Some(role),
            _ => None,
        }
    }

    #[test]
    fn users_are_known_by_their_passwords() {
        let auth = users(&[], None);
        assert_eq!(role(&auth, "ann:a:b"), Some(RestRole::Admin));
        for wrong in ["ann:a", "ann:a:bc", "ann:", "bob:a:b", "eve:c", ":c", "ann"] {
            assert_eq!(role(&auth, wrong), None, "{wrong}");
        }
        assert_eq!(auth.log_in(None), Login::Refused);
        assert_eq!(auth.log_in(Some("Bearer x")), Login::Refused);
        assert_eq!(auth.log_in(Some("Basic !!!")), Login::Malformed);
        let lower = header("bob:c").replace("Basic", "bAsIc");
        assert!(matches!(auth.log_in(Some(&lower)), Login::Accepted { .. }));
        let debug = format!("{auth:?}");
        assert!(!debug.contains("a:b"), "{debug}");
    }

    #[test]
    fn roles_are_opt_in() {
        let auth = users(&["bob"], Some(&["ann"]));
        assert_eq!(role(&auth, "ann:a:b"), Some(RestRole::Admin));
        assert_eq!(role(&auth, "bob:c"), Some(RestRole::Reader));
        let auth = users(&[], Some(&["ann"]));
        assert_eq!(role(&auth, "bob:c"), Some(RestRole::Writer));
        assert!(RestRole::Reader < RestRole::Writer && RestRole::Writer < RestRole::Admin);
    }

    #[test]
    fn without_users_everybody_is_let_in() {
        let auth = BasicAuth::default();
        let accepted = |user: Option<&str>| Login::Accepted {
            user: user.map(str::to_string),
            role: RestRole::Admin,
        };
        assert_eq!(auth.log_in(None), accepted(None));
        assert_eq!(auth.log_in(Some(&header("ann:x"))), accepted(Some("ann")));
    }

    #[test]
    fn files_are_found_and_faults_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let config = |extra: &[(&str, &str)]| {
            let base = [
                ("bootstrap.servers", "h:1"),
                (
                    "key.converter",
                    "org.apache.kafka.connect.json.JsonConverter",
                ),
                (
                    "value.converter",
                    "org.apache.kafka.connect.json.JsonConverter",
                ),
                ("offset.storage.file.filename", "/tmp/o"),
            ];
            let settings: ConfigMap = base.iter().chain(extra).copied().collect();
            WorkerConfig::new(WorkerMode::Standalone, settings).expect("valid settings")
        };
        let on = config(&[
            ("rest.extension.classes", EXTENSION_CLASS),
            (READERS_SETTING, "bob, "),
        ]);
        assert!(config(&[]).basic_auth("").expect("it is off").is_none());
        let error = |options: &str| {
            let error = on.basic_auth(options).expect_err("it is refused");
            error.message().to_string()
        };
        assert!(error("-Xmx1g").contains("KAFKA_OPTS"));
        let options = format!("-Xmx1g {JAAS_FILE_OPTION}{}", path("jaas.conf").display());
        assert!(error(&options).contains("jaas.conf"));
        for (jaas, text) in [
            ("Client { A required; };", "no entry KafkaConnect"),
            ("KafkaConnect { A required; };", "login module A"),
            (
                &*format!("KafkaConnect {{ {LOGIN_MODULE} required; }};"),
                "Credentials file",
            ),
            (
                &*format!("KafkaConnect {{ {LOGIN_MODULE} required file=\"/no/such\"; }};"),
                "/no/such",
            ),
        ] {
            std::fs::write(path("jaas.conf"), jaas).expect("written");
            let error = error(&options);
            assert!(error.contains(text), "{error}");
        }
        let users = path("users.properties");
        let jaas = format!(
            "Client {{ A required; }};\nKafkaConnect {{\n {LOGIN_MODULE} required\n file=\"{}\";\n}};",
            users.display()
        );
        std::fs::write(path("jaas.conf"), jaas).expect("written");
        std::fs::write(&users, "ann=a:b\nbob: c\n").expect("written");
        let auth = on
            .basic_auth(&options)
            .expect("it is read")
            .expect("it is on");
        assert_eq!(role(&auth, "ann:a:b"), Some(RestRole::Admin));
        assert_eq!(role(&auth, "bob:c"), Some(RestRole::Reader));
    }
}
