//! Error codes of brokers and of the client library, without the client library's types.

use std::fmt;

use rdkafka::bindings as sys;
use rdkafka::types::RDKafkaErrorCode;

/// An error code of the Kafka protocol (positive) or of the client library (negative).
///
/// The numbers of broker errors are those of the Kafka protocol, so they can be compared with
/// a broker's log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(i32);

impl ErrorCode {
    /// The records of a request are larger than the broker allows (protocol code 10).
    pub const MESSAGE_TOO_LARGE: Self = Self(10);
    /// The topic or partition does not exist on the broker (protocol code 3).
    pub const UNKNOWN_TOPIC_OR_PARTITION: Self = Self(3);
    /// The coordinator has moved the group on to a newer generation (protocol code 22).
    pub const ILLEGAL_GENERATION: Self = Self(22);
    /// The id of a group is empty or holds characters that none may (protocol code 24).
    pub const INVALID_GROUP_ID: Self = Self(24);
    /// The coordinator does not know this member (protocol code 25).
    pub const UNKNOWN_MEMBER_ID: Self = Self(25);
    /// The group is rebalancing (protocol code 27).
    pub const REBALANCE_IN_PROGRESS: Self = Self(27);
    /// The principal may not use the topic (protocol code 29).
    pub const TOPIC_AUTHORIZATION_FAILED: Self = Self(29);
    /// The principal may not use the group (protocol code 30).
    pub const GROUP_AUTHORIZATION_FAILED: Self = Self(30);
    /// The principal may not do this to the cluster (protocol code 31).
    pub const CLUSTER_AUTHORIZATION_FAILED: Self = Self(31);
    /// The broker does not know this version of the request (protocol code 35).
    pub const UNSUPPORTED_VERSION: Self = Self(35);
    /// The topic exists already (protocol code 36).
    pub const TOPIC_ALREADY_EXISTS: Self = Self(36);
    /// Fewer brokers are alive than the replication factor asks for (protocol code 38).
    pub const INVALID_REPLICATION_FACTOR: Self = Self(38);
    /// A configuration value was refused by the broker (protocol code 40).
    pub const INVALID_CONFIG: Self = Self(40);
    /// A policy of the broker refused the request (protocol code 44).
    pub const POLICY_VIOLATION: Self = Self(44);
    /// The group has members, so that it cannot be deleted (protocol code 68).
    pub const NON_EMPTY_GROUP: Self = Self(68);
    /// There is no such group (protocol code 69).
    pub const GROUP_ID_NOT_FOUND: Self = Self(69);
    /// A member of the group reads the topic, so that its offsets cannot be removed (protocol code 86).
    pub const GROUP_SUBSCRIBED_TO_TOPIC: Self = Self(86);
    /// The client library's queue is full.
    pub const QUEUE_FULL: Self = Self(-184);
    /// The operation took longer than its timeout.
    pub const TIMED_OUT: Self = Self(-185);
    /// A record was not delivered within `delivery.timeout.ms`.
    pub const MESSAGE_TIMED_OUT: Self = Self(-192);
    /// The end of a partition was reached; not an error.
    pub(crate) const PARTITION_EOF: Self = Self(-191);
    /// The client library knows no such partition.
    pub const UNKNOWN_PARTITION: Self = Self(-190);
    /// The client library knows no such topic.
    pub const UNKNOWN_TOPIC: Self = Self(-188);
    /// No connection to the broker.
    pub const TRANSPORT: Self = Self(-195);
    /// No broker can be reached.
    pub const ALL_BROKERS_DOWN: Self = Self(-187);
    /// A broker's host name does not resolve.
    pub const RESOLVE: Self = Self(-193);
    /// The broker refused the credentials.
    pub const AUTHENTICATION: Self = Self(-169);
    /// The TLS handshake failed.
    pub const SSL: Self = Self(-181);
    /// The broker does not offer this request.
    pub const UNSUPPORTED_FEATURE: Self = Self(-165);
    /// The record was dropped because its producer was closed.
    pub const PURGED_IN_QUEUE: Self = Self(-152);
    /// Some unspecified failure of the client library.
    pub const FAIL: Self = Self(-196);
    /// The call does not fit the client's present state.
    pub const STATE: Self = Self(-172);
    /// The group has no committed offset for the partition.
    pub const NO_OFFSET: Self = Self(-168);
    /// `max.poll.interval.ms` was exceeded: the consumer has left its group.
    pub const MAX_POLL_EXCEEDED: Self = Self(-147);
    /// A fatal error was raised before: the client is unusable.
    pub const FATAL: Self = Self(-150);

