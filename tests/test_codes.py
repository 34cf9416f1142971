import math
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from infogan.algorithm import information_bound
from infogan.codes import LARGEST, Categorical, Continuous, Latent, parse
from infogan.config import InputError


@pytest.mark.parametrize("text", ["4x10c+4u", "1g", "2u+10c+3g", "10c+5c+10c", "10c + 10c+ 1u+1u +2x2u"])
def test_text_form_round_trips_and_neighbours_of_one_kind_are_joined(text):
    assert "+".join(map(str, parse(text))) == {"10c + 10c+ 1u+1u +2x2u": "2x10c+6u"}.get(text, text)


NONSENSE = {"10c+": "", "10c++2u": "", "10c+2k": "2k"} | {
    t: t for t in ("10", "c10", "-1u", "1c", "0u", "0x10c", "1.5u")
}


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_named(text):
    with pytest.raises(InputError, match=re.escape(repr(NONSENSE[text]))) as error:
        parse(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["10001u", "5001c+5000u", "99999x99999c", "+".join(["5000u", "5000g"] * 2)])
def test_more_codes_than_memory_has_are_refused(text):
    with pytest.raises(InputError, match="10,000"):
        parse(text)
    assert parse("10000u") == (Continuous("u", LARGEST),)


@given(st.text() | st.text("0123456789x+cug ") | st.from_regex(r"[0-9]{1,60}(x[0-9]{1,20})?[cug]", fullmatch=True))
def test_any_text_is_codes_or_an_input_error(text):
    try:
        terms = parse(text)
    except InputError as error:
        assert str(error).isprintable()
    else:
        assert sum(term.width for term in terms) <= LARGEST and parse("+".join(map(str, terms))) == terms


TERMS = st.builds(Categorical, st.integers(2, 50), st.integers(1, 5)) | st.builds(
    Continuous, st.sampled_from("ug"), st.integers(1, 50)
)


@given(st.lists(TERMS, max_size=8))
def test_terms_round_trip_through_their_text(terms):
    """Neighbours of one kind become one term: the numbers in it are the same."""
    read = parse("+".join(map(str, terms)))
    assert parse("+".join(map(str, read))) == read
    for kind in (Categorical, Continuous):
        counts = [sum(term.count for term in some if isinstance(term, kind)) for some in (terms, read)]
        assert counts[0] == counts[1]
    assert sum(term.width for term in terms) == sum(term.width for term in read)


def test_latent_needs_a_code_and_continuous_noise():
    with pytest.raises(InputError, match="no latent code"):
        Latent("", "62u")
    with pytest.raises(InputError, match="must be continuous"):
        Latent("10c", "62c")


def test_entropies_are_the_closed_forms():
    assert Latent("10c+2u", "62u").entropy == pytest.approx((2.302585, 2 * 0.693147), abs=1e-6)
    assert Latent("4x10c+3g", "").entropy == pytest.approx((4 * math.log(10), 3 * 0.5 * math.log(2 * math.pi * math.e)))


def test_samples_follow_their_priors():
    latent = Latent("2x4c+1u+1g", "1u+1g")
    z = latent.sample(100_000, torch.Generator().manual_seed(0))
    assert z.shape == (100_000, 12)
    one_hot = z[:, :8].reshape(-1, 2, 4)
    assert torch.equal(one_hot.sum(-1), torch.ones(100_000, 2))
    assert torch.allclose(one_hot.mean(0), torch.full((2, 4), 0.25), atol=0.01)
    joint = torch.einsum("na,nb->ab", one_hot[:, 0], one_hot[:, 1]) / len(z)
    assert torch.allclose(joint, torch.full((4, 4), 1 / 16), atol=0.01), "codes must be independent"
    for column in (8, 10):
        assert -1 <= z[:, column].min() < -0.99 and 0.99 < z[:, column].max() <= 1
        assert z[:, column].var().item() == pytest.approx(1 / 3, abs=0.01)
    for column in (9, 11):
        assert z[:, column].std().item() == pytest.approx(1, abs=0.02)


