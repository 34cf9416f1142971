import pytest
import torch

from infogan.codes import Latent
from infogan.config import InputError
from infogan.networks import BatchNorm, build

PAPER = Latent("10c+2u", "62u", q_std="fixed")


@pytest.mark.parametrize("image", [(1, 28, 28), (1, 8, 8), (3, 32, 32), (1, 12, 20)])
@pytest.mark.parametrize("codes", ["10c+2u", "3x20c", "5u"])
def test_shapes_and_ranges(image, codes):
    latent = Latent(codes, "16g")
    generator, discriminator = build(image, latent, seed=0)
    images = generator(latent.sample(3, torch.Generator().manual_seed(0)))
    assert images.shape == (3, *image) and 0 <= images.min() and images.max() <= 1
    logit, answer = discriminator(images)
    assert logit.shape == (3,) and answer.shape == (3, latent.q_width)


def test_mnist_networks_have_the_papers_layers():
    generator, discriminator = build((1, 28, 28), PAPER, seed=0)
    weights = {name: tuple(p.shape) for name, p in discriminator.named_parameters() if p.dim() > 1}
    assert list(weights.values()) == [(64, 1, 4, 4), (128, 64, 4, 4), (1024, 128 * 49), (1, 1024), (128, 1024), (12, 128)]
    weights = [tuple(p.shape) for p in generator.parameters() if p.dim() > 1]
    assert weights == [(1024, 74), (128 * 49, 1024), (128, 64, 4, 4), (64, 1, 4, 4)]


def test_weights_are_seeded_normals_of_std_002():
    first, again, other = (build((1, 28, 28), PAPER, seed)[1] for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters()))
    assert not torch.equal(first.trunk[0].weight, other.trunk[0].weight)
    assert first.trunk[2].weight.std().item() == pytest.approx(0.02, rel=0.02)


def test_running_statistics_follow_real_images_alone():
    _, discriminator = build((1, 8, 8), PAPER, seed=0)
    images = torch.rand(16, 1, 8, 8)
    before = {name: value.clone() for name, value in discriminator.named_buffers()}
    discriminator(images)
    assert all(torch.equal(value, before[name]) for name, value in discriminator.named_buffers())
    discriminator(images, real=16)
    assert all(not torch.equal(value, before[name]) for name, value in discriminator.named_buffers())


def test_one_pass_over_real_and_generated_images_is_the_same_as_two():
    """Logits, answers, running statistics and gradients, against torch's own batch norm seeing one batch at a time."""
    (_, once), (_, twice) = (build((1, 8, 8), PAPER, seed=0) for _ in range(2))
    real, fake = torch.rand(2, 16, 1, 8, 8)
    verdicts, answers = once(torch.cat([real, fake]), real=16)
    parts = [twice(real, real=16), twice(fake)]
    assert torch.allclose(verdicts, torch.cat([part[0] for part in parts]), atol=1e-5)
    assert torch.allclose(answers, torch.cat([part[1] for part in parts]), atol=1e-5)
    (verdicts.sum() + answers.square().sum()).backward()
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


def test_odd_sizes_are_refused():
    with pytest.raises(InputError, match="30x28"):
        build((1, 30, 28), PAPER, seed=0)
