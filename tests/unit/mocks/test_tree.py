"""The rules of a file system in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.connector import FileKind
from backend.errors import Code, FileError
from mocks.content import Content
from mocks.nodes import Directory, File, Node, NumberedFiles, attributes_of
from mocks.tree import ROOT, Actor, Tree

ADA = Actor(1000, frozenset({1000, 50}), gid=1000)
BOB = Actor(1001, frozenset({1001, 50}), gid=1001)


@pytest.fixture
def tree() -> Tree:
    tree = Tree(now=lambda: 1_700_000_000.0, total=1_000_000, used=0)
    tree.mkdir(b"/home")
    for name, owner in ((b"ada", ADA), (b"bob", BOB)):
        tree.mkdir(b"/home/" + name, mode=0o755)
        tree.get(b"/home/" + name).uid = owner.uid
    return tree


def write(tree: Tree, path: bytes, data: bytes = b"", actor: Actor = ROOT, mode: int | None = None) -> None:
    tree.write(tree.open_writing(path, actor, mode=mode), 0, data, path)


def code_of(doing: Callable[[], object]) -> Code:
    with pytest.raises(FileError) as caught:
        doing()
    return caught.value.code


def test_a_path_is_tidied_on_the_way(tree: Tree) -> None:
    write(tree, b"/home/ada/f")
    assert tree.find(b"//home/./bob/../ada//f").path == b"/home/ada/f"
    assert tree.find(b"/../..").path == b"/"
    assert tree.find(b"/home/ada/").path == b"/home/ada"


def test_links_lead_on_relative_and_absolute(tree: Tree) -> None:
    write(tree, b"/home/ada/f", b"1")
    tree.symlink(b"/home/bob/relative", b"../ada")
    tree.symlink(b"/home/bob/absolute", b"/home/ada/f")
    assert tree.find(b"/home/bob/relative/f").path == b"/home/ada/f"
    assert tree.find(b"/home/bob/absolute").path == b"/home/ada/f"
    assert tree.find(b"/home/bob/absolute", follow=False).path == b"/home/bob/absolute"


def test_links_in_a_circle_end(tree: Tree) -> None:
    tree.symlink(b"/a", b"b")
    tree.symlink(b"/b", b"a")
    assert code_of(lambda: tree.get(b"/a")) is Code.NOT_FOUND


def test_other_peoples_directories_are_read_and_not_written(tree: Tree) -> None:
    write(tree, b"/home/ada/f", actor=ADA)
    assert tree.get(b"/home/ada/f", BOB)
    assert code_of(lambda: write(tree, b"/home/ada/g", actor=BOB)) is Code.PERMISSION
    assert code_of(lambda: tree.remove(b"/home/ada/f", BOB)) is Code.PERMISSION
    assert code_of(lambda: tree.open_writing(b"/home/ada/f", BOB)) is Code.PERMISSION
    assert code_of(lambda: tree.set_attributes(b"/home/ada/f", BOB, mode=0o777)) is Code.PERMISSION


def test_a_private_directory_is_closed_to_others_and_not_to_root(tree: Tree) -> None:
    tree.mkdir(b"/home/ada/private", ADA, 0o700)
    write(tree, b"/home/ada/private/f", actor=ADA)
    assert code_of(lambda: tree.get(b"/home/ada/private/f", BOB)) is Code.PERMISSION
    assert code_of(lambda: tree.directory(b"/home/ada/private", BOB)) is Code.PERMISSION
    assert tree.get(b"/home/ada/private/f", ROOT)


def test_a_group_may_do_what_its_bits_say(tree: Tree) -> None:
    write(tree, b"/home/ada/shared", actor=ADA, mode=0o640)
    node = tree.get(b"/home/ada/shared")
    assert code_of(lambda: tree.open_reading(b"/home/ada/shared", BOB)) is Code.PERMISSION
    node.gid = 50
    assert tree.open_reading(b"/home/ada/shared", BOB) is node
    assert code_of(lambda: tree.open_writing(b"/home/ada/shared", BOB)) is Code.PERMISSION


def test_the_umask_takes_bits_from_new_things(tree: Tree) -> None:
    write(tree, b"/home/ada/f", actor=ADA, mode=0o666)
    tree.mkdir(b"/home/ada/d", ADA, 0o777)
    assert (tree.get(b"/home/ada/f").mode, tree.get(b"/home/ada/d").mode) == (0o644, 0o755)


def test_a_full_disk_takes_nothing_and_gives_back_what_is_removed(tree: Tree) -> None:
    write(tree, b"/big", bytes(900_000))
    assert tree.space().free == 100_000
    assert code_of(lambda: write(tree, b"/more", bytes(100_001))) is Code.DISK_FULL
    assert tree.open_reading(b"/more") and attributes_of(tree.get(b"/more")).size == 0
    tree.remove(b"/big")
    assert tree.space().free == 1_000_000
    write(tree, b"/more", bytes(100_001))


def test_overwriting_in_place_takes_no_further_room(tree: Tree) -> None:
    write(tree, b"/f", bytes(800_000))
    write(tree, b"/f", bytes(800_000))
    assert tree.space().free == 200_000
    tree.truncate(tree.open_writing(b"/f"), 0)
    assert tree.space().free == 1_000_000


def test_a_directory_never_goes_into_itself(tree: Tree) -> None:
    tree.mkdir(b"/a")
    assert code_of(lambda: tree.replace(b"/a", b"/a/b")) is Code.FILE_FAILED


def test_replacing_over_a_directory_is_refused_for_files(tree: Tree) -> None:
    write(tree, b"/f")
    tree.mkdir(b"/d")
    assert code_of(lambda: tree.replace(b"/f", b"/d")) is Code.IS_DIRECTORY
    assert code_of(lambda: tree.replace(b"/d", b"/f")) is Code.NOT_DIRECTORY
    tree.mkdir(b"/e")
    tree.replace(b"/e", b"/d")
    assert not tree.exists(b"/e")


def test_a_name_may_be_255_bytes_long(tree: Tree) -> None:
    write(tree, b"/" + b"x" * 255)
    assert code_of(lambda: write(tree, b"/" + b"x" * 256)) is Code.FILE_FAILED


def test_the_root_stays(tree: Tree) -> None:
    assert code_of(lambda: Tree(now=lambda: 0.0).rmdir(b"/")) is Code.PERMISSION


def test_attributes_tell_kind_size_and_owner(tree: Tree) -> None:
    tree.symlink(b"/l", b"target")
    assert attributes_of(tree.get(b"/l", follow=False)).kind is FileKind.SYMLINK
    assert attributes_of(tree.get(b"/l", follow=False)).size == 6
    assert attributes_of(tree.get(b"/home"), "root").owner == "root"


COUNT = 20
NAMES = st.integers(0, COUNT + 3).map(lambda number: f"file-{number:03}".encode()) | st.sampled_from([b"x", b"file-1"])


@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "look"]), NAMES), max_size=30))
def test_numbered_files_behave_as_a_dictionary_of_them(steps: list[tuple[str, bytes]]) -> None:
    numbered = NumberedFiles(COUNT, "file-{:03}", lambda number: File(0o644, content=Content(b"x" * number)))
    model: dict[bytes, Node | None] = {f"file-{number:03}".encode(): None for number in range(COUNT)}
    for step, name in steps:
        if step == "add":
            numbered[name] = model[name] = Directory(0o755)
        elif step == "remove" and name in model:
            del numbered[name], model[name]
        elif step == "remove":
            with pytest.raises(KeyError):
                del numbered[name]
        assert (name in numbered) == (name in model)
    assert sorted(numbered) == sorted(model)
    assert len(numbered) == len(model)
    assert all(numbered[name] is node for name, node in model.items() if node is not None)


def test_a_numbered_file_that_was_looked_at_keeps_what_is_written_to_it() -> None:
    numbered = NumberedFiles(5, "f{}", lambda number: File(0o644))
    node = numbered[b"f3"]
    assert isinstance(node, File)
    node.content.write(0, b"kept")
    assert numbered[b"f3"] is node and numbered.peek(b"f3") is node
    assert numbered.peek(b"f4") is not numbered.peek(b"f4")


def test_a_failure_names_the_host() -> None:
    tree = Tree(now=lambda: 0.0, host="web-1")
    with pytest.raises(FileError) as raised:
        tree.get(b"/nope")
    assert raised.value.host == "web-1"
    assert raised.value.advice[0].command == "fairlead ls web-1:/"
