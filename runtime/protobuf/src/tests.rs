//! Rows P01 to P08 of the reference, and what hangs on them. The expected texts and bytes are those of
//! Confluent's ProtobufData 8.5 on protobuf-java 4.36.

use super::*;
use bytes::{Bytes, BytesMut};
use connect_api::data::{Decimal, LogicalType, Map, Schema, SchemaType, Struct, Value};

mod properties;

fn data(change: impl FnOnce(&mut DataOptions)) -> ProtobufData {
    let mut options = DataOptions::default();
    change(&mut options);
    ProtobufData::new(options)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn unhex(text: &str) -> Bytes {
    (0..text.len() / 2)
        .map(|index| u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).unwrap())
        .collect()
}

fn decoder(data: ProtobufData, schema: &str) -> Decoder {
    let schema = ProtobufSchema::parse(schema, &[]).unwrap();
    data.decoder(&schema.first_message().unwrap(), None)
        .unwrap()
}

fn read(data: ProtobufData, schema: &str, payload: &str) -> Value {
    decoder(data, schema).decode(&unhex(payload)).unwrap()
}

fn write(encoder: &Encoder, value: &Value) -> String {
    let mut out = BytesMut::from(&b"before"[..]);
    assert!(encoder.encode(value, &mut out).unwrap());
    assert_eq!(&out[..6], b"before");
    hex(&out[6..])
}

/// A schema in one line: type, name, `?` if optional, version, parameters by name, and what is in it.
fn show(schema: &Schema) -> String {
    let mut text = schema.schema_type().to_string();
    if let Some(name) = schema.name() {
        text += &format!(" {name}");
    }
    if schema.is_optional() {
        text.push('?');
    }
    if let Some(version) = schema.version() {
        text += &format!(" v{version}");
    }
    let mut parameters: Vec<String> = schema
        .parameters()
        .iter()
        .map(|(name, value)| {
            let name = name.replace("io.confluent.connect.protobuf.", "");
            format!("{name}={value}")
        })
        .collect();
    parameters.sort();
    if !parameters.is_empty() {
        text += &format!("[{}]", parameters.join(" "));
    }
    match schema.schema_type() {
        SchemaType::Struct => {
            let fields: Vec<String> = schema
                .fields()
                .iter()
                .map(|field| format!("{}: {}", field.name, show(&field.schema)))
                .collect();
            text += &format!("{{{}}}", fields.join("; "));
        }
        SchemaType::Array => {
            text += &format!("<{}>", show(schema.value_schema().unwrap().unwrap()));
        }
        SchemaType::Map => {
            let key = show(schema.key_schema().unwrap().unwrap());
            let value = show(schema.value_schema().unwrap().unwrap());
            text += &format!("<{key}, {value}>");
        }
        _ => {}
    }
    text
}

fn fields_of(data: ProtobufData, fields: &str) -> String {
    let schema = format!("syntax = \"proto3\"; message M {{ {fields} }}");
    let text = show(decoder(data, &schema).schema());
    let text = text.strip_prefix("STRUCT M{").unwrap();
    text.strip_suffix('}').unwrap().to_string()
}

const BIG: &str = include_str!("tests/big.proto");

/// A schema with a field of every kind, and a value.
fn big() -> (SchemaRef, Value) {
    let field = |schema_type| Schema::primitive(schema_type, false).unwrap();
    let inner = Schema::struct_builder()
        .name("com.x.Inner")
        .field("a", Schema::int32())
        .field("b", Schema::optional_string())
        .build()
        .unwrap();
    let unnamed = Schema::struct_builder()
        .field("z", Schema::boolean())
        .optional()
        .build()
        .unwrap();
    let list = |items: &SchemaRef| Schema::array_builder(items.clone()).build().unwrap();
    let precise = Decimal::builder(2)
        .parameter("connect.decimal.precision", "10")
        .build()
        .unwrap();
    let color = Schema::builder(SchemaType::String)
        .name("com.x.Color")
        .parameter("io.confluent.connect.protobuf.Enum", "Color")
        .parameter("io.confluent.connect.protobuf.Enum.RED", "0")
        .parameter("io.confluent.connect.protobuf.Enum.BLUE", "2")
        .build()
        .unwrap();
    let plain_map = Schema::map_builder(Schema::string(), Schema::int32())
        .build()
        .unwrap();
    let named_map = Schema::map_builder(Schema::string(), inner.clone())
        .name("my_mapField")
        .build()
        .unwrap();
    let schema = Schema::struct_builder()
        .name("com.x.Big")
        .field("i8", Schema::int8())
        .field("i16", field(SchemaType::Int16))
        .field("i32", Schema::primitive(SchemaType::Int32, true).unwrap())
        .field(
            "i64",
            Schema::builder(SchemaType::Int64)
                .default_value(42i64)
                .build()
                .unwrap(),
        )
        .field("f", field(SchemaType::Float32))
        .field("d", Schema::float64())
        .field("s", Schema::string())
        .field("by", Schema::bytes())
        .field("arr", list(&Schema::int32()))
        .field("structs", list(&inner))
        .field("inner", inner.clone())
        .field("m", plain_map)
        .field("mm", named_map)
        .field("un", unnamed.clone())
        .field("dec", precise)
        .field("dec2", Decimal::builder(3).build().unwrap())
        .field("date", LogicalType::Date.schema(false))
        .field("time", LogicalType::Time.schema(false))
        .field("ts", LogicalType::Timestamp.schema(false))
        .field("en", color)
        .build()
        .unwrap();
    let mut one = Struct::new(inner).unwrap();
    one.put("a", 1i32).unwrap().put("b", "q").unwrap();
    let one = Value::from(one);
    let mut nothing = Struct::new(unnamed).unwrap();
    nothing.put("z", false).unwrap();
    let mut record = Struct::new(schema.clone()).unwrap();
    let values: [(&str, Value); 18] = [
        ("i8", Value::Int8(1)),
        ("i16", Value::Int16(2)),
        ("i64", Value::Int64(42)),
        ("f", Value::Float32(-0.0)),
        ("d", Value::Float64(1.5)),
        ("s", Value::string("hé")),
        ("by", Value::Bytes(Bytes::from_static(&[1, 2]))),
        ("arr", Value::Array([1, 0, -1].map(Value::Int32).to_vec())),
        ("structs", Value::Array(vec![one.clone(), one.clone()])),
        ("inner", one.clone()),
        ("m", Value::Map(Map::from_iter([("a", 0i32), ("b", 2)]))),
        ("mm", Value::Map(Map::from_iter([("k", one)]))),
        ("un", Value::from(nothing)),
        ("dec", Value::from("-12.34".parse::<Decimal>().unwrap())),
        ("dec2", Value::from("0.000".parse::<Decimal>().unwrap())),
        ("date", Value::Date(86_400_000 * 365)),
        ("time", Value::Date(3_661_007)),
        ("ts", Value::Date(-1)),
    ];
    for (name, value) in values {
        record.put(name, value).unwrap();
    }
    record.put("en", "BLUE").unwrap();
    (schema, Value::from(record))
}

