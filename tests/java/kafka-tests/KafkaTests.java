import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

import java.io.PrintStream;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Runs classes of Kafka's Connect integration tests, named without package and {@code IntegrationTest}, or
 * single tests as {@code Class#test}. One line for each test on standard output: class, test, passed or
 * failed, seconds, and the message of the failure, between tabs.
 */
public class KafkaTests {
    private static final String PACKAGE = "org.apache.kafka.connect.integration.";
    private static final String SUFFIX = "IntegrationTest";

    public static void main(String[] names) {
        // Most of the time a test waits. Tests of one class may share a cluster, so these go one by one.
        LauncherDiscoveryRequestBuilder request = LauncherDiscoveryRequestBuilder.request()
            .configurationParameter("junit.jupiter.execution.parallel.enabled", "true")
            .configurationParameter("junit.jupiter.execution.parallel.mode.default", "same_thread")
            .configurationParameter("junit.jupiter.execution.parallel.mode.classes.default", "concurrent")
            .configurationParameter("junit.jupiter.execution.parallel.config.strategy", "fixed")
            .configurationParameter("junit.jupiter.execution.parallel.config.fixed.parallelism",
                System.getProperty("parallelism", "3"));
        for (String name : names) {
            String[] parts = name.split("#");
            String className = PACKAGE + parts[0] + SUFFIX;
            request.selectors(parts.length == 1
                ? DiscoverySelectors.selectClass(className)
                : DiscoverySelectors.selectMethod(className, parts[1]));
        }
        PrintStream results = System.out;
        // Embedded brokers print too.
        System.setOut(System.err);
        // Of its own Kafka's jar leaves out the tests that it calls flaky.
        LauncherConfig config = LauncherConfig.builder().enablePostDiscoveryFilterAutoRegistration(false).build();
        LauncherFactory.create(config).execute(request.build(), new Printer(results));
        // They leave threads behind as well, which would keep the process.
        System.exit(0);
    }

    private static class Printer implements TestExecutionListener {
        private final Map<String, Long> starts = new ConcurrentHashMap<>();
        private final PrintStream results;

        Printer(PrintStream results) {
            this.results = results;
        }

        @Override
        public void executionStarted(TestIdentifier test) {
            starts.put(test.getUniqueId(), System.nanoTime());
        }

        @Override
        public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            String failure = result.getThrowable().map(Throwable::toString).orElse("");
            if (test.isTest()) {
                MethodSource source = (MethodSource) test.getSource().orElseThrow();
                String className = source.getClassName().substring(PACKAGE.length());
                print(className.substring(0, className.length() - SUFFIX.length()), source.getMethodName(), result, test, failure);
            } else if (result.getStatus() != TestExecutionResult.Status.SUCCESSFUL) {
                print(test.getDisplayName(), "(whole class)", result, test, failure);
            }
            result.getThrowable().ifPresent(Throwable::printStackTrace);
        }

        private void print(String className, String name, TestExecutionResult result, TestIdentifier test, String failure) {
            long seconds = (System.nanoTime() - starts.get(test.getUniqueId())) / 1_000_000_000;
            String status = result.getStatus() == TestExecutionResult.Status.SUCCESSFUL ? "passed" : "failed";
            results.println(String.join("\t", className, name, status, Long.toString(seconds), failure.replaceAll("\\s+", " ")));
        }
    }
}
