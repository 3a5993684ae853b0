import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Label;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Type;
import com.google.protobuf.DescriptorProtos.FieldOptions;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.MessageOptions;
import com.google.protobuf.DescriptorProtos.OneofDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.WrappersProto;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Prints what protobuf-java reads and writes by {@code DynamicMessage}, one JSON object per line: a line
 * with a schema, then lines with bytes of its message, and either the value in them or the error, and the
 * bytes that are written for that value.
 */
public class ProtobufGolden {
    static final Random RANDOM = new Random(20260102);
    static final Type[] SCALARS = {
        Type.TYPE_INT32, Type.TYPE_SINT32, Type.TYPE_SFIXED32, Type.TYPE_UINT32, Type.TYPE_FIXED32,
        Type.TYPE_INT64, Type.TYPE_SINT64, Type.TYPE_SFIXED64, Type.TYPE_UINT64, Type.TYPE_FIXED64,
        Type.TYPE_FLOAT, Type.TYPE_DOUBLE, Type.TYPE_BOOL, Type.TYPE_STRING, Type.TYPE_BYTES,
    };

    public static void main(String[] args) throws Exception {
        System.setOut(new java.io.PrintStream(System.out, false, StandardCharsets.UTF_8));
        suite("scalars", scalars(Label.LABEL_OPTIONAL, false, null), 40);
        suite("presence", scalars(Label.LABEL_OPTIONAL, true, null), 40);
        suite("packed", scalars(Label.LABEL_REPEATED, false, null), 40);
        suite("unpacked", scalars(Label.LABEL_REPEATED, false, false), 40);
        suite("maps", maps(), 40);
        suite("oneofs", oneofs(), 40);
        suite("nested", nested(), 40);
        suite("wrappers", wrappers(), 40);
        suite("proto2", proto2(), 40);
        System.out.flush();
    }

    // Schemas.

    static FileDescriptorProto.Builder file(String syntax) {
        return FileDescriptorProto.newBuilder().setName("default").setPackage("golden").setSyntax(syntax);
    }

    static FieldDescriptorProto.Builder field(String name, int number, Type type) {
        return FieldDescriptorProto.newBuilder().setName(name).setNumber(number).setType(type)
            .setLabel(Label.LABEL_OPTIONAL);
    }

    static FieldDescriptorProto.Builder named(String name, int number, Type type, String typeName) {
        return field(name, number, type).setTypeName(typeName);
    }

    static EnumDescriptorProto color() {
        EnumDescriptorProto.Builder color = EnumDescriptorProto.newBuilder().setName("Color");
        String[] names = {"RED", "GREEN", "BLUE", "NONE"};
        int[] numbers = {0, 1, 1000, -1};
        for (int i = 0; i < names.length; i++) {
            color.addValue(EnumValueDescriptorProto.newBuilder().setName(names[i]).setNumber(numbers[i]));
        }
        return color.build();
    }

    static FileDescriptorProto scalars(Label label, boolean presence, Boolean packed) {
        DescriptorProto.Builder message = DescriptorProto.newBuilder().setName("M");
        int number = 1;
        for (Type type : SCALARS) {
            String name = "f_" + type.name().substring(5).toLowerCase();
            FieldDescriptorProto.Builder field = field(name, number++, type).setLabel(label);
            boolean packable = type != Type.TYPE_STRING && type != Type.TYPE_BYTES;
            if (packed != null && packable) {
                field.setOptions(FieldOptions.newBuilder().setPacked(packed));
            }
            add(message, field, presence);
        }
        // Numbers that take two and four bytes.
        FieldDescriptorProto.Builder color = named("color", 16, Type.TYPE_ENUM, "Color").setLabel(label);
        if (packed != null) {
            color.setOptions(FieldOptions.newBuilder().setPacked(packed));
        }
        add(message, color, presence);
        add(message, field("far", 536870911, Type.TYPE_INT32).setLabel(label), presence);
        return file("proto3").addMessageType(message).addEnumType(color()).build();
    }

    static void add(DescriptorProto.Builder message, FieldDescriptorProto.Builder field, boolean presence) {
        if (presence) {
            field.setProto3Optional(true).setOneofIndex(message.getOneofDeclCount());
            message.addOneofDecl(OneofDescriptorProto.newBuilder().setName("_" + field.getName()));
        }
        message.addField(field);
    }

