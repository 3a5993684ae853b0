//! Avro to and from Connect data: schemas mapped as Confluent's AvroData maps them, and compiled plans for values.
