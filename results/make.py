#!/usr/bin/python3
"""Measures this machine, and turns all measurements here into tables and plots.

  make.py --measure BIN     runs BIN/octet_peers and BIN/octet, writes DEVICE-DATE.json, then does the rest
  make.py --add FILE.json   takes in what `octet bench --device ... --json FILE.json` wrote, as DEVICE-DATE.json, then does the rest
  make.py                   README.md and plots from the JSON files that lie beside this script
"""
import argparse
import collections
import datetime
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PEERS = {"octet": "Octet", "xnnpack": "XNNPACK", "onnxruntime": "ONNX Runtime"}
FEATURES = "sse4_1 avx2 fma f16c avx_vnni avx512f avx512bw avx512_vnni asimd asimddp i8mm sve".split()


# ---- measuring

def run(*command):
    print("+", *command, flush=True)
    if subprocess.run([str(word) for word in command]).returncode != 0:
        sys.exit(f"make.py: {command[0]} failed")


def benchmarks(path):
    """Entries of google-benchmark's JSON by run name."""
    entries = collections.defaultdict(list)
    for entry in json.loads(path.read_text())["benchmarks"]:
        entries[entry["run_name"]].append(entry)
    return entries


def times_of(entries):
    return [round(e["real_time"], 6) for e in entries if e["run_type"] == "iteration" and "real_time" in e]


def networks_of(path):
    """{"resnet50/int8/threads:1": {"octet": [ms, ...], "xnnpack": [...]}}; a peer that fails is a text instead."""
    networks = collections.defaultdict(dict)
    for name, entries in benchmarks(path).items():
        network, peer = re.match(r"(.*/threads:\d+)/(\w+)", name).groups()
        errors = [e["error_message"] for e in entries if e.get("error_occurred")]
        networks[network][peer] = errors[0] if errors else times_of(entries)
    return networks


def layers_of(path):
    """{"resnet50/int8/threads:1": [{"layer", "kernel", "macs", "ms": [...]}, ...]}, and the networks' MACs."""
    layers, macs = collections.defaultdict(list), {}
    types = {}
    for name, entries in benchmarks(path).items():
        facts = next(e for e in entries if e.get("aggregate_name") == "min")
        if "layer" not in facts:
            types[name] = facts["input_type"].lower()
        network, threads = name.split("/")[:2]
        full = f"{network}/{types[network + '/' + threads]}/{threads}"
        if "layer" in facts:
            layers[full].append({key: facts[key] for key in ("layer", "kernel", "macs")} | {"ms": times_of(entries)})
        else:
            macs[full] = facts["macs"]
    return layers, macs


def cpu_share(path):
    """Processor time by wall time of one-thread samples: 1 where nobody else used the CPU."""
    samples = [e for e in json.loads(path.read_text())["benchmarks"]
               if e["threads"] == 1 and e["run_type"] == "iteration" and "/layer:" not in e["run_name"]]
    wall = sum(e["real_time"] for e in samples)
    return sum(e["cpu_time"] for e in samples) / wall if wall else 1


def cpu_features():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("flags", "Features")):
            return [feature for feature in FEATURES if feature in line.split()]
    return []


