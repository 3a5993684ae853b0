//! `org.apache.kafka.connect.data.Values`: the data in a text, and the text of data.