    static DescriptorProto entry(String name, FieldDescriptorProto.Builder key, FieldDescriptorProto.Builder value) {
        return DescriptorProto.newBuilder().setName(name).addField(key).addField(value)
            .setOptions(MessageOptions.newBuilder().setMapEntry(true)).build();
    }

    static FileDescriptorProto maps() {
        DescriptorProto.Builder message = DescriptorProto.newBuilder().setName("M");
        Type[] keys = {Type.TYPE_STRING, Type.TYPE_INT32, Type.TYPE_SINT64, Type.TYPE_BOOL, Type.TYPE_FIXED32};
        int number = 1;
        for (Type key : keys) {
            String name = "M" + number + "Entry";
            FieldDescriptorProto.Builder value = field("value", 2, SCALARS[RANDOM.nextInt(SCALARS.length)]);
            message.addNestedType(entry(name, field("key", 1, key), value));
            message.addField(named("m" + number, number, Type.TYPE_MESSAGE, name).setLabel(Label.LABEL_REPEATED));
            number++;
        }
        message.addNestedType(entry("ToColorEntry", field("key", 1, Type.TYPE_STRING), named("value", 2, Type.TYPE_ENUM, "Color")));
        message.addField(named("to_color", 20, Type.TYPE_MESSAGE, "ToColorEntry").setLabel(Label.LABEL_REPEATED));
        message.addNestedType(entry("ToInnerEntry", field("key", 1, Type.TYPE_STRING), named("value", 2, Type.TYPE_MESSAGE, "Inner")));
        message.addField(named("to_inner", 21, Type.TYPE_MESSAGE, "ToInnerEntry").setLabel(Label.LABEL_REPEATED));
        return file("proto3").addMessageType(message).addMessageType(inner()).addEnumType(color()).build();
    }

    static DescriptorProto inner() {
        return DescriptorProto.newBuilder().setName("Inner")
            .addField(field("a", 1, Type.TYPE_INT32)).addField(field("b", 2, Type.TYPE_STRING)).build();
    }

    static FileDescriptorProto oneofs() {
        DescriptorProto.Builder message = DescriptorProto.newBuilder().setName("M");
        message.addField(field("before", 1, Type.TYPE_STRING));
        message.addOneofDecl(OneofDescriptorProto.newBuilder().setName("first"));
        message.addOneofDecl(OneofDescriptorProto.newBuilder().setName("second"));
        int number = 2;
        for (Type type : SCALARS) {
            String name = "o_" + type.name().substring(5).toLowerCase();
            message.addField(field(name, number, type).setOneofIndex(number % 2));
            number++;
        }
        message.addField(named("o_inner", 30, Type.TYPE_MESSAGE, "Inner").setOneofIndex(0));
        message.addField(named("o_color", 31, Type.TYPE_ENUM, "Color").setOneofIndex(1));
        message.addField(field("after", 32, Type.TYPE_INT64));
        return file("proto3").addMessageType(message).addMessageType(inner()).addEnumType(color()).build();
    }

    static FileDescriptorProto nested() {
        DescriptorProto.Builder leaf = DescriptorProto.newBuilder().setName("Leaf")
            .addField(field("x", 3, Type.TYPE_SINT32)).addField(field("y", 1, Type.TYPE_BYTES))
            .addField(named("colors", 2, Type.TYPE_ENUM, "Color").setLabel(Label.LABEL_REPEATED));
        DescriptorProto.Builder branch = DescriptorProto.newBuilder().setName("Branch").addNestedType(leaf)
            .addField(named("leaf", 1, Type.TYPE_MESSAGE, "Leaf"))
            .addField(named("leaves", 2, Type.TYPE_MESSAGE, "Leaf").setLabel(Label.LABEL_REPEATED))
            .addField(field("texts", 3, Type.TYPE_STRING).setLabel(Label.LABEL_REPEATED));
        DescriptorProto.Builder message = DescriptorProto.newBuilder().setName("M").addNestedType(branch)
            .addField(named("branches", 9, Type.TYPE_MESSAGE, "Branch").setLabel(Label.LABEL_REPEATED))
            .addField(named("branch", 4, Type.TYPE_MESSAGE, "Branch"))
            .addField(named("next", 1000, Type.TYPE_MESSAGE, "M"))
            .addField(field("last", 1, Type.TYPE_DOUBLE));
        return file("proto3").addMessageType(message).addEnumType(color()).build();
    }

