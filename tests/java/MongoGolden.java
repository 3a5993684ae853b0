// Makes the golden statements of the MongoDB sink with the official connector's own classes: records of
// many kinds under many configurations, and for each the statement that the connector makes of it, or the
// error. One JSON object on each line: configuration, record, what came of it.
//
//   tests/stack/mongo/fetch
//   MORE_JARS=.cache/stack/mongo/plugins/connector tests/java/run MongoGolden > connectors/mongodb/src/sink/golden.jsonl
//
// Random ids, UUIDs and the time of day are masked, so that each run prints the same.

import com.mongodb.MongoNamespace;
import com.mongodb.client.model.DeleteOneModel;
import com.mongodb.client.model.InsertOneModel;
import com.mongodb.client.model.ReplaceOneModel;
import com.mongodb.client.model.UpdateOneModel;
import com.mongodb.client.model.WriteModel;
import com.mongodb.kafka.connect.sink.MongoSinkConfig;
import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.sink.SinkRecord;
import org.bson.BsonDocument;
import org.bson.Document;
import org.bson.RawBsonDocument;
import org.bson.json.JsonMode;
import org.bson.json.JsonWriterSettings;

public class MongoGolden {
  static final String SINK = "com.mongodb.kafka.connect.sink.";
  static final String ID = SINK + "processor.id.strategy.";
  static final String WRITE = SINK + "writemodel.strategy.";
  static final String PROCESSOR = SINK + "processor.";
  static final String ADDER = PROCESSOR + "DocumentIdAdder";
  static final JsonWriterSettings CANONICAL =
      JsonWriterSettings.builder().outputMode(JsonMode.EXTENDED).build();

  static PrintStream out;
  static Constructor<?> processed;

  /** A key or a value with its schema. */
  record Half(Schema schema, Object value) {
    static final Half NULL = new Half(null, null);

    static Half of(Object value) {
      return new Half(null, value);
    }
  }

  public static void main(String[] args) throws Exception {
    out = new PrintStream(System.out, false, "UTF-8");
    // What the connector logs is no part of the golden file.
    System.setOut(System.err);
    processed =
        Class.forName(SINK + "MongoProcessedSinkRecordData")
            .getDeclaredConstructor(SinkRecord.class, MongoSinkConfig.class);
    processed.setAccessible(true);
    idStrategies();
    writeStrategies();
    deletes();
    projections();
    renaming();
    chains();
    types();
    texts();
    namespaces();
    timeSeries();
    debeziumMongoDb();
    debeziumRdbms();
    qlik();
    changeStream();
    faults();
    out.flush();
  }

  // ---- What is tried ----

  static final String[] IDS = {
    "BsonOid", "FullKey", "KafkaMetaData", "PartialKey", "PartialValue", "ProvidedInKey",
    "ProvidedInValue", "Uuid", "UuidProvidedInKey", "UuidProvidedInValue"
  };

  static Map<String, String> id(String strategy, String... more) {
    Map<String, String> config = config("document.id.strategy", ID + strategy + "Strategy");
    if (strategy.equals("PartialKey") || strategy.equals("PartialValue")) {
      String prefix =
          "document.id.strategy.partial." + (strategy.endsWith("Key") ? "key" : "value");
      config.put(prefix + ".projection.type", "AllowList");
      config.put(prefix + ".projection.list", "a,b.c,_id");
    }
    for (int i = 0; i < more.length; i += 2) config.put(more[i], more[i + 1]);
    return config;
  }

  static Half[] keys() {
    Schema schema =
        SchemaBuilder.struct().field("a", Schema.INT32_SCHEMA).field("n", Schema.OPTIONAL_STRING_SCHEMA).build();
    return new Half[] {
      Half.NULL,
      Half.of("plain"),
      Half.of("{\"a\": 1, \"b\": {\"c\": 2, \"d\": 3}, \"_id\": \"k\"}"),
      new Half(schema, new Struct(schema).put("a", 7)),
      Half.of(map("a", 1, "b", map("c", 2L, "d", null), "_id", map("x", 1))),
      Half.of(bson("{_id: UUID('a1a2a3a4-b1b2-c1c2-d1d2-d3d4d5d6d7d8'), a: 5}")),
      Half.of("{_id: 'a1a2a3a4-b1b2-c1c2-d1d2-d3d4d5d6d7d8'}"),
      Half.of("{_id: 'a1a2a3a4b1b2c1c2d1d2d3d4d5d6d7d8'}"),
      Half.of("{_id: null}"),
    };
  }

  static Half[] values() {
    return new Half[] {
      Half.of("{\"v\": 1}"),
      Half.of("{\"_id\": \"given\", \"a\": 1, \"b\": {\"c\": [1, 2]}}"),
      Half.of(map("a", "x", "b", map("c", 1, "e", 2), "z", List.of(1, 2))),
      Half.of("{\"_id\": {\"a\": 1, \"b\": {\"c\": 2}}, \"v\": null}"),
    };
  }

  static void idStrategies() {
    for (String strategy : IDS)
      for (Half key : keys()) for (Half value : values()) emit(id(strategy), key, value);
    for (String strategy : IDS)
      for (Half value : values())
        emit(id(strategy, "document.id.strategy.overwrite.existing", "true"), keys()[2], value);
    for (String format : new String[] {"string", "binary", "Binary", "STRING"})
      emit(id("Uuid", "document.id.strategy.uuid.format", format), Half.NULL, values()[0]);
    for (String uuid :
        new String[] {
          "not-a-uuid", "", "a1a2a3a4-b1b2-c1c2-d1d2-d3d4d5d6d7dg", "a1a2a3a4b1b2c1c2d1d2d3d4d5d6d7dg",
          "A1A2A3A4-B1B2-C1C2-D1D2-D3D4D5D6D7D8", "1-2-3-4-5"
        }) emit(id("UuidProvidedInValue", "document.id.strategy.overwrite.existing", "true"), Half.NULL, Half.of("{_id: '" + uuid + "'}"));
    for (String other : new String[] {"5", "5.5", "true", "[1]", "{x: 1}", "ObjectId('5f1f1f1f1f1f1f1f1f1f1f1f')", "BinData(3, 'AAAAAAAAAAAAAAAAAAAAAA==')"})
      emit(id("UuidProvidedInValue", "document.id.strategy.overwrite.existing", "true"), Half.NULL, Half.of("{_id: " + other + "}"));
    for (String type : new String[] {"AllowList", "BlockList", "allowlist", "BLACKLIST", "whitelist"}) {
      emit(config("document.id.strategy", ID + "PartialValueStrategy",
              "document.id.strategy.partial.value.projection.type", type,
              "document.id.strategy.partial.value.projection.list", "a, b.c"), Half.NULL, values()[2]);
      emit(config("document.id.strategy", ID + "PartialKeyStrategy", "key.projection.type", type,
              "key.projection.list", "a,b.*"), keys()[4], values()[0]);
    }
  }

