//! The bytes that Connect workers put into JoinGroup and SyncGroup.
//!
//! Old-style Kafka types, big-endian, in three versions: 0 for the protocol `default` (eager), 1
//! for `compatible`, 2 for `sessioned`; 1 and 2 differ only in the number. What is read is as
//! tolerant as the Java worker: any version from 0 on, and fields missing at the end take their
//! defaults. Reading never allocates more than a small multiple of the bytes given.

use std::fmt;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The task number that stands for the connector instance itself.
const CONNECTOR_TASK: i32 = -1;
/// Fewest bytes of an entry with a connector and its tasks: an empty name, an empty array.
const ENTRY_MIN_NUM_BYTES: usize = 2 + 4;
const TASK_NUM_BYTES: usize = 4;

/// The protocols a worker can list in JoinGroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectProtocol {
    /// `default`, version 0: everything stops at each rebalance.
    Eager,
    /// `compatible`, version 1: incremental cooperative.
    Compatible,
    /// `sessioned`, version 2: as `compatible`, with signed internal requests.
    Sessioned,
}

impl ConnectProtocol {
    /// Its name in JoinGroup.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eager => "default",
            Self::Compatible => "compatible",
            Self::Sessioned => "sessioned",
        }
    }

    /// The version number at the head of its bytes.
    pub fn version(self) -> i16 {
        match self {
            Self::Eager => 0,
            Self::Compatible => 1,
            Self::Sessioned => 2,
        }
    }

    /// The protocol of a name in JoinGroup.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Eager, Self::Compatible, Self::Sessioned]
            .into_iter()
            .find(|protocol| protocol.name() == name)
    }

    /// What a worker with this as its `connect.protocol` lists in JoinGroup, most wanted first.
    pub fn listed(self) -> &'static [Self] {
        match self {
            Self::Eager => &[Self::Eager],
            Self::Compatible => &[Self::Compatible, Self::Eager],
            Self::Sessioned => &[Self::Sessioned, Self::Compatible, Self::Eager],
        }
    }
}

/// A task of a connector; its text form is `connector-0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectorTaskId {
    /// The connector's name, shared by its tasks: a hostile peer could otherwise have one long name
    /// copied for thousands of task numbers.
    pub connector: Arc<str>,
    /// The task's number, from 0.
    pub task: i32,
}

impl fmt::Display for ConnectorTaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.connector, self.task)
    }
}

/// Connectors and tasks given to, or taken from, one worker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectorsAndTasks {
    /// Connector instances.
    pub connectors: Vec<Arc<str>>,
    /// Tasks.
    pub tasks: Vec<ConnectorTaskId>,
}

impl ConnectorsAndTasks {
    /// Whether there is neither a connector nor a task.
    pub fn is_empty(&self) -> bool {
        self.connectors.is_empty() && self.tasks.is_empty()
    }
}

/// Why an assignment could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssignmentError {
    /// 0: it could.
    None,
    /// 1: the leader has not read the configs that a member has already read.
    ConfigMismatch,
    /// A code of a later version.
    Unknown(i16),
}

impl AssignmentError {
    /// The code on the wire.
    pub fn code(self) -> i16 {
        match self {
            Self::None => 0,
            Self::ConfigMismatch => 1,
            Self::Unknown(code) => code,
        }
    }

    /// The error of a code.
    pub fn from_code(code: i16) -> Self {
        match code {
            0 => Self::None,
            1 => Self::ConfigMismatch,
            other => Self::Unknown(other),
        }
    }
}

/// What the leader tells one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The version of the protocol it was or will be written in.
    pub version: i16,
    /// Whether the leader could assign at all.
    pub error: AssignmentError,
    /// The leader's member id.
    pub leader_id: String,
    /// The leader's advertised REST URL.
    pub leader_url: String,
    /// The config topic offset this assignment was made from.
    pub config_offset: i64,
    /// What the member runs (eager) or starts in addition (cooperative).
    pub assigned: ConnectorsAndTasks,
    /// What the member must stop. Always empty in version 0, which cannot carry it.
    pub revoked: ConnectorsAndTasks,
    /// How long until the group rebalances again. Always 0 in version 0.
    pub delay_ms: i32,
}

/// What a member tells the leader when it joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The version of the protocol it was or will be written in.
    pub version: i16,
    /// The worker's advertised REST URL, as `http://host:8083/`.
    pub url: String,
    /// The config topic offset the worker has read to.
    pub config_offset: i64,
    /// What the worker runs, or `None` when it has no assignment. Not carried by version 0.
    pub current_assignment: Option<Assignment>,
}

