"""`dataclass`, as the standard library's, but a program that starts does not wait for it.

The standard one writes and compiles six functions for each class, 0.3 to 0.7 ms of every start; a first command loads
more than a hundred classes, and makes few instances of each. Here the fields are found by the standard one, `__init__`
is written for a class of many instances, and the other methods are the same functions for all classes.
`dataclasses.replace`, `fields` and matching work as ever; type checkers see the standard decorator.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, slots=False, kw_only=False, eq=True):
        """As `dataclasses.dataclass`, with those of its options that are used here."""

        def decorate(cls):
            return _made(cls, frozen=frozen, slots=slots, kw_only=kw_only, eq=eq)

        return decorate if cls is None else decorate(cls)


__all__ = ["dataclass"]

_UNSET = object()
_SPECIAL = ("ClassVar", "InitVar", "KW_ONLY")
_FEW = 8
"""Instances that are made without an `__init__` of their class's own, which takes longer to write than they to make."""


def _made(cls: Any, *, frozen: bool, slots: bool, kw_only: bool, eq: bool) -> Any:
    own = frozenset(vars(cls))
    if cls.__doc__ is None:
        cls.__doc__ = cls.__name__  # the standard one would write a signature, which takes long
    made = _with_fields(cls, slots=slots, kw_only=kw_only)
    _check_order(made)
    methods: dict[str, Any] = {"__init__": _until_written(made), "__repr__": _repr}
    if eq:
        methods |= {"__eq__": _equal, "__hash__": _hash if frozen else None}
    if frozen:
        methods |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
        if slots:
            methods |= {"__getstate__": _state, "__setstate__": _put_back}
    for name, method in methods.items():
        if name not in own or (name == "__hash__" and "__eq__" in own and vars(cls)[name] is None):
            setattr(made, name, method)
    return made


def _with_fields(cls: Any, *, slots: bool, kw_only: bool) -> Any:
    """The class with its fields. The standard one searches each annotation for what is special about a field: it is
    shown those in which something may be."""
    decorate = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)
    annotations = vars(cls).get("__annotations__", {})
    plain = [name for name, text in annotations.items() if type(text) is str and not any(map(text.count, _SPECIAL))]
    cls.__annotations__ = {**annotations, **dict.fromkeys(plain, object)}
    made = decorate(cls)
    made.__annotations__ = annotations
    for name in plain:
        made.__dataclass_fields__[name].type = annotations[name]
    return made


def _check_order(cls: Any) -> None:
    """TypeError where the list of parameters could not be written, now and not with the first call that needs it."""
    after = False
    for field in dataclasses.fields(cls):
        if field.init and not field.kw_only:
            required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            if after and required:
                raise TypeError(f"non-default argument {field.name!r} follows default argument")
            after = not required


# --- making an instance ----------------------------------------------------------------------------------------------


def _until_written(cls: Any) -> Any:
    """Stands in the place of `__init__` for the first instances, and wherever that has something to refuse."""
    left = _FEW

    def begin(self: Any, *args: Any, **values: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0 or not _filled(cls, self, args, values):
            cls.__init__ = _written(cls)
            cls.__init__(self, *args, **values)
        elif hasattr(cls, "__post_init__"):
            self.__post_init__()

    return begin


def _filled(cls: Any, self: Any, args: tuple[Any, ...], values: dict[str, Any]) -> bool:
    """Put in what `__init__` would; False where the arguments are not those that it takes."""
    assign = object.__setattr__ if cls.__setattr__ is _refuse_to_set else setattr
    in_order = named = 0
    for field in dataclasses.fields(cls):
        if field.init and not field.kw_only and in_order < len(args):
            value = args[in_order]
            in_order += 1
        elif field.init and field.name in values:
            value = values[field.name]
            named += 1
        elif field.default is not dataclasses.MISSING:
            value = field.default
        elif field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        elif field.init:
            return False
        else:
            continue
        assign(self, field.name, value)
    return in_order == len(args) and named == len(values)


def _written(cls: Any) -> Any:
    """The `__init__` of a class, compiled."""
    names: dict[str, Any] = {"_set": object.__setattr__, "_unset": _UNSET}
    in_order, by_name, body = ["self"], ["*"], []
    assign = "_set(self, {0!r}, {1})" if cls.__setattr__ is _refuse_to_set else "self.{0} = {1}"
    for field in dataclasses.fields(cls):
        if field.default_factory is not dataclasses.MISSING:
            names[f"_make_{field.name}"] = field.default_factory
        if field.default is not dataclasses.MISSING:
            names[f"_default_{field.name}"] = field.default
        if field.init:
            (by_name if field.kw_only else in_order).append(_parameter(field))
        if (value := _value(field)) is not None:
            body.append(assign.format(field.name, value))
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ", ".join([*in_order, *(by_name if len(by_name) > 1 else [])])
    text = f"def __init__({parameters}):\n " + "\n ".join(body or ["pass"])
    made: dict[str, Any] = {}
    exec(text, names, made)  # noqa: S102 - names of our own fields, as in the standard library
    made["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
    return made["__init__"]


def _parameter(field: dataclasses.Field[Any]) -> str:
    """As it stands in the list of parameters."""
    if field.default_factory is not dataclasses.MISSING:
        return f"{field.name}=_unset"
    return field.name if field.default is dataclasses.MISSING else f"{field.name}=_default_{field.name}"


def _value(field: dataclasses.Field[Any]) -> str | None:
    """What is put into the instance; None where `__post_init__` does that."""
    if field.default_factory is not dataclasses.MISSING:
        made = f"_make_{field.name}()"
        return f"{made} if {field.name} is _unset else {field.name}" if field.init else made
    if field.init:
        return field.name
    return None if field.default is dataclasses.MISSING else f"_default_{field.name}"


# --- what all have ---------------------------------------------------------------------------------------------------

_getters: dict[tuple[type, bool], Any] = {}
"""What gets the values of a class that are compared; and those that are hashed."""


def _values(self: Any, *, hashed: bool = False) -> Any:
    key = type(self), hashed
    get = _getters.get(key)
    if get is None:
        wanted = [
            field.name
            for field in dataclasses.fields(self)
            if (field.hash if hashed and field.hash is not None else field.compare)
        ]
        get = _getters[key] = _getter(wanted)
    return get(self)


def _getter(names: list[str]) -> Any:
    """What gets the values of `names` as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _equal(self: Any, other: object) -> Any:
    return _values(self) == _values(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self, hashed=True))


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _refuse_to_set(self: Any, name: str, value: object) -> None:
    if _holds(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _refuse_to_delete(self: Any, name: str) -> None:
    if _holds(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
    object.__delattr__(self, name)


def _holds(self: Any, name: str) -> bool:
    """Whether that name is frozen: all are, but for those that an undecorated subclass adds."""
    return "__dataclass_params__" in vars(type(self)) or name in self.__dataclass_fields__


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _put_back(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
