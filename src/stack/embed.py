# SPDX-License-Identifier: BSD-3-Clause
"""Writes a file's bytes as a C array: embed.py INPUT OUTPUT NAME."""
import sys

source, target, name = sys.argv[1:]
data = open(source, "rb").read() + b"\0"
rows = (", ".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24))
with open(target, "w") as out:
    out.write(f"extern const char {name}[];\nextern const unsigned long {name}_length;\n")
    out.write(f"const unsigned long {name}_length = {len(data) - 1};\n")
    out.write(f"const char {name}[] = {{\n" + ",\n".join(rows) + "};\n")
