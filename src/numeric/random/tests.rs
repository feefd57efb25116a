#![expect(clippy::float_cmp, reason = "whole numbers are exact")]

use super::*;
use crate::numeric::incomplete_beta::tails;
use proptest::prelude::*;

const DRAWS: u32 = 40_000;

fn draws(seed: u64, mut draw: impl FnMut(&mut Random) -> f64) -> Vec<f64> {
    let mut random = Random::new(seed);
    let mut draws: Vec<f64> = (0..DRAWS).map(|_| draw(&mut random)).collect();
    draws.sort_by(f64::total_cmp);
    draws
}

/// Holds draws against a mean and a variance (five standard errors), and against a distribution (Kolmogorov-Smirnov: a
/// true one is this far away once in 10,000 times).
fn check(name: &str, draws: &[f64], mean: f64, variance: f64, below: impl Fn(f64) -> f64) {
    let n = f64::from(DRAWS);
    let found = draws.iter().sum::<f64>() / n;
    assert!((found - mean).abs() <= 5.0 * (variance / n).sqrt(), "{name}: mean {found} instead of {mean}");
    let squares: Vec<f64> = draws.iter().map(|draw| (draw - mean).powi(2)).collect();
    let found = squares.iter().sum::<f64>() / n;
    let spread = squares.iter().map(|square| (square - found).powi(2)).sum::<f64>() / n;
    assert!(
        (found - variance).abs() <= 5.0 * (spread / n).sqrt(),
        "{name}: variance {found}, not {variance}"
    );
    let mut distance = 0.0_f64;
    let mut seen = 0.0;
    for equal in draws.chunk_by(|one, next| one == next) {
        let truth = below(equal[0]);
        let after = seen + f64::from(u32::try_from(equal.len()).unwrap());
        // A whole number is held against all up to it; between two numbers the step matters on both sides.
        let here = (truth - after / n).abs();
        let before = if equal.len() == 1 { (truth - seen / n).abs() } else { 0.0 };
        distance = distance.max(here).max(before);
        seen = after;
    }
    assert!(distance < 2.23 / n.sqrt(), "{name}: distance {distance}");
}

/// The lower incomplete gamma function over the whole, by its series.
fn gamma_below(shape: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 1.0, 0.0);
    while term > 1e-17 * sum {
        n += 1.0;
        term *= x / (shape + n);
        sum += term;
    }
    (shape * x.ln() - x - ln_gamma(shape + 1.0)).exp() * sum
}

#[test]
fn uniform_numbers_are() {
    let found = draws(1, Random::uniform);
    assert!(found[0] > 0.0 && found[found.len() - 1] < 1.0);
    check("uniform", &found, 0.5, 1.0 / 12.0, |x| x);
}

#[test]
fn exponential_and_normal_numbers_are() {
    check("exponential", &draws(2, Random::exponential), 1.0, 1.0, |x| -(-x).exp_m1());
    let normal = |x: f64| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
    check("normal", &draws(3, Random::normal), 0.0, 1.0, normal);
}

#[test]
fn gamma_numbers_are() {
    for shape in [0.05, 0.243, 0.9, 1.0, 1.7, 6.25, 40.0, 300.0] {
        let found = draws(4, |random| random.gamma(shape));
        check(&format!("gamma {shape}"), &found, shape, shape, |x| gamma_below(shape, x));
    }
    // ln X has mean digamma and variance trigamma; most of these are less than any number.
    let shape: f64 = 1e-4;
    let found = draws(5, |random| random.ln_of_gamma(shape) * shape);
    let (mean, variance) = (crate::numeric::gamma::digamma(shape), crate::numeric::gamma::trigamma(shape));
    check("ln gamma", &found, mean * shape, variance * shape * shape, f64::exp);
}

#[test]
fn beta_numbers_are() {
    for (a, b) in [(0.793_f64, 2.426), (2.426, 0.793), (1.0, 1.0), (5.0, 90.0), (0.1, 0.2), (300.0, 20.0)] {
        let found = draws(6, |random| random.beta(a, b));
        let (mean, whole) = (a / (a + b), a + b);
        let variance = mean * (b / whole) / (whole + 1.0);
        let below = |x: f64| if x < 1.0 { tails(b, a, x / (1.0 - x)).1 } else { 1.0 };
        check(&format!("beta {a} {b}"), &found, mean, variance, below);
    }
    // Either 0 or 1, as a coin with a share of a / (a + b) falls.
    let found = draws(7, |random| random.beta(1e-9, 3e-9));
    check("coin", &found, 0.25, 0.1875, |x| if x < 0.5 { 0.75 } else { 1.0 });
}

/// The sum of e^(ln p) over counts up to x.
fn sum_up_to(x: f64, from: f64, ln_p: impl Fn(f64) -> f64) -> f64 {
    let (mut count, mut sum) = (from, 0.0);
    while count <= x {
        sum += ln_p(count).exp();
        count += 1.0;
    }
    sum
}

