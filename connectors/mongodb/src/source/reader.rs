//! Reads the server in the background, so that a poll that is given up loses nothing.

use super::change_stream::StartAt;
use super::copy::copy_existing;
use super::copy_progress::CopyProgress;
use super::copy_ranges::{copy_ranges, plan};
use super::offset::token_of;
use super::open_stream::{Answer, OpenStream};
use super::settings::SourceSettings;
use super::split_events::SplitEvents;
use super::startup::CopySettings;
use crate::bson::document_from_bytes;
use crate::client::MongoConnection;
use bson::raw::RawDocument;
use bson::{Document, Timestamp};
use connect_api::{Clock, ConnectError};
use mongodb::raw_batch_cursor::RawBatch;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Batches that may wait for a poll.
const MAX_NUM_WAITING: usize = 2;

/// A batch is handed on when it weighs so much.
const MAX_BATCH_NUM_BYTES: usize = 4 * 1024 * 1024;

/// What the reader tells.
#[derive(Debug)]
pub(super) enum Message {
    /// The stream is open. It begins behind the token; where the server gives none, at its time.
    Opened {
        token: Option<Document>,
        operation_time: Option<Timestamp>,
    },
    /// What a copy that can go on in the middle will read.
    CopyPlanned(CopyProgress),
    /// Documents of one of its ranges, as events; at least one, unless the range had none.
    CopiedOfRange {
        range: usize,
        documents: Vec<Document>,
        is_end: bool,
    },
    /// Documents that were there already, as events.
    Copied(Vec<Document>),
    /// All of them have been read. The stream goes on behind this token; `None` if the first change was
    /// there before the token.
    CopyFinished(Option<Document>),
    /// Changes, the token of what has been read, and how far behind the server that is; without changes a
    /// sign of life.
    Events {
        events: Vec<Document>,
        token: Option<Document>,
        lag_s: Option<u32>,
    },
    /// The reader has ended.
    Failed(Failure),
}

/// Why a reader has ended.
#[derive(Debug)]
pub(super) enum Failure {
    /// The stream was not opened.
    Opening(mongodb::error::Error),
    /// The stream broke.
    Reading(mongodb::error::Error),
    /// The server closed the stream, as it does after the event `invalidate`.
    Closed,
    /// The server has given no answer for so long.
    Stalled(Duration),
    /// Something else.
    Other(ConnectError),
    /// Nobody listens any more.
    Stopped,
}

/// What is to be copied before the stream is read.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    /// How.
    pub(super) settings: CopySettings,
    /// How far a copy that can go on in the middle has come; `None` before its plan is made.
    pub(super) progress: Option<CopyProgress>,
}

