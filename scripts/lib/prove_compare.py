"""Compares the artefacts of two builds in the same directory.

Each file is the same, or has one of these kinds of differences:

    hashes       rustc's metadata, which differs only in hashes of the paths of sources or of crates
    order        a linked file, in which only the build ID and the order of merged strings differ
    padding      a linked file, in which a path of the debug information is followed by slashes or zeros, is there twice, or
                 is divided into directory and name at another place
    placeholder  a library with the placeholder of the checkout or the target directory in metadata or debug information
    differs      anything else

Of `order` and `padding`, every reference to a moved string or table of lines is followed: it has to lead to the same text,
or to the table of the same compile.
"""
import re
import struct
from collections import Counter
from pathlib import Path

from prove_elf import RELOCATIONS, SYMBOLS, is_archive, is_elf, line_tables, members, sections, symbols

SAME, HASHES, ORDER, PADDING, PLACEHOLDER, WRAPPER, DIFFERS = \
    "same", "hashes", "order", "padding", "placeholder", "wrapper", "differs"
KINDS = [SAME, HASHES, ORDER, PADDING, PLACEHOLDER, WRAPPER, DIFFERS]
# How metadata of rustc begins.
METADATA = b"rust\0\0\0"
# What cargo and the wrapper keep for themselves.
NOT_COMPARED = re.compile(r"(^|/)(\.fingerprint|\.sccfg|incremental)/|\.sccfg$|\.cargo-lock$|^\.rustc_info\.json$"
                          r"|/invoked\.timestamp$|CACHEDIR\.TAG$")
# The wrapper puts a small program in the place of a build script, and this at the end of its name.
MOVED = ".program"
MERGED = 0x30
WORKSPACE, TARGET = (f"/sccfg-{name}/".ljust(120, "_").encode() for name in ("workspace", "target"))


def tree(directory):
    """The files that are compared, by name."""
    found = {}
    for path in directory.rglob("*"):
        name = str(path.relative_to(directory))
        if path.is_file() and not NOT_COMPARED.search(name):
            found[name] = path
    for name in [name for name in found if name.endswith(MOVED)]:
        found[name.removesuffix(MOVED)] = found.pop(name)
    return found


