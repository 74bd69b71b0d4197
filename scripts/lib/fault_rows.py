"""What is broken in each row of `scripts/faults`."""
import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import webdav

# The compile of the build after which a fault comes that comes in the middle.
MIDDLE = 3


@dataclass
class Context:
    sccfg: Path
    sccache: Path
    remote: object = None


@dataclass
class Fault:
    """A fault while it lasts: what the build gets, and what it should come to."""

    variables: dict = field(default_factory=dict)
    front: list = field(default_factory=list)
    during: object = None
    # Makes the outcome that is right of that of the uncached build.
    expected: object = None


@dataclass
class Row:
    name: str
    make: object
    is_warm: bool = False
    has_remote: bool = False
    with_store: bool = True
    without_store: bool = True
    needs: object = None

    def fault(self, bench, checkout, context):
        return contextlib.contextmanager(self.make)(bench, checkout, context)

    def start_remote(self):
        return webdav.Server() if self.has_remote else None

    def missing(self, context):
        return self.needs and self.needs(context)


ROWS = []


def row(name, **options):
    def add(make):
        ROWS.append(Row(name, make, **options))
        return make
    return add


def in_the_middle(bench, checkout, act):
    """Calls `act` when some crates are being compiled."""
    def during(process):
        bench.await_compiles(checkout, process, MIDDLE)
        act()
    return Fault(during=during)


def run(*command):
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


@contextlib.contextmanager
def mounted(directory, *how):
    run("mount", *how, directory)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=False)


@contextlib.contextmanager
def read_only(directory):
    with mounted(directory, "--bind", directory):
        run("mount", "-o", "remount,bind,ro", directory)
        yield


@contextlib.contextmanager
def full(directory):
    """A file system with what was in the directory, and a few blocks left."""
    with tempfile.TemporaryDirectory() as kept:
        run("cp", "-a", f"{directory}/.", kept)
        used = int(subprocess.run(["du", "-sk", kept], capture_output=True, text=True).stdout.split()[0])
        with mounted(directory, "-t", "tmpfs", "-o", f"size={used + 400}k", "none"):
            run("cp", "-a", f"{kept}/.", directory)
            yield


# The server.

@row("server killed during the build", has_remote=True)
def server_killed(bench, checkout, _):
    yield in_the_middle(bench, checkout, bench.kill_servers)


@row("server stops answering during the build", has_remote=True)
def server_stopped(bench, checkout, _):
    yield in_the_middle(bench, checkout, lambda: bench.kill_servers(signal.SIGSTOP))
    bench.kill_servers(signal.SIGCONT)


@row("server accepts and never answers", has_remote=True)
def server_mute(bench, checkout, _):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(bench.socket))
        listener.listen(100)
        yield Fault()
    bench.socket.unlink(missing_ok=True)


@row("server hangs up", has_remote=True)
def server_hangs_up(bench, checkout, _):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(bench.socket))
        listener.listen(100)

        def hang_up():
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()
        threading.Thread(target=hang_up, daemon=True).start()
        yield Fault()
        listener.shutdown(socket.SHUT_RDWR)
    bench.socket.unlink(missing_ok=True)


@row("server of another version", has_remote=True,
     needs=lambda _: None if os.environ.get("SCCFG_SCCACHE_OTHER") else "no SCCFG_SCCACHE_OTHER")
