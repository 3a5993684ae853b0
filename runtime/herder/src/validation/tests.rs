use super::*;
use crate::PluginType;
use connect_api::config::{ConfigKey, ConfigType, Importance, Validator, Width};
use connect_api::{
    ConnectorType, ConverterPlugin, HeaderConverterPlugin, KAFKA_VERSION, PredicatePlugin,
    TransformPlugin, no_config,
};
use connector_file as _;
use serde_json::Value as Json;
use std::sync::LazyLock;

/// Requests to a JVM worker 4.3.1 and its answers, without documentation texts.
const GOLDEN: &str = include_str!("golden_4_3_1.json");

fn converter_def(more: Vec<ConfigKey>) -> ConfigDef {
    let def = ConfigDef::new().define(ConfigKey::new("converter.type", ConfigType::String));
    more.into_iter().fold(def, ConfigDef::define)
}

fn number_config() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| converter_def(Vec::new()));
    &DEF
}

fn string_config() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        // It has a width and a label without a group, which only Java's own definition can say.
        converter_def(vec![
            ConfigKey::new("converter.encoding", ConfigType::String)
                .default("UTF-8")
                .importance(Importance::High),
        ])
    });
    &DEF
}

fn json_config() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let key = |name: &str, config_type, importance, group, order, display_name| {
            ConfigKey::new(name, config_type)
                .default_null()
                .importance(importance)
                .group(group, order, Width::Medium, display_name)
        };
        use ConfigType::{Boolean, Int, String};
        use Importance::{High, Low};
        converter_def(vec![
            key(
                "schemas.enable",
                Boolean,
                High,
                "Schemas",
                0,
                "Enable Schemas",
            )
            .default(true),
            key(
                "schemas.cache.size",
                Int,
                High,
                "Schemas",
                1,
                "Schema Cache Size",
            )
            .default(1000),
            key(
                "schema.content",
                String,
                High,
                "Schemas",
                2,
                "Schema Content",
            ),
            key(
                "decimal.format",
                String,
                Low,
                "Serialization",
                0,
                "Decimal Format",
            )
            .default("BASE64"),
            key(
                "replace.null.with.default",
                Boolean,
                Low,
                "Serialization",
                1,
                "Replace null with default",
            )
            .default(true),
        ])
    });
    &DEF
}

fn insert_field_config() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let fields = ["topic", "partition", "offset", "timestamp", "static"];
        let mut def = fields.into_iter().fold(ConfigDef::new(), |def, field| {
            def.define(
                ConfigKey::new(format!("{field}.field"), ConfigType::String)
                    .default_null()
                    .importance(Importance::Medium),
            )
        });
        def.add(
            ConfigKey::new("static.value", ConfigType::String)
                .default_null()
                .importance(Importance::Medium),
        );
        def.define(
            ConfigKey::new("replace.null.with.default", ConfigType::Boolean)
                .default(true)
                .importance(Importance::Medium),
        )
    });
    &DEF
}

fn regex_router_config() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ["regex", "replacement"]
            .into_iter()
            .fold(ConfigDef::new(), |def, name| {
                def.define(
                    ConfigKey::new(name, ConfigType::String)
                        .importance(Importance::High)
                        .validator(Validator::NonEmptyString),
                )
            })
    });
    &DEF
}

fn topic_name_matches_config() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new()
            .define(ConfigKey::new("pattern", ConfigType::String).importance(Importance::Medium))
    });
    &DEF
}

const NEVER_MADE: &str = "validation asks definitions only";

macro_rules! plugin {
    ($plugin:ident, $class:expr, $config_def:expr) => {
        $plugin {
            class: $class,
            version: KAFKA_VERSION,
            config_def: $config_def,
            create: || unreachable!("{NEVER_MADE}"),
        }
    };
}

