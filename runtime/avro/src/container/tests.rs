//! Read back by the `apache-avro` crate.

use super::*;
use crate::config::AvroDataConfig;
use crate::data::AvroData;
use crate::decode::Decoder;
use apache_avro::types::Value as Read;
use bytes::Bytes;
use connect_api::data::{Schema, SchemaRef, Struct, Value};
use proptest::prelude::*;

fn data() -> AvroData {
    AvroData::new(AvroDataConfig::default())
}

fn schema() -> SchemaRef {
    Schema::struct_builder()
        .name("com.example.Flight")
        .field("id", Schema::int64())
        .field("carrier", Schema::optional_string())
        .build()
        .unwrap()
}

fn flight(schema: &SchemaRef, id: i64) -> Value {
    let carrier = match id % 3 {
        0 => Value::Null,
        _ => Value::string(format!("carrier {}", id % 17)),
    };
    let values = vec![Value::Int64(id), carrier];
    Value::from(Struct::from_values(schema.clone(), values))
}

fn read(file: &[u8]) -> Vec<(i64, Option<String>)> {
    apache_avro::Reader::new(file)
        .unwrap()
        .map(|value| {
            let Read::Record(fields) = value.unwrap() else {
                panic!("not a record");
            };
            let Read::Long(id) = fields[0].1 else {
                panic!("{fields:?}");
            };
            let Read::Union(_, carrier) = &fields[1].1 else {
                panic!("{fields:?}");
            };
            let carrier = match &**carrier {
                Read::String(text) => Some(text.clone()),
                _ => None,
            };
            (id, carrier)
        })
        .collect()
}

#[test]
fn what_is_written_in_any_codec_is_read_back() {
    const NUM_VALUES: i64 = 20_000;
    let schema = schema();
    for codec in Codec::ALL {
        let mut out = Vec::new();
        let mut writer = ContainerWriter::new(&data(), Some(&schema), codec, [7; 16]).unwrap();
        for id in 0..NUM_VALUES {
            writer.write(&flight(&schema, id), &mut out).unwrap();
        }
        assert!(!out.is_empty(), "blocks are handed out as they end");
        writer.finish(&mut out).unwrap();
        let expected: Vec<_> = (0..NUM_VALUES)
            .map(|id| {
                let carrier = (id % 3 != 0).then(|| format!("carrier {}", id % 17));
                (id, carrier)
            })
            .collect();
        assert!(read(&out) == expected, "{codec:?}");
        assert!(
            Codec::from_name(codec.name()) == Some(codec)
                && out.windows(10).any(|bytes| bytes == b"avro.codec"),
            "{codec:?}"
        );
    }
}

#[test]
fn a_value_that_does_not_fit_leaves_nothing_behind() {
    let schema = schema();
    let mut out = Vec::new();
    let mut writer = ContainerWriter::new(&data(), Some(&schema), Codec::Null, [7; 16]).unwrap();
    let bad = Struct::from_values(schema.clone(), vec![Value::Int64(1), Value::Int32(5)]);
    writer.write(&flight(&schema, 1), &mut out).unwrap();
    writer.write(&Value::from(bad), &mut out).unwrap_err();
    writer.write(&flight(&schema, 3), &mut out).unwrap();
    writer.finish(&mut out).unwrap();
    assert_eq!(read(&out), [(1, Some("carrier 1".to_string())), (3, None)]);
}

#[test]
fn a_file_without_values_has_a_schema() {
    let mut out = Vec::new();
    let mut writer =
        ContainerWriter::new(&data(), Some(&schema()), Codec::Snappy, [7; 16]).unwrap();
    writer.finish(&mut out).unwrap();
    assert_eq!(read(&out), []);
    let reader = apache_avro::Reader::new(&out[..]).unwrap();
    assert!(reader.writer_schema().canonical_form().contains("Flight"));
}

