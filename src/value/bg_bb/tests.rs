#![expect(clippy::float_cmp, reason = "these are exact")]

use super::*;
use crate::value::likelihood::Likelihood;
use crate::value::{FitError, TimeUnit};
use proptest::prelude::*;

/// The 11,104 donors first seen in 1995, with six yearly opportunities: frequency, recency and donors, as in Fader,
/// Hardie and Shang (2010), from the `lifetimes` package (MIT licence).
const DONATIONS: [(u32, u32, u64); 22] = [
    (0, 0, 3464),
    (1, 1, 1091),
    (1, 2, 277),
    (1, 3, 129),
    (1, 4, 78),
    (1, 5, 119),
    (1, 6, 129),
    (2, 2, 613),
    (2, 3, 255),
    (2, 4, 155),
    (2, 5, 173),
    (2, 6, 234),
    (3, 3, 322),
    (3, 4, 181),
    (3, 5, 225),
    (3, 6, 357),
    (4, 4, 240),
    (4, 5, 284),
    (4, 6, 512),
    (5, 5, 335),
    (5, 6, 728),
    (6, 6, 1203),
];

fn row(x: u32, recency: u32, opportunities: u32) -> DiscreteBuyer {
    DiscreteBuyer::new(x, recency, opportunities).unwrap()
}

fn donors() -> impl Iterator<Item = (DiscreteBuyer, u64)> {
    DONATIONS.into_iter().map(|(x, recency, count)| (row(x, recency, 6), count))
}

