import json
import subprocess
import sys

import pytest
from conftest import ROOT, call, load_script

benchmark = load_script("benchmark")


def run(*arguments, cwd, env=None) -> subprocess.CompletedProcess:
    script = [sys.executable, str(ROOT / "experiments" / "benchmark.py"), *map(str, arguments)]
    return subprocess.run(script, cwd=cwd, env=env, capture_output=True, text=True, timeout=300)


def test_the_arithmetic_of_an_update_is_that_of_the_papers_networks():
    """Multiplications counted by hand: forward, gradient of inputs and gradient of weights cost the same each."""
    convolution, dense, first = 49 * 128 * 64 * 16, 6272 * 1024, 196 * 64 * 16
    d = first + convolution + dense + 1024 + 1024 * 128 + 128 * 12
    g = 74 * 1024 + dense + convolution + first
    d_step = g + 2 * (
        d + d + (d - first)
    )  # G once; real and generated images through D, there and back, no gradient of images
    g_step = d + d + g + (g - 74 * 1024)  # D there and back to the images, no gradient of its weights; G back
    d_weights = 16 * 64 + 64 + 16 * 64 * 128 + 256 + dense + 2048 + 1024 + 1 + 1024 * 128 + 256 + 128 * 12 + 12
    g_weights = 74 * 1024 + 2048 + dense + 2 * 6272 + 16 * 64 * 128 + 128 + 16 * 64 + 1
    assert benchmark.arithmetic() == (2 * (d_step + g_step), 28 * (d_weights + g_weights))


def test_contenders_are_measured_in_turn_and_a_peer_beside_them(tmp_path, data_dir, script_environment):
    (tmp_path / "peer.py").write_text(
        "import time\ndef prepare(batch_size, data_dir, device):\n    return lambda updates: time.sleep(updates / 100)\n"
    )
    arguments = (
        "--batch-sizes",
        16,
        "--repeats",
        2,
        "--seconds",
        0.1,
        "--device",
        "cpu",
        "--peer",
        "sleeper=peer.py",
        "--out",
        "b.json",
    )
    done = run(*arguments, "--data-dir", data_dir, cwd=tmp_path, env=script_environment)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "b.json").read_text())
    rows = {row["contender"]: row for row in result["rows"]}
    assert (
        list(rows) == [*benchmark.OURS, "sleeper"]
        and (result["flops_per_image"], result["adam_bytes_per_update"]) == benchmark.arithmetic()
    )
    assert rows["sleeper"]["images_per_second"]["median"] == pytest.approx(1600, rel=0.2)
    assert 0 < rows["textbook"]["share_of_floor"] < rows["fast"]["share_of_floor"] < 1
    assert rows["fast"]["times_textbook"] > 0 and rows["textbook"]["times_textbook"] == 1
    assert result["provenance"]["versions"]["torch"] and rows["fast"]["memory_mib"] > 100
    assert "InfoGAN against the GAN without Q at batch 16" in done.stdout


def test_a_long_run_is_watched(tmp_path, data_dir, script_environment):
    done = run(
        "--long",
        20,
        "--device",
        "cpu",
        "--out",
        "long.json",
        "--data-dir",
        data_dir,
        cwd=tmp_path,
        env=script_environment,
    )
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
