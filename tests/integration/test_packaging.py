"""Each package stands alone; released wheels carry ordinary requirements and nothing of another package."""

import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
release = pytest.importorskip("release")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheels")
    release.build(folder)
    return {path.name.split("-")[0]: zipfile.ZipFile(path) for path in folder.glob("*.whl")}


def metadata(wheel: zipfile.ZipFile) -> str:
    return wheel.read(next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))).decode()


def test_released_wheels_require_core_by_version(wheels: dict[str, zipfile.ZipFile]) -> None:
    assert set(wheels) == {"quatrefoil_core", "quatrefoil_video_text", "quatrefoil_genomics"}
    for name, wheel in wheels.items():
        requirements = [
            line for line in metadata(wheel).splitlines() if line.startswith("Requires-Dist: quatrefoil-core")
        ]
        assert not [line for line in requirements if "@" in line or "file:" in line]
        assert ("Requires-Dist: quatrefoil-core==0.1.0" in requirements) == (name != "quatrefoil_core")


def test_a_wheel_holds_its_own_package_and_no_namespace_init(wheels: dict[str, zipfile.ZipFile]) -> None:
    for name, wheel in wheels.items():
        own = f"quatrefoil/{name.removeprefix('quatrefoil_')}/"
        code = [path for path in wheel.namelist() if ".dist-info/" not in path]
        assert sorted(path for path in code if not path.startswith(own)) == (
            ["quatrefoil/__main__.py", "quatrefoil/train.py"] if "core" in name else []
        )
        assert f"{own}py.typed" in code


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("core", {"av", "decord", "tokenizers", "transformers", "torchaudio", "pyfaidx", "accelerate"}),
        ("video_text", {"pyfaidx", "decord", "torchaudio", "transformers", "accelerate"}),
        ("genomics", {"av", "decord", "tokenizers", "transformers", "torchaudio", "accelerate"}),
    ],
)
def test_base_requirements_are_light(package: str, forbidden: set[str]) -> None:
    project = tomllib.loads((ROOT / "packages" / package / "pyproject.toml").read_text())["project"]
    names = {requirement.split(">")[0].split("=")[0].split(" ")[0] for requirement in project["dependencies"]}
    assert not names & forbidden
    assert len(names) <= 7