const BIG_START: &str =
    "08011002202a2d0000008031000000000000f83f3a0368c3a9420201024a0c0100ffffffffffffffffff01";
const BIG_END: &str = "7a080a02fb2e100418028201070a0100100118038a010708b30f1001180192010b08011001180120c09fab\
                       039a011108ffffffffffffffffff0110c08faedc03a00102";

#[test]
fn p01_a_connect_schema_gives_the_text_and_bytes_of_the_jvm() {
    let (schema, value) = big();
    let encoder = data(|_| {}).encoder(&schema).unwrap();
    assert_eq!(encoder.schema_text(), BIG);
    assert_eq!(encoder.message_name(), "com.x.Big");
    assert_eq!(encoder.message_indexes(), [0]);
    let middle = "520508011201715205080112017\
                  15a05080112017162030a016162050a016210026a0a0a016b120508011201717200";
    assert_eq!(
        write(&encoder, &value),
        format!("{BIG_START}{middle}{BIG_END}")
    );

    let labels = data(|options| options.optional_for_nullables = true)
        .encoder(&schema)
        .unwrap();
    let expected = BIG
        .replace("  int32 i32 = 3", "  optional int32 i32 = 3")
        .replace("  string b = 2", "  optional string b = 2")
        .replace("  ConnectDefault2 un", "  optional ConnectDefault2 un");
    assert_eq!(labels.schema_text(), expected);
    assert_eq!(
        write(&labels, &value),
        format!("{BIG_START}{middle}{BIG_END}")
    );

    let wrappers = data(|options| options.wrapper_for_nullables = true)
        .encoder(&schema)
        .unwrap();
    let expected = BIG
        .replace(
            "\nimport \"conf",
            "\nimport \"google/protobuf/wrappers.proto\";\nimport \"conf",
        )
        .replace("  int32 i32 = 3", "  google.protobuf.Int32Value i32 = 3")
        .replace("  string b = 2", "  google.protobuf.StringValue b = 2");
    assert_eq!(wrappers.schema_text(), expected);
    let middle = "5207080112030a01715207080112030a01715a07080112030a017162030a016162050a016210026a0c0a016b\
                  1207080112030a01717200";
    assert_eq!(
        write(&wrappers, &value),
        format!("{BIG_START}{middle}{BIG_END}")
    );
}

#[test]
fn p01_scalars_and_the_type_parameter() {
    assert_eq!(
        fields_of(
            data(|_| {}),
            "int32 a=1; sint32 b=2; sfixed32 c=3; uint32 d=4; fixed32 e=5; int64 f=6; uint64 g=7; \
             sint64 h=8; fixed64 i=9; sfixed64 j=10; float k=11; double l=12; bool m=13; string n=14; \
             bytes o=15; repeated uint32 p=16;"
        ),
        "a: INT32?[Tag=1]; b: INT32?[Tag=2 Type=sint32]; c: INT32?[Tag=3 Type=sfixed32]; \
         d: INT64?[Tag=4 Type=uint32]; e: INT64?[Tag=5 Type=fixed32]; f: INT64?[Tag=6]; \
         g: INT64?[Tag=7 Type=uint64]; h: INT64?[Tag=8 Type=sint64]; i: INT64?[Tag=9 Type=fixed64]; \
         j: INT64?[Tag=10 Type=sfixed64]; k: FLOAT32?[Tag=11]; l: FLOAT64?[Tag=12]; \
         m: BOOLEAN?[Tag=13]; n: STRING?[Tag=14]; o: BYTES?[Tag=15]; \
         p: ARRAY?[Tag=16]<INT64?[Type=uint32]>"
    );
    assert_eq!(
        fields_of(
            data(|_| {}),
            "int32 a=1 [(confluent.field_meta) = {params: [{key: \"connect.type\", value: \"int8\"}]}]; \
             int32 b=2 [(confluent.field_meta).params = {key: \"connect.type\", value: \"int16\"}];"
        ),
        "a: INT8?[Tag=1]; b: INT16?[Tag=2]"
    );
}

