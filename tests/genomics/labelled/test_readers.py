"""Files of labelled sequences: the same records in every format, real ones whole, broken ones refused by their line."""

import gzip
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quatrefoil.genomics.datasets.labelled.readers import read_labelled
from quatrefoil.genomics.datasets.labelled.records import Labelled
from quatrefoil.genomics.sequence.codes import LETTERS
from quatrefoil.genomics.tables import TextError

SEQUENCES = st.lists(st.text("ACGTN", min_size=6, max_size=30), min_size=2, max_size=8)


def contents(found: Labelled) -> list[tuple[str, str]]:
    return [(LETTERS[record.codes].tobytes().decode(), record.label) for record in found.records]


def kmers(sequence: str, k: int) -> str:
    return " ".join(sequence[i : i + k] for i in range(len(sequence) - k + 1))


def written(folder: Path, name: str, text: str) -> Labelled:
    (folder / name).write_text(text)
    return read_labelled(folder, name)


@settings(deadline=None, max_examples=25)
@given(SEQUENCES, st.integers(3, 6))
def test_the_same_records_come_from_every_format(
    tmp_path_factory: pytest.TempPathFactory, sequences: list[str], k: int
) -> None:
    folder = tmp_path_factory.mktemp("formats")
    rows = [(sequence, str(place % 2)) for place, sequence in enumerate(sequences)]
    csv = "sequence,label\n" + "".join(f"{s},{y}\n" for s, y in rows)
    tsv = "label\tsequence\r\n" + "".join(f"{y}\t{s.lower()}\r\n" for s, y in rows)
    kmer = "sequence\tlabel\n" + "".join(f"{kmers(s, k)}\t{y}\n" for s, y in rows)
    deepbind = "FoldID\tEventID\tseq\tBound\n" + "".join(f"A\tpeak\t{s}\t{y}\n" for s, y in rows)
    uci = "".join(f"{y},  NAME-1,   {s}\n" for s, y in rows)
    (folder / "set.seq.gz").write_bytes(gzip.compress(deepbind.encode()))
    for name, text in {"a.csv": csv, "b.tsv": tsv, "c.tsv": kmer, "d.data": uci}.items():
        assert contents(written(folder, name, text)) == rows, name
    assert contents(read_labelled(folder, "set.seq.gz")) == rows
    fasta = {y: "".join(f"> a name, {s}\n{s[:4]}\n\n{s[4:]}\n" for s, label in rows if label == y) for y in "01"}
    (folder / "pos.fa").write_text(fasta["1"])
    (folder / "neg.fa").write_text(fasta["0"])
    assert sorted(contents(read_labelled(folder, "pos.fa+neg.fa"))) == sorted(rows)


def test_where_says_file_and_line(tmp_path: Path) -> None:
    found = written(tmp_path, "a.csv", "sequence,label\n\nACGT,1\nACGA,0\n")
    assert [record.where for record in found.records] == [f"{tmp_path}/a.csv:3", f"{tmp_path}/a.csv:4"]


def test_only_formats_without_labels_are_positives_only(tmp_path: Path) -> None:
    assert written(tmp_path, "a.txt", "ACGT\nACGA\n").only_positives
    assert written(tmp_path, "a.seq", "seq\tBound\nACGT\t1\n").only_positives
    assert not written(tmp_path, "a.csv", "sequence,label\nACGT,1\n").only_positives


@pytest.mark.parametrize(
    "text",
    [
        '"sequence","label"\n"ACGT","1"\n"GGA","0"\n',
        '"sequence"\t"label"\n"ACG CGT"\t"1"\n"GGA"\t"0"\n',
        "\tsequence\tlabel\n0\tACGT\t1\n1\tGGA\t0\n",
        "sequence\tnote\tlabel\t\nACGT\t\t1\t\nGGA\tx\t0\t\n",
        "sequence,label\rACGT,1\rGGA,0\r",
        ",sequence,label\n0,ACGT,1\n\n1,GGA,0\n\n",
    ],
    ids=("quotes", "quotes and tabs", "pandas' index", "an empty last column", "old Macintosh", "blank lines"),
)
def test_tables_read_alike_whoever_wrote_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").write_bytes(text.encode())
    assert contents(read_labelled(tmp_path, "a")) == [("ACGT", "1"), ("GGA", "0")]


