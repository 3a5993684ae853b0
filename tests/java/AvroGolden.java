// Makes the golden lines of the Avro crate with Avro's own Java library: schemas and the text it prints of
// them, data it wrote, and data it read with another schema than the writer's. One JSON object on each line.
//
//   mvn org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
//     -Dartifact=org.apache.avro:avro:1.12.1 -DoutputDirectory=.cache/stack/avro
//   MORE_JARS=.cache/stack/avro tests/java/run AvroGolden schemas > runtime/avro/tests/golden/schemas.jsonl
//   MORE_JARS=.cache/stack/avro tests/java/run AvroGolden data > runtime/avro/tests/golden/data.jsonl
//   MORE_JARS=.cache/stack/avro tests/java/run AvroGolden resolution > runtime/avro/tests/golden/resolution.jsonl

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

public class AvroGolden {
    static final Random RANDOM = new Random(20260101);
    static int names;

    public static void main(String[] args) throws Exception {
        System.setOut(new PrintStream(System.out, false, StandardCharsets.UTF_8));
        switch (args[0]) {
            case "schemas" -> schemas();
            case "data" -> data();
            case "resolution" -> resolution();
            default -> throw new IllegalArgumentException(args[0]);
        }
        System.out.flush();
    }

    static void line(String... members) {
        System.out.println("{" + String.join(",", members) + "}");
    }

