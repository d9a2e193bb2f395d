"""Corpora with sound: AudioCaps, SoundDescs, YouCook2, triples by manifest, spoken digits."""

import csv
import json
import pickle
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from quatrefoil.video_text.datasets.audio_captions import AudioCaps, SoundDescs
from quatrefoil.video_text.datasets.check import check
from quatrefoil.video_text.datasets.corpus import Corpus, CorpusError, Listing
from quatrefoil.video_text.datasets.fsdd import DIGITS, PARTNERS, Fsdd
from quatrefoil.video_text.datasets.msrvtt import MsrVtt
from quatrefoil.video_text.datasets.split_files import is_held_out
from quatrefoil.video_text.datasets.triples import Triples
from quatrefoil.video_text.datasets.youcook2 import YouCook2
from tests.video_text.datasets.small import write_video
from tests.video_text.media.clips import write_clip, write_tone


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUATREFOIL_CACHE", str(tmp_path_factory.mktemp("cache")))


def _tone(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_tone(path, 0.2)


def _counts(listing: Listing) -> dict[str, tuple[int, int]]:
    return {name: (len(entries), sum(len(e.captions) for e in entries)) for name, entries in listing.items()}


def test_real_audiocaps_has_its_published_clips_with_five_captions_each_in_validation(shared: Path) -> None:
    listing = AudioCaps(shared / "data/video_text/audiocaps").listing("audiocaps")
    assert _counts(listing) == {"train": (49_838, 49_838), "val": (495, 2_475)}
    assert all(len(entry.captions) == 5 for entry in listing["val"])
    published = AudioCaps.published["audiocaps"]
    assert {name: len(entries) for name, entries in listing.items()} == {n: published[n] for n in listing}


@pytest.mark.parametrize("file", ["aB-_c_130.wav", "aB-_c.mp4", "YaB-_c.m4a"])
def test_a_sound_of_audiocaps_may_be_named_by_video_or_by_video_and_start(tmp_path: Path, file: str) -> None:
    rows = ["audiocap_id,youtube_id,start_time,caption", '1,aB-_c,130,"Rain, then thunder"', "2,aB-_c,130,It rains"]
    (tmp_path / "test.csv").write_text("\n".join(rows) + "\n")
    path = _tone(tmp_path / "audio" / file)
    split = AudioCaps(tmp_path).split("audiocaps-zeroshot", "test")
    assert [(clip.id, clip.sound) for clip in split.clips] == [("aB-_c_130", path)]
    assert [caption.text for caption in split.captions] == ["Rain, then thunder", "It rains"]
    report = check(AudioCaps, tmp_path)
    assert (report.problems, report.silent) == ([], [])
    assert "(published: 975 clips)" in report.text()


@pytest.mark.parametrize("form", ["descriptions", "raw-captions"])
def test_sounddescs_is_read_as_its_benchmark_has_it(tmp_path: Path, form: str) -> None:
    captions = {"07001030": "A clock ticks", "nhu05014209": "Gulls, far away"}
    held = captions if form == "descriptions" else {id: [text.split()] for id, text in captions.items()}
    (tmp_path / f"{form}.pkl").write_bytes(pickle.dumps(held))
    for split, id in zip(("train", "test"), captions, strict=True):
        (tmp_path / f"{split}_list.txt").write_text(f"{id}\n")
        _tone(tmp_path / f"audios/{id}/{id}.wav")
    for split, (id, text) in zip(("train", "test"), captions.items(), strict=True):
        found = SoundDescs(tmp_path).split("sounddescs", split)  # type: ignore[arg-type]
        assert [(caption.clip_id, caption.text) for caption in found.captions] == [(id, text)]
    assert check(SoundDescs, tmp_path).problems == []
    (tmp_path / "val_list.txt").write_text("07001031\n")
    with pytest.raises(CorpusError, match="07001031 is listed and has no captions"):
        SoundDescs(tmp_path).listing("sounddescs")
    (tmp_path / "val_list.txt").write_text("07001030\n07001030\n")
    with pytest.raises(CorpusError, match="07001030 is listed more than once"):
        SoundDescs(tmp_path).listing("sounddescs")


def test_a_corpus_of_sound_wants_sound_and_no_picture(tmp_path: Path) -> None:
    (tmp_path / "descriptions.pkl").write_bytes(pickle.dumps({"a": "a tone", "b": "nothing"}))
    (tmp_path / "test_list.txt").write_text("a\nb\n")
    _tone(tmp_path / "audio/a.wav")
    write_video(tmp_path / "audio/b.mp4", 10)
    report = check(SoundDescs, tmp_path, deep=True)
    assert report.undecodable == {"b": "it holds no sound"}
    assert report.problems == ["b cannot be read: it holds no sound"]


def test_real_youcook2_has_its_rows_of_which_two_are_one_stretch(shared: Path) -> None:
    listing = YouCook2(shared / "data/video_text/youcook2").listing("youcook2-clips-zeroshot")
    assert _counts(listing) == {"test": (3_349, 3_350)}


def _youcook2(root: Path, training: Sequence[str]) -> Path:
    def video(subset: str) -> dict[str, object]:
        steps = [{"id": n, "segment": [n, n + 2.5], "sentence": f"step {n}"} for n in range(2)]
        return {"subset": subset, "recipe_type": "101", "annotations": steps}

    database = {**{id: video("training") for id in training}, "test0": video("validation"), "x": video("testing")}
    (root / "youcookii_annotations_trainval.json").write_text(json.dumps({"database": database}))
    return root


def test_steps_of_youcook2_are_stretches_of_whole_videos(tmp_path: Path) -> None:
    path = write_clip(_youcook2(tmp_path, ["v"]) / "test0.mp4")
    split = YouCook2(tmp_path, "drop").split("youcook2-clips-zeroshot", "test")
    assert [(clip.video, clip.start_s, clip.end_s) for clip in split.clips] == [(path, 0, 2.5), (path, 1, 3.5)]
    assert [(c.clip_id, c.text) for c in split.captions] == [("test0_0_2.5", "step 0"), ("test0_1_3.5", "step 1")]
    assert check(YouCook2, tmp_path).silent == []


@given(ids=st.sets(st.text(st.sampled_from("abc012-_"), min_size=1, max_size=4), min_size=1, max_size=60))
def test_steps_of_one_recipe_stay_on_one_side(tmp_path_factory: pytest.TempPathFactory, ids: set[str]) -> None:
    names = [f"v{id}" for id in sorted(ids)]
    listing = YouCook2(_youcook2(tmp_path_factory.mktemp("root"), names)).listing("youcook2-clips")
    held = {entry.id for entry in listing["val"]}
    assert held == {f"{name}_{times}" for name in names if is_held_out(name) for times in ("0_2.5", "1_3.5")}
    assert len(held) + len(listing["train"]) == 2 * len(names)


@pytest.mark.parametrize("segment", [[3, 3], [5, 2], ["a", 1], None, [1], [-1, 2]])
def test_a_segment_that_is_none_is_refused(tmp_path: Path, segment: object) -> None:
    steps = [{"segment": segment, "sentence": "stir"}]
    database = {"v": {"subset": "validation", "annotations": steps}}
    (tmp_path / "youcookii_annotations_trainval.json").write_text(json.dumps({"database": database}))
    with pytest.raises(CorpusError, match="v: a segment is a start and a later end"):
        YouCook2(tmp_path).listing("youcook2-clips-zeroshot")


TRIPLES = [
    {"id": "a", "start": "1.5", "end": "3", "video": "v/one.mp4", "audio": "s/one.wav", "text": 'put "it" in, stir'},
    {"id": "b", "start": "", "end": "", "video": "v/two.mp4", "audio": "", "text": "second"},
    {"id": "a", "start": "1.5", "end": "3", "video": "v/one.mp4", "audio": "s/one.wav", "text": "again"},
    {"id": "c", "start": "0", "end": "1", "video": "v/three.mp4", "audio": "s/gone.wav", "text": "third"},
]


def _write_triples(root: Path, form: str) -> Path:
    path = root / f"train.{form}"
    if form == "parquet":
        number = {"start": pa.float64(), "end": pa.float64()}
        columns = {
            name: pa.array([float(row[name]) if row[name] else None for row in TRIPLES], kind)
            if (kind := number.get(name))
            else pa.array([row[name] or None for row in TRIPLES])
            for name in TRIPLES[0]
        }
        parquet.write_table(pa.table(columns), path)
        return path
    with path.open("w", newline="") as file:
        tabs = {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "quotechar": None} if form == "tsv" else {}
        writer = csv.DictWriter(file, list(TRIPLES[0]), **tabs)  # type: ignore[arg-type]
        writer.writeheader()
        writer.writerows(TRIPLES)
    return path


@pytest.fixture
def triples(tmp_path: Path) -> Path:
    (tmp_path / "v").mkdir()
    for name in ("one", "two", "three"):
        write_clip(tmp_path / f"v/{name}.mp4", sound=name == "two")
    _tone(tmp_path / "s/one.wav")
    return tmp_path


@pytest.mark.parametrize("form", ["csv", "tsv", "parquet"])
def test_a_manifest_says_the_same_in_every_form(triples: Path, form: str) -> None:
    _write_triples(triples, form)
    split = Triples(triples, "drop").split("triples", "train")
    a, b = split.clips
    assert (a.id, a.video, a.sound, a.start_s, a.end_s) == ("a", triples / "v/one.mp4", triples / "s/one.wav", 1.5, 3)
    assert (b.id, b.video, b.sound, b.start_s, b.end_s) == ("b", triples / "v/two.mp4", triples / "v/two.mp4", 0, None)
    assert [(c.clip_id, c.text) for c in split.captions] == [("a", TRIPLES[0]["text"]), ("a", "again"), ("b", "second")]
    assert split.protocol == "triples[2/3 clips]"
    assert len(pickle.dumps(split.clips)) < 1_500  # what a worker is sent grows with no row


def test_a_clip_that_lacks_one_of_its_files_is_missing(triples: Path) -> None:
    _write_triples(triples, "csv")
    report = check(Triples, triples, deep=True)
    assert (report.missing, report.undecodable, report.silent) == (["c"], {}, [])
    with pytest.raises(CorpusError, match="1 of 3 videos are missing"):
        Triples(triples).split("triples", "train")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("a,2,1,v.mp4,,text", "row 1: the stretch from 2 to 1 s is empty"),
        ("a,-1,1,v.mp4,,text", "row 1: start is -1 s; a stretch starts at 0 s"),
        ("a,nan,1,v.mp4,,text", "row 1: start and end are seconds, not 'nan'"),
        ("a,0,soon,v.mp4,,text", "row 1: start and end are seconds, not 'soon'"),
        ("a,0,1,v.mp4,, ", "row 1: needs id, video, text; text is empty"),
        ("a,0,1,v.mp4,,", "needs a value in the columns id, video, text"),
        ("a,0,1,,,text", "needs a value in the columns id, video, text"),
        ("a,0,1e300,v.mp4,,text", "row 1: start and end are seconds, not '1e300'; leave both empty"),
        ("a,0,1,v.mp4,,one, two", r"val\.csv:2: has more or fewer columns than the header; put texts with commas"),
        pytest.param('a,0,1,v.mp4,,"one' + " two" * 40_000, "a quotation mark may lack its other one", id="open quote"),
        pytest.param(f"a,0,1,{'long' * 100},,text", "cannot look for 'longlong.*columns video and audio", id="long"),
    ],
)
def test_a_row_that_is_no_triple_is_named(tmp_path: Path, row: str, told: str) -> None:
    (tmp_path / "val.csv").write_text(f"id,start,end,video,audio,text\n{row}\n")
    with pytest.raises(CorpusError, match=told):
        Triples(tmp_path).split("triples", "val")


