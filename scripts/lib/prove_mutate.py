"""Changes one input of one unit, and looks whether the cache notices.

Each unit is run again as cargo ran it, first unchanged, which has to hit, then with each change. It has to be compiled
or run then, or the cache has to give what is made without it.
"""
import os
import random
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from prove_compare import DIFFERS, MOVED, Comparison
from prove_lab import outcome

RUNNING = re.compile(r"^ +Running `", re.MULTILINE)
ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
FLAGS = (["--cfg", "prove"], ["-C", "opt-level=1"], ["-C", "debuginfo=1"], ["-C", "overflow-checks=off"],
         ["-C", "target-cpu=x86-64-v2"], ["-C", "codegen-units=3"], ["--edition=2024"])
SCRIPT_VARIABLES = {"OPT_LEVEL": "3", "CARGO_FEATURE_PROVE": "1", "CARGO_ENCODED_RUSTFLAGS": "--cfg\x1fprove",
                    "CARGO_CFG_TARGET_FEATURE": "avx,fxsr,sse,sse2", "DEBUG": "false"}


class Unit:
    """A command of cargo's: rustc, or a build script."""

    def __init__(self, words, place):
        count = next(at for at, word in enumerate(words) if not ASSIGNMENT.match(word))
        self.variables = dict(word.split("=", 1) for word in words[:count])
        self.words = words[count:]
        self.is_script = len(self.words) == 1
        package = Path(self.variables["CARGO_MANIFEST_DIR"])
        is_member = package == place or place in package.parents
        self.directory = package if self.is_script or not is_member else place
        if self.is_script:
            self.name = f"run of {self.variables['CARGO_PKG_NAME']}'s build script"
            self.out = Path(self.variables["OUT_DIR"])
        else:
            self.name = self.option("--crate-name")
            self.out = Path(self.option("--out-dir"))
            self.suffix = next((word[len("extra-filename="):] for word in self.words
                                if word.startswith("extra-filename=")), "")

    def option(self, name):
        return self.words[self.words.index(name) + 1]

    def externs(self):
        """The libraries that its arguments name."""
        pairs = zip(self.words, self.words[1:])
        return [Path(value.split("=", 1)[1]) for name, value in pairs if name == "--extern" and "=" in value]

    def native_libraries(self):
        pairs = zip(self.words, self.words[1:])
        places = [Path(value[len("native="):]) for name, value in pairs if name == "-L" and value.startswith("native=")]
        return [library for place in places for library in sorted(place.glob("*.a"))]

    def is_linked(self):
        return "--test" in self.words or not {"bin", "proc-macro", "cdylib", "dylib"}.isdisjoint(self.words)

    def declared(self):
        """The files and the names of variables that it has said to depend on."""
        if self.is_script:
            output = self.out.parent / "output"
            text = output.read_text(errors="replace") if output.exists() else ""
            files = re.findall(r"^cargo::?rerun-if-changed=(.+)$", text, re.MULTILINE)
            names = re.findall(r"^cargo::?rerun-if-env-changed=(.+)$", text, re.MULTILINE)
        else:
            text = (self.out / f"{self.name}{self.suffix}.d").read_text(errors="replace")
            names = re.findall(r"^# env-dep:([^=\n]+)", text, re.MULTILINE)
            files = [line[:-1].replace("\\ ", " ") for line in text.splitlines()
                     if line.endswith(":") and not line.startswith("#")]
        return [self.directory / name for name in files], [name for name in names if name != "OUT_DIR"]

    def artefacts(self):
        """What it has made, by name."""
        if self.is_script:
            return {str(path.relative_to(self.out)): path for path in sorted(self.out.rglob("*")) if path.is_file()}
        found = {path.name: path for path in self.out.glob(f"*{self.suffix}*") if path.is_file()}
        return {name.removesuffix(MOVED): path for name, path in sorted(found.items())
                if name + MOVED not in found and not name.endswith(".sccfg")}


