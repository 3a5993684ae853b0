//! Projections: which fields of a document stay.

use super::retain;
use bson::{Bson, Document};
use std::collections::HashSet;

const ANY: &str = "*";
const ANY_DEPTH: &str = "**";

/// Fields to keep or to remove, by paths with dots. `*` stands for any field of one level, `**` for
/// everything below.
#[derive(Clone, Debug)]
pub enum Projection {
    /// Keeps these fields.
    Allow(AllowList),
    /// Removes these fields.
    Block(Vec<String>),
}

/// The fields to keep.
#[derive(Clone, Debug)]
pub struct AllowList {
    /// Every path and what leads to it.
    fields: HashSet<String>,
    /// Those with a `*` for a level, in parts.
    patterns: Vec<Vec<String>>,
    /// What the path of a field begins with, from entries of the first level like `a*`.
    prefixes: Vec<String>,
}

impl Projection {
    /// Keeps the fields of a list with commas.
    pub fn allow(list: &str) -> Self {
        let mut fields = HashSet::new();
        for entry in entries(list) {
            let mut entry = entry.as_str();
            fields.insert(entry.to_string());
            while let Some((parent, _)) = entry.rsplit_once('.') {
                entry = parent;
                if !entry.is_empty() {
                    fields.insert(entry.to_string());
                }
            }
        }
        let patterns = fields
            .iter()
            .map(|field| field.split('.').map(str::to_string).collect::<Vec<_>>())
            .filter(|parts| parts.iter().any(|part| part == ANY))
            .collect();
        let prefixes = fields
            .iter()
            .filter(|field| !field.contains('.') && field.as_str() != ANY)
            .filter_map(|field| field.strip_suffix('*').map(str::to_string))
            .collect();
        Self::Allow(AllowList {
            fields,
            patterns,
            prefixes,
        })
    }

    /// Removes the fields of a list with commas.
    pub fn block(list: &str) -> Self {
        let mut fields = entries(list);
        fields.sort_unstable();
        fields.dedup();
        Self::Block(fields)
    }

    /// Removes from the document what shall not stay.
    pub fn project(&self, document: &mut Document) {
        match self {
            Self::Allow(allowed) => allowed.project("", document),
            Self::Block(fields) => {
                for field in fields {
                    block(field, document);
                }
            }
        }
    }
}

fn entries(list: &str) -> Vec<String> {
    list.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(str::to_string)
        .collect()
}

impl AllowList {
    fn project(&self, path: &str, document: &mut Document) {
        if self.fields.contains(ANY_DEPTH) {
            return;
        }
        retain(document, |name, value| {
            let key = if path.is_empty() {
                name.to_string()
            } else {
                format!("{path}.{name}")
            };
            if !self.admits(&key) {
                return false;
            }
            match value {
                Bson::Document(inner) if !self.fields.contains(&format!("{key}.{ANY_DEPTH}")) => {
                    self.project(&key, inner);
                }
                Bson::Array(items) => {
                    for item in items {
                        if let Bson::Document(inner) = item {
                            self.project(&key, inner);
                        }
                    }
                }
                _ => {}
            }
            true
        });
    }

    fn admits(&self, key: &str) -> bool {
        if self.fields.contains(key) || self.prefixes.iter().any(|prefix| key.starts_with(prefix)) {
            return true;
        }
        // Java's split drops empty parts at the end.
        let key = key.trim_end_matches('.');
        self.patterns.iter().any(|pattern| {
            let mut parts = key.split('.');
            pattern
                .iter()
                .all(|part| parts.next().is_some_and(|name| part == ANY || part == name))
                && parts.next().is_none()
        })
    }
}

fn block(field: &str, document: &mut Document) {
    let Some((first, rest)) = field.split_once('.') else {
        match field {
            ANY | ANY_DEPTH => block_any(field, "", document),
            _ => match field.strip_suffix('*') {
                Some(prefix) => retain(document, |name, _| !name.starts_with(prefix)),
                None => {
                    document.remove(field);
                }
            },
        }
        return;
    };
    if first == ANY || first == ANY_DEPTH {
        block_any(first, rest, document);
        return;
    }
    match document.get_mut(first) {
        Some(Bson::Document(inner)) => block(rest, inner),
        Some(Bson::Array(items)) => {
            for item in items {
                if let Bson::Document(inner) = item {
                    block(rest, inner);
                }
            }
        }
        _ => {}
    }
}

/// `*` removes everything but documents and goes on in those; `**` removes everything.
fn block_any(first: &str, rest: &str, document: &mut Document) {
    if first == ANY_DEPTH {
        document.clear();
        return;
    }
    retain(document, |_, value| match value {
        Bson::Document(inner) => {
            if !rest.is_empty() {
                block(rest, inner);
            }
            true
        }
        _ => false,
    });
}