def test_in_training_a_text_may_be_empty_and_is_counted(tmp_path: Path) -> None:
    for name in ("v", "w"):
        write_clip(tmp_path / f"{name}.mp4")
    (tmp_path / "train.csv").write_text("id,video,text\na,v.mp4,said\nb,w.mp4,\n")
    split = Triples(tmp_path).split("triples", "train")
    assert ([caption.text for caption in split.captions], split.wordless) == (["said", ""], 1)
    (counts,) = check(Triples, tmp_path).splits
    assert "2 captions (1 empty)" in counts.text()
    (tmp_path / "train.csv").write_text("id,video\na,v.mp4\n")
    with pytest.raises(CorpusError, match="row 1: there is no column text; it has id, video"):
        Triples(tmp_path).split("triples", "train")


def test_a_line_that_was_cut_off_says_not_that_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("id,video,text\na,v.mp4,said\nb,w.mp4")
    with pytest.raises(CorpusError, match=r"train\.csv:3: has more or fewer columns"):
        Triples(tmp_path).split("triples", "train")


def test_a_table_that_is_not_in_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("id,video,text\na,v.mp4,caf\xe9\n", encoding="latin-1")
    with pytest.raises(CorpusError, match=r"train\.csv: no table in UTF-8"):
        Triples(tmp_path).split("triples", "train")


