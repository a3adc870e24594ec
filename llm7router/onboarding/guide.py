"""One provider, from what it gives to a key that is stored."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from llm7router.config.load import load
from llm7router.config.models import LoadedConfig, ProviderSpec
from llm7router.errors import ConfigError, Llm7RouterError
from llm7router.onboarding import browser, terminal
from llm7router.onboarding.check import Checked, Verdict, free_check, request_check
from llm7router.onboarding.consent import KEY_INSTEAD, key_by_consent
from llm7router.onboarding.facts import card
from llm7router.onboarding.keep import Store, check, keep
from llm7router.onboarding.key_text import KeyTextError, cleaned, masked
from llm7router.onboarding.pkce import ConsentError
from llm7router.proxies import Proxy

Say = Callable[[str], None]


class SetupError(Llm7RouterError):
    """A provider was not set up; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the person chose. `piped` is a key from a pipe: nobody can be asked then."""

    config_path: str | None = None
    store: Store | None = None
    browser: bool = True
    check: bool = True
    piped: str | None = None


class Guide:
    """Sets up providers of a loaded router.yaml; `say` prints a paragraph."""

    def __init__(self, loaded: LoadedConfig, options: Options, say: Say) -> None:
        assert loaded.path is not None, "the command loads a file"
        self._loaded, self._options, self._say, self._path = loaded, options, say, loaded.path
        self._proxy = Proxy(loaded.config.proxy)

    def set_up(self, spec: ProviderSpec) -> bool:
        """Whether a key was stored. False: the person skipped it.

        Raises:
            SetupError, KeyringError, EnvFileError: it could not be, as the message says.
            InputEndedError: there is nobody to ask.
        """
        name = spec.config.api_key_env
        assert name is not None, "the command looks first"
        self._introduce(spec, name)
        check(self._options.store, self._path, name)  # before a provider makes a key that nobody would keep
        loaded, values = self._variables(spec)
        spec = next(each for each in loaded.providers if each.name == spec.name)
        key = self._piped(spec) if self._options.piped is not None else self._key(loaded, spec)
        if key is None:
            return False
        for variable, value in {**values, name: key}.items():
            where, *notes = keep(self._options.store, self._path, variable, value)
            self._say(f"Stored {variable} {masked(value)} in {where}.")
            for note in notes:
                self._say(note)
        self._confirm(name, key)
        return True

    def _introduce(self, spec: ProviderSpec, name: str) -> None:
        self._say(f"{spec.config.title or spec.name}:")
        for about, what in card(spec.config):
            self._say(f"  {about}: {what}")
        if name in os.environ:  # also if it is empty, by which a person switches a provider off
            raise SetupError(f"{name} is set in the environment, which comes before what is stored; unset it there")
        if self._loaded.env.get(name):
            self._say(f"{name} is set already ({masked(self._loaded.env[name])}); a new key replaces it.")

    def _variables(self, spec: ProviderSpec) -> tuple[LoadedConfig, dict[str, str]]:
        """What the provider needs beside a key, such as an account's id, and router.yaml with it."""
        values: dict[str, str] = {}
        if spec.unset and self._options.piped is not None:
            raise SetupError(f"{' and '.join(spec.unset)} is not set; set it in the environment or in .env first")
        for variable in spec.unset:
            if spec.config.signup_url:
                self._say(f"{variable} is shown with your account, at {spec.config.signup_url}")
            while variable not in values:
                try:
                    given = {variable: cleaned(terminal.ask(f"{variable}: "))}
                    self._reloaded({**values, **given})  # what breaks router.yaml must not be stored
                    values |= given
                except KeyTextError as error:
                    self._say(f"It {error}; try again, or press Ctrl-C.")
                except ConfigError:
                    self._say("With that the provider's address cannot be used; try again, or press Ctrl-C.")
        return self._reloaded(values), values

    def _reloaded(self, more: Mapping[str, str]) -> LoadedConfig:
        return load(self._path, env={**self._loaded.env, **more}) if more else self._loaded

    def _key(self, loaded: LoadedConfig, spec: ProviderSpec) -> str | None:
        if spec.config.pkce is not None and (key := self._consented(spec)) is not None:
            return key
        if spec.config.signup_url:
            self._show("Your key is made here:", spec.config.signup_url)
        ended = True
        while True:
            text = terminal.ask_hidden(f"Paste the key of {spec.config.title or spec.name} (hidden; Enter skips): ")
            if not text.strip():
                if ended:
                    return None
                ended = True  # it ends the paste that was refused; who then pastes again must not do it in the open
                continue
            try:
                key = cleaned(text)
            except KeyTextError as error:
                self._say(f"What was pasted is no key: it {error}. Paste the key alone.")
                ended = text.endswith("\n")
                continue
            if self._accepts(loaded, spec, key):
                return key

    def _consented(self, spec: ProviderSpec) -> str | None:
        """The key that the provider has just made. It is stored whatever a check says, so that it is not lost."""
        try:
            key = asyncio.run(key_by_consent(spec.config, self._show_consent, self._say, self._proxy))
        except ConsentError as error:
            raise SetupError(f"{spec.name}: {error}; nothing was stored, run this again") from None
        if key is not None and self._options.check and spec.config.key_check is not None:
            self._tell(spec, self._checked(spec, key))
        return key

    def _piped(self, spec: ProviderSpec) -> str:
        try:
            key = cleaned(self._options.piped or "")
        except KeyTextError as error:
            raise SetupError(f"what was piped in is no key: it {error}; nothing was stored") from None
        if self._options.check and spec.config.key_check is None:
            self._say("The key was not checked: that would take one request.")
        elif self._options.check:
            checked = self._checked(spec, key)
            if checked.verdict is not Verdict.GOOD:
                anyway = "" if checked.verdict is Verdict.BAD else "; --no-check stores it all the same"
                raise SetupError(f"{_verdict(spec, checked)}; nothing was stored{anyway}")
            self._tell(spec, checked)
        return key

    def _accepts(self, loaded: LoadedConfig, spec: ProviderSpec, key: str) -> bool:
        """Whether to store the key: it is good, or the person wants it though nobody can tell."""
        if not self._options.check:
            return True
        if spec.config.key_check is not None:
            checked = self._checked(spec, key)
        elif terminal.agrees("It has no free check for keys. Spend one request on a check?"):
            self._say(f"Asking {spec.config.title or spec.name}, which costs one request...")
            checked = asyncio.run(request_check(loaded, spec, key))
        else:
            return True
        self._tell(spec, checked)
        if checked.verdict is Verdict.UNKNOWN:
            return terminal.agrees("Store it all the same?")
        return checked.verdict is Verdict.GOOD

    def _checked(self, spec: ProviderSpec, key: str) -> Checked:
        """What the provider's free check says; told beforehand, since it may take some seconds."""
        self._say(f"Asking {spec.config.title or spec.name}, which costs no request...")
        return asyncio.run(free_check(spec.config, key, self._proxy))

    def _tell(self, spec: ProviderSpec, checked: Checked) -> None:
        if checked.verdict is not Verdict.GOOD:
            self._say(f"{_verdict(spec, checked)}.")
            return
        self._say("The key is good.")
        if checked.account:
            self._say(f"Free requests today: {checked.account.used} of {checked.account.max} used.")
        if url := spec.config.data.opt_out_url:
            self._say(f"What may be done with your prompts is set at {url}")

    def _show_consent(self, address: str) -> None:
        self._show("Agree on this page, and a key comes by itself:", address)
        self._say(
            "Waiting for the browser. If it ends at a page that does not load, as over SSH, paste that page's address "
            f"here (hidden) and press Enter. `{KEY_INSTEAD}` and Enter: paste a key instead. Ctrl-C ends."
        )

    def _show(self, what: str, address: str) -> None:
        """An address, always in full; and the page, where that is possible."""
        self._say(what)
        self._say(f"  {address}")
        if self._options.browser and browser.opened(address):
            self._say("Your browser opens it.")

    def _confirm(self, name: str, key: str) -> None:
        """The next command finds this key, or the person learns why not."""
        if load(self._options.config_path).env.get(name) != key:
            self._say(f"Warning: an older {name} in a .env file comes before it; remove that line.")


def _verdict(spec: ProviderSpec, checked: Checked) -> str:
    who = spec.config.title or spec.name
    if checked.verdict is Verdict.BAD:
        return f"{who} refuses this key ({checked.because})"
    return f"{who} could not be asked about this key: {checked.because}"
