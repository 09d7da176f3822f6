"""Find the secrets in a request, and name the environment variables that a profile uses for them.

A name decides, or the look of a value. Taking a value for a secret by mistake only costs a
variable, while a secret that is written stays in a file.
Add here: another name or look of a secret. Keep out: where requests come from (from_har.py,
from_curl.py).
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from perf_pipeline.new_project.draft import SecretVariable

_WORDS: Final = re.compile(
    r"pass(?:word|wd|wort|phrase|code)?|pwd|secrets?|tokens?|api[_-]?keys?|apikeys?|auth(?:orization)?|"
    r"credentials?|session|\w*sess(?:ion)?[_-]?id|sid|csrf\w*|xsrf\w*|jwt|otp|totp|pin|cvv|cvc|iban|"
    r"signature|sig|access[_-]?key|private[_-]?key|client[_-]?secret|bearer|cookie",
    re.IGNORECASE,
)
_PARTS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LOOKS: Final = (
    re.compile(r"eyJ[\w-]{8,}\.[\w-]+"),  # JSON Web Token (RFC 7519)
    re.compile(r"(?:gh[pousr]|github_pat|glpat|xox[abprs]|sk|pk|rk)[_-][\w-]{16,}"),
    re.compile(r"AKIA[0-9A-Z]{12,}"),
    re.compile(r"(?:Bearer|Basic)\s+\S+", re.IGNORECASE),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
)
_WRITTEN: Final = re.compile(r"""([\w-]+)["']?\s*[:=]\s*["'][^"']""")  # password: "...
BASIC: Final = ("user_password", "user:password, for Authorization: Basic")
BEARER: Final = ("token", "the token of Authorization: Bearer")
COOKIES: Final = frozenset({"cookie", "set-cookie", "cookie2", "set-cookie2"})


def is_secret_name(name: str) -> bool:
    """Say whether a header, field or parameter of this name holds a secret.

    >>> is_secret_name("X-Api-Key"), is_secret_name("newPassword"), is_secret_name("pinned")
    (True, True, False)
    """
    parts = [part.lower() for part in _PARTS.findall(name)]
    joined = (first + second for first, second in pairwise(parts))
    return any(_WORDS.fullmatch(word) for word in (*parts, *joined, name))


def looks_secret(value: str) -> bool:
    """Say whether a value is a token or key by its look, or names a secret and its value itself.

    >>> looks_secret('{ login(password: "a") { id } }'), looks_secret("login(password: $it)")
    (True, False)
    """
    if any(look.search(value) for look in _LOOKS):
        return True
    return any(is_secret_name(found[1]) for found in _WRITTEN.finditer(value))


@dataclass(slots=True)
class SecretVariables:
    """Collect the environment variables that replace secrets.

    Attributes:
        prefix: the prefix of their names, e.g. `SHOP`.
    """

    prefix: str
    _found: dict[str, SecretVariable] = field(default_factory=dict)

    def named(self, what: str, meaning: str) -> str:
        """Return the name of the variable for a secret, the same each time.

        Args:
            what: the name of the header or field.
            meaning: what belongs into it.
        """
        parted = _HUMP.sub("_", what)
        words = re.sub(r"[^A-Z0-9]+", "_", parted.upper()).strip("_") or "SECRET"
        name = f"{self.prefix}_{words}"
        self._found.setdefault(name, SecretVariable(name, meaning))
        return name

    def template(self, what: str, meaning: str) -> str:
        """Return the text that replaces a secret: `${env.SHOP_TOKEN}`."""
        return f"${{env.{self.named(what, meaning)}}}"

    def in_header(self, name: str) -> str:
        """Return the text that replaces a header's value."""
        return self.template(name, f"the value of the header {name}")

    def in_body(self, name: str) -> str:
        """Return the text that replaces the value of a body's member."""
        return self.template(name, f"the value of {name!r} in a body")

    @property
    def found(self) -> tuple[SecretVariable, ...]:
        """Return all of them, in the order in which they were met."""
        return tuple(self._found.values())


def variable_prefix(name: str) -> str:
    """Return the beginning of variables' names: `SHOP` for `shop`, `MY_SHOP` for `my-shop`."""
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_") or "TARGET"
