use std::sync::Arc;

use kafka_protocol::messages::{FindCoordinatorRequest, HeartbeatRequest, MetadataRequest};
use tokio::net::TcpListener;

use super::*;
use crate::wire::scripted_broker::{Script, ScriptedBroker};
use crate::wire::{ClusterClient, TcpDialer, VersionWindow, metadata};

#[tokio::test(start_paused = true)]
async fn metadata_tells_the_cluster_id() {
    let broker = ScriptedBroker::new();
    let told = metadata(&broker.client()).await.expect("an answer");
    assert_eq!(told.cluster_id.as_deref(), Some("a-cluster"));
    assert_eq!(broker.log()[1].version, MetadataRequest::WINDOW.max);
}

#[tokio::test(start_paused = true)]
async fn versions_are_asked_again_in_v0_when_v3_is_unknown() {
    let broker = ScriptedBroker::new();
    broker.script::<ApiVersionsRequest>(Script::Error(35));
    let connection = broker.client().connect_any().await.expect("a connection");
    let asked: Vec<_> = broker
        .log()
        .iter()
        .map(|seen| (seen.api, seen.version))
        .collect();
    assert_eq!(asked, [("ApiVersions", 3), ("ApiVersions", 0)]);
    assert_eq!(
        connection.versions().window(FindCoordinatorRequest::KEY),
        Some(VersionWindow { min: 0, max: 6 })
    );
}

#[tokio::test(start_paused = true)]
async fn no_common_version_names_both_sides_and_keeps_the_connection() {
    let broker = ScriptedBroker::new();
    broker.set_window::<HeartbeatRequest>(0, 2);
    let mut connection = broker.client().connect_any().await.expect("a connection");
    let error = connection
        .send(Duration::from_secs(1), |_| HeartbeatRequest::default())
        .await
        .expect_err("no version in common");
    assert_eq!(
        error.to_string(),
        "broker scripted:9092 and this worker share no version of Heartbeat: the broker has 0..2, the worker 3..4"
    );
    assert!(error.is_fatal());
    assert!(connection.is_usable());
}

