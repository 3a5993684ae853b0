import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.Cursor;
import de.bwaldvogel.mongo.backend.aggregation.Aggregation;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.oplog.Oplog;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import io.netty.channel.Channel;
import java.util.List;

/**
 * A MongoDB for tests, in memory: mongo-java-server, with what drivers of today and change streams need on
 * top. It says that it is the primary of the replica set rs0, MongoDB 5.0.
 *
 * <p>{@code MongoStandIn PORT} listens on 127.0.0.1 and prints {@code listening} when it does.
 *
 * <p>It has no elections, no users, no TLS and no transactions; it takes the options of time series and
 * forgets them.
 */
public final class MongoStandIn extends MemoryBackend {
    private static final int WIRE_VERSION_5_0 = 13;

    private final String address;

    private MongoStandIn(String address) {
        this.address = address;
        version(
                new MongoVersion() {
                    @Override
                    public List<Integer> getVersionArray() {
                        return List.of(5, 0, 0);
                    }

                    @Override
                    public int getWireVersion() {
                        return WIRE_VERSION_5_0;
                    }
                });
    }

    @Override
    protected Oplog createOplog() {
        return new ChangeLog(this);
    }

    private ChangeLog changes() {
        return (ChangeLog) oplog;
    }

    long newCursorId() {
        return getCursorRegistry().generateCursorId();
    }

    void register(Cursor cursor) {
        getCursorRegistry().add(cursor);
    }

    /** The document of an id as it is now; null if it is gone. */
    Document find(String database, String collection, Object id) {
        Document found = null;
        var documents = resolveDatabase(database).resolveCollection(collection, true);
        for (Document document : documents.handleQuery(new Document("_id", id))) {
            found = document.cloneDeeply();
        }
        return found;
    }

    /** The stages behind {@code $changeStream}. */
    private Aggregation stagesBehind(List<Document> pipeline) {
        List<Document> stages = pipeline.subList(1, pipeline.size());
        return Aggregation.fromPipeline(stages, this::resolveDatabase, resolveDatabase("admin"), null, oplog);
    }

    @Override
    public Document handleMessage(MongoMessage message) {
        Document command = message.getDocument();
        String name = command.keySet().iterator().next();
        return handleCommand(message.getChannel(), message.getDatabaseName(), name, command);
    }

    @Override
    public Document handleCommand(Channel channel, String database, String name, Document command) {
        Document answer = answer(channel, database, name, command);
        answer.putIfAbsent("operationTime", changes().now());
        if (answer.get("cursor") instanceof Document cursor) {
            Object id = name.equals("getMore") ? command.get("getMore") : cursor.get("id");
            Document token = changes().positionOf(id);
            if (token != null) {
                cursor.put("postBatchResumeToken", token);
            }
        }
        return answer;
    }

    private Document answer(Channel channel, String database, String name, Document command) {
        switch (name.toLowerCase(java.util.Locale.ROOT)) {
            case "hello", "ismaster" -> {
                return greeting(super.handleCommand(channel, database, "ismaster", command));
            }
            case "endsessions", "killsessions" -> {
                return new Document("ok", 1.0);
            }
            case "aggregate" -> {
                List<Document> pipeline = Aggregation.parse(command.get("pipeline"));
                Object stream = pipeline.isEmpty() ? null : pipeline.get(0).get("$changeStream");
                // The library knows streams of a collection and of a database.
                if (stream instanceof Document options
                        && Boolean.TRUE.equals(options.get("allChangesForCluster"))) {
                    Cursor cursor = changes().createCursor(options, ChangeLog.EVERYTHING, stagesBehind(pipeline));
                    Document first =
                            new Document("id", cursor.getId())
                                    .append("ns", "admin.$cmd.aggregate")
                                    .append("firstBatch", cursor.takeDocuments(0));
                    return new Document("cursor", first).append("ok", 1.0);
                }
            }
            default -> {}
        }
        return super.handleCommand(channel, database, name, command);
    }

    private Document greeting(Document greeting) {
        greeting.put("ismaster", true);
        greeting.put("isWritablePrimary", true);
        greeting.put("secondary", false);
        greeting.put("helloOk", true);
        greeting.put("setName", "rs0");
        greeting.put("setVersion", 1);
        greeting.put("hosts", List.of(address));
        greeting.put("primary", address);
        greeting.put("me", address);
        greeting.put("logicalSessionTimeoutMinutes", 30);
        return greeting;
    }

    public static void main(String[] arguments) throws InterruptedException {
        int port = Integer.parseInt(arguments[0]);
        MongoServer server = new MongoServer(new MongoStandIn("127.0.0.1:" + port));
        server.enableOplog();
        server.bind("127.0.0.1", port);
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        System.out.println("listening");
        Thread.currentThread().join();
    }
}
