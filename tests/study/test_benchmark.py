"""The benchmark: what it counts, measures and writes."""

import json
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from conftest import call, config
from infogan.studies import benchmark, contenders

from infogan import data, training
from infogan.accel import cpu


def test_the_arithmetic_of_an_update_is_that_of_the_papers_networks():
    """Multiplications counted by hand: forward, gradient of inputs and gradient of weights cost the same each."""
    convolution, dense, first = 49 * 128 * 64 * 16, 6272 * 1024, 196 * 64 * 16
    d = first + convolution + dense + 1024 + 1024 * 128 + 128 * 12
    g = 74 * 1024 + dense + convolution + first
    # G forward; D forward and backward on real and on generated images, without the images' gradient.
    d_step = g + 2 * (d + d + (d - first))
    # D forward and backward to the images, without its weights' gradients; G backward.
    g_step = d + d + g + (g - 74 * 1024)
    d_weights = 16 * 64 + 64 + 16 * 64 * 128 + 256 + dense + 2048 + 1024 + 1 + 1024 * 128 + 256 + 128 * 12 + 12
    g_weights = 74 * 1024 + 2048 + dense + 2 * 6272 + 16 * 64 * 128 + 128 + 16 * 64 + 1
    assert benchmark.arithmetic() == (2 * (d_step + g_step), 28 * (d_weights + g_weights))


def test_shares_of_the_measured_peaks_and_of_the_roofline_bound():
    """Batch 10 of 2 GFLOP an image: 2 s of products at the bfloat16 peak and 3 s of Adam bound it at 2 images/s."""
    speeds = {
        "textbook": {"median": 0.5, "low": 0.4, "high": 0.6},
        "fast": {"median": 1.0, "low": 0.9, "high": 1.1},
        "fast GAN without Q": {"median": 1.5, "low": 1.4, "high": 1.6},
    }
    peaks = {"float32": {"median": 4e9}, "bfloat16": {"median": 1e10}}
    textbook, fast, without_q = benchmark.rows_of(10, speeds, peaks, seconds_of_adam=3.0, flops=2e9)
    assert fast["times_textbook"] == 2 and without_q["times_textbook"] == 3 and fast["gflops_per_second"] == 2
    assert (fast["share_of_float32_peak"], fast["share_of_bfloat16_peak"]) == pytest.approx((0.5, 0.2))
    assert (textbook["share_of_roofline_bound"], fast["share_of_roofline_bound"]) == pytest.approx((0.25, 0.5))
    assert "share_of_roofline_bound" not in without_q  # its arithmetic is not InfoGAN's


def test_the_gan_without_q_moves_g_and_d_and_leaves_q(digits):
    """Its first losses are those of the GAN beside which Q is fitted; the head of Q keeps its first weights."""
    chosen = training.resolve(config("gan", g_latent="same"))
    plain, without_q = (kind(chosen, digits.image_shape) for kind in (training.Learner, contenders.GANWithoutQ))
    first = {name: tensor.clone() for name, tensor in without_q.tensors().items()}
    images, index = digits.train.images[:32], torch.arange(32)
    expected, found = plain.step(images, index), without_q.step(images, index)
    for name in ("loss_d", "loss_g"):
        assert found[name].item() == pytest.approx(expected[name].item(), rel=1e-4)
    moved = {name for name, tensor in without_q.tensors().items() if not torch.equal(tensor, first[name])}
    assert {"generator", "discriminator"} <= {name.split(".")[0] for name in moved}
    assert not [name for name in moved if name.startswith("discriminator.q_head")]


@pytest.mark.parametrize(("device", "chosen"), [("cuda", []), ("cuda:1", ["cuda:1"])])
def test_a_device_is_chosen_only_where_it_has_a_number(device, chosen, monkeypatch):
    """torch.cuda.set_device refuses "cuda"."""
    calls = []
    monkeypatch.setattr(torch.cuda, "set_device", calls.append)
    monkeypatch.setattr(contenders, "prepare", lambda setup: (_ for _ in ()).throw(LookupError))
    with pytest.raises(LookupError):
        contenders.serve(None, contenders.Setup("fast", 16, device, threads=1))
    assert calls == chosen


PEER = """import time
def prepare(batch_size, data_dir, device):
    return lambda updates: time.sleep(updates / 100)
"""


def test_one_process_per_core_is_compared_with_one_process(tmp_path):
    """Two processes that sleep make twice the images of one."""
    (tmp_path / "peer.py").write_text(PEER)
    setup = contenders.Setup("sleeper", 16, "cpu", threads=2, peer=tmp_path / "peer.py")
    done = []
    progress = SimpleNamespace(update=done.append)
    placement = benchmark.place(setup, benchmark.Options(repeats=2, seconds=0.1), progress)
    assert placement["batch"] == 16 and sum(done) == 4
    assert placement["one_process_all_cores"]["median"] == pytest.approx(1600, rel=0.2)
    assert placement["gain"] == pytest.approx(2, rel=0.2)


