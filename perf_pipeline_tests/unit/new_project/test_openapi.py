"""Of a description, what only reads is loaded, and what changes data is prepared."""

from typing import Any

import pytest
import yaml

from perf_pipeline.errors import RequestError
from perf_pipeline.new_project.openapi_document import read_description
from perf_pipeline_tests.support.composed import OK, composed, described
from perf_pipeline_tests.support.servers.described_shop import DESCRIPTION


def test_an_id_comes_from_the_list_that_was_asked_before() -> None:
    made, composer = composed(DESCRIPTION)

    lists, shows = made["reads"].steps
    assert (lists.path, lists.save) == ("/products", {"product_id": "$[0].id"})
    assert shows.path == "/products/${product_id}"
    assert made["reads"].parameters == {"auth": {"bearerEnv": "SHOP_TOKEN"}}
    assert composer.left_out[0].startswith("GET /reports/{year}: no step answers with a value")


def test_only_what_the_scenario_has_created_is_deleted() -> None:
    made, _ = composed(DESCRIPTION)

    opens, drops = made["changes"].steps
    assert not made["changes"].enabled
    assert opens.body == {"json": {"productId": 4711, "password": "${env.SHOP_PASSWORD}"}}
    assert (opens.save, drops.path) == ({"cart_id": "$.cartId"}, "/carts/${cart_id}")
    seven = {"name": "id", "in": "path", "example": "7"}
    alone = {"delete": {"parameters": [seven], "responses": OK}}
    _, composer = composed(described({"/carts/{id}": alone}))
    assert composer.left_out == [
        "DELETE /carts/{id}: it would delete what the scenario has not created"
    ]


def test_no_secret_of_a_description_is_taken_over() -> None:
    written = "never-written"

    made, composer = composed(DESCRIPTION)

    assert written not in repr(made)
    assert [secret.name for secret in composer.secrets.found] == ["SHOP_TOKEN", "SHOP_PASSWORD"]


@pytest.mark.parametrize(
    ("scheme", "parameters"),
    [
        ({"type": "http", "scheme": "basic"}, {"auth": {"basicEnv": "SHOP_USER_PASSWORD"}}),
        ({"type": "oauth2", "flows": {}}, {"auth": {"bearerEnv": "SHOP_TOKEN"}}),
        (
            {"type": "apiKey", "in": "header", "name": "X-Key"},
            {"headers": {"X-Key": "${env.SHOP_X_KEY}"}},
        ),
    ],
    ids=["basic", "oauth2", "key"],
)
def test_who_asks_is_proved_by_a_variable(
    scheme: dict[str, Any], parameters: dict[str, Any]
) -> None:
    raw = described(
        {"/orders": {"get": {"security": [{"it": []}], "responses": OK}}},
        components={"securitySchemes": {"it": scheme}},
    )

    made, _ = composed(raw)

    assert made["reads"].parameters == parameters


def test_a_key_in_the_address_is_told_and_not_sent() -> None:
    scheme = {"type": "apiKey", "in": "query", "name": "key"}
    raw = described(
        {"/orders": {"get": {"security": [{"it": []}], "responses": OK}}},
        components={"securitySchemes": {"it": scheme}},
    )

    _, composer = composed(raw)

    assert composer.left_out == ["GET /orders: it wants 'key' in the query, where no secret may be"]