def cpu_model():
    """Family and model, as names such as "AMD EPYC" leave open what core it is; "" where the kernel does not say."""
    found = dict(re.findall(r"^(cpu family|model)\s*: (\d+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE))
    return f"family {found['cpu family']} model {found['model']}" if len(found) == 2 else ""


def name_of(machine):
    return " ".join(filter(None, (machine["cpu_name"], machine.get("cpu_model"))))


def versions_of(context):
    """Of the peers. XNNPACK's library does not say it, Debian's package does."""
    query = subprocess.run(["dpkg-query", "-W", "-f", "Debian ${Version}", "libxnnpack-dev"], capture_output=True, text=True)
    versions = {"xnnpack": query.stdout if query.returncode == 0 else "version unknown"}
    return versions | {peer: context[peer + "_version"] for peer in PEERS if peer + "_version" in context}


def measure(bin_dir, threads, samples):
    if not (bin_dir / "octet_peers").exists():
        sys.exit("make.py: octet_peers is not built; see benchmarks/peers/README.md for what it needs")
    with tempfile.TemporaryDirectory() as scratch:
        peers = pathlib.Path(scratch, "peers.json")
        run(bin_dir / "octet_peers", "--threads", threads, f"--benchmark_repetitions={samples}",
            f"--benchmark_out={peers}")
        versions = versions_of(json.loads(peers.read_text())["context"])
        networks, all_layers, all_macs, machine = networks_of(peers), {}, {}, {}
        share, by_type = 1, collections.defaultdict(list)
        for name in networks:
            network, kind = name.split("/")[:2]
            if network not in by_type[kind]:
                by_type[kind].append(network)
        for kind, names in by_type.items():
            out = pathlib.Path(scratch, kind + ".json")
            run(bin_dir / "octet", "bench", *names, "--type", kind, "--threads", threads, "--layers", "--runs", samples,
                "--json", out)
            context = json.loads(out.read_text())["context"]
            peaks = {t: max(peak, machine.get("peak_gmacs", {}).get(t, 0)) for t, peak in context["peak_gmacs"].items()}
            machine = {key: context[key] for key in ("cpu_name", "num_cpus", "target", "octet_version",
                                                     "peak_instruction", "scaling_governor", "caches")}
            machine["peak_gmacs"] = peaks
            machine["cpu_share"] = share = min(share, round(cpu_share(out), 3))
            layers, macs = layers_of(out)
            all_layers |= layers
            all_macs |= macs
    machine["features"] = cpu_features()
    machine["cpu_model"] = cpu_model()
    date = datetime.date.today().isoformat()
    slug = re.sub(r"\W+", "-", f"{name_of(machine)} {machine['target']}".lower()).strip("-")
    result = {"date": date, "machine": machine, "versions": versions, "macs": all_macs, "networks": networks,
              "layers": all_layers}
    text = json.dumps(result, indent=1)
    text = re.sub(r"\[[\s\d.,e-]+\]", lambda m: " ".join(m[0].split()), text)  # a list of samples is one line
    (HERE / f"{slug}-{date}.json").write_text(text + "\n")


# ---- phones: what octet bench writes is kept as it is

def device_name(context):
    device = context.get("device", {})
    return ", ".join(dict.fromkeys(filter(None, (device.get("model"), device.get("soc"), context.get("soc"))))) or context["cpu_name"]


def add(path):
    try:
        result = json.loads(path.read_text())
        context = result["context"]
        series = phone_rows(result)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"make.py: {path}: not what octet bench --json writes ({error!r})")
    if "incomplete" in context or not series:
        sys.exit(f"make.py: {path}: the measurement was not completed")
    # Whose phone it is, is nobody's business.
    for facts, keys in ((context, ("host_name", "executable")), (context.get("device", {}), ("name",))):
        for key in keys:
            facts.pop(key, None)
    slug = re.sub(r"\W+", "-", f"{device_name(context)} {context['target']}".lower()).strip("-")
    (HERE / f"{slug}-{context['date'][:10]}.json").write_text(json.dumps(result) + "\n")


def phone_rows(result):
    """{(network, type): {(cpus, threads): entry of its minimum}}; the entry gets its samples as "ms", in the order taken."""
    times, rows = collections.defaultdict(list), {}
    for entry in result["benchmarks"]:
        if "/layer:" in entry["run_name"]:
            continue
        if entry["run_type"] == "iteration":
            times[entry["run_name"]].append(entry["real_time"])
        elif entry["aggregate_name"] == "min":
            cpus = entry.get("cpus_asked") or "any"
            network = entry["run_name"].split("/")[0]
            rows.setdefault((network, entry["input_type"].lower()), {})[cpus, entry["threads"]] = entry
            entry["ms"] = times[entry["run_name"]]
    return rows


def phone_table(result):
    """A column a number of threads on each kind of core, as Jacob et al. (2017) have them in their table 4.6."""
    rows = phone_rows(result)
    kinds = {kind: i for i, kind in enumerate(("little", "big", "prime"))}
    columns = sorted({column for row in rows.values() for column in row}, key=lambda c: (kinds.get(c[0], 9), c))
    headings = ["network", "MMAC"]
    headings += [f"{'LITTLE' if cpus == 'little' else cpus}, {threads} thread{'s' if threads > 1 else ''}" for cpus, threads in columns]
    lines = []
    for (network, kind), row in rows.items():
        macs = next(iter(row.values()))["macs"]
        cells = [digits(statistics.median(row[c]["ms"])) + ("\\*" if row[c].get("throttled") else "") if c in row else "-" for c in columns]
        lines.append([f"{network} {kind}", f"{macs / 1e6:.1f}", *cells])
    text = table(headings, lines)
    if any(entry.get("throttled") for row in rows.values() for entry in row.values()):
        text += "\n\\* the cores were slowed down meanwhile.\n"
    return text


def phone_section(path):
    result = json.loads(path.read_text())
    context = result["context"]
    clusters = []
    for cluster in context["clusters"]:
        facts = [cluster["core"]] if "core" in cluster else []
        facts += [f"{cluster['max_mhz']:.0f} MHz"] if "max_mhz" in cluster else []
        facts += [f"governor {cluster['governor']}"] if "governor" in cluster else []
        clusters.append(f"{cluster['name']} {cluster['cpus']}" + (f" ({', '.join(facts)})" if facts else ""))
    android = context.get("device", {}).get("android")
    about = "; ".join(["cores: " + ", ".join(clusters)] + ([f"Android {android}"] if android else []))
    return "\n".join([f"## {device_name(context)}, {context['target']}, {context['date'][:10]}\n",
                      f"{about}. Octet {context['octet_version']}. All samples: [{path.name}]({path.name}).\n",
                      "Median ms of a run, by cores and threads:\n", phone_table(result)])


# ---- showing

def ordered(result):
    """(network, type, {threads: times by peer}) in the order measured."""
    rows = {}
    for name, times in result["networks"].items():
        network, kind, threads = name.split("/")
        rows.setdefault((network, kind), {})[int(threads.split(":")[1])] = times
    return [(network, kind, by_threads) for (network, kind), by_threads in rows.items()]


def peers_in(result):
    return [peer for peer in PEERS if any(peer in times for times in result["networks"].values())]


def ratio(times, peer):
    return statistics.median(p / o for p, o in zip(times[peer], times["octet"]))


def table(headings, rows):
    """Markdown; the first column to the left."""
    lines = ["| " + " | ".join(headings) + " |", "|---" + "|--:" * (len(headings) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def digits(value):
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def network_table(result, threads):
    others = [peer for peer in peers_in(result) if peer != "octet"]
    headings = ["network", "MMAC", "Octet ms", "GMAC/s", "% of peak"]
    for peer in others:
        headings += [PEERS[peer] + " ms", "/ Octet", "of minima"]
    rows, peak = [], result["machine"]["peak_gmacs"][str(threads)]
    for network, kind, by_threads in ordered(result):
        times = by_threads[threads]
        octet = statistics.median(times["octet"])
        macs = result["macs"][f"{network}/{kind}/threads:{threads}"]
        gmacs = macs / octet * 1e-6
        row = [f"{network} {kind}", f"{macs / 1e6:.1f}", digits(octet), f"{gmacs:.1f}", f"{100 * gmacs / peak:.0f}"]
        for peer in others:
            is_timed = isinstance(times.get(peer), list)
            if is_timed:
                row += [digits(statistics.median(times[peer])), f"**{ratio(times, peer):.2f}**",
                        f"{min(times[peer]) / min(times['octet']):.2f}"]
            else:
                row += ["-", "-", "-"]
        rows.append(row)
    return table(headings, rows)


def by_kernel(layers, peak):
    """Time, share and % of peak by kernel, slowest first."""
    kernels = collections.defaultdict(lambda: [0, 0, 0])
    for layer in layers:
        for i, value in enumerate((1, min(layer["ms"]), layer["macs"])):
            kernels[layer["kernel"]][i] += value
    total = sum(ms for _, ms, _ in kernels.values())
    rows = []
    for kernel, (count, ms, macs) in sorted(kernels.items(), key=lambda item: -item[1][1]):
        if ms < 0.01 * total:
            continue
        of_peak = f"{100 * macs / ms * 1e-6 / peak:.0f}" if macs else ""
        rows.append([f"`{kernel}`", str(count), digits(ms), f"{100 * ms / total:.1f}", of_peak])
    return table(["kernel", "layers", "ms", "share %", "% of peak"], rows)


def save(figure, path):
    figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None})


def plot_times(pyplot, result, path):
    """Each network's time as a share of the slowest's, so that all fit one axis; bars say milliseconds."""
    peers, all_threads = peers_in(result), sorted(map(int, result["machine"]["peak_gmacs"]))
    rows = ordered(result)
    figure, axes = pyplot.subplots(len(all_threads), 1, figsize=(9, 2.9 * len(all_threads)), squeeze=False)
    for axis, threads in zip(axes[:, 0], all_threads):
        for i, peer in enumerate(peers):
            for at, (_, _, by_threads) in enumerate(rows):
                times = by_threads[threads]
                if not isinstance(times.get(peer), list):
                    continue
                ms, octet = statistics.median(times[peer]), statistics.median(times["octet"])
                x = at + (i - (len(peers) - 1) / 2) * 0.8 / len(peers)
                axis.bar(x, ms / octet, 0.76 / len(peers), color=f"C{i}", label=PEERS[peer] if at == 0 else None)
                axis.text(x, ms / octet, digits(ms), ha="center", va="bottom", fontsize=7)
        axis.set_xticks(range(len(rows)), [f"{n}\n{kind}" for n, kind, _ in rows], fontsize=7)
        axis.set_ylabel("time / Octet's")
        axis.set_title(f"{threads} thread{'s' if threads > 1 else ''} (bars: milliseconds)", fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(y=0.12)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), fontsize=8, ncols=len(peers), loc="lower center",
                  bbox_to_anchor=(0.5, 1))
    figure.tight_layout()
    save(figure, path)


