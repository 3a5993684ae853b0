//! The names of the settings.

/// The addresses.
pub const URL: &str = "schema.registry.url";
pub(crate) const URL_RANDOMIZE: &str = "schema.registry.url.randomize";
pub(crate) const CONNECT_TIMEOUT_MS: &str = "http.connect.timeout.ms";
pub(crate) const READ_TIMEOUT_MS: &str = "http.read.timeout.ms";
pub(crate) const MAX_RETRIES: &str = "max.retries";
pub(crate) const RETRIES_WAIT_MS: &str = "retries.wait.ms";
pub(crate) const RETRIES_MAX_WAIT_MS: &str = "retries.max.wait.ms";
pub(crate) const PROXY_HOST: &str = "proxy.host";
pub(crate) const PROXY_PORT: &str = "proxy.port";
/// What may stand before any setting of the client.
pub(crate) const CLIENT_PREFIX: &str = "schema.registry.";
pub(crate) const REQUEST_HEADER_PREFIX: &str = "request.header.";

pub(crate) const BASIC_SOURCE: &str = "basic.auth.credentials.source";
pub(crate) const USER_INFO: &str = "basic.auth.user.info";
pub(crate) const LEGACY_USER_INFO: &str = "schema.registry.basic.auth.user.info";
pub(crate) const SASL_JAAS_CONFIG: &str = "sasl.jaas.config";
pub(crate) const BEARER_SOURCE: &str = "bearer.auth.credentials.source";
pub(crate) const BEARER_TOKEN: &str = "bearer.auth.token";
pub(crate) const ISSUER_URL: &str = "bearer.auth.issuer.endpoint.url";
pub(crate) const CLIENT_ID: &str = "bearer.auth.client.id";
pub(crate) const CLIENT_SECRET: &str = "bearer.auth.client.secret";
pub(crate) const SCOPE: &str = "bearer.auth.scope";
pub(crate) const SCOPE_CLAIM_NAME: &str = "bearer.auth.scope.claim.name";
pub(crate) const SUB_CLAIM_NAME: &str = "bearer.auth.sub.claim.name";
pub(crate) const IDENTITY_POOL_ID: &str = "bearer.auth.identity.pool.id";
pub(crate) const LOGICAL_CLUSTER: &str = "bearer.auth.logical.cluster";
pub(crate) const EXPIRY_BUFFER_SECONDS: &str = "bearer.auth.cache.expiry.buffer.seconds";
pub(crate) const CUSTOM_PROVIDER_CLASS: &str = "bearer.auth.custom.provider.class";

/// How many schemas a client or converter keeps.
pub const MAX_SCHEMAS_PER_SUBJECT: &str = "max.schemas.per.subject";
pub(crate) const LATEST_CACHE_SIZE: &str = "latest.cache.size";
/// How old a latest version may be.
pub const LATEST_CACHE_TTL_SEC: &str = "latest.cache.ttl.sec";

pub(crate) const SSL_PREFIX: &str = "schema.registry.ssl.";
pub(crate) const TRUSTSTORE_LOCATION: &str = "truststore.location";
pub(crate) const TRUSTSTORE_TYPE: &str = "truststore.type";
pub(crate) const TRUSTSTORE_PASSWORD: &str = "truststore.password";
pub(crate) const TRUSTSTORE_CERTIFICATES: &str = "truststore.certificates";
pub(crate) const KEYSTORE_LOCATION: &str = "keystore.location";
pub(crate) const KEYSTORE_TYPE: &str = "keystore.type";
pub(crate) const KEYSTORE_PASSWORD: &str = "keystore.password";
pub(crate) const KEYSTORE_KEY: &str = "keystore.key";
pub(crate) const KEYSTORE_CERTIFICATE_CHAIN: &str = "keystore.certificate.chain";
pub(crate) const KEY_PASSWORD: &str = "key.password";
pub(crate) const ENDPOINT_IDENTIFICATION_ALGORITHM: &str = "endpoint.identification.algorithm";
pub(crate) const PROTOCOL: &str = "protocol";
pub(crate) const ENABLED_PROTOCOLS: &str = "enabled.protocols";
pub(crate) const CIPHER_SUITES: &str = "cipher.suites";
pub(crate) const PROVIDER: &str = "provider";
pub(crate) const KEYMANAGER_ALGORITHM: &str = "keymanager.algorithm";
pub(crate) const TRUSTMANAGER_ALGORITHM: &str = "trustmanager.algorithm";
pub(crate) const SECURE_RANDOM_IMPLEMENTATION: &str = "secure.random.implementation";
pub(crate) const ENGINE_FACTORY_CLASS: &str = "engine.factory.class";
