//! How far a copy has come that goes on in the middle after a restart.

use super::offset::token_text;
use crate::bson::{JsonMode, document_to_json, parse_document};
use crate::sink::Namespace;
use bson::{Bson, Document, doc};
use connect_api::{ConnectError, Result};

/// What a copy has still to read, and where the stream goes on behind it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CopyProgress {
    token: Document,
    /// By the order of the plan; `None` for those that have been read.
    ranges: Vec<Option<CopyRange>>,
}

/// Documents of a collection, in the order of their ids.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CopyRange {
    /// The collection.
    pub(super) namespace: Namespace,
    /// The range begins behind this id; `None` with the first.
    pub(super) after: Option<Bson>,
    /// It ends with this id; `None` with the last.
    pub(super) up_to: Option<Bson>,
}

impl CopyProgress {
    pub(super) fn new(token: Document, ranges: Vec<CopyRange>) -> Self {
        Self {
            token,
            ranges: ranges.into_iter().map(Some).collect(),
        }
    }

    /// Where the stream goes on.
    pub(super) fn token(&self) -> &Document {
        &self.token
    }

    /// The ranges that are left, with their numbers.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (usize, &CopyRange)> {
        let numbered = self.ranges.iter().enumerate();
        numbered.filter_map(|(number, range)| Some((number, range.as_ref()?)))
    }

    /// Whether everything has been read.
    pub(super) fn is_finished(&self) -> bool {
        self.ranges.iter().all(Option::is_none)
    }

    /// The range has been read up to this id, or to its end.
    pub(super) fn advance(&mut self, number: usize, after: Option<Bson>, is_end: bool) {
        let Some(range) = self.ranges.get_mut(number) else {
            return;
        };
        match range {
            _ if is_end => *range = None,
            Some(range) if after.is_some() => range.after = after,
            _ => {}
        }
    }

    /// As it is stored: types of ids are kept.
    pub(super) fn to_text(&self) -> String {
        let ranges = self.ranges().map(|(_, range)| {
            let mut stored = doc! {
                "db": &*range.namespace.database,
                "coll": &*range.namespace.collection,
            };
            for (name, id) in [("after", &range.after), ("upTo", &range.up_to)] {
                if let Some(id) = id {
                    stored.insert(name, id.clone());
                }
            }
            Bson::Document(stored)
        });
        let ranges: Vec<Bson> = ranges.collect();
        let stored = doc! {"token": token_text(&self.token), "ranges": ranges};
        document_to_json(&stored, JsonMode::Canonical)
    }

    /// Reads what [`CopyProgress::to_text`] wrote.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let stored = parse_document(text)?;
        let unreadable = |what: &str| ConnectError::data(format!("there is no {what}"));
        let token = stored.get_str("token").map_err(|_| unreadable("token"))?;
        let ranges = stored
            .get_array("ranges")
            .map_err(|_| unreadable("list of ranges"))?;
        let range = |stored: &Bson| {
            let stored = stored.as_document().ok_or_else(|| unreadable("range"))?;
            let name = |field| stored.get_str(field).map_err(|_| unreadable(field));
            Ok(CopyRange {
                namespace: Namespace::new(name("db")?, name("coll")?)?,
                after: stored.get("after").cloned(),
                up_to: stored.get("upTo").cloned(),
            })
        };
        let ranges: Result<Vec<CopyRange>> = ranges.iter().map(range).collect();
        Ok(Self::new(parse_document(token)?, ranges?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::oid::ObjectId;
    use proptest::prelude::*;

    fn any_id() -> impl Strategy<Value = Bson> {
        prop_oneof![
            any::<i32>().prop_map(Bson::Int32),
            any::<i64>().prop_map(Bson::Int64),
            any::<String>().prop_map(Bson::String),
            any::<[u8; 12]>().prop_map(|bytes| Bson::ObjectId(ObjectId::from_bytes(bytes))),
            any::<i32>().prop_map(|number| Bson::Document(doc! {"a": number, "$b": "c"})),
            Just(Bson::Null),
        ]
    }

    proptest! {
        #[test]
        fn what_is_stored_is_read(ids in proptest::collection::vec((proptest::option::of(any_id()), proptest::option::of(any_id())), 0..5)) {
            let range = |(after, up_to)| CopyRange {
                namespace: Namespace::new("d", "a.b \"é\"").unwrap(),
                after,
                up_to,
            };
            let ranges = ids.into_iter().map(range).collect();
            let progress = CopyProgress::new(doc! {"_data": "82AB"}, ranges);
            prop_assert_eq!(CopyProgress::parse(&progress.to_text()).unwrap(), progress);
        }

        #[test]
        fn no_text_breaks_the_parser(text in ".{0,60}") {
            let _ = CopyProgress::parse(&text);
        }
    }

    #[test]
    fn ranges_go_on_and_end() {
        let range = |after: i32| CopyRange {
            namespace: Namespace::new("d", "c").unwrap(),
            after: Some(after.into()),
            up_to: Some((after + 10).into()),
        };
        let mut progress = CopyProgress::new(doc! {}, vec![range(0), range(10)]);
        progress.advance(0, Some(4.into()), false);
        progress.advance(1, None, true);
        progress.advance(7, None, true);
        let left: Vec<_> = progress.ranges().collect();
        let expected = CopyRange {
            after: Some(4.into()),
            ..range(0)
        };
        assert_eq!(left, [(0, &expected)]);
        assert!(!progress.is_finished());
        progress.advance(0, Some(9.into()), true);
        assert!(progress.is_finished());
    }
}