def plot_layers(pyplot, result, path):
    """A bar a layer: as wide as its time, as high as its share of the peak."""
    colours = {"CONV_2D": "C0", "DEPTHWISE_CONV_2D": "C1", "FULLY_CONNECTED": "C2"}
    names = [name for name in result["layers"] if name.endswith("threads:1")]
    peak = result["machine"]["peak_gmacs"]["1"]
    figure, axes = pyplot.subplots(len(names), 1, figsize=(9, 1.9 * len(names)), squeeze=False)
    for axis, name in zip(axes[:, 0], names):
        at = 0
        for layer in result["layers"][name]:
            ms = min(layer["ms"])
            colour = colours.get(layer["layer"].split()[0], "0.6")
            height = 100 * layer["macs"] / ms * 1e-6 / peak if layer["macs"] else 3
            axis.bar(at, height, ms, align="edge", color=colour, edgecolor="white", linewidth=0.3)
            at += ms
        axis.set_xlim(0, at)
        axis.set_ylim(0, 100)
        axis.set_ylabel("% of peak", fontsize=8)
        axis.set_title(name.replace("/threads:1", "").replace("/", " "), fontsize=9, loc="left")
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1, 0].set_xlabel("ms from the start, one thread")
    handles = [pyplot.Rectangle((0, 0), 1, 1, color=c) for c in [*colours.values(), "0.6"]]
    figure.legend(handles, [*colours, "no multiplications"], fontsize=8, ncols=4, loc="lower center",
                  bbox_to_anchor=(0.5, 1))
    figure.tight_layout()
    save(figure, path)


