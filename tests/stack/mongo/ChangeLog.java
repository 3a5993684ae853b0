import de.bwaldvogel.mongo.backend.AbstractCursor;
import de.bwaldvogel.mongo.backend.Cursor;
import de.bwaldvogel.mongo.backend.aggregation.Aggregation;
import de.bwaldvogel.mongo.bson.BsonTimestamp;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import de.bwaldvogel.mongo.oplog.Oplog;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What changed, in order, and the change streams that read it. The library's own log has neither
 * namespaces nor right document keys.
 *
 * <p>A change has a time: seconds and a number within the second, as in MongoDB. Resume tokens are made of it.
 */
final class ChangeLog implements Oplog {
    /** The namespace of a stream of the whole cluster. */
    static final String EVERYTHING = "*";

    private static final Pattern TOKEN = Pattern.compile("82([0-9A-F]{16})2B0229296E04");
    private static final int INVALID_RESUME_TOKEN = 260;
    private static final int HISTORY_LOST = 286;

    /** So many times a read that finds nothing looks again, each after the pause. */
    private static final int NUM_LOOKS = 10;

    private static final long PAUSE_MS = 10;

    private final MongoStandIn server;
    private final TreeMap<Long, Change> changes = new TreeMap<>();
    private final Map<Object, Stream> streams = new HashMap<>();
    /** The documents after the last change, by namespace and id: the next change tells the difference. */
    private final Map<String, Map<Object, Document>> images = new HashMap<>();

    private long lastTime;

    ChangeLog(MongoStandIn server) {
        this.server = server;
    }

    private record Change(
            long time, String namespace, String operation, Object id, Document before, Document after, Document description) {

        /** The event as a stream with these options shows it. */
        Document event(Document options, ChangeLog log) {
            int dot = namespace.indexOf('.');
            Document event =
                    new Document("_id", token(time))
                            .append("operationType", operation)
                            .append("clusterTime", new BsonTimestamp(time));
            if (operation.equals("invalidate")) {
                return event;
            }
            String full = String.valueOf(options.get("fullDocument"));
            switch (operation) {
                case "insert", "replace" -> event.append("fullDocument", after);
                case "update" -> {
                    if (full.equals("updateLookup")) {
                        event.append("fullDocument", log.image(namespace, id));
                    } else if (full.equals("whenAvailable") || full.equals("required")) {
                        event.append("fullDocument", after);
                    }
                }
                default -> {}
            }
            event.append("ns", new Document("db", namespace.substring(0, dot)).append("coll", namespace.substring(dot + 1)));
            if (id != null) {
                event.append("documentKey", new Document("_id", id));
            }
            if (description != null) {
                event.append("updateDescription", description);
            }
            String wantsBefore = String.valueOf(options.get("fullDocumentBeforeChange"));
            if (!operation.equals("insert") && (wantsBefore.equals("whenAvailable") || wantsBefore.equals("required"))) {
                event.append("fullDocumentBeforeChange", before);
            }
            return event;
        }
    }

    private static Document token(long time) {
        return new Document("_data", String.format("82%016X2B0229296E04", time));
    }

    private static long secondNow() {
        return Instant.now().getEpochSecond() << 32;
    }

    synchronized BsonTimestamp now() {
        return new BsonTimestamp(Math.max(secondNow(), lastTime));
    }

    /** The token of what a stream has read; null for a cursor that is no stream. */
    synchronized Document positionOf(Object cursorId) {
        Stream stream = streams.get(cursorId);
        return stream == null ? null : token(stream.time);
    }

    private synchronized Document image(String namespace, Object id) {
        return images.getOrDefault(namespace, Map.of()).get(id);
    }

    private void add(String namespace, String operation, Object id, Document before, Document after, Document description) {
        lastTime = Math.max(secondNow(), lastTime) + 1;
        changes.put(lastTime, new Change(lastTime, namespace, operation, id, before, after, description));
    }

    private static boolean isInternal(String namespace) {
        return namespace.startsWith("local.");
    }

    @Override
    public synchronized void handleInsert(String namespace, List<Document> documents) {
        if (isInternal(namespace)) {
            return;
        }
        for (Document document : documents) {
            Document copy = document.cloneDeeply();
            Object id = copy.get("_id");
            images.computeIfAbsent(namespace, name -> new HashMap<>()).put(id, copy);
            add(namespace, "insert", id, null, copy, null);
        }
    }

    @Override
    public synchronized void handleUpdate(String namespace, Document selector, Document update, List<Object> ids) {
        int dot = namespace.indexOf('.');
        boolean isReplacement = update.keySet().stream().noneMatch(name -> name.startsWith("$"));
        for (Object id : ids) {
            Document after = server.find(namespace.substring(0, dot), namespace.substring(dot + 1), id);
            Document before = images.computeIfAbsent(namespace, name -> new HashMap<>()).put(id, after);
            if (isReplacement) {
                add(namespace, "replace", id, before, after, null);
                continue;
            }
            Document updated = new Document();
            List<Object> removed = new ArrayList<>();
            compare("", orEmpty(before), orEmpty(after), updated, removed);
            Document description =
                    new Document("updatedFields", updated)
                            .append("removedFields", removed)
                            .append("truncatedArrays", new ArrayList<>());
            add(namespace, "update", id, before, after, description);
        }
    }

