//! What to tell of a record that Kafka did not take.

use connect_api::ConnectError;
use connect_kafka::error::ErrorCode;
use connect_kafka::producer::SendError;

/// The error of a delivery that failed, with what to do about it.
pub(crate) fn delivery_error(code: ErrorCode) -> ConnectError {
    kafka_exception(format!(
        "a record was not written to Kafka: {code}{}",
        hint(code)
    ))
}

/// The error of a record that the producer did not take.
pub(crate) fn send_error(error: &SendError) -> ConnectError {
    kafka_exception(error.to_string())
}

fn kafka_exception(message: String) -> ConnectError {
    ConnectError::fatal(message).with_class("org.apache.kafka.common.KafkaException")
}

fn hint(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        | ErrorCode::UNKNOWN_TOPIC
        | ErrorCode::UNKNOWN_PARTITION => {
            "; create the topic, or set topic.creation.default.partitions and \
             topic.creation.default.replication.factor so that it is created"
        }
        ErrorCode::MESSAGE_TOO_LARGE => {
            "; raise max.message.bytes of the topic and producer.override.max.request.size"
        }
        ErrorCode::TOPIC_AUTHORIZATION_FAILED => {
            "; grant the producer's principal WRITE on the topic"
        }
        _ => "",
    }
}
