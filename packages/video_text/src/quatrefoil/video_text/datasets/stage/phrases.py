"""The grammar: how clauses about actors, sounds and signs are built and joined. It adds no fact and drops none."""

import random
from collections.abc import Callable, Collection, Sequence

from quatrefoil.video_text.datasets.stage import lexicon
from quatrefoil.video_text.datasets.stage.world import OFF_STAGE, Act, Actor, Sound

FINITE, GERUND = 0, 1


def actor_clause(
    actor: Actor,
    looks: Collection[str],
    acts: Sequence[Act],
    counted: Collection[Act],
    ordered: bool,
    rng: random.Random,
) -> str:
    """A clause about one actor: active, progressive, passive ("is seen"), existential, or with `after` and `before`."""
    who = noun_phrase(actor, looks, rng)
    if not acts:
        return rng.choice(("there is {}", "{} is shown", "{} can be seen")).format(who)
    if ordered and len(acts) == 2 and rng.random() < 0.4:
        return inverted_clause(who, acts, counted, rng)
    form, frame = rng.choice(
        (
            (FINITE, "{} {}"),
            (FINITE, "{} {}"),
            (GERUND, "{} is {}"),
            (GERUND, "{} is seen {}"),
            (GERUND, "there is {} {}"),
        )
    )
    verbs = [verb_phrase(act, form, act in counted, rng) for act in acts]
    return frame.format(who, in_sequence(verbs, rng) if ordered else in_any_order(verbs, rng))


def inverted_clause(who: str, acts: Sequence[Act], counted: Collection[Act], rng: random.Random) -> str:
    """Two acts told by `after` or `before`, so that the order of words is not always the order of events."""
    main, other, word = rng.choice(((1, 0, "after"), (0, 1, "before")))
    told = verb_phrase(acts[main], FINITE, acts[main] in counted, rng)
    return f"{who} {told} {word} {verb_phrase(acts[other], GERUND, acts[other] in counted, rng)}"


def noun_phrase(actor: Actor, looks: Collection[str], rng: random.Random) -> str:
    """`a small red ball`; only the stated looks are said."""
    size = rng.choice(lexicon.SIZE_WORDS[actor.size]) if "size" in looks else ""
    colour = rng.choice(lexicon.COLOUR_WORDS[actor.colour]) if "colour" in looks else ""
    return " ".join(filter(None, ("a", size, colour, rng.choice(lexicon.NOUNS[actor.shape]))))


def verb_phrase(act: Act, form: int, counted: bool, rng: random.Random) -> str:
    """`bounces three times`, or `bouncing`; the count only where it is stated."""
    verb = rng.choice(lexicon.VERBS[act.action])[form]
    return f"{verb} {rng.choice(lexicon.TIMES_WORDS[act.times])}" if counted else verb


def in_sequence(verbs: list[str], rng: random.Random) -> str:
    """Verbs as events one after the other."""
    if len(verbs) == 2:
        return rng.choice(("{} and then {}", "{}, then {}", "first {}, then {}")).format(*verbs)
    return rng.choice(("{}, then {} and finally {}", "first {}, then {}, then {}")).format(*verbs)


def in_any_order(verbs: list[str], rng: random.Random) -> str:
    """Verbs as things that happen, in no stated order."""
    *most, last = rng.sample(verbs, len(verbs))
    return f"{', '.join(most)} and {last}" if most else last


def sound_clause(sound: Sound, placed: bool, rng: random.Random) -> str:
    """`a bell rings`, with what it goes with where that is stated."""
    event = rng.choice(lexicon.SOUND_EVENTS[sound.name])
    if not placed:
        return event
    if sound.on == OFF_STAGE:
        return f"{event} {rng.choice(lexicon.OFF_STAGE_PHRASES)}"
    return f"{event} {rng.choice(('with every', 'at each'))} {lexicon.TURN_NOUNS[sound.on]}"


def sentence(actors: list[str], background: str | None, others: list[str], rng: random.Random) -> str:
    """Everything joined; what is neither actor nor background comes first or last."""
    body = rng.choice((" while ", " and ", " as ")).join(actors)
    if background:
        body = with_background(body, rng.choice(lexicon.BACKGROUND_PHRASES[background]), rng)
    if not others:
        return body
    extra = " and ".join(rng.sample(others, len(others)))
    join: Callable[[str, str], str] = rng.choice(
        (lambda b, e: f"{b} while {e}", lambda b, e: f"{b}, and {e}", lambda b, e: f"{e} as {b}")
    )
    return join(body, extra)


def with_background(body: str, phrase: str, rng: random.Random) -> str:
    """The place, before or after what happens there."""
    frame = rng.choice(("{0} in front of {1}", "{0} against {1}", "in front of {1}, {0}"))
    return frame.format(body, phrase)
