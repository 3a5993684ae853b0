//! The line of `errors.log.enable` (`LogReporter`).

use super::{ConsumedRecord, Original};
use crate::chain::ConversionError;
use connect_api::TimestampType;
use connect_store::ConnectorTaskId;
use std::fmt::{self, Write};

/// `Error encountered in task NAME-ID. Executing stage 'STAGE' with class 'CLASS'.`, with the record
/// before the last dot if `include_messages`. Of a sink's record that is its place only; of a source's
/// record its data too, for which the user has asked then.
pub(super) fn log_message(
    task: &ConnectorTaskId,
    original: Original<'_>,
    failure: &ConversionError,
    include_messages: bool,
) -> String {
    let mut line = format!(
        "Error encountered in task {task}. Executing stage '{}' with class '{}'",
        failure.stage.name(),
        failure.class
    );
    if include_messages {
        // Writing to a string does not fail.
        let _ = match original {
            Original::Consumed(_) => write!(line, ", where {original}"),
            Original::Source { record, .. } => {
                write!(line, ", where source record is = {record}")
            }
            Original::Converted(_) | Original::Unknown => {
                write!(line, ", where source record is = {original}")
            }
        };
    }
    line.push('.');
    line
}

/// `{topic='t', partition=0, offset=5, timestamp=1, timestampType=CreateTime}`.
pub(super) fn write_coordinates(record: &ConsumedRecord, out: &mut impl Write) -> fmt::Result {
    write!(
        out,
        "{{topic='{}', partition={}, offset={}",
        record.topic, record.partition, record.offset
    )?;
    if record.timestamp_type != TimestampType::NoTimestampType {
        write!(
            out,
            ", timestamp={}, timestampType={}",
            record.timestamp_ms,
            record.timestamp_type.name()
        )?;
    }
    out.write_char('}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Stage;
    use crate::report::failure_in;
    use connect_api::data::{Schema, Value};
    use connect_api::{ConnectError, SourceRecord};

    fn task() -> ConnectorTaskId {
        ConnectorTaskId {
            connector: "c".into(),
            task: 0,
        }
    }

    #[test]
    fn e06_lines_have_the_forms_of_the_jvm_worker() {
        let failure = failure_in(
            Stage::ValueConverter,
            "org.apache.kafka.connect.json.JsonConverter",
            ConnectError::data("no JSON"),
        );
        let mut consumed = ConsumedRecord {
            topic: "t".into(),
            partition: 0,
            offset: 5,
            timestamp_ms: 1,
            timestamp_type: TimestampType::CreateTime,
            key: None,
            value: Some("secret".into()),
            headers: Vec::new(),
        };
        let line =
            |original: Original<'_>, include| log_message(&task(), original, &failure, include);
        assert_eq!(
            line(Original::Consumed(&consumed), false),
            "Error encountered in task c-0. Executing stage 'VALUE_CONVERTER' with class \
             'org.apache.kafka.connect.json.JsonConverter'."
        );
        assert_eq!(
            line(Original::Consumed(&consumed), true),
            "Error encountered in task c-0. Executing stage 'VALUE_CONVERTER' with class \
             'org.apache.kafka.connect.json.JsonConverter', where consumed record is {topic='t', \
             partition=0, offset=5, timestamp=1, timestampType=CreateTime}."
        );
        consumed.timestamp_type = TimestampType::NoTimestampType;
        assert!(
            line(Original::Consumed(&consumed), true)
                .ends_with(", where consumed record is {topic='t', partition=0, offset=5}.")
        );
        let record = SourceRecord::new("t", Some(Schema::string()), Value::string("v"));
        let source = Original::Source {
            record: &record,
            converted: None,
        };
        assert!(!line(source, false).contains("source record"));
        assert!(
            line(source, true).ends_with(
                "', where source record is = SourceRecord{sourcePartition=null, \
                 sourceOffset=null} ConnectRecord{topic='t', kafkaPartition=null, key=null, \
                 keySchema=null, value=v, valueSchema=Schema{STRING}, timestamp=null, \
                 headers=ConnectHeaders(headers=)}."
            ),
            "{}",
            line(source, true)
        );
    }
}
