//! Java settings against the library's own parser: what is translated must be accepted.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{ClientProperties, ClientType};

const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required \
                     username=\"alice\" password=\"pass;\\\"word\";";

/// Translates, and has the library parse the result.
fn native(client: ClientType, properties: &[(&str, &str)]) -> BTreeMap<String, String> {
    let properties = ClientProperties::from_iter(properties.iter().copied());
    let config = properties.to_native(client).unwrap();
    config.create_native_config().unwrap();
    config
        .config_map()
        .into_keys()
        // The map itself hides the values of secrets.
        .filter_map(|key| Some((key.to_owned(), config.get(key)?.to_owned())))
        .collect()
}

fn refusal(client: ClientType, properties: &[(&str, &str)]) -> String {
    let properties = ClientProperties::from_iter(properties.iter().copied());
    properties.to_native(client).unwrap_err().to_string()
}

#[test]
fn the_defaults_are_accepted_by_the_library() {
    for client in [
        ClientType::Producer,
        ClientType::Consumer,
        ClientType::Admin,
    ] {
        native(client, &[]);
    }
}

#[test]
fn connector_producers_have_connects_defaults() {
    let properties = ClientProperties::connector_producer("broker:9092", "connector-producer-c-0");
    let config = properties.to_native(ClientType::Producer).unwrap();
    config.create_native_config().unwrap();
    for (key, value) in [
        ("bootstrap.servers", "broker:9092"),
        ("client.id", "connector-producer-c-0"),
        ("acks", "all"),
        ("max.in.flight.requests.per.connection", "1"),
        ("enable.idempotence", "false"),
        ("delivery.timeout.ms", "2147483647"),
        ("partitioner", "murmur2_random"),
        ("message.max.bytes", "1048576"),
        ("queue.buffering.max.kbytes", "32768"),
    ] {
        assert_eq!(config.get(key), Some(value), "{key}");
    }
    // The library's default is Java's.
    assert_eq!(config.get("linger.ms"), None);
}

#[test]
fn connector_consumers_have_connects_and_javas_defaults() {
    let properties = ClientProperties::connector_consumer("broker:9092", "id", "connect-c");
    let config = properties.to_native(ClientType::Consumer).unwrap();
    config.create_native_config().unwrap();
    for (key, value) in [
        ("group.id", "connect-c"),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "earliest"),
        ("isolation.level", "read_uncommitted"),
        ("allow.auto.create.topics", "true"),
        ("check.crcs", "true"),
        ("partition.assignment.strategy", "range"),
    ] {
        assert_eq!(config.get(key), Some(value), "{key}");
    }
}

#[test]
fn names_units_and_values_are_translated() {
    let config = native(
        ClientType::Producer,
        &[
            ("buffer.memory", "67108864"),
            ("max.request.size", "2000000"),
            ("linger.ms", " 100 "),
            ("batch.size", "65536"),
            ("compression.type", "zstd"),
            ("compression.zstd.level", "7"),
            ("request.timeout.ms", "40000"),
            ("metadata.max.age.ms", "60000"),
            ("send.buffer.bytes", "-1"),
            ("partitioner.class", "com.example.MyPartitioner"),
            ("key.serializer", "com.example.Any"),
            ("max.block.ms", "9223372036854775807"),
        ],
    );
    for (key, value) in [
        ("queue.buffering.max.kbytes", "65536"),
        ("message.max.bytes", "2000000"),
        ("linger.ms", "100"),
        ("batch.size", "65536"),
        ("compression.level", "7"),
        ("request.timeout.ms", "40000"),
        ("socket.timeout.ms", "40000"),
        ("topic.metadata.refresh.interval.ms", "60000"),
        ("metadata.max.age.ms", "180000"),
        ("socket.send.buffer.bytes", "0"),
        ("partitioner", "murmur2_random"),
    ] {
        assert_eq!(config.get(key).map(String::as_str), Some(value), "{key}");
    }
    let config = native(
        ClientType::Consumer,
        &[
            ("fetch.max.wait.ms", "900"),
            ("auto.offset.reset", "NONE"),
            ("isolation.level", "READ_COMMITTED"),
            (
                "partition.assignment.strategy",
                "org.apache.kafka.clients.consumer.RangeAssignor, \
                 org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
            ),
        ],
    );
    for (key, value) in [
        ("fetch.wait.max.ms", "900"),
        ("auto.offset.reset", "error"),
        ("isolation.level", "read_committed"),
        ("partition.assignment.strategy", "range"),
    ] {
        assert_eq!(config.get(key).map(String::as_str), Some(value), "{key}");
    }
}

