"""A trained model in use needs torch, numpy and safetensors, and none of what training and analysis need."""

import subprocess
import sys

from conftest import ROOT

PROGRAM = """
import sys

HEAVY = {
    "PIL", "filelock", "matplotlib", "optuna", "pandas", "scipy", "seaborn", "skimage", "sklearn", "tenacity",
    "torchvision", "tqdm", "tyro", "wandb",
}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HEAVY:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())

import infogan

assert "torch" not in sys.modules, "import infogan is quick"
model = infogan.load("analysis/results/models/digits")
codes = model.sample(200)
images = model.generate(codes)
assert images.shape == (200, 8, 8, 1) and model.probabilities(images)[0].shape == (200, 10)
assert (model.recognise(images).categories == codes.categories).mean() > 0.9
model.save(sys.argv[1])
assert (infogan.load(sys.argv[1]).generate(codes) == images).all()
"""


def test_a_model_needs_torch_numpy_and_safetensors_alone(tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "copy")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
