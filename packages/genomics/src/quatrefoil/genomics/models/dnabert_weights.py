"""DNABERT's weights (Ji et al. 2021), in Hugging Face's layout of `BertForMaskedLM`, read into ours."""

from pathlib import Path

from quatrefoil.core.nn.bert import Bert
from quatrefoil.core.nn.bert_weights import load_bert, read_bert
from quatrefoil.core.nn.heads import TokenHead
from quatrefoil.core.weights import State, require_same
from quatrefoil.genomics.sequence.kmers import KmerVocabulary

_VOCABULARY = "vocab.txt"


def initialise_from_dnabert(bert: Bert, source: str | Path, head: TokenHead | None = None) -> None:
    """Start an encoder, and a masked k-mer head, from a folder, a file of weights (config.json beside it) or a hub id.

    The pooler keeps its start: DNABERT was trained without a task that reads it.

    Args:
        head: None = theirs, if it has one, is left behind.

    Raises:
        ValueError: weights of other sizes or habits (what differs is named), a `vocab.txt` beside them that numbers
            k-mers in another way, or weights without a head where one is asked for.
    """
    checkpoint = read_bert(source)
    require_same(f"{source}: DNABERT", bert.config, checkpoint.config, free=("pooler",))
    check_vocabulary(source, bert.config.vocab_size)
    if head is not None and not any(key.startswith("cls.predictions.") for key in checkpoint.state):
        raise ValueError(f"{source}: no head for masked k-mers (cls.predictions.*); save a BertForMaskedLM")
    load_bert(bert, {**checkpoint.state, **_own_pooler(bert)}, head)


def check_vocabulary(source: str | Path, size: int) -> None:
    """Raise `ValueError` where a folder has a `vocab.txt` of other tokens than ours, in their order."""
    folder = Path(source).parent if Path(source).is_file() else Path(source)
    path = folder / _VOCABULARY
    if not path.is_file():
        return
    ours = next(vocabulary.tokens for vocabulary in map(KmerVocabulary, range(1, 8)) if vocabulary.size == size)
    for number, (own, their) in enumerate(zip(ours, path.read_text(encoding="utf-8").split(), strict=False), start=1):
        if own != their:
            raise ValueError(f"{path}:{number}: token `{their}`, where ours has `{own}`; these ids mean other k-mers")


def _own_pooler(bert: Bert) -> State:
    if bert.pooler is None:
        return {}
    return {f"pooler.dense.{name}": value.detach() for name, value in bert.pooler.named_parameters()}
