//! Whatever goes wrong, and whenever: every record ends up in the objects exactly once, and the objects
//! are those of a run in which nothing went wrong.

use super::fixture::{Fixture, TIME_BASED, partition, record};
use super::*;
use crate::memory::MemoryStore;
use connect_api::SinkRecord;
use proptest::prelude::*;

type Config = Vec<(&'static str, &'static str)>;

/// What the runtime, or fate, does next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Delivers up to so many records from the current position.
    Deliver(usize),
    /// Commits what the task offers.
    Commit,
    /// Takes the partition away in an orderly way, and gives it back.
    Rebalance,
    /// Takes it away without a commit.
    Lose,
    /// The worker dies: nothing is closed, and another one begins at the committed offset.
    Crash,
    /// The clock moves.
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1usize..12).prop_map(Step::Deliver),
        2 => Just(Step::Commit),
        1 => Just(Step::Rebalance),
        1 => Just(Step::Lose),
        1 => Just(Step::Crash),
        2 => Just(Step::Wait),
    ]
}

/// One run of the task over a partition, with a runtime that does what its contract says.
struct Run {
    fixture: Fixture,
    config: Config,
    compression: &'static str,
    records: Vec<SinkRecord>,
    position: usize,
    committed: usize,
    paused: bool,
}

impl Run {
    async fn new(
        store: MemoryStore,
        config: Config,
        compression: &'static str,
        records: Vec<SinkRecord>,
    ) -> Self {
        Self {
            fixture: Fixture::start_on(store, &config, compression).await,
            config,
            compression,
            records,
            position: 0,
            committed: 0,
            paused: false,
        }
    }

    async fn put(&mut self, num_records: usize) {
        let end = (self.position + num_records).min(self.records.len());
        let batch = if self.paused {
            SinkBatch::empty()
        } else {
            SinkBatch::Rows(self.records[self.position..end].to_vec())
        };
        self.fixture.task.put(&batch).await.unwrap();
        if !self.paused {
            self.position = end;
        }
        let requests = self.fixture.context.take_requests();
        if let Some(offset) = requests.rewind.get(&partition()) {
            self.position = *offset as usize;
            assert!(
                self.position >= self.committed,
                "a rewind behind the committed offset"
            );
        }
        self.paused |= requests.pause.contains(&partition());
        self.paused &= !requests.resume.contains(&partition());
    }

    async fn commit(&mut self) {
        if let Some(offset) = self.fixture.committed().await {
            assert!(
                offset as usize >= self.committed,
                "the offered offset went back"
            );
            self.committed = offset as usize;
        }
    }

    async fn reopen(&mut self, close: bool) {
        if close {
            self.fixture.task.close(&[partition()]).await.unwrap();
            self.fixture.task.open(&[partition()]).await.unwrap();
        } else {
            let store = self.fixture.store.clone();
            self.fixture = Fixture::start_on(store, &self.config, self.compression).await;
        }
        self.fixture.context.take_requests();
        self.position = self.committed;
        self.paused = false;
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Deliver(num_records) => self.put(num_records).await,
            Step::Commit => self.commit().await,
            Step::Rebalance => {
                self.commit().await;
                self.reopen(true).await;
            }
            Step::Lose => self.reopen(true).await,
            Step::Crash => self.reopen(false).await,
            Step::Wait => {
                tokio::time::advance(Duration::from_secs(6)).await;
                self.put(0).await;
            }
        }
    }

    /// Delivers the rest until all of it is durable that ever will be.
    async fn finish(&mut self) {
        let mut num_rounds = 0;
        loop {
            self.put(5).await;
            self.commit().await;
            tokio::time::advance(Duration::from_secs(6)).await;
            self.put(0).await;
            if self.position == self.records.len() && !self.paused {
                break;
            }
            num_rounds += 1;
            assert!(num_rounds < 1000, "the partition makes no progress");
        }
        self.commit().await;
        self.fixture.close().await;
    }
}

fn records(timestamps: &[i64]) -> Vec<SinkRecord> {
    timestamps
        .iter()
        .enumerate()
        .map(|(offset, timestamp)| {
            let mut record = record(offset as i64);
            record.record.timestamp = Some(*timestamp);
            record
        })
        .collect()
}

fn config(flush_size: &'static str, interval: Option<&'static str>) -> Config {
    let mut config = vec![("flush.size", flush_size), ("retry.backoff.ms", "5000")];
    if let Some(interval) = interval {
        config.extend([
            ("partitioner.class", TIME_BASED),
            ("partition.duration.ms", "5000"),
            ("path.format", "mm/ss"),
            ("locale", "en"),
            ("timezone", "Europe/Zurich"),
            ("timestamp.extractor", "Record"),
            ("rotate.interval.ms", interval),
        ]);
    }
    config
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn objects_are_those_of_a_run_without_faults(
        timestamps in proptest::collection::vec(0i64..20_000, 1..60),
        steps in proptest::collection::vec(step(), 0..60),
        // For each request in turn: 0 refuses it, 1 loses the answer, anything else is well.
        faults in proptest::collection::vec(0u8..6, 0..300),
        flush_size in prop::sample::select(vec!["1", "2", "5", "9"]),
        interval in prop::sample::select(vec![None, Some("-1"), Some("3000")]),
        compression in prop::sample::select(vec!["none", "gzip"]),
    ) {
        let config = config(flush_size, interval);
        let records = records(&timestamps);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let calm = MemoryStore::new(0);
            let mut run = Run::new(calm.clone(), config.clone(), compression, records.clone()).await;
            run.finish().await;

            let stormy = MemoryStore::new(0);
            stormy.set_fault_plan(move |number, request| {
                let error = || ConnectError::retriable("fault");
                match faults.get(number as usize) {
                    // What cannot be aborted stays behind; that is for the store's lifecycle rules.
                    _ if request == Request::Abort => Fate::Done,
                    Some(0) => Fate::Refused(error()),
                    // So does an upload whose id nobody learned.
                    Some(1) if request == Request::Create => Fate::Refused(error()),
                    Some(1) => Fate::AnswerLost(error()),
                    _ => Fate::Done,
                }
            });
            let mut run = Run::new(stormy.clone(), config, compression, records).await;
            for step in steps {
                run.step(step).await;
            }
            run.finish().await;

            assert_eq!(stormy.objects(), calm.objects());
            let mut offsets: Vec<i64> = run
                .fixture
                .lines()
                .into_iter()
                .flat_map(|(_, offsets)| offsets)
                .collect();
            offsets.sort_unstable();
            assert_eq!(offsets, (0..run.committed as i64).collect::<Vec<_>>());
        });
    }
}