#[test]
fn p02_tags_survive_the_way_there_and_back() {
    let typed = |schema_type, name: &str| {
        Schema::builder(schema_type).parameter("io.confluent.connect.protobuf.Type", name)
    };
    let schema = Schema::struct_builder()
        .name("O")
        .field("a", Schema::primitive(SchemaType::Int32, true).unwrap())
        .field(
            "u",
            typed(SchemaType::Int64, "uint32")
                .optional()
                .build()
                .unwrap(),
        )
        .field("s", typed(SchemaType::Int32, "sint32").build().unwrap())
        .field(
            "x",
            typed(SchemaType::Int64, "fixed64")
                .parameter("io.confluent.connect.protobuf.Tag", "1000")
                .build()
                .unwrap(),
        )
        .field(
            "ia",
            Schema::array_builder(Schema::primitive(SchemaType::Int32, true).unwrap())
                .build()
                .unwrap(),
        )
        .build()
        .unwrap();
    let mut record = Struct::new(schema.clone()).unwrap();
    record
        .put("a", 0i32)
        .unwrap()
        .put("u", 4_294_967_295i64)
        .unwrap();
    record.put("s", -3i32).unwrap().put("x", -1i64).unwrap();
    record
        .put("ia", vec![Value::Int32(0), Value::Int32(5)])
        .unwrap();
    let value = Value::from(record);
    let end = "c13effffffffffffffff";
    let labels = data(|options| options.optional_for_nullables = true);
    let wrappers = data(|options| options.wrapper_for_nullables = true);
    for (data, bytes, fields) in [
        (
            data(|_| {}),
            format!("10ffffffff0f180522020005{end}"),
            "  int32 a = 1;\n  uint32 u = 2;\n  sint32 s = 3;\n  fixed64 x = 1000;\n  repeated int32 ia = 4;\n",
        ),
        (
            labels,
            format!("080010ffffffff0f180522020005{end}"),
            "  optional int32 a = 1;\n  optional uint32 u = 2;\n  sint32 s = 3;\n  fixed64 x = 1000;\n  \
             repeated int32 ia = 4;\n",
        ),
        (
            wrappers,
            format!("0a00120b08ffffffffffffffffff011805220022020805{end}"),
            "  google.protobuf.Int32Value a = 1;\n  google.protobuf.UInt32Value u = 2;\n  sint32 s = 3;\n  \
             fixed64 x = 1000;\n  repeated google.protobuf.Int32Value ia = 4;\n",
        ),
    ] {
        let encoder = data.encoder(&schema).unwrap();
        assert!(
            encoder
                .schema_text()
                .ends_with(&format!("message O {{\n{fields}}}\n"))
        );
        assert_eq!(write(&encoder, &value), bytes);
        let message = encoder.schema().message(encoder.message_name()).unwrap();
        let decoder = data.decoder(&message, None).unwrap();
        let back = decoder.decode(&unhex(&bytes)).unwrap();
        assert_eq!(
            back.to_string(),
            "Struct{a=0,u=4294967295,s=-3,x=-1,ia=[0, 5]}"
        );
        // What was read is written again under the same tags. Wrappers tell no unsigned type.
        let again = data.encoder(decoder.schema()).unwrap();
        let text = encoder
            .schema_text()
            .replace("UInt32Value u", "Int64Value u");
        assert_eq!(again.schema_text(), text);
    }
}

const ONEOFS: &str = "syntax = \"proto3\"; message M { int32 a = 1; oneof ch { string h = 8; int32 i = 9; } \
                      oneof dh { int32 dd = 20; } string z = 2; }";