/// Bytes that are not what a Connect worker writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The bytes end inside a field.
    #[error("the bytes end inside {field}")]
    Truncated {
        /// The field.
        field: &'static str,
    },
    /// A length, count or version below what is allowed, or above what the bytes can hold.
    #[error("{field} cannot be {value}")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// The value read, or to be written.
        value: i64,
    },
    /// A text is not UTF-8.
    #[error("{field} is not UTF-8")]
    NotUtf8 {
        /// The field.
        field: &'static str,
    },
}

impl Metadata {
    /// Writes the metadata in its version.
    ///
    /// # Errors
    /// [`ProtocolError::OutOfRange`] for a text above 32767 bytes or a negative version.
    pub fn encode(&self) -> Result<Bytes, ProtocolError> {
        let mut out = BytesMut::new();
        put_version(&mut out, self.version)?;
        put_string(&mut out, "url", &self.url)?;
        out.put_i64(self.config_offset);
        if self.version > 0 {
            match &self.current_assignment {
                Some(assignment) => {
                    let bytes = assignment.encode()?;
                    out.put_i32(length_of("current assignment", bytes.len())?);
                    out.put_slice(&bytes);
                }
                None => out.put_i32(-1),
            }
        }
        Ok(out.freeze())
    }

    /// Reads metadata of any version.
    ///
    /// # Errors
    /// As [`ProtocolError`] tells.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut rest = bytes;
        let version = get_version(&mut rest)?;
        let url = get_string(&mut rest, "url")?;
        let config_offset = get_i64(&mut rest, "config offset")?;
        let current_assignment = if version > 0 && rest.has_remaining() {
            match get_i32(&mut rest, "current assignment length")? {
                length if length < 0 => None,
                length => {
                    let length = count_within(length, 1, rest, "current assignment length")?;
                    Some(Assignment::decode(&rest[..length])?)
                }
            }
        } else {
            None
        };
        Ok(Self {
            version,
            url,
            config_offset,
            current_assignment,
        })
    }
}

impl Assignment {
    /// Writes the assignment in its version.
    ///
    /// # Errors
    /// [`ProtocolError::OutOfRange`] for a text above 32767 bytes or a negative version.
    pub fn encode(&self) -> Result<Bytes, ProtocolError> {
        let mut out = BytesMut::new();
        put_version(&mut out, self.version)?;
        out.put_i16(self.error.code());
        put_string(&mut out, "leader", &self.leader_id)?;
        put_string(&mut out, "leader url", &self.leader_url)?;
        out.put_i64(self.config_offset);
        put_work(&mut out, &self.assigned)?;
        if self.version > 0 {
            put_work(&mut out, &self.revoked)?;
            out.put_i32(self.delay_ms);
        }
        Ok(out.freeze())
    }

    /// Reads an assignment of any version.
    ///
    /// # Errors
    /// As [`ProtocolError`] tells.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut rest = bytes;
        let version = get_version(&mut rest)?;
        let error = AssignmentError::from_code(get_i16(&mut rest, "error")?);
        let leader_id = get_string(&mut rest, "leader")?;
        let leader_url = get_string(&mut rest, "leader url")?;
        let config_offset = get_i64(&mut rest, "config offset")?;
        let assigned = get_work(&mut rest, "assigned")?;
        let (revoked, delay_ms) = if version > 0 {
            let revoked = get_work(&mut rest, "revoked")?;
            let delay_ms = if rest.has_remaining() {
                get_i32(&mut rest, "delay")?
            } else {
                0
            };
            (revoked, delay_ms)
        } else {
            (ConnectorsAndTasks::default(), 0)
        };
        Ok(Self {
            version,
            error,
            leader_id,
            leader_url,
            config_offset,
            assigned,
            revoked,
            delay_ms,
        })
    }
}

fn put_version(out: &mut BytesMut, version: i16) -> Result<(), ProtocolError> {
    if version < 0 {
        return Err(ProtocolError::OutOfRange {
            field: "version",
            value: version.into(),
        });
    }
    out.put_i16(version);
    Ok(())
}

fn put_string(out: &mut BytesMut, field: &'static str, text: &str) -> Result<(), ProtocolError> {
    let length = i16::try_from(text.len()).map_err(|_| ProtocolError::OutOfRange {
        field,
        value: i64::try_from(text.len()).unwrap_or(i64::MAX),
    })?;
    out.put_i16(length);
    out.put_slice(text.as_bytes());
    Ok(())
}

