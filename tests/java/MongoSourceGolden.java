// Makes the golden records of the MongoDB source with the official connector's own classes: its task reads
// scripted change events under many configurations, and printed is what it asks of the server and what it
// makes of the events. One JSON object on each line: configuration, stored offset, script, what came of it.
//
//   tests/stack/mongo/fetch
//   MORE_JARS=.cache/stack/mongo/plugins/connector tests/java/run MongoSourceGolden > connectors/mongodb/src/source/golden.jsonl

import com.mongodb.MongoCommandException;
import com.mongodb.ServerAddress;
import com.mongodb.ServerCursor;
import com.mongodb.client.ChangeStreamIterable;
import com.mongodb.client.MongoChangeStreamCursor;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoDatabase;
import com.mongodb.client.MongoIterable;
import com.mongodb.client.model.Collation;
import com.mongodb.client.model.changestream.FullDocument;
import com.mongodb.client.model.changestream.FullDocumentBeforeChange;
import com.mongodb.kafka.connect.source.MongoSourceConfig;
import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.math.BigDecimal;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTaskContext;
import org.apache.kafka.connect.storage.OffsetStorageReader;
import org.bson.BsonDocument;
import org.bson.BsonTimestamp;
import org.bson.Document;
import org.bson.RawBsonDocument;
import org.bson.codecs.BsonDocumentCodec;
import org.bson.json.JsonMode;
import org.bson.json.JsonWriterSettings;

public class MongoSourceGolden {
  static final String PACKAGE = "com.mongodb.kafka.connect.source.";
  static final JsonWriterSettings CANONICAL = JsonWriterSettings.builder().outputMode(JsonMode.EXTENDED).build();

  static PrintStream out;

  public static void main(String[] args) throws Exception {
    out = new PrintStream(System.out, false, "UTF-8");
    // What the connector logs is no part of the golden file.
    System.setOut(System.err);
    formats();
    inference();
    avroSchemas();
    topics();
    partitions();
    watches();
    offsets();
    serverErrors();
    faults();
    out.flush();
  }

  // ---- What is tried ----

  static final String TOKEN = "{_data: '8263A1B2C3000000012B0229296E04'}";

  static final String EVERYTHING =
      "{_id: ObjectId('5f1f1f1f1f1f1f1f1f1f1f1f'), d: 1.5, s: 'x', o: {a: [1, NumberLong(2), {b: null}]}, bin: BinData(0, 'AQI='),"
          + " uuid: UUID('a1a2a3a4-b1b2-c1c2-d1d2-d3d4d5d6d7d8'), u: undefined, t: true, dt: ISODate('2020-01-31T12:00:00.5Z'), n: null,"
          + " r: /a.b/si, js: {$code: 'x'}, jss: {$code: 'x', $scope: {y: NumberLong(1), z: ISODate('2020-01-31T12:00:00Z')}},"
          + " sym: {$symbol: 'q'}, i: 5, ts: Timestamp(5, 6), l: NumberLong(5), dec: NumberDecimal('1.50'), min: MinKey, max: MaxKey,"
          + " e: '', q: 'say \"hi\" \\u2028\\u00e9\\ud83d\\ude00 \\n/', big: 1e300, whole: 5.0, nan: NaN, inf: -Infinity, old: {$date: {$numberLong: '-1'}},"
          + " far: {$date: {$numberLong: '253402300800000'}}, farther: {$date: {$numberLong: '31556889864403199'}}}";

  static String event(String operation, String rest) {
    return "{_id: " + TOKEN + ", operationType: '" + operation + "', clusterTime: Timestamp(1671540419, 1), wallTime: ISODate('2022-12-20T12:46:59.123Z')"
        + ", ns: {db: 'shop', coll: 'orders'}, documentKey: {_id: ObjectId('5f1f1f1f1f1f1f1f1f1f1f1f')}" + rest + "}";
  }

  static String insert(String document) {
    return event("insert", ", fullDocument: " + document);
  }

