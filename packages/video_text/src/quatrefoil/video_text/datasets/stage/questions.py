"""Questions about one clip, in the rows of the real sets; `question_files` writes them.

Questions name an actor by its shape, which is unique in a clip. Answers are drawn from near-uniform facts and options
never depend on which one is right, so that the question alone says little (its bound is in `bounds.json`).
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from quatrefoil.video_text.datasets.stage import lexicon
from quatrefoil.video_text.datasets.stage.captions import Caption
from quatrefoil.video_text.datasets.stage.world import ACTIONS, CHARACTERS, REPEATABLE, Actor, Facts

OPTIONS = 5
FRAME_TYPES = {"object": 0, "number": 1, "color": 2, "location": 3}
"""The values of `type` in TGIF-QA's frame questions."""

BLANK = "_____"


@dataclass(frozen=True)
class Choice:
    """A question with options of which one is right."""

    question: str
    options: tuple[str, ...]
    answer: int


@dataclass(frozen=True)
class Open:
    """A question with a one-word answer; `kind` is TGIF-QA's type or the first word of an MSRVTT-QA question."""

    question: str
    answer: str
    kind: str


@dataclass(frozen=True)
class Blank:
    """A sentence, the same with a word removed, and the word."""

    sentence: str
    fill_in: str
    word: str


def noun(actor: Actor) -> str:
    """How questions name an actor."""
    return lexicon.NOUNS[actor.shape][0]


def choice(question: str, right: str, wrong: list[str], rng: random.Random) -> Choice:
    """Options in random order."""
    options = rng.sample([right, *wrong], OPTIONS)
    return Choice(question, tuple(options), options.index(right))


def repeated_actions(facts: Facts, rng: random.Random) -> Iterator[Choice]:
    """TGIF-QA "action": what is done N times. The options are always all repeatable actions."""
    for actor in facts.actors:
        counts = [act.times for act in actor.acts]
        for act in actor.acts:
            if act.times > 1 and counts.count(act.times) == 1:
                question = f"What does the {noun(actor)} do {act.times} times ?"
                wrong = [lexicon.base_verb(action) for action in REPEATABLE if action != act.action]
                yield choice(question, lexicon.base_verb(act.action), wrong, rng)


def transitions(facts: Facts, rng: random.Random) -> Iterator[Choice]:
    """TGIF-QA "transition": what is done right before or after something; other acts of the clip are wrong options."""
    for actor in facts.actors:
        for first, second in zip(actor.acts, actor.acts[1:], strict=False):
            word, asked, right = rng.choice((("after", first, second), ("before", second, first)))
            seen = {act.action for other in facts.actors for act in other.acts} - {asked.action, right.action}
            unseen = sorted(set(ACTIONS) - seen - {asked.action, right.action})
            wrong = [*rng.sample(sorted(seen), min(2, len(seen))), *rng.sample(unseen, OPTIONS)][: OPTIONS - 1]
            question = f"What does the {noun(actor)} do {word} {lexicon.gerund(asked.action)} ?"
            yield choice(question, lexicon.base_verb(right.action), [lexicon.base_verb(a) for a in wrong], rng)


def frame_questions(facts: Facts) -> Iterator[Open]:
    """TGIF-QA "frameqa": what a single frame shows."""
    colours = [actor.colour for actor in facts.actors]
    yield Open("how many figures are there ?", lexicon.NUMBER_WORDS[len(facts.actors)], "number")
    for actor in facts.actors:
        yield Open(f"what is the color of the {noun(actor)} ?", actor.colour, "color")
        yield Open(f"what is behind the {noun(actor)} ?", facts.background, "location")
        if colours.count(actor.colour) == 1:
            yield Open(f"what is {actor.colour} ?", noun(actor), "object")


def clip_questions(facts: Facts) -> Iterator[Open]:
    """MSRVTT-QA: what, who, how and where, over picture, motion, sound and sign. Only what has one answer is asked."""
    for actor in facts.actors:
        yield from actor_questions(actor, facts)
    if len(facts.sounds) == 1:
        yield Open("what is heard?", facts.sounds[0].name, "what")
    if facts.sign is not None:
        yield Open("what does the sign say?", facts.sign, "what")


def actor_questions(actor: Actor, facts: Facts) -> Iterator[Open]:
    """What can be asked about one actor. Counting is asked only from two turns on, or "once" would mostly be right."""
    yield Open(f"where is the {noun(actor)}?", facts.background, "where")
    yield Open(f"what color does the {noun(actor)} have?", actor.colour, "what")
    if len(actor.acts) == 1:
        yield Open(f"what does the {noun(actor)} do?", lexicon.base_verb(actor.acts[0].action), "what")
    for act in actor.acts:
        if act.times > 1:
            question = f"how many times does the {noun(actor)} {lexicon.base_verb(act.action)}?"
            yield Open(question, lexicon.NUMBER_WORDS[act.times], "how")
        if not any(act.action == a.action for other in facts.actors if other is not actor for a in other.acts):
            word = "who" if actor.shape in CHARACTERS else "what"
            yield Open(f"{word} is {lexicon.gerund(act.action)}?", noun(actor), word)


def blanks(caption: Caption, rng: random.Random) -> Iterator[Blank]:
    """LSMDC-FiB: one word that states a fact, of a caption that has such a word."""
    words = caption.text.split()
    places = [place for place, word in enumerate(words) if word.strip(",") in lexicon.content_words()]
    if places:
        place = rng.choice(places)
        word = words[place].strip(",")
        words[place] = words[place].replace(word, BLANK)
        yield Blank(caption.text, " ".join(words), word)