static CONVERTERS: [ConverterPlugin; 9] = [
    plugin!(
        ConverterPlugin,
        "org.apache.kafka.connect.converters.BooleanConverter",
        number_config
    ),
    plugin!(
        ConverterPlugin,
        "org.apache.kafka.connect.converters.ByteArrayConverter",
        number_config
    ),
    plugin!(
        ConverterPlugin,
        "org.apache.kafka.connect.converters.DoubleConverter",
        number_config
    ),
    plugin!(
        ConverterPlugin,
        "org.apache.kafka.connect.converters.FloatConverter",
        number_config
    ),
    plugin!(
        ConverterPlugin,
        "org.apache.kafka.connect.converters.IntegerConverter",
        number_config
    ),
    plugin!(
        ConverterPlugin,
        "org.apache.kafka.connect.converters.LongConverter",
        number_config
    ),
    plugin!(
        ConverterPlugin,
        "org.apache.kafka.connect.converters.ShortConverter",
        number_config
    ),
    plugin!(
        ConverterPlugin,
        "org.apache.kafka.connect.json.JsonConverter",
        json_config
    ),
    plugin!(
        ConverterPlugin,
        "org.apache.kafka.connect.storage.StringConverter",
        string_config
    ),
];

macro_rules! header_converter {
    ($class:expr) => {
        plugin!(HeaderConverterPlugin, $class, no_config)
    };
}

static HEADER_CONVERTERS: [HeaderConverterPlugin; 10] = [
    header_converter!("org.apache.kafka.connect.converters.BooleanConverter"),
    header_converter!("org.apache.kafka.connect.converters.ByteArrayConverter"),
    header_converter!("org.apache.kafka.connect.converters.DoubleConverter"),
    header_converter!("org.apache.kafka.connect.converters.FloatConverter"),
    header_converter!("org.apache.kafka.connect.converters.IntegerConverter"),
    header_converter!("org.apache.kafka.connect.converters.LongConverter"),
    header_converter!("org.apache.kafka.connect.converters.ShortConverter"),
    header_converter!("org.apache.kafka.connect.json.JsonConverter"),
    header_converter!("org.apache.kafka.connect.storage.SimpleHeaderConverter"),
    header_converter!("org.apache.kafka.connect.storage.StringConverter"),
];

static TRANSFORMS: [TransformPlugin; 2] = [
    plugin!(
        TransformPlugin,
        "org.apache.kafka.connect.transforms.InsertField$Value",
        insert_field_config
    ),
    plugin!(
        TransformPlugin,
        "org.apache.kafka.connect.transforms.RegexRouter",
        regex_router_config
    ),
];

static PREDICATES: [PredicatePlugin; 1] = [plugin!(
    PredicatePlugin,
    "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
    topic_name_matches_config
)];

pub(crate) fn plugins() -> Plugins {
    Plugins::new(
        &connect_api::CONNECTORS,
        &CONVERTERS,
        &HEADER_CONVERTERS,
        &TRANSFORMS,
        &PREDICATES,
    )
}

pub(crate) fn worker() -> WorkerView {
    WorkerView {
        key_converter: "org.apache.kafka.connect.json.JsonConverter".to_string(),
        value_converter: "JsonConverter".to_string(),
        header_converter: "org.apache.kafka.connect.storage.SimpleHeaderConverter".to_string(),
        distributed: Some(DistributedView {
            group_id: "rest-oracle".to_string(),
            exactly_once_source_enabled: false,
        }),
        override_policy: OverridePolicy::All,
    }
}

fn validate_now(config: &ConfigMap, worker: &WorkerView) -> HerderResult<ConfigInfos> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime of one thread");
    runtime.block_on(validate(config, worker, &plugins()))
}

fn config_of(json: &Json) -> ConfigMap {
    let object = json.as_object().expect("a map");
    object
        .iter()
        .map(|(key, value)| (key.clone(), value.as_str().map(str::to_string)))
        .collect()
}

fn config(entries: &[(&str, &str)]) -> ConfigMap {
    entries.iter().copied().collect()
}