  static String[] events() {
    return new String[] {
      insert("{_id: ObjectId('5f1f1f1f1f1f1f1f1f1f1f1f'), a: 1, b: {c: NumberLong(2)}}"),
      insert(EVERYTHING),
      event("replace", ", fullDocument: {_id: 1, a: 'x'}, fullDocumentBeforeChange: {_id: 1, a: 'w'}"),
      event("update", ", updateDescription: {updatedFields: {'a.b': 5, d: ISODate('2020-01-31')}, removedFields: ['c'], truncatedArrays: [{field: 'l', newSize: 2}], disambiguatedPaths: {}}"),
      event("update", ", fullDocument: {_id: 1, a: 2}, updateDescription: {updatedFields: {a: 2}, removedFields: []}, txnNumber: NumberLong(7), lsid: {id: UUID('a1a2a3a4-b1b2-c1c2-d1d2-d3d4d5d6d7d8'), uid: BinData(0, 'AQI=')}"),
      event("update", ", fullDocument: null"),
      event("delete", ""),
      event("delete", ", fullDocumentBeforeChange: {_id: 1}"),
      "{_id: " + TOKEN + ", operationType: 'drop', ns: {db: 'shop', coll: 'orders'}}",
      "{_id: " + TOKEN + ", operationType: 'dropDatabase', ns: {db: 'shop'}}",
      "{_id: " + TOKEN + ", operationType: 'rename', ns: {db: 'shop', coll: 'orders'}, to: {db: 'shop', coll: 'old'}}",
      "{_id: " + TOKEN + ", operationType: 'invalidate'}",
      "{_id: " + TOKEN + ", operationType: 'insert', ns: {db: '', coll: 'x'}, fullDocument: {a: 1}}",
      "{_id: " + TOKEN + ", operationType: 'insert', ns: {db: 5, coll: 'x'}}",
      "{_id: " + TOKEN + ", ns: {db: 'shop', coll: 5}, fullDocument: 'x'}",
      "{_id: {_id: 5, copyingData: true}, operationType: 'insert', documentKey: {_id: 5}, fullDocument: {_id: 5}, ns: {db: 'shop', coll: 'orders'}}",
    };
  }

  static void formats() throws Exception {
    String[] formatters = {"DefaultJson", "ExtendedJson", "SimplifiedJson"};
    for (String formatter : formatters)
      for (String key : new String[] {"json", "bson", "schema"})
        for (String value : new String[] {"json", "bson", "schema"})
          for (String full : formatter.equals("DefaultJson") ? new String[] {"false", "true"} : new String[] {"false"})
            emit(config("output.json.formatter", "~json.formatter." + formatter, "output.format.key", key, "output.format.value", value,
                    "publish.full.document.only", full), events());
    for (String tolerance : new String[] {"none", "all"})
      for (String tombstone : new String[] {"false", "true"})
        for (String asKey : new String[] {"false", "true"})
          for (String event : events())
            emit(config("publish.full.document.only", "true", "publish.full.document.only.tombstone.on.delete", tombstone,
                    "change.stream.document.key.as.key", asKey, "errors.tolerance", tolerance, "output.format.value", "schema",
                    "errors.deadletterqueue.topic.name", "dead"), event);
    emit(config("publish.full.document.only.tombstone.on.delete", "true"), events());
    emit(config("output.format.key", "JSON", "output.format.value", "Bson"), events());
    for (String broken : new String[] {"{_id: 5, ns: {db: 'a'}}", "{ns: {db: 'a'}}", "{_id: {a: 1}, ns: {db: 'a'}, documentKey: 5}"}) emit(config(), broken);
  }

