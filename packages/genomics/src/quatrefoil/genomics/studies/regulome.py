"""What studies on Regulome share."""

from quatrefoil.core.ablation.study import Measure
from quatrefoil.genomics.datasets.regulome.world import REGULOME_VERSION

REGULOME = f"v{REGULOME_VERSION}"
"""The version of the data."""
MATCHING = Measure("srm/ROC-AUC"), Measure("srm-without-own/ROC-AUC")
"""On held-out chromosomes: where a sequence's own region is there, and where it is taken out."""
