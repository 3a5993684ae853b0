//! A sink whose tasks keep their thread for good at one call, as no task should: giving them up does not
//! end them, and their consumer stays in its group until the worker ends.

use async_trait::async_trait;
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance};
use connect_api::{
    ConnectorContext, Offsets, Result, SinkBatch, SinkConnector, SinkTask, SinkTaskContext,
    TopicPartition,
};
use std::sync::LazyLock;

const BLOCK_CONFIG: &str = "block";

static CONFIG_DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new().define(
        ConfigKey::new(BLOCK_CONFIG, ConfigType::String)
            .default("")
            .importance(Importance::Medium)
            .doc(
                "Where a task blocks for good: 'Task::start', 'SinkTask::open', 'SinkTask::put', \
                 'SinkTask::preCommit', 'SinkTask::flush', 'SinkTask::close' or 'Task::stop'",
            ),
    )
});

pub(super) fn config_def() -> &'static ConfigDef {
    &CONFIG_DEF
}

#[derive(Default)]
pub(super) struct BlockingSinkConnector {
    config: ConfigMap,
}

#[async_trait]
impl SinkConnector for BlockingSinkConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        self.config = config.clone();
        Ok(())
    }

    fn task_configs(&self, max_tasks: usize) -> Result<Vec<ConfigMap>> {
        Ok(vec![self.config.clone(); max_tasks])
    }

    fn new_task(&self) -> Box<dyn SinkTask> {
        Box::new(BlockingSinkTask::default())
    }
}

struct BlockingSinkTask {
    block: String,
    block_thread: fn(),
}

/// Keeps the thread, of which the runtime makes another for the other tasks.
fn block_thread() {
    tokio::task::block_in_place(|| {
        loop {
            std::thread::park();
        }
    });
}

impl Default for BlockingSinkTask {
    fn default() -> Self {
        Self {
            block: String::new(),
            block_thread,
        }
    }
}

impl BlockingSinkTask {
    fn block_on(&self, call: &str) {
        if self.block == call {
            tracing::info!("Will block on {call}");
            (self.block_thread)();
        }
    }
}

#[async_trait]
impl SinkTask for BlockingSinkTask {
    async fn start(&mut self, _context: SinkTaskContext, config: &ConfigMap) -> Result<()> {
        self.block = config.get(BLOCK_CONFIG).unwrap_or_default().to_owned();
        self.block_on("Task::start");
        Ok(())
    }

    async fn open(&mut self, _partitions: &[TopicPartition]) -> Result<()> {
        self.block_on("SinkTask::open");
        Ok(())
    }

    async fn put(&mut self, _batch: &SinkBatch) -> Result<()> {
        self.block_on("SinkTask::put");
        Ok(())
    }

    async fn pre_commit(&mut self, current: &Offsets) -> Result<Offsets> {
        self.block_on("SinkTask::preCommit");
        self.block_on("SinkTask::flush");
        Ok(current.clone())
    }

    async fn close(&mut self, _partitions: &[TopicPartition]) -> Result<()> {
        self.block_on("SinkTask::close");
        Ok(())
    }

    async fn stop(&mut self) -> Result<()> {
        self.block_on("Task::stop");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paused_clock::PausedClock;
    use std::cell::Cell;
    use std::sync::Arc;

    thread_local! {
        static NUM_BLOCKED: Cell<u32> = const { Cell::new(0) };
    }

    /// The calls that keep the thread.
    async fn blocked_calls(block: &str) -> Vec<&'static str> {
        let mut task = BlockingSinkTask {
            block: String::new(),
            block_thread: || NUM_BLOCKED.set(NUM_BLOCKED.get() + 1),
        };
        let context = SinkTaskContext::new(Arc::new(PausedClock::new()), None);
        let config = ConfigMap::from_iter([("block", block)]);
        let mut blocked = Vec::new();
        macro_rules! call {
            ($name:literal, $future:expr) => {
                $future.await.expect("never fails");
                if NUM_BLOCKED.take() > 0 {
                    blocked.push($name);
                }
            };
        }
        call!("start", task.start(context, &config));
        call!("open", task.open(&[]));
        call!("put", task.put(&SinkBatch::empty()));
        call!("pre_commit", task.pre_commit(&Offsets::new()));
        call!("close", task.close(&[]));
        call!("stop", task.stop());
        blocked
    }

    #[tokio::test]
    async fn the_call_that_is_named_blocks_and_no_other() {
        assert_eq!(blocked_calls("").await, [""; 0]);
        for (block, call) in [
            ("Task::start", "start"),
            ("SinkTask::open", "open"),
            ("SinkTask::put", "put"),
            ("SinkTask::preCommit", "pre_commit"),
            ("SinkTask::flush", "pre_commit"),
            ("SinkTask::close", "close"),
            ("Task::stop", "stop"),
        ] {
            assert_eq!(blocked_calls(block).await, [call], "{block}");
        }
    }
}