fn many(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn model(p: [f64; 4]) -> BgBb {
    BgBb::new(p[0], p[1], p[2], p[3]).unwrap()
}

fn close(ours: f64, truth: f64, relative: f64) {
    assert!((ours - truth).abs() <= relative * truth.abs(), "{ours} instead of {truth}");
}

/// An independent fit with a high-precision likelihood; published as 1.204, .750, .657, 2.783.
#[test]
fn donations() {
    let fit = BgBb::fit_counted(donors()).unwrap();
    let optimum = [
        (1.203_522_35, 0.069_391_3),
        (0.749_716_358, 0.029_447_7),
        (0.656_718_208, 0.051_009_8),
        (2.783_442_23, 0.320_818),
    ];
    for (parameter, (value, standard_error)) in fit.parameters().iter().zip(optimum) {
        close(parameter.value, value, 1e-8);
        close(parameter.standard_error, standard_error, 1e-5);
    }
    close(fit.log_likelihood(), -33_225.581_274_3, 1e-11);
    assert_eq!((fit.customers(), fit.diagnostics().starts), (11_104, 1));
    close(fit.standard_error(BgBb::delta), 0.320_818, 1e-5);
    let one_by_one =
        donors().flat_map(|(donor, count)| std::iter::repeat_n(donor, usize::try_from(count).unwrap()));
    assert_eq!(BgBb::fit(one_by_one).unwrap(), fit, "rows weigh what their customers do");
    let model = fit.model();
    let sum: f64 = donors().map(|(donor, count)| many(count) * model.log_likelihood(donor)).sum();
    close(sum, fit.log_likelihood(), 1e-13);

    // Forecasts of the next five years: in all (lifetimes), and of single donors (mpmath with 30 digits).
    let all: f64 = donors().map(|(donor, count)| many(count) * model.expected_purchases(donor, 5)).sum();
    assert_eq!(format!("{all:.1}"), "12884.2");
    close(model.p_alive_at(row(0, 0, 6), 1), 0.108_133_282_057, 1e-8);
    let loyal = row(6, 6, 6);
    close(model.p_alive_at(loyal, 1), 0.930_433_575_54, 1e-8);
    close(model.expected_purchases(loyal, 5), 3.752_544_222_17, 1e-8);
    let ten_per_cent = Discount::of(0.10, TimeUnit::YEAR, TimeUnit::YEAR).unwrap();
    close(model.discounted_residual_purchases(loyal, ten_per_cent), 5.909_894_246_68, 1e-8);
    // How many were expected to give never and always in the six years (lifetimes).
    let expected = |count| 11_104.0 * model.p_purchases(DiscreteBuyer::NEW, count, 6);
    assert_eq!(format!("{:.1} {:.1}", expected(0), expected(6)), "3454.9 1253.1");
    // What a new donor gives in 1 to 11 years (lifetimes).
    let new = [0.4985, 0.9233, 1.2969, 1.6323, 1.9381, 2.2202, 2.4826, 2.7285, 2.9603, 3.1798, 3.3887];
    for (years, truth) in (1..).zip(new) {
        close(model.expected_purchases(DiscreteBuyer::NEW, years), truth, 1e-3);
    }
}

/// BTYD says so where its fit stops: a log-likelihood of 4e-6 short of the best, found from its own four answers.
#[test]
fn answers_of_btyd() {
    let model = model([1.203_650_92, 0.749_762_299, 0.656_575_802, 2.782_545_09]);
    let loyal = row(6, 6, 6);
    assert_eq!(format!("{:.6}", model.p_alive_at(row(0, 0, 6), 1)), "0.108117");
    assert_eq!(format!("{:.6}", model.p_alive_at(loyal, 1)), "0.930441");
    assert_eq!(format!("{:.6}", model.expected_purchases(loyal, 5)), "3.752613");
    let ten_per_cent = Discount::of(0.10, TimeUnit::YEAR, TimeUnit::YEAR).unwrap();
    assert_eq!(format!("{:.6}", model.discounted_residual_purchases(loyal, ten_per_cent)), "5.910192");
}

/// At fixed parameters with a high-precision oracle.
#[test]
fn individual_values() {
    let model = model([1.204, 0.750, 0.657, 2.783]);
    for (x, recency, ln, alive) in [
        (0, 0, -1.167_262_472_7, 0.108_016_584_2),
        (1, 1, -2.288_531_685_7, 0.069_408_093_2),
        (3, 5, -5.615_894_746_4, 0.766_734_05),
        (6, 6, -2.182_248_447_6, 0.930_402_542_5),
    ] {
        close(model.log_likelihood(row(x, recency, 6)), ln, 1e-10);
        close(model.p_alive_at(row(x, recency, 6), 1), alive, 1e-9);
    }
}

/// Sums of mpmath with 40 digits at harsh but legal parameters.
#[test]
fn agrees_with_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/discrete.csv");
    let text = std::fs::read_to_string(path).unwrap();
    let mut worst = 0.0_f64;
    let mut rows = 0;
    for line in text.lines().skip(1) {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        let whole = |index: usize| -> u32 { line.split(',').nth(index).unwrap().parse().unwrap() };
        let model = model([cells[0], cells[1], cells[2], cells[3]]);
        let (buyer, m) = (row(whole(4), whole(5), whole(6)), whole(7));
        let discount = Discount::of(cells[8], TimeUnit::YEAR, TimeUnit::YEAR).unwrap();
        let ours = [
            model.log_likelihood(buyer),
            model.p_alive(buyer),
            model.p_alive_at(buyer, m),
            model.p_no_purchase(buyer, m),
            model.expected_purchases(buyer, m),
            model.p_purchases(buyer, 1, m),
            model.p_purchases(buyer, m, m),
            model.p_next_purchase_at(buyer, m),
            model.discounted_residual_purchases(buyer, discount),
        ];
        for (column, (ours, &truth)) in ours.into_iter().zip(&cells[9..]).enumerate() {
            // -1 where the oracle was not asked. Next to a certain event the logarithm is small.
            if truth == -1.0 {
                continue;
            }
            let error = (ours - truth).abs() / truth.abs().max(if column == 0 { 1e-3 } else { 1e-300 });
            assert!(error < 1e-10, "{line}: column {column} is {ours} instead of {truth}");
            worst = worst.max(error);
        }
        rows += 1;
    }
    assert!(rows == 160 && worst < 1e-11, "{worst}");
}

#[test]
fn slopes_are_the_derivatives() {
    let histories = [
        (0, 0, 6),
        (0, 0, 2),
        (1, 1, 6),
        (1, 5, 6),
        (3, 3, 6),
        (3, 3, 3),
        (40, 52, 90),
        (6, 6, 6),
        (0, 0, 0),
    ];
    let all = histories.map(|(x, recency, n)| row(x, recency, n));
    let rows = DiscreteRows::of(all.into_iter().zip(1..)).unwrap();
    let at = [0.7, 2.0, 1.3, 5.0];
    let here = model(at).slopes(&rows);
    let sum: f64 =
        all.iter().zip(1_u32..).map(|(&row, count)| f64::from(count) * model(at).log_likelihood(row)).sum();
    close(here.value, sum, 1e-13);
    for i in 0..4 {
        let step = 1e-5 * at[i];
        let (mut up, mut down) = (at, at);
        up[i] += step;
        down[i] -= step;
        let (up, down) = (model(up).slopes(&rows), model(down).slopes(&rows));
        let slope = (up.value - down.value) / (2.0 * step);
        assert!((slope - here.gradient[i]).abs() < 1e-8 * (1.0 + slope.abs()), "{i}: {slope}");
        for j in 0..4 {
            let bend = (up.gradient[j] - down.gradient[j]) / (2.0 * step);
            assert!((bend - here.hessian.at(i, j)).abs() < 1e-8 * (1.0 + bend.abs()), "{i} {j}: {bend}");
        }
    }
}