def test_titles_that_deal_to_training_and_test_are_refused(tmp_path: Path) -> None:
    lines = (f">s{row}|{row % 2}|{'training' if row < 8 else 'testing'}\nACGTTGCA\n" for row in range(10))
    (tmp_path / "a.fa").write_text("".join(lines))
    with pytest.raises(TextError, match=r"a\.fa:1: titles end in a label and testing, training; let them end"):
        read_labelled(tmp_path, "a.fa")
    assert len(read_labelled(tmp_path, "a.fa", labels=False).records) == 10
    (tmp_path / "b.fa").write_text(">gi|123|test\nACGT\n>other\nACGA\n")
    assert read_labelled(tmp_path, "b.fa").only_positives


def test_labels_at_the_ends_of_all_titles_are_read_and_other_ends_are_names(tmp_path: Path) -> None:
    def read(*ends: str) -> Labelled:
        (tmp_path / "x.fa").write_text("".join(f">chr1:{i}-9|{end}\nACGT\n" for i, end in enumerate(ends)))
        return read_labelled(tmp_path, "x.fa")

    found = read("0", "1", "1", "0", "1")
    assert ([r.label for r in found.records], found.only_positives) == (["0", "1", "1", "0", "1"], False)
    assert found.records[1].name == "chr1:1-9"
    for names in (("1", "1", "1"), ("3", "4", "5", "6"), ("0", "1", "1", "0", "gene")):
        assert read(*names).only_positives


def test_a_comment_is_named_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "x.fa").write_text(";made by hand\n>a\nACGT\n")
    with pytest.raises(TextError, match=r"x\.fa:1: ';made by hand': a comment, .*take the line out"):
        read_labelled(tmp_path, "x.fa")


def test_a_column_that_deals_lines_to_splits_is_refused_and_one_of_one_split_is_not(tmp_path: Path) -> None:
    (table := tmp_path / "t.csv").write_text("sequence,label,split\nACGT,1,train\nACGA,0,Test\n")
    with pytest.raises(
        TextError, match=r"t\.csv:1: column `split` deals the lines to test, train; make a file of each"
    ):
        read_labelled(tmp_path, "t.csv")
    table.write_text("sequence,label,split\nACGT,1,train\nACGA,0,train\n")
    assert len(read_labelled(tmp_path, "t.csv").records) == 2


def test_a_sequence_may_be_as_long_as_a_chromosome(tmp_path: Path) -> None:
    (record,) = written(tmp_path, "a", f"sequence,label\n{'A' * 140_000},1\n").records
    assert len(record.codes) == 140_000


