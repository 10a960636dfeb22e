#!/usr/bin/python3
"""Counts and estimates for 64-bit Arm, as tables and plots. Nothing here is a time that anybody measured.

  emulated.py --run BIN [--models DIR]   runs BIN/octet count and BIN/octet estimate, writes emulated/octet.json, then the rest
  emulated.py                            emulated.md and plots from the JSON files in emulated/

DIR holds trained networks as .tflite files; what it lacks is the zoo's, of the same layers with weights of no meaning.
"""
import argparse
import datetime
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from make import HERE, digits, pyplot_for_svg, save, table

DATA = HERE / "emulated"
TARGETS = ("neon", "dotprod", "i8mm")
# Row of peers.json: the zoo's name and type, the trained network's file.
NETWORKS = {
    "mobilenet_v1_1.0_224 uint8": ("mobilenet_v1_1.0_224", "uint8", "mobilenet_v1_1.0_224_quant.tflite"),
    "mobilenet_v2_1.0_224 uint8": ("mobilenet_v2_1.0_224", "uint8", "mobilenet_v2_1.0_224_quant.tflite"),
    "mobilenet_v2_1.0_224 int8": ("mobilenet_v2_1.0_224", "int8", "tf2_mobilenet_v2_1.0_224_ptq.tflite"),
    "resnet50 int8": ("resnet50", "int8", None),
    "mobilenet_v1_0.25_128 uint8": ("mobilenet_v1_0.25_128", "uint8", "mobilenet_v1_0.25_128_quant.tflite"),
    "vww_96 int8": (None, "int8", "vww_96_int8.tflite"),
}
# The chips of the paper's figures 1.1c, 4.1 and 4.2 (Jacob et al. 2017), and one with dot products.
CURVES = {"cortex-a53": "Snapdragon 835 LITTLE (Cortex-A53)", "cortex-a73": "Snapdragon 835 big (Cortex-A73)",
          "kryo": "Snapdragon 821 big (Kryo)", "cortex-a76": "Snapdragon 855 prime (Cortex-A76)"}
CATEGORIES = ("multiply", "load", "store", "other vector", "scalar")


def read(name):
    return json.loads((DATA / name).read_text())


# ---- running

def octet(bin_dir, *words):
    """What it writes with --json."""
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch, "out.json")
        command = [str(word) for word in (bin_dir / "octet", *words, "--json", out)]
        print("+", *command, flush=True)
        if subprocess.run(command, stdout=subprocess.DEVNULL).returncode != 0:
            sys.exit(f"emulated.py: octet {words[0]} failed")
        return json.loads(out.read_text())


def targets_of(bin_dir):
    """Those that the 64-bit Arm build has kernels for: a binary says which in its help."""
    arm64 = bin_dir.parent / "arm64/bin/octet"
    help_text = subprocess.run(["qemu-aarch64", "-cpu", "max", arm64, "run", "--help"], capture_output=True, text=True)
    return [target for target in TARGETS if re.search(rf"\b{target}\b", help_text.stdout)]


def run(bin_dir, models):
    counts = {}
    for row, (zoo, kind, file) in NETWORKS.items():
        trained = models / file if models and file else None
        model = trained if trained and trained.exists() else zoo
        if model is None:
            continue
        result = octet(bin_dir, "count", model, "--type", kind, "--target", ",".join(targets_of(bin_dir)))
        counts[row] = {"network": "the zoo's" if model == zoo else file}
        for entry in result["counts"]:
            counts[row][entry["target"]] = {key: entry[key] for key in ("macs", "instructions", *CATEGORIES)}
        version = result["octet_version"]
    curves = octet(bin_dir, "estimate", *read("accuracy.json")["top1"], "--type", "uint8", "--core", ",".join(CURVES))
    keys = ("network", "core", "target", "model", "gigahertz", "estimated_ms", "instructions", "macs")
    estimates = [{key: entry[key] for key in keys} for entry in curves["estimates"]]
    result = {"date": datetime.date.today().isoformat(), "octet_version": version, "counts": counts,
              "estimates": estimates}
    text = json.dumps(result, indent=1)
    text = re.sub(r"\{[^{}]+\}", lambda m: " ".join(m[0].split()), text)  # one line an entry
    (DATA / "octet.json").write_text(text + "\n")


