//! What the quick start moves: files through topics into objects.

use serde_json::{Map, Value};
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// The connectors as they are in `connector-configs/quickstart`, so that this program works alone.
const FLIGHTS_SOURCE: &str =
    include_str!("../../../../connector-configs/quickstart/flights-source-v1.json");
const FLIGHTS_SINK: &str =
    include_str!("../../../../connector-configs/quickstart/flights-to-s3-v1.json");
const AIRPORTS_SOURCE: &str =
    include_str!("../../../../connector-configs/quickstart/airports-source-v1.json");
const AIRPORTS_SINK: &str =
    include_str!("../../../../connector-configs/quickstart/airports-to-s3-v1.json");
const FLIGHTS: &str = include_str!("../../../../connector-configs/quickstart/data/flights.jsonl");
const AIRPORTS: &str = include_str!("../../../../connector-configs/quickstart/data/airports.jsonl");

/// A file that moves through a topic into objects.
#[derive(Debug)]
pub struct Flow {
    topic: String,
    file: PathBuf,
    num_records: u64,
    source: Connector,
    sink: Connector,
}

/// A connector as it is POSTed.
#[derive(Clone, Debug)]
pub struct Connector {
    /// The name.
    pub name: String,
    config: Map<String, Value>,
}

impl Connector {
    /// Reads one of this program's own files, for another name.
    fn named(text: &str, name: String) -> Self {
        let file: Value = serde_json::from_str(text).expect("a test reads all of these files");
        let mut config = file["config"].as_object().cloned().unwrap_or_default();
        config.remove("name");
        Self { name, config }
    }

    fn set(&mut self, key: &str, value: &str) {
        self.config.insert(key.to_string(), value.into());
    }

    /// The body of the request that creates it.
    pub fn body(&self) -> Value {
        serde_json::json!({"name": self.name, "config": self.config})
    }
}

impl Flow {
    fn new(topic: &str, file: PathBuf, num_records: u64, source: &str, sink: &str) -> Self {
        let mut source = Connector::named(source, format!("{topic}-source"));
        source.set("file", &file.to_string_lossy());
        source.set("topic", topic);
        let mut sink = Connector::named(sink, format!("{topic}-to-s3"));
        sink.set("topics", topic);
        Self {
            topic: topic.to_string(),
            file,
            num_records,
            source,
            sink,
        }
    }

    /// The topic between file and objects.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// How many records are in the file.
    pub fn num_records(&self) -> u64 {
        self.num_records
    }

    /// The name of the connector that reads the file.
    pub fn source_name(&self) -> &str {
        &self.source.name
    }

    /// The name of the connector that writes objects.
    pub fn sink_name(&self) -> &str {
        &self.sink.name
    }

    /// The connectors, for the object storage at this URL.
    pub fn connectors(&self, store_url: &str) -> [Connector; 2] {
        let mut sink = self.sink.clone();
        sink.set("store.url", store_url);
        [self.source.clone(), sink]
    }
}

/// The folder for input and objects: the given one, or a new one for temporary files.
pub fn folder(given: Option<&Path>) -> Result<PathBuf, String> {
    let folder = match given {
        Some(folder) => folder.to_path_buf(),
        None => std::env::temp_dir().join(format!("dovetail-quickstart-{}", std::process::id())),
    };
    fs::create_dir_all(&folder)
        .and_then(|()| fs::canonicalize(&folder))
        .map_err(|error| format!("Cannot create the folder {}: {error}", folder.display()))
}

/// The flows of the sample records, or of the user's own lines.
pub fn flows(folder: &Path, input: Option<&Path>) -> Result<Vec<Flow>, String> {
    if let Some(input) = input {
        let file_error = |error: io::Error| format!("Cannot read {}: {error}", input.display());
        let file = fs::canonicalize(input).map_err(file_error)?;
        let num_records = count_lines(&file).map_err(file_error)?;
        return Ok(vec![Flow::new(
            "input",
            file,
            num_records,
            FLIGHTS_SOURCE,
            FLIGHTS_SINK,
        )]);
    }
    let sample = |topic: &str, records: &str, source, sink| -> Result<Flow, String> {
        let file = folder.join(format!("{topic}.jsonl"));
        fs::write(&file, records)
            .map_err(|error| format!("Cannot write {}: {error}", file.display()))?;
        Ok(Flow::new(
            topic,
            file,
            records.lines().count() as u64,
            source,
            sink,
        ))
    };
    Ok(vec![
        sample("flights", FLIGHTS, FLIGHTS_SOURCE, FLIGHTS_SINK)?,
        sample("airports", AIRPORTS, AIRPORTS_SOURCE, AIRPORTS_SINK)?,
    ])
}

/// The number of complete lines: the connector waits for the end of the last one.
pub fn count_lines(file: &Path) -> io::Result<u64> {
    let mut reader = BufReader::with_capacity(1 << 20, fs::File::open(file)?);
    let mut num_lines = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(num_lines);
        }
        num_lines += buffer.iter().filter(|byte| **byte == b'\n').count() as u64;
        let num_bytes = buffer.len();
        reader.consume(num_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_flow_under_the_names_of_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let flows = flows(folder.path(), None).unwrap();
        for (flow, (source, sink)) in flows.iter().zip([
            (FLIGHTS_SOURCE, FLIGHTS_SINK),
            (AIRPORTS_SOURCE, AIRPORTS_SINK),
        ]) {
            let url = "http://127.0.0.1:9000";
            let [made_source, made_sink] = flow.connectors(url);
            // Only where the file is differs: the configurations can be POSTed by hand.
            let mut shipped: Value = serde_json::from_str(source).unwrap();
            shipped["config"]["file"] = flow.file().to_str().unwrap().into();
            assert_eq!(made_source.body(), shipped);
            assert_eq!(
                made_sink.body(),
                serde_json::from_str::<Value>(sink).unwrap()
            );
            assert!(flow.num_records() > 1000);
            assert_eq!(count_lines(flow.file()).unwrap(), flow.num_records());
        }
        assert_eq!(flows.len(), 2);
    }

    #[test]
    fn own_lines_flow_under_a_name_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.jsonl");
        fs::write(&file, "{}\n{}\n{\"incomplete\":").unwrap();
        let flows = flows(folder.path(), Some(&file)).unwrap();
        let [flow] = flows.as_slice() else {
            panic!("{flows:?}")
        };
        assert_eq!((flow.topic(), flow.num_records()), ("input", 2));
        let [source, sink] = flow.connectors("http://127.0.0.1:1");
        assert_eq!(source.name, "input-source");
        assert_eq!(sink.body()["config"]["topics"], "input");
        assert_eq!(sink.body()["config"]["store.url"], "http://127.0.0.1:1");
        let missing = folder.path().join("missing");
        let error = super::flows(folder.path(), Some(&missing)).unwrap_err();
        assert!(
            error.contains("missing") && error.contains("No such file"),
            "{error}"
        );
    }
}