BROKEN = {
    "empty": ("", r"a: empty; fetch"),
    "no format": ("hello world\n", r"a:1: 'hello world' begins no known format"),
    "no label column": ("sequence,class\nACGT,1\n", r"a:1: no column `label` among sequence, class"),
    "cut off": ("sequence,label\nACGT,1\nACGA", r"a:3: 1 column where the header has 2"),
    "no label": ("sequence,label\nACGT,\n", r"a:2: no label; fill it in"),
    "no label after a tab": ("sequence\tlabel\nACGT\t\n", r"a:2: no label; fill it in"),
    "two labels": ("sequence,label,label\nACGT,1,0\n", r"a:1: two columns `label`; rename or remove one"),
    "two sequences": (
        "seq,sequence,label\nACGT,GGGG,1\n",
        r"a:1: columns `seq` and `sequence` for one thing; rename or",
    ),
    "a label and a signal": (
        "sequence,label,Bound\nACGT,1,0\n",
        r"a:1: columns `label` and `bound` for one thing; rena",
    ),
    "no sequence": ("sequence,label\n,1\n", r"a:2: no sequence; fill it in"),
    "no row": ("sequence,label\n", r"a:1: a header and no line after it"),
    "no DNA": ("sequence,label\nACXT,1\n", r"a:2: character 'X' at position 2 is no IUPAC letter"),
    "no overlap": ("sequence\tlabel\nACGT CGTA TTTT\t1\n", r"a:2: 'CGTA' and 'TTTT' \(words 2 and 3\) are not k-mers"),
    "empty record": (">one\n>two\nACGT\n", r"a:1: '>one' has no sequence"),
    "bad letter in FASTA": (">one\nACGT\nAC-T\n", r"a:3: character '-' at position 2"),
    "no class": ("EI, X, ACGT\n, Y, ACGT\n", r"a:2: no class"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_by_its_line(tmp_path: Path, name: str) -> None:
    text, message = BROKEN[name]
    with pytest.raises(TextError, match=message):
        written(tmp_path, "a", text)


def test_broken_bytes_and_missing_files_are_refused(tmp_path: Path) -> None:
    whole = gzip.compress(b"sequence,label\nACGT,1\n" * 100)
    files = {
        "cut.gz": (whole[:40], "damaged gzip"),
        "binary.csv": (b"sequence,label\n\xff\xfe,1\n", "binary.csv:2: not"),
    }
    for name, (content, message) in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TextError, match=message):
            read_labelled(tmp_path, name)
    with pytest.raises(TextError, match=r"no such file; in a recipe, paths count from data\.root"):
        read_labelled(tmp_path, "absent.csv")
    with pytest.raises(TextError, match="3 files joined"):
        read_labelled(tmp_path, "a+b+c")


def test_a_table_is_not_joined(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sequence,label\nACGT,1\n")
    (tmp_path / "b.fa").write_text(">b\nACGT\n")
    with pytest.raises(TextError, match=r"a\.csv: has labels of its own"):
        read_labelled(tmp_path, "b.fa+a.csv")


REAL = {
    "gue/prom/prom_core_tata/test.csv": {"0": 304, "1": 309},
    "gue/splice/reconstructed/dev.csv": {"0": 1001, "1": 987, "2": 2574},
    "dnabert_sample/dev.tsv": {"0": 500, "1": 500},
    "chipseq_deepbind/SRF_H1-hESC_SRF_HudsonAlpha_B.seq.gz": {"0": 500, "1": 500},
    "chipseq_deepbind/SRF_H1-hESC_SRF_HudsonAlpha_AC.seq.gz": {"1": 4605},
    "cnnprom/Ecoli_prom.fa+cnnprom/Ecoli_non_prom.fa": {"1": 839, "0": 3000},
    "enhancer_2l/enhancer.cv.txt+enhancer_2l/non.cv.txt": {"1": 1484, "0": 1484},
    "splice_uci/splice.data": {"EI": 767, "IE": 768, "N": 1655},
    "deepromoter/hs_pos_TATA.txt": {"1": 2929},
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_hold_what_their_readme_counts(shared: Path, name: str) -> None:
    found = read_labelled(shared / "data" / "genomics", name)
    assert Counter(record.label for record in found.records) == REAL[name]


def test_dnaberts_lines_of_96_six_mers_are_101_bases(shared: Path) -> None:
    found = read_labelled(shared / "data" / "genomics", "dnabert_sample/dev.tsv")
    lines = (shared / "data" / "genomics" / "dnabert_sample" / "dev.tsv").read_text().splitlines()[1:]
    assert {len(record.codes) for record in found.records} == {101}
    assert [kmers(sequence, 6) for sequence, _ in contents(found)] == [line.split("\t")[0] for line in lines]
