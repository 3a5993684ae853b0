//! Settings of workers: faults, warnings, addresses, topics and clients.

use super::*;
use connect_api::config::ConfigType;
use connect_kafka::client_config::ClientType;

const REQUIRED: &[(&str, &str)] = &[
    ("bootstrap.servers", "b1:9092, b2:9092"),
    ("group.id", "connect-cluster"),
    (
        "key.converter",
        "org.apache.kafka.connect.json.JsonConverter",
    ),
    (
        "value.converter",
        "org.apache.kafka.connect.json.JsonConverter",
    ),
    ("offset.storage.topic", "connect-offsets"),
    ("config.storage.topic", "connect-configs"),
    ("status.storage.topic", "connect-status"),
];

fn map(more: &[(&str, &str)]) -> ConfigMap {
    REQUIRED.iter().chain(more).copied().collect()
}

fn distributed(more: &[(&str, &str)]) -> WorkerConfig {
    WorkerConfig::new(WorkerMode::Distributed, map(more)).unwrap()
}

fn refusal(more: &[(&str, &str)]) -> String {
    let error = WorkerConfig::new(WorkerMode::Distributed, map(more)).unwrap_err();
    assert_eq!(
        error.class(),
        "org.apache.kafka.common.config.ConfigException"
    );
    error.message().to_string()
}

#[test]
fn defaults_are_those_of_connect() {
    let config = distributed(&[]);
    assert_eq!(
        config.millis("offset.flush.interval.ms"),
        Duration::from_secs(60)
    );
    assert_eq!(config.millis("session.timeout.ms"), Duration::from_secs(10));
    assert!(config.boolean("topic.creation.enable"));
    assert_eq!(config.bootstrap_servers(), "b1:9092,b2:9092");
    assert_eq!(config.connect_protocol(), ConnectProtocol::Sessioned);
    assert_eq!(config.listeners(), ["http://:8083".parse().unwrap()]);
    assert_eq!(config.warnings(), [""; 0]);
}

#[test]
fn defaults_and_checks_of_both_modes_are_sound() {
    for (mode, num_keys) in [(WorkerMode::Distributed, 141), (WorkerMode::Standalone, 59)] {
        let def = definition::definition(mode);
        assert_eq!(def.keys().len(), num_keys);
        for key in def.keys().filter(|key| !key.is_required()) {
            if let Some(validator) = key.get_validator() {
                assert_eq!(
                    validator.ensure_valid(key.name(), key.default_data()),
                    Ok(())
                );
            }
        }
    }
}

#[test]
fn all_faults_are_told_at_once_with_kafkas_texts() {
    let raw = ConfigMap::from_iter([
        ("bootstrap.servers", "b:9092"),
        ("key.converter", "JsonConverter"),
        ("value.converter", "JsonConverter"),
        ("offset.storage.topic", "o"),
        ("config.storage.topic", "c"),
        ("status.storage.topic", "s"),
        ("offset.storage.partitions", "0"),
        ("offset.flush.interval.ms", "soon"),
        ("connect.protocol", "lazy"),
        ("topic.creation.enable", "yes"),
        ("heartbeat.interval.ms", "10000"),
        ("inter.worker.verification.algorithms", "HmacSHA1"),
        ("response.http.headers.config", "foo"),
        ("listeners", "ftp://:1"),
    ]);
    let error = WorkerConfig::new(WorkerMode::Distributed, raw).unwrap_err();
    let mut lines: Vec<&str> = error.message().lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "Invalid format of header config 'foo'. Expected: '[action] [header name]:[header value]'",
            "Invalid value 0 for configuration offset.storage.partitions: Number of partitions must be \
             positive, or -1 to use the broker's default",
            "Invalid value 10000 for configuration heartbeat.interval.ms: Heartbeat must be set lower \
             than the session timeout, which is 10000",
            "Invalid value HmacSHA256 for configuration inter.worker.signature.algorithm: Signature \
             algorithm must be present in inter.worker.verification.algorithms list",
            "Invalid value ftp://:1 for configuration listeners: Listener protocol must be either \
             \"http\" or \"https\".",
            "Invalid value lazy for configuration connect.protocol: Invalid Connect protocol \
             compatibility; it must be one of eager, compatible, sessioned",
            "Invalid value soon for configuration offset.flush.interval.ms: Not a number of type LONG",
            "Invalid value yes for configuration topic.creation.enable: Expected value to be either \
             true or false",
            "Missing required configuration \"group.id\" which has no default value.",
        ]
    );
}

