//! The settings of the client, under the names that Confluent's serializers give them.

use super::keys::*;
use connect_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, Validator, Width};
use std::sync::LazyLock;

const CONNECTION: &str = "Schema Registry";
const AUTHENTICATION: &str = "Schema Registry Authentication";
const CACHES: &str = "Schema Registry Caches";
const TLS: &str = "Schema Registry TLS";

/// Adds settings to a definition, each with its place in its group.
struct Group {
    def: ConfigDef,
    name: &'static str,
    order: i32,
}

impl Group {
    fn add(&mut self, key: ConfigKey, importance: Importance, label: &str, doc: &str) {
        self.order += 1;
        let width = match key.config_type() {
            ConfigType::Boolean | ConfigType::Int | ConfigType::Short | ConfigType::Long => {
                Width::Short
            }
            ConfigType::List => Width::Long,
            _ => Width::Medium,
        };
        self.def.add(
            key.importance(importance)
                .doc(doc)
                .group(self.name, self.order, width, label),
        );
    }

    fn begin(&mut self, name: &'static str) {
        self.name = name;
        self.order = 0;
    }
}

/// The settings of the client. `request.header.*` come besides: their names are free.
pub fn client_config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let mut group = Group {
            def: ConfigDef::new(),
            name: CONNECTION,
            order: 0,
        };
        connection(&mut group);
        group.begin(AUTHENTICATION);
        authentication(&mut group);
        group.begin(CACHES);
        caches(&mut group);
        group.begin(TLS);
        tls(&mut group);
        group.def
    });
    &DEF
}

fn string(name: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::String).default_null()
}

fn password(name: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::Password).default_null()
}

fn int(name: &str, default: i64, least: i64) -> ConfigKey {
    ConfigKey::new(name, ConfigType::Int)
        .default(default)
        .validator(Validator::at_least(least))
}

fn boolean(name: &str, default: bool) -> ConfigKey {
    ConfigKey::new(name, ConfigType::Boolean).default(default)
}

fn connection(group: &mut Group) {
    use Importance::{High, Low};
    group.add(
        ConfigKey::new(URL, ConfigType::List).validator(Validator::ListWithoutDuplicates {
            allow_empty: false,
        }),
        High,
        "URLs",
        "The addresses of the Schema Registry, separated by commas; a path is allowed. When one does \
         not answer, the next is asked. mock://NAME is a registry within this process, shared by all \
         that use the same name.",
    );
    group.add(
        boolean(URL_RANDOMIZE, false),
        Low,
        "Random first URL",
        "Whether to begin with any of the URLs rather than with the first, so that many clients of \
         one configuration share the load.",
    );
    group.add(
        int(CONNECT_TIMEOUT_MS, 60_000, 0),
        Low,
        "Connect timeout",
        "How long to wait for a connection, in milliseconds.",
    );
    group.add(
        int(READ_TIMEOUT_MS, 60_000, 0),
        Low,
        "Read timeout",
        "How long to wait for the next bytes of an answer, in milliseconds.",
    );
    group.add(
        int(MAX_RETRIES, 3, 0),
        Low,
        "Retries",
        "How often a request is repeated at each URL after status 408, 429, 500, 502, 503 or 504, or \
         after a failure of the network.",
    );
    group.add(
        int(RETRIES_WAIT_MS, 1_000, 0),
        Low,
        "First wait",
        "The longest wait before the first repetition, in milliseconds. It doubles with each; the \
         actual wait is a random part of it.",
    );
    group.add(
        int(RETRIES_MAX_WAIT_MS, 20_000, 0),
        Low,
        "Longest wait",
        "The longest wait before any repetition, in milliseconds.",
    );
    group.add(
        ConfigKey::new(PROXY_HOST, ConfigType::String).default(""),
        Low,
        "Proxy host",
        "The host of an HTTP proxy through which the Schema Registry is reached.",
    );
    group.add(
        ConfigKey::new(PROXY_PORT, ConfigType::Int).default(-1),
        Low,
        "Proxy port",
        "The port of that proxy.",
    );
}

