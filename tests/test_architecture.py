"""The rules of the house: who imports whom, what core may say, what is never done."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {name: ROOT / "packages" / name / "src" / "quatrefoil" for name in ("core", "video_text", "genomics")}
DOMAIN = re.compile(
    r"\b(videos?|clips?|frames?|audios?|sounds?|captions?|pixels?|images?|dna|genom\w*|k-?mers?|fasta|chromosomes?|motifs?)\b",
    re.IGNORECASE,
)
NOT_THE_DOMAIN = re.compile(
    r"data\s?frames?|stack frames?|clip_(norm|grad)|\bCLIP'?s?\b|CLIP4Clip|clip\w*\(|clips? the gradient"
)


def files(package: str) -> list[Path]:
    return sorted(SOURCES[package].rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [("core", ("video_text", "genomics")), ("video_text", ("genomics",)), ("genomics", ("video_text",))],
)
def test_packages_import_only_what_they_may(package: str, forbidden: tuple[str, ...]) -> None:
    found = [(path.name, name) for path in files(package) for name in imports(path)]
    assert not [
        pair for pair in found if any(pair[1].startswith(f"quatrefoil.{other}") for other in (*forbidden, "benchmarks"))
    ]
    assert not [pair for pair in found if pair[1].startswith(("tests", "benchmarks"))]


@pytest.mark.parametrize(
    ("folder", "above"),
    [
        ("losses", ("objectives", "data", "evaluation", "runs", "training")),
        ("data", ("losses", "objectives", "evaluation", "runs", "training")),
        ("objectives", ("evaluation", "runs", "training")),
        ("evaluation", ("runs", "training")),
        ("runs", ("training",)),
    ],
)
def test_folders_of_core_look_down_only(folder: str, above: tuple[str, ...]) -> None:
    paths = sorted((SOURCES["core"] / "core" / folder).rglob("*.py"))
    assert paths
    forbidden = tuple(f"quatrefoil.core.{name}" for name in above)
    assert not [(path.name, name) for path in paths for name in imports(path) if name.startswith(forbidden)]


def test_core_says_no_word_of_a_domain() -> None:
    said = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files("core")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if DOMAIN.search(NOT_THE_DOMAIN.sub("", line))
    ]
    assert not said, "\n".join(said)


@pytest.mark.parametrize("package", SOURCES)
def test_nothing_is_unpickled(package: str) -> None:
    """Outside the one restricted unpickler, which builds plain data only (test_plain_pickle.py)."""
    bad = re.compile(
        r"\bpickle\.loads?\b|torch\.load\((?!.*weights_only=True)|allow_pickle=True|\beval\(|\bexec\(|\.all_gather_object"
    )
    said = [
        f"{path.name}: {line}" for path in files(package) for line in path.read_text().splitlines() if bad.search(line)
    ]
    assert not [line for line in said if ".eval(" not in line], said


def test_the_namespace_has_no_init() -> None:
    assert not [path for path in SOURCES.values() if (path / "__init__.py").exists()]


OF_REGIONS = ("scipy", "pyarrow", "pandas", "zarr", "Bio", "pyfaidx")
"""What the modules of the extra `regions` import at their top, with what it brings: only genomics may."""


@pytest.mark.parametrize(("packages", "may"), [(("core", "video_text"), ()), (("genomics",), OF_REGIONS)])
def test_importing_a_package_loads_no_optional_dependency(packages: tuple[str, ...], may: tuple[str, ...]) -> None:
    optional = (
        "accelerate",
        "transformers",
        "decord",
        "torchaudio",
        "wandb",
        "tensorboard",
        "matplotlib",
        "deepspeed",
        "torchcodec",
        "textblob",
        "nltk",
        "spacy",
        "sklearn",
        "scipy",
        "PIL",
        "datasets",
        "pyarrow",
        "pandas",
        "zarr",
        "Bio",
        "bioframe",
        "pyfaidx",
        "MOODS",
        "lightmotif",
    )
    modules = [
        ".".join(("quatrefoil", *path.relative_to(root).with_suffix("").parts))
        for root in map(SOURCES.__getitem__, packages)
        for path in sorted(root.rglob("*.py"))
    ]
    needs_train = (
        "quatrefoil.core.training.engine",
        "quatrefoil.core.training.replicas",
        "quatrefoil.core.training.trainer",
        "quatrefoil.core.training.run",
        "quatrefoil.core.training.sharded",
        "quatrefoil.core.training.summary",
        "quatrefoil.core.training.zero",
    )
    code = f"""
import importlib, sys
for name in {[m.removesuffix(".__init__") for m in modules if m not in needs_train]!r}:
    importlib.import_module(name)
print([name for name in {[name for name in optional if name not in may]!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
