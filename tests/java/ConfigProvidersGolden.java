import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.common.config.ConfigData;
import org.apache.kafka.common.config.ConfigTransformer;
import org.apache.kafka.common.config.provider.ConfigProvider;
import org.apache.kafka.common.config.provider.DirectoryConfigProvider;
import org.apache.kafka.common.config.provider.EnvVarConfigProvider;
import org.apache.kafka.common.config.provider.FileConfigProvider;

/**
 * Prints what Kafka's config providers make of many inputs, one JSON object per line, for the tests of
 * the runtime: {@code tests/java/run ConfigProvidersGolden SUITE}. The suites are transform, file,
 * directory and environment. Paths below the temporary directory are printed as {@code /DIR}.
 */
public class ConfigProvidersGolden {
    static final Random RANDOM = new Random(20260102);

    public static void main(String[] args) throws Exception {
        // The providers log what they refuse, and on standard output.
        System.setProperty("log4j2.level", "OFF");
        System.setOut(new java.io.PrintStream(System.out, false, StandardCharsets.UTF_8));
        switch (args[0]) {
            case "transform" -> transform();
            case "file" -> file();
            case "directory" -> directory();
            case "environment" -> environment();
            default -> throw new IllegalArgumentException(args[0]);
        }
        System.out.flush();
    }