    private static Document orEmpty(Document document) {
        return document == null ? new Document() : document;
    }

    private static void compare(String path, Document before, Document after, Document updated, List<Object> removed) {
        for (String name : before.keySet()) {
            if (!after.containsKey(name)) {
                removed.add(path + name);
            }
        }
        for (String name : after.keySet()) {
            Object old = before.get(name);
            Object current = after.get(name);
            if (old instanceof Document oldPart && current instanceof Document part) {
                compare(path + name + ".", oldPart, part, updated, removed);
            } else if (!before.containsKey(name) || !Objects.equals(old, current)) {
                updated.put(path + name, current);
            }
        }
    }

    @Override
    public synchronized void handleDelete(String namespace, Document query, List<Object> ids) {
        for (Object id : ids) {
            Map<Object, Document> known = images.get(namespace);
            Document before = known == null ? null : known.remove(id);
            add(namespace, "delete", id, before, null, null);
        }
    }

    @Override
    public synchronized void handleDropCollection(String namespace) {
        if (isInternal(namespace)) {
            return;
        }
        images.remove(namespace);
        add(namespace, "drop", null, null, null, null);
    }

    @Override
    public synchronized Cursor createCursor(Document options, String namespace, Aggregation stages) {
        Stream stream = new Stream(server.newCursorId(), this, options, namespace, stages, start(options));
        server.register(stream);
        streams.put(stream.getId(), stream);
        return stream;
    }

    private long start(Document options) {
        Object after = options.containsKey("startAfter") ? options.get("startAfter") : options.get("resumeAfter");
        if (after instanceof Document token) {
            String data = String.valueOf(token.get("_data"));
            Matcher matcher = TOKEN.matcher(data);
            if (!matcher.matches()) {
                throw new MongoServerError(
                        INVALID_RESUME_TOKEN, "InvalidResumeToken", "resume token was not a valid hex token: " + data);
            }
            long time = Long.parseUnsignedLong(matcher.group(1), 16);
            if (changes.isEmpty() || time > lastTime || time < changes.firstKey() - 1) {
                throw new MongoServerError(
                        HISTORY_LOST,
                        "ChangeStreamHistoryLost",
                        "Resume of change stream was not possible, as the resume point may no longer be in the oplog.");
            }
            return time;
        }
        if (options.get("startAtOperationTime") instanceof BsonTimestamp time) {
            return time.getValue() - 1;
        }
        return lastTime;
    }

    /** A change stream: reads the changes behind a time. */
    private static final class Stream extends AbstractCursor {
        private final ChangeLog log;
        private final Document options;
        private final String namespace;
        private final Aggregation stages;
        private long time;
        private boolean ended;

        Stream(long id, ChangeLog log, Document options, String namespace, Aggregation stages, long time) {
            super(id);
            this.log = log;
            this.options = options;
            this.namespace = namespace;
            this.stages = stages;
            this.time = time;
        }

        private boolean concerns(Change change) {
            if (namespace.equals(EVERYTHING)) {
                return true;
            }
            // The library calls the stream of a database DATABASE.1
            if (namespace.endsWith(".1")) {
                return change.namespace().startsWith(namespace.substring(0, namespace.length() - 1));
            }
            return change.namespace().equals(namespace);
        }

        @Override
        public boolean isEmpty() {
            synchronized (log) {
                return ended;
            }
        }

        @Override
        public List<Document> takeDocuments(int max) {
            for (int look = 1; ; look++) {
                List<Document> events = read(max <= 0 ? Integer.MAX_VALUE : max);
                if (!events.isEmpty() || look == NUM_LOOKS) {
                    return events;
                }
                try {
                    Thread.sleep(PAUSE_MS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return events;
                }
            }
        }

        private List<Document> read(int max) {
            synchronized (log) {
                List<Document> events = new ArrayList<>();
                for (Change change : log.changes.tailMap(time, false).values()) {
                    if (ended || events.size() >= max) {
                        break;
                    }
                    time = change.time();
                    if (!concerns(change)) {
                        continue;
                    }
                    events.add(change.event(options, log));
                    if (change.operation().equals("drop") && change.namespace().equals(namespace)) {
                        Change end = new Change(change.time(), namespace, "invalidate", null, null, null, null);
                        events.add(end.event(options, log));
                        ended = true;
                    }
                }
                return stages.runStagesAsStream(events.stream()).collect(Collectors.toList());
            }
        }
    }
}
