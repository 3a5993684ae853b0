package org.apache.kafka.connect.util.clusters;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Takes the place of the class of this name in Kafka's test jar, which starts a worker as a thread of the
 * test: this one starts a process. The system property {@code worker.command} holds its command, whose words
 * stand on lines of their own; the worker's properties file becomes its last argument. {@code worker.logs}
 * is the folder for that file and for what the worker prints.
 */
public final class WorkerHandle {
    private static final String LISTENERS = "listeners";
    private static final long START_TIMEOUT_MS = 60_000;
    /** Longer than a worker may take that stops its tasks one after the other. */
    private static final long STOP_TIMEOUT_MS = 60_000;
    private static final AtomicInteger NUM_STARTED = new AtomicInteger();
    private static final Set<Integer> GIVEN_PORTS = ConcurrentHashMap.newKeySet();
    private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> RUNNING.forEach(Process::destroyForcibly)));
    }

    private final String name;
    private final URI url;
    private final Process process;

    private WorkerHandle(String name, URI url, Process process) {
        this.name = name;
        this.url = url;
        this.process = process;
    }

    /** Starts a worker, and returns once its REST API answers or the process has ended. */
    public static WorkerHandle start(String name, Map<String, String> config) {
        try {
            int port = freePort();
            Properties properties = new Properties();
            properties.putAll(config);
            // The tests ask for a free port; nothing but the worker's log would tell which one it got.
            properties.put(LISTENERS, config.get(LISTENERS).replaceAll(":0$", ":" + port));
            Path logs = Path.of(System.getProperty("worker.logs"));
            String number = String.format("%03d-%s", NUM_STARTED.incrementAndGet(), name);
            Path file = logs.resolve(number + ".properties");
            try (OutputStream out = Files.newOutputStream(file)) {
                properties.store(out, null);
            }
            List<String> command = new ArrayList<>(List.of(System.getProperty("worker.command").split("\n")));
            command.add(file.toString());
            File log = logs.resolve(number + ".log").toFile();
            Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log).start();
            RUNNING.add(process);
            process.onExit().thenAccept(RUNNING::remove);
            URI url = URI.create("http://localhost:" + port + "/");
            awaitRest(process, url);
            return new WorkerHandle(name, url, process);
        } catch (IOException e) {
            throw new UncheckedIOException("Could not start worker " + name, e);
        } catch (InterruptedException e) {
            throw new IllegalStateException("Interrupted while starting worker " + name, e);
        }
    }

    /** Below those that Linux gives to outgoing connections, from 32768, which take a port unasked. */
    private static int freePort() {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(12_000, 32_000);
            try (ServerSocket socket = new ServerSocket(port)) {
                if (GIVEN_PORTS.add(port))
                    return port;
            } catch (IOException taken) {
                // The next one may be free.
            }
        }
    }

    /** A JVM worker listens before it has anything to say, and answers 404 until then. */
    private static void awaitRest(Process process, URI url) throws InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(url).timeout(Duration.ofSeconds(5)).build();
        HttpClient client = HttpClient.newHttpClient();
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(START_TIMEOUT_MS);
        while (process.isAlive() && System.nanoTime() < deadline) {
            try {
                if (client.send(request, BodyHandlers.discarding()).statusCode() != 404)
                    return;
            } catch (IOException refused) {
                // Not yet, or never: then the process ends.
            }
            process.waitFor(20, TimeUnit.MILLISECONDS);
        }
    }

    /** Ends when the process does, in failure if its exit status says so. */
    public Future<?> herderTask() {
        CompletableFuture<Void> task = new CompletableFuture<>();
        process.onExit().thenAccept(ended -> {
            if (ended.exitValue() == 0)
                task.complete(null);
            else
                task.completeExceptionally(new IllegalStateException("Worker " + name + " ended with status " + ended.exitValue()));
        });
        return task;
    }

    /** Asks the process to end, and makes it end if it does not. */
    public void stop() {
        process.destroy();
        try {
            if (!process.waitFor(STOP_TIMEOUT_MS, TimeUnit.MILLISECONDS))
                process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    public URI url() {
        return url;
    }

    /** As no test run here configures {@code admin.listeners}, it is the listener for all. */
    public URI adminUrl() {
        return url;
    }

    /** No worker setting says this, so a process keeps its own timeout and a test waits longer. */
    public void requestTimeout(long timeoutMs) {
    }

    public void resetRequestTimeout() {
    }

    @Override
    public String toString() {
        return "WorkerHandle{workerName='" + name + "', workerURL='" + url + "'}";
    }
}
