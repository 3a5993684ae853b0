//! How commands are told which worker to speak to, and as whom.

use clap::Args;
use reqwest::{Certificate, Identity, Url};
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The worker and the credentials.
#[derive(Args)]
pub struct Connection {
    /// The REST API of any worker of the cluster
    #[arg(
        long,
        env = "DOVETAIL_URL",
        hide_env_values = true,
        default_value = "http://localhost:8083"
    )]
    url: String,
    /// The user for basic authentication. The password is DOVETAIL_PASSWORD, or --password-file, or a
    /// terminal is asked for it
    #[arg(long, env = "DOVETAIL_USER", hide_env_values = true)]
    user: Option<String>,
    /// A file with the password; `-` is standard input
    #[arg(long, value_name = "FILE", env = "DOVETAIL_PASSWORD_FILE")]
    password_file: Option<PathBuf>,
    /// Certificates (PEM) to trust beside those of the system
    #[arg(long, value_name = "FILE", env = "DOVETAIL_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// Certificate and key (PEM, both in one file) to show to a worker that wants one
    #[arg(long, value_name = "FILE", env = "DOVETAIL_CLIENT_CERT_FILE")]
    client_cert_file: Option<PathBuf>,
}

/// A user. It has no `Debug`, so that no message can hold it.
pub struct Credentials {
    pub user: String,
    pub password: String,
}

impl Connection {
    /// The URL without user and password, and these.
    pub fn address(&self) -> Result<(Url, Option<Credentials>), String> {
        let password = std::env::var("DOVETAIL_PASSWORD").ok();
        self.address_with(password, ask)
    }

    fn address_with(
        &self,
        from_environment: Option<String>,
        ask: impl FnOnce(&str) -> io::Result<Option<String>>,
    ) -> Result<(Url, Option<Credentials>), String> {
        // The text may hold a password, so it is not repeated.
        let mut url = Url::parse(self.url.trim())
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or("--url must be like http://localhost:8083 or https://connect.example.com")?;
        let in_url = user_of(&url)?;
        let no_user = url.set_username("").and_then(|()| url.set_password(None));
        no_user.map_err(|()| "--url cannot have a user".to_string())?;
        url.set_query(None);
        url.set_fragment(None);
        let (user, in_url) = match (&self.user, in_url) {
            (Some(user), _) => (user.clone(), None),
            (None, Some((user, password))) => (user, password),
            (None, None) => return Ok((url, None)),
        };
        let password = if let Some(password) = in_url {
            password
        } else if let Some(file) = &self.password_file {
            password_in(file)?
        } else if let Some(password) = from_environment {
            password
        } else {
            let prompt = format!("Password of {user} at {url}: ");
            ask(&prompt)
                .map_err(|error| format!("Cannot ask for a password: {error}"))?
                .ok_or_else(|| {
                    format!(
                        "The user {user} has no password; set DOVETAIL_PASSWORD or give \
                         --password-file"
                    )
                })?
        };
        Ok((url, Some(Credentials { user, password })))
    }

    /// An HTTP client that trusts and shows what was given.
    pub fn client(&self, timeout: Duration) -> Result<reqwest::Client, String> {
        let mut client = reqwest::Client::builder().timeout(timeout);
        if let Some(file) = &self.ca_file {
            let certificates = Certificate::from_pem_bundle(&read(file)?)
                .map_err(|error| format!("{} holds no certificates: {error}", file.display()))?;
            if certificates.is_empty() {
                return Err(format!("{} holds no certificates", file.display()));
            }
            client = client.tls_certs_merge(certificates);
        }
        if let Some(file) = &self.client_cert_file {
            let identity = Identity::from_pem(&read(file)?).map_err(|error| {
                format!(
                    "{} does not hold a certificate and its key: {error}",
                    file.display()
                )
            })?;
            client = client.identity(identity);
        }
        client.build().map_err(|error| super::with_causes(&error))
    }

    /// To this URL, without credentials.
    #[cfg(test)]
    pub fn to(url: &str) -> Self {
        Self {
            url: url.to_string(),
            user: None,
            password_file: None,
            ca_file: None,
            client_cert_file: None,
        }
    }
}

type User = (String, Option<String>);

