"""A token for OAUTHBEARER: what is told before a token endpoint is asked."""

from pathlib import Path

import pytest

from perf_pipeline.config.allowed import AllowedHosts
from perf_pipeline.config.kafka_tls import tls_of
from perf_pipeline.config.kafka_token import token_of
from perf_pipeline.errors import AddressError

CLIENT = {
    "sasl.oauthbearer.token.endpoint.url": "https://127.0.0.1:1/token",
    "sasl.oauthbearer.client.id": "perf",
    "sasl.oauthbearer.client.secret": "s3cret-of-perf",
}


@pytest.mark.parametrize(
    ("key", "given", "sentence"),
    [
        ("location", "none.pem", "is {}, which can't be read: No such file or directory"),
        ("location", "empty.pem", "is {}, which holds no certificate of an authority"),
        ("pem", "no certificate", "holds no certificate of an authority"),
        ("pem", "kein Zertifikat, nämlich", "holds no certificate of an authority"),
    ],
    ids=["no file", "no certificate in the file", "no certificate in the text", "not ASCII"],
)
def test_an_authority_that_can_not_be_read_is_told_with_its_property(
    tmp_path: Path, key: str, given: str, sentence: str
) -> None:
    (tmp_path / "empty.pem").touch()
    value = given if key == "pem" else str(tmp_path / given)

    with pytest.raises(AddressError) as of_the_endpoint:
        token_of({**CLIENT, f"https.ca.{key}": value}, AllowedHosts.read(()))
    with pytest.raises(AddressError) as of_the_brokers:
        tls_of({f"ssl.ca.{key}": value})

    told = sentence.format(value)
    assert f"https.ca.{key} {told}" in str(of_the_endpoint.value)
    assert f"ssl.ca.{key} {told}" in str(of_the_brokers.value)
