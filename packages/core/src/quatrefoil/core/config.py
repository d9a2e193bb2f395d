"""Dotted overrides of nested frozen dataclasses, with errors that name the nearest valid key."""

import dataclasses
import hashlib
import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

Config = TypeVar("Config")
_OFF = ("off", "none")
_ALIKE = 0.4  # how like a name must be to be suggested: a typing error in a short one reaches it


class ConfigError(ValueError):
    """An override that does not fit the configuration."""


def override(config: Config, assignments: Sequence[str]) -> Config:
    """A copy of `config` with dotted assignments applied, e.g. `["train.steps=100", "objectives.mlm=off"]`.

    A value is read as JSON where it can be (`[1, 2]`, `1e-4`, `true`, `null`), else as text, and checked against the
    annotated type. `off` (or `none`) takes an entry out of a mapping, or sets an optional field to None.

    Raises:
        ConfigError: an assignment without `=`, an unknown key (with the nearest one), or a value of another type.
    """
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"`{assignment}` is not of the form key=value")
        config = _assign(config, path.split("."), text, path)
    return config


def nearest(name: str, known: Iterable[str]) -> str:
    """` (did you mean ...?)` where a known name is like `name`, else nothing."""
    near = get_close_matches(name, known, n=1, cutoff=_ALIKE)
    return f" (did you mean `{near[0]}`?)" if near else ""


def _assign(node: Any, keys: list[str], text: str, path: str) -> Any:
    key, rest = keys[0], keys[1:]
    children = _children(node)
    if children is None:
        raise ConfigError(f"{path}: `{key}` is below a value ({node!r}) that has no parts")
    if key not in children:
        raise ConfigError(
            f"unknown key `{path}`: no `{key}` here{_meant(node, keys, path)}; there are {', '.join(children)}"
        )
    if isinstance(node, Mapping):
        if not rest and text in _OFF:
            return {name: value for name, value in node.items() if name != key}
        if not rest:
            raise ConfigError(
                f"{path}: can only be switched `off`; its parts are {path}.{{{','.join(_children(node[key]) or ())}}}"
            )
        return {**node, key: _assign(node[key], rest, text, path)}
    if rest:
        value = _assign(children[key], rest, text, path)
    elif _children(children[key]) is not None and not (dataclasses.is_dataclass(children[key]) and text in _OFF):
        raise ConfigError(f"{path} is a group; set one of its parts: {', '.join(_children(children[key]) or ())}")
    else:
        value = parse(get_type_hints(type(node))[key], text, path)
    try:
        return dataclasses.replace(node, **{key: value})
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"{path}={text}: {error}") from error


def _meant(node: Any, keys: Sequence[str], path: str) -> str:
    """The whole key that may have been meant: the same one deeper down, else one whose part here is spelled alike."""
    before, known = path.split(".")[: -len(keys)], list(_paths(node))
    deeper = sorted((each for each in known if each[-len(keys) :] == list(keys)), key=len)
    alike = [[name, *keys[1:]] for name in get_close_matches(keys[0], _children(node) or (), cutoff=_ALIKE)]
    found = [*deeper, *sorted(alike, key=lambda each: each not in known)]
    return f" (did you mean `{'.'.join([*before, *found[0]])}`?)" if found else ""


def _paths(node: Any) -> Iterator[list[str]]:
    """The keys of all groups and values below."""
    for name, child in (_children(node) or {}).items():
        yield [name]
        yield from ([name, *deeper] for deeper in _paths(child))


def _children(node: Any) -> dict[str, Any] | None:
    if isinstance(node, Mapping):
        return dict(node)
    if dataclasses.is_dataclass(node):
        return {f.name: getattr(node, f.name) for f in dataclasses.fields(node) if f.init}
    return None


def parse(hint: Any, text: str, where: str) -> Any:
    """Read `text` as a value of type `hint`; `ConfigError` names `where` if it is none."""
    try:
        adapter = TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:
        adapter = TypeAdapter(hint)
    candidates: list[Any] = [None] if text in _OFF else []
    with suppress(json.JSONDecodeError):
        candidates.append(json.loads(text))
    for candidate in [*candidates, text]:
        with suppress(ValidationError):
            return adapter.validate_python(candidate)
    raise ConfigError(f"{where}={text}: needs {_in_words(hint)}, not {text!r}{_quoted(adapter, text, where)}")


def _quoted(adapter: "TypeAdapter[Any]", text: str, where: str) -> str:
    """What to write where a list lacks nothing but the quotes of its entries, which shells take away."""
    if not (text.startswith("[") and text.endswith("]")):
        return ""
    entries = [entry.strip(" '\"") for entry in text[1:-1].split(",")]
    try:
        adapter.validate_python(entries)
    except ValidationError:
        return ""
    return f"; entries that are text need quotes: {shlex.quote(f'{where}={json.dumps(entries)}')}"


