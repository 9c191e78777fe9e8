"""A live link against OpenSSH: commands, streams, pulse, and the many ways it can end."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from backend.connection.connector import Chunk, ExitReport, OpenMode, PtyRequest, PtySize, StdStream
from backend.connection.ssh.link import SshLink
from backend.connection.target import Hop, Keepalive, Timeouts
from backend.errors import Code, ConnectError, LinkLost, SessionError
from mocks.relay import Relay
from tests.support.asyncssh_server import Door, ssh_server
from tests.support.connecting import connected, output, stdout
from tests.support.openssh import Sshd, free_port, make_key, sshd, target
from tests.support.person import Person
from tests.support.waiting import until

pytestmark = pytest.mark.sshd


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    root = tmp_path_factory.mktemp("server")
    with sshd(root, "AcceptEnv LANG FAIR_*") as running:
        running.authorize(make_key(root / "key"))
        yield running


@pytest.fixture
async def link(server: Sshd, tmp_path: Path) -> AsyncIterator[SshLink]:
    async with connected(target(_hop(server, tmp_path))) as up:
        yield up


def _hop(server: Sshd, tmp_path: Path, **more: Any) -> Hop:
    return server.hop(keys=[server.root / "key"], known=server.known_hosts(tmp_path / "known"), **more)


@asynccontextmanager
async def relayed(server: Sshd, tmp_path: Path, **more: Any) -> AsyncIterator[tuple[SshLink, Relay]]:
    """A link through a relay that can be made bad."""
    async with Relay("127.0.0.1", server.port) as relay:
        known = server.known_hosts(tmp_path / "known", f"[127.0.0.1]:{relay.port}")
        hop = server.hop(keys=[server.root / "key"], known=known, port=relay.port, **more)
        async with connected(target(hop)) as up:
            yield up, relay


# --- processes ---


async def test_both_streams_come_apart_and_the_status_is_told(link: SshLink) -> None:
    async with await link.open_process(b"echo out; sleep 0.1; echo err >&2; exit 7") as process:
        chunks = [chunk async for chunk in process.output()]
        assert await process.wait() == ExitReport(7, None)
    assert chunks == [Chunk(StdStream.OUT, b"out\n"), Chunk(StdStream.ERR, b"err\n")]


async def test_a_signal_that_ended_a_process_is_named(link: SshLink) -> None:
    async with await link.open_process(b"kill -TERM $$") as process:
        assert [chunk async for chunk in process.output()] == []
        assert await process.wait() == ExitReport(None, "TERM")


async def test_commands_and_output_are_bytes_and_bad_utf8_harms_nothing(link: SshLink) -> None:
    """In text mode one such byte ends the whole connection, with all that goes on in it."""
    other = await link.open_process(b"cat")
    assert await output(link, b"printf '\\377\\376\\303('; echo \xff\xfe") == b"\xff\xfe\xc3(\xff\xfe\n"
    await other.write(b"still here\n")
    await other.write_eof()
    assert b"".join([chunk.data async for chunk in other.output()]) == b"still here\n"
    await other.close()
    assert link.lost is None


async def test_the_environment_is_asked_for_and_a_terminal_has_its_size(link: SshLink) -> None:
    pty = PtyRequest("vt100", PtySize(91, 31))
    async with await link.open_process(b"stty size; echo $TERM $FAIR_X", pty=pty, env={"FAIR_X": "ä b"}) as process:
        shown = b"".join([chunk.data async for chunk in process.output()])
    assert shown.decode().split() == ["31", "91", "vt100", "ä", "b"]


async def test_a_terminal_learns_its_new_size(link: SshLink) -> None:
    async with await link.open_process(b"read x; stty size", pty=PtyRequest()) as process:
        process.resize(PtySize(132, 50))
        await process.write(b"\n")
        shown = b"".join([chunk.data async for chunk in process.output()])
    assert shown.endswith(b"50 132\r\n")


async def test_a_shell_is_started_where_no_command_is_given(link: SshLink) -> None:
    async with await link.open_process(None) as process:
        await process.write(b"echo $((6*7)); exit 3\n")
        await process.write_eof()
        assert b"42\n" in b"".join([chunk.data async for chunk in process.output()])
        assert await process.wait() == ExitReport(3, None)


async def test_an_empty_command_is_not_taken_for_a_shell(link: SshLink) -> None:
    async with await link.open_process(b"") as process:
        assert [chunk async for chunk in process.output()] == []
        assert await process.wait() == ExitReport(0, None)


async def test_a_million_lines_arrive_whole(link: SshLink) -> None:
    total = last = b""
    size = 0
    async with await link.open_process(b"seq 1000000") as process:
        async for chunk in process.output():
            size += len(chunk.data)
            last = (last + chunk.data)[-20:]
        assert await process.wait() == ExitReport(0, None)
    assert size == 6888896
    assert (total + last).endswith(b"999999\n1000000\n")


async def test_a_chatty_process_is_held_back_while_nobody_reads(link: SshLink, tmp_path: Path) -> None:
    """`run()` of the library buffers without bound; here at most a window lies unread."""
    counter = tmp_path / "counter"
    command = f"i=0; while [ $i -lt 400 ]; do head -c 65536 /dev/zero; i=$((i+1)); echo $i > {counter}; done"
    async with await link.open_process(command.encode()) as process:
        await _until_still(counter)
        assert int(counter.read_text()) * 65536 < 8 << 20
        assert await link.ping() < 5
        size = 0
        async for chunk in process.output():
            size += len(chunk.data)
    assert size == 400 * 65536


async def _until_still(file: Path) -> None:
    """Until the file has stopped changing."""
    before = ""
    while not file.exists() or (now := file.read_text()) != before or not now:
        before = file.read_text() if file.exists() else ""
        await asyncio.sleep(0.3)


async def test_much_stdin_arrives_whole(link: SshLink) -> None:
    block = os.urandom(1 << 16)
    async with await link.open_process(b"wc -c") as process:
        for _ in range(100):
            await process.write(block)
        await process.write_eof()
        assert (b"".join([chunk.data async for chunk in process.output()])).strip() == b"%d" % (100 << 16)


async def test_output_ends_when_both_streams_have_ended_and_wait_tells_the_rest(link: SshLink) -> None:
    async with await link.open_process(b"echo done; exec >&- 2>&-; sleep 0.5; exit 4") as process:
        assert [chunk.data async for chunk in process.output()] == [b"done\n"]
        assert await process.wait() == ExitReport(4, None)


async def test_leaving_the_output_early_lets_the_process_end(link: SshLink) -> None:
    async with await link.open_process(b"seq 2000000; exit 5") as process:
        async for _ in process.output():
            break
        assert (await process.wait()).status in (5, None)


async def test_writing_to_a_process_that_has_ended_is_an_error(link: SshLink) -> None:
    async with await link.open_process(b"exit 0") as process:
        await process.wait()
        with pytest.raises(SessionError):
            for _ in range(100):
                await process.write(b"x" * 1000)
                await asyncio.sleep(0.01)


async def test_closing_ends_a_process_that_ignores_its_stdin(link: SshLink, tmp_path: Path) -> None:
    process = await link.open_process(f"echo $$ > {tmp_path}/pid; exec sleep 1000".encode(), pty=PtyRequest())
    await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith("\n"))
    pid = int((tmp_path / "pid").read_text())
    await process.close()
    await until(lambda: not Path(f"/proc/{pid}").exists())


async def test_an_opening_that_is_cancelled_starts_nothing_and_leaves_no_channel_behind(tmp_path: Path) -> None:
    """The library forgets a channel whose opening is cancelled, and asks for the command in it when it comes."""
    with sshd(tmp_path / "single", "MaxSessions 1") as single:
        single.authorize(make_key(tmp_path / "single" / "key"))
        async with connected(target(_hop(single, tmp_path))) as link:
            file = tmp_path / "started"
            opening = asyncio.create_task(link.open_process(f"touch {file}; exec cat".encode()))
            await asyncio.sleep(0)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            await link.ping()  # the channel has come, and its end has gone out
            await link.ping()  # and has arrived
            assert await output(link, b"echo fine") == b"fine\n", "there is room for one session"
            assert not file.exists()


async def test_a_command_whose_opening_is_cancelled_when_it_has_begun_is_ended(server: Sshd, tmp_path: Path) -> None:
    async with relayed(server, tmp_path) as (link, relay):
        relay.set(delay=0.5)
        file = tmp_path / "pid"
        opening = asyncio.create_task(link.open_process(f"echo $$ > {file}; exec cat".encode()))
        await until(lambda: file.exists() and file.read_text().endswith("\n"))
        assert not opening.done(), "its answer is still on the way"
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        process = Path(f"/proc/{file.read_text().strip()}")
        relay.set(delay=0.0)
        await until(lambda: not process.exists())


async def test_closing_a_process_whose_stdin_is_full_is_quick(link: SshLink) -> None:
    """The library's close waits until the unsent rest is taken, which never comes."""
    async with await link.open_process(b"exec sleep 1000") as process:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    await process.write(b"x" * (1 << 20))
        started = time.monotonic()
    assert time.monotonic() - started < 1.5
    with pytest.raises(SessionError):
        await process.write(b"more")