#[test]
fn p03_oneofs_come_first_under_indexed_names() {
    let schema = |data| show(decoder(data, ONEOFS).schema());
    let members = "{h: STRING?[Tag=8]; i: INT32?[Tag=9]}";
    let rest = "a: INT32?[Tag=1]; z: STRING?[Tag=2]}";
    assert_eq!(
        schema(data(|_| {})),
        format!(
            "STRUCT M{{ch_0: STRUCT io.confluent.connect.protobuf.Union.ch?{members}; dh_1: STRUCT \
             io.confluent.connect.protobuf.Union.dh?{{dd: INT32?[Tag=20]}}; {rest}"
        )
    );
    assert_eq!(
        schema(data(|options| {
            options.generate_index_for_unions = false;
            options.enhanced_schema_support = true;
        })),
        format!(
            "STRUCT M{{ch: STRUCT io.confluent.connect.protobuf.Union.M.ch?{members}; dh: STRUCT \
             io.confluent.connect.protobuf.Union.M.dh?{{dd: INT32?[Tag=20]}}; {rest}"
        )
    );
    assert_eq!(
        schema(data(|options| options.flatten_unions = true)),
        format!("STRUCT M{{h: STRING?[Tag=8]; i: INT32?[Tag=9]; dd: INT32?[Tag=20]; {rest}")
    );
    assert_eq!(
        schema(data(|options| options.generalized_sum_type_support = true)),
        format!(
            "STRUCT M{{ch_0: STRUCT ch?[org.apache.kafka.connect.data.Union=ch]{members}; dh_1: STRUCT \
             dh?[org.apache.kafka.connect.data.Union=dh]{{dd: INT32?[Tag=20]}}; {rest}"
        )
    );
    // Of several members the last one on the wire counts.
    let text = |data, payload| read(data, ONEOFS, payload).to_string();
    assert_eq!(
        text(data(|_| {}), "42016148004801"),
        "Struct{ch_0=Struct{i=1},a=0,z=}"
    );
    assert_eq!(
        text(data(|_| {}), "4801420161a00100"),
        "Struct{ch_0=Struct{h=a},dh_1=Struct{dd=0},a=0,z=}"
    );
    let flat = data(|options| options.flatten_unions = true);
    assert_eq!(text(flat, "4801420161"), "Struct{h=a,a=0,z=}");
}

#[test]
fn p03_unions_become_oneofs_again() {
    let member = |schema_type, tag: &str| {
        Schema::builder(schema_type)
            .optional()
            .parameter("io.confluent.connect.protobuf.Tag", tag)
            .build()
            .unwrap()
    };
    let union = Schema::struct_builder()
        .name("io.confluent.connect.protobuf.Union.choice")
        .field("x", member(SchemaType::Int32, "5"))
        .field("y", member(SchemaType::String, "6"))
        .optional()
        .build()
        .unwrap();
    let schema = Schema::struct_builder()
        .name("U")
        .field("choice_0", union.clone())
        .field("after", Schema::int32())
        .build()
        .unwrap();
    let record = |name: &str, value: Value| {
        let mut chosen = Struct::new(union.clone()).unwrap();
        chosen.put(name, value).unwrap();
        let mut record = Struct::new(schema.clone()).unwrap();
        record
            .put("choice_0", chosen)
            .unwrap()
            .put("after", 7i32)
            .unwrap();
        Value::from(record)
    };
    let text = "syntax = \"proto3\";\n\nmessage U {\n  int32 after = 2;\n\n  oneof choice {\n    int32 x = 5;\n    \
                string y = 6;\n  }\n}\n";
    let both = data(|options| {
        options.optional_for_nullables = true;
        options.wrapper_for_nullables = true;
    });
    for data in [data(|_| {}), both] {
        let encoder = data.encoder(&schema).unwrap();
        assert_eq!(encoder.schema_text(), text);
        assert_eq!(write(&encoder, &record("x", Value::Int32(0))), "10072800");
        assert_eq!(write(&encoder, &record("y", Value::string(""))), "10073200");
        let error = encoder
            .encode(&record("x", Value::Null), &mut BytesMut::new())
            .unwrap_err();
        assert_eq!(error.message(), "Cannot find non-null field");
    }
}

#[test]
fn p04_enums_keep_their_symbols_in_parameters() {
    let fields = "E e = 1; repeated E es = 2; enum E { A = 0; B = 5; }";
    assert_eq!(
        fields_of(data(|_| {}), fields),
        "e: STRING E?[Enum.A=0 Enum.B=5 Enum=E Tag=1]; \
         es: ARRAY?[Tag=2]<STRING E?[Enum.A=0 Enum.B=5 Enum=E]>"
    );
    assert_eq!(
        fields_of(
            data(|options| options.int_for_enums = true),
            "E e = 1; enum E { A = 0; B = 5; }"
        ),
        "e: INT32 E?[Enum.A=0 Enum.B=5 Enum=E Tag=1]"
    );
    let schema = format!("syntax = \"proto3\"; message M {{ {fields} }}");
    assert_eq!(
        read(data(|_| {}), &schema, "080512020700").to_string(),
        "Struct{e=B,es=[UNKNOWN_ENUM_VALUE_E_7, A]}"
    );
    let numbers = data(|options| options.int_for_enums = true);
    assert_eq!(
        read(numbers, &schema, "080512020700").to_string(),
        "Struct{e=5,es=[7, 0]}"
    );
    for data in [data(|_| {}), numbers] {
        let decoder = decoder(data, &schema);
        let value = decoder.decode(&unhex("080512020005")).unwrap();
        let encoder = data.encoder(decoder.schema()).unwrap();
        assert_eq!(write(&encoder, &value), "080512020005");
    }

    let (schema, value) = big();
    let Value::Struct(mut record) = value else {
        unreachable!("the value is a struct");
    };
    record.put("en", "GREEN").unwrap();
    let encoder = data(|_| {}).encoder(&schema).unwrap();
    let error = encoder
        .encode(&Value::Struct(record), &mut BytesMut::new())
        .unwrap_err();
    assert_eq!(
        error.to_java_string(),
        "java.lang.IllegalArgumentException: DynamicMessage should use EnumValueDescriptor to set Enum \
         Value."
    );
}

