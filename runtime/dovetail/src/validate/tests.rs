use super::*;
use std::fs;

/// The problems of a file of this name, without the name of its folder.
fn problems(name: &str, text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    let report = run::runtime()
        .unwrap()
        .block_on(check_all(std::slice::from_ref(&path), &view(None).unwrap()))
        .unwrap();
    let prefix = format!("{}/", folder.path().display());
    let problems = report.problems.iter().map(ToString::to_string);
    problems
        .map(|problem| problem.replace(&prefix, ""))
        .collect()
}

#[test]
fn problems_stand_where_they_are_in_each_format() {
    const FILE_SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";
    let json = |rest: &str| {
        format!(
            "{{\n  \"name\": \"c\",\n  \"config\": {{\n    \"connector.class\": \"{FILE_SINK}\",\n    \
             {rest}\n  }}\n}}\n"
        )
    };
    let table: Vec<(&str, String, Vec<&str>)> = vec![
        (
            "c.json",
            json("\"topics\": \"a\", \"file\": \"/tmp/x\""),
            vec![],
        ),
        (
            "c.json",
            json("\"topics\": \"a\", \"tasks.max\": \"many\""),
            vec![
                "c.json:5:33: tasks.max: Invalid value many for configuration tasks.max: Not a \
                 number of type INT",
            ],
        ),
        (
            "c.json",
            json("\"tasks.max\": 1"),
            vec!["c.json:3:13: topics: Must configure one of topics or topics.regex"],
        ),
        (
            "c.yaml",
            format!("name: c\nconnector.class: {FILE_SINK}\ntopics: a\nerrors.tolerance: some\n"),
            vec![
                "c.yaml:4:19: errors.tolerance: Invalid value some for configuration \
                 errors.tolerance: String must be one of: none, all",
            ],
        ),
        (
            "c.properties",
            format!("name=c\nconnector.class={FILE_SINK}\n# comment\ntopics=a\n  tasks.max=0\n"),
            vec![
                "c.properties:5:3: tasks.max: Invalid value 0 for configuration tasks.max: Value \
                 must be at least 1",
            ],
        ),
        (
            "c.json",
            json(
                "\"topics\": \"a\",\n    \"transforms\": \"r\",\n    \"transforms.r.type\": \
                 \"org.apache.kafka.connect.transforms.RegexRouter\",\n    \
                 \"transforms.r.regex\": \"a\"",
            ),
            vec![
                "c.json:7:26: transforms.r.replacement: Missing required configuration \
                 \"transforms.r.replacement\" which has no default value.",
            ],
        ),
        (
            "c.json",
            json(
                "\"topics\": \"a\", \"transforms\": \"r\",\n    \"transforms.r.type\": \
                 \"org.apache.kafka.connect.transforms.RegexRuter\"",
            ),
            vec![
                "c.json:6:26: transforms.r.type: org.apache.kafka.connect.transforms.RegexRuter is \
                 not built in; did you mean org.apache.kafka.connect.transforms.RegexRouter?",
            ],
        ),
        (
            "c.json",
            json("\"topics\": \"a\", \"value.converter\": \"AvroConvertor\""),
            vec![
                "c.json:5:39: value.converter: AvroConvertor is not built in; did you mean \
                 io.confluent.connect.avro.AvroConverter?",
            ],
        ),
        (
            "c.json",
            json(
                "\"topics\": \"a\",\n    \"value.converter\": \
                 \"io.confluent.connect.avro.AvroConverter\"",
            ),
            vec![
                "c.json:6:24: value.converter.schema.registry.url: Missing required configuration \
                 \"schema.registry.url\" which has no default value.",
            ],
        ),
        (
            "c.json",
            json(
                "\"topics\": \"a\", \"predicates\": \"p\",\n    \"predicates.p.type\": \
                 \"org.apache.kafka.connect.transforms.predicates.TopicNameMatches\"",
            ),
            vec![
                "c.json:6:26: predicates.p.pattern: Missing required configuration \"predicates.p.pattern\" \
                 which has no default value.",
            ],
        ),
        (
            "c.json",
            json("\"topics\": \"a\", \"file.name\": \"x\", \"consumer.max.poll.records\": \"1\""),
            vec![
                "c.json:5:20: file.name: warning: The setting 'file.name' is not known and has no \
                 effect",
                "c.json:5:38: consumer.max.poll.records: warning: The setting \
                 'consumer.max.poll.records' is not known and has no effect; a connector writes \
                 consumer.override.max.poll.records",
            ],
        ),
        (
            "c.json",
            json("\"topics\": \"${env:TOPICS}\", \"tasks.max\": \"${file:/etc/x:tasks}\""),
            vec![],
        ),
        (
            "c.json",
            json("\"topics\": null"),
            vec![
                "c.json:5:15: topics: Must configure one of topics or topics.regex",
                "c.json:5:15: topics: Null value can not be supplied as the configuration value.",
            ],
        ),
        (
            "c.json",
            "{\"name\": \"c\",\n \"connector.class\": \"FileStreamSnk\"}".to_string(),
            vec![
                "c.json:2:21: connector.class: FileStreamSnk is not built in; did you mean \
                 org.apache.kafka.connect.file.FileStreamSinkConnector or \
                 org.apache.kafka.connect.file.FileStreamSourceConnector?",
            ],
        ),
        (
            "c.yml",
            "name: c\nconnector.class: io.debezium.connector.mysql.MySqlConnector\n".to_string(),
            vec![
                "c.yml:2:18: connector.class: io.debezium.connector.mysql.MySqlConnector is not \
                 built in; `dovetail version` lists what is",
            ],
        ),
        (
            "c.json",
            "{\"name\": \"c\"}".to_string(),
            vec!["c.json:1:1: connector.class: It is missing: it names the class of the connector"],
        ),
        (
            "c.json",
            "{\"name\": \"c\", \"connector.class\": \"${env:CLASS}\"}".to_string(),
            vec![
                "c.json:1:34: connector.class: warning: Only the worker knows what this is; the \
                 file is not checked",
            ],
        ),
        (
            "c.json",
            "{\"name\": \"c\",\n \"x\": [1]}".to_string(),
            vec!["c.json:2:7: x: the value must be a text, not a list or an object"],
        ),
        (
            "c.json",
            "{\"name\": \"c\",\n \"x\": }".to_string(),
            vec!["c.json:2:7: it is not a connector in JSON: expected value"],
        ),
    ];
    let mut differences = String::new();
    for (name, text, expected) in table {
        let mut found = problems(name, &text);
        found.sort();
        if found != expected {
            differences += &format!("{text}\n{found:#?}\nand not\n{expected:#?}\n");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn no_secret_is_told() {
    let text = "name=c\nconnector.class=io.confluent.connect.s3.S3SinkConnector\ntopics=a\n\
                flush.size=hunter2\naws.secret.access.key=hunter2\nstore.url=http://u:hunter2@h:x\n";
    let found = problems("c.properties", text).join("\n");
    assert!(
        found.contains("flush.size: Invalid value hunter2"),
        "{found}"
    );
    let without_flush_size: Vec<&str> = found
        .lines()
        .filter(|line| !line.contains("flush.size"))
        .collect();
    assert!(
        !without_flush_size.join("\n").contains("hunter2"),
        "{found}"
    );
}

#[test]
fn every_example_is_free_of_errors_and_needs_no_server() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connector-configs");
    let report = run::runtime()
        .unwrap()
        .block_on(check_all(&[examples], &view(None).unwrap()))
        .unwrap();
    assert!(report.num_files > 10);
    assert_eq!(report.num_errors, 0, "{}", text(&report));
    assert_eq!(report.num_warnings, 0, "{}", text(&report));
}

#[test]
fn the_worker_that_is_named_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("worker.properties");
    fs::write(
        &path,
        "bootstrap.servers=h:1\ngroup.id=connect-c\nconfig.storage.topic=a\n\
         offset.storage.topic=b\nstatus.storage.topic=c\nkey.converter=JsonConverter\n\
         value.converter=JsonConverter\nconnector.client.config.override.policy=None\n",
    )
    .unwrap();
    let view = view(Some(&path)).unwrap();
    assert_eq!(view.override_policy, OverridePolicy::None);
    assert_eq!(view.distributed.unwrap().group_id, "connect-c");
    let error = super::view(Some(&folder.path().join("none"))).unwrap_err();
    assert!(error.contains("No such file"), "{error}");
    fs::write(&path, "group.id=g\n").unwrap();
    let error = super::view(Some(&path)).unwrap_err();
    assert!(
        error.contains("worker.properties") && error.contains("bootstrap.servers"),
        "{error}"
    );
}

#[test]
fn exit_codes_tell_errors_and_with_strict_warnings() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, rest: &str| {
        let path = folder.path().join(name);
        let text = format!("name={name}\nconnector.class=FileStreamSink\n{rest}\n");
        fs::write(&path, text).unwrap();
        path
    };
    let good = write("good.properties", "topics=a");
    let odd = write("odd.properties", "topics=a\nzzz=1");
    let bad = write("bad.properties", "");
    let exit = |files: &[&PathBuf], strict| {
        run(&Options {
            files: files.iter().map(|file| (*file).clone()).collect(),
            worker: None,
            strict,
            output: Output::Json,
        })
    };
    assert_eq!(exit(&[&good], true), Exit::Success);
    assert_eq!(exit(&[&good, &odd], false), Exit::Success);
    assert_eq!(exit(&[&good, &odd], true), Exit::FAILURE);
    assert_eq!(exit(&[&good, &bad], false), Exit::FAILURE);
    assert_eq!(
        exit(&[&folder.path().join("missing.json")], false),
        Exit::FAILURE
    );
}