def test_contenders_are_measured_in_processes_of_their_own(tmp_path):
    (tmp_path / "peer.py").write_text(PEER)
    sleeper = contenders.Setup("sleeper", 16, "cpu", threads=1, peer=tmp_path / "peer.py")
    memory = contenders.Setup("memory", 1, "cpu", threads=1)
    done = []
    options = benchmark.Options(repeats=2, seconds=0.1)
    speeds, memory_mib = benchmark.measure([sleeper, memory], options, SimpleNamespace(update=lambda: done.append(1)))
    assert list(speeds) == list(memory_mib) == ["sleeper", "memory"] and len(done) == 4
    assert speeds["sleeper"]["median"] == pytest.approx(1600, rel=0.2) and speeds["memory"]["low"] > 1e8
    assert memory_mib["memory"] > 250  # 2^26 float32 numbers


@pytest.mark.parametrize("kind", contenders.LOOPS)
def test_a_loop_trains_on_mnist(kind, data_dir):
    run, images = contenders.prepare(contenders.Setup(kind, 16, "cpu", threads=1, data_dir=data_dir))
    assert images == 16 and run(2) is None


def test_products_are_as_long_as_they_say():
    run, flop = contenders.prepare(contenders.Setup("float32", 1, "cpu", threads=1))
    assert flop == 2 * 2048**3 and run(1) is None


def test_the_result_has_every_contender_and_where_it_was_measured(tmp_path, monkeypatch):
    """From made-up measurements: our fast path is twice, a peer three times as fast as the textbook loop."""
    faster = {"textbook": 1, "reference": 1.5, "fast": 2, "fast GAN without Q": 2.2, "peer": 3}
    setups = []

    def measure(batch, options, progress):
        setups.extend(batch)
        speeds = {one.kind: benchmark.spread([100 * one.batch_size * faster.get(one.kind, 1e9)]) for one in batch}
        return speeds, {one.kind: 50.0 for one in batch}

    placement = {"batch": 16, "one_process_all_cores": benchmark.spread([1.0])}
    placement |= {"one_process_per_core": benchmark.spread([2.0]), "gain": 2.0}
    monkeypatch.setattr(data, "load", lambda name, folder: None)
    monkeypatch.setattr(benchmark, "measure", measure)
    monkeypatch.setattr(benchmark, "place", lambda setup, options, progress: placement)
    monkeypatch.setattr(cpu, "cores", lambda: 2)
    (tmp_path / "peer.py").write_text(PEER)
    options = "--batch-sizes 16 32 --repeats 2 --device cpu --peer peer=peer.py --out b.json".split()
    done = call("benchmark", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "b.json").read_text())
    rows = {(row["batch"], row["contender"]): row for row in result["rows"]}
    assert list(rows) == [(batch, kind) for batch in (16, 32) for kind in faster]
    assert {key[1]: row["times_textbook"] for key, row in rows.items()} == pytest.approx(faster)
    assert {one.peer for one in setups if one.kind == "peer"} == {Path("peer.py")}
    assert (result["flops_per_image"], result["adam_bytes_per_update"]) == benchmark.arithmetic()
    assert result["placement"] == placement and result["provenance"]["versions"]["torch"]
    assert "InfoGAN against the GAN without Q at batch 16: 1.100 x the time, 1.000 x the memory" in done.stdout
    assert "2.00 x one process with all cores" in done.stdout


def test_a_peer_that_cannot_start_is_one_line_after_its_own_error(tmp_path):
    (tmp_path / "peer.py").write_text(
        "def prepare(batch_size, data_dir, device):\n    raise RuntimeError('no such loop')\n"
    )
    setup = contenders.Setup("broken", 16, "cpu", threads=1, peer=tmp_path / "peer.py")
    with ExitStack() as stack, pytest.raises(benchmark.InputError, match="broken at batch 16 could not start"):
        contenders.Contender.start_all([setup], stack)


def test_a_long_run_reports_seconds_and_memory(tmp_path, digits, monkeypatch):
    monkeypatch.setattr(data, "load", lambda name, folder: digits)
    done = call("benchmark", *"--long 20 --device cpu --out long.json".split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "long.json").read_text())["rows"]
    assert [row["update"] for row in rows] == list(range(2, 21, 2)) and all(row["memory_mib"] > 100 for row in rows)
    assert sum(row["seconds"] for row in rows) == pytest.approx(rows[-1]["total"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--peer", "nothing"), "peer is 'nothing'"),
        (("--peer", "x=missing.py"), "peer is 'x=missing.py'"),
        (("--peer", f"fast={__file__}"), "a name of its own"),
        (("--repeats", "0"), "at least 1 repeat"),
        (("--batch-sizes",), "batch sizes of 2 or more"),
    ],
)
def test_bad_input_is_one_clear_line(arguments, message, tmp_path):
    done = call("benchmark", *arguments, cwd=tmp_path)
    assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