fn length_of(field: &'static str, length: usize) -> Result<i32, ProtocolError> {
    i32::try_from(length).map_err(|_| ProtocolError::OutOfRange {
        field,
        value: i64::try_from(length).unwrap_or(i64::MAX),
    })
}

/// Writes one entry for each connector, in order of first mention, connectors before tasks.
fn put_work(out: &mut BytesMut, work: &ConnectorsAndTasks) -> Result<(), ProtocolError> {
    let connectors = work
        .connectors
        .iter()
        .map(|connector| (connector, CONNECTOR_TASK));
    let tasks = work.tasks.iter().map(|id| (&id.connector, id.task));
    let mut entries: Vec<(&str, Vec<i32>)> = Vec::new();
    let mut positions = std::collections::HashMap::new();
    for (connector, task) in connectors.chain(tasks) {
        let position = *positions.entry(connector.as_ref()).or_insert_with(|| {
            entries.push((connector, Vec::new()));
            entries.len() - 1
        });
        entries[position].1.push(task);
    }
    out.put_i32(length_of("number of connectors", entries.len())?);
    for (connector, tasks) in entries {
        put_string(out, "connector", connector)?;
        out.put_i32(length_of("number of tasks", tasks.len())?);
        for task in tasks {
            out.put_i32(task);
        }
    }
    Ok(())
}

fn get_version(rest: &mut &[u8]) -> Result<i16, ProtocolError> {
    let version = get_i16(rest, "version")?;
    if version < 0 {
        return Err(ProtocolError::OutOfRange {
            field: "version",
            value: version.into(),
        });
    }
    Ok(version)
}

fn get_i16(rest: &mut &[u8], field: &'static str) -> Result<i16, ProtocolError> {
    rest.try_get_i16()
        .map_err(|_| ProtocolError::Truncated { field })
}

fn get_i32(rest: &mut &[u8], field: &'static str) -> Result<i32, ProtocolError> {
    rest.try_get_i32()
        .map_err(|_| ProtocolError::Truncated { field })
}

fn get_i64(rest: &mut &[u8], field: &'static str) -> Result<i64, ProtocolError> {
    rest.try_get_i64()
        .map_err(|_| ProtocolError::Truncated { field })
}

/// A count read from the wire, refused unless that many elements fit in what is left.
fn count_within(
    count: i32,
    element_min_num_bytes: usize,
    rest: &[u8],
    field: &'static str,
) -> Result<usize, ProtocolError> {
    usize::try_from(count)
        .ok()
        .filter(|count| *count <= rest.len() / element_min_num_bytes)
        .ok_or(ProtocolError::OutOfRange {
            field,
            value: count.into(),
        })
}

fn get_string(rest: &mut &[u8], field: &'static str) -> Result<String, ProtocolError> {
    let length = get_i16(rest, field)?;
    let length = usize::try_from(length).map_err(|_| ProtocolError::OutOfRange {
        field,
        value: length.into(),
    })?;
    let (text, after) = rest
        .split_at_checked(length)
        .ok_or(ProtocolError::Truncated { field })?;
    let text = std::str::from_utf8(text).map_err(|_| ProtocolError::NotUtf8 { field })?;
    *rest = after;
    Ok(text.to_owned())
}

/// Reads an array of entries; a null array, or none at all, is an empty one.
fn get_work(rest: &mut &[u8], field: &'static str) -> Result<ConnectorsAndTasks, ProtocolError> {
    let mut work = ConnectorsAndTasks::default();
    if !rest.has_remaining() {
        return Ok(work);
    }
    let count = match get_i32(rest, field)? {
        -1 => return Ok(work),
        count => count_within(count, ENTRY_MIN_NUM_BYTES, rest, field)?,
    };
    for _ in 0..count {
        let connector: Arc<str> = get_string(rest, "connector")?.into();
        let num_tasks = get_i32(rest, "number of tasks")?;
        let num_tasks = count_within(num_tasks, TASK_NUM_BYTES, rest, "number of tasks")?;
        for _ in 0..num_tasks {
            match get_i32(rest, "task")? {
                CONNECTOR_TASK => work.connectors.push(Arc::clone(&connector)),
                task => {
                    work.tasks.push(ConnectorTaskId {
                        connector: Arc::clone(&connector),
                        task,
                    });
                }
            }
        }
    }
    Ok(work)
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