class Mutations:
    """Those of the units of one build, in the checkout of the second user."""

    def __init__(self, lab, place, user, build, seed):
        self.lab, self.place = lab, place
        self.environment = lab.environment(user)
        self.units = [Unit(words, place) for words in commands(build.stderr)]
        self.random = random.Random(seed)
        self.roots = [place, lab.directory / "home" / user]
        self.tools = lab.directory / "tools"
        self.tools.mkdir(exist_ok=True)
        self.made_by = {str(path): unit for unit in self.units if not unit.is_script
                        for path in unit.artefacts().values() if path.suffix in (".rlib", ".rmeta", ".so")}

    def run(self, most):
        """(unit, kind, what, result) of each, at most so many; of each kind about as many."""
        waiting = {}
        for unit in self.units:
            for kind, what, change in self.changes(unit):
                waiting.setdefault(kind, []).append((unit, what, change))
        for changes in waiting.values():
            self.random.shuffle(changes)
        count, each_time = 0, set()
        while count < most and any(waiting.values()):
            for kind in [kind for kind in waiting if waiting[kind]]:
                unit, what, change = waiting[kind].pop()
                if id(unit) in each_time or count >= most:
                    continue
                if self.play(unit)[0] != "hit" and self.play(unit)[0] != "hit":
                    each_time.add(id(unit))
                    yield unit.name, "unchanged", "", "compiled each time"
                    continue
                count += 1
                yield unit.name, kind, what, self.judge(unit, change)

    def judge(self, unit, change):
        variables, more, undo = change()
        try:
            found, output = self.play(unit, variables, more)
            if found != "hit":
                return found
            return self.compared(unit, variables, more, output)
        finally:
            for step in undo:
                step()
            self.play(unit)

    def compared(self, unit, variables, more, output):
        """What a hit is worth: the same without the cache."""
        kept = self.lab.directory / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        for name, path in unit.artefacts().items():
            (kept / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, kept / name)
            if path.suffix == ".rlib":
                # As cargo does: rustc does not write over a hard link to the store, which is read-only.
                path.unlink()
        plain = self.start(unit, variables, more, is_cached=False)
        comparison = Comparison(self.place)
        names = {str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file()}
        made = unit.artefacts()
        wrong = sorted(names ^ made.keys()) if names != made.keys() else \
            [name for name in names if comparison.files(made[name], kept / name)[0] == DIFFERS]
        if plain.returncode != 0 or wrong or unit.is_script and plain.stdout != output:
            return f"ESCAPED: {', '.join(wrong)}"
        return "hit, the same as uncached"

    def play(self, unit, variables=None, more=()):
        """Runs it with the cache; `hit`, or what became of it."""
        if unit.is_script and variables:
            clear(unit.out)
        ran = self.start(unit, variables or {}, more, is_cached=True)
        if ran.returncode != 0:
            return "failed", ran.stdout
        return self.outcome(unit), ran.stdout

    def start(self, unit, variables, more, is_cached):
        environment = self.environment | (self.lab.cached if is_cached else {}) | unit.variables | variables
        words = unit.words if unit.is_script else [*unit.words, *more]
        rustc = variables.get("PROVE_RUSTC")
        if unit.is_script and not is_cached:
            clear(unit.out)
            program = Path(words[0] + MOVED)
            words = [program if program.exists() else words[0]]
            environment.pop("RUSTC_WRAPPER", None)
        elif not unit.is_script:
            words = ([words[0]] if is_cached else []) + [rustc or words[1]] + words[2:]
        return subprocess.run(words, cwd=unit.directory, env=environment, capture_output=True, timeout=600)

    def outcome(self, unit):
        records = self.lab.records(self.place, f"{os.getpid()}-*")
        name = f"{unit.name}{unit.suffix}" if not unit.is_script else next(
            (name for name in records if name.startswith("run ") and unit.out.parent.name in name), "")
        return outcome(records[name]) if name in records else "not recorded"

    def changes(self, unit):
        """(kind, what, how) of each input; how returns variables, more arguments and how it is undone."""
        files, names = unit.declared()
        own = [path for path in files if path.is_file() and any(root in path.parents for root in self.roots)
               and unit.out not in path.parents]
        for path in own:
            yield ("build-script input" if unit.is_script else "source"), path.name, lambda path=path: edit(path)
        for name in names:
            value = unit.variables.get(name, self.environment.get(name, "")) + "9"
            yield "variable", name, lambda name=name, value=value: ({name: value}, [], [])
        if unit.is_script:
            for name, value in SCRIPT_VARIABLES.items():
                yield "build-script input", name, lambda name=name, value=value: ({name: value}, [], [])
            return
        for words in FLAGS:
            yield "flag", " ".join(words), lambda words=words: ({}, words, [])
        for path in unit.externs():
            below = self.made_by.get(str(path))
            if below:
                yield "dependency", below.name, lambda below=below: self.other(below)
        for path in unit.native_libraries():
            yield "native library", path.name, lambda path=path: self.add_member(path)
        made = unit.variables.get("OUT_DIR")
        for path in sorted(Path(made).rglob("*")) if made else []:
            if path.is_file() and path.suffix in (".rs", ".txt", ".json", ".bin"):
                yield "build-script output", path.name, lambda path=path: edit(path)
        yield "compiler", "a script", lambda: ({"PROVE_RUSTC": self.script("rustc", unit.words[1])}, [], [])
        if unit.is_linked():
            yield "linker", "a script", lambda: ({}, ["-C", f"linker={self.script('cc', shutil.which('cc'))}"], [])

    def other(self, below):
        """Compiles what is below as another instance."""
        self.play(below, {}, ["-C", "metadata=prove"])
        return {}, [], [lambda: self.play(below)]

    def script(self, name, program):
        path = self.tools / f"{name}"
        if not path.exists():
            path.write_text(f'#!/bin/sh\nexec {shlex.quote(program)} "$@"\n')
            path.chmod(0o755)
        return str(path)

    def add_member(self, library):
        kept, stat = library.read_bytes(), library.stat()
        source = self.tools / "prove.c"
        source.write_text("int prove_member = 1;\n")
        subprocess.run(["cc", "-c", source, "-o", self.tools / "prove.o"], check=True)
        library.unlink()
        library.write_bytes(kept)
        subprocess.run(["ar", "q", library, self.tools / "prove.o"], check=True, capture_output=True)
        return {}, [], [lambda: put_back(library, kept, stat)]


def commands(stderr):
    """The commands that cargo printed, each with its variables, which may have several lines."""
    for begin in RUNNING.finditer(stderr):
        end = stderr.find("`\n", begin.end())
        while end >= 0:
            try:
                words = shlex.split(stderr[begin.end():end])
            except ValueError:
                end = stderr.find("`\n", end + 1)
                continue
            if any(not ASSIGNMENT.match(word) for word in words):
                yield words
            break


def edit(path):
    """Changes the last byte and nothing else: neither the size nor the time of the change."""
    kept, stat = path.read_bytes(), path.stat()
    changed = kept[:-1] + b" " if kept.endswith(b"\n") else kept + b"\n"
    # It may be a hard link.
    path.unlink()
    path.write_bytes(changed)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return {}, [], [lambda: put_back(path, kept, stat)]


def put_back(path, kept, stat):
    path.unlink()
    path.write_bytes(kept)
    os.chmod(path, stat.st_mode)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def clear(directory):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