    static String quote(String text) {
        if (text == null) return "null";
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < 0x20 || c > 0x7e) out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }

    static String object(Map<String, String> map) {
        StringBuilder out = new StringBuilder("{");
        for (Map.Entry<String, String> entry : new TreeMap<>(map).entrySet()) {
            if (out.length() > 1) out.append(',');
            out.append(quote(entry.getKey())).append(':').append(quote(entry.getValue()));
        }
        return out.append('}').toString();
    }

    static String array(Iterable<String> texts) {
        StringBuilder out = new StringBuilder("[");
        for (String text : texts) {
            if (out.length() > 1) out.append(',');
            out.append(quote(text));
        }
        return out.append(']').toString();
    }

    // ---- Variables in texts ----

    /** Answers with what it was asked, except for keys that begin with a minus. */
    public static class Echo implements ConfigProvider {
        final String name;

        Echo(String name) {
            this.name = name;
        }

        @Override
        public ConfigData get(String path) {
            return new ConfigData(Map.of());
        }

        @Override
        public ConfigData get(String path, Set<String> keys) {
            Map<String, String> data = new HashMap<>();
            for (String key : keys) {
                if (!key.startsWith("-")) data.put(key, "<" + name + "|" + path + "|" + key + ">");
            }
            return new ConfigData(data);
        }

        @Override
        public void configure(Map<String, ?> configs) {
        }

        @Override
        public void close() {
        }
    }

    static void transform() {
        List<String> texts = new ArrayList<>(Arrays.asList(
            "", "plain", "${", "}", "${}", "${:}", "${a}", "${a:}", "${a:k}", "${a:p:k}", "${a:p:k:l:m}", "${a::k}",
            "${a:p:}", "${a:::}", "${b:k}${a:k}", "x${a:k}y${a:p:k}z", "${c:k}", "${c:k} ${a:k}", "${a:k} ${c:k}",
            "${a:-k}", "${a:-k} ${a:k}", "${a:k}}", "${${a:k}}", "${a${a:k}", "$${a:k}", "$\\{a:k}", "\\${a:k}",
            "${a:k\n:l}", "${a :k}", "${ a:k}", "${a: k }", "${a:/secrets/file.properties:db.password}",
            "jdbc:postgresql://${a:host}:${a:port}/${a:-db}?user=${c:user}", "${timestamp:yyyy.MM}", "${topic}-${partition}",
            "${a:${b:k}}", "${a:p:${b:k}}", "${\u00e4:k}", "${a:\u00e4\ud83d\ude00:\u00fc}", "${:k}", "${::}", "{a:k}", "$ {a:k}"));
        String[] parts = {"${", "}", ":", "a", "b", "c", "-", "/p", "$", "{", "k", " ", "\n", "\u00e9", "${a:", "${b:p:"};
        for (int i = 0; i < 400; i++) {
            StringBuilder text = new StringBuilder();
            int length = 1 + RANDOM.nextInt(12);
            for (int j = 0; j < length; j++) text.append(parts[RANDOM.nextInt(parts.length)]);
            texts.add(text.toString());
        }
        ConfigTransformer transformer = new ConfigTransformer(Map.of("a", new Echo("a"), "b", new Echo("b")));
        for (String text : texts) {
            String result = transformer.transform(Map.of("x", text)).data().get("x");
            System.out.println("{\"text\":" + quote(text) + ",\"result\":" + quote(result) + "}");
        }
    }

    // ---- Providers ----

    static Path temporary() throws Exception {
        return Files.createTempDirectory("golden").toRealPath();
    }

    interface Ask {
        ConfigData ask() throws Exception;
    }

    /** Prints what a provider answers, or the class and message of its exception. */
    static void answer(String fields, Path dir, Ask ask) {
        String outcome;
        try {
            outcome = "\"data\":" + object(ask.ask().data());
        } catch (Exception e) {
            outcome = "\"error\":" + quote(e.getClass().getName() + ": " + e.getMessage());
        }
        String line = "{" + fields + "," + outcome + "}";
        System.out.println(dir == null ? line : line.replace(dir.toString(), "/DIR"));
    }

    static void file() throws Exception {
        Path dir = temporary();
        List<byte[]> contents = new ArrayList<>();
        for (String text : new String[] {
            "", "a=1", "a=1\na=2", "a : 1\nb 2\nc\t3\n", "a\\:b=1\na\\=b=2\na\\ b=3", " a = 1 \n\n#c=1\n!d=1\n", "a=1\\\n  2\\\n 3\nb=4",
            "a=\\u0041\\t\\n\\\\\\q", "a=\\u00g1", "a=\\u12", "a=x\\", "a", "=x", "a==x", "a=:x", "a\r\nb=2\rc=3", "\ufeffa=1", "a=\u00e4\ud83d\ude00",
            "a=\\ud83d\\ude00", "#a\\\nb=1", "a=\\\n\\\n\\\nx", "a=\\\n\nb=1", "\\\na=1", "a\\\n=1", "a=1\f\n\fb=2", "a.b:c=1", "p:q=5\np\\:q=6"})
            contents.add(text.getBytes(StandardCharsets.UTF_8));
        contents.add(new byte[] {'a', '=', (byte) 0xe4});
        contents.add(new byte[] {'a', '=', (byte) 0xed, (byte) 0xa0, (byte) 0x80});
        String[] parts = {"a", "b", "=", ":", " ", "\\", "\n", "\r", "\t", "#", "!", "u0041", "x", "\f", "\\\n", "\u00e9"};
        for (int i = 0; i < 250; i++) {
            StringBuilder text = new StringBuilder();
            int length = 1 + RANDOM.nextInt(14);
            for (int j = 0; j < length; j++) text.append(parts[RANDOM.nextInt(parts.length)]);
            contents.add(text.toString().getBytes(StandardCharsets.UTF_8));
        }
        Set<String> keys = new TreeSet<>(Arrays.asList("", "a", "b", "c", "d", "a:b", "a=b", "a b", "ab", "x", "p:q", "a.b:c", "\ufeffa", "aa", "bb", "#a"));
        Path file = dir.resolve("f.properties");
        for (byte[] content : contents) {
            Files.write(file, content);
            String fields = "\"content\":" + quote(new String(content, StandardCharsets.ISO_8859_1)) + ",\"keys\":" + array(keys);
            answer(fields, dir, () -> {
                FileConfigProvider provider = new FileConfigProvider();
                provider.configure(Map.of());
                return provider.get(file.toString(), keys);
            });
        }
        paths(dir, false);
    }

    static void directory() throws Exception {
        paths(temporary(), true);
    }

    /** Which paths are allowed, and what is said of those that are not or lead nowhere. */
    static void paths(Path dir, boolean directories) throws Exception {
        Files.createDirectories(dir.resolve("in/deep"));
        Files.createDirectories(dir.resolve("out"));
        Files.createDirectories(dir.resolve("inside"));
        for (String name : new String[] {"in/a", "in/deep/b", "out/a", "inside/a", "in/.hidden"})
            Files.writeString(dir.resolve(name), "k=v of " + name + "\n");
        Files.writeString(dir.resolve("in/text"), " two\nlines \n");
        Files.writeString(dir.resolve("in/umlaut"), "\u00e4");
        Files.createSymbolicLink(dir.resolve("in/link"), dir.resolve("out"));
        Files.createSymbolicLink(dir.resolve("in/linked"), dir.resolve("out/a"));
        String[] allowed = {null, "", "/DIR/in", "/DIR/in/", "/DIR/in,/DIR/out", "/DIR/in/deep", "/DIR/in/a", "/DIR/out/../in", "in", "/DIR/none",
            "/DIR/in, /DIR/out", "/DIR/in,", ",", "/"};
        String[] asked = {"", "/DIR/in", "/DIR/in/a", "/DIR/in/deep/b", "/DIR/in/deep", "/DIR/out/a", "/DIR/out", "/DIR/in/../out/a", "/DIR/in/../out",
            "/DIR/inside/a", "/DIR/inside", "/DIR/in/link/a", "/DIR/in/link", "/DIR/none", "/DIR/in//deep/../a", "relative"};
        Set<String> keys = new TreeSet<>(Arrays.asList("k", "a", "b", "deep", "text", "umlaut", "linked", ".hidden", "../out/a", "deep/b", "", "none"));
        for (String allow : allowed) {
            for (String ask : asked) {
                String fields = "\"allowed\":" + quote(allow) + ",\"path\":" + quote(ask) + ",\"keys\":" + array(keys);
                answer(fields, dir, () -> {
                    Map<String, Object> config = new HashMap<>();
                    if (allow != null) config.put("allowed.paths", allow.replace("/DIR", dir.toString()));
                    ConfigProvider provider = directories ? new DirectoryConfigProvider() : new FileConfigProvider();
                    provider.configure(config);
                    return provider.get(ask.replace("/DIR", dir.toString()), keys);
                });
            }
        }
    }

    static void environment() {
        Map<String, String> variables = Map.of("FOO", "1", "FOO_BAR", "2", "foo", "3", "BAR", "", "B:Z", "5");
        Set<String> keys = new TreeSet<>(Arrays.asList("FOO", "FOO_BAR", "foo", "BAR", "B:Z", "NONE", ""));
        for (String pattern : new String[] {null, ".*", "FOO.*", "FOO", "", "(?i)foo", "FOO(?!_)", "[", ".*AR|foo", "F[A-Z&&[^X]]*+"}) {
            for (String path : new String[] {"", "p"}) {
                String fields = "\"pattern\":" + quote(pattern) + ",\"path\":" + quote(path) + ",\"variables\":" + object(variables)
                    + ",\"keys\":" + array(keys);
                answer(fields, null, () -> {
                    EnvVarConfigProvider provider = new EnvVarConfigProvider(variables);
                    provider.configure(pattern == null ? Map.of() : Map.of("allowlist.pattern", pattern));
                    return provider.get(path, keys);
                });
            }
        }
    }
}
