"""OAuth with PKCE (RFC 7636) as OpenRouter has it: no client id, and the code is exchanged for a lasting key.

The provider returns only a code. The state, which tells our own answer from one that somebody else made the browser
bring, therefore travels in the query of the callback address. The code is worth nothing without the verifier, which
leaves this process only towards the provider.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from llm7router.config.addresses import at_host
from llm7router.config.models import ProviderConfig
from llm7router.onboarding.key_text import KeyTextError, cleaned
from llm7router.onboarding.web import NoAnswerError, fetch, words_of
from llm7router.proxies import DIRECT, Proxy

METHOD = "S256"
PATH = "/cb"
SHORTEST = 8  # characters of a code; a word that answers some other question is shorter


class ConsentError(Exception):
    """There is no key; the message says why and holds no secret."""


class OtherStateError(ConsentError):
    """An answer to somebody else's question."""


@dataclass(frozen=True, slots=True)
class Pkce:
    """The secrets of one flow."""

    verifier: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def challenge(self) -> str:
        """What the provider is told beforehand of the verifier."""
        return urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    def address(self, config: ProviderConfig, port: int) -> str:
        """The page on which the person agrees; from there the browser comes back to `localhost:port`."""
        assert config.pkce is not None, "the caller looks first"
        assert config.base_url is not None, "a provider with PKCE has a host"
        callback = f"http://localhost:{port}{PATH}?{urlencode({'state': self.state})}"
        query = {"callback_url": callback, "code_challenge": self.challenge, "code_challenge_method": METHOD}
        return f"{at_host(config.base_url, config.pkce.authorize)}?{urlencode(query)}"

    def code_in(self, query: str) -> str:
        """The code of a callback's query.

        Raises:
            OtherStateError: the state is missing or another one.
            ConsentError: the person declined, or there is no code.
        """
        try:
            given = parse_qs(query, max_num_fields=8)
        except ValueError:
            given = {}
        if not secrets.compare_digest(_only(given, "state").encode(), self.state.encode()):
            raise OtherStateError("its state is not the one of this run")
        if "error" in given:
            raise ConsentError("it was declined in the browser")
        return _code(_only(given, "code"))

    def code_of(self, pasted: str) -> str:
        """The code that a person pasted, or that of the address to which the browser was sent.

        Raises:
            ConsentError: as `code_in`, or it can be neither.
        """
        text = "".join(pasted.split())  # a long address that a terminal or mail program broke
        if "?" not in text:
            return _code(_alone(text))
        try:
            query = urlsplit(text).query
        except ValueError:  # its message repeats what was pasted
            raise ConsentError("it is an address that cannot be read") from None
        return self.code_in(query)


async def exchange(config: ProviderConfig, code: str, verifier: str, proxy: Proxy = DIRECT) -> str:
    """The key for a code.

    Raises:
        ConsentError: the provider gave none.
    """
    assert config.pkce is not None, "the caller looks first"
    assert config.base_url is not None, "a provider with PKCE has a host"
    request = {"code": code, "code_verifier": verifier, "code_challenge_method": METHOD}
    try:
        answer = await fetch(at_host(config.base_url, config.pkce.exchange), post=request, proxy=proxy)
    except NoAnswerError as error:
        raise ConsentError(f"no key came for the code: {error}") from None
    key = answer.body.get("key") if isinstance(answer.body, dict) else None
    if answer.status != 200 or not isinstance(key, str):
        raise ConsentError(f"no key came for the code ({words_of(answer, code, verifier)})")
    try:
        return cleaned(key)
    except KeyTextError as error:
        raise ConsentError(f"what came for the code is no key: it {error}") from None


def _only(given: Mapping[str, list[str]], name: str) -> str:
    values = given.get(name, [])
    return values[0] if len(values) == 1 else ""


def _alone(text: str) -> str:
    """The text, unless it can only be something else; asking the provider about that would end the run."""
    if text.startswith("sk-"):
        raise ConsentError("it looks like a key; type `k` and Enter, then paste the key")
    if "://" in text:
        raise ConsentError("the address has no code")
    if len(text) < SHORTEST:
        raise ConsentError("it is too short for a code")
    return text


def _code(text: str) -> str:
    try:
        return cleaned(text)
    except KeyTextError as error:
        raise ConsentError(f"the code {error}") from None
