"""Writes what SciPy answers to every row of the function tables, and lifetimes to every row of the stress grid:
answers.py TABLES ANSWERS, two folders."""
import csv
import pathlib
import sys
import warnings

import numpy as np
import pandas as pd
import scipy
from scipy import special
import lifetimes

warnings.filterwarnings("ignore")
TABLES, ANSWERS = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])

# By table. Where a table has a negative value, that is minus the rest of the function.
FUNCTIONS = {
    "lgamma": (special.gammaln, None),
    "digamma": (special.psi, None),
    "trigamma": (lambda x: special.polygamma(1, x), None),
    "lbeta": (special.betaln, None),
    "ibeta": (special.betainc, None),
    "ibeta_wide": (special.betainc, special.betaincc),
    "log2f1": (lambda a, b, c, z: np.log(special.hyp2f1(a, b, c, z)), None),
    "log2f1_wide": (lambda a, b, c, z: np.log(special.hyp2f1(a, b, c, z)), None),
    "lse": (lambda *terms: special.logsumexp(terms), None),
}


def write(folder, name, lines):
    folder = ANSWERS / folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(f"{line}\n" for line in lines))


def scipy_answers():
    write("scipy", "version", [scipy.__version__])
    for name, (function, rest) in FUNCTIONS.items():
        answers = []
        for line in (TABLES / f"{name}.csv").read_text().splitlines():
            arguments, value = line.split("|")
            arguments = [float.fromhex(argument) for argument in arguments.split(";")]
            use_rest = rest is not None and value.startswith("-")
            answers.append(-rest(*arguments) if use_rest else function(*arguments))
        write("scipy", name, map(float, answers))


def likelihood(model, name, parameters, x, recency, age):
    x, recency, age = (np.array([float(value)]) for value in (x, recency, age))
    if name == "pnbd":
        return model._conditional_log_likelihood(parameters, x, recency, age)
    return -model._negative_log_likelihood(np.log(parameters), x, recency, age, np.ones(1), 0.0)


def lifetimes_answers():
    fitters = {
        "bgnbd": (lifetimes.BetaGeoFitter, ["r", "alpha", "a", "b"]),
        "mbgnbd": (lifetimes.ModifiedBetaGeoFitter, ["r", "alpha", "a", "b"]),
        "pnbd": (lifetimes.ParetoNBDFitter, ["r", "alpha", "s", "beta"]),
    }
    lines = []
    for row in csv.DictReader((TABLES / "stress_grid.csv").read_text().splitlines()):
        fitter, names = fitters[row["model"]]
        parameters = [float(row[f"p{i}"]) for i in (1, 2, 3, 4)]
        x, recency, age, t = (float(row[name]) for name in ("x", "tx", "T", "t"))
        model = fitter()
        model.params_ = pd.Series(dict(zip(names, parameters)))
        questions = [
            lambda: likelihood(model, row["model"], parameters, x, recency, age),
            lambda: model.conditional_probability_alive(x, recency, age),
            lambda: model.conditional_expected_number_of_purchases_up_to_time(t, x, recency, age),
            lambda: model.expected_number_of_purchases_up_to_time(t),
        ]
        answers = []
        for question in questions:
            try:
                answers.append(float(np.squeeze(question())))
            except Exception:
                answers.append(float("nan"))
        lines.append(",".join(map(str, answers)))
    write("lifetimes", "version", [lifetimes.__version__])
    write("lifetimes", "stress_grid", lines)


scipy_answers()
lifetimes_answers()