async def test_a_session_that_is_one_too_many_is_refused_with_the_servers_words(tmp_path: Path) -> None:
    with sshd(tmp_path / "tight", "MaxSessions 1") as tight:
        tight.authorize(make_key(tmp_path / "tight" / "key"))
        async with connected(target(_hop(tight, tmp_path))) as link:
            first = await link.open_process(b"sleep 1000")
            with pytest.raises(SessionError) as caught:
                await link.open_process(b"true")
            assert caught.value.code is Code.SESSION_REFUSED
            assert caught.value.host == "server"
            with pytest.raises(SessionError) as files:
                await link.open_files()
            assert files.value.code is Code.SESSION_REFUSED
            await first.close()


async def test_a_session_that_nobody_answers_is_no_refusal_and_is_not_started_later(
    server: Sshd, tmp_path: Path
) -> None:
    off, mark = Keepalive(interval=0), tmp_path / "started"
    async with relayed(server, tmp_path, keepalive=off, timeouts=Timeouts(channel=0.3)) as (link, relay):
        relay.black_hole()
        with pytest.raises(SessionError) as caught:
            await link.open_process(f"touch {mark}".encode())
        assert (caught.value.code, caught.value.host) == (Code.NO_ANSWER, "server")
        assert caught.value.evidence == {"seconds": "0.3", "remote": "not started", "link": "it answers late"}
        relay.heal()
        assert await output(link, b"echo fine") == b"fine\n"
        assert not mark.exists()


