//! What a host gets, and when, of configurations with variables.

use super::*;
use connect_api::{ConfigProvider, ProvidedValues};
use std::collections::BTreeSet;
use tokio::sync::Semaphore;

/// Keeps what it is told.
#[derive(Default)]
struct TellingHost(Mutex<Vec<String>>);

impl TellingHost {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[async_trait]
impl WorkerHost for TellingHost {
    fn set_generation(&self, _generation: i32) {}

    fn start_connector(&self, connector: &str, config: Arc<ConfigMap>, target_state: TargetState) {
        let password = config.get("password").unwrap_or_default();
        self.note(format!("start {connector} {target_state} {password}"));
    }

    fn fail_connector(&self, connector: &str, error: ConnectError) {
        self.note(format!("fail {connector} {error}"));
    }

    fn transition_connector(&self, connector: &str, target_state: TargetState) {
        self.note(format!("transition {connector} {target_state}"));
    }

    async fn stop_connectors(&self, connectors: Vec<String>) {
        self.note(format!("stop {connectors:?}"));
    }

    fn generate_task_configs(&self, connector: &str, config: Arc<ConfigMap>, inquiry: u64) {
        let password = config.get("password").unwrap_or_default();
        self.note(format!("generate {connector} {password} {inquiry}"));
    }

    fn start_task(
        &self,
        task: &ConnectorTaskId,
        connector_config: Arc<ConfigMap>,
        task_config: Arc<ConfigMap>,
        _generation: i32,
        target_state: TargetState,
    ) {
        let of = |config: &ConfigMap| config.get("password").unwrap_or_default().to_string();
        self.note(format!(
            "start {task} {target_state} {} {}",
            of(&connector_config),
            of(&task_config)
        ));
    }

    async fn fence_producers(
        &self,
        connector: &str,
        config: Arc<ConfigMap>,
        num_tasks: i32,
    ) -> Result<()> {
        let password = config.get("password").unwrap_or_default();
        self.note(format!("fence {num_tasks} of {connector} {password}"));
        Ok(())
    }

    fn fail_task(&self, task: &ConnectorTaskId, error: ConnectError) {
        self.note(format!("fail {task} {error}"));
    }

    fn set_task_target_state(&self, task: &ConnectorTaskId, target_state: TargetState) {
        self.note(format!("transition {task} {target_state}"));
    }

    async fn stop_tasks(&self, tasks: Vec<ConnectorTaskId>) {
        self.note(format!("stop {} tasks", tasks.len()));
    }

    fn mark_restarting(&self, _connector: Option<&str>, _tasks: &[ConnectorTaskId]) {}

    fn has_failed(&self, _connector: &str, _task: Option<&ConnectorTaskId>) -> bool {
        false
    }

    fn repeat_statuses(&self, _connectors: &[String], _tasks: &[ConnectorTaskId]) {}

    async fn shut_down(&self) {
        self.note("shut down".to_string());
    }
}

/// Gives a value for each permit.
struct Vault {
    permits: Arc<Semaphore>,
    ttl: Option<Duration>,
}

#[async_trait]
impl ConfigProvider for Vault {
    fn configure(&mut self, _config: &ConfigMap) -> Result<()> {
        Ok(())
    }

    async fn get(&self, path: &str, keys: &BTreeSet<&str>) -> Result<ProvidedValues> {
        self.permits.acquire().await.unwrap().forget();
        if path == "sealed" {
            return Err(ConnectError::fatal("the vault is sealed"));
        }
        let values = keys
            .iter()
            .map(|key| (key.to_string(), "s3cret".to_string()));
        Ok(ProvidedValues {
            values: values.collect(),
            ttl: self.ttl,
        })
    }
}

struct Setting {
    host: Arc<TellingHost>,
    resolving: ResolvingHost,
    events: mpsc::UnboundedReceiver<HostEvent>,
    permits: Arc<Semaphore>,
}

fn setting(ttl: Option<Duration>) -> Setting {
    let permits = Arc::new(Semaphore::new(0));
    let vault: Arc<dyn ConfigProvider> = Arc::new(Vault {
        permits: permits.clone(),
        ttl,
    });
    let host = Arc::new(TellingHost::default());
    let (sender, events) = mpsc::unbounded_channel();
    let transformer = ConfigTransformer::new([("vault".to_string(), vault)]);
    Setting {
        resolving: ResolvingHost::new(host.clone(), transformer, sender),
        host,
        events,
        permits,
    }
}

/// Lets everything run that can.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn with_variable() -> Arc<ConfigMap> {
    Arc::new(ConfigMap::from_iter([("password", "${vault:db:password}")]))
}

fn task() -> ConnectorTaskId {
    ConnectorTaskId {
        connector: "c".into(),
        task: 0,
    }
}

