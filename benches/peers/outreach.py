"""Compares offers with implicit (ALS of 64 factors, 15 rounds) on the purchases of Online Retail, each on one thread: user CPU
of implicit's fit alone over the CPU (user and system) of all of ours, pair rules included, in turn, the median of rounds.
implicit is given its matrix for nothing. Arguments: folder for the data, our bench."""
import pathlib
import resource
import statistics
import subprocess
import sys

import numpy as np
import scipy.sparse as sparse
from implicit.als import AlternatingLeastSquares

DATA, OURS = pathlib.Path(sys.argv[1]), sys.argv[2]
ROUNDS = 5
TARGET = 15.0


def user_cpu():
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


subprocess.run([OURS, "--bench", "write", str(DATA)], check=True)
customers = np.fromfile(DATA / "customers", "<u4").astype(int)
items = np.fromfile(DATA / "items", "<u4").astype(int)
bought = sparse.csr_matrix((np.ones(len(items), np.float32), (customers, items))) * 10

ratios = []
for _ in range(ROUNDS):
    model = AlternatingLeastSquares(factors=64, iterations=15, regularization=0.05, random_state=1, num_threads=1)
    start = user_cpu()
    model.fit(bought, show_progress=False)
    their_cpu = user_cpu() - start
    line = subprocess.run([OURS, "--bench", "time"], stdout=subprocess.PIPE, text=True, check=True).stdout
    our_cpu = float(line)
    ratios.append(their_cpu / our_cpu)
    print(f"# implicit's fit {their_cpu:.3f} s, ours {our_cpu:.4f} s", file=sys.stderr, flush=True)
ratio = statistics.median(ratios)
verdict = "met" if ratio >= TARGET else "missed"
print(f"figure\tagainst implicit: offers for every customer and pair rules against its fit alone, CPU\t{ratio:.1f}\ttimes\t"
      f">= {TARGET}\t{verdict}", flush=True)

# Whether our offers are good is for tests/outreach_reference.rs to say; here only that they are offers.
subprocess.run([OURS, "--bench", "offers", str(DATA / "offers")], check=True)
ours = np.fromfile(DATA / "offers", "<u4").reshape(-1, 10)
known = sparse.csr_matrix(bought > 0)
rows, columns = np.nonzero(ours < known.shape[1])
assert not np.asarray(known[rows, ours[rows, columns]]).any(), "an offer is of an item that the customer has"
