//! Measures our error and that of peers over the tables of `tests/reference`: `accuracy.md` holds what was measured.

use super::dropout_series::Afresh;
use super::exponential::ln_sum_exp;
use super::exponential_integral::scaled_exponential_integral;
use super::gamma::{digamma, ln_beta, ln_gamma, trigamma};
use super::gauss::ln_2f1;
use super::hypergeometric::mean_until_dropout;
use super::incomplete_beta::{regularised, tails};
use super::reference::parsed;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/numeric/accuracy.md");
const PEERS: [&str; 3] = ["scipy", "statrs", "special"];

struct Function {
    name: &'static str,
    file: &'static str,
    /// Errors are relative to the value, or to this where it is smaller.
    floor: f64,
    /// Our value for arguments, and whether that of the table is negative: then it is minus another one.
    ours: fn(&[f64], bool) -> f64,
}

const FUNCTIONS: [Function; 12] = [
    Function { name: "`ln Γ(x)`", file: "lgamma", floor: 0.0, ours: |x, _| ln_gamma(x[0]) },
    Function { name: "digamma", file: "digamma", floor: 0.0, ours: |x, _| digamma(x[0]) },
    Function { name: "trigamma", file: "trigamma", floor: 0.0, ours: |x, _| trigamma(x[0]) },
    // The goal is 16 units, or 1e-15 around the zeros.
    Function {
        name: "`ln B(a, b)`",
        file: "lbeta",
        floor: 1e-15 / (16.0 * f64::EPSILON),
        ours: |x, _| ln_beta(x[0], x[1]),
    },
    Function { name: "`I_x(a, b)`", file: "ibeta", floor: 0.0, ours: |x, _| regularised(x[0], x[1], x[2]).0 },
    Function {
        name: "the smaller of `I_x(a, b)` and the rest, a and b up to 1e8",
        file: "ibeta_wide",
        floor: 0.0,
        ours: |x, rest| {
            let (lower, upper) = regularised(x[0], x[1], x[2]);
            if rest { -upper } else { lower }
        },
    },
    Function {
        name: "the smaller tail of the negative binomial",
        file: "negative_binomial",
        floor: 0.0,
        ours: |x, is_lower| {
            let (lower, upper) = tails(x[0], x[1], x[2]);
            if is_lower { -lower } else { upper }
        },
    },
    Function {
        name: "`ln 2F1(a, b; c; z)`, arguments of BG/NBD and Pareto/NBD",
        file: "log2f1",
        floor: 0.0,
        ours: |x, _| ln_2f1(x[0], x[1], x[2], x[3]),
    },
    Function {
        name: "`ln 2F1(a, b; c; z)`, drawn more widely",
        file: "log2f1_wide",
        floor: 0.0,
        ours: |x, _| ln_2f1(x[0], x[1], x[2], x[3]),
    },
    Function {
        name: "expected purchases of BG/NBD, which hold a `2F1`",
        file: "dropout",
        floor: 0.0,
        ours: |x, _| mean_until_dropout(x[0], x[1], x[2], x[3], &mut Afresh),
    },
    Function {
        name: "`e^z E_s(z)`",
        file: "expint",
        floor: 0.0,
        ours: |x, _| scaled_exponential_integral(x[0], x[1]),
    },
    Function { name: "`ln(e^x + e^y)`", file: "lse", floor: 0.0, ours: |x, _| ln_sum_exp(x[0], x[1]) },
];

/// The errors of one side over one table, in units of 2^-52.
struct Errors(Vec<f64>);

impl Errors {
    fn of(function: &Function, answers: impl Iterator<Item = f64>, text: &str) -> Self {
        let errors = parsed(text).zip(answers).map(|((_, value, rest), answer)| {
            let share = ((answer - value) / value - rest).abs();
            share * (value.abs() / value.abs().max(function.floor)) / f64::EPSILON
        });
        let mut errors: Vec<f64> = errors.collect();
        errors.sort_by(f64::total_cmp);
        Self(errors)
    }

    /// Median and largest, and how many were no number.
    fn cell(&self) -> String {
        let finite = self.0.iter().filter(|error| error.is_finite()).count();
        let cell = format!("{} / {}", units(self.0[self.0.len() / 2]), units(self.0[finite - 1]));
        if finite < self.0.len() { format!("{cell}, {} not finite", self.0.len() - finite) } else { cell }
    }
}

fn units(error: f64) -> String {
    if error < 999.5 { format!("{error:.1}") } else { format!("{error:.1e}") }
}

fn text(function: &Function) -> String {
    fs::read_to_string(format!("{ROOT}/tests/reference/{}.csv", function.file)).unwrap()
}

/// The row of the table up to our own column.
fn our_row(function: &Function) -> String {
    let text = text(function);
    let ours = parsed(&text).map(|(arguments, value, _)| (function.ours)(&arguments, value < 0.0));
    let errors = Errors::of(function, ours, &text);
    format!("| {} | {} | {} |", function.name, errors.0.len(), errors.cell())
}

#[test]
fn the_table_holds_what_is_measured() {
    let table = fs::read_to_string(TABLE).unwrap();
    for function in &FUNCTIONS {
        let row = our_row(function);
        assert!(
            table.lines().any(|line| line.starts_with(&row)),
            "accuracy.md is not what is measured, run benches/accuracy/run: {row}"
        );
    }
}

/// What peers answered to each row of each table is in the folder named by `PATRONAGE_PEER_ANSWERS`.
#[test]
#[ignore = "a part of benches/accuracy/run"]
fn write_the_table() {
    let folder = std::env::var_os("PATRONAGE_PEER_ANSWERS").unwrap();
    let answers = |peer: &str, file: &str| fs::read_to_string(Path::new(&folder).join(peer).join(file));
    let mut header = "| function | rows | ours |".to_owned();
    for peer in PEERS {
        write!(header, " {peer} {} |", answers(peer, "version").unwrap().trim()).unwrap();
    }
    let mut lines = vec![header, "|---|---:|---:|---:|---:|---:|".to_owned()];
    for function in &FUNCTIONS {
        let mut row = our_row(function);
        for peer in PEERS {
            let cell = answers(peer, function.file).map_or("–".to_owned(), |answers| {
                let numbers: Vec<f64> = answers.lines().map(|line| line.parse().unwrap()).collect();
                let text = text(function);
                assert_eq!(numbers.len(), text.lines().count(), "{peer} {}", function.file);
                Errors::of(function, numbers.into_iter(), &text).cell()
            });
            write!(row, " {cell} |").unwrap();
        }
        lines.push(row);
    }
    fs::write(TABLE, lines.join("\n") + "\n").unwrap();
}