#[test]
fn values_that_are_no_records_stand_bare() {
    let mut out = Vec::new();
    let mut writer =
        ContainerWriter::new(&data(), Some(&Schema::string()), Codec::Null, [7; 16]).unwrap();
    writer.write(&Value::string("a"), &mut out).unwrap();
    writer.finish(&mut out).unwrap();
    let values: Vec<_> = apache_avro::Reader::new(&out[..])
        .unwrap()
        .map(|value| value.unwrap())
        .collect();
    assert_eq!(values, [Read::String("a".to_string())]);
}

fn file(codec: Codec, num_values: i64) -> Vec<u8> {
    let schema = schema();
    let mut out = Vec::new();
    let mut writer = ContainerWriter::new(&data(), Some(&schema), codec, [7; 16]).unwrap();
    for id in 0..num_values {
        writer.write(&flight(&schema, id), &mut out).unwrap();
    }
    writer.finish(&mut out).unwrap();
    out
}

#[test]
fn our_reader_reads_every_codec_and_the_file_of_another_writer() {
    for codec in Codec::ALL {
        let mut reader = ContainerReader::new(Bytes::from(file(codec, 20_000))).unwrap();
        assert_eq!(reader.codec(), codec);
        let decoder = Decoder::new(&mut data(), reader.schema(), None).unwrap();
        let schema = decoder.schema().unwrap().clone();
        for id in 0..20_000 {
            let next = reader.next(&decoder).unwrap().unwrap();
            assert_eq!(next.value, flight(&schema, id), "{codec:?}");
        }
        assert_eq!(reader.next(&decoder).unwrap(), None);
    }
    let schema = apache_avro::Schema::parse_str(r#"{"type":"map","values":"long"}"#).unwrap();
    let mut writer = apache_avro::Writer::new(&schema, Vec::new()).unwrap();
    let map = [("k".to_string(), Read::Long(5))].into_iter().collect();
    writer.append_value(Read::Map(map)).unwrap();
    let mut reader = ContainerReader::new(writer.into_inner().unwrap().into()).unwrap();
    let decoder = Decoder::new(&mut data(), reader.schema(), None).unwrap();
    let next = reader.next(&decoder).unwrap().unwrap();
    assert_eq!(next.value.to_string(), "{k=5}");
}

#[test]
fn what_is_broken_is_told() {
    let message = |file: Vec<u8>| {
        let mut reader = match ContainerReader::new(file.into()) {
            Ok(reader) => reader.with_max_block_num_bytes(1_000),
            Err(error) => return error.to_string(),
        };
        let decoder = Decoder::new(&mut data(), reader.schema(), None).unwrap();
        loop {
            match reader.next(&decoder) {
                Ok(Some(_)) => {}
                Ok(None) => return String::new(),
                Err(error) => return error.to_string(),
            }
        }
    };
    assert_eq!(message(file(Codec::Deflate, 3)), "");
    assert_eq!(message(b"PAR1".to_vec()), "Not an Avro data file.");
    for codec in [
        Codec::Deflate,
        Codec::Snappy,
        Codec::Bzip2,
        Codec::Zstandard,
    ] {
        let text = message(file(codec, 2_000));
        assert!(text.contains("larger than 1000 bytes"), "{codec:?}: {text}");
    }
    let mut other_marker = file(Codec::Null, 3);
    *other_marker.last_mut().unwrap() = 0;
    assert!(message(other_marker).starts_with("Invalid sync!"));
    let mut wrong_sum = file(Codec::Snappy, 3);
    let end = wrong_sum.len();
    wrong_sum[end - 17] ^= 1;
    assert!(message(wrong_sum).contains("its checksum is wrong"));
}

proptest! {
    #[test]
    fn any_change_of_a_file_is_data_or_an_error(at: proptest::sample::Index, byte: u8, which in 0..5usize) {
        let mut bytes = file(Codec::ALL[which], 20);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let Ok(reader) = ContainerReader::new(Bytes::from(bytes)) else {
            return Ok(());
        };
        let mut reader = reader.with_max_block_num_bytes(1 << 20);
        let Ok(decoder) = Decoder::new(&mut data(), reader.schema(), None) else {
            return Ok(());
        };
        while let Ok(Some(_)) = reader.next(&decoder) {}
    }
}
