#!/usr/bin/python3
"""What guards the keys of a device whose keystore is "trusted", for its test: whoever is root on the
device, and reaches its TPM, opens them as the kernel does (security/keys/encrypted-keys/encrypted.c,
trusted_tpm2.c). No key comes from holdfast, which never has one.

trusted-keys.py split MEDIUM PUBLIC PRIVATE   the sealed key, as tpm2_load takes it
trusted-keys.py keys MEDIUM MASTER            "NAME HEX" for each volume key, from the unsealed key
"""
import hashlib
import re
import subprocess
import sys


def der(b, at):
    """Tag, contents and the end of what begins at @at."""
    tag, n, at = b[at], b[at + 1], at + 2
    if n & 0x80:
        count = n & 0x7F
        n, at = int.from_bytes(b[at : at + count], "big"), at + count
    return tag, b[at : at + n], at + n


def split(medium, public, private):
    at = medium.index(b"hftrust\0") + 48
    _, sequence, _ = der(medium, at)
    strings, at = [], 0
    while at < len(sequence):
        tag, value, at = der(sequence, at)
        if tag == 4:
            strings.append(value)
    open(public, "wb").write(strings[0])
    open(private, "wb").write(strings[1])


def decrypt(master, length, blob):
    key = hashlib.sha256((b"ENC_KEY\0" + master).ljust(len("AUTH_KEY") + 1 + len(master), b"\0")).digest()
    iv, text = blob[:16], blob[17:-32]
    plain = subprocess.run(
        ["openssl", "enc", "-d", "-aes-256-cbc", "-nopad", "-K", key.hex(), "-iv", iv.hex()],
        input=text, stdout=subprocess.PIPE, check=True).stdout
    return plain[:length]


def main():
    medium = open(sys.argv[2], "rb").read(16 << 20)
    if sys.argv[1] == "split":
        return split(medium, sys.argv[3], sys.argv[4])
    master = open(sys.argv[3], "rb").read()
    print("master", master.hex())
    seen = set()
    for m in re.finditer(rb"(?s)(.{64})default trusted:holdfast-(?:mac-)?[0-9a-f]{16} (\d+) ([0-9a-f]+)", medium):
        name = m[1].split(b"\0")[0].decode()
        if name not in seen:
            print(name, decrypt(master, int(m[2]), bytes.fromhex(m[3].decode())).hex())
        seen.add(name)


main()
