#!/usr/bin/python3
"""Changes a vault as somebody does who writes the medium and has no key: bytes of the device part
are replaced in both copies (the first place; others of the same length), and checksums put right.

forge-vault.py MEDIUM OLD NEW [WITHIN]   WITHIN: the first place behind these bytes
"""
import hashlib
import struct
import sys

START, SIZE = 1 << 20, 8 << 20  # where a gpt medium has it by default


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def forge(f, at, old, new, within):
    f.seek(at)
    head = bytearray(f.read(512))
    (n,) = struct.unpack_from("<Q", head, 32)
    f.seek(at + 4096)
    payload = f.read(n)
    place = payload.index(old, payload.index(within))
    payload = payload[:place] + new + payload[place + len(old) :]
    head[40:72] = hashlib.sha256(payload).digest()
    struct.pack_into("<I", head, 508, crc32c(head[:508]))
    f.seek(at)
    f.write(head)
    f.seek(at + 4096)
    f.write(payload)


old, new, within = (bytes(s, "ascii").decode("unicode_escape").encode("latin1") for s in (sys.argv[2:] + [""])[:3])
assert len(old) == len(new)
with open(sys.argv[1], "r+b") as medium:
    for copy in (START, START + SIZE // 8):
        forge(medium, copy, old, new, within)
