"""Objects, programs and archives as their parts: sections, symbols, members."""
import struct
from dataclasses import dataclass

SYMBOLS, RELOCATIONS, NO_BITS, DYNAMIC_SYMBOLS = 2, 4, 8, 11


@dataclass
class Section:
    """A section of an ELF file, with its index and the sections that it refers to."""

    name: str
    kind: int
    flags: int
    link: int
    info: int
    data: bytes
    address: int


def sections(data):
    """All sections of a 64-bit little-endian ELF file."""
    table, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    headers = [struct.unpack_from("<IIQQQQIIQQ", data, table + index * size) for index in range(count)]
    text = headers[names][4]
    for name, kind, flags, address, offset, length, link, info, _, _ in headers:
        end = data.index(b"\0", text + name)
        bytes_ = b"" if kind == NO_BITS else data[offset:offset + length]
        yield Section(data[text + name:end].decode(), kind, flags, link, info, bytes_, address)


def symbols(all_sections, table):
    """(name, section, value, size, info) of each symbol of a table."""
    strings = all_sections[table.link].data
    for name, info, other, index, value, size in struct.iter_unpack("<IBBHQQ", table.data):
        text = strings[name:strings.index(b"\0", name)].decode(errors="replace")
        section = all_sections[index].name if index < len(all_sections) else str(index)
        yield text, section, value, size, info, other


def members(data):
    """The (name, bytes) of each member of an archive; those of its index come first, named `/`."""
    at, long_names = 8, b""
    while at + 60 <= len(data):
        header = data[at:at + 60]
        name, size = header[:16].decode().rstrip(), int(header[48:58])
        body = data[at + 60:at + 60 + size]
        at += 60 + size + size % 2
        if name == "//":
            long_names = body
            continue
        if name.startswith("/") and name[1:].isdigit():
            start = int(name[1:])
            name = long_names[start:long_names.index(b"\n", start)].decode()
        yield name.rstrip("/") or "/", body


def is_elf(data):
    return data[:6] == b"\x7fELF\x02\x01"


def is_archive(data):
    return data[:8] == b"!<arch>\n"


@dataclass
class LineTable:
    """A table of lines (DWARF): where it begins, what stands before its program, and the program."""

    start: int
    version: int
    head: bytes
    program: bytes

    @property
    def settings(self):
        """What stands before the names of directories and files; from DWARF 5 on, these too."""
        if self.version > 4:
            return self.head
        fixed = 6 if self.version == 4 else 5
        return self.head[:fixed - 1 + self.head[fixed - 1]]

    def sources(self):
        """The paths of the files in order, with time and size; those without a directory are in that of the compile."""
        if self.version > 4:
            return []
        at = len(self.settings)
        directories, files = [b""], []
        while self.head[at]:
            end = self.head.index(b"\0", at)
            directories.append(self.head[at:end])
            at = end + 1
        at += 1
        while self.head[at]:
            end = self.head.index(b"\0", at)
            name, at = self.head[at:end], end + 1
            numbers = []
            while len(numbers) < 3:
                number, at = leb128(self.head, at)
                numbers.append(number)
            directory = directories[numbers[0]]
            files.append((directory + b"/" + name if directory and not name.startswith(b"/") else name, *numbers[1:]))
        return files


def leb128(data, at):
    """A number of seven bits in each byte, and where it ends."""
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return number, at


def line_tables(data):
    """The tables of `.debug_line`, for 32-bit offsets."""
    at = 0
    while len(data) - at >= 10:
        length, version, header = struct.unpack_from("<IHI", data, at)
        body = data[at + 10:at + 4 + length]
        yield LineTable(at, version, body[:header], body[header:])
        at += 4 + length
