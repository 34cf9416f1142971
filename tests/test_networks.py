import re

import pytest
import torch
from conftest import fit

from infogan import data, networks
from infogan.codes import Latent
from infogan.config import Config, InputError
from infogan.config.presets import PRESETS
from infogan.inference import Model
from infogan.networks import architecture, build, for_size
from infogan.networks.layers import BatchNorm, Convolution, MatrixLayer, UpConvolution

PAPER = Latent("10c+2u", "62u", q_std="fixed")


SIZES = [(1, 8, 8), (3, 16, 16), (1, 28, 28), (3, 32, 32), (1, 12, 20), (3, 64, 64)]


@pytest.mark.parametrize(("image", "codes"), list(zip(SIZES, ["26c+2u", "3x20c", "5u"] * 2)))
def test_shapes_and_ranges(image, codes):
    latent = Latent(codes, "16g")
    generator, discriminator = build(image, latent, seed=0)
    images = generator(latent.sample(3, torch.Generator().manual_seed(0)))
    assert images.shape == (3, *image) and 0 <= images.min() and images.max() <= 1
    logit, answer = discriminator(images)
    assert logit.shape == (3,) and answer.shape == (3, latent.q_width)


# Weights of more than one dimension, D and Q then G (paper, appendix C): of the chairs' ours.
TRUNK = [(64, 1, 4, 4), (128, 64, 4, 4)]
SVHN_D = [(64, 3, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4), (1, 4096), (128, 4096)]
SVHN_G = [(448, 256, 4, 4), (256, 128, 4, 4), (128, 64, 4, 4), (64, 3, 4, 4)]
CHAIRS_D = [*TRUNK, (256, 128, 4, 4), (256, 256, 4, 4), (256, 256, 4, 4), (1024, 256 * 64), (1, 1024), (62, 1024)]
CHAIRS_G = [(1024, 189), (256 * 64, 1024), (256, 256, 4, 4), (256, 256, 4, 4), (256, 128, 4, 4), *TRUNK[::-1]]
STACKS = {
    "authors": (
        (1, 28, 28),
        [*TRUNK, (1024, 128 * 49), (1, 1024), (128, 1024), (12, 128)],
        [(1024, 74), (128 * 49, 1024), *TRUNK[::-1]],
    ),
    "svhn": ((3, 32, 32), [*SVHN_D, (48, 128)], [(2 * 2 * 448, 168), *SVHN_G]),
    "celeba": ((3, 32, 32), [*SVHN_D, (100, 128)], [(2 * 2 * 448, 228), *SVHN_G]),
    "faces-azimuth": (
        (1, 32, 32),
        [*TRUNK, (1024, 128 * 64), (1, 1024), (10, 1024)],
        [(1024, 133), (128 * 64, 1024), *TRUNK[::-1]],
    ),
    "chairs-rotation": ((1, 64, 64), CHAIRS_D, CHAIRS_G),
}


@pytest.mark.parametrize("preset", STACKS)
def test_networks_have_the_papers_layers(preset):
    made, (image, d, g) = PRESETS[preset][0], STACKS[preset]
    latent = Latent(made.codes, made.noise, made.q_std)
    generator, discriminator = build(image, latent, 0, made)
    for network, expected in ((discriminator, d), (generator, g)):
        assert [tuple(p.shape) for p in network.parameters() if p.dim() > 1] == expected
    images = generator(latent.sample(2, torch.Generator().manual_seed(0)))
    assert images.shape == (2, *image) and discriminator(images)[1].shape == (2, latent.q_width)


def test_tanh_networks_work_between_minus_one_and_one_and_show_it_as_zero_to_one():
    latent = Latent("4x10c+4u", "124u")
    generator, discriminator = build((3, 32, 32), latent, 0)
    z = latent.sample(4, torch.Generator().manual_seed(0))
    assert (
        torch.allclose(generator(z), (generator.layers(z) + 1) / 2) and generator.layers[-1](torch.tensor(-9.0)) < -0.9
    )
    seen = []
    discriminator.trunk[0].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    discriminator(torch.full((2, 3, 32, 32), 0.25))
    assert torch.equal(seen[0], torch.full((2, 3, 32, 32), -0.5))