#[test]
fn what_is_not_supported_is_refused_by_key_and_value() {
    for (key, value) in [
        ("rest.extension.classes", "org.example.Extension"),
        ("dovetail.rest.basic.auth.readers", "ann"),
        ("dovetail.rest.mask.secrets", "true"),
        ("connector.client.config.override.policy", "x.Y"),
        ("admin.listeners", "9999"),
        ("rest.advertised.listener", "https"),
        ("status.storage.topic", "connect-offsets"),
        ("group.id", ""),
        ("rest.advertised.port", "70000"),
    ] {
        let text = refusal(&[(key, value)]);
        let begin = format!("Invalid value {value} for configuration {key}: ");
        assert!(
            text.starts_with(&begin) && text.lines().count() == 1,
            "{text}"
        );
    }
}

#[test]
fn admin_has_listeners_of_its_own_or_none_or_those_of_all() {
    let listeners = |settings: &[(&str, &str)]| {
        let config = distributed(settings);
        let ports = |listeners: &[Listener]| listeners.iter().map(|one| one.port).collect();
        config.admin_listeners().map(ports)
    };
    assert_eq!(listeners(&[]), None);
    assert_eq!(listeners(&[("admin.listeners", "")]), Some(Vec::new()));
    assert_eq!(
        listeners(&[("admin.listeners", "http://h:1, HTTP://:2")]),
        Some(vec![1, 2])
    );
}

#[test]
fn tls_of_listeners_is_set_with_a_prefix_or_without_one() {
    let settings = [
        ("listeners", "https://:8443"),
        ("ssl.keystore.location", "/plain"),
        ("ssl.client.auth", "required"),
        ("admin.listeners.https.ssl.keystore.location", "/admin"),
    ];
    let config = distributed(&settings);
    let location = |is_admin| {
        let ssl = config.listener_ssl(is_admin);
        (
            ssl.get("ssl.keystore.location").map(str::to_string),
            ssl.contains_key("ssl.client.auth"),
        )
    };
    assert_eq!(location(false), (Some("/plain".to_string()), true));
    // One setting with the prefix is enough for those without it to count no more.
    assert_eq!(location(true), (Some("/admin".to_string()), false));
}

#[test]
fn settings_of_the_rest_api_are_read() {
    let config = distributed(&[
        ("response.http.headers.config", "set X-Frame-Options:DENY"),
        (
            "rest.extension.classes",
            "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension",
        ),
        ("dovetail.rest.mask.secrets", " True "),
        ("dovetail.rest.basic.auth.readers", "ann"),
    ]);
    assert_eq!(config.response_headers().len(), 1);
    assert!(config.masks_secrets());
    assert_eq!(config.warnings(), [] as [String; 0]);
    assert!(!distributed(&[]).masks_secrets());
}

#[test]
fn a_standalone_worker_needs_less() {
    let raw = ConfigMap::from_iter([
        ("bootstrap.servers", "b:9092"),
        ("key.converter", "JsonConverter"),
        ("value.converter", "JsonConverter"),
        ("offset.storage.file.filename", "/tmp/offsets"),
        ("group.id", "g"),
        ("security.protocol", "SASL_SSL"),
    ]);
    let config = WorkerConfig::new(WorkerMode::Standalone, raw).unwrap();
    assert_eq!(config.group_id(), "");
    assert_eq!(
        config.warnings(),
        ["The setting group.id has no effect in a standalone worker"]
    );
    let properties = config.client_properties(ClientType::Admin);
    assert_eq!(properties.get("security.protocol"), Some("SASL_SSL"));
    assert_eq!(properties.get("group.id"), None);
}

