//! How far the quick start is.

use super::flows::Flow;
use super::servers::ObjectStorage;
use crate::worker_api::WorkerApi;
use serde_json::Value;
use std::time::Instant;

/// How far all flows are.
pub struct Progress {
    flows: Vec<FlowProgress>,
    looked_at: Option<Instant>,
}

/// How far one flow is.
pub struct FlowProgress {
    pub topic: String,
    pub num_records: u64,
    pub source: Moved,
    pub sink: Moved,
    pub num_objects: u64,
    source_name: String,
}

/// What a connector has moved.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moved {
    pub num_records: u64,
    pub num_bytes: u64,
    pub records_per_second: f64,
    pub bytes_per_second: f64,
}

impl Moved {
    fn advance(&mut self, num_records: u64, num_bytes: u64, seconds: Option<f64>) {
        let rate = |now: u64, before: u64| match seconds {
            Some(seconds) if seconds > 0.0 => now.saturating_sub(before) as f64 / seconds,
            _ => 0.0,
        };
        *self = Self {
            num_records,
            num_bytes,
            records_per_second: rate(num_records, self.num_records),
            bytes_per_second: rate(num_bytes, self.num_bytes),
        };
    }
}

impl Progress {
    /// Nothing has moved yet.
    pub fn new(flows: &[Flow]) -> Self {
        let flows = flows.iter().map(|flow| FlowProgress {
            topic: flow.topic().to_string(),
            num_records: flow.num_records(),
            source: Moved::default(),
            sink: Moved::default(),
            num_objects: 0,
            source_name: flow.source_name().to_string(),
        });
        Self {
            flows: flows.collect(),
            looked_at: None,
        }
    }

    /// The flows.
    pub fn flows(&self) -> &[FlowProgress] {
        &self.flows
    }

    /// Looks again. A source has moved what Kafka has acknowledged, and the bytes up to its committed
    /// position; a sink has moved what is in objects.
    ///
    /// # Errors
    /// A failed connector or task, with its reason.
    pub async fn look(&mut self, rest: &WorkerApi, storage: &ObjectStorage) -> Result<(), String> {
        if let Ok(connectors) = rest.get_json(&["connectors"], "expand=status").await
            && let Some(failure) = failure(&connectors)
        {
            return Err(failure);
        }
        let now = Instant::now();
        let seconds = self.looked_at.map(|before| (now - before).as_secs_f64());
        let metrics = rest.get(&["metrics"], "").await.unwrap_or_default();
        for flow in &mut self.flows {
            let path = ["connectors", flow.source_name.as_str(), "offsets"];
            // Offsets cannot be read while the group rebalances: the numbers stay.
            if let Ok(offsets) = rest.get_json(&path, "").await {
                let written = written_total(&metrics, &flow.source_name);
                flow.source.advance(written, position(&offsets), seconds);
            }
            let stored = storage.stored(&flow.topic).await;
            flow.sink
                .advance(stored.num_records, stored.num_bytes, seconds);
            flow.num_objects = stored.num_objects;
        }
        self.looked_at = Some(now);
        Ok(())
    }

    /// Whether all records are in objects.
    pub fn is_done(&self) -> bool {
        self.flows
            .iter()
            .all(|flow| flow.sink.num_records >= flow.num_records)
    }
}

/// The committed position in the file.
fn position(offsets: &Value) -> u64 {
    let offsets = offsets["offsets"].as_array();
    let entries = offsets.map(Vec::as_slice).unwrap_or_default().iter();
    entries
        .filter_map(|entry| entry["offset"]["position"].as_u64())
        .sum()
}

/// The records that a source connector has written, by the worker's metrics.
fn written_total(metrics: &str, connector: &str) -> u64 {
    let label = format!("connector=\"{connector}\"");
    let counts = metrics.lines().filter_map(|line| {
        let series = line.strip_prefix("kafka_connect_source_task_source_record_write_total{")?;
        let (labels, value) = series.split_once("} ")?;
        let is_of_connector = labels.split(',').any(|part| part == label);
        is_of_connector.then(|| value.trim().parse::<f64>().ok())?
    });
    counts.sum::<f64>() as u64
}

/// The first failure among the connectors and their tasks.
fn failure(connectors: &Value) -> Option<String> {
    connectors
        .as_object()?
        .iter()
        .find_map(|(name, connector)| {
            let status = &connector["status"];
            let tasks = status["tasks"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            let failed = std::iter::once(&status["connector"])
                .chain(tasks)
                .find(|state| state["state"] == "FAILED")?;
            let trace = failed["trace"].as_str().unwrap_or("it gives no reason");
            Some(format!("The connector {name} has failed:\n{trace}"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_position_is_that_of_the_file() {
        let offsets = json!({"offsets": [
            {"partition": {"filename": "f"}, "offset": {"position": 12}},
            {"partition": {"filename": "g"}, "offset": null},
        ]});
        assert_eq!(position(&offsets), 12);
        assert_eq!(position(&json!({})), 0);
    }

    #[test]
    fn totals_are_those_of_the_connector() {
        let metrics = "kafka_connect_source_task_source_record_write_total{connector=\"a\",task=\"0\"} 5\n\
                       kafka_connect_source_task_source_record_write_total{connector=\"a\",task=\"1\"} 6\n\
                       kafka_connect_source_task_source_record_write_total{connector=\"ab\",task=\"0\"} 9\n";
        assert_eq!(written_total(metrics, "a"), 11);
        assert_eq!(written_total("", "a"), 0);
    }

    #[test]
    fn rates_come_from_two_looks() {
        let mut moved = Moved::default();
        moved.advance(100, 1000, None);
        assert_eq!(moved.records_per_second, 0.0);
        moved.advance(300, 4000, Some(2.0));
        assert_eq!(
            (moved.records_per_second, moved.bytes_per_second),
            (100.0, 1500.0)
        );
    }

    #[test]
    fn failures_are_told_with_their_reason() {
        let running = json!({"a": {"status": {"connector": {"state": "RUNNING"}, "tasks": []}}});
        assert_eq!(failure(&running), None);
        let failed = json!({"a": {"status": {"connector": {"state": "RUNNING"},
            "tasks": [{"id": 0, "state": "FAILED", "trace": "no bucket"}]}}});
        assert_eq!(
            failure(&failed).unwrap(),
            "The connector a has failed:\nno bucket"
        );
    }
}
