"""Cores that the runs of a machine share."""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack

import pytest
import torch

from infogan.accel import cpu

PROGRAM = """
import torch
from infogan.accel import cpu
with cpu.shared_cores():
    print(torch.get_num_threads(), flush=True)
    input()
"""


@pytest.fixture
def four_cores(monkeypatch, tmp_path):
    """A machine of four cores with no other run on it."""
    monkeypatch.setattr(cpu, "_core_numbers", lambda: [0, 1, 2, 3])
    monkeypatch.setattr(cpu, "cores", lambda: 4)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv(cpu.THREADS_VARIABLE, raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def test_a_run_alone_uses_all_cores_and_one_on_a_gpu_few(four_cores):
    with cpu.shared_cores():
        assert torch.get_num_threads() == 4
    with cpu.shared_cores(2):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == 4


def test_runs_together_use_no_more_threads_than_there_are_cores(four_cores, capsys):
    threads = []
    with ExitStack() as running:
        for most in (1, 2, 2):
            torch.set_num_threads(4)  # each run is a process of its own, begun with as many threads as cores
            running.enter_context(cpu.shared_cores(most))
            threads.append(torch.get_num_threads())
    assert threads == [1, 2, 1] and torch.get_num_threads() == 4
    assert "1 of 2 threads: other runs use the other cores" in capsys.readouterr().err


def test_a_number_of_threads_that_is_set_is_obeyed(four_cores, monkeypatch):
    monkeypatch.setenv(cpu.THREADS_VARIABLE, "3")
    torch.set_num_threads(3)
    with cpu.shared_cores():
        assert torch.get_num_threads() == 3
        with cpu._taken_cores(4) as free:
            assert free == 1, "its cores are taken all the same"


@pytest.mark.skipif(cpu.cores() < 2, reason="needs two cores")
def test_processes_share_cores_and_one_that_is_killed_frees_its(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != cpu.THREADS_VARIABLE}
    environment["TMPDIR"] = str(tmp_path)

    def begin():
        command = [sys.executable, "-c", PROGRAM]
        return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def threads(process):
        return int(process.stdout.readline())

    with begin() as first:
        alone = threads(first)
        with begin() as second:
            assert threads(second) == max(1, cpu.cores() - alone)
            second.kill()
        first.kill()
    with begin() as third:
        assert threads(third) == alone
        third.kill()


@pytest.mark.parametrize(
    ("flags", "name", "has_bf16"),
    [
        ("fpu avx512f avx512_bf16 amx_bf16", "Xeon, 1 cores, avx512_bf16 amx_bf16", True),
        ("fpu avx512f avx512_bf16", "Xeon, 1 cores, avx512_bf16", True),
        ("fpu avx512f", "Xeon, 1 cores, no bfloat16", False),
    ],
)
def test_instructions_for_bfloat16_are_those_that_linux_lists(flags, name, has_bf16, tmp_path, monkeypatch):
    monkeypatch.setattr(cpu, "cores", lambda: 1)
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "cpuinfo")
    cpu.CPUINFO.write_text(f"model name\t: Xeon\nflags\t\t: {flags}\n")
    assert cpu.describe() == name and cpu.has_bf16() == has_bf16


@pytest.mark.parametrize(("text", "expected"), [("200000 100000", 2), ("150000 100000", 2), ("max 100000", 8)])
def test_the_quota_of_a_container_is_seen(text, expected, monkeypatch, tmp_path):
    """As in `docker run --cpus=2`."""
    quota, opened, exists = tmp_path / "cpu.max", open, os.path.exists
    quota.write_text(text + "\n")

    def elsewhere(path):
        return quota if path == "/sys/fs/cgroup/cpu.max" else path

    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr("builtins.open", lambda path, *args, **named: opened(elsewhere(path), *args, **named))
    monkeypatch.setattr(os.path, "exists", lambda path: exists(elsewhere(path)))
    assert cpu.cores() == expected