#[test]
fn refuses_what_tells_nothing() {
    assert_eq!(BgBb::fit([]).unwrap_err(), FitError::NoCustomers);
    assert_eq!(BgBb::fit_counted([(row(1, 1, 2), 0)]).unwrap_err(), FitError::NoCustomers);
    let nobody = [row(0, 0, 6), row(0, 0, 5)];
    assert_eq!(BgBb::fit(nobody).unwrap_err(), FitError::NoRepeatPurchases { customers: 2 });
    assert_eq!(BgBb::fit([row(2, 4, 6)]).unwrap_err(), FitError::AllTheSame { customers: 1 });
    assert_eq!(BgBb::fit([row(2, 4, 6); 9]).unwrap_err(), FitError::AllTheSame { customers: 9 });
    // Everybody buys all the time, and nobody leaves.
    let always = BgBb::fit((1..9).map(|n| row(n, n, n))).unwrap_err();
    assert!(matches!(always, FitError::Boundary { .. }), "{always:?}");
    // One opportunity tells one number.
    let one = BgBb::fit_counted([(row(0, 0, 1), 60), (row(1, 1, 1), 40)]).unwrap_err();
    let FitError::NotIdentified { diagnostics } = one else { panic!("{one:?}") };
    assert!(diagnostics.gradient_norm < 1e-9 && diagnostics.condition > 1e13, "{diagnostics:?}");

    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e31] {
        assert!(BgBb::new(wrong, 1.0, 1.0, 1.0).is_err() && BgBb::new(1.0, 1.0, 1.0, wrong).is_err());
    }
    let text = serde_json::to_string(&model([1.5, 2.0, 3.0, 4.0])).unwrap();
    assert_eq!(serde_json::from_str::<BgBb>(&text).unwrap(), model([1.5, 2.0, 3.0, 4.0]));
    assert!(serde_json::from_str::<BgBb>(&text.replace("1.5", "0.0")).is_err());
}

#[test]
fn next_purchases_have_a_median() {
    let model = model([1.204, 0.750, 0.657, 2.783]);
    let share = |share| Share::new(share).unwrap();
    assert_eq!(model.next_purchase(row(0, 0, 6), Share::ZERO), Some(0));
    assert_eq!(model.next_purchase(row(6, 6, 6), share(0.5)), Some(1));
    assert_eq!(model.next_purchase(row(6, 6, 6), Share::ONE), None);
    let late = model.next_purchase(row(1, 6, 6), share(0.6)).unwrap();
    let comes = |within| 1.0 - model.p_no_purchase(row(1, 6, 6), within);
    assert!(late > 1 && comes(late) >= 0.6 && comes(late - 1) < 0.6, "{late}");
    assert_eq!(model.p_next_purchase_at(row(6, 6, 6), 0), 0.0);
}

#[test]
fn long_silences_go_on_where_short_ones_end() {
    for parameters in [[1.2, 0.7, 0.6, 2.8], [0.05, 9.0, 1e-3, 50.0], [30.0, 4e3, 0.2, 900.0]] {
        let model = model(parameters);
        let (short, long) = (row(2, 10, 1034), row(2, 10, 1035));
        let step = model.log_likelihood(long) - model.log_likelihood(short);
        let before = model.log_likelihood(short) - model.log_likelihood(row(2, 10, 1033));
        assert!((step / before - 1.0).abs() < 0.01, "{step} {before}");
        let (silent, later) = (model.p_alive(short), model.p_alive_after(short, 1));
        assert_eq!(later, model.p_alive(long));
        assert!(later < silent && later > 0.9 * silent);
    }
}

fn histories() -> impl Strategy<Value = DiscreteBuyer> {
    (0_u32..200, 0_u32..60, 0_u32..60).prop_map(|(n, later, missed)| {
        let recency = n.saturating_sub(later);
        let frequency = if recency == 0 { 0 } else { recency.saturating_sub(missed).max(1) };
        row(frequency, recency, n)
    })
}

fn models() -> impl Strategy<Value = BgBb> {
    prop::array::uniform4(-4.0_f64..4.0).prop_map(|ln| model(ln.map(|ln| 10_f64.powf(ln))))
}

