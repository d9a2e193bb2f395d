"""Each of the four models trains alike in one process, under DDP, ZeRO 0 to 3 and FSDP2."""

from pathlib import Path

import pytest

from tests.core.training.test_run import logged
from tests.distributed_harness import run_ranks
from tests.models.engines import OF_TWO, trained, trained_with
from tests.models.small import RECIPES

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", RECIPES)
def test_twenty_steps_of_a_recipe_are_the_same_on_every_engine(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every loss of every step to 1e-5, in fp32; of gradients the first norm, as later ones are of other weights.

    Rounding moves those weights: kernels of another kind, in one process, move GeneBERT's norms by 1e-4 in five steps.
    """
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")  # restored in this process, which is the plain engine's
    alone = trained_with(name, "plain", tmp_path / "plain")
    words, _ = run_ranks(2, trained, name, list(OF_TWO), tmp_path, timeout_s=1200)
    print(f"{name}: plain {alone}; two processes {dict(zip(OF_TWO, words, strict=True))}")
    assert words == list(OF_TWO.values())
    plain = logged(tmp_path / "plain")
    assert len(plain) == 20
    for engine in OF_TWO:
        for step, expected in zip(logged(tmp_path / engine), plain, strict=True):
            norms = ["gradient_norm"] if step["step"] == 1 else []
            for key in [key for key in expected if key.endswith("loss")] + norms:
                assert step[key] == pytest.approx(expected[key], rel=1e-5), (engine, step["step"], key)
