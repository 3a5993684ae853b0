//! The requests that this crate sends, and the versions of each that it is written for.

use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, FindCoordinatorRequest, FindCoordinatorResponse,
    HeartbeatRequest, HeartbeatResponse, InitProducerIdRequest, InitProducerIdResponse,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, MetadataRequest,
    MetadataResponse, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
    SaslHandshakeResponse, SyncGroupRequest, SyncGroupResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};

use super::versions::VersionWindow;

/// A request with its answer and the versions that the callers of this crate can fill and read.
///
/// `WINDOW` is narrower than what `kafka-protocol` can encode: a version belongs in it only when
/// the code that builds the request and reads the answer knows its fields.
pub trait ApiRequest: Encodable + HeaderVersion + Send + Sync {
    /// The API key on the wire.
    const KEY: i16;
    /// Kafka's name of the API, for errors and logs.
    const NAME: &'static str;
    /// The versions this crate speaks.
    const WINDOW: VersionWindow;
    /// The answer.
    type Response: Decodable + HeaderVersion + Send;
}

macro_rules! api_requests {
    ($($request:ident -> $response:ident = $key:literal $name:literal $min:literal..=$max:literal;)*) => {
        $(impl ApiRequest for $request {
            const KEY: i16 = $key;
            const NAME: &'static str = $name;
            const WINDOW: VersionWindow = VersionWindow { min: $min, max: $max };
            type Response = $response;
        })*
    };
}

api_requests! {
    MetadataRequest -> MetadataResponse = 3 "Metadata" 4..=9;
    FindCoordinatorRequest -> FindCoordinatorResponse = 10 "FindCoordinator" 1..=3;
    JoinGroupRequest -> JoinGroupResponse = 11 "JoinGroup" 4..=9;
    HeartbeatRequest -> HeartbeatResponse = 12 "Heartbeat" 3..=4;
    LeaveGroupRequest -> LeaveGroupResponse = 13 "LeaveGroup" 1..=5;
    SyncGroupRequest -> SyncGroupResponse = 14 "SyncGroup" 3..=5;
    SaslHandshakeRequest -> SaslHandshakeResponse = 17 "SaslHandshake" 1..=1;
    ApiVersionsRequest -> ApiVersionsResponse = 18 "ApiVersions" 0..=3;
    InitProducerIdRequest -> InitProducerIdResponse = 22 "InitProducerId" 2..=4;
    SaslAuthenticateRequest -> SaslAuthenticateResponse = 36 "SaslAuthenticate" 1..=2;
}
