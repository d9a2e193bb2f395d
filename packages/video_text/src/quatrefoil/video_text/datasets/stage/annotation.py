"""The annotation files of MSR-VTT, tag files as experts write them, and the truth of every clip."""

from itertools import groupby
from pathlib import Path
from typing import Any

from quatrefoil.core.text_files import write_json, write_jsonl, write_table
from quatrefoil.video_text.datasets.stage.atoms import all_atoms
from quatrefoil.video_text.datasets.stage.captions import CAPTIONS_PER_CLIP, Caption
from quatrefoil.video_text.datasets.stage.clips import Clip
from quatrefoil.video_text.datasets.stage.motion import SECONDS
from quatrefoil.video_text.datasets.stage.tags import MODEL, VOCABULARY
from quatrefoil.video_text.datasets.stage.world import STAGE_VERSION, Facts
from quatrefoil.video_text.tags.store import TAG_FOLDER, write_tags

INFO = {
    "contributor": "Quatrefoil",
    "data_created": "",
    "version": str(STAGE_VERSION),
    "description": "Stage, the embedded benchmark, in the files of MSR-VTT.",
    "year": "",
}


def write_annotation(root: Path, clips: list[Clip]) -> None:
    """Write `annotation/`, `tags/` and `facts.jsonl` below `root`."""
    known = [clip for clip in clips if clip.casting.split != "test"]
    test = [clip for clip in clips if clip.casting.split == "test"]
    folder = root / "annotation"
    write_json(folder / "train_val_videodatainfo.json", videodatainfo(known))
    write_json(folder / "test_videodatainfo.json", videodatainfo(test))
    for name in ("MSRVTT_train.9k.csv", "MSRVTT_train.7k.csv"):
        # As in the real lists, validation clips are among them and are told apart by `split` in the json.
        write_table(folder / name, [["video_id"], *([clip.casting.video_id] for clip in known)])
    write_table(folder / "MSRVTT_JSFUSION_test.csv", one_caption_rows(test))
    write_jsonl(root / "facts.jsonl", (clip.truth() for clip in clips))
    for expert in VOCABULARY:
        write_tags(root / TAG_FOLDER, expert, MODEL, {clip.casting.video_id: clip.tags[expert] for clip in clips})


def videodatainfo(clips: list[Clip]) -> dict[str, Any]:
    """Clips and captions as MSR-VTT lists them; `sen_id` goes on over the two files."""
    return {
        "info": INFO,
        "videos": [video_entry(clip) for clip in clips],
        "sentences": [
            {"caption": caption.text, "video_id": clip.casting.video_id, "sen_id": sentence_id(clip, position)}
            for clip in clips
            for position, caption in enumerate(clip.captions)
        ],
    }


def video_entry(clip: Clip) -> dict[str, Any]:
    """One clip. `category` is 0 for all: it may not tell what the clip shows."""
    casting = clip.casting
    return {
        "category": 0,
        "url": f"stage://v{STAGE_VERSION}/{casting.split}/{casting.index}",
        "video_id": casting.video_id,
        "start time": 0.0,
        "end time": float(SECONDS),
        "split": casting.split,
        "id": casting.number,
    }


def sentence_id(clip: Clip, position: int) -> int:
    """The number of a caption among all captions."""
    return clip.casting.number * CAPTIONS_PER_CLIP + position


def one_caption_rows(test: list[Clip]) -> list[list[str]]:
    """The JSFUSION list: one caption for each test clip."""
    rows = [["key", "vid_key", "video_id", "sentence"]]
    for row, (clip, caption) in enumerate(zip(test, test_captions(test), strict=True)):
        rows.append([f"ret{row}", f"msr{clip.casting.number}", clip.casting.video_id, caption.text])
    return rows


def test_captions(test: list[Clip]) -> list[Caption]:
    """The test caption of each clip, in order.

    The rule: of the captions that are true of no other member of its family, the one that states the most atoms; the
    first of them at ties. There is always one, as the first caption of a test clip is made to state the twin fact.
    """
    chosen = []
    for _, members in groupby(test, key=lambda clip: clip.casting.family):
        family = list(members)
        chosen += [separating_caption(clip, [c.casting.facts for c in family if c is not clip]) for clip in family]
    return chosen


def separating_caption(clip: Clip, siblings: list[Facts]) -> Caption:
    """The most detailed caption of a clip that is true of none of its siblings."""
    truths = [all_atoms(facts) for facts in siblings]
    apart = [caption for caption in clip.captions if not any(map(caption.states.holds, truths))]
    assert apart, f"no caption of {clip.casting.video_id} tells it from its twins"
    return max(apart, key=lambda caption: len(list(caption.states.atoms())))
