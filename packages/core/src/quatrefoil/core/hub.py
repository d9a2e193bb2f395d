"""Models that travel: `save_pretrained`, `from_pretrained` and `push_to_hub` through huggingface_hub's own mixin."""

import re
from collections.abc import Mapping
from json import JSONDecodeError
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from huggingface_hub import ModelCard, PyTorchModelHubMixin, hf_hub_download
from huggingface_hub.constants import CONFIG_NAME, REPOCARD_NAME, SAFETENSORS_SINGLE_FILE
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from pydantic import TypeAdapter
from safetensors import SafetensorError
from torch import Tensor, nn

from quatrefoil.core.files import readable
from quatrefoil.core.views import Views

if TYPE_CHECKING:
    from quatrefoil.core.data import DataModule

CARD = """---
library_name: quatrefoil
tags: [quatrefoil]
{{ card_data }}
---

# {{ title | default("A Quatrefoil model", true) }}

{{ parameters | default("") }}

```python
from {{ model_module }} import {{ model_class }}

model = {{ model_class }}.from_pretrained("FOLDER")  # of this file, or the run's; or an id on the hub
```

{% if measured %}
## What was measured

Data: {{ data }}. Protocol: `{{ protocol }}`. Seed {{ seed }}, configuration `{{ config_hash }}`, {{ steps }} steps.
{% if select %}
These are the weights of step {{ evaluated_step }}, chosen on `val` by {{ select }}: what stands for `val` below is
flattered by the choice. No other split chose anything.
{% else %}
These are the weights of the last step: no split chose them.
{% endif %}
{% for split, size in sizes -%}
- `{{ split }}`: {{ size }}
{% endfor %}
| split | metric | value | 95 % interval |
|---|---|---|---|
{% for split, metric, value, interval in measured -%}
| {{ split }} | {{ metric }} | {{ value }} | {{ interval }} |
{% endfor %}
Intervals, where there are any, are over the items of the split; one seed tells no spread over seeds. Made by
`{{ command }}`.
{% else %}
Nothing was measured for this model.
{% endif %}
"""

RANDOM = "random weights"
MODEL = "model"
"""Where a run folder keeps its model."""


class Model(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="quatrefoil",
    model_card_template=CARD,
):
    """A module with `@view` methods, built from one frozen dataclass, saved as safetensors and JSON.

    Subclasses take `config` (a dataclass) as their only argument and name in `asset_names` the text files that travel
    with the weights (a tokeniser, say); their contents are in `assets`. Those that only say how inputs are read, where
    other data may have others, are in `reading_assets` too. Views in `taught` each need an objective, as the model's
    answer is made of all of them. `started_from` says, for the log, which weights it was built with.
    """

    taught: ClassVar[tuple[str, ...]] = ()
    asset_names: ClassVar[tuple[str, ...]] = ()
    reading_assets: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.assets: dict[str, str] = {}
        self.started_from = RANDOM

    def check_assets(self) -> None:
        """Raise `ValueError` where this model cannot take what `assets` describes (too large a vocabulary)."""

    def check_data(self, data: "DataModule") -> None:
        """Raise `ValueError` where this model cannot read these data, though it has all of their fields."""

    @property
    def just_started(self) -> bool:
        """Whether it was built from weights of others; a trained model that was read whole no longer needs those."""
        return self.started_from != RANDOM

    def reads_alike(self, name: str, given: str | None) -> bool:
        """Whether the weights can be used with this text in the place of asset `name`; None = there is none."""
        return name in self.reading_assets or given == self.assets[name]

    def encode(self, batch: dict[str, Any], view: str) -> Tensor:
        """One view of one batch, e.g. the codes of a gallery (B, D)."""
        codes: Tensor = Views(self, batch)[view]
        return codes

    def generate_model_card(self, *args: Any, **facts: Any) -> ModelCard:
        """The card, with how this class is loaded and these facts."""
        named = {"model_class": type(self).__name__, "model_module": type(self).__module__}
        return super().generate_model_card(*args, **named, **facts)

    def _save_pretrained(self, save_directory: Path) -> None:
        super()._save_pretrained(save_directory)
        readable(save_directory / SAFETENSORS_SINGLE_FILE)
        for name, text in self.assets.items():
            (save_directory / name).write_text(text, encoding="utf-8")

    @classmethod
    def _from_pretrained(cls, *, model_id: str, strict: bool = True, **options: Any) -> "Model":
        model: Model = super()._from_pretrained(model_id=model_id, strict=strict, **options)
        download = {k: options[k] for k in ("revision", "cache_dir", "force_download", "local_files_only", "token")}
        model.assets |= cls.read_assets(model_id, **download)
        return model

    @classmethod
    def read_assets(cls, source: str | Path, **download: Any) -> dict[str, str]:
        """The `assets` of a model that was saved in a folder, or under a hub id.

        Raises:
            ValueError: one of `asset_names` is not there.
        """
        assets: dict[str, str] = {}
        for name in cls.asset_names:
            try:
                local = Path(source) / name
                path = local if Path(source).is_dir() else Path(hf_hub_download(str(source), name, **download))
                assets[name] = path.read_text(encoding="utf-8")
            except (FileNotFoundError, EntryNotFoundError) as error:
                raise ValueError(
                    f"{source}: no {name}; the folder is not a complete {cls.__name__} model, or "
                    f"was saved by an older version"
                ) from error
        return assets

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **options: Any) -> Self:
        """The model of a folder (a run's, too), or of a hub id, in evaluation mode.

        Raises:
            ValueError: it is not there, damaged, not complete, or of another class.
        """
        of_run = Path(pretrained_model_name_or_path) / MODEL
        source = of_run if of_run.is_dir() else pretrained_model_name_or_path
        cls._check_source(source)
        try:
            return super().from_pretrained(source, **options)
        except _NOT_GIVEN as error:
            raise ValueError(f"{source} is no folder here, and the hub did not give it: {error}") from error
        except JSONDecodeError as error:
            raise ValueError(
                f"{source}: config.json cannot be read ({error}); save or fetch the model again"
            ) from error

    @classmethod
    def _check_source(cls, source: str | Path) -> None:
        if not Path(source).is_dir():
            _check_id(source)
        elif not (Path(source) / CONFIG_NAME).is_file():
            raise ValueError(
                f"{Path(source)} has no {CONFIG_NAME}: no model lies there; give a finished run, or its {MODEL}/"
            )
        elif (written := _class_of(Path(source))) not in (None, cls.__name__):
            raise ValueError(f"{source} holds a model of class {written}, not {cls.__name__}; read it by that")

    @classmethod
    def _load_as_safetensor(cls, model: Any, model_file: str, map_location: str, strict: bool) -> Any:
        try:
            return super()._load_as_safetensor(model, model_file, map_location, strict)
        except FileNotFoundError as error:
            raise ValueError(
                f"{model_file} is missing: the folder is not a complete {cls.__name__} model; give a "
                f"finished run, or its {MODEL}/"
            ) from error
        except (SafetensorError, RuntimeError) as error:
            raise ValueError(
                f"{model_file} is damaged, or not of the model that config.json beside it describes ({error}); save or "
                f"fetch the model again"
            ) from error

    @classmethod
    def _decode_arg(cls, expected_type: Any, value: Any) -> Any:
        """Nested configurations come back whole and checked (the mixin rebuilds the outermost dataclass only)."""
        return TypeAdapter(expected_type).validate_python(value)

    @classmethod
    def _load_as_pickle(cls, model: Any, model_file: str, *_: Any) -> NoReturn:
        raise ValueError(
            f"{model_file} holds pickled weights, which are never loaded; convert them to model.safetensors"
        )