#[test]
fn p05_wrappers_are_scalars_and_scalars_at_the_root_are_wrappers() {
    let schema = "syntax = \"proto3\"; import \"google/protobuf/wrappers.proto\"; message M { \
                  google.protobuf.StringValue s = 1; oneof w { google.protobuf.BoolValue b = 2; int32 i = \
                  3; } google.protobuf.UInt32Value u = 4; }";
    let text = |data| show(decoder(data, schema).schema());
    let union = "STRUCT M{w_0: STRUCT io.confluent.connect.protobuf.Union.w?";
    assert_eq!(
        text(data(|_| {})),
        format!(
            "{union}{{b: BOOLEAN?[Tag=2]; i: INT32?[Tag=3]}}; s: STRING?[Tag=1]; u: INT64?[Tag=4]}}"
        )
    );
    assert_eq!(
        text(data(|options| options.wrapper_for_nullables = true)),
        format!(
            "{union}{{b: BOOLEAN?[Tag=2 Wrapper=true]; i: INT32?[Tag=3]}}; s: STRING?[Tag=1]; \
             u: INT64?[Tag=4]}}"
        )
    );
    assert_eq!(
        text(data(|options| options.wrapper_for_raw_primitives = false)),
        format!(
            "{union}{{b: STRUCT BoolValue?[Tag=2]{{value: BOOLEAN?[Tag=1]}}; i: INT32?[Tag=3]}}; \
             s: STRUCT StringValue?[Tag=1]{{value: STRING?[Tag=1]}}; u: STRUCT \
             UInt32Value?[Tag=4]{{value: INT64?[Tag=1 Type=uint32]}}}}"
        )
    );
    assert_eq!(
        read(data(|_| {}), schema, "0a001200220608ffffffff0f").to_string(),
        "Struct{w_0=Struct{b=false},s=,u=4294967295}"
    );
    // Only what was a wrapper becomes one again.
    let wrappers = data(|options| options.wrapper_for_nullables = true);
    let decoder = decoder(wrappers, schema);
    let encoder = wrappers.encoder(decoder.schema()).unwrap();
    for payload in ["0a00", "0a030a01611200", "1800", "12020801"] {
        let value = decoder.decode(&unhex(payload)).unwrap();
        assert_eq!(write(&encoder, &value), payload);
    }

    for (schema, value, bytes, indexes, name) in [
        (Schema::int32(), Value::Int32(5), "0805", 4, "Int32Value"),
        (Schema::int8(), Value::Int8(3), "0803", 4, "Int32Value"),
        (
            Schema::optional_string(),
            Value::string("x"),
            "0a0178",
            7,
            "StringValue",
        ),
        (Schema::boolean(), Value::Boolean(false), "", 6, "BoolValue"),
    ] {
        let encoder = data(|_| {}).encoder(&schema).unwrap();
        assert_eq!(
            encoder.schema_text(),
            known_text("google/protobuf/wrappers.proto").unwrap()
        );
        assert_eq!(encoder.message_name(), format!("google.protobuf.{name}"));
        assert_eq!(encoder.message_indexes(), [indexes]);
        assert_eq!(write(&encoder, &value), bytes);
        assert!(!encoder.encode(&Value::Null, &mut BytesMut::new()).unwrap());
    }
    let root = "syntax = \"proto3\"; import public \"google/protobuf/wrappers.proto\";";
    assert_eq!(show(decoder_of(root).schema()), "FLOAT64");
    assert_eq!(
        read(data(|_| {}), root, "09000000000000f83f"),
        Value::Float64(1.5)
    );
}

fn decoder_of(schema: &str) -> Decoder {
    decoder(data(|_| {}), schema)
}

const LOGICAL: &str = "syntax=\"proto3\"; import \"google/type/date.proto\"; import \
    \"google/type/timeofday.proto\"; import \"google/protobuf/timestamp.proto\"; import \
    \"confluent/type/decimal.proto\"; message M { google.type.Date p=1; google.type.TimeOfDay q=2; \
    google.protobuf.Timestamp t=3; confluent.type.Decimal d=4; string s=5; enum E {A=0;} E e=6; \
    map<string,google.type.Date> md=7; confluent.type.Decimal r = 18 [(confluent.field_meta) = {params: \
    [{key: \"precision\", value: \"5\"},{key:\"scale\",value:\"2\"}]}]; }";