class Comparison:
    """Two target directories of builds in the checkout `place`."""

    def __init__(self, place):
        self.paths = [(TARGET, str(place / "target").encode()), (WORKSPACE, str(place).encode())]

    def directories(self, uncached, cached):
        """(name, kind, detail) of each file."""
        ours, theirs = tree(cached), tree(uncached)
        for name in sorted(ours.keys() | theirs.keys()):
            if name not in ours or name not in theirs:
                yield name, DIFFERS, "missing with the cache" if name in theirs else "only with the cache"
                continue
            kind, detail = self.files(theirs[name], ours[name])
            # A hard link to a file of the store may not be written to.
            if kind == SAME and (theirs[name].stat().st_mode ^ ours[name].stat().st_mode) & 0o111:
                kind, detail = DIFFERS, "another mode"
            yield name, kind, detail

    def files(self, one, other):
        a, b = one.read_bytes(), other.read_bytes()
        if a == b:
            return SAME, ""
        found = sorted(set(self.parts(a, b, one.suffix)), key=lambda part: KINDS.index(part[0]))
        if not found and not is_elf(a):
            return DIFFERS, "outside of all members"
        return found[-1] if found else (ORDER, "build ID")

    def parts(self, a, b, suffix):
        """(kind, detail) of each part that differs."""
        if is_archive(a) and is_archive(b):
            one, two = list(members(a)), list(members(b))
            if [name for name, _ in one] != [name for name, _ in two]:
                yield DIFFERS, "other members"
                return
            for (name, p), (_, q) in zip(one, two):
                if p != q and not (name == "/" and len(p) == len(q)):
                    for kind, detail in self.parts(p, q, Path(name).suffix):
                        yield kind, f"{name}: {detail}"
        elif is_elf(a) and is_elf(b):
            yield from self.elf(list(sections(a)), list(sections(b)))
        elif suffix == ".rmeta" or a.startswith(METADATA) and b.startswith(METADATA):
            yield self.metadata(a, b)
        elif without_wrapper(a) == without_wrapper(b):
            yield WRAPPER, "RUSTC_WRAPPER"
        else:
            yield DIFFERS, f"from byte {next(difference(a, b), min(len(a), len(b)))} on"

    def elf(self, one, two):
        if [(it.name, it.kind, it.flags) for it in one] != [(it.name, it.kind, it.flags) for it in two]:
            yield DIFFERS, "other sections"
            return
        for x, y in zip(one, two):
            if x.address != y.address:
                yield DIFFERS, f"{x.name} is elsewhere"
            elif x.data != y.data and x.name not in (".note.gnu.build-id", ".strtab", ".shstrtab"):
                yield self.section(one, two, x, y), x.name

    def section(self, one, two, x, y):
        if x.name in (".rmeta", ".rustc"):
            return self.metadata(x.data, y.data)[0]
        if x.flags & MERGED == MERGED:
            texts = [Counter(set(map(self.plain, it.data.split(b"\0")))) for it in (x, y)]
            for text in texts:
                del text[b""]
            if not are_the_same(texts[0] - texts[1], texts[1] - texts[0]):
                return DIFFERS
            return ORDER if x.data.count(b"//") == y.data.count(b"//") and len(x.data) == len(y.data) else \
                PLACEHOLDER if b"/sccfg-" in y.data else PADDING
        if x.kind == SYMBOLS:
            names = [[it[:2] + it[3:] for it in symbols(all_, table)] for all_, table in ((one, x), (two, y))]
            return ORDER if names[0] == names[1] else DIFFERS
        if x.kind == RELOCATIONS:
            return self.relocations(one, two, x, y)
        if x.name == ".debug_line" and len(x.data) != len(y.data) and self.lines(x.data) == self.lines(y.data):
            return PLACEHOLDER
        if x.name == ".debug_line" and self.named_lines(x.data) == self.named_lines(y.data):
            return PLACEHOLDER if b"/sccfg-" in y.data else PADDING
        if len(x.data) == len(y.data):
            return self.references(one, two, x, y)
        return DIFFERS

    def plain(self, text):
        """A text with the paths of the checkout, without padding."""
        for placeholder, path in self.paths:
            text = text.replace(placeholder, path)
        return re.sub(rb"/+", b"/", text).rstrip(b"/")

    def text(self, section, offset):
        end = section.data.find(b"\0", offset)
        return self.plain(section.data[offset:end])

    def lines(self, data):
        """The tables of lines with their own texts (DWARF 4), with the paths of the checkout and without lengths."""
        tables = []
        for table in line_tables(data):
            body = table.head + table.program
            for placeholder, path in self.paths:
                body = body.replace(placeholder, path)
            tables.append((table.version, body))
        return tables

    def named_lines(self, data):
        """The same with whole paths of sources, relative to the checkout, in place of directories and names."""
        root = self.paths[-1][1] + b"/"
        return [(table.version, table.settings, table.program,
                 [(self.plain(name).removeprefix(root), *more) for name, *more in table.sources()])
                for table in line_tables(data)]

    def relocations(self, one, two, x, y):
        """Whether all of them lead to the same place, or to the same text."""
        if len(x.data) != len(y.data):
            return DIFFERS
        places = [all_[it.info] for all_, it in ((one, x), (two, y))]
        if places[0].name == ".debug_line" and len(places[0].data) != len(places[1].data) \
                and self.section(one, two, *places) == PLACEHOLDER:
            # What stands behind a longer text is further behind.
            same = [[it[1:] for it in struct.iter_unpack("<QQq", section.data)] for section in (x, y)]
            return PLACEHOLDER if same[0] == same[1] else DIFFERS
        tables = [list(symbols(all_, all_[it.link])) if it.link and all_[it.link].kind == SYMBOLS else None
                  for all_, it in ((one, x), (two, y))]
        for p, q in zip(struct.iter_unpack("<QQq", x.data), struct.iter_unpack("<QQq", y.data)):
            if p == q:
                continue
            if p[:2] != q[:2] or not self.same_text(one, two, tables, p, q):
                return DIFFERS
        return ORDER

    def same_text(self, one, two, tables, p, q):
        index = p[1] >> 32
        if tables[0] and index:
            name = tables[0][index][1]
            pair = [next(it for it in all_ if it.name == name) for all_ in (one, two)]
            offsets = [p[2], q[2]]
        else:
            pair = [merged_at(all_, addend) for all_, addend in ((one, p[2]), (two, q[2]))]
            if None in pair:
                return False
            offsets = [p[2] - pair[0].address, q[2] - pair[1].address]
        return pair[0].flags & MERGED == MERGED and \
            self.text(pair[0], offsets[0]) == self.text(pair[1], offsets[1])

    def references(self, one, two, x, y):
        """Whether each field that differs leads to the same text."""
        strings = [next((it for it in all_ if it.name == ".debug_str"), None) for all_ in (one, two)]
        tables = [next((it for it in all_ if it.name == ".debug_line"), None) for all_ in (one, two)]
        starts = [[table.start for table in line_tables(it.data)] if it else [] for it in tables]
        same_tables = set(zip(*starts)) if len(starts[0]) == len(starts[1]) else set()
        done = 0
        for at in difference(x.data, y.data):
            if at < done:
                continue
            for start in range(max(done, at - 3), at + 1):
                if start + 4 > len(x.data):
                    continue
                if x.name.startswith(".debug"):
                    fields = tuple(struct.unpack_from("<I", it.data, start)[0] for it in (x, y))
                    is_same = fields in same_tables or self.same_name(strings, fields)
                else:
                    is_same = self.same_target(one, two, x, y, start)
                if is_same:
                    done = start + 4
                    break
            else:
                return DIFFERS
        return PADDING if x.name.startswith(".debug") else ORDER

    def same_name(self, strings, offsets):
        texts = [self.text(section, offset) for section, offset in zip(strings, offsets)
                 if section and (offset == 0 or offset <= len(section.data) and section.data[offset - 1] == 0)]
        return len(texts) == 2 and texts[0] == texts[1]

    def same_target(self, one, two, x, y, start):
        """Of code: a displacement from the end of the instruction, which may have a constant of up to four bytes."""
        for constant in (0, 1, 2, 4):
            found = []
            for all_, it in ((one, x), (two, y)):
                to = it.address + start + 4 + constant + struct.unpack_from("<i", it.data, start)[0]
                section = merged_at(all_, to)
                if section:
                    found.append(section.data[to - section.address:].partition(b"\0")[0])
            if len(found) == 2 and found[0] == found[1]:
                return True
        return False

    def metadata(self, a, b):
        if len(a) != len(b):
            if (WORKSPACE in b or TARGET in b) and self.words(a) == self.words(b):
                return PLACEHOLDER, "metadata"
            return DIFFERS, "metadata of another length"
        # Hashes have 8 or 16 bytes; two of their bytes may be the same by chance.
        runs = []
        for at in difference(a, b):
            if runs and at - runs[-1][1] <= 8:
                runs[-1][1] = at
            else:
                runs.append([at, at])
        short = next((first for first, last in runs if last - first < 3), None)
        if short is not None:
            return DIFFERS, f"metadata at byte {short}"
        if any(is_text(a[first:last + 1]) and is_text(b[first:last + 1]) for first, last in runs):
            return DIFFERS, "texts in metadata"
        return HASHES, "metadata"

    def words(self, data):
        """The texts in metadata, without paths. Before a text is its length, which may look like a letter."""
        for text in (text for pair in self.paths for text in pair):
            data = re.sub(rb"(?s)[^\0]?.?" + re.escape(text), b"\0", data)
        # Other bytes may look like letters and signs, but hardly like a word.
        return Counter(text for text in re.findall(rb"[ -~]{12,}", data) if re.search(rb"\w{4}", text))


