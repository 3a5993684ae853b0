//! A server that does as a test says: it speaks the wire protocol, keeps documents, and on demand
//! breaks connections, refuses commands or pretends to be another kind of server.

mod streams;

use bson::{Bson, Document, doc};
use std::collections::{HashMap, VecDeque};
use std::io::Cursor;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const OP_REPLY: i32 = 1;
const OP_QUERY: i32 = 2004;
const OP_MSG: i32 = 2013;

/// What happens to the next write in place of the usual.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    /// This answer, and nothing is written.
    Answer(Document),
    /// The usual, and this in the answer.
    AddToAnswer(Document),
    /// The connection breaks before anything is written.
    BreakBefore,
    /// The connection breaks when everything is written.
    BreakAfter,
}

#[derive(Default)]
struct State {
    hello: Document,
    collections: HashMap<String, Vec<Document>>,
    /// Write commands as they came.
    writes: Vec<Document>,
    scripts: VecDeque<Script>,
    /// So many of the next commands that open or read a stream get no answer.
    num_unanswered: usize,
    /// Answers to other commands, by name.
    answers: HashMap<String, Document>,
    /// Other commands as they came.
    commands: Vec<Document>,
    /// What changed, and who reads it.
    streams: streams::Streams,
    /// The answers to numbered commands of sessions.
    remembered: HashMap<(Vec<u8>, i64), Document>,
}

