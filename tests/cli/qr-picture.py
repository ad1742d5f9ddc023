#!/usr/bin/env python3
"""qr-picture.py dark|light|svg <WHAT >PBM: what a camera sees of it, for zbarimg.

dark and light: the colour that a terminal has where nobody asks for one. svg: a label's path.
Does nothing but draw: it knows of QR codes neither where they are nor what they should look like.
"""
import re
import sys

HALVES = {" ": (0, 0), "▄": (0, 1), "▀": (1, 0), "█": (1, 1), "#": (1, 1)}


def terminal_line(line, colours, default):
    """Two rows of pixels (1: dark); @colours is [foreground, background] and goes on."""
    rows = [], []
    for codes, char in re.findall(r"\033\[([0-9;]*)m|(.)", line):
        for code in codes.split(";") if not char else []:
            if code == "0":
                colours[:] = default
            elif code[0] in "34":
                colours[code[0] == "4"] = {"0": 1, "7": 0}[code[1]]
            elif code != "1":
                sys.exit(f"what is {code}?")
        for row, half in zip(rows, HALVES[char] if char else ()):
            row.append(colours[0] if half else colours[1])
    return rows


def terminal(text, background):
    default = [1 - background, background]
    colours, rows = list(default), []
    text = re.sub("[^\n]*\r\033\\[K", "", text)  # where a bar was drawn and removed
    for line in text.split("\n"):
        if not re.search("[a-z]", re.sub(r"\033\[[0-9;]*m", "", line)):
            rows += terminal_line(line, colours, default)
    width = max(map(len, rows)) + 8
    rows = [[background] * 4 + row for row in [[]] * 4 + rows + [[]] * 4]
    return [row + [background] * (width - len(row)) for row in rows]


def svg(text):
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', text).groups())
    rows = [[0] * width for _ in range(height)]
    for x, y, run, back in re.findall(r"M(\d+) (\d+)h(\d+)v1H(\d+)z", text):
        assert x == back
        for i in range(int(run)):
            rows[int(y)][int(x) + i] = 1
    return rows


def main():
    text = sys.stdin.read()
    rows = svg(text) if sys.argv[1] == "svg" else terminal(text, int(sys.argv[1] == "dark"))
    print("P1", len(rows[0]) * 8, len(rows) * 8)
    for row in rows:
        print("\n".join([" ".join(" ".join(str(pixel) * 8) for pixel in row)] * 8))


main()
