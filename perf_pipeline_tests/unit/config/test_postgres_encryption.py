"""Sentences about encryption, as libpq 18 and PostgreSQL 18 print them, have their remedy."""

import pytest

from perf_pipeline.config.postgres_encryption import encryption_remedy


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("server does not support SSL, but SSL was required", "sslmode=disable"),
        ('no pg_hba.conf entry for host "::1", user "u", no encryption', "sslmode=require"),
        ('no pg_hba.conf entry for host "::1", user "u", SSL encryption', "sslmode=disable"),
        ("received invalid response to SSL negotiation: \x15", "sslnegotiation=direct"),
        ("SSL error: certificate verify failed", "sslrootcert=FILE"),
        ('root certificate file "/root/.postgresql/root.crt" does not exist', "sslrootcert=FILE"),
        ('server certificate for "a" does not match host name "b"', "another name"),
    ],
)
def test_an_error_about_encryption_has_its_remedy(said: str, remedy: str) -> None:
    assert remedy in encryption_remedy(said)


def test_another_error_has_none() -> None:
    assert encryption_remedy('connection to server at "127.0.0.1", port 1 failed: refused') == ""
