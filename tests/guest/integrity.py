#!/usr/bin/env python3
"""What tests/guest/integrity.sh does in the guest, and the contents that both sides know.

integrity.py blob SEED SECTOR_BYTES FIRST N      contents of sectors, to stdout
integrity.py ranges SEED SECTORS AREA            what is written, "FIRST N" a line
integrity.py matrix CASES SHARE                  in the guest
integrity.py raw DISK OFFSET SIZE SHARE          in the guest: makes one for dm-crypt, and writes
integrity.py raw-read DISK OFFSET SIZE           in the guest: reads what that wrote
integrity.py cut CASES SHARE                     in the guest: writes until it dies
integrity.py scan CASES SHARE                    in the guest: opens each, tells what it reads
A case: name, who makes it, and options, as "key=value"; its place on a disk in bytes."""
import errno
import hashlib
import mmap
import os
import subprocess
import sys

CHUNK = 131072
KEY, JOURNAL_KEY = "/tmp/key", "/tmp/journal-key"
failures = 0


# --- contents ---
def content(seed, sector_bytes, sector):
    return hashlib.sha256(b"%d %d" % (seed, sector)).digest() * (sector_bytes // 32)


def blob(seed, sector_bytes, first, n):
    return b"".join(content(seed, sector_bytes, s) for s in range(first, first + n))


def ranges(seed, sectors, area):
    """Beginning, end, middle, and across the ends of areas."""
    if seed == 1:
        found = [(0, 5), (sectors // 2 - 7, 40), (sectors - 3, 3)]
        if area + 10 < sectors // 2 - 7 and area > 12:
            found.append((area - 5, 10))
    else:
        found = [(3, 4), (sectors // 3, 33), (sectors - 1, 1)]
    return found


# --- the guest ---
def ok(good, text, more=""):
    global failures
    failures += not good
    print(("ok - " if good else "not ok - ") + text, flush=True)
    for line in [] if good else str(more).splitlines():
        print("#", line, flush=True)
    return good


def run(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Device:
    """Direct reads and writes of whole sectors."""

    def __init__(self, path, sector_bytes, write=False):
        self.fd = os.open(path, (os.O_RDWR if write else os.O_RDONLY) | os.O_DIRECT)
        self.size = os.lseek(self.fd, 0, os.SEEK_END)
        self.sector_bytes = sector_bytes
        self.buffer = mmap.mmap(-1, CHUNK)

    def read(self, at, n):
        with memoryview(self.buffer)[:n] as view:
            try:
                if os.preadv(self.fd, [view], at) != n:
                    return None
            except OSError as e:
                if e.errno not in (errno.EILSEQ, errno.EIO):
                    raise
                return None
            return bytes(view)

    def write(self, at, data):
        for i in range(0, len(data), CHUNK):
            piece = data[i : i + CHUNK]
            self.buffer[: len(piece)] = piece
            with memoryview(self.buffer)[: len(piece)] as view:
                os.pwritev(self.fd, [view], at + i)

    def scan(self):
        letters, digest = [], hashlib.sha256()
        for at in range(0, self.size, CHUNK):
            n = min(CHUNK, self.size - at)
            data = self.read(at, n)
            if data is not None:
                letters.append("g" * (n // self.sector_bytes))
                digest.update(data)
                continue
            for s in range(at, at + n, self.sector_bytes):
                data = self.read(s, self.sector_bytes)
                letters.append("-" if data is None else "g")
                digest.update(data or b"")
        return "".join(letters), digest.hexdigest()

    def close(self):
        os.close(self.fd)


class Case:
    def __init__(self, line):
        self.name, self.who, *options = line.split()
        self.o = dict(x.split("=") for x in options)
        self.sector = int(self.o["sector"])
        self.tool_algorithm = self.o.get("algorithm", "").replace("hmac(sha256)", "hmac-sha256")
        self.path = "/dev/mapper/" + self.name
        self.below = "/dev/mapper/below-" + self.name

    def place(self):
        first, n = int(self.o["offset"]) // 512, int(self.o["size"]) // 512
        disk = self.o.get("disk", "/dev/vda")
        run("dmsetup", "create", "below-" + self.name, "--table", f"0 {n} linear {disk} {first}")

    def keys(self):
        words = ["--integrity", self.tool_algorithm]
        if "key" in self.o:
            words += ["--integrity-key-file", KEY, "--integrity-key-size", "32"]
        if "journal-key" in self.o:
            words += ["--journal-integrity", "hmac-sha256", "--journal-integrity-key-file",
                      JOURNAL_KEY, "--journal-integrity-key-size", "32"]
        return words

    def format(self):
        words = ["integritysetup", "format", "-q", "--sector-size", self.o["sector"]] + self.keys()
        if "tag" in self.o:
            words += ["--tag-size", self.o["tag"]]
        if "interleave" in self.o:
            words += ["--interleave-sectors", self.o["interleave"]]
        if "journal" in self.o:
            words += ["--journal-size", str(int(self.o["journal"]) * 512)]
        if "wipe" not in self.o:
            words.append("--no-wipe")
        return run(*words, self.below)

    def open(self):
        mode = {"J": [], "B": ["--integrity-bitmap-mode"], "D": ["--integrity-no-journal"]}
        if "busy" in self.o:
            mode["J"] = ["--journal-watermark", "70", "--journal-commit-time", "50"]
            mode["B"] += ["--bitmap-sectors-per-bit", "64"]
        return run("integritysetup", "open", *mode[self.o["mode"]], *self.keys(), self.below,
                   self.name)

    def close(self):
        return run("integritysetup", "close", self.name)

    def status(self):
        return run("dmsetup", "status", self.name).stdout.split()[3:]

    def area(self):
        return int(self.o.get("interleave", 32768)) * 512 // self.sector


def write_seed(case, seed):
    d = Device(case.path, case.sector, True)
    sectors = d.size // case.sector
    for first, n in ranges(seed, sectors, case.area()):
        d.write(first * case.sector, blob(seed, case.sector, first, n))
    os.fsync(d.fd)
    d.close()


def reads_back(case, seeds):
    """Every sector has what the last of @seeds wrote there."""
    d = Device(case.path, case.sector)
    sectors, want = d.size // case.sector, {}
    for seed in seeds:
        for first, n in ranges(seed, sectors, case.area()):
            want.update((s, seed) for s in range(first, first + n))
    good = all(d.read(s * case.sector, case.sector) == content(seed, case.sector, s)
               for s, seed in want.items())
    d.close()
    return good


def tell(case, share):
    d = Device(case.path, case.sector)
    letters, digest = d.scan()
    d.close()
    with open(f"{share}/{case.name}.map", "w") as f:
        f.write(letters)
    with open(f"{share}/{case.name}.sum", "w") as f:
        f.write(digest + "\n")


def begin_kernels(case, share):
    p = case.format()
    if not ok(p.returncode == 0, f"{case.name}: integritysetup formats", p.stdout):
        return []
    with open(case.below, "rb") as f, open(f"{share}/{case.name}.fresh", "wb") as to:
        to.write(f.read(1 << 20))
    p = case.open()
    ok(p.returncode == 0, f"{case.name}: opens", p.stdout)
    write_seed(case, 1)
    return [1]


def begin_ours(case):
    p = case.open()
    if not ok(p.returncode == 0, f"{case.name}: the kernel opens ours", p.stdout):
        return []
    ok(reads_back(case, [1]), f"{case.name}: and reads what we wrote")
    mismatches, provided, recalc = case.status()
    ok(mismatches == "0", f"{case.name}: without a mismatch", mismatches)
    ok(recalc == "-", f"{case.name}: and has nothing to recalculate", recalc)
    write_seed(case, 2)
    return [1, 2]


def one_case(case, share):
    case.place()
    seeds = begin_kernels(case, share) if case.who == "kernel" else begin_ours(case)
    if not seeds:
        return
    ok(reads_back(case, seeds), f"{case.name}: reads what it wrote")
    case.close()
    p = case.open()
    ok(p.returncode == 0, f"{case.name}: opens again", p.stdout)
    ok(reads_back(case, seeds), f"{case.name}: reads it again")
    ok(case.status()[0] == "0", f"{case.name}: has no mismatch")
    tell(case, share)
    case.close()


def cases_of(path):
    with open(path) as f:
        return [Case(line) for line in f if line.strip()]


def matrix(path, share):
    for case in cases_of(path):
        one_case(case, share)


def crypt_over(disk, offset, size):
    """dm-crypt with AES-GCM, whose tags are dm-integrity's; that begins 1 MiB behind @offset."""
    below, table = "/dev/mapper/below-raw", "2048 28 J 2 block_size:4096 fix_padding"
    run("dmsetup", "create", "below-raw", "--table",
        f"0 {int(size) // 512} linear {disk} {int(offset) // 512}")
    run("dmsetup", "create", "raw", "--table", f"0 8 integrity {below} {table}")
    n = run("dmsetup", "status", "raw").stdout.split()[4]
    run("dmsetup", "remove", "raw")
    with open(below, "rb") as f:
        fresh = f.read(2 << 20)[1 << 20 :]
    a = run("dmsetup", "create", "raw", "--table", f"0 {n} integrity {below} {table}")
    b = run("dmsetup", "create", "crypt", "--table",
            f"0 {n} crypt capi:gcm(aes)-random {'42' * 32} 0 /dev/mapper/raw 0 2 "
            "integrity:28:aead sector_size:4096")
    ok(a.returncode == 0 and b.returncode == 0, "raw: dm-crypt over it", a.stdout + b.stdout)
    return fresh


def raw(disk, offset, size, share):
    with open(f"{share}/raw.fresh", "wb") as f:
        f.write(crypt_over(disk, offset, size))
    d = Device("/dev/mapper/crypt", 4096, True)
    for first, n in ranges(1, d.size // 4096, 4096):
        d.write(first * 4096, blob(1, 4096, first, n))
    d.close()
    ok(run("dmsetup", "remove", "crypt", "raw").returncode == 0, "raw: is closed")


def raw_read(disk, offset, size):
    crypt_over(disk, offset, size)
    d = Device("/dev/mapper/crypt", 4096)
    for first, n in ranges(1, d.size // 4096, 4096):
        good = all(d.read(s * 4096, 4096) == content(1, 4096, s) for s in range(first, first + n))
        ok(good, f"raw: the kernel reads what we wrote, {n} sectors at {first}")
    ok(d.read(20 * 4096, 4096) is None, "raw: and no other")
    d.close()


def cut(path):
    """Random writes, in small and large steps, with and without flushes, until the power goes."""
    state, devices = 12345, []
    for case in cases_of(path):
        case.place()
        case.format()
        p = case.open()
        ok(p.returncode == 0, f"{case.name}: opens", p.stdout)
        devices.append((case, Device(case.path, case.sector, True)))
    os.sync()
    for step in range(300):
        for case, d in devices:
            state = (state * 1103515245 + 12345) % (1 << 31)
            sectors = d.size // case.sector
            n = 1 + (state >> 8) % (40 if step % 9 == 0 else 4)
            first = (state >> 14) % (min(sectors, 64) - n if step % 2 else sectors - n)
            d.write(first * case.sector, blob(1000 + step, case.sector, first, n))
            if state >> 16 & 7 == 0:
                os.fsync(d.fd)
    print("ok - wrote until the power went", flush=True)
    with open("/proc/sysrq-trigger", "w") as f:
        f.write("c")


def scan(path, share):
    for case in cases_of(path):
        case.place()
        p = case.open()
        if ok(p.returncode == 0, f"{case.name}: opens", p.stdout):
            tell(case, share)
        case.close()


def main():
    what, *words = sys.argv[1:]
    if what == "blob":
        sys.stdout.buffer.write(blob(*map(int, words)))
    elif what == "ranges":
        for first, n in ranges(*map(int, words)):
            print(first, n)
    elif what == "matrix":
        matrix(*words)
    elif what == "raw":
        raw(*words)
    elif what == "raw-read":
        raw_read(*words)
    elif what == "cut":
        cut(words[0])
    elif what == "scan":
        scan(*words)
    else:
        sys.exit(__doc__)
    sys.exit(failures > 0)


main()
