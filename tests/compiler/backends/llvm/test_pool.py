"""The text of the pool: it compiles for each machine, and keeps apart what threads write."""

import re

import pytest
from gradc.compiler.backends.llvm.pool import EXPORTS, REQUIRED, pool_text
from gradc.compiler.backends.llvm.target import Target, compile_text, symbols_of

MACHINES = {
    "x86-64": (Target("x86_64-unknown-linux-gnu", "x86-64"), "pause"),
    "arm": (Target("aarch64-unknown-linux-gnu", "generic"), "isb"),
    "apple": (Target("arm64-apple-darwin", "apple-m1"), "isb"),
    "risc": (Target("riscv64-unknown-linux-gnu", "generic-rv64", "+a"), None),
}


@pytest.fixture(params=MACHINES)
def machine(request):
    return MACHINES[request.param]


def test_compiles_for_each_machine(machine):
    """With the instruction that tells the processor of a waiting loop, where it has one."""
    target, waits = machine
    assembly = compile_text(pool_text(target), target).assembly
    labels = set(re.findall(r"^_?(gradc_\w+):", assembly, re.MULTILINE))
    assert labels == set(EXPORTS)
    assert waits is None or re.search(rf"^\s+{waits}\b", assembly, re.MULTILINE)


@pytest.mark.parametrize("threads", [True, False])
def test_defines_its_exports_and_nothing_else(threads):
    text = pool_text(Target.named("x86-64"), threads)
    assert sorted(symbols_of(text)) == sorted(EXPORTS)


def test_asks_the_system_for_what_it_says(machine):
    """It refers to what is looked for before it is loaded, or to nothing at all."""
    target, _ = machine
    declared = re.findall(r"^declare \w+ @(\w+)\(", pool_text(target), re.MULTILINE)
    assert sorted(declared) == sorted(REQUIRED)
    assert "declare" not in pool_text(target, threads=False)
    assert "pthread" not in pool_text(target, threads=False)


def test_numbers_of_the_system():
    """SIG_SETMASK and SIGBUS are not the same on Linux and on macOS."""
    linux, darwin = pool_text(MACHINES["arm"][0]), pool_text(MACHINES["apple"][0])
    assert "pthread_sigmask(i32 2," in linux
    assert "sigdelset(ptr %all, i32 7)" in linux
    assert "pthread_sigmask(i32 3," in darwin
    assert "sigdelset(ptr %all, i32 10)" in darwin


def test_what_different_threads_write_lies_apart():
    """A worker that waits reads `remaining`; it must not lose its cache line to other fields."""
    text = pool_text(Target.named("x86-64"))
    rows = re.findall(r"^@(\w+) = internal global \[128 x i8\] .*align 128$", text, re.MULTILINE)
    assert {"job", "turn", "crew", "mutex"} <= set(rows)
    assert len(rows) == text.count("internal global")
    offsets = [int(one) for one in re.findall(r"getelementptr \(i8, ptr @\w+, i64 (\d+)\)", text)]
    assert offsets
    assert max(offsets) + 8 <= 128


def test_text_is_the_same_each_time():
    """It is part of what a cache compares."""
    assert pool_text(Target.named("x86-64")) == pool_text(Target.named("x86-64"))