def section(pyplot, path):
    result = json.loads(path.read_text())
    if "benchmarks" in result:
        return phone_section(path)
    machine = result["machine"]
    peaks = ", ".join(f"{peak:.1f} GMAC/s on {t} thread{'s' if t != '1' else ''}"
                      for t, peak in machine["peak_gmacs"].items())
    plot_times(pyplot, result, path.with_name(path.stem + "-time.svg"))
    plot_layers(pyplot, result, path.with_name(path.stem + "-layers.svg"))
    versions = ", ".join(f"{PEERS[p]} ({v})" for p, v in result["versions"].items() if p in peers_in(result))
    parts = [f"## {name_of(machine)}, {machine['target']}, {result['date']}\n",
             f"{machine['num_cpus']} CPUs; {' '.join(machine['features'])}; governor: {machine['scaling_governor']}; "
             f"measured peak ({machine['peak_instruction']}): {peaks}. Octet {machine['octet_version']} against {versions}. "
             f"All samples: [{path.name}]({path.name}).\n",
             f"![time by network]({path.stem}-time.svg)\n"]
    if machine["cpu_share"] < 0.95:
        parts.insert(2, f"**Others used the CPUs meanwhile: Octet had its own for {100 * machine['cpu_share']:.0f} % of the time. "
                        "Measure again.**\n")
    for threads in sorted(map(int, machine["peak_gmacs"])):
        parts += [f"### {threads} thread{'s' if threads > 1 else ''}\n", network_table(result, threads)]
    parts += ["### Layers\n", f"![per cent of peak by layer]({path.stem}-layers.svg)\n"]
    for name, layers in result["layers"].items():
        if name.endswith("threads:1"):
            title = name.replace("/threads:1", "").replace("/", " ")
            parts += [f"<details><summary>{title}, by kernel</summary>\n",
                      by_kernel(layers, machine["peak_gmacs"]["1"]), "</details>\n"]
    return "\n".join(parts)