_WORDS: Mapping[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "a path",
    NoneType: "none",
}


def _in_words(hint: Any) -> str:
    """What a value of a type is, for those who do not read Python."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return f"one of {', '.join(map(str, parts))}"
    if origin in (Union, UnionType):
        return " or ".join(map(_in_words, parts))
    if origin is tuple and parts[1:] == (...,):
        return f"a list in brackets, each entry {_in_words(parts[0])}"
    if origin is tuple:
        return f"[{', '.join(map(_in_words, parts))}]"
    return _WORDS.get(hint) or f"a {getattr(hint, '__name__', hint)}"


HOW_NOT_WHAT: Mapping[str, bool] = {"how_not_what": True}
"""Metadata of a field that says where things lie or how fast they go, not what is learned: it is left out of hashes."""

_HASHED_AS = "hashed_as"


def hashed_as(stands_for: Callable[[Any], Any]) -> Mapping[str, Callable[[Any], Any]]:
    """Metadata of a field for which hashes take `stands_for(value)`: of a path to weights what they are, not where."""
    return {_HASHED_AS: stands_for}


def to_plain(config: Any, *, what_only: bool = False) -> Any:
    """The configuration as JSON-ready values; the class of each dataclass is kept under `_type`.

    With `what_only`, fields marked `HOW_NOT_WHAT` are left out, and those marked by `hashed_as` are what that says.
    """
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        kept = [f for f in dataclasses.fields(config) if not (what_only and f.metadata == HOW_NOT_WHAT)]
        values = {f.name: _hashed(f, config) if what_only else getattr(config, f.name) for f in kept}
        return {
            "_type": type(config).__name__,
            **{name: to_plain(value, what_only=what_only) for name, value in values.items()},
        }
    if isinstance(config, Mapping):
        return {str(key): to_plain(value, what_only=what_only) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [to_plain(value, what_only=what_only) for value in config]
    return str(config) if isinstance(config, Path) else config


def leaves(plain: Any, key: str = "") -> dict[str, Any]:
    """What `to_plain` made, flat: values by their dotted keys, below `key` where one is given."""
    if not isinstance(plain, dict):
        return {key: plain}
    below = ((f"{key}.{name}" if key else name, value) for name, value in plain.items())
    return {name: leaf for under, value in below for name, leaf in leaves(value, under).items()}


def _hashed(field: "dataclasses.Field[Any]", config: Any) -> Any:
    value = getattr(config, field.name)
    return field.metadata[_HASHED_AS](value) if _HASHED_AS in field.metadata else value


def restore(config: Config, plain: Any) -> Config:
    """`config` with every leaf set to what `to_plain` wrote, so that a saved run outlives changed defaults.

    Raises:
        ConfigError: the stored configuration has another structure than `config` (it was written by another version).
    """
    return _restore(config, plain, object, "config", how=False)  # type: ignore[no-any-return]


def _restore(node: Any, plain: Any, hint: Any, path: str, *, how: bool) -> Any:
    """As `restore`; `how`: all within is HOW_NOT_WHAT, and what was stored before there was a field stays as it is."""
    if dataclasses.is_dataclass(node) and not isinstance(node, type) and isinstance(plain, Mapping):
        hints = get_type_hints(type(node))
        hows = {f.name: how or f.metadata == HOW_NOT_WHAT for f in dataclasses.fields(node) if f.init}
        names = [name for name in hows if name in plain or not hows[name]]
        if plain.get("_type") != type(node).__name__ or set(names) != set(plain) - {"_type"}:
            raise ConfigError(
                f"{path}: stored as {plain.get('_type')} with {sorted(plain)}; "
                f"this version has {type(node).__name__} {names}"
            )
        return dataclasses.replace(
            node, **{n: _restore(getattr(node, n), plain[n], hints[n], f"{path}.{n}", how=hows[n]) for n in names}
        )
    if isinstance(node, Mapping) and isinstance(plain, Mapping):
        if missing := set(plain) - set(node):
            raise ConfigError(f"{path}: stored entries {sorted(missing)} are unknown to this version")
        return {n: _restore(node[n], value, object, f"{path}.{n}", how=how) for n, value in plain.items()}
    return TypeAdapter(hint).validate_python(plain) if hint is not object else plain


def fingerprint(plain: Any) -> str:
    """A short hash of a JSON-ready value: equal values, equal hash."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]
