"""Models of the Hugging Face hub: fetched once, checked, found offline; every way that can fail is one line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm7router.calls.local import hub_cache, hub_fetch, paths
from llm7router.calls.local.errors import LocalModelError
from llm7router.calls.local.hub_cache import HubFile
from tests.guard import CANARY
from tests.local.hub import COMMIT, REFUSALS, Hub

CONTENT = b"GGUF" + os.urandom(3 << 20)
WANTED = HubFile("someone/some-model", "some-model-q4.gguf")


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub(CONTENT) as running:
        yield running


@pytest.fixture
def env(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment whose hub is the stand-in and whose cache is empty."""
    found = {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_TOKEN": CANARY}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


def fetch(env: dict[str, str], wanted: HubFile = WANTED) -> Path:
    return hub_fetch.fetch(wanted, env=env, pauses_s=(0, 0, 0))[0]


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("hf:someone/some-model/some-model-q4.gguf", WANTED),
        ("hf:someone/some-model/some-model-q4.gguf@v1.0", WANTED._replace(revision="v1.0")),
        ("hf:someone/some-model/sub/model.gguf", HubFile("someone/some-model", "sub/model.gguf")),
    ],
)
def test_a_path_names_repository_file_and_perhaps_a_revision(path: str, file: HubFile) -> None:
    assert hub_cache.parse(path) == file
    assert str(file) == path


@pytest.mark.parametrize(
    "path",
    [
        "hf:",
        "hf:a/b",
        "hf:a",
        "hf:a/b/",
        "hf:a/b/../c",
        "hf:../b/c",
        "hf:a/b/c@../d",
        "hf:a/b/c d",
        "hf:a/b/c@",
        "hf:a/b//etc/passwd",
        "hf:a/b/./c",
        "hf:a/b/c\\..\\d",
        "hf:a/b/C:c",
        "hf:a/b/\x1b[31mc",
    ],
)
def test_what_is_no_path_is_told_with_the_right_form(path: str) -> None:
    with pytest.raises(LocalModelError, match=r"not a file on the Hugging Face hub; write hf:OWNER/REPO/FILE"):
        paths.resolve(path)


def test_one_part_of_a_split_model_is_refused_since_it_would_not_load() -> None:
    with pytest.raises(LocalModelError, match="one part of a model that was split; choose a smaller quantisation"):
        hub_cache.parse("hf:a/b/large-q4_k_m-00001-of-00002.gguf")


def test_a_model_that_was_not_fetched_is_told_with_the_command(env: dict[str, str], hub: Hub) -> None:
    with pytest.raises(LocalModelError) as caught:
        paths.resolve(str(WANTED))
    assert caught.value.message == "hf:someone/some-model/some-model-q4.gguf: not fetched"
    assert caught.value.advice == "llm7router local fetch hf:someone/some-model/some-model-q4.gguf"
    assert hub.seen == [], "looking downloads nothing"


def test_a_fetched_model_is_found_by_us_and_by_huggingface_hub_without_the_network(
    env: dict[str, str], hub: Hub
) -> None:
    told: list[tuple[int, int]] = []
    file, sha256 = hub_fetch.fetch(WANTED, lambda done, size: told.append((done, size)), env=env)
    assert sha256 == hub.sha256
    assert file.read_bytes() == CONTENT
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    asked = len(hub.seen)
    assert paths.resolve(str(WANTED)) == file.resolve()
    from huggingface_hub import try_to_load_from_cache

    assert try_to_load_from_cache(WANTED.repo, WANTED.file, cache_dir=env["HF_HUB_CACHE"]) == str(file)
    assert [*hub_cache.models()] == [(WANTED, file)]
    assert len(hub.seen) == asked


def test_a_second_fetch_asks_the_hub_and_downloads_nothing(env: dict[str, str], hub: Hub) -> None:
    assert fetch(env) == fetch(env)
    assert len(hub.downloads()) == 1


@pytest.mark.parametrize(
    "spoilt", [CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]), CONTENT[:1000]], ids=["changed", "cut off"]
)
def test_a_fetched_file_that_was_spoilt_since_is_fetched_again(spoilt: bytes, env: dict[str, str], hub: Hub) -> None:
    fetch(env).write_bytes(spoilt)
    assert fetch(env).read_bytes() == CONTENT
    assert len(hub.downloads()) == 2


