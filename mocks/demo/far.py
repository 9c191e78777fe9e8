"""mirror-au, a slow link; gpu-7, whose link breaks in mid-transfer; cluster, with a code, Slurm and modules."""

from __future__ import annotations

from datetime import timedelta

from backend.clock import Clock
from mocks.content import Content, log_lines, noise
from mocks.demo.listing import CODE, PASSWORD, PERSON_KEY, Listing
from mocks.host import Cluster, Gpu, Job, Machine, Network, Process, Question, Service, SimulatedHost, User, Volume
from mocks.jobs import Running, add_job
from mocks.nodes import Directory, File, NumberedFiles

_POOL_FILES = 100_000


def mirror_au(clock: Clock) -> Listing:
    """The other side of the world: 280 ms away, with a directory of 100,000 files."""
    host = SimulatedHost(
        "mirror-au",
        address="192.0.2.61",
        users=(User("mirror", 1000, password=PASSWORD),),
        machine=Machine(
            "Debian GNU/Linux 12 (bookworm)", "6.1.0-31-amd64", cores=2, memory=4 << 30, memory_used=1 << 30
        ),
        network=Network(round_trip=0.28, jitter=0.03, rate=1.6e6),
        services=(Service("rsync", "fast remote file copy program daemon", pid=440, log=("sent 4#### bytes",)),),
        motd="mirror-au, Sydney. Patience.\n\n",
        clock=clock,
    )
    made = host.time() - 4_000_000

    def package(number: int) -> File:
        content = Content(base=noise(number % 7), size=9_000 + number * 37 % 400_000)
        return File(0o644, 1000, 1000, made + number, content)

    pool = Directory(0o755, entries=NumberedFiles(_POOL_FILES, "package-{:06}.deb", package))
    host.add("/srv/mirror/pool", pool, owner="mirror", age=timedelta(hours=2))
    host.add_text("/srv/mirror/TIMESTAMP", "synchronised\n", owner="mirror", age=timedelta(hours=2))
    host.add_link("/home/mirror/pool", "/srv/mirror/pool", owner="mirror")
    return Listing(
        host,
        "mirror",
        group="lab",
        tags=("slow",),
        note=f"a slow link (280 ms), a directory of 100,000; the password is {PASSWORD}",
        uses_key=False,
    )


def _jobs(host: SimulatedHost) -> None:
    """One that trains for hours, one that is done, and one that the kernel killed when memory ran out."""
    epochs = "".join(
        f"epoch {epoch:02}  loss {2.31 / epoch:.4f}  {66 + epoch % 5} samples/s\n" for epoch in range(1, 9)
    )
    add_job(
        host,
        "ml",
        "python train.py --config run-12.yml",
        name="run-12",
        cwd="/data/run-12",
        ago=timedelta(hours=8, minutes=52),
        out=epochs,
        err="warning: learning rate reached a plateau, halving it\n",
        running=Running(2207, processes=9, resident=22_100_000, peak=24_800_000, cpu=14.6),
    )
    add_job(
        host,
        "ml",
        "rsync -a --stats /data/run-11/ backup:run-11/",
        cwd="/data",
        ago=timedelta(hours=20),
        out="Number of files: 412\nTotal transferred file size: 38,410,220,118 bytes\n",
        ended=(0, timedelta(minutes=47)),
    )
    add_job(
        host,
        "ml",
        "python train.py --config run-11b.yml --batch 2048",
        name="run-11b",
        cwd="/data/run-11b",
        ago=timedelta(days=2),
        out="epoch 01  loss 2.2981\n",
        err="allocating activations: 231 GB\n",
    )


def gpu_7(clock: Clock) -> Listing:
    """A rented machine that only the bastion reaches from here, and whose link breaks once after 24 MB."""
    host = SimulatedHost(
        "gpu-7",
        address="100.64.0.7",
        users=(User("ml", 1000, keys=(PERSON_KEY.public_line,)),),
        machine=Machine(
            cores=32,
            memory=256 << 30,
            memory_used=91 << 30,
            load=(11.2, 10.8, 10.9),
            volumes=(Volume("/data", "/dev/nvme1n1", 7_680_000_000_000, 7_226_000_000_000, "xfs"),),
            pressure=(4.0, 9.0, 0.0),
            gpus=(
                Gpu("NVIDIA H100 PCIe", 81559, 70210, 98, 71, "python train.py --config run-12.yml"),
                Gpu("NVIDIA H100 PCIe", 81559, 69870, 97, 69, "python train.py --config run-12.yml"),
            ),
        ),
        network=Network(round_trip=0.021, jitter=0.008, rate=24e6),
        services=(Service("docker", "Docker Application Container Engine", pid=610),),
        motd="gpu-7. Checkpoints are in /data/run-12.\n\n",
        clock=clock,
    )
    for epoch in range(1, 9):
        content = Content(base=noise(7000 + epoch), size=96_000_000)
        path = f"/data/run-12/checkpoints/epoch-{epoch:02}.ckpt"
        host.add(path, File(0o644, content=content), owner="ml", age=timedelta(hours=9 - epoch))
    log = Content(base=log_lines("train", clock.now() - timedelta(hours=9), timedelta(seconds=2)), size=128 * 16_000)
    host.live_logs.add(
        host.add("/data/run-12/train.log", File(0o644, content=log), owner="ml", age=timedelta(seconds=1))
    )
    host.add_text(
        "/data/run-12/run-12.yml", "model: small\nbatch: 256\nepochs: 40\n", owner="ml", age=timedelta(hours=10)
    )
    host.add_text("/home/ml/train.py", "import torch\n\nprint('training')\n", owner="ml")
    host.add_link("/home/ml/run-12", "/data/run-12", owner="ml")
    host.processes[2210] = Process(2210, "ml", "python train.py --config run-12.yml", 1460.0, 22.1, 22_100_000)
    _jobs(host)
    host.tree.total = 2000 << 30
    host.tree.fill_to(640 << 30)
    host.faults.cut_after = [24_000_000]
    host.firewalled = True
    return Listing(
        host,
        "ml",
        group="lab",
        tags=("gpu",),
        routes=("direct", "tailscale", "jump:bastion"),
        tailscale=host.address,
        roots=(("runs", "/data"),),
        note="its link breaks once, after 24 MB; fetch a checkpoint and watch it go on",
    )


