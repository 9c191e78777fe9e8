"""bastion, and db-2 behind it."""

from __future__ import annotations

from datetime import timedelta

from backend.clock import Clock
from mocks.content import Content, noise
from mocks.demo.listing import PERSON_KEY, Listing
from mocks.host import Machine, Network, Process, Service, SimulatedHost, User
from mocks.nodes import File
from mocks.programs import shut_database


def bastion(clock: Clock) -> Listing:
    """The way in: a small host that passes connections on."""
    host = SimulatedHost(
        "bastion",
        address="203.0.113.10",
        users=(User("jump", 1000, keys=(PERSON_KEY.public_line,)),),
        machine=Machine("Alpine Linux v3.21", "6.12.8-0-virt", cores=1, memory=1 << 30, memory_used=180 << 20),
        network=Network(round_trip=0.009, jitter=0.002, rate=80e6),
        services=(Service("sshd", "OpenSSH server", pid=301),),
        banner="Authorised people only. Sessions are recorded.\n",
        clock=clock,
    )
    host.add_text("/home/jump/README", "Nothing lives here. Go on to db-2.\n", owner="jump")
    return Listing(host, "jump", group="prod", tags=("bastion",), note="the jump host of db-2")


def db_2(clock: Clock) -> Listing:
    """A database with a failed backup and a disk that fills up; reached through the bastion only."""
    backup = Service(
        "pg-backup",
        "Nightly database backup",
        active="failed",
        sub="failed",
        every=timedelta(days=1),
        log=("pg_dump: error: could not write to file: No space left on device",),
    )
    postgres = Service(
        "postgresql",
        "PostgreSQL 16 database server",
        pid=902,
        every=timedelta(seconds=9),
        log=(
            "LOG:  checkpoint complete: wrote 1## buffers (0.#%)",
            'LOG:  automatic vacuum of table "orders.public.items"',
            "LOG:  duration: 2##.### ms  statement: SELECT * FROM items WHERE order_id = 4####",
        ),
    )
    host = SimulatedHost(
        "db-2",
        address="10.0.8.22",
        users=(User("dba", 1000, keys=(PERSON_KEY.public_line,), groups=(("postgres", 115),)),),
        machine=Machine(cores=16, memory=64 << 30, memory_used=49 << 30, load=(3.4, 3.1, 2.8)),
        network=Network(round_trip=0.003, jitter=0.001, rate=80e6),
        services=(postgres, backup, Service("ssh", "OpenBSD Secure Shell server", pid=702)),
        motd="db-2: PostgreSQL 16, primary. The backup needs room: see /var/backups\n\n",
        clock=clock,
    )
    host.private = True
    host.programs[5432] = shut_database
    host.add_text("/home/dba/vacuum.sql", "VACUUM (ANALYZE, VERBOSE) items;\n", owner="dba")
    for day in range(1, 8):
        content = Content(base=noise(800 + day), size=1_200_000_000 + day * 7_340_033)
        path = f"/var/backups/orders-{8 - day}.dump"
        host.add(path, File(0o640, content=content), owner="dba", age=timedelta(days=day))
    for pid, command, rss in ((902, "postgres: main", 260_000), (911, "postgres: checkpointer", 91_000)):
        host.processes[pid] = Process(pid, "postgres", command, 4.0, round(rss / 640_000, 1), rss)
    host.tree.total = 200 << 30
    host.tree.fill_to(9 << 30)
    return Listing(
        host,
        "dba",
        group="prod",
        tags=("database",),
        production=True,
        note="behind bastion; a failed backup and a full disk to find",
        jump="bastion",
    )
