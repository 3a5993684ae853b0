//! A connector instance: started, paused, stopped, and asked for task configurations.

use crate::task::panic_error;
use connect_api::config::ConfigMap;
use connect_api::{
    Clock, ConnectError, ConnectorContext, ConnectorEvent, Result, SinkConnector, SourceConnector,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::Instrument;

/// A connector of either direction.
pub enum ConnectorInstance {
    /// A source.
    Source(Box<dyn SourceConnector>),
    /// A sink.
    Sink(Box<dyn SinkConnector>),
}

impl ConnectorInstance {
    async fn start(&mut self, context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        match self {
            Self::Source(connector) => connector.start(context, config).await,
            Self::Sink(connector) => connector.start(context, config).await,
        }
    }

    async fn stop(&mut self) -> Result<()> {
        match self {
            Self::Source(connector) => connector.stop().await,
            Self::Sink(connector) => connector.stop().await,
        }
    }

    fn task_configs(&self, max_tasks: usize) -> Result<Vec<ConfigMap>> {
        match self {
            Self::Source(connector) => connector.task_configs(max_tasks),
            Self::Sink(connector) => connector.task_configs(max_tasks),
        }
    }
}

/// What a user wants a connector to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectorTargetState {
    /// It watches its outside system.
    Started,
    /// It is stopped; its tasks stay allocated.
    Paused,
    /// It is stopped and has no tasks.
    Stopped,
}

/// What has become of a connector.
#[derive(Clone, Debug)]
pub enum ConnectorUpdate {
    /// RUNNING.
    Started,
    /// PAUSED.
    Paused,
    /// STOPPED.
    Stopped,
    /// FAILED.
    Failed(ConnectError),
    /// UNASSIGNED: it was shut down as it was told.
    Shutdown,
    /// It asks for its tasks to be configured anew.
    TaskReconfigurationRequested,
}

/// Hears of the states of connectors. Calls must not block.
pub trait ConnectorStatusListener: Send + Sync {
    /// A connector has come into a new state, or asks for something.
    fn on_connector_update(&self, connector: &str, update: ConnectorUpdate);
}

enum Command {
    Transition {
        target_state: ConnectorTargetState,
        done: oneshot::Sender<Result<ConnectorTargetState>>,
    },
    TaskConfigs {
        max_tasks: usize,
        configs: oneshot::Sender<Result<Vec<ConfigMap>>>,
    },
    Shutdown,
}

/// A connector that was spawned.
pub struct ConnectorHandle {
    name: Arc<str>,
    commands: mpsc::UnboundedSender<Command>,
    ended: watch::Receiver<bool>,
    abort: tokio::task::AbortHandle,
}

/// Spawns a connector instance; [`ConnectorHandle::transition`] brings it into its first state.
pub fn spawn_connector(
    name: impl Into<Arc<str>>,
    instance: ConnectorInstance,
    config: ConfigMap,
    clock: Arc<dyn Clock>,
    listener: Arc<dyn ConnectorStatusListener>,
) -> ConnectorHandle {
    let name = name.into();
    let (commands, receiver) = mpsc::unbounded_channel();
    let (events_sender, events) = mpsc::unbounded_channel();
    let context = ConnectorContext::new(
        clock,
        Arc::new(move |event| {
            // Nobody listens any more once the connector is shut down.
            let _ = events_sender.send(event);
        }),
    );
    let runner = Runner {
        name: name.clone(),
        instance,
        config,
        context,
        listener,
        state: State::Initial,
    };
    let span = tracing::info_span!("connector", connector = &*name);
    let panic_listener = runner.listener.clone();
    let panic_name = name.clone();
    let (ended_sender, ended) = watch::channel(false);
    let join = tokio::spawn(
        async move {
            let running = tokio::spawn(runner.run(receiver, events).in_current_span());
            if let Err(error) = running.await
                && error.is_panic()
            {
                let error = panic_error(error);
                tracing::error!("the connector panicked: {error}");
                panic_listener.on_connector_update(&panic_name, ConnectorUpdate::Failed(error));
            }
            ended_sender.send_replace(true);
        }
        .instrument(span),
    );
    ConnectorHandle {
        name,
        commands,
        ended,
        abort: join.abort_handle(),
    }
}

impl ConnectorHandle {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn gone(&self) -> ConnectError {
        ConnectError::fatal(format!(
            "connector {} does not run any more; restart it",
            self.name
        ))
    }