fn authentication(group: &mut Group) {
    use Importance::{Low, Medium};
    group.add(
        ConfigKey::new(BASIC_SOURCE, ConfigType::String).default(""),
        Medium,
        "Basic authentication",
        "Where user name and password come from: URL (they stand in schema.registry.url), USER_INFO \
         (basic.auth.user.info) or SASL_INHERIT (sasl.jaas.config of this converter). Without it \
         there is no basic authentication.",
    );
    group.add(
        ConfigKey::new(USER_INFO, ConfigType::Password).default(""),
        Medium,
        "User and password",
        "User name and password for USER_INFO, as user:password.",
    );
    group.add(
        ConfigKey::new(LEGACY_USER_INFO, ConfigType::Password).default(""),
        Medium,
        "User and password (old name)",
        "The old name of basic.auth.user.info; if both are set, this one is taken.",
    );
    group.add(
        password(SASL_JAAS_CONFIG),
        Low,
        "JAAS configuration",
        "The login module whose username and password SASL_INHERIT takes.",
    );
    group.add(
        ConfigKey::new(BEARER_SOURCE, ConfigType::String).default(""),
        Medium,
        "Bearer authentication",
        "Where a token comes from: STATIC_TOKEN (bearer.auth.token) or OAUTHBEARER (the client \
         credentials grant of an identity provider). Without it there is no bearer authentication.",
    );
    group.add(
        ConfigKey::new(BEARER_TOKEN, ConfigType::Password).default(""),
        Medium,
        "Token",
        "The token for STATIC_TOKEN.",
    );
    group.add(
        string(ISSUER_URL),
        Medium,
        "Token endpoint",
        "The URL of the identity provider that issues tokens for OAUTHBEARER.",
    );
    group.add(
        string(CLIENT_ID),
        Medium,
        "Client id",
        "The client id for the client credentials grant.",
    );
    group.add(
        password(CLIENT_SECRET),
        Medium,
        "Client secret",
        "The client secret for the client credentials grant.",
    );
    group.add(string(SCOPE), Medium, "Scope", "The scope to ask for.");
    group.add(
        ConfigKey::new(SCOPE_CLAIM_NAME, ConfigType::String).default("scope"),
        Low,
        "Scope claim",
        "The claim of the token that holds the scope. The token is not examined here; the registry \
         does that.",
    );
    group.add(
        ConfigKey::new(SUB_CLAIM_NAME, ConfigType::String).default("sub"),
        Low,
        "Subject claim",
        "The claim of the token that holds the principal. The token is not examined here; the \
         registry does that.",
    );
    group.add(
        string(IDENTITY_POOL_ID),
        Medium,
        "Identity pool",
        "Sent with each request as Confluent-Identity-Pool-Id.",
    );
    group.add(
        string(LOGICAL_CLUSTER),
        Medium,
        "Logical cluster",
        "Sent with each request as target-sr-cluster.",
    );
    group.add(
        ConfigKey::new(EXPIRY_BUFFER_SECONDS, ConfigType::Short)
            .default(300)
            .validator(Validator::between(0, 3_600)),
        Low,
        "Renewal before expiry",
        "How many seconds before its expiry a token is renewed at the latest.",
    );
    group.add(
        string(CUSTOM_PROVIDER_CLASS),
        Low,
        "Provider class",
        "The Java class of the source CUSTOM, which is not supported: no Java code runs here.",
    );
}

fn caches(group: &mut Group) {
    use Importance::Low;
    group.add(
        int(MAX_SCHEMAS_PER_SUBJECT, 1_000, 1),
        Low,
        "Schemas",
        "How many schemas are kept in memory.",
    );
    group.add(
        int(LATEST_CACHE_SIZE, 1_000, 1),
        Low,
        "Latest versions",
        "For how many subjects the latest version is kept in memory.",
    );
    group.add(
        ConfigKey::new(LATEST_CACHE_TTL_SEC, ConfigType::Int).default(-1),
        Low,
        "Age of latest versions",
        "After how many seconds a latest version is asked for again; -1 is never.",
    );
}