async def test_a_session_that_nobody_answers_on_a_dead_link_tells_of_the_link(server: Sshd, tmp_path: Path) -> None:
    quick = Keepalive(interval=0.3, misses=2)
    async with relayed(server, tmp_path, keepalive=quick, timeouts=Timeouts(channel=0.2)) as (link, relay):
        relay.black_hole()
        with pytest.raises(LinkLost) as caught:
            await link.open_process(b"true")
        assert caught.value.code is Code.KEEPALIVE_LOST


@pytest.mark.parametrize("allowed", [10, 3])
async def test_more_commands_at_once_than_the_server_allows_take_turns(tmp_path: Path, allowed: int) -> None:
    with sshd(tmp_path / "busy", f"MaxSessions {allowed}") as busy:
        busy.authorize(make_key(tmp_path / "busy" / "key"))
        async with connected(target(_hop(busy, tmp_path))) as link:
            answers = await asyncio.gather(*(stdout(link, f"echo {number}".encode()) for number in range(25)))
            assert answers == [b"%d\n" % number for number in range(25)]


async def test_a_server_that_gives_no_terminal_says_so(tmp_path: Path) -> None:
    with sshd(tmp_path / "dull", "PermitTTY no") as dull:
        dull.authorize(make_key(tmp_path / "dull" / "key"))
        async with connected(target(_hop(dull, tmp_path))) as link:
            with pytest.raises(SessionError) as caught:
                await link.open_process(b"true", pty=PtyRequest())
            assert "PTY" in caught.value.evidence["reason"]
            assert await output(link, b"echo on") == b"on\n"


# --- streams ---


async def test_a_stream_carries_bytes_both_ways_and_ends(link: SshLink) -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())
        writer.close()

    listener = await asyncio.start_server(shout, "127.0.0.1", 0)
    stream = await link.open_stream("127.0.0.1", listener.sockets[0].getsockname()[1])
    await stream.write(b"quiet " * 50000)
    await stream.write_eof()
    answer = b""
    while data := await stream.read():
        answer += data
    await stream.close()
    listener.close()
    assert answer == b"QUIET " * 50000


async def test_a_stream_to_a_closed_port_names_this_host_as_the_jump(link: SshLink) -> None:
    with pytest.raises(ConnectError) as caught:
        await link.open_stream("127.0.0.1", free_port())
    assert caught.value.code is Code.JUMP_FAILED
    assert caught.value.hop == "server"


async def test_streams_that_the_server_prohibits_are_told_apart(tmp_path: Path) -> None:
    with sshd(tmp_path / "closed", "AllowTcpForwarding no") as closed:
        closed.authorize(make_key(tmp_path / "closed" / "key"))
        async with connected(target(_hop(closed, tmp_path))) as link:
            with pytest.raises(SessionError) as caught:
                await link.open_stream("127.0.0.1", 22)
            assert caught.value.code is Code.FORWARD_PROHIBITED


# --- pulse ---