  static void inference() throws Exception {
    String[] documents = {
      EVERYTHING.replace("nan: NaN, ", ""), "{}", "{b: 1, a: 2, _id: 3, Z: 4, 'é': 5, '\\ue000': 6, '\\ud83d\\ude00': 7}", "{a: {b: {c: {_id: 1, z: 1, a: 1}}}}", "{a: []}", "{a: [[]]}", "{a: [null]}",
      "{a: [null, 1]}", "{a: [1, null, 2]}", "{a: [1, NumberLong(2)]}", "{a: [1, 'x']}", "{a: ['x', 1]}", "{a: ['x', {b: 1}]}", "{a: [{b: 1}, {c: 2}]}",
      "{a: [{b: 1}, {b: 'x'}]}", "{a: [{b: 1}, {b: null}]}", "{a: [{b: null}, {b: 1}]}", "{a: [{b: null, c: 1}, {c: 'x', _id: 5}]}", "{a: [[1], [2]]}", "{a: [[1], ['x']]}", "{a: [[], [1]]}",
      "{a: [[1], []]}", "{a: [[{b: 1}], [{c: 2}]]}", "{a: [{b: [1]}, {b: ['x']}]}", "{a: [{b: {c: 1}}, {b: {d: 1}}]}", "{a: [{b: {c: 1}}, {b: 5}]}", "{a: [{b: 1}, 5]}",
      "{a: [NumberDecimal('1.5'), NumberDecimal('2.5')]}", "{a: [NumberDecimal('1.5'), NumberDecimal('2.55')]}", "{a: NumberDecimal('1E+3')}", "{a: NumberDecimal('NaN')}",
      "{a: NumberDecimal('Infinity')}", "{a: NumberDecimal('-0')}", "{a: NumberDecimal('-1.5')}", "{a: [ISODate('2020-01-31'), Timestamp(5, 6)]}", "{a: ISODate('1960-01-31T12:00:00.001Z')}", "{a: Timestamp(2147483647, 0)}",
      "{'': 1}", "{'a.b': 1, a: {b: 2}}", "{default: {x: {y: 1}}}", "{a: {default: {x: 1}}}", "{a: UUID('a1a2a3a4-b1b2-c1c2-d1d2-d3d4d5d6d7d8'), b: {$symbol: 'x'}, c: /x/i}",
      "{a: [true, false]}", "{a: [1.5, 2]}", "{a: [BinData(0, 'AQI='), 'x']}", "{_id: {b: 1, a: 2}}", "{_id: null}", "{_id: [1]}", "{a: [{_id: 1, b: 1}, {a: 1, _id: 2}]}"
    };
    for (String document : documents)
      for (String tolerance : new String[] {"none", "all"}) {
        emit(config("output.format.value", "schema", "output.schema.infer.value", "true", "publish.full.document.only", "true", "errors.tolerance", tolerance,
                "output.json.formatter", "~json.formatter." + (tolerance.equals("all") ? "SimplifiedJson" : "DefaultJson")), insert(document));
      }
    emit(config("output.format.value", "schema", "output.schema.infer.value", "true"), events());
    emit(config("output.format.key", "schema", "output.format.value", "schema", "output.schema.infer.value", "true", "errors.tolerance", "all", "mongo.errors.deadletterqueue.topic.name", "dead"), events());
  }

  static String record(String fields) {
    return "{\"type\": \"record\", \"name\": \"r\", \"fields\": [" + fields + "]}";
  }

  static String field(String name, String type) {
    return "{\"name\": \"" + name + "\", \"type\": " + type + "}";
  }

