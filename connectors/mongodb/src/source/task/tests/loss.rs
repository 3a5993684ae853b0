//! Changes are not lost, whatever happens at whatever moment.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A runtime that ends without waiting for what the driver still does in it.
struct Background(Option<tokio::runtime::Runtime>);

impl Background {
    fn start() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Self(Some(
            builder.worker_threads(2).enable_all().build().unwrap(),
        ))
    }

    fn block_on(&self, future: impl Future<Output = ()>) {
        self.0
            .as_ref()
            .expect("it runs until it is dropped")
            .block_on(future);
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Copies {
    /// None: changes only.
    No,
    /// Begun anew after a restart.
    Anew,
    /// One that goes on in the middle.
    Restartable,
}

fn any_copies() -> impl Strategy<Value = Copies> {
    prop_oneof![
        Just(Copies::No),
        Just(Copies::Anew),
        Just(Copies::Restartable)
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u8),
    Poll,
    /// The runtime has stored the offset of the record that came last.
    Commit,
    /// `kill -9` and a new start.
    Kill,
    BreakConnection,
    CloseStreams,
    /// An error that a stream resumes from.
    LoseCursor,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..6_u8).prop_map(Step::Insert),
        4 => Just(Step::Poll),
        2 => Just(Step::Commit),
        2 => Just(Step::Kill),
        1 => Just(Step::BreakConnection),
        1 => Just(Step::CloseStreams),
        1 => Just(Step::LoseCursor),
    ]
}

/// Answers without changes, with everything read.
const MAX_NUM_READS_AT_END: usize = 100;

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 50, ..ProptestConfig::default() })]

    /// Whatever happens at whatever moment, each change is in a record, in order; with a copy each document
    /// is.
    #[test]
    fn no_change_is_lost(steps in proptest::collection::vec(any_step(), 1..25), copies in any_copies()) {
        Background::start().block_on(live_through(&steps, copies));
    }
}

async fn live_through(steps: &[Step], copies: Copies) {
    let server = ScriptedServer::start().await;
    let mut settings = vec![
        ("database", "a"),
        ("collection", "b"),
        ("poll.max.batch.size", "4"),
    ];
    let mut num_inserted = 0;
    let stored = if copies != Copies::No {
        settings.push(("startup.mode", "copy_existing"));
        if copies == Copies::Restartable {
            settings.push(("dovetail.startup.mode.copy.existing.restartable", "true"));
        }
        for _ in 0..7 {
            server.insert("a", "b", doc! {"_id": num_inserted});
            num_inserted += 1;
        }
        None
    } else {
        // From the beginning, as if it had been stored.
        Some(Map::from_iter([("_id", "{\"_data\": \"00000000\"}")]))
    };
    let store = Arc::new(Store(Mutex::new(stored)));
    let mut task = start(&server, &store, &settings).await;
    let mut seen = BTreeSet::new();
    let mut last: Option<SourceRecord> = None;
    for step in steps {
        match step {
            Step::Insert(count) => {
                for _ in 0..*count {
                    server.insert("a", "b", doc! {"_id": num_inserted});
                    num_inserted += 1;
                }
            }
            Step::Poll => match task.poll().await {
                Ok(batch) => {
                    let records = rows(batch);
                    let found = ids(&records);
                    assert!(found.is_sorted(), "{found:?}");
                    seen.extend(found);
                    last = records.last().cloned().or(last);
                }
                Err(error) => assert!(error.is_retriable(), "{error}"),
            },
            Step::Commit => {
                if let Some(last) = &last {
                    store.commit(last);
                }
            }
            Step::Kill => {
                drop(task);
                // What was returned and not committed is gone with the runtime: it must come again.
                let committed = num_committed(&store);
                seen.retain(|id| *id < committed);
                last = None;
                task = start(&server, &store, &settings).await;
            }
            Step::BreakConnection => server.script_streams([Script::BreakBefore]),
            Step::CloseStreams => server.close_streams(),
            Step::LoseCursor => server.script_streams([refusal(43, "cursor not found")]),
        }
    }
    // The reader is at most a few answers ahead of the polls: when the server has said so often that there
    // is nothing more, what has not come is lost.
    while seen.len() < num_inserted as usize {
        assert!(
            server.num_reads_at_end() < MAX_NUM_READS_AT_END,
            "{} of {num_inserted} changes are lost",
            num_inserted as usize - seen.len()
        );
        match task.poll().await {
            Ok(batch) => seen.extend(ids(&rows(batch))),
            Err(error) => assert!(error.is_retriable(), "{error}"),
        }
    }
}

/// How many of the first documents need not come again.
fn num_committed(store: &Store) -> i32 {
    let stored = StoredOffset::read(store.0.lock().unwrap().as_ref()).unwrap();
    if let Some(token) = stored.token {
        return token.get_str("_data").unwrap().parse().unwrap();
    }
    let Some(progress) = stored.copy_progress else {
        return 0;
    };
    let (_, range) = progress.ranges().next().unwrap();
    let after = range.after.as_ref().and_then(bson::Bson::as_i32);
    after.map_or(0, |after| after + 1)
}

/// The stream breaks, and so does the connection on which it is to be resumed.
#[test]
fn a_stream_that_breaks_twice_has_no_gap() {
    use Step::{BreakConnection, Insert, LoseCursor, Poll};
    for first in [BreakConnection, LoseCursor] {
        for num_breaks in 1..4 {
            let mut steps = vec![Poll; 20];
            steps.push(first.clone());
            steps.extend(vec![BreakConnection; num_breaks]);
            steps.push(Insert(3));
            Background::start().block_on(live_through(&steps, Copies::Anew));
        }
    }
}
