"""The words of Stage: for every fact the ways to say it, the first being the one that tags and questions use."""

from functools import cache

from quatrefoil.video_text.datasets.stage.world import REPEATABLE

NOUNS = {
    "circle": ("circle", "disc", "ball"),
    "square": ("square", "box", "block"),
    "triangle": ("triangle", "wedge"),
    "star": ("star",),
    "ring": ("ring", "hoop"),
    "cross": ("cross", "plus"),
    "moon": ("moon", "crescent"),
    "person": ("person", "stickman"),
    "robot": ("robot", "machine"),
    "ghost": ("ghost", "phantom"),
    "snowman": ("snowman",),
}
COLOUR_WORDS = {
    "red": ("red", "crimson"),
    "green": ("green",),
    "blue": ("blue", "navy"),
    "yellow": ("yellow", "golden"),
    "purple": ("purple", "violet"),
    "cyan": ("cyan", "turquoise"),
    "white": ("white", "pale"),
    "black": ("black", "dark"),
}
SIZE_WORDS = {"small": ("small", "little", "tiny"), "large": ("large", "big", "huge")}
BACKGROUND_PHRASES = {
    "bricks": ("a brick wall", "a wall of bricks"),
    "stripes": ("a striped curtain", "vertical stripes"),
    "checks": ("a checkered wall", "a checkerboard"),
    "dots": ("a dotted wall", "a wall with dots"),
    "waves": ("wavy water", "a sea of waves"),
    "plain": ("a plain wall", "an empty wall"),
}
VERBS = {
    "slide left": (("slides left", "sliding left"), ("moves to the left", "moving to the left")),
    "slide right": (("slides right", "sliding right"), ("moves to the right", "moving to the right")),
    "rise": (("rises", "rising"), ("goes up", "going up")),
    "fall": (("falls", "falling"), ("sinks down", "sinking down")),
    "grow": (("grows", "growing"), ("gets bigger", "getting bigger")),
    "shrink": (("shrinks", "shrinking"), ("gets smaller", "getting smaller")),
    "bounce": (("bounces", "bouncing"), ("hops", "hopping")),
    "orbit": (("circles around", "circling around"), ("goes round", "going round")),
    "spin": (("spins", "spinning"), ("turns around", "turning around")),
    "blink": (("blinks", "blinking"), ("vanishes and returns", "vanishing and returning")),
    "swing": (("swings", "swinging"), ("sways", "swaying")),
}
"""For each action (finite form, gerund)."""

TIMES_WORDS = {
    1: ("once", "one time"),
    2: ("twice", "two times"),
    3: ("three times",),
    4: ("four times",),
    5: ("five times",),
}
NUMBER_WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
SOUND_EVENTS = {
    "bell": ("a bell rings", "a bell is heard"),
    "drum": ("a drum beats", "a drum is heard"),
    "whistle up": ("an upward whistle blows", "a whistle climbs"),
    "whistle down": ("a downward whistle blows", "a whistle drops"),
    "buzz": ("a buzzer sounds", "a buzz is heard"),
    "clap": ("someone claps", "a clap is heard"),
    "chirp": ("a bird chirps", "a chirp is heard"),
    "hum": ("a motor hums", "a hum is heard"),
}
OFF_STAGE_PHRASES = ("off stage", "out of sight")
TURN_NOUNS = {
    "slide left": "slide",
    "slide right": "slide",
    "rise": "rise",
    "fall": "fall",
    "grow": "growth",
    "shrink": "shrinking",
    "bounce": "hop",
    "orbit": "round",
    "spin": "turn",
    "blink": "blink",
    "swing": "swing",
}
SIGN_PHRASES = ("a sign says {}", "the word {} is written on a sign", "the sign reads {}")


def base_verb(action: str) -> str:
    """An action as a plain verb, as questions ask and tags say it: `slide left`, `bounce`."""
    return "circle around" if action == "orbit" else action


def gerund(action: str) -> str:
    """An action as in "what happens after bouncing"."""
    return VERBS[action][0][1]


@cache
def content_words() -> frozenset[str]:
    """Single words that state a fact: what may be blanked in a sentence."""
    nouns = {noun for words in NOUNS.values() for noun in words}
    looks = {word for table in (COLOUR_WORDS, SIZE_WORDS) for words in table.values() for word in words}
    verbs = {form for pairs in VERBS.values() for pair in pairs for form in pair if " " not in form}
    places = {"brick", "striped", "checkered", "dotted", "wavy", "plain"}
    sounds = {"bell", "drum", "whistle", "buzzer", "buzz", "claps", "clap", "chirps", "chirp", "hums", "hum"}
    return frozenset(nouns | looks | verbs | places | sounds | {"left", "right", "twice", *NUMBER_WORDS.values()})


assert set(REPEATABLE) <= set(VERBS), "every action needs its verbs"
