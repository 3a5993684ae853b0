//! Which version of an API a connection uses.

use std::collections::HashMap;
use std::fmt;

use kafka_protocol::messages::{
    ApiVersionsResponse, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest,
};

use super::api::ApiRequest;

/// A closed range of versions of one API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionWindow {
    /// The lowest version.
    pub min: i16,
    /// The highest version.
    pub max: i16,
}

impl fmt::Display for VersionWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.min, self.max)
    }
}

/// What one broker said that it understands.
#[derive(Debug, Clone, Default)]
pub struct ApiVersionTable {
    windows: HashMap<i16, VersionWindow>,
}

/// The group APIs of a broker that offers JoinGroup only up to this version are used in their last
/// encoding without tagged fields. Kafka 2.4, which had exactly this window, serves both encodings
/// alike; librdkafka's mock cluster advertises the newer one and then cannot read it.
const JOIN_GROUP_FIRST_FLEXIBLE: i16 = 6;

impl ApiVersionTable {
    /// Reads the answer to ApiVersions.
    pub fn from_response(response: &ApiVersionsResponse) -> Self {
        let mut windows: HashMap<i16, VersionWindow> = response
            .api_keys
            .iter()
            .map(|api| {
                (
                    api.api_key,
                    VersionWindow {
                        min: api.min_version,
                        max: api.max_version,
                    },
                )
            })
            .collect();
        let join_group_max = windows
            .get(&JoinGroupRequest::KEY)
            .map_or(0, |window| window.max);
        if join_group_max <= JOIN_GROUP_FIRST_FLEXIBLE {
            for (key, last_fixed_encoding) in [
                (JoinGroupRequest::KEY, 5),
                (SyncGroupRequest::KEY, 3),
                (HeartbeatRequest::KEY, 3),
                (LeaveGroupRequest::KEY, 2),
            ] {
                if let Some(window) = windows.get_mut(&key) {
                    window.max = window.max.min(last_fixed_encoding);
                }
            }
        }
        Self { windows }
    }

    /// The window of one API, if the broker has it at all.
    pub fn window(&self, api_key: i16) -> Option<VersionWindow> {
        self.windows.get(&api_key).copied()
    }

    /// The highest version both sides know, if there is one.
    pub fn pick<R: ApiRequest>(&self) -> Option<i16> {
        let broker = self.window(R::KEY)?;
        let highest = R::WINDOW.max.min(broker.max);
        (highest >= R::WINDOW.min && highest >= broker.min).then_some(highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::FindCoordinatorRequest;
    use kafka_protocol::messages::api_versions_response::ApiVersion;

    fn table(windows: &[(i16, i16, i16)]) -> ApiVersionTable {
        let keys = windows
            .iter()
            .map(|(key, min, max)| {
                ApiVersion::default()
                    .with_api_key(*key)
                    .with_min_version(*min)
                    .with_max_version(*max)
            })
            .collect();
        ApiVersionTable::from_response(&ApiVersionsResponse::default().with_api_keys(keys))
    }

    #[test]
    fn takes_the_lower_of_both_maxima() {
        assert_eq!(
            table(&[(10, 0, 6)]).pick::<FindCoordinatorRequest>(),
            Some(3)
        );
        assert_eq!(
            table(&[(10, 0, 2)]).pick::<FindCoordinatorRequest>(),
            Some(2)
        );
    }

    #[test]
    fn no_version_in_common_or_unknown_api() {
        assert_eq!(table(&[(10, 4, 6)]).pick::<FindCoordinatorRequest>(), None);
        assert_eq!(table(&[(10, 0, 0)]).pick::<FindCoordinatorRequest>(), None);
        assert_eq!(table(&[(10, 0, 2)]).pick::<JoinGroupRequest>(), None);
    }

    #[test]
    fn group_apis_of_brokers_before_2_5_keep_the_fixed_encoding() {
        let mock = table(&[(11, 0, 6), (12, 0, 5), (13, 0, 4), (14, 0, 4)]);
        assert_eq!(mock.pick::<JoinGroupRequest>(), Some(5));
        assert_eq!(mock.pick::<HeartbeatRequest>(), Some(3));
        assert_eq!(mock.pick::<LeaveGroupRequest>(), Some(2));
        assert_eq!(mock.pick::<SyncGroupRequest>(), Some(3));
        let current = table(&[(11, 2, 9), (12, 0, 4), (13, 0, 5), (14, 0, 5)]);
        assert_eq!(current.pick::<JoinGroupRequest>(), Some(9));
        assert_eq!(current.pick::<HeartbeatRequest>(), Some(4));
        assert_eq!(current.pick::<LeaveGroupRequest>(), Some(5));
        assert_eq!(current.pick::<SyncGroupRequest>(), Some(5));
    }
}