async def test_a_ping_is_one_round_trip(server: Sshd, tmp_path: Path) -> None:
    async with relayed(server, tmp_path) as (link, relay):
        relay.set(delay=0.1)
        assert 0.2 <= await link.ping() < 1.0


async def test_a_ping_of_a_link_that_is_gone_is_an_error_and_not_a_quick_answer(server: Sshd, tmp_path: Path) -> None:
    async with relayed(server, tmp_path) as (link, relay):
        relay.black_hole()
        ping = asyncio.create_task(link.ping())
        await asyncio.sleep(0)
        relay.cut()
        with pytest.raises(LinkLost):
            await ping
        with pytest.raises(LinkLost):
            await link.ping()


# --- the end of a link ---


async def test_a_cut_link_is_a_loss_for_everybody_and_never_an_empty_success(server: Sshd, tmp_path: Path) -> None:
    async with relayed(server, tmp_path) as (link, relay):
        process = await link.open_process(b"echo before; sleep 1000")
        idle = await link.open_process(b"sleep 1000")
        files = await link.open_files()
        seen = []
        with pytest.raises(LinkLost) as caught:
            async for chunk in process.output():
                seen.append(chunk.data)
                relay.cut()
        assert seen == [b"before\n"]
        assert caught.value.code is Code.CONNECTION_LOST
        for waiting in (process.wait(), idle.wait(), idle.write(b"x"), files.stat(b"/")):
            with pytest.raises(LinkLost):
                await waiting
        assert await link.closed() is link.lost
        assert link.lost is not None and link.lost.host == "server"
        with pytest.raises(LinkLost):
            await link.open_process(b"true")
        with pytest.raises(LinkLost):
            await link.open_files()
        with pytest.raises(LinkLost):
            await link.open_stream("127.0.0.1", 22)
        await process.close()
        await files.close()


async def test_a_link_that_ends_in_good_order_without_a_status_is_a_loss_too(server: Sshd, tmp_path: Path) -> None:
    async with relayed(server, tmp_path) as (link, relay):
        process = await link.open_process(b"sleep 1000")
        relay.finish()
        with pytest.raises(LinkLost):
            assert [chunk async for chunk in process.output()] == []


async def test_silence_is_noticed_by_the_keepalive(server: Sshd, tmp_path: Path) -> None:
    keepalive = Keepalive(interval=0.1, misses=2)
    async with relayed(server, tmp_path, keepalive=keepalive) as (link, relay):
        process = await link.open_process(b"sleep 1000")
        files = await link.open_files()
        relay.black_hole()
        started = time.monotonic()
        with pytest.raises(LinkLost) as caught:
            await files.stat(b"/")
        assert time.monotonic() - started < 3
        assert caught.value.code is Code.KEEPALIVE_LOST
        with pytest.raises(LinkLost):
            await process.wait()


async def test_cancelling_work_on_a_stalled_link_returns_at_once(server: Sshd, tmp_path: Path) -> None:
    """The library's transfers wait for the server's answer to their clean-up, which never comes."""
    async with relayed(server, tmp_path, keepalive=Keepalive(interval=0)) as (link, relay):
        files = await link.open_files()
        file = await files.open(b"/etc/passwd", OpenMode.READ)
        relay.black_hole()
        work = [asyncio.create_task(item) for item in (file.read(0, 10), files.stat(b"/"), link.ping())]
        await asyncio.sleep(0.05)
        started = time.monotonic()
        for task in work:
            task.cancel()
        results = await asyncio.gather(*work, return_exceptions=True)
        assert time.monotonic() - started < 5
        assert all(isinstance(result, asyncio.CancelledError) for result in results)


async def test_a_server_that_ends_the_session_is_told_apart_from_a_lost_network(tmp_path: Path) -> None:
    async with ssh_server(Door(passwords=["x"])) as server:
        async with connected(target(server.hop(tmp_path)), Person(passwords=["x"])) as link:
            server.door.connections[0].disconnect(asyncssh.DISC_SERVICE_NOT_AVAILABLE, "maintenance\x1b[2J at noon")
            error = await link.closed()
        assert error is not None
        assert error.code is Code.SERVER_ENDED
        assert "at noon" in error.evidence["reason"] and "\x1b" not in error.evidence["reason"]
        async with connected(target(server.hop(tmp_path)), Person(passwords=["x"])) as link:
            server.door.connections[1].close()
            error = await link.closed()
        assert error is not None and error.code is Code.SERVER_ENDED


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("Idle timeout: shutting down the connection", "idle limit"),
        ("terminating inactive connection", "idle limit"),
        ("sshd going down for a restart", "going down"),
        ("The system is going down for reboot NOW!", "going down"),
        ("Scheduled maintenance, back at 14:00", "maintenance"),
        ("Session time limit of 8 h reached", "time limit"),
        ("so long", None),
        ("", None),
    ],
)
async def test_the_servers_own_words_for_an_end_by_application_are_kept(
    tmp_path: Path, words: str, cause: str | None
) -> None:
    """asyncssh drops them (RFC 4253 §11.1, code 11)."""
    async with (
        ssh_server(Door(passwords=["x"])) as server,
        connected(target(server.hop(tmp_path)), Person(passwords=["x"])) as link,
    ):
        server.door.connections[0].disconnect(asyncssh.DISC_BY_APPLICATION, f"{words}\x1b[2J" if words else "")
        error = await link.closed()
    assert error is not None and error.code is Code.SERVER_ENDED
    assert error.evidence["reason"].startswith(words or "it gave no reason")
    assert "\x1b" not in error.message
    assert error.evidence.get("cause") == cause
    assert error.advice


