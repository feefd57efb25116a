use super::*;
use crate::numeric::convergence::{mixing, quantile};

const PLAN: Plan = Plan { warm_up: 300, draws: 2000, acceptance: 0.8, deepest: 10 };

fn unit(size: usize) -> Symmetric {
    Symmetric::from_upper(size, |row, column| f64::from(u8::from(row == column)))
}

fn run(seed: u64, shape: &Symmetric, density: impl FnMut(&[f64], &mut [f64]) -> f64) -> Chain {
    sample(vec![0.3; shape.size()], shape, PLAN, &mut Random::new(seed), density).unwrap()
}

fn column(chain: &Chain, index: usize) -> Vec<f64> {
    chain.draws.iter().map(|draw| draw.position[index]).collect()
}

/// Two normal variables of standard deviations 1 and 10 and correlation 0.95.
fn narrow(at: &[f64], slope: &mut [f64]) -> f64 {
    let (x, y, rest) = (at[0], at[1] / 10.0, 1.0 - 0.95 * 0.95);
    slope[0] = -(x - 0.95 * y) / rest;
    slope[1] = -(y - 0.95 * x) / rest / 10.0;
    -0.5 * (x * x - 1.9 * x * y + y * y) / rest
}

#[test]
fn draws_a_narrow_normal_whatever_the_first_guess() {
    let guess = Symmetric::from_upper(2, |row, column| [[1.0, 9.5], [9.5, 100.0]][row][column]);
    for (shape, depth) in [(guess, 2.2), (unit(2), 2.6)] {
        let chains: Vec<Chain> = (0..4).map(|seed| run(seed, &shape, narrow)).collect();
        for (index, spread) in [(0, 1.0), (1, 10.0)] {
            let draws: Vec<Vec<f64>> = chains.iter().map(|chain| column(chain, index)).collect();
            let found = mixing(&draws);
            assert!(found.r_hat < 1.01 && found.bulk > 2500.0 && found.tail > 2500.0, "{found:?}");
            let mut all = draws.concat();
            all.sort_unstable_by(f64::total_cmp);
            // Four standard errors of a quantile of 2,500 independent draws.
            for (p, truth, error) in [(0.05, -1.644_854, 0.042), (0.5, 0.0, 0.025), (0.95, 1.644_854, 0.042)]
            {
                let quantile = quantile(&all, p);
                assert!((quantile / spread - truth).abs() < 4.0 * error, "{index} {p}: {quantile}");
            }
        }
        let mean = |of: &dyn Fn(&Draw) -> f64| {
            chains.iter().flat_map(|chain| &chain.draws).map(of).sum::<f64>() / 8000.0
        };
        let product = mean(&|draw| draw.position[0] * draw.position[1] / 10.0);
        assert!((product - 0.95).abs() < 4.0 * 0.028, "{product}");
        let depths = mean(&|draw| f64::from(draw.depth));
        assert!(depths < depth, "{depths}");
        assert!(
            chains.iter().all(|chain| (chain.acceptance - 0.8).abs() < 0.15),
            "{:?}",
            chains[0].acceptance
        );
        assert!(chains.iter().all(|chain| chain.draws.iter().all(|draw| !draw.diverged)));
    }
}

#[test]
fn draws_what_is_skewed() {
    // The logarithm of an exponential variable; its quantiles are ln(-ln(1 - p)).
    let density = |at: &[f64], slope: &mut [f64]| {
        slope[0] = 1.0 - libm::exp(at[0]);
        at[0] - libm::exp(at[0])
    };
    let mut all: Vec<f64> = (0..4).flat_map(|seed| column(&run(seed, &unit(1), density), 0)).collect();
    all.sort_unstable_by(f64::total_cmp);
    for p in [0.05_f64, 0.25, 0.5, 0.75, 0.95] {
        let truth = (-(1.0 - p).ln()).ln();
        // The standard error of a quantile of 2,000 independent draws.
        let error = (p * (1.0 - p) / 2000.0).sqrt() / ((1.0 - p) * -(1.0 - p).ln());
        let found = quantile(&all, p);
        assert!((found - truth).abs() < 4.0 * error, "{p}: {found} {truth} +- {error}");
    }
}

#[test]
fn a_wall_is_not_crossed_and_is_told() {
    let density = |at: &[f64], slope: &mut [f64]| {
        slope[0] = -at[0];
        if at[0] < 0.0 { f64::NEG_INFINITY } else { -0.5 * at[0] * at[0] }
    };
    let chain = run(1, &unit(1), density);
    let draws = column(&chain, 0);
    assert!(draws.iter().all(|&draw| draw >= 0.0) && chain.draws.iter().any(|draw| draw.diverged));
    // The mean of half a normal variable is 0.798.
    let mean = draws.iter().sum::<f64>() / 2000.0;
    assert!((mean - 0.797_885).abs() < 0.06, "{mean}");
    let outside = sample(vec![-1.0], &unit(1), PLAN, &mut Random::new(1), density);
    assert!(outside.is_none());
}

#[test]
fn a_seed_gives_the_same_bits() {
    let shape = unit(2);
    assert_eq!(run(7, &shape, narrow), run(7, &shape, narrow));
    assert_ne!(run(7, &shape, narrow).draws, run(8, &shape, narrow).draws);
}
