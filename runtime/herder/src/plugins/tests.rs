use super::*;
use crate::validation::tests::plugins;

#[test]
fn names_are_full_simple_or_pruned() {
    let plugins = plugins();
    let full = "org.apache.kafka.connect.file.FileStreamSinkConnector";
    for name in [full, "FileStreamSinkConnector", "FileStreamSink"] {
        let class = plugins.connector(name).map(|plugin| plugin.class);
        assert_eq!(class, Ok(full), "{name}");
    }
    assert_eq!(
        plugins.class("Json"),
        Some("org.apache.kafka.connect.json.JsonConverter")
    );
    assert_eq!(
        plugins.class("Simple"),
        Some("org.apache.kafka.connect.storage.SimpleHeaderConverter")
    );
    // Nested classes have no short names.
    assert!(plugins.transform("Value").is_none());
    assert!(
        plugins
            .transform("org.apache.kafka.connect.transforms.InsertField$Value")
            .is_some()
    );
    assert!(plugins.converter("FileStreamSink").is_none());
}

#[test]
fn an_unknown_class_gets_the_list_and_a_hint() {
    let error = |name| match plugins().connector(name) {
        Ok(plugin) => panic!("{name} is {}", plugin.class),
        Err(error) => error.message,
    };
    let message = error("FileStreamSnik");
    assert!(
        message.starts_with(
            "Failed to find any class that implements Connector and which name matches \
             FileStreamSnik, available connectors are: PluginDesc{klass=class \
             org.apache.kafka.connect.file.FileStreamSinkConnector, \
             name='org.apache.kafka.connect.file.FileStreamSinkConnector', version='4.3.1', \
             encodedVersion=4.3.1, type=sink, typeName='sink', location='classpath'}, PluginDesc{"
        ),
        "{message}"
    );
    assert!(
        message.ends_with(". Did you mean org.apache.kafka.connect.file.FileStreamSinkConnector?"),
        "{message}"
    );
    assert!(error("Nope").ends_with("location='classpath'}"));
    // A converter is no connector.
    assert!(error("JsonConverter").contains("which name matches JsonConverter"));
}

#[test]
fn plugins_are_listed_by_type_then_class() {
    let plugins = plugins();
    let listed = plugins.list(false);
    let mut sorted = listed.clone();
    sorted.sort_by(|a, b| (a.plugin_type, &a.class).cmp(&(b.plugin_type, &b.class)));
    assert_eq!(listed, sorted);
    assert_eq!(
        listed.first().map(|plugin| plugin.plugin_type),
        Some(PluginType::Sink)
    );
    let connectors = plugins.list(true);
    assert!(
        connectors
            .iter()
            .all(|plugin| plugin.plugin_type <= PluginType::Source)
    );
    assert!(!connectors.is_empty() && connectors.len() < listed.len());
}

#[test]
fn settings_of_a_plugin_come_before_those_of_the_framework() {
    let plugins = plugins();
    let names = |plugin: &str| -> Vec<String> {
        let infos = plugins.config(plugin).expect(plugin);
        infos.into_iter().map(|info| info.name).collect()
    };
    let sink = names("FileStreamSink");
    assert_eq!(
        sink[..4],
        [
            "file",
            "name",
            "connector.class",
            "connector.plugin.version"
        ]
    );
    assert_eq!(
        sink.last().map(String::as_str),
        Some("errors.deadletterqueue.context.headers.enable")
    );
    assert_eq!(names("RegexRouter"), ["regex", "replacement"]);
    assert_eq!(
        names("StringConverter"),
        ["converter.type", "converter.encoding"]
    );
    let error = plugins.config("Nope").expect_err("there is no such plugin");
    assert_eq!(error, HerderError::not_found("Unknown plugin Nope."));
}

#[test]
fn names_that_are_like_others_but_for_their_role_are_near() {
    let plugins = plugins();
    let nearest = |name: &str| plugins.nearest(&[PluginType::Sink, PluginType::Source], name);
    assert_eq!(
        nearest("com.example.FileStreamSinkConnector").first(),
        Some(&"org.apache.kafka.connect.file.FileStreamSinkConnector")
    );
    assert_eq!(
        nearest("FileStreemSource").first(),
        Some(&"org.apache.kafka.connect.file.FileStreamSourceConnector")
    );
    assert!(nearest("io.confluent.connect.http.HttpSinkConnector").is_empty());
    assert!(nearest("").is_empty());
    let transforms = plugins.nearest(&[PluginType::Transformation], "RegexRuter");
    assert_eq!(
        transforms.first(),
        Some(&"org.apache.kafka.connect.transforms.RegexRouter")
    );
}
