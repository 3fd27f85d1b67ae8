"""Reads messages as a sidecar of an older version would: by a recorded descriptor set, and by nothing of today's.

Usage: older_reader.py DESCRIPTOR_SET. Each line of standard input is a message's full name and its bytes in base64, each
line of standard output is what the older reader understood, as JSON.
"""
import base64
import json
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

pool = descriptor_pool.DescriptorPool()
with open(sys.argv[1], "rb") as recorded:
    for file in descriptor_pb2.FileDescriptorSet.FromString(recorded.read()).file:
        pool.Add(file)
# protobuf 4.22 has the function, 5 no longer the method.
to_class = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(pool).GetPrototype

for line in sys.stdin:
    name, content = line.rstrip("\n").split(" ")
    message = to_class(pool.FindMessageTypeByName(name))()
    message.ParseFromString(base64.b64decode(content))
    print(json.dumps(json_format.MessageToDict(message)))
