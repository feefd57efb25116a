use super::*;

/// Autoregressive chains from a linear congruential generator, so that other programs can make the same.
fn chains(count: u32, length: usize, memory: f64, shift: f64) -> Vec<Vec<f64>> {
    (1..=count)
        .map(|chain| {
            let (mut state, mut draw) = (u64::from(chain) * 7919, 0.0);
            (0..length)
                .map(|_| {
                    state = (state * 1_103_515_245 + 12_345) % (1 << 31);
                    draw = memory * draw + f64::from(u32::try_from(state).unwrap()) / f64::from(1_u32 << 31)
                        - 0.5;
                    draw + shift * f64::from(chain)
                })
                .collect()
        })
        .collect()
}

/// `rhat(method="rank")`, `ess(method="bulk")` and `ess(method="tail")` of `ArviZ` 0.23.4 for the same chains.
#[test]
fn agrees_with_arviz() {
    let table = [
        ((4, 500, 0.0, 0.0), [0.999_948_519_812_402_6, 1_586.893_328_918_269_4, 2_014.548_149_777_54]),
        ((4, 500, 0.9, 0.0), [1.016_062_468_956_498_8, 117.917_508_637_323_45, 214.679_608_539_649_54]),
        ((2, 1000, -0.5, 0.0), [1.000_633_003_325_313, 6_044.385_426_535_496, 1_696.703_917_103_200_9]),
        ((3, 301, 0.5, 0.4), [1.475_607_329_708_782_6, 6.055_972_861_031_246, 44.769_143_513_478_12]),
    ];
    for ((count, length, memory, shift), truth) in table {
        let found = mixing(&chains(count, length, memory, shift));
        for (found, truth) in [found.r_hat, found.bulk, found.tail].into_iter().zip(truth) {
            assert!((found / truth - 1.0).abs() < 1e-10, "{count} {length} {memory}: {found} {truth}");
        }
    }
}

#[test]
fn says_when_chains_do_not_move_or_meet() {
    let still = mixing(&[vec![1.0; 100], vec![2.0; 100]]);
    assert!(still.r_hat.is_infinite(), "{still:?}");
    let same = mixing(&[vec![1.0; 100], vec![1.0; 100]]);
    assert!(same.r_hat.is_infinite() && same.bulk.is_finite(), "{same:?}");
    let one_stuck = [chains(1, 400, 0.0, 0.0), vec![vec![0.1; 400]]].concat();
    assert!(mixing(&one_stuck).r_hat > 1.05);
    // Chains of one mean whose spreads differ are told apart by the folded draws alone.
    let narrow: Vec<f64> = chains(2, 400, 0.0, 0.0)[1].iter().map(|draw| 0.2 * draw).collect();
    assert!(mixing(&[chains(1, 400, 0.0, 0.0), vec![narrow]].concat()).r_hat > 1.1);
}

#[test]
fn quantiles_end_at_the_ends() {
    let numbers = [1.0, 2.0, 4.0];
    let found = [0.0, 0.25, 0.5, 0.75, 1.0].map(|p| quantile(&numbers, p));
    assert_eq!(format!("{found:?}"), "[1.0, 1.5, 2.0, 3.0, 4.0]");
    assert!(quantile(&[], 0.5).abs() < 1e-300);
}