  static void avroSchemas() throws Exception {
    String[] types = {
      "\"string\"", "\"bytes\"", "\"int\"", "\"long\"", "\"float\"", "\"double\"", "\"boolean\"", "[\"null\", \"int\"]", "[\"string\", \"null\"]",
      "{\"type\": \"array\", \"items\": \"string\"}", "{\"type\": \"array\", \"items\": \"int\"}", "{\"type\": \"array\", \"items\": [\"null\", \"long\"]}", "{\"type\": \"map\", \"values\": \"string\"}",
      "{\"type\": \"map\", \"values\": \"double\"}", "{\"type\": \"long\", \"logicalType\": \"timestamp-millis\"}", "{\"type\": \"bytes\", \"logicalType\": \"decimal\", \"precision\": 5, \"scale\": 2}", record(field("x", "\"int\"")), record(field("x", "[\"null\", \"string\"]"))
    };
    String[] values = {
      "'x'", "''", "5", "-1", "NumberLong(5000000000)", "1.9", "1e300", "NaN", "true", "null", "BinData(0, 'AQI=')", "NumberDecimal('1.50')", "ISODate('2020-01-31T12:00:00.5Z')", "Timestamp(5, 6)",
      "ObjectId('5f1f1f1f1f1f1f1f1f1f1f1f')", "{x: 1}", "{x: 'y', z: 2}", "{y: 1}", "{}", "[]", "[1, 2]", "['a', null]", "[null, 5]", "/a/i", "{$symbol: 'x'}", "MinKey"
    };
    for (String type : types) {
      List<String> inserts = new ArrayList<>();
      for (String value : values) inserts.add(insert("{f: " + value + "}"));
      inserts.add(insert("{}"));
      String schema = record(field("f", type.replace("\"name\": \"r\"", "\"name\": \"in\"")));
      for (String formatter : new String[] {"DefaultJson", "SimplifiedJson"})
        emit(config("output.format.value", "schema", "publish.full.document.only", "true", "errors.tolerance", "all", "errors.deadletterqueue.topic.name", "dead",
                "output.json.formatter", "~json.formatter." + formatter, "output.schema.value", schema), inserts.toArray(new String[0]));
      for (String insert : inserts) emit(config("output.format.value", "schema", "publish.full.document.only", "true", "output.schema.value", schema), insert);
    }
    String[] keySchemas = {
      record(field("documentKey._id", "\"string\"")), record(field("documentKey", "\"string\"")), record(field("documentKey", record(field("_id", "\"bytes\"")).replace("\"r\"", "\"in\""))),
      record(field("fullDocument.a", "[\"null\", \"int\"]")), record(field("fullDocument.b.c", "[\"null\", \"long\"]") + "," + field("my-name", "[\"null\", \"string\"]")), record(field("ns.", "[\"null\", \"string\"]")),
      record(field("_id._data", "\"string\"") + "," + field("operationType", "\"string\"")), record("")
    };
    for (String schema : keySchemas) emit(config("output.format.key", "schema", "output.schema.key", schema, "errors.tolerance", "all"), events());
    String[] defaults = {
      field("f", "\"int\"").replace("}", ", \"default\": 5}"), field("f", "\"long\"").replace("}", ", \"default\": 5}"), field("f", "\"float\"").replace("}", ", \"default\": 1.5}"), field("f", "\"double\"").replace("}", ", \"default\": 5}"),
      field("f", "\"string\"").replace("}", ", \"default\": \"d\"}"), field("f", "\"boolean\"").replace("}", ", \"default\": true}"), field("f", "\"bytes\"").replace("}", ", \"default\": \"\\u00ffA\"}"),
      field("f", "[\"null\", \"int\"]").replace("}", ", \"default\": null}"), field("f", "[\"int\", \"null\"]").replace("}", ", \"default\": 5}"),
      "{\"name\": \"f\", \"type\": {\"type\": \"array\", \"items\": \"int\"}, \"default\": []}", "{\"name\": \"f\", \"type\": {\"type\": \"map\", \"values\": \"int\"}, \"default\": {}}",
      "{\"name\": \"f\", \"type\": {\"type\": \"record\", \"name\": \"in\", \"fields\": [{\"name\": \"x\", \"type\": \"int\"}]}, \"default\": {\"x\": 5}}",
      "{\"name\": \"f\", \"type\": {\"type\": \"record\", \"name\": \"in\", \"fields\": [{\"name\": \"x\", \"type\": \"int\"}, {\"name\": \"y\", \"type\": [\"null\", \"string\"]}]}, \"default\": {\"x\": 5, \"y\": null}}"
    };
    for (String fields : defaults)
      emit(config("output.format.value", "schema", "publish.full.document.only", "true", "output.schema.value", record(fields)), insert("{}"));
    String[] schemas = {
      "x", "{}", "\"string\"", "{\"type\": \"int\"}", "{\"type\": \"array\", \"items\": \"int\"}", record(field("f", "\"null\"")), record(field("f", "[\"int\", \"string\"]")), record(field("f", "[\"null\"]")),
      record(field("f", "[\"null\", \"int\", \"string\"]")), record(field("f", "{\"type\": \"enum\", \"name\": \"e\", \"symbols\": [\"a\"]}")), record(field("f", "{\"type\": \"fixed\", \"name\": \"x\", \"size\": 2}")),
      record(field("f", "[\"null\", {\"type\": \"enum\", \"name\": \"e\", \"symbols\": [\"a\"]}]")), record(field("f", "[\"null\", {\"type\": \"array\", \"items\": {\"type\": \"fixed\", \"name\": \"x\", \"size\": 2}}]")),
      record(field("f", "{\"type\": \"map\", \"values\": {\"type\": \"record\", \"name\": \"in\", \"fields\": [{\"name\": \"g\", \"type\": \"null\"}]}}")), record(field("f", "\"unknown\"")),
      "{\"type\": \"record\", \"name\": \"a.b.r\", \"fields\": [" + field("f", "\"int\"") + "]}", "{\"type\": \"record\", \"name\": \"r\", \"namespace\": \"n.m\", \"fields\": [" + field("f", "\"int\"") + "]}",
      "{\"type\": \"record\", \"name\": \"a-b\", \"fields\": [" + field("f-g", "\"int\"") + "]}", record(field("f", record(field("g", "\"int\"")).replace("\"r\"", "\"in\"")) + "," + field("h", "\"in\"")),
      record(field("f", record(field("g", "[\"null\", {\"type\": \"array\", \"items\": {\"type\": \"enum\", \"name\": \"e\", \"symbols\": [\"a\"]}}]")).replace("\"r\"", "\"in\"")))
    };
    for (String schema : schemas)
      for (String half : new String[] {"key", "value"})
        emit(config("output.format." + half, "schema", "output.schema." + half, schema, "publish.full.document.only", "true"), insert("{f: 5, h: {g: 1}}"));
  }