def server_other(bench, checkout, _):
    other = subprocess.Popen([os.environ["SCCFG_SCCACHE_OTHER"]], env=bench.cached | {
        "SCCACHE_START_SERVER": "1", "SCCACHE_NO_DAEMON": "1"}, cwd="/", stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    while not bench.socket.exists() and other.poll() is None:
        time.sleep(0.01)
    yield Fault()
    other.kill()
    other.wait()
    bench.socket.unlink(missing_ok=True)


@row("socket deleted during the build", has_remote=True)
def socket_deleted(bench, checkout, _):
    yield in_the_middle(bench, checkout, lambda: bench.socket.unlink(missing_ok=True))


# sccache's program.

@row("sccache removed", has_remote=True)
def program_removed(bench, checkout, context):
    bench.program.unlink()
    yield Fault()
    shutil.copy(context.sccache, bench.program)


@row("sccache removed during the build", has_remote=True)
def program_removed_later(bench, checkout, context):
    yield in_the_middle(bench, checkout, lambda: bench.program.unlink(missing_ok=True))
    shutil.copy(context.sccache, bench.program)


@row("sccache replaced by another version during the build", has_remote=True,
     needs=lambda _: None if os.environ.get("SCCFG_SCCACHE_OTHER") else "no SCCFG_SCCACHE_OTHER")
def program_replaced(bench, checkout, context):
    def swap(path):
        new = bench.program.with_suffix(".new")
        shutil.copy(path, new)
        new.rename(bench.program)
    yield in_the_middle(bench, checkout, lambda: swap(os.environ["SCCFG_SCCACHE_OTHER"]))
    bench.kill_servers()
    swap(context.sccache)


# The cache directory of sccache.

@row("cache directory full", without_store=True)
def cache_full(bench, checkout, _):
    with full(bench.directory / "cache"):
        yield Fault()
        bench.kill_servers()


@row("cache directory read-only", is_warm=True)
def cache_read_only(bench, checkout, _):
    with read_only(bench.directory / "cache"):
        yield Fault()
        bench.kill_servers()


@row("cache directory deleted during the build")
def cache_deleted(bench, checkout, _):
    yield in_the_middle(bench, checkout, lambda: shutil.rmtree(bench.directory / "cache", ignore_errors=True))
    # sccache's server does not create it again.
    bench.kill_servers()


@row("a file in place of the cache directory")
def cache_is_file(bench, checkout, _):
    cache = bench.directory / "cache"
    cache.rmdir()
    cache.write_text("")
    yield Fault()
    bench.kill_servers()
    cache.unlink()


@contextlib.contextmanager
def failing_disk(directory):
    """A file system whose disk returns errors from now on: its image was cut off."""
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch) / "image"
        with open(image, "wb") as file:
            file.truncate(64 << 20)
        run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
        with mounted(directory, "-o", "loop", image):
            run("sync", "-f", directory)
            os.truncate(image, 256 << 10)
            Path("/proc/sys/vm/drop_caches").write_text("3")
            yield


@row("cache directory on a disk that fails",
     needs=lambda _: None if Path("/dev/loop-control").exists() else "no loop devices")
def cache_errors(bench, checkout, _):
    with failing_disk(bench.directory / "cache"):
        yield Fault()
        bench.kill_servers()


# A remote back end.

@row("remote back end down", has_remote=True)
def remote_down(bench, checkout, context):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    yield Fault(variables={"SCCACHE_WEBDAV_ENDPOINT": f"http://127.0.0.1:{port}"})
    bench.kill_servers()


@row("remote back end takes 30 s for each answer", has_remote=True)
def remote_slow(bench, checkout, context):
    context.remote.mode = "slow"
    yield Fault()
    context.remote.mode = "well"
    bench.kill_servers()


@row("wrong credentials", has_remote=True)
def remote_credentials(bench, checkout, context):
    yield Fault(variables={"SCCACHE_WEBDAV_PASSWORD": "another"})
    bench.kill_servers()


def add_mode(name, mode):
    @row(name, has_remote=True, is_warm=True)
    def remote_mode(bench, checkout, context):
        # The local store has nothing, so that the server is asked.
        shutil.rmtree(bench.directory / "store", ignore_errors=True)
        context.remote.mode = mode
        yield Fault()
        context.remote.mode = "well"
        bench.kill_servers()


add_mode("remote back end becomes slow, 30 s for each answer", "slow")
add_mode("remote back end answers 429", "429")
add_mode("remote back end sends half of each object", "half")
add_mode("remote back end sends garbage", "garbage")


# The local store and what sccfg remembers.

@row("store full", without_store=False)
def store_full(bench, checkout, _):
    with full(bench.directory / "store"):
        yield Fault()


@row("store read-only", is_warm=True, without_store=False)
def store_read_only(bench, checkout, _):
    with read_only(bench.directory / "store"):
        yield Fault()


@row("store on a disk that fails", without_store=False,
     needs=lambda _: None if Path("/dev/loop-control").exists() else "no loop devices")
def store_errors(bench, checkout, _):
    with failing_disk(bench.directory / "store"):
        yield Fault()


