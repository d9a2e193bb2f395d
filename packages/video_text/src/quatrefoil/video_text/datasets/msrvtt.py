"""MSR-VTT: 10,000 clips with 20 captions each (Xu et al., CVPR 2016), and whatever else is written in its files."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, ClassVar

from quatrefoil.core.wording import counted, first_few
from quatrefoil.video_text.datasets.corpus import AbsentError, Corpus, CorpusError, Entry, Listing, SplitName
from quatrefoil.video_text.datasets.readers import read_json, read_table

_JSON_FILES = (("MSRVTT_data.json",), ("train_val_videodatainfo.json", "test_videodatainfo.json"))
_TRAIN_LISTS = {"msrvtt-1kA": "MSRVTT_train.9k.csv", "msrvtt-7k": "MSRVTT_train.7k.csv"}
_TEST_LIST = "MSRVTT_JSFUSION_test.csv"
_NO_VAL = "-noval"
_OFFICIAL: dict[SplitName, str] = {"train": "train", "val": "validate", "test": "test"}


class MsrVtt(Corpus):
    """MSR-VTT under three protocols.

    - `msrvtt-1kA`: trained on the 9k list with all captions, tested on JSFUSION's 1,000 clips with one caption each.
    - `msrvtt-7k`: trained on the 7k list, tested on the same 1,000 clips.
    - `msrvtt-full`: the splits of the release, 6,513 / 497 / 2,990 clips with all captions.

    The 1kA and 7k lists have no validation set, and published results were often selected on the test split. Here the
    clips that the release marks `validate` (497, all of them in both lists) are taken out of the train list to
    validate on, which leaves 8,503 and 6,513. `msrvtt-1kA-noval` and `msrvtt-7k-noval` train on the whole list and
    have no `val`.

    Files: `MSRVTT_data.json`, or the two `*_videodatainfo.json` of the release, with `videos` (video_id, split) and
    `sentences` (video_id, caption); the csv lists of the protocols that are used. Media files are whole clips: the
    times in the json refer to the source videos on the web and are not used.
    """

    name = "msrvtt"
    protocols: ClassVar[tuple[str, ...]] = (
        "msrvtt-1kA",
        "msrvtt-7k",
        "msrvtt-full",
        "msrvtt-1kA-noval",
        "msrvtt-7k-noval",
    )
    video_folders: ClassVar[tuple[str, ...]] = ("videos", "videos/all", "TrainValVideo", "TestVideo", ".")

    def _listing(self, protocol: str) -> Listing:
        if protocol == "msrvtt-full":
            return {name: self._entries(self._official(label)) for name, label in _OFFICIAL.items()}
        list_file = self.annotation(_TRAIN_LISTS[protocol.removesuffix(_NO_VAL)])
        train = [row["video_id"] for row in read_table(list_file, ["video_id"])]
        rows = read_table(self.annotation(_TEST_LIST), ["video_id", "sentence"])
        test = tuple(Entry(row["video_id"], (row["sentence"],)) for row in rows)
        if protocol.endswith(_NO_VAL):
            return {"train": self._entries(train), "test": test}
        held_out = set(self._official("validate"))
        kept, val = [id for id in train if id not in held_out], [id for id in train if id in held_out]
        return {"train": self._entries(kept), "val": self._entries(val), "test": test}

    def _official(self, label: str) -> list[str]:
        return [id for id, split in self._videos if split == label]

    def _entries(self, ids: Iterable[str]) -> tuple[Entry, ...]:
        return tuple(Entry(id, tuple(self._captions.get(id, ()))) for id in ids)

    @cached_property
    def _videos(self) -> list[tuple[str, str]]:
        return list(self._pairs("videos", "video_id", "split"))

    @cached_property
    def _captions(self) -> dict[str, list[str]]:
        captions: dict[str, list[str]] = {id: [] for id, _ in self._videos}
        stray = set()
        for id, caption in self._pairs("sentences", "video_id", "caption"):
            captions[id].append(caption) if id in captions else stray.add(id)
        if stray:
            what = counted(len(stray), "id that is no video", "ids that are no videos")
            raise CorpusError(f"{self.root}: sentences of {what} ({first_few(sorted(stray))})")
        return captions

    def _pairs(self, table: str, key: str, value: str) -> Iterator[tuple[str, str]]:
        for file, content in self._json.items():
            rows = content.get(table) if isinstance(content, dict) else None
            if not isinstance(rows, list):
                raise CorpusError(f"{file}: needs a list {table!r} at the top, as MSR-VTT's release has")
            for number, row in enumerate(rows):
                id, text = (row.get(key), row.get(value)) if isinstance(row, dict) else (None, None)
                if not isinstance(id, str) or not isinstance(text, str):
                    raise CorpusError(f"{file}: {table}[{number}] needs the texts {key!r} and {value!r}, has {row}")
                yield id, text

    @cached_property
    def _json(self) -> dict[str, Any]:
        for names in _JSON_FILES:
            paths = [path for path in map(self.find_annotation, names) if path]
            if len(paths) == len(names):
                return {str(path): read_json(path) for path in paths}
        choices = " or ".join(" + ".join(names) for names in _JSON_FILES)
        raise AbsentError(f"{self.name}: needs {choices} in {self.root} or its folder annotation/")
