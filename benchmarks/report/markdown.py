"""LEADERBOARD.md and CLAIMS.md: what reads well in a terminal, with the way to the page that has everything."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from textwrap import fill

from benchmarks.report.sections import NO_RESULTS, Section
from benchmarks.report.short_scores import WIDTH
from quatrefoil.core.measuring.tables import table_text

CLAIMS_HEAD = """\
What the papers claim, tested where the truth is known, by `make claims`, some of them by `make claims CLAIMS="T1 C2"`
(C2 is all of its parts; the last letter of C2sa is its task; T1o and others in o have arms with equal objectives, T1c
with equal compute). Every score is a row of the store that LEADERBOARD.md is drawn from; those of both arms, seed by
seed, stand at the end.
"""
SCORES = (
    "Scores in percent, higher is better; ties count against the model. Every number of a model comes from a stored "
    "row that names its command, configuration, data and commit."
)
REPOSITORY = (
    "Those of real sequences, spoken digits and speeds come from files that name their commands. Models are ours after "
    "the papers; what a paper leaves open is chosen by us: of GeneBERT, whose body could not be read, the stem, "
    "3-mers, motifs that are known beforehand and more (`docs/genebert-results.md`)."
)
"""Of the repository's own table, which has more than a suite that keeps its results to itself."""
ELSEWHERE = (
    "This is the short form of `{page}`, made of the same rows. All else stands there: R@5, R@10, MedR, MnR and other "
    "metrics, other splits than `test`, scores by kind of twins, every paired difference with its p, intervals over "
    "queries, validation scores, {more}plots, as far as they were measured. Configurations and commands stand there "
    "below the tables: they make a row again{missing}."
)
MORE = "every run on real sequences, all claims, every level of an ablation, what papers print with their sources, "
"""On the repository's own page."""
LEGEND = (
    "a±b: mean and half of the 95 % t-interval over seeds; of one seed the value alone",
    "n: seeds; M: million parameters; min: minutes of training by the clock, whatever else the machine did, with what "
    "a model starts from (?: not stored). Where it is trained for each column apart, n is the least, costs are means",
)
JUDGED = (
    "differences between models that a claim is about stand with the claims, whatever came out; a claim counts the "
    "seeds that were declared for it, tables of scores all that are stored"
)


def markdown(sections: Sequence[Section], page: str, judged: bool) -> str:
    """The whole file.

    Args:
        sections: the short ones.
        page: the way to the page from the folder of the file.
        judged: it is the repository's own, with claims among its sections.
    """
    if not sections:
        return f"# Leaderboard\n\n{NO_RESULTS}"
    first = f"{SCORES} {REPOSITORY}" if judged else SCORES
    more, missing = (f"{MORE}and ", ", and `make bench` what is missing") if judged else ("", "")
    told = [f"{_wrapped(said)}\n" for said in (first, ELSEWHERE.format(page=page, more=more, missing=missing))]
    legend = _list([*LEGEND, *([JUDGED] if judged else [])])
    return "\n".join(["# Leaderboard\n", *told, legend, *map(_section, sections)])


def _wrapped(text: str, indent: str = "") -> str:
    """Lines that fit a terminal; what stands after a hyphen stays with it."""
    return fill(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def _list(remarks: Sequence[str]) -> str:
    return "\n".join(_wrapped(f"- {remark}", "  ") for remark in remarks) + "\n"


def _section(section: Section) -> str:
    return "\n".join(_parts(section))


def _parts(section: Section) -> Iterator[str]:
    yield f"## {section.heading}\n"
    links = ", ".join(f"[{link.words}]({link.path})" for link in section.links)
    if said := [*section.lead, *([f"See {links}."] if links else [])]:
        yield f"{_wrapped(' '.join(said))}\n"
    if section.remarks:
        yield _list(section.remarks)
    yield from map(table_text, section.tables)


def claims_markdown(claims: Section) -> str:
    """CLAIMS.md."""
    (table,) = claims.tables
    lead, rows = _wrapped(" ".join(claims.lead)), table_text(replace(table, remarks=[]))
    found = f"{_list(claims.remarks)}\n" if claims.remarks else ""
    seeds = "".join(f"\n{table_text(part)}" for part in claims.parts)
    return f"# Claims\n\n{CLAIMS_HEAD}\n{lead}\n\n{found}{rows}\n{_list(table.remarks)}{seeds.rstrip()}\n"
