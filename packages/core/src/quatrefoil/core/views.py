"""Views: named tensors that a model can compute from a batch, on demand, once.

A view is a method of a model marked with `@view`; its parameters name the views and the batch fields that it needs (as
fixtures do in pytest), so the methods of a model, read in order, are the graph of the paper's figure.

Legend: B rows of the batch, T tokens, D width.
"""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from torch import Tensor, nn

from quatrefoil.core.config import nearest

Method = TypeVar("Method", bound=Callable[..., Any])
_MARK = "__quatrefoil_view__"


class Tokens(NamedTuple):
    """A padded set of token states; `mask_BT` is True at real tokens."""

    states_BTD: Tensor
    mask_BT: Tensor

    def mean(self) -> Tensor:
        """The mean of the real tokens, (B, D); zeros for a row that has none."""
        share_BT = self.mask_BT / self.mask_BT.sum(1, keepdim=True).clamp(min=1)
        return (self.states_BTD * share_BT[..., None]).sum(1)


class ViewError(ValueError):
    """A view or field that is asked for but cannot be had, or views that need each other in a circle."""


def view(method: Method) -> Method:
    """Mark a method of a model as a view. Its parameter names are the views and batch fields that it needs."""
    setattr(method, _MARK, True)
    return method


class ViewGraph:
    """Which view of a model needs what.

    Args:
        model_type: the class whose `@view` methods make the graph, inherited ones among them.

    Raises:
        ViewError: when views need each other in a circle, or a view has a parameter that cannot name a need.
    """

    def __init__(self, model_type: type[nn.Module]) -> None:
        self.model_name = model_type.__name__
        self.needs: dict[str, tuple[str, ...]] = {
            name: self._needs_of(name, method)
            for cls in reversed(model_type.__mro__)
            for name in vars(cls)
            if hasattr(method := getattr(model_type, name), _MARK)
        }
        for name in self.needs:
            self.order([name])

    def _needs_of(self, name: str, method: Callable[..., Any]) -> tuple[str, ...]:
        parameters = list(inspect.signature(method).parameters.values())[1:]
        for parameter in parameters:
            if parameter.default is not parameter.empty or parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
                raise ViewError(
                    f"{self.model_name}.{name}: `{parameter}` cannot name a view or field; use a plain parameter"
                )
        return tuple(parameter.name for parameter in parameters)

    def order(self, names: Iterable[str]) -> list[str]:
        """The views to compute for `names`, each after all that it needs; batch fields are left out."""
        done: dict[str, None] = {}

        def visit(name: str, path: tuple[str, ...]) -> None:
            if name in path:
                raise ViewError(f"{self.model_name}: views need each other in a circle: {' -> '.join((*path, name))}")
            if name in self.needs and name not in done:
                for need in self.needs[name]:
                    visit(need, (*path, name))
                done[name] = None

        for name in names:
            visit(name, ())
        return list(done)

    def fields(self, names: Iterable[str]) -> frozenset[str]:
        """The batch fields from which `names` (views or fields) are computed."""
        names = list(names)
        wanted = set(names).union(*(self.needs[name] for name in self.order(names)))
        return frozenset(wanted - self.needs.keys())

    def depending_on(self, names: Collection[str]) -> frozenset[str]:
        """The views whose value changes when the values of `names` change (without `names` themselves)."""
        changed = set(names)
        for name in self.order(self.needs):
            if changed.intersection(self.needs[name]):
                changed.add(name)
        return frozenset(changed.difference(names))

    def check(self, asked: Mapping[str, Iterable[str]], available_fields: Iterable[str]) -> None:
        """Check that everything that is asked for can be had.

        Args:
            asked: who asks (for the message) -> names of views or fields.
            available_fields: what the data can put into a batch.

        Raises:
            ViewError: naming who asks for what, through which views, and the nearest name that exists.
        """
        available = set(available_fields)
        for asker, names in asked.items():
            for name in names:
                for field in self.fields([name]) - available:
                    users = [v for v in self.order([name]) if field in self.needs[v]]
                    through = f" (needed by view `{users[0]}`)" if users else ""
                    raise ViewError(
                        f"{asker} asks for `{name}`: `{field}`{through} is neither a view of {self.model_name} "
                        f"nor a field of the data{nearest(field, [*self.needs, *available])}. "
                        f"Views: {sorted(self.needs)}; fields: {sorted(available)}"
                    )


_graphs: dict[type[nn.Module], ViewGraph] = {}


def graph_of(model: nn.Module | type[nn.Module]) -> ViewGraph:
    """The view graph of a model or model class (made once per class)."""
    model_type = model if isinstance(model, type) else type(model)
    if model_type not in _graphs:
        _graphs[model_type] = ViewGraph(model_type)
    return _graphs[model_type]


class Views:
    """The views of one batch: `views["name"]` computes what is needed, once, and returns it.

    Args:
        model: a module with `@view` methods.
        batch: field name -> value.
    """

    def __init__(self, model: nn.Module, batch: Mapping[str, Any]) -> None:
        self._model, self._graph = model, graph_of(model)
        self._values: dict[str, Any] = dict(batch)
        self._original: Views | None = None
        self._stale: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            if self._original is not None and name not in self._stale:
                return self._original[name]
            if name not in self._graph.needs:
                raise ViewError(
                    f"`{name}` is neither a view of {self._graph.model_name} nor in the batch {sorted(self._values)}"
                )
            needs = {need: self[need] for need in self._graph.needs[name]}
            self._values[name] = getattr(self._model, name)(**needs)
        return self._values[name]

    def replace(self, **values: Any) -> "Views":
        """The same graph with `values` in place of those views or fields.

        What does not depend on them is shared with this object (computed at most once); what does is computed anew.
        """
        other = Views(self._model, values)
        other._original, other._stale = self, self._graph.depending_on(values)
        return other
