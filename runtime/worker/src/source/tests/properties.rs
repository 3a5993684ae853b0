//! Whatever mix of records comes: each is written, in the dead letter queue, or skipped because the
//! user said so, before a source offset behind it is stored.

use super::{Fixture, Setup, rows, start_with};
use crate::testing::{
    DeadLetters, dead_letter_queue, error_counts, eventually, transforming_chain,
};
use crate::tolerance::{ErrorPolicy, Tolerance};
use connect_kafka::error::ErrorCode;
use proptest::prelude::*;
use std::time::Duration;

#[derive(Clone, Debug)]
struct Case {
    /// What each record begins with, see [`Faults`](crate::testing::Faults).
    faults: Vec<&'static str>,
    tolerance: Tolerance,
    has_queue: bool,
    retries: bool,
    batch_size: usize,
    /// Kafka refuses the first record that is sent.
    refuses_first: bool,
    loses_letter: bool,
    holds_letters: bool,
}

fn case() -> impl Strategy<Value = Case> {
    let fault = prop_oneof![
        6 => Just("good"),
        1 => Just("bad"),
        1 => Just("t-bad"),
        1 => Just("flaky-3"),
        1 => Just("hopeless"),
    ];
    (
        prop::collection::vec(fault, 1..24),
        prop_oneof![Just(Tolerance::None), Just(Tolerance::All)],
        any::<bool>(),
        any::<bool>(),
        1usize..7,
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
    )
        .prop_map(
            |(
                faults,
                tolerance,
                has_queue,
                retries,
                batch_size,
                refuses_first,
                loses_letter,
                holds_letters,
            )| Case {
                faults,
                tolerance,
                has_queue,
                retries,
                batch_size,
                refuses_first,
                loses_letter,
                holds_letters,
            },
        )
}

impl Case {
    /// The dot keeps one number from being the beginning of another.
    fn value(&self, index: usize) -> String {
        format!("{} {index}.", self.faults[index])
    }

    fn is_given_up(&self, index: usize) -> bool {
        match self.faults[index] {
            "good" => false,
            "flaky-3" => !self.retries,
            _ => true,
        }
    }

    async fn run(&self) -> Result<(), TestCaseError> {
        let (plan, letters) = dead_letter_queue();
        let fixture = start_with(Setup {
            error_policy: ErrorPolicy {
                tolerance: self.tolerance,
                retry_timeout: Some(Duration::from_secs(if self.retries { 20 } else { 0 })),
                ..ErrorPolicy::default()
            },
            chain: Some(transforming_chain()),
            dead_letter_queue: self.has_queue.then_some(plan),
            ..Setup::default()
        });
        letters.producer.hold(self.holds_letters);
        if self.loses_letter {
            letters
                .producer
                .fail_next_delivery(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
        }
        if self.refuses_first {
            fixture
                .producer
                .fail_next_delivery(ErrorCode::MESSAGE_TOO_LARGE);
        }
        let mut values: Vec<(String, i64)> = (0..self.faults.len())
            .map(|index| (self.value(index), index as i64 + 1))
            .collect();
        // Two: the first may be the one that is refused.
        for end in ["end", "end"] {
            values.push((end.to_string(), values.len() as i64 + 1));
        }
        for batch in values.chunks(self.batch_size) {
            let batch: Vec<(&str, i64)> = batch
                .iter()
                .map(|(value, offset)| (value.as_str(), *offset))
                .collect();
            fixture.shared.poll_returns(Ok(rows(&batch)));
        }
        eventually("all are written or the task has failed", || {
            let num_ends = fixture
                .written()
                .iter()
                .filter(|value| *value == "end")
                .count();
            fixture.handle.is_ended() || num_ends == self.num_ends()
        })
        .await;
        fixture.stop().await;
        self.check(&fixture, &letters).await
    }

    /// How many of the two last records are written if all goes on.
    fn num_ends(&self) -> usize {
        let is_any_sent = (0..self.faults.len()).any(|index| !self.is_given_up(index));
        if self.refuses_first && !is_any_sent {
            1
        } else {
            2
        }
    }

    async fn check(&self, fixture: &Fixture, letters: &DeadLetters) -> Result<(), TestCaseError> {
        let stored = fixture.stored_offset().await.unwrap_or(0);
        let (written, queued) = (fixture.written(), letters.values());
        let is_tolerant = self.tolerance == Tolerance::All;
        for index in 0..self.faults.len().min(stored as usize) {
            let value = self.value(index);
            let is_queued = queued.iter().any(|letter| letter.contains(&value));
            prop_assert!(
                written.contains(&value) || is_queued || (is_tolerant && !self.has_queue),
                "{value} is lost: {stored} is stored"
            );
        }
        let has_failed = fixture.events.failure().is_some();
        let any_given_up = (0..self.faults.len()).any(|index| self.is_given_up(index));
        let any_unwritten = any_given_up || self.refuses_first;
        if !is_tolerant {
            prop_assert_eq!(has_failed, any_unwritten);
        } else if !(self.has_queue && any_unwritten && (self.loses_letter || self.holds_letters)) {
            prop_assert!(!has_failed);
            prop_assert_eq!(stored, self.faults.len() as i64 + 2);
        }
        let [failures, errors, skipped, retries, _, requests, lost] =
            error_counts(&fixture.metrics);
        let num_given_up = failures - retries;
        if is_tolerant {
            let num_refused = u64::from(self.refuses_first);
            prop_assert_eq!(errors, skipped);
            if !has_failed {
                prop_assert_eq!(num_given_up, skipped + num_refused);
            }
        } else {
            prop_assert_eq!((errors, skipped), (num_given_up, 0));
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
    fn no_offset_is_stored_past_a_record_that_is_nowhere(case in case()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime of one thread");
        runtime.block_on(case.run())?;
    }
}