fn tls(group: &mut Group) {
    use Importance::{High, Low, Medium};
    let ssl = |name: &str| format!("{SSL_PREFIX}{name}");
    for (name, importance, label, doc) in [
        (
            TRUSTSTORE_LOCATION,
            High,
            "Trust store file",
            "The file with the certificates that are trusted. Without it those of the system are.",
        ),
        (
            TRUSTSTORE_TYPE,
            Medium,
            "Trust store type",
            "JKS, PKCS12 or PEM. A PKCS12 file is also read as JKS, as Java does.",
        ),
        (
            KEYSTORE_LOCATION,
            High,
            "Key store file",
            "The file with the certificate and the key of this client.",
        ),
        (
            KEYSTORE_TYPE,
            Medium,
            "Key store type",
            "JKS, PKCS12 or PEM. A PKCS12 file is also read as JKS, as Java does.",
        ),
    ] {
        let key = ConfigKey::new(ssl(name), ConfigType::String);
        let key = if name == TRUSTSTORE_TYPE || name == KEYSTORE_TYPE {
            key.default("JKS")
        } else {
            key.default_null()
        };
        group.add(key, importance, label, doc);
    }
    for (name, label, doc) in [
        (
            TRUSTSTORE_PASSWORD,
            "Trust store password",
            "The password of the trust store; without it the store is read unchecked.",
        ),
        (
            TRUSTSTORE_CERTIFICATES,
            "Trusted certificates",
            "The certificates that are trusted, as PEM text; the type must be PEM.",
        ),
        (
            KEYSTORE_PASSWORD,
            "Key store password",
            "The password of the key store.",
        ),
        (
            KEY_PASSWORD,
            "Key password",
            "The password of the key, if it is not that of the key store.",
        ),
        (
            KEYSTORE_KEY,
            "Key",
            "The key of this client, as PEM text (PKCS #8); the type must be PEM.",
        ),
        (
            KEYSTORE_CERTIFICATE_CHAIN,
            "Certificate chain",
            "The certificate of this client with its issuers, as PEM text; the type must be PEM.",
        ),
    ] {
        group.add(password(&ssl(name)), High, label, doc);
    }
    group.add(
        ConfigKey::new(ssl(ENDPOINT_IDENTIFICATION_ALGORITHM), ConfigType::String).default("https"),
        Low,
        "Host name check",
        "https checks the host name in the certificate of the registry; an empty text does not.",
    );
    group.add(
        ConfigKey::new(ssl(PROTOCOL), ConfigType::String).default("TLSv1.3"),
        Medium,
        "Protocol",
        "TLSv1.2 or TLSv1.3; of no effect beside ssl.enabled.protocols.",
    );
    group.add(
        ConfigKey::new(ssl(ENABLED_PROTOCOLS), ConfigType::List)
            .default(vec!["TLSv1.2".to_string(), "TLSv1.3".to_string()]),
        Medium,
        "Protocol versions",
        "The versions of TLS that are offered: TLSv1.2, TLSv1.3 or both.",
    );
    for (name, label, doc) in [
        (
            CIPHER_SUITES,
            "Cipher suites",
            "Taken for compatibility and of no effect, with a warning: all suites offered are strong ones.",
        ),
        (
            PROVIDER,
            "Security provider",
            "A Java security provider: refused, because no Java code runs here.",
        ),
        (
            KEYMANAGER_ALGORITHM,
            "Key manager",
            "A Java algorithm: taken for compatibility and of no effect.",
        ),
        (
            TRUSTMANAGER_ALGORITHM,
            "Trust manager",
            "A Java algorithm: taken for compatibility and of no effect.",
        ),
        (
            SECURE_RANDOM_IMPLEMENTATION,
            "Random numbers",
            "A Java algorithm: taken for compatibility and of no effect.",
        ),
        (
            ENGINE_FACTORY_CLASS,
            "Engine factory",
            "A Java class: refused, because no Java code runs here.",
        ),
    ] {
        group.add(string(&ssl(name)), Low, label, doc);
    }
}
