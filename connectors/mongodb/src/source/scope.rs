//! What is watched.

use super::keys;
use crate::config::{Fault, Values};
use crate::sink::Namespace;

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Deployment,
    /// The collections of a database.
    Database(String),
    /// A collection.
    Collection(Namespace),
}

impl Scope {
    pub(super) fn read(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let (database, collection) = (values.text(keys::DATABASE), values.text(keys::COLLECTION));
        match (database, collection) {
            ("", "") => Some(Self::Deployment),
            (database, "") => Some(Self::Database(database.to_string())),
            ("", collection) => {
                faults.push(Fault::invalid(
                    keys::COLLECTION,
                    collection,
                    &format!("Missing database configuration `{}`", keys::DATABASE),
                ));
                None
            }
            (database, collection) => match Namespace::new(database, collection) {
                Ok(namespace) => Some(Self::Collection(namespace)),
                Err(error) => {
                    faults.push(Fault::invalid(keys::DATABASE, database, error.message()));
                    None
                }
            },
        }
    }

    /// Database and collection; empty where there is none.
    pub fn names(&self) -> (&str, &str) {
        match self {
            Self::Deployment => ("", ""),
            Self::Database(database) => (database, ""),
            Self::Collection(namespace) => (&namespace.database, &namespace.collection),
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Deployment => f.write_str("the whole deployment"),
            Self::Database(database) => write!(f, "the database {database}"),
            Self::Collection(namespace) => write!(f, "the collection {namespace}"),
        }
    }
}