  static final String[] WRITES = {
    "Default", "InsertOneDefault", "ReplaceOneDefault", "ReplaceOneBusinessKey", "UpdateOneDefault",
    "UpdateOneTimestamps", "UpdateOneBusinessKeyTimestamp", "DeleteOneDefault", "DeleteOneBusinessKey",
    "DeleteOneTombstoneBusinessKey", "DefaultWriteModel"
  };

  static void writeStrategies() {
    for (String write : WRITES) {
      String name = WRITE + (write.equals("Default") ? "DefaultWriteModelStrategy" : write + "Strategy");
      for (String strategy : new String[] {"FullKey", "PartialKey", "PartialValue", "ProvidedInValue", "BsonOid"})
        for (String overwrite : new String[] {"false", "true"})
          for (int value = 1; value < 4; value++)
            emit(id(strategy, "writemodel.strategy", name, "document.id.strategy.overwrite.existing", overwrite),
                keys()[4], values()[value]);
      emit(config("writemodel.strategy", name), Half.NULL, values()[0]);
      emit(config("writemodel.strategy", name), Half.of("plain"), values()[0]);
      emit(config("writemodel.strategy", name), Half.NULL, Half.of("{}"));
      emit(config("writemodel.strategy", name), Half.NULL, Half.of("plain"));
    }
  }

  static void deletes() {
    for (String delete : new String[] {"DeleteOneDefault", "DeleteOneBusinessKey", "DeleteOneTombstoneBusinessKey", "ReplaceOneDefault", "InsertOneDefault"})
      for (String strategy : IDS)
        for (Half key : new Half[] {Half.NULL, Half.of("plain"), keys()[2], keys()[4], keys()[8]})
          emit(id(strategy, "delete.on.null.values", "true", "delete.writemodel.strategy", WRITE + delete + "Strategy"), key, Half.NULL);
    for (Half key : keys()) emit(config(), key, Half.NULL);
  }

  static void projections() {
    String document =
        "{_id: 1, a: 1, ab: 2, b: {c: 1, d: {e: 1, f: 2}, cx: 3}, l: [{x: 1, y: {z: 1, w: 2}}, 5, [{x: 1}]], s: 'x', 'p.q': 1}";
    String[] lists = {
      "", "a", "a,b", "b.c", "b.d.e", "b.*", "b.**", "b.d.*", "*", "**", "*.c", "*.d.e", "a*", "b.c*", "l", "l.x",
      "l.y.z", "l.*", "l.**", "*.*", "*.*.e", "**.e", " a , _id ", "_id,b.d", "p.q", "missing.x", "a,,b", "l.y.*", "b.*.f"
    };
    for (String list : lists)
      for (String kind : new String[] {"AllowList", "BlockList"})
        for (String half : new String[] {"Key", "Value"}) {
          Map<String, String> config =
              config(half.toLowerCase() + ".projection.type", kind.toLowerCase(),
                  half.toLowerCase() + ".projection.list", list,
                  "post.processor.chain", PROCESSOR + kind + half + "Projector",
                  "document.id.strategy", ID + (half.equals("Key") ? "FullKeyStrategy" : "BsonOidStrategy"),
                  "writemodel.strategy", WRITE + "InsertOneDefaultStrategy");
          emit(config, Half.of(document), Half.of(half.equals("Key") ? "{v: 1}" : document));
        }
    for (String old : new String[] {"WhitelistKey", "WhitelistValue", "BlacklistKey", "BlacklistValue"})
      emit(config("key.projection.list", "a", "value.projection.list", "a,_id", "post.processor.chain",
              PROCESSOR + old + "Projector", "document.id.strategy", ID + "FullKeyStrategy"),
          Half.of("{a: 1, b: 2}"), Half.of("{a: 1, b: 2}"));
  }