@pytest.mark.parametrize("ref", [b"", b"/", b"../../..", b"\xff"], ids=["empty", "the root", "above", "not UTF-8"])
def test_a_cache_with_a_nonsensical_branch_holds_nothing_there(ref: bytes, env: dict[str, str], tmp_path: Path) -> None:
    fetch(env)
    (tmp_path / "hub" / "models--someone--some-model" / "refs" / "main").write_bytes(ref)
    assert [*hub_cache.models()] == []
    assert hub_cache.find(WANTED) is None


def test_a_revision_is_remembered_apart(env: dict[str, str]) -> None:
    pinned = WANTED._replace(revision=COMMIT)
    file = fetch(env, pinned)
    assert hub_cache.find(pinned) == file
    assert hub_cache.find(WANTED) is None, "main may be another commit"


def test_a_download_that_breaks_off_is_resumed(env: dict[str, str], hub: Hub) -> None:
    hub.break_after = [1 << 20, 100_000]
    assert fetch(env).read_bytes() == CONTENT
    ranges = [headers.get("range") for headers in hub.downloads()]
    assert ranges[0] is None
    assert len(ranges) == 3
    assert all(each is not None and each > "bytes=0-" for each in ranges[1:])


def test_a_download_that_was_given_up_is_resumed_by_the_next_fetch(env: dict[str, str], hub: Hub) -> None:
    hub.break_after = [1_500_000, 0, 0, 0, 0, 0]
    with pytest.raises(LocalModelError, match=r"cannot be reached \(RemoteProtocolError\).*it resumes"):
        fetch(env)
    hub.break_after = []
    given_up = len(hub.downloads())
    assert fetch(env).read_bytes() == CONTENT
    ranges = [headers.get("range", "") for headers in hub.downloads()[given_up:]]
    assert len(ranges) == 1
    assert int(ranges[0].removeprefix("bytes=").rstrip("-")) >= 1 << 20


def test_a_storage_that_cannot_resume_starts_again(env: dict[str, str], hub: Hub) -> None:
    hub.break_after, hub.resumes = [1 << 20], False
    assert fetch(env).read_bytes() == CONTENT


@pytest.mark.parametrize("off", [1, -1], ids=["and says so", "and says nothing"])
def test_a_storage_that_resumes_elsewhere_starts_again(off: int, env: dict[str, str], hub: Hub) -> None:
    hub.break_after, hub.off = [1 << 20], off
    assert fetch(env).read_bytes() == CONTENT
    assert [headers.get("range", "")[:6] for headers in hub.downloads()] == ["", "bytes=", ""]


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system cannot tell links")
def test_a_link_that_was_put_in_place_of_the_download_is_not_followed(
    env: dict[str, str], hub: Hub, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    blobs = tmp_path / "hub" / "models--someone--some-model" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{hub.sha256}.llm7router.incomplete").symlink_to(victim)
    with pytest.raises(LocalModelError, match="a link where a download belongs; remove it"):
        fetch(env)
    assert victim.read_text() == "precious"


def test_a_wrong_checksum_is_told_and_nothing_of_it_is_kept(env: dict[str, str], hub: Hub, tmp_path: Path) -> None:
    hub.sent = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    with pytest.raises(LocalModelError, match=r"wrong checksum \(SHA-256 .*it was deleted; fetch it again"):
        fetch(env)
    assert [path for path in (tmp_path / "hub").rglob("*") if path.is_file() and path.stat().st_size] == []
    assert hub_cache.find(WANTED) is None


@pytest.mark.parametrize("sent", [CONTENT[:-9], CONTENT + b"more"], ids=["too short", "too long"])
def test_a_file_of_another_size_is_told(sent: bytes, env: dict[str, str], hub: Hub) -> None:
    hub.sent = sent
    with pytest.raises(LocalModelError, match="another size than announced"):
        fetch(env)


def test_a_file_without_a_checksum_is_not_fetched(env: dict[str, str], hub: Hub) -> None:
    hub.fault = "no checksum"
    with pytest.raises(LocalModelError, match=r"tells no SHA-256 of it.*download it yourself and give its path"):
        fetch(env)


def test_a_commit_that_would_leave_the_cache_is_refused(env: dict[str, str], hub: Hub, tmp_path: Path) -> None:
    hub.commit = "../../../../elsewhere"
    with pytest.raises(LocalModelError, match="tells no commit"):
        fetch(env)
    assert not hub.downloads()
    assert not [*tmp_path.rglob("elsewhere")]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("gated", "agree to terms first; agree at {url}/someone/some-model, then set HF_TOKEN"),
        ("no such repository", "no such repository, or a private one; see {url}/someone/some-model"),
        ("no such revision", "the repository has no revision main"),
        ("no such file", "the repository has no such file; see {url}/someone/some-model/tree/main"),
        ("down", "{url} answered 503; try again later"),
    ],
)
def test_a_refusal_of_the_hub_is_one_line_with_what_to_do(fault: str, says: str, env: dict[str, str], hub: Hub) -> None:
    assert fault in REFUSALS
    hub.fault = fault
    with pytest.raises(LocalModelError) as caught:
        fetch(env)
    assert says.format(url=hub.url) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert CANARY not in str(caught.value)


