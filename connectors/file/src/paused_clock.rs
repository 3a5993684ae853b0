//! What the tests of both tasks share: a clock that runs on tokio's paused time, and stored offsets.

use connect_api::data::Map;
use connect_api::{Clock, OffsetStorageReader, Result};
use futures::future::BoxFuture;
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
