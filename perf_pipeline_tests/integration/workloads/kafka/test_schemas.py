"""Values that a registry describes: their bytes, by hand, and what is told of those that don't fit.

Confluent's wire format: 0, the schema's id in four bytes, then the value; with Protobuf the
message's place in the file between (0 for the first one).
"""

import json
from base64 import b64encode
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

from perf_pipeline.config.own_topics import RegisteredSchema
from perf_pipeline.errors import ProfileError, TargetUnavailableError
from perf_pipeline.workloads.kafka.schemas import UnfitValueError, encoder_of
from perf_pipeline_tests.support.servers.schema_registry import Registry, schema_registry

HEAD = bytes([0, 0, 0, 0, 7])
FIELDS = [{"name": "id", "type": "string"}, {"name": "total", "type": "int"}]
AVRO = json.dumps({"type": "record", "name": "Order", "fields": FIELDS})
JSON_SCHEMA = json.dumps(
    {
        "type": "object",
        "title": "Order",
        "properties": {"id": {"type": "string"}, "total": {"type": "integer"}},
        "required": ["id"],
    }
)
ORDER = b'{"id": "a", "total": 7}'


def protobuf() -> str:
    """Describe `message Order { string id = 1; int32 total = 2; }`, as a registry serializes it."""
    file = FileDescriptorProto(name="order.proto", syntax="proto3")
    message = file.message_type.add(name="Order")
    kinds = (("id", FieldDescriptorProto.TYPE_STRING), ("total", FieldDescriptorProto.TYPE_INT32))
    for number, (name, kind) in enumerate(kinds, 1):
        label = FieldDescriptorProto.LABEL_OPTIONAL
        message.field.add(name=name, number=number, type=kind, label=label)
    return b64encode(file.SerializeToString()).decode()


def encoded(registry: Registry, value: bytes = ORDER, login: str = "", **more: str) -> bytes:
    schema = RegisteredSchema(registry=registry.url, **more)
    return encoder_of(schema, "orders", login=login, ca_file="")(value)


def test_avro_is_written_as_its_specification_says() -> None:
    """A string of 1 byte is its length zigzagged, 02, and 61; 7 zigzagged is 0e (Avro 1.11)."""
    with schema_registry({"orders-value": ("AVRO", AVRO)}) as registry:
        assert encoded(registry) == HEAD + bytes([0x02, 0x61, 0x0E])
        assert not any(request.startswith("POST") for request in registry.asked)


def test_protobuf_is_written_as_its_encoding_guide_says() -> None:
    """Field 1 with a length is 0a 01 61; field 2 as a varint is 10 07."""
    with schema_registry({"orders-value": ("PROTOBUF", protobuf())}) as registry:
        expected = HEAD + bytes([0, 0x0A, 0x01, 0x61, 0x10, 0x07])

        assert encoded(registry) == expected
        assert encoded(registry, message="Order") == expected
        with pytest.raises(ProfileError, match="has no message Ordre; it has Order"):
            encoded(registry, message="Ordre")


def test_a_json_schema_leaves_json_behind_its_id() -> None:
    with schema_registry({"orders-value": ("JSON", JSON_SCHEMA)}) as registry:
        found = encoded(registry)

        assert found[:5] == HEAD
        assert json.loads(found[5:]) == {"id": "a", "total": 7}


@pytest.mark.parametrize(("kind", "schema"), [("AVRO", AVRO), ("JSON", JSON_SCHEMA)])
def test_a_value_that_does_not_fit_is_told_with_the_subject(kind: str, schema: str) -> None:
    with (
        schema_registry({"orders-value": (kind, schema)}) as registry,
        pytest.raises(UnfitValueError, match="a value does not fit the schema orders-value: "),
    ):
        encoded(registry, b'{"id": 5, "total": 7}')


def test_the_registry_is_asked_before_the_load_and_never_again() -> None:
    with schema_registry({"orders-value": ("AVRO", AVRO)}) as registry:
        schema = RegisteredSchema(registry=registry.url)
        encode = encoder_of(schema, "orders", login="", ca_file="")
        encode(ORDER)
        before = len(registry.asked)
        for _ in range(100):
            encode(ORDER)

        assert len(registry.asked) == before


def test_a_registry_asks_for_a_password_and_is_given_it() -> None:
    with schema_registry({"s": ("AVRO", AVRO)}, login="me:s3cret") as registry:
        assert encoded(registry, login="me:s3cret", subject="s").startswith(HEAD)
        with pytest.raises(TargetUnavailableError, match="has no schema s: Unauthorized"):
            encoded(registry, login="me:wrong", subject="s")


def test_a_login_or_an_authority_that_no_client_takes_is_told(tmp_path: Path) -> None:
    """Before anything is asked; nobody listens there."""
    text = tmp_path / "text.pem"
    text.write_text("no certificate", encoding="ascii")
    schema = RegisteredSchema(registry="http://127.0.0.1:1")

    for login, file, why in (
        ("nobody", "", "must be in the form of"),
        ("", str(tmp_path / "none.pem"), "No such file"),
        ("", str(text), "no certificate or crl found"),
    ):
        with pytest.raises(ProfileError, match=f"http://127.0.0.1:1 can't be asked so: .*{why}"):
            encoder_of(schema, "orders", login=login, ca_file=file)


def test_a_schema_of_an_unknown_kind_is_told() -> None:
    with (
        schema_registry({"orders-value": ("XSD", "<xs/>")}) as registry,
        pytest.raises(TargetUnavailableError, match="orders-value of the kind XSD"),
    ):
        encoded(registry)


def test_a_subject_that_is_not_there_and_a_registry_that_is_silent_are_told() -> None:
    with (
        schema_registry({}) as registry,
        pytest.raises(TargetUnavailableError, match="has no schema orders-value: Subject"),
    ):
        encoded(registry)
    with pytest.raises(TargetUnavailableError, match=r"http://127.0.0.1:1 does not answer"):
        encoded(Registry("http://127.0.0.1:1"))
