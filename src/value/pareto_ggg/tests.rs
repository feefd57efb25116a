#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::many_single_char_names,
    reason = "frequencies are read as whole numbers; the letters are those of the paper"
)]

use super::*;
use crate::numeric::random::Random;
use crate::value::likelihood::Likelihood;
use crate::value::{Buyer, ParetoNbd, PurchaseForecast, PurchaseModel};

fn horizon(length: f64) -> Horizon {
    Horizon::new(length).unwrap()
}

fn timed(x: u32, recency: f64, age: f64, ln_intervals: f64) -> TimedBuyer {
    TimedBuyer::new(Buyer::new(x, recency, age).unwrap(), ln_intervals).unwrap()
}

/// t, gamma, r, alpha, s, beta; frequency, recency, age, logarithms of intervals; log-likelihood, P(alive), mean of k,
/// P(no purchase within 10). By Gauss-Legendre sums over k, the rate of buying and the time of leaving in `scipy`, with
/// its incomplete gamma function, good to about 1e-9.
const ROWS: &str = "\
1.7 0.6 0.9 5.0 0.7 8.0 4 40.0 50.0 9.2103403719761836 -14.182413266999 0.791089663422 5.622947239351 0.344922489388
1.7 0.6 0.9 5.0 0.7 8.0 4 40.0 50.0 7.2442275156033498 -17.314689276587 0.802036458555 1.438668153389 0.533492925885
1.7 0.6 0.9 5.0 0.7 8.0 0 0.0 38.86 0 -0.882932871611 0.101992701995 2.990194752834 0.983628986057
1.7 0.6 0.9 5.0 0.7 8.0 1 1.71 38.86 0.53649337051456847 -4.139548046337 0.023490496675 2.496200243815 0.993571383985
1.7 0.6 0.9 5.0 0.7 8.0 12 30.0 31.0 9.9949094752212471 -21.403665839218 0.980962484073 4.719351556425 0.048871297162
1.7 0.6 0.9 5.0 0.7 8.0 2 30.43 38.86 5.319589501823577 -9.513167712583 0.842257756429 3.487177662203 0.552184407987
1.7 0.6 0.9 5.0 0.7 8.0 25 36.0 60.0 4.5580389198488644 -37.840987238856 0.000000472392 2.792780706513 0.999999552350
6.0 2.0 0.5 3.0 0.6 12.0 4 40.0 50.0 9.2103403719761836 -14.158590073827 0.832145062198 3.842218669855 0.349893919810
6.0 2.0 0.5 3.0 0.6 12.0 4 40.0 50.0 7.2442275156033498 -17.494825283028 0.837404542995 1.970844913615 0.459637515518
6.0 2.0 0.5 3.0 0.6 12.0 0 0.0 38.86 0 -0.775210896498 0.264346417284 3.028153749940 0.974214390802
6.0 2.0 0.5 3.0 0.6 12.0 1 1.71 38.86 0.53649337051456847 -4.722815774785 0.018732955972 2.802830113927 0.993699434919
6.0 2.0 0.5 3.0 0.6 12.0 12 30.0 31.0 9.9949094752212471 -21.124276546306 0.984996400685 3.968929285097 0.039020703718
6.0 2.0 0.5 3.0 0.6 12.0 2 30.43 38.86 5.319589501823577 -9.162826806561 0.875590429209 3.191163942295 0.545732548554
6.0 2.0 0.5 3.0 0.6 12.0 25 36.0 60.0 4.5580389198488644 -37.097124663061 0.000000096359 2.853885964249 0.999999906793
2.0 2.5 1.5 20.0 1.2 40.0 4 40.0 50.0 9.2103403719761836 -15.649901591147 0.802036263737 1.581061304532 0.547539324536
2.0 2.5 1.5 20.0 1.2 40.0 4 40.0 50.0 7.2442275156033498 -16.039832398423 0.808007268128 0.935860395666 0.621690958779
2.0 2.5 1.5 20.0 1.2 40.0 0 0.0 38.86 0 -1.089236234488 0.243282784747 0.883791522694 0.955785196408
2.0 2.5 1.5 20.0 1.2 40.0 1 1.71 38.86 0.53649337051456847 -4.265592144521 0.202625332011 0.721920145161 0.952689867960
2.0 2.5 1.5 20.0 1.2 40.0 12 30.0 31.0 9.9949094752212471 -26.780547716270 0.981519075603 2.174675762266 0.079004028061
2.0 2.5 1.5 20.0 1.2 40.0 2 30.43 38.86 5.319589501823577 -9.393511501283 0.839143235324 1.190561623996 0.662228855256
2.0 2.5 1.5 20.0 1.2 40.0 25 36.0 60.0 4.5580389198488644 -45.128608070393 0.000134888189 1.954363746109 0.999879628534";