@pytest.mark.parametrize("column", ["id", "video", "audio", "text"])
@pytest.mark.parametrize("value", [b"bytes", ["a", "list"], float("nan"), True, 1.5])
def test_what_is_no_text_becomes_none(tmp_path: Path, column: str, value: object) -> None:
    row = {"id": "a", "video": "v.mp4", "audio": "s.wav", "text": "said", column: value}
    parquet.write_table(pa.table({name: [held] for name, held in row.items()}), tmp_path / "train.parquet")
    with pytest.raises(CorpusError, match=f"row 1: {column} is .*, of type {type(value).__name__}; write the column"):
        Triples(tmp_path).split("triples", "train")


def test_numbers_are_ids_and_null_is_nothing_said(tmp_path: Path) -> None:
    write_clip(tmp_path / "v.mp4")
    columns = {"id": [7, 8], "video": ["v.mp4", "v.mp4"], "text": pa.nulls(2), "start": [0, 1]}
    parquet.write_table(pa.table(columns), tmp_path / "train.parquet")
    split = Triples(tmp_path).split("triples", "train")
    assert [(clip.id, clip.start_s) for clip in split.clips] == [("7", 0), ("8", 1)]
    assert ([caption.text for caption in split.captions], split.wordless) == (["", ""], 2)


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "train.parquet").write_bytes(b"id,video,text")
    with pytest.raises(CorpusError, match=r"train\.parquet: no parquet file .* fetch it again"):
        Triples(tmp_path).split("triples", "train")