def test_a_description_of_version_2_is_read() -> None:
    raw = {
        "swagger": "2.0",
        "host": "127.0.0.1:9000",
        "basePath": "/v1",
        "paths": {
            "/pets": {
                "get": {
                    "parameters": [
                        {"name": "limit", "in": "query", "required": True, "type": "integer"}
                    ],
                    "responses": OK,
                },
                "post": {
                    "parameters": [
                        {"name": "name", "in": "formData", "required": True, "type": "string"}
                    ],
                    "responses": OK,
                },
            }
        },
    }

    made, composer = composed(raw)

    assert composer.description.server() == "http://127.0.0.1:9000/v1"
    assert made["reads"].steps[0].query == {"limit": "1"}
    assert made["changes"].steps[0].body == {"form": {"name": "text"}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "format": "email"}, "${uuid}@example.org"),
        ({"type": "string", "enum": ["red", "green"]}, "red"),
        ({"type": "integer", "minimum": 18}, 18),
        ({"type": "integer", "exclusiveMinimum": 5, "maximum": 9}, 6),
        ({"type": ["null", "boolean"]}, True),
        ({"type": "array", "items": {"type": "number"}}, [1]),
        ({"type": "array", "minItems": 2, "items": {"type": "string"}}, ["text", "text"]),
        (
            {"type": "array", "minItems": 2, "uniqueItems": True, "items": {"enum": [7, 8, 9]}},
            [7, 8],
        ),
        ({"type": "array", "minItems": 2.0, "items": {"type": "boolean"}}, [True, True]),
        (
            {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"const": "${x}"}},
            ["$${x}"],
        ),
        (
            {"type": "array", "minItems": 2, "uniqueItems": True, "items": {"enum": ["${a}", "b"]}},
            ["$${a}", "b"],
        ),
        ({"oneOf": [{"type": "null"}, {"const": "x"}]}, "x"),
        (
            {
                "allOf": [
                    {"required": ["a"], "properties": {"a": {"default": "1"}}},
                    {"properties": {"b": {"type": "string"}}},
                ]
            },
            {"a": "1"},
        ),
        ({"properties": {"a": {"readOnly": True}, "b": {"maxLength": 2}}}, {"b": "te"}),
        ({"example": {"note": "costs ${x}", "apiKey": "k"}}, None),
    ],
)
def test_a_value_is_made_up_that_fits(schema: dict[str, Any], value: Any) -> None:
    content = {"application/json": {"schema": schema}}
    raw = described({"/a": {"post": {"requestBody": {"content": content}, "responses": OK}}})
    expected = value or {"note": "costs $${x}", "apiKey": "${env.SHOP_API_KEY}"}

    made, _ = composed(raw)

    assert made["changes"].steps[0].body == {"json": expected}


def test_a_list_of_secrets_that_differ_is_never_written_down() -> None:
    items = {"enum": ["ghp_0123456789", "ghp_9876543210"]}
    schema = {
        "properties": {
            "tokens": {"type": "array", "minItems": 2, "uniqueItems": True, "items": items}
        }
    }
    content = {"application/json": {"schema": schema}}
    raw = described({"/a": {"post": {"requestBody": {"content": content}, "responses": OK}}})

    made, composer = composed(raw)

    assert "ghp_" not in f"{made} {composer.left_out}"


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (
            {"type": "array", "minItems": 2, "uniqueItems": True, "items": {"enum": [1, 1]}},
            "2 items that differ",
        ),
        (  # 100 times 100 times 100
            {
                "type": "array",
                "minItems": 100,
                "items": {
                    "type": "array",
                    "minItems": 100,
                    "items": {"type": "array", "minItems": 100, "items": {"type": "integer"}},
                },
            },
            "100 items",
        ),
        ({"type": "integer", "minimum": 6, "maximum": 9, "multipleOf": 5}, "no number"),
        ({"type": "array", "minItems": 2, "uniqueItems": True}, "2 items that differ"),
        ({"type": "array", "minItems": 5000}, "5,000 items"),
        ({"type": "string", "pattern": "[A-Z]{3}"}, "has to match '[A-Z]{3}'"),
    ],
)
def test_what_nobody_can_make_up_is_told_and_not_sent(schema: dict[str, Any], why: str) -> None:
    content = {"application/json": {"schema": schema}}
    raw = described({"/a": {"post": {"requestBody": {"content": content}, "responses": OK}}})

    made, composer = composed(raw)

    assert made["changes"].steps == ()
    (left,) = composer.left_out
    assert why in left


def test_a_null_is_sent_as_the_text_that_it_is() -> None:
    content = {"application/json": {"example": {"a": None}}}
    raw = described({"/a": {"post": {"requestBody": {"content": content}, "responses": OK}}})

    made, _ = composed(raw)

    assert made["changes"].steps[0].body == {"body": '{"a": null}'}
    assert made["changes"].steps[0].headers == {"Content-Type": "application/json"}


def test_other_files_are_never_fetched() -> None:
    reference = {"$ref": "file:///etc/hostname"}
    raw = described({"/a": {"get": {"parameters": [reference], "responses": OK}}})

    _, composer = composed(raw)

    [told] = composer.left_out
    assert told.startswith("GET /a: ")
    assert "only references within the file are followed" in told


def test_yaml_is_read_as_well() -> None:
    assert read_description(yaml.safe_dump(DESCRIPTION), "api.yaml").title == "Shop"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is neither JSON nor YAML"),
        ("a: [", "is neither JSON nor YAML"),
        ("[]", "is not an OpenAPI description"),
        ('{"openapi": "3.1.0"}', "is not an OpenAPI description"),
    ],
)
def test_a_file_that_is_none_is_told(text: str, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        read_description(text, "api.json")