def test_log_q_agrees_with_torch_distributions():
    latent = Latent("2x5c+2u+1g", "7u", q_std="learned")
    generator = torch.Generator().manual_seed(0)
    z, answer = latent.sample(50, generator), torch.randn(50, latent.q_width, generator=generator)
    categorical, continuous = latent.log_q(z, answer)
    logits, means, log_std = answer[:, :10].reshape(50, 2, 5), answer[:, 10:13], answer[:, 13:]
    expected = torch.distributions.Categorical(logits=logits).log_prob(z[:, :10].reshape(50, 2, 5).argmax(-1)).sum(1)
    assert torch.allclose(categorical, expected, atol=1e-5)
    expected = torch.distributions.Normal(means, log_std.exp()).log_prob(z[:, 10:13]).sum(1)
    assert torch.allclose(continuous, expected, atol=1e-4)


def test_a_perfect_q_reaches_the_entropy_and_fixed_std_its_known_ceiling():
    latent = Latent("10c+1u", "62u", q_std="fixed")
    z = latent.sample(500, torch.Generator().manual_seed(0))
    categorical, continuous = information_bound(latent, z, z[:, :11] * torch.tensor([50.0] * 10 + [1.0]))
    assert categorical.item() == pytest.approx(math.log(10), abs=1e-5)
    assert continuous.item() == pytest.approx(math.log(2) - 0.5 * math.log(2 * math.pi), abs=1e-5)  # -0.226 nats


def test_an_ignorant_q_has_no_information_and_none_exceeds_the_entropy():
    latent = Latent("10c+2x3c", "4u")
    generator = torch.Generator().manual_seed(0)
    z = latent.sample(20_000, generator)
    assert information_bound(latent, z, torch.zeros(20_000, latent.q_width))[0].item() == pytest.approx(0, abs=1e-5)
    for scale in (0.1, 1.0, 10.0):  # answers that know nothing: the bound is below zero, hence below H(c)
        answer = scale * torch.randn(20_000, latent.q_width, generator=generator)
        assert information_bound(latent, z, answer)[0].item() < 0
    for certainty in (0.5, 3.0, 30.0):
        bound = information_bound(latent, z, certainty * z[:, : latent.q_width])[0].item()
        assert 0 < bound <= latent.entropy[0] + 1e-5


def test_the_bound_of_a_gaussian_channel_is_its_mutual_information():
    # x = c + n with c, n ~ N(0, 1): I(c; x) = ln(2)/2, and the true posterior N(x/2, 1/2) attains it (equation 4).
    latent = Latent("1g", "")
    generator = torch.Generator().manual_seed(0)
    c = latent.sample(400_000, generator)
    x = c + torch.randn(c.shape, generator=generator)
    answer = torch.cat([x / 2, torch.full_like(x, 0.5 * math.log(0.5))], 1)
    assert information_bound(latent, c, answer)[1].item() == pytest.approx(0.5 * math.log(2), abs=0.01)
    worse = torch.cat([x, torch.zeros_like(x)], 1)
    assert information_bound(latent, c, worse)[1].item() < 0.5 * math.log(2)


def test_reading_and_placing_codes():
    latent = Latent("3c+2u+2x2c", "2u")
    z = torch.zeros(2, latent.width)
    for code, value in ((0, 2), (1, -2.0), (2, 0.5), (3, 1), (4, 0)):
        z = latent.set_code(z, code, value)
    assert z[0].tolist() == [0, 0, 1, -2.0, 0.5, 0, 1, 1, 0, 0, 0]
    categories, means = latent.read(z[:, : latent.code_width])
    assert categories[0].tolist() == [2, 1, 0] and means[0].tolist() == [-2.0, 0.5]
    drawn = latent.sample(5, torch.Generator().manual_seed(0))
    written = latent.write(torch.zeros_like(drawn), *latent.read(drawn))
    assert torch.equal(written[:, : latent.code_width], drawn[:, : latent.code_width])
    assert latent.categorical_sizes == [3, 2, 2] and latent.single_codes(Categorical) == [0, 3, 4]
    assert latent.single_codes(Continuous) == [1, 2]
