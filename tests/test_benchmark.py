"""experiments/benchmark.py: what it counts, measures and writes."""

import json
from types import SimpleNamespace

import pytest
import torch
from conftest import call, config, load_script

from infogan import data, training

benchmark = load_script("benchmark")

ONE_UPDATE = """import time
def prepare(batch_size, data_dir, device):
    return lambda: time.sleep(0.01)
"""


@pytest.fixture
def sleeper(tmp_path):
    """A loop of another project that makes 100 updates a second."""
    (tmp_path / "sleeper.py").write_text(ONE_UPDATE)
    return tmp_path / "sleeper.py"


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
    speeds = {name: {"median": median} for name, median in zip(benchmark.LOOPS, (0.5, 0.8, 1.0, 1.5))}
    peaks = {"float32": {"median": 4e9}, "bfloat16": {"median": 1e10}}
    textbook, _, fast, without_q = benchmark.rows_of(10, speeds, peaks, seconds_of_adam=3.0, flops=2e9)
    assert fast["times_textbook"] == 2 and without_q["times_textbook"] == 3
    assert (fast["share_of_float32_peak"], fast["share_of_bfloat16_peak"]) == pytest.approx((0.5, 0.2))
    assert (textbook["share_of_roofline_bound"], fast["share_of_roofline_bound"]) == pytest.approx((0.25, 0.5))
    assert "share_of_roofline_bound" not in without_q  # its arithmetic is not InfoGAN's


def test_the_gan_without_q_moves_g_and_d_and_leaves_q(digits):
    """Its first losses are those of the GAN beside which Q is fitted; the head of Q keeps its first weights."""
    made = training.resolve(config("gan", g_latent="same"))
    plain, without_q = (kind(made, digits.image_shape) for kind in (training.Learner, benchmark.GANWithoutQ))
    first = {name: tensor.clone() for name, tensor in without_q.tensors().items()}
    images, index = digits.train.images[:32], torch.arange(32)
    expected, found = plain.step(images, index), without_q.step(images, index)
    for name in ("loss_d", "loss_g"):
        assert found[name].item() == pytest.approx(expected[name].item(), rel=1e-4)
    moved = {name for name, tensor in without_q.tensors().items() if not torch.equal(tensor, first[name])}
    assert {"generator", "discriminator"} <= {name.split(".")[0] for name in moved}
    assert not [name for name in moved if name.startswith("discriminator.q_head")]


@pytest.mark.parametrize("name", benchmark.LOOPS)
def test_a_loop_trains_on_mnist(name, data_dir):
    once, images = benchmark.prepare(name, 16, benchmark.Options(device="cpu", data_dir=data_dir))
    assert images == 16
    once()


def test_a_product_is_as_long_as_it_says():
    once, flop = benchmark.prepare("float32", 16, benchmark.Options(device="cpu"))
    assert flop == 2 * 2048**3 and once().shape == (2048, 2048)


def test_contenders_are_measured_in_turn_in_processes_of_their_own(sleeper):
    done = []
    options = benchmark.Options(device="cpu", peer=(sleeper,), repeats=2, seconds=0.1)
    progress = SimpleNamespace(update=lambda: done.append(1))
    speeds, memory_mib = benchmark.measure(["sleeper", "memory"], 16, options, progress)
    assert list(speeds) == list(memory_mib) == ["sleeper", "memory"] and len(done) == 4
    assert speeds["sleeper"]["low"] <= speeds["sleeper"]["median"] <= 1600 < speeds["memory"]["low"]
    assert memory_mib["memory"] > 250  # 2^26 float32 numbers


def test_the_result_has_every_contender_and_where_it_was_measured(sleeper, tmp_path, monkeypatch):
    """From made-up measurements: our fast path is twice, a peer three times as fast as the textbook loop."""
    faster = {"textbook": 1, "reference": 1.5, "fast": 2, "fast GAN without Q": 2.2, "sleeper": 3}

    def measure(names, batch, options, progress):
        return {name: benchmark.spread([100 * batch * faster.get(name, 1e9)]) for name in names}, dict.fromkeys(
            names, 50.0
        )

    monkeypatch.setattr(data, "load", lambda name, folder: None)
    monkeypatch.setattr(benchmark, "measure", measure)
    monkeypatch.setattr("conftest.load_script", lambda name, folder: benchmark)
    done = call("benchmark", *f"--batch-sizes 16 32 --repeats 2 --device cpu --peer {sleeper}".split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "runs" / "benchmark-cpu.json").read_text())
    rows = {(row["batch"], row["contender"]): row for row in result["rows"]}
    assert list(rows) == [(batch, name) for batch in (16, 32) for name in faster]
    assert {name: row["times_textbook"] for (_, name), row in rows.items()} == pytest.approx(faster)
    assert (result["flops_per_image"], result["adam_bytes_per_update"]) == benchmark.arithmetic()
    assert result["provenance"]["versions"]["torch"]
    assert "InfoGAN against the GAN without Q at batch 16: 1.100 x the time, 1.000 x the memory" in done.stdout


def test_a_peer_that_cannot_start_is_one_line_after_its_own_error(tmp_path):
    (tmp_path / "broken.py").write_text("def prepare(*arguments):\n    raise RuntimeError('no such loop')\n")
    options = benchmark.Options(device="cpu", peer=(tmp_path / "broken.py",))
    with pytest.raises(benchmark.InputError, match="broken at batch 16 could not start"):
        benchmark.measure(["broken"], 16, options, None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--peer", "missing.py"), "peer is 'missing.py'"),
        (("--peer", "a/same.py", "b/same.py"), "a name of its own"),
        (("--peer", "fast.py"), "a name of its own"),
        (("--repeats", "0"), "at least 1 repeat"),
        (("--seconds", "-1"), "length above 0"),
        (("--batch-sizes",), "batch sizes of 2 or more"),
    ],
)
def test_bad_input_is_one_clear_line(arguments, message, tmp_path):
    for name in ("a/same.py", "b/same.py", "fast.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(ONE_UPDATE)
    done = call("benchmark", *arguments, cwd=tmp_path)
    assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()
