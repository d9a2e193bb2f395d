"""Scores of a model on a split, as configurations that a recipe holds.

Legend: Q queries, G gallery items, D width.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from quatrefoil.core.evaluation.encode import EncodingRun, encode_items
from quatrefoil.core.evaluation.retrieval import rank_queries, retrieval_metrics
from quatrefoil.core.evaluation.statistics import bootstrap_interval
from quatrefoil.core.hub import Model
from quatrefoil.core.recipes import DataModule
