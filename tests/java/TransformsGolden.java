import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

/**
 * Prints what Kafka's own transforms and predicates make of many records under many configurations, for the
 * tests of the runtime. A line is a JSON object: {@code schema} and {@code record} lines number what later
 * lines refer to; {@code case} lines hold a class, a configuration, a record, and the parts of the record
 * that came out changed, or the errors. Run it in UTC on a JDK from 19 on, whose hash maps and
 * {@code Double.toString} it shows.
 */
public class TransformsGolden {
    static final String PACKAGE = "org.apache.kafka.connect.transforms.";

    public static void main(String[] args) throws Exception {
        java.util.TimeZone.setDefault(java.util.TimeZone.getTimeZone("UTC"));
        java.util.Locale.setDefault(java.util.Locale.ENGLISH);
        System.setOut(new java.io.PrintStream(System.out, false, StandardCharsets.UTF_8));
        configDefs();
        makeRecords();
        cast();
        extractField();
        flatten();
        headerFrom();
        hoistField();
        insertField();
        headers();
        maskField();
        routers();
        replaceField();
        setSchemaMetadata();
        timestampConverter();
        valueToKey();
        predicates();
        System.out.flush();
    }

    // ---- The notation ----

    static String quote(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < 0x20 || c > 0x7e) out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }

    static String quoteOrNull(Object text) {
        return text == null ? "null" : quote(text.toString());
    }

    static String join(List<String> items) {
        return String.join(",", items);
    }

    /** A value with its class. Structs without a schema around them bring theirs. */
    static String value(Object v, boolean hasSchema) {
        if (v == null) return "null";
        if (v instanceof Boolean) return v.toString();
        if (v instanceof Byte) return "{\"i8\":" + v + "}";
        if (v instanceof Short) return "{\"i16\":" + v + "}";
        if (v instanceof Integer) return "{\"i32\":" + v + "}";
        if (v instanceof Long) return "{\"i64\":" + v + "}";
        if (v instanceof Float f) return "{\"f32\":" + Integer.toUnsignedString(Float.floatToIntBits(f)) + "}";
        if (v instanceof Double d) return "{\"f64\":" + Long.toUnsignedString(Double.doubleToLongBits(d)) + "}";
        if (v instanceof String s) return quote(s);
        if (v instanceof byte[] b) return "{\"bytes\":" + quote(Base64.getEncoder().encodeToString(b)) + "}";
        if (v instanceof BigDecimal d) return "{\"decimal\":[" + quote(d.unscaledValue().toString()) + "," + d.scale() + "]}";
        if (v instanceof Date d) return "{\"date\":" + d.getTime() + "}";
        if (v instanceof List<?> list) return "[" + join(list.stream().map(i -> value(i, hasSchema)).toList()) + "]";
        if (v instanceof Map<?, ?> map) return "{\"map\":[" + join(map.entrySet().stream()
            .map(e -> "[" + value(e.getKey(), hasSchema) + "," + value(e.getValue(), hasSchema) + "]").toList()) + "]}";
        if (v instanceof Struct s) {
            String fields = "[" + join(s.schema().fields().stream().map(f -> value(s.getWithoutDefault(f.name()), true)).toList()) + "]";
            return hasSchema ? "{\"struct\":" + fields + "}" : "{\"struct_of\":[" + schema(s.schema()) + "," + fields + "]}";
        }
        throw new IllegalArgumentException(v.getClass().toString());
    }

    static final Map<String, Integer> SCHEMA_NUMBERS = new LinkedHashMap<>();

    /** The number of a schema, which is printed before its first use. */
    static String schema(Schema s) {
        if (s == null) return "null";
        StringBuilder out = new StringBuilder("{\"type\":" + quote(s.type().toString()));
        if (s.isOptional()) out.append(",\"optional\":true");
        if (s.name() != null) out.append(",\"name\":").append(quote(s.name()));
        if (s.version() != null) out.append(",\"version\":").append(s.version());
        if (s.doc() != null) out.append(",\"doc\":").append(quote(s.doc()));
        if (s.parameters() != null) out.append(",\"parameters\":[").append(join(s.parameters().entrySet().stream()
            .map(e -> "[" + quote(e.getKey()) + "," + quote(e.getValue()) + "]").toList())).append("]");
        switch (s.type()) {
            case ARRAY -> out.append(",\"items\":").append(schema(s.valueSchema()));
            case MAP -> out.append(",\"keys\":").append(schema(s.keySchema())).append(",\"values\":").append(schema(s.valueSchema()));
            case STRUCT -> out.append(",\"fields\":[").append(join(s.fields().stream()
                .map(f -> "[" + quote(f.name()) + "," + schema(f.schema()) + "]").toList())).append("]");
            default -> { }
        }
        if (s.defaultValue() != null) out.append(",\"default\":").append(value(s.defaultValue(), true));
        String text = out.append("}").toString();
        Integer number = SCHEMA_NUMBERS.get(text);
        if (number == null) {
            number = SCHEMA_NUMBERS.size();
            SCHEMA_NUMBERS.put(text, number);
            System.out.println("{\"schema\":" + number + ",\"is\":" + text + "}");
        }
        return number.toString();
    }

    static String headers(Iterable<Header> headers) {
        List<String> all = new ArrayList<>();
        for (Header h : headers) all.add("[" + quote(h.key()) + "," + schema(h.schema()) + "," + value(h.value(), h.schema() != null) + "]");
        return "[" + join(all) + "]";
    }

    /** The parts of a record by their names. */
    static Map<String, String> parts(ConnectRecord<?> r) {
        Map<String, String> parts = new LinkedHashMap<>();
        parts.put("topic", quoteOrNull(r.topic()));
        parts.put("partition", String.valueOf(r.kafkaPartition()));
        parts.put("key_schema", schema(r.keySchema()));
        parts.put("key", value(r.key(), r.keySchema() != null));
        parts.put("value_schema", schema(r.valueSchema()));
        parts.put("value", value(r.value(), r.valueSchema() != null));
        parts.put("timestamp", String.valueOf(r.timestamp()));
        parts.put("headers", headers(r.headers()));
        return parts;
    }

    static String object(Map<String, String> members) {
        return "{" + join(members.entrySet().stream().map(e -> quote(e.getKey()) + ":" + e.getValue()).toList()) + "}";
    }

    static String errors(Throwable error) {
        List<String> chain = new ArrayList<>();
        for (Throwable t = error; t != null; t = t.getCause()) {
            // One class prints its address, which differs from run to run; one message ends with a whole record.
            String message = t.getMessage() == null ? null : t.getMessage().replaceAll("[\\w.$]+\\$InsertionSpec@[0-9a-f]+", "x")
                .replaceAll("(Timestamp missing on record:).*", "$1");
            chain.add("[" + quote(t.getClass().getName()) + "," + quoteOrNull(message) + "]");
        }
        return "[" + join(chain) + "]";
    }

    static String config(Map<String, String> config) {
        return "{" + join(new TreeMap<>(config).entrySet().stream().map(e -> quote(e.getKey()) + ":" + quote(e.getValue())).toList()) + "}";
    }

    // ---- Records ----

    static final List<ConnectRecord<?>> RECORDS = new ArrayList<>();
    static final List<Map<String, String>> RECORD_PARTS = new ArrayList<>();

    static void add(ConnectRecord<?> record) {
        Map<String, String> parts = parts(record);
        Map<String, String> line = new LinkedHashMap<>();
        line.put("record", String.valueOf(RECORDS.size()));
        line.put("offset", record instanceof SinkRecord s ? String.valueOf(s.kafkaOffset()) : "null");
        line.putAll(parts);
        System.out.println(object(line));
        RECORDS.add(record);
        RECORD_PARTS.add(parts);
    }

    static int number;

    /** Twice the same data, as value of a record of a sink and as key of one of a source, or the other way round. */
    static void addBoth(Schema schema, Object data) {
        number++;
        ConnectHeaders headers = new ConnectHeaders();
        if (number % 3 == 0) headers.addString("h", "v").addInt("other", 5).addString("h", "again");
        SinkRecord sink = new SinkRecord("topic-" + number % 4, number % 5, Schema.STRING_SCHEMA, "the key", schema, data, 40 + number,
            number % 7 == 0 ? null : 1357020000123L + number, TimestampType.CREATE_TIME, headers);
        add(sink);
        add(new SourceRecord(Map.of("p", "x"), Map.of("o", 1L), "source.topic", number % 2 == 0 ? null : (Integer) (number % 5),
            schema, data, null, number % 3 == 0 ? "the value" : null, number % 2 == 0 ? null : 1700000000000L, null));
    }

    static Schema inner() {
        return SchemaBuilder.struct().name("Inner").version(3).doc("inner doc").parameter("p", "1")
            .field("x", Schema.INT32_SCHEMA)
            .field("s", SchemaBuilder.string().optional().defaultValue("inner default").build())
            .field("r", SchemaBuilder.string().defaultValue("required default").build())
            .build();
    }

    static SchemaBuilder everything() {
        return SchemaBuilder.struct().name("org.example.Everything").version(2).doc("all types").parameter("b", "2").parameter("a", "1")
            .field("i8", Schema.INT8_SCHEMA).field("i16", Schema.INT16_SCHEMA).field("i32", Schema.INT32_SCHEMA).field("i64", Schema.INT64_SCHEMA)
            .field("f32", Schema.FLOAT32_SCHEMA).field("f64", Schema.FLOAT64_SCHEMA).field("bool", Schema.BOOLEAN_SCHEMA)
            .field("string", Schema.STRING_SCHEMA).field("bytes", Schema.BYTES_SCHEMA)
            .field("decimal", Decimal.schema(2)).field("date", org.apache.kafka.connect.data.Date.SCHEMA)
            .field("time", Time.SCHEMA).field("timestamp", Timestamp.SCHEMA)
            .field("array", SchemaBuilder.array(Schema.INT32_SCHEMA).build())
            .field("inner", inner());
    }

    static Struct fill(Struct s) {
        return s.put("i8", (byte) -5).put("i16", (short) 300).put("i32", 70000).put("i64", 1L << 40).put("f32", 1.5f).put("f64", 1e20)
            .put("bool", true).put("string", "12").put("bytes", new byte[] {0, -1, 5}).put("decimal", new BigDecimal("-1.50"))
            .put("date", new Date(86400000L * 15706)).put("time", new Date(45296123L)).put("timestamp", new Date(1357020000123L))
            .put("array", list(1, 2)).put("inner", new Struct(inner()).put("x", 7).put("r", "R"));
    }

    /** Fields with defaults and without, null as often as can be. */
    static Schema holes() {
        return SchemaBuilder.struct().name("Holes")
            .field("i32", SchemaBuilder.int32().optional().defaultValue(42).build())
            .field("i64", Schema.OPTIONAL_INT64_SCHEMA)
            .field("string", SchemaBuilder.string().defaultValue("2020-01-02").build())
            .field("timestamp", Timestamp.builder().optional().defaultValue(new Date(86400001L)).build())
            .field("date", org.apache.kafka.connect.data.Date.builder().optional().build())
            .field("time", Time.builder().optional().defaultValue(new Date(1)).build())
            .field("decimal", Decimal.builder(1).optional().defaultValue(new BigDecimal("2.5")).build())
            .field("f64", SchemaBuilder.float64().optional().defaultValue(2.9).build())
            .field("bool", Schema.OPTIONAL_BOOLEAN_SCHEMA)
            .field("array", SchemaBuilder.array(Schema.OPTIONAL_STRING_SCHEMA).optional().defaultValue(list("d")).build())
            .field("inner", SchemaBuilder.struct().optional().field("x", Schema.INT32_SCHEMA).field("s", Schema.OPTIONAL_STRING_SCHEMA).build())
            .build();
    }

    static Map<String, Object> map(Object... entries) {
        Map<String, Object> map = new HashMap<>();
        for (int i = 0; i < entries.length; i += 2) map.put((String) entries[i], entries[i + 1]);
        return map;
    }

    static List<Object> list(Object... items) {
        return new ArrayList<>(Arrays.asList(items));
    }

    static void makeRecords() {
        Schema everything = everything().build();
        addBoth(everything, fill(new Struct(everything)));
        addBoth(everything, null);
        Schema optional = everything().optional().build();
        addBoth(optional, fill(new Struct(optional)));
        addBoth(optional, null);
        Schema holes = holes();
        addBoth(holes, new Struct(holes));
        addBoth(holes, new Struct(holes).put("i32", -1).put("i64", -1L).put("string", "x").put("timestamp", new Date(-1)).put("date", new Date(0))
            .put("time", new Date(0)).put("f64", Double.NaN).put("bool", false).put("array", list("a", null)).put("inner", new Struct(holes.field("inner").schema()).put("x", 1)));
        // A required field that was never put.
        addBoth(everything, fill(new Struct(everything)).put("inner", new Struct(inner()).put("x", 7)));
        Schema two = SchemaBuilder.struct().field("i32", Schema.INT32_SCHEMA).field("string", Schema.STRING_SCHEMA).build();
        addBoth(two, new Struct(two).put("string", "unset i32"));
        addBoth(two, new Struct(two).put("string", "1").put("i32", 5));
        // Defaults of structs, on several levels.
        SchemaBuilder in = SchemaBuilder.struct().field("x", Schema.INT32_SCHEMA).field("s", Schema.OPTIONAL_STRING_SCHEMA);
        Schema inWithDefault = in.defaultValue(new Struct(in).put("x", 11).put("s", "from struct")).build();
        Schema withDefaults = SchemaBuilder.struct().name("Deep").field("inner", inWithDefault).field("string", Schema.OPTIONAL_STRING_SCHEMA)
            .field("array", SchemaBuilder.array(Schema.INT64_SCHEMA).name("A").version(1).doc("d").parameter("k", "v").optional().build())
            .field("deep", SchemaBuilder.struct().optional().field("inner", SchemaBuilder.struct().field("i64", SchemaBuilder.int64().defaultValue(5L).build())
                .field("s", Schema.STRING_SCHEMA).build()).build()).build();
        addBoth(withDefaults, new Struct(withDefaults));
        addBoth(withDefaults, new Struct(withDefaults).put("inner", new Struct(inWithDefault).put("x", 1)).put("array", list(1L))
            .put("deep", new Struct(withDefaults.field("deep").schema()).put("inner", new Struct(withDefaults.field("deep").schema().field("inner").schema()).put("s", "deep"))));
        SchemaBuilder top = SchemaBuilder.struct().field("i64", Schema.INT64_SCHEMA).field("string", Schema.OPTIONAL_STRING_SCHEMA).field("timestamp", Timestamp.builder().optional().build());
        Schema topDefault = top.defaultValue(new Struct(top).put("i64", 99L).put("string", "2001-02-03").put("timestamp", new Date(5))).build();
        addBoth(topDefault, new Struct(topDefault).put("i64", 1000L).put("string", "2013-01-01"));
        addBoth(topDefault, null);
        Schema withMap = SchemaBuilder.struct().field("m", SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.INT32_SCHEMA).build()).field("i32", Schema.INT32_SCHEMA).build();
        addBoth(withMap, new Struct(withMap).put("m", map("k", 1)).put("i32", 1));
        Schema dotted = SchemaBuilder.struct().field("a.b", SchemaBuilder.struct().field("c`d", Schema.OPTIONAL_STRING_SCHEMA).build()).build();
        addBoth(dotted, new Struct(dotted));
        Schema empty = SchemaBuilder.struct().optional().build();
        addBoth(empty, new Struct(empty));
        // Primitives with schema.
        Object[][] primitives = {
            {Schema.INT8_SCHEMA, (byte) 7}, {Schema.INT16_SCHEMA, (short) -200}, {Schema.INT32_SCHEMA, 1 << 20}, {Schema.OPTIONAL_INT64_SCHEMA, Long.MAX_VALUE},
            {Schema.INT64_SCHEMA, 1357020000123L}, {Schema.INT64_SCHEMA, -1L}, {Schema.OPTIONAL_INT64_SCHEMA, null}, {Schema.FLOAT32_SCHEMA, -1e10f}, {Schema.FLOAT64_SCHEMA, 0.5}, {Schema.FLOAT64_SCHEMA, Double.NEGATIVE_INFINITY},
            {Schema.BOOLEAN_SCHEMA, false}, {Schema.STRING_SCHEMA, "2013-01-01T06:00:00"}, {Schema.STRING_SCHEMA, "128"}, {Schema.STRING_SCHEMA, " 1.5f "}, {Schema.STRING_SCHEMA, "TRUE"},
            {Schema.OPTIONAL_STRING_SCHEMA, null}, {Schema.STRING_SCHEMA, ""}, {Schema.BYTES_SCHEMA, new byte[] {1, 2, 3}},
            {Decimal.schema(2), new BigDecimal("300.99")}, {Decimal.builder(-1).optional().build(), new BigDecimal("1.8446744073709551617E+20")}, {org.apache.kafka.connect.data.Date.SCHEMA, new Date(86400000L * 10)}, {Time.SCHEMA, new Date(86399999L)},
            {Time.SCHEMA, new Date(86400000L)}, {Timestamp.SCHEMA, new Date(-1)}, {Timestamp.SCHEMA, new Date(1357020000123L)}, {Timestamp.builder().optional().doc("when").defaultValue(new Date(7)).build(), null},
            {SchemaBuilder.int32().name("org.example.Named").version(4).defaultValue(3).build(), 4}, {SchemaBuilder.array(Schema.STRING_SCHEMA).build(), list("a")},
            {SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.INT32_SCHEMA).build(), map("i32", 1)}, {Schema.INT32_SCHEMA, null}, {SchemaBuilder.string().optional().defaultValue("77").build(), null}};
        for (Object[] p : primitives) addBoth((Schema) p[0], p[1]);
        // Without schema.
        Object[] schemaless = {
            null, "text", "2020-02-30", "-7", "0x1p3", "\u0663", 5, 1357020000123L, -1L, Long.MIN_VALUE, Long.MAX_VALUE, 1.5, 2.5f, Float.NaN, true, (byte) 1, (short) 2, new byte[] {9}, new BigDecimal("12.7"), new Date(0), new Date(1357020000123L), list(1, 2),
            map(), map("i32", 1), map("i32", "5", "string", "s"), map("a", 1, "b", 2, "c", 3), map("i64", 5L, "string", "2013-01-01", "timestamp", new Date(9), "bytes", new byte[] {1}, "decimal", new BigDecimal("1.5"), "null", null),
            map("i8", (byte) 1, "i16", (short) 2, "i32", 3, "i64", 4L, "f32", 5f, "f64", 6.0, "bool", true, "string", "1", "bytes", new byte[] {7}, "array", list(1, "x", null), "inner", map("x", 1, "y", map("z", list(), "e", map())), "null", null),
            map("inner", map("x", 1, "s", null), "string", "x", "i32", 70000, "f64", 1e20), map("one", 1, "two", 2, "three", 3, "four", 4, "five", 5, "six", 6), map("timestamp", 1357020000123L),
            map("one", 1, "two", 2, "three", 3, "four", 4, "five", 5, "six", 6, "seven", 7, "eight", 8, "nine", 9, "ten", 10, "eleven", 11, "twelve", 12),
            map("Aa", 1, "BB", 2, "i32", 3), map("date", new Date(86400000L)), map("decimal", new BigDecimal("5")), map("a.b", map("c", 1, "d.e", map("f", 2))), map("s", new Struct(two).put("i32", 1).put("string", "x")),
            map("bool", "true", "f32", "1e3", "f64", "-Infinity", "i8", "128"), map("inner", "no map"), map("inner.x", 1, "inner", map("x", 2)), new Struct(two).put("i32", 3).put("string", "schema lost")};
        for (Object data : schemaless) addBoth(null, data);
        HashMap<String, Object> nullKey = new HashMap<>();
        nullKey.put(null, 1);
        nullKey.put("inner", new HashMap<>(Collections.singletonMap(null, 2)));
        addBoth(null, nullKey);
        addBoth(null, new HashMap<>(Map.of(5, "five", 6, "six")));
    }

    // ---- Settings ----

    static void configDefs() throws Exception {
        List<String> names = new ArrayList<>();
        for (String name : List.of("Cast", "ExtractField", "Flatten", "HeaderFrom", "HoistField", "InsertField", "MaskField", "ReplaceField", "SetSchemaMetadata", "TimestampConverter"))
            names.addAll(List.of(name + "$Key", name + "$Value"));
        names.addAll(List.of("DropHeaders", "Filter", "InsertHeader", "RegexRouter", "TimestampRouter", "ValueToKey",
            "predicates.HasHeaderKey", "predicates.RecordIsTombstone", "predicates.TopicNameMatches"));
        for (String name : names) {
            Object plugin = Class.forName(PACKAGE + name).getDeclaredConstructor().newInstance();
            ConfigDef def = plugin instanceof Transformation<?> t ? t.config() : ((Predicate<?>) plugin).config();
            List<String> keys = new ArrayList<>();
            for (ConfigDef.ConfigKey key : def.configKeys().values()) {
                String defaultText = key.hasDefault() ? quoteOrNull(ConfigDef.convertToString(key.defaultValue, key.type)) : "\"<required>\"";
                keys.add("[" + quote(key.name) + "," + quote(key.type.name()) + "," + defaultText + "," + quote(key.importance.name()) + ","
                    + quoteOrNull(key.validator) + "," + quoteOrNull(key.group) + "," + key.orderInGroup + "," + quote(key.width.name()) + "," + quote(key.displayName) + "]");
            }
            System.out.println("{\"config_def\":" + quote(name) + ",\"keys\":[" + join(keys) + "]}");
        }
    }

    // ---- Cases ----

    static final Map<String, Integer> NUM_SEEN = new HashMap<>();

    @SuppressWarnings({"unchecked", "rawtypes"})
    static void transform(String name, int every, String... settings) {
        Map<String, String> config = new HashMap<>();
        for (int i = 0; i < settings.length; i += 2) config.put(settings[i], settings[i + 1]);
        Transformation transform;
        try {
            transform = (Transformation) Class.forName(PACKAGE + name).getDeclaredConstructor().newInstance();
            transform.configure(config);
        } catch (Throwable e) {
            System.out.println("{\"case\":" + quote(name) + ",\"config\":" + config(config) + ",\"configure_error\":" + errors(e) + "}");
            return;
        }
        boolean ofKey = name.endsWith("$Key");
        for (int i = 0; i < RECORDS.size(); i++) {
            ConnectRecord record = RECORDS.get(i);
            // A key that is never looked at shows little.
            boolean matters = name.contains("$") ? ofKey == record instanceof SourceRecord : record instanceof SinkRecord || i % 5 == 0;
            if (!matters && i % 37 != 0) continue;
            if (every > 1 && i / 2 % every != number % every) continue;
            Map<String, String> line = new LinkedHashMap<>();
            line.put("case", quote(name));
            line.put("config", config(config));
            line.put("of", String.valueOf(i));
            String outcome;
            try {
                ConnectRecord out = transform.apply(record);
                if (out == null) {
                    outcome = "dropped";
                    line.put("dropped", "true");
                } else {
                    Map<String, String> parts = parts(out);
                    parts.entrySet().removeAll(RECORD_PARTS.get(i).entrySet());
                    line.put("out", object(parts));
                    if (isOdd(out.valueSchema(), out.value()) || isOdd(out.keySchema(), out.key())) line.put("odd", "true");
                    outcome = parts.isEmpty() ? "unchanged" : String.valueOf(i);
                }
            } catch (Throwable e) {
                String errors = errors(e);
                line.put("errors", errors);
                outcome = errors;
            }
            // The same thing a few times over is enough.
            int seen = NUM_SEEN.merge(name + config + outcome, 1, Integer::sum);
            int seenAnywhere = NUM_SEEN.merge(name + outcome, 1, Integer::sum);
            boolean isCommon = outcome.equals("unchanged") || line.containsKey("errors") || line.containsKey("dropped");
            if (isCommon && (seen > 2 || seenAnywhere > 4)) continue;
            // Of what comes out of nearly every record under every configuration, a part is enough.
            if (!isCommon && number % 5 != 0 && i % 4 != number % 4) continue;
            System.out.println(object(line));
        }
        number++;
    }

    static void halves(String name, int every, String... settings) {
        transform(name + "$Value", every, settings);
        transform(name + "$Key", every * 3, settings);
    }

    /** Whether a struct has another schema than the one beside it: such a one comes from a default value. */
    static boolean isOdd(Schema schema, Object data) {
        return schema != null && data instanceof Struct s && !s.schema().equals(schema);
    }

    static void cast() {
        for (String type : List.of("int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string")) {
            halves("Cast", 1, "spec", type);
            halves("Cast", 2, "spec", "i8:" + type + ",i64:" + type + ",f64:" + type + ", bool : " + type.toUpperCase() + " ,string:" + type + ",timestamp:" + type + ",decimal:" + type);
        }
        halves("Cast", 1, "spec", "f32:string,bytes:string,date:string,time:string,i32:string,null:int8");
        halves("Cast", 1, "spec", "f32:int8,date:int32,time:int64,i32:int8,i16:boolean,new:string,also new:int8,missing:int16", "replace.null.with.default", "false");
        halves("Cast", 1, "spec", "i32:int8,f64:int32,timestamp:int64,decimal:int8,time:int8,string:string", "replace.null.with.default", "false");
        halves("Cast", 3, "spec", "array:string");
        halves("Cast", 3, "spec", "inner:string");
        halves("Cast", 3, "spec", "bytes:int32");
        for (String bad : List.of("", " ", "foo", "a:b:c", "int8:", ":int8", "a:int8,int8", "a:bytes", "struct", "a:foo", "a:int8,a:int16", "int8,int16", "a:int8,,b:int8", "A:INT8,b:String", "::", ":", "a:  ", "a::int8", "map", "a: Struct"))
            transform("Cast$Value", 8, "spec", bad);
        transform("Cast$Value", 8);
        transform("Cast$Value", 8, "spec", "int8", "replace.null.with.default", "maybe");
    }

    static void extractField() {
        for (String field : List.of("i32", "inner", "string", "array", "missing", "inner.x", "timestamp", "a.b")) halves("ExtractField", 1, "field", field);
        for (String field : List.of("i32", "timestamp", "f64", "inner")) halves("ExtractField", 2, "field", field, "replace.null.with.default", "false");
        for (String path : List.of("inner.x", "inner.s", "inner.r", "inner", "inner.missing", "missing.x", "deep.inner.i64", "deep.inner.s", "array.x", "i32.x", "inner.y.z", "`a.b`.c", "`a.b`.`d.e`.f", "`a.b`.`c`d`", "inner.x.y", "inner.", ".", "`inner`.`x`", "m.k", "timestamp", "inner.x.", "a`b", "s.i32"))
            halves("ExtractField", 1, "field", path, "field.syntax.version", path.length() % 2 == 0 ? "V2" : "v2");
        for (String path : List.of("inner.s", "inner.x", "deep.inner.i64", "f64")) halves("ExtractField", 2, "field", path, "field.syntax.version", "V2", "replace.null.with.default", "false");
        for (String bad : List.of("`a", "a.`b", "`a`b", "`a\\`", "a.`b`c", "`", "a.b.`", "\u20ac.`x"))
            transform("ExtractField$Value", 30, "field", bad, "field.syntax.version", "V2");
        transform("ExtractField$Value", 10, "field", "", "field.syntax.version", "V2");
        transform("ExtractField$Value", 10, "field", "");
        transform("ExtractField$Value", 30, "field", "a", "field.syntax.version", "V3");
        transform("ExtractField$Value", 30);
    }

    static void flatten() {
        halves("Flatten", 1);
        halves("Flatten", 1, "delimiter", "_");
        halves("Flatten", 1, "delimiter", "");
        halves("Flatten", 3, "delimiter", " :: ");
    }

    static void headerFrom() {
        for (String operation : List.of("move", "copy")) {
            halves("HeaderFrom", 1, "fields", "i32,string", "headers", "h, new", "operation", operation);
            halves("HeaderFrom", 1, "fields", "timestamp,inner,decimal,array", "headers", "a,b,c,d", "operation", operation);
            halves("HeaderFrom", 2, "fields", "i32,string,timestamp,f64,bool", "headers", "a,b,c,d,e", "operation", operation, "replace.null.with.default", "false");
            halves("HeaderFrom", 2, "fields", "missing", "headers", "h", "operation", operation);
            halves("HeaderFrom", 2, "fields", "i64,i64", "headers", "first,second", "operation", operation);
            halves("HeaderFrom", 2, "fields", "one,seven,a", "headers", "1,7,a", "operation", operation);
        }
        transform("HeaderFrom$Value", 30, "fields", "a,b", "headers", "h", "operation", "move");
        transform("HeaderFrom$Value", 30, "fields", "a", "headers", "h", "operation", "MOVE");
        transform("HeaderFrom$Value", 30, "fields", "", "headers", "", "operation", "move");
        transform("HeaderFrom$Value", 30, "fields", "a", "headers", "", "operation", "move");
        transform("HeaderFrom$Value", 30, "fields", "a", "headers", "h");
        transform("HeaderFrom$Value", 30, "headers", "h", "operation", "move");
    }

    static void hoistField() {
        halves("HoistField", 1, "field", "hoisted");
        halves("HoistField", 4, "field", "");
        transform("HoistField$Value", 30);
    }

    static void insertField() {
        halves("InsertField", 1, "topic.field", "t", "partition.field", "p", "timestamp.field", "ts", "static.field", "st", "static.value", "constant");
        halves("InsertField", 1, "topic.field", "t!", "partition.field", "p!", "timestamp.field", "ts!", "static.field", "st!", "static.value", "");
        halves("InsertField", 1, "offset.field", "o");
        halves("InsertField", 2, "offset.field", "o!", "topic.field", "t?");
        halves("InsertField", 1, "partition.field", "p", "replace.null.with.default", "false");
        halves("InsertField", 2, "timestamp.field", "timestamp");
        halves("InsertField", 2, "static.field", "i32", "static.value", "over");
        halves("InsertField", 2, "topic.field", "same", "static.field", "same", "static.value", "s");
        halves("InsertField", 2, "static.field", "a!b", "static.value", "x");
        halves("InsertField", 2, "static.field", "!", "static.value", "x");
        halves("InsertField", 3, "topic.field", "t", "static.value", "not used");
        transform("InsertField$Value", 30);
        transform("InsertField$Value", 30, "static.value", "x");
        transform("InsertField$Value", 30, "static.field", "x");
        transform("InsertField$Value", 30, "static.field", "x", "topic.field", "t");
    }

    static void headers() {
        for (String literal : List.of("text", "1234", "true", "null", "", "1.5", "[1,2]", "{\"a\":1}", "2020-01-02", "12345678901", "\"quoted\"", "1e400", "[]", "[1,\"a\"]", " padded "))
            transform("InsertHeader", 12, "header", "h", "value.literal", literal);
        transform("InsertHeader", 30, "header", "h");
        transform("InsertHeader", 30, "value.literal", "x");
        transform("InsertHeader", 30, "header", "", "value.literal", "x");
        transform("DropHeaders", 1, "headers", "h");
        transform("DropHeaders", 2, "headers", "h,other");
        transform("DropHeaders", 4, "headers", "missing, H");
        transform("DropHeaders", 30, "headers", "");
        transform("DropHeaders", 30, "headers", "a,,b");
        transform("DropHeaders", 30, "headers", "a,a");
        transform("DropHeaders", 30);
        transform("Filter", 10);
    }

    static void maskField() {
        halves("MaskField", 1, "fields", "i8,i16,i32,i64,f32,f64,bool,string,decimal,date,time,timestamp,array,null");
        halves("MaskField", 1, "fields", "i32,string,new,other", "replace.null.with.default", "false");
        for (String field : List.of("bytes", "inner", "m", "s", "missing")) halves("MaskField", 3, "fields", field);
        halves("MaskField", 1, "fields", "i8,i16,i32,i64,f32,f64,string,decimal", "replacement", "123");
        for (String field : List.of("i8", "i16", "i32", "i64", "f32", "f64", "string", "decimal"))
            for (String replacement : List.of("300", "-1.9", "x", "1e3", "1e400", "+5", "2013-01-01", "true"))
                transform("MaskField$Value", 1, "fields", field, "replacement", replacement);
        for (String field : List.of("bool", "date", "timestamp", "array", "bytes", "inner")) halves("MaskField", 2, "fields", field, "replacement", "5");
        transform("MaskField$Value", 30, "fields", "");
        transform("MaskField$Value", 30, "fields", "a", "replacement", "");
        transform("MaskField$Value", 30, "fields", "a,a");
        transform("MaskField$Value", 30, "fields", "a,,b");
        transform("MaskField$Value", 30);
    }

    static void routers() {
        String[][] routes = {{"(.*)", "$1_$1"}, {"topic-(\\d)", "t$1"}, {"(.*?)", "x"}, {"topic", "x"}, {"source\\.(?<name>.*)", "${name}-$0"}, {"(?!topic).*", "other"},
            {"([a-z]+)[-.](.*)", "$2_$1$3"}, {"(.*)", "$9"}, {".*", "a\\$b"}, {".*", "${x}"}, {".*", "$"}, {".*", "\\"}, {"(?i)TOPIC-(.)", "$11"}, {"t++opic-.", ""}, {"(a)|topic-.", "[$1]"}};
        for (String[] r : routes) transform("RegexRouter", 9, "regex", r[0], "replacement", r[1]);
        transform("RegexRouter", 30, "regex", "(", "replacement", "x");
        transform("RegexRouter", 30, "regex", "[a", "replacement", "x");
        transform("RegexRouter", 30, "regex", "*a", "replacement", "x");
        transform("RegexRouter", 30, "regex", "a");
        transform("RegexRouter", 30, "replacement", "a");
        transform("TimestampRouter", 3);
        for (String format : List.of("yyyy-MM-dd", "YYYY-'W'ww", "yyyyMMddHHmmssSSS", "EEE MMM d", "", "'topic'", "yyyy-MM-dd'T'HH:mm:ssXXX"))
            transform("TimestampRouter", 6, "timestamp.format", format);
        for (String format : List.of("${topic}", "${timestamp}", "static", "${timestamp}_${topic}_${topic}$1\\", "${Topic}", "")) transform("TimestampRouter", 6, "topic.format", format);
        transform("TimestampRouter", 20, "timestamp.format", "foo bar");
    }

    static void replaceField() {
        halves("ReplaceField", 1, "exclude", "i32,string,inner");
        halves("ReplaceField", 1, "include", "i32,string,inner,timestamp");
        halves("ReplaceField", 1, "renames", "i32:renamed,string:text,a:z,one:eins");
        halves("ReplaceField", 1, "exclude", "i32", "include", "i32,f64,string", "renames", "f64:double");
        halves("ReplaceField", 2, "renames", "i32:string,string:i32");
        halves("ReplaceField", 2, "renames", "i32:i64,i64:i32");
        halves("ReplaceField", 2, "renames", "i32:string");
        halves("ReplaceField", 2, "renames", "i64:x,i32:x");
        halves("ReplaceField", 2, "exclude", "i32", "renames", "i32:i64");
        halves("ReplaceField", 2, "exclude", "i32", "renames", "i32:string");
        halves("ReplaceField", 2, "renames", "missing:i32");
        halves("ReplaceField", 2, "include", "timestamp,i32,f64", "replace.null.with.default", "false");
        halves("ReplaceField", 1);
        halves("ReplaceField", 2, "include", "missing");
        halves("ReplaceField", 2, "exclude", "one,two,three,four", "renames", "five:four");
        for (String bad : List.of("a", "a:b:c", "a:", ":b", "a:b,c", "a:b,,c:d", "a:b,a:c", " a : b ", ":")) transform("ReplaceField$Value", 16, "renames", bad);
        transform("ReplaceField$Value", 30, "exclude", "a,a");
        transform("ReplaceField$Value", 30, "include", "a,,b");
        transform("ReplaceField$Value", 30, "exclude", "");
    }

    static void setSchemaMetadata() {
        halves("SetSchemaMetadata", 1, "schema.name", "new.Name", "schema.version", "7");
        halves("SetSchemaMetadata", 2, "schema.name", "only.Name");
        halves("SetSchemaMetadata", 2, "schema.version", "9", "replace.null.with.default", "false");
        halves("SetSchemaMetadata", 4, "schema.name", "");
        transform("SetSchemaMetadata$Value", 30);
        transform("SetSchemaMetadata$Value", 30, "schema.version", "x");
        transform("SetSchemaMetadata$Value", 30, "schema.version", "3000000000");
    }

    static void timestampConverter() {
        for (String type : List.of("string", "unix", "Date", "Time", "Timestamp")) {
            halves("TimestampConverter", 1, "target.type", type, "format", "yyyy-MM-dd");
            halves("TimestampConverter", 2, "target.type", type, "format", "yyyy-MM-dd'T'HH:mm:ss");
            for (String field : List.of("timestamp", "i64", "string", "date", "time"))
                halves("TimestampConverter", 2, "target.type", type, "field", field, "format", "yyyy-MM-dd");
            for (String field : List.of("timestamp", "string", "missing", "i32"))
                halves("TimestampConverter", 3, "target.type", type, "field", field, "format", "yyyy-MM-dd", "replace.null.with.default", "false");
        }
        for (String precision : List.of("seconds", "milliseconds", "microseconds", "nanoseconds")) {
            halves("TimestampConverter", 2, "target.type", "unix", "unix.precision", precision);
            halves("TimestampConverter", 2, "target.type", "Timestamp", "unix.precision", precision);
            halves("TimestampConverter", 3, "target.type", "Timestamp", "field", "i64", "unix.precision", precision);
            halves("TimestampConverter", 3, "target.type", "unix", "field", "timestamp", "unix.precision", precision);
        }
        halves("TimestampConverter", 3, "target.type", "Timestamp", "field", "string");
        halves("TimestampConverter", 4, "target.type", "string", "format", "EEE, d MMM yyyy HH:mm:ss Z");
        transform("TimestampConverter$Value", 30, "target.type", "string");
        transform("TimestampConverter$Value", 30, "target.type", "string", "format", "  ");
        transform("TimestampConverter$Value", 30, "target.type", "string", "format", "bad pattern");
        transform("TimestampConverter$Value", 30, "target.type", "Timestamp", "format", "jjj");
        transform("TimestampConverter$Value", 30, "target.type", "timestamp");
        transform("TimestampConverter$Value", 30, "target.type", "unix", "unix.precision", "ms");
        transform("TimestampConverter$Value", 30);
    }

    static void valueToKey() {
        transform("ValueToKey", 1, "fields", "i32");
        transform("ValueToKey", 1, "fields", "string,i32");
        transform("ValueToKey", 1, "fields", "timestamp,decimal,inner,array");
        transform("ValueToKey", 1, "fields", "i32,timestamp,string", "replace.null.with.default", "false");
        transform("ValueToKey", 1, "fields", "one,two,three,four,five,a,b");
        transform("ValueToKey", 2, "fields", "missing");
        transform("ValueToKey", 2, "fields", "m,i32");
        transform("ValueToKey", 30, "fields", "");
        transform("ValueToKey", 30, "fields", "a,a");
        transform("ValueToKey", 30);
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    static void predicate(String name, String... settings) {
        Map<String, String> config = new HashMap<>();
        for (int i = 0; i < settings.length; i += 2) config.put(settings[i], settings[i + 1]);
        Predicate predicate;
        try {
            predicate = (Predicate) Class.forName(PACKAGE + "predicates." + name).getDeclaredConstructor().newInstance();
            predicate.configure(config);
        } catch (Throwable e) {
            System.out.println("{\"predicate\":" + quote(name) + ",\"config\":" + config(config) + ",\"configure_error\":" + errors(e) + "}");
            return;
        }
        for (int i = 0; i < RECORDS.size(); i += 5) {
            System.out.println("{\"predicate\":" + quote(name) + ",\"config\":" + config(config) + ",\"of\":" + i + ",\"holds\":" + predicate.test(RECORDS.get(i)) + "}");
        }
    }

    static void predicates() {
        predicate("HasHeaderKey", "name", "h");
        predicate("HasHeaderKey", "name", "H");
        predicate("HasHeaderKey", "name", "");
        predicate("HasHeaderKey");
        predicate("RecordIsTombstone");
        for (String pattern : List.of("topic-.*", "topic", ".*[13]", "^(?!topic).*$", "(?i)SOURCE\\.TOPIC", "", "(", "[")) predicate("TopicNameMatches", "pattern", pattern);
        predicate("TopicNameMatches");
    }
}
