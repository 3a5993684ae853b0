//! How the leader shares out connectors and tasks.
//!
//! Every worker may become the leader, of JVM workers too, so what it decides is decided as the JVM does:
//! `EagerAssignor` and `IncrementalCooperativeAssignor` of Kafka 4.3.1.

mod cooperative;
#[cfg(test)]
mod replay;

pub(super) use cooperative::{CooperativeAssignor, Round};

use connect_kafka::group::protocol::ConnectorsAndTasks;
use connect_store::ClusterConfigState;
use std::sync::Arc;

/// What one member gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) assigned: ConnectorsAndTasks,
    pub(super) revoked: ConnectorsAndTasks,
}

/// The connectors, by name, and their tasks, by connector and number.
pub(super) fn configured(configs: &ClusterConfigState) -> ConnectorsAndTasks {
    let connectors: Vec<Arc<str>> = configs.connectors().map(Arc::from).collect();
    let tasks = connectors
        .iter()
        .flat_map(|connector| configs.tasks(connector))
        .collect();
    ConnectorsAndTasks { connectors, tasks }
}

/// `EagerAssignor`: members by id in a circle; connectors by name, then, going on in the circle, tasks.
/// The shares are in the order of `members`.
pub(super) fn assign_round_robin(members: &[&str], configured: ConnectorsAndTasks) -> Vec<Share> {
    let mut shares = vec![Share::default(); members.len()];
    let mut circle: Vec<usize> = (0..members.len()).collect();
    circle.sort_by(|left, right| members[*left].cmp(members[*right]));
    let mut circle = circle.into_iter().cycle();
    for connector in configured.connectors {
        if let Some(member) = circle.next() {
            shares[member].assigned.connectors.push(connector);
        }
    }
    for task in configured.tasks {
        if let Some(member) = circle.next() {
            shares[member].assigned.tasks.push(task);
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_store::ConnectorTaskId;

    #[test]
    fn round_robin_goes_on_from_connectors_to_tasks() {
        let connectors: Vec<Arc<str>> = ["a", "b", "c"].map(Arc::from).into();
        let tasks = connectors
            .iter()
            .flat_map(|connector| {
                (0..2).map(|task| ConnectorTaskId {
                    connector: connector.clone(),
                    task,
                })
            })
            .collect();
        let shares = assign_round_robin(&["w2", "w1"], ConnectorsAndTasks { connectors, tasks });
        let text = |share: &Share| {
            let mut text: Vec<String> = share
                .assigned
                .connectors
                .iter()
                .map(ToString::to_string)
                .collect();
            text.extend(share.assigned.tasks.iter().map(ToString::to_string));
            text.join(" ")
        };
        assert_eq!(text(&shares[1]), "a c a-1 b-1 c-1");
        assert_eq!(text(&shares[0]), "b a-0 b-0 c-0");
    }
}
