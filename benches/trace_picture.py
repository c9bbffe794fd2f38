"""Draws a trace that AVX_GPU_TRACE wrote as an SVG: trace_picture.py TRACE.json OUT.svg [FIRST_US LAST_US]

A row for each stream of a device and each thread of the host; spans inside of others are drawn lower. Standard library alone.
"""

import json
import sys
from html import escape

WIDTH, LEFT, LANE = 1100, 170, 22
COLOURS = ["#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#76b7b2", "#edc948", "#e15759", "#9c755f"]


def main():
    trace, out = sys.argv[1:3]
    with open(trace, encoding="utf-8") as file:
        events = json.load(file)
    names = {(e["pid"], e["tid"], e["name"]): e["args"].get("name", "") for e in events if e["ph"] == "M"}
    spans = [e for e in events if e["ph"] == "X"]
    device = [e for e in spans if e["pid"] != 1]
    first, last = (float(a) for a in sys.argv[3:5]) if len(sys.argv) > 4 else (0, 0)
    if last <= first:
        first, last = min(e["ts"] for e in device), max(e["ts"] + e["dur"] for e in device)
        margin = (last - first) * 0.03
        first, last = first - margin, last + margin
    scale = (WIDTH - LEFT - 10) / (last - first)
    spans = [e for e in spans if e["ts"] < last and e["ts"] + e["dur"] > first]
    colours, body, y = {}, [], 34
    for row in sorted({(e["pid"], e["tid"]) for e in spans}):
        process = names.get((row[0], 0, "process_name"), f"process {row[0]}")
        title = names.get((*row, "thread_name"), f"row {row[1]}")
        inside = []
        depth_of_row = 1
        marks = []
        for e in sorted((e for e in spans if (e["pid"], e["tid"]) == row), key=lambda e: (e["ts"], -e["dur"])):
            inside = [end for end in inside if end > e["ts"] + 1e-9]
            depth = len(inside)
            inside.append(e["ts"] + e["dur"])
            depth_of_row = max(depth_of_row, depth + 1)
            x0, x1 = max(e["ts"], first), min(e["ts"] + e["dur"], last)
            x, width = LEFT + (x0 - first) * scale, max((x1 - x0) * scale, 0.7)
            colour = colours.setdefault(e["name"], COLOURS[len(colours) % len(COLOURS)])
            marks.append(f'<rect x="{x:.1f}" y="{y + depth * LANE}" width="{width:.1f}" height="{LANE - 3}" rx="2" fill="{colour}">'
                         f'<title>{escape(e["name"])}: {e["dur"]:.3f} us</title></rect>')
            if width > 7 * len(e["name"]) + 6:
                marks.append(f'<text x="{x + 4:.1f}" y="{y + depth * LANE + 14}" fill="#fff">{escape(e["name"])}</text>')
        body.append(f'<text x="4" y="{y + 10}" fill="#777" font-size="9">{escape(process[:30])}</text>')
        body.append(f'<text x="4" y="{y + 21}">{escape(title[:24])}</text>')
        body += marks
        y += depth_of_row * LANE + 12
    for i in range(6):
        at = first + (last - first) * i / 5
        x = LEFT + (at - first) * scale
        body.insert(0, f'<path d="M{x:.1f} 22V{y}" stroke="#ddd"/><text x="{x:.1f}" y="14" text-anchor="middle">{at - first:.0f} us</text>')
    with open(out, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 4}" font-family="sans-serif" font-size="11">'
                   f'<rect width="100%" height="100%" fill="#fff"/>{"".join(body)}</svg>\n')


main()
