//! What the command loop is doing, for the messages of requests that time out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The stage that the worker is in.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<(String, SystemTime)>,
    was_ready: bool,
}

impl Stage {
    /// The worker does this until the returned guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>, what: &str) -> StageGuard {
        self.set(Some((what.to_string(), SystemTime::now())));
        StageGuard(self.clone())
    }

    fn set(&self, current: Option<(String, SystemTime)>) {
        self.lock().current = current;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker has become a member of its group.
    pub(crate) fn ready(&self) {
        self.lock().was_ready = true;
    }

    /// Whether the worker has ever been a member of its group.
    pub(crate) fn was_ready(&self) -> bool {
        self.lock().was_ready
    }

    /// `The worker is currently <what>, which began at <time>.`
    pub(crate) fn sentence(&self) -> Option<String> {
        let state = self.lock();
        let (what, since) = state.current.as_ref()?;
        Some(format!(
            "The worker is currently {what}, which began at {}.",
            iso_8601(*since)
        ))
    }
}

/// Ends a stage when dropped.
pub(crate) struct StageGuard(Arc<Stage>);

impl Drop for StageGuard {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

/// A time in UTC, to the millisecond.
fn iso_8601(time: SystemTime) -> String {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since_epoch.as_secs();
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    // The days of a year that begins in March, in eras of 400 years.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second_of_day / 3600,
        second_of_day / 60 % 60,
        second_of_day % 60,
        since_epoch.subsec_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_stage_is_told_until_it_ends() {
        let stage = Arc::new(Stage::default());
        assert_eq!(stage.sentence(), None);
        let guard = stage.enter("starting");
        let sentence = stage.sentence().unwrap();
        assert!(sentence.starts_with("The worker is currently starting, which began at 20"));
        drop(guard);
        assert_eq!(stage.sentence(), None);
        let time = UNIX_EPOCH + Duration::from_millis(1_709_208_000_123);
        assert_eq!(iso_8601(time), "2024-02-29T12:00:00.123Z");
    }
}
