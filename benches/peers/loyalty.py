"""Compares survival with lifelines on the same million rows, each on one thread: user CPU of lifelines over the CPU (user and
system) of ours, in turn, the median of rounds. Both sides must come to the same result. lifelines is given its columns for
nothing, as numpy arrays in its own memory. Then the rule of five conditions against an interpreter of CEL, which says true or
false without validity or reasons. Arguments: folder for the data, our bench, the interpreter."""
import pathlib
import resource
import statistics
import subprocess
import sys
import warnings

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.statistics import logrank_test

warnings.filterwarnings("ignore")
DATA, OURS, CEL = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
ROUNDS = 5


def user_cpu():
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def printed(*command):
    line = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    cpu, *result = [float(word) for word in line.split()]
    return cpu, result


def ours(task):
    return printed(OURS, "--bench", "time", task)


def judge(name, ratios, target):
    ratio = statistics.median(ratios)
    verdict = "met" if ratio >= target else "missed"
    print(f"figure\tagainst {name}, CPU\t{ratio:.1f}\ttimes\t>= {target}\t{verdict}", flush=True)


subprocess.run([OURS, "--bench", "write", str(DATA)], check=True)
days = np.fromfile(DATA / "days", "<i4").astype(int)
ended = np.fromfile(DATA / "ended", "u1").astype(int)
group = np.fromfile(DATA / "group", "<u2")


def kaplan_meier():
    found = KaplanMeierFitter().fit(days, ended)
    return [found.predict(365), *found.confidence_interval_.loc[365]]


def log_rank():
    found = logrank_test(days[group == 0], days[group == 1], ended[group == 0], ended[group == 1])
    return [found.test_statistic, found.p_value]


TASKS = [
    ("kaplan_meier", "Kaplan-Meier with Greenwood, 1,000,000 daily rows", kaplan_meier, 35.0),
    ("log_rank", "log-rank test of two groups, 1,000,000 daily rows", log_rank, 40.0),
]
for task, name, theirs, target in TASKS:
    ratios = []
    for _ in range(ROUNDS):
        start = user_cpu()
        their_result = theirs()
        their_cpu = user_cpu() - start
        our_cpu, our_result = ours(task)
        for their_figure, our_figure in zip(their_result, our_result, strict=True):
            assert abs(their_figure / our_figure - 1.0) < 1e-9, f"{their_result} by lifelines, {our_result} by us"
        ratios.append(their_cpu / our_cpu)
        print(f"# {task}: lifelines {their_cpu:.3f} s, ours {our_cpu:.6f} s", file=sys.stderr, flush=True)
    judge(f"lifelines: {name}", ratios, target)

ratios = []
for _ in range(ROUNDS):
    (their_cpu, their_result), (our_cpu, our_result) = printed(CEL, DATA / "rows"), ours("rule")
    assert their_result == our_result, f"{their_result} by CEL, {our_result} by us"
    ratios.append(their_cpu / our_cpu)
    print(f"# rule: CEL {their_cpu:.0f} ns, ours {our_cpu:.1f} ns", file=sys.stderr, flush=True)
judge("cel 0.15.0: rule of 5 conditions", ratios, 10.0)