/// Removes what the recorded answers do not hold: documentation, and which transforms there are.
fn comparable(mut configs: Json) -> Json {
    for config in configs.as_array_mut().into_iter().flatten() {
        if let Some(definition) = config["definition"].as_object_mut() {
            definition.shift_remove("documentation");
        }
        let value = &mut config["value"];
        let name = value["name"].as_str().unwrap_or_default().to_string();
        let is_alias = name.starts_with("transforms.") || name.starts_with("predicates.");
        if is_alias && name.ends_with(".type") {
            value
                .as_object_mut()
                .expect("a value")
                .shift_remove("recommended_values");
        }
        if name == "key.converter.converter.encoding" {
            config["definition"]["width"] = "MEDIUM".into();
            config["definition"]["display_name"] = "Encoding".into();
        }
    }
    configs
}

#[test]
fn answers_are_those_of_the_jvm_worker() {
    let golden: Vec<Json> = serde_json::from_str(GOLDEN).expect("recorded as JSON");
    assert!(golden.len() > 20);
    for case in golden {
        let name = case["case"].as_str().expect("a name");
        let answer = validate_now(&config_of(&case["config"]), &worker());
        if case["status"] != 200 {
            let error = answer.expect_err(name);
            let message = format!("{}: {}", error.exception, error.message);
            assert_eq!(case["body"]["message"], message, "{name}");
            continue;
        }
        let infos = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
        let json = serde_json::to_value(&infos).expect("serializes");
        let configs = comparable(json["configs"].clone());
        let expected = case["configs"].as_array().expect("configs");
        for (ours, theirs) in configs.as_array().expect("configs").iter().zip(expected) {
            assert_eq!(ours, theirs, "{name}");
        }
        assert_eq!(
            configs.as_array().map(Vec::len),
            Some(expected.len()),
            "{name}"
        );
        for field in ["name", "error_count", "groups"] {
            assert_eq!(json[field], case["body"][field], "{name}: {field}");
        }
        let Some(refusal) = case["refusal"].as_str() else {
            assert_eq!(reject_message(&infos), None, "{name}");
            continue;
        };
        // A POST puts the name into the configuration, be it empty.
        let mut posted = config_of(&case["config"]);
        if posted.get("name").is_none() {
            posted.insert("name", "");
        }
        let infos = validate_now(&posted, &worker()).expect(name);
        assert_eq!(reject_message(&infos).as_deref(), Some(refusal), "{name}");
    }
}

#[test]
fn the_policy_names_each_override_that_it_refuses() {
    let overridden = config(&[
        ("connector.class", "FileStreamSink"),
        ("name", "s"),
        ("topics", "a"),
        ("consumer.override.max.poll.records", "5"),
        ("consumer.override.sasl.mechanism", "PLAIN"),
    ]);
    let refused = |policy: OverridePolicy| {
        let worker = WorkerView {
            override_policy: policy,
            ..worker()
        };
        let infos = validate_now(&overridden, &worker).expect("a known class");
        let errors: Vec<String> = infos
            .configs
            .into_iter()
            .filter_map(|info| info.value)
            .flat_map(|value| value.errors)
            .collect();
        assert_eq!(errors.len(), infos.error_count);
        errors
    };
    assert!(refused(OverridePolicy::All).is_empty());
    assert_eq!(
        refused(OverridePolicy::Principal),
        [
            "The 'Principal' policy does not allow 'max.poll.records' to be overridden in the connector \
          configuration."
        ]
    );
    assert_eq!(refused(OverridePolicy::None).len(), 2);
    let allowlist = OverridePolicy::Allowlist(vec!["max.poll.records".to_string()]);
    assert_eq!(
        refused(allowlist),
        [
            "The 'Allowlist' policy does not allow 'sasl.mechanism' to be overridden in the connector \
          configuration."
        ]
    );
}