#[test]
fn unknown_keys_warn_with_the_nearest_known_one() {
    let config = distributed(&[
        ("offset.flush.interval.msec", "1"),
        ("OFFSET_FLUSH_TIMEOUT_MS", "1"),
        ("my.own.key", "secret"),
        ("zookeeper.connect", "z:2181"),
        ("internal.key.converter.schemas.enable", "false"),
        ("config.storage.partitions", "3"),
        ("offset.storage.file.filename", "/tmp/x"),
        ("log4j.root.loglevel", "INFO"),
    ]);
    assert_eq!(
        config.warnings(),
        [
            "The setting offset.flush.interval.msec is not known to workers and has no effect. Did \
             you mean offset.flush.interval.ms?",
            "The setting OFFSET_FLUSH_TIMEOUT_MS is not known to workers and has no effect. Did you \
             mean offset.flush.timeout.ms?",
            "The setting my.own.key is not known to workers and has no effect",
            "The setting zookeeper.connect has no effect: Connect workers do not speak to ZooKeeper",
            "The setting internal.key.converter.schemas.enable has no effect: Connect 3.0 removed it: \
             internal topics always hold JSON without schemas",
            "The setting config.storage.partitions has no effect: the topic has exactly one partition",
            "The setting offset.storage.file.filename has no effect in a distributed worker",
            "The setting log4j.root.loglevel has no effect: levels of logs are set by the \
             CONNECT_LOG4J_* variables or at /admin/loggers",
        ]
    );
}

#[test]
fn keys_of_others_pass_in_silence() {
    let config = distributed(&[
        ("producer.acks", "1"),
        ("consumer.x", "y"),
        ("admin.retries", "1"),
        ("value.converter.schemas.enable", "false"),
        ("status.storage.retention.ms", "1"),
        ("config.providers.file.class", "X"),
        ("max.request.size", "5"),
        ("sasl.jaas.config", "x"),
        ("metrics.context.a", "b"),
        ("confluent.license", ""),
    ]);
    assert_eq!(config.warnings(), [""; 0]);
}

#[test]
fn no_secret_shows() {
    let secrets = [
        ("sasl.jaas.config", "s3cret"),
        ("producer.sasl.jaas.config", "s3cret"),
        ("ssl.key.password", "s3cret"),
        ("pasword", "s3cret"),
    ];
    let config = distributed(&secrets);
    let shown = format!("{config:?} {:?} {:?}", config.warnings(), config.parsed());
    assert!(!shown.contains("s3cret"), "{shown}");
    let with_fault: Vec<_> = secrets.into_iter().chain([("listeners", "")]).collect();
    assert!(!refusal(&with_fault).contains("s3cret"));
}

#[test]
fn listeners_follow_javas_pattern() {
    for (url, host, port) in [
        ("http://:8083", "", 8083),
        ("HTTP://0.0.0.0:0", "0.0.0.0", 0),
        ("https://[::1]:8443", "::1", 8443),
        ("http://my-host_1.example:65535", "my-host_1.example", 65535),
    ] {
        let listener: Listener = url.parse().unwrap();
        assert_eq!((listener.host.as_str(), listener.port), (host, port));
        assert_eq!(listener.to_string().to_lowercase(), url.to_lowercase());
    }
    for url in [
        "8083",
        "http://host",
        "http://*:80",
        "http://h:",
        "http://h:-1",
        "http://h:65536",
        "",
    ] {
        assert!(url.parse::<Listener>().is_err(), "{url}");
    }
    assert_eq!(
        "ftp://h:1".parse::<Listener>().unwrap_err(),
        "Listener protocol must be either \"http\" or \"https\"."
    );
}

#[test]
fn the_port_setting_of_old_is_honoured_without_listeners() {
    let config = distributed(&[("rest.port", " 8085 "), ("rest.host.name", "::1")]);
    assert_eq!(config.listeners()[0].to_string(), "http://[::1]:8085");
    assert_eq!(config.warnings().len(), 2);
    let config = distributed(&[("rest.port", "8085"), ("listeners", "http://:1")]);
    assert_eq!(config.listeners()[0].port, 1);
    assert!(config.warnings()[0].contains("rest.port has no effect"));
    assert!(refusal(&[("rest.port", "x")]).contains("http://:x for configuration listeners"));
}

