"""Compares journeys with the peers on the same events, each on one thread: user CPU of the peer over the CPU (user and
system) of ours, in turn, the median of rounds. Both sides must come to the same result. What a peer is given for
nothing: the log lies in its own form in its own memory, for process_mining and ClickHouse grouped by customer already
and for pm4py sorted; process_mining and ClickHouse count transitions only, without the time between. Arguments: folder of the logs, our bench, the process_mining
program (`-` where it could not be built), and millions of events, by default 1 and 5."""
import contextlib
import importlib
import io
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
DATA, OURS, PROCESS_MINING = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
MILLIONS = [int(word) for word in sys.argv[4:]] or [1, 5]
WEEK = 7 * 86_400_000_000
SHARED = pathlib.Path(os.environ.get("PATRONAGE_SHARED_DATA", "../shared/data"))


def user_cpu():
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def numbers(line):
    return [float(word) for word in line.split()]


def ours(task, events):
    """Our CPU seconds in a process of their own, and figures of the result."""
    command = [OURS, "--bench", "time", task, str(events)]
    cpu, *result = numbers(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return cpu, result


def peer(name):
    """A module, or nothing where it could not be installed."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return importlib.import_module(name)
    except ImportError as error:
        print(f"# {name} is not installed, so it is not compared: {error}", flush=True)
        return None


class Columns:
    def __init__(self, folder):
        self.customer = np.fromfile(folder / "customer", "<u4")
        self.time = np.fromfile(folder / "time", "<i8")
        self.activity = np.fromfile(folder / "activity", "<u2")
        self.row = np.arange(len(self.customer), dtype="u8")

    def named(self):
        return {"c": self.customer, "t": self.time, "a": self.activity, "i": self.row}


def by_process_mining(task):
    def prepare(folder):
        def work():
            command = [PROCESS_MINING, str(folder), task, "1"]
            cpu, *result = numbers(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
            return cpu, result

        return work

    return prepare


def timed(query):
    """A peer in this process: its user CPU and its result."""

    def work():
        start = user_cpu()
        result = query()
        return user_cpu() - start, result

    return work


def by_pm4py(task):
    def prepare(folder):
        columns = Columns(folder)
        names = np.array([f"touchpoint_{code:02}" for code in range(20)], dtype=object)
        frame = pandas.DataFrame(
            {
                "case:concept:name": columns.customer.astype(str),
                "concept:name": names[columns.activity],
                "time:timestamp": pandas.to_datetime(columns.time, unit="us", utc=True),
            }
        )
        keys = {"case_id": "case:concept:name", "activity_key": "concept:name", "timestamp_key": "time:timestamp"}
        frame = pm4py.format_dataframe(frame, **keys)

        def graph():
            counts, dwell = pm4py.discover_dfg(frame)[0], pm4py.discover_performance_dfg(frame)[0]
            assert len(counts) == len(dwell)
            return [len(counts), sum(counts.values())]

        def variants():
            found = pm4py.get_variants(frame)
            return [len(found), max(found.values())]

        return timed(graph if task == "graph" else variants)

    return prepare


def by_duckdb(folder):
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    frame = pandas.DataFrame(Columns(folder).named())
    connection.register("frame", frame)
    connection.execute("CREATE TABLE e AS SELECT * FROM frame")
    connection.unregister("frame")
    return timed(
        lambda: connection.execute("""
            SELECT count(*), sum(n)::DOUBLE, sum(dwell)::DOUBLE / 1e6 FROM (
                SELECT p, a, count(*) AS n, sum(t - before) AS dwell FROM (
                    SELECT a, t, lag(a) OVER follows AS p, lag(t) OVER follows AS before
                    FROM e WINDOW follows AS (PARTITION BY c ORDER BY t, i)
                ) WHERE p IS NOT NULL GROUP BY p, a
            )
        """).fetchone()
    )


def by_polars(folder):
    frame = polars.DataFrame(Columns(folder).named())

    def query():
        before = polars.all().shift(1)
        sorted_events = frame.lazy().sort("c", "t", "i")
        pairs = sorted_events.with_columns(
            polars.col("c").shift(1).alias("of"), polars.col("a").shift(1).alias("p"), polars.col("t").diff().alias("dwell")
        ).filter(polars.col("c") == polars.col("of"))
        ways = pairs.group_by("p", "a").agg(polars.len().alias("n"), polars.col("dwell").sum())
        found = ways.select(polars.len(), polars.col("n").sum(), polars.col("dwell").sum().alias("d") / 1e6).collect()
        return list(map(float, (found.row(0))))

    return timed(query)


CLICKHOUSE = {
    "graph": """
        SELECT count(), sum(n) FROM (
            SELECT p, a, count() AS n FROM (
                SELECT a, lagInFrame(toInt32(a), 1, -1) OVER (
                    PARTITION BY c ORDER BY t, i ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                ) AS p FROM events
            ) WHERE p >= 0 GROUP BY p, a
        )""",
    "funnel": f"""
        SELECT countIf(level >= 1), countIf(level >= 2), countIf(level >= 3) FROM (
            SELECT c, windowFunnel({WEEK})(toUInt64(t), a = 0, a = 5, a = 9) AS level FROM events GROUP BY c
        )""",
    "variants": """
        SELECT count(), max(n) FROM (
            SELECT s, count() AS n FROM (
                SELECT c, groupArray(a) AS s FROM (SELECT c, a FROM events ORDER BY c, t, i) GROUP BY c
            ) GROUP BY s
        )""",
}


def by_clickhouse(task):
    def prepare(folder):
        session = chdb_session.Session()
        parquet = folder / "events.parquet"
        if not parquet.exists():
            pandas.DataFrame(Columns(folder).named()).to_parquet(parquet)
        session.query("CREATE DATABASE IF NOT EXISTS log")
        session.query("DROP TABLE IF EXISTS log.events")
        session.query(f"""
            CREATE TABLE log.events ENGINE = MergeTree ORDER BY (c, t, i) AS
            SELECT assumeNotNull(c) AS c, assumeNotNull(t) AS t, assumeNotNull(a) AS a, assumeNotNull(i) AS i
            FROM file('{parquet}', Parquet)""")
        session.query("OPTIMIZE TABLE log.events FINAL")
        query = CLICKHOUSE[task].replace("FROM events", "FROM log.events") + " SETTINGS max_threads = 1"
        return timed(lambda: [float(word) for word in str(session.query(query)).strip().split(",")])

    return prepare


def by_channel_attribution(order):
    def prepare(_folder):
        paths = pandas.read_csv(SHARED / "journey/channelattribution_pathdata.csv", sep=";")

        def work():
            with contextlib.redirect_stdout(io.StringIO()):
                found = channel_attribution.markov_model(
                    paths, "path", "total_conversions", var_null="total_null", order=order, ncore=1, seed=1,
                    verbose=False, flg_pro=False,
                )
            return [float(found["total_conversions"].sum())]

        return timed(work)

    return prepare


def compare(name, task, amount, peer_name, prepare, folder, target, rounds):
    try:
        work = prepare(folder)
        ratios = []
        for _ in range(rounds):
            (their_cpu, theirs), (our_cpu, our_result) = work(), ours(task, amount)
            for their_figure, our_figure in zip(theirs, our_result):
                assert abs(their_figure / our_figure - 1.0) < 1e-9, f"{theirs} by {peer_name}, {our_result} by us"
            ratios.append(their_cpu / our_cpu)
            print(f"# {task}: {peer_name} {their_cpu:.3f} s, ours {our_cpu:.6f} s", file=sys.stderr, flush=True)
    except Exception as error:
        print(f"# against {peer_name}: {name} was not compared: {error!r}"[:400], flush=True)
        return
    ratio = statistics.median(ratios)
    verdict = "met" if ratio >= target else "missed"
    print(f"figure\tagainst {peer_name}: {name}, CPU\t{ratio:.1f}\ttimes\t>= {target}\t{verdict}", flush=True)


pandas = peer("pandas")
pm4py, duckdb, polars = peer("pm4py"), peer("duckdb"), peer("polars")
chdb, channel_attribution = peer("chdb"), peer("ChannelAttribution")
chdb_session = importlib.import_module("chdb.session") if chdb else None
if PROCESS_MINING == "-":
    print("# process_mining was not built, so it is not compared", flush=True)

FROM_INTERACTIONS = "transition graph with dwell, ours from interactions"
# Our task, what it is, peer, whether it is there, its work, how many times quicker we want to be, rounds. The targets are
# those of the plan: what we promise over what was measured of the peer; 1 where it was not.
TASKS = [
    ("interactions", FROM_INTERACTIONS, "process_mining 0.6.2 (counts only)", PROCESS_MINING != "-", by_process_mining("graph"), 8.0, 3),
    ("variants", "variants", "process_mining 0.6.2", PROCESS_MINING != "-", by_process_mining("variants"), 20.0, 3),
    ("interactions", FROM_INTERACTIONS, "pm4py (counts, then dwell)", pm4py, by_pm4py("graph"), 14.0, 1),
    ("variants", "variants", "pm4py", pm4py, by_pm4py("variants"), 23.0, 1),
    ("unsorted", "transition graph with dwell, unsorted columns", "DuckDB", duckdb, by_duckdb, 9.0, 3),
    ("unsorted", "transition graph with dwell, unsorted columns", "Polars", polars, by_polars, 1.0, 3),
    ("grouped", "transition graph with dwell, prepared log", "ClickHouse (counts only)", chdb, by_clickhouse("graph"), 20.0, 3),
    ("funnel", "three-step windowed funnel, prepared log", "ClickHouse", chdb, by_clickhouse("funnel"), 7.8, 3),
    ("variants", "variants, prepared log", "ClickHouse", chdb, by_clickhouse("variants"), 3.8, 3),
]

for millions in MILLIONS:
    folder = DATA / str(millions)
    folder.mkdir()
    subprocess.run([OURS, "--bench", "write", str(folder), str(millions * 1_000_000)], check=True)
    for task, name, peer_name, there, prepare, target, rounds in TASKS:
        if there:
            many = f"{name}, {millions} million events"
            compare(many, task, millions * 1_000_000, peer_name, prepare, folder, target, rounds)
if channel_attribution:
    for order, target in [(1, 33.0), (3, 4.8)]:
        name = f"Markov attribution of order {order}, ours exact, 10,000 paths"
        compare(name, "markov", order, "ChannelAttribution (simulated)", by_channel_attribution(order), DATA, target, 3)
