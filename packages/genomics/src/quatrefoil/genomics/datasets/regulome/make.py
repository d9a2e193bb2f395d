"""Making the benchmark: what Regulome puts into the folder that `core.embedded` keeps."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from quatrefoil.core.embedded import Apart, Crew, Embedded, Job
from quatrefoil.core.text_files import write_json
from quatrefoil.genomics.datasets.regulome import files
from quatrefoil.genomics.datasets.regulome.bounds import Bounds, by_metric, window_bounds
from quatrefoil.genomics.datasets.regulome.chromosome import Chromosome, draw_chromosome
from quatrefoil.genomics.datasets.regulome.cohort import cohort_bounds, draw_cohort
from quatrefoil.genomics.datasets.regulome.elements import Builder
from quatrefoil.genomics.datasets.regulome.grammar import draw_grammar
from quatrefoil.genomics.datasets.regulome.motifs import draw_motifs
from quatrefoil.genomics.datasets.regulome.openness import openness_bounds
from quatrefoil.genomics.datasets.regulome.scores import Metrics, require_scikit_learn
from quatrefoil.genomics.datasets.regulome.windows import Windows, draw_windows, factors_with_windows
from quatrefoil.genomics.datasets.regulome.world import (
    CHROMOSOMES,
    CHROMOSOMES_OF,
    REGULOME_VERSION,
    SIZES,
    SPLIT_OF,
    Split,
    stream,
)

BOUNDS = "bounds.json"


class Drawn(NamedTuple):
    """A chromosome with its windows: task -> windows."""

    chromosome: Chromosome
    windows: Mapping[str, Windows]


def fill(job: Job) -> Apart:
    """Write all files. Set apart are the bounds: they follow from the rest, and those that are fitted may differ in the
    last digit where the solver's arithmetic does."""
    require_scikit_learn()
    motifs, grammar = draw_motifs(job.seed), draw_grammar(job.seed)
    with Crew(job.workers) as crew:
        one = partial(draw, seed=job.seed, size=job.size)
        drawn = crew.in_order(one, CHROMOSOMES, f"regulome {job.size}", "chromosome")
        sets = gather(drawn, job.seed)
        bounds = bound_all(sets, job.seed, crew)
    chromosomes = [part.chromosome for part in drawn]
    cohort = draw_cohort(chromosomes, grammar, motifs, SIZES[job.size], job.seed)
    files.write_genome(job.folder, chromosomes)
    files.write_motifs(job.folder, motifs)
    files.write_peaks(job.folder, chromosomes)
    files.write_genes(job.folder, chromosomes)
    files.write_windows(job.folder, sets)
    files.write_openness(job.folder, chromosomes)
    files.write_cohort(job.folder, cohort, chromosomes)
    files.write_truth(job.folder, chromosomes, grammar)
    tested = [chromosome for chromosome in chromosomes if SPLIT_OF[chromosome.name] == "test"]
    bounds |= {"openness": openness_bounds(tested, grammar), "disease": {"auc": cohort_bounds(cohort)}}
    write_json(job.folder / BOUNDS, bounds, indent=1)
    return {BOUNDS: None}


def draw(name: str, seed: int, size: str) -> Drawn:
    """One chromosome and its windows: a function of its name, the size and the seed."""
    motifs, grammar = draw_motifs(seed), draw_grammar(seed)
    chromosome = draw_chromosome(seed, SIZES[size], Builder(grammar, motifs), name)
    factors = factors_with_windows(grammar, SIZES[size].bound_factors)
    return Drawn(chromosome, draw_windows(chromosome, factors, grammar, SIZES[size].gc_tolerance, seed))


def gather(drawn: Sequence[Drawn], seed: int) -> dict[str, dict[Split, Windows]]:
    """Task -> split -> windows: whole chromosomes, so that nothing of a test chromosome is in train."""
    windows = {part.chromosome.name: part.windows for part in drawn}
    return {
        task: {
            split: Windows.join([windows[name][task] for name in names], stream(seed, "order", task, split))
            for split, names in CHROMOSOMES_OF.items()
        }
        for task in drawn[0].windows
    }


def bound_all(sets: Mapping[str, Mapping[Split, Windows]], seed: int, crew: Crew) -> Bounds:
    """The bounds of all window sets."""
    items = [(task, splits["train"], splits["test"]) for task, splits in sets.items()]
    found = crew.in_order(partial(_bound_one, seed=seed), items, "bounds", "task")
    return {task: by_metric(metrics) for task, metrics in zip(sets, found, strict=True)}


def _bound_one(item: tuple[str, Windows, Windows], seed: int) -> dict[str, Metrics]:
    task, train, test = item
    return window_bounds(task, draw_motifs(seed), train, test)


REGULOME_BENCHMARK = Embedded("regulome", REGULOME_VERSION, SIZES, fill)
make, find = REGULOME_BENCHMARK.make, REGULOME_BENCHMARK.find
