//! The keys of the connection, shared by sink and source.

use super::{KeyGroup, empty_or};
use crate::client;
use connect_api::config::{
    ConfigData, ConfigDef, ConfigKey, ConfigType, CustomValidator, Importance,
};
use connect_api::config::{Validator, Width};
use std::sync::Arc;

macro_rules! names {
    ($($constant:ident = $name:literal;)*) => {
        $(#[doc = concat!("`", $name, "`")] pub const $constant: &str = $name;)*
    };
}

names! {
    CONNECTION_URI = "connection.uri";
    SERVER_API_VERSION = "server.api.version";
    SERVER_API_DEPRECATION_ERRORS = "server.api.deprecation.errors";
    SERVER_API_STRICT = "server.api.strict";
    SSL_TRUSTSTORE = "connection.ssl.truststore";
    SSL_TRUSTSTORE_PASSWORD = "connection.ssl.truststorePassword";
    SSL_KEYSTORE = "connection.ssl.keystore";
    SSL_KEYSTORE_PASSWORD = "connection.ssl.keystorePassword";
    CUSTOM_AUTH_ENABLE = "mongo.custom.auth.mechanism.enable";
    CUSTOM_AUTH_CLASS = "mongo.custom.auth.mechanism.providerClass";
    PROVIDER = "provider";
}

/// A connection string. Its text never shows in a message: it may hold a password.
pub fn uri_validator() -> Validator {
    Validator::Custom(CustomValidator {
        description: "A valid connection string",
        check: Arc::new(|name, value| {
            let Some(ConfigData::Password(uri)) = value else {
                return Ok(());
            };
            client::check_uri(uri.expose())
                .map_err(|why| format!("Invalid value {uri} for configuration {name}: {why}"))
        }),
    })
}

/// The keys of the server API and of TLS, and an internal one for builds of others.
pub fn connection_keys() -> ConfigDef {
    use ConfigType::{Boolean, Password, String as Text};
    use Importance::Medium;
    let version = empty_or(Validator::custom(
        "A valid server version",
        |value| match value {
            Some(ConfigData::String(version)) if version != "1" => Err(format!(
                "No enum constant for server API version {version}: the only one is 1"
            )),
            _ => Ok(()),
        },
    ));
    let api = KeyGroup::new("Server Api")
        .key(
            SERVER_API_VERSION,
            Text,
            Medium,
            "",
            Some(version),
            "The server API version.",
            "The version of the server's API to keep to. The only one is 1.",
        )
        .key(
            SERVER_API_DEPRECATION_ERRORS,
            Boolean,
            Medium,
            false,
            None,
            "Deprecation errors",
            "Whether the server answers what is deprecated in that version with an error.",
        )
        .key(
            SERVER_API_STRICT,
            Boolean,
            Medium,
            false,
            None,
            "Strict",
            "Whether the server answers what is not part of that version with an error.",
        )
        .into_def();
    let tls = KeyGroup::new("SSL")
        .key(
            SSL_TRUSTSTORE,
            Text,
            Medium,
            "",
            None,
            "SSL TrustStore",
            "A file with the certificates to trust, as PEM. Java key stores are not read: \
             `keytool -exportcert -rfc` writes PEM.",
        )
        .key(
            SSL_TRUSTSTORE_PASSWORD,
            Password,
            Medium,
            "",
            None,
            "SSL TrustStore Password",
            "Accepted; PEM files of certificates have no password.",
        )
        .key(
            SSL_KEYSTORE,
            Text,
            Medium,
            "",
            None,
            "SSL KeyStore",
            "A file with the client's certificate and its key, as PEM.",
        )
        .key(
            SSL_KEYSTORE_PASSWORD,
            Password,
            Medium,
            "",
            None,
            "SSL KeyStore Password",
            "Accepted; the key must not be encrypted.",
        )
        .into_def();
    ConfigDef::new().define_all(&api).define_all(&tls).define(
        ConfigKey::new(PROVIDER, Text)
            .default("")
            .group("Server Api", 4, Width::Medium, "Provider")
            .internal(),
    )
}
