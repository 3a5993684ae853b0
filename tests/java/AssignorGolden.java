import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.common.utils.LogContext;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.runtime.distributed.IncrementalCooperativeAssignor;
import org.apache.kafka.connect.runtime.distributed.WorkerCoordinator.ConnectorsAndTasks;
import org.apache.kafka.connect.storage.ClusterConfigState;
import org.apache.kafka.connect.util.ConnectorTaskId;

/**
 * Replays random traces of a cluster through the cooperative assignor of Kafka: workers join and leave,
 * connectors come, go and change their size, assignments get lost, work runs twice, time passes.
 *
 * {@code AssignorGolden} prints a hash of all decisions for each ten of 20,000 traces, {@code AssignorGolden
 * trace SEED} the decisions of one. {@code runtime/herder/src/core/assignor/replay.rs} does the same.
 */
public class AssignorGolden {
    static final int NUM_TRACES = 20_000;
    static final int TRACES_PER_HASH = 10;
    static final int NUM_ROUNDS = 14;

    /** SplitMix64: easily the same in two languages. */
    static class Random64 {
        long state;

        Random64(long seed) {
            state = seed;
        }

        long next() {
            state += 0x9E3779B97F4A7C15L;
            long z = state;
            z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
            z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
            return z ^ (z >>> 31);
        }

        int below(int bound) {
            return (int) Long.remainderUnsigned(next(), bound);
        }
    }

    static class Member {
        final String id;
        List<String> connectors = new ArrayList<>();
        List<ConnectorTaskId> tasks = new ArrayList<>();

        Member(String id) {
            this.id = id;
        }
    }

    static class Clock implements java.lang.reflect.InvocationHandler {
        long now = 1_000_000;

        public Object invoke(Object proxy, Method method, Object[] args) {
            return method.getName().equals("milliseconds") ? now : 0L;
        }
    }

    final Random64 random;
    final Clock clock = new Clock();
    final TreeMap<String, Integer> configs = new TreeMap<>();
    final List<Member> members = new ArrayList<>();
    final IncrementalCooperativeAssignor assignor;
    int generation = 0;
    int lastCompleted = -1;
    int delay = 0;
    int numNames = 0;

    AssignorGolden(long seed) {
        random = new Random64(seed);
        int maxDelay = new int[] {300_000, 300_000, 60_000, 0}[random.below(4)];
        Time time = (Time) java.lang.reflect.Proxy.newProxyInstance(
            Time.class.getClassLoader(), new Class<?>[] {Time.class}, clock);
        assignor = new IncrementalCooperativeAssignor(new LogContext(), time, maxDelay);
    }

    String name(String stem) {
        numNames++;
        return stem + "-" + Long.toHexString(random.next() & 0xffffffL) + "-" + numNames;
    }

    void join() {
        members.add(new Member(name("worker")));
    }

    void create() {
        configs.put(name("connector"), random.below(7));
    }

    String anyConnector() {
        return new ArrayList<>(configs.keySet()).get(random.below(configs.size()));
    }

    void change() {
        switch (random.below(12)) {
            case 0, 1 -> {
                if (members.size() < 20) join();
            }
            case 2, 3 -> {
                if (members.size() > 1) members.remove(random.below(members.size()));
            }
            case 4 -> {
                if (members.size() > 1) {
                    members.remove(random.below(members.size()));
                    join();
                }
            }
            case 5, 6 -> create();
            case 7 -> {
                if (!configs.isEmpty()) configs.remove(anyConnector());
            }
            case 8 -> {
                if (!configs.isEmpty()) configs.put(anyConnector(), random.below(9));
            }
            case 9 -> {
                Member from = members.get(random.below(members.size()));
                Member to = members.get(random.below(members.size()));
                if (from != to && !from.tasks.isEmpty()) to.tasks.add(from.tasks.get(0));
            }
            default -> { }
        }
    }

    Map<String, ConnectorsAndTasks> reported() throws Exception {
        // As the worker does: a map of what members sent, made into another.
        Map<String, Member> sent = new HashMap<>();
        for (Member member : members) sent.put(member.id, member);
        return sent.entrySet().stream().collect(java.util.stream.Collectors.toMap(
            Map.Entry::getKey,
            entry -> new ConnectorsAndTasks.Builder()
                .with(entry.getValue().connectors, entry.getValue().tasks).build()));
    }