def test_empty_texts_are_counted_of_the_clips_that_are_there(tmp_path: Path) -> None:
    write_clip(tmp_path / "v.mp4")
    rows = ["a,v.mp4,said", "b,v.mp4,", "c,gone.mp4,"]
    (tmp_path / "train.csv").write_text("\n".join(["id,video,text", *rows]) + "\n")
    assert Triples(tmp_path, "drop").split("triples", "train").wordless == 1


@pytest.mark.parametrize("other", ["a,1,2,v.mp4,,b", "a,0,1,w.mp4,,b", "a,0,1,v.mp4,s.wav,b"])
def test_rows_of_one_id_that_say_other_stretches_or_files_are_refused(tmp_path: Path, other: str) -> None:
    same = "a,0,1,v.mp4,,a\na,0,1,v.mp4,,again\n"
    (tmp_path / "val.csv").write_text(f"id,start,end,video,audio,text\nfirst,0,9,v.mp4,,b\n{same}{other}\n")
    for _ in range(2):  # nothing is left of the first time
        with pytest.raises(CorpusError, match=r"val.csv: rows of one id say different .* \(a\); give each its own id"):
            Triples(tmp_path).split("triples", "val")


def test_a_fingerprint_knows_a_sound_of_its_own(triples: Path) -> None:
    _write_triples(triples, "csv")
    before = Triples(triples, "drop").split("triples", "train").fingerprint
    write_tone(triples / "s/one.wav", 0.5)
    assert Triples(triples, "drop").split("triples", "train").fingerprint != before


