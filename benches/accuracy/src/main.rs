//! Writes what `statrs` and `special` answer to every row of the tables: `accuracy TABLES ANSWERS`, two folders.

#[path = "../../../src/numeric/reference.rs"]
#[allow(dead_code, reason = "the tests of the crate read whole files")]
mod reference;

use special::{Beta, Gamma};
use statrs::function::{beta, gamma};
use std::{env, fs, panic, path::Path};

type Answer = fn(&[f64]) -> f64;

const STATRS: [(&str, Answer); 5] = [
    ("lgamma", |x| gamma::ln_gamma(x[0])),
    ("digamma", |x| gamma::digamma(x[0])),
    ("lbeta", |x| beta::ln_beta(x[0], x[1])),
    ("ibeta", |x| beta::beta_reg(x[0], x[1], x[2])),
    ("ibeta_wide", |x| beta::beta_reg(x[0], x[1], x[2])),
];

/// Without `ibeta_wide`: for some of its rows `inc_beta` does not return.
const SPECIAL: [(&str, Answer); 5] = [
    ("lgamma", |x| Gamma::ln_gamma(x[0]).0),
    ("digamma", |x| x[0].digamma()),
    ("trigamma", |x| x[0].trigamma()),
    ("lbeta", |x| x[0].ln_beta(x[1])),
    ("ibeta", |x| Beta::inc_beta(x[2], x[0], x[1], x[0].ln_beta(x[1]))),
];

fn write(tables: &Path, folder: &Path, version: &str, functions: &[(&str, Answer)]) {
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("version"), version).expect("a file");
    for (file, answer) in functions {
        let text = fs::read_to_string(tables.join(file).with_extension("csv")).expect("a table");
        let answers = reference::parsed(&text).map(|(x, value, _)| {
            let answer = panic::catch_unwind(|| answer(&x)).unwrap_or(f64::NAN);
            // A negative value stands for minus the rest of one.
            let answer = if *file == "ibeta_wide" && value < 0.0 { answer - 1.0 } else { answer };
            format!("{answer:e}\n")
        });
        fs::write(folder.join(file), answers.collect::<String>()).expect("a file");
    }
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, tables, answers] = &arguments[..] else { panic!("accuracy TABLES ANSWERS") };
    let (tables, answers) = (Path::new(tables), Path::new(answers));
    panic::set_hook(Box::new(|_| ()));
    write(tables, &answers.join("statrs"), "0.19.1", &STATRS);
    write(tables, &answers.join("special"), "0.14.2", &SPECIAL);
}