def without_wrapper(printed):
    """What a build script printed, without the line in which the crate `cc` says what RUSTC_WRAPPER is, and without the
    wrapper in the commands that it says it runs: it runs compilers by a wrapper that is called sccache."""
    printed = re.sub(rb"(?m)^RUSTC_WRAPPER = .*\n", b"", printed)
    return re.sub(rb'(?m)^(running .*?)"[^"]*/sccache" ', rb"\1", printed)


def are_the_same(one, other):
    """Whether the texts that only one has are the same but for what stands before the first of them, without a zero."""
    one, other = list(one.elements()), list(other.elements())
    if len(one) != len(other) or len(one) > 16:
        return False
    while one:
        found = next(((p, q, x, y) for p in one for q in other for x in one for y in other
                      if p != x and q != y and p.endswith(y) and q.endswith(x)
                      and p[:len(p) - len(y)] == q[:len(q) - len(x)]), None)
        if not found:
            return False
        p, q, x, y = found
        one = [it for it in one if it not in (p, x)]
        other = [it for it in other if it not in (q, y)]
    return True


def is_text(data):
    return all(0x20 <= byte < 0x7f for byte in data)


def merged_at(all_sections, address):
    """The section with strings that an address is in."""
    for it in all_sections:
        if it.flags & MERGED == MERGED and it.flags & 2 and it.address <= address < it.address + len(it.data):
            return it
    return None


def difference(a, b):
    """The places of bytes that differ, as far as both go."""
    step = 4096
    for start in range(0, min(len(a), len(b)), step):
        p, q = a[start:start + step], b[start:start + step]
        if p != q:
            yield from (start + at for at, (m, n) in enumerate(zip(p, q)) if m != n)


def controls(comparison, directory, copy):
    """(name, part, kind) of files in which a byte is changed, so that it is known that comparisons find something."""
    for suffix, part in ((".d", None), (".rmeta", None), (".rlib", ".text"), (".so", ".text"), (".so", ".rodata"),
                         ("", ".text"), ("", ".rodata"), ("", ".data.rel.ro"), ("", ".debug_info"), ("", ".debug_str")):
        for name, path in sorted(tree(directory).items()):
            data = path.read_bytes() if path.suffix == suffix else b""
            at = place_in(data, part)
            if at is not None:
                changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
                copy.write_bytes(changed)
                renamed = copy.with_suffix(suffix)
                copy.rename(renamed)
                yield name, part or "", comparison.files(path, renamed)[0]
                renamed.unlink()
                break


def place_in(data, part):
    """The middle of a section, or of all."""
    if is_archive(data):
        for _, member in members(data):
            at = place_in(member, part) if part and is_elf(member) else None
            if at is not None:
                return data.index(member) + at
        return None
    if part is None:
        return len(data) // 2 if data else None
    for it in sections(data) if is_elf(data) else ():
        if it.name.startswith(part) and len(it.data) > 1:
            return data.index(it.data) + len(it.data) // 2
    return None
