"""Compares us with the Python peers on the same data, each on one thread: user CPU of the peer over the CPU (user and
system) of ours, in turn, the median of rounds. Both sides must come to the same result."""
import pathlib
import resource
import statistics
import subprocess
import sys
import warnings

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import lifetimes
from lifetimes.utils import summary_data_from_transaction_data

warnings.filterwarnings("ignore")
DATA = pathlib.Path(sys.argv[1])
# Only these tasks, if any are named.
ONLY = sys.argv[2:]
END_OF_SHOP = 18_728
END_OF_LOG = 20_634


def user_cpu():
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def timed(work):
    """User CPU and the result."""
    start = user_cpu()
    result = work()
    return user_cpu() - start, result


def ours(task):
    """The CPU seconds our side prints for a task, measured in its own process, and its result."""
    command = ["cargo", "bench", "--quiet", "--locked", "--all-features", "--bench", "figures", "--", "time", task]
    out = subprocess.run([*command, str(DATA)], stdout=subprocess.PIPE, text=True, check=True).stdout
    result, cpu = map(float, out.split()[-2:])
    return cpu, result


def columns(table, **kinds):
    return {name: np.fromfile(DATA / f"{table}_{name}", dtype=kind) for name, kind in kinds.items()}


def buyers(table):
    return pd.DataFrame(columns(table, frequency="<u4", recency="<f8", age="<f8", spend="<f8"))


def log(table):
    return columns(table, customer="<u4", day="<i4", spend="<i8")


def with_parameters(fitter, **parameters):
    model = fitter(penalizer_coef=0.0)
    model.params_ = pd.Series(parameters)
    return model


class Fit:
    """A model fitted to a table of buyers; its alpha."""

    def __init__(self, fitter, table):
        self.fitter, self.data = fitter, buyers(table)

    def __call__(self):
        model = self.fitter(penalizer_coef=0.0)
        model.fit(self.data["frequency"], self.data["recency"], self.data["age"])
        return model.params_["alpha"]


class Score:
    """P(alive) and expected purchases of 39 weeks; their sums."""

    def __init__(self):
        self.data = buyers("buyers")
        self.model = with_parameters(lifetimes.BetaGeoFitter, r=0.243, alpha=4.414, a=0.793, b=2.426)

    def __call__(self):
        row = (self.data["frequency"], self.data["recency"], self.data["age"])
        alive = self.model.conditional_probability_alive(*row)
        expected = self.model.conditional_expected_number_of_purchases_up_to_time(39, *row)
        return np.nansum(alive) + np.nansum(expected)


class LifetimeValue(Score):
    """The value of twelve months; its sum."""

    def __init__(self):
        super().__init__()
        self.model.predict = self.model.conditional_expected_number_of_purchases_up_to_time
        self.spend = with_parameters(lifetimes.GammaGammaFitter, p=6.25, q=3.74, v=1544.0)

    def __call__(self):
        data = self.data
        values = self.spend.customer_lifetime_value(
            self.model, data["frequency"], data["recency"], data["age"], data["spend"],
            time=12, discount_rate=0.01, freq="W",
        )
        return np.nansum(values)


class History:
    """Purchases to statistics; the sum of the frequencies."""

    def __init__(self):
        data = log("shop")
        dates = pd.to_datetime(data["day"], unit="D")
        self.frame = pd.DataFrame({"customer": data["customer"], "date": dates, "spend": data["spend"].astype(float)})

    def __call__(self):
        end = pd.Timestamp(END_OF_SHOP, unit="D")
        summary = summary_data_from_transaction_data(
            self.frame, "customer", "date", "spend", observation_period_end=end
        )
        return summary["frequency"].sum()


class DuckDB:
    """The same by SQL, from a table in memory."""

    def __init__(self):
        frame = pd.DataFrame(log("log"))
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 1")
        self.connection.execute("SET preserve_insertion_order = false")
        self.connection.register("frame", frame)
        self.connection.execute("CREATE TABLE log AS SELECT * FROM frame")
        self.connection.unregister("frame")

    def __call__(self):
        self.connection.execute(f"""
            CREATE OR REPLACE TABLE summary AS
            SELECT customer, count(*) - 1 AS frequency, max(day) - min(day) AS recency, {END_OF_LOG} - min(day) AS age,
                CASE WHEN count(*) > 1 THEN (sum(spent) - arg_min(spent, day)) / (count(*) - 1) ELSE 0 END AS spend
            FROM (SELECT customer, day, sum(spend) AS spent FROM log GROUP BY customer, day)
            GROUP BY customer
        """)
        return self.connection.execute("SELECT sum(frequency) FROM summary").fetchone()[0]


class Polars:
    """The same by data frame."""

    def __init__(self):
        self.frame = pl.DataFrame(log("log"))

    def __call__(self):
        days = self.frame.lazy().group_by("customer", "day").agg(pl.col("spend").sum().alias("spent"))
        day, spent = pl.col("day"), pl.col("spent")
        summary = days.group_by("customer").agg(
            (pl.len().cast(pl.Int64) - 1).alias("frequency"),
            (day.max() - day.min()).alias("recency"),
            (END_OF_LOG - day.min()).alias("age"),
            (spent.sum() - spent.get(day.arg_min())).alias("after_first"),
        ).with_columns(
            pl.when(pl.col("frequency") > 0).then(pl.col("after_first") / pl.col("frequency")).otherwise(0.0)
        ).collect(engine="streaming")
        return summary["frequency"].sum()


