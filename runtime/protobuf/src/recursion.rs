//! How often a message type may lie within itself.
//!
//! Connect schemas are trees here and hold no cycle, so a message that contains itself is unrolled: the
//! fewer ways lead back to it, the deeper. What a record nests deeper still is an error of that record.

use crate::mapping::message_edges;
use crate::options::DataOptions;
use prost_reflect::MessageDescriptor;
use std::collections::HashMap;

/// Levels of a message with one way back to itself, such as a linked list.
const MAX_LEVELS: u32 = 32;
/// With more ways back a schema doubles at each level; this many doublings are allowed.
const MAX_DOUBLINGS: u32 = 10;

/// The recursion of all messages below one.
#[derive(Debug, Default)]
pub(crate) struct Recursion {
    /// Messages that contain themselves, by full name: their cycle, and the levels that it has.
    cycles: HashMap<String, (usize, u32)>,
}

impl Recursion {
    pub(crate) fn of(options: DataOptions, root: &MessageDescriptor) -> Self {
        let mut graph = Graph::default();
        graph.add(options, root);
        graph.cycles()
    }

    pub(crate) fn is_recursive(&self, message: &MessageDescriptor) -> bool {
        self.cycles.contains_key(message.full_name())
    }

    /// The levels below `child` when it is a field of `parent`, which has `levels` itself: none left
    /// where the unrolling ends.
    pub(crate) fn levels(
        &self,
        parent: Option<(&MessageDescriptor, u32)>,
        child: &MessageDescriptor,
    ) -> Option<u32> {
        let Some(&(cycle, all_levels)) = self.cycles.get(child.full_name()) else {
            return Some(0);
        };
        match parent {
            Some((parent, levels))
                if self
                    .cycles
                    .get(parent.full_name())
                    .is_some_and(|(own, _)| *own == cycle) =>
            {
                levels.checked_sub(1).filter(|levels| *levels > 0)
            }
            _ => Some(all_levels),
        }
    }
}

#[derive(Default)]
struct Graph {
    names: Vec<String>,
    indices: HashMap<String, usize>,
    /// From each message to those of its fields; one that is used twice counts twice.
    edges: Vec<Vec<usize>>,
}

impl Graph {
    fn add(&mut self, options: DataOptions, root: &MessageDescriptor) {
        let mut waiting = vec![root.clone()];
        self.index(root);
        let mut next = 0;
        while next < waiting.len() {
            let message = waiting[next].clone();
            for child in message_edges(options, &message) {
                let known = self.names.len();
                let index = self.index(&child);
                if index == known {
                    waiting.push(child);
                }
                self.edges[next].push(index);
            }
            next += 1;
        }
    }

    fn index(&mut self, message: &MessageDescriptor) -> usize {
        if let Some(&index) = self.indices.get(message.full_name()) {
            return index;
        }
        let index = self.names.len();
        self.names.push(message.full_name().to_string());
        self.indices.insert(message.full_name().to_string(), index);
        self.edges.push(Vec::new());
        index
    }

    /// Kosaraju's algorithm: components of the reversed graph, from the last message to be finished.
    fn cycles(&self) -> Recursion {
        let mut reversed = vec![Vec::new(); self.edges.len()];
        for (from, targets) in self.edges.iter().enumerate() {
            for &to in targets {
                reversed[to].push(from);
            }
        }
        let mut component = vec![usize::MAX; self.edges.len()];
        for (number, start) in self.finishing_order().into_iter().rev().enumerate() {
            let mut waiting = vec![start];
            while let Some(node) = waiting.pop() {
                if component[node] == usize::MAX {
                    component[node] = number;
                    waiting.extend(&reversed[node]);
                }
            }
        }
        let mut ways_back: HashMap<usize, usize> = HashMap::new();
        for (from, targets) in self.edges.iter().enumerate() {
            let inner = targets
                .iter()
                .filter(|to| component[**to] == component[from])
                .count();
            let most = ways_back.entry(component[from]).or_default();
            *most = inner.max(*most);
        }
        let cycles = self
            .names
            .iter()
            .enumerate()
            .filter_map(|(index, name)| {
                let cycle = component[index];
                let levels = levels_for(*ways_back.get(&cycle)?)?;
                Some((name.clone(), (cycle, levels)))
            })
            .collect();
        Recursion { cycles }
    }

    fn finishing_order(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.edges.len());
        let mut seen = vec![false; self.edges.len()];
        for start in 0..self.edges.len() {
            if std::mem::replace(&mut seen[start], true) {
                continue;
            }
            let mut path = vec![(start, 0)];
            while let Some((node, next)) = path.last_mut() {
                let node = *node;
                match self.edges[node].get(*next) {
                    Some(&child) => {
                        *next += 1;
                        if !std::mem::replace(&mut seen[child], true) {
                            path.push((child, 0));
                        }
                    }
                    None => {
                        order.push(node);
                        path.pop();
                    }
                }
            }
        }
        order
    }
}

/// The levels of a cycle whose messages have so many fields that stay in it; none if it is no cycle.
fn levels_for(ways_back: usize) -> Option<u32> {
    match ways_back {
        0 => None,
        1 => Some(MAX_LEVELS),
        ways => Some((MAX_DOUBLINGS / (usize::BITS - (ways - 1).leading_zeros())).max(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProtobufSchema;

    #[test]
    fn the_more_ways_back_the_fewer_levels() {
        assert_eq!(levels_for(0), None);
        assert_eq!(levels_for(1), Some(32));
        assert_eq!(levels_for(2), Some(10));
        assert_eq!(levels_for(4), Some(5));
        assert_eq!(levels_for(1000), Some(1));
    }

    #[test]
    fn cycles_are_found_and_counted_down() {
        let schema = ProtobufSchema::parse(
            "syntax = \"proto3\"; message A { B b = 1; C c = 2; } message B { A a = 1; } message C {}",
            &[],
        )
        .unwrap();
        let [a, b, c] = ["A", "B", "C"].map(|name| schema.message(name).unwrap());
        let recursion = Recursion::of(DataOptions::default(), &a);
        assert!(recursion.is_recursive(&a) && recursion.is_recursive(&b));
        assert!(!recursion.is_recursive(&c));
        assert_eq!(recursion.levels(None, &a), Some(32));
        assert_eq!(recursion.levels(Some((&a, 32)), &b), Some(31));
        assert_eq!(recursion.levels(Some((&a, 1)), &b), None);
        assert_eq!(recursion.levels(Some((&a, 1)), &c), Some(0));
    }
}
