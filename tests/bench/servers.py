"""What the benchmarks share: the servers of a run, and the tables that it makes.

Python finds this beside the script that is run. All servers are started here, on free ports of 127.0.0.1, and
ended here, whatever happens.
"""
import atexit
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
STACK = ROOT / "tests" / "stack"
REPORT = ROOT / "docs" / "benchmarks.md"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
STRING = "org.apache.kafka.connect.storage.StringConverter"
begun = time.monotonic()
load_before = os.getloadavg()[0]
# The folder of this run: logs and data.
scratch = pathlib.Path(tempfile.mkdtemp(prefix="dovetail-bench-"))
atexit.register(lambda: scratch.exists() and not any(scratch.iterdir()) and scratch.rmdir())


@contextlib.contextmanager
def run_of_servers(arguments):
    """Ends all servers, and removes their files if all went well."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        for server in reversed(Server.running[:]):
            server.stop()
    if arguments.keep:
        progress(f"the logs are in {scratch}")
    else:
        shutil.rmtree(scratch)
    progress("done")


def progress(text):
    print(f"[{time.monotonic() - begun:4.0f} s] {text}", file=sys.stderr, flush=True)


def wait_for(what, condition, timeout_s, interval_s=0.05):
    """Looks until `condition` holds, and returns what it gave."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(interval_s)
    raise SystemExit(f"bench: waited {timeout_s} s in vain for {what}; the logs are in {scratch}")


def free_ports():
    """A free port whose successor is free too: a broker takes both."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
                return port
            except (OSError, OverflowError):
                continue


class Server:
    """A process of this run, with its output in a file of its own."""

    running = []

    def __init__(self, name, command, **environment):
        self.log = scratch / f"{name}.log"
        with open(self.log, "ab") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=scratch,
                env={**os.environ, **environment},
            )
        self.name = name
        self.pid = self.process.pid
        Server.running.append(self)

    def check(self):
        if self.process.poll() is not None:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise SystemExit(f"bench: {self.name} ended with status {self.process.returncode}:\n{tail}")
        return True

    def logged(self, text):
        return self.check() and text in self.log.read_text(errors="replace")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        Server.running.remove(self)

    def kill9(self):
        self.process.kill()
        self.process.wait()
        Server.running.remove(self)

    def cpu_s(self):
        """User and system time of all threads, ended ones too."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def thread_run_times_ns(self):
        """Time on a processor of each living thread: finer than the ticks of `cpu_s`."""
        times = {}
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            try:
                times[task.name] = int((task / "schedstat").read_text().split()[0])
            except FileNotFoundError:
                pass
        return times

    def num_threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def memory_mb(self):
        """RSS and PSS."""
        text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        sizes = dict(re.findall(r"^(Rss|Pss): +(\d+) kB", text, re.M))
        return int(sizes["Rss"]) / 1000, int(sizes["Pss"]) / 1000


def start_broker():
    """A Kafka broker, and its address."""
    port = free_ports()
    broker = Server("kafka", [STACK / "up", "kafka", port, scratch / "broker"], STACK_FLAGS="stock")
    wait_for("the broker", lambda: broker.logged("Kafka Server started"), 60)
    return broker, f"127.0.0.1:{port}"