  static void topics() throws Exception {
    String[] namespaces = {"{db: 'a', coll: 'b'}", "{db: 'a', coll: 'c.d'}", "{db: 'a'}", "{db: 'ax', coll: 'b'}", "{db: 'é', coll: '$x'}"};
    List<String> inserts = new ArrayList<>();
    for (String namespace : namespaces) inserts.add("{_id: " + TOKEN + ", ns: " + namespace + "}");
    String[] maps = {
      "", "{}", "{'a': 't'}", "{'a.b': 't'}", "{'a': 't', 'a.b': 'u'}", "{'a.b': 'u', 'a': 't', '*': 's'}", "{'*': 's'}", "{'*': ''}", "{'a': '', '*': 's'}", "{'/a\\\\..*': 'r'}", "{'/a\\..*': 'r'}", "{'/a.*': 'r{sep_coll}'}",
      "{'/.*': '{db}{sep}{coll}'}", "{'/.*': 'x{coll_sep}{db}{sep_coll_sep}y'}", "{'/.*': '{sep}{sep}'}", "{'/a': 'r', '/a.*': 's', '/.*': 't'}", "{'/.*': '', '/a.*': 's'}", "{'/a.*': '{DB}'}", "{'/a.*': '{db'}", "{'/a.*': 'db}'}",
      "{'/a.*': '{{db}}'}", "{'/a.*': '{}'}", "{'/(': 'x'}", "{'a/b': 'x'}", "{'a': 5}", "{'a': {b: 'c'}}", "[]", "x", "{'a': 't', 'a': 'u'}", "{'/(?i)A.B': 'q'}", "{'a.b.': 'x'}", "{'/[^x]+': '{coll}{coll}'}"
    };
    for (String map : maps)
      for (String[] decoration : new String[][] {{"", "", "."}, {"p", "s", "-"}, {"p", "", ""}})
        emit(config("topic.namespace.map", map, "topic.prefix", decoration[0], "topic.suffix", decoration[1], "topic.separator", decoration[2]), inserts.toArray(new String[0]));
    emit(config("topic.mapper", "com.example.Own"), inserts.get(0));
  }

  static void partitions() throws Exception {
    String[] uris = {
      "mongodb://localhost:27017", "mongodb://localhost", "mongodb://b,a", "mongodb://b:2,a:1,B:1/", "mongodb://u:p@b:2,a:10,a:9/db.coll?replicaSet=rs0", "mongodb://u%40x:p%2F@h/?ssl=true", "mongodb+srv://u:p@cluster0.example.com/db?w=1",
      "mongodb+srv://cluster0.example.com", "mongodb://[::1]:27017,[fe80::1]", "mongodb://%2Ftmp%2Fmongodb-27017.sock", "mongodb://a,a", "mongodb://a.example.com.:27017", "mongodb://127.0.0.1:27017/?directConnection=true"
    };
    for (String uri : uris)
      for (String[] namespace : new String[][] {{"", ""}, {"db", ""}, {"db", "c.d"}})
        emit(config("connection.uri", uri, "database", namespace[0], "collection", namespace[1]), insert("{}"));
    emit(config("offset.partition.name", "own"), insert("{}"));
  }

  static void watches() throws Exception {
    String[][] settings = {
      {}, {"database", "d"}, {"database", "d", "collection", "c"}, {"pipeline", "[{$match: {a: 1}}]"}, {"pipeline", ""}, {"pipeline", "[{$match: {'ns.coll': {$regex: /^a\\.b/}}}]"}, {"database", "d", "pipeline", "[{$match: {x: 1}}, {$project: {y: 0}}]"},
      {"batch.size", "7"}, {"poll.await.time.ms", "1234"}, {"change.stream.full.document", "updateLookup"}, {"change.stream.full.document", "whenAvailable"}, {"change.stream.full.document", "required"}, {"change.stream.full.document", "default"},
      {"change.stream.full.document.before.change", "default"}, {"change.stream.full.document.before.change", "off"}, {"change.stream.full.document.before.change", "whenAvailable"}, {"change.stream.full.document.before.change", "required"},
      {"change.stream.show.expanded.events", "true"}, {"publish.full.document.only", "true"}, {"publish.full.document.only", "true", "change.stream.full.document", "required"}, {"collation", "{locale: 'en', strength: 2, caseLevel: true, caseFirst: 'upper', numericOrdering: true, alternate: 'shifted', maxVariable: 'punct', normalization: true, backwards: true}"},
      {"collation", "{locale: 'fr'}"}, {"startup.mode", "latest"}, {"startup.mode", "LATEST", "copy.existing", "true"}, {"startup.mode", "timestamp"}, {"startup.mode", "timestamp", "startup.mode.timestamp.start.at.operation.time", "30"},
      {"startup.mode", "Timestamp", "startup.mode.timestamp.start.at.operation.time", "1970-01-01T00:00:30Z"}, {"startup.mode", "timestamp", "startup.mode.timestamp.start.at.operation.time", "1970-01-01T00:00:30.5Z"},
      {"startup.mode", "timestamp", "startup.mode.timestamp.start.at.operation.time", "{$timestamp: {t: 30, i: 5}}"}, {"startup.mode", "timestamp", "startup.mode.timestamp.start.at.operation.time", "Timestamp(30, 5)"}, {"startup.mode", "timestamp", "startup.mode.timestamp.start.at.operation.time", "-5"},
      {"startup.mode", "timestamp", "startup.mode.timestamp.start.at.operation.time", "0"}, {"startup.mode.timestamp.start.at.operation.time", "30"}, {"startup.mode", "timestamp", "startup.mode.timestamp.start.at.operation.time", "+7"}
    };
    for (String[] setting : settings) emit(config(setting), insert("{}"));
  }

