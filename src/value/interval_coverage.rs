//! How often intervals enclose the truth: on customers drawn from a known model, again and again.

use super::*;
use crate::numeric::random::Random;
use crate::value::draw::new_buyer;
use crate::value::model::sealed::Sealed;
use crate::value::{BgNbd, Buyer, FitError, Horizon, PurchaseModel, PurchasePrediction};

const LEVEL: f64 = 0.9;

fn level() -> Share {
    Share::new(LEVEL).unwrap()
}

fn horizon() -> Horizon {
    Horizon::new(39.0).unwrap()
}

type Score<'a, M> = (String, ScoreKind, Box<dyn Fn(&M) -> f64 + 'a>);

/// What is asked about a given customer, and about all that the model was fitted to.
fn scores<M: PurchaseModel>(buyers: &[Buyer]) -> Vec<Score<'_, M>> {
    let mut scores: Vec<Score<'_, M>> = Vec::new();
    for (x, recency, age) in [(0, 0.0, 38.86), (1, 1.71, 38.86), (2, 30.43, 38.86), (7, 29.43, 38.86)] {
        let buyer = Buyer::new(x, recency, age).unwrap();
        scores.push((
            format!("P(alive) after {x}"),
            ScoreKind::Share,
            Box::new(move |model| model.p_alive(buyer)),
        ));
        let expected = move |model: &M| model.expected_purchases(buyer, horizon());
        scores.push((format!("purchases after {x}"), ScoreKind::Amount, Box::new(expected)));
    }
    scores.push((
        "purchases of a new one".into(),
        ScoreKind::Amount,
        Box::new(|model| model.expected_purchases_new(horizon())),
    ));
    let total = |model: &M| model.expected_purchases_each(buyers.iter().copied(), horizon()).sum();
    scores.push(("all purchases".into(), ScoreKind::Amount, Box::new(total)));
    let alive = |model: &M| model.p_alive_each(buyers.iter().copied()).sum();
    scores.push(("all alive".into(), ScoreKind::Amount, Box::new(alive)));
    scores
}

/// The truth below, within and above the intervals of each score, in per cent of all sets of customers; and how many
/// sets could not be fitted.
fn covered<M: PurchaseModel + Likelihood>(
    truth: &M,
    (sets, customers): (u64, u32),
    fit: impl Fn(Vec<Buyer>) -> Result<Fit<M>, FitError>,
    interval: impl Fn(&Fit<M>, &[Buyer], u64, &[Score<'_, M>]) -> Vec<Estimate>,
) -> (Vec<(String, [f64; 3])>, u64) {
    let (mut found, mut failed): (Vec<(String, [f64; 3])>, _) = (Vec::new(), 0);
    for set in 0..sets {
        let mut random = Random::stream(2026, set);
        let age = |customer: u32| 27.0 + 12.0 * f64::from(customer) / f64::from(customers);
        let buyers: Vec<Buyer> =
            (0..customers).map(|customer| new_buyer(truth, age(customer), &mut random)).collect();
        let Ok(fit) = fit(buyers.clone()) else {
            failed += 1;
            continue;
        };
        let scores = scores(&buyers);
        let intervals = interval(&fit, &buyers, set, &scores);
        assert_eq!(intervals.len(), scores.len());
        for (place, ((name, _, score), interval)) in scores.iter().zip(intervals).enumerate() {
            if found.len() <= place {
                found.push((name.clone(), [0.0; 3]));
            }
            let truth = score(truth);
            let side = if truth < interval.lower() {
                0
            } else if truth <= interval.upper() {
                1
            } else {
                2
            };
            found[place].1[side] += 1.0;
        }
    }
    for (name, counts) in &mut found {
        *counts = counts.map(|count| 100.0 * count / counts.iter().sum::<f64>());
        println!("{name:25} {counts:5.1?}");
    }
    (found, failed)
}

fn bg_nbd() -> BgNbd {
    // As fitted to CDNOW.
    BgNbd::new(0.243, 4.414, 0.793, 2.426).unwrap()
}

/// Of whom few customers tell as much, so that few refits run to the edge of the model.
fn busy() -> BgNbd {
    BgNbd::new(0.6, 4.0, 0.8, 2.5).unwrap()
}

fn check((found, failed): (Vec<(String, [f64; 3])>, u64)) {
    assert_eq!(failed, 0);
    for (name, [_, within, _]) in found {
        // By construction of the model.
        let certain = name == "P(alive) after 0";
        assert!(if certain { within > 99.99 } else { (87.0..=93.0).contains(&within) }, "{name}: {within} %");
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "500 fits to 2,000 customers: with --release")]
fn delta_intervals_cover_what_they_say() {
    check(covered(&bg_nbd(), (500, 2_000), BgNbd::fit, |fit, _, _, scores| {
        scores.iter().map(|(_, kind, score)| fit.interval(level(), *kind, score).unwrap()).collect()
    }));
}

#[test]
#[cfg_attr(debug_assertions, ignore = "59,700 refits: with --release")]
fn bootstrap_intervals_cover_what_they_say() {
    let truth = busy();
    check(covered(&truth, (300, 400), BgNbd::fit, |fit, buyers, set, scores| {
        let bootstrap = fit.bootstrap(buyers.iter().copied(), 199, set).unwrap();
        scores.iter().map(|(_, _, score)| bootstrap.interval(level(), score).unwrap()).collect()
    }));
}

/// Not where an expectation lies, but what customers then really do.
#[test]
#[cfg_attr(debug_assertions, ignore = "500 fits and 70,000 simulations: with --release")]
fn predictions_cover_what_happens() {
    let truth = busy();
    let (mut hits, mut naive) = (0, 0);
    for set in 0..500 {
        let mut random = Random::stream(5, set);
        let buyers: Vec<Buyer> = (0..400).map(|_| new_buyer(&truth, 39.0, &mut random)).collect();
        let fit = BgNbd::fit(buyers.iter().copied()).unwrap();
        let happens: f64 = buyers
            .iter()
            .map(|&buyer| {
                let alive = random.uniform() < truth.p_alive(buyer);
                if alive { truth.living(buyer).draw(39.0, &mut random).purchases } else { 0.0 }
            })
            .sum();
        let prediction = fit.predict_total(buyers.iter().copied(), horizon(), level(), 100, set).unwrap();
        hits += u32::from((prediction.lower()..=prediction.upper()).contains(&happens));
        if set < 200 {
            let known = fit.model().predict_total(buyers, horizon(), level(), 100, set).unwrap();
            naive += u32::from((known.lower()..=known.upper()).contains(&happens));
        }
    }
    let (hits, naive) = (f64::from(hits) / 5.0, f64::from(naive) / 2.0);
    println!("with what is known of the parameters {hits} %, without {naive} %");
    assert!((87.0..=93.0).contains(&hits), "{hits}");
    // Who takes the parameters for known is too sure.
    assert!(naive < 87.0, "{naive}");
}
