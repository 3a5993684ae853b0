//! `connector-metrics`.

use super::mbean::MBean;
use super::state::State;
use connect_api::ConnectorType;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};

/// The connector that metrics belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorDescription {
    /// The name.
    pub connector: String,
    /// The class name of the plugin.
    pub class: String,
    /// The version of the plugin.
    pub version: String,
    /// Source or sink.
    pub connector_type: ConnectorType,
}

#[derive(Debug)]
struct Inner {
    description: ConnectorDescription,
    state: AtomicU8,
}

/// A handle that keeps nothing alive.
pub(super) struct WeakMetrics(Weak<Inner>);

/// The metrics of one connector instance. Clones share them.
#[derive(Clone, Debug)]
pub struct ConnectorMetrics {
    inner: Arc<Inner>,
}

impl ConnectorMetrics {
    pub(super) fn new(description: ConnectorDescription) -> Self {
        Self {
            inner: Arc::new(Inner {
                description,
                state: AtomicU8::new(State::Unassigned as u8),
            }),
        }
    }

    /// The connector.
    pub fn description(&self) -> &ConnectorDescription {
        &self.inner.description
    }

    /// The connector is in this state from now on.
    pub fn set_state(&self, state: State) {
        self.inner.state.store(state as u8, Ordering::Relaxed);
    }

    /// The state that was set last.
    pub fn state(&self) -> State {
        State::ALL[usize::from(self.inner.state.load(Ordering::Relaxed)) % State::ALL.len()]
    }

    pub(super) fn downgrade(&self) -> WeakMetrics {
        WeakMetrics(Arc::downgrade(&self.inner))
    }

    pub(super) fn upgrade(weak: &WeakMetrics) -> Option<Self> {
        let inner = weak.0.upgrade()?;
        Some(Self { inner })
    }

    pub(super) fn mbean(&self) -> MBean {
        let description = &self.inner.description;
        let mut bean = MBean::connect(
            "connector-metrics",
            vec![("connector", description.connector.clone())],
        );
        bean.text("status", self.state().name());
        bean.text("connector-type", description.connector_type.name());
        bean.text("connector-class", description.class.as_str());
        bean.text("connector-version", description.version.as_str());
        bean
    }
}
