"""web-1, the healthy production web server, and edge-3, which was reinstalled and shows a new host key."""

from __future__ import annotations

from datetime import timedelta

from backend.clock import Clock
from mocks.content import Content, log_lines, noise
from mocks.demo.listing import PASSWORD, PERSON_KEY, Listing
from mocks.host import Machine, Network, Process, Service, SimulatedHost, User
from mocks.nodes import File
from mocks.programs import greeter, web

_NGINX = Service(
    "nginx",
    "A high performance web server and a reverse proxy server",
    pid=812,
    every=timedelta(seconds=3),
    log=(
        '10.0.9.##: "GET /api/v1/orders/4#### HTTP/1.1" 200 18##',
        '10.0.9.##: "GET /static/app.41.js HTTP/1.1" 304 0',
        '10.0.9.##: "POST /api/v1/orders HTTP/1.1" 201 4##',
        '10.0.9.##: "GET /healthz HTTP/1.1" 200 2',
        "upstream timed out (110: Connection timed out) while reading response header, client: 10.0.9.##",
    ),
)
_APP = Service(
    "app",
    "Orders application (gunicorn)",
    pid=1190,
    every=timedelta(seconds=5),
    log=("[INFO] order 4#### accepted in ## ms", "[INFO] 4 workers alive", "[WARN] cache miss for product 1###"),
)
_CRON = Service("cron", "Regular background program processing daemon", pid=640, every=timedelta(minutes=1))
_SSH = Service(
    "ssh",
    "OpenBSD Secure Shell server",
    pid=701,
    every=timedelta(minutes=2),
    log=("Accepted publickey for deploy from 10.0.9.## port 5#### ssh2",),
)
CODE_FILES = {
    "app/__init__.py": '"""The orders application."""\n\n__version__ = "{release}.0"\n',
    "app/main.py": "from app import views\n\n\ndef create_app():\n    return views.router()\n",
    "app/views.py": "ROUTES = {}\n\n\ndef router():\n    return ROUTES\n" + "# one view after another\n" * 40,
    "app/models.py": "class Order:\n    id: int\n    total: int\n" * 12,
    "config/production.yml": "release: {release}\nworkers: 4\ndatabase: db-2.example:5432/orders\n",
    "static/index.html": "<!doctype html>\n<title>Orders</title>\n<h1>Orders</h1>\n",
    "README.md": "# Orders, release {release}\n\nDeployed by hand, watched by everybody.\n",
    "VERSION": "{release}.0\n",
}

_PAGES = {
    "/": CODE_FILES["static/index.html"].encode(),
    "/healthz": b"ok\n",
    "/api/v1/orders": b'{"orders": 4417, "open": 12}\n',
    "/static/app.41.js": b"// nothing to see here, only bytes to count\n" * 40_000,
}
"""What the web server answers; the last is there to be watched while it comes through a forward."""


def web_1(clock: Clock) -> Listing:
    """nginx and an application, two releases to roll back to, a log of 812 MB and a model of 4.2 GB."""
    person = User(
        "deploy", 1001, password=PASSWORD, keys=(PERSON_KEY.public_line,), groups=(("sudo", 27), ("www", 1100))
    )
    host = SimulatedHost(
        "web-1",
        address="10.0.4.7",
        users=(person, User("root", 0)),
        machine=Machine(load=(0.71, 0.64, 0.58), memory=16 << 30, memory_used=6 << 30),
        network=Network(round_trip=0.012, jitter=0.003, rate=60e6),
        services=(_NGINX, _APP, _CRON, _SSH),
        motd="Welcome to web-1. Releases are in /srv/app, logs in journalctl -u nginx -f\n\n",
        clock=clock,
    )
    host.tree.total = 106 << 30
    for release, age in ((39, 21), (40, 9), (41, 0.03)):
        _release(host, release, timedelta(days=age))
    host.add_link("/srv/app/current", "releases/41", owner="deploy", age=timedelta(minutes=46))
    _big_files(host, clock)
    _home(host)
    _system(host)
    host.tree.fill_to(18 << 30)
    for pid, user, command, cpu, rss in (
        (812, "root", "nginx: master process /usr/sbin/nginx", 0.0, 2_400),
        (813, "www-data", "nginx: worker process", 1.4, 9_800),
        (814, "www-data", "nginx: worker process", 1.1, 9_700),
        (1190, "deploy", "gunicorn: master [app.main]", 0.1, 31_000),
        (1194, "deploy", "gunicorn: worker [app.main]", 6.2, 148_000),
        (1195, "deploy", "gunicorn: worker [app.main]", 5.8, 151_000),
        (701, "root", "sshd: /usr/sbin/sshd -D [listener]", 0.0, 7_100),
    ):
        host.processes[pid] = Process(pid, user, command, cpu, round(rss / 160_000, 1), rss)
    host.programs |= {80: web(_PAGES), 443: greeter(b""), 8000: web(_PAGES)}
    return Listing(
        host,
        "deploy",
        group="prod",
        tags=("web", "nginx"),
        production=True,
        forwards=("L 8080:localhost:80",),
        note="healthy; logs to follow, a release tree and a 4.2 GB model in /srv/app",
    )


