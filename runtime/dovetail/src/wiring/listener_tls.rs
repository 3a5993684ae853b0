//! TLS of the REST API's listeners out of Kafka's `ssl.*` settings.

use connect_api::config::ConfigMap;
use connect_api::{ConnectError, Result};
use connect_rest::{ClientAuth, ListenerTls, TlsParts};

const DEFAULT_PROTOCOLS: &str = "TLSv1.2,TLSv1.3";

/// Reads the stores that the settings name, which blocks.
///
/// # Errors
/// The setting that is wrong, and why; never a secret.
pub(super) fn listener_tls(settings: &ConfigMap) -> Result<ListenerTls> {
    let identity = store(
        settings,
        "keystore",
        &["ssl.keystore.certificate.chain", "ssl.keystore.key"],
    )?;
    let Some(identity) = identity else {
        return Err(ConnectError::config(
            "An https listener needs a key and a certificate: set ssl.keystore.location (with \
             ssl.keystore.type=PEM)",
        ));
    };
    if text(settings, "ssl.key.password").is_some() || identity.contains("ENCRYPTED") {
        return Err(ConnectError::config(
            "The key of an https listener must not be encrypted; protect its file instead, and leave \
             ssl.key.password out",
        ));
    }
    let trusted = store(settings, "truststore", &["ssl.truststore.certificates"])?;
    let client_auth = match text(settings, "ssl.client.auth").unwrap_or("none") {
        "none" => ClientAuth::None,
        "requested" => ClientAuth::Requested,
        "required" => ClientAuth::Required,
        other => {
            return Err(ConnectError::config(format!(
                "Invalid value {other} for configuration ssl.client.auth: String must be one of: \
                 none, requested, required"
            )));
        }
    };
    let protocols = text(settings, "ssl.enabled.protocols").unwrap_or(DEFAULT_PROTOCOLS);
    let protocols: Vec<String> = protocols.split(',').map(str::to_string).collect();
    ListenerTls::new(&TlsParts {
        certificate_chain: &identity,
        private_key: &identity,
        trusted: trusted.as_deref(),
        client_auth,
        protocols: &protocols,
    })
    .map_err(|why| ConnectError::config(format!("TLS of an https listener: {why}")))
}

fn text<'a>(settings: &'a ConfigMap, key: &str) -> Option<&'a str> {
    settings
        .get(key)
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

/// The PEM text of a store: its file, or the settings that hold it themselves; `None` if there is none.
fn store(settings: &ConfigMap, kind: &str, inline: &[&str]) -> Result<Option<String>> {
    let texts: Vec<&str> = inline
        .iter()
        .filter_map(|key| text(settings, key))
        .collect();
    let location = format!("ssl.{kind}.location");
    let path = text(settings, &location);
    if texts.is_empty() && path.is_none() {
        return Ok(None);
    }
    let type_setting = format!("ssl.{kind}.type");
    let store_type = text(settings, &type_setting).unwrap_or("JKS");
    if !store_type.eq_ignore_ascii_case("PEM") {
        return Err(ConnectError::config(format!(
            "Invalid value {store_type} for configuration {type_setting}: https listeners read PEM \
             only yet; convert the store (keytool -importkeystore to PKCS12, then openssl pkcs12 \
             -nodes) and set {type_setting}=PEM"
        )));
    }
    let Some(path) = path.filter(|_| texts.is_empty()) else {
        return Ok(Some(texts.join("\n")));
    };
    std::fs::read_to_string(path).map(Some).map_err(|error| {
        ConnectError::config(format!(
            "Invalid value {path} for configuration {location}: the file cannot be read: {error}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(settings: &[(&str, &str)]) -> String {
        let settings: ConfigMap = settings.iter().copied().collect();
        let error = listener_tls(&settings).expect_err("it is refused");
        error.message().to_string()
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        assert!(error(&[]).contains("ssl.keystore.location"));
        let jks = error(&[("ssl.keystore.location", "/k.jks")]);
        assert!(
            jks.contains("Invalid value JKS for configuration ssl.keystore.type"),
            "{jks}"
        );
        let pem = ("ssl.keystore.type", "PEM");
        let missing = error(&[pem, ("ssl.keystore.location", "/no/such.pem")]);
        assert!(missing.contains("/no/such.pem"), "{missing}");
        let inline = [
            pem,
            ("ssl.keystore.key", "hunter2"),
            ("ssl.keystore.certificate.chain", "hunter3"),
        ];
        let unreadable = error(&inline);
        assert!(unreadable.contains("holds no certificate"), "{unreadable}");
        assert!(!unreadable.contains("hunter"), "{unreadable}");
        let encrypted = [inline.as_slice(), &[("ssl.key.password", "x")]].concat();
        assert!(error(&encrypted).contains("must not be encrypted"));
        let client_auth = [inline.as_slice(), &[("ssl.client.auth", "maybe")]].concat();
        assert!(error(&client_auth).contains("ssl.client.auth"));
    }
}
