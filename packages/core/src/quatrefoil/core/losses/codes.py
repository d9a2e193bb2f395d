"""The codes of all ranks, as the losses that compare them see them.

Legend: B rows of this rank, N rows of all ranks, S sides, D width.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from quatrefoil.core.distributed import gather_rows
from quatrefoil.core.losses.common import check_shape, widen


@dataclass(frozen=True)
class GlobalCodes:
    """The codes of all ranks, seen from the rows of this one.

    Attributes:
        codes_SND: codes of all sides.
        own_B: global row of each local row.
        groups_B, groups_N: group of each local and of each global row.
    """

    codes_SND: Tensor
    own_B: Tensor
    groups_B: Tensor
    groups_N: Tensor

    @property
    def same_group_BN(self) -> Tensor:
        """Pairs of one group, true pairs included; made anew each time."""
        return self.groups_B[:, None] == self.groups_N


def gather_codes(
    sides: Mapping[str, Tensor], groups_B: Tensor | None, process_group: dist.ProcessGroup | None
) -> GlobalCodes:
    """Gather all named sides (B, D) in one exchange, in fp32 at least, so that gradients too are summed in it."""
    first_BD, *_ = sides.values()
    for name, codes_BD in sides.items():
        check_shape(f"codes of {name}", codes_BD, (None, None) if codes_BD is first_BD else tuple(first_BD.shape))
    everyone = gather_rows(torch.stack([widen(codes_BD) for codes_BD in sides.values()], dim=1), process_group)
    own_B = torch.arange(len(first_BD), device=first_BD.device) + everyone.start
    if groups_B is None:
        groups_B, groups_N = own_B, torch.arange(len(everyone.rows), device=first_BD.device)
    else:
        check_shape("groups_B", groups_B, (len(first_BD),))
        groups_N = gather_rows(groups_B, process_group).rows
    return GlobalCodes(everyone.rows.transpose(0, 1), own_B, groups_B, groups_N)