def test_stride_one_keeps_the_size_and_the_transpose_is_the_adjoint():
    down = Convolution(3, 5, stride=1, bias=False)
    up = UpConvolution(5, 3, stride=1, bias=False)
    down.weight.data.normal_()
    up.weight.data = down.weight.data
    x, y = torch.randn(2, 3, 6, 8), torch.randn(2, 5, 6, 8)
    assert down(x).shape == y.shape and up(y).shape == x.shape
    assert (down(x) * y).sum().item() == pytest.approx((x * up(y)).sum().item(), rel=1e-4)
    assert torch.allclose(down(x), torch.nn.functional.conv2d(x, down.weight, padding="same"), atol=1e-6)


def test_weights_are_seeded_normals_of_std_002():
    first, again, other = (build((1, 28, 28), PAPER, seed)[1] for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters()))
    assert not torch.equal(first.trunk[0].weight, other.trunk[0].weight)
    assert first.trunk[2].weight.std().item() == pytest.approx(0.02, rel=0.02)


def test_the_authors_code_cuts_off_convolutions_and_draws_scales():
    """custom_ops.py: truncated normals for convolutions, normals for the rest; scales from N(1, 0.02); slope 0.01."""
    made = Config(initialisation="authors", leaky_slope=0.01)
    generator, discriminator = build((1, 28, 28), PAPER, 0, made)
    convolution, dense, up = discriminator.trunk[2].weight, discriminator.trunk[6].weight, generator.layers[7].weight
    assert convolution.abs().max() <= 0.04 and min(dense.abs().max(), up.abs().max()) > 0.06
    assert convolution.std().item() == pytest.approx(0.88 * 0.02, rel=0.02), "that of a normal cut off at 2 std"
    scales = torch.cat([m.weight for m in (*generator.modules(), *discriminator.modules()) if isinstance(m, BatchNorm)])
    assert scales.mean().item() == pytest.approx(1, abs=0.002) and scales.std().item() == pytest.approx(0.02, rel=0.1)
    assert all(
        (m.bias == 0).all() for m in discriminator.modules() if isinstance(m, MatrixLayer) and m.bias is not None
    )
    slopes = [m.negative_slope for m in discriminator.modules() if isinstance(m, torch.nn.LeakyReLU)]
    assert len(slopes) == 4 and set(slopes) == {0.01}


def test_the_blogs_networks_have_the_notebooks_layers_and_initial_values():
    """Parameters of the notebook's Generator and Discriminator, counted there: BatchNorm2d(128) after the 7 x 7 layer,
    no bias in G's last layer; torch's biases; scales of batch norm from N(1, 0.02)."""
    made = PRESETS["blog"][0]
    generator, discriminator = build((1, 28, 28), Latent(made.codes, made.noise), 0, made)
    counted = 72 * 1024 + 1024 * 128 * 49 + 128 * 64 * 16 + 64 * 16 + 2 * (1024 + 128 + 64)
    assert sum(p.numel() for p in generator.parameters()) == counted
    counted = 64 * 17 + 64 * 128 * 16 + 128 * 1024 * 49 + 1024 * 128 + 129 * 10 + 1025 + 2 * (128 + 1024 + 128)
    assert sum(p.numel() for p in discriminator.parameters()) == counted
    scales = torch.cat([m.weight for m in discriminator.modules() if isinstance(m, BatchNorm)])
    assert scales.mean().item() == pytest.approx(1, abs=0.002) and scales.std().item() == pytest.approx(0.02, rel=0.1)
    first, last = discriminator.trunk[0].bias, discriminator.d_head.bias
    assert 0.2 < first.abs().max() <= 1 / 4 and 0 < abs(last.item()) <= 1 / 32
    with torch.no_grad():
        of_maps = generator.layers[:6](torch.randn(8, 72)).mean((0, 2, 3))
    assert torch.allclose(of_maps, torch.zeros(128), atol=1e-5)  # shift 0: each map has mean 0 over the batch


def test_batch_norm_can_follow_every_layer_of_g_but_the_last():
    latent = Latent("10x10c", "128u")
    norms = {}
    for g_layers in ("paper", "batch-norm"):
        generator, _ = build((3, 32, 32), latent, 0, Config(g_layers=g_layers))
        norms[g_layers] = [m.weight.numel() for m in generator.modules() if isinstance(m, BatchNorm)]
    assert norms == {"paper": [448 * 4, 256], "batch-norm": [448 * 4, 256, 128, 64]}


