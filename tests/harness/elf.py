"""What a binary is for, by its own words.

https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html
"""

import re
import struct

MACHINES = {62: "x86_64", 183: "arm64"}

# The section of what a program needs of shared libraries, by version:
# https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html
NEEDS = 0x6FFFFFFE


class Elf:
    """A 64-bit little-endian ELF file."""

    def __init__(self, path):
        self._bytes = path.read_bytes()
        magic, kind = self._bytes[:4], self._bytes[4:6]
        assert magic == b"\x7fELF" and kind == b"\x02\x01", f"{path} is no 64-bit ELF file"
        (machine,) = struct.unpack_from("<H", self._bytes, 18)
        self.machine = MACHINES.get(machine, machine)

    def needs(self):
        """Versions that it needs: library to names, as ``GLIBC_2.25``."""
        needed = {}
        for section in self._sections():
            if section["type"] == NEEDS:
                strings = self._sections()[section["link"]]["offset"]
                needed.update(self._read_needs(section["offset"], section["info"], strings))
        return needed

    def glibc(self):
        """The newest version of glibc that it needs, as numbers."""
        names = [name for names in self.needs().values() for name in names]
        found = [re.fullmatch(r"GLIBC_(\d+)\.(\d+)(\.\d+)?", name) for name in names]
        return max((int(it[1]), int(it[2])) for it in found if it)

    def _sections(self):
        (start,) = struct.unpack_from("<Q", self._bytes, 0x28)
        size, count = struct.unpack_from("<HH", self._bytes, 0x3A)
        return [self._section(start + number * size) for number in range(count)]

    def _section(self, at):
        _, kind, _, _, offset, _, link, info = struct.unpack_from("<IIQQQQII", self._bytes, at)
        return {"type": kind, "offset": offset, "link": link, "info": info}

    def _read_needs(self, at, count, strings):
        for _ in range(count):
            _, names, file, first, following = struct.unpack_from("<HHIII", self._bytes, at)
            library = self._string(strings + file)
            yield library, list(self._read_names(at + first, names, strings))
            at += following

    def _read_names(self, at, count, strings):
        for _ in range(count):
            _, _, _, name, following = struct.unpack_from("<IHHII", self._bytes, at)
            yield self._string(strings + name)
            at += following

    def _string(self, at):
        return self._bytes[at : self._bytes.index(b"\0", at)].decode()
