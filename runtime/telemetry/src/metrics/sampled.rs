//! Statistics over a sliding window, as Kafka's `SampledStat` keeps them.
//!
//! The window is a ring of samples. Recording touches one sample with a few atomic operations and
//! never waits: of several writers at the end of a sample one starts the next, the others still write
//! to the old one.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

/// How long a sample lasts and how many of them make the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub sample_window_ms: i64,
    pub num_samples: usize,
}

impl Window {
    fn expire_age_ms(self) -> i64 {
        self.sample_window_ms
            .saturating_mul(i64::try_from(self.num_samples).unwrap_or(i64::MAX))
    }
}

#[derive(Debug)]
struct Sample {
    start_ms: AtomicI64,
    last_event_ms: AtomicI64,
    count: AtomicU64,
    sum: AtomicI64,
    max: AtomicI64,
    min: AtomicI64,
}

impl Sample {
    fn unused() -> Self {
        Self {
            start_ms: AtomicI64::new(0),
            last_event_ms: AtomicI64::new(0),
            count: AtomicU64::new(0),
            sum: AtomicI64::new(0),
            max: AtomicI64::new(i64::MIN),
            min: AtomicI64::new(i64::MAX),
        }
    }

    fn restart(&self, now_ms: i64) {
        self.count.store(0, Ordering::Relaxed);
        self.sum.store(0, Ordering::Relaxed);
        self.max.store(i64::MIN, Ordering::Relaxed);
        self.min.store(i64::MAX, Ordering::Relaxed);
        self.last_event_ms.store(now_ms, Ordering::Relaxed);
        self.start_ms.store(now_ms, Ordering::Relaxed);
    }
}

/// The samples that still count, added up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measurement {
    count: u64,
    sum: i64,
    max: i64,
    min: i64,
    window_ms: i64,
}

impl Measurement {
    /// The mean; NaN without values, as JMX shows it.
    pub fn avg(&self) -> f64 {
        if self.count == 0 {
            return f64::NAN;
        }
        self.sum as f64 / self.count as f64
    }

    /// The greatest value; NaN without values.
    pub fn max(&self) -> f64 {
        if self.count == 0 {
            return f64::NAN;
        }
        self.max as f64
    }

    /// The least value; NaN without values.
    pub fn min(&self) -> f64 {
        if self.count == 0 {
            return f64::NAN;
        }
        self.min as f64
    }

    /// The sum for each second.
    pub fn rate(&self) -> f64 {
        self.sum as f64 / (self.window_ms as f64 / 1000.0)
    }
}

/// Values recorded over a sliding window.
#[derive(Debug)]
pub(super) struct SampledStat {
    window: Window,
    /// One more than make the window, so that the one that overlaps its start still counts.
    samples: Box<[Sample]>,
    current: AtomicUsize,
    advancing: AtomicBool,
}

impl SampledStat {
    pub fn new(window: Window, now_ms: i64) -> Self {
        let samples: Box<[Sample]> = (0..=window.num_samples.max(1))
            .map(|_| Sample::unused())
            .collect();
        if let Some(first) = samples.first() {
            first.restart(now_ms);
        }
        Self {
            window,
            samples,
            current: AtomicUsize::new(0),
            advancing: AtomicBool::new(false),
        }
    }

    pub fn record(&self, now_ms: i64, value: i64) {
        let sample = self.current_sample(now_ms);
        sample.count.fetch_add(1, Ordering::Relaxed);
        sample.sum.fetch_add(value, Ordering::Relaxed);
        sample.max.fetch_max(value, Ordering::Relaxed);
        sample.min.fetch_min(value, Ordering::Relaxed);
        sample.last_event_ms.fetch_max(now_ms, Ordering::Relaxed);
    }

    fn current_sample(&self, now_ms: i64) -> &Sample {
        let index = self.current.load(Ordering::Acquire);
        let sample = &self.samples[index];
        let is_full = |sample: &Sample| {
            now_ms - sample.start_ms.load(Ordering::Relaxed) >= self.window.sample_window_ms
        };
        if !is_full(sample) || self.advancing.swap(true, Ordering::Acquire) {
            return sample;
        }
        // Another writer may have moved on between the look and the claim.
        let index = self.current.load(Ordering::Relaxed);
        let mut sample = &self.samples[index];
        if is_full(sample) {
            let next = (index + 1) % self.samples.len();
            sample = &self.samples[next];
            sample.restart(now_ms);
            self.current.store(next, Ordering::Release);
        }
        self.advancing.store(false, Ordering::Release);
        sample
    }

