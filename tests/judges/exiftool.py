#!/usr/bin/env python3
"""Compares what ringback reads from every file of a folder with what ExifTool reads.

    tests/judges/exiftool.py FOLDER [--binary target/release/ringback] [--show]

A key is found when ringback has it, and equal when its value is the same too: dates and GPS positions are compared in
one form, numbers with a tolerance of 2e-4, lists item by item. Left out on both sides is what ringback drops on purpose
(thumbnails, previews, maker notes, offsets, binaries, keys that change with every save). --show lists what differs.
Needs exiftool (Debian: libimage-exiftool-perl). Exit code 1 when less than asked for is found or equal.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

# Found and equal, in percent, that are asked for of each standard.
ASKED = {"EXIF": (99, 99), "IPTC": (97, 96), "XMP": (98, 97)}

CORE = {
    ".jpg", ".jpeg", ".jps", ".tif", ".tiff", ".btf", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".rw2", ".iiq",
    ".png", ".webp", ".psd", ".heic", ".avif", ".mp4", ".mov", ".m4a", ".wav", ".avi", ".gif", ".xmp",
}

NOISE = re.compile(
    r"Thumbnail|Preview|MakerNote|XMPToolkit|MetadataDate|InstanceID|History|IPTCDigest|CurrentIPTCDigest|NativeDigest"
    r"|(Strip|Tile|Free)(Offsets|ByteCounts)|JpgFromRaw|OtherImage|PrintIM|ICC_Profile|HasExtendedXMP"
    r"|(Offset|Length|Start|ByteCount)s?$|^PageImage|GImage:Data|GDepth:Data|GAudio:Data|Image\d?$"
)


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return json.loads(done.stdout or b"[]")


def normal(value):
    """A value in the one form that is compared."""
    if isinstance(value, dict):
        return {key: normal(one) for key, one in value.items()}
    if isinstance(value, list):
        items = [normal(one) for one in value]
        return items[0] if len(items) == 1 else items
    # exiftool -j writes a text that looks like a number or a boolean as that.
    text = value if isinstance(value, str) else str(value)
    text = text.strip()
    date = re.match(r"^(\d{4})[:-](\d\d)(?:[:-](\d\d))?(?:[ T](.*))?$", text)
    if date:
        text = "-".join(part for part in date.groups()[:3] if part) + ("T" + date[4] if date[4] else "")
        text = re.sub(r"(\+00:00|Z)$", "Z", text)
    return text


def number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def equal(ours, theirs, key):
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(equal(ours[one], theirs[one], key) for one in theirs)
    if isinstance(theirs, list) and isinstance(ours, list):
        return len(ours) == len(theirs) and all(equal(a, b, key) for a, b in zip(ours, theirs))
    if isinstance(theirs, (dict, list)) or isinstance(ours, (dict, list)):
        return False
    if ours == theirs:
        return True
    words = (ours.split(), theirs.split())
    if len(words[0]) != len(words[1]):
        return False
    for a, b in zip(*words):
        a_number, b_number = number(a), number(b)
        if a_number is None or b_number is None:
            if a != b:
                return False
            continue
        if "GPS" in key:
            # ExifTool has the hemisphere in a tag of its own.
            a_number, b_number = abs(a_number), abs(b_number)
        if abs(a_number - b_number) > 2e-4 * max(1.0, abs(b_number)):
            return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--binary", default="target/release/ringback")
    parser.add_argument("--all", action="store_true", help="also files of formats that ringback does not read")
    parser.add_argument("--show", action="store_true")
    args = parser.parse_args()
    files = sorted(str(file) for file in args.folder.rglob("*") if file.is_file())
    files = [file for file in files if args.all or pathlib.Path(file).suffix.lower() in CORE]
    if not files:
        sys.exit(f"{args.folder} has no files of formats that ringback reads")
    theirs = run(["exiftool", "-j", "-a", "-G0:1", "-struct", "-n", "-charset", "utf8", "-charset", "filename=utf8",
                  "-api", "largefilesupport=1", *files])
    ours = {one["SourceFile"]: one for one in run([args.binary, "inspect", "--physical", "--json", *files])}
    counts = {group: [0, 0, 0] for group in ASKED}
    for expect in theirs:
        found = ours.get(expect["SourceFile"], {})
        for key, value in expect.items():
            group = key.split(":")[0]
            if group not in ASKED or NOISE.search(key) or (isinstance(value, str) and value.startswith("(Binary data")):
                continue
            counts[group][0] += 1
            if key not in found:
                if args.show:
                    print(f"missing   {expect['SourceFile']}  {key} = {value!r}"[:200])
                continue
            counts[group][1] += 1
            if equal(normal(found[key]), normal(value), key):
                counts[group][2] += 1
            elif args.show:
                print(f"different {expect['SourceFile']}  {key}: {found[key]!r}, not {value!r}"[:300])
    is_enough = True
    print(f"{len(theirs)} files\n{'':6} {'keys':>6} {'found':>8} {'equal':>8}   asked")
    for group, (keys, found, same) in counts.items():
        if keys == 0:
            continue
        percent = (100 * found / keys, 100 * same / keys)
        is_enough &= percent[0] >= ASKED[group][0] and percent[1] >= ASKED[group][1]
        print(f"{group:6} {keys:6} {percent[0]:7.2f}% {percent[1]:7.2f}%   {ASKED[group][0]}/{ASKED[group][1]} %")
    sys.exit(0 if is_enough else 1)


main()