#[test]
fn a_batch_size_of_zero_means_single_records() {
    let config = native(ClientType::Producer, &[("batch.size", "0")]);
    assert_eq!(
        config.get("batch.num.messages").map(String::as_str),
        Some("1")
    );
}

#[test]
fn transactional_records_do_not_outlive_their_transaction() {
    let config = native(
        ClientType::Producer,
        &[
            ("transactional.id", "group-c-0"),
            ("enable.idempotence", "true"),
            ("acks", "all"),
            ("max.in.flight.requests.per.connection", "1"),
            ("transaction.timeout.ms", "30000"),
            ("delivery.timeout.ms", "2147483647"),
        ],
    );
    assert_eq!(config["delivery.timeout.ms"], "30000");
}

#[test]
fn sasl_credentials_come_from_the_login_module() {
    let scram = PLAIN.replace("plain.PlainLoginModule", "scram.ScramLoginModule");
    for (mechanism, jaas) in [("PLAIN", PLAIN), ("SCRAM-SHA-512", scram.as_str())] {
        let config = native(
            ClientType::Admin,
            &[
                ("security.protocol", "SASL_PLAINTEXT"),
                ("sasl.mechanism", mechanism),
                ("sasl.jaas.config", jaas),
            ],
        );
        assert_eq!(config["security.protocol"], "sasl_plaintext");
        assert_eq!(config["sasl.mechanism"], mechanism);
        assert_eq!(config["sasl.username"], "alice");
        assert_eq!(config["sasl.password"], "pass;\"word");
    }
}

/// The library reads what Java's stores hold: the file of a store is nothing to it.
#[test]
fn java_stores_become_texts_that_the_library_takes() {
    let store = |name: &str| format!("{}/../tls/tests/stores/{name}", env!("CARGO_MANIFEST_DIR"));
    let [trust_jks, trust_p12, trust_pem] = ["trust.jks", "trust.p12", "server.pem"].map(store);
    let [client_jks, client_p12] = ["client.jks", "client.p12"].map(store);
    let mut texts = Vec::new();
    for trust in [trust_jks, trust_p12, trust_pem] {
        for (keys, key_password) in [(&client_jks, "keypass"), (&client_p12, "storepass")] {
            let config = native(
                ClientType::Consumer,
                &[
                    ("security.protocol", "SSL"),
                    ("ssl.truststore.location", &trust),
                    ("ssl.truststore.password", "storepass"),
                    ("ssl.keystore.location", keys),
                    ("ssl.keystore.password", "storepass"),
                    ("ssl.key.password", key_password),
                    ("ssl.endpoint.identification.algorithm", ""),
                ],
            );
            assert_eq!(config["ssl.endpoint.identification.algorithm"], "none");
            assert!(config["ssl.key.pem"].contains("PRIVATE KEY"));
            texts.push((
                config["ssl.ca.pem"].clone(),
                config["ssl.certificate.pem"].clone(),
            ));
        }
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "all stores hold the same");
}

/// Tokens come through a callback: nothing but the mechanism is a text.
#[test]
fn tokens_are_given_by_a_login() {
    let properties = ClientProperties::from_iter([
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "OAUTHBEARER"),
        (
            "sasl.jaas.config",
            "a.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"alice\";",
        ),
    ]);
    let config = properties.to_native(ClientType::Producer).unwrap();
    config.create_native_config().unwrap();
    assert_eq!(config.get("sasl.mechanism"), Some("OAUTHBEARER"));
    assert!(config.login.is_some());
    crate::native::NativeClient::new(&config, crate::native::ClientKind::Producer, 0).unwrap();
}

