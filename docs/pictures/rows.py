"""What each method looks at, and where it leaves the cutoff: one line of rows for each."""

import matplotlib.pyplot as plt

SEEN, NEW, AHEAD = "#b5b5b5", "#0072b2", "#d55e00"
HISTORY, ROWS, STEPS = 8, 4, 3
LINES = [  # method, colours of what it looks at, cutoff before and after it
    ("fit(history)", "learns all of it", [SEEN] * 0 + [NEW] * HISTORY, HISTORY),
    ("partial_fit(rows)", "learns, moves on", [SEEN] * HISTORY + [NEW] * ROWS, HISTORY + ROWS),
    ("forecast()", "changes nothing", [SEEN] * 12 + [AHEAD] * STEPS, HISTORY + ROWS),
    ("update(rows)", "moves on", [SEEN] * 12 + [NEW] * ROWS, 12 + ROWS),
    ("forecast()", "changes nothing", [SEEN] * 16 + [AHEAD] * STEPS, 12 + ROWS),
]

fig, ax = plt.subplots(figsize=(8, 2.9))
for line, (method, does, colors, cutoff) in enumerate(LINES):
    for place, color in enumerate(colors):
        face = "none" if color == AHEAD else color
        ax.add_patch(plt.Rectangle((place, line - 0.3), 0.8, 0.6, facecolor=face, edgecolor=color))
    ax.plot([cutoff - 0.1] * 2, [line - 0.48, line + 0.48], color="0.2", linestyle=":")
    ax.text(-0.4, line, method, ha="right", va="center", family="monospace")
    ax.text(len(colors) + 0.4, line, does, va="center", color="0.35")
ax.text(HISTORY - 0.1, -0.6, "cutoff", ha="center", color="0.2")
ax.set(xlim=(-7, 25), ylim=(len(LINES) - 0.4, -1))
ax.axis("off")
