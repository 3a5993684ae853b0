use super::*;
use connect_api::OffsetStorageReader;
use futures::FutureExt;
use futures::future::BoxFuture;

struct PausedClock(tokio::time::Instant);

impl Clock for PausedClock {
    fn now_ms(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

struct StoredOffset(Option<Map>);

#[async_trait]
impl OffsetStorageReader for StoredOffset {
    async fn offsets(&self, partitions: &[Map]) -> Result<Vec<Option<Map>>> {
        assert_eq!(partitions[0].to_string(), "{task.id=1}");
        Ok(vec![self.0.clone(); partitions.len()])
    }
}

async fn task_of(config: &[(&str, &str)], offset: Option<Map>) -> Result<DatagenTask> {
    let clock = Arc::new(PausedClock(tokio::time::Instant::now()));
    let context = SourceTaskContext::new(clock, Arc::new(StoredOffset(offset)));
    let mut task = DatagenTask::default();
    let config = [("kafka.topic", "t"), ("task.id", "1")]
        .iter()
        .chain(config)
        .copied()
        .collect();
    task.start(context, &config).await?;
    Ok(task)
}

/// Records until the task fails with the configured number of messages.
async fn all_records(task: &mut DatagenTask) -> (Vec<SourceRecord>, ConnectError) {
    let mut records = Vec::new();
    loop {
        match task.poll().await {
            Ok(SourceBatch::Rows(rows)) => records.extend(rows),
            Ok(batch) => panic!("not rows: {batch:?}"),
            Err(error) => return (records, error),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_quickstart_makes_valid_records_with_its_key() {
    for quickstart in crate::quickstart::QUICKSTARTS {
        let config = [
            ("quickstart", quickstart.name),
            ("max.interval", "0"),
            ("iterations", "250"),
        ];
        let mut task = task_of(&config, None).await.expect(quickstart.name);
        let (records, error) = all_records(&mut task).await;
        assert_eq!(
            error.message(),
            "Stopping connector: generated the configured 250 number of messages"
        );
        assert_eq!(records.len(), 250);
        for record in &records {
            let record = &record.record;
            let Value::Struct(value) = &record.value else {
                panic!("{}: not a struct", quickstart.name);
            };
            value.validate().expect(quickstart.name);
            assert_eq!(Some(value.schema()), record.value_schema.as_ref());
            assert_eq!(
                value.get(quickstart.key_field).expect("has it"),
                &record.key
            );
            let key_field = value.schema().field(quickstart.key_field).expect("has it");
            assert_eq!(record.key_schema.as_ref(), Some(&key_field.schema));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn restarted_task_goes_on_with_the_same_records() {
    let config = [
        ("quickstart", "Orders"),
        ("max.interval", "0"),
        ("iterations", "7"),
        ("random.seed", "42"),
    ];
    let mut task = task_of(&config, None).await.expect("starts");
    let (whole, _) = all_records(&mut task).await;
    let offset = whole[2]
        .origin
        .source_offset
        .as_deref()
        .cloned()
        .expect("has one");
    let names: Vec<_> = offset.iter().map(|(name, _)| name.to_string()).collect();
    // The order of a java.util.HashMap, as JDK 17 prints it.
    assert_eq!(
        names,
        ["task.generation", "random.seed", "current.iteration"]
    );
    let mut task = task_of(&config, Some(offset)).await.expect("starts");
    let (rest, _) = all_records(&mut task).await;
    let values = |records: &[SourceRecord]| -> Vec<Value> {
        records
            .iter()
            .map(|record| record.record.value.clone())
            .collect()
    };
    assert_eq!(values(&rest), values(&whole[3..]));
    let headers: Vec<String> = rest[0]
        .record
        .headers
        .iter()
        .map(|h| format!("{}={}", h.key, h.value))
        .collect();
    assert_eq!(
        headers,
        ["task.generation=1", "task.id=1", "current.iteration=3"]
    );
}

#[tokio::test(start_paused = true)]
async fn pauses_stay_below_the_interval_and_may_be_dropped() {
    let config = [
        ("quickstart", "users"),
        ("max.interval", "5000"),
        ("iterations", "20"),
    ];
    let mut task = task_of(&config, None).await.expect("starts");
    let start = tokio::time::Instant::now();
    let mut records = Vec::new();
    while records.len() < 20 {
        assert!(task.poll().now_or_never().is_none_or(|batch| batch.is_ok()));
        let before = tokio::time::Instant::now();
        if let SourceBatch::Rows(rows) = task.poll().await.expect("polls") {
            assert!(rows.len() <= 1);
            records.extend(rows);
        }
        assert!(before.elapsed() <= MAX_WAIT);
    }
    let iterations: Vec<_> = records
        .iter()
        .map(|r| r.record.headers[2].value.as_i64().expect("number"))
        .collect();
    assert_eq!(iterations, (0..20).collect::<Vec<i64>>());
    assert!(start.elapsed() <= Duration::from_secs(5 * 20));
}

#[tokio::test(start_paused = true)]
async fn records_without_key_field_have_a_null_key() {
    let schema = r#"{"type":"record","name":"r","fields":[{"name":"a","type":"int"}]}"#;
    let config = [
        ("schema.string", schema),
        ("max.interval", "-1"),
        ("iterations", "1"),
    ];
    let mut task = task_of(&config, None).await.expect("starts");
    let (records, _) = all_records(&mut task).await;
    assert_eq!(records[0].record.key, Value::Null);
    assert_eq!(
        records[0].record.key_schema,
        Some(Schema::optional_string())
    );
}

#[tokio::test(start_paused = true)]
async fn foreign_offset_is_refused_with_a_way_out() {
    let offset = Map::from_iter([("position", 1i64)]);
    let error = task_of(&[("quickstart", "users")], Some(offset))
        .await
        .err()
        .expect("refused");
    assert_eq!(
        error.message(),
        "The stored offset {position=1} has no whole number 'task.generation'; alter or reset the \
         offsets of the connector"
    );
}