    /// The epoch of a producer is not the present one.
    pub const INVALID_PRODUCER_EPOCH: Self = Self(47);
    /// A newer producer with the same transactional id has taken over.
    pub const PRODUCER_FENCED: Self = Self(90);

    /// Makes a code from its number.
    pub const fn new(code: i32) -> Self {
        Self(code)
    }

    /// The number of the code.
    pub const fn code(self) -> i32 {
        self.0
    }

    /// The name in the Kafka protocol, for example `UNKNOWN_TOPIC_OR_PART`; library errors
    /// begin with an underscore.
    pub fn name(self) -> &'static str {
        known_name(self.0).unwrap_or("UNKNOWN")
    }

    /// Whether doing the same again later can succeed without anybody changing anything.
    pub fn is_retriable(self) -> bool {
        matches!(
            self.0,
            // Broker errors that the Java client's `RetriableException` covers.
            2 | 3 | 5 | 6 | 7 | 9 | 13 | 14 | 15 | 16 | 19 | 20 | 27 | 41 | 56 | 60 | 70..=72 | 74..=78 | 84 | 89
        ) || matches!(
            self,
            Self::QUEUE_FULL
                | Self::TIMED_OUT
                | Self::MESSAGE_TIMED_OUT
                | Self::TRANSPORT
                | Self::ALL_BROKERS_DOWN
                | Self::RESOLVE
                | Self::UNKNOWN_PARTITION
                | Self::UNKNOWN_TOPIC
        ) || matches!(self.0, -180 | -178 | -177 | -166)
    }

    /// Whether the principal lacks a permission.
    pub fn is_authorization(self) -> bool {
        matches!(self.0, 29..=31 | 53 | 65)
    }

    /// Whether a newer producer with the same transactional id has taken over.
    pub fn is_fenced_producer(self) -> bool {
        matches!(self.0, 47 | 90 | -144)
    }

    /// Whether a member that is no longer of the group tried to act for it.
    pub fn is_fenced_member(self) -> bool {
        matches!(self.0, 22 | 25 | 27 | 82 | 110 | 113)
    }
}

impl From<RDKafkaErrorCode> for ErrorCode {
    fn from(code: RDKafkaErrorCode) -> Self {
        Self(code as i32)
    }
}

impl From<sys::rd_kafka_resp_err_t> for ErrorCode {
    fn from(code: sys::rd_kafka_resp_err_t) -> Self {
        Self(code as i32)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match known_code(self.0) {
            Some(known) => write!(f, "{} ({})", crate::native::error_text(known), self.name()),
            None => write!(f, "error code {}", self.0),
        }
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ErrorCode({}, {})", self.0, self.name())
    }
}

/// Converts a number to the library's enum; a newer broker may send codes that it lacks.
fn known_code(code: i32) -> Option<sys::rd_kafka_resp_err_t> {
    sys::rd_kafka_resp_err_t::try_from(code).ok()
}

fn known_name(code: i32) -> Option<&'static str> {
    known_code(code).map(crate::native::error_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_carry_the_protocol_names() {
        assert_eq!(
            ErrorCode::TOPIC_ALREADY_EXISTS.name(),
            "TOPIC_ALREADY_EXISTS"
        );
        assert_eq!(ErrorCode::QUEUE_FULL.name(), "_QUEUE_FULL");
        assert_eq!(ErrorCode::MAX_POLL_EXCEEDED.name(), "_MAX_POLL_EXCEEDED");
        assert_eq!(ErrorCode::PURGED_IN_QUEUE.name(), "_PURGE_QUEUE");
        assert_eq!(
            ErrorCode::UNSUPPORTED_FEATURE.name(),
            "_UNSUPPORTED_FEATURE"
        );
        assert_eq!(ErrorCode::FATAL.name(), "_FATAL");
        assert_eq!(ErrorCode::new(31_000).name(), "UNKNOWN");
        assert_eq!(ErrorCode::new(31_000).to_string(), "error code 31000");
    }

    #[test]
    fn texts_name_the_code_once() {
        let text = ErrorCode::TOPIC_AUTHORIZATION_FAILED.to_string();
        assert!(text.contains("Topic authorization failed"), "{text}");
        assert_eq!(
            text.matches("TOPIC_AUTHORIZATION_FAILED").count(),
            1,
            "{text}"
        );
    }

    #[test]
    fn permissions_and_transport_are_told_apart() {
        assert!(ErrorCode::TRANSPORT.is_retriable());
        assert!(!ErrorCode::TRANSPORT.is_authorization());
        assert!(ErrorCode::GROUP_AUTHORIZATION_FAILED.is_authorization());
        assert!(!ErrorCode::GROUP_AUTHORIZATION_FAILED.is_retriable());
        assert!(ErrorCode::ILLEGAL_GENERATION.is_fenced_member());
    }
}
