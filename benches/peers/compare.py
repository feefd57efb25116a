"""Compares us with the Python peers on the same data: user and system CPU of each side, in turn, the median of rounds."""
import pathlib
import resource
import statistics
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import lifetimes
from lifetimes.utils import summary_data_from_transaction_data

warnings.filterwarnings("ignore")
DATA = pathlib.Path(sys.argv[1])
ROUNDS = 3


def cpu(who=resource.RUSAGE_SELF):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def timed(work):
    start = cpu()
    work()
    return cpu() - start


def ours(task):
    """The CPU seconds our side prints for a task, measured in its own process."""
    command = ["cargo", "bench", "--quiet", "--locked", "--all-features", "--bench", "figures", "--", "time", task]
    out = subprocess.run([*command, str(DATA)], capture_output=True, text=True, check=True).stdout
    return float(out.split()[-1])


def column(name, kind):
    return np.fromfile(DATA / name, dtype=kind)


cdnow = {name: column(f"cdnow_{name}", kind) for name, kind in [("frequency", "<u4"), ("recency", "<f8"), ("age", "<f8")]}
many = {name: column(f"buyers_{name}", kind) for name, kind in [("frequency", "<u4"), ("recency", "<f8"), ("age", "<f8")]}
log = {name: column(f"log_{name}", kind) for name, kind in [("customer", "<u4"), ("day", "<i4"), ("spend", "<i8")]}
rfm = {name: column(f"rfm_{name}", kind) for name, kind in [("recency", "<i4"), ("purchases", "<u4"), ("spend", "<i8")]}
frame = pd.DataFrame({
    "customer": log["customer"],
    "date": pd.to_datetime(log["day"], unit="D"),
    "spend": log["spend"].astype(float),
})


def fitted():
    model = lifetimes.BetaGeoFitter(penalizer_coef=0.0)
    model.fit(cdnow["frequency"], cdnow["recency"], cdnow["age"])
    return model


MODEL = fitted()


def alive():
    MODEL.conditional_probability_alive(many["frequency"], many["recency"], many["age"])


def history():
    summary_data_from_transaction_data(frame, "customer", "date", "spend", observation_period_end="2026-06-30")


def quintiles():
    table = pd.DataFrame(rfm)
    for name in ["recency", "purchases", "spend"]:
        cuts = table[name].quantile([0.2, 0.4, 0.6, 0.8]).to_numpy()
        np.searchsorted(cuts, table[name].to_numpy(), side="left")


TASKS = [
    ("fit", "BG/NBD fit, CDNOW, lifetimes 0.11.3", fitted, 10.0),
    ("alive", "P(alive), 1,000,000 rows, lifetimes 0.11.3", alive, 1.0),
    ("history", "purchase history, 1,000,000 purchases, lifetimes 0.11.3", history, 10.0),
    ("rfm", "RFM break points and scores, 1,000,000 rows, pandas 2.1.4", quintiles, 2.0),
]

for task, name, theirs, target in TASKS:
    ratios = [timed(theirs) / ours(task) for _ in range(ROUNDS)]
    ratio = statistics.median(ratios)
    verdict = "met" if ratio >= target else "missed"
    print(f"figure\tagainst {name}, CPU\t{ratio:.1f}\ttimes\t>= {target}\t{verdict}", flush=True)
