from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from llm7router.config.load import load, packaged
from llm7router.onboarding import env_file

KEY = "gsk_canary0123456789abWXYZ"
OTHERS = "# mine\n\nFIRST='a b'  # mine too\nexport SECOND=2\nnot a variable\nLAST=x"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def git(*command: str) -> None:
    subprocess.run(["git", *command], check=True, capture_output=True, env={**os.environ, "HOME": str(Path.cwd())})


def test_a_new_file_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert env_file.store(tmp_path / ".env", "GROQ_API_KEY", KEY) == []
    finally:
        os.umask(before)
    assert mode(tmp_path / ".env") == 0o600
    assert load(packaged()).env["GROQ_API_KEY"] == KEY
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


def test_every_other_line_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(OTHERS)
    path.chmod(0o600)
    assert env_file.store(path, "GROQ_API_KEY", KEY) == []
    assert path.read_text() == f"{OTHERS}\nGROQ_API_KEY='{KEY}'\n"
    env_file.store(path, "FIRST", "new")
    env_file.store(path, "SECOND", "newer")
    changed = OTHERS.replace("FIRST='a b'", "FIRST='new'").replace("SECOND=2", "SECOND='newer'")
    assert path.read_text() == f"{changed}\nGROQ_API_KEY='{KEY}'\n"


@pytest.mark.parametrize(
    ("before", "comment"),
    [("=old # of work", " # of work"), ("=o#ld\t#a", "\t#a"), ("='o #ld'# a", "# a"), ('="o #\nld" # a', " # a"),
     ("=  # to fill in", "  # to fill in"), ("= old", ""), ("=#old", ""), ("", "")],
)  # fmt: skip
def test_a_comment_behind_the_value_stays(tmp_path: Path, before: str, comment: str) -> None:
    path = tmp_path / ".env"
    path.write_text(f"A=1\nexport GROQ_API_KEY{before}\n# B\nB=2\n")
    env_file.store(path, "GROQ_API_KEY", KEY)
    assert path.read_text() == f"A=1\nexport GROQ_API_KEY='{KEY}'{comment}\n# B\nB=2\n"
    assert load(packaged()).env["GROQ_API_KEY"] == KEY


def test_the_line_ends_of_windows_stay(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"A=1\r\nGROQ_API_KEY=old\r\nB=2\r\n")
    env_file.store(path, "GROQ_API_KEY", KEY)
    assert path.read_bytes() == f"A=1\r\nGROQ_API_KEY='{KEY}'\r\nB=2\r\n".encode()


def test_a_file_that_others_can_read_is_taken_from_them_before_the_key_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    path.chmod(0o644)
    seen: list[tuple[str, int]] = []
    replace = os.replace

    def watched(new: Path, old: Path) -> None:
        seen.extend([("old", mode(old)), ("new", mode(new))])
        replace(new, old)

    monkeypatch.setattr(os, "replace", watched)
    (note,) = env_file.store(path, "GROQ_API_KEY", KEY)
    assert seen == [("old", 0o600), ("new", 0o600)]
    assert mode(path) == 0o600
    assert note == f"{path} could be read by others (mode 644); now only by you"