#[tokio::test]
async fn what_starts_gets_values_and_the_state_that_was_wished_last() {
    let mut setting = setting(None);
    let host = &setting.resolving;
    host.start_connector("c", with_variable(), TargetState::Started);
    host.transition_connector("c", TargetState::Paused);
    host.start_task(
        &task(),
        with_variable(),
        with_variable(),
        0,
        TargetState::Started,
    );
    host.set_task_target_state(&task(), TargetState::Paused);
    settle().await;
    assert!(setting.host.taken().is_empty());
    setting.permits.add_permits(3);
    settle().await;
    let mut told = setting.host.taken();
    told.sort();
    assert_eq!(
        told,
        ["start c PAUSED s3cret", "start c-0 PAUSED s3cret s3cret"]
    );
    assert!(setting.events.try_recv().is_err());
    // From here on, the host itself is asked.
    host.transition_connector("c", TargetState::Started);
    host.set_task_target_state(&task(), TargetState::Started);
    setting.permits.add_permits(1);
    host.generate_task_configs("c", with_variable(), 7);
    settle().await;
    let told = setting.host.taken();
    assert_eq!(
        told,
        [
            "transition c STARTED",
            "transition c-0 STARTED",
            "generate c s3cret 7"
        ]
    );
}

#[tokio::test]
async fn what_is_stopped_before_its_values_are_there_never_starts() {
    let setting = setting(None);
    let host = &setting.resolving;
    host.start_connector("c", with_variable(), TargetState::Started);
    host.start_task(
        &task(),
        with_variable(),
        with_variable(),
        0,
        TargetState::Started,
    );
    settle().await;
    host.stop_connectors(vec!["c".to_string()]).await;
    host.stop_tasks(vec![task()]).await;
    assert_eq!(setting.host.taken(), [r#"stop ["c"]"#, "stop 1 tasks"]);
    // Started again with another configuration, only that one counts.
    let plain = Arc::new(ConfigMap::from_iter([("password", "plain")]));
    host.start_connector("c", plain, TargetState::Started);
    setting.permits.add_permits(10);
    settle().await;
    assert_eq!(setting.host.taken(), ["start c STARTED plain"]);
    host.start_connector("d", with_variable(), TargetState::Started);
    host.shut_down().await;
    settle().await;
    assert_eq!(setting.host.taken(), ["shut down"]);
}

#[tokio::test]
async fn a_provider_that_fails_fails_what_needs_it() {
    let mut setting = setting(None);
    setting.permits.add_permits(10);
    let sealed = Arc::new(ConfigMap::from_iter([("password", "${vault:sealed:x}")]));
    let host = &setting.resolving;
    host.start_connector("c", sealed.clone(), TargetState::Started);
    settle().await;
    host.start_task(
        &task(),
        sealed.clone(),
        with_variable(),
        0,
        TargetState::Started,
    );
    host.generate_task_configs("c", sealed, 8);
    settle().await;
    assert_eq!(
        setting.host.taken(),
        ["fail c the vault is sealed", "fail c-0 the vault is sealed"]
    );
    let event = setting.events.try_recv().unwrap();
    assert!(matches!(
        event,
        HostEvent::TaskConfigs(TaskConfigsAnswer {
            inquiry: 8,
            result: Err(GenerateError { retry: true, .. }),
            ..
        })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_never_answers_is_given_up() {
    let setting = setting(None);
    setting
        .resolving
        .start_connector("c", with_variable(), TargetState::Started);
    // Time is virtual: it goes on when nothing else does.
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(
        setting.host.taken(),
        [
            "fail c The config provider vault at db gave no answer within 60 s, which connector c waits \
             for"
        ]
    );
}

#[tokio::test]
async fn the_time_that_values_hold_is_told_unless_nothing_is_to_be_reloaded() {
    let ttl = Duration::from_secs(30);
    let mut setting = setting(Some(ttl));
    setting.permits.add_permits(10);
    let host = &setting.resolving;
    host.start_connector("c", with_variable(), TargetState::Started);
    settle().await;
    host.start_task(
        &task(),
        with_variable(),
        with_variable(),
        0,
        TargetState::Started,
    );
    settle().await;
    let mut config = (*with_variable()).clone();
    config.insert("config.action.reload", "NONE");
    host.start_connector("d", Arc::new(config), TargetState::Started);
    settle().await;
    let mut told = Vec::new();
    while let Ok(event) = setting.events.try_recv() {
        match event {
            HostEvent::ValuesExpire(expiry) => {
                told.push((expiry.connector, expiry.task, expiry.ttl))
            }
            event => panic!("{event:?}"),
        }
    }
    assert_eq!(
        told,
        [
            ("c".to_string(), None, ttl),
            ("c".to_string(), Some(task()), ttl)
        ]
    );
}
