//! Whatever mix of records comes: each is written, in the dead letter queue, or skipped because the
//! user said so, before an offset behind it is committed.

use super::{Fixture, Setup, partition, start_as};
use crate::testing::{
    DeadLetters, dead_letter_queue, error_counts, eventually, transforming_chain,
};
use crate::tolerance::{ErrorPolicy, Tolerance};
use connect_kafka::consumer::FakeRecord;
use connect_kafka::error::ErrorCode;
use proptest::prelude::*;
use std::time::Duration;

#[derive(Clone, Debug)]
enum Kind {
    Good,
    Bad,
    BadTransform,
    /// Fails so many times, then no more.
    Flaky(u8),
    Hopeless,
    /// The task itself reports it.
    Errant,
}

#[derive(Clone, Debug)]
struct Case {
    kinds: Vec<Kind>,
    tolerance: Tolerance,
    has_queue: bool,
    retries: bool,
    max_poll_records: usize,
    /// The first letter is lost.
    loses_letter: bool,
    /// No letter is acknowledged before the task ends.
    holds_letters: bool,
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        6 => Just(Kind::Good),
        1 => Just(Kind::Bad),
        1 => Just(Kind::BadTransform),
        1 => (1u8..5).prop_map(Kind::Flaky),
        1 => Just(Kind::Hopeless),
        1 => Just(Kind::Errant),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    (
        prop::collection::vec(kind(), 1..24),
        prop_oneof![Just(Tolerance::None), Just(Tolerance::All)],
        any::<bool>(),
        any::<bool>(),
        1usize..7,
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
    )
        .prop_map(
            |(
                kinds,
                tolerance,
                has_queue,
                retries,
                max_poll_records,
                loses_letter,
                holds_letters,
            )| Case {
                kinds,
                tolerance,
                has_queue,
                retries,
                max_poll_records,
                loses_letter,
                holds_letters,
            },
        )
}

impl Case {
    fn value(&self, index: usize) -> String {
        match self.kinds[index] {
            Kind::Good => format!("good {index}"),
            Kind::Bad => format!("bad {index}"),
            Kind::BadTransform => format!("t-bad {index}"),
            Kind::Flaky(times) => format!("flaky-{times} {index}"),
            Kind::Hopeless => format!("hopeless {index}"),
            Kind::Errant => format!("errant {index}"),
        }
    }

    /// Whether the record does not reach the outside system.
    fn is_given_up(&self, index: usize) -> bool {
        match self.kinds[index] {
            Kind::Good => false,
            Kind::Bad | Kind::BadTransform | Kind::Hopeless => true,
            Kind::Flaky(_) => !self.retries,
            // Without a queue the task has no reporter, and takes it.
            Kind::Errant => self.has_queue,
        }
    }

    async fn run(&self) -> Result<(), TestCaseError> {
        let (plan, letters) = dead_letter_queue();
        let fixture = start_as(Setup {
            error_policy: ErrorPolicy {
                tolerance: self.tolerance,
                retry_timeout: Some(Duration::from_secs(if self.retries { 20 } else { 0 })),
                ..ErrorPolicy::default()
            },
            chain: transforming_chain(),
            dead_letter_queue: self.has_queue.then_some(plan),
            ..Setup::default()
        });
        fixture.consumer.set_max_poll_records(self.max_poll_records);
        letters.producer.hold(self.holds_letters);
        if self.loses_letter {
            letters
                .producer
                .fail_next_delivery(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
        }
        fixture.consumer.assign(&[partition(0)]);
        for index in 0..self.kinds.len() {
            let record = FakeRecord::value(self.value(index));
            fixture.consumer.append(&partition(0), [record]);
        }
        fixture
            .consumer
            .append(&partition(0), [FakeRecord::value("end")]);
        eventually("all are taken or the task has failed", || {
            fixture.handle.is_ended() || fixture.script.taken().iter().any(|value| value == "end")
        })
        .await;
        fixture.handle.stop();
        fixture.handle.ended().await;
        self.check(&fixture, &letters)
    }

    fn check(&self, fixture: &Fixture, letters: &DeadLetters) -> Result<(), TestCaseError> {
        let committed = fixture.consumer.committed(&partition(0)).unwrap_or(0);
        let (taken, queued) = (fixture.script.taken(), letters.values());
        for index in 0..self.kinds.len().min(committed as usize) {
            let value = self.value(index);
            let is_skipped =
                self.is_given_up(index) && !self.has_queue && self.tolerance == Tolerance::All;
            prop_assert!(
                taken.contains(&value) || queued.contains(&value) || is_skipped,
                "{value} is lost: {committed} is committed"
            );
        }
        let has_failed = fixture.events.failure().is_some();
        let first_given_up = (0..self.kinds.len()).find(|index| self.is_given_up(*index));
        match (self.tolerance, first_given_up) {
            (Tolerance::None, Some(first)) => {
                prop_assert!(has_failed);
                prop_assert!(committed <= first as i64);
            }
            (Tolerance::All, Some(_)) if self.has_queue => {
                if self.loses_letter {
                    // A letter that is held back too is only lost when the task ends.
                    prop_assert!(has_failed || self.holds_letters);
                }
                if self.loses_letter || self.holds_letters {
                    prop_assert!(committed <= first_given_up.unwrap_or_default() as i64);
                }
            }
            _ => prop_assert!(!has_failed),
        }
        let is_held_back = self.has_queue && self.holds_letters && first_given_up.is_some();
        if !has_failed && !is_held_back {
            prop_assert_eq!(committed, self.kinds.len() as i64 + 1);
        }
        let [failures, errors, skipped, retries, _, requests, lost] =
            error_counts(&fixture.metrics);
        let num_given_up = failures - retries;
        match self.tolerance {
            Tolerance::None => prop_assert_eq!((errors, skipped), (num_given_up, 0)),
            Tolerance::All => {
                let by_chain = |index: &usize| !matches!(self.kinds[*index], Kind::Errant);
                prop_assert_eq!(errors, skipped);
                if !has_failed {
                    let given_up = (0..self.kinds.len()).filter(|index| self.is_given_up(*index));
                    prop_assert_eq!(num_given_up, given_up.clone().count() as u64);
                    prop_assert_eq!(skipped, given_up.filter(by_chain).count() as u64);
                }
            }
        }
        if self.has_queue {
            prop_assert_eq!(requests, num_given_up);
            prop_assert_eq!(queued.len() as u64 + lost, requests);
        } else {
            prop_assert_eq!(requests, 0);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 192,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_record_is_committed_past_that_is_nowhere(case in case()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime of one thread");
        runtime.block_on(case.run())?;
    }
}
