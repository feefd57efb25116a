//! Every row of `tests/reference/stress_grid.csv`: harsh but legal parameters and buyers, with values from 400-bit ball
//! arithmetic. `stress_grid.md` holds how far off we are, and the peer with the same models.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "frequencies are read as whole numbers"
)]

use super::{BgNbd, Buyer, Discount, Horizon, MbgNbd, ParetoNbd, PurchaseForecast};
use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/value/stress_grid.md");
const MODELS: [(&str, &str); 3] = [("bgnbd", "BG/NBD"), ("mbgnbd", "MBG/NBD"), ("pnbd", "Pareto/NBD")];
const QUESTIONS: [&str; 5] = [
    "log-likelihood",
    "P(alive)",
    "expected purchases",
    "expected purchases, new customer",
    "discounted residual purchases",
];

/// A row of the grid: its model, the true answers to the questions as far as the grid has them, and ours.
struct Row {
    model: usize,
    truth: Vec<f64>,
    ours: [f64; 5],
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(format!("{ROOT}/tests/reference/stress_grid.csv")).unwrap();
    text.lines().skip(1).map(row).collect()
}

fn row(line: &str) -> Row {
    let (name, numbers) = line.split_once(',').unwrap();
    let cells: Vec<f64> = numbers.split(',').map(|cell| cell.parse().unwrap()).collect();
    let [p1, p2, p3, p4, x, recency, age, t, d, ref truth @ ..] = cells[..] else { panic!("{line}") };
    let buyer = Buyer::new(x as u32, recency, age).unwrap();
    let model = MODELS.iter().position(|&(short, _)| short == name).unwrap();
    let ours = match model {
        0 => answers(&BgNbd::new(p1, p2, p3, p4).unwrap(), buyer, t, d),
        1 => answers(&MbgNbd::new(p1, p2, p3, p4).unwrap(), buyer, t, d),
        _ => answers(&ParetoNbd::new(p1, p2, p3, p4).unwrap(), buyer, t, d),
    };
    // The grid has the residual purchases of the Pareto/NBD model only.
    let known = if model == 2 { truth.len() } else { truth.len() - 1 };
    Row { model, truth: truth[..known].to_vec(), ours }
}

fn answers(model: &impl PurchaseForecast, buyer: Buyer, t: f64, d: f64) -> [f64; 5] {
    let (horizon, discount) = (Horizon::new(t).unwrap(), Discount::try_from(d).unwrap());
    [
        model.log_likelihood(buyer),
        model.p_alive(buyer),
        model.expected_purchases(buyer, horizon),
        model.expected_purchases_new(horizon),
        model.discounted_residual_purchases(buyer, discount),
    ]
}

/// Relative, but below 1e-290, where a double has fewer digits, against that.
fn error(answer: f64, truth: f64) -> f64 {
    (answer - truth).abs() / truth.abs().max(1e-290)
}

#[test]
fn every_row_is_exact() {
    let rows = rows();
    assert_eq!(rows.len(), 898);
    for (number, row) in rows.iter().enumerate() {
        for ((question, &ours), &truth) in QUESTIONS.iter().zip(&row.ours).zip(&row.truth) {
            let error = error(ours, truth);
            assert!(error < 2e-12, "row {number}, {question}: {ours} instead of {truth}");
        }
    }
}

/// Each line of the table as far as it is about us: model, question, rows, and our largest error.
fn our_lines(rows: &[Row]) -> Vec<(usize, usize, String)> {
    let mut lines = Vec::new();
    for (model, (_, name)) in MODELS.iter().enumerate() {
        for (question, text) in QUESTIONS.iter().enumerate() {
            let of_model = rows.iter().filter(|row| row.model == model);
            let errors: Vec<f64> = of_model
                .filter_map(|row| Some(error(row.ours[question], *row.truth.get(question)?)))
                .collect();
            if !errors.is_empty() {
                let worst = errors.iter().copied().fold(0.0, f64::max);
                lines.push((
                    model,
                    question,
                    format!("| {name} | {text} | {} | {worst:.0e} |", errors.len()),
                ));
            }
        }
    }
    lines
}

#[test]
fn the_table_holds_what_is_measured() {
    let table = fs::read_to_string(TABLE).unwrap();
    let lines = our_lines(&rows()).into_iter().map(|(_, _, line)| line);
    let missing: Vec<String> =
        lines.filter(|line| !table.lines().any(|there| there.starts_with(line))).collect();
    assert!(
        missing.is_empty(),
        "stress_grid.md is not what is measured, run benches/accuracy/run: {missing:#?}"
    );
}

/// What lifetimes answered to each row is in the folder named by `PATRONAGE_PEER_ANSWERS`.
#[test]
#[ignore = "a part of benches/accuracy/run"]
fn write_the_table() {
    let folder = std::env::var_os("PATRONAGE_PEER_ANSWERS").unwrap();
    let file = |name: &str| fs::read_to_string(Path::new(&folder).join("lifetimes").join(name)).unwrap();
    let theirs: Vec<Vec<f64>> = file("stress_grid")
        .lines()
        .map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect())
        .collect();
    let rows = rows();
    assert_eq!(theirs.len(), rows.len());
    let version = file("version");
    let mut lines = vec![
        format!(
            "| model | question | rows | our largest error | lifetimes {}: not finite | off by more than 1e-6 |",
            version.trim()
        ),
        "|---|---|---:|---:|---:|---:|".to_owned(),
    ];
    for (model, question, line) in our_lines(&rows) {
        let pairs = rows.iter().zip(&theirs).filter(|(row, _)| row.model == model);
        let answers: Vec<(f64, f64)> = pairs
            .filter_map(|(row, theirs)| Some((*theirs.get(question)?, *row.truth.get(question)?)))
            .collect();
        if answers.is_empty() {
            lines.push(format!("{line} – | – |"));
        } else {
            let finite: Vec<_> = answers.iter().filter(|(answer, _)| answer.is_finite()).collect();
            let off = finite.iter().filter(|&&&(answer, truth)| error(answer, truth) > 1e-6).count();
            lines.push(format!("{line} {} | {off} |", answers.len() - finite.len()));
        }
    }
    fs::write(TABLE, lines.join("\n") + "\n").unwrap();
}
