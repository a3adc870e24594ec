import pytest

from tests.config.conftest import Told

CALENDARS = "use minute, hour, day, month, or leave `kind` out for a rolling window"
URL = "base_url: https://api.example.com/v1"


def of_provider(told: Told, body: str) -> list[str]:
    """Faults of a provider `a` that stands in line 3, without file and name."""
    return [
        fault.removeprefix("router.yaml:3: providers.a") for fault in told(f"version: 1\nproviders:\n  a: {{{body}}}\n")
    ]


def of_limit(told: Told, limit: str, model: str = "id: m") -> list[str]:
    faults = of_provider(told, f"{URL}, limits: [{{{limit}}}], models: [{{{model}}}]")
    return [fault.removeprefix(".limits[0]") for fault in faults]


def test_a_pool_has_to_be_declared(told: Told) -> None:
    models = "models: [{id: m, pool: fre}]"
    assert of_provider(told, f"{URL}, pools: {{free: []}}, {models}") == [
        ".models[0].pool: no pool of the name 'fre'; did you mean 'free'?"
    ]
    assert of_provider(told, f"{URL}, {models}") == [
        ".models[0].pool: no pool of the name 'fre'; add it under `pools` of the provider"
    ]


def test_a_model_is_there_once(told: Told) -> None:
    assert of_provider(told, f"{URL}, models: [{{id: m}}, {{id: n}}, {{id: m}}]") == [
        ".models[2].id: 'm' is there twice, first as models[0]; keep one"
    ]


def test_two_providers_may_serve_the_same_model(told: Told) -> None:
    assert not told(
        f"version: 1\nproviders: {{a: {{{URL}, models: [{{id: m}}]}}, b: {{{URL}, models: [{{id: m}}]}}}}\n"
    )


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("unit: concurrent, window: minute, max: 1",
         ".window: concurrent counts calls in flight and has no window; remove it"),
        ("unit: requests, max: 1", ": window is missing; add one of second, 10 seconds, minute, hour, day or month"),
        ("unit: requests, window: second, max: 1, kind: calendar",
         ".kind: no calendar has a window of second; " + CALENDARS),
        ("unit: requests, window: 10 seconds, max: 1, kind: calendar",
         ".kind: no calendar has a window of 10 seconds; " + CALENDARS),
        ("unit: requests, window: day, max: 1, tz: America/Los_Angelos",
         ".tz: unknown time zone (given 'America/Los_Angelos'); did you mean 'America/Los_Angeles'?"),
        ("unit: requests, window: day, max: 1, tz: ../../etc/passwd",
         ".tz: unknown time zone (given '../../etc/passwd'); use a name such as UTC or America/Los_Angeles"),
        ("unit: requests, window: day, max: 0",
         ".max: no request can ever fit (given 0); raise it, or use `enabled: false`"),
        ("unit: requests, window: day, max: 1, safety: 0.8",
         ".max: no request can ever fit (given 0.8 after safety); raise it, or use `enabled: false`"),
        ("unit: tokens, window: day, max: 0.5",
         ".max: no request can ever fit (given 0.5); raise it, or use `enabled: false`"),
        ("unit: concurrent, max: 0", ".max: no request can ever fit (given 0); raise it, or use `enabled: false`"),
    ],
)  # fmt: skip
def test_a_limit_that_cannot_work_is_a_fault(told: Told, limit: str, message: str) -> None:
    assert of_limit(told, limit) == [message]


@pytest.mark.parametrize("tz", ["America", "", "/etc/localtime", "nowhere"])
def test_whatever_is_no_time_zone_is_a_fault(told: Told, tz: str) -> None:
    (fault,) = of_limit(told, f"unit: requests, window: day, max: 1, tz: '{tz}'")
    assert fault.startswith(".tz: unknown time zone")


@pytest.mark.parametrize(
    "limit",
    [
        "unit: concurrent, max: 1",
        "unit: requests, window: 10 seconds, max: 2",
        "unit: requests, window: hour, max: 1, kind: calendar",
        "unit: tokens, window: month, max: 1, kind: calendar, tz: Europe/Paris",
        "unit: input_tokens, window: minute, max: 250000, safety: 0.8",
    ],
)
def test_a_limit_that_works_is_none(told: Told, limit: str) -> None:
    assert of_limit(told, limit) == []


@pytest.mark.parametrize(("unit", "key"), [("usd", "list_cost"), ("neurons", "neurons_per_mtok")])
def test_a_limit_in_money_or_neurons_needs_their_price_of_each_model_that_it_limits(
    told: Told, unit: str, key: str
) -> None:
    limit = f"{{unit: {unit}, window: month, max: 10}}"
    priced, plain = f"{{id: p, {key}: {{input: 1, output: 2}}}}", "{id: m}"
    message = f"{key} is missing, which its {unit} limit needs; add what the provider lists"
    for place in ("limits", "limits_per_model", "limits_without_key"):
        assert of_provider(told, f"{URL}, {place}: [{limit}], models: [{priced}, {plain}]") == [
            f".models[1]: {message}"
        ]
    pools = f"pools: {{x: [{limit}]}}"
    assert of_provider(told, f"{URL}, {pools}, models: [{plain}, {{id: q, pool: x}}]") == [f".models[1]: {message}"]
    assert of_provider(told, f"{URL}, models: [{plain}, {{id: q, limits: [{limit}]}}]") == [f".models[1]: {message}"]
    assert of_provider(told, f"{URL}, limits: [{limit}], models: [{priced}]") == []


