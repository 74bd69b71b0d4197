"""A small real project, built without a cache, with one that has a fault, and afterwards."""
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# A build may wait so long for everything that does not answer, and take this much longer otherwise.
WAIT, FACTOR = 10, 1.1
CARGOS = re.compile(r"\s*(Compiling|Finished|Locking|Fresh|Dirty|Blocking|Adding|warning: build failed)\b")

FILES = {
    "Cargo.toml": """[workspace]
resolver = "2"
members = ["app", "made", "native"]
""",
    "sccfg.toml": '[cargo]\nincremental = "off"\nwrapper = "portable"\n',
    "made/Cargo.toml": """[package]
name = "made"
version = "0.1.0"
edition = "2021"
[lib]
proc-macro = true
""",
    "made/src/lib.rs": """extern crate proc_macro;
use proc_macro::TokenStream;
#[proc_macro]
pub fn seven(_: TokenStream) -> TokenStream { "7".parse().unwrap() }
""",
    "native/Cargo.toml": """[package]
name = "native"
version = "0.1.0"
edition = "2021"
[build-dependencies]
cc = "1"
""",
    "native/build.rs": """fn main() {
    println!("cargo::rerun-if-changed=sum.c");
    cc::Build::new().file("sum.c").compile("sum");
}
""",
    "native/sum.c": "int sum(int a, int b) { return a + b; }\n",
    "native/src/lib.rs": """extern "C" { fn sum(a: i32, b: i32) -> i32; }
pub fn three() -> i32 { unsafe { sum(1, 2) } }
""",
    "app/Cargo.toml": """[package]
name = "app"
version = "0.1.0"
edition = "2021"
[dependencies]
made = { path = "../made" }
native = { path = "../native" }
serde = "1"
itoa = "1"
""",
    "app/src/main.rs": """use serde::de::{value::Error, IntoDeserializer};
use serde::Deserialize;
fn main() {
    let read: Result<u32, Error> = u32::deserialize(5_u32.into_deserializer());
    println!("{} {} {} {} {}", made::seven!(), native::three(), itoa::Buffer::new().format(9),
        read.unwrap(), file!());
}
""",
}


@dataclass
class Build:
    """What became of a build."""

    status: int
    seconds: float
    stderr: str
    program: str
    compiles: int

    def messages(self):
        """Those of sccfg, without their hints."""
        return [line for line in self.stderr.splitlines() if line.startswith("sccfg")]

    def others(self):
        """The lines of neither cargo nor sccfg, nor of a compiler."""
        return [line for line in self.stderr.splitlines()
                if line.strip() and not CARGOS.match(line) and not line.startswith(("sccfg", "hint:"))]


