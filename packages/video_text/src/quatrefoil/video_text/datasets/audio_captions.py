"""Corpora of sounds with captions: AudioCaps (Kim et al., NAACL 2019) and SoundDescs (Koepke et al., 2022)."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from quatrefoil.video_text.datasets.caption_files import Captions, listed_captions, read_captions
from quatrefoil.video_text.datasets.corpus import SOUND_EXTENSIONS, AbsentError, Caption, SplitName
from quatrefoil.video_text.datasets.readers import read_table
from quatrefoil.video_text.datasets.split_files import CaptionFiles, Files, variants
from quatrefoil.video_text.media.stored import Media

_COLUMNS = ("youtube_id", "start_time", "caption")


class SoundCaptions(CaptionFiles):
    """Files that hold sound; a picture in them is not asked for. Captions may lie in one file for all splits."""

    holds = "audio"
    extensions = SOUND_EXTENSIONS
    video_folders = ("audio", "audios", "audios/*", "videos", ".")
    caption_names: ClassVar[tuple[str, ...]] = ("raw-captions.pkl",)

    def _read(self, task: str, split: SplitName, path: Path) -> Iterator[Caption]:
        return listed_captions(path, self._captions)

    @cached_property
    def _captions(self) -> Captions:
        path = next((path for path in map(self.find_annotation, self.caption_names) if path), None)
        if path is None:
            raise AbsentError(f"{self.name}: needs {' or '.join(self.caption_names)} in {self.root} or in annotation/")
        return read_captions(path)


class AudioCaps(SoundCaptions):
    """AudioCaps: ten seconds of a video each; one caption in training, five each in validation and test.

    - `audiocaps`: `train.csv`, `val.csv` and `test.csv` of the release (youtube_id, start_time, caption). A clip is
      known as `<youtube_id>_<start_time>`; its file is called so, or `<youtube_id>`, or `Y<youtube_id>`, as AudioSet
      has one stretch of each video.
    - `audiocaps-benchmark`: the clips that were still to be had for the audio retrieval benchmark of Koepke et al.,
      which papers on retrieval report: its lists of ids and its `raw-captions.pkl`; files are called as the ids are.

    Each also as `-zeroshot`: the test split alone. From text to sound each caption is a query of its own; from sound to
    text counts the best of a clip's captions.
    """

    name = "audiocaps"
    files: ClassVar[Mapping[str, Files]] = {
        "audiocaps": {"train": ("train.csv",), "val": ("val.csv",), "test": ("test.csv",)},
        "audiocaps-benchmark": {
            "train": ("train_list.txt",),
            "val": ("filtered_val_list.txt",),
            "test": ("final_filtered_test_list.txt",),
        },
    }
    protocols = variants(files)
    published: ClassVar[Mapping[str, Mapping[SplitName, int]]] = {
        "audiocaps": {"train": 49_838, "val": 495, "test": 975},
        "audiocaps-benchmark": {"train": 49_291, "val": 428, "test": 816},
    }

    def _read(self, task: str, split: SplitName, path: Path) -> Iterator[Caption]:
        if path.suffix == ".txt":
            yield from super()._read(task, split, path)
            return
        for row in read_table(path, _COLUMNS):
            yield Caption(f"{row['youtube_id']}_{row['start_time']}", row["caption"])

    @cached_property
    def videos(self) -> Mapping[str, Media]:
        """Clip id -> media file: by the file's name, and as video and start."""
        files = super().videos
        return {**{id: files[name] for id, name in self._names() if name in files}, **files}

    def _names(self) -> Iterator[tuple[str, str]]:
        """Clips, each with the names of its video that do not tell the start, the likelier one last."""
        for split in ("train", "val", "test"):
            path = self.find_annotation(f"{split}.csv")
            for row in read_table(path, _COLUMNS) if path else ():
                for name in (f"Y{row['youtube_id']}", row["youtube_id"]):
                    yield f"{row['youtube_id']}_{row['start_time']}", name


class SoundDescs(SoundCaptions):
    """SoundDescs under `sounddescs` (and `-zeroshot`): 32,979 sounds of the BBC's archive, 70 / 15 / 15 %.

    Files of the audio retrieval benchmark of Koepke et al.: `train_list.txt`, `val_list.txt`, `test_list.txt` (one id a
    line), and captions by id as `descriptions.pkl` or `raw-captions.pkl`; sounds as its script unpacks them,
    `audios/<id>/<id>.wav`, or all in one folder.
    """

    name = "sounddescs"
    caption_names = ("descriptions.pkl", "raw-captions.pkl")
    files: ClassVar[Mapping[str, Files]] = {
        "sounddescs": {"train": ("train_list.txt",), "val": ("val_list.txt",), "test": ("test_list.txt",)}
    }
    protocols = variants(files)
    # Counted in the lists; what is left of the paper's 32,979 for training is nowhere said.
    published: ClassVar[Mapping[str, Mapping[SplitName, int]]] = {"sounddescs": {"val": 4_947, "test": 4_947}}
