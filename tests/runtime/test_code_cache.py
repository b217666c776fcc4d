"""What is kept is found as it was, or not at all; a folder that is wrong in a way is no error."""

import os
import subprocess
import sys
import time

import pytest
from gradc.compiler.errors import GradcError
from gradc.runtime.code_cache import CodeCache, code_cache

KEY, OTHER = "a" * 64, "b" * 64
MUCH = 10**6


@pytest.fixture
def kept(tmp_path):
    cache = CodeCache(tmp_path / "deep" / "folder", MUCH)
    cache.keep(KEY, b"some code")
    return cache


def the_file(cache):
    (path,) = cache.folder.iterdir()
    return path


def test_what_was_kept_is_found(kept):
    assert kept.find(KEY) == b"some code"
    assert kept.find(OTHER) is None
    kept.keep(OTHER, b"")
    assert (kept.find(OTHER), kept.find(KEY)) == (b"", b"some code")


def test_nobody_else_may_read_or_write_it(kept):
    assert kept.folder.stat().st_mode & 0o777 == 0o700
    assert the_file(kept).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[:20],
        lambda content: b"",
        lambda content: content + b"x",
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: b"X" + content[1:],
    ],
)
def test_a_damaged_file_is_not_used_and_goes(kept, damage):
    path = the_file(kept)
    path.write_bytes(damage(path.read_bytes()))
    assert kept.find(KEY) is None
    assert not path.exists()
    kept.keep(KEY, b"some code")
    assert kept.find(KEY) == b"some code"


def test_a_file_under_another_name_is_not_used(kept):
    path = the_file(kept)
    path.rename(path.with_name(path.name.replace(KEY, OTHER)))
    assert kept.find(OTHER) is None


def test_code_that_others_can_write_is_not_run(kept):
    """Whoever can write to the folder could have anything run in this process."""
    kept.folder.chmod(0o770)
    assert kept.find(KEY) is None
    kept.keep(OTHER, b"more")
    kept.folder.chmod(0o700)
    assert kept.find(OTHER) is None
    assert kept.find(KEY) == b"some code"


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path):
    (tmp_path / "file").write_text("no folder")
    cache = CodeCache(tmp_path / "file" / "folder", MUCH)
    cache.keep(KEY, b"some code")
    assert cache.find(KEY) is None
    assert (tmp_path / "file").read_text() == "no folder"


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    cache = CodeCache(tmp_path, 4_000)
    now = time.time()
    for hours, key in ((5, "old"), (4, "used"), (3, "new")):
        cache.keep(key, b"x" * 1_000)
        os.utime(tmp_path / f"{key}.code", (now - 3600 * hours,) * 2)
    (tmp_path / "left.part").write_bytes(b"x" * 100)  # by a process that was ended
    os.utime(tmp_path / "left.part", (0, 0))
    (tmp_path / "of the user").write_bytes(b"x" * 9_000)
    assert cache.find("used") is not None
    cache.keep("more", b"x" * 1_000)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"used.code", "new.code", "more.code", "of the user"}
    assert cache.find("old") is None


def test_what_is_larger_than_the_limit_is_not_kept(tmp_path):
    cache = CodeCache(tmp_path, 1_000)
    cache.keep("small", b"x" * 500)
    cache.keep("large", b"x" * 1_001)
    assert cache.find("large") is None
    assert cache.find("small") is not None


def test_the_environment_says_where_and_how_much(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADC_CACHE_DIR", " ")
    assert code_cache() is None
    monkeypatch.setenv("GRADC_CACHE_DIR", str(tmp_path))
    assert code_cache() == CodeCache(tmp_path, 256_000_000)
    monkeypatch.setenv("GRADC_CACHE_MEGABYTES", "3")
    assert code_cache() == CodeCache(tmp_path, 3_000_000)
    monkeypatch.delenv("GRADC_CACHE_DIR")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert code_cache() == CodeCache(tmp_path / "gradc", 3_000_000)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which the specification tells to ignore
    monkeypatch.setenv("HOME", str(tmp_path))
    assert code_cache() == CodeCache(tmp_path / ".cache" / "gradc", 3_000_000)


@pytest.mark.parametrize("text", ["much", "-1", "1.5"])
def test_a_wrong_limit_is_refused(monkeypatch, tmp_path, text):
    monkeypatch.setenv("GRADC_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("GRADC_CACHE_MEGABYTES", text)
    with pytest.raises(GradcError, match="GRADC_CACHE_MEGABYTES is no number") as raised:
        code_cache()
    assert repr(text) in str(raised.value)


WRITER = """
import sys
from pathlib import Path
from gradc.runtime.code_cache import CodeCache
cache, number = CodeCache(Path(sys.argv[1]), 60_000), int(sys.argv[2])
for i in range(300):
    key, content = f"key{i % 20}", bytes([i % 20]) * 5_000
    found = cache.find(key)
    assert found is None or found == content, key
    cache.keep(key, content)
"""


def test_processes_that_share_a_folder_find_whole_files(tmp_path):
    """They write the same keys, and remove each other's files."""
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = [subprocess.Popen([*command, str(i)], env=environment) for i in range(3)]
    assert [one.wait() for one in running] == [0, 0, 0]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 60_000
