"""The model of a finished run, ready to be asked."""

from pathlib import Path

from quatrefoil.core import recipes
from quatrefoil.core.hub import Model
from quatrefoil.core.runs.folder import RunFolder
from quatrefoil.core.runs.stored import read_stored
from quatrefoil.genomics.models.classifier import SequenceModel
from quatrefoil.genomics.models.variant_classifier import VariantClassifier


def model_of(run: str | Path) -> Model:
    """The model that a run has left, in evaluation mode.

    Raises:
        CheckpointError: `run` is no run folder; ValueError: it is a checkpoint, which has no model to use alone.
    """
    described, _ = read_stored(Path(run))
    folder = RunFolder(Path(run)).model
    if not folder.is_dir():
        raise ValueError(f"{run} is a checkpoint; give the folder of a finished run, which holds the model")
    recipe: recipes.Recipe = recipes.find(described["recipe"]).load()()
    model: Model = recipe.model.model_type.from_pretrained(folder)
    return model.eval()


def classifier_of(run: str | Path) -> SequenceModel:
    """The classifier of sequences that a run has left. Raises ValueError for another model, and as `model_of`."""
    model = model_of(run)
    if not isinstance(model, SequenceModel) or isinstance(model, VariantClassifier):
        raise ValueError(
            f"{run}: its {type(model).__name__} tells no classes of one sequence; give a run of a classifier"
        )
    return model
