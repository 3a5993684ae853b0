import java.math.BigDecimal;
import java.math.BigInteger;
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
import java.util.Random;
import java.util.TreeMap;
import org.apache.kafka.connect.converters.BooleanConverter;
import org.apache.kafka.connect.converters.ByteArrayConverter;
import org.apache.kafka.connect.converters.DoubleConverter;
import org.apache.kafka.connect.converters.FloatConverter;
import org.apache.kafka.connect.converters.IntegerConverter;
import org.apache.kafka.connect.converters.LongConverter;
import org.apache.kafka.connect.converters.ShortConverter;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.SchemaProjector;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.data.Values;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;
import org.apache.kafka.connect.storage.StringConverter;

/**
 * Prints what Kafka's own classes make of many inputs, one JSON object per line, for the tests of the
 * runtime: {@code java -cp 'KAFKA/libs/*' ConvertersGolden.java SUITE}. The suites are json-encode,
 * json-decode, plain, headers, values, projector and text. Run it in UTC on a JDK from 19 on, whose
 * {@code Double.toString} gives the shortest digits.
 */
public class ConvertersGolden {
    static final Random RANDOM = new Random(20260101);

    public static void main(String[] args) throws Exception {
        System.setProperty("user.timezone", "UTC");
        java.util.TimeZone.setDefault(java.util.TimeZone.getTimeZone("UTC"));
        System.setOut(new java.io.PrintStream(System.out, false, StandardCharsets.UTF_8));
        // Deep documents need more stack than the main thread has.
        Thread thread = new Thread(null, () -> suite(args[0]), "suite", 512 << 20);
        thread.start();
        thread.join();
        System.out.flush();
    }

    static void suite(String name) {
        switch (name) {
            case "json-encode" -> jsonEncode();
            case "json-decode" -> jsonDecode();
            case "plain" -> plain();
            case "headers" -> headers();
            case "values" -> values();
            case "projector" -> projector();
            case "text" -> text();
            default -> throw new IllegalArgumentException(name);
        }
    }

    // ---- The notation of the golden files ----

