//! How the leader shares out connectors and tasks.
//!
//! The eager protocol deals everything anew, round robin, as the JVM does. Under the cooperative ones
//! members keep what they have; what nobody has goes to the least loaded, and what is deleted or held
//! twice is taken back. Moving work from busy members to new ones is not part of it yet.

use connect_kafka::group::protocol::{ConnectProtocol, ConnectorsAndTasks, Metadata};
use connect_store::{ClusterConfigState, ConnectorTaskId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What one member gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) assigned: ConnectorsAndTasks,
    pub(super) revoked: ConnectorsAndTasks,
}

/// The shares of the members, in their order.
pub(super) fn assign(
    protocol: ConnectProtocol,
    members: &[(String, Metadata)],
    configs: &ClusterConfigState,
) -> Vec<Share> {
    let connectors: Vec<Arc<str>> = configs.connectors().map(Arc::from).collect();
    let tasks: Vec<ConnectorTaskId> = connectors
        .iter()
        .flat_map(|connector| configs.tasks(connector))
        .collect();
    match protocol {
        ConnectProtocol::Eager => assign_round_robin(members, connectors, tasks),
        ConnectProtocol::Compatible | ConnectProtocol::Sessioned => {
            assign_sticky(members, &connectors, &tasks)
        }
    }
}

/// `EagerAssignor`: members by id in a circle; connectors by name, then, going on in the circle, tasks.
fn assign_round_robin(
    members: &[(String, Metadata)],
    connectors: Vec<Arc<str>>,
    tasks: Vec<ConnectorTaskId>,
) -> Vec<Share> {
    let mut shares = vec![Share::default(); members.len()];
    let mut circle: Vec<usize> = (0..members.len()).collect();
    circle.sort_by(|left, right| members[*left].0.cmp(&members[*right].0));
    let mut circle = circle.into_iter().cycle();
    for connector in connectors {
        if let Some(member) = circle.next() {
            shares[member].assigned.connectors.push(connector);
        }
    }
    for task in tasks {
        if let Some(member) = circle.next() {
            shares[member].assigned.tasks.push(task);
        }
    }
    shares
}

fn assign_sticky(
    members: &[(String, Metadata)],
    connectors: &[Arc<str>],
    tasks: &[ConnectorTaskId],
) -> Vec<Share> {
    let owned: Vec<ConnectorsAndTasks> = members
        .iter()
        .map(|(_, metadata)| {
            metadata
                .current_assignment
                .as_ref()
                .map(|assignment| assignment.assigned.clone())
                .unwrap_or_default()
        })
        .collect();
    let connector_moves = keep_and_deal(
        connectors,
        owned.iter().map(|owned| owned.connectors.clone()).collect(),
    );
    let task_moves = keep_and_deal(
        tasks,
        owned.iter().map(|owned| owned.tasks.clone()).collect(),
    );
    connector_moves
        .into_iter()
        .zip(task_moves)
        .map(|(connectors, tasks)| Share {
            assigned: ConnectorsAndTasks {
                connectors: connectors.assigned,
                tasks: tasks.assigned,
            },
            revoked: ConnectorsAndTasks {
                connectors: connectors.revoked,
                tasks: tasks.revoked,
            },
        })
        .collect()
}

struct Moves<T> {
    assigned: Vec<T>,
    revoked: Vec<T>,
}

fn keep_and_deal<T: Clone + Ord>(configured: &[T], owned: Vec<Vec<T>>) -> Vec<Moves<T>> {
    let configured_set: BTreeSet<&T> = configured.iter().collect();
    let mut holders: BTreeMap<&T, usize> = BTreeMap::new();
    for item in owned.iter().flatten() {
        *holders.entry(item).or_default() += 1;
    }
    let kept = |item: &T| configured_set.contains(item) && holders.get(item) == Some(&1);
    let mut loads: Vec<usize> = owned
        .iter()
        .map(|items| items.iter().filter(|item| kept(item)).count())
        .collect();
    let mut moves: Vec<Moves<T>> = owned
        .iter()
        .map(|items| Moves {
            assigned: Vec::new(),
            revoked: items.iter().filter(|item| !kept(item)).cloned().collect(),
        })
        .collect();
    for item in configured.iter().filter(|item| !holders.contains_key(item)) {
        let least = (0..loads.len()).min_by_key(|member| loads[*member]);
        if let Some(member) = least {
            loads[member] += 1;
            moves[member].assigned.push(item.clone());
        }
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever members held before: afterwards nothing is held twice, nothing that is deleted is
        /// held, and all that nobody held before is held by somebody.
        #[test]
        fn work_is_held_once(
            configured in proptest::collection::btree_set(0u8..30, 0..20),
            owned in proptest::collection::vec(proptest::collection::btree_set(0u8..40, 0..10), 1..5),
        ) {
            let configured: Vec<u8> = configured.into_iter().collect();
            let before: Vec<Vec<u8>> = owned.iter().map(|o| o.iter().copied().collect()).collect();
            let moves = keep_and_deal(&configured, before.clone());
            let mut held = Vec::new();
            for (items, moves) in before.iter().zip(&moves) {
                held.extend(items.iter().filter(|item| !moves.revoked.contains(item)));
                held.extend(&moves.assigned);
            }
            held.sort_unstable();
            let mut once = held.clone();
            once.dedup();
            prop_assert_eq!(&once, &held);
            prop_assert!(held.iter().all(|item| configured.contains(item)));
            for item in &configured {
                let holders = before.iter().filter(|items| items.contains(item)).count();
                prop_assert!(holders > 1 || held.contains(item));
            }
        }
    }
}