#[test]
fn p06_well_known_messages_are_logical_types() {
    let logical = "org.apache.kafka.connect.data";
    let text = show(decoder_of(LOGICAL).schema());
    for field in [
        format!("p: INT32 {logical}.Date? v1[Tag=1];"),
        format!("q: INT32 {logical}.Time? v1[Tag=2];"),
        format!("t: INT64 {logical}.Timestamp? v1[Tag=3];"),
        format!("d: BYTES {logical}.Decimal? v1[Tag=4 scale=0];"),
        format!("r: BYTES {logical}.Decimal? v1[Tag=18 connect.decimal.precision=5 scale=2]"),
        format!("md: MAP md?[Tag=7]<STRING?[Tag=1], INT32 {logical}.Date? v1[Tag=2]>;"),
    ] {
        assert!(text.contains(&field), "{field} in {text}");
    }
    for (payload, value) in [
        (
            "1200",
            "Struct{q=Thu Jan 01 00:00:00 UTC 1970,s=,e=A,md={}}",
        ),
        (
            "1a00",
            "Struct{t=Thu Jan 01 00:00:00 UTC 1970,s=,e=A,md={}}",
        ),
        ("22030a0105", "Struct{d=5,s=,e=A,md={}}"),
        ("22050a0105180a", "Struct{d=5E-10,s=,e=A,md={}}"),
        ("3007", "Struct{s=,e=UNKNOWN_ENUM_VALUE_E_7,md={}}"),
        ("3b3c", "Struct{s=,e=A,md={}}"),
        // Two messages in one field are one.
        (
            "1a0208051a0410c0843d",
            "Struct{t=Thu Jan 01 00:00:05 UTC 1970,s=,e=A,md={}}",
        ),
    ] {
        assert_eq!(
            read(data(|_| {}), LOGICAL, payload).to_string(),
            value,
            "{payload}"
        );
    }
    let invalid = "com.google.protobuf.InvalidProtocolBufferException: ";
    let truncated = "While parsing a protocol message, the input ended unexpectedly in the middle of a \
                     field.  This could mean either that the input has been truncated or that an embedded \
                     message misreported its own length.";
    let illegal = "java.lang.IllegalArgumentException: ";
    let range = "must be in range";
    for (payload, error) in [
        ("0a00", format!("{illegal}YEAR")),
        ("0a0708e40f1002181e", format!("{illegal}MONTH: 1 -> 2")),
        ("0a0508e40f1001", format!("{illegal}DAY_OF_MONTH")),
        ("3a030a0161", format!("{illegal}YEAR")),
        (
            "12020818",
            "java.time.DateTimeException: Invalid value for HourOfDay (valid values 0 - 23): 24".into(),
        ),
        (
            "12021061",
            "java.time.DateTimeException: Invalid value for MinuteOfHour (valid values 0 - 59): 97".into(),
        ),
        (
            "1a0a08ffffffffffffffff7f",
            format!(
                "{illegal}Timestamp is not valid. See proto definition for valid values. Seconds \
                 (9223372036854775807) {range} [-62,135,596,800, +253,402,300,799]. Nanos (0) {range} [0, \
                 +999,999,999]."
            ),
        ),
        ("2200", "java.lang.NumberFormatException: Zero length BigInteger".into()),
        ("2a02c328", format!("{invalid}Protocol message had invalid UTF-8.")),
        ("00", format!("{invalid}Protocol message contained an invalid tag (zero).")),
        ("0c", format!("{invalid}Protocol message end-group tag did not match expected tag.")),
        ("3b", format!("{invalid}Protocol message end-group tag did not match expected tag.")),
        ("3b343c", format!("{invalid}Protocol message end-group tag did not match expected tag.")),
        (
            "0f",
            "com.google.protobuf.InvalidProtocolBufferException$InvalidWireTypeException: Protocol message \
             tag had invalid wire type."
                .into(),
        ),
        ("2aff", format!("{invalid}{truncated}")),
        ("0a", format!("{invalid}{truncated}")),
        ("0a0408e40f10", format!("{invalid}{truncated}")),
        (
            "2affffffff0f",
            format!(
                "{invalid}CodedInputStream encountered an embedded string or message which claimed to have \
                 negative size."
            ),
        ),
    ] {
        let read = decoder_of(LOGICAL).decode(&unhex(payload));
        assert_eq!(read.unwrap_err().to_java_string(), error, "{payload}");
    }
}

#[test]
fn p06_decimals_are_rounded_to_their_precision() {
    // 12345 with precision 3 and scale 2; -995 with precision 2.
    for (payload, value) in [
        ("22080a02303910031802", "Struct{d=123,s=,e=A,md={}}"),
        ("22060a02fc1d1002", "Struct{d=-1.0E+3,s=,e=A,md={}}"),
        ("22060a0200 631001", "Struct{d=1E+2,s=,e=A,md={}}"),
    ] {
        let payload = payload.replace(' ', "");
        assert_eq!(
            read(data(|_| {}), LOGICAL, &payload).to_string(),
            value,
            "{payload}"
        );
    }
}

#[test]
fn p06_variants_go_both_ways() {
    let schema = "syntax = \"proto3\"; import \"confluent/type/variant.proto\"; message M { \
                  confluent.type.Variant v = 1; }";
    let decoder = decoder_of(schema);
    assert_eq!(
        show(decoder.schema()),
        "STRUCT M{v: STRUCT org.apache.kafka.connect.data.Variant?[Tag=1]{metadata: BYTES; value: BYTES}}"
    );
    let value = decoder.decode(&unhex("0a060a0101120102")).unwrap();
    // The JVM cannot write them: it takes the name of the message for the name of a new one.
    let encoder = data(|_| {}).encoder(decoder.schema()).unwrap();
    assert_eq!(write(&encoder, &value), "0a060a0101120102");
}