    static String quote(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < 0x20 || c > 0x7e) out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }

    /** A value with its class, so that the reader can make the same. */
    static String value(Object v) {
        if (v == null) return "null";
        if (v instanceof Boolean) return v.toString();
        if (v instanceof Byte) return "{\"i8\":" + v + "}";
        if (v instanceof Short) return "{\"i16\":" + v + "}";
        if (v instanceof Integer) return "{\"i32\":" + v + "}";
        if (v instanceof Long) return "{\"i64\":" + v + "}";
        if (v instanceof Float) return "{\"f32\":" + Integer.toUnsignedString(Float.floatToRawIntBits((Float) v)) + "}";
        if (v instanceof Double) return "{\"f64\":" + Long.toUnsignedString(Double.doubleToRawLongBits((Double) v)) + "}";
        if (v instanceof String) return quote((String) v);
        if (v instanceof byte[]) return "{\"bytes\":" + quote(Base64.getEncoder().encodeToString((byte[]) v)) + "}";
        if (v instanceof BigDecimal d) return "{\"decimal\":[" + quote(d.unscaledValue().toString()) + "," + d.scale() + "]}";
        if (v instanceof Date d) return "{\"date\":" + d.getTime() + "}";
        if (v instanceof List<?> list) return "[" + String.join(",", list.stream().map(ConvertersGolden::value).toList()) + "]";
        if (v instanceof Map<?, ?> map) return "{\"map\":[" + String.join(",", map.entrySet().stream()
            .map(e -> "[" + value(e.getKey()) + "," + value(e.getValue()) + "]").toList()) + "]}";
        if (v instanceof Struct s) return "{\"struct\":[" + String.join(",", s.schema().fields().stream()
            .map(f -> value(s.getWithoutDefault(f.name()))).toList()) + "]}";
        throw new IllegalArgumentException(v.getClass().toString());
    }

    /** A schema with all its attributes. */
    static String schema(Schema s) {
        if (s == null) return "null";
        StringBuilder out = new StringBuilder(s.type().toString());
        if (s.isOptional()) out.append('?');
        switch (s.type()) {
            case ARRAY -> out.append('<').append(schema(s.valueSchema())).append('>');
            case MAP -> out.append('<').append(schema(s.keySchema())).append(',').append(schema(s.valueSchema())).append('>');
            case STRUCT -> {
                out.append('{');
                for (Field f : s.fields()) out.append(f.name()).append(':').append(schema(f.schema())).append(';');
                out.append('}');
            }
            default -> { }
        }
        if (s.name() != null) out.append(" name=").append(s.name());
        if (s.version() != null) out.append(" version=").append(s.version());
        if (s.doc() != null) out.append(" doc=").append(s.doc());
        if (s.parameters() != null) s.parameters().forEach((k, v) -> out.append(" ").append(k).append("=").append(v));
        if (s.defaultValue() != null) out.append(" default=").append(value(s.defaultValue()));
        return out.toString();
    }

    static String bytes(byte[] b) {
        if (b == null) return "null";
        String text = new String(b, StandardCharsets.UTF_8);
        return Arrays.equals(text.getBytes(StandardCharsets.UTF_8), b) ? quote(text) : "{\"bytes\":" + quote(Base64.getEncoder().encodeToString(b)) + "}";
    }

    static String error(Throwable error) {
        List<String> chain = new ArrayList<>();
        for (Throwable t = error; t != null; t = t.getCause()) chain.add(quote(t.toString()));
        return "\"error\":[" + String.join(",", chain) + "]";
    }

    static void line(String... members) {
        System.out.println("{" + String.join(",", members) + "}");
    }

    static String member(String name, String json) {
        return quote(name) + ":" + json;
    }

    static String config(Map<String, String> config) {
        return "{" + String.join(",", config.entrySet().stream().map(e -> quote(e.getKey()) + ":" + quote(e.getValue())).toList()) + "}";
    }

    // ---- Inputs ----

    static Schema inner() {
        return SchemaBuilder.struct().name("Inner").version(3).doc("inner \"doc\"").parameter("p", "1").parameter("a", "é")
            .field("x", Schema.INT32_SCHEMA)
            .field("s", SchemaBuilder.string().optional().defaultValue("d").build())
            .field("r", SchemaBuilder.string().defaultValue("required default").build())
            .build();
    }

    static List<Schema> schemas() {
        List<Schema> all = new ArrayList<>();
        for (Schema.Type type : Schema.Type.values()) {
            if (!type.isPrimitive()) continue;
            all.add(new SchemaBuilder(type).build());
            all.add(new SchemaBuilder(type).optional().build());
        }
        all.add(SchemaBuilder.int32().defaultValue(7).build());
        all.add(SchemaBuilder.int32().optional().defaultValue(7).build());
        all.add(SchemaBuilder.string().optional().defaultValue("d\u20ac\ud83d\ude00").build());
        all.add(SchemaBuilder.bytes().defaultValue(new byte[] {1, 2, (byte) 255}).build());
        all.add(SchemaBuilder.float32().defaultValue(1e10f).build());
        all.add(Decimal.schema(2));
        all.add(Decimal.builder(2).optional().defaultValue(new BigDecimal("1.50")).build());
        all.add(Decimal.schema(-3));
        all.add(org.apache.kafka.connect.data.Date.SCHEMA);
        all.add(org.apache.kafka.connect.data.Date.builder().optional().defaultValue(new Date(86400000L)).build());
        all.add(Time.SCHEMA);
        all.add(Timestamp.SCHEMA);
        all.add(Timestamp.builder().optional().build());
        all.add(SchemaBuilder.array(Schema.INT8_SCHEMA).build());
        all.add(SchemaBuilder.array(Schema.OPTIONAL_STRING_SCHEMA).optional().build());
        all.add(SchemaBuilder.array(Schema.INT32_SCHEMA).defaultValue(List.of(1, 2)).build());
        all.add(SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.OPTIONAL_INT32_SCHEMA).build());
        all.add(SchemaBuilder.map(Schema.INT32_SCHEMA, Schema.STRING_SCHEMA).optional().build());
        all.add(SchemaBuilder.map(Schema.OPTIONAL_STRING_SCHEMA, Schema.FLOAT64_SCHEMA).build());
        all.add(inner());
        all.add(SchemaBuilder.struct().optional()
            .field("b", Schema.OPTIONAL_BOOLEAN_SCHEMA)
            .field("in", inner())
            .field("list", SchemaBuilder.array(inner()).optional().build())
            .field("when", Timestamp.builder().optional().build())
            .field("price", Decimal.builder(2).optional().build())
            .field("m", SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.INT64_SCHEMA).optional().build())
            .build());
        return all;
    }

    static Struct innerStruct(int x, String s, String r) {
        return new Struct(inner()).put("x", x).put("s", s).put("r", r == null ? "R" : r);
    }

    static List<Object> objects() {
        List<Object> all = new ArrayList<>(Arrays.asList(
            null, true, false, (byte) -5, (short) 300, 70000, 1L << 40, Long.MIN_VALUE, 1.5f, 1e10f, Float.NaN, 0.1f, -0.0f,
            2.5, 1e10, 100.0, 1e-5, 0.001, Double.NaN, Double.NEGATIVE_INFINITY, Double.MIN_VALUE,
            "", "text", "q\"b\\s/\b\f\n\r\t\u0001\u001f\u007f\u2028\u00e9\u20ac\ud83d\ude00", new byte[0], new byte[] {0, -1, 5}, "0123456789abcdef".repeat(50).getBytes(),
            new BigDecimal("-1.50"), new BigDecimal("1E-10"), new BigDecimal("1E+3"), new BigDecimal("0.00"),
            new BigDecimal("12345678901234567890.12"), new Date(0), new Date(86400000L), new Date(86400001L), new Date(-86400000L), new Date(1357020000123L),
            List.of(), Arrays.asList((byte) 1, null), List.of((byte) 1, (byte) 2), List.of("a", "b"), Arrays.asList(1, "x", null, List.of(true)),
            Map.of(), Map.of("k", 5), Map.of(1, "one"), Map.of("k", 1.5)));
        Map<Object, Object> map = new HashMap<>();
        map.put("z", 1L);
        map.put("topic", null);
        map.put("partition", List.of(Map.of("a", 1)));
        all.add(map);
        map = new LinkedHashMap<>();
        map.put(null, "null key");
        map.put("b", 2);
        all.add(map);
        all.add(innerStruct(1, "s", "r"));
        all.add(innerStruct(2, null, "r"));
        Schema outer = schemas().get(schemas().size() - 1);
        all.add(new Struct(outer));
        all.add(new Struct(outer).put("b", true).put("in", innerStruct(3, null, null)).put("list", List.of(innerStruct(4, "x", "y")))
            .put("when", new Date(1)).put("price", new BigDecimal("9.99")).put("m", Map.of("k", 1L)));
        all.add(new Struct(outer).put("in", innerStruct(5, "a", "b")).put("price", new BigDecimal("9.9")));
        all.replaceAll(ConvertersGolden::usual);
        return all;
    }

    /** Lists and maps of the classes that are named in most messages. */
    static Object usual(Object object) {
        if (object instanceof List<?> list) {
            List<Object> usual = new ArrayList<>();
            for (Object item : list) usual.add(usual(item));
            return usual;
        }
        if (object instanceof Map<?, ?> map) {
            Map<Object, Object> usual = new HashMap<>();
            map.forEach((key, value) -> usual.put(key, usual(value)));
            return usual;
        }
        return object;
    }

    static final List<Map<String, String>> ENCODE_CONFIGS = List.of(
        Map.of(), Map.of("schemas.enable", "false"),
        new TreeMap<>(Map.of("schemas.enable", "false", "decimal.format", "numeric", "replace.null.with.default", "false")));

    static String jsonSchema(Schema schema) {
        if (schema == null) return "null";
        JsonConverter converter = new JsonConverter();
        converter.configure(Map.of(), false);
        return converter.asJsonSchema(schema).toString();
    }

    static void jsonEncode() {
        List<Schema> schemas = new ArrayList<>(schemas());
        schemas.add(null);
        for (Map<String, String> config : ENCODE_CONFIGS) {
            JsonConverter converter = new JsonConverter();
            converter.configure(config, false);
            for (Schema schema : schemas) {
                for (Object object : objects()) {
                    String outcome;
                    try {
                        outcome = member("out", bytes(converter.fromConnectData("t", schema, object)));
                    } catch (Exception e) {
                        // Some wrong classes for each schema are enough.
                        if (!config.isEmpty() || schema != null && object != null && RANDOM.nextInt(4) > 0) continue;
                        outcome = error(e);
                    }
                    if (object instanceof byte[] b && b.length > 100 && !config.isEmpty()) continue;
                    if (config.size() == 1 && schema != null && schema.type().isPrimitive() && schema.name() == null && !schema.isOptional() && schema.defaultValue() == null) continue;
                    line(member("config", config(config)), member("schema", quote(jsonSchema(schema))), member("value", value(object)), outcome);
                }
            }
        }
    }

    // ---- JsonConverter, reading ----

    static final String[] PAYLOADS = {
        "null", "0", "-1", "300", "3000000000", "12345678901234567890", "1.9", "-2.5e3", "1e20", "1e400", "-0.0", "1.50", "0.1",
        "true", "false", "\"x\"", "\"\"", "\"1\"", "\"AQL/\"", "\"AQL\"", "\"A Q==\"", "\"lg==\"", "[]", "[1,2,300]", "[1,null]", "[\"a\",5]", "{}", "{\"k\":1,\"j\":null,\"k\":2}",
        "{\"x\":1}", "{\"x\":1,\"s\":null,\"r\":\"q\",\"unknown\":[{}]}", "{\"s\":\"1\",\"x\":\"2\",\"r\":5}", "{\"x\":null}", "[[1,\"a\"],[2,\"b\"],[1,\"c\"]]", "[[1,\"a\",2]]", "[1]", "[[1,2]]",
        "{\"in\":{\"x\":1},\"list\":[{\"x\":2,\"r\":\"r\"}],\"when\":5,\"price\":1.234,\"m\":{\"b\":1,\"a\":2},\"b\":true}",
        "{\"in\":{},\"when\":\"x\"}", "{\"when\":1.5,\"in\":{\"x\":1}}", "{\"in\":{\"x\":1},\"list\":[{\"x\":1,\"r\":7}]}", "86400000", "86400001", "19000"};

    static final String[] TEXTS = {
        "x", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "[1,]", "[1 2]", "\"abc", "\"a\nb\"", "\"\\x\"", "\"\\u12G4\"", "tru", "truex", "nul", "NaN", "-", "-x", "+1",
        "1.", "1.x", "1e", "1e+", "1ex", "1x", "01", "-01", "/*x*/1", "'a'", "{a:1}", "{\"a\" 1}", "}", "]", ",", "[}", "{]", "Infinity", "-Infinity", "-Inf", "{\"a\":\n  x}", "\"\t\"", "{\"a\tb\":1}",
        "{1:2}", "{\"a\":1 \"b\":2}", "#", "\u0000", "\u0001", "tr", "t", "true1", "true,", "{'a':1}", "[1,,2]", "[,1]", "12]", "  ", "", "{\"a\":tru}", "{\"a\":trux}", "\"\\", "\"\\u12", "\"\\u", "00", "-00",
        "007.5", "00x", "0x10", "-0x", "1.5.5", "1..5", ".5", "1e5.5", "nulll", "{\"a\\x\":1}", "{,}", "{\"a\":}", "{:1}", "\n\n  {\"a\":[1,2,\n{\"b\":tru\n}]}", "[1,\n", "{\"a\":\"b\n\"}", "[\"\u00e9\u00e9\",x]",
        "-0", "-0.0", "0.0", "1e400", "-1e-400", "12345678901234567890", "-9223372036854775809", "1e5", "  1  x", "{\"a\":1,\"a\":2}", "\"\\ud83d\\ude00\"", "1 }", "[1]]", "{}x", "1.0E+5", "\"\\u00e9\\/\\b\\f\\n\\r\\t\\\"\\\\\"", "1/", "1e-999999999",
        "[null,true,false,1.5,\"s\",{\"b\":[],\"a\":{}}]", "\ufeff1", "\ufeff{\"a\":1}", "{\"database\":1,\"server\":2,\"schema\":3,\"table\":4}", "[[[[[[1]]]]]]", "{\"\":0,\"\u20ac\":1,\"\ud83d\ude00\":2}", "\"\ud83d\ude00\"",
        "[1,2", "[1,2,", "[1", "[", "[\"a\"", "{\"a\":{\"b\":1}", "[{\"a\":1},", "{\"a\":1}]", "1,2", "[-]", "[1.]", "[1e]", "[+1]", "[01]", "[1x]", "{\"a\":1x}", "[tru]", "[nul,1]", "{\"a", "{\"a\\", "{\"a\\u00", "[\"a", "[\"a\\", "[\"\\u1"};

    static final String[] SCHEMAS = {
        "null", "{}", "5", "\"string\"", "[]", "{\"type\":5}", "{\"type\":\"int99\"}", "{\"type\":\"array\"}", "{\"type\":\"array\",\"items\":null}", "{\"type\":\"map\"}", "{\"type\":\"map\",\"keys\":{\"type\":\"string\"}}",
        "{\"type\":\"map\",\"keys\":null,\"values\":{\"type\":\"string\"}}", "{\"type\":\"map\",\"keys\":{\"type\":\"string\"},\"values\":null}", "{\"type\":\"struct\"}", "{\"type\":\"struct\",\"fields\":{}}", "{\"type\":\"struct\",\"fields\":[]}", "{\"type\":\"struct\",\"fields\":[5]}",
        "{\"type\":\"struct\",\"fields\":[{\"type\":\"int8\"}]}", "{\"type\":\"struct\",\"fields\":[{\"field\":5,\"type\":\"int8\"}]}", "{\"type\":\"struct\",\"fields\":[{\"field\":\"a\"}]}", "{\"type\":\"struct\",\"fields\":[{\"field\":\"a\",\"type\":\"int8\"},{\"field\":\"a\",\"type\":\"int8\"}]}",
        "{\"type\":\"int8\",\"optional\":\"true\"}", "{\"type\":\"int8\",\"optional\":true,\"name\":5,\"version\":\"1\",\"doc\":null,\"parameters\":[]}", "{\"parameters\":{\"z\":\"1\",\"a\":\"2\",\"z\":\"3\"},\"version\":4294967297,\"name\":\"n\",\"doc\":\"d\",\"optional\":true,\"type\":\"int8\"}",
        "{\"type\":\"int8\",\"parameters\":{\"a\":5}}", "{\"type\":\"int8\",\"version\":1.5,\"optional\":true}", "{\"type\":\"int8\",\"default\":300,\"optional\":true}", "{\"type\":\"string\",\"default\":5}", "{\"type\":\"string\",\"default\":null}", "{\"type\":\"string\",\"optional\":true,\"default\":null}",
        "{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"parameters\":{\"scale\":\"2\"},\"optional\":true,\"default\":1.5}", "{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"optional\":true,\"default\":\"AQ==\"}",
        "{\"type\":\"struct\",\"optional\":true,\"fields\":[{\"type\":\"int8\",\"field\":\"a\",\"default\":3}],\"default\":{}}", "{\"type\":\"array\",\"items\":{\"type\":\"int8\"},\"default\":[1,2]}", "{\"type\":\"float\",\"default\":1.1,\"optional\":true}", "{\"type\":\"int32\",\"name\":\"org.apache.kafka.connect.data.Date\",\"default\":\"x\"}",
        "{\"type\":\"int64\",\"field\":\"top\",\"extra\":{},\"type\":\"int32\",\"optional\":true}"};

    static void decode(Map<String, String> config, byte[] in) {
        JsonConverter converter = new JsonConverter();
        List<String> members = new ArrayList<>(List.of(member("config", config(config)), member("in", bytes(in))));
        try {
            converter.configure(config, false);
            SchemaAndValue out = converter.toConnectData("t", in);
            members.add(member("schema", quote(schema(out.schema()))));
            members.add(member("value", value(out.value())));
        } catch (Throwable e) {
            members.add(error(e));
        }
        line(members.toArray(new String[0]));
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] hex(String digits) {
        return new BigInteger("1" + digits, 16).toByteArray().length == digits.length() / 2 + 1
            ? Arrays.copyOfRange(new BigInteger("1" + digits, 16).toByteArray(), 1, digits.length() / 2 + 1) : null;
    }

    static void jsonDecode() {
        Map<String, String> bare = Map.of("schemas.enable", "false");
        for (Schema schema : schemas()) {
            String jsonSchema = jsonSchema(schema);
            for (String payload : PAYLOADS)
                if (jsonSchema.length() < 500 || payload.startsWith("{") || payload.equals("null"))
                    decode(Map.of(), utf8("{\"schema\":" + jsonSchema + ",\"payload\":" + payload + "}"));
            decode(Map.of("replace.null.with.default", "false"), utf8("{\"schema\":" + jsonSchema + ",\"payload\":null}"));
            decode(Map.of("schema.content", jsonSchema), utf8(""));
            decode(Map.of("schema.content", jsonSchema), utf8("5"));
            decode(Map.of("schema.content", jsonSchema), utf8("{\"schema\":{\"type\":\"int8\"},\"payload\":{\"x\":1}}"));
        }
        for (String payload : List.of("{\"x\":1}", "{\"x\":1,\"s\":null,\"r\":\"q\"}", "{\"x\":1,\"r\":null}"))
            decode(Map.of("replace.null.with.default", "false"), utf8("{\"schema\":" + jsonSchema(inner()) + ",\"payload\":" + payload + "}"));
        for (String schema : SCHEMAS) {
            decode(Map.of(), utf8("{\"schema\":" + schema + ",\"payload\":null}"));
            decode(Map.of(), utf8("{\"payload\":\"5\",\"schema\":" + schema + "}"));
            decode(new TreeMap<>(Map.of("schema.content", schema)), utf8("{\"a\":1}"));
        }
        for (String text : List.of("", "  ", "null", "5", "[]", "{}", "{\"schema\":null}", "{\"payload\":1}", "{\"schema\":null,\"payload\":1,\"x\":2}", "{\"schema\":null,\"payload\":1,\"payload\":2}",
            "{\"schema\":null,\"payload\":1}x", "{\"schema\":{\"type\":\"int8\"},\"payload\":\"x\",\"payload\":x}", "{\"schema\":{\"type\":\"int8\"},\"payload\":null,\"payload\":2}", "{\"schema\":{\"type\":\"bytes\"},\"payload\":\"!\",\"schema\":{\"type\":\"string\"}}",
            "{\"schema\":{\"type\":\"bytes\"},\"payload\":\"!\",\"x\":1}", "{\"schema\":{\"type\":\"bytes\"},\"payload\":\"!\"", "{\"x\":1,\"y\":tru}", "{\"schema\":{\"type\":\"nope\"},\"payload\":[1,}"))
            decode(Map.of(), utf8(text));
        decode(Map.of(), null);
        decode(bare, null);
        decode(Map.of("schema.content", "{\"type\":"), utf8("1"));
        decode(Map.of("schema.content", " "), utf8("1"));
        decode(Map.of("schemas.enable", "maybe"), utf8("1"));
        decode(Map.of("decimal.format", "hex"), utf8("1"));
        for (String text : TEXTS) decode(bare, utf8(text));
        for (String digits : List.of("22ff22", "22c322", "ff", "2261e282", "5b312cff5d", "22c3a922", "2280", "7b22ff22", "22f09f9880", "22e28222"))
            decode(bare, hex(digits));
        for (int depth : new int[] {100, 1001}) decode(bare, utf8("[".repeat(depth) + "]".repeat(depth)));
        decode(bare, utf8("1".repeat(1000)));
        decode(bare, utf8("1".repeat(1001)));
        for (int i = 0; i < 60; i++) decode(bare, utf8(randomJson(0)));
    }

    static String randomJson(int depth) {
        int kind = RANDOM.nextInt(depth > 3 ? 6 : 9);
        StringBuilder out = new StringBuilder();
        switch (kind) {
            case 0: return "null";
            case 1: return String.valueOf(RANDOM.nextBoolean());
            case 2: return String.valueOf(RANDOM.nextLong() >> RANDOM.nextInt(64));
            case 3: return String.valueOf(RANDOM.nextGaussian() * Math.pow(10, RANDOM.nextInt(40) - 20));
            case 4: case 5: return quote(randomText());
            case 6:
                for (int i = RANDOM.nextInt(5); i > 0; i--) out.append(out.length() == 0 ? "" : ",").append(randomJson(depth + 1));
                return "[" + out + "]";
            default:
                for (int i = RANDOM.nextInt(30); i > 0; i--) out.append(out.length() == 0 ? "" : " , ").append(quote(randomText())).append(" : ").append(randomJson(depth + 2));
                return "{" + out + "}";
        }
    }

    static String randomText() {
        StringBuilder out = new StringBuilder();
        for (int i = RANDOM.nextInt(12); i > 0; i--) {
            int kind = RANDOM.nextInt(20);
            if (kind == 0) out.appendCodePoint(0x1F600 + RANDOM.nextInt(50));
            else if (kind == 1) out.append((char) (0xa0 + RANDOM.nextInt(5000)));
            else if (kind == 2) out.append((char) RANDOM.nextInt(0x20));
            else out.append((char) (0x20 + RANDOM.nextInt(0x5f)));
        }
        return out.toString();
    }

    // ---- The other converters ----

    static void plain() {
        Map<String, Converter> converters = new LinkedHashMap<>();
        converters.put("org.apache.kafka.connect.converters.ShortConverter", new ShortConverter());
        converters.put("org.apache.kafka.connect.converters.IntegerConverter", new IntegerConverter());
        converters.put("org.apache.kafka.connect.converters.LongConverter", new LongConverter());
        converters.put("org.apache.kafka.connect.converters.FloatConverter", new FloatConverter());
        converters.put("org.apache.kafka.connect.converters.DoubleConverter", new DoubleConverter());
        converters.put("org.apache.kafka.connect.converters.BooleanConverter", new BooleanConverter());
        converters.put("org.apache.kafka.connect.converters.ByteArrayConverter", new ByteArrayConverter());
        converters.put("org.apache.kafka.connect.storage.StringConverter", new StringConverter());
        List<Schema> schemas = new ArrayList<>(List.of(Schema.INT8_SCHEMA, Schema.BOOLEAN_SCHEMA, Schema.OPTIONAL_BYTES_SCHEMA, Schema.STRING_SCHEMA));
        schemas.add(null);
        String[] inputs = {"", "00", "01", "02", "ff", "0102", "fffe", "01020304", "7fc00000", "3f800000", "0102030405060708", "c3a9", "e282", "ff61", "eda080", "f09f9880", "f0289880", "c0af", "e0809f", "f8888080"};
        for (Map.Entry<String, Converter> entry : converters.entrySet()) {
            Converter converter = entry.getValue();
            converter.configure(Map.of(), false);
            String name = member("class", quote(entry.getKey()));
            for (Schema schema : schemas) {
                for (Object object : objects()) {
                    if (converter instanceof StringConverter && (object instanceof byte[] || schema != null)) continue;
                    if (schema != null && (object instanceof Struct || object instanceof byte[] b && b.length > 100)) continue;
                    String outcome;
                    try {
                        byte[] out = converter.fromConnectData("t", schema, object);
                        outcome = member("out", out == null ? "null" : quote(Base64.getEncoder().encodeToString(out)));
                    } catch (Exception e) {
                        if (schema != null && object != null && RANDOM.nextInt(8) > 0) continue;
                        outcome = error(e);
                    }
                    line(name, member("schema", quote(jsonSchema(schema))), member("value", value(object)), outcome);
                }
            }
            for (String digits : inputs) {
                byte[] in = hex(digits);
                String outcome;
                try {
                    SchemaAndValue out = converter.toConnectData("t", in);
                    outcome = member("out_schema", quote(schema(out.schema()))) + "," + member("out_value", value(out.value()));
                } catch (Exception e) {
                    outcome = error(e);
                }
                line(name, member("in", quote(Base64.getEncoder().encodeToString(in))), outcome);
            }
            SchemaAndValue out = converter.toConnectData("t", null);
            line(name, member("in", "null"), member("out_schema", quote(schema(out.schema()))), member("out_value", value(out.value())));
        }
        for (String encoding : List.of("UTF-16", "UTF-16BE", "utf-16le", "ISO-8859-1", "US-ASCII", "utf8", "latin1")) {
            StringConverter converter = new StringConverter();
            converter.configure(Map.of("converter.encoding", encoding), false);
            String name = member("class", quote("org.apache.kafka.connect.storage.StringConverter")) + "," + member("config", config(Map.of("converter.encoding", encoding)));
            for (Object object : List.of("a\u00e9\u20ac\ud83d\ude00", 5)) {
                String outcome;
                try {
                    outcome = member("out", quote(Base64.getEncoder().encodeToString(converter.fromConnectData("t", null, object))));
                } catch (Exception e) {
                    outcome = error(e);
                }
                line(name, member("schema", quote("null")), member("value", value(object)), outcome);
            }
            for (String digits : List.of("feff0061", "fffe6100", "00610062", "006100", "e9", "d83dde00")) {
                String outcome;
                try {
                    SchemaAndValue out = converter.toConnectData("t", hex(digits));
                    outcome = member("out_schema", quote(schema(out.schema()))) + "," + member("out_value", value(out.value()));
                } catch (Exception e) {
                    outcome = error(e);
                }
                line(name, member("in", quote(Base64.getEncoder().encodeToString(hex(digits)))), outcome);
            }
        }
    }

    // ---- Values ----

    static final String[] VALUES = {
        "", " ", "  ", "null", " null ", "NULL", "null,", "true", " true ", "True", "true}", "false", "false,true", "abc", "a b", " a", "1", " 1 ", "127", "128", "-128", "-129", "32767", "32768", "2147483647", "2147483648",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1.0", "1e3", "100.00", "-0", "+5", "+", "-", "--1", "+-1", "1.", "1.5", "-1.5", "0.1", "123456789.123456789", "1e400", "1.5e40", "1e38", "1e39", "1e-400",
        "1e19", "1e18", "12345678901234567890", "12345678901234567890.5", "\u0661\u0662\u0663", "\uff11\uff12.\uff15", "0x10", "1f", "1L", "1_000", "NaN", "Infinity", "1,2", "1 2", "1:2", "1]", "1e5", "1E+5", "1e++5", "1e+-5", "1e99999999999", "1e-2147483648", "1e2147483647", "0e5", "0.000", "007", ".5", "-.5", "0.5e1", "5e-1", "1.10e1", "99999999999999999999", "1.7976931348623157e309", "0.0000001",
        "2019-01-01", "2019-13-45", "2019-1-1", "2019-1-001", "1500-02-29", "1582-10-10", "1582-10-04", "1582-10-15", "0001-01-01", "0000-00-00", "2019--1-05", "2019-01-0x", "2019-01-1x", "2019/01/01", "12:34:56.789Z", "12\\:34\\:56.789Z", "25:61:61.999Z", "12:34:56.789z", "12:34:56,789Z", "2019-08-23T14:34:54.346Z", "2019-08-23T14\\:34\\:54.346Z", "2019-08-23T14:34:54.346Zx", "2019-08-23 14:34:54.346Z", "1969-12-31T23:59:59.999Z", "\u0662\u0660\u0661\u0669-01-01", "2019- 1- 1", "9999-12-31", "2019-08-23T99:99:99.999Z", "x2019-01-01",
        "[]", "[ ]", "[null]", "[1]", "[1,2]", "[1,2]x", " [1] ", "[1,300]", "[1,70000]", "[300,1]", "[1,5000000000]", "[1,1.5]", "[1.5,1]", "[1.5,1e300]", "[5000000000,1.5]", "[1,\"a\"]", "[\"a\",\"b\"]", "[a]", "[1,null]", "[null,1]", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[1", "[", "]", "[[1],[\"a\"]]", "[[1],[2,300]]", "[[1],[]]", "[{},{}]", "[true,false]", "[true,1]", "[1,true,2]", "[1,\"a\",2]", "[1,null,\"a\"]",
        "[\"2019-01-01\"]", "[2019-01-01]", "[\"12:34:56.789Z\",\"2019-01-01\"]", "[5,\"2019-01-01\"]", "[70000,\"2019-01-01\"]", "[\"2019-01-01\",5]", "[\"2019-01-01\",70000]", "[\"2019-08-23T14:34:54.346Z\",5]", "[\"2019-08-23T14:34:54.346Z\",5000000000]", "[5000000000,\"2019-08-23T14:34:54.346Z\"]", "[\"12:34:56.789Z\",5]", "[\"12:34:56.789Z\",99999999]", "[1.5,\"2019-01-01\"]", "[1e400,2e400]", "[1e400,12345678901234567890]",
        "{}", "{ }", "{a:1}", "{\"a\":1}", "{\"a\":1,\"b\":2}", "{\"a\":1 \"b\":2}", "{\"a\":1,}", "{,}", "{\"a\":1,\"b\":300}", "{\"a\":null}", "{\"a\":null,\"b\":null}", "{\"a\":1,\"b\":null}", "{null:1}", "{1:\"a\"}", "{1:\"a\",300:\"b\"}", "{1:1,\"a\":2}", "{\"a\":1,\"b\":\"x\"}", "{\"a\":[1,2],\"b\":[3]}", "{\"a\":{\"b\":{}}}", "{\"a\":1}x", "{\"a\"}", "{\"a\":}", "{\"a\" 1}", "{", "}", "{\"a\":1", "{\"a\":1,\"a\":2}", "{true:1}", "{[1]:2}", "{1.0:1,1:2}",
        "\"abc\"", "\"", "\"\"", "\"a\\\"b\"", "[\"a\\\"b\"]", "[\"a\\\\\"]", "[\"\"]", "[\" a \"]", "[\"a]\"]", "[\"a,b\",\"c:d\"]", "[ \"a\" , \"b\" ]", "[\"unclosed]", "\\", "a\\:b", "a:b", "{\"k\":\"v w\"}", "[\"null\"]", "[\"true\"]", "[\"1\"]", "['a']", "a,b", ",", ":", "1 ", "\t1", "1\n", "\u00a01", "[1]\n", "\u20ac", "\ud83d\ude00", "1\ud83d\ude00", "[\"\ud83d\ude00\"]", "2019-01-01\ud83d\ude00"};

    static void parse(String text) {
        String outcome;
        try {
            SchemaAndValue out = Values.parseString(text);
            outcome = out == null ? member("schema", quote("null")) + "," + member("value", "null")
                : member("schema", quote(schema(out.schema()))) + "," + member("value", value(out.value()));
        } catch (Throwable e) {
            outcome = error(e);
        }
        line(member("parse", quote(text)), outcome);
    }

    static void values() {
        for (String text : VALUES) parse(text);
        String[] pieces = {"1", "300", "1.5", "\"a\"", "null", "true", "[", "]", "{", "}", ",", ":", "\"", " ", "a", "\\", "2019-01-01", "-", "12:34:56.789Z", "[1]", "{\"k\":1}"};
        for (int i = 0; i < 400; i++) {
            StringBuilder text = new StringBuilder();
            int kind = RANDOM.nextInt(3);
            if (kind > 0) text.append(kind == 1 ? "[" : "{");
            for (int j = RANDOM.nextInt(7); j >= 0; j--) {
                text.append(pieces[RANDOM.nextInt(pieces.length)]);
                if (kind == 2 && j % 2 == 1) text.append(":");
                else if (kind > 0 && j > 0) text.append(",");
            }
            if (kind > 0) text.append(kind == 1 ? "]" : "}");
            parse(text.toString());
        }
        for (Object object : objects()) if (object != null && !(object instanceof Struct)) line(member("format", value(object)), member("text", quote(Values.convertToString(null, object))));
        for (Object object : List.of("a\"b\\c", List.of("a\"b\\c", "d"), Map.of("k\"", "v"), List.of(new byte[] {1}), List.of(new Date(86400000)), new Date(86399999), new Date(-1), new Date(172800000), new Date(172800001), new Date(253402300800000L)))
            line(member("format", value(object)), member("text", quote(Values.convertToString(null, object))));
    }

    static void headers() {
        SimpleHeaderConverter converter = new SimpleHeaderConverter();
        converter.configure(Map.of());
        List<byte[]> inputs = new ArrayList<>();
        for (String digits : List.of("", "ff", "61ff62", "31", "6e756c6c", "c3a9", "eda080", "5b315d")) inputs.add(hex(digits));
        inputs.add(null);
        for (byte[] in : inputs) {
            SchemaAndValue out = converter.toConnectHeader("t", "k", in);
            line(member("in", in == null ? "null" : quote(Base64.getEncoder().encodeToString(in))),
                member("out_schema", quote(out == null ? "null" : schema(out.schema()))), member("out_value", out == null ? "null" : value(out.value())));
        }
        for (Object object : objects()) {
            Schema schema = object instanceof Struct ? ((Struct) object).schema() : null;
            byte[] out = converter.fromConnectHeader("t", "k", schema, object);
            line(member("schema", quote(jsonSchema(schema))), member("value", value(object)), member("out", out == null ? "null" : quote(Base64.getEncoder().encodeToString(out))));
        }
    }

    // ---- SchemaProjector ----

    static void projector() {
        List<Schema> schemas = new ArrayList<>();
        for (Schema.Type type : Schema.Type.values()) if (type.isPrimitive()) schemas.add(new SchemaBuilder(type).build());
        schemas.add(SchemaBuilder.int32().optional().build());
        schemas.add(SchemaBuilder.int32().defaultValue(9).build());
        schemas.add(SchemaBuilder.int64().optional().defaultValue(8L).build());
        schemas.add(SchemaBuilder.int32().name("n").build());
        schemas.add(SchemaBuilder.int32().parameter("b", "1").parameter("a", "2").build());
        schemas.add(Decimal.schema(2));
        schemas.add(Timestamp.SCHEMA);
        schemas.add(SchemaBuilder.array(Schema.INT8_SCHEMA).build());
        schemas.add(SchemaBuilder.array(Schema.INT32_SCHEMA).build());
        schemas.add(SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.INT8_SCHEMA).build());
        schemas.add(SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.FLOAT64_SCHEMA).build());
        schemas.add(SchemaBuilder.struct().field("a", Schema.INT8_SCHEMA).field("b", Schema.OPTIONAL_STRING_SCHEMA).build());
        schemas.add(SchemaBuilder.struct().field("a", Schema.INT64_SCHEMA).build());
        schemas.add(SchemaBuilder.struct().field("a", Schema.STRING_SCHEMA).build());
        schemas.add(SchemaBuilder.struct().field("c", SchemaBuilder.string().defaultValue("dc").build()).field("d", SchemaBuilder.string().optional().defaultValue("dd").build()).field("a", Schema.INT32_SCHEMA).build());
        schemas.add(SchemaBuilder.struct().field("e", Schema.INT32_SCHEMA).build());
        for (Schema source : schemas) {
            for (Schema target : schemas) {
                if (source != target && source.name() == null && target.name() == null && RANDOM.nextInt(4) > 0 && source.type() != target.type() && !(source.type().ordinal() < 6 && target.type().ordinal() < 6)) continue;
                Object record = sample(source);
                for (Object each : source.isOptional() ? Arrays.asList(record, null) : List.of(record)) {
                    String outcome;
                    try {
                        outcome = member("out", value(SchemaProjector.project(source, each, target)));
                    } catch (Exception e) {
                        outcome = error(e);
                    }
                    line(member("source", quote(jsonSchema(source))), member("target", quote(jsonSchema(target))), member("value", value(each)), outcome);
                }
            }
        }
    }

    static Object sample(Schema schema) {
        if (Decimal.LOGICAL_NAME.equals(schema.name())) return new BigDecimal("1.25");
        if (Timestamp.LOGICAL_NAME.equals(schema.name())) return new Date(5);
        return switch (schema.type()) {
            case INT8 -> (byte) 5;
            case INT16 -> (short) 500;
            case INT32 -> 70000;
            case INT64 -> (1L << 53) + 1;
            case FLOAT32 -> 1.1f;
            case FLOAT64 -> 2.2;
            case BOOLEAN -> true;
            case STRING -> "s";
            case BYTES -> new byte[] {1};
            case ARRAY -> List.of(sample(schema.valueSchema()));
            case MAP -> Map.of(sample(schema.keySchema()), sample(schema.valueSchema()));
            case STRUCT -> {
                Struct struct = new Struct(schema);
                for (Field field : schema.fields()) if (!field.schema().isOptional()) struct.put(field, sample(field.schema()));
                yield struct;
            }
        };
    }

    // ---- Texts of numbers and dates, and the order of HashMap ----

    static void text() {
        List<Double> doubles = new ArrayList<>(List.of(0.0, -0.0, 1.0, 0.001, 0.00099999, 1e7, 9999999.0, 12345678.9, 2e23, 1e23, 2e-3, 1e21, 5e-324, Double.MIN_NORMAL, Double.MAX_VALUE, Double.NaN, Double.POSITIVE_INFINITY, 1.0E22, 4.35, 2.2250738585072011e-308, 9007199254740993.0));
        for (int i = 0; i < 150; i++) {
            doubles.add(Double.longBitsToDouble(RANDOM.nextLong()));
            doubles.add(RANDOM.nextInt(100000) / 1000.0);
            doubles.add(RANDOM.nextGaussian() * Math.pow(10, RANDOM.nextInt(24) - 8));
        }
        for (double d : doubles) line(member("f64", Long.toUnsignedString(Double.doubleToRawLongBits(d))), member("text", quote(Double.toString(d))));
        List<Float> floats = new ArrayList<>(List.of(0f, -0f, 1e10f, 1e-3f, 1.17549435E-38f, 1.4e-45f, Float.MAX_VALUE, Float.NaN, 3.4e38f, 8.41E21f, 2e-3f, 33554432f));
        for (int i = 0; i < 150; i++) {
            floats.add(Float.intBitsToFloat(RANDOM.nextInt()));
            floats.add(RANDOM.nextInt(100000) / 1000f);
        }
        for (float f : floats) line(member("f32", Integer.toUnsignedString(Float.floatToRawIntBits(f))), member("text", quote(Float.toString(f))));
        for (int i = 0; i < 120; i++) {
            BigDecimal d = new BigDecimal(new BigInteger(RANDOM.nextInt(100), RANDOM).multiply(BigInteger.valueOf(RANDOM.nextInt(3) - 1)), RANDOM.nextInt(40) - 12);
            line(member("decimal", value(d)), member("text", quote(d.toString())), member("unscaled", quote(Base64.getEncoder().encodeToString(d.unscaledValue().toByteArray()))));
        }
        for (String s : List.of("1", "+1", "-1", "1.", ".5", "-.5", "+.5", "1e5", "1E5", "1e+5", "1e-5", "1.5e3", "", ".", "e5", "1e", "1e+", "1e++5", "1e+-5", "1e--5", "--1", "+-1", " 1", "1 ", "1_0", "0x1", "1f", "NaN", "1e2147483647", "1e2147483648", "1e-2147483647", "1e-2147483648", "1.5e-2147483647", "00012", "1e0005", "1e00000000005", "-0", "0e9", "1.2.3", "1e5e5")) {
            String outcome;
            try {
                outcome = value(new BigDecimal(s));
            } catch (NumberFormatException e) {
                outcome = "null";
            }
            line(member("parse_decimal", quote(s)), member("value", outcome));
        }
        for (long ms : new long[] {0, -1, 1357020000000L, -12219292800000L, -12219292800001L, -62135769600000L, -60000000000000L, 253402300800000L, 1582934400000L, -5000000000000L})
            line(member("date", String.valueOf(ms)), member("text", quote(new Date(ms).toString())));
        for (int size : new int[] {0, 1, 2, 3, 5, 8, 12, 13, 20, 24, 25, 48, 49, 96, 97, 150, 200}) {
            for (int round = 0; round < 3; round++) {
                Map<String, Integer> map = new HashMap<>();
                List<String> keys = new ArrayList<>();
                while (keys.size() < size) {
                    String key = round == 0 ? "key" + RANDOM.nextInt(100000) : round == 1 ? randomText() : "col_" + (char) ('a' + RANDOM.nextInt(26)) + RANDOM.nextInt(1000);
                    if (map.put(key, 1) == null) keys.add(key);
                }
                line(member("keys", value(keys)), member("order", value(new ArrayList<>(map.keySet()))));
            }
        }
        List<Object> mixed = new ArrayList<>();
        Map<Object, Object> map = new HashMap<>();
        for (int i = 0; i < 40; i++) {
            Object key = switch (i % 9) {
                case 0 -> RANDOM.nextLong();
                case 1 -> RANDOM.nextInt();
                case 2 -> (short) RANDOM.nextInt();
                case 3 -> (byte) RANDOM.nextInt();
                case 4 -> RANDOM.nextDouble();
                case 5 -> RANDOM.nextFloat();
                case 6 -> new BigDecimal(new BigInteger(80, RANDOM).negate(), i);
                case 7 -> List.of("a" + i, i, true);
                default -> Map.of("k" + i, (long) i);
            };
            if (map.put(key, 1) == null) mixed.add(key);
        }
        mixed.addAll(Arrays.asList(null, true, false, new Date(123456789012L)));
        for (Object key : mixed) map.put(key, 1);
        line(member("keys", value(mixed)), member("order", value(new ArrayList<>(map.keySet()))));
    }
}