class Worker:
    """A Connect worker of either kind; both get the same file, apart from port and group."""

    def __init__(self, kind, bootstrap, arguments, number=0, more=()):
        self.kind = kind
        self.name = f"{kind}-{number}"
        self.arguments = arguments
        self.port = free_ports()
        self.file = scratch / f"{self.name}.properties"
        settings = {
            "bootstrap.servers": bootstrap,
            "group.id": f"bench-{kind}",
            "listeners": f"http://127.0.0.1:{self.port}",
            "plugin.discovery": "service_load",
            "key.converter": STRING,
            "value.converter": STRING,
            "header.converter": "org.apache.kafka.connect.storage.SimpleHeaderConverter",
            "config.storage.replication.factor": 1,
            "offset.storage.replication.factor": 1,
            "status.storage.replication.factor": 1,
            **dict(more),
        }
        for store in ["config", "offset", "status"]:
            settings[f"{store}.storage.topic"] = f"bench-{kind}-{store}s"
        self.file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        self.server = None

    def start(self):
        """Returns the seconds to the first answer, and to the first that needs the group."""
        if self.kind == "dovetail":
            self.server = Server(self.name, [self.arguments.binary, "worker", self.file])
        else:
            self.server = Server(
                self.name,
                [STACK / "jvm", self.arguments.kafka, "worker-distributed", "--",
                 "org.apache.kafka.connect.cli.ConnectDistributed", self.file],
                STACK_FLAGS="stock",
            )
        times = []
        for path in ["/", "/connectors"]:
            wait_for(f"{self.kind} to answer {path}", lambda: self.answers(path), 60, 0.002)
            times.append(time.monotonic() - self.server.started)
        return times

    def stop(self):
        self.server.stop()

    def answers(self, path):
        self.server.check()
        try:
            return self.request("GET", path)[0] == 200
        except OSError:
            return False

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(
                method, path, body and json.dumps(body), {"Content-Type": "application/json"}
            )
            response = connection.getresponse()
            answer = response.read()
            # A JVM worker that is still starting answers in HTML.
            is_json = response.getheader("Content-Type", "").startswith("application/json")
            return response.status, json.loads(answer) if is_json and answer else answer
        finally:
            connection.close()


def machine():
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    memory_kb = re.search(r"^MemTotal: +(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.M)
    java = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr.splitlines()
    return (
        f"{os.cpu_count()} cores ({model[1] if model else platform.machine()}), "
        f"{int(memory_kb[1]) / 1e6:.0f} GB, Linux {platform.release()}; {java[0] if java else 'no Java'}"
    )


def spread(values):
    """The median, with the lowest and the highest if there are several."""
    median = statistics.median(values)
    digits = 0 if median >= 100 else 1 if median >= 10 else 2 if median >= 1 else 3
    around = f" ({min(values):.{digits}f}–{max(values):.{digits}f})" if len(values) > 1 else ""
    return f"{median:.{digits}f}{around}"


def report(arguments, columns, rows):
    """What a run says: when, where, by which command, and the table."""
    version = subprocess.run([arguments.binary, "--version"], capture_output=True, text=True).stdout.strip()
    name = pathlib.Path(sys.argv[0]).name
    command = " ".join(["make bench", *([] if name == "run" else [f"WHAT={name}"])])
    if sys.argv[1:]:
        command += f' ARGS="{" ".join(sys.argv[1:])}"'
    return "\n".join([
        f"{datetime.date.today().isoformat()}, `{command}`, {version}. "
        f"Machine: {machine()}. One-minute load before the run: {load_before:.1f}.",
        "",
        "| " + " | ".join(["", *columns]) + " |",
        "| " + " | ".join(["---"] * (len(columns) + 1)) + " |",
        *rows,
    ])


def write(section, text):
    """Puts a text between the marks of a section of docs/benchmarks.md."""
    begin, end = f"<!-- begin of {section} -->", f"<!-- end of {section} -->"
    before, begin_found, rest = REPORT.read_text().partition(begin)
    _, end_found, after = rest.partition(end)
    if not begin_found or not end_found:
        raise SystemExit(f"bench: {REPORT} lacks the marks {begin} and {end}")
    REPORT.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def add_arguments(parser):
    """The options of all benchmarks."""
    parser.add_argument("--binary", default=ROOT / "target" / "release" / "dovetail", type=pathlib.Path)
    parser.add_argument("--kafka", default="4.3.1", help="release of the broker and of the JVM worker")
    parser.add_argument("--no-jvm", action="store_true", help="leave the JVM worker out")
    parser.add_argument("--keep", action="store_true", help="keep the logs of the servers")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")


def parse(parser):
    parsed = parser.parse_args()
    if not parsed.binary.exists():
        parser.error(f"{parsed.binary} is missing: run `make build`")
    parsed.binary = parsed.binary.resolve()
    return parsed