@pytest.mark.parametrize("times", ["0.5,2", "0,1.5", "0,"])
def test_a_fingerprint_knows_the_stretches(tmp_path: Path, times: str) -> None:
    """Caches are found by it: of another stretch they hold something else."""
    write_clip(tmp_path / "v.mp4")
    found = set[str]()
    for stretch in ("0,2", times):
        (tmp_path / "train.csv").write_text(f"id,start,end,video,text\na,{stretch},v.mp4,said\n")
        found.add(Triples(tmp_path).split("triples", "train").fingerprint)
    assert len(found) == 2


@pytest.mark.parametrize("tested", PARTNERS)
def test_a_tested_speaker_is_heard_neither_in_training_nor_in_validation(tmp_path: Path, tested: str) -> None:
    speakers = {
        name: {entry.id.split("_")[1] for entry in entries}
        for name, entries in Fsdd(tmp_path).listing(f"fsdd-{tested}").items()
    }
    assert speakers["test"] == {tested}
    assert speakers["val"] == {PARTNERS[tested]} != speakers["test"]
    assert speakers["train"] == set(PARTNERS) - speakers["test"] - speakers["val"]


@pytest.mark.parametrize("protocol", Fsdd.protocols)
def test_every_protocol_of_digits_has_every_recording_once(tmp_path: Path, protocol: str) -> None:
    listing = Fsdd(tmp_path).listing(protocol)
    ids = [entry.id for entries in listing.values() for entry in entries]
    assert (len(ids), len(set(ids))) == (3_000, 3_000)
    assert all(entry.captions == (DIGITS[int(entry.id[0])],) for entries in listing.values() for entry in entries)
    if protocol.startswith("fsdd-takes"):
        assert {entry.id.split("_")[2] for entry in listing["test"]} == {"0", "1", "2", "3", "4"}


def test_recordings_of_one_digit_are_one_group(shared: Path) -> None:
    corpus = Fsdd(shared / "data/video_text/fsdd", "drop")
    split = corpus.split("fsdd-theo", "train")
    assert split.protocol == "fsdd-theo[200/3000 clips]"
    assert split.class_C is not None
    groups = {(caption.text, int(group)) for caption, group in zip(split.captions, split.class_C, strict=True)}
    assert len(groups) == len(DIGITS)
    assert check(Fsdd, shared / "data/video_text/fsdd", deep=True).undecodable == {}


def test_captions_that_name_no_classes_leave_every_clip_a_group_of_its_own(shared: Path) -> None:
    assert MsrVtt(shared / "data/video_text/msrvtt", "drop").split("msrvtt-full", "test").class_C is None


def test_a_clip_of_msrvtt_without_sound_is_a_fact_and_no_problem(shared: Path) -> None:
    report = check(MsrVtt, shared / "data/video_text/msrvtt")
    assert report.silent == ["video7013"]
    assert not any("video7013" in problem for problem in report.problems)


@pytest.mark.parametrize("corpus", [AudioCaps, SoundDescs, YouCook2, Fsdd, Triples])
def test_what_is_published_is_of_protocols_that_there_are(corpus: type[Corpus]) -> None:
    assert set(corpus.published) <= set(corpus.protocols)