#[test]
fn settings_of_dovetail_show_only_where_they_are_set() {
    const SOURCE: &str = "dovetail.errors.deadletterqueue.source.enable";
    const HEADERS: &str = "dovetail.errors.deadletterqueue.context.headers.transform.enable";
    const TOPIC: &str = "errors.deadletterqueue.topic.name";
    let answer = |entries: &[(&'static str, &'static str)]| {
        let mut all = vec![
            ("connector.class", "FileStreamSource"),
            ("name", "s"),
            ("topic", "a"),
        ];
        all.extend(entries);
        let infos = validate_now(&config(&all), &worker()).expect("a known class");
        let keys: Vec<String> = infos
            .configs
            .iter()
            .filter_map(|info| Some(info.definition.as_ref()?.name.clone()))
            .collect();
        let errors: Vec<String> = infos
            .configs
            .into_iter()
            .filter_map(|info| info.value)
            .flat_map(|value| value.errors)
            .collect();
        (keys, errors)
    };
    let (keys, errors) = answer(&[(TOPIC, "dlq")]);
    assert!(errors.is_empty());
    for key in [SOURCE, HEADERS, TOPIC] {
        assert!(!keys.iter().any(|known| known == key), "{key}");
    }
    let (keys, errors) = answer(&[(TOPIC, "dlq"), (SOURCE, "true"), (HEADERS, "true")]);
    assert!(errors.is_empty(), "{errors:?}");
    for key in [SOURCE, HEADERS, TOPIC] {
        assert!(keys.iter().any(|known| known == key), "{key}");
    }
    assert_eq!(answer(&[(SOURCE, "true")]).1.len(), 1);
    assert_eq!(answer(&[(SOURCE, "maybe"), (TOPIC, "dlq")]).1.len(), 1);
}

#[test]
fn settings_of_restarts_are_checked_where_they_are_set() {
    use crate::restart_policy::SETTINGS;
    let answer = |entries: &[(&'static str, &'static str)]| {
        let mut all = vec![
            ("connector.class", "FileStreamSource"),
            ("name", "s"),
            ("topic", "a"),
        ];
        all.extend(entries);
        let infos = validate_now(&config(&all), &worker()).expect("a known class");
        let of_restarts = |name: &str| name.starts_with("dovetail.restart.");
        let values = infos.configs.into_iter().filter_map(|info| info.value);
        values
            .filter(|value| of_restarts(&value.name))
            .map(|value| {
                (
                    value.name,
                    value.value.unwrap_or_default(),
                    value.errors.len(),
                )
            })
            .collect::<Vec<_>>()
    };
    assert!(answer(&[]).is_empty());
    for setting in &SETTINGS {
        let name = setting.name.to_string();
        let good = (name.clone(), setting.default.to_string(), 0);
        assert_eq!(answer(&[(setting.name, setting.default)]), [good]);
        let bad = answer(&[(setting.name, "-2")]);
        assert_eq!(bad.len(), 1);
        assert_eq!((&bad[0].0, bad[0].2), (&name, 1), "{bad:?}");
    }
}

/// A setting that the worker reads for tasks and that is left out would go on with its old value.
#[test]
fn every_setting_of_the_framework_is_read_for_tasks_or_known_not_to_be() {
    let shared = definitions::connector_def().keys();
    let of_sinks = definitions::connector_type_def(ConnectorType::Sink).keys();
    let of_sources = definitions::connector_type_def(ConnectorType::Source).keys();
    let not_for_tasks: Vec<&str> = shared
        .chain(of_sinks)
        .chain(of_sources)
        .map(ConfigKey::name)
        .filter(|key| !crate::core::concerns_tasks(key))
        .collect();
    assert_eq!(not_for_tasks, ["name", "tasks.max", "tasks.max.enforce"]);
    for key in [
        "transforms.route.regex",
        "predicates.isTombstone.type",
        "value.converter.schemas.enable",
        "producer.override.linger.ms",
        "dovetail.errors.deadletterqueue.source.enable",
    ] {
        assert!(crate::core::concerns_tasks(key), "{key}");
    }
    for key in ["dovetail.restart.enable", "file", "topic"] {
        assert!(!crate::core::concerns_tasks(key), "{key}");
    }
}

