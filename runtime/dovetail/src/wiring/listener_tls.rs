//! TLS of the REST API's listeners out of Kafka's `ssl.*` settings.

use connect_api::config::ConfigMap;
use connect_api::{ConnectError, Result};
use connect_rest::{ClientAuth, ListenerTls, TlsParts};
use connect_tls::TlsSettings;

const DEFAULT_PROTOCOLS: &str = "TLSv1.2,TLSv1.3";

/// Reads the stores that the settings name, which blocks.
///
/// # Errors
/// The setting that is wrong, and why; never a secret.
pub(super) fn listener_tls(settings: &ConfigMap) -> Result<ListenerTls> {
    let tls = TlsSettings::read("ssl.", |key| settings.get(key).map(str::to_string))
        .map_err(|error| ConnectError::config(error.to_string()))?;
    let identity = tls.identity_pem().ok_or_else(|| {
        ConnectError::config(
            "An https listener needs a key and a certificate: set ssl.keystore.location to a JKS, PKCS12 \
             or PEM file",
        )
    })?;
    let trusted = tls.trusted_pem();
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
        certificate_chain: identity.expose(),
        private_key: identity.expose(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn error(settings: &[(&str, &str)]) -> String {
        let settings: ConfigMap = settings.iter().copied().collect();
        let error = listener_tls(&settings).expect_err("it is refused");
        error.message().to_string()
    }

    #[test]
    fn stores_of_java_and_pem_are_read() {
        let stores = concat!(env!("CARGO_MANIFEST_DIR"), "/../tls/tests/stores");
        for (store, store_type) in [
            ("client.jks", Some("JKS")),
            ("client.p12", Some("PKCS12")),
            ("client.p12", None),
        ] {
            let mut settings: ConfigMap = [
                ("ssl.keystore.location", &*format!("{stores}/{store}")),
                ("ssl.keystore.password", "storepass"),
                ("ssl.truststore.location", &*format!("{stores}/server.pem")),
                ("ssl.truststore.type", "PEM"),
                ("ssl.client.auth", "required"),
            ]
            .into_iter()
            .collect();
            if let Some(store_type) = store_type {
                settings.insert("ssl.keystore.type", store_type);
            }
            if store == "client.jks" {
                settings.insert("ssl.key.password", "keypass");
            }
            if let Err(error) = listener_tls(&settings) {
                panic!("{store} as {store_type:?}: {error}");
            }
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        assert!(error(&[]).contains("ssl.keystore.location"));
        let missing = error(&[("ssl.keystore.location", "/no/such.pem")]);
        assert!(missing.contains("/no/such.pem"), "{missing}");
        let inline = [
            ("ssl.keystore.type", "PEM"),
            ("ssl.keystore.key", "hunter2"),
            ("ssl.keystore.certificate.chain", "hunter3"),
        ];
        let unreadable = error(&inline);
        assert!(unreadable.contains("ssl.keystore."), "{unreadable}");
        assert!(!unreadable.contains("hunter"), "{unreadable}");
        let stores = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tls/tests/stores/client.p12"
        );
        let client_auth = error(&[
            ("ssl.keystore.location", stores),
            ("ssl.keystore.password", "storepass"),
            ("ssl.client.auth", "maybe"),
        ]);
        assert!(client_auth.contains("ssl.client.auth"), "{client_auth}");
    }
}
