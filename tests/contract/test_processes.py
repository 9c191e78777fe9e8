"""Commands and shells: streams, stdin, ends, terminals, and a link that goes in the middle."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from backend.connection.connector import ExitReport, FileChannel, Link, PtyRequest, PtySize, RemoteProcess, StdStream
from backend.errors import Code, FileError, LinkLost, SessionError
from tests.support.worlds import Rig


async def ran(link: Link, command: bytes, stdin: bytes = b"") -> tuple[bytes, bytes, ExitReport]:
    """Both streams whole, and the end."""
    async with await link.open_process(command) as process:
        feeding = asyncio.create_task(_feed(process, stdin))
        streams = {StdStream.OUT: bytearray(), StdStream.ERR: bytearray()}
        async for chunk in process.output():
            streams[chunk.stream] += chunk.data
        report = await process.wait()
        await feeding
    return bytes(streams[StdStream.OUT]), bytes(streams[StdStream.ERR]), report


async def _feed(process: RemoteProcess, stdin: bytes) -> None:
    if stdin:
        await process.write(stdin)
    await process.write_eof()


async def test_what_a_command_prints_comes_back(link: Link) -> None:
    assert await ran(link, b"printf 'a b\\n'") == (b"a b\n", b"", ExitReport(0))


async def test_the_two_streams_are_apart(link: Link) -> None:
    assert await ran(link, b"printf out; printf err >&2") == (b"out", b"err", ExitReport(0))


async def test_chunks_come_in_order_of_arrival(link: Link) -> None:
    async with await link.open_process(b"printf 1; read x; printf 2 >&2; read x; printf 3") as process:
        seen = []
        async for chunk in process.output():
            seen.append((chunk.stream, chunk.data))
            if len(seen) < 3:
                await process.write(b"go\n")
    assert seen == [(StdStream.OUT, b"1"), (StdStream.ERR, b"2"), (StdStream.OUT, b"3")]


@pytest.mark.parametrize("status", [0, 1, 7, 255])
async def test_the_exit_status_is_told(link: Link, status: int) -> None:
    assert (await ran(link, f"exit {status}".encode()))[2] == ExitReport(status)


async def test_a_command_that_is_not_there_ends_with_127(link: Link) -> None:
    _, errors, report = await ran(link, b"no-such-command-here")
    assert report == ExitReport(127)
    assert b"not found" in errors


async def test_the_end_by_a_signal_is_told(link: Link) -> None:
    assert (await ran(link, b"kill -TERM $$"))[2] == ExitReport(None, "TERM")


async def test_stdin_arrives_byte_for_byte(link: Link) -> None:
    every = bytes(range(256)) * 40
    assert await ran(link, b"cat", every) == (every, b"", ExitReport(0))


async def test_bytes_that_are_not_utf_8_come_unchanged(link: Link) -> None:
    assert (await ran(link, b"printf '\\377\\376\\000x'"))[0] == b"\xff\xfe\x00x"


async def test_a_pipeline_and_its_status(link: Link) -> None:
    assert await ran(link, b'seq 3 | while read x; do printf "<$x>"; done; false || exit 9') == (
        b"<1><2><3>",
        b"",
        ExitReport(9),
    )


async def test_large_output_is_whole(link: Link) -> None:
    async with await link.open_process(b"head -c 20000000 /dev/zero") as process:
        digest, size = hashlib.sha256(), 0
        async for chunk in process.output():
            digest.update(chunk.data)
            size += len(chunk.data)
        assert await process.wait() == ExitReport(0)
    assert size == 20_000_000
    assert digest.digest() == hashlib.sha256(bytes(20_000_000)).digest()


async def test_large_input_is_whole(link: Link) -> None:
    data = hashlib.sha256(b"x").digest() * 100_000
    output, _, _ = await ran(link, b"sha256sum", data)
    assert output.split()[0].decode() == hashlib.sha256(data).hexdigest()


async def test_a_command_is_held_back_while_nobody_reads(rig: Rig, link: Link, files: FileChannel) -> None:
    done = rig.work + b"/done"
    command = b"head -c 60000000 /dev/zero && printf yes > '" + done + b"'"
    async with await link.open_process(command) as process:
        output = process.output()
        await anext(output)
        for _ in range(50):
            await link.ping()
        with pytest.raises(FileError) as caught:
            await files.stat(done)
        assert caught.value.code is Code.NOT_FOUND
        async for _ in output:
            pass
        assert await process.wait() == ExitReport(0)
    assert (await files.stat(done)).size == 3


async def test_several_commands_run_at_once(link: Link) -> None:
    results = await asyncio.gather(*(ran(link, f"printf {number}; exit {number}".encode()) for number in range(5)))
    assert [(out, report.status) for out, _, report in results] == [(str(n).encode(), n) for n in range(5)]


async def test_the_environment_is_asked_for(link: Link) -> None:
    async with await link.open_process(b'printf %s "$FAIRLEAD_TEST"', env={"FAIRLEAD_TEST": "a  b"}) as process:
        assert b"".join([chunk.data async for chunk in process.output()]) == b"a  b"


async def test_closing_leaves_a_running_command(link: Link) -> None:
    process = await link.open_process(b"sleep 1000")
    async with asyncio.timeout(5):
        await process.close()
        await process.close()
    assert await link.ping() >= 0


async def test_reading_may_stop_in_the_middle(link: Link) -> None:
    async with await link.open_process(b"yes") as process:
        async for chunk in process.output():
            assert chunk.data.startswith(b"y")
            break
    assert (await ran(link, b"printf on"))[0] == b"on"


async def test_writing_to_an_ended_command_is_an_error_of_the_session(link: Link) -> None:
    async with await link.open_process(b"exit 0") as process:
        async for _ in process.output():
            pass
        await process.wait()
        with pytest.raises(SessionError):
            await process.write(b"too late")


async def test_a_link_lost_in_mid_command_is_an_error_and_not_an_end(rig: Rig, link: Link) -> None:
    async with await link.open_process(b"printf begun; sleep 1000") as process:
        seen = b""
        with pytest.raises(LinkLost):
            async with asyncio.timeout(10):
                async for chunk in process.output():
                    seen += chunk.data
                    rig.cut()
        assert seen == b"begun"
        with pytest.raises(LinkLost):
            await process.wait()
        with pytest.raises(LinkLost):
            await process.write(b"x")


async def test_without_a_terminal_there_is_none(link: Link) -> None:
    assert (await ran(link, b"test -t 1 || printf none"))[0] == b"none"


async def test_a_terminal_has_the_size_that_was_asked_for_and_learns_of_another(link: Link) -> None:
    pty = PtyRequest("xterm-256color", PtySize(91, 27))
    async with await link.open_process(b"printf %s: $TERM; stty size; read x; stty size", pty=pty) as process:
        output = process.output()
        seen = b""
        async with asyncio.timeout(10):
            while b"27 91" not in seen:
                seen += (await anext(output)).data
            process.resize(PtySize(120, 36))
            await process.write(b"\r")
            while b"36 120" not in seen:
                seen += (await anext(output)).data
    assert b"xterm-256color:27 91\r\n" in seen


async def test_with_a_terminal_both_streams_are_one(link: Link) -> None:
    async with await link.open_process(b"printf 'out\\n'; printf 'err\\n' >&2", pty=PtyRequest()) as process:
        chunks = [chunk async for chunk in process.output()]
        assert await process.wait() == ExitReport(0)
    assert {chunk.stream for chunk in chunks} == {StdStream.OUT}
    assert b"".join(chunk.data for chunk in chunks) == b"out\r\nerr\r\n"


async def test_ctrl_c_interrupts_on_a_terminal(link: Link) -> None:
    async with await link.open_process(b"printf ready; sleep 1000", pty=PtyRequest()) as process:
        output = process.output()
        async with asyncio.timeout(10):
            assert (await anext(output)).data == b"ready"
            await process.write(b"\x03")
            async for _ in output:
                pass
            report = await process.wait()
    # bash dies by the signal that killed its child; other shells report 128 + 2.
    assert report in (ExitReport(None, "INT"), ExitReport(130))


async def test_a_shell_on_a_terminal_answers_and_leaves(link: Link) -> None:
    async with await link.open_process(None, pty=PtyRequest()) as process:
        output = process.output()
        seen = b""
        async with asyncio.timeout(20):
            await process.write(b"printf 'mark-%s\\n' end\r")
            while b"mark-end" not in seen:
                seen += (await anext(output)).data
            await process.write(b"exit 3\r")
            async for _ in output:
                pass
            assert await process.wait() == ExitReport(3)


async def test_a_shell_without_a_terminal_runs_its_input(link: Link) -> None:
    async with await link.open_process(None) as process:
        await process.write(b"printf one\nexit 4\n")
        await process.write_eof()
        assert b"".join([chunk.data async for chunk in process.output()]).endswith(b"one")
        assert await process.wait() == ExitReport(4)
