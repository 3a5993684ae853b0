//! Metrics that a plugin keeps itself (KIP-877).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The metrics of one plugin of one task. The runtime shows them as the attributes of
/// `kafka.connect:type=plugins,connector=...,task=...`. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct PluginMetrics {
    gauges: Arc<Mutex<BTreeMap<&'static str, Gauge>>>,
}

impl PluginMetrics {
    /// The gauge of a name, which says what is measured and in which unit: `queue-size-bytes`. The first
    /// call makes it.
    pub fn gauge(&self, name: &'static str) -> Gauge {
        let mut gauges = self.gauges.lock().unwrap_or_else(PoisonError::into_inner);
        gauges.entry(name).or_default().clone()
    }

    /// The present values, in the order of their names.
    pub fn values(&self) -> Vec<(&'static str, f64)> {
        let gauges = self.gauges.lock().unwrap_or_else(PoisonError::into_inner);
        gauges
            .iter()
            .map(|(name, gauge)| (*name, gauge.get()))
            .collect()
    }
}

/// A number that may go up and down; not a number until it is set. Clones share it.
#[derive(Clone, Debug)]
pub struct Gauge(Arc<AtomicU64>);

impl Default for Gauge {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(f64::NAN.to_bits())))
    }
}

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    /// The value that was set last.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_made_once_and_shared() {
        let metrics = PluginMetrics::default();
        let lag = metrics.gauge("lag-seconds");
        assert!(lag.get().is_nan());
        lag.set(2.5);
        metrics.clone().gauge("age-seconds").set(1.0);
        assert_eq!(metrics.gauge("lag-seconds").get(), 2.5);
        assert_eq!(
            metrics.values(),
            [("age-seconds", 1.0), ("lag-seconds", 2.5)]
        );
    }
}