  static void renaming() {
    String document = "{a: 1, b: {c: 2, d: {e: 3}}, 'my_x': 4, l: [{a: 1}], z: 0}";
    String[] mappings = {
      "", "[]", "[{oldName: 'value.a', newName: 'A'}]", "[{\"oldName\":\"key.a\",\"newName\":\"A\"}]",
      "[{oldName: 'value.b', newName: 'B'}, {oldName: 'value.B.c', newName: 'C'}]",
      "[{oldName: 'value.b', newName: 'B'}, {oldName: 'value.b.c', newName: 'C'}]",
      "[{oldName: 'value.b.d.e', newName: 'E'}]", "[{oldName: 'value.a', newName: 'z'}]",
      "[{oldName: 'value.l.a', newName: 'A'}]", "[{oldName: 'value.a', newName: 'a'}]", "[{oldName: 'value.a'}]",
      "[{oldName: 'key.b', newName: 'v'}, {oldName: 'value._id.v', newName: 'w'}]",
      "[{oldName: 'value.z', newName: 'a.b'}]", "[{other: 1}]"
    };
    for (String mapping : mappings)
      for (String strategy : new String[] {"BsonOid", "FullKey"})
        emit(id(strategy, "field.renamer.mapping", mapping, "post.processor.chain",
                ADDER + "," + PROCESSOR + "field.renaming.RenameByMapping"), Half.of(document), Half.of(document));
    String[] rules = {
      "[]", "[{regexp: '^key\\\\..*my.*$', pattern: 'my', replace: ''}]",
      "[{regexp: '^value\\\\..*my.*$', pattern: 'my_', replace: ''}]",
      "[{\"regexp\":\"^value\\..*$\",\"pattern\":\"_\",\"replace\":\"-\"}]",
      "[{regexp: '^value\\\\.b\\\\..*', pattern: '(c|d)', replace: '$1$1'}]",
      "[{regexp: '.*', pattern: '^(.)$', replace: 'x$1'}]",
      "[{regexp: 'value.*', pattern: 'a', replace: '\\\\$b'}]",
      "[{regexp: 'a', pattern: 'a', replace: 'b'}]",
      "[{regexp: 'value.*', pattern: 'b', replace: 'q'}, {regexp: 'value.b', pattern: 'q', replace: 'r'}]",
      "[{regexp: 'value\\\\.[ab]', pattern: '(?<n>[ab])', replace: '${n}_${n}'}]"
    };
    for (String rule : rules)
      for (String strategy : new String[] {"BsonOid", "FullKey"})
        emit(id(strategy, "field.renamer.regexp", rule, "post.processor.chain",
                ADDER + "," + PROCESSOR + "field.renaming.RenameByRegExp"), Half.of(document), Half.of(document));
    emit(config("field.renamer.mapping", "[{oldName: 'value.a', newName: 'A'}]", "post.processor.chain",
            PROCESSOR + "field.renaming.RenameByMapping"), Half.of("plain"), Half.of("{a: 1}"));
  }

  static void chains() {
    String key = "{_id: {p: 1, q: null}, b: 2}";
    String value = "{a: null, b: {c: null, d: [{e: null, f: 1}, null, [{g: null}]]}, h: 1}";
    String[] parts = {
      ADDER, PROCESSOR + "KafkaMetaAdder", PROCESSOR + "NullFieldValueRemover", PROCESSOR + "BlockListKeyProjector",
      PROCESSOR + "AllowListValueProjector", PROCESSOR + "field.renaming.RenameByMapping"
    };
    for (String strategy : new String[] {"FullKey", "ProvidedInKey", "KafkaMetaData"})
      for (int first = 0; first < parts.length; first++)
        for (int second = 0; second < parts.length; second++) {
          String[] chain = first == second ? new String[] {parts[first]} : new String[] {parts[first], parts[second]};
          emit(id(strategy, "post.processor.chain", String.join(",", chain), "key.projection.list", "b,_id.q",
                  "value.projection.list", "_id,_id.p,h,b.**", "field.renamer.mapping",
                  "[{oldName: 'key._id', newName: 'id'}, {oldName: 'value.h', newName: 'H'}]"), Half.of(key), Half.of(value));
        }
    for (TimestampType type : TimestampType.values())
      for (Long timestamp : new Long[] {null, 1600000000000L, -1L})
        emit(config("post.processor.chain", PROCESSOR + "KafkaMetaAdder"), Half.NULL, Half.of("{v: 1}"), "orders", timestamp, type);
  }

