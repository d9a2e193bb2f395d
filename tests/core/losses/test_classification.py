"""Classification. Legend: B rows, K classes."""

import pytest
import torch
import torch.nn.functional as nnf

from quatrefoil.core.losses import ClassificationResult, classification
from tests.core.losses.worlds import Sizes, Towers, assert_independent_of_world_size, mine


def _terms(towers: Towers, sizes: Sizes) -> ClassificationResult:
    return classification(towers.codes(sizes)[0] * towers.scale, mine(towers.labels, sizes))


def test_metrics_and_gradients_do_not_depend_on_world_size() -> None:
    assert_independent_of_world_size(_terms)


def test_value_is_the_mean_cross_entropy_and_the_share_of_hits() -> None:
    logits_BK, labels_B = torch.randn(20, 9, dtype=torch.float64), torch.randint(9, (20,))
    result = classification(logits_BK, labels_B)
    torch.testing.assert_close(result.loss, nnf.cross_entropy(logits_BK, labels_B), rtol=1e-13, atol=0)
    assert result.accuracy.item() == pytest.approx((logits_BK.argmax(1) == labels_B).double().mean().item())


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_that_is_no_class_is_an_error(label: int) -> None:
    with pytest.raises(ValueError, match=rf"1 of 2 labels outside 0 .. 2: the first is {label}; number the classes"):
        classification(torch.zeros(2, 3), torch.tensor([0, label]))
