"""Two users with a checkout each, and builds of a subject in them, with and without a cache."""
import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

LIB = Path(__file__).resolve().parent
# Their names have the same length, so that registry crates are shared with `portable.home = "exact"`.
FIRST, SECOND = "anna", "bert"
# Libraries with another name than their package.
LIBRARIES = {"md-5": "md5", "rustls-webpki": "webpki"}

MANIFEST = """[package]
name = "user-of-crates"
version = "0.1.0"
edition = "2021"

[features]
more = []

[dependencies]
"""
LIBRARY = """//! Uses all of the crates.
{uses}
pub fn told() -> String {{
    let low = option_env!("PROVE_VALUE").unwrap_or("none");
    format!("{{}} {{}} {{low}} {{}} {{}}", env!("CARGO_PKG_NAME"), file!(), TEXT.trim(), env!("PROVE_MADE"))
}}

pub const TEXT: &str = include_str!("text.txt");

#[cfg(test)]
mod tests {{
    #[test]
    fn is_told() {{
        assert!(super::told().starts_with("user-of-crates src/lib.rs"));
    }}
}}
"""
FILES = {
    "src/main.rs": """fn main() {
    println!("{} {}", user_of_crates::told(), std::panic::Location::caller());
}
""",
    "src/text.txt": "a text\n",
    "made.txt": "made\n",
    "build.rs": """fn main() {
    println!("cargo::rerun-if-changed=made.txt");
    println!("cargo::rerun-if-env-changed=PROVE_SCRIPT");
    let made = std::fs::read_to_string("made.txt").unwrap();
    let said = std::env::var("PROVE_SCRIPT").unwrap_or_default();
    println!("cargo::rustc-env=PROVE_MADE={}{said}", made.trim());
}
""",
    ".gitignore": "/target\n",
}


@dataclass
class Subject:
    """A group of crates, or a project."""

    name: str
    kind: str
    crates: list
    """(name, version, features) of each crate; of a project, its own."""
    arguments: list
    """For `cargo build`."""
    tested: bool = False
    """Whether its tests are run."""
    checkout: Path | None = None
    """The repository of a project that is not published."""


def read_subjects(groups, projects):
    """The subjects of the committed lists."""
    found = {}
    for line in rows(groups):
        group, name, version, features = line
        subject = found.setdefault(group, Subject(group, "group", [], ["--all-targets"], True))
        subject.crates.append((name, version, features))
    for name, version, arguments, tested in rows(projects):
        words = [] if arguments == "-" else arguments.split(" ")
        found[name] = Subject(name, "project", [(name, version, "-")], words, tested == "tests")
    return found


def rows(path):
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


@dataclass
class Build:
    """What became of a build."""

    seconds: float
    stderr: str
    messages: list
    """Of the compiler, as JSON, without the order in which units ended."""


