"""What each kind of golden file compares. A kind is one function from a file to its checks."""

import hashlib
from collections.abc import Callable, Mapping
from itertools import chain

import torch
from torch import Tensor

from quatrefoil.core.evaluation.retrieval import RetrievalMetrics, rank_blocks, retrieval_metrics
from quatrefoil.genomics.sequence.kmers import CLS, SEP, KmerVocabulary
from tests.golden.checks import Check, exact, integers, scalar
from tests.golden.clover_losses import clover_losses_kind
from tests.golden.clover_pretrain import clover_pretrain_kind
from tests.golden.clover_qa import clover_qa_kind
from tests.golden.files import Golden, UnreadableGolden
from tests.golden.spectrogram import spectrogram_kind
from tests.golden.video_swin import video_swin_kind


def retrieval_kind(golden: Golden) -> list[Check]:
    """CLIP4Clip's metrics of a square matrix and of one with several captions an item; either may be absent."""
    parts = {"similarity": _one_caption, "caption_similarity": _several_captions}
    present = [check for name, check in parts.items() if name in golden.config]
    if not present:
        raise UnreadableGolden(f"{golden.path}: needs one of the fields {sorted(parts)}")
    return [check for part in present for check in part(golden)]


def _one_caption(golden: Golden) -> list[Check]:
    similarity_QG = torch.tensor(golden.field("similarity"))
    own = torch.arange(len(similarity_QG))
    forward, backward = rank_blocks([similarity_QG], own, own), rank_blocks([similarity_QG.T], own, own)
    return [
        *_metrics(golden, "text_to_video", retrieval_metrics(forward, len(own))),
        *_metrics(golden, "video_to_text", retrieval_metrics(backward, len(own))),
    ]


def _several_captions(golden: Golden) -> list[Check]:
    items = golden.field("caption_similarity")
    similarity_QG, gallery = torch.tensor(list(chain.from_iterable(items))), torch.arange(len(items))
    groups_Q = torch.repeat_interleave(gallery, torch.tensor([len(captions) for captions in items]))
    forward = rank_blocks([similarity_QG], groups_Q, gallery)
    backward = rank_blocks([similarity_QG.T], gallery, groups_Q, rivals="groups")
    return [
        exact("caption_counts", [len(captions) for captions in items], golden.field("caption_counts")),
        *_metrics(golden, "multi_text_to_video", retrieval_metrics(forward, len(items)), _lower_median(forward)),
        *_metrics(golden, "multi_video_to_text", retrieval_metrics(backward, len(items))),
    ]


def _lower_median(ranks_Q: Tensor) -> float:
    """The origin's `tensor_text_to_video_metrics` takes torch.median: the lower of the middle two."""
    return float(ranks_Q.median())


def _metrics(golden: Golden, section: str, got: RetrievalMetrics, median: float | None = None) -> list[Check]:
    values = {
        "R1": got.r1,
        "R5": got.r5,
        "R10": got.r10,
        "MR": got.median_rank if median is None else median,
        "MeanR": got.mean_rank,
    }
    return [scalar(f"{section}/{name}", value, golden.field(section, name)) for name, value in values.items()]


def kmer_kind(golden: Golden) -> list[Check]:
    """Vocabularies, and ids of sequences between [CLS] and [SEP]."""
    return [check for k in golden.field("k") for check in _vocabulary(golden, k)]


def _vocabulary(golden: Golden, k: str) -> list[Check]:
    def field(name: str) -> list[str]:
        found: list[str] = golden.field("k", k, name)
        return found

    vocabulary, first = KmerVocabulary(int(k)), field("first_tokens")
    digest = hashlib.sha256("\n".join(vocabulary.tokens).encode()).hexdigest()
    return [
        exact(f"k={k} vocabulary_size", vocabulary.size, field("vocabulary_size")),
        exact(f"k={k} first_tokens", list(vocabulary.tokens[: len(first)]), first),
        exact(f"k={k} vocabulary_sha256", digest, field("vocabulary_sha256")),
        exact(f"k={k} number of sequences", len(field("sequences")), len(field("ids"))),
        *(
            integers(f"k={k} ids of sequence {i}", [CLS, *vocabulary.encode(sequence).tolist(), SEP], ids)
            for i, (sequence, ids) in enumerate(zip(field("sequences"), golden.field("k", k, "ids"), strict=False))
        ),
    ]


KINDS: Mapping[str, Callable[[Golden], list[Check]]] = {
    "retrieval_metrics": retrieval_kind,
    "kmer_ids": kmer_kind,
    "clover_losses": clover_losses_kind,
    "clover_pretrain": clover_pretrain_kind,
    "clover_qa_oe": clover_qa_kind,
    "clover_qa_mc": clover_qa_kind,
    "video_swin": video_swin_kind,
    "log_frequency_spectrogram": spectrogram_kind,
}
