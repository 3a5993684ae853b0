//! An open change stream.
//!
//! The driver has streams that resume by themselves. When the connection breaks on which one is being resumed,
//! its second try has no resume token any more: the stream begins with the next change, and those in between
//! are lost (driver 3.9.1). So a stream ends with its first error here, and the task opens the next one behind
//! what it has returned.

use super::failure::unreadable_answer;
use bson::raw::{RawArray, RawBsonRef, RawDocument};
use bson::{Document, Timestamp};
use connect_api::Result;
use futures::StreamExt;
use mongodb::raw_batch_cursor::{RawBatch, RawBatchCursor};

use crate::bson::document_from_bytes;

/// What is read from the server until the first error.
pub(super) struct OpenStream {
    cursor: RawBatchCursor,
}

impl OpenStream {
    pub(super) fn new(cursor: RawBatchCursor) -> Self {
        Self { cursor }
    }

    /// The next answer: first that to the opening, which is there already. `None` when the server has closed
    /// the stream, as it does after the event `invalidate`.
    pub(super) async fn next(&mut self) -> Option<mongodb::error::Result<RawBatch>> {
        self.cursor.next().await
    }
}

/// An answer of the server: events, and how far it has looked.
#[derive(Debug)]
pub(super) struct Answer<'b> {
    batch: &'b RawBatch,
    /// Where the stream goes on behind the events. Servers before 4.0.7 do not say.
    pub(super) token: Option<Document>,
    /// The server's time.
    pub(super) operation_time: Option<Timestamp>,
}

impl<'b> Answer<'b> {
    pub(super) fn read(batch: &'b RawBatch) -> Result<Self> {
        let answer = batch.as_raw_document();
        let cursor = answer.get_document("cursor").map_err(unreadable_answer)?;
        let token = cursor
            .get("postBatchResumeToken")
            .map_err(unreadable_answer)?
            .and_then(RawBsonRef::as_document)
            .map(|token| document_from_bytes(token.as_bytes()))
            .transpose()?;
        Ok(Self {
            batch,
            token,
            operation_time: answer
                .get("operationTime")
                .map_err(unreadable_answer)?
                .and_then(RawBsonRef::as_timestamp),
        })
    }

    fn array(&self) -> Result<&'b RawArray> {
        self.batch.doc_slices().map_err(unreadable_answer)
    }

    /// Whether there are no events.
    pub(super) fn is_empty(&self) -> Result<bool> {
        Ok(self.array()?.is_empty())
    }

    /// The events.
    pub(super) fn events(&self) -> Result<impl Iterator<Item = Result<&'b RawDocument>>> {
        let items = self.array()?.into_iter();
        Ok(items.map(|item| {
            let item = item.map_err(unreadable_answer)?;
            item.as_document()
                .ok_or_else(|| unreadable_answer("an event is no document"))
        }))
    }

    /// How far the stream is behind the server, in seconds, where the answer says so.
    pub(super) fn lag_s(&self) -> Option<u32> {
        let seen = time_of(self.token.as_ref()?)?;
        Some(self.operation_time?.time.saturating_sub(seen))
    }
}

/// The second of a resume token: its bytes, as hexadecimal digits, begin with the type of a timestamp.
fn time_of(token: &Document) -> Option<u32> {
    let digits = token.get_str("_data").ok()?.strip_prefix("82")?;
    u32::from_str_radix(digits.get(..8)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::doc;

    #[test]
    fn tokens_tell_their_time() {
        for (token, seconds) in [
            ("82635019A0000000012B0229296E04", Some(0x6350_19A0)),
            ("8263501", None),
            ("82é5019A000000001", None),
            ("00000012", None),
        ] {
            assert_eq!(time_of(&doc! {"_data": token}), seconds, "{token}");
        }
        assert_eq!(time_of(&doc! {"_data": 1}), None);
    }
}