def test_being_offline_is_one_line(env: dict[str, str], refused: str) -> None:
    endpoint = refused.removesuffix("/v1")
    with pytest.raises(LocalModelError, match=r"cannot be reached \(ConnectError\); go online"):
        fetch(env | {"HF_ENDPOINT": endpoint})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"HF_ENDPOINT": "nonsense"}, "nonsense is, or leads to, no address of the web; correct or unset HF_ENDPOINT"),
        ({"HF_ENDPOINT": f"http://me:{CANARY}@127.0.0.1:9"}, "http://127.0.0.1:9 cannot be reached"),
        ({"HF_TOKEN": f"{CANARY}\nX: y"}, "HF_TOKEN holds a line break or a character that no key has"),
        ({"HF_TOKEN": f"{CANARY}ü"}, "HF_TOKEN holds a line break or a character that no key has"),
    ],
    ids=["no address", "an address with a password", "a key with a line break", "a key that is not ASCII"],
)
def test_a_faulty_setting_is_told_and_not_repeated_if_secret(
    given: dict[str, str], says: str, env: dict[str, str], hub: Hub
) -> None:
    with pytest.raises(LocalModelError) as caught:
        fetch(env | given)
    assert says in str(caught.value)
    assert CANARY not in str(caught.value)
    assert hub.seen == []


def test_a_full_disk_is_told_before_the_download(
    env: dict[str, str], hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(LocalModelError, match=r"the disk is full: 0\.00 GB are missing.*make room, or set HF_HOME"):
        fetch(env)
    assert hub.downloads() == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_gets_full_on_the_way_is_told(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_fetch, "_opened", lambda part: open("/dev/full", "ab"))  # noqa: SIM115
    with pytest.raises(LocalModelError, match="the disk is full; make room"):
        fetch(env)


def test_a_cache_that_cannot_be_written_is_told(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalModelError, match=r"cannot be written: Not a directory .*set HF_HOME"):
        fetch(env | {"HF_HUB_CACHE": str(tmp_path / "file" / "hub")})


def test_two_programs_do_not_write_the_same_file(env: dict[str, str], hub: Hub, tmp_path: Path) -> None:
    from filelock import FileLock

    locks = tmp_path / "hub" / ".locks" / "models--someone--some-model"  # huggingface_hub's own
    locks.mkdir(parents=True)
    with (
        FileLock(locks / f"{hub.sha256}.lock"),
        pytest.raises(LocalModelError, match="another program is fetching it; wait for it"),
    ):
        fetch(env)


def test_the_key_goes_to_the_hub_and_not_to_its_storage(env: dict[str, str], hub: Hub) -> None:
    fetch(env)
    asked = [headers.get("authorization") for _, path, headers in hub.seen if not path.startswith("/storage/")]
    assert set(asked) == {f"Bearer {CANARY}"}
    assert [headers.get("authorization") for headers in hub.downloads()] == [None]


def test_the_cache_is_where_huggingface_hub_looks_for_it() -> None:
    code = "from huggingface_hub.constants import HF_HUB_CACHE; print(HF_HUB_CACHE)"
    for given in (
        {"HF_HOME": "/a"},
        {"HF_HUB_CACHE": "~/b"},
        {"XDG_CACHE_HOME": "/c"},
        {"HUGGINGFACE_HUB_CACHE": "/d"},
        {},
    ):
        env = {"HOME": "/home/someone", "PATH": os.environ["PATH"]} | given
        theirs = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=30
        ).stdout
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HOME", env["HOME"])
            assert str(hub_cache.directory(env)) == theirs.strip(), given


def test_the_hub_is_asked_about_the_file_and_nothing_else(env: dict[str, str], hub: Hub) -> None:
    fetch(env)
    assert {path for _, path, _ in hub.seen if not path.startswith("/storage/")} == {
        "/someone/some-model/resolve/main/some-model-q4.gguf",
        f"/someone/some-model/resolve/{COMMIT}/some-model-q4.gguf",
    }
    assert all(
        "torch" not in headers["user-agent"] and "agent/" not in headers["user-agent"] for _, _, headers in hub.seen
    )
