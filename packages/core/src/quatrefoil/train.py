"""`accelerate launch -m quatrefoil.train RECIPE key=value ...`: the same as `quatrefoil train`, under any launcher."""

import sys

from quatrefoil.core.cli import main


def _part() -> None:
    """Leave the other ranks in order: threads of a group that outlive the interpreter may abort a finished process."""
    import torch.distributed as dist  # after training it is there anyway, and before it nothing waits for it

    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


if __name__ == "__main__":
    status = main(["train", *sys.argv[1:]])
    if status == 0:  # where one rank fails, the others may be in a collective: the launcher ends them
        _part()
    sys.exit(status)