def test_one_counter_is_limited_once(told: Told) -> None:
    limit = "{unit: requests, window: day, max: 9}"
    assert of_provider(told, f"{URL}, limits: [{limit}, {limit}]") == [
        ".limits[1]: requests/day is limited twice, first by providers.a.limits[0]; keep one"
    ]
    assert of_provider(told, f"{URL}, limits_per_model: [{limit}], models: [{{id: m, limits: [{limit}]}}]") == [
        ".models[0].limits[0]: requests/day is limited twice, first by providers.a.limits_per_model[0]; keep one"
    ]
    assert (
        of_provider(told, f"{URL}, limits: [{limit}], limits_per_model: [{limit}], limits_without_key: [{limit}]") == []
    )


def test_an_endpoint_needs_an_address_and_a_file_a_path(told: Told) -> None:
    assert of_provider(told, "title: x") == [
        ": base_url is missing; add the provider's OpenAI-compatible address, or `kind: llama_cpp`"
    ]
    assert of_provider(told, "kind: llama_cpp, models: [{id: m}]") == [
        ".models[0]: path is missing; name a GGUF file, package:MODULE/FILE, or hf:REPO/FILE"
    ]
    assert of_provider(told, f"{URL}, models: [{{id: m, path: x.gguf}}]") == [
        ".models[0].path: a model behind an address has no file; remove it, or use kind: llama_cpp"
    ]
    assert of_provider(told, f"kind: llama_cpp, {URL}") == [
        ".base_url: kind llama_cpp has no address; remove it, or use kind: openai"
    ]


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/v1",
        "https://10.0.0.5:8443/v1",
        "http://localhost:8080/v1",
        "http://127.0.0.1:8080/v1",
        "http://127.9.9.9/v1",
        "http://[::1]:8080/v1",
        "http://[::ffff:127.0.0.1]/v1",
        "https://xn--bcher-kva.example/v1",
    ],
)
def test_an_address_may_be_https_or_on_this_machine(told: Told, url: str) -> None:
    assert of_provider(told, f"base_url: '{url}'") == []


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://api.example.com/v1", "use https"),
        ("http://10.0.0.5/v1", "use https"),
        ("http://0.0.0.0/v1", "use https"),
        ("http://localhost.example.com/v1", "use https"),
        ("ftp://a.b/v1", "not a web address"),
        ("api.example.com/v1", "not a web address"),
        ("https:///v1", "not a web address"),
        ("", "not a web address"),
        ("https://user@a.b/v1", "user name or password"),
        ("https://user:pass@a.b/v1", "user name or password"),
        ("https://a.b/v1?key=1", "query or fragment"),
        ("https://a.b/v1?", "query or fragment"),
        ("https://a.b/v1#x", "query or fragment"),
        ("https://a.b/ v1", "space"),
        ("https://good.com\\@evil.com/", "backslash"),
        ("https://a.b:99999/", "not an address"),
        ("https://[::1/", "not an address"),
        ("https://169.254.169.254/latest", "metadata"),
        ("http://169.254.1.1/", "metadata"),
        ("https://[fe80::1]/", "metadata"),
        ("https://[fe80::1%25eth0]/", "metadata"),
        ("https://[::ffff:169.254.169.254]/", "metadata"),
        ("https://[fd00:ec2::254]/", "metadata"),
        ("https://2852039166/", "metadata"),
        ("https://0xa9.0xfe.0xa9.0xfe/", "metadata"),
        ("https://100.100.100.200/", "metadata"),
        ("https://metadata.google.internal/", "metadata"),
        ("https://METADATA.google.internal./", "metadata"),
    ],
)
def test_an_address_that_a_key_must_not_go_to_is_a_fault(told: Told, url: str, word: str) -> None:
    (fault,) = of_provider(told, f"base_url: '{url}'")
    assert fault.startswith(".base_url: ")
    assert word in fault


@pytest.mark.parametrize("store", ["disk", "memory", "redis://localhost:6379/0", "rediss://:pw@r.example:6380/1"])
def test_a_store_is_disk_memory_or_redis(told: Told, store: str) -> None:
    assert told(f"version: 1\nstate: {{store: '{store}'}}\n") == []


@pytest.mark.parametrize(
    "store", ["dsk", "", "redis:", "redis://", "redis://:hunter2@", "http://u:hunter2@h", "u:hunter2@h"]
)
def test_any_other_store_is_a_fault_that_repeats_no_password(told: Told, store: str) -> None:
    (fault,) = told(f"version: 1\nstate: {{store: '{store}'}}\n")
    assert fault.startswith("router.yaml:2: state.store: ")
    assert "redis://HOST:PORT/0" in fault
    assert "hunter2" not in fault


