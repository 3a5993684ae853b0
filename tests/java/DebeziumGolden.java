import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Prints what Debezium's transforms make of records, in the notation of {@link TransformsGolden}, which must
 * be compiled with it. The jars are those of {@code io.debezium:debezium-connector-mongodb} and
 * {@code io.debezium:debezium-connect-plugins} 3.6.1.Final and of Kafka; {@code legacy} runs on
 * {@code debezium-core} 3.0.8.Final, which still has the settings of Debezium 2.
 *
 * <pre>
 *   javac -cp 'JARS/*:LIBS/*' -d DIR tests/java/TransformsGolden.java tests/java/DebeziumGolden.java
 *   java -Dlog4j2.level=OFF -cp 'DIR:JARS/*:LIBS/*' DebeziumGolden present > runtime/transforms/tests/golden/debezium.jsonl
 *   java -Dlog4j2.level=OFF -cp 'DIR:JARS_3_0/*:LIBS/*' DebeziumGolden legacy > runtime/transforms/tests/golden/debezium_3_0.jsonl
 * </pre>
 */
public class DebeziumGolden {
    static final String NEW_RECORD = "io.debezium.transforms.ExtractNewRecordState";
    static final String NEW_DOCUMENT = "io.debezium.connector.mongodb.transforms.ExtractNewDocumentState";
    static final String OUTBOX = "io.debezium.transforms.outbox.EventRouter";
    static final String ROUTER = "io.debezium.transforms.ByLogicalTableRouter";

    public static void main(String[] args) throws Exception {
        java.util.TimeZone.setDefault(java.util.TimeZone.getTimeZone("UTC"));
        java.util.Locale.setDefault(java.util.Locale.ENGLISH);
        System.setOut(new java.io.PrintStream(System.out, false, StandardCharsets.UTF_8));
        rows();
        if (args[0].equals("legacy")) {
            legacy();
        } else {
            newRecord();
            router();
            outbox();
            documents();
        }
        System.out.flush();
    }

    // ---- Records: made anew for each case, for the transforms add headers to them ----

    static final List<Supplier<ConnectRecord<?>>> RECORDS = new ArrayList<>();
    static final List<Map<String, String>> PARTS = new ArrayList<>();

    static void add(Supplier<ConnectRecord<?>> supplier) {
        ConnectRecord<?> record = supplier.get();
        Map<String, String> parts = TransformsGolden.parts(record);
        Map<String, String> line = new LinkedHashMap<>();
        line.put("record", String.valueOf(RECORDS.size()));
        line.put("offset", "40");
        line.putAll(parts);
        System.out.println(TransformsGolden.object(line));
        RECORDS.add(supplier);
        PARTS.add(parts);
    }

    /** The outbox router only works on records of sources. */
    static boolean ofSource;

    static ConnectRecord<?> record(String topic, Schema keySchema, Object key, Schema valueSchema, Object value) {
        if (ofSource) return new SourceRecord(Map.of(), Map.of(), topic, 3, keySchema, key, valueSchema, value, 1700000000000L);
        return new SinkRecord(topic, 3, keySchema, key, valueSchema, value, 40, 1700000000000L, TimestampType.CREATE_TIME);
    }

    static SchemaBuilder source() {
        return SchemaBuilder.struct().name("io.debezium.connector.postgresql.Source").field("version", Schema.STRING_SCHEMA)
            .field("connector", Schema.STRING_SCHEMA).field("name", Schema.STRING_SCHEMA).field("ts_ms", Schema.INT64_SCHEMA)
            .field("snapshot", SchemaBuilder.string().optional().defaultValue("false").build()).field("db", Schema.STRING_SCHEMA)
            .field("table", Schema.STRING_SCHEMA).field("lsn", Schema.OPTIONAL_INT64_SCHEMA);
    }

    static Struct source(Schema schema) {
        return new Struct(schema).put("version", "3.6").put("connector", "postgresql").put("name", "server").put("ts_ms", 1699999999000L)
            .put("db", "shop").put("table", "orders").put("lsn", 77L);
    }

    static Schema transaction() {
        return SchemaBuilder.struct().name("event.block").version(1).optional().field("id", Schema.STRING_SCHEMA)
            .field("total_order", Schema.INT64_SCHEMA).field("data_collection_order", Schema.INT64_SCHEMA).build();
    }

