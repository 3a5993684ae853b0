//! From the driver's errors to errors that say where, why and what to do.

use connect_api::ConnectError;
use mongodb::error::{Error, ErrorKind};

/// Codes of servers that pass with time: elections, shutdowns, the network behind a router, too much
/// load.
const RETRIABLE_CODES: &[i32] = &[
    6, 7, 24, 46, 50, 63, 89, 91, 112, 134, 150, 189, 234, 246, 262, 358, 384, 9001, 10107, 11600,
    11602, 13388, 13435, 13436, 16500,
];

/// Whether a code passes with time.
pub(crate) fn is_retriable_code(code: i32) -> bool {
    RETRIABLE_CODES.contains(&code)
}

/// The code that the server gave, if the error is the server's.
pub fn code_of(error: &Error) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(error) => Some(error.code),
        _ => None,
    }
}

/// Whether the same command may succeed later.
pub fn is_retriable(error: &Error) -> bool {
    error.contains_label("RetryableWriteError")
        || match error.kind.as_ref() {
            ErrorKind::Io(_)
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::DnsResolve { .. } => true,
            ErrorKind::Command(error) => is_retriable_code(error.code),
            _ => false,
        }
}

/// The error of a command; `what` tells what was tried where.
pub fn to_connect_error(what: &str, error: &Error) -> ConnectError {
    let (text, hint) = match error.kind.as_ref() {
        ErrorKind::Command(command) => (
            format!(
                "server code {} {}: {}",
                command.code, command.code_name, command.message
            ),
            hint(command.code),
        ),
        ErrorKind::Authentication { message, .. } => (
            format!("authentication failed: {message}"),
            "Check user, password, authSource and authMechanism of connection.uri",
        ),
        ErrorKind::ServerSelection { message, .. } => (
            message.clone(),
            "Check the hosts, replicaSet and tls of connection.uri, and the network",
        ),
        ErrorKind::Io(error) => (
            format!("I/O error: {error}"),
            "The connection broke or was refused: check the server and the network",
        ),
        ErrorKind::DnsResolve { message, .. } => (
            format!("DNS: {message}"),
            "Check the host names of connection.uri",
        ),
        ErrorKind::InvalidTlsConfig { message, .. } => (
            format!("TLS: {message}"),
            "Check connection.ssl.truststore, connection.ssl.keystore and the tls options of \
             connection.uri",
        ),
        // The text of an argument may repeat the connection string.
        ErrorKind::InvalidArgument { .. } => (
            "the driver does not take the connection string".to_string(),
            "Check connection.uri",
        ),
        kind => (kind.to_string(), ""),
    };
    let mut message = format!("{what}: {text}");
    if !hint.is_empty() {
        message.push_str(". ");
        message.push_str(hint);
    }
    if is_retriable(error) {
        ConnectError::retriable(message)
    } else {
        ConnectError::fatal(message)
    }
}

fn hint(code: i32) -> &'static str {
    match code {
        13 => "The user lacks a permission: it needs insert, update and remove on the collection",
        18 => "Check user, password and authSource of connection.uri",
        20 => {
            "The server may be no member of a replica set: retryWrites=false in connection.uri helps"
        }
        73 => "Check database and collection",
        166 => "The collection is a view, which cannot be written to",
        10107 | 13435 | 11602 | 189 => "The primary changes; this passes",
        91 | 11600 => "The server shuts down; this passes when it is back",
        16500 => "The server is over its throughput; raise it or set rate.limiting.*",
        _ => "",
    }
}