class Quintiles:
    """Break points and scores of three axes; how many rows."""

    def __init__(self):
        self.table = pd.DataFrame(columns("rfm", recency="<i4", purchases="<u4", spend="<i8"))

    def __call__(self):
        for name in ["recency", "purchases", "spend"]:
            cuts = self.table[name].quantile([0.2, 0.4, 0.6, 0.8]).to_numpy()
            scores = np.searchsorted(cuts, self.table[name].to_numpy(), side="left")
        return len(scores)


class RfmByDuckDB:
    """Last day, purchases and spend of each customer, by SQL: the aggregation alone; the sum of the recencies."""

    def __init__(self):
        frame = pd.DataFrame(log("events"))
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 1")
        self.connection.execute("SET preserve_insertion_order = false")
        self.connection.register("frame", frame)
        self.connection.execute("CREATE TABLE log AS SELECT * FROM frame")
        self.connection.unregister("frame")

    def __call__(self):
        return self.connection.execute(f"""
            SELECT sum({END_OF_LOG} - last) FROM (
                SELECT max(day) AS last, count(*) AS purchases, sum(spend) AS spent FROM log GROUP BY customer
            ) WHERE purchases > 0 AND spent > 0
        """).fetchone()[0]


class RfmByPandas:
    """The same, then quintiles and scores."""

    def __init__(self):
        self.frame = pd.DataFrame(log("events"))

    def __call__(self):
        table = self.frame.groupby("customer", sort=False).agg(
            last=("day", "max"), purchases=("day", "size"), spend=("spend", "sum")
        )
        table["recency"] = END_OF_LOG - table["last"]
        for name in ["recency", "purchases", "spend"]:
            cuts = table[name].quantile([0.2, 0.4, 0.6, 0.8]).to_numpy()
            table[f"{name}_score"] = np.searchsorted(cuts, table[name].to_numpy(), side="left")
        return table["recency"].sum()


BY_LIFETIMES, BY_PANDAS = f"lifetimes {lifetimes.__version__}", f"pandas {pd.__version__}"
BY_DUCKDB, BY_POLARS = f"DuckDB {duckdb.__version__}", f"Polars {pl.__version__}"
# Task, what it is, peer, its work, how many times quicker we want to be, rounds.
TASKS = [
    ("fit", "BG/NBD fit, CDNOW", BY_LIFETIMES, lambda: Fit(lifetimes.BetaGeoFitter, "cdnow"), 100.0, 5),
    ("fit_pareto", "Pareto/NBD fit, CDNOW", BY_LIFETIMES, lambda: Fit(lifetimes.ParetoNBDFitter, "cdnow"), 60.0, 3),
    ("fit_many", "BG/NBD fit, 1,000,000 customers", BY_LIFETIMES, lambda: Fit(lifetimes.BetaGeoFitter, "buyers"), 48.0, 1),
    ("score", "P(alive) and expected purchases, 1,000,000 rows", BY_LIFETIMES, Score, 5.5, 3),
    ("lifetime_value", "12-month lifetime value, 1,000,000 rows", BY_LIFETIMES, LifetimeValue, 57.0, 1),
    ("history", "history, 4.8 million purchases, 1.6 million customers", BY_LIFETIMES, History, 20.0, 1),
    ("history_many", "history, 20 million purchases, 2 million customers", BY_DUCKDB, DuckDB, 4.0, 3),
    ("history_many", "history, 20 million purchases, 2 million customers", BY_POLARS, Polars, 7.0, 1),
    ("rfm", "RFM break points and scores, 1,000,000 rows", BY_PANDAS, Quintiles, 2.0, 3),
    ("rfm_events", "RFM of 10 million purchases, 1 million customers", f"{BY_DUCKDB}'s aggregation", RfmByDuckDB, 2.3, 3),
    ("rfm_events", "RFM of 10 million purchases, 1 million customers", BY_PANDAS, RfmByPandas, 4.8, 3),
]

for task, name, peer, prepare, target, rounds in TASKS:
    if ONLY and task not in ONLY:
        continue
    work = prepare()
    ratios = []
    for _ in range(rounds):
        (their_cpu, theirs), (our_cpu, our_result) = timed(work), ours(task)
        # Peers stop short of the optimum, and count money at the end of the month.
        assert abs(theirs / our_result - 1.0) < 0.02, f"{name}: {theirs} by {peer}, {our_result} by us"
        ratios.append(their_cpu / our_cpu)
        print(f"# {task}: {peer} {their_cpu:.3f} s, ours {our_cpu:.6f} s", file=sys.stderr, flush=True)
    ratio = statistics.median(ratios)
    verdict = "met" if ratio >= target else "missed"
    print(f"figure\tagainst {peer}: {name}, CPU\t{ratio:.1f}\ttimes\t>= {target}\t{verdict}", flush=True)
