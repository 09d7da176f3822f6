"""The secrets inside addresses: found by taking them apart, hidden whole."""

import pytest

from perf_pipeline.secrecy.addresses import mask_address, mask_addresses_in, secrets_in


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("postgresql://app:s3cret@127.0.0.1/b", "postgresql://app:***@127.0.0.1/b"),
        ("redis://:se@cret@127.0.0.1:6379/0", "redis://:***@127.0.0.1:6379/0"),
        ("rediss://u:se/cret@h:6379/0", "rediss://u:***@h:6379/0"),
        ("postgresql://u:pa/ss@localhost/db", "postgresql://u:***@localhost/db"),
        ("postgresql://u:pa?s#s@localhost/db", "postgresql://u:***@localhost/db"),
        ("postgresql://u:pa?s=s@localhost/db", "postgresql://u:***@localhost/db"),
        ("postgresql://u:two words@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:p%40ss@h1:1,h2:2/db", "postgresql://u:***@h1:1,h2:2/db"),
        (
            "postgresql://h:5432/db?user=u&password=se@c",
            "postgresql://h:5432/db?user=u&password=***",
        ),
        ("postgresql://h/db?sslpassword=a&host=x", "postgresql://h/db?sslpassword=***&host=x"),
        ("postgresql://h/db?p%61ssword=a", "postgresql://h/db?p%61ssword=***"),
        ("https://token@api.example/v1", "https://***@api.example/v1"),
        ("https://user:pass@api.example/v1", "https://***@api.example/v1"),
        ("http://h/x?access_token=abc&page=2", "http://h/x?access_token=***&page=2"),
        ("http://127.0.0.1:80/a?mail=x@y", "http://127.0.0.1:80/a?mail=x@y"),
        ("http://u:a@b@h/x?token=c@d", "http://***"),
        ("http://u:a@h/x?token=c@d", "http://***@h/x?token=***"),
        ("SASL_PLAINTEXT://u:pw@h:1,h2:2", "SASL_PLAINTEXT://***@h:1,h2:2"),
        ("127.0.0.1:9092,127.0.0.1:9093", "127.0.0.1:9092,127.0.0.1:9093"),
        ("host=h password=s3cret user=u", "host=h password=*** user=u"),
        (r"host=h password='a b\'c' user=u", "host=h password=*** user=u"),
        (r"host=h password = a\ b user=u", "host=h password = *** user=u"),
        ("host=h password='never closed user=u", "host=h password=***"),
        ("user=u sslpassword=x host=h", "user=u sslpassword=*** host=h"),
        ("host=h something 'that libpq' refuses", "host=h***"),
        ("host= password=s3cret user=u", "host= *** user=u"),
        ("", ""),
    ],
)
def test_the_secrets_of_an_address_are_hidden_whole(address: str, masked: str) -> None:
    assert mask_address(address) == masked


def test_a_secret_is_known_as_it_is_written_and_as_it_is_meant() -> None:
    assert secrets_in("postgresql://u:p%40ss@h/db") == {"p%40ss", "p@ss"}
    # libpq's documentation, 32.1.1.1: a backslash goes before ' and \ in a value.
    assert secrets_in(r"host=h password='it\'s \\ x'") == {r"'it\'s \\ x'", r"it's \ x"}
    assert secrets_in("http://127.0.0.1:8080/path") == set()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("tried redis://:a@b@h:1/0, then gave up", "tried redis://:***@h:1/0, then gave up"),
        ('could not parse "host=h password=abc"', 'could not parse "host=h password=***'),
        ("got Authorization: Bearer abc.def", "got Authorization: Bearer ***"),
        ("{'authorization': 'Basic dTpw'}", "{'authorization': 'Basic ***'}"),
        ("password authentication failed", "password authentication failed"),
        (
            "GET http://127.0.0.1:1/x answered 500",
            "GET http://127.0.0.1:1/x answered 500",
        ),
    ],
)
def test_addresses_inside_a_sentence_lose_their_secrets(text: str, masked: str) -> None:
    assert mask_addresses_in(text) == masked


def test_a_long_text_without_addresses_is_looked_through_quickly() -> None:
    # The first try took 19 s: a scheme was looked for at each of its letters.
    assert mask_addresses_in("x" * 1_000_000) == "x" * 1_000_000
