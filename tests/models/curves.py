"""`python -m tests.models.curves`: trains each small recipe for 100 steps, and stores the losses as what is expected.

To be run where a change is meant to change what is computed; the difference that git shows is then part of the review.
"""

import hashlib
import json
import platform
import tempfile
from pathlib import Path
from typing import Any

import torch

from tests.models.small import RECIPES, small, small_run

FOLDER = Path(__file__).with_name("curves")
STEPS = 100
SHOWN = ("loss", "gradient_norm")
PROCESSOR = ("model name", "cpu family", "model", "stepping", "flags", "CPU implementer", "CPU part", "Features")
Curve = dict[str, Any]


def curve(name: str) -> Curve:
    """Losses and gradient norms of 100 steps on one thread, and where they were computed."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            recipe = small(name, [f"train.steps={STEPS}", f"run.dir={folder}/run"])
            run = small_run(recipe)
            logged = [json.loads(line) for line in (run.folder.path / "log.jsonl").read_text().splitlines()]
    finally:
        torch.set_num_threads(threads)
    losses = {key: [line[key] for line in logged] for key in SHOWN}
    return {"environment": environment(run.data_fingerprint), "recipe": recipe.config_hash, **losses}


def environment(data: str) -> dict[str, str]:
    """On what the bits of a loss depend besides the code: kernels, chosen by the processor, and the data's bytes."""
    return {
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "processor": processor(),
        "threads": "1",
        "data": data,
    }


def processor() -> str:
    """The kind of the first processor, beyond its name: virtual machines give one name to several kinds."""
    file = Path("/proc/cpuinfo")
    first = file.read_text().split("\n\n")[0].splitlines() if file.exists() else []
    said = dict(map(str.strip, line.split(":", 1)) for line in first)
    kind = {key: said[key] for key in PROCESSOR if key in said} or {"machine": platform.machine()}
    return f"{kind.get('model name', platform.machine())}, {hashlib.sha256(json.dumps(kind).encode()).hexdigest()[:12]}"


def path_of(name: str) -> Path:
    """Where the curve of a recipe is kept."""
    return FOLDER / f"{name.replace('/', '-')}.json"


def main() -> None:
    for name in RECIPES:
        path_of(name).write_text(json.dumps(curve(name), indent=1) + "\n")
        print(path_of(name), flush=True)


if __name__ == "__main__":
    main()
