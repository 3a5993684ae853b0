import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.sourcelab.kafka.connect.apiclient.Configuration;
import org.sourcelab.kafka.connect.apiclient.KafkaConnectClient;
import org.sourcelab.kafka.connect.apiclient.request.dto.ConnectorStatus;
import org.sourcelab.kafka.connect.apiclient.request.dto.NewConnectorDefinition;

/**
 * Lets SourceLab's Java client of the Connect REST API, unchanged, take a connector through its life:
 * RestClientJudge URL NAME KEY=VALUE...
 */
public class RestClientJudge {
    static final long DEADLINE_MS = 90_000;

    public static void main(String[] arguments) throws Exception {
        String name = arguments[1];
        Map<String, String> config = new java.util.TreeMap<>();
        for (String pair : List.of(arguments).subList(2, arguments.length)) {
            config.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
        }
        KafkaConnectClient client = new KafkaConnectClient(new Configuration(arguments[0]));
        check(!client.getConnectServerVersion().getVersion().isEmpty(), "a version");
        check(client.getConnectorPlugins().stream().anyMatch(plugin ->
            plugin.getClassName().equals(config.get("connector.class"))), "the plugin");
        client.addConnector(NewConnectorDefinition.newBuilder().withName(name).withConfig(config).build());
        until("RUNNING", () -> isAll(client, name, "RUNNING"));
        check(client.getConnectors().contains(name), "the name in the list");
        check(client.getConnector(name).getType().equals("source"), "a source");
        check(client.getConnectorsWithAllExpandedMetadata().getAllDefinitions().stream()
            .anyMatch(definition -> definition.getName().equals(name)), "its definition");
        config.put("throughput", "2");
        client.updateConnectorConfig(name, config);
        check(client.getConnectorConfig(name).get("throughput").equals("2"), "the new setting");
        check(client.pauseConnector(name), "a pause");
        until("PAUSED", () -> isAll(client, name, "PAUSED"));
        check(client.resumeConnector(name), "a resume");
        until("RUNNING", () -> isAll(client, name, "RUNNING"));
        check(client.restartConnector(name), "a restart");
        check(client.restartConnectorTask(name, 0), "a restart of its task");
        until("RUNNING", () -> isAll(client, name, "RUNNING"));
        check(client.getConnectorTasks(name).size() == 1, "one task");
        check(client.getConnectorTaskStatus(name, 0).getState().equals("RUNNING"), "a running task");
        check(client.deleteConnector(name), "its end");
        until("its end", () -> !client.getConnectors().contains(name));
    }

    static boolean isAll(KafkaConnectClient client, String name, String state) {
        ConnectorStatus status = client.getConnectorStatus(name);
        return status.getConnector().get("state").equals(state) && status.getTasks().size() == 1
            && status.getTasks().stream().allMatch(task -> task.getState().equals(state));
    }

    static void check(boolean is, String what) {
        if (!is) throw new AssertionError("no " + what);
    }

    /** Statuses come a moment after the change. */
    static void until(String what, BooleanSupplier condition) throws Exception {
        long end = System.currentTimeMillis() + DEADLINE_MS;
        while (true) {
            RuntimeException last = null;
            try {
                if (condition.getAsBoolean()) return;
            } catch (RuntimeException error) {
                last = error;
            }
            if (System.currentTimeMillis() > end) throw new AssertionError("waited in vain for " + what, last);
            Thread.sleep(100);
        }
    }
}
