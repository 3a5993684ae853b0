//! The names of objects: a function of topic, partition, encoded partition and start offset, so that a
//! replay overwrites what it wrote before.

use connect_api::TopicPartition;
use std::fmt::Write;

/// How objects are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectNaming {
    /// `topics.dir`; blank for none.
    pub topics_dir: String,
    /// `directory.delim`.
    pub directory_delim: String,
    /// `file.delim`.
    pub file_delim: String,
    /// `filename.offset.zero.pad.width`.
    pub offset_pad_width: usize,
}

impl ObjectNaming {
    /// `<topics.dir>/<topic>/<encoded partition>/<topic>+<partition>+<start offset><extension>`.
    pub fn object_key(
        &self,
        partition: &TopicPartition,
        encoded_partition: &str,
        start_offset: i64,
        extension: &str,
    ) -> String {
        let TopicPartition { topic, partition } = partition;
        let (slash, plus) = (&self.directory_delim, &self.file_delim);
        let mut key = String::with_capacity(
            self.topics_dir.len() + encoded_partition.len() + 2 * topic.len() + 48,
        );
        if !self.topics_dir.trim().is_empty() {
            key.push_str(&self.topics_dir);
            key.push_str(slash);
        }
        let width = self.offset_pad_width;
        // Writing to a String does not fail.
        let _ = write!(
            key,
            "{topic}{slash}{encoded_partition}{slash}{topic}{plus}{partition}{plus}{start_offset:0width$}{extension}"
        );
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming() -> ObjectNaming {
        ObjectNaming {
            topics_dir: "topics".into(),
            directory_delim: "/".into(),
            file_delim: "+".into(),
            offset_pad_width: 10,
        }
    }

    #[test]
    fn keys_have_the_layout_of_the_java_connector() {
        let partition = TopicPartition::new("orders", 3);
        let key = |naming: &ObjectNaming| naming.object_key(&partition, "partition=3", 42, ".avro");
        assert_eq!(
            key(&naming()),
            "topics/orders/partition=3/orders+3+0000000042.avro"
        );
        let mut other = naming();
        other.topics_dir = " ".into();
        other.offset_pad_width = 0;
        assert_eq!(key(&other), "orders/partition=3/orders+3+42.avro");
        other.topics_dir = "a/b".into();
        other.directory_delim = "|".into();
        other.file_delim = "_".into();
        other.offset_pad_width = 3;
        assert_eq!(key(&other), "a/b|orders|partition=3|orders_3_042.avro");
    }

    #[test]
    fn an_offset_longer_than_its_pad_width_stays_whole() {
        let mut naming = naming();
        naming.offset_pad_width = 2;
        assert_eq!(
            naming.object_key(
                &TopicPartition::new("t", 0),
                "partition=0",
                i64::MAX,
                ".bin"
            ),
            "topics/t/partition=0/t+0+9223372036854775807.bin"
        );
    }
}