#[test]
fn agrees_with_sums_over_all_rates() {
    for row in ROWS.lines() {
        let cells: Vec<f64> = row.split_whitespace().map(|cell| cell.parse().unwrap()).collect();
        let [t, gamma, r, alpha, s, beta, x, recency, age, ln_intervals, ln, p_alive, k, p_none] = cells[..]
        else {
            panic!("{row}")
        };
        let model = ParetoGgg::new(t, gamma, r, alpha, s, beta).unwrap();
        let buyer = timed(x as u32, recency, age, ln_intervals);
        let close = |found: f64, truth: f64| assert!((found - truth).abs() < 3e-9, "{row}: {found} {truth}");
        close(model.log_likelihood(buyer), ln);
        close(model.p_alive(buyer), p_alive);
        close(model.expected_regularity(buyer) * 0.05, k * 0.05);
        close(model.p_no_purchase(buyer, horizon(10.0)), p_none);
    }
}

#[test]
fn is_pareto_nbd_where_all_buy_at_random() {
    let (t, plain) = (1e6, ParetoNbd::new(0.553, 10.578, 0.606, 11.669).unwrap());
    let model = ParetoGgg::new(t, t, 0.553, 10.578, 0.606, 11.669).unwrap();
    for (x, recency, age) in [
        (2, 30.43, 38.86),
        (1, 1.71, 38.86),
        (0, 0.0, 38.86),
        (7, 29.43, 38.86),
        (26, 30.86, 31.0),
        (3, 9.0, 9.0),
    ] {
        let buyer = Buyer::new(x, recency, age).unwrap();
        let timed = timed(
            x,
            recency,
            age,
            f64::from(x) * if x > 0 { libm::log(recency / f64::from(x)) } else { 0.0 },
        );
        // The regularities still differ by a thousandth.
        let close = |found: f64, truth: f64| {
            assert!((found - truth).abs() < 3e-5 * (1.0 + truth.abs()), "{buyer:?}: {found} {truth}");
        };
        close(model.log_likelihood(timed), plain.log_likelihood(buyer));
        close(model.p_alive(timed), plain.p_alive(buyer));
        for length in [0.0, 1.0, 39.0, 500.0] {
            let length = horizon(length);
            close(model.p_no_purchase(timed, length), plain.p_no_purchase(buyer, length));
            close(model.expected_purchases(timed, length), plain.expected_purchases(buyer, length));
        }
    }
    close_to(model.expected_purchases_new(horizon(39.0)), plain.expected_purchases_new(horizon(39.0)), 1e-5);
}

fn close_to(found: f64, truth: f64, tolerance: f64) {
    assert!((found - truth).abs() < tolerance * (1.0 + truth.abs()), "{found} {truth}");
}

/// Someone as the model makes them: k, the rates of buying and leaving.
fn person(model: &ParetoGgg, random: &mut Random) -> [f64; 3] {
    [
        random.gamma(model.t()) / model.gamma(),
        random.gamma(model.r()) / model.alpha(),
        random.gamma(model.s()) / model.beta(),
    ]
}

/// What they do until `age`, and how many purchases they make in a further time.
fn life(person: [f64; 3], age: f64, further: f64, random: &mut Random) -> (TimedBuyer, bool, f64) {
    let [k, rate, loss] = person;
    let gone = random.exponential() / loss;
    let (mut now, mut last, mut count, mut ln_intervals, mut later) = (0.0, 0.0, 0, 0.0, 0.0);
    loop {
        let wait = random.gamma(k) / (k * rate);
        // A wait of less than any number is no wait.
        now += wait;
        if now > gone.min(age + further) {
            break;
        }
        if now <= age && wait > 0.0 {
            count += 1;
            ln_intervals += libm::log(wait);
            last = now;
        } else if now > age {
            later += 1.0;
        }
    }
    (timed(count, last, age, ln_intervals), gone > age, later)
}