#[test]
fn what_can_not_be_honoured_is_refused_with_a_way_out() {
    let jks = [
        ("security.protocol", "SSL"),
        ("ssl.truststore.location", "/etc/trust.jks"),
    ];
    let identity = [
        ("security.protocol", "SSL"),
        ("ssl.keystore.location", "/etc/key.jks"),
    ];
    let kerberos = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "GSSAPI"),
    ];
    let no_login = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "PLAIN"),
    ];
    let wrong_login = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "SCRAM-SHA-256"),
        ("sasl.jaas.config", PLAIN),
    ];
    for (properties, key, hint) in [
        (
            &jks[..],
            "ssl.truststore.location",
            "'/etc/trust.jks': the file cannot be read",
        ),
        (
            &identity[..],
            "ssl.keystore.location",
            "'/etc/key.jks': the file cannot be read",
        ),
        (&kerberos[..], "sasl.mechanism", "SCRAM-SHA-512"),
        (&no_login[..], "sasl.jaas.config", "needed"),
        (&wrong_login[..], "sasl.jaas.config", "ScramLoginModule"),
        (
            &[("security.protocol", "TLS")][..],
            "security.protocol",
            "SASL_SSL",
        ),
        (
            &[("ssl.engine.factory.class", "A")][..],
            "ssl.engine.factory.class",
            "Java",
        ),
        (
            &[("auto.offset.reset", "by_duration:P1D")][..],
            "auto.offset.reset",
            "earliest",
        ),
        (
            &[("enable.auto.commit", "true")][..],
            "enable.auto.commit",
            "false",
        ),
        (
            &[("fetch.min.bytes", "many")][..],
            "fetch.min.bytes",
            "'many'",
        ),
        (
            &[("partition.assignment.strategy", "com.example.Own")][..],
            "partition.assignment.strategy",
            "RangeAssignor",
        ),
    ] {
        let text = refusal(ClientType::Consumer, properties);
        assert!(text.contains(key), "{text}");
        assert!(text.contains(hint), "{text}");
        assert!(!text.contains("pass;"), "{text}");
    }
}

#[test]
fn security_settings_of_an_unused_protocol_have_no_effect() {
    let config = native(
        ClientType::Producer,
        &[
            ("ssl.truststore.location", "/etc/trust.jks"),
            ("sasl.mechanism", "GSSAPI"),
        ],
    );
    assert_eq!(config["security.protocol"], "plaintext");
    assert!(!config.contains_key("sasl.mechanism"));
}

#[test]
fn debug_output_has_no_values() {
    let properties = ClientProperties::from_iter([("sasl.jaas.config", PLAIN)]);
    let text = format!("{properties:?}");
    assert!(
        text.contains("sasl.jaas.config") && !text.contains("alice"),
        "{text}"
    );
}

fn any_client() -> impl Strategy<Value = ClientType> {
    prop_oneof![
        Just(ClientType::Producer),
        Just(ClientType::Consumer),
        Just(ClientType::Admin)
    ]
}

/// Java's numeric settings of all three clients.
const NUMBERS: &[&str] = &[
    "batch.size",
    "buffer.memory",
    "connections.max.idle.ms",
    "delivery.timeout.ms",
    "fetch.max.bytes",
    "fetch.max.wait.ms",
    "fetch.min.bytes",
    "linger.ms",
    "max.block.ms",
    "max.in.flight.requests.per.connection",
    "max.partition.fetch.bytes",
    "max.poll.interval.ms",
    "max.request.size",
    "metadata.max.age.ms",
    "receive.buffer.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "request.timeout.ms",
    "retries",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "send.buffer.bytes",
    "socket.connection.setup.timeout.ms",
    "transaction.timeout.ms",
];

proptest! {
    /// Java takes any number in these ranges; the library must not refuse what Java takes.
    #[test]
    fn numbers_of_any_size_are_accepted_one_by_one(
        client in any_client(),
        key in proptest::sample::select(NUMBERS),
        value in prop_oneof![0..1000i64, Just(i64::from(i32::MAX)), Just(i64::MAX)],
    ) {
        native(client, &[(key, &value.to_string())]);
    }

    /// Whatever a user writes, the answer is a configuration or an error that names the key.
    #[test]
    fn any_value_is_translated_or_refused_by_name(
        client in any_client(),
        key in prop_oneof![
            proptest::sample::select(NUMBERS).prop_map(str::to_owned),
            "[a-z.]{1,30}",
        ],
        value in ".{0,20}",
    ) {
        let properties = ClientProperties::from_iter([(key.clone(), value)]);
        if let Err(error) = properties.to_native(client) {
            prop_assert!(error.to_string().contains(&key));
        }
    }
}