  static void offsets() throws Exception {
    String[] stored = {
      "{\"_id\": \"{\\\"_data\\\": \\\"82AB\\\"}\"}", "{\"_id\": \"{\\\"_data\\\": \\\"82AB\\\", \\\"_typeBits\\\": {\\\"$binary\\\": {\\\"base64\\\": \\\"AQI=\\\", \\\"subType\\\": \\\"00\\\"}}}\"}",
      "{\"_id\": \"{\\\"_data\\\": \\\"82AB\\\"}\", \"HEARTBEAT\": \"true\"}", "{\"_id\": \"{\\\"_id\\\": 5, \\\"copyingData\\\": true}\", \"copy\": \"true\"}", "{\"other\": \"x\"}", "{}"
    };
    for (String offset : stored) {
      script(config(), offset, null, insert("{}"));
      script(config("startup.mode", "timestamp", "startup.mode.timestamp.start.at.operation.time", "30"), offset, null, insert("{}"));
    }
  }

  static void serverErrors() throws Exception {
    String[] messages = {"oops", "Resume token was not found", "the resume point may no longer be in the oplog", "RESUME TOKEN does not exist", "invalid resume token"};
    for (int code : new int[] {20, 26, 260, 280, 286, 10334, 40415, 13, 8000, 136})
      for (String tolerance : new String[] {"none", "all"})
        for (String stored : new String[] {null, "{\"_id\": \"{\\\"_data\\\": \\\"82AB\\\"}\"}"})
          script(config("errors.tolerance", tolerance), stored, List.of(code + " oops"), insert("{}"));
    for (String message : messages)
      for (String tolerance : new String[] {"none", "all"})
        script(config("mongo.errors.tolerance", tolerance), "{\"_id\": \"{\\\"_data\\\": \\\"82AB\\\"}\"}", List.of("8000 " + message), insert("{}"));
    script(config(), "{\"_id\": \"{\\\"_data\\\": \\\"82AB\\\"}\"}", List.of("260 oops", "13 oops"), insert("{}"));
    script(config("errors.tolerance", "all"), "{\"_id\": \"{\\\"_data\\\": \\\"82AB\\\"}\"}", List.of("286 oops", "286 oops"), insert("{}"));
  }

  static void faults() throws Exception {
    String[][] faults = {
      {"collection", "c"}, {"pipeline", "x"}, {"pipeline", "{}"}, {"pipeline", "[1]"}, {"batch.size", "-1"}, {"batch.size", "x"}, {"poll.max.batch.size", "0"}, {"poll.await.time.ms", "0"}, {"change.stream.full.document", "UPDATELOOKUP"}, {"change.stream.full.document", "off"},
      {"change.stream.full.document.before.change", "x"}, {"collation", "x"}, {"collation", "{strength: 9}"}, {"collation", "{caseFirst: 'x'}"}, {"collation", "{locale: 5}"}, {"topic.mapper", "1x"}, {"output.format.key", "avro"}, {"output.format.value", "string"}, {"output.json.formatter", "a b"},
      {"startup.mode", "earliest"}, {"startup.mode.timestamp.start.at.operation.time", "x"}, {"startup.mode.timestamp.start.at.operation.time", "99999999999"}, {"startup.mode.timestamp.start.at.operation.time", "2020-01-01"}, {"startup.mode.copy.existing.max.threads", "0"},
      {"startup.mode.copy.existing.queue.size", "0"}, {"startup.mode.copy.existing.pipeline", "x"}, {"startup.mode.copy.existing.namespace.regex", "("}, {"copy.existing", "maybe"}, {"copy.existing.max.threads", "0"}, {"copy.existing.queue.size", "-5"}, {"copy.existing.pipeline", "5"},
      {"copy.existing.namespace.regex", "["}, {"errors.tolerance", "data"}, {"mongo.errors.tolerance", "x"}, {"errors.log.enable", "x"}, {"heartbeat.interval.ms", "-1"}, {"heartbeat.topic.name", ""}, {"connection.uri", "http://x"}, {"server.api.version", "2"}
    };
    for (String[] fault : faults) emit(config(fault), insert("{}"));
  }

