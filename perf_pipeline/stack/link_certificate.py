"""Make a short-lived certificate, by which the load trusts the proxy before brokers with TLS.

It is for 127.0.0.1 and localhost, vouches for nothing else, and its key is in the proxy alone.
Add here: nothing. Keep out: connections, and the certificates of brokers and clients.
"""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from perf_pipeline.stack.service import LOOPBACK

# Beginning earlier, so that a clock that is set back during a run makes it no stranger.
_BEFORE: Final = timedelta(days=1)
_AFTER: Final = timedelta(days=30)


def new_certificate() -> tuple[str, str]:
    """Return a certificate that is signed by itself, and its key, both as PEM; the key is secret.

    It takes a few ms, as its key is one of an elliptic curve (P-256).
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "proxy of perf-pipeline")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(IPv4Address(LOOPBACK)), x509.DNSName("localhost")]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + _AFTER)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), secret.decode()