    static FileDescriptorProto wrappers() {
        DescriptorProto.Builder message = DescriptorProto.newBuilder().setName("M");
        int number = 1;
        for (Descriptor wrapper : WrappersProto.getDescriptor().getMessageTypes()) {
            String name = "w_" + wrapper.getName().toLowerCase();
            message.addField(named(name, number++, Type.TYPE_MESSAGE, "." + wrapper.getFullName()));
        }
        message.addField(named("all", 20, Type.TYPE_MESSAGE, ".google.protobuf.Int64Value").setLabel(Label.LABEL_REPEATED));
        return file("proto3").addDependency("google/protobuf/wrappers.proto").addMessageType(message).build();
    }

    static FileDescriptorProto proto2() {
        DescriptorProto.Builder message = DescriptorProto.newBuilder().setName("M");
        String[] defaults = {"5", "-6", "7", "8", "4294967295", "9", "-10", "11", "12", "13", "1.5", "inf", "true", "text", "a\\001b"};
        for (int i = 0; i < SCALARS.length; i++) {
            message.addField(field("d" + i, i + 1, SCALARS[i]).setDefaultValue(defaults[i]));
        }
        message.addField(field("needed", 20, Type.TYPE_STRING).setLabel(Label.LABEL_REQUIRED));
        message.addField(field("plain", 21, Type.TYPE_STRING));
        message.addField(named("color", 22, Type.TYPE_ENUM, "Color").setDefaultValue("BLUE"));
        message.addField(named("colors", 23, Type.TYPE_ENUM, "Color").setLabel(Label.LABEL_REPEATED));
        message.addField(field("numbers", 24, Type.TYPE_INT32).setLabel(Label.LABEL_REPEATED));
        message.addField(named("part", 25, Type.TYPE_MESSAGE, "Part"));
        message.addField(named("parts", 26, Type.TYPE_MESSAGE, "Part").setLabel(Label.LABEL_REPEATED));
        DescriptorProto.Builder part = DescriptorProto.newBuilder().setName("Part")
            .addField(field("id", 1, Type.TYPE_INT32).setLabel(Label.LABEL_REQUIRED));
        return file("proto2").addMessageType(message).addMessageType(part).addEnumType(color()).build();
    }

    // Cases.

    static Descriptor unmarked;

    static void suite(String name, FileDescriptorProto proto, int numMessages) throws Exception {
        FileDescriptor[] dependencies = proto.getDependencyCount() > 0
            ? new FileDescriptor[] {WrappersProto.getDescriptor()} : new FileDescriptor[0];
        Descriptor descriptor = FileDescriptor.buildFrom(proto, dependencies).findMessageTypeByName("M");
        // Confluent's converter writes the entries of maps as messages that are not marked as such.
        FileDescriptorProto.Builder plain = proto.toBuilder();
        for (DescriptorProto.Builder message : plain.getMessageTypeBuilderList()) {
            message.getNestedTypeBuilderList().forEach(DescriptorProto.Builder::clearOptions);
        }
        unmarked = FileDescriptor.buildFrom(plain.build(), dependencies).findMessageTypeByName("M");
        System.out.println("{\"schema\":" + text(Base64.getEncoder().encodeToString(proto.toByteArray()))
            + ",\"suite\":" + text(name) + "}");
        emit(descriptor, new byte[0]);
        byte[] before = new byte[0];
        for (int i = 0; i < numMessages; i++) {
            byte[] bytes = message(descriptor, 3).toByteArray();
            emit(descriptor, bytes);
            switch (i % 4) {
                // Two messages in a row are one: later scalars count, messages are merged.
                case 0 -> emit(descriptor, concat(before, bytes));
                case 1 -> emit(descriptor, concat(unknownFields(), bytes));
                case 2 -> emit(descriptor, java.util.Arrays.copyOf(bytes, RANDOM.nextInt(bytes.length + 1)));
                default -> {
                    byte[] changed = bytes.clone();
                    for (int j = 0; j < 2 && changed.length > 0; j++) {
                        changed[RANDOM.nextInt(changed.length)] = (byte) RANDOM.nextInt(256);
                    }
                    emit(descriptor, changed);
                }
            }
            before = bytes;
        }
        for (FieldDescriptor field : descriptor.getFields()) {
            if (field.isPackable()) {
                emit(descriptor, otherPacking(field));
            }
        }
    }