/// User and password in a URL, decoded.
fn user_of(url: &Url) -> Result<Option<User>, String> {
    if url.username().is_empty() {
        return Ok(None);
    }
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .map(String::from)
            .map_err(|_| "user or password in --url are not UTF-8".to_string())
    };
    let password = url.password().map(decode).transpose()?;
    Ok(Some((decode(url.username())?, password)))
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("Cannot read {}: {error}", file.display()))
}

/// The password in a file, without the line end that editors put behind it.
fn password_in(file: &Path) -> Result<String, String> {
    let text = if file == Path::new("-") {
        let mut text = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut text);
        read.map_err(|error| format!("Cannot read the password from standard input: {error}"))?;
        text
    } else {
        read(file)?
    };
    let text = String::from_utf8(text).map_err(|_| "The password is not UTF-8 text".to_string())?;
    Ok(text.trim_end_matches(['\r', '\n']).to_string())
}

/// Asks on the terminal, without echo; `None` if there is none.
fn ask(prompt: &str) -> io::Result<Option<String>> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    rpassword::prompt_password(prompt).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody(_: &str) -> io::Result<Option<String>> {
        Ok(None)
    }

    fn shown(address: (Url, Option<Credentials>)) -> (String, Option<(String, String)>) {
        let (url, credentials) = address;
        let credentials = credentials.map(|known| (known.user, known.password));
        (url.to_string(), credentials)
    }

    #[test]
    fn users_come_from_flags_url_and_environment() {
        let with = |url: &str, user: Option<&str>, environment: Option<&str>| {
            let connection = Connection {
                user: user.map(str::to_string),
                ..Connection::to(url)
            };
            let address = connection.address_with(environment.map(str::to_string), nobody);
            address.map(shown)
        };
        let known = |user: &str, password: &str| Some((user.to_string(), password.to_string()));
        let plain = "http://h:1/".to_string();
        assert_eq!(
            with("http://h:1", None, Some("x")),
            Ok((plain.clone(), None))
        );
        assert_eq!(
            with("http://h:1", Some("a"), Some("x")),
            Ok((plain.clone(), known("a", "x")))
        );
        assert_eq!(
            with("http://u%40b:p%2Fw@h:1?x#y", None, Some("x")),
            Ok((plain.clone(), known("u@b", "p/w")))
        );
        assert_eq!(
            with("http://u@h:1/connect/", None, Some("x")),
            Ok(("http://h:1/connect/".to_string(), known("u", "x")))
        );
        // The password in the URL is another user's.
        assert_eq!(
            with("http://u:p@h:1", Some("a"), Some("x")),
            Ok((plain, known("a", "x")))
        );
        let error = with("http://h:1", Some("a"), None).unwrap_err();
        assert!(error.contains("DOVETAIL_PASSWORD"), "{error}");
        for url in ["h:1", "ftp://h", "://u:hunter2@h", ""] {
            let error = with(url, None, None).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn passwords_come_from_files_and_terminals() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "pass word\r\n").unwrap();
        let mut connection = Connection {
            user: Some("a".to_string()),
            password_file: Some(file),
            ..Connection::to("https://h")
        };
        let (_, credentials) = connection
            .address_with(Some("x".to_string()), nobody)
            .unwrap();
        assert_eq!(credentials.unwrap().password, "pass word");
        connection.password_file = None;
        let asked = |prompt: &str| {
            assert_eq!(prompt, "Password of a at https://h/: ");
            Ok(Some("typed".to_string()))
        };
        let (_, credentials) = connection.address_with(None, asked).unwrap();
        assert_eq!(credentials.unwrap().password, "typed");
    }

    #[test]
    fn files_that_hold_no_certificates_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, "nothing").unwrap();
        let mut connection = Connection::to("https://h");
        connection.client(Duration::from_secs(1)).unwrap();
        connection.ca_file = Some(file.clone());
        let error = connection.client(Duration::from_secs(1)).unwrap_err();
        assert!(error.contains("ca.pem holds no certificates"), "{error}");
        connection.ca_file = None;
        connection.client_cert_file = Some(file);
        let error = connection.client(Duration::from_secs(1)).unwrap_err();
        assert!(
            error.contains("ca.pem does not hold a certificate"),
            "{error}"
        );
    }
}