proptest! {
    #[test]
    fn answers_are_what_they_may_be(model in models(), buyer in histories(), m in 1_u32..40, rate in 1e-6_f64..2.0) {
        prop_assert!(model.log_likelihood(buyer) <= 0.0 && model.log_likelihood(buyer).is_finite());
        let p = 0.0..=1.0;
        let alive = model.p_alive(buyer);
        prop_assert!(p.contains(&alive));
        prop_assert!(model.p_alive_at(buyer, m) <= alive && model.p_alive_after(buyer, m) <= alive * (1.0 + 1e-14));
        let none = model.p_no_purchase(buyer, m);
        prop_assert!(p.contains(&none) && none >= 1.0 - alive - 1e-13);
        prop_assert!(model.p_no_purchase(buyer, m + 1) <= none * (1.0 + 1e-14));
        let expected = model.expected_purchases(buyer, m);
        prop_assert!(expected >= 0.0 && expected <= f64::from(m) * (1.0 + 1e-13));
        let more = model.expected_purchases(buyer, m + 3);
        prop_assert!(more >= expected);
        let between = model.expected_purchases_between(buyer, m, m + 3);
        prop_assert!((more - expected - between).abs() <= 1e-11 * more);
        prop_assert_eq!(model.expected_purchases_between(buyer, m, m), 0.0);

        let counts: Vec<f64> = (0..=m + 1).map(|count| model.p_purchases(buyer, count, m)).collect();
        prop_assert!(counts.iter().all(|count| p.contains(count)), "{:?}", counts);
        let sum: f64 = counts.iter().sum();
        prop_assert!((sum - 1.0).abs() < 1e-11, "{}", sum);
        let mean: f64 = (0_u32..).zip(&counts).map(|(count, p)| f64::from(count) * p).sum();
        prop_assert!((mean - expected).abs() <= 1e-10 * expected + 1e-300, "{} {}", mean, expected);
        let next: f64 = (1..=m).map(|ahead| model.p_next_purchase_at(buyer, ahead)).sum();
        prop_assert!((next + none - 1.0).abs() < 1e-11, "{} {}", next, none);

        let discount = Discount::try_from(rate).unwrap();
        let residual = model.discounted_residual_purchases(buyer, discount);
        prop_assert!(residual >= 0.0 && residual.is_finite());
        prop_assert!(residual >= (-rate * f64::from(m)).exp() * expected * (1.0 - 1e-10));
        let undiscounted = model.discounted_residual_purchases(buyer, Discount::NONE);
        prop_assert!(undiscounted >= residual * (1.0 - 1e-10) && undiscounted >= expected * (1.0 - 1e-10));
    }

    #[test]
    fn extremes_stay_numbers(
        ln in prop::array::uniform4(-30.0_f64..30.0),
        n in 0_u32..=1_000_000,
        recency in 0_u32..=1_000_000,
        frequency in 0_u32..=1_000_000,
        ahead in any::<u32>(),
    ) {
        let recency = recency.min(n);
        let frequency = if recency == 0 { 0 } else { frequency.clamp(1, recency) };
        let (model, buyer) = (model(ln.map(|ln| 10_f64.powf(ln))), row(frequency, recency, n));
        prop_assert!(model.log_likelihood(buyer).is_finite());
        for p in [
            model.p_alive(buyer),
            model.p_alive_at(buyer, ahead),
            model.p_alive_after(buyer, ahead),
            model.p_no_purchase(buyer, ahead),
            model.p_next_purchase_at(buyer, ahead),
            model.p_purchases(buyer, 3, 30),
        ] {
            prop_assert!((0.0..=1.0).contains(&p), "{}", p);
        }
        prop_assert!(model.expected_purchases(buyer, ahead) <= f64::from(ahead) * (1.0 + 1e-13));
        prop_assert!(model.discounted_residual_purchases(buyer, Discount::NONE) >= 0.0);
    }

    #[test]
    fn three_doors_agree(model in models(), buyers in prop::collection::vec(histories(), 0..20), m in 0_u32..9) {
        let column = |of: fn(DiscreteBuyer) -> u32| buyers.iter().map(|&buyer| of(buyer)).collect::<Vec<u32>>();
        let (frequency, recency, opportunities) = (
            column(DiscreteBuyer::frequency),
            column(DiscreteBuyer::recency),
            column(DiscreteBuyer::opportunities),
        );
        let columns = DiscreteBuyers::new(&frequency, &recency, &opportunities).unwrap();
        let mut out = vec![0.0; buyers.len()];
        model.expected_purchases_into(columns, m, &mut out).unwrap();
        let each: Vec<f64> = model.expected_purchases_each(buyers.iter().copied(), m).collect();
        let single: Vec<f64> = buyers.iter().map(|&buyer| model.expected_purchases(buyer, m)).collect();
        prop_assert!(out == each && out == single);
        model.p_alive_into(columns, &mut out).unwrap();
        prop_assert!(out.iter().copied().eq(model.p_alive_each(columns.iter())));
        prop_assert!(model.p_alive_into(columns, &mut vec![0.0; buyers.len() + 1]).is_err());
    }
}
