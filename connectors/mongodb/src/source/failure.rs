//! What follows from errors of the server.

use super::scope::Scope;
use crate::client::{code_of, is_retriable, to_connect_error};
use connect_api::ConnectError;
use mongodb::error::{Error, ErrorKind};
use std::time::Duration;

const ILLEGAL_OPERATION: i32 = 20;
const NAMESPACE_NOT_FOUND: i32 = 26;
const INVALID_RESUME_TOKEN: i32 = 260;
const CHANGE_STREAM_FATAL_ERROR: i32 = 280;
const CHANGE_STREAM_HISTORY_LOST: i32 = 286;
const BSON_OBJECT_TOO_LARGE: i32 = 10334;
const UNKNOWN_FIELD: i32 = 40415;
const NO_REPLICA_SET: i32 = 40573;

/// What to do after an error.
#[derive(Debug)]
pub(super) enum Remedy {
    /// Open the stream without its token. `is_gap` if changes may be missing.
    StartAnew { is_gap: bool },
    /// Try again after a pause.
    TryLater,
    /// Tell the runtime.
    Fail(ConnectError),
}

/// An error as far as it matters here.
pub(super) struct ServerError<'e> {
    /// The code, if the server gave one.
    pub(super) code: Option<i32>,
    /// The words of the server.
    pub(super) message: &'e str,
    /// The error for the user, retriable or not.
    pub(super) error: ConnectError,
}

impl<'e> ServerError<'e> {
    /// `what` tells what was tried where.
    pub(super) fn new(what: &str, error: &'e Error) -> Self {
        let converted = to_connect_error(what, error);
        Self {
            code: code_of(error),
            message: match error.kind.as_ref() {
                ErrorKind::Command(error) => &error.message,
                _ => "",
            },
            error: match is_resumable(error) {
                true => ConnectError::retriable(converted.message()),
                false => converted,
            },
        }
    }

    /// Whether the position of the stream is lost.
    fn tells_of_lost_position(&self) -> bool {
        const CODES: &[i32] = &[
            INVALID_RESUME_TOKEN,
            CHANGE_STREAM_FATAL_ERROR,
            CHANGE_STREAM_HISTORY_LOST,
            BSON_OBJECT_TOO_LARGE,
        ];
        if self.code.is_some_and(|code| CODES.contains(&code)) {
            return true;
        }
        let message = self.message.to_lowercase();
        let holds_any = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
        holds_any(&["resume token", "resume point"])
            && holds_any(&[
                "not found",
                "does not exist",
                "invalid resume token",
                "no longer be in the oplog",
            ])
    }

    fn hint(&self) -> &'static str {
        match self.code {
            Some(BSON_OBJECT_TOO_LARGE) => {
                "An event is larger than 16 MB. Set dovetail.change.stream.split.large.events=true \
                 (MongoDB 6.0.9 or 7.0), or let the pipeline leave out what is large"
            }
            Some(NO_REPLICA_SET) => {
                "The server stands alone: change streams need a replica set or a sharded cluster"
            }
            Some(13) => "The user needs changeStream and find on what is watched",
            _ if self.tells_of_lost_position() => {
                "The oplog of the server no longer reaches back to the stored position, or the server is \
                 another one. To go on from now, with a gap, set errors.tolerance=all, or reset the \
                 offsets of the connector, or set offset.partition.name to a new name; with \
                 startup.mode=copy_existing the new start copies everything"
            }
            _ => "",
        }
    }

    fn cause(self) -> ConnectError {
        let hint = self.hint();
        match hint {
            "" => self.error,
            hint => {
                let message = format!("{}. {hint}", self.error.message());
                ConnectError::fatal(message)
            }
        }
    }
}

/// An answer of the server that is no answer.
pub(super) fn unreadable_answer(why: impl std::fmt::Display) -> ConnectError {
    ConnectError::retriable(format!(
        "The server's answer cannot be read: {why}. The stream is opened again"
    ))
}

/// Whether a stream that is opened again may go on.
fn is_resumable(error: &Error) -> bool {
    const CURSOR_NOT_FOUND: i32 = 43;
    is_retriable(error)
        || error.contains_label("ResumableChangeStreamError")
        || code_of(error) == Some(CURSOR_NOT_FOUND)
}

/// After a stream was not opened. `has_token` if it was to go on from a token.
pub(super) fn after_opening(
    error: ServerError<'_>,
    scope: &Scope,
    has_token: bool,
    tolerates_errors: bool,
) -> Remedy {
    if has_token {
        if error.code == Some(INVALID_RESUME_TOKEN) {
            return Remedy::StartAnew { is_gap: false };
        }
        if tolerates_errors && error.tells_of_lost_position() {
            return Remedy::StartAnew { is_gap: true };
        }
    }
    let message = match error.code {
        Some(NAMESPACE_NOT_FOUND) => return Remedy::TryLater,
        Some(ILLEGAL_OPERATION) => "Illegal $changeStream operation".to_string(),
        Some(code @ UNKNOWN_FIELD) => format!(
            "Invalid operation: {} {code}. It is likely that you are trying to use functionality \
             unsupported by your version of MongoDB.",
            error.message
        ),
        _ if error.tells_of_lost_position() => {
            "ResumeToken not found. Cannot create a change stream cursor".to_string()
        }
        _ if error.error.is_retriable() => return Remedy::Fail(error.error),
        // The official connector goes on without a stream here, and nobody notices.
        _ => format!("The change stream on {scope} cannot be opened"),
    };
    Remedy::Fail(ConnectError::fatal(message).with_cause(error.cause()))
}

/// After the server gave no answer for so long, this time in a row.
pub(super) fn stalled(what: &str, timeout: Duration, num_stalls: u32) -> Remedy {
    let message = format!(
        "{what} has brought no answer for {} ms, not even that there are no changes",
        timeout.as_millis()
    );
    if num_stalls < 2 {
        let message = format!("{message}; it is opened again");
        return Remedy::Fail(ConnectError::retriable(message));
    }
    Remedy::Fail(ConnectError::fatal(format!(
        "{message}, and neither did the one before. Look at the server (db.currentOp(), its load, its \
         disks) and the network between, then restart the task: it goes on behind the last change that it \
         returned. A pipeline that leaves out nearly everything may need a longer {}",
        super::keys::STALL_TIMEOUT_MS
    )))
}

/// After an open stream gave no next event.
pub(super) fn after_reading(error: ServerError<'_>, tolerates_errors: bool) -> Remedy {
    if error.error.is_retriable() {
        return Remedy::Fail(error.error);
    }
    if tolerates_errors && error.tells_of_lost_position() {
        return Remedy::StartAnew { is_gap: true };
    }
    let cause = error.cause();
    Remedy::Fail(
        ConnectError::fatal(format!(
            "An exception occurred when trying to get the next item from the Change Stream: {}",
            cause.message()
        ))
        .with_cause(cause),
    )
}