# ---- showing

def millions(count):
    return digits(count / 1e6)


def count_table(result, peers, target):
    names = list(dict.fromkeys(peer for row in peers.values() for peer in row.get(target, {})))
    headings = ["network", "MMAC", "Octet", *(word for peer in names for word in (peer, "/ Octet"))]
    rows = []
    for network, counts in result["counts"].items():
        if target not in counts:
            continue
        own = counts[target]["instructions"] / 1e6
        row = [network, f"{counts[target]['macs'] / 1e6:.1f}", digits(own)]
        for peer in names:
            figure = peers.get(network, {}).get(target, {}).get(peer)
            row += ["-", "-"] if figure is None else [digits(figure), f"**{figure / own:.2f}**"]
        rows.append(row)
    return table(headings, rows)


def category_table(result, target):
    rows = []
    for network, counts in result["counts"].items():
        if target in counts:
            c = counts[target]
            rows.append([network, millions(c["instructions"]), *(millions(c[category]) for category in CATEGORIES),
                         f"{c['macs'] / c['instructions']:.2f}"])
    return table(["network", "all", *CATEGORIES, "MACs an instruction"], rows)


def plot_counts(pyplot, result, peers, path):
    """Bars as shares of Octet's, so that all networks fit one axis; they say millions."""
    targets = [t for t in TARGETS if any(t in counts and t in peers.get(n, {}) for n, counts in result["counts"].items())]
    names = ["Octet", *dict.fromkeys(p for row in peers.values() for by_peer in row.values() for p in by_peer)]
    figure, axes = pyplot.subplots(len(targets), 1, figsize=(9, 2.9 * len(targets)), squeeze=False)
    for axis, target in zip(axes[:, 0], targets):
        networks = [n for n, counts in result["counts"].items() if target in counts]
        for at, network in enumerate(networks):
            own = result["counts"][network][target]["instructions"] / 1e6
            figures = {"Octet": own, **peers.get(network, {}).get(target, {})}
            for i, name in enumerate(names):
                if name not in figures:
                    continue
                x = at + (i - (len(names) - 1) / 2) * 0.8 / len(names)
                axis.bar(x, figures[name] / own, 0.76 / len(names), color=f"C{i}")
                axis.text(x, figures[name] / own, digits(figures[name]), ha="center", va="bottom", fontsize=7)
        axis.set_xticks(range(len(networks)), [n.replace(" ", "\n") for n in networks], fontsize=7)
        axis.set_ylabel("instructions / Octet's")
        axis.set_title(f"{target} (bars: millions)", fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(y=0.12)
    handles = [pyplot.Rectangle((0, 0), 1, 1, color=f"C{i}") for i in range(len(names))]
    figure.legend(handles, names, fontsize=8, ncols=len(names), loc="lower center", bbox_to_anchor=(0.5, 1))
    figure.tight_layout()
    save(figure, path)


def points_of(result, top1, core):
    """{"1.0": [(resolution, ms, accuracy), ...]}, fastest first."""
    points = {}
    for entry in result["estimates"]:
        if entry["core"] == core:
            multiplier, resolution = re.fullmatch(r"mobilenet_v1_([\d.]+)_(\d+)", entry["network"]).groups()
            points.setdefault(multiplier, []).append((int(resolution), entry["estimated_ms"], top1[entry["network"]]))
    return {multiplier: sorted(points[multiplier]) for multiplier in sorted(points, reverse=True)}


def plot_curves(pyplot, result, accuracy, path):
    figure, axes = pyplot.subplots(2, 2, figsize=(9, 7), sharey=True)
    for axis, (core, title) in zip(axes.flat, CURVES.items()):
        for i, (multiplier, points) in enumerate(points_of(result, accuracy["top1"], core).items()):
            axis.plot([ms for _, ms, _ in points], [top1 for _, _, top1 in points], "o-", color=f"C{i}", markersize=4,
                      linewidth=1, label=f"multiplier {multiplier}")
            for resolution, ms, top1 in points:
                axis.annotate(str(resolution), (ms, top1), (3, -8), textcoords="offset points", fontsize=6)
        axis.axvline(1000 / 30, color="0.7", linewidth=0.8, linestyle="--")
        axis.set_xscale("log", base=2)
        ticks = [t for t in (0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256) if axis.get_xlim()[0] <= t <= axis.get_xlim()[1]]
        axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
        gigahertz = next(e["gigahertz"] for e in result["estimates"] if e["core"] == core)
        axis.set_title(f"{title}, {gigahertz} GHz", fontsize=9)
        axis.set_xlabel("ESTIMATED ms, one thread", fontsize=8)
        axis.set_ylabel("top-1 %, published", fontsize=8)
        axis.grid(linewidth=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), fontsize=8, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1))
    figure.tight_layout()
    save(figure, path)


