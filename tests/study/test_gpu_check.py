"""The GPU check on the CPU: it stops in time, goes on where it stopped, and prints its table last."""

import json

from conftest import call
from infogan.studies import gpu_check

from infogan import data, records


def check(tmp_path, *arguments):
    return call("gpu_check", "--device", "cpu", "--updates", "8", "--out", tmp_path / "out", *arguments)


def test_it_goes_on_where_it_stopped(tmp_path, digits, monkeypatch):
    ran = []
    monkeypatch.setattr(data, "load", lambda name, folder: digits)
    monkeypatch.setattr(gpu_check, "RUNS", (("authors", 2), ("iic", 1)))
    monkeypatch.setattr(gpu_check, "run_tests", lambda: ran.append("tests") or {"summary": "1 passed"})
    rows = [{"batch": 128, "contender": "fast", "images_per_second": {"median": 1234.5}}]
    monkeypatch.setattr(gpu_check, "run_benchmark", lambda options: ran.append("benchmark") or {"rows": rows})
    late = check(tmp_path, "--minutes", "0")
    assert late.returncode == 0 and ran == [] and "5 to do, the same command goes on" in late.stdout
    whole = check(tmp_path)
    assert whole.returncode == 0, whole.stderr
    assert ran == ["tests", "benchmark"]
    lines = whole.stdout.strip().splitlines()
    assert lines[-1] == f"{tmp_path / 'out' / 'check.json'}: all done"
    assert any("mnist-iic-seed0" in line for line in lines[-3:]) and "1,234 images/s" in whole.stdout
    kept = json.loads((tmp_path / "out" / "check.json").read_text())
    assert 0 < kept["mnist-authors-seed1"]["accuracy"] < 1 and kept["provenance"]["versions"]["torch"]
    assert records.read_json(tmp_path / "out" / "mnist-iic-seed0" / "status.json")["step"] == 8
    again = check(tmp_path)
    assert ran == ["tests", "benchmark"] and again.stdout == whole.stdout, "nothing is done twice"


def test_a_device_that_is_not_there_is_one_line(tmp_path):
    done = call("gpu_check", "--device", "quantum", "--out", tmp_path / "out")
    assert done.returncode == 1 and "device 'quantum' cannot be used" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