    /// Brings the connector into a state. A failed connector only goes to STOPPED. The error is that of
    /// the connector's `start`.
    pub async fn transition(
        &self,
        target_state: ConnectorTargetState,
    ) -> Result<ConnectorTargetState> {
        let (done, outcome) = oneshot::channel();
        self.commands
            .send(Command::Transition { target_state, done })
            .map_err(|_| self.gone())?;
        outcome.await.map_err(|_| self.gone())?
    }

    /// The configurations of its tasks.
    pub async fn task_configs(&self, max_tasks: usize) -> Result<Vec<ConfigMap>> {
        let (configs, outcome) = oneshot::channel();
        self.commands
            .send(Command::TaskConfigs { max_tasks, configs })
            .map_err(|_| self.gone())?;
        outcome.await.map_err(|_| self.gone())?
    }

    /// Shuts the connector down; gives it up if that takes longer than `timeout`.
    pub async fn shut_down_within(&self, timeout: Duration) -> bool {
        // A connector that has ended takes no command.
        let _ = self.commands.send(Command::Shutdown);
        let mut ended = self.ended.clone();
        let ended = tokio::time::timeout(timeout, ended.wait_for(|ended| *ended))
            .await
            .is_ok();
        if !ended {
            tracing::warn!(
                connector = &*self.name,
                "connector did not stop within {} ms and is given up",
                timeout.as_millis()
            );
            self.abort.abort();
        }
        ended
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Initial,
    Started,
    Paused,
    Stopped,
    Failed,
}

struct Runner {
    name: Arc<str>,
    instance: ConnectorInstance,
    config: ConfigMap,
    context: ConnectorContext,
    listener: Arc<dyn ConnectorStatusListener>,
    state: State,
}

impl Runner {
    async fn run(
        mut self,
        mut commands: mpsc::UnboundedReceiver<Command>,
        mut events: mpsc::UnboundedReceiver<ConnectorEvent>,
    ) {
        loop {
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(Command::Transition { target_state, done }) => {
                        let outcome = self.transition(target_state).await;
                        // Whoever asked may have gone.
                        let _ = done.send(outcome.map(|()| target_state));
                    }
                    Some(Command::TaskConfigs { max_tasks, configs }) => {
                        let _ = configs.send(self.instance.task_configs(max_tasks));
                    }
                    Some(Command::Shutdown) | None => break,
                },
                Some(event) = events.recv() => self.on_event(event),
            }
        }
        if self.state == State::Started {
            self.stop_instance().await;
        }
        self.update(ConnectorUpdate::Shutdown);
    }

    fn update(&self, update: ConnectorUpdate) {
        self.listener.on_connector_update(&self.name, update);
    }

    fn on_event(&mut self, event: ConnectorEvent) {
        match event {
            ConnectorEvent::RequestTaskReconfiguration => {
                self.update(ConnectorUpdate::TaskReconfigurationRequested);
            }
            ConnectorEvent::RaiseError(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: ConnectError) {
        tracing::error!(
            "Connector {} failed: {}",
            self.name,
            error.trace().trim_end()
        );
        self.state = State::Failed;
        self.update(ConnectorUpdate::Failed(error));
    }

    async fn stop_instance(&mut self) {
        if let Err(error) = self.instance.stop().await {
            tracing::warn!("stop of the connector failed: {error}");
        }
    }

    async fn transition(&mut self, target_state: ConnectorTargetState) -> Result<()> {
        match (self.state, target_state) {
            (State::Failed, ConnectorTargetState::Started | ConnectorTargetState::Paused) => {
                Err(ConnectError::fatal(format!(
                    "{} Cannot transition connector to {target_state:?} since it has failed",
                    self.name
                )))
            }
            (State::Started, ConnectorTargetState::Started)
            | (State::Paused, ConnectorTargetState::Paused)
            | (State::Stopped, ConnectorTargetState::Stopped) => Ok(()),
            (_, ConnectorTargetState::Started) => {
                match self
                    .instance
                    .start(self.context.clone(), &self.config)
                    .await
                {
                    Ok(()) => {
                        self.state = State::Started;
                        self.update(ConnectorUpdate::Started);
                        Ok(())
                    }
                    Err(error) => {
                        self.fail(error.clone());
                        Err(error)
                    }
                }
            }
            (state, target_state) => {
                if state == State::Started {
                    self.stop_instance().await;
                }
                let (state, update) = match target_state {
                    ConnectorTargetState::Paused => (State::Paused, ConnectorUpdate::Paused),
                    _ => (State::Stopped, ConnectorUpdate::Stopped),
                };
                self.state = state;
                self.update(update);
                Ok(())
            }
        }
    }
}
