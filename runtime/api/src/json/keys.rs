//! The keys of objects seen before. Objects of one shape share their keys and hash none of them.

use crate::data::{Value, java_hash_order};
use bytestring::ByteString;
use std::collections::HashMap;
use std::sync::Arc;

/// More names than that, or more bytes in them, and everything is forgotten.
const MAX_NODES: usize = 4096;
const MAX_NUM_BYTES: usize = 1 << 20;
/// Objects with more members, or more objects that differ in the same member, are not worth it.
const MAX_MEMBERS: usize = 256;
const MAX_CHILDREN: usize = 32;

/// The keys of objects whose members came in one order.
#[derive(Debug)]
pub(super) struct Shape {
    /// In the order of a `java.util.HashMap`.
    pub(super) keys: Arc<Vec<Value>>,
    /// For each of these keys the number of the member that holds its value.
    pub(super) members: Box<[usize]>,
}

/// A name that followed a sequence of names.
#[derive(Debug)]
struct Node {
    name: ByteString,
    parent: usize,
    num_members: usize,
    /// The names that followed, of which the last one that did is tried first.
    children: Vec<usize>,
    last_child: usize,
    shape: Option<Shape>,
}

/// A tree of the sequences of names that objects had; bounded.
#[derive(Debug)]
pub(super) struct KeyShapes {
    nodes: Vec<Node>,
    num_bytes: usize,
}

impl KeyShapes {
    /// The node of an object without members.
    pub(super) const ROOT: usize = 0;

    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node {
                name: ByteString::new(),
                parent: Self::ROOT,
                num_members: 0,
                children: Vec::new(),
                last_child: Self::ROOT,
                shape: None,
            }],
            num_bytes: 0,
        }
    }

    /// Forgets everything if there is too much of it. Not to be called while nodes are in use.
    pub(super) fn trim(&mut self) {
        if self.nodes.len() >= MAX_NODES || self.num_bytes >= MAX_NUM_BYTES {
            *self = Self::new();
        }
    }

    /// The node of one more name; `None` if it can't be kept.
    #[inline]
    pub(super) fn child(&mut self, node: usize, name: &str) -> Option<usize> {
        let last = self.nodes[node].last_child;
        // The root is nobody's child, so it stands for none.
        if last != Self::ROOT && self.nodes[last].name == name {
            return Some(last);
        }
        self.other_child(node, name)
    }

    fn other_child(&mut self, node: usize, name: &str) -> Option<usize> {
        let children = &self.nodes[node].children;
        let known = children
            .iter()
            .copied()
            .find(|&child| self.nodes[child].name == name);
        if let Some(child) = known {
            self.nodes[node].last_child = child;
            return Some(child);
        }
        let num_members = self.nodes[node].num_members + 1;
        if self.nodes.len() >= MAX_NODES
            || self.num_bytes >= MAX_NUM_BYTES
            || num_members > MAX_MEMBERS
            || children.len() >= MAX_CHILDREN
        {
            return None;
        }
        let child = self.nodes.len();
        self.num_bytes += name.len();
        self.nodes.push(Node {
            // A copy: a slice would keep the whole record alive.
            name: ByteString::from(name),
            parent: node,
            num_members,
            children: Vec::new(),
            last_child: Self::ROOT,
            shape: None,
        });
        self.nodes[node].children.push(child);
        self.nodes[node].last_child = child;
        Some(child)
    }

    /// The names that lead to a node.
    pub(super) fn names(&self, node: usize) -> Vec<ByteString> {
        let mut names = Vec::with_capacity(self.nodes[node].num_members + 1);
        let mut current = node;
        while current != Self::ROOT {
            names.push(self.nodes[current].name.clone());
            current = self.nodes[current].parent;
        }
        names.reverse();
        names
    }

    /// The shape of objects whose last name is that of the node.
    #[inline]
    pub(super) fn shape(&mut self, node: usize) -> &Shape {
        if self.nodes[node].shape.is_none() {
            let shape = Shape::of(&self.names(node));
            self.nodes[node].shape = Some(shape);
        }
        self.nodes[node]
            .shape
            .as_ref()
            .expect("it was set above if there was none")
    }
}

impl Shape {
    /// The shape of an object with these names. Of equal names the first gives the place in the order
    /// and the last the value, as in a `LinkedHashMap` that is copied into a `HashMap`.
    pub(super) fn of(names: &[ByteString]) -> Self {
        let mut places: HashMap<&str, usize> = HashMap::with_capacity(names.len());
        let mut distinct: Vec<(&ByteString, usize)> = Vec::with_capacity(names.len());
        for (member, name) in names.iter().enumerate() {
            match places.get(&**name) {
                Some(&place) => distinct[place].1 = member,
                None => {
                    places.insert(name, distinct.len());
                    distinct.push((name, member));
                }
            }
        }
        let order = java_hash_order(distinct.iter().map(|(name, _)| &***name));
        Self {
            keys: Arc::new(
                order
                    .iter()
                    .map(|&index| Value::String(distinct[index].0.clone()))
                    .collect(),
            ),
            members: order.iter().map(|&index| distinct[index].1).collect(),
        }
    }
}
