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
