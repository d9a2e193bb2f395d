"""The files of configs/accelerate are read by accelerate's own loader, and ask for what their names say."""

import re
from pathlib import Path

import pytest
from accelerate.commands.config.config_args import load_config_from_file

FOLDER = Path(__file__).resolve().parents[3] / "configs" / "accelerate"
FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))


def test_there_is_one_for_every_place() -> None:
    zero = [f"zero{stage}{place}.yaml" for stage in (1, 2, 3) for place in ("", "_cpu", "_offload")]
    assert {"cpu.yaml", "ddp_cpu.yaml", "one_gpu.yaml", "one_node.yaml", "several_nodes.yaml", *zero} <= set(FILES)
    assert {"fsdp2.yaml", "fsdp2_cpu.yaml"} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_file_asks_for_the_engine_that_its_name_says(name: str) -> None:
    config = load_config_from_file(str(FOLDER / name))
    assert config.mixed_precision == "no"  # train.precision says what is cast
    stage = re.match(r"zero(\d)", name)
    sharded, several = name.startswith("fsdp2"), "MULTI_GPU" if config.num_processes > 1 else "NO"
    assert config.distributed_type == ("DEEPSPEED" if stage else "FSDP" if sharded else several)
    if sharded:
        assert config.fsdp_config == {"fsdp_version": 2, "fsdp_offload_params": False}
    if stage:
        assert config.deepspeed_config["zero_stage"] == int(stage[1])
        assert (config.deepspeed_config["offload_optimizer_device"] == "cpu") == ("offload" in name)
    assert config.use_cpu == (name == "cpu.yaml")  # elsewhere it would leave the engine out
    assert config.num_processes % config.num_machines == 0


def test_the_slurm_script_starts_several_nodes() -> None:
    script = (FOLDER / "slurm.sh").read_text()
    assert "configs/accelerate/several_nodes.yaml" in script
    assert "resume=auto" in script
    assert 'run.processes="$PROCESSES"' in script