def _release(host: SimulatedHost, release: int, age: timedelta) -> None:
    base = f"/srv/app/releases/{release}"
    for name, text in CODE_FILES.items():
        host.add_text(f"{base}/{name}", text.replace("{release}", str(release)), owner="deploy", age=age)
    for number in range(1, 41):
        content = Content(base=noise(release * 100 + number), size=2_000 + 613 * number)
        host.add(f"{base}/static/img/photo-{number:02}.webp", File(0o644, content=content), owner="deploy", age=age)


def _big_files(host: SimulatedHost, clock: Clock) -> None:
    size = (812_000_000 // 128) * 128
    start = clock.now() - timedelta(days=30)
    log = Content(base=log_lines("orders", start, timedelta(days=30) / (size // 128)), size=size)
    host.live_logs.add(host.add("/srv/app/app.log", File(0o644, content=log), owner="deploy", age=timedelta(seconds=2)))
    model = Content(base=noise(42), size=4_200_000_000)
    host.add("/srv/app/model.bin", File(0o640, content=model), owner="deploy", age=timedelta(days=1))
    host.add_text("/srv/app/.env", "SECRET_KEY=not-in-the-demo\n", owner="deploy", mode=0o600)


def _home(host: SimulatedHost) -> None:
    host.add_text(
        "/home/deploy/notes.md", "# Notes\n\n- releases go to /srv/app/releases\n- ask before Friday\n", owner="deploy"
    )
    host.add_text("/home/deploy/deploy.sh", "#!/bin/sh\nset -e\necho deploying\n", owner="deploy", mode=0o755)
    host.add_text("/home/deploy/.ssh/authorized_keys", PERSON_KEY.public_line + " demo\n", owner="deploy", mode=0o600)
    host.add("/home/deploy/uploads/menu.txt", File(0o644, content=Content(b"soup\n")), owner="deploy")
    uploads = host.tree.directory(b"/home/deploy/uploads")
    # Somebody's old computer wrote Latin-1.
    uploads.entries[b"caf\xe9.pdf"] = File(0o644, 1001, 1001, host.time() - 86_400, Content(base=noise(5), size=48_112))


def _system(host: SimulatedHost) -> None:
    host.add_text("/etc/nginx/nginx.conf", "user www-data;\nworker_processes auto;\n", age=timedelta(days=90))
    site = "server {\n  listen 80;\n  location / { proxy_pass http://127.0.0.1:8000; }\n}\n"
    host.add_text("/etc/nginx/sites-enabled/orders", site, age=timedelta(days=41))
    start = host.clock.now() - timedelta(days=2)
    for name, size in (("access.log", 96_000_000), ("access.log.1", 240_000_000), ("error.log", 640_000)):
        content = Content(base=log_lines("nginx", start, timedelta(seconds=0.2)), size=size // 128 * 128)
        node = host.add(f"/var/log/nginx/{name}", File(0o644, content=content), age=timedelta(seconds=4))
        host.live_logs.add(node)
    host.add("/var/log/auth.log", File(0o640, content=Content(b"only root may read this\n")))


def edge_3(clock: Clock) -> Listing:
    """A small server at the edge; its disk was replaced last week, and with it the host key."""
    host = SimulatedHost(
        "edge-3",
        address="198.51.100.3",
        users=(User("ops", 1000, password=PASSWORD),),
        machine=Machine(
            "Debian GNU/Linux 12 (bookworm)", "6.1.0-31-amd64", banner="SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u5"
        ),
        network=Network(round_trip=0.034, jitter=0.006, rate=12e6),
        services=(_SSH, Service("varnish", "Varnish HTTP accelerator", pid=530, log=("child said started",))),
        motd="edge-3, reinstalled on a new disk.\n\n",
        clock=clock,
    )
    host.add_text(
        "/home/ops/REINSTALLED", "New disk, new host keys. Sorry for the fright.\n", owner="ops", age=timedelta(days=6)
    )
    return Listing(
        host,
        "ops",
        group="prod",
        tags=("edge",),
        production=True,
        note=f"its host key has changed; the password is {PASSWORD}",
        key_changed=True,
        uses_key=False,
    )
