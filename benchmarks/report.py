"""Raw results with the machine and the versions that made them."""

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("numpy", "pandas", "scikit-learn", "tsrnn")


def machine(packages=()):
    """Describe where a benchmark ran, with the versions of `packages` besides our own."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
        **{name: version(name) for name in (*PACKAGES, *packages)},
    }


def save(name, results, packages=()):
    """Write ``results/<name>.json``, with the versions of `packages`, and say where."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(packages), "results": results}, indent=1) + "\n")
    print(
        f"raw results: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}"
    )