  // ---- A server that follows a script ----

  static final class Fake {
    final List<String> log = new ArrayList<>();
    final ArrayDeque<String> openErrors = new ArrayDeque<>();
    final ArrayDeque<BsonDocument> events = new ArrayDeque<>();
    String scope = "";

    <T> T proxy(Class<T> type) {
      return type.cast(Proxy.newProxyInstance(MongoSourceGolden.class.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> answer(self, method, arguments)));
    }

    Object answer(Object self, Method method, Object[] arguments) {
      switch (method.getName()) {
        case "getDatabase":
          scope = (String) arguments[0];
          return proxy(MongoDatabase.class);
        case "getCollection":
          scope += "." + arguments[0];
          return proxy(MongoCollection.class);
        case "watch": {
          StringBuilder pipeline = new StringBuilder();
          if (arguments != null) for (Object stage : (Collection<?>) arguments[0]) pipeline.append(' ').append(((Document) stage).toJson(CANONICAL));
          // Without a pipeline the connector asks for the stream twice.
          String text = "watch " + scope + pipeline;
          log.removeIf(line -> line.equals("watch " + scope));
          log.add(text);
          return proxy(ChangeStreamIterable.class);
        }
        case "fullDocument":
          log.add("fullDocument " + ((FullDocument) arguments[0]).getValue());
          return self;
        case "fullDocumentBeforeChange":
          log.add("fullDocumentBeforeChange " + ((FullDocumentBeforeChange) arguments[0]).getValue());
          return self;
        case "collation":
          log.add("collation " + ((Collation) arguments[0]).asDocument().toJson());
          return self;
        case "startAfter":
          log.add("startAfter " + ((BsonDocument) arguments[0]).toJson(CANONICAL));
          return self;
        case "startAtOperationTime":
          log.add("startAtOperationTime " + ((BsonTimestamp) arguments[0]).getTime() + " " + ((BsonTimestamp) arguments[0]).getInc());
          return self;
        case "batchSize", "maxAwaitTime", "showExpandedEvents":
          log.add(method.getName() + " " + arguments[0]);
          return self;
        case "withDocumentClass":
          return proxy(MongoIterable.class);
        case "cursor":
          if (!openErrors.isEmpty()) {
            String[] error = openErrors.poll().split(" ", 2);
            throw new MongoCommandException(BsonDocument.parse("{ok: 0, code: " + error[0] + ", errmsg: '" + error[1] + "'}"), new ServerAddress("h", 1));
          }
          return proxy(MongoChangeStreamCursor.class);
        case "tryNext":
          return events.poll();
        case "available":
          return events.size();
        case "getServerCursor":
          return new ServerCursor(1, new ServerAddress());
        default:
          return null;
      }
    }
  }

  static Map<String, String> config(String... entries) {
    Map<String, String> config = new LinkedHashMap<>();
    for (int i = 0; i < entries.length; i += 2) config.put(entries[i], entries[i + 1]);
    return config;
  }

  static void emit(Map<String, String> config, String... events) throws Exception {
    script(config, null, null, events);
  }

  static void script(Map<String, String> config, String stored, List<String> openErrors, String... events) throws Exception {
    Document settings = new Document();
    config.forEach(settings::append);
    Document line = new Document("config", settings);
    if (stored != null) line.append("offset", BsonDocument.parse(stored));
    if (openErrors != null) line.append("openErrors", openErrors);
    List<Object> documents = new ArrayList<>();
    for (String event : events) documents.add(BsonDocument.parse(event));
    line.append("events", documents).append("expected", run(config, stored, openErrors, events));
    out.println(line.toJson(CANONICAL));
  }

