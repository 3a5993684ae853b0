"""Sends requests made of docs/openapi.yaml to a worker: rest_fuzz.py DESCRIPTION URL PID NUM_EXAMPLES

Half of them use the names of real connectors and configurations that run, so that more than the checks of
the input is reached. Everything is sent twice, the same at each run, and cleaned up after. Fails at the
first answer that is an error of the server, that takes too long, or that the description does not allow;
if a connector stays behind; or if the process PID has grown from the first time to the second. Prints how
many requests were answered, by status.
"""

import collections
import json
import sys

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

DEADLINE_S = 60
# Allocators keep some of what was free once.
MAX_GROWTH_KIB = 32 * 1024
NAMES = [f"fuzz-{number}" for number in range(4)]
NEW_NAMES = [f"fuzz-new-{number}" for number in range(4)]
# Connectors that do nothing; whatever comes with them must not reach files or other systems.
CLASSES = ["MockSource", "MockSink"]
CONFIGS = [
    {"connector.class": "MockSource", "mock_mode": "connector-failure", "tasks.max": "2"},
    {"connector.class": "MockSink", "topics": "fuzz", "tasks.max": 1},
    {"connector.class": "MockSink", "topics.regex": "fuzz-.*"},
    {"connector.class": "VerifiableSource", "topic": "fuzz", "throughput": "1"},
]
BAD_CONFIGS = [
    {"connector.class": "MockSink", "topics": "fuzz", "tasks.max": "0"},
    {"connector.class": "MockSink", "topics": "fuzz", "transforms": "a", "transforms.a.type": "no.such.Class"},
]
OFFSETS = [
    {"offsets": [{"partition": {"kafka_topic": "fuzz", "kafka_partition": 0}, "offset": {"kafka_offset": 1}}]},
    {"offsets": [{"partition": {"id": 0}, "offset": None}]},
    {"offsets": []},
]


class Worker:
    def __init__(self, url, pid):
        self.url, self.pid = url, pid
        self.statuses = collections.Counter()
        self.names_before = self.names()

    def names(self):
        return set(requests.get(f"{self.url}/connectors", timeout=DEADLINE_S).json())

    def create(self):
        for name, config in zip(NAMES, CONFIGS):
            path = f"{self.url}/connectors/{name}/config"
            answer = requests.put(path, json=config, timeout=DEADLINE_S)
            assert answer.status_code in (200, 201, 409), answer.text

    def resident_kib(self):
        with open(f"/proc/{self.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def clean_up(self):
        for name in self.names() - self.names_before:
            path = requests.utils.quote(name, safe="")
            answer = requests.delete(f"{self.url}/connectors/{path}", timeout=DEADLINE_S)
            assert answer.status_code in (204, 404), f"{name}: {answer.status_code} {answer.text}"
        left = self.names() - self.names_before
        assert not left, f"still there: {left}"


def known(draw, case):
    """Puts in what the worker has, in half of the requests."""
    path = case.path_parameters
    if path is not None and "connector" in path and draw(st.booleans()):
        path["connector"] = draw(st.sampled_from(NAMES))
    if path is not None and "task" in path and draw(st.booleans()):
        path["task"] = draw(st.integers(0, 2))
    if path is not None and "plugin" in path and draw(st.booleans()):
        path["plugin"] = draw(st.sampled_from(CLASSES))
    if not isinstance(case.body, (dict, list)):
        return
    label = case.operation.label
    if label.endswith("/offsets") and draw(st.booleans()):
        case.body = draw(st.sampled_from(OFFSETS))
    config = draw(st.sampled_from(CONFIGS + BAD_CONFIGS))
    if label == "POST /connectors" and draw(st.booleans()):
        case.body = {"name": draw(st.sampled_from(NAMES + NEW_NAMES)), "config": dict(config)}
    elif label.endswith(("/config", "/config/validate")) and draw(st.booleans()):
        # Also beside what was made up.
        made_up = case.body if isinstance(case.body, dict) and draw(st.booleans()) else {}
        case.body = {**made_up, **config}


def is_documented_error(case, response):
    """The one 500 that is for the client's fault, and that of a probe that asks for failures."""
    if case.operation.label.startswith("PATCH ") and case.operation.label.endswith("/offsets"):
        message = response.json()["message"]
        return message.startswith(("Cannot deserialize value", "Cannot construct instance", "Unrecognized field"))
    return case.operation.label == "GET /health" and response.json()["message"].startswith("FAILED: ")


def check(worker, case):
    response = case.call(base_url=worker.url, timeout=DEADLINE_S)
    worker.statuses[response.status_code] += 1
    excluded = []
    if response.status_code >= 500 and is_documented_error(case, response):
        excluded = [not_a_server_error]
    case.validate_response(
        response,
        checks=[
            not_a_server_error,
            checks.content_type_conformance,
            checks.response_schema_conformance,
            checks.status_code_conformance,
        ],
        excluded_checks=excluded,
    )


def send_all(worker, operations, num_examples):
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            cases = operation.as_strategy(generation_mode=mode)

            @settings(
                max_examples=num_examples,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(st.data())
            def send(data):
                case = data.draw(cases)
                known(data.draw, case)
                check(worker, case)

            try:
                send()
            except Unsatisfiable:
                # Of a request without anything in it there is no wrong one.
                assert mode is GenerationMode.NEGATIVE and not operation.body


def main():
    description, url, pid, num_examples = sys.argv[1:]
    worker = Worker(url, pid)
    schema = schemathesis.openapi.from_path(description)
    operations = [result.ok() for result in schema.get_all_operations()]
    # What takes connectors away comes last.
    operations.sort(key=lambda operation: operation.label.startswith("DELETE "))
    assert len(operations) > 30, len(operations)
    num_kib = []
    for _ in range(2):
        try:
            worker.create()
            send_all(worker, operations, int(num_examples))
        finally:
            worker.clean_up()
        num_kib.append(worker.resident_kib())
    growth = num_kib[1] - num_kib[0]
    assert growth < MAX_GROWTH_KIB, f"the same requests again took {growth} KiB more: {num_kib}"
    print(json.dumps({str(status): count for status, count in sorted(worker.statuses.items())}))


main()
