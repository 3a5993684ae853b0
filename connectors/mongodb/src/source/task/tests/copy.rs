//! A copy that goes on in the middle.

use super::*;
use std::collections::BTreeSet;

const NUM_DOCUMENTS: i32 = 25_000;

const SETTINGS: &[(&str, &str)] = &[
    ("database", "shop"),
    ("collection", "orders"),
    ("startup.mode", "copy_existing"),
    ("startup.mode.copy.existing.max.threads", "2"),
    ("dovetail.startup.mode.copy.existing.restartable", "true"),
];

/// The aggregations that copied, as their bounds.
fn bounds(server: &ScriptedServer) -> Vec<String> {
    let aggregates = server.commands("aggregate");
    let stages = aggregates
        .iter()
        .map(|command| command.get_array("pipeline").unwrap());
    stages
        .filter(|stages| {
            stages
                .iter()
                .any(|stage| stage.to_string().contains("copyingData"))
        })
        .map(|stages| stages[0].to_string())
        .collect()
}

#[tokio::test]
async fn it_reads_ranges_at_once_and_goes_on_in_the_middle() {
    let server = ScriptedServer::start().await;
    let store = Arc::new(Store::default());
    for id in 0..NUM_DOCUMENTS {
        server.insert("shop", "orders", doc! {"_id": id});
    }
    let mut task = start(&server, &store, SETTINGS).await;
    let records = poll(&mut task, 12_000).await;
    let half: BTreeSet<i32> = ids(&records).into_iter().collect();
    assert_eq!(half.len(), records.len(), "a document came twice");
    let found = bounds(&server);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found.iter().any(|bounds| bounds.contains("$gt")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|bounds| bounds.contains("$lte")),
        "{found:?}"
    );

    // kill -9, and changes while nobody reads: of documents that have been copied, too.
    store.commit(records.last().unwrap());
    drop(task);
    server.insert("shop", "orders", doc! {"_id": NUM_DOCUMENTS});
    server.change(doc! {
        "operationType": "delete",
        "ns": {"db": "shop", "coll": "orders"},
        "documentKey": {"_id": *half.first().unwrap()},
    });
    let mut task = start(&server, &store, SETTINGS).await;
    let left = NUM_DOCUMENTS as usize + 1 - half.len();
    let records = poll(&mut task, left).await;
    let rest: BTreeSet<i32> = ids(&records).into_iter().collect();
    let all: BTreeSet<i32> = half.union(&rest).copied().collect();
    assert_eq!(all, (0..=NUM_DOCUMENTS).collect());
    // Nothing came again but what is behind the stored offset, and the document that the stream has, too.
    assert!(half.is_disjoint(&rest));
    // The last one carries the stream's token.
    let end = records[left - 1..].iter().map(offset_of).next().unwrap();
    assert_eq!(
        end,
        format!("{{_id={{\"_data\": \"{NUM_DOCUMENTS:08}\"}}}}")
    );
    let changes = poll(&mut task, 2 + left - records.len()).await;
    assert_eq!(ids(&changes), [NUM_DOCUMENTS, *half.first().unwrap()]);
}

#[tokio::test]
async fn the_official_connector_and_a_copy_that_begins_anew_leave_the_progress_alone() {
    let server = ScriptedServer::start().await;
    let store = Arc::new(Store::default());
    for id in 0..10 {
        server.insert("shop", "orders", doc! {"_id": id});
    }
    let mut settings = SETTINGS.to_vec();
    settings.push(("poll.max.batch.size", "4"));
    let mut task = start(&server, &store, &settings).await;
    let records = poll(&mut task, 4).await;
    let offset = offset_of(&records[3]);
    for part in ["copy=true", "copyingData", "{\"$numberInt\": \"3\"}"] {
        assert!(offset.contains(part), "{offset}");
    }
    store.commit(&records[3]);
    settings.retain(|(key, _)| !key.ends_with("restartable"));
    let mut task = start(&server, &store, &settings).await;
    assert_eq!(ids(&poll(&mut task, 10).await), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_lost_token_begins_the_copy_anew_where_errors_are_tolerated() {
    let server = ScriptedServer::start().await;
    let store = Arc::new(Store::default());
    for id in 0..10 {
        server.insert("shop", "orders", doc! {"_id": id});
    }
    let mut settings = SETTINGS.to_vec();
    settings.push(("poll.max.batch.size", "4"));
    let mut task = start(&server, &store, &settings).await;
    store.commit(&poll(&mut task, 4).await[3]);
    server.insert("shop", "orders", doc! {"_id": 10});
    server.forget_changes();
    let mut task = start(&server, &store, &settings).await;
    let error = poll_failure(&mut task).await;
    assert!(
        error.message().starts_with("ResumeToken not found"),
        "{error}"
    );
    settings.push(("errors.tolerance", "all"));
    let mut task = start(&server, &store, &settings).await;
    assert_eq!(ids(&poll(&mut task, 11).await), (0..11).collect::<Vec<_>>());
}