def pyplot_for_svg():
    try:
        import matplotlib
    except ImportError:
        sys.exit("matplotlib is missing (Debian: python3-matplotlib)")
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "octet", "font.size": 9})
    from matplotlib import pyplot
    return pyplot


def show():
    pyplot = pyplot_for_svg()
    intro = """# Results

Networks are the zoo's. `make results` measures a machine and rewrites this page (`make.py`, from the JSON files here); nothing below is
written by hand.

Times are medians of the samples, "/ Octet" the median over turns of a peer's time by Octet's in the same turn, "of minima" the ratio of
the two smallest times: Octet and its peers take turns in one process, pinned ([benchmarks/peers](../benchmarks/peers/README.md)); all stop
at the logits. Layers are timed one by one in
runs of their own; each of their bars is as wide as its time and as high as its share of the multiply peak, so its area is its work.

A record is of the kernels of its date. The one that does not say its CPU's family is older than the zoo's present uint8 weights: then more
of them took nine bits than in trained networks, which cost x86's depthwise layers time.

What 64-bit Arm executes, counted under emulation, and what phones' cores are estimated to take: [emulated.md](emulated.md).

## Your phone

With USB debugging allowed and the phone plugged in (README.md, "For phones"), in the dark and off its charger if it can be:

```sh
make build arm64
build/bin/octet bench mobilenet_v1_1.0_224 mobilenet_v1_0.5_160 mobilenet_v2_1.0_224 --device adb \\
  --cpus little --cpus big --threads 1,2,4 --cooldown 40C --json phone.json
results/make.py --add phone.json
```

The last line takes the file in, without the phone's serial number and name, and rewrites this page; send both as a pull request. Where no temperature
can be read, `--cooldown 60` waits a minute instead.
"""
    files = sorted(HERE.glob("*.json"), key=lambda path: (path.stem[-10:], path.stem), reverse=True)
    sections = [section(pyplot, path) for path in files] or ["No machine has been measured yet.\n"]
    (HERE / "README.md").write_text("\n".join([intro, *sections]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", metavar="BIN", type=pathlib.Path)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--samples", type=int, default=50)
    parser.add_argument("--add", metavar="FILE.json", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.add:
        add(arguments.add)
    if arguments.measure:
        measure(arguments.measure, arguments.threads, arguments.samples)
    show()


if __name__ == "__main__":
    main()