#[test]
fn the_advertised_address_prefers_what_is_asked_for() {
    let advertised = |more: &[(&str, &str)], bound: &[&str]| {
        let bound: Vec<SocketAddr> = bound.iter().map(|text| text.parse().unwrap()).collect();
        distributed(more).advertised(&bound)
    };
    let asked = advertised(
        &[
            ("rest.advertised.host.name", "connect"),
            ("rest.advertised.port", "80"),
        ],
        &["127.0.0.1:8083"],
    );
    assert_eq!(asked.url, "http://connect:80/");
    assert_eq!(asked.worker_id, "connect:80");
    let listener = [("listeners", "http://127.0.0.1:0")];
    assert_eq!(
        advertised(&listener, &["127.0.0.1:4711"]).worker_id,
        "127.0.0.1:4711"
    );
    let several = [("listeners", "http://a:1,http://b:2")];
    assert_eq!(advertised(&several, &[]).url, "http://a:1/");
    assert_eq!(
        advertised(&[("listeners", "http://[::1]:5")], &[]).url,
        "http://[::1]:5/"
    );
    // Without any host it is an address of this machine.
    let by_default = advertised(&[], &["0.0.0.0:8083"]);
    let address: SocketAddr = by_default.worker_id.parse().unwrap();
    assert!(!address.ip().is_unspecified() && address.port() == 8083);
}

#[test]
fn storage_topics_take_settings_by_prefix() {
    let config = distributed(&[
        ("offset.storage.partitions", "-1"),
        ("offset.storage.replication.factor", "1"),
        ("offset.storage.min.insync.replicas", " 2 "),
        ("offset.storage.cleanup.policy", "delete"),
        ("offset.storage.file.filename", "/tmp/x"),
        ("config.storage.partitions", "7"),
    ]);
    let offsets = config.storage_topic(StorageTopic::Offsets);
    assert_eq!(offsets.name, "connect-offsets");
    assert_eq!(offsets.setting, "offset.storage.topic");
    assert_eq!(
        (offsets.num_partitions, offsets.replication_factor),
        (-1, 1)
    );
    let only = BTreeMap::from([("min.insync.replicas".to_string(), "2".to_string())]);
    assert_eq!(offsets.configs, only);
    let configs = config.storage_topic(StorageTopic::Configs);
    assert_eq!((configs.num_partitions, configs.replication_factor), (1, 3));
    assert!(configs.single_partition && configs.configs.is_empty());
    assert_eq!(
        config.storage_topic(StorageTopic::Statuses).num_partitions,
        5
    );
}

#[test]
fn clients_of_the_worker_take_settings_without_prefix() {
    let config = distributed(&[
        ("security.protocol", "SSL"),
        ("ssl.truststore.location", "/t"),
        ("max.request.size", "77"),
        ("producer.linger.ms", "5"),
    ]);
    let own = config.client_properties(ClientType::Producer);
    let own: Vec<_> = own.iter().collect();
    assert_eq!(
        own,
        [
            ("bootstrap.servers", "b1:9092,b2:9092"),
            ("max.request.size", "77"),
            ("security.protocol", "SSL"),
            ("ssl.truststore.location", "/t"),
        ]
    );
}

#[test]
fn ids_of_internal_clients_begin_with_the_group() {
    let config = distributed(&[]);
    assert_eq!(
        config.internal_client_id(StorageTopic::Configs),
        "connect-cluster-configs"
    );
    assert_eq!(
        config.shared_admin_client_id(),
        "connect-cluster-shared-admin"
    );
    let config = distributed(&[("client.id", "w1")]);
    assert_eq!(
        config.internal_client_id(StorageTopic::Offsets),
        "connect-cluster-w1-offsets"
    );
}

#[test]
fn converters_must_be_plugins() {
    let plugins = Plugins::new(&[], &[], &[], &[], &[]);
    let error = distributed(&[]).check_plugins(&plugins).unwrap_err();
    assert_eq!(error.message().lines().count(), 3);
    assert!(error.message().starts_with(
        "Invalid value org.apache.kafka.connect.json.JsonConverter for configuration key.converter: \
         Class org.apache.kafka.connect.json.JsonConverter could not be found."
    ));
}

#[test]
fn secrets_are_of_type_password() {
    let def = definition::definition(WorkerMode::Distributed);
    for key in def.keys() {
        let name = key.name();
        let is_secret = [
            "password",
            "secret",
            "jaas.config",
            "passphrase",
            "keystore.key",
        ]
        .iter()
        .any(|end| name.ends_with(end));
        assert!(
            !is_secret || key.config_type() == ConfigType::Password,
            "{name}"
        );
    }
}
