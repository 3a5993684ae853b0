//! What becomes of each Java client property.

use super::ClientType;

/// A value to the library's settings, or why it is refused.
type Conversion = fn(&str) -> Result<Vec<(&'static str, String)>, String>;

/// What becomes of a property.
#[derive(Clone, Copy)]
pub(super) enum Action {
    /// Same name, same values.
    Same,
    /// Another or the same name; numbers beyond the library's range become its end.
    Clamped(&'static str, i64, i64),
    /// Other names or values.
    Convert(Conversion),
    /// Read by this crate.
    Own,
    /// Handled by the `security` module.
    Security,
    /// Has no effect, and the user should know.
    Ignored(&'static str),
    /// Has no effect, and Connect itself sets it.
    IgnoredSilently,
    /// Can't be left out without doing something else than the user wants.
    Refused(&'static str),
}

use Action::{Clamped, Convert, Ignored, IgnoredSilently, Own, Refused, Same, Security};

const NO_JAVA_CLASSES: &str = "Java classes can't be loaded here";
const NO_JMX: &str = "metrics are those of the worker, not of each client";
const LIBRARY_DOES: &str = "the client library manages this by itself";

/// Properties of all clients.
const COMMON: &[(&str, Action)] = &[
    ("bootstrap.servers", Same),
    (
        "bootstrap.controllers",
        Refused("give the brokers in bootstrap.servers"),
    ),
    ("client.id", Same),
    ("client.rack", Same),
    ("client.dns.lookup", Same),
    ("metadata.max.age.ms", Convert(metadata_max_age)),
    ("metadata.recovery.strategy", Same),
    ("metadata.recovery.rebootstrap.trigger.ms", Same),
    (
        "connections.max.idle.ms",
        Clamped("connections.max.idle.ms", 0, 2_147_483_647),
    ),
    (
        "reconnect.backoff.ms",
        Clamped("reconnect.backoff.ms", 0, 3_600_000),
    ),
    (
        "reconnect.backoff.max.ms",
        Clamped("reconnect.backoff.max.ms", 0, 3_600_000),
    ),
    ("retry.backoff.ms", Clamped("retry.backoff.ms", 1, 300_000)),
    (
        "retry.backoff.max.ms",
        Clamped("retry.backoff.max.ms", 1, 300_000),
    ),
    // Java's -1 is the operating system's default, the library's 0.
    (
        "send.buffer.bytes",
        Clamped("socket.send.buffer.bytes", 0, 100_000_000),
    ),
    (
        "receive.buffer.bytes",
        Clamped("socket.receive.buffer.bytes", 0, 100_000_000),
    ),
    (
        "socket.connection.setup.timeout.ms",
        Clamped("socket.connection.setup.timeout.ms", 1000, 2_147_483_647),
    ),
    ("socket.connection.setup.timeout.max.ms", IgnoredSilently),
    (
        "request.timeout.ms",
        Clamped("socket.timeout.ms", 10, 300_000),
    ),
    ("default.api.timeout.ms", Own),
    ("enable.metrics.push", Same),
    ("metric.reporters", Ignored(NO_JAVA_CLASSES)),
    ("metrics.num.samples", Ignored(NO_JMX)),
    ("metrics.recording.level", Ignored(NO_JMX)),
    ("metrics.sample.window.ms", Ignored(NO_JMX)),
    ("auto.include.jmx.reporter", Ignored(NO_JMX)),
    ("interceptor.classes", Ignored(NO_JAVA_CLASSES)),
    ("security.providers", Ignored(NO_JAVA_CLASSES)),
    ("config.providers", IgnoredSilently),
    ("retries", Ignored(LIBRARY_DOES)),
];

const PRODUCER: &[(&str, Action)] = &[
    ("acks", Same),
    ("batch.size", Convert(batch_size)),
    ("buffer.memory", Convert(buffer_memory)),
    ("compression.type", Same),
    ("compression.gzip.level", Own),
    ("compression.lz4.level", Own),
    ("compression.zstd.level", Own),
    (
        "delivery.timeout.ms",
        Clamped("delivery.timeout.ms", 1, 2_147_483_647),
    ),
    ("enable.idempotence", Same),
    ("key.serializer", IgnoredSilently),
    ("value.serializer", IgnoredSilently),
    ("linger.ms", Clamped("linger.ms", 0, 900_000)),
    // A full buffer makes the task wait, whatever the time.
    ("max.block.ms", IgnoredSilently),
    (
        "max.in.flight.requests.per.connection",
        Clamped("max.in.flight.requests.per.connection", 1, 1_000_000),
    ),
    (
        "max.request.size",
        Clamped("message.max.bytes", 1000, 1_000_000_000),
    ),
    ("metadata.max.idle.ms", IgnoredSilently),
    (
        "partitioner.class",
        Ignored(
            "Java classes can't be loaded here; partitions are chosen as by Java's default partitioner",
        ),
    ),
    (
        "partitioner.adaptive.partitioning.enable",
        Ignored(LIBRARY_DOES),
    ),
    ("partitioner.availability.timeout.ms", Ignored(LIBRARY_DOES)),
    (
        "partitioner.ignore.keys",
        Refused("records with a key always go to the key's partition here; remove the setting"),
    ),
    ("request.timeout.ms", Convert(producer_request_timeout)),
    ("retries", Clamped("retries", 0, 2_147_483_647)),
    (
        "transaction.timeout.ms",
        Clamped("transaction.timeout.ms", 1000, 2_147_483_647),
    ),
    ("transactional.id", Same),
    (
        "transaction.two.phase.commit.enable",
        Refused("two-phase commit is not supported"),
    ),
];

const CONSUMER: &[(&str, Action)] = &[
    ("allow.auto.create.topics", Same),
    ("auto.commit.interval.ms", IgnoredSilently),
    ("auto.offset.reset", Convert(auto_offset_reset)),
    ("check.crcs", Same),
    ("enable.auto.commit", Convert(enable_auto_commit)),
    ("exclude.internal.topics", Own),
    (
        "fetch.max.bytes",
        Clamped("fetch.max.bytes", 1, 2_147_483_135),
    ),
    (
        "fetch.max.wait.ms",
        Clamped("fetch.wait.max.ms", 0, 300_000),
    ),
    (
        "fetch.min.bytes",
        Clamped("fetch.min.bytes", 1, 100_000_000),
    ),
    ("group.id", Same),
    ("group.instance.id", Same),
    ("group.protocol", Convert(lower_case_group_protocol)),
    ("group.remote.assignor", Same),
    ("heartbeat.interval.ms", Same),
    ("isolation.level", Convert(isolation_level)),
    ("key.deserializer", IgnoredSilently),
    ("value.deserializer", IgnoredSilently),
    (
        "max.partition.fetch.bytes",
        Convert(max_partition_fetch_bytes),
    ),
    (
        "max.poll.interval.ms",
        Clamped("max.poll.interval.ms", 1, 86_400_000),
    ),
    ("max.poll.records", Own),
    (
        "partition.assignment.strategy",
        Convert(partition_assignment_strategy),
    ),
    ("session.timeout.ms", Same),
    ("share.acknowledgement.mode", IgnoredSilently),
];

/// Java's defaults, and those of this runtime where nobody can tell.
pub(super) fn defaults(client: ClientType) -> &'static [(&'static str, &'static str)] {
    match client {
        ClientType::Producer => &[
            ("message.max.bytes", "1048576"),
            ("queue.buffering.max.kbytes", "32768"),
            ("delivery.timeout.ms", "120000"),
            ("topic.metadata.refresh.interval.ms", "300000"),
            ("connections.max.idle.ms", "540000"),
            ("reconnect.backoff.ms", "50"),
            ("reconnect.backoff.max.ms", "1000"),
            ("socket.connection.setup.timeout.ms", "10000"),
            // The metrics pushed would be librdkafka's, under names that no JVM dashboard knows.
            ("enable.metrics.push", "false"),
            ("log.connection.close", "false"),
        ],
        ClientType::Consumer => &[
            ("auto.offset.reset", "latest"),
            ("isolation.level", "read_uncommitted"),
            ("allow.auto.create.topics", "true"),
            ("check.crcs", "true"),
            ("partition.assignment.strategy", "range"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            // What is fetched ahead of the task. The library holds each fetched record as an
            // object of its own, so the number is bounded besides the bytes.
            ("queued.min.messages", "30000"),
            ("queued.max.messages.kbytes", "32768"),
            // A full queue is looked at again this soon; the library's 1000 ms would leave a
            // fast task idle with a queue this small.
            ("fetch.queue.backoff.ms", "10"),
            ("topic.metadata.refresh.interval.ms", "300000"),
            ("connections.max.idle.ms", "540000"),
            ("reconnect.backoff.ms", "50"),
            ("reconnect.backoff.max.ms", "1000"),
            ("socket.connection.setup.timeout.ms", "10000"),
            ("socket.timeout.ms", "30000"),
            ("enable.metrics.push", "false"),
            ("log.connection.close", "false"),
        ],
        ClientType::Admin => &[
            ("reconnect.backoff.ms", "50"),
            ("reconnect.backoff.max.ms", "1000"),
            ("socket.connection.setup.timeout.ms", "10000"),
            ("socket.timeout.ms", "30000"),
            ("enable.metrics.push", "false"),
            ("log.connection.close", "false"),
        ],
    }
}

/// What becomes of property `key`.
pub(super) fn action(client: ClientType, key: &str) -> Action {
    if key.starts_with("ssl.") || key.starts_with("sasl.") || key == "security.protocol" {
        return Security;
    }
    known(client, key).unwrap_or(Ignored("no Java client of this kind knows it"))
}

/// All properties of a client, its own ones first.
#[cfg(test)]
pub(super) fn keys(client: ClientType) -> Vec<&'static str> {
    let own = special(client);
    let common = COMMON
        .iter()
        .filter(|(key, _)| !own.iter().any(|(special, _)| special == key));
    own.iter().chain(common).map(|(key, _)| *key).collect()
}

/// Properties that this kind of client does not share with the others, or treats differently.
fn special(client: ClientType) -> &'static [(&'static str, Action)] {
    match client {
        ClientType::Producer => PRODUCER,
        ClientType::Consumer => CONSUMER,
        ClientType::Admin => &[],
    }
}

/// What becomes of property `key`, if a Java client of this kind knows it.
fn known(client: ClientType, key: &str) -> Option<Action> {
    special(client)
        .iter()
        .chain(COMMON)
        .find(|(known, _)| *known == key)
        .map(|(_, action)| *action)
}

/// Whether a Java client of this kind knows the property.
pub(super) fn is_known(client: ClientType, key: &str) -> bool {
    matches!(action(client, key), Security) || known(client, key).is_some()
}

type Converted = Result<Vec<(&'static str, String)>, String>;

fn number(value: &str) -> Result<i64, String> {
    value
        .parse()
        .map_err(|_| format!("'{value}' is not a number"))
}

fn metadata_max_age(value: &str) -> Converted {
    let max_age_ms = number(value)?.clamp(10, 3_600_000);
    Ok(vec![
        ("topic.metadata.refresh.interval.ms", max_age_ms.to_string()),
        // Entries must outlive a refresh or two, or topics would flicker.
        ("metadata.max.age.ms", (max_age_ms * 3).to_string()),
    ])
}

fn batch_size(value: &str) -> Converted {
    // 0 means one record for each batch in Java.
    let num_bytes = number(value)?.clamp(0, 2_147_483_647);
    Ok(if num_bytes == 0 {
        vec![("batch.num.messages", "1".to_owned())]
    } else {
        vec![("batch.size", num_bytes.to_string())]
    })
}

fn buffer_memory(value: &str) -> Converted {
    let kilobytes = (number(value)? / 1024).clamp(1, 2_147_483_647);
    Ok(vec![("queue.buffering.max.kbytes", kilobytes.to_string())])
}

fn producer_request_timeout(value: &str) -> Converted {
    let timeout_ms = number(value)?;
    Ok(vec![
        (
            "request.timeout.ms",
            timeout_ms.clamp(1, 900_000).to_string(),
        ),
        (
            "socket.timeout.ms",
            timeout_ms.clamp(10, 300_000).to_string(),
        ),
    ])
}

fn auto_offset_reset(value: &str) -> Converted {
    let reset = match value.to_ascii_lowercase().as_str() {
        "earliest" => "earliest",
        "latest" => "latest",
        "none" => "error",
        other if other.starts_with("by_duration:") => {
            return Err(
                "by_duration is not supported here: choose earliest, latest or none".to_owned(),
            );
        }
        _ => return Err(format!("'{value}' is none of earliest, latest, none")),
    };
    Ok(vec![("auto.offset.reset", reset.to_owned())])
}

fn enable_auto_commit(value: &str) -> Converted {
    match value.to_ascii_lowercase().as_str() {
        "false" => Ok(Vec::new()),
        _ => Err(
            "offsets are committed by the task only after its sink has stored the records; \
                  the value must be false"
                .to_owned(),
        ),
    }
}

fn lower_case_group_protocol(value: &str) -> Converted {
    Ok(vec![("group.protocol", value.to_ascii_lowercase())])
}

fn isolation_level(value: &str) -> Converted {
    let level = value.to_ascii_lowercase();
    match level.as_str() {
        "read_committed" | "read_uncommitted" => Ok(vec![("isolation.level", level)]),
        _ => Err(format!(
            "'{value}' is none of read_committed, read_uncommitted"
        )),
    }
}

fn max_partition_fetch_bytes(value: &str) -> Converted {
    let num_bytes = number(value)?.clamp(1, 1_000_000_000);
    Ok(vec![("max.partition.fetch.bytes", num_bytes.to_string())])
}

/// Java class names to the library's names. A Java list may mix protocols of which the group
/// takes one that all members know; the library takes either eager ones or the cooperative one.
fn partition_assignment_strategy(value: &str) -> Converted {
    let mut names = Vec::new();
    for class in value
        .split(',')
        .map(str::trim)
        .filter(|class| !class.is_empty())
    {
        let name = match class.rsplit('.').next().unwrap_or(class) {
            "RangeAssignor" | "range" => "range",
            "RoundRobinAssignor" | "roundrobin" => "roundrobin",
            "CooperativeStickyAssignor" | "cooperative-sticky" => "cooperative-sticky",
            _ => {
                return Err(format!(
                    "{class} is not available here: use RangeAssignor, RoundRobinAssignor or \
                     CooperativeStickyAssignor"
                ));
            }
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Err("it names no assignor".to_owned());
    }
    if names.len() > 1 {
        // Eager first, as Java falls back to the eager protocol in such a list.
        names.retain(|name| *name != "cooperative-sticky");
    }
    Ok(vec![("partition.assignment.strategy", names.join(","))])
}
