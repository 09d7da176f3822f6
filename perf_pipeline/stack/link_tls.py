"""TLS on both sides of the proxy before brokers: one session with the load, another with brokers.

Inside of TLS nobody can read where clients are sent. The load's own clients trust a certificate
that is made for the run (link_certificate.py), and the proxy checks the brokers as the load would.
Add here: another setting of TLS that both sides need. Keep out: moving bytes (link_connection.py),
and imports of clients; the proxy stands beside a measurement.
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final, Self

from perf_pipeline.config.kafka_tls import load_pair, of_tls, own_certificate, tls_of

TLS_BY: Final = "LINK_PROXY_TLS"
"""The variable with what the proxy needs for TLS, a secret."""


@dataclass(frozen=True, slots=True)
class LinkTls:
    """Hold what a proxy needs for TLS on both sides.

    Attributes:
        certificate: that the load trusts, as PEM.
        key: the key of the certificate, as PEM; a secret.
        settings: the settings of librdkafka, by which the load would speak TLS with the brokers.
    """

    certificate: str
    key: str
    settings: Mapping[str, str]

    @classmethod
    def of(cls, certificate: tuple[str, str], settings: Mapping[str, str]) -> Self:
        """Keep of a client's settings what TLS needs, and no password of a login."""
        return cls(*certificate, of_tls(settings))

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `written` returned."""
        return cls(**json.loads(text))

    def written(self) -> str:
        """Return all of it as one text, a secret."""
        return json.dumps(asdict(self))

    def for_load(self) -> ssl.SSLContext:
        """Return how the proxy speaks with the load's clients.

        Where brokers know the load by a certificate, the proxy asks for that one: it shows the same
        to the brokers, which nobody else on this machine is to profit from.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load_pair(context, f"{self.certificate}\n{self.key}".encode())
        if own := own_certificate(self.settings):
            context.verify_mode = ssl.CERT_REQUIRED
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # it is trusted, not its signer
            context.load_verify_locations(cadata=own)
        return context

    def for_brokers(self) -> ssl.SSLContext:
        """Return how the proxy speaks with brokers: what it trusts, and what it shows.

        Raises:
            AddressError: a file can't be read, or holds no certificate or key.
        """
        return tls_of(self.settings)
