//! Change streams of the scripted server, and the aggregations that copy collections.

use super::{Script, State};
use bson::{Bson, Document, doc};
use std::collections::{HashMap, VecDeque};

const CURSOR_NOT_FOUND: i32 = 43;
const HISTORY_LOST: i32 = 286;
const INVALID_RESUME_TOKEN: i32 = 260;

/// The changes and the open streams.
#[derive(Default)]
pub(super) struct Streams {
    events: Vec<Document>,
    /// So many of the first changes are forgotten.
    num_forgotten: usize,
    open: HashMap<i64, Stream>,
    last_cursor: i64,
    /// How often a stream had nothing more since the last change.
    pub(super) num_reads_at_end: usize,
    pub(super) scripts: VecDeque<Script>,
}

struct Stream {
    database: String,
    collection: String,
    /// The changes up to here have been read.
    position: usize,
    closes: bool,
}

fn token(position: usize) -> Document {
    doc! {"_data": format!("{position:08}")}
}

impl Streams {
    pub(super) fn push(&mut self, mut event: Document) {
        let number = self.events.len() + 1;
        let mut with_token = doc! {"_id": token(number)};
        event.remove("_id");
        with_token.extend(event);
        self.events.push(with_token);
        self.num_reads_at_end = 0;
    }

    pub(super) fn forget(&mut self) {
        self.num_forgotten = self.events.len();
    }

    pub(super) fn close(&mut self) {
        for stream in self.open.values_mut() {
            stream.closes = true;
        }
    }

    fn position(&self, options: &Document) -> Result<usize, Document> {
        let after = options
            .get_document("startAfter")
            .or_else(|_| options.get_document("resumeAfter"));
        let Ok(after) = after else {
            return Ok(self.events.len());
        };
        match after.get_str("_data").map(str::parse::<usize>) {
            Ok(Ok(position)) if position < self.num_forgotten => Err(failed(HISTORY_LOST)),
            Ok(Ok(position)) if position <= self.events.len() => Ok(position),
            _ => Err(failed(INVALID_RESUME_TOKEN)),
        }
    }

    fn read(&mut self, cursor: i64, max: usize, name: &str) -> Document {
        let Some(stream) = self.open.get_mut(&cursor) else {
            return failed(CURSOR_NOT_FOUND);
        };
        let mut batch = Vec::new();
        while stream.position < self.events.len() && batch.len() < max {
            let event = &self.events[stream.position];
            stream.position += 1;
            let is_in = |field, name: &str| {
                name.is_empty()
                    || event
                        .get_document("ns")
                        .and_then(|ns| ns.get_str(field))
                        .is_ok_and(|value| value == name)
            };
            if is_in("db", &stream.database) && is_in("coll", &stream.collection) {
                batch.push(Bson::Document(event.clone()));
            }
        }
        if batch.is_empty() && stream.position == self.events.len() {
            self.num_reads_at_end += 1;
        }
        let ends = stream.closes && stream.position == self.events.len();
        let mut reply = doc! {
            "id": if ends { 0 } else { cursor },
            "ns": "db.coll",
            "postBatchResumeToken": token(stream.position),
        };
        if ends {
            self.open.remove(&cursor);
        }
        reply.insert(name, batch);
        doc! {"cursor": reply, "ok": 1.0}
    }
}

pub(super) fn failed(code: i32) -> Document {
    doc! {"ok": 0.0, "code": code, "codeName": "Scripted", "errmsg": "oops"}
}

/// The answer to `aggregate` or `getMore`; `None` breaks the connection.
pub(super) fn answer(state: &mut State, command: &Document) -> Option<Document> {
    let (name, target) = command.iter().next()?;
    let mut more = Document::new();
    if let Some(script) = state.streams.scripts.pop_front() {
        match script {
            Script::Answer(answer) => return Some(answer),
            Script::BreakBefore | Script::BreakAfter => return None,
            Script::AddToAnswer(document) => more = document,
        }
    }
    let mut answer = match name.as_str() {
        "getMore" => {
            let max = command.get_i32("batchSize").map_or(101, |max| max as usize);
            state.streams.read(target.as_i64()?, max, "nextBatch")
        }
        _ => aggregate(state, command, target),
    };
    answer.extend(more);
    Some(answer)
}

fn aggregate(state: &mut State, command: &Document, target: &Bson) -> Document {
    let database = command.get_str("$db").unwrap();
    let collection = target.as_str().unwrap_or("");
    let stages = command.get_array("pipeline").unwrap();
    let first = stages.first().and_then(Bson::as_document);
    let Some(Ok(options)) = first.map(|stage| stage.get_document("$changeStream")) else {
        return match first.is_some_and(|stage| stage.contains_key("$sample")) {
            true => sampled(state, database, collection),
            false => copied(state, database, collection, stages),
        };
    };
    let position = match state.streams.position(options) {
        Ok(position) => position,
        Err(failed) => return failed,
    };
    let is_cluster = options.get_bool("allChangesForCluster").unwrap_or(false);
    state.streams.last_cursor += 1;
    let cursor = state.streams.last_cursor;
    let stream = Stream {
        database: if is_cluster { "" } else { database }.to_string(),
        collection: collection.to_string(),
        position,
        closes: false,
    };
    state.streams.open.insert(cursor, stream);
    // The first answer is empty, as it is from servers that have nothing at hand.
    state.streams.read(cursor, 0, "firstBatch")
}

/// Ids, all of them: that is a sample, too.
fn sampled(state: &State, database: &str, collection: &str) -> Document {
    let namespace = format!("{database}.{collection}");
    let documents = state.collections.get(&namespace);
    let id = |document: &Document| Bson::Document(doc! {"_id": document.get("_id").cloned()});
    let ids: Vec<Bson> = documents.into_iter().flatten().map(id).collect();
    doc! {"cursor": {"id": 0_i64, "ns": namespace, "firstBatch": ids}, "ok": 1.0}
}

/// Whether a document is between the bounds of a range; ids are numbers.
fn is_in_range(document: &Document, bounds: &[Bson]) -> bool {
    let id = document.get_i32("_id").unwrap();
    bounds.iter().all(|bound| {
        let (operator, operands) = bound.as_document().unwrap().iter().next().unwrap();
        let literal = operands.as_array().unwrap()[1].as_document().unwrap();
        let bound = literal.get_i32("$literal").unwrap();
        match operator.as_str() {
            "$gt" => id > bound,
            "$lte" => id <= bound,
            other => panic!("{other}"),
        }
    })
}

/// What the stages of copying make of the documents of a collection.
fn copied(state: &State, database: &str, collection: &str, stages: &[Bson]) -> Document {
    let namespace = format!("{database}.{collection}");
    let bounds = stages[0]
        .as_document()
        .and_then(|stage| stage.get_document("$match").ok())
        .and_then(|stage| stage.get_document("$expr").ok())
        .and_then(|expression| expression.get_array("$and").ok());
    let bounds = bounds.map_or(&[][..], Vec::as_slice);
    let documents = state.collections.get(&namespace);
    let events: Vec<Bson> = documents
        .into_iter()
        .flatten()
        .filter(|document| bounds.is_empty() || is_in_range(document, bounds))
        .map(|document| {
            let id = document.get("_id").cloned();
            Bson::Document(doc! {
                "_id": {"_id": id.clone(), "copyingData": true},
                "operationType": "insert",
                "documentKey": {"_id": id},
                "fullDocument": document.clone(),
                "__": {"db": database, "coll": collection},
            })
        })
        .collect();
    doc! {"cursor": {"id": 0_i64, "ns": namespace, "firstBatch": events}, "ok": 1.0}
}