    static String quote(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < ' ' || Character.isSurrogate(c)) out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }

    static String error(Throwable error) {
        return "\"error\":[" + quote(error.getClass().getName()) + "," + quote(String.valueOf(error.getMessage())) + "]";
    }

    // ---- schemas

    static void schema(String text) {
        try {
            Schema.Parser parser = new Schema.Parser();
            parser.setValidateDefaults(false);
            line("\"schema\":" + quote(text), "\"text\":" + quote(parser.parse(text).toString()));
        } catch (Exception e) {
            line("\"schema\":" + quote(text), error(e));
        }
    }

    static void schemas() {
        for (String primitive : PRIMITIVES) {
            schema(quote(primitive));
            schema("{\"type\":" + quote(primitive) + "}");
            schema("{\"type\":" + quote(primitive) + ",\"b\":1,\"a\":{\"z\":[1,2.5,true,null,\"x\"],\"y\":1e3}}");
            schema("{\"type\":" + quote(primitive) + ",\"doc\":\"d\",\"name\":\"n\",\"logicalType\":\"mine\"}");
        }
        for (String prop : new String[] {"1.0", "1e10", "1E-7", "100", "-0.0", "123456789012", "0.1", "1e21", "3.4028235E38",
            "\"\\u0001\\u001f\\u007f/\\\\\\\"é\"", "\"\\ud83d\\ude00\"", "{}", "[]", "[[],{}]", "{\"\":\"\"}"})
            schema("{\"type\":\"string\",\"p\":" + prop + "}");
        for (String text : new String[] {
            "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":2}",
            "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":10}",
            "{\"type\":\"fixed\",\"name\":\"f\",\"size\":3,\"logicalType\":\"decimal\",\"precision\":4}",
            "{\"type\":\"fixed\",\"name\":\"duration\",\"size\":12,\"logicalType\":\"duration\",\"aliases\":[\"d\"]}",
            "{\"type\":\"record\",\"name\":\"x.y.a\",\"namespace\":\"q\",\"aliases\":[\"b\",\"q.c\",\"x.y.d\"],\"fields\":[]}",
            "{\"type\":\"record\",\"name\":\"a\",\"namespace\":\"q\",\"fields\":[{\"name\":\"f\",\"type\":{\"type\":\"enum\",\"name\":\"e\",\"namespace\":\"\",\"symbols\":[\"A\"],\"default\":\"A\",\"p\":1}},{\"name\":\"g\",\"type\":{\"type\":\"map\",\"values\":\"a\"}}]}",
            "{\"type\":\"record\",\"name\":\"a\",\"namespace\":\"q\",\"fields\":[{\"name\":\"f\",\"type\":{\"type\":\"record\",\"name\":\"r.b\",\"fields\":[{\"name\":\"g\",\"type\":\"q.a\"}]}},{\"name\":\"h\",\"type\":\"r.b\"},{\"name\":\"i\",\"type\":\"a\"}]}",
            "{\"type\":\"error\",\"name\":\"E\",\"doc\":\"it failed\",\"fields\":[{\"name\":\"why\",\"type\":\"string\",\"order\":\"ignore\",\"doc\":\"\",\"aliases\":[\"w\"],\"x\":1},{\"name\":\"n\",\"type\":\"int\",\"order\":\"descending\",\"default\":3}]}",
            "{\"type\":\"record\",\"name\":\"a\",\"fields\":[{\"name\":\"f\",\"type\":\"b\"},{\"name\":\"g\",\"type\":{\"type\":\"fixed\",\"name\":\"b\",\"size\":3}}]}",
            "{\"type\":\"record\",\"name\":\"a\",\"fields\":[{\"name\":\"f\",\"type\":[\"null\",\"a\"],\"default\":null},{\"name\":\"d\",\"type\":\"double\",\"default\":1},{\"name\":\"b\",\"type\":\"bytes\",\"default\":\"\\u00ff\"}]}",
            "{\"type\":\"record\",\"name\":\"Ünïcode\",\"fields\":[{\"name\":\"é1\",\"type\":\"int\"}]}",
            "[\"null\",{\"type\":\"array\",\"items\":\"long\",\"default\":[]},{\"type\":\"map\",\"values\":[\"int\",\"null\"]}]", "[]",
            "{\"type\":\"enum\",\"name\":\"e\",\"doc\":\"x\",\"symbols\":[\"B\",\"A\"],\"aliases\":[\"n.e2\"],\"q\":null}",
            // Errors.
            "{\"type\":\"foo\"}", "{\"x\":1}", "5", "null", "{", "[\"int\",\"int\"]", "[[\"int\"]]", "{\"type\":\"array\"}", "{\"type\":\"map\"}",
            "{\"type\":{\"type\":\"int\"}}", "{\"type\":\"record\",\"name\":\"e\"}", "{\"type\":\"record\",\"fields\":[]}",
            "{\"type\":\"record\",\"name\":\"\",\"fields\":[]}", "{\"type\":\"record\",\"name\":\"int\",\"fields\":[]}", "{\"type\":\"record\",\"name\":\"1a\",\"fields\":[]}",
            "{\"type\":\"record\",\"name\":\"a-b\",\"fields\":[]}", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"A\"]}",
            "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"],\"default\":\"B\"}", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A B\"]}", "{\"type\":\"enum\",\"name\":\"e\"}",
            "{\"type\":\"record\",\"name\":\"e\",\"fields\":[{\"name\":\"f\",\"type\":\"int\"},{\"name\":\"f\",\"type\":\"int\"}]}",
            "{\"type\":\"record\",\"name\":\"e\",\"fields\":[{\"name\":\"f\"}]}", "{\"type\":\"record\",\"name\":\"e\",\"fields\":[{\"type\":\"int\"}]}",
            "{\"type\":\"record\",\"name\":\"e\",\"fields\":[{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"e\",\"size\":1}}]}", "{\"type\":\"fixed\",\"name\":\"f\"}"
        }) schema(text);
        for (int i = 0; i < 220; i++) {
            names = 0;
            schema(new Maker(true).type(3));
        }
    }

    // ---- random schemas

    static final String[] PRIMITIVES = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"};

    static int random(int bound) {
        return RANDOM.nextInt(bound);
    }

    @SafeVarargs
    static <T> T pick(T... of) {
        return of[random(of.length)];
    }

    /** Makes random schema texts. */
    static class Maker {
        final boolean rich;
        final List<String> known = new ArrayList<>();

        Maker(boolean rich) {
            this.rich = rich;
        }

        String type(int depth) {
            int kind = depth <= 0 ? random(7) : random(14);
            return switch (kind) {
                case 0, 1, 2, 3, 4, 5, 6 -> primitive();
                case 7 -> "{\"type\":\"array\",\"items\":" + type(depth - 1) + "}";
                case 8 -> "{\"type\":\"map\",\"values\":" + type(depth - 1) + "}";
                case 9 -> "{\"type\":\"enum\"," + name() + ",\"symbols\":[\"A\",\"B\",\"C\"]" + (random(2) == 0 ? ",\"default\":\"B\"" : "") + "}";
                case 10 -> "{\"type\":\"fixed\"," + name() + ",\"size\":" + random(6) + "}";
                case 11 -> random(2) == 0 ? optional(depth) : union(depth);
                default -> record(depth);
            };
        }

        String primitive() {
            String type = PRIMITIVES[1 + random(7)];
            return switch (random(6)) {
                case 0 -> switch (type) {
                    case "int" -> "{\"type\":\"int\",\"logicalType\":" + pick("\"date\"", "\"time-millis\"") + "}";
                    case "long" -> "{\"type\":\"long\",\"logicalType\":" + pick("\"timestamp-millis\"", "\"timestamp-micros\"", "\"local-timestamp-millis\"") + "}";
                    case "bytes" -> "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":" + random(4) + "}";
                    default -> quote(type);
                };
                case 1 -> type.equals("int") ? "{\"type\":\"int\",\"connect.type\":" + pick("\"int8\"", "\"int16\"") + "}" : quote(type);
                default -> quote(type);
            };
        }

        String name() {
            String name = "N" + (++names);
            known.add(name);
            return "\"name\":" + quote(name) + (rich && random(3) == 0 ? ",\"doc\":\"of " + name + "\"" : "");
        }

        String optional(int depth) {
            String type = plain(depth - 1);
            return random(2) == 0 ? "[\"null\"," + type + "]" : "[" + type + ",\"null\"]";
        }

        /** A type that is neither null nor a union. */
        String plain(int depth) {
            while (true) {
                String type = type(depth);
                if (!type.startsWith("[") && !type.equals("\"null\"")) return type;
            }
        }

        String union(int depth) {
            List<String> branches = new ArrayList<>(List.of("\"string\"", "\"long\"", "\"double\"", "\"bytes\"", "{\"type\":\"array\",\"items\":\"int\"}"));
            java.util.Collections.shuffle(branches, RANDOM);
            branches = new ArrayList<>(branches.subList(0, 2 + random(2)));
            if (random(2) == 0) branches.add(random(branches.size() + 1), record(depth - 1));
            if (random(2) == 0) branches.add(random(branches.size() + 1), "\"null\"");
            return "[" + String.join(",", branches) + "]";
        }

        String record(int depth) {
            String name = name();
            List<String> fields = new ArrayList<>();
            for (int i = random(5); i >= 0; i--) {
                String type = type(depth - 1);
                fields.add("{\"name\":\"f" + i + "\",\"type\":" + type + (rich && random(4) == 0 ? ",\"doc\":\"field " + i + "\"" : "")
                    + (type.startsWith("[\"null\"") && random(2) == 0 ? ",\"default\":null" : "")
                    + (type.equals("\"int\"") && random(2) == 0 ? ",\"default\":42" : "")
                    + (type.equals("\"string\"") && random(2) == 0 ? ",\"default\":\"d\"" : "") + "}");
            }
            return "{\"type\":\"record\"," + name + (rich && random(3) == 0 ? ",\"namespace\":\"n.s\"" : "") + ",\"fields\":[" + String.join(",", fields) + "]"
                + (rich && random(3) == 0 ? ",\"p\":{\"q\":1}" : "") + "}";
        }
    }

    // ---- data

    static String string() {
        return pick("", "a", "some text", "Zürich", "日本", "😀", "x".repeat(70));
    }

    static Object datum(Schema schema) {
        return switch (schema.getType()) {
            case NULL -> null;
            case BOOLEAN -> RANDOM.nextBoolean();
            case INT -> {
                String logical = schema.getProp("logicalType");
                if ("time-millis".equals(logical)) yield random(86_400_000);
                if ("date".equals(logical)) yield random(40_000) - 10_000;
                yield pick(0, 1, -1, 63, 64, -64, -65, 127, 32767, Integer.MAX_VALUE, Integer.MIN_VALUE, RANDOM.nextInt());
            }
            case LONG -> pick(0L, 1L, -1L, 1L << 40, Long.MAX_VALUE, Long.MIN_VALUE, RANDOM.nextLong());
            case FLOAT -> pick(0f, -0f, 1.5f, Float.MAX_VALUE, Float.NaN, Float.NEGATIVE_INFINITY, RANDOM.nextFloat());
            case DOUBLE -> pick(0d, -0d, 1.1, Double.MIN_VALUE, Double.NaN, Double.POSITIVE_INFINITY, RANDOM.nextDouble());
            case STRING -> string();
            case BYTES -> {
                byte[] bytes = new byte[random(5)];
                RANDOM.nextBytes(bytes);
                yield ByteBuffer.wrap("decimal".equals(schema.getProp("logicalType")) ? BigInteger.valueOf(RANDOM.nextInt()).toByteArray() : bytes);
            }
            case FIXED -> {
                byte[] bytes = new byte[schema.getFixedSize()];
                RANDOM.nextBytes(bytes);
                yield new GenericData.Fixed(schema, bytes);
            }
            case ENUM -> new GenericData.EnumSymbol(schema, schema.getEnumSymbols().get(random(schema.getEnumSymbols().size())));
            case ARRAY -> {
                List<Object> list = new ArrayList<>();
                for (int i = random(4); i > 0; i--) list.add(datum(schema.getElementType()));
                yield list;
            }
            case MAP -> {
                Map<String, Object> map = new HashMap<>();
                for (int i = random(random(3) == 0 ? 20 : 5); i > 0; i--) map.put("k" + random(1000), datum(schema.getValueType()));
                yield map;
            }
            case UNION -> datum(schema.getTypes().get(random(schema.getTypes().size())));
            case RECORD -> {
                GenericData.Record record = new GenericData.Record(schema);
                for (Schema.Field field : schema.getFields()) record.put(field.pos(), datum(field.schema()));
                yield record;
            }
        };
    }

    static byte[] write(Schema schema, Object datum) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
        new GenericDatumWriter<>(schema).write(datum, encoder);
        encoder.flush();
        return out.toByteArray();
    }

    static Object read(Schema writer, Schema reader, byte[] bytes) throws IOException {
        return new GenericDatumReader<>(writer, reader).read(null, DecoderFactory.get().binaryDecoder(bytes, null));
    }

    /** A datum as the value that it is in Connect. */
    static String value(Schema schema, Object datum) {
        if (schema.getType() == Schema.Type.UNION) {
            List<Schema> branches = schema.getTypes();
            int index = GenericData.get().resolveUnion(schema, datum);
            if (datum == null) return "null";
            boolean plain = branches.size() == 1 || branches.size() == 2 && branches.stream().anyMatch(b -> b.getType() == Schema.Type.NULL);
            if (plain) return value(branches.get(index), datum);
            List<String> members = new ArrayList<>();
            for (int i = 0; i < branches.size(); i++) {
                if (branches.get(i).getType() != Schema.Type.NULL) members.add(i == index ? value(branches.get(i), datum) : "null");
            }
            return "{\"struct\":[" + String.join(",", members) + "]}";
        }
        String logical = schema.getProp("logicalType");
        String connectType = schema.getProp("connect.type");
        return switch (schema.getType()) {
            case NULL -> "null";
            case BOOLEAN -> datum.toString();
            case INT -> {
                int i = (Integer) datum;
                if ("date".equals(logical)) yield "{\"date\":" + i * 86_400_000L + "}";
                if ("time-millis".equals(logical)) yield "{\"date\":" + i + "}";
                if ("int8".equals(connectType)) yield "{\"i8\":" + (byte) i + "}";
                if ("int16".equals(connectType)) yield "{\"i16\":" + (short) i + "}";
                yield "{\"i32\":" + i + "}";
            }
            case LONG -> "timestamp-millis".equals(logical) ? "{\"date\":" + datum + "}" : "{\"i64\":" + datum + "}";
            case FLOAT -> "{\"f32\":" + Integer.toUnsignedString(Float.floatToRawIntBits((Float) datum)) + "}";
            case DOUBLE -> "{\"f64\":" + Long.toUnsignedString(Double.doubleToRawLongBits((Double) datum)) + "}";
            case STRING, ENUM -> quote(datum.toString());
            case BYTES -> {
                byte[] bytes = ((ByteBuffer) datum).array();
                if ("decimal".equals(logical)) yield "{\"decimal\":[" + quote(new BigInteger(bytes).toString()) + "," + schema.getObjectProp("scale") + "]}";
                yield "{\"bytes\":" + quote(Base64.getEncoder().encodeToString(bytes)) + "}";
            }
            case FIXED -> "{\"bytes\":" + quote(Base64.getEncoder().encodeToString(((GenericFixed) datum).bytes())) + "}";
            case ARRAY -> {
                List<String> items = new ArrayList<>();
                for (Object item : (Iterable<?>) datum) items.add(value(schema.getElementType(), item));
                yield "[" + String.join(",", items) + "]";
            }
            case MAP -> {
                // The map that a converter hands on is made for the number of its entries.
                Map<String, Object> map = new HashMap<>(((Map<?, ?>) datum).size());
                ((Map<?, ?>) datum).forEach((k, v) -> map.put(k.toString(), v));
                List<String> entries = new ArrayList<>();
                map.forEach((k, v) -> entries.add("[" + quote(k) + "," + value(schema.getValueType(), v) + "]"));
                yield "{\"map\":[" + String.join(",", entries) + "]}";
            }
            case RECORD -> {
                List<String> fields = new ArrayList<>();
                for (Schema.Field field : schema.getFields()) fields.add(value(field.schema(), ((IndexedRecord) datum).get(field.pos())));
                yield "{\"struct\":[" + String.join(",", fields) + "]}";
            }
            default -> throw new IllegalArgumentException(schema.toString());
        };
    }

    static String base64(byte[] bytes) {
        return quote(Base64.getEncoder().encodeToString(bytes));
    }

    static void data() throws IOException {
        for (int i = 0; i < 450; i++) {
            names = 0;
            Schema schema = new Schema.Parser().parse(new Maker(false).type(i % 4));
            byte[] bytes = write(schema, datum(schema));
            line("\"schema\":" + quote(schema.toString()), "\"bytes\":" + base64(bytes), "\"value\":" + value(schema, read(schema, schema, bytes)));
        }
        // Bytes that are no datum.
        String[] broken = {"\"int\"", "", "\"int\"", "//////8=", "\"long\"", "////////////", "\"string\"", "AQ==", "\"string\"", "CGFi", "\"bytes\"", "AQ==",
            "\"boolean\"", "", "\"float\"", "AAA=", "\"double\"", "AAAAAAAAAA==", "{\"type\":\"array\",\"items\":\"int\"}", "Ag==",
            "{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}", "AAAA", "{\"type\":\"map\",\"values\":\"int\"}", "AgJh"};
        for (int i = 0; i < broken.length; i += 2) {
            Schema schema = new Schema.Parser().parse(broken[i]);
            try {
                Object datum = read(schema, schema, Base64.getDecoder().decode(broken[i + 1]));
                line("\"schema\":" + quote(schema.toString()), "\"bytes\":" + quote(broken[i + 1]), "\"value\":" + value(schema, datum));
            } catch (Exception e) {
                line("\"schema\":" + quote(schema.toString()), "\"bytes\":" + quote(broken[i + 1]), error(e));
            }
        }
    }

    // ---- resolution

    static void resolve(String writerText, String readerText, Object datum) throws IOException {
        Schema writer = new Schema.Parser().parse(writerText);
        Schema reader = new Schema.Parser().parse(readerText);
        byte[] bytes = write(writer, datum == null ? datum(writer) : datum);
        String head = "\"writer\":" + quote(writer.toString()) + ",\"reader\":" + quote(reader.toString()) + ",\"bytes\":" + base64(bytes);
        try {
            line(head, "\"value\":" + value(reader, read(writer, reader, bytes)));
        } catch (Exception e) {
            line(head, error(e));
        }
    }

    static String record(String name, String more, String... fields) {
        return "{\"type\":\"record\",\"name\":\"" + name + "\"" + more + ",\"fields\":[" + String.join(",", fields) + "]}";
    }

    static String field(String name, String type, String more) {
        return "{\"name\":\"" + name + "\",\"type\":" + type + more + "}";
    }

    static void resolution() throws IOException {
        // Every primitive as every other, plain and in unions.
        for (int w = 0; w < PRIMITIVES.length; w++) {
            for (int r = 0; r < PRIMITIVES.length; r++) {
                String writer = quote(PRIMITIVES[w]), reader = quote(PRIMITIVES[r]);
                if (r == 0 && w == 0) continue;
                if (r > 0) resolve(record("R", "", field("f", writer, "")), record("R", "", field("f", reader, "")), null);
                if (w > 0 && r > 0) {
                    resolve(record("R", "", field("f", "[\"null\"," + writer + "]", "")), record("R", "", field("f", reader, "")), null);
                    resolve(record("R", "", field("f", writer, "")), record("R", "", field("f", "[\"null\"," + reader + "]", "")), null);
                    resolve(record("R", "", field("f", writer, "")), record("R", "", field("f", "[" + reader + ",\"null\",{\"type\":\"array\",\"items\":\"int\"}]", "")), null);
                }
            }
        }
        // Fields that are dropped, added, moved and renamed.
        String[] types = {"\"int\"", "\"string\"", "\"bytes\"", "\"double\"", "[\"null\",\"long\"]", "{\"type\":\"array\",\"items\":\"string\"}",
            "{\"type\":\"map\",\"values\":\"int\"}", "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}",
            "{\"type\":\"record\",\"name\":\"S\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}", "[\"int\",\"string\",\"null\"]"};
        String[] defaults = {"7", "\"d\"", "\"\\u00ff\\u0000\"", "1.5", "null", "[\"a\",\"b\"]", "{\"k\":1,\"l\":2}", "\"B\"", "\"ab\"", "{\"x\":5}", "3"};
        for (int i = 0; i < types.length; i++) {
            String f = field("f", types[i], "");
            String withDefault = field("f", types[i], ",\"default\":" + defaults[i]);
            resolve(record("R", "", field("a", "\"int\"", ""), f, field("z", "\"string\"", "")), record("R", "", field("z", "\"string\"", ""), field("a", "\"long\"", "")), null);
            resolve(record("R", "", field("a", "\"int\"", "")), record("R", "", withDefault, field("a", "\"int\"", "")), null);
            resolve(record("R", "", field("a", "\"int\"", "")), record("R", "", f), null);
            resolve(record("R", "", f, field("a", "\"int\"", "")), record("R", "", field("a", "\"double\"", ""), field("g", types[i], ",\"aliases\":[\"f\"]")), null);
            resolve(record("R", "", f), record("Q", ",\"aliases\":[\"R\"]", f), null);
            resolve(record("R", "", f), record("Q", "", f), null);
            resolve(record("R", "", field("a", types[i], "")), record("R", "", field("a", "{\"type\":\"array\",\"items\":\"long\"}", "")), null);
            for (String other : types) {
                resolve(record("R", "", field("a", types[i], "")), record("R", "", field("a", other, "")), null);
            }
        }
        // Enums and fixed.
        String e = "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\",\"C\"]}";
        for (String reader : new String[] {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"C\",\"B\",\"A\"]}", "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}",
            "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"X\"],\"default\":\"X\"}", "{\"type\":\"enum\",\"name\":\"D\",\"symbols\":[\"A\",\"B\",\"C\"]}",
            "{\"type\":\"enum\",\"name\":\"D\",\"aliases\":[\"E\"],\"symbols\":[\"A\",\"B\",\"C\"]}", "{\"type\":\"enum\",\"name\":\"n.E\",\"symbols\":[\"A\",\"B\",\"C\"]}"}) {
            for (int i = 0; i < 3; i++) resolve(record("R", "", field("f", e, "")), record("R", "", field("f", reader, "")), null);
        }
        // Records in unions, by name and by structure.
        String s = "{\"type\":\"record\",\"name\":\"S\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}";
        String t = "{\"type\":\"record\",\"name\":\"T\",\"fields\":[{\"name\":\"y\",\"type\":\"int\"}]}";
        String sn = "{\"type\":\"record\",\"name\":\"n.S\",\"fields\":[{\"name\":\"x\",\"type\":\"long\"}]}";
        String u = "{\"type\":\"record\",\"name\":\"U\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"},{\"name\":\"w\",\"type\":\"int\",\"default\":9}]}";
        String[] unions = {"[" + s + "," + t + "]", "[" + t + "," + s + "]", "[" + sn + "," + t + ",\"null\"]", "[" + u + "," + t + "]", "[" + t + ",\"string\"]", "[\"null\"," + s + "]",
            "[\"null\"," + u + "]", "[\"null\",\"int\"]", "[\"string\"," + s + ",\"int\"]", "[\"bytes\",\"double\"]", "[\"int\",\"string\"]", "[\"long\",\"bytes\",\"null\"]"};
        for (String writer : unions)
            for (String reader : unions)
                for (int i = 0; i < 2; i++) resolve(record("R", "", field("f", writer, "")), record("R", "", field("f", reader, "")), null);
        // Random ones read as themselves with one field more.
        for (int i = 0; i < 60; i++) {
            names = 0;
            String inner = new Maker(false).type(2);
            resolve(record("R", "", field("f", inner, ""), field("g", "\"int\"", "")),
                record("R", "", field("added", "[\"null\",\"string\"]", ",\"default\":null"), field("f", inner, "")), null);
        }
    }
}