def test_a_file_that_is_read_only_is_refused_in_one_line_before_there_is_a_key(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    path.chmod(0o400)
    with pytest.raises(env_file.EnvFileError, match=r"\.env: it is read-only \(mode 400\); `chmod u\+w` it first"):
        env_file.check(path)
    with pytest.raises(env_file.EnvFileError, match="read-only"):
        env_file.store(path, "GROQ_API_KEY", KEY)
    assert (path.read_text(), mode(path)) == ("A=1\n", 0o400)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_a_file_stays_its_owners_when_root_writes_it(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    path.chmod(0o700)
    os.chown(path, 12345, 54321)
    env_file.store(path, "GROQ_API_KEY", KEY)
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (12345, 54321, 0o700)


@pytest.mark.parametrize("key", ["a'b\"c$d`e\\f#g=h", "$HOME", "${PATH}"])
def test_a_key_comes_back_as_it_was_whatever_characters_it_has(tmp_path: Path, key: str) -> None:
    env_file.store(tmp_path / ".env", "GROQ_API_KEY", key)
    assert load(packaged()).env["GROQ_API_KEY"] == key


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / ".env").symlink_to(tmp_path / "secrets" / "keys")
    path = env_file.place(packaged(), "GROQ_API_KEY")
    (tmp_path / "secrets" / "keys").touch(0o600)
    beside = env_file.place(tmp_path / "router.yaml", "GROQ_API_KEY")
    env_file.store(beside, "GROQ_API_KEY", KEY)
    assert (tmp_path / ".env").is_symlink()
    assert KEY in (tmp_path / "secrets" / "keys").read_text()
    assert path.name == ".env"


@pytest.mark.parametrize("spoil", ["directory", "latin-1"])
def test_a_file_that_cannot_be_used_is_one_clear_line_and_stays_as_it_was(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / ".env"
    if spoil == "directory":
        path.mkdir()
    else:
        path.write_bytes(b"A=\xe9\n")
    with pytest.raises(env_file.EnvFileError, match=r"\.env: .*; .*--store keyring"):
        env_file.store(path, "GROQ_API_KEY", KEY)
    assert [each.name for each in tmp_path.iterdir()] == [".env"]
    assert path.is_dir() or path.read_bytes() == b"A=\xe9\n"


def test_a_directory_that_cannot_be_written_to_is_told_before_there_is_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, how: Path(path) != tmp_path)  # root may write anywhere
    with pytest.raises(env_file.EnvFileError, match=r"\.env: cannot be written \(no write access"):
        env_file.check(tmp_path / ".env")


def test_a_pipe_in_its_place_holds_nobody_up_and_stays(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    os.mkfifo(path)  # as password managers make them
    assert env_file.holder(tmp_path / "router.yaml", "GROQ_API_KEY") is None
    with pytest.raises(env_file.EnvFileError, match=r"\.env: not a file; remove it, or use --store keyring"):
        env_file.store(env_file.place(tmp_path / "router.yaml", "GROQ_API_KEY"), "GROQ_API_KEY", KEY)
    assert path.is_fifo()


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(env_file.EnvFileError, match="cannot be written \\(No space left on device\\)"):
        env_file.store(path, "GROQ_API_KEY", KEY)
    assert path.read_text() == "A=1\n"
    assert [each.name for each in tmp_path.iterdir()] == [".env"]


def test_git_that_would_publish_the_file_is_told_of_or_refused(tmp_path: Path) -> None:
    git("init", "-q", ".")
    path = tmp_path / ".env"
    (told,) = env_file.store(path, "A_KEY", KEY)
    assert told == f"Warning: git does not ignore {path}; add the line `.env` to .gitignore, or it may be published"
    (tmp_path / ".gitignore").write_text(".env\n")
    assert env_file.store(path, "A_KEY", KEY) == []
    git("add", "-f", ".env")
    before = path.read_text()
    with pytest.raises(env_file.EnvFileError, match="git tracks this file, so the key would be published"):
        env_file.store(path, "A_KEY", "another")
    assert path.read_text() == before


def test_the_key_goes_where_the_next_command_finds_it(tmp_path: Path) -> None:
    here, conf = tmp_path / ".env", tmp_path / "conf"
    conf.mkdir()
    beside, config = conf / ".env", conf / "router.yaml"
    assert env_file.place(config, "A_KEY") == beside, "beside router.yaml"
    assert env_file.place(Path("router.yaml"), "A_KEY") == here
    here.write_text("A_KEY=old\n")
    assert env_file.place(config, "A_KEY") == here, "it comes first, so it is the one to change"
    beside.write_text("B_KEY=old\n")
    assert env_file.place(config, "B_KEY") == beside


def test_nothing_is_put_into_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "llm7router"
    (package / "onboarding").mkdir(parents=True)
    monkeypatch.setattr(env_file, "__file__", str(package / "onboarding" / "env_file.py"))
    assert env_file.place(package / "router.yaml", "A_KEY") == tmp_path / ".env"