/// A running server; it ends when this is dropped.
pub(crate) struct ScriptedServer {
    port: u16,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl ScriptedServer {
    /// A member of a replica set, the primary.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let me = format!("127.0.0.1:{port}");
        let state = Arc::new(Mutex::new(State {
            hello: doc! {
                "ismaster": true, "isWritablePrimary": true, "helloOk": true, "setName": "rs0",
                "setVersion": 1, "hosts": [&me], "primary": &me, "me": &me, "secondary": false,
                "maxBsonObjectSize": 16 << 20, "maxMessageSizeBytes": 48_000_000,
                "maxWriteBatchSize": 100_000, "logicalSessionTimeoutMinutes": 30,
                "minWireVersion": 0, "maxWireVersion": 17, "readOnly": false, "ok": 1.0,
            },
            ..State::default()
        }));
        let shared = state.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self {
            port,
            state,
            accepting,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The connection string, with these options behind it.
    pub(crate) fn uri(&self, options: &str) -> String {
        format!(
            "mongodb://127.0.0.1:{}/?directConnection=true{options}",
            self.port
        )
    }

    /// Says what happens to the next writes.
    pub(crate) fn script(&self, scripts: impl IntoIterator<Item = Script>) {
        self.state().scripts.extend(scripts);
    }

    /// Sets the answer to a command that is no write.
    pub(crate) fn answer(&self, command: &str, answer: Document) {
        self.state().answers.insert(command.to_string(), answer);
    }

    /// Records a change; its token is the number of the change.
    pub(crate) fn change(&self, event: Document) {
        self.state().streams.push(event);
    }

    /// Puts a document into a collection and records the change.
    pub(crate) fn insert(&self, database: &str, collection: &str, document: Document) {
        let mut state = self.state();
        let namespace = format!("{database}.{collection}");
        let documents = state.collections.entry(namespace).or_default();
        documents.push(document.clone());
        state.streams.push(doc! {
            "operationType": "insert",
            "ns": {"db": database, "coll": collection},
            "documentKey": {"_id": document.get("_id").cloned()},
            "fullDocument": document,
        });
    }

    /// Says what happens to the next commands that open or read a stream.
    pub(crate) fn script_streams(&self, scripts: impl IntoIterator<Item = Script>) {
        self.state().streams.scripts.extend(scripts);
    }

    /// Gives no answer to so many of the next commands that read a stream; connections stay open.
    pub(crate) fn fall_silent(&self, num_commands: usize) {
        self.state().num_unanswered = num_commands;
    }

    /// Forgets all changes so far: tokens of them are lost.
    pub(crate) fn forget_changes(&self) {
        self.state().streams.forget();
    }

    /// How often a stream has been read to its end, without anything in the answer, since the last change.
    pub(crate) fn num_reads_at_end(&self) -> usize {
        self.state().streams.num_reads_at_end
    }

    /// Closes every open stream once it has read everything, as after `invalidate`.
    pub(crate) fn close_streams(&self) {
        self.state().streams.close();
    }

    /// Changes the greeting.
    pub(crate) fn change_hello(&self, change: impl FnOnce(&mut Document)) {
        change(&mut self.state().hello);
    }

    /// The documents of a collection, `db.coll`.
    pub(crate) fn documents(&self, namespace: &str) -> Vec<Document> {
        let state = self.state();
        state
            .collections
            .get(namespace)
            .cloned()
            .unwrap_or_default()
    }

    /// The write commands that came.
    pub(crate) fn writes(&self) -> Vec<Document> {
        self.state().writes.clone()
    }

    /// The commands of a name that came.
    pub(crate) fn commands(&self, name: &str) -> Vec<Document> {
        let state = self.state();
        let has_name = |command: &&Document| command.keys().next().is_some_and(|key| key == name);
        state.commands.iter().filter(has_name).cloned().collect()
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) -> Option<()> {
    loop {
        let length = stream.read_i32_le().await.ok()?;
        let request_id = stream.read_i32_le().await.ok()?;
        stream.read_i32_le().await.ok()?;
        let opcode = stream.read_i32_le().await.ok()?;
        let mut body = vec![0; usize::try_from(length).ok()?.checked_sub(16)?];
        stream.read_exact(&mut body).await.ok()?;
        let command = match opcode {
            OP_MSG => read_message(&body)?,
            OP_QUERY => read_query(&body)?,
            _ => return None,
        };
        if stays_silent(&mut state.lock().unwrap(), &command) {
            continue;
        }
        let answer = answer(&mut state.lock().unwrap(), command)?;
        let mut reply = Vec::new();
        match opcode {
            OP_MSG => {
                reply.extend([0; 4]);
                reply.push(0);
            }
            _ => {
                reply.extend([0; 16]);
                reply.extend(1_i32.to_le_bytes());
            }
        }
        reply.extend(answer.to_vec().unwrap());
        let opcode = if opcode == OP_MSG { OP_MSG } else { OP_REPLY };
        let mut header = Vec::new();
        for number in [reply.len() as i32 + 16, 0, request_id, opcode] {
            header.extend(number.to_le_bytes());
        }
        stream.write_all(&header).await.ok()?;
        stream.write_all(&reply).await.ok()?;
    }
}

fn read_message(body: &[u8]) -> Option<Document> {
    let mut command = Document::new();
    let mut rest = &body[4..];
    while let Some((&kind, section)) = rest.split_first() {
        if kind == 0 {
            let mut cursor = Cursor::new(section);
            command.extend(Document::from_reader(&mut cursor).ok()?);
            rest = &section[cursor.position() as usize..];
            continue;
        }
        let size = i32::from_le_bytes(*section.first_chunk()?) as usize;
        let (section, after) = section.split_at(size);
        let name_end = 4 + section[4..].iter().position(|byte| *byte == 0)?;
        let name = String::from_utf8(section[4..name_end].to_vec()).ok()?;
        let mut cursor = Cursor::new(&section[name_end + 1..]);
        let mut items = Vec::new();
        while (cursor.position() as usize) < cursor.get_ref().len() {
            items.push(Bson::Document(Document::from_reader(&mut cursor).ok()?));
        }
        command.insert(name, items);
        rest = after;
    }
    Some(command)
}

fn read_query(body: &[u8]) -> Option<Document> {
    let name_end = 4 + body[4..].iter().position(|byte| *byte == 0)?;
    Document::from_reader(&mut Cursor::new(&body[name_end + 9..])).ok()
}

fn stays_silent(state: &mut State, command: &Document) -> bool {
    let stays_silent = state.num_unanswered > 0 && command.contains_key("getMore");
    state.num_unanswered -= usize::from(stays_silent);
    stays_silent
}

/// The answer to a command; `None` breaks the connection.
fn answer(state: &mut State, command: Document) -> Option<Document> {
    let name = command.keys().next()?.clone();
    if !matches!(name.as_str(), "insert" | "update" | "delete") {
        state.commands.push(command.clone());
        if matches!(name.as_str(), "aggregate" | "getMore") {
            return streams::answer(state, &command);
        }
        return Some(match name.to_ascii_lowercase().as_str() {
            "hello" | "ismaster" => state.hello.clone(),
            "count" => {
                let database = command.get_str("$db").unwrap();
                let namespace = format!("{database}.{}", command.get_str("count").unwrap());
                let documents = state.collections.get(&namespace);
                doc! {"n": documents.map_or(0, Vec::len) as i32, "ok": 1.0}
            }
            _ => state
                .answers
                .get(&name)
                .cloned()
                .unwrap_or_else(|| doc! {"ok": 1.0}),
        });
    }
    state.writes.push(command.clone());
    match state.scripts.pop_front() {
        Some(Script::Answer(answer)) => Some(answer),
        Some(Script::BreakBefore) => None,
        Some(Script::BreakAfter) => {
            write_once(state, &command);
            None
        }
        Some(Script::AddToAnswer(more)) => {
            let mut answer = write_once(state, &command);
            answer.extend(more);
            Some(answer)
        }
        None => Some(write_once(state, &command)),
    }
}

/// Writes, unless the command came before.
fn write_once(state: &mut State, command: &Document) -> Document {
    let session = command
        .get_document("lsid")
        .map(|session| session.to_vec().unwrap());
    let key = match (session, command.get_i64("txnNumber")) {
        (Ok(session), Ok(number)) => Some((session, number)),
        _ => None,
    };
    if let Some(answer) = key.as_ref().and_then(|key| state.remembered.get(key)) {
        return answer.clone();
    }
    let answer = write(state, command);
    if let Some(key) = key {
        state.remembered.insert(key, answer.clone());
    }
    answer
}

fn write(state: &mut State, command: &Document) -> Document {
    let (name, collection) = command.iter().next().unwrap();
    let namespace = format!(
        "{}.{}",
        command.get_str("$db").unwrap(),
        collection.as_str().unwrap()
    );
    let documents = state.collections.entry(namespace).or_default();
    let statements = ["documents", "updates", "deletes"]
        .into_iter()
        .find_map(|field| command.get_array(field).ok())
        .unwrap();
    let ordered = command.get_bool("ordered").unwrap_or(true);
    let mut errors = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        let statement = statement.as_document().unwrap();
        let result = match name.as_str() {
            "insert" => insert(documents, statement.clone()),
            "update" => update(documents, statement),
            _ => {
                let filter = statement.get_document("q").unwrap();
                if let Some(at) = find(documents, filter) {
                    documents.remove(at);
                }
                Ok(())
            }
        };
        if let Err(message) = result {
            errors.push(doc! {"index": index as i32, "code": 11000, "errmsg": message});
            if ordered {
                break;
            }
        }
    }
    let mut answer = doc! {"n": (statements.len() - errors.len()) as i32, "ok": 1.0};
    if !errors.is_empty() {
        answer.insert("writeErrors", errors);
    }
    answer
}

fn find(documents: &[Document], filter: &Document) -> Option<usize> {
    documents.iter().position(|document| {
        filter
            .iter()
            .all(|(name, value)| document.get(name) == Some(value))
    })
}

fn insert(documents: &mut Vec<Document>, document: Document) -> Result<(), String> {
    let id = document.get("_id").cloned().unwrap_or(Bson::Null);
    if find(documents, &doc! {"_id": id.clone()}).is_some() {
        return Err(format!(
            "E11000 duplicate key error dup key: {{ _id: {id} }}"
        ));
    }
    documents.push(document);
    Ok(())
}

fn update(documents: &mut Vec<Document>, statement: &Document) -> Result<(), String> {
    let filter = statement.get_document("q").unwrap();
    let change = statement.get_document("u").unwrap();
    let is_upsert = statement.get_bool("upsert").unwrap_or(false);
    let at = match find(documents, filter) {
        Some(at) => at,
        None if is_upsert => {
            documents.push(filter.clone());
            if let Ok(set) = change.get_document("$setOnInsert") {
                documents.last_mut().unwrap().extend(set.clone());
            }
            documents.len() - 1
        }
        None => return Ok(()),
    };
    let document = &mut documents[at];
    if change
        .keys()
        .next()
        .is_some_and(|name| name.starts_with('$'))
    {
        if let Ok(set) = change.get_document("$set") {
            document.extend(set.clone());
        }
        if let Ok(unset) = change.get_document("$unset") {
            for name in unset.keys() {
                document.remove(name);
            }
        }
    } else {
        let id = document.get("_id").cloned();
        *document = change.clone();
        if let Some(id) = id {
            document.insert("_id", id);
        }
    }
    Ok(())
}