@dataclass
class Bench:
    """One directory for the project's checkouts, the cache, the server and what sccfg remembers."""

    directory: Path
    sccfg: Path
    sccache: Path
    store: bool
    remote: dict = field(default_factory=dict)

    def __post_init__(self):
        for name in ("home", "run", "tmp", "cache", "bin", "real", "state", "store"):
            (self.directory / name).mkdir(parents=True)
        (self.directory / "bin/sccache").symlink_to(self.sccfg)
        self.program = self.directory / "real/sccache"
        shutil.copy(self.sccache, self.program)
        self.socket = self.directory / "s"
        (self.directory / "config.toml").write_text(
            f'[store]\ndir = "{self.directory}/store"\nsize = "1G"\n')
        home = Path(os.environ["HOME"])
        kept = {name: value for name, value in os.environ.items()
                if not re.match(r"SCC|RUSTC|CARGO_|RUSTFLAGS|XDG_|LD_PRELOAD|CI$", name)}
        self.plain = kept | {
            "CARGO_HOME": os.environ.get("CARGO_HOME", str(home / ".cargo")),
            "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(home / ".rustup")),
            "HOME": str(self.directory / "home"),
            "TMPDIR": str(self.directory / "tmp"),
            "CARGO_INCREMENTAL": "0",
            "CARGO_NET_OFFLINE": "true",
            "CARGO_TERM_COLOR": "never",
            "RUSTC": str(ROOT / "tests/tools/rustc"),
            "LOGGED_RUSTC": real_rustc(),
        }
        self.cached = self.plain | self.remote | {
            "RUSTC_WRAPPER": str(self.directory / "bin/sccache"),
            "SCCFG_SCCACHE": str(self.program),
            "SCCFG_STORE": "on" if self.store else "off",
            "SCCFG_CONFIG": str(self.directory / "config.toml"),
            "SCCFG_WRAPPER_DIR": str(self.directory / "state"),
            "XDG_RUNTIME_DIR": str(self.directory / "run"),
            "SCCACHE_CONF": str(self.directory / "no-config"),
            "SCCACHE_DIR": str(self.directory / "cache"),
            "SCCACHE_SERVER_UDS": str(self.socket),
            "SCCACHE_IDLE_TIMEOUT": "0",
        }

    def checkout(self, name):
        """A new one."""
        directory = self.directory / "work" / name
        for path, text in FILES.items():
            file = directory / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        lock = self.directory / "work/Cargo.lock"
        if not lock.exists():
            run = subprocess.run(["cargo", "generate-lockfile"], cwd=directory, env=self.plain,
                                 capture_output=True, text=True)
            assert run.returncode == 0, run.stderr
            shutil.copy(directory / "Cargo.lock", lock)
        shutil.copy(lock, directory / "Cargo.lock")
        return directory

    def start(self, checkout, environment, front=()):
        """Starts a build; `front` is what the command line begins with."""
        log = checkout.parent / f"{checkout.name}-log"
        environment = environment | {"COMPILE_LOG": str(log)}
        return subprocess.Popen([*front, "cargo", "build"], cwd=checkout, env=environment, stderr=subprocess.PIPE,
                                stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True)

    def compiled(self, checkout):
        """The crates that were compiled."""
        log = checkout.parent / f"{checkout.name}-log.txt"
        text = log.read_text() if log.exists() else ""
        lines = [line.split("\t") for line in text.splitlines()]
        return [line[0] for line in lines if len(line) == 3 and line[2] != "-" and "probe" not in line[2]]

    def build(self, checkout, environment, front=(), during=None, limit=120):
        """Builds; `during` is called with the process."""
        started = time.monotonic()
        process = self.start(checkout, environment, front)
        if during:
            during(process)
        try:
            stderr = process.communicate(timeout=limit)[1]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stderr = process.communicate()[1]
        seconds = time.monotonic() - started
        stderr = stderr.decode(errors="replace")
        program = checkout / "target/debug/app"
        said = subprocess.run([program], capture_output=True, text=True).stdout if program.exists() else ""
        return Build(process.returncode, seconds, stderr, said.replace(str(checkout), "CHECKOUT"),
                     len(self.compiled(checkout)))

    def await_compiles(self, checkout, process, number):
        """Waits until so many compiles have begun, or the build has ended."""
        while len(self.compiled(checkout)) < number and process.poll() is None:
            time.sleep(0.01)

    def servers(self):
        """The servers that builds started here."""
        wanted = {f"SCCACHE_SERVER_UDS={self.socket}".encode(), b"SCCACHE_START_SERVER=1"}
        for entry in Path("/proc").iterdir():
            try:
                if wanted <= set((entry / "environ").read_bytes().split(b"\0")):
                    yield int(entry.name)
            except (OSError, ValueError):
                pass

    def kill_servers(self, how=signal.SIGKILL):
        for pid in self.servers():
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                pass

    def left_running(self):
        """The compilers and wrappers of these builds that still run, without those below a server, which end what they
        began."""
        here, servers = str(self.directory / "work").encode(), set(self.servers())
        for entry in Path("/proc").iterdir():
            try:
                command = (entry / "cmdline").read_bytes()
                if here in command and b"--crate-name" in command and not servers & set(above(entry.name)):
                    yield int(entry.name)
            except OSError:
                pass

    def hook(self, checkout, environment, front=()):
        """What the hook of a dev shell does: status, lines on standard error, seconds."""
        environment = environment | {"PATH": f"{self.sccfg.parent}:{environment['PATH']}"}
        return measured([*front, str(self.sccfg), "hook", "bash"], checkout, environment)

    def activation(self, checkout, environment, front=()):
        """The same for home-manager's activation."""
        text = (ROOT / "templates/home-activation.sh").read_text()
        for name, value in (("exports", ""), ("sccfg", str(self.sccfg)), ("mark", "''")):
            text = text.replace("{{ " + name + " }}", value)
        # A dev shell's variables do not reach it, but this bench's server may be found by no other way.
        text = text.replace('for name in "${!SCCACHE_@}" RUSTC_WRAPPER', "for name in RUSTC_WRAPPER")
        functions = 'set -eu -o pipefail\nrun() { "$@"; }\nwarnEcho() { echo "warning: $*" >&2; }\n'
        environment = environment | {"PATH": f"{self.program.parent}:{environment['PATH']}"}
        return measured([*front, "bash", "-c", functions + text], checkout, environment)

    def end(self):
        self.kill_servers(signal.SIGCONT)
        self.kill_servers()
        shutil.rmtree(self.directory, ignore_errors=True)


def above(pid):
    """The processes above one."""
    while pid not in ("0", "1"):
        pid = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
        yield int(pid)


def measured(command, directory, environment):
    started = time.monotonic()
    try:
        run = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True,
                             errors="replace", stdin=subprocess.DEVNULL, timeout=120)
    except subprocess.TimeoutExpired:
        return None, [], 120.0
    return run.returncode, [line for line in run.stderr.splitlines() if line.strip()], time.monotonic() - started


def real_rustc():
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True)
    return sysroot.stdout.strip() + "/bin/rustc"