#[test]
fn policies_go_by_alias_or_class() {
    let of_setting = |name| OverridePolicy::of_setting(name, &[]);
    assert_eq!(of_setting("Principal"), Some(OverridePolicy::Principal));
    assert_eq!(
        of_setting(
            "org.apache.kafka.connect.connector.policy.NoneConnectorClientConfigOverridePolicy"
        ),
        Some(OverridePolicy::None)
    );
    assert_eq!(of_setting("x.Y"), None);
}

#[test]
fn a_standalone_worker_has_no_group_to_clash_with() {
    let standalone = WorkerView {
        distributed: None,
        ..worker()
    };
    let clash = config(&[
        ("connector.class", "FileStreamSink"),
        ("name", "oracle"),
        ("topics", "a"),
        ("consumer.override.group.id", "rest-oracle"),
    ]);
    assert_eq!(
        validate_now(&clash, &standalone).map(|infos| infos.error_count),
        Ok(0)
    );
    assert_eq!(
        validate_now(&clash, &worker()).map(|infos| infos.error_count),
        Ok(1)
    );

    let mut named = worker();
    named.distributed = Some(DistributedView {
        group_id: "connect-oracle".to_string(),
        exactly_once_source_enabled: false,
    });
    let clash = config(&[
        ("connector.class", "FileStreamSink"),
        ("name", "oracle"),
        ("topics", "a"),
    ]);
    let infos = validate_now(&clash, &named).expect("a known class");
    let message = reject_message(&infos).expect("a clash");
    assert!(
        message.contains(
            "\nConsumer group for sink connector named oracle conflicts with Connect worker group \
             connect-oracle\n"
        ),
        "{message}"
    );
}

#[test]
fn blanks_around_class_names_do_no_harm() {
    let padded = config(&[
        ("connector.class", " FileStreamSink "),
        ("name", "s"),
        ("topics", "a"),
        (
            "key.converter",
            " org.apache.kafka.connect.storage.StringConverter ",
        ),
    ]);
    assert_eq!(
        validate_now(&padded, &worker()).map(|infos| infos.error_count),
        Ok(0)
    );
}

#[test]
fn a_pattern_that_is_none_says_why() {
    let bad = config(&[
        ("connector.class", "FileStreamSink"),
        ("name", "s"),
        ("topics.regex", "("),
    ]);
    let infos = validate_now(&bad, &worker()).expect("a known class");
    let message = reject_message(&infos).expect("a fault");
    assert!(
        message.contains("Invalid value ( for configuration topics.regex: Invalid regex: "),
        "{message}"
    );
}

#[test]
fn no_secret_shows_in_answers_or_refusals() {
    let secrets = config(&[
        ("name", "s"),
        ("aws.secret.access.key", "hush1"),
        ("connection.password", "hush2"),
        ("consumer.override.sasl.jaas.config", "hush3"),
    ]);
    let error = validate_now(&secrets, &worker()).expect_err("there is no class");
    assert!(!error.message.contains("hush"), "{error}");
    let mut with_class = secrets;
    with_class.insert("connector.class", "FileStreamSink");
    let infos = validate_now(&with_class, &worker()).expect("a known class");
    assert!(!format!("{infos:?}").contains("hush"));
}

#[test]
fn all_definitions_are_read() {
    for client in [
        definitions::ClientType::Producer,
        definitions::ClientType::Consumer,
        definitions::ClientType::Admin,
    ] {
        assert!(client.def().keys().len() > 50);
    }
    let consumer = definitions::ClientType::Consumer.def();
    let default = |key: &str| {
        let key = consumer.key(key).expect(key);
        key.default_data().map(ToString::to_string)
    };
    assert_eq!(default("max.poll.records").as_deref(), Some("500"));
    assert_eq!(default("group.id"), None);
    assert_eq!(plugins().classes(PluginType::Predicate).len(), 1);
}
