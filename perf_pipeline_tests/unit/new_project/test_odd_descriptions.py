"""What descriptions hold beside the ordinary: loops, several ids, kinds of proof."""

from typing import Any

import pytest

from perf_pipeline_tests.support.composed import OK, composed, described

ID = {"name": "petId", "in": "path"}


def posted(schema: Any, **more: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return described(
        {"/a": {"post": {"requestBody": {"content": content}, "responses": OK}}, **more}
    )


def test_what_is_deleted_is_what_was_created_and_not_the_first_thing_in_its_lists() -> None:
    # A pet has an id and tags with ids of their own; DELETE /pets/{tag's id} hits somebody's pet.
    has_id = {"id": {"type": "integer"}}
    tags = {"type": "array", "items": {"properties": has_id}}
    answer = {"content": {"application/json": {"schema": {"properties": {"tags": tags, **has_id}}}}}
    raw = described(
        {
            "/pets": {"post": {"responses": {"201": answer}}},
            "/pets/{petId}": {"delete": {"parameters": [ID], "responses": OK}},
        }
    )

    made, _ = composed(raw)

    creates, deletes = made["changes"].steps
    assert creates.save == {"pet_id": "$.id"}
    assert deletes.path == "/pets/${pet_id}"


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("other.yaml#/Pet", "only references within the file are followed"),
        ("#/x", "refers directly to itself"),
    ],
)
def test_a_body_that_leads_nowhere_is_told(reference: str, why: str) -> None:
    _, composer = composed({**posted({"$ref": reference}), "x": {"$ref": "#/x"}})

    [told] = composer.left_out
    assert told.startswith("POST /a: ")
    assert why in told


def test_a_body_that_grows_with_each_level_has_a_bound() -> None:
    # 8 members in each of 12 levels are 8 ** 12 values, where none of them is required.
    schemas: dict[str, Any] = {
        f"S{level}": {
            "properties": {
                f"m{number}": {"$ref": f"#/components/schemas/S{level + 1}"} for number in range(8)
            }
        }
        for level in range(12)
    }
    schemas["S12"] = {"type": "string"}

    made, _ = composed(
        {**posted({"$ref": "#/components/schemas/S0"}), "components": {"schemas": schemas}}
    )

    [step] = made["changes"].steps
    assert len(str(step.body)) < 50_000


def test_a_description_that_wraps_one_value_is_that_value() -> None:
    # FastAPI writes an enumeration with a description of its own in this way.
    color = {"allOf": [{"enum": ["red", "green"]}], "description": "of the pet"}

    made, _ = composed(posted({"properties": {"color": color}}))

    assert made["changes"].steps[0].body == {"json": {"color": "red"}}


@pytest.mark.parametrize(
    ("name", "example"),
    [("token", "abc"), ("id", "ghp_0123456789abcdefghij")],
    ids=["name", "look"],
)
def test_a_secret_in_a_path_is_told_and_not_written(name: str, example: str) -> None:
    parameter = {"name": name, "in": "path", "example": example}
    one = {"get": {"parameters": [parameter], "responses": OK}}

    made, composer = composed(described({f"/reset/{{{name}}}": one}))

    assert composer.left_out == [f"GET /reset/{{{name}}}: its path holds a secret"]
    assert example not in repr(made)


@pytest.mark.parametrize(
    ("scheme", "why"),
    [
        ({"type": "http", "scheme": "basic"}, "it wants user and password, unlike the steps"),
        ({"type": "http", "scheme": "digest"}, "it wants a proof (digest)"),
        ({"type": "mutualTLS"}, "it wants a proof (mutualTLS)"),
    ],
    ids=["two kinds", "digest", "certificate"],
)
def test_who_can_not_be_proved_is_told(scheme: dict[str, Any], why: str) -> None:
    raw = described(
        {
            "/a": {"get": {"security": [{"token": []}], "responses": OK}},
            "/b": {"get": {"security": [{"other": []}], "responses": OK}},
        },
        components={
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}, "other": scheme}
        },
    )

    made, composer = composed(raw)

    assert made["reads"].parameters == {"auth": {"bearerEnv": "SHOP_TOKEN"}}
    assert [step.path for step in made["reads"].steps] == ["/a"]
    assert why in composer.left_out[0]


@pytest.mark.parametrize(
    ("parameter", "consumes", "why"),
    [
        ({"in": "formData", "type": "file"}, None, "multipart/form-data"),
        ({"in": "body", "schema": {"type": "object"}}, ["application/xml"], "application/xml"),
    ],
    ids=["file", "xml"],
)
def test_a_body_of_version_2_that_steps_can_not_send_is_told(
    parameter: dict[str, Any], consumes: list[str] | None, why: str
) -> None:
    named = {"name": "it", "required": True, **parameter}
    sends = {"parameters": [named], "responses": OK, **({"consumes": consumes} if consumes else {})}
    raw = {"swagger": "2.0", "host": "x", "paths": {"/a": {"post": sends}}}

    _, composer = composed(raw)

    [told] = composer.left_out
    assert why in told


def test_an_object_in_a_query_is_sent_as_its_members() -> None:
    # Spring describes pages in this way; OpenAPI's usual style is form, exploded.
    numbers = {"page": {"minimum": 0, "type": "integer"}, "sort": {"items": {"default": "id"}}}
    page = {"name": "page", "in": "query", "required": True}
    object_ = {"type": "object", "properties": numbers}
    nested = {**page, "style": "deepObject", "schema": object_}
    paths = {
        "/a": {"get": {"parameters": [{**page, "schema": object_}], "responses": OK}},
        "/b": {"get": {"parameters": [nested], "responses": OK}},
    }

    made, composer = composed(described(paths))

    assert [step.query for step in made["reads"].steps] == [{"page": "0", "sort": "id"}]
    assert composer.left_out == ["GET /b: its query parameter 'page' is an object"]


def test_an_id_comes_from_a_list_whose_path_ends_in_a_slash() -> None:
    # As FastAPI and Django write them.
    schema = {"items": {"properties": {"id": {"type": "integer"}}}}
    listed = {"200": {"content": {"application/json": {"schema": schema}}}}
    paths = {
        "/pets/": {"get": {"responses": listed}},
        "/pets/{petId}/": {"get": {"parameters": [ID], "responses": OK}},
    }

    made, _ = composed(described(paths))

    assert [step.path for step in made["reads"].steps] == ["/pets/", "/pets/${pet_id}/"]


@pytest.mark.parametrize(
    ("more", "address"),
    [
        # FastAPI writes none: the API is where it was asked, and not below /openapi.json.
        ({}, ""),
        ({"servers": [{"url": "/api"}]}, "http://127.0.0.1:8000/api"),
        ({"servers": [{"url": "https://shop.example/v1"}]}, "https://shop.example/v1"),
    ],
)
def test_a_description_without_servers_says_nothing_of_an_address(
    more: dict[str, Any], address: str
) -> None:
    _, composer = composed(described({}, **more))

    assert composer.description.server("http://127.0.0.1:8000/openapi.json") == address
