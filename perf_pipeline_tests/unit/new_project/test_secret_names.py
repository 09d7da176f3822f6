"""A secret is known by its name or its look, and never by luck."""

import pytest

from perf_pipeline.new_project.secret_names import (
    SecretVariables,
    is_secret_name,
    looks_secret,
    variable_prefix,
)


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "X-Api-Key",
        "apikey",
        "api_key",
        "password",
        "newPassword",
        "user_pwd",
        "passwort",
        "access_token",
        "accessToken",
        "csrfmiddlewaretoken",
        "X-CSRF-Token",
        "client_secret",
        "clientSecret",
        "sessionId",
        "PHPSESSID",
        "JSESSIONID",
        "otp",
        "cardCvv",
        "X-Auth",
        "signature",
        "private_key",
        "credentials",
    ],
)
def test_a_name_that_tells_a_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["id", "productId", "author", "pinned", "shipping", "compass", "tokenized", "sidebar", "email"],
)
def test_a_name_that_only_resembles_one(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "value",
    [
        # RFC 7519, 3.1: a JSON Web Token begins with the encoding of {".
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UifQ.dBjftJeZ4CVP",
        "Bearer abc",
        "basic dXNlcjpwYXNz",
        "ghp_0123456789abcdefghij",
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_a_value_that_looks_like_a_secret(value: str) -> None:
    assert looks_secret(value)


def test_a_secret_has_one_variable_wherever_it_is() -> None:
    secrets = SecretVariables(variable_prefix("my-shop"))

    names = [secrets.named(header, "a key") for header in ("X-Api-Key", "x_api_key", "token")]

    assert names == ["MY_SHOP_X_API_KEY", "MY_SHOP_X_API_KEY", "MY_SHOP_TOKEN"]
    assert [secret.name for secret in secrets.found] == ["MY_SHOP_X_API_KEY", "MY_SHOP_TOKEN"]
