"""What stored runs were trained on is what is made today: else no new run could stand beside them."""

from pathlib import Path

import pytest

from quatrefoil.core.measuring.store import Store
from quatrefoil.core.recipes import load

STORE = Store(Path(__file__).parents[2] / "benchmarks" / "results")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "model"),
    [
        ("genebert/regulome-pretrain", "GeneBERT, pre-training"),
        *((f"genebert/regulome-{task}", "GeneBERT without SRM") for task in ("openness", "promoter", "splice")),
    ],
)
def test_regulome_is_made_today_as_stored_runs_read_it(
    recipe: str, model: str, embedded_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUATREFOIL_CACHE", str(embedded_cache))
    stored = {curve.data for curve in STORE.read().curves if (curve.recipe, curve.model) == (recipe, model)}
    assert stored == {load(recipe).data.build(0).describe()["fingerprint"]}