/// A running reader; it ends when this is dropped.
pub(super) struct Reader {
    receiver: mpsc::Receiver<Message>,
    task: JoinHandle<()>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reader {
    /// Begins to read; with `copy`, first what is there.
    pub(super) fn start(
        settings: Arc<SourceSettings>,
        clock: Arc<dyn Clock>,
        start: StartAt,
        copy: Option<Copy>,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(MAX_NUM_WAITING);
        let task = tokio::spawn(async move {
            let Err(failure) = read(&settings, &clock, &start, copy, &sender).await;
            // Nobody may be there to hear it.
            let _ = sender.send(Message::Failed(failure)).await;
        });
        Self { receiver, task }
    }

    /// The next message. Given up, it loses none.
    pub(super) async fn next(&mut self) -> Message {
        let message = self.receiver.recv().await;
        message.unwrap_or(Message::Failed(Failure::Stopped))
    }
}

async fn read(
    settings: &Arc<SourceSettings>,
    clock: &Arc<dyn Clock>,
    start: &StartAt,
    copy: Option<Copy>,
    sender: &mpsc::Sender<Message>,
) -> Result<std::convert::Infallible, Failure> {
    let stall_timeout = settings.stream.stall_timeout;
    let connection = settings.connection.connect("source", None).await;
    let connection = connection.map_err(Failure::Other)?;
    let opening = settings.stream.open(&connection.client, start);
    let stream = answered(clock, stall_timeout, opening).await?;
    let mut stream = stream.map_err(Failure::Opening)?;
    tracing::info!(
        "The change stream on {} of {} is open",
        settings.stream.scope,
        connection.hosts
    );
    let batch = next(clock, stall_timeout, &mut stream).await?;
    let first = Answer::read(&batch).map_err(Failure::Other)?;
    // Where the stream begins, if no change was there before that was known.
    let is_empty = first.is_empty().map_err(Failure::Other)?;
    let token = first.token.clone().filter(|_| is_empty);
    match copy {
        // The stream stays open, so that no change is lost meanwhile.
        Some(copy) => copy_first(settings, copy, &connection, token, sender).await?,
        None => {
            let operation_time = first.operation_time;
            let message = Message::Opened {
                token,
                operation_time,
            };
            send(sender, message).await?;
        }
    }
    let mut events = Events::new(settings.max_batch_size, settings.stream.split_large_events);
    if !is_empty {
        events.hand_on_all(&batch, sender).await?;
    }
    loop {
        let batch = next(clock, stall_timeout, &mut stream).await?;
        events.hand_on_all(&batch, sender).await?;
    }
}

/// Copies, and tells of the end. `token` is where the stream begins.
async fn copy_first(
    settings: &Arc<SourceSettings>,
    copy: Copy,
    connection: &MongoConnection,
    token: Option<Document>,
    sender: &mpsc::Sender<Message>,
) -> Result<(), Failure> {
    if !copy.settings.is_restartable {
        copy_existing(settings, &copy.settings, connection, sender).await?;
        return send(sender, Message::CopyFinished(token)).await;
    }
    let progress = match copy.progress {
        Some(progress) => progress,
        None => {
            let progress = plan(settings, &copy.settings, connection, token).await?;
            send(sender, Message::CopyPlanned(progress.clone())).await?;
            progress
        }
    };
    copy_ranges(settings, &copy.settings, &progress, connection, sender).await?;
    let token = progress.token().clone();
    send(sender, Message::CopyFinished(Some(token))).await
}

async fn next(
    clock: &Arc<dyn Clock>,
    stall_timeout: Option<Duration>,
    stream: &mut OpenStream,
) -> Result<RawBatch, Failure> {
    match answered(clock, stall_timeout, stream.next()).await? {
        Some(Ok(batch)) => Ok(batch),
        Some(Err(error)) => Err(Failure::Reading(error)),
        None => Err(Failure::Closed),
    }
}

/// Waits for an answer of the server, for so long at most.
async fn answered<T>(
    clock: &Arc<dyn Clock>,
    stall_timeout: Option<Duration>,
    answer: impl Future<Output = T>,
) -> Result<T, Failure> {
    let Some(timeout) = stall_timeout else {
        return Ok(answer.await);
    };
    tokio::select! {
        biased;
        answer = answer => Ok(answer),
        () = clock.sleep(timeout) => Err(Failure::Stalled(timeout)),
    }
}

async fn send(sender: &mpsc::Sender<Message>, message: Message) -> Result<(), Failure> {
    sender.send(message).await.map_err(|_| Failure::Stopped)
}

/// Events on their way.
struct Events {
    waiting: Vec<Document>,
    num_bytes: usize,
    max_num_events: usize,
    parts: Option<SplitEvents>,
}

impl Events {
    fn new(max_num_events: usize, are_split: bool) -> Self {
        Self {
            waiting: Vec::new(),
            num_bytes: 0,
            max_num_events,
            parts: are_split.then(SplitEvents::default),
        }
    }

    /// Hands on what an answer holds, before the server is asked for the next.
    async fn hand_on_all(
        &mut self,
        batch: &RawBatch,
        sender: &mpsc::Sender<Message>,
    ) -> Result<(), Failure> {
        let answer = Answer::read(batch).map_err(Failure::Other)?;
        let lag_s = answer.lag_s();
        for event in answer.events().map_err(Failure::Other)? {
            if let Err(failure) = self.add(event) {
                self.hand_on(None, lag_s, sender).await?;
                return Err(failure);
            }
            if self.waiting.len() >= self.max_num_events || self.num_bytes >= MAX_BATCH_NUM_BYTES {
                self.hand_on(None, lag_s, sender).await?;
            }
        }
        // A token amid the parts of an event is no place to store.
        let token = answer.token.filter(|_| !self.is_amid_parts());
        self.hand_on(token, lag_s, sender).await
    }

    fn is_amid_parts(&self) -> bool {
        self.parts.as_ref().is_some_and(SplitEvents::is_amid)
    }

    fn add(&mut self, event: connect_api::Result<&RawDocument>) -> Result<(), Failure> {
        let bytes = event.map_err(Failure::Other)?.as_bytes();
        let document = document_from_bytes(bytes).map_err(Failure::Other)?;
        let document = match &mut self.parts {
            Some(parts) => parts.take(document).map_err(Failure::Other)?,
            None => Some(document),
        };
        self.num_bytes += bytes.len();
        self.waiting.extend(document);
        Ok(())
    }

    /// Without a token that of the last event counts.
    async fn hand_on(
        &mut self,
        token: Option<Document>,
        lag_s: Option<u32>,
        sender: &mpsc::Sender<Message>,
    ) -> Result<(), Failure> {
        self.num_bytes = 0;
        let events = std::mem::take(&mut self.waiting);
        let token = token.or_else(|| token_of(events.last()?).ok().cloned());
        let message = Message::Events {
            events,
            token,
            lag_s,
        };
        send(sender, message).await
    }
}