    static byte[] concat(byte[] first, byte[] second) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(first);
        out.writeBytes(second);
        return out.toByteArray();
    }

    /** Fields that no schema here has, a group among them. */
    static byte[] unknownFields() {
        UnknownFieldSet.Field any = UnknownFieldSet.Field.newBuilder().addVarint(-1).addFixed32(1).addFixed64(2)
            .addLengthDelimited(ByteString.copyFromUtf8("x"))
            .addGroup(UnknownFieldSet.newBuilder().addField(1, UnknownFieldSet.Field.newBuilder().addVarint(1).build()).build())
            .build();
        return UnknownFieldSet.newBuilder().addField(500, any).addField(70000, any).build().toByteArray();
    }

    /** Some values packed where they are not, and the other way round. */
    static byte[] otherPacking(FieldDescriptor field) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        int wireType = field.getLiteType().getWireType();
        int number = field.getNumber();
        for (int i = 1; i < 4; i++) {
            out.writeTag(number, wireType);
            raw(out, wireType, i);
        }
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        CodedOutputStream inner = CodedOutputStream.newInstance(packed);
        for (int i = 0; i < 3; i++) {
            raw(inner, wireType, i);
        }
        inner.flush();
        out.writeBytes(number, ByteString.copyFrom(packed.toByteArray()));
        out.flush();
        return bytes.toByteArray();
    }

    static void raw(CodedOutputStream out, int wireType, int value) throws Exception {
        switch (wireType) {
            case 0 -> out.writeUInt64NoTag(value);
            case 1 -> out.writeFixed64NoTag(value);
            default -> out.writeFixed32NoTag(value);
        }
    }

    static void emit(Descriptor descriptor, byte[] bytes) {
        StringBuilder line = new StringBuilder("{\"bytes\":\"" + hex(bytes) + "\",");
        try {
            DynamicMessage message = DynamicMessage.parseFrom(descriptor, bytes);
            line.append("\"value\":").append(value(message));
            DynamicMessage written = DynamicMessage.parseFrom(unmarked, rebuilt(message).toByteArray());
            line.append(",\"written\":\"").append(hex(written.toByteArray())).append("\"}");
        } catch (InvalidProtocolBufferException e) {
            line.append("\"error\":").append(text(e.getClass().getName() + ": " + e.getMessage())).append("}");
        }
        System.out.println(line);
    }

    /** The same message without unknown fields, with the entries of maps as a hash map has them. */
    static DynamicMessage rebuilt(Message message) {
        DynamicMessage.Builder builder = DynamicMessage.newBuilder(message.getDescriptorForType());
        for (Map.Entry<FieldDescriptor, Object> entry : message.getAllFields().entrySet()) {
            FieldDescriptor field = entry.getKey();
            if (field.isMapField()) {
                for (Map.Entry<Object, Object> e : map(field, message).entrySet()) {
                    DynamicMessage.Builder part = DynamicMessage.newBuilder(field.getMessageType());
                    part.setField(field.getMessageType().findFieldByNumber(1), e.getKey());
                    Object value = e.getValue();
                    part.setField(field.getMessageType().findFieldByNumber(2), value instanceof Message m ? rebuilt(m) : value);
                    builder.addRepeatedField(field, part.build());
                }
            } else if (field.isRepeated()) {
                for (Object item : (List<?>) entry.getValue()) {
                    builder.addRepeatedField(field, item instanceof Message m ? rebuilt(m) : item);
                }
            } else {
                builder.setField(field, entry.getValue() instanceof Message m ? rebuilt(m) : entry.getValue());
            }
        }
        return builder.buildPartial();
    }

    static Map<Object, Object> map(FieldDescriptor field, Message message) {
        Map<Object, Object> map = new HashMap<>();
        Descriptor entry = field.getMessageType();
        for (Object item : (List<?>) message.getField(field)) {
            map.put(((Message) item).getField(entry.findFieldByNumber(1)), ((Message) item).getField(entry.findFieldByNumber(2)));
        }
        return map;
    }

    static final long[] NUMBERS = {0, 1, -1, 127, 128, 300, -128, Integer.MAX_VALUE, Integer.MIN_VALUE, Long.MAX_VALUE, Long.MIN_VALUE};
    static final String[] TEXTS = {"", "a", "héllo", "\u0000\"\\", "日本語 and more text that is longer than one byte of length can tell, which takes a hundred and twenty-eight", "😀"};
    static final double[] FRACTIONS = {0, -0.0, 1.5, -2.25e-300, 1e300, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};

    static DynamicMessage message(Descriptor descriptor, int depth) {
        DynamicMessage.Builder builder = DynamicMessage.newBuilder(descriptor);
        for (FieldDescriptor field : descriptor.getFields()) {
            if (!field.isRequired() && RANDOM.nextInt(3) == 0) {
                continue;
            }
            if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE && depth == 0) {
                continue;
            }
            if (field.isRepeated()) {
                int length = RANDOM.nextInt(4);
                for (int i = 0; i < length; i++) {
                    builder.addRepeatedField(field, any(field, depth));
                }
            } else {
                builder.setField(field, any(field, depth));
            }
        }
        return builder.build();
    }

    static Object any(FieldDescriptor field, int depth) {
        long number = RANDOM.nextInt(4) == 0 ? RANDOM.nextLong() : NUMBERS[RANDOM.nextInt(NUMBERS.length)];
        return switch (field.getJavaType()) {
            case INT -> (int) number;
            case LONG -> number;
            case FLOAT -> (float) FRACTIONS[RANDOM.nextInt(FRACTIONS.length)];
            case DOUBLE -> FRACTIONS[RANDOM.nextInt(FRACTIONS.length)];
            case BOOLEAN -> RANDOM.nextBoolean();
            case STRING -> TEXTS[RANDOM.nextInt(TEXTS.length)];
            case BYTE_STRING -> {
                byte[] bytes = new byte[RANDOM.nextInt(5)];
                RANDOM.nextBytes(bytes);
                yield ByteString.copyFrom(bytes);
            }
            case ENUM -> {
                // A number without a name now and then, where the enum allows it.
                if (!field.legacyEnumFieldTreatedAsClosed() && RANDOM.nextInt(5) == 0) {
                    yield field.getEnumType().findValueByNumberCreatingIfUnknown(77);
                }
                List<EnumValueDescriptor> values = field.getEnumType().getValues();
                yield values.get(RANDOM.nextInt(values.size()));
            }
            case MESSAGE -> message(field.getMessageType(), depth - 1);
        };
    }

    // The notation of values: numbers as text, the others behind a letter.

    static String value(Message message) {
        List<String> parts = new ArrayList<>();
        for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
            boolean isSet = field.isRepeated() || !field.hasPresence() || message.hasField(field);
            // proto2 fields are null if they are not set; required ones are always set.
            parts.add(text(field.getName()) + ":" + (isSet ? value(field, message) : "null"));
        }
        return "{" + String.join(",", parts) + "}";
    }

    static String value(FieldDescriptor field, Message message) {
        if (field.isMapField()) {
            List<String> entries = new ArrayList<>();
            Descriptor entry = field.getMessageType();
            map(field, message).forEach((key, item) -> entries.add("[" + single(entry.findFieldByNumber(1), key) + ","
                + single(entry.findFieldByNumber(2), item) + "]"));
            return "[" + String.join(",", entries) + "]";
        }
        if (field.isRepeated()) {
            List<String> items = new ArrayList<>();
            for (Object item : (List<?>) message.getField(field)) {
                items.add(single(field, item));
            }
            return "[" + String.join(",", items) + "]";
        }
        return single(field, message.getField(field));
    }

    static String single(FieldDescriptor field, Object value) {
        return switch (field.getJavaType()) {
            case INT -> {
                boolean unsigned = field.getType() == FieldDescriptor.Type.UINT32 || field.getType() == FieldDescriptor.Type.FIXED32;
                yield text(unsigned ? Integer.toUnsignedString((Integer) value) : value.toString());
            }
            case LONG, BOOLEAN -> text(value.toString());
            case FLOAT -> text("f" + Integer.toHexString(Float.floatToRawIntBits((Float) value)));
            case DOUBLE -> text("d" + Long.toHexString(Double.doubleToRawLongBits((Double) value)));
            case STRING -> text("s" + value);
            case BYTE_STRING -> text("b" + hex(((ByteString) value).toByteArray()));
            case ENUM -> text("s" + value);
            case MESSAGE -> {
                Message message = (Message) value;
                Descriptor type = message.getDescriptorForType();
                boolean isWrapper = type.getFile().getName().equals("google/protobuf/wrappers.proto");
                FieldDescriptor wrapped = type.findFieldByNumber(1);
                yield isWrapper ? single(wrapped, message.getField(wrapped)) : value(message);
            }
        };
    }

    static String hex(byte[] bytes) {
        StringBuilder hex = new StringBuilder();
        for (byte b : bytes) {
            hex.append(String.format("%02x", b));
        }
        return hex.toString();
    }

    static String text(String value) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : value.toCharArray()) {
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c < ' ' || c > '~') {
                json.append(String.format("\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        return json.append('"').toString();
    }
}