/// Simulated customers: the likelihood by its slopes, which are 0 in the mean; P(alive), silence and purchases by who is
/// there, silent, and how many came.
#[test]
fn agrees_with_what_customers_do() {
    for (parameters, seed) in [([1.7, 0.6, 0.9, 5.0, 0.7, 8.0], 1), ([3.0, 4.0, 1.5, 8.0, 1.5, 60.0], 2)] {
        let model =
            ParetoGgg::new(2.0, 1.0, 1.0, 1.0, 1.0, 1.0).unwrap().with_parameters(&parameters).unwrap();
        let mut random = Random::new(seed);
        // Means and mean squares of errors over groups: all, those with one repeat purchase, regular ones.
        let mut errors = [[[0.0; 3]; 4]; 3];
        let mut slopes = [[0.0; 2]; 6];
        let count = 1000;
        for index in 0..count {
            let person = person(&model, &mut random);
            let (buyer, alive, later) = life(person, 30.0, 20.0, &mut random);
            let gradient = super::super::regularity::slopes_of(&model, buyer);
            for ((sums, slope), parameter) in slopes.iter_mut().zip(gradient).zip(parameters) {
                sums[0] += slope * parameter;
                sums[1] += slope * parameter * slope * parameter;
            }
            let even = buyer.ln_intervals()
                - f64::from(buyer.buyer().frequency()) * {
                    let x = f64::from(buyer.buyer().frequency());
                    if x > 0.0 { libm::log(buyer.buyer().recency() / x) } else { 0.0 }
                };
            let groups = [
                true,
                buyer.buyer().frequency() == 1,
                buyer.buyer().frequency() > 3 && even > -1.0,
                index % 3 == 0,
            ];
            let silent = f64::from(u8::from(later < 0.5));
            let found = [
                f64::from(u8::from(alive)) - model.p_alive(buyer),
                silent - model.p_no_purchase(buyer, horizon(20.0)),
                if index % 3 == 0 { later - model.expected_purchases(buyer, horizon(20.0)) } else { 0.0 },
            ];
            for (sums, error) in errors.iter_mut().zip(found) {
                for (sums, inside) in sums.iter_mut().zip(groups) {
                    if inside {
                        sums[0] += error;
                        sums[1] += error * error;
                        sums[2] += 1.0;
                    }
                }
            }
        }
        for [sum, square] in slopes {
            assert!(sum.abs() < 3.5 * square.sqrt(), "{slopes:?}");
        }
        for [sum, square, members] in errors.iter().flatten() {
            assert!(*members > 30.0 && sum.abs() < 3.5 * square.sqrt(), "{errors:?}");
        }
    }
}

/// One customer against brute force: people as the model makes them who could have done the same, weighed by how likely
/// they did, wait and leave at random.
#[test]
fn agrees_with_brute_force() {
    let model = ParetoGgg::new(3.0, 1.2, 0.9, 5.0, 0.7, 8.0).unwrap();
    for (x, recency, age, ln_intervals) in [
        (3, 21.0, 30.0, 3.0 * libm::log(6.5)),
        (0, 0.0, 6.0, 0.0),
        (2, 5.0, 9.0, libm::log(6.0)),
        (0, 0.0, 0.0, 0.0),
    ] {
        let buyer = timed(x, recency, age, ln_intervals);
        let count = f64::from(x);
        let mut random = Random::new(5);
        let (mut whole, mut sums, mut squares) = (0.0, [0.0; 4], [0.0; 4]);
        for _ in 0..400_000 {
            let [k, rate, loss] = person(&model, &mut random);
            let pace = k * rate;
            let ln = count * (k * libm::log(pace) - libm::lgamma_r(k).0) + (k - 1.0) * ln_intervals
                - pace * recency;
            let gone = random.exponential() / loss;
            let mut next = recency + random.gamma(k) / pace;
            if gone < recency || next < gone.min(age) {
                continue;
            }
            let weight = libm::exp(ln);
            let mut later = 0.0;
            while next < gone.min(age + 15.0) {
                later += 1.0;
                next += random.gamma(k) / pace;
            }
            let values = [f64::from(u8::from(gone > age)), f64::from(u8::from(later < 0.5)), later, k];
            whole += weight;
            for ((sum, square), value) in sums.iter_mut().zip(&mut squares).zip(values) {
                *sum += weight * value;
                *square += weight * weight * value * value;
            }
        }
        let truth = [
            model.p_alive(buyer),
            model.p_no_purchase(buyer, horizon(15.0)),
            model.expected_purchases(buyer, horizon(15.0)),
            model.expected_regularity(buyer),
        ];
        for ((sum, square), truth) in sums.iter().zip(squares).zip(truth) {
            let (found, error) = (sum / whole, square.sqrt() / whole);
            assert!(
                error < 0.05 && (found - truth).abs() < 4.0 * error + 1e-9,
                "{buyer:?}: {found} {truth} +-{error}"
            );
        }
    }
}