async def test_an_end_without_a_word_is_told_as_that_and_no_more(tmp_path: Path) -> None:
    """OpenSSH's own idle limit and a stopped server look the same from here."""
    with sshd(tmp_path / "mortal") as mortal:
        mortal.authorize(make_key(tmp_path / "mortal" / "key"))
        async with connected(target(_hop(mortal, tmp_path))) as link:
            for process in mortal.processes:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGTERM)
            error = await link.closed()
    assert error is not None and error.code is Code.CONNECTION_LOST
    assert error.evidence["reason"] == "the other side closed it without a word"


async def test_a_jump_host_that_says_farewell_is_why_the_host_behind_it_is_lost(tmp_path: Path) -> None:
    inner, bastion = Door(passwords=["x"]), Door(passwords=["x"], forwards=True)
    async with ssh_server(inner) as second, ssh_server(bastion) as first:
        hops = (first.hop(tmp_path, name="bastion"), second.hop(tmp_path, name="inner"))
        async with connected(target(*hops), Person(passwords=["x", "x"])) as link:
            bastion.connections[0].disconnect(asyncssh.DISC_BY_APPLICATION, "maintenance at noon")
            error = await link.closed()
    assert error is not None and error.code is Code.SERVER_ENDED
    assert (error.hop, error.evidence["reason"]) == ("bastion", "maintenance at noon")


async def test_a_killed_server_is_a_loss(server: Sshd, tmp_path: Path) -> None:
    with sshd(tmp_path / "mortal") as mortal:
        mortal.authorize(make_key(tmp_path / "mortal" / "key"))
        async with connected(target(_hop(mortal, tmp_path))) as link:
            process = await link.open_process(b"sleep 1000")
            for pid in mortal.processes:
                os.kill(pid, signal.SIGKILL)
            with pytest.raises(LinkLost) as caught:
                await process.wait()
            assert caught.value.code is Code.CONNECTION_LOST


async def test_when_a_jump_host_goes_the_link_behind_it_is_lost(server: Sshd, tmp_path: Path) -> None:
    async with Relay("127.0.0.1", server.port) as relay:
        known = server.known_hosts(tmp_path / "first", f"[127.0.0.1]:{relay.port}")
        first = server.hop(keys=[server.root / "key"], known=known, port=relay.port, name="bastion")
        async with connected(target(first, replace(_hop(server, tmp_path), name="inner"))) as link:
            process = await link.open_process(b"sleep 1000")
            relay.cut()
            with pytest.raises(LinkLost) as caught:
                await process.wait()
            assert caught.value.host == "inner"


async def test_closing_a_link_over_a_dead_network_is_quick(server: Sshd, tmp_path: Path) -> None:
    async with relayed(server, tmp_path) as (link, relay):
        process = await link.open_process(b"sleep 1000")
        files = await link.open_files()
        relay.black_hole()
        started = time.monotonic()
        await process.close()
        await files.close()
        await link.close()
        assert time.monotonic() - started < 6
        assert link.lost is None


async def test_work_on_a_link_that_was_closed_here_is_not_a_success(server: Sshd, tmp_path: Path) -> None:
    async with connected(target(_hop(server, tmp_path))) as link:
        process = await link.open_process(b"sleep 1000")
        reading = asyncio.ensure_future(process.wait())
        await asyncio.sleep(0)
        await link.close()
        with pytest.raises(LinkLost):
            await reading


async def test_cancelling_a_waiter_for_the_end_leaves_the_others_waiting(link: SshLink) -> None:
    first, second = asyncio.ensure_future(link.closed()), asyncio.ensure_future(link.closed())
    await asyncio.sleep(0)
    first.cancel()
    await link.close()
    assert await second is None