def _class_of(folder: Path) -> str | None:
    """The class of a saved model, by its card; None where it has no card, or one of other words."""
    card = folder / REPOCARD_NAME
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    found = re.search(r"^from [\w.]+ import (\w+)\n\nmodel = \1\.from_pretrained\(", text, re.M)  # as `CARD` has it
    return found and found[1]


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put weights into a model; `ValueError` where names or shapes differ."""
    expected = {name: tensor.shape for name, tensor in model.state_dict().items()}
    if other := {n: tuple(w.shape) for n, w in weights.items() if w.shape != expected.get(n, w.shape)}:
        raise ValueError(f"these weights are of a model of another size: {other}, where this one has other shapes")
    missing, unexpected = model.load_state_dict(dict(weights), strict=False)
    # safetensors stores tied weights once: a name may be missing if its twin is there
    own = model.state_dict(keep_vars=True)
    given = {id(tensor) for name, tensor in own.items() if name in weights}
    missing = [name for name in missing if id(own[name]) not in given]
    if missing or unexpected:
        raise ValueError(f"these weights are of another model: missing {missing}, unexpected {unexpected}")


_FILES = {".pth", ".pt", ".bin", ".ckpt", ".safetensors", ".json"}
_NOT_GIVEN = (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError)


def _check_id(source: str | Path) -> None:
    """Raise `ValueError` where this can only be a path, and so is none of the hub's."""
    path = Path(source)
    if path.is_absolute() or len(path.parts) > 2 or path.suffix in _FILES or str(source).startswith("."):
        raise ValueError(f"there is no {source} (a hub id is `owner/name`)")


def locate(source: str | Path, name: str, revision: str | None = None) -> Path:
    """The local path of file `name` of a folder or of a hub id (downloaded once).

    Raises:
        ValueError: neither the folder nor the hub has it.
    """
    folder = Path(source)
    if folder.is_dir():
        if not (folder / name).is_file():
            raise ValueError(f"{folder} has no {name}")
        return folder / name
    _check_id(source)
    try:
        return Path(hf_hub_download(str(source), name, revision=revision))
    except _NOT_GIVEN as error:
        raise ValueError(f"{source} is no folder here, and the hub did not give its {name}: {error}") from error
