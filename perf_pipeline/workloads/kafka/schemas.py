"""Encode values by a schema of a registry with Confluent's own serializers.

The serializers are an extra, `perf_pipeline[schemas]`, because few people need them and they bring
a dozen packages.
Add here: another kind of schema. Keep out: making the values (own_messages.py).
"""

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any, Final

from perf_pipeline.config.own_topics import RegisteredSchema
from perf_pipeline.errors import ProfileError, TargetUnavailableError

Encode = Callable[[bytes], bytes]
"""Encodes a value that is written as JSON."""
_Maker = Callable[[Any, str, RegisteredSchema], Callable[..., bytes]]
# The registry belongs to the target, so nothing is registered there.
_CONFIGURATION: Final = {"auto.register.schemas": False, "use.latest.version": True}


class UnfitValueError(Exception):
    """Say that a value does not fit its schema."""


def encoder_of(schema: RegisteredSchema, topic: str, *, login: str, ca_file: str) -> Encode:
    """Ask the registry for the newest schema of a subject; return a function that encodes by it.

    The registry is asked here, and never while the load runs.

    Args:
        schema: the schema of the scenario.
        topic: the topic of the messages.
        login: `user:password`; empty for none.
        ca_file: the file with the registry's authority; empty for the system's authorities.

    Raises:
        TargetUnavailableError: the registry does not answer, or has no such subject.
        ProfileError: the serializers are not installed, or the schema is not supported.
    """
    subject = schema.subject or f"{topic}-value"
    try:
        serializer = _serializer(schema, subject, login, ca_file)
    except ImportError as error:
        sentence = f"a schema needs Confluent's serializers, and {error.name} is not installed"
        hint = "install perf_pipeline[schemas]"
        raise ProfileError("of the run", [sentence], hint=hint) from error

    def encode(value: bytes) -> bytes:
        try:
            return serializer(json.loads(value))
        except Exception as error:
            # Each library underneath has its own errors, which all say what does not fit.
            why = str(error) or type(error).__name__
            raise UnfitValueError(f"a value does not fit the schema {subject}: {why}") from error

    return encode


def _serializer(
    schema: RegisteredSchema, subject: str, login: str, ca_file: str
) -> Callable[[Any], bytes]:
    from confluent_kafka.schema_registry import (  # noqa: PLC0415 - an extra
        SchemaRegistryClient,
        SchemaRegistryError,
    )
    from confluent_kafka.serialization import (  # noqa: PLC0415 - as above
        MessageField,
        SerializationContext,
    )

    given = {"basic.auth.user.info": login, "ssl.ca.location": ca_file}
    settings = {"url": schema.registry, **{key: text for key, text in given.items() if text}}
    try:
        client = SchemaRegistryClient({**settings, "timeout": 5, "max.retries": 0})
    except (OSError, ValueError) as error:  # a bad certificate, or no user
        sentence = f"the schema registry {schema.registry} can't be asked so: {error}"
        hint = "correct the variable of basicEnv, or caFile, of the scenario's schema"
        raise ProfileError("of the run", [sentence], hint=hint) from error
    try:
        latest = client.get_latest_version(subject).schema
        make = _maker(latest.schema_type or "AVRO", subject, schema)(client, subject, schema)
    except SchemaRegistryError as error:
        raise _no_schema(schema, f"has no schema {subject}: {error.error_message}") from error
    except OSError as error:
        raise _no_schema(schema, f"does not answer: {error}") from error
    except Exception as error:
        # The HTTP client underneath has its own errors.
        if not type(error).__module__.startswith("httpx"):
            raise
        raise _no_schema(schema, f"does not answer: {error}") from error
    context = SerializationContext(subject, MessageField.VALUE)
    return lambda value: bytes(make(value, context))


def _maker(kind: str, subject: str, schema: RegisteredSchema) -> _Maker:
    if kind not in _MAKERS:
        raise _no_schema(schema, f"has a schema {subject} of the kind {kind}, which is unknown")
    return _MAKERS[kind]


def _no_schema(schema: RegisteredSchema, why: str) -> TargetUnavailableError:
    return TargetUnavailableError(
        f"the schema registry {schema.registry} {why}",
        hint="correct registry or subject of the scenario's schema, or register the schema",
    )


def _configuration(subject: str) -> dict[str, Any]:
    return {**_CONFIGURATION, "subject.name.strategy": lambda *_: subject}


def _avro(client: Any, subject: str, _: RegisteredSchema) -> Callable[..., bytes]:
    from confluent_kafka.schema_registry.avro import AvroSerializer  # noqa: PLC0415 - an extra

    found: Callable[..., bytes] = AvroSerializer(client, conf=_configuration(subject))
    return found


def _json_schema(client: Any, subject: str, _: RegisteredSchema) -> Callable[..., bytes]:
    from confluent_kafka.schema_registry.json_schema import (  # noqa: PLC0415 - an extra
        JSONSerializer,
    )

    found: Callable[..., bytes] = JSONSerializer(None, client, conf=_configuration(subject))
    return found


def _protobuf(client: Any, subject: str, schema: RegisteredSchema) -> Callable[..., bytes]:
    from confluent_kafka.schema_registry.protobuf import (  # noqa: PLC0415 - an extra
        ProtobufSerializer,
    )
    from google.protobuf import json_format  # noqa: PLC0415 - an extra

    kind = _message_class(client.get_latest_version(subject, fmt="serialized"), subject, schema)
    serializer = ProtobufSerializer(kind, client, conf=_configuration(subject))
    return lambda value, context: serializer(json_format.ParseDict(value, kind()), context)


def _message_class(latest: Any, subject: str, schema: RegisteredSchema) -> Any:
    """Build the class of a Protobuf message from the schema's descriptor."""
    from google.protobuf import (  # noqa: PLC0415 - an extra
        descriptor_pb2,
        descriptor_pool,
        message_factory,
    )

    file = descriptor_pb2.FileDescriptorProto.FromString(b64decode(latest.schema.schema_str))
    pool, known = descriptor_pool.DescriptorPool(), descriptor_pool.Default()
    try:
        for name in file.dependency:
            pool.AddSerializedFile(known.FindFileByName(name).serialized_pb)
    except KeyError:
        sentence = f"the schema {subject} imports {name}, which is not one of Google's own"
        raise ProfileError("of the run", [sentence]) from None
    file.name = file.name or f"{subject}.proto"
    pool.Add(file)
    names = [message.name for message in file.message_type]
    wanted = schema.message or names[0]
    if wanted not in names:
        sentence = f"the schema {subject} has no message {wanted}; it has {', '.join(names)}"
        raise ProfileError("of the run", [sentence])
    full = f"{file.package}.{wanted}" if file.package else wanted
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(full))


_MAKERS: Final[dict[str, _Maker]] = {
    "AVRO": _avro,
    "JSON": _json_schema,
    "PROTOBUF": _protobuf,
}