  static void types() {
    Schema inner = SchemaBuilder.struct().name("in").optional().field("i", Schema.INT32_SCHEMA).build();
    List<Schema> schemas =
        List.of(Schema.INT8_SCHEMA, Schema.INT16_SCHEMA, Schema.INT32_SCHEMA, Schema.INT64_SCHEMA, Schema.FLOAT32_SCHEMA,
            Schema.FLOAT64_SCHEMA, Schema.BOOLEAN_SCHEMA, Schema.STRING_SCHEMA, Schema.BYTES_SCHEMA, Decimal.schema(2),
            org.apache.kafka.connect.data.Date.SCHEMA, Time.SCHEMA, Timestamp.SCHEMA);
    List<List<Object>> samples =
        List.of(List.of((byte) -5), List.of((short) 300), List.of(7, Integer.MIN_VALUE), List.of(7L, Long.MAX_VALUE),
            List.of(0.1f, Float.NaN, -0f), List.of(0.1, 1e300, Double.NEGATIVE_INFINITY, 5.0), List.of(true, false),
            List.of("", "né\u2028\ud83d\ude00\"\\\n\u0001"), List.of(new byte[0], new byte[] {1, -1}),
            List.of(new BigDecimal("12.34"), new BigDecimal("-0.01"), new BigDecimal("99999999999999999999999999999999.99"),
                new BigDecimal("999999999999999999999999999999999.99"), new BigDecimal("10000000000000000000000000000000000000.00")),
            List.of(new Date(0), new Date(86400000L * 20000)), List.of(new Date(1000)), List.of(new Date(1600000000123L), new Date(-1)));
    for (int index = 0; index < schemas.size(); index++)
      for (Object sample : samples.get(index)) {
        Schema type = schemas.get(index);
        Schema schema =
            SchemaBuilder.struct().field("f", type).field("l", SchemaBuilder.array(type).build())
                .field("m", SchemaBuilder.map(Schema.STRING_SCHEMA, type).build()).build();
        emit(config("writemodel.strategy", WRITE + "InsertOneDefaultStrategy"), Half.NULL,
            new Half(schema, new Struct(schema).put("f", sample).put("l", List.of(sample)).put("m", map("k", sample))));
      }
    Schema all =
        SchemaBuilder.struct().field("none", Schema.OPTIONAL_STRING_SCHEMA)
            .field("def", SchemaBuilder.int32().optional().defaultValue(42).build()).field("in", inner)
            .field("ins", SchemaBuilder.array(inner).optional().build())
            .field("mm", SchemaBuilder.map(Schema.STRING_SCHEMA, SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.OPTIONAL_INT32_SCHEMA).optional().build()).optional().build())
            .field("ml", SchemaBuilder.map(Schema.STRING_SCHEMA, SchemaBuilder.array(Schema.OPTIONAL_STRING_SCHEMA).optional().build()).optional().build())
            .field("ll", SchemaBuilder.array(SchemaBuilder.array(Schema.OPTIONAL_INT64_SCHEMA).optional().build()).optional().build())
            .field("mi", SchemaBuilder.map(Schema.STRING_SCHEMA, inner).optional().build()).build();
    Struct one = new Struct(inner).put("i", 1);
    Map<String, String> insert = config("writemodel.strategy", WRITE + "InsertOneDefaultStrategy");
    emit(insert, Half.NULL, new Half(all, new Struct(all)));
    emit(insert, Half.NULL, new Half(all, new Struct(all).put("none", "x").put("def", 1).put("in", one)
            .put("ins", Arrays.asList(one, null)).put("mm", map("a", map("b", null, "c", 3), "d", null))
            .put("ml", map("a", Arrays.asList("x", null), "b", null)).put("ll", Arrays.asList(List.of(1L), null, Arrays.asList(2L, null)))
            .put("mi", map("a", one, "b", null))));
    emit(insert, Half.NULL, Half.of(map("s", "x", "b", true, "i", 1L, "d", 1.5, "n", null, "l", Arrays.asList(1L, null, "x", map("y", 2L)),
            "m", map("n", map("o", 3L)), "by", new byte[] {1}, "i8", (byte) 1, "i16", (short) 2, "f", 1.5f, "date", new Date(5), "dec", new BigDecimal("1.50"))));
    for (Object other : new Object[] {5, 5L, true, 1.5, new ArrayList<>(List.of(1)), new BigDecimal("1.5"), new Date(0), "null", "[1]", "5", "", "  ", "{", "{}", "{a: 1} rest"}) {
      emit(insert, Half.NULL, Half.of(other));
      emit(id("FullKey"), Half.of(other), values()[0]);
    }
    emit(insert, Half.NULL, Half.of(new byte[] {5, 0, 0, 0, 0}));
    for (byte[] broken : new byte[][] {{}, {1, 2, 3}, {5, 0, 0, 0, 1}, {6, 0, 0, 0, 0}, {12, 0, 0, 0, 16, 97, 0, 1, 0, 0, 0, 0, 9}})
      emit(insert, Half.NULL, Half.of(broken));
    emit(insert, Half.NULL, Half.of(bson(EVERYTHING)));
  }

  static final String EVERYTHING =
      "{d: 1.5, s: 'x', o: {a: [1, NumberLong(2), {b: null}]}, bin: BinData(0, 'AQI='), uuid: UUID('a1a2a3a4-b1b2-c1c2-d1d2-d3d4d5d6d7d8'),"
          + " u: undefined, oid: ObjectId('5f1f1f1f1f1f1f1f1f1f1f1f'), t: true, dt: ISODate('2020-01-31T12:00:00.5Z'), n: null, r: /a.b/si,"
          + " js: {$code: 'x'}, jss: {$code: 'x', $scope: {y: 1}}, sym: {$symbol: 'q'}, i: 5, ts: Timestamp(5, 6), l: NumberLong(5),"
          + " dec: NumberDecimal('1.50'), min: MinKey, max: MaxKey}";

  static void texts() {
    String[] texts = {
      EVERYTHING,
      "{'a': 'b', c: \"d\"}", "{a: 1, b: 2,}", "{a: 1 b: 2}", "{a: [1, 2,]}", "{a: [1 2]}", "{$a: 1}", "{_a$1: 1}", "{a: -1}", "{a: -0}",
      "{a: 00012}", "{a: 1e5}", "{a: 1E-5}", "{a: 1.}", "{a: .5}", "{a: 2147483648}", "{a: -2147483649}", "{a: 9223372036854775807}",
      "{a: 9223372036854775808}", "{a: NaN}", "{a: Infinity}", "{a: -Infinity}", "{a: +1}", "{a: 0x1}", "{a: 1x}", "{a: 100.0}",
      "{a: 0.1}", "{a: 123456.789e3}", "{a: 1e400}", "{a: true}", "{a: TRUE}", "{a: null}", "{a: 'it\\'s'}", "{a: '\\u00e9\\ud83d\\ude00\\/'}",
      "{a: '\\x'}", "{a: 'open", "{a: \"tab\ttab\"}", "{a 1}", "{a: }", "{: 1}", "{1: 1}", "{a: 1, a: 2}", "{a: {b: {c: {}}}}", "{a: []}",
      "{\"$oid\": \"5f1f1f1f1f1f1f1f1f1f1f1f\"}", "{a: {$oid: '5f1f1f1f1f1f1f1f1f1f1f1f'}}", "{a: {$oid: 'short'}}", "{a: ObjectId('short')}",
      "{a: {$numberLong: '5'}}", "{a: {$numberLong: 5}}", "{a: {$numberInt: '5'}}", "{a: {$numberDouble: '5'}}", "{a: {$numberDouble: 'NaN'}}",
      "{a: {$numberDecimal: '1E+3'}}", "{a: {$numberDecimal: 'x'}}", "{a: {$date: 5}}", "{a: {$date: '2020-01-31'}}",
      "{a: {$date: '2020-01-31T12:00:00.123+01:00'}}", "{a: {$date: '2020-01-31T12:00'}}", "{a: {$date: {$numberLong: '-5'}}}", "{a: {$date: 'x'}}",
      "{a: {$binary: {base64: 'AQI=', subType: '05'}}}", "{a: {$binary: {subType: '80', base64: 'AQI='}}}", "{a: {$binary: 'AQI=', $type: '00'}}",
      "{a: {$type: 4, $binary: 'AQI='}}", "{a: {$type: 'string'}}", "{a: {$binary: 5}}", "{a: {$uuid: 'a1a2a3a4-b1b2-c1c2-d1d2-d3d4d5d6d7d8'}}",
      "{a: {$uuid: 'x'}}", "{a: {$regex: 'x', $options: 'i'}}", "{a: {$options: 'mi', $regex: 'x'}}", "{a: {$regex: 'x'}}",
      "{a: {$regularExpression: {pattern: 'x', options: 'i'}}}", "{a: /x/}", "{a: /x\\/y/im}", "{a: /x/q}", "{a: /x", "{a: {$timestamp: {t: 5, i: 6}}}",
      "{a: {$timestamp: {i: 6, t: 5}}}", "{a: {$minKey: 1}}", "{a: {$maxKey: 1}}", "{a: {$minKey: 2}}", "{a: {$undefined: true}}",
      "{a: {$symbol: 'x'}}", "{a: {$code: 'x'}}", "{a: {$code: 'x', $scope: {y: {$numberLong: '1'}}}}", "{a: {$ref: 'x', $id: 1}}",
      "{a: {$set: {b: 1}}}", "{a: NumberInt(5)}", "{a: NumberInt('5')}", "{a: NumberLong(5)}", "{a: NumberLong('5')}", "{a: NumberDecimal(5)}",
      "{a: NumberDecimal('5.50')}", "{a: NumberDecimal(5.5)}", "{a: new NumberLong(5)}", "{a: new Date(5)}", "{a: new Date(2020, 0, 31, 1, 2, 3, 4)}",
      "{a: new Date(2020, 0, 31)}", "{a: ISODate('2020-01-31T12:00:00Z')}", "{a: ISODate('x')}", "{a: Timestamp(1, 2)}", "{a: BinData(0, 'AQI=')}",
      "{a: HexData(0, '0102')}", "{a: HexData(0, '102')}", "{a: RegExp('x', 'im')}", "{a: RegExp('x')}", "{a: MinKey()}", "{a: new MaxKey}",
      "{a: Unknown(1)}", "{a: new Unknown(1)}", "{a: word}", "{\u00e9\u00e9: 1}", "\ufeff{a: 1}", "\u00a0{a: 1}", "\n\t{a: 1}", "{a: 1}}", "{a: 1", "[", "x",
      "{\"a\": \"" + "x".repeat(2000) + "\"}"
    };
    Map<String, String> insert = config("writemodel.strategy", WRITE + "InsertOneDefaultStrategy");
    for (String text : texts) emit(insert, Half.NULL, Half.of(text));
  }

  static void namespaces() {
    String mapper = SINK + "namespace.mapping.FieldPathNamespaceMapper";
    String document = "{db: 'd', coll: 'c', in: {db: 'd2', 'x.y': 'dots'}, 'p.q': 'pq', n: 5, e: '', bad: 'a b', nul: null}";
    for (String path : new String[] {"db", "in.db", "p.q", "in.x.y", "n", "missing", "e", "bad", "nul", "in", "db.", "in."})
      for (String kind : new String[] {"key.database", "key.collection", "value.database", "value.collection"})
        for (String strict : new String[] {"false", "true"})
          emit(config("namespace.mapper", mapper, "namespace.mapper." + kind + ".field", path, "namespace.mapper.error.if.invalid", strict),
              Half.of(document), Half.of(document));
    for (String strict : new String[] {"false", "true"}) {
      emit(config("namespace.mapper", mapper, "namespace.mapper.key.collection.field", "coll", "namespace.mapper.error.if.invalid", strict), Half.NULL, Half.of("{a: 1}"));
      emit(config("namespace.mapper", mapper, "namespace.mapper.key.collection.field", "coll", "namespace.mapper.error.if.invalid", strict), Half.of("plain"), Half.of("{a: 1}"));
      emit(config("namespace.mapper", mapper, "namespace.mapper.key.collection.field", "coll", "namespace.mapper.value.database.field", "db",
              "namespace.mapper.error.if.invalid", strict), Half.of(document), Half.of(document));
    }
    emit(config("collection", "fixed"), Half.NULL, Half.of("{a: 1}"));
    emit(config("topic.override.orders.collection", "own", "topic.override.orders.writemodel.strategy", WRITE + "InsertOneDefaultStrategy"), Half.NULL, Half.of("{a: 1}"));
    emit(config("topic.override.other.collection", "own"), Half.NULL, Half.of("{a: 1}"));
    emit(config("topics.regex", "ord.*", "topic.override.orders.collection", "own"), Half.NULL, Half.of("{a: 1}"));
  }

  static void timeSeries() {
    Map<String, String> base = config("timeseries.timefield", "ts", "timeseries.timefield.auto.convert", "true");
    for (String value :
        new String[] {
          "5", "NumberLong(1600000000000)", "5.9", "-5.9", "1e300", "NumberDecimal('7.5')", "'2020-01-31'", "'2020-01-31T12:00:00Z'", "'2020-01-31 12:00:00'",
          "'2020-01-31T12:00:00.123Z'", "'2020-01-31T12:00:00.123456Z'", "'2020-01-31T12:00:00+02'", "'2020-01-31T12:00:00+0230'", "'2020-01-31T12:00:00 Europe/Paris'",
          "'2020-01-31T12:00:00+01:00[Europe/Paris]'", "'2020-01-31T12:00:00 [UTC]'", "'2020-01-31T12:00:00 UTC'", "'2020-02-31'", "'x'", "''", "null", "true", "ISODate('2020-01-31')",
          "'2020-07-31T12:00:00America/New_York'", "'2020-03-29T02:30:00 Europe/Paris'", "'2020-10-25T02:30:00 Europe/Paris'", "'2020-01-31T24:00:00Z'", "'2020-01-31T12:00:00.12Z'"
        }) emit(base, Half.NULL, Half.of("{ts: " + value + "}"));
    emit(base, Half.NULL, Half.of("{other: 1}"));
    String[][] patterns = {
      {"yyyyMMdd", "20200131"}, {"yyyyMMddHHmmss", "20200131120000"}, {"dd/MM/yyyy", "31/01/2020"}, {"d/M/yy", "1/2/20"}, {"yyyy-MM-dd'T'HH:mm:ss.SSSX", "2020-01-31T12:00:00.123Z"},
      {"yyyy-MM-dd'T'HH:mm:ssXXX", "2020-01-31T12:00:00+01:00"}, {"yyyy-MM-dd HH:mm", "2020-01-31 12:30"}, {"uuuu-DDD", "2020-031"}, {"yyyy-MM-dd h:mm a", "2020-01-31 1:30 PM"},
      {"HH:mm", "12:00"}, {"yyyy-MM-dd'T'HH:mm:ssZ", "2020-01-31T12:00:00+0100"}, {"yyyy-MM-dd['T'HH:mm]", "2020-01-31"}, {"yyyy'year'MM''dd", "2020year01'31"}
    };
    for (String[] pattern : patterns) {
      Map<String, String> config = new LinkedHashMap<>(base);
      config.put("timeseries.timefield.auto.convert.date.format", pattern[0]);
      emit(config, Half.NULL, Half.of("{ts: '" + pattern[1] + "'}"));
    }
    Map<String, String> english = new LinkedHashMap<>(base);
    english.put("timeseries.timefield.auto.convert.date.format", "EEEE, d MMMM yyyy");
    english.put("timeseries.timefield.auto.convert.locale.language.tag", "en-US");
    emit(english, Half.NULL, Half.of("{ts: 'Friday, 31 January 2020'}"));
    emit(config("timeseries.timefield", "ts"), Half.NULL, Half.of("{ts: 5, _id: 1}"));
    emit(config("timeseries.timefield", "ts", "writemodel.strategy", WRITE + "ReplaceOneDefaultStrategy"), Half.NULL, Half.of("{ts: 5}"));
  }

  static void debeziumMongoDb() {
    String[] keys = {"{id: '5'}", "{id: '{\"$oid\": \"5f1f1f1f1f1f1f1f1f1f1f1f\"}'}", "{id: '\"x\"'}", "{other: 1}", "{id: 5}", "{id: '}'}", "{}"};
    String[] values = {
      "{op: 'c', after: '{\"_id\": 5, \"a\": {\"$numberLong\": \"1\"}}'}", "{op: 'r', after: '{\"_id\": 5}'}", "{op: 'c'}", "{op: 'c', after: null}", "{op: 'c', after: 'x'}",
      "{op: 'u', patch: '{\"$set\": {\"a\": 1}}'}", "{op: 'u', patch: '{\"$v\": 1, \"$set\": {\"a\": 1}}'}", "{op: 'u', patch: '{\"_id\": 5, \"a\": 1}'}",
      "{op: 'u', after: '{\"_id\": 5, \"a\": 2}'}", "{op: 'u', after: null, patch: null}", "{op: 'u'}", "{op: 'd'}", "{op: 'x'}", "{op: 5}", "{a: 1}", "{}"
    };
    for (String handler : new String[] {"MongoDbHandler", "ChangeStreamHandler"}) {
      Map<String, String> config = config("change.data.capture.handler", SINK + "cdc.debezium.mongodb." + handler);
      for (String key : keys) for (String value : values) emit(config, Half.of(key), Half.of(value));
      emit(config, Half.NULL, Half.of(values[0]));
      emit(config, Half.of(keys[0]), Half.NULL);
      emit(config, Half.of("plain"), Half.of(values[0]));
    }
  }

  static void debeziumRdbms() {
    String[] keys = {null, "{id: 1}", "{id: 1, k: 'x'}", "{}"};
    String[] values = {
      "{op: 'c', before: null, after: {id: 1, k: 'x', v: 'a'}}", "{op: 'r', after: {id: 1, v: 'a'}}", "{op: 'u', before: {id: 1, v: 'a'}, after: {id: 1, v: 'b'}}",
      "{op: 'u', before: null, after: {id: 1, v: 'b'}}", "{op: 'd', before: {id: 1, v: 'b'}, after: null}", "{op: 'd', before: {}, after: null}", "{op: 'c', after: null}",
      "{op: 'c', after: {}}", "{op: 'c', after: 5}", "{op: 'c'}", "{op: 'd'}", "{op: 't'}", "{op: 5}", "{ddl: 'CREATE TABLE t'}", "{ddl: 'x', op: 'c', after: {a: 1}}", "{a: 1}", "{}", null
    };
    for (String key : keys)
      for (String value : values)
        emit(config("change.data.capture.handler", SINK + "cdc.debezium.rdbms.RdbmsHandler"), Half.of(key), Half.of(value));
    for (String handler : new String[] {"mysql.MysqlHandler", "postgres.PostgresHandler"})
      for (String value : values)
        emit(config("change.data.capture.handler", SINK + "cdc.debezium.rdbms." + handler), Half.of(keys[2]), Half.of(value));
  }

  static void qlik() {
    String[] keys = {null, "{id: 1}", "{}"};
    String[] values = {
      "{message: {headers: {operation: 'INSERT'}, data: {id: 1, v: 'a'}}}", "{message: {headers: {operation: 'REFRESH'}, data: {id: 1, v: 'a'}}}",
      "{message: {headers: {operation: 'read'}, data: {id: 1}}}", "{message: {headers: {operation: 'UPDATE'}, data: {id: 1, v: 'b'}, beforeData: {id: 1, v: 'a'}}}",
      "{message: {headers: {operation: 'UPDATE'}, data: {id: 1, v: 'b'}, beforeData: {id: 1, v: 'b'}}}", "{message: {headers: {operation: 'UPDATE'}, data: {id: 1, v: 'b'}}}",
      "{message: {headers: {operation: 'UPDATE'}, data: {}, beforeData: {id: 1}}}", "{message: {headers: {operation: 'DELETE'}, data: {id: 1}, beforeData: null}}",
      "{message: {headers: {operation: 'DELETE'}, data: null, beforeData: {id: 1}}}", "{message: {headers: {operation: 'DELETE'}, data: {}}}",
      "{message: {operation: 'INSERT', data: {id: 1}}}", "{message: {headers_operation: 'INSERT', data: {id: 1}}}", "{headers: {operation: 'INSERT'}, data: {id: 1}}",
      "{operation: 'INSERT', id: 1}", "{headers_operation: 'DELETE', id: 1}", "{message: 5}", "{message: {headers: 5}}", "{message: {headers: {operation: 5}}}", "{message: {headers: {operation: 'TRUNCATE'}}}",
      "{message: {headers: {operation: 'INSERT'}, data: 5}}", "{message: {headers: {operation: 'INSERT'}, data: null}}", "{a: 1}", "{}", null
    };
    for (String key : keys)
      for (String value : values) emit(config("change.data.capture.handler", SINK + "cdc.qlik.rdbms.RdbmsHandler"), Half.of(key), Half.of(value));
  }

  static void changeStream() {
    String[] values = {
      "{operationType: 'insert', documentKey: {_id: 1}, fullDocument: {_id: 1, a: 1}}", "{operationType: 'replace', documentKey: {_id: 1}, fullDocument: {_id: 1, a: 2}}",
      "{operationType: 'update', documentKey: {_id: 1}, fullDocument: {_id: 1, a: 2}}", "{operationType: 'update', documentKey: {_id: 1}, updateDescription: {updatedFields: {a: 1, 'b.c': 2}, removedFields: ['d', 'e.f']}}",
      "{operationType: 'update', documentKey: {_id: 1}, updateDescription: {updatedFields: {}, removedFields: []}}",
      "{operationType: 'update', documentKey: {_id: 1}, updateDescription: {updatedFields: {a: 1}, removedFields: [], truncatedArrays: [], disambiguatedPaths: {}}}",
      "{operationType: 'update', documentKey: {_id: 1}, updateDescription: {updatedFields: {a: 1}, removedFields: [], truncatedArrays: 5}}",
      "{operationType: 'update', documentKey: {_id: 1}, updateDescription: {updatedFields: {a: 1}, removedFields: [], disambiguatedPaths: 5}}",
      "{operationType: 'update', documentKey: {_id: 1}, updateDescription: {updatedFields: {a: 1}, removedFields: [], other: 1}}",
      "{operationType: 'update', documentKey: {_id: 1}, updateDescription: {updatedFields: {a: 1}, removedFields: [5]}}", "{operationType: 'update', documentKey: {_id: 1}, updateDescription: {updatedFields: {a: 1}, removedFields: 5}}",
      "{operationType: 'update', documentKey: {_id: 1}, updateDescription: {updatedFields: {a: 1}}}", "{operationType: 'update', documentKey: {_id: 1}, updateDescription: {updatedFields: 5, removedFields: []}}",
      "{operationType: 'update', documentKey: {_id: 1}, updateDescription: {removedFields: []}}", "{operationType: 'update', documentKey: {_id: 1}, updateDescription: 'x'}", "{operationType: 'update', documentKey: {_id: 1}}",
      "{operationType: 'update', documentKey: {_id: 1}, fullDocument: null}", "{operationType: 'delete', documentKey: {_id: 1}}", "{operationType: 'DELETE', documentKey: {_id: {a: 1}}}", "{operationType: 'delete'}",
      "{operationType: 'delete', documentKey: 5}", "{operationType: 'insert', documentKey: {_id: 1}}", "{operationType: 'insert', fullDocument: {a: 1}}", "{operationType: 'insert', documentKey: {_id: 1}, fullDocument: 'x'}",
      "{operationType: 'drop'}", "{operationType: 'rename'}", "{operationType: 'invalidate'}", "{operationType: 'whatever'}", "{operationType: 5}", "{a: 1}", "{}", null
    };
    for (String value : values) emit(config("change.data.capture.handler", SINK + "cdc.mongodb.ChangeStreamHandler"), Half.NULL, Half.of(value));
  }

  static void faults() {
    String[][] faults = {
      {"topics", ""}, {"topics.regex", "("}, {"database", ""}, {"database", "a/b"}, {"database", "a b"}, {"namespace.mapper", "1x"},
      {"namespace.mapper", SINK + "namespace.mapping.FieldPathNamespaceMapper"}, {"max.batch.size", "-1"}, {"max.batch.size", "x"},
      {"rate.limiting.timeout", "-1"}, {"key.projection.type", "some"}, {"value.projection.type", ""}, {"field.renamer.mapping", "x"}, {"field.renamer.mapping", "[{}]"},
      {"field.renamer.regexp", "[1]"}, {"document.id.strategy", "a-b"}, {"document.id.strategy", ID + "PartialKeyStrategy"}, {"document.id.strategy", ID + "PartialValueStrategy"},
      {"document.id.strategy.uuid.format", "x"}, {"errors.tolerance", "some"}, {"mongo.errors.tolerance", "x"}, {"change.data.capture.handler", "1"}, {"timeseries.granularity", "days"},
      {"timeseries.expire.after.seconds", "-1"}, {"delete.on.null.values", "true"}, {"delete.on.null.values", "maybe"}, {"post.processor.chain", "a b"},
      {"connection.uri", "http://x"}, {"topic.override.%s.%s", "x"}
    };
    for (String[] fault : faults) emit(config(fault), Half.NULL, Half.of("{a: 1}"));
    emit(config("namespace.mapper", SINK + "namespace.mapping.FieldPathNamespaceMapper", "namespace.mapper.key.database.field", "a", "namespace.mapper.value.database.field", "b"), Half.NULL, Half.of("{a: 1}"));
    emit(config("namespace.mapper", SINK + "namespace.mapping.FieldPathNamespaceMapper", "namespace.mapper.key.collection.field", "a", "namespace.mapper.value.collection.field", "b"), Half.NULL, Half.of("{a: 1}"));
    emit(config("topics.regex", "x.*", "topics", "orders"), Half.NULL, Half.of("{a: 1}"));
  }

  // ---- How it is printed ----

  static Map<String, String> config(String... entries) {
    Map<String, String> config = new LinkedHashMap<>();
    config.put("database", "db");
    for (int i = 0; i < entries.length; i += 2) config.put(entries[i], entries[i + 1]);
    return config;
  }

  static Map<String, Object> map(Object... entries) {
    Map<String, Object> map = new HashMap<>();
    for (int i = 0; i < entries.length; i += 2) map.put((String) entries[i], entries[i + 1]);
    return map;
  }

  static byte[] bson(String json) {
    return new RawBsonDocument(BsonDocument.parse(json), new org.bson.codecs.BsonDocumentCodec()).getByteBuffer().array();
  }

  static void emit(Map<String, String> config, Half key, Half value) {
    emit(config, key, value, "orders", 1600000000000L, TimestampType.CREATE_TIME);
  }

  static void emit(Map<String, String> config, Half key, Half value, String topic, Long timestamp, TimestampType type) {
    SinkRecord record = new SinkRecord(topic, 3, key.schema(), key.value(), value.schema(), value.value(), 42, timestamp, type);
    Document settings = new Document();
    config.forEach((name, text) -> settings.append(name, text.replace(SINK, "~")));
    Document line = new Document("config", settings);
    if (type != TimestampType.CREATE_TIME || !Long.valueOf(1600000000000L).equals(timestamp))
      line.append("timestamp", timestamp).append("timestampType", type.name());
    line.append("key", half(key)).append("value", half(value)).append("expected", expected(config, record).replace(SINK, "~"));
    out.println(line.toJson());
  }

  static String expected(Map<String, String> config, SinkRecord record) {
    MongoSinkConfig sinkConfig;
    try {
      Map<String, String> complete = new HashMap<>(config);
      if (!complete.containsKey("topics.regex")) complete.putIfAbsent("topics", "orders");
      sinkConfig = new MongoSinkConfig(complete);
    } catch (Throwable e) {
      return "config " + e.getMessage();
    }
    try {
      Object data = processed.newInstance(record, sinkConfig);
      WriteModel<?> model = (WriteModel<?>) call(data, "getWriteModel");
      MongoNamespace namespace = (MongoNamespace) call(data, "getNamespace");
      if (model == null) return "none";
      return mask(namespace.getFullName() + " " + text(model));
    } catch (InvocationTargetException e) {
      return error(e.getCause());
    } catch (Throwable e) {
      return error(e);
    }
  }

  static Object call(Object target, String name) throws Exception {
    Method method = target.getClass().getMethod(name);
    method.setAccessible(true);
    return method.invoke(target);
  }

  static String text(WriteModel<?> model) {
    if (model instanceof InsertOneModel<?> insert) return "insert " + json(insert.getDocument());
    if (model instanceof ReplaceOneModel<?> replace)
      return "replace " + json(replace.getFilter()) + " " + json(replace.getReplacement()) + " " + replace.getReplaceOptions().isUpsert();
    if (model instanceof UpdateOneModel<?> update) return "update " + json(update.getFilter()) + " " + json(update.getUpdate()) + " " + update.getOptions().isUpsert();
    if (model instanceof DeleteOneModel<?> delete) return "delete " + json(delete.getFilter());
    throw new IllegalStateException(model.toString());
  }

  static String json(Object document) {
    return ((BsonDocument) document).toJson(CANONICAL);
  }

  /** New ObjectIds (not those of the tests, which begin with 5f1f), random UUIDs and the time of day. */
  static String mask(String text) {
    return text.replaceAll("\\{\"\\$oid\": \"(?!5f1f)[0-9a-f]{24}\"\\}", "OID")
        .replaceAll("\"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\"", "UUID")
        .replaceAll("\"(?!oaKj)[A-Za-z0-9+/]{22}==\", \"subType\": \"04\"", "UUID")
        .replaceAll("(TS\": \\{\"\\$date\": )\\{\"\\$numberLong\": \"[0-9]+\"\\}", "$1NOW");
  }

  static String error(Throwable error) {
    return "error " + error.getClass().getName() + ": " + String.valueOf(error.getMessage()).replaceAll("\\[B@[0-9a-f]+", "[B");
  }

  /** A text stands as it is, null as null. */
  static Object half(Half half) {
    if (half.schema() == null && (half.value() == null || half.value() instanceof String)) return half.value();
    return new Document("schema", schema(half.schema())).append("value", value(half.value()));
  }

  static Document schema(Schema schema) {
    if (schema == null) return null;
    Document document = new Document("type", schema.type().name()).append("optional", schema.isOptional());
    if (schema.name() != null) document.append("name", schema.name());
    if (schema.parameters() != null) document.append("parameters", new Document(new LinkedHashMap<String, Object>(schema.parameters())));
    if (schema.defaultValue() != null) document.append("default", value(schema.defaultValue()));
    switch (schema.type()) {
      case STRUCT -> {
        List<Document> fields = new ArrayList<>();
        for (Field field : schema.fields()) fields.add(new Document("name", field.name()).append("schema", schema(field.schema())));
        document.append("fields", fields);
      }
      case MAP -> document.append("keySchema", schema(schema.keySchema())).append("valueSchema", schema(schema.valueSchema()));
      case ARRAY -> document.append("valueSchema", schema(schema.valueSchema()));
      default -> {}
    }
    return document;
  }

  static Document value(Object value) {
    if (value == null) return null;
    if (value instanceof Boolean) return new Document("boolean", value);
    if (value instanceof Byte number) return new Document("int8", number.intValue());
    if (value instanceof Short number) return new Document("int16", number.intValue());
    if (value instanceof Integer) return new Document("int32", value);
    if (value instanceof Long) return new Document("int64", value.toString());
    if (value instanceof Float) return new Document("float32", value.toString());
    if (value instanceof Double) return new Document("float64", value.toString());
    if (value instanceof String) return new Document("string", value);
    if (value instanceof byte[] bytes) return new Document("bytes", Base64.getEncoder().encodeToString(bytes));
    if (value instanceof Date date) return new Document("date", Long.toString(date.getTime()));
    if (value instanceof BigDecimal decimal) return new Document("decimal", List.of(decimal.unscaledValue().toString(), decimal.scale()));
    if (value instanceof List<?> list) {
      List<Document> items = new ArrayList<>();
      for (Object item : list) items.add(value(item));
      return new Document("array", items);
    }
    if (value instanceof Map<?, ?> map) {
      List<Object> entries = new ArrayList<>();
      map.forEach((key, item) -> entries.add(Arrays.asList(key, value(item))));
      return new Document("map", entries);
    }
    if (value instanceof Struct struct) {
      List<Document> values = new ArrayList<>();
      for (Field field : struct.schema().fields()) values.add(value(struct.getWithoutDefault(field.name())));
      return new Document("struct", values).append("schema", schema(struct.schema()));
    }
    throw new IllegalArgumentException(value.getClass().getName());
  }
}