    ClusterConfigState snapshot() throws Exception {
        Map<String, Map<String, String>> connectorConfigs = new HashMap<>();
        for (String connector : configs.keySet()) connectorConfigs.put(connector, Map.of());
        return new ClusterConfigState(1, null, new HashMap<>(configs), connectorConfigs, Map.of(), Map.of(),
            Map.of(), Map.of(), Map.of(), Set.of(), Set.of());
    }

    static Method accessible(Class<?> of, String name, int numParameters, Class<?> first) throws Exception {
        for (Method method : of.getDeclaredMethods()) {
            if (method.getName().equals(name) && method.getParameterCount() == numParameters
                && (first == null || method.getParameterTypes()[0] == first)) {
                method.setAccessible(true);
                return method;
            }
        }
        throw new NoSuchMethodException(name);
    }

    @SuppressWarnings("unchecked")
    static <T> Collection<T> of(Object round, String method, String member) throws Exception {
        Map<String, Collection<T>> all =
            (Map<String, Collection<T>>) accessible(round.getClass(), method, 0, null).invoke(round);
        return all.getOrDefault(member, List.of());
    }

    String round() throws Exception {
        for (int changes = random.below(3); changes >= 0; changes--) change();
        switch (random.below(4)) {
            case 0 -> clock.now += delay;
            case 1 -> clock.now += random.below(200_000);
            case 2 -> clock.now += random.below(50);
            default -> { }
        }
        generation++;
        boolean lost = random.below(20) == 0;
        Object round = accessible(IncrementalCooperativeAssignor.class, "performTaskAssignment", 4,
            ClusterConfigState.class).invoke(assignor, snapshot(), lastCompleted, generation, reported());
        Field delayField = IncrementalCooperativeAssignor.class.getDeclaredField("delay");
        delayField.setAccessible(true);
        delay = delayField.getInt(assignor);
        StringBuilder text = new StringBuilder("delay " + delay);
        for (Member member : members) {
            Collection<String> connectors = of(round, "newlyAssignedConnectors", member.id);
            Collection<ConnectorTaskId> tasks = of(round, "newlyAssignedTasks", member.id);
            Set<String> noConnectors = new TreeSet<>(AssignorGolden.<String>of(round, "newlyRevokedConnectors", member.id));
            Set<ConnectorTaskId> noTasks = new TreeSet<>(AssignorGolden.<ConnectorTaskId>of(round, "newlyRevokedTasks", member.id));
            text.append("; ").append(member.id);
            for (String connector : connectors) text.append(" +").append(connector);
            for (ConnectorTaskId task : tasks) text.append(" +").append(task);
            for (String connector : noConnectors) text.append(" -").append(connector);
            for (ConnectorTaskId task : noTasks) text.append(" -").append(task);
            boolean deaf = random.below(15) == 0;
            if (lost || deaf) continue;
            member.connectors.removeAll(noConnectors);
            member.tasks.removeAll(noTasks);
            member.connectors.addAll(connectors);
            member.tasks.addAll(tasks);
        }
        if (!lost) lastCompleted = generation;
        return text.append('\n').toString();
    }

    List<String> trace() throws Exception {
        for (int number = random.below(5); number >= 0; number--) join();
        for (int number = random.below(4); number >= 0; number--) create();
        List<String> rounds = new ArrayList<>();
        for (int number = 0; number < NUM_ROUNDS; number++) rounds.add(round());
        return rounds;
    }

    public static void main(String[] args) throws Exception {
        if (args.length == 2) {
            for (String round : new AssignorGolden(Long.parseLong(args[1])).trace()) System.out.print(round);
            return;
        }
        for (int first = 0; first < NUM_TRACES; first += TRACES_PER_HASH) {
            long hash = 0xcbf29ce484222325L;
            for (int seed = first; seed < first + TRACES_PER_HASH; seed++) {
                for (String round : new AssignorGolden(seed).trace()) {
                    for (byte unit : round.getBytes(StandardCharsets.UTF_8)) {
                        hash = (hash ^ (unit & 0xff)) * 0x100000001b3L;
                    }
                }
            }
            System.out.println(String.format("%016x", hash));
        }
    }
}
