#!/usr/bin/env python3
"""An outside judge of objects: fastavro and pyarrow.

object_judge.py reads one JSON object a line and answers each with one line.

{"format": "avro", "bytes": BASE64}
    answers {"codec": C, "schema": S, "rows": [...]}
{"format": "parquet", "bytes": BASE64}
    answers {"codec": C, "types": {FIELD: TYPE}, "avro_schema": S, "rows": [...]}

In rows bytes are Base64, decimals text, and dates and times numbers: days, or milliseconds. A failure
answers {"error": TEXT}.
"""

import base64
import datetime
import decimal
import io
import json
import sys

import fastavro
import pyarrow.parquet

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MILLISECOND = datetime.timedelta(milliseconds=1)


def plain(value):
    """A value as JSON can say it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list) and value and all(isinstance(item, tuple) for item in value):
        return {key: plain(item) for key, item in value}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // MILLISECOND
    if isinstance(value, datetime.date):
        return (value - EPOCH.date()).days
    if isinstance(value, datetime.time):
        since_midnight = datetime.datetime.combine(EPOCH.date(), value, datetime.timezone.utc) - EPOCH
        return since_midnight // MILLISECOND
    return value


def read_avro(content):
    reader = fastavro.reader(io.BytesIO(content))
    return {
        "codec": reader.metadata["avro.codec"],
        "schema": json.loads(reader.metadata["avro.schema"]),
        "rows": [plain(row) for row in reader],
    }


def read_parquet(content):
    file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
    metadata = file.metadata
    return {
        "codec": metadata.row_group(0).column(0).compression,
        "types": {field.name: str(field.type) for field in file.schema_arrow},
        "avro_schema": json.loads(metadata.metadata[b"parquet.avro.schema"]),
        "rows": [plain(row) for row in file.read().to_pylist()],
    }


READERS = {"avro": read_avro, "parquet": read_parquet}

for line in sys.stdin:
    order = json.loads(line)
    try:
        answer = READERS[order["format"]](base64.b64decode(order["bytes"]))
    except Exception as error:  # Whatever a reader says is the judgement.
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
