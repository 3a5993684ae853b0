import java.io.ByteArrayInputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * The offset file of a standalone worker.
 *
 * <p>{@code OffsetFile N} prints a file of N entries in the order of identity hashes, which differs from
 * run to run: readers look at the entries, and writers are compared with the order that was read.
 *
 * <p>{@code OffsetFile read} reads a file from standard input and prints its entries as sorted text.
 */
public class OffsetFile {
    public static void main(String[] args) throws Exception {
        if (args[0].equals("read")) {
            read();
            return;
        }
        Map<byte[], byte[]> raw = new HashMap<>();
        for (int i = 0; i < Integer.parseInt(args[0]); i++) {
            byte[] key = ("[\"source\",{\"filename\":\"" + i + ".txt\"}]").getBytes(StandardCharsets.UTF_8);
            raw.put(key, i == 7 ? null : ("{\"position\":" + i + "}").getBytes(StandardCharsets.UTF_8));
        }
        ObjectOutputStream out = new ObjectOutputStream(System.out);
        out.writeObject(raw);
        out.flush();
    }

    @SuppressWarnings("unchecked")
    private static void read() throws Exception {
        ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(System.in.readAllBytes()));
        Map<String, String> sorted = new TreeMap<>();
        ((Map<byte[], byte[]>) in.readObject()).forEach((key, value) -> sorted.put(text(key), text(value)));
        sorted.forEach((key, value) -> System.out.println(key + " " + value));
    }

    private static String text(byte[] bytes) {
        return bytes == null ? "null" : new String(bytes, StandardCharsets.UTF_8);
    }
}
