"""Asking providers for their lists of models and whether a key is good, all at once and for free."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from llm7router.clock import Clock
from llm7router.config.addresses import at_host
from llm7router.config.models import ProviderSpec
from llm7router.proxies import DIRECT, Proxy
from llm7router.upkeep import fetch, models_list
from llm7router.upkeep.fetch import FetchError, Page
from llm7router.upkeep.models_list import ModelsList

if TYPE_CHECKING:
    import httpx


def key_of(spec: ProviderSpec, env: Mapping[str, str]) -> str:
    """The provider's key as the router takes it; empty if there is none."""
    name = spec.config.api_key_env
    return (env.get(name, "").strip() if name else "") or spec.config.api_key or ""


def key_fault(key: str) -> str:
    """What no key is like, if it is so."""
    if not key.isascii() or not key.isprintable() or " " in key:
        return "holds a space, a line break or letters that no key has"
    return ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one provider answered. `page` is any answer; `fault` says why there is none, or no list."""

    page: Page | None = None
    fault: str = ""
    listed: ModelsList | None = None
    key_good: bool | None = None  # None: nothing told


class _Ask(NamedTuple):
    url: str
    headers: tuple[tuple[str, str], ...] = ()


async def ask_all(
    specs: Iterable[ProviderSpec],
    env: Mapping[str, str],
    clock: Clock,
    *,
    within_s: float,
    keys: bool = False,
    proxy: Proxy = DIRECT,
) -> dict[str, Heard]:
    """What each provider answers, by name. `keys`: also whether its key is good, or at least whether it is there."""
    asked = list(specs)
    async with fetch.client(proxy) as http:

        async def one(spec: ProviderSpec) -> Heard:
            key = key_of(spec, env)
            lister, checker = _lister(spec, key), _checker(spec, key) if keys else None
            wanted = [ask for ask in dict.fromkeys((lister, checker)) if ask is not None]
            if keys and not wanted:
                wanted = [_Ask(spec.config.base_url or "")]  # without a key: any answer means that it is there
            pages = await asyncio.gather(*(_page(http, ask, clock, within_s, proxy) for ask in wanted))
            answers = dict(zip(wanted, pages, strict=True))
            return _heard(spec, answers, lister, checker)

        heard = await asyncio.gather(*map(one, asked))
    return {spec.name: answer for spec, answer in zip(asked, heard, strict=True)}


def _bearer(spec: ProviderSpec, key: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key}"),) if key and spec.config.send_authorization else ()


def _lister(spec: ProviderSpec, key: str) -> _Ask | None:
    """The list, with the key only where it is wanted; None if there is no list to be had."""
    config = spec.config.models_list
    if config is None or (config.key and not key):
        return None
    return _Ask(at_host(spec.config.base_url or "", config.path), _bearer(spec, key) if config.key else ())


def _checker(spec: ProviderSpec, key: str) -> _Ask | None:
    config = spec.config.key_check
    if config is None or not key:
        return None
    headers = ((config.header.lower(), key),) if config.header else _bearer(spec, key)
    return _Ask(at_host(spec.config.base_url or "", config.path), headers)


async def _page(http: httpx.AsyncClient, ask: _Ask, clock: Clock, within_s: float, proxy: Proxy) -> Page | FetchError:
    try:
        return await fetch.get(http, ask.url, clock, within_s=within_s, headers=dict(ask.headers), proxy=proxy)
    except FetchError as error:
        return error


def _heard(
    spec: ProviderSpec, answers: Mapping[_Ask, Page | FetchError], lister: _Ask | None, checker: _Ask | None
) -> Heard:
    pages = [answer for answer in answers.values() if isinstance(answer, Page)]
    page = pages[0] if pages else None
    faults = [str(answer) for answer in answers.values() if isinstance(answer, FetchError)]
    good = _key_good(spec, answers[checker]) if checker is not None else None
    if lister is None:
        return Heard(page, faults[0] if faults else "", key_good=good)
    listing = answers[lister]
    try:
        if isinstance(listing, FetchError):
            raise listing
        return Heard(page, faults[0] if faults else "", models_list.read(listing.data()), good)
    except FetchError as error:
        rejected = bool(lister.headers) and _key_good(spec, listing) is False
        return Heard(page, str(error), key_good=False if rejected else good)
    except ValueError as error:
        return Heard(page, f"{page.host if page else spec.name} answers with {error}", key_good=good)


def _key_good(spec: ProviderSpec, answer: Page | FetchError) -> bool | None:
    bad = {403, spec.config.key_check.bad_key_status if spec.config.key_check else None}
    if isinstance(answer, FetchError):
        return None
    if answer.status == 401 or (answer.status in bad and not answer.is_page):
        return False
    return True if answer.status == 200 and not answer.is_page else None
