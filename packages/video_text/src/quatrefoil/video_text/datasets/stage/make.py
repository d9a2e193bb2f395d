"""Making the benchmark: what Stage puts into the folder that `core.embedded` keeps."""

from functools import partial
from pathlib import Path

from quatrefoil.core.embedded import Apart, Crew, Embedded, Fingerprint, Job
from quatrefoil.core.text_files import write_json
from quatrefoil.video_text.datasets.stage.annotation import write_annotation
from quatrefoil.video_text.datasets.stage.bounds import compute_bounds
from quatrefoil.video_text.datasets.stage.clips import SIZES, Clip, cast, produce
from quatrefoil.video_text.datasets.stage.question_files import Questions, write_questions
from quatrefoil.video_text.datasets.stage.tags import VOCABULARY
from quatrefoil.video_text.datasets.stage.world import STAGE_VERSION

TOKENIZER = "tokenizer.json"
VOCABULARY_SIZE = 1_024


def fill(job: Job) -> Apart:
    """Write all files. The content hash covers the truth of every clip; set apart are the films, as another build of
    the video encoder may write other bytes for the same clips, and the tokeniser, which follows from the captions."""
    clips = film_all(job)
    questions = Questions(clips, job.seed)
    write_annotation(job.folder, clips)
    write_questions(job.folder, questions)
    write_json(job.folder / "bounds.json", compute_bounds(clips, questions), indent=1)
    train_tokenizer(job.folder / TOKENIZER, clips)
    films = {f"videos/{c.casting.video_id}.mp4": Fingerprint(c.size, c.sha256) for c in clips}
    return {TOKENIZER: None, **films}


def film_all(job: Job) -> list[Clip]:
    """Every clip, in order."""
    (job.folder / "videos").mkdir()
    one = partial(produce, seed=job.seed, folder=job.folder / "videos")
    with Crew(job.workers) as crew:
        return crew.in_order(one, cast(SIZES[job.size], job.seed), f"stage {job.size}", "clip")


def train_tokenizer(path: Path, clips: list[Clip]) -> None:
    """A tokeniser from what training may see: train captions and the words of the experts."""
    # Imported here so that the workers, which never tokenise, need not load it.
    from quatrefoil.video_text.text.tokenizer import TextTokenizer

    captions = [caption.text for clip in clips if clip.casting.split == "train" for caption in clip.captions]
    TextTokenizer.train([*captions, *(word for words in VOCABULARY.values() for word in words)], VOCABULARY_SIZE, path)


STAGE_BENCHMARK = Embedded("stage", STAGE_VERSION, SIZES, fill)
make, find = STAGE_BENCHMARK.make, STAGE_BENCHMARK.find
