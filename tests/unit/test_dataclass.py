"""Our `dataclass` and the standard library's make classes that do the same."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.dataclass import dataclass

if TYPE_CHECKING:
    from dataclasses import dataclass as decorator
else:
    decorator = None
    """Set by `BOTH`."""

Decorator = Callable[..., Any]


@pytest.fixture(params=[dataclass, dataclasses.dataclass], ids=["ours", "standard"])
def _each(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "decorator", request.param)


BOTH = pytest.mark.usefixtures("_each")


def both(**options: bool) -> tuple[Decorator, Decorator]:
    return dataclass(**options), dataclasses.dataclass(**options)


# --- the same for whatever class -------------------------------------------------------------------------------------

OPTIONS = st.fixed_dictionaries(
    {"frozen": st.booleans(), "slots": st.booleans(), "kw_only": st.booleans(), "eq": st.booleans()}
)
FIELD = st.sampled_from(
    [
        {},
        {"default": 1},
        {"default_factory": list},
        {"default": 2, "repr": False},
        {"default": 3, "compare": False},
        {"default": 4, "hash": False},
        {"default": 5, "kw_only": True},
        {"kw_only": True},
        {"init": False, "default": 6},
        {"init": False, "default_factory": dict},
    ]
)
VALUES = st.one_of(st.integers(0, 2), st.text(max_size=2), st.lists(st.integers(), max_size=1))


def made(decorate: Decorator, specs: list[dict[str, Any]]) -> Any:
    """A class with those fields, or what kept it from being made."""
    space: dict[str, Any] = {"__annotations__": {f"f{n}": "object" for n in range(len(specs))}}
    space |= {f"f{n}": field(**spec) for n, spec in enumerate(specs) if spec}
    try:
        return decorate(type("Made", (), space))
    except TypeError as error:
        return str(error)


def outcome(work: Callable[[], Any]) -> Any:
    """What came of it. (The standard library's slotted classes refuse an unknown name with a TypeError, by mistake.)"""
    try:
        return work()
    except (TypeError, AttributeError, SyntaxError):
        return "refused"


CALLS = st.tuples(st.lists(VALUES, max_size=4), st.dictionaries(st.sampled_from(["f0", "f1", "f2", "f3"]), VALUES))


@given(OPTIONS, st.lists(FIELD, max_size=4), CALLS)
def test_it_makes_what_the_standard_one_makes(
    options: dict[str, bool], specs: list[dict[str, Any]], call: tuple[list[Any], dict[str, Any]]
) -> None:
    args, named = call
    ours, theirs = (made(decorate, specs) for decorate in both(**options))
    if isinstance(theirs, str):  # fields without a default after one with it
        assert isinstance(ours, str) or outcome(ours) == "refused"
        return
    one, other = (outcome(partial(cls, *args, **named)) for cls in (ours, theirs))
    if other == "refused":
        assert one == other
        return
    assert ours.__match_args__ == theirs.__match_args__
    assert repr(one).rpartition("(")[2] == repr(other).rpartition("(")[2]
    assert (ours(*args, **named) == one) == (theirs(*args, **named) == other)
    assert outcome(lambda: hash(one)) == outcome(lambda: hash(other)) or not options["eq"]
    assert dataclasses.asdict(one) == dataclasses.asdict(other)
    for name in (*named, "more"):
        assert outcome(partial(setattr, one, name, 9)) == outcome(partial(setattr, other, name, 9))
        assert outcome(partial(getattr, one, name)) == outcome(partial(getattr, other, name))
        assert outcome(partial(delattr, one, name)) == outcome(partial(delattr, other, name))


# --- what is made of them --------------------------------------------------------------------------------------------


@BOTH
def test_inheritance_of_fields_and_methods() -> None:
    @decorator(frozen=True, slots=True)
    class Event:
        host: str

    @decorator(frozen=True, slots=True)
    class Lost(Event):
        reason: str = "?"
        shared: ClassVar[int] = 3

        def __post_init__(self) -> None:
            object.__setattr__(self, "reason", self.reason.upper())

    lost = Lost("web-1", reason="reset")
    assert (lost.host, lost.reason, Lost.shared) == ("web-1", "RESET", 3)
    assert [each.name for each in fields(lost)] == ["host", "reason"]
    assert replace(lost, host="db-2") == Lost("db-2", "RESET")
    assert repr(lost).endswith("Lost(host='web-1', reason='RESET')")
    assert Event("web-1") != lost
    match lost:
        case Event(host):
            assert host == "web-1"
    with pytest.raises(FrozenInstanceError):
        lost.host = "x"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del lost.host
    assert len({lost, Lost("web-1", "RESET")}) == 1


@BOTH
def test_an_undecorated_subclass_may_hold_more_but_change_nothing() -> None:
    @decorator(frozen=True)
    class Target:
        name: str

    class Kept(Target):
        def __init__(self) -> None:
            super().__init__("kept")
            self.seen = 1

    kept = Kept()
    kept.seen = 2
    with pytest.raises(FrozenInstanceError):
        kept.name = "x"  # type: ignore[misc]
    del kept.seen


@BOTH
def test_a_field_that_must_be_given_cannot_follow_one_that_need_not_be() -> None:
    with pytest.raises(TypeError, match="non-default argument 'name' follows default argument"):

        @decorator()
        class Wrong:
            number: int = 1
            name: str  # type: ignore[misc]  # what is tried

    @decorator()
    class Right:
        number: int = 1
        name: str = field(kw_only=True)

    assert Right(name="a") == Right(1, name="a")


@BOTH
def test_own_methods_stay() -> None:
    @decorator(frozen=True, slots=True)
    class Word:
        text: str

        def __repr__(self) -> str:
            return "a word"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Word) and self.text.lower() == other.text.lower()

        def __hash__(self) -> int:
            return 7

    assert (repr(Word("a")), Word("a") == Word("A"), hash(Word("b"))) == ("a word", True, 7)


@dataclass(frozen=True, slots=True)
class Carried:
    """Of the module, as pickles need it."""

    name: str
    more: list[int] = field(default_factory=list)


def test_copies_and_pickles() -> None:
    value = Carried("a", [1])
    assert copy.deepcopy(value) == copy.copy(value) == pickle.loads(pickle.dumps(value)) == value
    assert copy.deepcopy(value).more is not value.more


def test_a_value_that_holds_itself_can_be_shown() -> None:
    value = Carried("a")
    value.more.append(value)  # type: ignore[arg-type]
    assert repr(value) == "Carried(name='a', more=[...])"


def test_wrong_arguments_are_told_as_ever() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        Carried()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'nmae'"):
        Carried(nmae="a")  # type: ignore[call-arg]


@given(OPTIONS, st.lists(FIELD, max_size=4), CALLS)
def test_the_hundredth_instance_is_made_as_the_first(
    options: dict[str, bool], specs: list[dict[str, Any]], call: tuple[list[Any], dict[str, Any]]
) -> None:
    args, named = call
    cls = made(dataclass(**options), specs)
    if isinstance(cls, str):
        return
    first = outcome(partial(cls, *args, **named))
    instances = [outcome(partial(cls, *args, **named)) for _ in range(20)]
    assert {repr(one) for one in instances} == {repr(first)}
