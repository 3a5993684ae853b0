//! Puts events together that the server sent in parts.

use bson::{Bson, Document};
use connect_api::{ConnectError, Result};

/// What tells a part from a whole event.
const SPLIT_EVENT: &str = "splitEvent";

/// An event holds the document before and after, 16 MB each, and what changed. More parts than that are a
/// fault of the server.
const MAX_NUM_PARTS: i32 = 64;

/// Collects the parts of one event.
#[derive(Debug, Default)]
pub(super) struct SplitEvents {
    collected: Option<(Document, i32)>,
}

impl SplitEvents {
    /// Whether parts of an event are missing.
    pub(super) fn is_amid(&self) -> bool {
        self.collected.is_some()
    }

    /// Takes the next event or part; gives an event when it is whole. Its resume token is that of the last
    /// part.
    pub(super) fn take(&mut self, mut event: Document) -> Result<Option<Document>> {
        let Some((number, count)) = event.get_document(SPLIT_EVENT).ok().and_then(numbers) else {
            return match self.collected.take() {
                None => Ok(Some(event)),
                Some(_) => Err(out_of_order("a whole event")),
            };
        };
        event.remove(SPLIT_EVENT);
        let mut whole = match self.collected.take() {
            None if number == 1 && count <= MAX_NUM_PARTS => Document::new(),
            Some((whole, before)) if number == before + 1 => whole,
            _ => return Err(out_of_order(&format!("part {number} of {count}"))),
        };
        whole.extend(event);
        if number == count {
            return Ok(Some(whole));
        }
        self.collected = Some((whole, number));
        Ok(None)
    }
}

fn numbers(split: &Document) -> Option<(i32, i32)> {
    let number = |name| match split.get(name) {
        Some(Bson::Int32(number)) => Some(*number),
        Some(Bson::Int64(number)) => i32::try_from(*number).ok(),
        _ => None,
    };
    Some((number("fragment")?, number("of")?))
}

fn out_of_order(what: &str) -> ConnectError {
    ConnectError::retriable(format!(
        "The server sent {what} while another part of a split event was due; the stream is opened again"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::doc;

    #[test]
    fn parts_become_the_event_that_was_split() {
        let mut parts = SplitEvents::default();
        let whole = doc! {"_id": {"_data": "1"}, "operationType": "insert"};
        assert_eq!(parts.take(whole.clone()).unwrap(), Some(whole));
        let first =
            doc! {"_id": {"_data": "2"}, "splitEvent": {"fragment": 1, "of": 3}, "ns": {"db": "d"}};
        let second = doc! {"_id": {"_data": "3"}, "splitEvent": {"fragment": 2, "of": 3}, "fullDocument": {"a": 1}};
        let third = doc! {"_id": {"_data": "4"}, "splitEvent": {"fragment": 3_i64, "of": 3}, "fullDocumentBeforeChange": {"a": 0}};
        assert_eq!(parts.take(first).unwrap(), None);
        assert_eq!(parts.take(second).unwrap(), None);
        let whole = parts.take(third).unwrap().unwrap();
        assert_eq!(
            whole,
            doc! {"_id": {"_data": "4"}, "ns": {"db": "d"}, "fullDocument": {"a": 1}, "fullDocumentBeforeChange": {"a": 0}}
        );
    }

    #[test]
    fn parts_out_of_order_are_no_event() {
        let part =
            |number: i32, of: i32| doc! {"_id": {}, "splitEvent": {"fragment": number, "of": of}};
        for wrong in [
            vec![part(2, 2)],
            vec![part(1, 2), doc! {"_id": {}}],
            vec![part(1, 3), part(3, 3)],
            vec![part(1, 1000)],
        ] {
            let mut parts = SplitEvents::default();
            let outcome: Result<Vec<_>> = wrong.into_iter().map(|part| parts.take(part)).collect();
            assert!(outcome.unwrap_err().is_retriable());
        }
    }
}
