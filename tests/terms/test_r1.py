"""R1 and R2 on discriminators whose gradient is known, and through our own convolutions and products."""

from types import SimpleNamespace

import pytest
import torch

from infogan.accel import products
from infogan.terms.r1 import R1


def penalty(discriminate, images: torch.Tensor) -> torch.Tensor:
    context = SimpleNamespace(real=images, discriminate=discriminate)
    return R1()(context)[0]


def test_of_a_linear_discriminator_it_is_half_the_squared_norm_of_its_weight():
    weight = torch.randn(1, 4, 4, requires_grad=True)
    value = penalty(lambda images: (images * weight).sum((1, 2, 3)), torch.rand(5, 1, 4, 4))
    assert value.item() == pytest.approx(weight.square().sum().item() / 2, rel=1e-5)
    [gradient] = torch.autograd.grad(value, weight)
    assert torch.allclose(gradient, weight)


def test_of_a_quadratic_discriminator_it_is_half_the_mean_squared_norm_of_the_images():
    images = torch.rand(5, 1, 4, 4)
    value = penalty(lambda x: x.square().sum((1, 2, 3)) / 2, images)
    assert value.item() == pytest.approx(images.square().sum((1, 2, 3)).mean().item() / 2, rel=1e-5)


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("transposed", [False, True])
def test_our_convolution_has_the_second_derivatives_of_torchs(transposed, channels):
    shapes = ((2, 3, 4, 4), (3, channels, 4, 4)) if transposed else ((2, channels, 4, 4), (3, channels, 4, 4))
    generator = torch.Generator().manual_seed(0)
    given = [torch.randn(s, generator=generator, dtype=torch.double, requires_grad=True) for s in shapes]
    assert torch.autograd.gradgradcheck(lambda x, w: products.Convolve.apply(x, w, None, transposed), given)


@pytest.mark.parametrize("shape", [(3, 5), (5, 3)])
def test_our_product_has_the_second_derivatives_of_torchs(shape):
    generator = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(s, generator=generator, dtype=torch.double) for s in ((4, shape[1]), shape))
    weight = products.match_layout(weight)
    given = [x.requires_grad_(), weight.requires_grad_()]
    assert torch.autograd.gradgradcheck(products.Multiply.apply, given)
