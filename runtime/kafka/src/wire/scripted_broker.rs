//! A broker for tests: it lives in the test's own runtime, speaks the wire protocol over in-memory
//! pipes (so that tokio's paused clock drives every timeout), coordinates a group of one, and
//! fails as its script says.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, BrokerId, FindCoordinatorRequest,
    FindCoordinatorResponse, HeartbeatRequest, HeartbeatResponse, InitProducerIdRequest,
    InitProducerIdResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, MetadataRequest, MetadataResponse, RequestHeader, ResponseHeader,
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
    SyncGroupRequest, SyncGroupResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::ClusterClient;
use super::api::ApiRequest;
use super::settings::{BrokerAddress, ClientSettings};
use super::stream::{BrokerStream, Dialer};
use crate::security::{SaslSettings, ScramHash};

/// What happens to one request in place of the usual answer.
#[derive(Debug, Clone)]
pub(crate) enum Script {
    /// The answer holds this error code.
    Error(i16),
    /// The broker closes the connection.
    Disconnect,
    /// The broker never answers.
    Silence,
    /// These bytes come back as they are, length prefix included.
    Raw(Vec<u8>),
}

/// Whom the broker lets in.
#[derive(Debug, Clone)]
pub(crate) enum Login {
    Plain {
        user: String,
        password: String,
    },
    Scram {
        hash: ScramHash,
        password: String,
        knows_password: bool,
    },
    Token(String),
}

impl Login {
    fn mechanism(&self) -> &'static str {
        match self {
            Self::Plain { .. } => "PLAIN",
            Self::Scram { hash, .. } => hash.mechanism(),
            Self::Token(_) => "OAUTHBEARER",
        }
    }
}

/// A request as the broker saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) api: &'static str,
    pub(crate) version: i16,
    pub(crate) member_id: String,
    pub(crate) generation: i32,
    pub(crate) reason: String,
}

struct State {
    scripts: HashMap<i16, VecDeque<Script>>,
    windows: Vec<(i16, i16, i16)>,
    reachable: bool,
    num_members: u32,
    member_id: Option<String>,
    generation: i32,
    leader_id: Option<String>,
    follower_assignment: Bytes,
    login: Option<Login>,
    /// The bare first message of a client and the answer to it.
    scram: Option<(String, String)>,
    tls: Option<TlsAcceptor>,
    session_lifetime_ms: i64,
    protocol_type: &'static str,
}

/// The broker; clones are the same one.
#[derive(Clone)]
pub(crate) struct ScriptedBroker {
    state: Arc<Mutex<State>>,
    log: Arc<watch::Sender<Vec<Seen>>>,
}

pub(crate) const ADDRESS: &str = "scripted:9092";

/// The windows of Kafka 4.
const CURRENT: [(i16, i16, i16); 10] = [
    (3, 0, 13),
    (10, 0, 6),
    (11, 2, 9),
    (12, 0, 4),
    (13, 0, 5),
    (14, 0, 5),
    (17, 0, 1),
    (18, 0, 4),
    (22, 0, 6),
    (36, 0, 2),
];