    pub fn measure(&self, now_ms: i64) -> Measurement {
        let mut measurement = Measurement {
            count: 0,
            sum: 0,
            max: i64::MIN,
            min: i64::MAX,
            window_ms: 0,
        };
        let mut oldest_ms = now_ms;
        for sample in &self.samples {
            let count = sample.count.load(Ordering::Relaxed);
            let age_ms = now_ms - sample.last_event_ms.load(Ordering::Relaxed);
            if count == 0 || age_ms >= self.window.expire_age_ms() {
                continue;
            }
            measurement.count += count;
            measurement.sum += sample.sum.load(Ordering::Relaxed);
            measurement.max = measurement.max.max(sample.max.load(Ordering::Relaxed));
            measurement.min = measurement.min.min(sample.min.load(Ordering::Relaxed));
            oldest_ms = oldest_ms.min(sample.start_ms.load(Ordering::Relaxed));
        }
        measurement.window_ms = self.rate_window_ms(now_ms - oldest_ms);
        measurement
    }

    /// The time that a rate is taken over: at least all samples but one, so that the first records
    /// after a start do not show as a burst.
    fn rate_window_ms(&self, elapsed_ms: i64) -> i64 {
        let sample_window_ms = self.window.sample_window_ms.max(1);
        let num_full = elapsed_ms / sample_window_ms;
        let min_full = i64::try_from(self.window.num_samples).unwrap_or(i64::MAX) - 1;
        let missing = (min_full - num_full).max(0);
        elapsed_ms
            .saturating_add(missing.saturating_mul(sample_window_ms))
            .max(1)
    }
}

/// A sum over all time with its rate over the window.
#[derive(Debug)]
pub(super) struct Meter {
    total: AtomicU64,
    sampled: SampledStat,
}

impl Meter {
    pub fn new(window: Window, now_ms: i64) -> Self {
        Self {
            total: AtomicU64::new(0),
            sampled: SampledStat::new(window, now_ms),
        }
    }

    pub fn record(&self, now_ms: i64, count: u64) {
        self.total.fetch_add(count, Ordering::Relaxed);
        self.sampled
            .record(now_ms, i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    pub fn rate(&self, now_ms: i64) -> f64 {
        self.sampled.measure(now_ms).rate()
    }
}

/// The share of successes among attempts within the window.
#[derive(Debug)]
pub(super) struct Outcomes(SampledStat);

impl Outcomes {
    pub fn new(window: Window, now_ms: i64) -> Self {
        Self(SampledStat::new(window, now_ms))
    }

    pub fn record(&self, now_ms: i64, success: bool) {
        self.0.record(now_ms, i64::from(success));
    }

    /// The shares of successes and of failures, from 0 to 1; both 0 without attempts.
    pub fn percentages(&self, now_ms: i64) -> (f64, f64) {
        let measurement = self.0.measure(now_ms);
        if measurement.count == 0 {
            return (0.0, 0.0);
        }
        let success = measurement.avg();
        (success, 1.0 - success)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window {
        sample_window_ms: 30_000,
        num_samples: 2,
    };

    #[test]
    fn a_rate_just_after_the_start_is_taken_over_a_full_sample() {
        let stat = SampledStat::new(WINDOW, 0);
        stat.record(0, 300);
        assert_eq!(stat.measure(0).rate(), 300.0 / 30.0);
        assert_eq!(stat.measure(10_000).rate(), 300.0 / 40.0);
        assert_eq!(stat.measure(40_000).rate(), 300.0 / 40.0);
    }

    #[test]
    fn samples_leave_the_window_one_by_one() {
        let stat = SampledStat::new(WINDOW, 0);
        stat.record(1_000, 5);
        stat.record(31_000, 7);
        assert_eq!(stat.measure(31_000).max(), 7.0);
        assert_eq!(stat.measure(31_000).min(), 5.0);
        assert_eq!(stat.measure(60_999).avg(), 6.0);
        assert_eq!(stat.measure(61_000).avg(), 7.0);
        assert!(stat.measure(91_000).avg().is_nan());
        assert_eq!(stat.measure(91_000).rate(), 0.0);
    }

    #[test]
    fn outcomes_are_fractions_and_zero_without_attempts() {
        let outcomes = Outcomes::new(WINDOW, 0);
        assert_eq!(outcomes.percentages(0), (0.0, 0.0));
        for success in [true, true, true, false] {
            outcomes.record(0, success);
        }
        assert_eq!(outcomes.percentages(1), (0.75, 0.25));
    }

    #[test]
    fn writers_on_several_threads_lose_nothing() {
        let stat = SampledStat::new(WINDOW, 0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|n| stat.record(n, 1)));
            }
        });
        assert_eq!(stat.measure(10_000).sum, 40_000);
    }
}
