//! What the tests of the tasks share: a clock that runs on tokio's paused time, and stored offsets.

use crate::printer::Printer;
use connect_api::data::Map;
use connect_api::{Clock, OffsetStorageReader, Result};
use futures::future::BoxFuture;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Time that goes on only while every task waits for it.
pub(crate) struct PausedClock(tokio::time::Instant);

impl PausedClock {
    pub(crate) const START_MS: i64 = 1_700_000_000_000;

    pub(crate) fn new() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for PausedClock {
    fn now_ms(&self) -> i64 {
        Self::START_MS + self.0.elapsed().as_millis() as i64
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// One stored offset, for whatever partition.
pub(crate) struct StoredOffset(pub(crate) Option<Map>);

#[async_trait::async_trait]
impl OffsetStorageReader for StoredOffset {
    async fn offsets(&self, partitions: &[Map]) -> Result<Vec<Option<Map>>> {
        Ok(vec![self.0.clone(); partitions.len()])
    }
}

/// What was printed.
#[derive(Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    pub(crate) fn printer(&self) -> Printer {
        Printer::to(self.0.clone())
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().expect("no panic before").clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(text.is_empty() || text.ends_with('\n'), "lines are whole");
        text.lines().map(str::to_string).collect()
    }
}