impl ScriptedBroker {
    pub(crate) fn new() -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                scripts: HashMap::new(),
                windows: CURRENT.to_vec(),
                reachable: true,
                num_members: 0,
                member_id: None,
                generation: 0,
                leader_id: None,
                follower_assignment: Bytes::new(),
                login: None,
                scram: None,
                tls: None,
                session_lifetime_ms: 0,
                protocol_type: "connect",
            })),
            log: Arc::new(watch::Sender::new(Vec::new())),
        }
    }

    pub(crate) fn settings() -> ClientSettings {
        ClientSettings::new(vec![ADDRESS.parse().expect("a valid address")])
    }

    pub(crate) fn client(&self) -> ClusterClient {
        ClusterClient::with_dialer(Self::settings(), Arc::new(self.clone()))
    }

    pub(crate) fn client_with_sasl(&self, sasl: SaslSettings) -> ClusterClient {
        let mut settings = Self::settings();
        settings.security.sasl = Some(sasl);
        ClusterClient::with_dialer(settings, Arc::new(self.clone()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no test thread panics while it holds the state")
    }

    /// Queues what happens to the next request of `R`, after what is queued already.
    pub(crate) fn script<R: ApiRequest>(&self, script: Script) {
        self.state()
            .scripts
            .entry(R::KEY)
            .or_default()
            .push_back(script);
    }

    pub(crate) fn set_window<R: ApiRequest>(&self, min: i16, max: i16) {
        self.state().windows.retain(|(key, ..)| *key != R::KEY);
        self.state().windows.push((R::KEY, min, max));
    }

    pub(crate) fn set_reachable(&self, reachable: bool) {
        self.state().reachable = reachable;
    }

    /// From the next join on another member leads, and gives this assignment.
    pub(crate) fn follow(&self, leader_id: &str, assignment: &'static [u8]) {
        let mut state = self.state();
        state.leader_id = Some(leader_id.to_owned());
        state.follower_assignment = Bytes::from_static(assignment);
    }

    pub(crate) fn set_protocol_type(&self, protocol_type: &'static str) {
        self.state().protocol_type = protocol_type;
    }

    pub(crate) fn require_login(&self, login: Login, lifetime_ms: i64) {
        let mut state = self.state();
        state.login = Some(login);
        state.session_lifetime_ms = lifetime_ms;
    }

    /// From the next connection on the broker speaks TLS.
    pub(crate) fn speak_tls(&self, acceptor: TlsAcceptor) {
        self.state().tls = Some(acceptor);
    }

    fn authenticate(&self, message: &[u8]) -> SaslAuthenticateResponse {
        let mut state = self.state();
        let login = state.login.clone().expect("the test requires a login");
        let let_in = |state: &State, bytes: String| {
            SaslAuthenticateResponse::default()
                .with_session_lifetime_ms(state.session_lifetime_ms)
                .with_auth_bytes(Bytes::from(bytes))
        };
        let go_on =
            |bytes: String| SaslAuthenticateResponse::default().with_auth_bytes(Bytes::from(bytes));
        let refuse = |reason: &'static str| {
            SaslAuthenticateResponse::default()
                .with_error_code(58)
                .with_error_message(Some(StrBytes::from_static_str(reason)))
        };
        let text = std::str::from_utf8(message).expect("text");
        match login {
            Login::Plain { user, password } => {
                if text == format!("\0{user}\0{password}") {
                    let_in(&state, String::new())
                } else {
                    refuse("Invalid username or password")
                }
            }
            Login::Token(token) => {
                if text == "\u{1}" {
                    refuse("no such token")
                } else if text == format!("n,,\u{1}auth=Bearer {token}\u{1}\u{1}") {
                    let_in(&state, String::new())
                } else {
                    go_on(r#"{"status":"invalid_token"}"#.to_owned())
                }
            }
            Login::Scram {
                hash,
                password,
                knows_password,
            } => match state.scram.take() {
                None => {
                    let bare = text.strip_prefix("n,,").expect("no channel binding");
                    let (_, nonce) = bare.split_once(",r=").expect("a nonce");
                    let first = format!("r={nonce}-and-mine,s={},i=4096", STANDARD.encode("salt"));
                    state.scram = Some((bare.to_owned(), first.clone()));
                    go_on(first)
                }
                Some((client_first, server_first)) => {
                    let (without_proof, proof) = text.split_once(",p=").expect("a proof");
                    let auth = format!("{client_first},{server_first},{without_proof}");
                    let iterations = std::num::NonZeroU32::new(4096).expect("not zero");
                    let salted = hash.salted_password(&password, b"salt", iterations);
                    let stored = hash.hash(&hash.hmac(&salted, b"Client Key"));
                    let proof = STANDARD.decode(proof).expect("Base64");
                    let signature = hash.hmac(&stored, auth.as_bytes());
                    let client_key: Vec<u8> =
                        proof.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
                    if hash.hash(&client_key) != stored {
                        return refuse("invalid credentials");
                    }
                    let server_key: &[u8] = if knows_password { b"Server Key" } else { b"?" };
                    let server_key = hash.hmac(&salted, server_key);
                    let signature = hash.hmac(&server_key, auth.as_bytes());
                    let_in(&state, format!("v={}", STANDARD.encode(signature)))
                }
            },
        }
    }

    /// Every request so far.
    pub(crate) fn log(&self) -> Vec<Seen> {
        self.log.borrow().clone()
    }

    pub(crate) fn count(&self, api: &str) -> usize {
        self.log
            .borrow()
            .iter()
            .filter(|seen| seen.api == api)
            .count()
    }

    /// Waits until that many requests of the API have arrived.
    pub(crate) async fn arrived(&self, api: &str, count: usize) {
        let enough = |log: &Vec<Seen>| log.iter().filter(|seen| seen.api == api).count() >= count;
        self.log
            .subscribe()
            .wait_for(enough)
            .await
            .expect("the broker holds the sender");
    }

    pub(crate) async fn arrived_request<R: ApiRequest>(&self, count: usize) {
        self.arrived(R::NAME, count).await;
    }

    fn note<R: ApiRequest>(&self, version: i16, member_id: &str, generation: i32, reason: &str) {
        self.log.send_modify(|log| {
            log.push(Seen {
                api: R::NAME,
                version,
                member_id: member_id.to_owned(),
                generation,
                reason: reason.to_owned(),
            });
        });
    }

    async fn serve(self, mut stream: impl BrokerStream) {
        while let Ok(length) = stream.read_i32().await {
            let mut frame = vec![0; usize::try_from(length).expect("clients send valid lengths")];
            if stream.read_exact(&mut frame).await.is_err() {
                return;
            }
            let frame = Bytes::from(frame);
            let key = (&frame[..2]).get_i16();
            let script = self
                .state()
                .scripts
                .get_mut(&key)
                .and_then(VecDeque::pop_front);
            let code = match &script {
                Some(Script::Error(code)) => *code,
                _ => 0,
            };
            let answer = self.answer(key, frame, code);
            match script {
                Some(Script::Disconnect) => return,
                Some(Script::Silence) => std::future::pending::<()>().await,
                Some(Script::Raw(bytes)) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                    continue;
                }
                Some(Script::Error(_)) | None => {}
            }
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }

    fn answer(&self, key: i16, frame: Bytes, code: i16) -> BytesMut {
        match key {
            ApiVersionsRequest::KEY => self.api_versions(frame, code),
            MetadataRequest::KEY => respond(frame, |request: MetadataRequest, version| {
                self.note::<MetadataRequest>(version, "", 0, "");
                assert_eq!(request.topics.map(|topics| topics.len()), Some(0));
                MetadataResponse::default()
                    .with_cluster_id(Some(StrBytes::from_static_str("a-cluster")))
            }),
            FindCoordinatorRequest::KEY => respond(frame, |_: FindCoordinatorRequest, version| {
                self.note::<FindCoordinatorRequest>(version, "", 0, "");
                let address: BrokerAddress = ADDRESS.parse().expect("a valid address");
                FindCoordinatorResponse::default()
                    .with_error_code(code)
                    .with_node_id(BrokerId(1))
                    .with_host(StrBytes::from_string(address.host))
                    .with_port(address.port.into())
            }),
            JoinGroupRequest::KEY => respond(frame, |request, version| {
                self.join_group(request, version, code)
            }),
            SyncGroupRequest::KEY => respond(frame, |request, version| {
                self.sync_group(request, version, code)
            }),
            HeartbeatRequest::KEY => respond(frame, |request: HeartbeatRequest, version| {
                self.note::<HeartbeatRequest>(
                    version,
                    &request.member_id,
                    request.generation_id,
                    "",
                );
                let code = self.membership_error(code, &request.member_id, request.generation_id);
                HeartbeatResponse::default().with_error_code(code)
            }),
            LeaveGroupRequest::KEY => respond(frame, |request, version| {
                self.leave_group(request, version, code)
            }),
            InitProducerIdRequest::KEY => {
                respond(frame, |request: InitProducerIdRequest, version| {
                    let id = request
                        .transactional_id
                        .as_deref()
                        .map_or("", |id| id.as_str());
                    self.note::<InitProducerIdRequest>(version, id, -1, "");
                    assert_eq!(request.transaction_timeout_ms, 90_000);
                    assert_eq!((request.producer_id.0, request.producer_epoch), (-1, -1));
                    InitProducerIdResponse::default().with_error_code(code)
                })
            }
            SaslHandshakeRequest::KEY => respond(frame, |request: SaslHandshakeRequest, _| {
                let mechanism = self.state().login.as_ref().map_or("", Login::mechanism);
                let offered = request.mechanism.as_str() == mechanism && code == 0;
                SaslHandshakeResponse::default()
                    .with_error_code(if offered { 0 } else { 33 })
                    .with_mechanisms(vec![StrBytes::from_static_str(mechanism)])
            }),
            SaslAuthenticateRequest::KEY => {
                respond(frame, |request: SaslAuthenticateRequest, version| {
                    self.note::<SaslAuthenticateRequest>(version, "", 0, "");
                    self.authenticate(&request.auth_bytes)
                })
            }
            other => panic!("the client sent an API that nobody scripted: {other}"),
        }
    }

    fn api_versions(&self, mut frame: Bytes, code: i16) -> BytesMut {
        let version = (&frame[2..4]).get_i16();
        let header = RequestHeader::decode(&mut frame, ApiVersionsRequest::header_version(version))
            .expect("a valid header");
        self.note::<ApiVersionsRequest>(version, "", 0, "");
        let keys = self
            .state()
            .windows
            .iter()
            .map(|(key, min, max)| {
                ApiVersion::default()
                    .with_api_key(*key)
                    .with_min_version(*min)
                    .with_max_version(*max)
            })
            .collect();
        let response = ApiVersionsResponse::default()
            .with_error_code(code)
            .with_api_keys(keys);
        // As Kafka does: an answer to a version it does not know is in version 0.
        let answered = if code == 35 { 0 } else { version };
        framed(header.correlation_id, &response, answered)
    }

    fn membership_error(&self, code: i16, member_id: &str, generation: i32) -> i16 {
        let state = self.state();
        match code {
            0 if state.member_id.as_deref() != Some(member_id) => 25,
            0 if state.generation != generation => 22,
            code => code,
        }
    }

    fn join_group(&self, request: JoinGroupRequest, version: i16, code: i16) -> JoinGroupResponse {
        let reason = request.reason.as_deref().unwrap_or_default();
        self.note::<JoinGroupRequest>(version, &request.member_id, -1, reason);
        assert_eq!(request.protocol_type.as_str(), "connect");
        assert_eq!(request.group_instance_id, None);
        let mut state = self.state();
        let refuse = |code| JoinGroupResponse::default().with_error_code(code);
        if code == 25 {
            state.member_id = None;
        }
        if code != 0 {
            return refuse(code);
        }
        if request.member_id.is_empty() {
            state.num_members += 1;
            let member_id = format!("member-{}", state.num_members);
            state.member_id = Some(member_id.clone());
            return refuse(79).with_member_id(StrBytes::from_string(member_id));
        }
        if state.member_id.as_deref() != Some(request.member_id.as_str()) {
            return refuse(25);
        }
        state.generation += 1;
        let first = &request.protocols[0];
        let response = JoinGroupResponse::default()
            .with_generation_id(state.generation)
            .with_protocol_name(Some(first.name.clone()))
            .with_protocol_type(
                (version >= 7).then(|| StrBytes::from_static_str(state.protocol_type)),
            )
            .with_member_id(request.member_id.clone());
        match &state.leader_id {
            Some(leader_id) => response.with_leader(StrBytes::from_string(leader_id.clone())),
            None => response
                .with_leader(request.member_id.clone())
                .with_members(vec![
                    JoinGroupResponseMember::default()
                        .with_member_id(request.member_id.clone())
                        .with_metadata(first.metadata.clone()),
                ]),
        }
    }

    fn sync_group(&self, request: SyncGroupRequest, version: i16, code: i16) -> SyncGroupResponse {
        self.note::<SyncGroupRequest>(version, &request.member_id, request.generation_id, "");
        let code = self.membership_error(code, &request.member_id, request.generation_id);
        let state = self.state();
        let assignment = request
            .assignments
            .iter()
            .find(|assigned| assigned.member_id == request.member_id)
            .map_or_else(
                || state.follower_assignment.clone(),
                |own| own.assignment.clone(),
            );
        SyncGroupResponse::default()
            .with_error_code(code)
            .with_assignment(assignment)
            .with_protocol_type(request.protocol_type)
            .with_protocol_name(request.protocol_name)
    }

    fn leave_group(
        &self,
        request: LeaveGroupRequest,
        version: i16,
        code: i16,
    ) -> LeaveGroupResponse {
        let (member_id, reason) = match request.members.first() {
            Some(member) => (
                member.member_id.to_string(),
                member.reason.as_deref().unwrap_or_default().to_owned(),
            ),
            None => (request.member_id.to_string(), String::new()),
        };
        self.state().member_id = None;
        self.note::<LeaveGroupRequest>(version, &member_id, -1, &reason);
        LeaveGroupResponse::default().with_error_code(code)
    }
}

fn respond<R>(mut frame: Bytes, answer: impl FnOnce(R, i16) -> R::Response) -> BytesMut
where
    R: ApiRequest + Decodable,
    R::Response: Encodable,
{
    let version = (&frame[2..4]).get_i16();
    let header = RequestHeader::decode(&mut frame, R::header_version(version))
        .expect("a valid request header");
    let request = R::decode(&mut frame, version).expect("a valid request");
    assert!(!frame.has_remaining(), "bytes after the request");
    framed(header.correlation_id, &answer(request, version), version)
}

fn framed<T: Encodable + HeaderVersion>(
    correlation_id: i32,
    response: &T,
    version: i16,
) -> BytesMut {
    let mut frame = BytesMut::new();
    frame.put_i32(0);
    ResponseHeader::default()
        .with_correlation_id(correlation_id)
        .encode(&mut frame, T::header_version(version))
        .expect("a valid header");
    response
        .encode(&mut frame, version)
        .expect("a valid answer");
    let length = i32::try_from(frame.len() - 4).expect("a short answer");
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame
}

#[async_trait]
impl Dialer for ScriptedBroker {
    async fn dial(&self, broker: &BrokerAddress) -> io::Result<Box<dyn BrokerStream>> {
        if !self.state().reachable {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        assert_eq!(broker.to_string(), ADDRESS);
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (broker, tls) = (self.clone(), self.state().tls.clone());
        tokio::spawn(async move {
            match tls {
                None => broker.serve(theirs).await,
                Some(tls) => {
                    // A client that is refused goes away, and the test sees what it was told.
                    if let Ok(stream) = tls.accept(theirs).await {
                        broker.serve(stream).await;
                    }
                }
            }
        });
        Ok(Box::new(ours))
    }
}