def test_one_pass_over_real_and_generated_images_is_the_same_as_two():
    """Logits, answers, running statistics and gradients, against torch's own batch norm seeing one batch at a time."""
    (_, once), (_, twice) = (build((1, 8, 8), PAPER, seed=0) for _ in range(2))
    real, fake = torch.rand(2, 16, 1, 8, 8)
    logits, predictions = once(torch.cat([real, fake]), real=16)
    parts = [twice(real, real=16), twice(fake)]
    assert torch.allclose(logits, torch.cat([part[0] for part in parts]), atol=1e-5)
    assert torch.allclose(predictions, torch.cat([part[1] for part in parts]), atol=1e-5)
    (logits.sum() + predictions.square().sum()).backward()
    sum(part[0].sum() + part[1].square().sum() for part in parts).backward()
    for ours, plain in zip((*once.parameters(), *once.buffers()), (*twice.parameters(), *twice.buffers())):
        assert torch.allclose(ours, plain, atol=1e-5)
        assert ours.grad is None or torch.allclose(ours.grad, plain.grad, rtol=1e-3, atol=1e-4)


def test_batch_norm_is_torchs():
    ours, torchs = BatchNorm(5), torch.nn.BatchNorm2d(5)
    maps = torch.randn(7, 5, 3, 3) * 2 + 1
    assert torch.allclose(ours(maps), torchs(maps), atol=1e-6)
    ours.eval(), torchs.eval()
    assert torch.allclose(ours(maps), torchs(maps), atol=1e-6)
    assert torch.equal(ours.running_var, torchs.running_var)


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 16, 16), (3, 48, 48), (3, 64, 96), (1, 128, 128)])
def test_dcgan_halves_every_size_to_a_map_of_four_to_seven_pixels(channels, height, width):
    image, made = (channels, height, width), Config(network="dcgan")
    stack = architecture(image, "dcgan")
    assert 4 <= min(height, width) / stack.magnification < 8 and stack.magnification == 2 ** len(stack.trunk)
    widths = [layer.channels for layer in stack.trunk]
    assert widths[-1] == 256 and all(b in (a, 2 * a) for a, b in zip(widths, widths[1:]))
    generator, discriminator = build(image, PAPER, 0, made)
    images = generator(PAPER.sample(2, torch.Generator().manual_seed(0)))
    assert images.shape == (2, *image) and discriminator(images)[1].shape == (2, PAPER.q_width)
    weights = sum(p.numel() for network in (generator, discriminator) for p in network.parameters())
    assert weights < 4e6, "the weights do not grow with the size"


@pytest.mark.parametrize("size", [(50, 50), (50, 70), (90, 84), (127, 127)])
def test_the_size_that_an_error_names_fits(size):
    with pytest.raises(InputError, match="for the dcgan networks: resize them to") as refused:
        architecture((3, *size), "dcgan")
    height, width = map(int, re.search(r"resize them to (\d+)x(\d+)", str(refused.value)).groups())
    architecture((3, height, width), "dcgan")
    with pytest.raises(InputError, match="images are 12x16; the dcgan networks need 16 pixels or more"):
        architecture((3, 12, 16), "dcgan")


