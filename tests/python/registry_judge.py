#!/usr/bin/env python3
"""An outside judge of records in the formats of a Schema Registry: Confluent's Python serializers.

registry_judge.py REGISTRY-URL reads one JSON object a line and answers each with one line.

{"do": "deserialize", "format": F, "topic": T, "field": "key"|"value", "bytes": BASE64}
    answers {"value": V}
{"do": "serialize", "format": F, "topic": T, "field": ..., "schema": TEXT, "message": NAME, "value": V}
    registers the schema and answers {"bytes": BASE64}; "message" names the message type of Protobuf

{"do": "round_trip", "format": F, "topic": T, "field": ..., "bytes": BASE64}
    reads the bytes, writes what it read by the same schema, and answers {"bytes": BASE64}

F is AVRO, PROTOBUF or JSON. A failure answers {"error": TEXT}.
In values bytes are Base64, decimals text, dates and times ISO text.
"""

import base64
import datetime
import decimal
import io
import json
import pathlib
import struct
import sys
import tempfile

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
import grpc_tools
from grpc_tools import protoc

# By the name of their file in the Protobuf crate.
KNOWN = {
    "confluent_meta.proto": "confluent/meta.proto",
    "confluent_decimal.proto": "confluent/type/decimal.proto",
    "date.proto": "google/type/date.proto",
    "timeofday.proto": "google/type/timeofday.proto",
}


def plain(value):
    """What Avro's reader gives, as JSON can say it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, (datetime.date, datetime.time, datetime.datetime)):
        return value.isoformat()
    return value


def compiled(text):
    """The files of a .proto text with what it imports, the text's own last.

    Confluent's converter uses its options without importing them; its parser knows them.
    """
    if "(confluent." in text and "confluent/meta.proto" not in text:
        text = text.replace(";", ';\nimport "confluent/meta.proto";', 1)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "schema.proto").write_text(text)
        # What the registry's clients bring without a reference.
        known = pathlib.Path(__file__).parents[2] / "runtime/protobuf/src/known"
        for name, place in KNOWN.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_text((known / name).read_text())
        imports = pathlib.Path(grpc_tools.__file__).parent / "_proto"
        descriptors = folder / "descriptors"
        arguments = ["protoc", f"-I{folder}", f"-I{imports}", "--include_imports", f"--descriptor_set_out={descriptors}"]
        if protoc.main([*arguments, "schema.proto"]) != 0:
            raise ValueError(f"protoc refuses the schema:\n{text}")
        return descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes()).file


def message_class(text, name=None):
    """The class of the message `name`, or of the first one of the file."""
    pool = descriptor_pool.DescriptorPool()
    files = compiled(text)
    for file in files:
        pool.Add(file)
    own = files[-1]
    full_name = name or ".".join(filter(None, [own.package, own.message_type[0].name]))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(full_name))


def message_indexes(descriptor):
    """The length and the way from the file to a message: 0 alone stands for the first one."""
    indexes = []
    while descriptor is not None:
        parent = descriptor.containing_type
        beside = parent.nested_types if parent else descriptor.file.message_types_by_name.values()
        indexes.insert(0, [message.name for message in beside].index(descriptor.name))
        descriptor = parent
    return [0] if indexes == [0] else [len(indexes), *indexes]


def context_of(order):
    return SerializationContext(order["topic"], MessageField.VALUE if order["field"] == "value" else MessageField.KEY)


class Judge:
    def __init__(self, url):
        # The registry now and then leaves a request without an answer; the client then asks again.
        self.registry = SchemaRegistryClient({"url": url, "timeout": 20})
        self.made = {}

    def once(self, key, make):
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def deserializer(self, kind, data):
        if kind == "AVRO":
            return self.once("AVRO", lambda: AvroDeserializer(self.registry))
        if kind == "JSON":
            return self.once("JSON", lambda: JSONDeserializer(None, schema_registry_client=self.registry))
        schema_id = int.from_bytes(data[1:5], "big")

        def make():
            text = self.registry.get_schema(schema_id).schema_str
            # Without the registry, from which it would want descriptors, which this one cannot give.
            return ProtobufDeserializer(message_class(text), {"use.deprecated.format": False})

        return self.once(("PROTOBUF", schema_id), make)

    def read(self, order):
        data = base64.b64decode(order["bytes"])
        return self.deserializer(order["format"], data)(data, context_of(order))

    def round_trip(self, order):
        value, context = self.read(order), context_of(order)
        schema_id = int.from_bytes(base64.b64decode(order["bytes"])[1:5], "big")
        if order["format"] == "PROTOBUF":
            assert base64.b64decode(order["bytes"])[5] == 0, "not the first message of its file"
            written = struct.pack(">bIb", 0, schema_id, 0) + value.SerializeToString()
        else:
            text = self.registry.get_schema(schema_id).schema_str
            kinds = {"AVRO": lambda: AvroSerializer(self.registry, text), "JSON": lambda: JSONSerializer(text, self.registry)}
            written = self.once(("writer", schema_id, context.topic), kinds[order["format"]])(value, context)
        return {"bytes": base64.b64encode(written).decode()}

    def deserialize(self, order):
        value = self.read(order)
        if order["format"] == "PROTOBUF":
            return {"value": json_format.MessageToDict(value, preserving_proto_field_name=True)}
        return {"value": plain(value)}

    def serializer(self, kind, text, message):
        if kind == "AVRO":
            return AvroSerializer(self.registry, text)
        if kind == "JSON":
            return JSONSerializer(text, self.registry)
        of_message = message_class(text, message)

        def write(value, context):
            # Python's own serializer registers descriptors in Base64, which no other client can read.
            subject = f"{context.topic}-{context.field}"
            schema_id = self.registry.register_schema(subject, Schema(text, "PROTOBUF"))
            indexes = io.BytesIO()
            ProtobufSerializer._encode_varints(indexes, message_indexes(of_message.DESCRIPTOR), zigzag=True)
            message = json_format.ParseDict(value, of_message())
            return struct.pack(">bI", 0, schema_id) + indexes.getvalue() + message.SerializeToString()

        return write

    def serialize(self, order):
        key = (order["format"], order["schema"], order.get("message"))
        serializer = self.once(key, lambda: self.serializer(*key))
        return {"bytes": base64.b64encode(serializer(order["value"], context_of(order))).decode()}

    def answer(self, line):
        order = json.loads(line)
        try:
            return getattr(self, order["do"])(order)
        except Exception as error:  # whatever it is, it is the answer
            return {"error": f"{type(error).__name__}: {error}"}


def main():
    judge = Judge(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(judge.answer(line)), flush=True)


if __name__ == "__main__":
    main()
