#!/usr/bin/python3
"""Reads and writes vaults as an attacker does who has the flash and no key: the records of the device
part as a list, changed by a line of Python, put back into both copies under good checksums.

vault.py MEDIUM [CODE…]   without CODE: lists the records

CODE sees `items`, a list of [type, value], and the functions below.
"""
import hashlib
import re
import struct
import sys

END, DEVICE, MEDIUM, OPTION, VOLUME, EXTENT, LAYER, SOURCE, LEARNED = range(9)
KEYSTORE, SEALED, KEY, KEYS_FOR, MAC, KEY_BLOB, ESCROW, ESCROW_KEY = range(32, 40)
HEADER = 512
TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def strings(*texts):
    return b"".join(t.encode() + b"\0" for t in texts)


def decode(payload):
    items, at = [], 0
    while True:
        kind, _, n = struct.unpack_from("<HHI", payload, at)
        if kind == END:
            return items, payload[at:]
        items.append([kind, payload[at + 8 : at + 8 + n]])
        at += 8 + (n + 3) // 4 * 4


def encode(items, end):
    out = b""
    for kind, value in items:
        out += struct.pack("<HHI", kind, 0, len(value)) + value + b"\0" * (-len(value) % 4)
    return out + end


class Vault:
    """Both copies of the device part on a medium."""

    def __init__(self, path):
        self.f = open(path, "r+b")
        for at in range(0, 64 << 20, 65536):
            self.f.seek(at)
            head = self.f.read(HEADER)
            if head[:15] == b"holdfast-vault\0" and struct.unpack_from("<Q", head, 72)[0] == at:
                break
        else:
            sys.exit("no vault")
        self.at, (self.size,) = at, struct.unpack_from("<Q", head, 80)
        (n,) = struct.unpack_from("<Q", head, 32)
        self.f.seek(at + 4096)
        self.items, self.end = decode(self.f.read(n))

    def write(self):
        payload = encode(self.items, self.end)
        for at in (self.at, self.at + self.size // 8 // 4096 * 4096):
            self.f.seek(at)
            head = bytearray(self.f.read(HEADER))
            struct.pack_into("<Q", head, 32, len(payload))
            head[40:72] = hashlib.sha256(payload).digest()
            struct.pack_into("<I", head, 508, crc32c(head[:508]))
            self.f.seek(at)
            self.f.write(head)
            self.f.seek(at + 4096)
            self.f.write(payload)


def volume(name):
    """Index of a volume's record."""
    return next(i for i, (k, v) in enumerate(items) if k == VOLUME and v[4:].split(b"\0")[0] == name.encode())


def layer(of, kind):
    """Index of the record of a layer."""
    return next(i for i in range(volume(of), len(items)) if items[i][:] == [LAYER, strings(kind)])


def extent(of):
    """Offset and size of a volume's data."""
    kind, value = items[volume(of) + 1]
    assert kind == EXTENT
    return struct.unpack_from("<QQ", value, 8)


def drop(first):
    """Takes the record at @first away, with its options and what was learnt."""
    last = first + 1
    while last < len(items) and items[last][0] in (OPTION, SOURCE, LEARNED):
        last += 1
    del items[first:last]


def cut(of, kind):
    """Takes a layer away."""
    drop(layer(of, kind))


def drop_keys():
    """Takes every keystore and all keys away."""
    while any(kind >= KEYSTORE for kind, _ in items):
        drop(next(i for i, (kind, _) in enumerate(items) if kind >= KEYSTORE))


def raw(*records):
    """Records as bytes, without the end."""
    return encode([list(r) for r in records], b"")


def replace(old, new, kind=None):
    """In every record, or in those of one type; at least once."""
    changed = 0
    for item in items:
        if (kind is None or item[0] == kind) and old in item[1]:
            item[1] = item[1].replace(old, new)
            changed += 1
    assert changed, old


if __name__ == "__main__":
    vault = Vault(sys.argv[1])
    items = vault.items
    for code in sys.argv[2:]:
        exec(code)  # pylint: disable=exec-used
    if sys.argv[2:]:
        vault.write()
    else:
        for kind, value in items:
            print(kind, re.sub(rb"[^ -~]", b".", value[:60]).decode())