  static List<String> run(Map<String, String> config, String stored, List<String> openErrors, String... events) throws Exception {
    Map<String, String> complete = new LinkedHashMap<>();
    config.forEach((key, value) -> complete.put(key, value.startsWith("~") ? PACKAGE + value.substring(1) : value));
    MongoSourceConfig sourceConfig;
    try {
      sourceConfig = new MongoSourceConfig(complete);
    } catch (Throwable e) {
      return List.of("config " + e.getMessage());
    }
    Fake fake = new Fake();
    if (openErrors != null) fake.openErrors.addAll(openErrors);
    for (String event : events) fake.events.add(new RawBsonDocument(BsonDocument.parse(event), new BsonDocumentCodec()));
    Map<String, Object> offset = stored == null ? null : new LinkedHashMap<>();
    if (stored != null) BsonDocument.parse(stored).forEach((key, value) -> offset.put(key, value.asString().getValue()));
    OffsetStorageReader reader =
        (OffsetStorageReader) Proxy.newProxyInstance(MongoSourceGolden.class.getClassLoader(), new Class<?>[] {OffsetStorageReader.class}, (self, method, arguments) -> offset);
    SourceTaskContext context =
        (SourceTaskContext) Proxy.newProxyInstance(MongoSourceGolden.class.getClassLoader(), new Class<?>[] {SourceTaskContext.class}, (self, method, arguments) -> reader);
    Class<?> statisticsType = Class.forName(PACKAGE + "statistics.JmxStatisticsManager");
    Object statistics = statisticsType.getConstructor(boolean.class, String.class).newInstance(false, "golden");
    try {
      Constructor<?> constructor = Class.forName(PACKAGE + "StartedMongoSourceTask").getDeclaredConstructors()[0];
      constructor.setAccessible(true);
      Supplier<SourceTaskContext> contexts = () -> context;
      Object task = constructor.newInstance(contexts, sourceConfig, fake.proxy(MongoClient.class), null, statistics);
      Method poll = task.getClass().getDeclaredMethod("poll");
      poll.setAccessible(true);
      List<?> records = (List<?>) poll.invoke(task);
      if (records == null) fake.log.add("none");
      else for (Object record : records) fake.log.add(text((SourceRecord) record));
    } catch (InvocationTargetException e) {
      fake.log.add("error " + e.getCause().getClass().getName() + ": " + e.getCause().getMessage());
    } finally {
      statisticsType.getMethod("close").invoke(statistics);
    }
    return fake.log;
  }

  // ---- How it is printed; golden_tests.rs prints the same ----

  static String text(SourceRecord record) {
    return record.topic() + " " + record.sourcePartition() + " " + record.sourceOffset() + " key " + schema(record.keySchema()) + " " + value(record.key()) + " value "
        + schema(record.valueSchema()) + " " + value(record.value());
  }

  static String schema(Schema schema) {
    if (schema == null) return "none";
    StringBuilder text = new StringBuilder(schema.type().name());
    if (schema.isOptional()) text.append('?');
    if (schema.name() != null) text.append('<').append(schema.name()).append('>');
    if (schema.parameters() != null) text.append(schema.parameters());
    if (schema.defaultValue() != null) text.append('=').append(value(schema.defaultValue()));
    switch (schema.type()) {
      case STRUCT -> {
        for (Field field : schema.fields()) text.append(field.index() == 0 ? "(" : ", ").append(field.name()).append(": ").append(schema(field.schema()));
        if (!schema.fields().isEmpty()) text.append(')');
      }
      case MAP -> text.append('(').append(schema(schema.keySchema())).append(", ").append(schema(schema.valueSchema())).append(')');
      case ARRAY -> text.append('(').append(schema(schema.valueSchema())).append(')');
      default -> {}
    }
    return text.toString();
  }

  static String value(Object value) {
    if (value == null) return "null";
    if (value instanceof byte[] bytes) return "bytes " + Base64.getEncoder().encodeToString(bytes);
    if (value instanceof String text) return "'" + text + "'";
    // The digits of Java's floats depend on its version.
    if (value instanceof Float number) return "Float " + Integer.toHexString(Float.floatToIntBits(number));
    if (value instanceof Date date) return "date " + date.getTime();
    if (value instanceof BigDecimal decimal) return "decimal " + decimal.unscaledValue() + " " + decimal.scale();
    if (value instanceof List<?> list) {
      List<String> items = new ArrayList<>();
      for (Object item : list) items.add(value(item));
      return items.toString();
    }
    if (value instanceof Map<?, ?> map) {
      List<String> entries = new ArrayList<>();
      map.forEach((key, item) -> entries.add(key + "=" + value(item)));
      return "map " + entries;
    }
    if (value instanceof Struct struct) {
      List<String> values = new ArrayList<>();
      for (Field field : struct.schema().fields()) values.add(value(struct.getWithoutDefault(field.name())));
      return "struct " + values;
    }
    return value.getClass().getSimpleName() + " " + value;
  }
}
