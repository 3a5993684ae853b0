//! Converters that want to know of records before they convert them.

use super::{Setup, rows, start_with};
use crate::chain::{Chain, TransformStage};
use crate::testing::announcing_chain;
use crate::tolerance::ErrorPolicy;
use connect_api::config::ConfigMap;
use connect_api::data::Value;
use connect_api::{Origin, Record, Result, SourceBatch, Transform};
use std::time::Duration;

/// Sends each record to the topic that its text names.
struct ByText;

impl Transform for ByText {
    fn configure(&mut self, _: &ConfigMap) -> Result<()> {
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _: Origin<'_>) -> Result<Option<Record>> {
        if let Some(text) = record.value.as_str() {
            record.topic = text.into();
        }
        Ok(Some(record))
    }
}

fn by_text(num_failures: u32) -> Chain {
    Chain {
        transforms: vec![TransformStage {
            alias: "by-text".into(),
            class: "test.ByText".into(),
            transform: Box::new(ByText),
            predicate: None,
        }],
        ..announcing_chain(num_failures)
    }
}

#[tokio::test(start_paused = true)]
async fn converters_hear_of_records_as_transforms_left_them() {
    let fixture = start_with(Setup {
        chain: Some(by_text(0)),
        ..Setup::default()
    });
    fixture.shared.poll_returns(Ok(rows(&[("a", 1), ("b", 2)])));
    fixture.writes(&["a", "b"]).await;
    fixture.stop().await;
    assert_eq!(fixture.stored_offset().await, Some(2));
}

#[tokio::test(start_paused = true)]
async fn converters_hear_of_a_record_again_before_each_retry() {
    let fixture = start_with(Setup {
        chain: Some(by_text(4)),
        error_policy: ErrorPolicy {
            retry_timeout: Some(Duration::from_secs(60)),
            ..ErrorPolicy::default()
        },
        ..Setup::default()
    });
    fixture.shared.poll_returns(Ok(rows(&[("a", 1), ("b", 2)])));
    fixture.writes(&["a", "b"]).await;
    fixture.stop().await;
    assert_eq!(fixture.stored_offset().await, Some(2));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_announced_for_a_tombstone() {
    let fixture = start_with(Setup {
        // Each announcement fails: a tombstone must not need one.
        chain: Some(announcing_chain(u32::MAX)),
        ..Setup::default()
    });
    let SourceBatch::Rows(mut records) = rows(&[("gone", 1)]) else {
        panic!("these are rows");
    };
    records[0].record.value = Value::Null;
    records[0].record.value_schema = None;
    fixture.shared.poll_returns(Ok(SourceBatch::Rows(records)));
    crate::testing::eventually("the tombstone is written", || {
        fixture.producer.written().len() == 1
    })
    .await;
    fixture.stop().await;
    assert_eq!(fixture.stored_offset().await, Some(1));
}