#[tokio::test(start_paused = true)]
async fn a_silent_broker_is_given_up_and_its_connection_with_it() {
    let broker = ScriptedBroker::new();
    let mut connection = broker.client().connect_any().await.expect("a connection");
    broker.script::<FindCoordinatorRequest>(Script::Silence);
    let error = connection
        .send(Duration::from_millis(1500), |_| {
            FindCoordinatorRequest::default()
        })
        .await
        .expect_err("no answer");
    assert_eq!(
        error.to_string(),
        "broker scripted:9092 did not answer FindCoordinator v3 within 1500 ms"
    );
    let again = connection
        .send(Duration::from_secs(1), |_| {
            FindCoordinatorRequest::default()
        })
        .await
        .expect_err("an answer may still be on its way");
    assert!(matches!(again, WireError::Unusable { .. }), "{again}");
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_request_makes_the_connection_unusable() {
    let broker = ScriptedBroker::new();
    let mut connection = broker.client().connect_any().await.expect("a connection");
    broker.script::<FindCoordinatorRequest>(Script::Silence);
    {
        let mut request = std::pin::pin!(
            connection.send(Duration::from_secs(9), |_| FindCoordinatorRequest::default(
            ))
        );
        tokio::select! {
            _ = &mut request => panic!("the broker is silent"),
            () = broker.arrived_request::<FindCoordinatorRequest>(1) => {}
        }
    }
    assert!(!connection.is_usable());
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_names_broker_api_and_version() {
    let broker = ScriptedBroker::new();
    let mut connection = broker.client().connect_any().await.expect("a connection");
    broker.script::<FindCoordinatorRequest>(Script::Disconnect);
    let error = connection
        .send(Duration::from_secs(1), |_| {
            FindCoordinatorRequest::default()
        })
        .await
        .expect_err("the broker hangs up");
    let text = error.to_string();
    assert!(
        text.starts_with("connection to broker scripted:9092 broke during FindCoordinator v3"),
        "{text}"
    );
    assert!(!error.is_fatal());
}

#[tokio::test(start_paused = true)]
async fn strange_bytes_are_refused() {
    for (bytes, part) in [
        (
            b"HTTP/1.1 400 Bad Request".to_vec(),
            "a frame of 1213486160 bytes; at most",
        ),
        (vec![0xff; 8], "a frame of -1 bytes"),
        (
            vec![0, 0, 0, 5, 0, 0, 9, 9, 0],
            "correlation id 2313 in place of 1",
        ),
        (vec![0, 0, 0, 2, 0, 0], "answer header"),
        (
            vec![0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0],
            "is this a Kafka listener",
        ),
    ] {
        let broker = ScriptedBroker::new();
        let mut connection = broker.client().connect_any().await.expect("a connection");
        broker.script::<FindCoordinatorRequest>(Script::Raw(bytes));
        let error = connection
            .send(Duration::from_secs(1), |_| {
                FindCoordinatorRequest::default()
            })
            .await
            .expect_err(part);
        assert!(error.to_string().contains(part), "{error}");
        assert!(!connection.is_usable());
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_idle_too_long_is_not_used_again() {
    let broker = ScriptedBroker::new();
    let connection = broker.client().connect_any().await.expect("a connection");
    tokio::time::advance(Duration::from_secs(539)).await;
    assert!(connection.is_usable());
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(!connection.is_usable());
}

#[tokio::test(start_paused = true)]
async fn all_brokers_unreachable_names_the_list() {
    let broker = ScriptedBroker::new();
    broker.set_reachable(false);
    let Err(error) = broker.client().connect_any().await else {
        panic!("nothing listens");
    };
    let text = error.to_string();
    assert!(
        text.contains("none of bootstrap.servers scripted:9092"),
        "{text}"
    );
    assert!(!error.is_fatal());
}

/// Over real TCP, with an answer that comes in pieces above the read chunk.
#[tokio::test]
async fn large_answers_are_put_together() {
    const NUM_BYTES: usize = 200_000;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address: BrokerAddress = listener
        .local_addr()
        .expect("bound")
        .to_string()
        .parse()
        .expect("host:port");
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let answer = |body: Vec<u8>| {
            let mut frame = i32::try_from(body.len())
                .expect("short")
                .to_be_bytes()
                .to_vec();
            frame.extend(body);
            frame
        };
        let mut request = vec![0; 1024];
        let _ = stream.read(&mut request).await.expect("ApiVersions");
        // Correlation id 0, error 35, no keys; then v0: error 0, FindCoordinator 0..=1.
        stream
            .write_all(&answer(vec![0, 0, 0, 0, 0, 35, 0, 0, 0, 0]))
            .await
            .expect("write");
        let _ = stream.read(&mut request).await.expect("ApiVersions v0");
        let keys = [0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 10, 0, 0, 0, 1];
        stream
            .write_all(&answer(keys.to_vec()))
            .await
            .expect("write");
        let _ = stream.read(&mut request).await.expect("FindCoordinator v1");
        // Throttle, no error, no message, node 1, host, port 7; then bytes nobody asked for.
        let mut body = vec![
            0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 1, 0, 1, b'h',
        ];
        body.extend([0, 0, 0, 7]);
        body.resize(NUM_BYTES, 0);
        stream.write_all(&answer(body)).await.expect("write");
    });
    let client =
        ClusterClient::with_dialer(ClientSettings::new(vec![address]), Arc::new(TcpDialer));
    let coordinator = client.find_group_coordinator("g").await.expect("an answer");
    assert_eq!(coordinator.address.to_string(), "h:7");
    server.await.expect("the server did not panic");
}

/// Refuses one address, and leaves the others to the scripted broker.
struct OneDead(ScriptedBroker);

#[async_trait::async_trait]
impl Dialer for OneDead {
    async fn dial(&self, broker: &BrokerAddress) -> io::Result<Box<dyn BrokerStream>> {
        if broker.host == "dead" {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        self.0.dial(broker).await
    }
}

#[tokio::test(start_paused = true)]
async fn any_of_the_bootstrap_servers_will_do() {
    let broker = ScriptedBroker::new();
    let servers = ["dead:1", "dead:2", "scripted:9092"]
        .map(|server| server.parse().expect("an address"))
        .into();
    let client = ClusterClient::with_dialer(
        ClientSettings::new(servers),
        Arc::new(OneDead(broker.clone())),
    );
    // The first is chosen at random: often enough for each to have been it.
    for _ in 0..50 {
        let connection = client.connect_any().await.expect("one of three");
        assert_eq!(connection.broker().to_string(), "scripted:9092");
    }
}