#[test]
fn slopes_are_those_of_the_likelihood() {
    let buyers = [
        timed(3, 21.0, 30.0, 5.0),
        timed(0, 0.0, 20.0, 0.0),
        timed(20, 30.0, 60.0, 3.0),
        timed(1, 0.5, 9.0, libm::log(0.5)),
    ];
    let rows = TimedRows::of(buyers, false).unwrap();
    let model = ParetoGgg::new(1.7, 0.6, 0.9, 5.0, 0.7, 8.0).unwrap();
    let slopes = model.slopes(&rows);
    let value = |parameters: &[f64]| -> f64 {
        let model = model.with_parameters(parameters).unwrap();
        buyers.iter().map(|&buyer| model.log_likelihood(buyer)).sum()
    };
    let parameters = model.parameters();
    close_to(slopes.value, value(&parameters), 1e-8);
    let coarse = model.sum(&rows, Fineness::COARSE);
    close_to(coarse.value, slopes.value, 1e-5);
    for (index, slope) in slopes.gradient.iter().enumerate() {
        let moved = |factor: f64| {
            let mut moved = parameters.clone();
            moved[index] *= factor;
            moved
        };
        let step = 1e-3;
        let found = (value(&moved(1.0 + step)) - value(&moved(1.0 - step))) / (2.0 * step);
        close_to(slope * parameters[index], found, 3e-6);
        close_to(coarse.gradient[index] * parameters[index], found, 1e-4);
        let second = (value(&moved(1.0 + step)) - 2.0 * value(&parameters) + value(&moved(1.0 - step)))
            / (step * step);
        close_to(slopes.hessian.at(index, index) * parameters[index] * parameters[index], second, 1e-4);
    }
}

#[test]
fn answers_are_ordered() {
    let model = ParetoGgg::new(1.7, 0.6, 0.9, 5.0, 0.7, 8.0).unwrap();
    let mut last = 1.0;
    for age in [40.0, 45.0, 60.0, 100.0, 1e3, 1e6, 1e12] {
        let buyer = timed(4, 40.0, age, 4.0 * libm::log(10.0));
        let p = model.p_alive(buyer);
        assert!((0.0..=last).contains(&p), "{age}: {p}");
        assert!(model.log_likelihood(buyer).is_finite());
        last = p;
    }
    let buyer = timed(4, 40.0, 50.0, 4.0 * libm::log(10.0));
    let (mut none, mut purchases) = (1.0, 0.0);
    for length in [0.0, 1.0, 10.0, 100.0, 1e4] {
        let (p, mean) =
            (model.p_no_purchase(buyer, horizon(length)), model.expected_purchases(buyer, horizon(length)));
        assert!(
            (1.0 - model.p_alive(buyer) - 1e-9..=none).contains(&p) && mean >= purchases,
            "{length}: {p} {mean}"
        );
        assert!(mean >= 1.0 - p - 1e-6, "{length}: {p} {mean}");
        (none, purchases) = (p, mean);
    }
    // A regular customer who is overdue is gone sooner.
    let overdue = |ln_intervals| model.p_alive(timed(4, 40.0, 65.0, ln_intervals));
    let random = libm::log(2.0) + 2.0 * libm::log(5.0) + libm::log(28.0);
    assert!(overdue(4.0 * libm::log(10.0)) < 0.5 * overdue(random));
}

/// Parameters that customers were made with are found again, as close as the standard errors say.
#[test]
fn finds_the_parameters_again() {
    let truth = [3.0, 1.2, 0.9, 5.0, 0.7, 8.0];
    let [t, gamma, r, alpha, s, beta] = truth;
    let model = ParetoGgg::new(t, gamma, r, alpha, s, beta).unwrap();
    let mut random = Random::new(4);
    let made = (0..300).map(|_| life(person(&model, &mut random), 52.0, 0.0, &mut random).0);
    let fit = ParetoGgg::fit(made).unwrap();
    for (parameter, truth) in fit.parameters().iter().zip(truth) {
        // Errors are nearly normal in logarithms.
        let error = parameter.standard_error / parameter.value;
        let away = libm::log(parameter.value / truth) / error;
        assert!(away.abs() < 3.0 && error < 0.6, "{:?}", fit.parameters());
    }
}

#[test]
fn refuses_what_tells_nothing() {
    assert_eq!(ParetoGgg::fit([]), Err(FitError::NoCustomers));
    assert_eq!(ParetoGgg::fit([TimedBuyer::NEW]), Err(FitError::NoRepeatPurchases { customers: 1 }));
    let same = timed(2, 3.0, 9.0, 0.8);
    assert_eq!(ParetoGgg::fit([same, same]), Err(FitError::AllTheSame { customers: 2 }));
    assert!(ParetoGgg::new(1.0, 0.0, 1.0, 1.0, 1.0, 1.0).is_err());
    assert!(
        serde_json::from_str::<ParetoGgg>(r#"{"t":1,"gamma":1,"r":1,"alpha":1,"s":1,"beta":-1}"#).is_err()
    );
}
