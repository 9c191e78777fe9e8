"""What simulated files hold, compared with a plain bytearray."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mocks.content import LOG_LINE, PAGE, Content, log_lines, noise

NEAR_PAGES = st.integers(0, 3 * PAGE) | st.sampled_from([PAGE - 1, PAGE, PAGE + 1, 2 * PAGE])
CHANGES = st.lists(
    st.tuples(st.just("write"), NEAR_PAGES, st.binary(max_size=40))
    | st.tuples(st.just("cut"), NEAR_PAGES, st.just(b"")),
    max_size=8,
)


@given(CHANGES, NEAR_PAGES, st.booleans())
def test_it_holds_what_a_file_would_hold(changes: list[tuple[str, int, bytes]], size: int, generated: bool) -> None:
    base = noise(7)
    content = Content(base=base, size=size) if generated else Content()
    model = bytearray(base(0, size) if generated else b"")
    for kind, offset, data in changes:
        if kind == "write":
            content.write(offset, data)
            if data:
                model.extend(bytes(max(0, offset - len(model))))
                model[offset : offset + len(data)] = data
        else:
            content.truncate(offset)
            del model[offset:]
            model.extend(bytes(offset - len(model)))
    assert content.size == len(model)
    assert content.read(0, len(model) + 10) == bytes(model)


@given(st.integers(0, 5 << 20), st.integers(0, 3 << 20))
def test_noise_is_the_same_however_it_is_read(offset: int, size: int) -> None:
    generate = noise(3)
    middle = size // 3
    assert generate(offset, size) == generate(offset, middle) + generate(offset + middle, size - middle)
    assert len(generate(offset, size)) == size


def test_no_two_megabytes_of_noise_are_alike() -> None:
    blocks = {noise(seed)(index << 20, 64) for seed in range(5) for index in range(5)}
    assert len(blocks) == 25


def test_four_gigabytes_take_no_memory() -> None:
    content = Content(base=noise(1), size=4_200_000_000)
    assert len(content.read(4_199_999_990, 100)) == 10
    assert content.stored == 0
    content.write(2_000_000_000, b"changed")
    assert content.read(1_999_999_999, 9)[1:8] == b"changed"
    assert content.stored <= PAGE


def test_logs_have_lines_of_one_length_and_time_goes_on() -> None:
    generate = log_lines("orders", datetime(2026, 3, 1, tzinfo=UTC), timedelta(seconds=1))
    lines = generate(0, LOG_LINE * 3000).split(b"\n")
    assert {len(line) for line in lines[:-1]} == {LOG_LINE - 1}
    stamps = [line[:20] for line in lines[:-1]]
    assert stamps == sorted(stamps) and stamps[0] == b"2026-03-01T00:00:00Z"
    assert generate(LOG_LINE * 1500 + 7, 300) == generate(0, LOG_LINE * 3000)[LOG_LINE * 1500 + 7 :][:300]