#[test]
fn p07_unset_scalars_have_defaults_and_unset_messages_are_null() {
    let schema = "syntax = \"proto3\"; message M { N n = 1; optional int32 z = 2; int64 a = 3; string s = 4; \
                  message N { int32 x = 1; string y = 2; } }";
    assert_eq!(read(data(|_| {}), schema, "").to_string(), "Struct{a=0,s=}");
    let generate = data(|options| options.generate_struct_for_nulls = true);
    assert_eq!(
        read(generate, schema, "").to_string(),
        "Struct{n=Struct{x=0,y=},z=0,a=0,s=}"
    );
    let labels = data(|options| options.optional_for_nullables = true);
    assert_eq!(
        show(decoder(labels, schema).schema()),
        "STRUCT M{n: STRUCT N?[Tag=1]{x: INT32[Tag=1]; y: STRING[Tag=2]}; z: INT32?[Tag=2]; \
         a: INT64[Tag=3]; s: STRING[Tag=4]}"
    );

    let proto2 = "syntax = \"proto2\"; message M { optional int32 a=1 [default=5]; required string b=2; \
                  repeated int32 c=3 [packed=true]; optional E e=4; repeated E es=5; required R r=6; message \
                  R{ required int32 q=1; } enum E {X=3;Y=4;} }";
    let payload = "12016120092800280332020800";
    assert_eq!(
        read(data(|_| {}), proto2, payload).to_string(),
        "Struct{b=a,c=[],es=[X],r=Struct{q=0}}"
    );
    let defaults = data(|options| options.optional_for_proto2 = false);
    assert_eq!(
        read(defaults, proto2, payload).to_string(),
        "Struct{a=5,b=a,c=[],e=X,es=[X],r=Struct{q=0}}"
    );
    let missing = "syntax = \"proto2\"; message M { required string b=2; required R r=6; repeated R rs=7; \
                   message R{ required int32 q=1; } }";
    assert_eq!(
        decoder_of(missing)
            .decode(&unhex("3a00"))
            .unwrap_err()
            .message(),
        "Message missing required fields: b, r, rs[0].q"
    );
    let group = "syntax = \"proto2\"; message M { optional group G = 5 { optional int32 z=1; } optional \
                 string b=2; }";
    assert_eq!(
        read(data(|_| {}), group, "2b08012c120161").to_string(),
        "Struct{b=a}"
    );
}

#[test]
fn p08_lists_and_maps_are_no_roots() {
    let error = |schema: SchemaRef| data(|_| {}).encoder(&schema).unwrap_err().to_java_string();
    let list = Schema::array_builder(Schema::int32()).build().unwrap();
    let illegal = "java.lang.IllegalArgumentException: ";
    assert_eq!(
        error(list.clone()),
        format!("{illegal}Unsupported root schema of type ARRAY")
    );
    let map = Schema::map_builder(Schema::string(), Schema::int32())
        .build()
        .unwrap();
    assert_eq!(
        error(map),
        format!("{illegal}Unsupported root schema of type MAP")
    );
    let lists = Schema::array_builder(list).build().unwrap();
    let schema = Schema::struct_builder().field("a", lists).build().unwrap();
    assert_eq!(error(schema), format!("{illegal}Array cannot be nested"));
}

#[test]
fn other_structs_and_wrong_classes_are_refused() {
    let schema = |name: &str| {
        let builder = Schema::struct_builder().name(name);
        builder.field("a", Schema::int32()).build().unwrap()
    };
    let encoder = data(|_| {}).encoder(&schema("A")).unwrap();
    let message = |value: Value| {
        let error = encoder.encode(&value, &mut BytesMut::new()).unwrap_err();
        error.message().to_string()
    };
    assert_eq!(
        message(Value::from(Struct::new(schema("B")).unwrap())),
        "Mismatching struct schema"
    );
    assert_eq!(
        message(Value::string("x")),
        "Invalid type for STRUCT: class java.lang.String"
    );
    let wrong = Struct::from_values(schema("A"), vec![Value::string("x")]);
    assert_eq!(
        message(Value::from(wrong)),
        "Invalid type for INT32: class java.lang.String"
    );
}

#[test]
fn names_are_scrubbed_on_request() {
    let schema = Schema::struct_builder()
        .name("a-b.c-d")
        .field("x y", Schema::int32())
        .field("1ü", Schema::int32())
        .build()
        .unwrap();
    let error = data(|_| {}).encoder(&schema).unwrap_err();
    assert_eq!(error.class(), "java.lang.IllegalArgumentException");
    let encoder = data(|options| options.scrub_invalid_names = true)
        .encoder(&schema)
        .unwrap();
    assert_eq!(
        encoder.schema_text(),
        "syntax = \"proto3\";\npackage a_b;\n\nmessage c_d {\n  int32 x_y = 1;\n  int32 x1_C3_BC = 2;\n}\n"
    );
    assert_eq!(encoder.message_name(), "a_b.c_d");
    let value = Struct::from_values(schema, vec![Value::Int32(1), Value::Int32(2)]);
    assert_eq!(write(&encoder, &Value::from(value)), "08011002");
}