#[test]
fn poisson_numbers_are() {
    for mean in [0.01_f64, 0.7, 9.9, 10.1, 33.0, 2_000.0] {
        let found = draws(8, |random| random.poisson(mean));
        let least = (mean - 12.0 * mean.sqrt()).floor().max(0.0);
        let ln_p = |count: f64| count * mean.ln() - mean - ln_gamma(count + 1.0);
        check(&format!("poisson {mean}"), &found, mean, mean, |x| sum_up_to(x, least, ln_p));
    }
    assert!(draws(9, |random| random.poisson(0.0)).iter().all(|&count| count == 0.0));
    for mean in [9.9e8_f64, 1e12] {
        let found = draws(10, |random| random.poisson(mean));
        let normal =
            |x: f64| 0.5 * libm::erfc(-(x + 0.5 - mean) / mean.sqrt() * std::f64::consts::FRAC_1_SQRT_2);
        check(&format!("poisson {mean}"), &found, mean, mean, normal);
    }
}

#[test]
fn binomial_numbers_are() {
    for (n, p) in
        [(1.0_f64, 0.3_f64), (2.0, 0.5), (2357.0, 1.0 / 2357.0), (60.0, 0.4), (60.0, 0.7), (1e5, 0.02)]
    {
        let found = draws(11, |random| random.binomial(n, p));
        let (mean, variance) = (n * p, n * p * (1.0 - p));
        let least = (mean - 12.0 * variance.sqrt()).floor().max(0.0);
        let ln_p = |count: f64| {
            let choose = ln_gamma(n + 1.0) - ln_gamma(count + 1.0) - ln_gamma(n - count + 1.0);
            choose + count * p.ln() + (n - count) * (-p).ln_1p()
        };
        check(&format!("binomial {n} {p}"), &found, mean, variance, |x| sum_up_to(x, least, ln_p));
    }
    let mut random = Random::new(12);
    assert_eq!((random.binomial(7.0, 0.0), random.binomial(7.0, 1.0)), (0.0, 7.0));
}

#[test]
fn waits_for_a_success_are_geometric() {
    for p in [0.001, 0.25, 0.9] {
        let found = draws(13, |random| random.geometric(p));
        let below = |x: f64| 1.0 - (1.0 - p).powf(x);
        check(&format!("geometric {p}"), &found, 1.0 / p, (1.0 - p) / (p * p), below);
    }
    let mut random = Random::new(14);
    assert_eq!((random.geometric(1.0), random.geometric(0.0)), (1.0, f64::INFINITY));
}

#[test]
fn things_drawn_again_come_as_often_as_there_are() {
    let counts = [3.0, 0.0, 1.0, 1.0, 95.0];
    let mut random = Random::new(15);
    let mut sums = [[0.0; 5]; 2];
    for _ in 0..DRAWS {
        let drawn = random.drawn_again(counts.into_iter());
        assert_eq!(drawn.iter().sum::<f64>(), 100.0);
        for (place, &often) in drawn.iter().enumerate() {
            sums[0][place] += often / f64::from(DRAWS);
            sums[1][place] += (often - counts[place]).powi(2) / f64::from(DRAWS);
        }
    }
    for (place, &count) in counts.iter().enumerate() {
        let variance = count * (1.0 - count / 100.0);
        assert!((sums[0][place] - count).abs() <= 5.0 * (variance / f64::from(DRAWS)).sqrt(), "{sums:?}");
        assert!((sums[1][place] - variance).abs() <= 0.06 * variance, "{sums:?}");
    }
    assert_eq!(random.drawn_again([].into_iter()), [0.0; 0]);
}

#[test]
fn streams_are_their_own() {
    let first = |seed, index| Random::stream(seed, index).stream.next();
    let mut seen: Vec<u64> =
        (0..100).flat_map(|seed| (0..100).map(move |index| first(seed, index))).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 10_000);
    assert_eq!(first(3, 4), first(3, 4));
    // Draws of one index over many streams are as independent as those of one stream.
    let mut across: Vec<f64> =
        (0..DRAWS).map(|index| Random::stream(9, u64::from(index)).uniform()).collect();
    across.sort_by(f64::total_cmp);
    check("streams", &across, 0.5, 1.0 / 12.0, |x| x);
}

proptest! {
    #[test]
    fn draws_are_in_their_range(seed: u64, ln_a in -60.0..60.0_f64, ln_b in -60.0..60.0_f64, p in 0.0..=1.0_f64) {
        let mut random = Random::new(seed);
        let (a, b) = (ln_a.exp(), ln_b.exp());
        for _ in 0..20 {
            prop_assert!((0.0..f64::INFINITY).contains(&random.gamma(a)));
            prop_assert!(random.ln_of_gamma(a).is_finite());
            prop_assert!((0.0..=1.0).contains(&random.beta(a, b)));
            let count = random.poisson(a);
            prop_assert!(count >= 0.0 && count.is_finite() && count == count.floor());
            let trials = b.floor().min(1e15);
            let hits = random.binomial(trials, p);
            prop_assert!((0.0..=trials).contains(&hits) && hits == hits.floor());
            prop_assert!(random.geometric(p) >= 1.0);
        }
    }
}
