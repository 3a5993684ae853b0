//! What becomes of files when the schema of values changes.

use super::fixture::{Fixture, record};
use super::*;
use connect_api::data::{Schema, SchemaRef, Struct, Value};

fn schema(version: i32) -> SchemaRef {
    let builder = Schema::struct_builder()
        .name("R")
        .version(version)
        .field("id", Schema::int64());
    let builder = (2..=version).fold(builder, |builder, number| {
        builder.field(format!("note{number}"), Schema::optional_string())
    });
    builder.build().unwrap()
}

/// Records of these versions, from offset zero.
fn batch(versions: &[i32]) -> SinkBatch {
    let records = versions.iter().zip(0..).map(|(&version, offset)| {
        let mut record = record(offset);
        let values = vec![Value::Int64(offset)];
        record.record.value_schema = Some(schema(version));
        record.record.value = Value::from(Struct::from_values(schema(version), values));
        record
    });
    SinkBatch::Rows(records.collect())
}

/// The start of each object and its lines.
async fn objects(mode: &str, versions: &[i32]) -> Vec<String> {
    let mut fixture = Fixture::start(&[
        ("flush.size", "100"),
        ("schema.compatibility", mode),
        ("rotate.schedule.interval.ms", "60000"),
        ("timezone", "UTC"),
    ])
    .await;
    fixture.task.put(&batch(versions)).await.unwrap();
    tokio::time::advance(Duration::from_secs(61)).await;
    fixture.task.put(&SinkBatch::empty()).await.unwrap();
    assert_eq!(fixture.committed().await, Some(versions.len() as i64));
    let objects = fixture.store.objects();
    fixture.close().await;
    objects
        .into_values()
        .map(|content| String::from_utf8_lossy(&content).replace('\n', " "))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn none_ends_the_file_at_any_difference() {
    assert_eq!(
        objects("NONE", &[1, 1, 2, 1]).await,
        [
            "{\"id\":0} {\"id\":1} ",
            "{\"id\":2,\"note2\":null} ",
            "{\"id\":3} "
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn backward_projects_old_records_up() {
    for mode in ["BACKWARD", "FULL"] {
        assert_eq!(
            objects(mode, &[1, 2, 1, 2]).await,
            [
                "{\"id\":0} ",
                "{\"id\":1,\"note2\":null} {\"id\":2,\"note2\":null} {\"id\":3,\"note2\":null} "
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn forward_projects_new_records_down() {
    assert_eq!(
        objects("FORWARD", &[2, 3, 1, 2]).await,
        [
            "{\"id\":0,\"note2\":null} {\"id\":1,\"note2\":null} ",
            "{\"id\":2} {\"id\":3} "
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn records_without_a_schema_are_no_rows_of_parquet() {
    let mut fixture = Fixture::start(&[
        ("flush.size", "1"),
        ("format.class", "p.format.parquet.ParquetFormat"),
    ])
    .await;
    let error = fixture.task.put(&rows(0..1)).await.unwrap_err();
    assert!(
        error.message().starts_with("Avro schema must be a record."),
        "{error}"
    );
    fixture.close().await;
    assert_eq!(fixture.store.objects().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn files_of_avro_and_parquet_are_named_by_their_extension() {
    for (format, key) in [
        (
            "p.format.avro.AvroFormat",
            "topics/t/partition=0/t+0+0000000000.avro",
        ),
        (
            "p.format.parquet.ParquetFormat",
            "topics/t/partition=0/t+0+0000000000.snappy.parquet",
        ),
    ] {
        let mut fixture = Fixture::start(&[("flush.size", "2"), ("format.class", format)]).await;
        fixture.task.put(&batch(&[1, 1])).await.unwrap();
        assert_eq!(fixture.committed().await, Some(2));
        let objects = fixture.store.objects();
        assert_eq!(objects.keys().collect::<Vec<_>>(), [key]);
        let magic: &[u8] = if key.ends_with(".avro") {
            b"Obj\x01"
        } else {
            b"PAR1"
        };
        assert!(objects[key].starts_with(magic));
        fixture.close().await;
    }
}
