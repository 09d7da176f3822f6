"""Sentences about encryption, as libpq 18 and PostgreSQL 18 print them, have their remedy."""

from pathlib import Path

import pytest

from perf_pipeline.config.postgres_address import read_dsn
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
        ('server certificate for "a" does not match host name "b"', "another host"),
    ],
)
def test_an_error_about_encryption_has_its_remedy(said: str, remedy: str) -> None:
    assert remedy in encryption_remedy(said)


def test_another_error_has_none() -> None:
    assert encryption_remedy('connection to server at "127.0.0.1", port 1 failed: refused') == ""


ENCRYPTED = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIC\n-----END ENCRYPTED PRIVATE KEY-----\n"


def test_an_encrypted_client_key_without_its_password_is_refused_and_nobody_is_asked(
    tmp_path: Path,
) -> None:
    """Libpq would write `Enter PEM pass phrase:` to the terminal and wait."""
    key = tmp_path / "client.key"
    key.write_text(ENCRYPTED, encoding="utf-8")
    dsn = f"postgresql://app@127.0.0.1/app?sslmode=require&sslkey={key}"

    with pytest.raises(ValueError, match="which is encrypted; write its password into sslpassword"):
        read_dsn(dsn, {}, ())
    with pytest.raises(ValueError, match="which is encrypted"):
        read_dsn("postgresql://app@127.0.0.1/app", {"PGSSLKEY": str(key)}, ())
    assert read_dsn(f"{dsn}&sslpassword=x", {}, ()).places
    assert read_dsn(f"{dsn}.absent", {}, ()).places
    key.write_text(ENCRYPTED.replace("ENCRYPTED ", ""), encoding="utf-8")
    assert read_dsn(dsn, {}, ()).places


def test_a_key_that_libpq_cannot_load_has_a_remedy() -> None:
    said = 'could not load private key file "k.pem": bad decrypt'

    assert "sslpassword" in encryption_remedy(said)