def test_a_request_may_not_cost_more_than_a_day(told: Told) -> None:
    assert told("version: 1\nbudget: {usd_per_request: 0.5}\n") == [
        "router.yaml:2: budget.usd_per_request: 0.5 USD never fits into usd_per_day (0); "
        "raise usd_per_day or lower usd_per_request"
    ]
    assert told("version: 1\nbudget: {usd_per_request: 0.5, usd_per_day: 1, usd_per_month: 9}\n") == []


def test_checks_look_away_from_what_has_the_wrong_shape(told: Told) -> None:
    body = f"{URL}, pools: 5, limits: {{}}, models: [5, {{id: 5, pool: [x], limits: [5, {{unit: [usd], max: x}}]}}]"
    assert all("given" in fault for fault in of_provider(told, body))


def test_names_of_environments_are_free(told: Told) -> None:
    assert of_provider(told, f"{URL}, environments: {{my laptop: 1, Ünïcode: 0}}") == []


def of_key(told: Told, body: str) -> list[str]:
    faults = told(f"version: 1\nserver: {{keys: [{{name: ci, sha256: '{'0' * 64}', {body}}}]}}\n")
    return [fault.removeprefix("router.yaml:2: server.keys[0].") for fault in faults]


def test_a_callers_name_is_not_that_of_the_gateways_own_key(told: Told) -> None:
    assert told(f"version: 1\nserver: {{keys: [{{name: owner, sha256: '{'0' * 64}'}}]}}\n") == [
        "router.yaml:2: server.keys[0].name: 'owner' is who holds the gateway's own key; give this one another name"
    ]


def test_a_callers_request_may_not_cost_more_than_its_day_or_its_month(told: Told) -> None:
    for longer in ("day", "month"):
        assert of_key(told, f"budget: {{usd_per_request: 0.5, usd_per_{longer}: 0.1}}") == [
            f"budget.usd_per_request: 0.5 USD never fits into usd_per_{longer} (0.1); "
            f"raise usd_per_{longer} or lower usd_per_request"
        ]
    for budget in ("{}", "{usd_per_request: 0.5}", "{usd_per_day: 0}", "{usd_per_request: 0, usd_per_month: 0}"):
        assert of_key(told, f"budget: {budget}") == []
    assert of_key(told, "budget: {usd_per_day: -1}") == [
        "budget.usd_per_day: must be at least 0 (given -1); change the number"
    ]
    assert of_key(told, "budget: {usd_per_dya: 1}") == ["budget.usd_per_dya: unknown key; did you mean 'usd_per_day'?"]


def test_a_callers_money_is_no_limit_but_a_budget(told: Told) -> None:
    assert of_key(told, "limits: [{unit: usd, window: day, max: 1}]") == [
        "limits[0].unit: a key's money is limited by its `budget`; use usd_per_day or usd_per_month there"
    ]


HOOK = "url: https://example.org/x, secret_env: ALERTS_SECRET"
SECRET = {"ALERTS_SECRET": "sixteen or more characters"}


def of_webhook(told: Told, body: str, env: dict[str, str]) -> list[str]:
    faults = told(f"version: 1\nalerts: {{webhook: {{{body}}}}}\n", env)
    return [fault.removeprefix("router.yaml:2: alerts.webhook.") for fault in faults]


def test_a_webhook_has_an_address_and_a_secret(told: Told) -> None:
    assert of_webhook(told, HOOK, SECRET) == []
    assert of_webhook(told, "url: http://127.0.0.1:8080/x, secret_env: ALERTS_SECRET", SECRET) == []
    advice = "set it to 16 random characters or more"
    assert of_webhook(told, HOOK, {}) == [f"secret_env: ALERTS_SECRET is not set; {advice}"]
    assert of_webhook(told, HOOK, {"ALERTS_SECRET": "hunter2"}) == [f"secret_env: ALERTS_SECRET is too short; {advice}"]
    (missing,) = of_webhook(told, "secret_env: ALERTS_SECRET", SECRET)
    assert "url" in missing


def test_a_providers_key_signs_no_webhook(told: Told) -> None:
    (fault,) = of_webhook(told, "url: https://example.org/x, secret_env: GROQ_API_KEY", {"GROQ_API_KEY": "x" * 30})
    assert fault == "secret_env: GROQ_API_KEY is a provider's key; use a variable of its own"


@pytest.mark.parametrize(
    "url", ["http://example.org/x", "https://169.254.169.254/", "ftp://example.org", "https://u:hunter2@example.org/"]
)
def test_alerts_go_nowhere_in_clear_text_or_inside_a_cloud(told: Told, url: str) -> None:
    (fault,) = of_webhook(told, f"url: '{url}', secret_env: ALERTS_SECRET", SECRET)
    assert fault.startswith("url: ")
    assert "hunter2" not in fault


@pytest.mark.parametrize("share", ["0", "1.5", "-0.1", ".nan"])
def test_a_share_is_above_0_and_at_most_1(told: Told, share: str) -> None:
    assert len(told(f"version: 1\nalerts: {{shares: [{share}]}}\n")) == 1