def curve_table(result, accuracy):
    by_core = {core: points_of(result, accuracy["top1"], core) for core in CURVES}
    rows = []
    for network, top1 in accuracy["top1"].items():
        row = [network, f"{top1:.1f}"]
        row += [digits(e["estimated_ms"]) for core in CURVES for e in result["estimates"]
                if e["core"] == core and e["network"] == network]
        rows.append(row)
    headings = ["network, uint8", "top-1 %", *(f"{CURVES[core].split(' (')[0]}, est. ms" for core in by_core)]
    return table(headings, rows)


def show():
    result, peers, accuracy = read("octet.json"), read("peers.json"), read("accuracy.json")
    pyplot = pyplot_for_svg()
    plot_counts(pyplot, result, peers["millions"], DATA / "instructions.svg")
    plot_curves(pyplot, result, accuracy, DATA / "accuracy-latency.svg")
    networks = "; ".join(f"{row}: {counts['network']}" for row, counts in result["counts"].items())
    parts = [f"""# 64-bit Arm: counts and estimates

`make results-arm64` makes this page (`emulated.py`, from `emulated/*.json`); nothing below is written by hand, and nothing below is a
measured time. Octet {result['octet_version']}, {result['date']}.

## Executed instructions of one inference, millions

One thread, one warm inference, under emulation; exact and repeatable (`octet count`). Fewer are better, but they are not times.
Networks: {networks}.

Peers: {peers['source']}

![instructions against peers](emulated/instructions.svg)
"""]
    for target in TARGETS:
        if any(target in counts for counts in result["counts"].values()):
            parts += [f"### {target}\n", count_table(result, peers["millions"], target), "By kind:\n",
                      category_table(result, target)]
    parts.append(f"""## Accuracy against estimated latency: MobileNet v1

As figures 1.1c, 4.1 and 4.2 of Jacob et al. 2017 (arXiv 1712.05877) draw it, but with **estimated** latencies: executed instructions and
llvm-mca's models of the cores (`octet estimate`; how, and how far off: [docs/estimates.md](../docs/estimates.md)). Networks are the
zoo's, of the same layers. Accuracy: {accuracy['source']}. The dashed line is 30 pictures a second.

![accuracy against estimated latency](emulated/accuracy-latency.svg)

{curve_table(result, accuracy)}""")
    (HERE / "emulated.md").write_text("\n".join(parts))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", metavar="BIN", type=pathlib.Path)
    parser.add_argument("--models", metavar="DIR", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.run:
        run(arguments.run, arguments.models)
    show()


if __name__ == "__main__":
    main()