def corrupt(directory):
    """Changes a byte in the middle of each file, and cuts every third."""
    for number, path in enumerate(sorted(path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())):
        path.chmod(0o644)
        size = path.stat().st_size
        with open(path, "r+b") as file:
            file.seek(size // 2)
            file.write(b"\x5a")
            if number % 3 == 0:
                file.truncate(size // 2)


@row("store corrupt", is_warm=True, without_store=False)
def store_corrupt(bench, checkout, _):
    corrupt(bench.directory / "store")
    yield Fault()


@row("state directory corrupt", is_warm=True)
def state_corrupt(bench, checkout, _):
    corrupt(bench.directory / "state")
    yield Fault()


@row("state directory read-only")
def state_read_only(bench, checkout, _):
    with read_only(bench.directory / "state"):
        yield Fault()


@row("state, runtime and store directories read-only", is_warm=True)
def all_read_only(bench, checkout, _):
    with read_only(bench.directory / "state"), read_only(bench.directory / "run"), \
            read_only(bench.directory / "store"), read_only(bench.directory / "cache"):
        yield Fault()
        bench.kill_servers()


def without_directories(bench):
    return {"SCCFG_WRAPPER_DIR": "", "XDG_RUNTIME_DIR": "", "SCCFG_CONFIG": ""}


@row("HOME unset", is_warm=True)
def home_unset(bench, checkout, _):
    yield Fault(variables=without_directories(bench), front=["env", "-u", "HOME"])


@row("HOME read-only", is_warm=True)
def home_read_only(bench, checkout, _):
    with read_only(bench.directory / "home"):
        yield Fault(variables=without_directories(bench))


# Around the build.

def no_unix_sockets():
    """A file with a seccomp filter that forbids them (x86-64 and AArch64)."""
    number = {"x86_64": 41, "aarch64": 198}[os.uname().machine]
    program = [(0x20, 0, 0, 0), (0x15, 0, 3, number), (0x20, 0, 0, 16), (0x15, 0, 1, socket.AF_UNIX),
               (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]
    file = tempfile.TemporaryFile()
    file.write(b"".join(struct.pack("HBBI", *line) for line in program))
    file.seek(0)
    os.set_inheritable(file.fileno(), True)
    return file


def sandbox(checkout, *more):
    return ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-pid", "--unshare-net",
            "--bind", str(checkout), str(checkout), "--tmpfs", "/var/tmp", *more,
            "--setenv", "TMPDIR", "/var/tmp"]


def add_sandbox(name, is_warm, filters):
    @row(name, is_warm=is_warm, needs=lambda _: None if shutil.which("bwrap") else "no bubblewrap")
    def in_sandbox(bench, checkout, _):
        # The log of compiles is written outside.
        log = bench.directory / "work/faulty-log.txt"
        log.write_text("")
        more = ["--bind", str(log), str(log)]
        if not filters:
            yield Fault(front=sandbox(checkout, *more))
            return
        # A child inherits the file, and each run needs it from its beginning.
        script = 'exec 9<"$0"; exec "$@"'
        with no_unix_sockets() as file:
            path = bench.directory / "filter"
            path.write_bytes(file.read())
            front = sandbox(checkout, *more, "--seccomp", "9")
            yield Fault(front=["sh", "-c", script, str(path), *front])


add_sandbox("sandbox: only the checkout writable, no network", True, False)
add_sandbox("sandbox: the same, with nothing cached", False, False)
add_sandbox("sandbox: the same, without Unix sockets", True, True)


YEAR = 365 * 24 * 3600


def add_clock(name, offset):
    @row(name, is_warm=True)
    def clock(bench, checkout, _):
        # To a clock that jumped, all files have other times. (cargo and rustc hang below faketime.)
        bench.kill_servers()
        for name in ("state", "store", "cache", "run", "home"):
            for path in (bench.directory / name).rglob("*"):
                time = path.lstat().st_mtime + offset
                os.utime(path, (time, time), follow_symlinks=False)
        yield Fault()


add_clock("clock jumped a year ahead", -YEAR)
add_clock("clock jumped a year back", YEAR)


@row("two versions of sccfg on one state", is_warm=True,
     needs=lambda _: None if os.environ.get("SCCFG_OTHER") else "no SCCFG_OTHER")
def two_versions(bench, checkout, _):
    directory = bench.directory / "other"
    directory.mkdir()
    (directory / "sccache").symlink_to(os.environ["SCCFG_OTHER"])
    yield Fault(variables={"RUSTC_WRAPPER": str(directory / "sccache")})


@row("Ctrl-C during the build", has_remote=True)
def interrupted(bench, checkout, _):
    def during(process):
        bench.await_compiles(checkout, process, MIDDLE)
        os.killpg(process.pid, signal.SIGINT)

    def expected(plain):
        return replace(plain, status=-signal.SIGINT, program="")
    yield Fault(during=during, expected=expected, front=["env", "--default-signal=INT"])


@row("target directory full")
def target_full(bench, checkout, _):
    def expected(plain):
        return replace(plain, status=101, program="")
    target = checkout / "target"
    target.mkdir()
    with mounted(target, "-t", "tmpfs", "-o", "size=3m", "none"):
        yield Fault(expected=expected)
