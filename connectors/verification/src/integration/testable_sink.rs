//! A sink that takes all and keeps nothing.

use super::{ALTER_OFFSETS_RESULT, named_task_configs};
use crate::config::is_true;
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::{
    ConnectorContext, Offsets, Result, SinkBatch, SinkConnector, SinkTask, SinkTaskContext,
    TopicPartition,
};

#[derive(Default)]
pub(super) struct TestableSinkConnector {
    config: ConfigMap,
}

#[async_trait]
impl SinkConnector for TestableSinkConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        self.config = config.clone();
        Ok(())
    }

    fn task_configs(&self, max_tasks: usize) -> Result<Vec<ConfigMap>> {
        Ok(named_task_configs(&self.config, max_tasks))
    }

    fn new_task(&self) -> Box<dyn SinkTask> {
        Box::new(TestableSinkTask)
    }

    async fn alter_offsets(
        &self,
        config: &ConfigMap,
        _offsets: &Offsets,
        _forgotten: &[TopicPartition],
    ) -> Result<bool> {
        Ok(is_true(config, ALTER_OFFSETS_RESULT))
    }
}

struct TestableSinkTask;

#[async_trait]
impl SinkTask for TestableSinkTask {
    async fn start(&mut self, _context: SinkTaskContext, _config: &ConfigMap) -> Result<()> {
        Ok(())
    }

    async fn put(&mut self, _batch: &SinkBatch) -> Result<()> {
        Ok(())
    }

    async fn pre_commit(&mut self, current: &Offsets) -> Result<Offsets> {
        Ok(current.clone())
    }

    async fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_of_alter_offsets_are_configured() {
        let connector = TestableSinkConnector::default();
        for (result, expected) in [(None, false), (Some("True"), true), (Some("1"), false)] {
            let config =
                ConfigMap::from_iter(result.map(|result| ("alter.offsets.result", result)));
            let altered = connector.alter_offsets(&config, &Offsets::new(), &[]).await;
            assert_eq!(altered.expect("answers"), expected, "{result:?}");
        }
    }
}
