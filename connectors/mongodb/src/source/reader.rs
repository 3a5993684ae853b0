//! Reads the server in the background, so that a poll that is given up loses nothing.

use super::change_stream::{StartAt, token_document};
use super::copy::copy_existing;
use super::offset::token_of;
use super::settings::SourceSettings;
use super::split_events::SplitEvents;
use super::startup::CopySettings;
use crate::bson::document_from_bytes;
use bson::Document;
use bson::raw::RawDocumentBuf;
use connect_api::ConnectError;
use mongodb::change_stream::ChangeStream;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Batches that may wait for a poll.
const MAX_NUM_WAITING: usize = 2;

/// A batch is handed on when it weighs so much.
const MAX_BATCH_NUM_BYTES: usize = 4 * 1024 * 1024;

/// What the reader tells.
#[derive(Debug)]
pub(super) enum Message {
    /// Documents that were there already, as events.
    Copied(Vec<Document>),
    /// All of them have been read. The stream goes on behind this token; `None` if the first change was
    /// there before the token.
    CopyFinished(Option<Document>),
    /// Changes, and the token of what has been read; without changes a sign of life.
    Events {
        events: Vec<Document>,
        token: Option<Document>,
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
    /// Something else.
    Other(ConnectError),
    /// Nobody listens any more.
    Stopped,
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
        start: StartAt,
        copy: Option<CopySettings>,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(MAX_NUM_WAITING);
        let task = tokio::spawn(async move {
            let Err(failure) = read(&settings, &start, copy, &sender).await;
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
    start: &StartAt,
    copy: Option<CopySettings>,
    sender: &mpsc::Sender<Message>,
) -> Result<std::convert::Infallible, Failure> {
    let connection = settings.connection.connect("source", None).await;
    let connection = connection.map_err(Failure::Other)?;
    let stream = settings.stream.open(&connection.client, start).await;
    let mut stream = stream.map_err(Failure::Opening)?;
    tracing::info!(
        "The change stream on {} of {} is open",
        settings.stream.scope,
        connection.hosts
    );
    // Where the stream begins is known before the first change comes.
    let token = stream.resume_token().as_ref().map(token_document);
    let token = token.transpose().map_err(Failure::Other)?;
    match copy {
        Some(copy) => {
            // The stream stays open, so that no change is lost meanwhile.
            copy_existing(settings, &copy, &connection, sender).await?;
            send(sender, Message::CopyFinished(token)).await?;
        }
        None => {
            let events = Vec::new();
            send(sender, Message::Events { events, token }).await?;
        }
    }
    let mut batch = Batch::new(settings.max_batch_size, settings.stream.split_large_events);
    loop {
        batch.add_next(&mut stream, sender).await?;
    }
}

async fn send(sender: &mpsc::Sender<Message>, message: Message) -> Result<(), Failure> {
    sender.send(message).await.map_err(|_| Failure::Stopped)
}

/// Events on their way.
struct Batch {
    events: Vec<Document>,
    num_bytes: usize,
    max_num_events: usize,
    parts: Option<SplitEvents>,
}

impl Batch {
    fn new(max_num_events: usize, are_split: bool) -> Self {
        Self {
            events: Vec::new(),
            num_bytes: 0,
            max_num_events,
            parts: are_split.then(SplitEvents::default),
        }
    }

    /// Adds the next event. What has been read is handed on before the server is waited for.
    async fn add_next(
        &mut self,
        stream: &mut ChangeStream<RawDocumentBuf>,
        sender: &mpsc::Sender<Message>,
    ) -> Result<(), Failure> {
        let next = {
            let mut next = pin!(stream.next_if_any());
            match poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await {
                Poll::Ready(next) => next,
                Poll::Pending => {
                    self.hand_on(sender).await?;
                    next.await
                }
            }
        };
        match next {
            Ok(Some(event)) => {
                if let Err(failure) = self.add(&event) {
                    self.hand_on(sender).await?;
                    return Err(failure);
                }
                if self.events.len() >= self.max_num_events || self.num_bytes >= MAX_BATCH_NUM_BYTES
                {
                    self.hand_on(sender).await?;
                }
                Ok(())
            }
            Ok(None) => {
                self.hand_on(sender).await?;
                let token = stream.resume_token().as_ref().map(token_document);
                let message = Message::Events {
                    events: Vec::new(),
                    // A token amid the parts of an event is no place to store.
                    token: match self.is_amid_parts() {
                        true => None,
                        false => token.transpose().map_err(Failure::Other)?,
                    },
                };
                send(sender, message).await?;
                match stream.is_alive() {
                    true => Ok(()),
                    false => Err(Failure::Closed),
                }
            }
            Err(error) => {
                self.hand_on(sender).await?;
                Err(Failure::Reading(error))
            }
        }
    }

    fn is_amid_parts(&self) -> bool {
        self.parts.as_ref().is_some_and(SplitEvents::is_amid)
    }

    fn add(&mut self, event: &RawDocumentBuf) -> Result<(), Failure> {
        let bytes = event.as_bytes();
        let document = document_from_bytes(bytes).map_err(Failure::Other)?;
        let document = match &mut self.parts {
            Some(parts) => parts.take(document).map_err(Failure::Other)?,
            None => Some(document),
        };
        self.num_bytes += bytes.len();
        self.events.extend(document);
        Ok(())
    }

    async fn hand_on(&mut self, sender: &mpsc::Sender<Message>) -> Result<(), Failure> {
        let Some(last) = self.events.last() else {
            return Ok(());
        };
        let token = token_of(last).ok().cloned();
        self.num_bytes = 0;
        let events = std::mem::take(&mut self.events);
        send(sender, Message::Events { events, token }).await
    }
}