#[test]
fn indexes_count_the_declared_messages() {
    let text = "syntax=\"proto3\"; package p; message A {} message M { map<string,string> x=2; repeated TagsEntry \
                tags=1; message A{} message TagsEntry { option map_entry=true; string key=1; string value=2; } \
                message B{} }";
    let schema = ProtobufSchema::parse(text, &[]).unwrap();
    assert_eq!(schema.message_at(&[]).unwrap().full_name(), "p.A");
    assert_eq!(schema.message_at(&[1, 2]).unwrap().full_name(), "p.M.B");
    assert_eq!(schema.message_indexes("p.M.B"), [1, 2]);
    assert_eq!(schema.message_indexes("p.M"), [1]);
    assert!(schema.message_indexes("q.X").is_empty());
    assert_eq!(
        schema.message_at(&[1, 7]).unwrap_err().message(),
        "Invalid message indexes: [1, 7]"
    );
    // Entries are maps, marked or not; a later entry takes the place of an earlier one.
    let decoder = data(|_| {})
        .decoder(&schema.message("p.M").unwrap(), None)
        .unwrap();
    let value = decoder
        .decode(&unhex("0a060a01611201620a060a01611201631200"))
        .unwrap();
    assert_eq!(value.to_string(), "Struct{x={=},tags={a=c}}");
}

#[test]
fn schemas_come_as_text_or_serialized_with_references() {
    let user = "syntax = \"proto3\"; package a; import \"b/other.proto\"; import \"gone.proto\"; option (x.y) = \
                {z: 1}; message User { option (gone.opt) = true; b.Other other = 1 [(v.rules).int32.gt = 5]; }";
    let other = "syntax = \"proto3\"; package b; message Other { int32 n = 1; }";
    let reference = Reference {
        import: "b/other.proto",
        schema: other,
    };
    let schema = ProtobufSchema::parse(user, &[reference]).unwrap();
    let enhanced = data(|options| options.enhanced_schema_support = true);
    let decoder = enhanced
        .decoder(&schema.first_message().unwrap(), Some(3))
        .unwrap();
    assert_eq!(
        show(decoder.schema()),
        "STRUCT a.User v3{other: STRUCT b.Other?[Tag=1]{n: INT32?[Tag=1]}}"
    );
    let error = ProtobufSchema::parse(user, &[]).unwrap_err();
    assert_eq!(error.class(), "java.lang.IllegalArgumentException");
    assert!(
        error
            .message()
            .starts_with("Invalid protobuf schema definition: "),
        "{error}"
    );

    // message M { int32 a = 1; } in Base64.
    use base64::Engine;
    use prost::Message as _;
    let file = protox_parse::parse("m", "syntax = \"proto3\"; message M { int32 a = 1; }").unwrap();
    let serialized = base64::engine::general_purpose::STANDARD.encode(file.encode_to_vec());
    assert_eq!(
        show(decoder_of(&serialized).schema()),
        "STRUCT M{a: INT32?[Tag=1]}"
    );

    for text in ["", "nonsense {", "bWVzc2FnZQ==", &"{".repeat(10_000)] {
        if let Err(error) = ProtobufSchema::parse(text, &[]) {
            assert!(
                error.message().starts_with("Could not parse Protobuf - "),
                "{error}"
            );
        } else {
            assert!(text.is_empty(), "{text}");
        }
    }
    let itself = Reference {
        import: "a.proto",
        schema: "syntax = \"proto3\"; import \"a.proto\";",
    };
    assert!(ProtobufSchema::parse("import \"a.proto\";", &[itself]).is_err());
}

#[test]
fn messages_within_themselves_are_unrolled_and_then_refused() {
    let list = "syntax = \"proto3\"; message M { int32 x = 1; M next = 2; }";
    let decoder = decoder_of(list);
    assert!(decoder.schema().is_optional());
    let nested = |levels: usize| {
        let mut payload = BytesMut::from(&[8u8, 7][..]);
        for _ in 1..levels {
            let inner = payload.split();
            payload.extend_from_slice(&[8, 7, 18]);
            crate::wire::put_bytes(&inner, &mut payload);
        }
        payload.freeze()
    };
    let value = decoder.decode(&nested(32)).unwrap();
    assert_eq!(value.to_string().matches("x=7").count(), 32);
    let encoder = data(|_| {}).encoder(decoder.schema()).unwrap();
    assert_eq!(
        encoder.schema_text(),
        "syntax = \"proto3\";\n\nmessage M {\n  int32 x = 1;\n  M next = 2;\n}\n"
    );
    assert_eq!(write(&encoder, &value), hex(&nested(32)));
    let error = decoder.decode(&nested(33)).unwrap_err();
    assert!(
        error
            .message()
            .contains("next.next holds a M deeper within itself"),
        "{error}"
    );

    let json = "syntax = \"proto3\"; import \"google/protobuf/struct.proto\"; message M { \
                google.protobuf.Struct s = 1; }";
    let payload = "0a0b0a090a016112041a026869";
    assert!(
        read(data(|_| {}), json, payload)
            .to_string()
            .contains("string_value=hi")
    );
}