def test_a_run_begins_with_dcgan_above_32_pixels_and_records_it(tmp_path):
    images = torch.randint(256, (40, 3, 48, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    dataset = data.Dataset("large", *(data.Split(images, None) for _ in range(3)))
    fit(tmp_path, dataset, updates=2, batch_size=8, evaluations=1)
    loaded = Model(tmp_path)
    assert loaded.config.network == "dcgan" and len(loaded.discriminator.trunk) > 6
    assert for_size((3, 32, 32), "auto") == "auto" and for_size((1, 64, 64), "mnist") == "mnist"


def test_without_norm_ds_logit_of_an_image_does_not_depend_on_the_images_beside_it():
    images = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for layers, alone in (("no-norm", True), ("paper", False)):
        _, D = build((3, 32, 32), PAPER, 0, Config(network="dcgan", d_layers=layers, q_trunk="own"))
        logits, first = D.discriminate(images), D.discriminate(images[:2])
        assert torch.allclose(logits[:2], first, rtol=1e-3, atol=1e-6) == alone
        assert any(isinstance(m, BatchNorm) for m in D.trunk) == (not alone)
        assert any(isinstance(m, BatchNorm) for m in D.q_trunk), "Q's own trunk keeps it"
        generator, again = build((3, 32, 32), PAPER, 0, Config(network="dcgan", d_layers=layers))
        assert any(isinstance(m, BatchNorm) for m in again.q_head) and any(
            isinstance(m, BatchNorm) for m in generator.layers
        )


def test_hes_weights_keep_the_size_of_what_relu_layers_pass_on():
    """Where weights from N(0, 0.02) let a signal vanish in D without norm."""
    images = torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(0)) / 4 + 0.5
    sizes = {}
    for initialisation in ("he", "paper"):
        made = Config(network="dcgan", d_layers="no-norm", initialisation=initialisation)
        generator, D = build((3, 64, 64), PAPER, 0, made)
        sizes[initialisation] = (D.trunk(images).square().mean() / (2 * images - 1).square().mean()).sqrt().item()
        assert all(m.bias.abs().max() == 0 for m in D.modules() if isinstance(m, MatrixLayer) and m.bias is not None)
    assert 0.3 < sizes["he"] < 3 and sizes["paper"] < 0.03
    made = Config(network="dcgan", initialisation="he")
    generator = build((3, 64, 64), PAPER, 0, made)[0]
    grey = generator(PAPER.sample(8, torch.Generator().manual_seed(0)))
    assert 0.001 < grey.std() < 0.2, "images begin grey, and not saturated"
    for layer in [m for m in generator.modules() if isinstance(m, UpConvolution)][:-1]:
        maps = torch.randn(4, layer.weight.shape[0], 16, 16, generator=torch.Generator().manual_seed(0))
        assert layer(maps)[..., 1:-1, 1:-1].std().item() == pytest.approx(2**0.5, rel=0.1)


def test_a_q_with_a_trunk_of_its_own_reads_generated_images_as_it_reads_a_file():
    """In training as in evaluation mode, so that no code hides in differences that the batch's statistics amplify.

    A shared trunk, as in every source, normalises generated images by the batch: nearly equal ones become unlike."""
    spreads = {}
    for q_trunk in ("own", "shared"):
        _, D = build((1, 8, 8), Latent("10c", "5u"), 0, Config(q_trunk=q_trunk, preset="iic"))
        for _ in range(60):
            D(torch.rand(64, 1, 8, 8), real=64)
        nearly_grey = 0.6 + 1e-4 * torch.randn(64, 1, 8, 8)
        trained, evaluated = D(nearly_grey)[1], D.eval().q_params(nearly_grey)
        spreads[q_trunk] = (trained.std(0).mean() / evaluated.std(0).mean()).item()
        if q_trunk == "own":
            assert torch.allclose(trained, evaluated, atol=1e-5)
            D.train()(torch.cat([torch.rand(32, 1, 8, 8), nearly_grey]), real=32)
            assert torch.allclose(D(nearly_grey)[1], D.eval().q_params(nearly_grey), atol=1e-5), "real ones move them"
    assert spreads["own"] == pytest.approx(1, abs=0.01) and spreads["shared"] > 50


@pytest.mark.parametrize("q_trunk", ["shared", "own"])
def test_q_as_trained_is_what_training_computes_and_changes_nothing(q_trunk):
    _, D = build((1, 8, 8), Latent("10c", "5u"), 0, Config(q_trunk=q_trunk, spectral_norm=True))
    D(torch.rand(64, 1, 8, 8), real=64)
    before = {name: tensor.clone() for name, tensor in D.state_dict().items()}
    images = torch.rand(networks.BATCH_OF_STATISTICS, 1, 8, 8)
    trained, evaluated = networks.evaluate_q(D, images, as_trained=True), networks.evaluate_q(D, images)
    assert all(torch.equal(tensor, before[name]) for name, tensor in D.state_dict().items())
    assert all(module.training for module in D.modules())
    assert torch.allclose(trained, evaluated) == (q_trunk == "own")
    assert torch.allclose(trained, D(images)[1], atol=2e-3)  # its spectral norm is one power iteration further