def cluster(clock: Clock) -> Listing:
    """A login node that asks for a password and then for a code; Slurm and modules are behind it."""
    questions = (Question("Password: ", PASSWORD), Question("Verification code: ", CODE))
    person = User("ada", 12_034, challenge=(questions,), groups=(("physics", 4_100),))
    jobs = (
        Job(48_012, "gpu", "train-xl", "ada", "R", timedelta(hours=7, minutes=14), 4, "node[101-104]"),
        Job(48_033, "cpu", "lattice", "ada", "R", timedelta(minutes=42), 16, "node[017-032]"),
        Job(48_040, "cpu", "lattice", "ada", "PD", timedelta(), 16, "(Resources)"),
        Job(47_997, "gpu", "fold", "bohr", "R", timedelta(days=1, hours=3), 8, "node[105-112]"),
        Job(48_051, "debug", "bash", "curie", "R", timedelta(minutes=6), 1, "node001"),
    )
    slurm = Cluster(
        partitions=(
            ("debug*", "1:00:00", "idle", 2, "node[001-002]"),
            ("cpu", "2-00:00:00", "alloc", 96, "node[003-098]"),
            ("gpu", "1-00:00:00", "mix", 16, "node[101-116]"),
        ),
        jobs=jobs,
        modules=(
            "gcc/12.3",
            "gcc/13.2",
            "openmpi/5.0.3",
            "cuda/12.8",
            "python/3.12",
            "lammps/2024.8",
            "gromacs/2025.1",
        ),
    )
    host = SimulatedHost(
        "cluster",
        address="192.0.2.200",
        users=(person,),
        machine=Machine(
            "Rocky Linux 9.5 (Blue Onyx)",
            "5.14.0-503.el9.x86_64",
            cores=64,
            memory=512 << 30,
            memory_used=120 << 30,
            load=(9.1, 8.7, 8.8),
            banner="SSH-2.0-OpenSSH_8.7",
            cluster=slurm,
        ),
        network=Network(round_trip=0.018, jitter=0.004, rate=40e6),
        banner="University cluster. By logging in you agree to the rules of use.\n",
        motd="login-1 of the cluster. Try: squeue --me, sinfo, module avail\n\n",
        clock=clock,
    )
    script = "#!/bin/bash\n#SBATCH -p gpu -N 4\nmodule load cuda\nsrun python train.py\n"
    host.add_text("/home/ada/jobs/train-xl.sbatch", script, owner="ada", age=timedelta(hours=8))
    log = Content(base=log_lines("train-xl", clock.now() - timedelta(hours=7), timedelta(seconds=5)), size=128 * 5_000)
    host.live_logs.add(
        host.add("/home/ada/jobs/slurm-48012.out", File(0o644, content=log), owner="ada", age=timedelta())
    )
    for number in range(1, 25):
        content = Content(base=noise(300 + number), size=4_000_000 + number * 12_345)
        path = f"/scratch/ada/lattice/config-{number:03}.h5"
        host.add(path, File(0o640, content=content), owner="ada", age=timedelta(hours=number))
    host.add_link("/home/ada/scratch", "/scratch/ada", owner="ada")
    host.environment |= {"SCRATCH": "/scratch/ada", "PROJECT": "/project/physics", "LMOD_VERSION": "8.7.55"}
    host.add_text("/project/physics/README", "Shared by the group. Be kind.\n", owner="ada")
    return Listing(
        host,
        "ada",
        group="cluster",
        tags=("slurm", "2fa"),
        roots=(("scratch", "/scratch/ada"), ("project", "/project/physics")),
        note=f"asks for a password and a code: {PASSWORD} and {CODE}; Slurm and modules",
        uses_key=False,
    )