class Lab:
    """One directory for both users, the caches and sccache's server."""

    def __init__(self, directory, sccfg, sccache, store, jobs):
        self.directory, self.jobs = directory, jobs
        self.keep = None
        self.real_home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
        for name in ("run", "bin", "store"):
            (directory / name).mkdir(parents=True)
        (directory / "bin/sccache").symlink_to(sccfg)
        (directory / "config.toml").write_text(f'[store]\ndir = "{directory}/store"\nsize = "20G"\n')
        self.sccache = sccache
        self.cached = {
            "RUSTC_WRAPPER": str(directory / "bin/sccache"),
            "SCCFG_SCCACHE": str(sccache),
            "SCCFG_STORE": "on" if store else "off",
            "SCCFG_CONFIG": str(directory / "config.toml"),
            "SCCACHE_CONF": str(directory / "none"),
            "SCCACHE_DIR": str(directory / "sccache"),
            "SCCACHE_CACHE_SIZE": "20G",
            "SCCACHE_SERVER_UDS": str(directory / "s"),
        }

    def environment(self, user):
        """That of a user with a home of their own, whose registry has the same packages."""
        home = self.directory / "home" / user
        registry = home / ".cargo/registry"
        if not registry.exists():
            registry.mkdir(parents=True)
            (home / "tmp").mkdir()
            for name in ("cache", "index"):
                (registry / name).symlink_to(self.real_home / "registry" / name)
        kept = {name: value for name, value in os.environ.items()
                if not re.match(r"SCC|RUSTC|CARGO_|RUSTFLAGS|XDG_|LD_PRELOAD|CI$|RUST_", name)}
        rustup = os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))
        return kept | {
            "HOME": str(home),
            "USER": user,
            "LOGNAME": user,
            "CARGO_HOME": str(home / ".cargo"),
            "RUSTUP_HOME": rustup,
            "TMPDIR": str(home / "tmp"),
            "XDG_RUNTIME_DIR": str(self.directory / "run"),
            "CARGO_INCREMENTAL": "0",
            "CARGO_TERM_COLOR": "never",
            "CARGO_NET_OFFLINE": "true",
        }

    def places(self, subject):
        """The checkouts of the two users, at different depths."""
        home = self.directory / "home"
        return home / FIRST / subject.name, home / SECOND / "work/deeper/checkouts" / subject.name

    def check_out(self, subject):
        """Makes a repository of the subject, and a clone of it for each user."""
        if subject.checkout:
            for place in self.places(subject):
                run(["git", "clone", "--quiet", subject.checkout, place])
            return
        origin = self.directory / "origin" / subject.name
        if subject.kind == "group":
            self.write_group(subject, origin)
        else:
            self.copy_package(subject, origin)
        git = ["git", "-C", origin, "-c", "user.name=prove", "-c", "user.email=prove@localhost"]
        for words in (["init", "--quiet"], ["add", "--force", "."], ["commit", "--quiet", "--message", "prove"]):
            run([*git, *words])
        for place in self.places(subject):
            run(["git", "clone", "--quiet", origin, place])

    def write_group(self, subject, directory, is_offline=True):
        lines = []
        for name, version, features in subject.crates:
            more = "" if features == "-" else ", features = " + json.dumps(features.split(","))
            lines.append(f'{name} = {{ version = "={version}"{more} }}\n')
        names = [LIBRARIES.get(name, name.replace("-", "_")) for name, _, _ in subject.crates]
        uses = "".join(f"pub use ::{name} as _;\n" for name in names)
        files = FILES | {"Cargo.toml": MANIFEST + "".join(lines), "src/lib.rs": LIBRARY.format(uses=uses)}
        for path, text in files.items():
            file = directory / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        offline = ["--offline"] if is_offline else []
        run(["cargo", "generate-lockfile", "--quiet", *offline], cwd=directory)

    def copy_package(self, subject, directory):
        """The published sources of a project, with the lock file that is in them."""
        name, version, _ = subject.crates[0]
        archive = next((self.real_home / "registry/cache").glob(f"*/{name}-{version}.crate"), None)
        if archive is None:
            raise BuildError(f"{name} {version} is not in {self.real_home}/registry/cache\nhint: run with --fetch")
        directory.parent.mkdir(parents=True, exist_ok=True)
        run(["tar", "-xzf", archive, "-C", directory.parent])
        (directory.parent / f"{name}-{version}").rename(directory)
        with (directory / ".gitignore").open("a") as ignore:
            ignore.write("\n/target\n")
        (directory / ".cargo_vcs_info.json").unlink(missing_ok=True)
        shutil.rmtree(directory / ".cargo", ignore_errors=True)

    def build(self, place, user, subject, is_cached, more=()):
        """`cargo build`, which prints each command with its environment."""
        environment = self.environment(user) | (self.cached if is_cached else {})
        words = ["cargo", "build", "--offline", "--locked", "-vv", "--message-format=json", "--jobs", str(self.jobs)]
        started = time.monotonic()
        with open(place.parent / "stdout", "wb") as out, open(place.parent / "stderr", "wb") as err:
            status = subprocess.run([*words, *subject.arguments, *more], cwd=place, env=environment, stdout=out,
                                    stderr=err, stdin=subprocess.DEVNULL).returncode
        seconds = time.monotonic() - started
        stderr = (place.parent / "stderr").read_text(errors="replace")
        messages = [line for line in (place.parent / "stdout").read_text().splitlines() if line.startswith("{")]
        if status != 0:
            errors = [it["message"]["rendered"] for it in map(json.loads, messages)
                      if it.get("reason") == "compiler-message" and it["message"]["level"] == "error"]
            raise BuildError(f"the build of {subject.name} in {place} failed:\n{''.join(errors) or stderr[-3000:]}")
        return Build(seconds, stderr, sorted(messages))

    def said(self, place, user, subject, build, is_cached):
        """What programs print, and which tests pass."""
        environment = self.environment(user) | {"RUST_BACKTRACE": "0"}
        made = [json.loads(line) for line in build.messages]
        programs = sorted(it["executable"] for it in made if it.get("executable") and "bin" in it["target"]["kind"]
                          and not it["profile"]["test"])
        printed = []
        for program in programs:
            for argument in ("--version", "--help"):
                ran = subprocess.run([program, argument], cwd=place, env=environment, capture_output=True,
                                     stdin=subprocess.DEVNULL, timeout=60)
                printed.append((program, argument, ran.returncode, ran.stdout, ran.stderr))
        tests = []
        if subject.tested:
            environment = self.environment(user) | (self.cached if is_cached else {})
            words = ["cargo", "test", "--offline", "--locked", "-vv", "--no-fail-fast", "--all-targets",
                     "--jobs", str(self.jobs)]
            ran = subprocess.run(words, cwd=place, env=environment, capture_output=True, text=True, errors="replace")
            tests = sorted(line for line in ran.stdout.splitlines() if re.match(r"test .* \.\.\. ", line))
        return printed, tests

    def fetch(self, subject):
        """Has cargo fetch the sources, into the registry that all homes share."""
        if subject.checkout:
            run(["cargo", "fetch", "--quiet", "--locked"], cwd=subject.checkout)
            return
        name, version, _ = subject.crates[0]
        directory = self.directory / "fetched"
        if subject.kind == "group":
            self.write_group(subject, directory, is_offline=False)
        else:
            manifest = MANIFEST + f'{name} = "={version}"\n'
            (directory / "src").mkdir(parents=True)
            (directory / "src/lib.rs").write_text("")
            (directory / "Cargo.toml").write_text(manifest)
            run(["cargo", "fetch", "--quiet"], cwd=directory)
            shutil.rmtree(directory)
            self.copy_package(subject, directory)
        run(["cargo", "fetch", "--quiet"], cwd=directory)
        shutil.rmtree(directory)

    def records(self, place, pattern="*"):
        """What became of each unit of the last build, as sccfg recorded it."""
        files = sorted((place / "target/.sccfg/builds").glob(f"{pattern}.jsonl"), key=lambda path: path.stat().st_mtime)
        units = {}
        for line in files[-1].read_text().splitlines() if files else []:
            unit = json.loads(line).get("unit")
            if unit:
                units[unit["unit"]] = unit
        return units

    def end(self):
        environment = self.environment(SECOND) | self.cached
        subprocess.run([self.sccache, "--stop-server"], env=environment, capture_output=True)


class BuildError(Exception):
    """A build failed, with or without the cache, or cannot begin."""


def run(words, **more):
    ran = subprocess.run(words, capture_output=True, text=True, **more)
    if ran.returncode != 0:
        raise BuildError(f"{' '.join(map(str, words))}: {ran.stderr[-2000:]}")
    return ran.stdout


def outcome(record):
    """`hit`, `miss`, or why a unit has no key."""
    value = record["outcome"]
    if isinstance(value, dict):
        kind, why = next(iter(value.items()))
        return "hit" if kind == "sccache" else f"uncached: {why}"
    return "hit" if value == "store" else value