    static Schema envelope(String prefix, Schema row) {
        return SchemaBuilder.struct().name(prefix + ".Envelope").version(1).field("before", row).field("after", row).field("source", source().build())
            .field("op", Schema.STRING_SCHEMA).field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA).field("transaction", transaction()).build();
    }

    static Struct event(Schema schema, Struct before, Struct after, String op) {
        return new Struct(schema).put("before", before).put("after", after).put("source", source(schema.field("source").schema())).put("op", op)
            .put("ts_ms", 1699999999500L);
    }

    static Struct withTransaction(Struct event) {
        Schema schema = event.schema().field("transaction").schema();
        return event.put("transaction", new Struct(schema).put("id", "tx1").put("total_order", 5L).put("data_collection_order", 6L));
    }

    static Schema row() {
        return SchemaBuilder.struct().name("server.public.orders.Value").optional().doc("a row").parameter("p", "q").field("id", Schema.INT32_SCHEMA)
            .field("name", Schema.OPTIONAL_STRING_SCHEMA).field("status", SchemaBuilder.string().optional().defaultValue("new").build())
            .field("amount", SchemaBuilder.float64().defaultValue(1.5).build()).field("target", Schema.OPTIONAL_STRING_SCHEMA).build();
    }

    static Struct row(Schema schema, int id, String name) {
        return new Struct(schema).put("id", id).put("name", name).put("amount", 2.5).put("target", id % 2 == 0 ? "topic-" + id : null);
    }

    static final Schema KEY = SchemaBuilder.struct().name("server.public.orders.Key").field("id", Schema.INT32_SCHEMA)
        .field("part", Schema.OPTIONAL_STRING_SCHEMA).build();

    static Struct key(int id) {
        return new Struct(KEY).put("id", id);
    }

    static void rows() {
        Schema row = row();
        Schema envelope = envelope("server.public.orders", row);
        String topic = "server.public.orders";
        add(() -> record(topic, KEY, key(1), envelope, event(envelope, null, row(row, 1, "one"), "c")));
        add(() -> record(topic, KEY, key(2), envelope, withTransaction(event(envelope, row(row, 2, "old"), row(row, 2, "new"), "u"))));
        add(() -> record(topic, KEY, key(3), envelope, event(envelope, row(row, 3, "gone"), null, "d")));
        add(() -> record(topic, KEY, key(4), envelope, withTransaction(event(envelope, row(row, 4, null).put("status", "old"), null, "d"))));
        add(() -> record(topic, KEY, key(4), null, null));
        add(() -> record(topic, KEY, key(4), envelope, null));
        add(() -> record(topic, null, null, envelope, event(envelope, null, null, "t")));
        add(() -> record(topic, null, null, envelope, event(envelope, null, row(row, 6, null), "r").put("ts_ms", null)));
        add(() -> record("other", Schema.STRING_SCHEMA, "k", row, row(row, 7, "no envelope")));
        add(() -> record("server.schema", null, "k", null, Map.of("id", 1)));
        add(() -> record(topic, KEY, key(8), envelope, event(envelope, null, new Struct(row).put("id", 8), "c")));
        Supplier<ConnectHeaders> drop = () -> {
            ConnectHeaders headers = new ConnectHeaders();
            headers.addString("h", "v");
            headers.addList("unchanged", List.of("name", "id", "target"), SchemaBuilder.array(Schema.STRING_SCHEMA).build());
            return headers;
        };
        add(() -> new SinkRecord(topic, 3, KEY, key(9), envelope, event(envelope, null, row(row, 9, "nine"), "c"), 41, null, TimestampType.NO_TIMESTAMP_TYPE, drop.get()));
        add(() -> new SinkRecord(topic, 3, KEY, key(10), envelope, event(envelope, row(row, 10, "ten"), null, "d"), 42, 5L, TimestampType.CREATE_TIME, drop.get()));
        // Fields of the row that are called as those that are added.
        Schema clash = SchemaBuilder.struct().name("c.Value").optional().field("__op", Schema.STRING_SCHEMA).field("__deleted", Schema.OPTIONAL_STRING_SCHEMA).build();
        Schema clashes = envelope("c", clash);
        add(() -> record("c", KEY, key(11), clashes, event(clashes, null, new Struct(clash).put("__op", "x"), "c")));
        // No field before, and a field beside those of Debezium.
        Schema small = SchemaBuilder.struct().name("s.Envelope").field("after", row).field("op", Schema.STRING_SCHEMA).field("extra", Schema.OPTIONAL_INT32_SCHEMA)
            .field("source", source().build()).build();
        add(() -> record("s", KEY, key(12), small, new Struct(small).put("after", row(row, 12, "small")).put("op", "c").put("extra", 7).put("source", source(small.field("source").schema()))));
        add(() -> record("s", KEY, key(13), small, new Struct(small).put("op", "d")));
        Schema required = SchemaBuilder.struct().name("r.Value").field("id", Schema.INT32_SCHEMA).field("n", SchemaBuilder.int32().defaultValue(5).build()).build();
        Schema ofRequired = SchemaBuilder.struct().name("r.Envelope").field("before", SchemaBuilder.struct().name("r.Value").optional().field("id", Schema.INT32_SCHEMA).build())
            .field("after", required).field("op", Schema.STRING_SCHEMA).build();
        add(() -> record("r", null, null, ofRequired, new Struct(ofRequired).put("after", new Struct(required).put("id", 1)).put("op", "c")));
        add(() -> record("r", null, null, ofRequired, new Struct(ofRequired).put("after", new Struct(required).put("id", 1).put("n", 2)).put("op", "c")));
    }

    // ---- Cases ----

    /** The first of the records that are used. */
    static int first;

    @SuppressWarnings({"unchecked", "rawtypes"})
    static void transform(String name, String... settings) {
        Map<String, String> config = new HashMap<>();
        for (int i = 0; i < settings.length; i += 2) config.put(settings[i], settings[i + 1]);
        Transformation transform;
        for (int i = first; i < RECORDS.size(); i++) {
            try {
                transform = (Transformation) Class.forName(name).getDeclaredConstructor().newInstance();
                transform.configure(config);
            } catch (Throwable e) {
                System.out.println("{\"case\":" + TransformsGolden.quote(name) + ",\"config\":" + TransformsGolden.config(config) + ",\"configure_error\":" + TransformsGolden.errors(e) + "}");
                return;
            }
            Map<String, String> line = new LinkedHashMap<>();
            line.put("case", TransformsGolden.quote(name));
            line.put("config", TransformsGolden.config(config));
            line.put("of", String.valueOf(i));
            try {
                ConnectRecord out = transform.apply(RECORDS.get(i).get());
                if (out == null) {
                    line.put("dropped", "true");
                } else {
                    Map<String, String> parts = TransformsGolden.parts(out);
                    parts.entrySet().removeAll(PARTS.get(i).entrySet());
                    line.put("out", TransformsGolden.object(parts));
                    if (TransformsGolden.isOdd(out.valueSchema(), out.value()) || TransformsGolden.isOdd(out.keySchema(), out.key())) line.put("odd", "true");
                }
            } catch (NullPointerException e) {
                // Of the router, which later releases mend: they take events without a field before.
                if (name.equals(ROUTER)) continue;
                if ("document".equals(config.get("array.encoding"))) continue;
                line.put("errors", TransformsGolden.errors(e));
            } catch (Throwable e) {
                // Debezium loses its way in such arrays; ours become structs like others.
                if ("document".equals(config.get("array.encoding"))) continue;
                line.put("errors", TransformsGolden.errors(e));
            }
            System.out.println(TransformsGolden.object(line));
        }
    }

    static void newRecord() {
        transform(NEW_RECORD);
        for (String mode : List.of("drop", "tombstone", "rewrite", "rewrite-with-tombstone", "delete-to-tombstone")) {
            transform(NEW_RECORD, "delete.tombstone.handling.mode", mode);
            transform(NEW_RECORD, "delete.tombstone.handling.mode", mode, "add.fields", "op,source.ts_ms,table,lsn,db", "add.headers", "op,source.ts_ms,transaction.id");
            transform(NEW_RECORD, "delete.tombstone.handling.mode", mode, "route.by.field", "target", "replace.null.with.default", "false");
            // There a deletion has no schema to drop fields from, on which Debezium falls.
            if (!mode.equals("delete-to-tombstone")) transform(NEW_RECORD, "delete.tombstone.handling.mode", mode, "drop.fields.header.name", "unchanged");
        }
        transform(NEW_RECORD, "add.fields", " op , ts_ms:at , source.snapshot , id, missing , extra", "add.fields.prefix", "p.");
        transform(NEW_RECORD, "add.headers", "total_order,version:V,nothing.at.all", "add.headers.prefix", "");
        transform(NEW_RECORD, "add.fields", "source", "add.headers", "transaction.total_order:n,op");
        transform(NEW_RECORD, "add.fields", "op,op");
        transform(NEW_RECORD, "route.by.field", "id");
        transform(NEW_RECORD, "route.by.field", "missing", "delete.tombstone.handling.mode", "rewrite");
        transform(NEW_RECORD, "drop.fields.header.name", "unchanged", "drop.fields.from.key", "true", "drop.fields.keep.schema.compatible", "false", "delete.tombstone.handling.mode", "rewrite");
        transform(NEW_RECORD, "drop.fields.header.name", "unchanged", "drop.fields.from.key", "true");
        transform(NEW_RECORD, "drop.fields.header.name", "h");
        transform(NEW_RECORD, "delete.tombstone.handling.mode", "REWRITE");
        transform(NEW_RECORD, "delete.tombstone.handling.mode", "none");
        transform(NEW_RECORD, "add.fields", "a:b:c");
    }

    /** The settings of Debezium 2, which 3.2 took away. */
    static void legacy() {
        for (String drop : List.of("", "true", "false")) {
            for (String mode : List.of("", "none", "drop", "rewrite")) {
                if (drop.isEmpty() && mode.isEmpty()) continue;
                List<String> settings = new ArrayList<>();
                if (!drop.isEmpty()) settings.addAll(List.of("drop.tombstones", drop));
                if (!mode.isEmpty()) settings.addAll(List.of("delete.handling.mode", mode));
                transform(NEW_RECORD, settings.toArray(new String[0]));
                settings.addAll(List.of("add.fields", "op,table,source.ts_ms"));
                transform(NEW_RECORD, settings.toArray(new String[0]));
            }
        }
        transform(NEW_RECORD, "drop.tombstones", "false", "delete.handling.mode", "rewrite", "delete.tombstone.handling.mode", "drop");
        transform(NEW_RECORD, "delete.handling.mode", "maybe");
    }

    static void router() {
        transform(ROUTER, "topic.regex", "(.*)\\.orders", "topic.replacement", "$1.all");
        transform(ROUTER, "topic.regex", "(.*)", "topic.replacement", "$1_x-y", "schema.name.adjustment.mode", "avro");
        transform(ROUTER, "topic.regex", "(.*)", "topic.replacement", "1$1_é", "schema.name.adjustment.mode", "avro_unicode");
        transform(ROUTER, "topic.regex", "(.*)", "topic.replacement", "all", "key.enforce.uniqueness", "false");
        transform(ROUTER, "topic.regex", "(.*)", "topic.replacement", "all", "key.field.name", "table", "key.field.regex", "server\\.(.*)", "key.field.replacement", "$1");
        transform(ROUTER, "topic.regex", ".*", "topic.replacement", "");
        transform(ROUTER, "topic.regex", "(.*)", "topic.replacement", "all", "key.field.name", "id");
        transform(ROUTER, "topic.regex", "(.*)", "topic.replacement", "$2");
        transform(ROUTER, "topic.regex", "(", "topic.replacement", "a");
        transform(ROUTER, "topic.replacement", "a");
        transform(ROUTER, "topic.regex", "a");
        transform(ROUTER, "topic.regex", "a", "topic.replacement", "b", "key.field.regex", "x");
    }

    static Schema outboxRow() {
        return SchemaBuilder.struct().name("server.public.outbox.Value").optional().field("id", Schema.STRING_SCHEMA).field("aggregatetype", Schema.OPTIONAL_STRING_SCHEMA)
            .field("aggregateid", Schema.STRING_SCHEMA).field("type", Schema.STRING_SCHEMA).field("payload", SchemaBuilder.string().optional().name("io.debezium.data.Json").version(1).build())
            .field("micros", SchemaBuilder.int64().optional().name("io.debezium.time.MicroTimestamp").version(1).build())
            .field("nanos", SchemaBuilder.int64().optional().name("io.debezium.time.NanoTimestamp").build())
            .field("millis", SchemaBuilder.int64().optional().name("io.debezium.time.Timestamp").build())
            .field("odd", SchemaBuilder.int64().optional().name("odd").build()).field("plain", Schema.OPTIONAL_INT64_SCHEMA)
            .field("version", Schema.OPTIONAL_INT32_SCHEMA).field("shard", Schema.OPTIONAL_INT32_SCHEMA).build();
    }

    static void outbox() {
        ofSource = true;
        Schema row = outboxRow();
        Schema envelope = envelope("server.public.outbox", row);
        first = RECORDS.size();
        Schema orders = row();
        Schema ordersEnvelope = envelope("server.public.orders", orders);
        add(() -> record("server.public.orders", KEY, key(2), ordersEnvelope, event(ordersEnvelope, row(orders, 2, "old"), row(orders, 2, "new"), "u")));
        add(() -> record("server.public.orders", KEY, key(3), ordersEnvelope, event(ordersEnvelope, row(orders, 3, "gone"), null, "d")));
        add(() -> record("server.public.orders", KEY, key(4), null, null));
        add(() -> record("server.public.orders", KEY, key(5), orders, row(orders, 5, "no envelope")));
        add(() -> record("server.public.orders", KEY, key(6), ordersEnvelope, event(ordersEnvelope, null, row(orders, 6, "no outbox"), "c")));
        List<String> payloads = new ArrayList<>(List.of("text", "", " ", "{\"a\":1,\"b\":\"x\",\"c\":null,\"d\":[],\"e\":{\"f\":1.5,\"g\":true,\"h\":3000000000},\"i\":[1,2]}",
            "{\"list\":[{\"a\":1},{\"b\":\"x\",\"a\":2}],\"mixed-name\":1,\"1st\":2}", "{\"l\":[1,\"x\"]}", "{\"l\":[1,3000000000]}", "{\"l\":[null,\"x\"],\"n\":[null]}", "{broken", "{}", "{\"x\":{}}", "{\"l\":[[1],[2,3]]}"));
        payloads.add(null);
        int number = 0;
        for (String payload : payloads) {
            int id = number++;
            add(() -> record("server.public.outbox", KEY, key(id), envelope, event(envelope, null, new Struct(row).put("id", "event-" + id).put("aggregatetype", id % 2 == 0 ? "Order" : "User")
                .put("aggregateid", "a" + id).put("type", "Created").put("payload", payload).put("micros", 1700000000123456L).put("nanos", 1700000000123456789L)
                .put("millis", id % 3 == 0 ? null : 1700000000999L).put("odd", 1L).put("plain", 1L).put("version", id % 3).put("shard", id), id % 4 == 0 ? "r" : "c")));
        }
        add(() -> record("server.public.outbox", KEY, key(50), envelope, event(envelope, null, new Struct(row).put("id", "e").put("aggregatetype", null).put("aggregateid", "a").put("type", "t"), "c")));
        transform(OUTBOX);
        transform(OUTBOX, "route.topic.replacement", "${routedByValue}", "route.by.field", "aggregateid");
        transform(OUTBOX, "route.topic.regex", "(O.*)", "route.topic.replacement", "orders.$1");
        transform(OUTBOX, "table.fields.additional.placement", "type:header,aggregateid:header:aid,shard:partition");
        transform(OUTBOX, "table.fields.additional.placement", "type:envelope,aggregateid:envelope:aid");
        transform(OUTBOX, "table.fields.additional.placement", "type:envelope,version:header", "table.field.event.schema.version", "version");
        transform(OUTBOX, "table.fields.additional.placement", "missing:header");
        transform(OUTBOX, "table.fields.additional.placement", "missing:envelope,missing:header,type:envelope", "table.field.additional.missing", "ignore");
        transform(OUTBOX, "table.fields.additional.placement", "missing:envelope");
        transform(OUTBOX, "table.fields.additional.placement", "type:partition");
        transform(OUTBOX, "table.expand.json.payload", "true");
        transform(OUTBOX, "table.expand.json.payload", "true", "table.json.payload.null.behavior", "optional_bytes");
        transform(OUTBOX, "table.expand.json.payload", "true", "field.name.adjustment.mode", "avro", "table.fields.additional.placement", "type:envelope");
        transform(OUTBOX, "route.tombstone.on.empty.payload", "true");
        for (String field : List.of("micros", "nanos", "millis", "odd", "plain", "missing", "type")) transform(OUTBOX, "table.field.event.timestamp", field);
        transform(OUTBOX, "table.field.event.id", "missing");
        transform(OUTBOX, "table.field.event.key", "type", "table.field.event.payload", "plain");
        transform(OUTBOX, "table.field.event.payload", "missing");
        transform(OUTBOX, "table.op.invalid.behavior", "error");
        transform(OUTBOX, "table.op.invalid.behavior", "fatal");
        transform(OUTBOX, "table.fields.additional.placement", "a");
        transform(OUTBOX, "route.topic.regex", "(");
    }

    static final Schema DOCUMENT_KEY = SchemaBuilder.struct().name("server.db.c.Key").field("id", Schema.OPTIONAL_STRING_SCHEMA).build();

    static Schema documentEnvelope() {
        Schema json = SchemaBuilder.string().optional().name("io.debezium.data.Json").version(1).build();
        Schema update = SchemaBuilder.struct().optional().name("io.debezium.connector.mongodb.changestream.updatedescription").field("removedFields", SchemaBuilder.array(Schema.STRING_SCHEMA).optional().build())
            .field("updatedFields", json).build();
        return SchemaBuilder.struct().name("server.db.c.Envelope").field("before", json).field("after", json).field("updateDescription", update).field("source", source().build())
            .field("op", Schema.STRING_SCHEMA).field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA).field("transaction", transaction()).build();
    }

    static Struct documentEvent(Schema schema, String before, String after, String op) {
        return new Struct(schema).put("before", before).put("after", after).put("source", source(schema.field("source").schema())).put("op", op).put("ts_ms", 9L);
    }

    static void documents() {
        ofSource = false;
        first = RECORDS.size();
        Schema envelope = documentEnvelope();
        Schema update = envelope.field("updateDescription").schema();
        String topic = "server.db.c";
        List<String> afters = List.of(
            "{\"_id\": {\"$oid\": \"596e275826f08b2730779e1f\"}, \"name\": \"Sally\", \"phone\": {\"$numberLong\": \"123\"}, \"active\": true, \"scores\": [1.2, 3.4]}",
            "{\"_id\": 1, \"i\": 5, \"l\": 3000000000, \"d\": 1.5, \"n\": null, \"b\": false, \"s\": \"x\", \"t\": {\"$timestamp\": {\"t\": 1600000000, \"i\": 1}}, \"date\": {\"$date\": 1600000000123}}",
            "{\"_id\": 2, \"date\": {\"$date\": \"2020-09-13T12:26:40.123Z\"}, \"dec\": {\"$numberDecimal\": \"1.50\"}, \"bin\": {\"$binary\": \"AQID\", \"$type\": \"00\"}, \"re\": {\"$regex\": \"a.*\", \"$options\": \"i\"}, \"js\": {\"$code\": \"f()\"}}",
            "{\"_id\": 3, \"bin\": {\"$binary\": {\"base64\": \"AQID\", \"subType\": \"00\"}}, \"date\": {\"$date\": {\"$numberLong\": \"5\"}}, \"i\": {\"$numberInt\": \"7\"}, \"dbl\": {\"$numberDouble\": \"1.0\"}}",
            "{\"_id\": 4, \"address\": {\"street\": \"A\", \"geo\": {\"lat\": 1.5}, \"empty\": {}}, \"e\": {}}",
            "{\"_id\": 5, \"ints\": [1, 2], \"texts\": [\"a\", null], \"none\": [], \"bools\": [true]}",
            "{\"_id\": 6, \"items\": [{\"a\": 1, \"b\": \"x\"}, {\"b\": \"y\", \"c\": 2.5}]}",
            "{\"_id\": 7, \"mixed\": [1, \"x\"]}",
            "{\"_id\": 8, \"items\": [{\"a\": 1}, {\"a\": \"x\"}]}",
            "{\"_id\": 9, \"matrix\": [[1, 2], [3]]}",
            "{\"_id\": 10, \"a.b\": 1, \"1st\": 2, \"with-dash\": 3, \"arr\": []}",
            "{\"_id\": 11, \"items\": [{\"in\": {\"x\": 1}}, {\"in\": {\"x\": 2}}], \"nested\": [{\"list\": [1, 2]}, {\"list\": [3]}]}",
            "{\"_id\": 12, \"mixed\": [1, {\"a\": 1}]}",
            "{\"_id\": 13, \"docs\": [[{\"a\": 1}], [{\"a\": 2}]]}",
            "{\"_id\": 14, \"dates\": [{\"$date\": 5}], \"ids\": [{\"$oid\": \"596e275826f08b2730779e1f\"}]}");
        for (int i = 0; i < afters.size(); i++) {
            String after = afters.get(i);
            String id = i % 3 == 0 ? "{\"$oid\": \"596e275826f08b2730779e1f\"}" : i % 3 == 1 ? String.valueOf(i) : "\"text\"";
            add(() -> record(topic, DOCUMENT_KEY, new Struct(DOCUMENT_KEY).put("id", id), envelope, documentEvent(envelope, null, after, "c")));
        }
        add(() -> record(topic, DOCUMENT_KEY, new Struct(DOCUMENT_KEY).put("id", "1"), envelope, documentEvent(envelope, null, null, "u")
            .put("updateDescription", new Struct(update).put("updatedFields", "{\"name\": \"new\", \"a.b\": 5}").put("removedFields", List.of("gone", "a.b")))));
        add(() -> record(topic, DOCUMENT_KEY, new Struct(DOCUMENT_KEY).put("id", "1"), envelope, documentEvent(envelope, null, "{\"_id\": 1, \"name\": \"full\"}", "u")
            .put("updateDescription", new Struct(update).put("updatedFields", "{\"name\": \"full\"}"))));
        add(() -> record(topic, DOCUMENT_KEY, new Struct(DOCUMENT_KEY).put("id", "1"), envelope, documentEvent(envelope, null, null, "u")
            .put("updateDescription", new Struct(update).put("updatedFields", "{\"in.x\": 5, \"_id\": 3}"))));
        add(() -> record(topic, DOCUMENT_KEY, new Struct(DOCUMENT_KEY).put("id", "{\"a\": 1, \"b\": {\"c\": \"x\"}}"), envelope, documentEvent(envelope, "{\"_id\": 1, \"name\": \"old\"}", null, "d")));
        add(() -> record(topic, DOCUMENT_KEY, new Struct(DOCUMENT_KEY).put("id", "1"), envelope, documentEvent(envelope, null, null, "d")));
        add(() -> record(topic, DOCUMENT_KEY, new Struct(DOCUMENT_KEY).put("id", "{\"$numberLong\": \"5\"}"), null, null));
        add(() -> record(topic, Schema.STRING_SCHEMA, "no key", envelope, documentEvent(envelope, null, "{\"_id\": 1}", "c")));
        add(() -> record("heartbeat", DOCUMENT_KEY, new Struct(DOCUMENT_KEY).put("id", "1"), row(), row(row(), 1, "no envelope")));
        transform(NEW_DOCUMENT);
        for (String mode : List.of("drop", "tombstone", "rewrite", "rewrite-with-tombstone", "delete-to-tombstone")) {
            transform(NEW_DOCUMENT, "delete.tombstone.handling.mode", mode, "add.fields", "op,source.ts_ms,db:base", "add.headers", "op,table");
        }
        transform(NEW_DOCUMENT, "delete.tombstone.handling.mode", "rewrite", "delete.tombstone.handling.mode.rewrite-with-id", "true");
        transform(NEW_DOCUMENT, "flatten.struct", "true");
        transform(NEW_DOCUMENT, "flatten.struct", "true", "flatten.struct.delimiter", ".");
        transform(NEW_DOCUMENT, "field.name.adjustment.mode", "avro");
        transform(NEW_DOCUMENT, "array.encoding", "document");
        transform(NEW_DOCUMENT, "array.encoding", "wrong");
        transform(NEW_DOCUMENT, "add.fields", "missing");
    }
}
