use super::*;
use proptest::prelude::*;

fn parsed(name: &str, text: &str) -> Result<ConnectorFile, String> {
    parse(Path::new(name), text).map_err(|fault| {
        let key = fault.key.map(|key| format!("{key}: ")).unwrap_or_default();
        format!("{}: {key}{}", fault.place, fault.reason)
    })
}

fn pairs(settings: &ConfigMap) -> Vec<(&str, &str)> {
    let mut pairs: Vec<_> = settings
        .iter()
        .map(|(key, value)| (key, value.unwrap_or("null")))
        .collect();
    pairs.sort_unstable();
    pairs
}

fn place(line: usize, column: usize) -> Place {
    Place { line, column }
}

#[test]
fn connectors_come_in_all_shapes() {
    let expected = [("a", "1.50"), ("b", "true"), ("name", "c")];
    for (file, text) in [
        ("c", "name=c\na=1.50\nb=true\n"),
        ("c.properties", "name=c\na=1.50\nb=true\n"),
        ("c", r#"{"name": "c", "a": 1.50, "b": true}"#),
        (
            "c.json",
            r#"{"name": "c", "config": {"a": "1.50", "b": true}, "tasks": [], "type": "sink"}"#,
        ),
        (
            "c.json",
            r#"{"name": "c", "config": {"name": "c", "a": 1.50, "b": "true"}}"#,
        ),
        ("c.yaml", "name: c\na: 1.50\nb: true\n"),
        (
            "c.YML",
            "---\n# comment\nname: c\nconfig:\n  a: '1.50'\n  b: true\n",
        ),
        ("c.yml", "{name: c, config: {a: 1.50, b: \"true\"}}"),
    ] {
        let file = parsed(file, text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(file.name, "c");
        assert_eq!(pairs(&file.config), expected, "{text}");
        assert_eq!(file.initial_state, None);
        assert_eq!(file.oddities, []);
    }
    for (file, text) in [
        (
            "c",
            r#"{"name": "c", "config": {}, "initial_state": "paused"}"#,
        ),
        ("c.yml", "name: c\nconfig: {}\ninitial_state: PAUSED\n"),
    ] {
        let paused = parsed(file, text).unwrap();
        assert_eq!(paused.initial_state, Some(TargetState::Paused));
    }
    // A setting may be called config.
    let odd = parsed("c", r#"{"name": "c", "config": "x"}"#).unwrap();
    assert_eq!(odd.config.get("config"), Some("x"));
    for (file, text) in [
        ("c.json", r#"{"name": "c", "a": null}"#),
        ("c.yml", "name: c\na:\n"),
    ] {
        let null = parsed(file, text).unwrap();
        assert!(null.config.contains_key("a") && null.config.get("a").is_none());
    }
}

#[test]
fn faulty_connectors_are_refused_at_the_line_with_the_reason() {
    for (file, text, expected) in [
        ("c", "a=b", "1:1: the connector has no name; set 'name'"),
        (
            "c",
            "{\"name\":\n \"c\"",
            "2:4: it is not a connector in JSON: EOF while parsing an object",
        ),
        (
            "c.json",
            "name=c",
            "1:2: it is not a connector in JSON: expected ident",
        ),
        (
            "c.json",
            "[1]",
            "1:1: it is not a connector in JSON: invalid type: sequence, expected an object of settings",
        ),
        (
            "c",
            "{\"name\": \"c\",\n  \"config\": {\"name\": \"d\"}}",
            "1:10: name: it is 'c' here and 'd' in 'config'; they must be the same",
        ),
        (
            "c",
            "{\"name\": \"c\", \"config\": {},\n\"initial_state\": \"FAST\"}",
            "2:18: initial_state: it is 'FAST'; it must be RUNNING, PAUSED or STOPPED",
        ),
        (
            "c",
            "{\"name\": \"c\",\n  \"ä\": {\"y\": 1}}",
            "2:8: ä: the value must be a text, not a list or an object",
        ),
        (
            "c",
            "{\"name\": \"c\", \"config\": {\n  \"topics\": [\"a\"]}}",
            "2:13: topics: the value must be a text, not a list or an object",
        ),
        (
            "c",
            "{\"name\": \"\\ud800\"}",
            "1:10: it has \\u escapes that are no characters",
        ),
        (
            "c",
            "a=b\nname=\\u1",
            "2:1: line 2: Malformed \\uxxxx encoding: \\u must be followed by four hexadecimal digits",
        ),
        ("c.yml", "", "1:1: the file is empty"),
        ("c.yml", "- a\n", "1:1: it is not an object of settings"),
        (
            "c.yml",
            "name: c\nconfig:\n  a: [1, {b: [2]}]\n",
            "3:6: a: the value must be a text, not a list or an object",
        ),
        (
            "c.yml",
            "name: c\n---\nname: d\n",
            "2:1: a second document begins here; a file holds one connector",
        ),
        (
            "c.yml",
            "name: &n c\na: *n\n",
            "2:4: a: aliases (*name) are not read; write the value out",
        ),
        ("c.yml", "name: [\n", "it is not YAML: "),
    ] {
        let error = parsed(file, text).expect_err(text);
        if expected.ends_with(": ") {
            assert!(error.contains(expected), "{text}: {error}");
        } else {
            assert_eq!(error, expected, "{text}");
        }
    }
    let missing = read(Path::new("/nonexistent/c.json")).unwrap_err();
    assert!(
        missing
            .to_string()
            .starts_with("/nonexistent/c.json: No such file"),
        "{missing}"
    );
}

#[test]
fn faults_are_placed_at_values_and_missing_keys_at_what_asks_for_them() {
    let json = "{\n  \"name\": \"c\",\n  \"config\": {\n    \"topics\": \"a\",\n    \
                \"transforms.r.type\": \"X\", \"value.converter\": \"Y\"\n  }\n}\n";
    let yaml = "name: c\nconfig:\n  topics: a\n  transforms.r.type: X\n  value.converter: Y\n";
    let properties = "name=c\n  topics=a\ntransforms.r.type=X\nvalue.converter=Y\n";
    for (file, text, places) in [
        (
            "c.json",
            json,
            [
                place(4, 15),
                place(4, 5),
                place(5, 26),
                place(5, 50),
                place(2, 11),
                place(3, 13),
            ],
        ),
        (
            "c.yaml",
            yaml,
            [
                place(3, 11),
                place(3, 3),
                place(4, 22),
                place(5, 20),
                place(1, 7),
                place(3, 3),
            ],
        ),
        (
            "c.properties",
            properties,
            [
                place(2, 3),
                place(2, 3),
                place(3, 1),
                place(4, 1),
                place(1, 1),
                place(1, 1),
            ],
        ),
    ] {
        let file = parsed(file, text).unwrap();
        let found = [
            file.place_of("topics"),
            file.place_of_key("topics"),
            file.place_of("transforms.r.regex"),
            file.place_of("value.converter.schema.registry.url"),
            file.place_of("name"),
            file.place_of("tasks.max"),
        ];
        assert_eq!(found, places, "{text}");
    }
}

#[test]
fn what_counts_twice_or_not_at_all_is_odd() {
    let file = parsed(
        "c.json",
        "{\"name\": \"c\", \"topics\": \"outside\", \"config\": {\n\"a\": \"1\",\n \"a\": \"2\"}}",
    )
    .unwrap();
    assert_eq!(file.config.get("a"), Some("2"));
    let odd: Vec<_> = file
        .oddities
        .iter()
        .map(|oddity| (oddity.place, oddity.key.as_str()))
        .collect();
    assert_eq!(odd, [(place(1, 15), "topics"), (place(3, 2), "a")]);
    assert!(file.oddities[1].message.contains("first in line 2"));
}

#[test]
fn depth_is_no_danger() {
    for (file, open) in [
        ("c.json", "[".repeat(200_000)),
        ("c.yml", "[".repeat(20_000)),
    ] {
        assert!(parsed(file, &format!("{{\"name\": {open}")).is_err());
    }
}

proptest! {
    #[test]
    fn any_text_is_a_connector_or_refused(text in "(?s).*", name in "c(\\.json|\\.yml|)") {
        let _ = parsed(&name, &text);
    }

    #[test]
    fn any_text_of_special_characters_is_a_connector_or_refused(
        text in "[{}\\[\\]:,\"'a \n\\\\&*|>~-]*",
        name in "c\\.(json|yml)",
    ) {
        let _ = parsed(&name, &text);
    }
}
