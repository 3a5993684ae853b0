//! Tasks ask their own herder first, and the leader when it says so.

use super::*;
use crate::peers::PeerAnswer;
use bytes::Bytes;
use connect_api::SystemClock;
use connect_store::{MemoryConfigStore, SessionKey};
use futures::FutureExt;
use std::collections::VecDeque;
use std::sync::Mutex;

#[derive(Default)]
struct Peers {
    asked: Mutex<Vec<PeerRequest>>,
    answers: Mutex<VecDeque<std::result::Result<(), PeerError>>>,
}

#[async_trait]
impl PeerClient for Peers {
    async fn send(&self, request: PeerRequest) -> std::result::Result<PeerAnswer, PeerError> {
        self.asked.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Ok(()));
        answer.map(|()| PeerAnswer {
            status: 204,
            body: Bytes::new(),
        })
    }
}

struct World {
    fencing: LoopFencing,
    peers: Arc<Peers>,
    store: Arc<MemoryConfigStore>,
}

/// A herder whose loop answers with these, one after the other.
fn world(answers: Vec<HerderResult<Response>>) -> World {
    let (commands, mut received) = mpsc::channel::<Command>(8);
    tokio::spawn(async move {
        for answer in answers {
            let command = received.recv().await.expect("it asks on");
            let _ = command.reply.send(answer);
        }
    });
    let peers = Arc::new(Peers::default());
    let store = Arc::new(MemoryConfigStore::new());
    let fencing = LoopFencing {
        commands,
        config_store: store.clone(),
        peers: peers.clone(),
        signature_algorithm: MacAlgorithm::Sha256,
        clock: Arc::new(SystemClock::new(|duration| {
            tokio::time::sleep(duration).boxed()
        })),
    };
    World {
        fencing,
        peers,
        store,
    }
}

fn forward() -> HerderResult<Response> {
    let url = "http://leader:8083/".to_string();
    let kind = HerderErrorKind::Forward { url };
    Err(HerderError::new(kind, "Only the leader may"))
}

fn peer_error(status: u16, message: &str) -> std::result::Result<(), PeerError> {
    Err(PeerError {
        status,
        message: message.to_string(),
    })
}

#[tokio::test]
async fn the_leader_is_asked_with_a_signature() {
    let world = world(vec![forward()]);
    let key = SessionKey {
        key: Bytes::from_static(&[7; 32]),
        algorithm: "HmacSHA256".to_string(),
        creation_timestamp_ms: 0,
    };
    world.store.put_session_key(&key).await.expect("memory");
    world.fencing.fence_zombies("a b").await.expect("fenced");
    let asked = world.peers.asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].method, "PUT");
    assert_eq!(asked[0].url, "http://leader:8083/connectors/a%20b/fence");
    assert_eq!(asked[0].body, None);
    let expected = signature_of(&key, MacAlgorithm::Sha256, b"");
    assert_eq!(asked[0].signature.as_ref(), Some(&expected));
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_waited_for() {
    let world = world(vec![
        Err(HerderError::conflict("no known leader URL")),
        Err(HerderError::internal(FENCED_FROM_CONFIG_TOPIC)),
        forward(),
        forward(),
        forward(),
        Ok(Response::Done),
    ]);
    world.peers.answers.lock().unwrap().extend([
        peer_error(500, "IO Error trying to forward REST request: refused"),
        peer_error(403, "Forbidden"),
        peer_error(409, "Fencing failed"),
    ]);
    world.fencing.fence_zombies("c").await.expect("at last");
    assert_eq!(world.peers.asked.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_fails_the_task() {
    let fenced = "Failed to perform zombie fencing: no permission";
    let own = world(vec![Err(HerderError::internal(fenced))]);
    let error = own.fencing.fence_zombies("c").await.expect_err("refused");
    let message = format!("Failed to perform round of zombie fencing: {fenced}");
    assert_eq!(error.message(), message);
    let other = world(vec![forward()]);
    let answer = peer_error(500, fenced);
    other.peers.answers.lock().unwrap().push_back(answer);
    let error = other.fencing.fence_zombies("c").await.expect_err("refused");
    assert!(error.message().starts_with(&message), "{error}");
    // And what should pass, but does not.
    let conflicts = (0..100).map(|_| Err(HerderError::conflict("no leader")));
    let nobody = world(conflicts.collect());
    let error = nobody.fencing.fence_zombies("c").await.expect_err("nobody");
    assert!(error.message().ends_with("no leader"), "{error}");
}

#[tokio::test]
async fn a_refused_task_is_told_why() {
    let world = world(vec![
        Ok(Response::Done),
        Err(HerderError::internal("it has already been revoked")),
    ]);
    let task = ConnectorTaskId {
        connector: "c".into(),
        task: 0,
    };
    world.fencing.verify(&task, 3).await.expect("still its own");
    let error = world.fencing.verify(&task, 3).await.expect_err("revoked");
    assert_eq!(error.message(), "it has already been revoked");
}
