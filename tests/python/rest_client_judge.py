"""Lets public clients of the Connect REST API, unchanged, take a connector through its life.

    rest_client_judge.py CLIENT URL NAME CONFIG

CLIENT is kafka-connect-py, whose command line is used, or kafka-connect-api, whose classes are.
"""

import json
import subprocess
import sys
import time

DEADLINE_S = 90


def until(what, condition):
    """Statuses come a moment after the change."""
    end = time.monotonic() + DEADLINE_S
    while True:
        try:
            seen = condition()
        except Exception as error:
            seen = error
        if seen is True:
            return
        assert time.monotonic() < end, f"waited in vain for {what}, last seen: {seen}"
        time.sleep(0.1)


def is_equal(left, right):
    return True if left == right else left


def command_line(url, name, config):
    def kc(*arguments):
        command = [sys.executable, "-c", "from kafka_connect.cli import cli; cli()", "--url", url]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=DEADLINE_S)
        assert done.returncode == 0 and "Oops" not in done.stdout, f"{arguments}: {done}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def states():
        status = kc("status", name)
        return [status["connector"]["state"], *(task["state"] for task in status["tasks"])]

    assert kc("info")["version"]
    created = kc("create", "--config-data", json.dumps({"name": name, "config": config}))
    assert created["name"] == name, created
    until("RUNNING", lambda: is_equal(states(), ["RUNNING", "RUNNING"]))
    assert name in kc("list")
    assert name in kc("list", "--expand", "status", "--state", "running")
    assert kc("config", name)["connector.class"] == config["connector.class"]
    assert kc("get", name)["type"] == "source"
    updated = kc("update", name, "--config-data", json.dumps({**config, "throughput": "2"}))
    assert updated["config"]["throughput"] == "2", updated
    kc("pause", name)
    until("PAUSED", lambda: is_equal(states(), ["PAUSED", "PAUSED"]))
    kc("resume", name)
    until("RUNNING", lambda: is_equal(states(), ["RUNNING", "RUNNING"]))
    kc("restart", name, "--include-tasks")
    until("RUNNING", lambda: is_equal(states(), ["RUNNING", "RUNNING"]))
    assert [task["id"]["task"] for task in kc("list-tasks", name)] == [0]
    kc("delete", name)
    until("its end", lambda: name not in kc("list"))


def classes(url, name, config):
    from kafka_connect_api.kafka_connect_api import Api, Cluster, Connector

    host, port = url.removeprefix("http://").split(":")
    cluster = Cluster(Api(host, int(port)))
    assert cluster.version
    assert "root" in cluster.loggers
    assert name not in cluster.connectors
    Connector(cluster, name).config = config
    until("the connector", lambda: name in cluster.connectors)
    connector = cluster.connectors[name]
    assert connector.exists() and connector.connector_class == config["connector.class"]
    until("RUNNING", lambda: is_equal(connector.state, "RUNNING"))
    until("a task", lambda: is_equal([task.state for task in connector.tasks], ["RUNNING"]))
    connector.pause()
    until("PAUSED", lambda: is_equal(connector.tasks[0].state, "PAUSED"))
    connector.resume()
    until("RUNNING", lambda: connector.tasks[0].is_running())
    connector.restart()
    until("RUNNING", lambda: is_equal(connector.state, "RUNNING"))
    connector.restart_all_tasks()
    until("RUNNING", lambda: connector.tasks[0].is_running())
    connector.cycle_connector()
    until("RUNNING", lambda: connector.tasks[0].is_running())
    connector.delete()
    until("its end", lambda: name not in cluster.connectors)


CLIENTS = {"kafka-connect-py": command_line, "kafka-connect-api": classes}
client, url, name, config = sys.argv[1:]
CLIENTS[client](url, name, json.loads(config))
