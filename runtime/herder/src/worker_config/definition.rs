//! The settings of a worker: names, types, defaults and checks of Kafka Connect 4.3.1.

use super::WorkerMode;
use super::headers::check_header_rules;
use super::listeners::Listener;
use crate::restart_policy::{RestartSetting, SETTINGS};
use connect_api::config::{
    ConfigData, ConfigDef, ConfigKey, ConfigType, CustomValidator, Validator,
};
use std::sync::Arc;

use ConfigType::{Boolean, Class, Double, Int, List, Long, Password, Short, String as Text};

/// The value of a setting that is left out.
enum Default {
    Required,
    Null,
    Is(&'static str),
}

use Default::{Is, Null, Required};

type Row = (&'static str, ConfigType, Default);

/// Settings of both kinds of workers.
const SHARED: &[Row] = &[
    ("bootstrap.servers", List, Required),
    ("client.dns.lookup", Text, Is("use_all_dns_ips")),
    ("key.converter", Class, Required),
    ("key.converter.plugin.version", Text, Null),
    ("value.converter", Class, Required),
    ("value.converter.plugin.version", Text, Null),
    ("task.shutdown.graceful.timeout.ms", Long, Is("5000")),
    ("offset.flush.interval.ms", Long, Is("60000")),
    ("offset.flush.timeout.ms", Long, Is("5000")),
    ("plugin.path", List, Null),
    ("plugin.discovery", Text, Is("hybrid_warn")),
    ("metrics.sample.window.ms", Long, Is("30000")),
    ("metrics.num.samples", Int, Is("2")),
    ("metrics.recording.level", Text, Is("INFO")),
    (
        "metric.reporters",
        List,
        Is("org.apache.kafka.common.metrics.JmxReporter"),
    ),
    (
        "header.converter",
        Class,
        Is("org.apache.kafka.connect.storage.SimpleHeaderConverter"),
    ),
    ("header.converter.plugin.version", Text, Null),
    ("config.providers", List, Is("")),
    ("connector.client.config.override.policy", Text, Is("All")),
    ("topic.creation.enable", Boolean, Is("true")),
    ("ssl.protocol", Text, Is("TLSv1.3")),
    ("ssl.provider", Text, Null),
    ("ssl.cipher.suites", List, Is("")),
    ("ssl.enabled.protocols", List, Is("TLSv1.2,TLSv1.3")),
    ("ssl.keystore.type", Text, Is("JKS")),
    ("ssl.keystore.location", Text, Null),
    ("ssl.keystore.password", Password, Null),
    ("ssl.key.password", Password, Null),
    ("ssl.keystore.key", Password, Null),
    ("ssl.keystore.certificate.chain", Password, Null),
    ("ssl.truststore.certificates", Password, Null),
    ("ssl.truststore.type", Text, Is("JKS")),
    ("ssl.truststore.location", Text, Null),
    ("ssl.truststore.password", Password, Null),
    ("ssl.keymanager.algorithm", Text, Is("SunX509")),
    ("ssl.trustmanager.algorithm", Text, Is("PKIX")),
    ("ssl.endpoint.identification.algorithm", Text, Is("https")),
    ("ssl.secure.random.implementation", Text, Null),
    ("ssl.engine.factory.class", Class, Null),
    ("topic.tracking.enable", Boolean, Is("true")),
    ("topic.tracking.allow.reset", Boolean, Is("true")),
    ("listeners", List, Is("http://:8083")),
    ("rest.advertised.host.name", Text, Null),
    ("rest.advertised.port", Int, Null),
    ("rest.advertised.listener", Text, Null),
    ("access.control.allow.origin", Text, Is("")),
    ("access.control.allow.methods", Text, Is("")),
    ("response.http.headers.config", Text, Is("")),
    ("ssl.client.auth", Text, Is("none")),
    ("rest.extension.classes", List, Is("")),
    ("admin.listeners", List, Null),
    ("dovetail.ui.enable", Boolean, Is("true")),
];

/// Settings of distributed workers alone.
const DISTRIBUTED: &[Row] = &[
    ("group.id", Text, Required),
    ("session.timeout.ms", Int, Is("10000")),
    ("rebalance.timeout.ms", Int, Is("60000")),
    // 3000 in Java. Members hear of a rebalance by their next heartbeat, so that this is what a clean
    // leave waits for.
    ("heartbeat.interval.ms", Int, Is("1000")),
    ("exactly.once.source.support", Text, Is("disabled")),
    ("metadata.max.age.ms", Long, Is("300000")),
    ("client.id", Text, Is("")),
    ("send.buffer.bytes", Int, Is("131072")),
    ("receive.buffer.bytes", Int, Is("32768")),
    ("reconnect.backoff.ms", Long, Is("50")),
    ("reconnect.backoff.max.ms", Long, Is("1000")),
    ("socket.connection.setup.timeout.ms", Long, Is("10000")),
    ("socket.connection.setup.timeout.max.ms", Long, Is("30000")),
    ("retry.backoff.ms", Long, Is("100")),
    ("retry.backoff.max.ms", Long, Is("1000")),
    ("request.timeout.ms", Int, Is("40000")),
    ("connections.max.idle.ms", Long, Is("540000")),
    ("security.protocol", Text, Is("PLAINTEXT")),
    ("sasl.kerberos.service.name", Text, Null),
    ("sasl.kerberos.kinit.cmd", Text, Is("/usr/bin/kinit")),
    (
        "sasl.kerberos.ticket.renew.window.factor",
        Double,
        Is("0.8"),
    ),
    ("sasl.kerberos.ticket.renew.jitter", Double, Is("0.05")),
    ("sasl.kerberos.min.time.before.relogin", Long, Is("60000")),
    ("sasl.login.refresh.window.factor", Double, Is("0.8")),
    ("sasl.login.refresh.window.jitter", Double, Is("0.05")),
    ("sasl.login.refresh.min.period.seconds", Short, Is("60")),
    ("sasl.login.refresh.buffer.seconds", Short, Is("300")),
    ("sasl.mechanism", Text, Is("GSSAPI")),
    ("sasl.jaas.config", Password, Null),
    ("sasl.client.callback.handler.class", Class, Null),
    ("sasl.login.callback.handler.class", Class, Null),
    ("sasl.login.class", Class, Null),
    ("sasl.login.connect.timeout.ms", Int, Null),
    ("sasl.login.read.timeout.ms", Int, Null),
    ("sasl.login.retry.backoff.max.ms", Long, Is("10000")),
    ("sasl.login.retry.backoff.ms", Long, Is("100")),
    (
        "sasl.oauthbearer.jwt.retriever.class",
        Class,
        Is("org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever"),
    ),
    (
        "sasl.oauthbearer.jwt.validator.class",
        Class,
        Is("org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator"),
    ),
    ("sasl.oauthbearer.scope", Text, Null),
    ("sasl.oauthbearer.client.credentials.client.id", Text, Null),
    (
        "sasl.oauthbearer.client.credentials.client.secret",
        Password,
        Null,
    ),
    ("sasl.oauthbearer.assertion.algorithm", Text, Is("RS256")),
    ("sasl.oauthbearer.assertion.claim.aud", Text, Null),
    (
        "sasl.oauthbearer.assertion.claim.exp.seconds",
        Int,
        Is("300"),
    ),
    ("sasl.oauthbearer.assertion.claim.iss", Text, Null),
    (
        "sasl.oauthbearer.assertion.claim.jti.include",
        Boolean,
        Is("false"),
    ),
    (
        "sasl.oauthbearer.assertion.claim.nbf.seconds",
        Int,
        Is("60"),
    ),
    ("sasl.oauthbearer.assertion.claim.sub", Text, Null),
    ("sasl.oauthbearer.assertion.file", Text, Null),
    ("sasl.oauthbearer.assertion.private.key.file", Text, Null),
    (
        "sasl.oauthbearer.assertion.private.key.passphrase",
        Password,
        Null,
    ),
    ("sasl.oauthbearer.assertion.template.file", Text, Null),
    ("sasl.oauthbearer.scope.claim.name", Text, Is("scope")),
    ("sasl.oauthbearer.sub.claim.name", Text, Is("sub")),
    ("sasl.oauthbearer.token.endpoint.url", Text, Null),
    ("sasl.oauthbearer.jwks.endpoint.url", Text, Null),
    (
        "sasl.oauthbearer.jwks.endpoint.refresh.ms",
        Long,
        Is("3600000"),
    ),
    (
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms",
        Long,
        Is("10000"),
    ),
    (
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms",
        Long,
        Is("100"),
    ),
    ("sasl.oauthbearer.clock.skew.seconds", Int, Is("30")),
    ("sasl.oauthbearer.expected.audience", List, Is("")),
    ("sasl.oauthbearer.expected.issuer", Text, Null),
    ("sasl.oauthbearer.header.urlencode", Boolean, Is("false")),
    ("worker.sync.timeout.ms", Int, Is("3000")),
    ("worker.unsync.backoff.ms", Int, Is("300000")),
    ("offset.storage.topic", Text, Required),
    ("offset.storage.partitions", Int, Is("25")),
    ("offset.storage.replication.factor", Short, Is("3")),
    ("config.storage.topic", Text, Required),
    ("config.storage.replication.factor", Short, Is("3")),
    ("status.storage.topic", Text, Required),
    ("status.storage.partitions", Int, Is("5")),
    ("status.storage.replication.factor", Short, Is("3")),
    ("connect.protocol", Text, Is("sessioned")),
    ("scheduled.rebalance.max.delay.ms", Int, Is("300000")),
    ("inter.worker.key.ttl.ms", Int, Is("3600000")),
    (
        "inter.worker.key.generation.algorithm",
        Text,
        Is("HmacSHA256"),
    ),
    ("inter.worker.key.size", Int, Null),
    ("inter.worker.signature.algorithm", Text, Is("HmacSHA256")),
    (
        "inter.worker.verification.algorithms",
        List,
        Is("HmacSHA256"),
    ),
    ("dovetail.leave.handover.enable", Boolean, Is("true")),
    ("metadata.recovery.strategy", Text, Is("rebootstrap")),
    (
        "metadata.recovery.rebootstrap.trigger.ms",
        Long,
        Is("300000"),
    ),
];

/// Settings of standalone workers alone.
const STANDALONE: &[Row] = &[("offset.storage.file.filename", Text, Required)];

/// The settings of a worker.
pub(super) fn definition(mode: WorkerMode) -> ConfigDef {
    let own = match mode {
        WorkerMode::Distributed => DISTRIBUTED,
        WorkerMode::Standalone => STANDALONE,
    };
    let restarts = SETTINGS
        .iter()
        .map(|setting| (setting.name, setting.config_type, Is(setting.default)));
    let def = SHARED
        .iter()
        .chain(own)
        .fold(ConfigDef::new(), |def, row| def.define(key(row)));
    restarts.fold(def, |def, row| def.define(key(&row)))
}

/// Whether only the other kind of worker has this setting.
pub(super) fn belongs_to_other_mode(mode: WorkerMode, key: &str) -> bool {
    let other = match mode {
        WorkerMode::Distributed => STANDALONE,
        WorkerMode::Standalone => DISTRIBUTED,
    };
    other.iter().any(|(name, ..)| *name == key)
}

fn key((name, config_type, default): &Row) -> ConfigKey {
    let key = ConfigKey::new(*name, *config_type);
    let key = match default {
        Required => key,
        Null => key.default_null(),
        Is(text) => {
            let value = key
                .parse_value(text)
                .expect("the defaults of this file fit their types, which a test checks");
            key.default(value)
        }
    };
    match validator(name) {
        Some(validator) => key.validator(validator),
        None => key,
    }
}

fn validator(key: &str) -> Option<Validator> {
    Some(match key {
        "bootstrap.servers" => Validator::ListWithoutDuplicates { allow_empty: false },
        "metric.reporters"
        | "config.providers"
        | "ssl.cipher.suites"
        | "ssl.enabled.protocols"
        | "rest.extension.classes"
        | "sasl.oauthbearer.expected.audience"
        | "admin.listeners" => Validator::ListWithoutDuplicates { allow_empty: true },
        "client.dns.lookup" => Validator::ValidString(&[
            "use_all_dns_ips",
            "resolve_canonical_bootstrap_servers_only",
        ]),
        "plugin.discovery" => Validator::CaseInsensitiveValidString(&[
            "ONLY_SCAN",
            "SERVICE_LOAD",
            "HYBRID_WARN",
            "HYBRID_FAIL",
        ]),
        "metrics.recording.level" => Validator::ValidString(&["INFO", "DEBUG"]),
        "metrics.num.samples" => Validator::at_least(1),
        // Kafka lets these pass and then fails, spins, or waits for ever.
        "offset.flush.interval.ms"
        | "session.timeout.ms"
        | "rebalance.timeout.ms"
        | "heartbeat.interval.ms" => Validator::at_least(1),
        "task.shutdown.graceful.timeout.ms"
        | "offset.flush.timeout.ms"
        | "worker.sync.timeout.ms"
        | "worker.unsync.backoff.ms" => Validator::at_least(0),
        "group.id"
        | "offset.storage.topic"
        | "config.storage.topic"
        | "status.storage.topic"
        | "offset.storage.file.filename" => Validator::NonEmptyString,
        "metrics.sample.window.ms"
        | "metadata.max.age.ms"
        | "reconnect.backoff.ms"
        | "reconnect.backoff.max.ms"
        | "socket.connection.setup.timeout.ms"
        | "socket.connection.setup.timeout.max.ms"
        | "retry.backoff.ms"
        | "retry.backoff.max.ms"
        | "request.timeout.ms"
        | "metadata.recovery.rebootstrap.trigger.ms" => Validator::at_least(0),
        "send.buffer.bytes" | "receive.buffer.bytes" => Validator::at_least(-1),
        "scheduled.rebalance.max.delay.ms" | "inter.worker.key.ttl.ms" => {
            Validator::between(0, i32::MAX.into())
        }
        "rest.advertised.port" => nullable(Validator::between(0, u16::MAX.into())),
        "ssl.client.auth" => Validator::ValidString(&["required", "requested", "none"]),
        "security.protocol" => Validator::CaseInsensitiveValidString(&[
            "SASL_SSL",
            "PLAINTEXT",
            "SSL",
            "SASL_PLAINTEXT",
        ]),
        "exactly.once.source.support" => {
            Validator::CaseInsensitiveValidString(&["DISABLED", "ENABLED", "PREPARING"])
        }
        "metadata.recovery.strategy" => {
            Validator::CaseInsensitiveValidString(&["REBOOTSTRAP", "NONE"])
        }
        "sasl.oauthbearer.assertion.algorithm" => {
            Validator::CaseInsensitiveValidString(&["ES256", "RS256"])
        }
        "sasl.login.refresh.window.factor" => double_between(0.5, 1.0),
        "sasl.login.refresh.window.jitter" => double_between(0.0, 0.25),
        "sasl.login.refresh.min.period.seconds" => Validator::between(0, 900),
        "sasl.login.refresh.buffer.seconds" => Validator::between(0, 3600),
        "sasl.oauthbearer.assertion.claim.exp.seconds" => Validator::between(0, 86_400),
        "sasl.oauthbearer.assertion.claim.nbf.seconds" => Validator::between(0, 3600),
        "connect.protocol" => {
            Validator::custom("[eager, compatible, sessioned]", |value| match value {
                Some(ConfigData::String(name))
                    if ["eager", "compatible", "sessioned"].contains(&name.as_str()) =>
                {
                    Ok(())
                }
                _ => Err(
                    "Invalid Connect protocol compatibility; it must be one of eager, \
                          compatible, sessioned"
                        .to_string(),
                ),
            })
        }
        "offset.storage.partitions" | "status.storage.partitions" => positive_or_broker_default(
            "Positive number, or -1 to use the broker's default",
            "Number of partitions must be positive, or -1 to use the broker's default",
        ),
        "offset.storage.replication.factor"
        | "config.storage.replication.factor"
        | "status.storage.replication.factor" => positive_or_broker_default(
            "Positive number not larger than the number of brokers in the Kafka cluster, or -1 to \
             use the broker's default",
            "Replication factor must be positive and not larger than the number of brokers in the \
             Kafka cluster, or -1 to use the broker's default",
        ),
        "inter.worker.key.generation.algorithm" | "inter.worker.signature.algorithm" => {
            Validator::custom(
                "any HMAC algorithm that workers have",
                |value| match value {
                    Some(ConfigData::String(name)) => known_mac(name),
                    _ => Ok(()),
                },
            )
        }
        "inter.worker.verification.algorithms" => Validator::custom(
            "one or more HMAC algorithms that workers have",
            |value| match value {
                Some(ConfigData::List(names)) if !names.is_empty() => {
                    names.iter().try_for_each(|name| known_mac(name))
                }
                _ => Err(
                    "at least one signature verification algorithm must be provided".to_string(),
                ),
            },
        ),
        "listeners" => Validator::Custom(CustomValidator {
            description: "List of comma-separated URLs, ex: http://localhost:8080,https://localhost:8443.",
            check: Arc::new(check_listeners),
        }),
        "response.http.headers.config" => Validator::Custom(CustomValidator {
            description: "Comma-separated header rules, each '[action] [header name]:[header \
                          value]', in double quotes if it contains a comma",
            check: Arc::new(|_, value| match value {
                Some(ConfigData::String(rules)) => check_header_rules(rules),
                _ => Ok(()),
            }),
        }),
        _ => {
            return SETTINGS
                .iter()
                .find(|setting| setting.name == key)
                .and_then(RestartSetting::validator);
        }
    })
}

/// The algorithms that every JVM has for both key generation and signatures.
const MAC_ALGORITHMS: &[&str] = &[
    "HmacMD5",
    "HmacSHA1",
    "HmacSHA224",
    "HmacSHA256",
    "HmacSHA384",
    "HmacSHA512",
];

fn known_mac(name: &str) -> Result<(), String> {
    if MAC_ALGORITHMS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
    {
        return Ok(());
    }
    Err(format!(
        "the algorithm {name} is not supported; it must be one of {}",
        MAC_ALGORITHMS.join(", ")
    ))
}

fn positive_or_broker_default(description: &'static str, why: &'static str) -> Validator {
    Validator::custom(description, move |value| match value {
        Some(ConfigData::Long(number)) if *number < 1 && *number != -1 => Err(why.to_string()),
        _ => Ok(()),
    })
}

fn nullable(validator: Validator) -> Validator {
    Validator::Custom(CustomValidator {
        description: "a number or null",
        check: Arc::new(move |name, value| match value {
            Some(_) => validator.ensure_valid(name, value),
            None => Ok(()),
        }),
    })
}

fn double_between(min: f64, max: f64) -> Validator {
    Validator::custom("a number within bounds", move |value| match value {
        Some(ConfigData::Double(number)) if *number < min => {
            Err(format!("Value must be at least {min:?}"))
        }
        Some(ConfigData::Double(number)) if *number > max => {
            Err(format!("Value must be no more than {max:?}"))
        }
        _ => Ok(()),
    })
}

fn check_listeners(name: &str, value: Option<&ConfigData>) -> Result<(), String> {
    let Some(ConfigData::List(urls)) = value else {
        return Ok(());
    };
    if urls.is_empty() {
        return Err(format!(
            "Invalid value [] for configuration {name}: at least one URL is expected, ex: \
             http://localhost:8080,https://localhost:8443."
        ));
    }
    urls.iter().try_for_each(|url| {
        url.parse::<Listener>()
            .map(drop)
            .map_err(|why| format!("Invalid value {url} for configuration {name}: {why}"))
    })
}
