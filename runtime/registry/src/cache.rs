//! Caches with bounds, in which concurrent requests for one key are one request.

use moka::future::Cache;
use std::future::Future;
use std::hash::Hash;

/// A cache of what is fetched. It is bounded by entries and by bytes; an error is not kept.
pub(crate) struct SingleFlight<K, V, E> {
    cache: Cache<K, V>,
    error: std::marker::PhantomData<fn() -> E>,
}

impl<K, V, E> SingleFlight<K, V, E>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// A cache of at most `max_entries` entries and about `max_num_bytes` bytes, as `num_bytes` counts
    /// them.
    pub(crate) fn new(
        max_entries: u64,
        max_num_bytes: u64,
        num_bytes: impl Fn(&K, &V) -> usize + Send + Sync + 'static,
    ) -> Self {
        // Each entry weighs at least its share of the bytes, so that one bound keeps both.
        let least = u32::try_from(max_num_bytes / max_entries.max(1))
            .unwrap_or(u32::MAX)
            .max(1);
        Self {
            cache: Cache::builder()
                .max_capacity(max_num_bytes)
                .weigher(move |key, value| {
                    u32::try_from(num_bytes(key, value))
                        .unwrap_or(u32::MAX)
                        .max(least)
                })
                .build(),
            error: std::marker::PhantomData,
        }
    }

    /// The value of a key: the kept one if it is fresh, else what `fetch` brings. Of several calls at a
    /// time one fetches; if it is given up, another takes its place.
    pub(crate) async fn get_or_fetch(
        &self,
        key: K,
        is_fresh: impl Fn(&V) -> bool,
        fetch: impl Future<Output = Result<V, E>>,
    ) -> Result<V, E> {
        if let Some(value) = self.cache.get(&key).await {
            if is_fresh(&value) {
                return Ok(value);
            }
            self.cache.invalidate(&key).await;
        }
        self.cache
            .try_get_with(key, fetch)
            .await
            .map_err(|error| E::clone(&error))
    }

    /// Drops what is kept for a key.
    pub(crate) async fn forget(&self, key: &K) {
        self.cache.invalidate(key).await;
    }

    #[cfg(test)]
    pub(crate) async fn num_entries(&self) -> u64 {
        self.cache.run_pending_tasks().await;
        self.cache.entry_count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    type TestCache = SingleFlight<usize, String, String>;

    async fn fill(cache: &TestCache, num_bytes: usize) {
        for key in 0..1000 {
            let value = async { Ok("x".repeat(num_bytes)) };
            cache.get_or_fetch(key, |_| true, value).await.unwrap();
        }
    }

    #[tokio::test]
    async fn both_bounds_hold() {
        let cache = TestCache::new(100, 100_000, |_, value| value.len());
        fill(&cache, 1).await;
        let num_entries = cache.num_entries().await;
        assert!((50..=100).contains(&num_entries), "{num_entries}");
        let cache = TestCache::new(100, 100_000, |_, value| value.len());
        fill(&cache, 10_000).await;
        let num_entries = cache.num_entries().await;
        assert!((5..=10).contains(&num_entries), "{num_entries}");
    }

    #[tokio::test]
    async fn concurrent_requests_are_one_and_errors_are_not_kept() {
        let cache = TestCache::new(100, 100_000, |_, value| value.len());
        let (fetches, gate) = (AtomicUsize::new(0), Semaphore::new(0));
        let one = || {
            cache.get_or_fetch(7, |_| true, async {
                fetches.fetch_add(1, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                Err::<String, _>("down".to_string())
            })
        };
        let open = async {
            tokio::task::yield_now().await;
            gate.add_permits(1);
        };
        let (first, second, third, ()) = tokio::join!(one(), one(), one(), open);
        assert_eq!(
            (first, second, third),
            (
                Err("down".to_string()),
                Err("down".to_string()),
                Err("down".to_string())
            )
        );
        assert_eq!(fetches.load(Ordering::SeqCst), 1);
        let value = cache.get_or_fetch(7, |_| true, async { Ok("up".to_string()) });
        assert_eq!(value.await.unwrap(), "up");
        let value = cache.get_or_fetch(7, |_| false, async { Ok("new".to_string()) });
        assert_eq!(value.await.unwrap(), "new");
    }
}
