"""DiDeMo: unedited Flickr videos whose moments are described (Hendricks et al., ICCV 2017), as paragraph retrieval."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from quatrefoil.video_text.datasets.clover_pickles import clover_captions
from quatrefoil.video_text.datasets.corpus import EXTENSIONS, Caption, SplitName
from quatrefoil.video_text.datasets.readers import read_json_rows
from quatrefoil.video_text.datasets.split_files import CaptionFiles, Files, text_of, variants


class DiDeMo(CaptionFiles):
    """DiDeMo, where the descriptions of all moments of a video make one query.

    - `didemo-paragraph`: the files of the release. A paragraph is the descriptions of the video, joined by a space in
      the order of the file (our choice for the order; the times of the moments are not used). A video is known by its
      name up to the last dot: the release lists some videos twice, as `.mov` and as `.mp4`, and these are one.
    - `didemo-clover`: the pickles of the official Clover code, whose texts are taken as they are.

    Each also as `-zeroshot`: the test split alone. Files: `train_data.json`, `val_data.json`, `test_data.json`, each a
    list of {video, description}; videos as `<name>.mp4`, or with the extension of the release.
    """

    name = "didemo"
    extensions = (*EXTENSIONS, ".mpg", ".m4v", ".3gp", ".wmv", ".mts", ".3g2", ".m2ts")
    annotation_folders = ("annotation", "annotations", ".", "txt_db/didemo_retrieval", "didemo_retrieval")
    files: ClassVar[Mapping[str, Files]] = {
        "didemo-paragraph": {"train": ("train_data.json",), "val": ("val_data.json",), "test": ("test_data.json",)},
        "didemo-clover": {"train": ("train_new.pkl",), "test": ("test_new.pkl",)},
    }
    protocols = variants(files)

    def _read(self, task: str, split: SplitName, path: Path) -> Iterator[Caption]:
        return clover_captions(path, self.extensions) if path.suffix == ".pkl" else _paragraphs(path)


def _paragraphs(path: Path) -> Iterator[Caption]:
    parts: dict[str, list[str]] = {}
    for number, row in enumerate(read_json_rows(path)):
        where = f"{path}: item {number}"
        video, text = (text_of(row.get(key), key, where) for key in ("video", "description"))
        parts.setdefault(video.rpartition(".")[0] or video, []).append(text.strip())
    for id, texts in parts.items():
        yield Caption(id, " ".join(texts))
