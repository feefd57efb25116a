#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "small numbers"
)]

use super::*;
use crate::numeric::random::Random;
use crate::value::distinct_rows::DistinctRows;
use crate::value::likelihood::{Bounds, Gradient, Slopes};
use crate::value::{BgNbd, Buyer, GammaGamma, Nbd, ParetoNbd, Prior, Priors, PurchaseModel, RepeatSpend};
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// The 1/10 sample of CDNOW until 1997-09-30, in weeks.
fn cdnow() -> Vec<Buyer> {
    let text = include_str!("../../../examples/data/cdnow/CDNOW_sample.txt");
    let end = NaiveDate::from_ymd_opt(1997, 9, 30).unwrap();
    let mut days: BTreeMap<u32, Vec<NaiveDate>> = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let day = NaiveDate::parse_from_str(cells[2], "%Y%m%d").unwrap();
        if day <= end {
            days.entry(cells[1].parse().unwrap()).or_default().push(day);
        }
    }
    let weeks = |from: NaiveDate, until: NaiveDate| f64::from((until - from).num_days() as i32) / 7.0;
    days.into_values()
        .map(|mut days| {
            days.sort_unstable();
            days.dedup();
            let (first, last) = (days[0], days[days.len() - 1]);
            Buyer::new(u32::try_from(days.len() - 1).unwrap(), weeks(first, last), weeks(first, end)).unwrap()
        })
        .collect()
}

/// Within four standard errors of both sides.
fn assert_agrees(marginal: &Marginal, mean: f64, deviation: f64, error: f64) {
    let own = marginal.standard_deviation / marginal.bulk_ess.sqrt();
    let bound = 4.0 * (own * own + error * error).sqrt();
    assert!((marginal.mean - mean).abs() < bound, "{marginal:?} {mean}");
    assert!((marginal.standard_deviation / deviation - 1.0).abs() < 0.1, "{marginal:?} {deviation}");
}

/// Importance sampling in `numpy`: 200,000 draws of a Student distribution around the mode, worth 170,000.
#[test]
fn cdnow_with_weak_priors() {
    let posterior =
        BgNbd::posterior(cdnow(), &Sampling::new(1).with_chains(2).unwrap().with_draws(1000, 1000).unwrap())
            .unwrap();
    posterior.converged().unwrap();
    let truth = [
        (0.243_237, 0.012_600, 3.1e-5),
        (4.4455, 0.3818, 9.3e-4),
        (0.8382, 0.2109, 5.1e-4),
        (2.6401, 0.8374, 2.0e-3),
    ];
    for (marginal, (mean, deviation, error)) in posterior.parameters().iter().zip(truth) {
        assert_agrees(marginal, mean, deviation, error);
    }
    let level = Share::new(0.9).unwrap();
    let b = posterior.interval(level, BgNbd::b).unwrap();
    assert!(
        (b.lower() - 1.588).abs() < 0.08
            && (b.value() - 2.491).abs() < 0.1
            && (b.upper() - 4.185).abs() < 0.3,
        "{b}"
    );
}

/// The BG/NBD model under the priors that `pymc-marketing` has by default: Weibull(2, 1) of r, Weibull(2, 10) of alpha,
/// and a / (a + b) uniform with a + b of Pareto(1, 1).
#[derive(Clone, Debug)]
struct OfPymc(BgNbd);

impl OfPymc {
    fn add(&self, value: &mut f64, slopes: &mut [f64]) {
        let (r, alpha, whole) = (self.0.r(), self.0.alpha(), self.0.a() + self.0.b());
        *value += r.ln() - r * r + alpha.ln() - alpha * alpha / 100.0 - 3.0 * whole.ln();
        let more = [r.recip() - 2.0 * r, alpha.recip() - alpha / 50.0, -3.0 / whole, -3.0 / whole];
        slopes.iter_mut().zip(more).for_each(|(slope, more)| *slope += more);
    }
}

impl Likelihood for OfPymc {
    type Data = DistinctRows;

    const MODEL: &'static str = "of_pymc";
    const NAMES: &'static [&'static str] = &["r", "alpha", "a", "b"];

    fn customers(data: &DistinctRows) -> u64 {
        data.customers
    }

    fn ranges(&self, data: &DistinctRows) -> Vec<Bounds> {
        self.0.ranges(data)
    }

    fn starts(&self, data: &DistinctRows) -> Vec<Vec<f64>> {
        self.0.starts(data)
    }

    fn parameters(&self) -> Vec<f64> {
        self.0.parameters()
    }

    fn with_parameters(&self, parameters: &[f64]) -> Option<Self> {
        let model = self.0.with_parameters(parameters)?;
        (model.a() + model.b() >= 1.0).then_some(Self(model))
    }

    fn slopes(&self, data: &DistinctRows) -> Slopes {
        // The curvature need not be exact.
        let mut slopes = self.0.slopes(data);
        self.add(&mut slopes.value, &mut slopes.gradient);
        slopes
    }

    fn gradient(&self, data: &DistinctRows) -> Gradient {
        let mut gradient = self.0.gradient(data);
        self.add(&mut gradient.value, &mut gradient.gradient);
        gradient
    }
}

/// Against NUTS of `pymc-marketing` 0.19.2 (2 chains of 1,000 draws) and, more precisely, importance sampling in `numpy`.
#[test]
fn cdnow_with_the_priors_of_pymc() {
    let rows = DistinctRows::of(cdnow()).unwrap();
    let like = OfPymc(BgNbd::new(1.0, 1.0, 1.0, 1.0).unwrap());
    let flat = |priors: Priors, name: &'static str| priors.with(name, Prior::l2(0.0).unwrap());
    let priors = OfPymc::NAMES.iter().fold(Priors::NONE, |priors, name| flat(priors, name));
    let posterior = sample(&like, &rows, &Sampling::new(2).with_priors(priors)).unwrap();
    posterior.converged().unwrap();
    let pymc = [(0.246, 0.012), (4.526, 0.373), (0.782, 0.199), (2.424, 0.812)];
    let truth = [
        (0.245_453, 0.012_733, 3.1e-5),
        (4.5085, 0.3849, 9.3e-4),
        (0.7815, 0.1922, 4.7e-4),
        (2.4104, 0.7470, 1.8e-3),
    ];
    for ((marginal, (mean, deviation, error)), (other, spread)) in
        posterior.parameters().iter().zip(truth).zip(pymc)
    {
        assert_agrees(marginal, mean, deviation, error);
        // Their 2,000 draws are worth about 600.
        assert!((marginal.mean - other).abs() < 4.0 * spread / 600_f64.sqrt(), "{marginal:?} {other}");
    }
}

#[test]
fn a_seed_gives_the_same_bits() {
    let buyers = || crate::value::sample::customers(3, 60, 0.1, 1.0, 0.05);
    let of = |seed| BgNbd::posterior(buyers(), &Sampling::new(seed).with_draws(100, 50).unwrap()).unwrap();
    assert_eq!(of(4), of(4));
    assert_ne!(of(4).draws(), of(5).draws());
    // The order of rows changes nothing.
    let backwards =
        BgNbd::posterior(buyers().into_iter().rev(), &Sampling::new(4).with_draws(100, 50).unwrap()).unwrap();
    assert_eq!(backwards, of(4));
    assert_eq!(of(4).chains().map(<[BgNbd]>::len).collect::<Vec<_>>(), [50; 4]);
}

/// Ranks of the truth among draws: 8 equal groups, by chi-square with 7 degrees of freedom (99.9 % are below 24.3).
fn assert_uniform(ranks: &[f64], what: &str) {
    let mut counts = [0.0; 8];
    for rank in ranks {
        counts[((rank * 8.0) as usize).min(7)] += 1.0;
    }
    let each = ranks.len() as f64 / 8.0;
    let chi_square: f64 = counts.iter().map(|count| (count - each) * (count - each) / each).sum();
    assert!(chi_square < 24.3, "{what}: {counts:?}");
}

/// Where the truth lies among the draws of each parameter, which are taken far enough apart to be independent.
fn ranks<M: Likelihood>(posterior: &Posterior<M>, truth: &[f64], random: &mut Random) -> Vec<f64> {
    let below = |index: usize| {
        let draws: Vec<f64> =
            posterior.draws().iter().step_by(8).map(|model| model.parameters()[index]).collect();
        let count = draws.iter().filter(|&&draw| draw < truth[index]).count();
        (count as f64 + random.uniform()) / (draws.len() + 1) as f64
    };
    (0..truth.len()).map(below).collect()
}

/// Simulation-based calibration: of parameters drawn from the prior and customers drawn from them, the truth must be
/// anywhere among the draws.
///
/// Source: S. Talts and others, "Validating Bayesian inference algorithms with simulation-based calibration" (2018).
#[test]
fn posteriors_are_calibrated() {
    let mut random = Random::new(9);
    let centre = [0.6, 6.0, 0.9, 2.0];
    let names = ["r", "alpha", "a", "b"];
    let priors = names.iter().zip(centre).fold(Priors::NONE, |priors, (&name, centre)| {
        priors.with(name, Prior::log_normal(centre, 0.7).unwrap())
    });
    let two_chains = |seed| Sampling::new(seed).with_chains(2).unwrap().with_draws(150, 160).unwrap();
    let sampling = |seed| two_chains(seed).with_priors(priors.clone());
    let (mut bg, mut nbd) = (vec![Vec::new(); 4], vec![Vec::new(); 2]);
    for seed in 0..128 {
        let truth = centre.map(|centre| centre * libm::exp(0.7 * random.normal()));
        let [r, alpha, a, b] = truth;
        let mut plain = Vec::new();
        let buyers: Vec<Buyer> = (0..80)
            .map(|_| {
                let (age, rate, leaves) = (30.0, random.gamma(r) / alpha, random.beta(a, b));
                let (mut count, mut recency, mut time, mut all, mut gone) = (0, 0.0, 0.0, (0, 0.0), false);
                loop {
                    time += random.exponential() / rate;
                    if time >= age {
                        break;
                    }
                    all = (all.0 + 1, time);
                    if !gone {
                        (count, recency) = (count + 1, time);
                        gone = random.uniform() < leaves;
                    }
                }
                plain.push(Buyer::new(all.0, all.1, age).unwrap());
                Buyer::new(count, recency, age).unwrap()
            })
            .collect();
        let posterior = BgNbd::posterior(buyers, &sampling(seed)).unwrap();
        for (all, rank) in bg.iter_mut().zip(ranks(&posterior, &truth, &mut random)) {
            all.push(rank);
        }
        let two = ["r", "alpha"].iter().zip(centre).fold(Priors::NONE, |priors, (&name, centre)| {
            priors.with(name, Prior::log_normal(centre, 0.7).unwrap())
        });
        let posterior = Nbd::posterior(plain, &sampling(seed).with_priors(two)).unwrap();
        for (all, rank) in nbd.iter_mut().zip(ranks(&posterior, &truth[..2], &mut random)) {
            all.push(rank);
        }
    }
    for (ranks, name) in bg.iter().zip(names) {
        assert_uniform(ranks, name);
    }
    for (ranks, name) in nbd.iter().zip(names) {
        assert_uniform(ranks, name);
    }
}

#[test]
fn other_models_agree_with_their_fits() {
    // With data enough, mean and spread of a posterior are those of the maximum.
    let buyers: Vec<Buyer> = cdnow().into_iter().step_by(4).collect();
    let short = Sampling::new(3).with_chains(2).unwrap().with_draws(150, 200).unwrap();
    let near = |marginals: &[Marginal], parameters: &[crate::value::Parameter]| {
        for (marginal, parameter) in marginals.iter().zip(parameters) {
            let away = (marginal.mean - parameter.value) / parameter.standard_error;
            assert!(away.abs() < 0.8 && marginal.r_hat < 1.03, "{marginal:?} {parameter:?}");
            let spread = marginal.standard_deviation / parameter.standard_error;
            assert!((0.8..1.8).contains(&spread), "{marginal:?} {parameter:?}");
        }
    };
    let (posterior, fit) = (
        ParetoNbd::posterior(buyers.iter().copied(), &short).unwrap(),
        ParetoNbd::fit(buyers.iter().copied()).unwrap(),
    );
    near(&posterior.parameters()[..2], &fit.parameters()[..2]);
    let mut random = Random::new(1);
    let spends: Vec<RepeatSpend> = (1..400_u32)
        .map(|row| {
            let (x, pace) = (1 + row % 4, random.gamma(3.7) / 15.4);
            let total: f64 = (0..x).map(|_| random.gamma(6.2) / pace).sum();
            RepeatSpend::new(x, total / f64::from(x)).unwrap()
        })
        .collect();
    let longer = short.with_draws(200, 400).unwrap();
    let (posterior, fit) = (
        GammaGamma::posterior(spends.iter().copied(), &longer).unwrap(),
        GammaGamma::fit(spends.iter().copied()).unwrap(),
    );
    near(posterior.parameters(), fit.fit().parameters());
}

#[test]
fn little_data_leave_much_open() {
    let nobody = BgNbd::posterior([], &Sampling::new(1)).unwrap_err();
    assert_eq!(nobody, PosteriorError::Fit(crate::value::FitError::NoCustomers));
    let one = BgNbd::posterior([Buyer::new(2, 30.0, 39.0).unwrap()], &Sampling::new(1)).unwrap();
    assert_eq!(one.customers(), 1);
    let level = Share::new(0.9).unwrap();
    let p_alive = one.interval(level, |model| model.p_alive(Buyer::new(2, 30.0, 39.0).unwrap())).unwrap();
    assert!(p_alive.upper() - p_alive.lower() > 0.3, "{p_alive}");
    for wrong in [Share::ZERO, Share::ONE] {
        assert_eq!(one.interval(wrong, BgNbd::r), Err(IntervalError::Level { level: wrong }));
    }
    let nan = one.interval(level, |_| f64::NAN).unwrap_err();
    assert!(matches!(nan, IntervalError::Score { kind: ScoreKind::Number, .. }));
    let unknown = Sampling::new(1).with_priors(Priors::NONE.with("beta", Prior::gamma(1.0, 1.0).unwrap()));
    assert!(matches!(BgNbd::posterior([Buyer::NEW], &unknown), Err(PosteriorError::Fit(_))));
}

#[test]
fn says_when_draws_are_not_to_be_trusted() {
    let buyers = crate::value::sample::customers(3, 60, 0.1, 1.0, 0.05);
    let few =
        BgNbd::posterior(buyers.iter().copied(), &Sampling::new(4).with_draws(50, 20).unwrap()).unwrap();
    assert!(few.converged().is_err());
    let mut posterior = BgNbd::posterior(buyers, &Sampling::new(4)).unwrap();
    posterior.converged().unwrap();
    posterior.chains[1].divergences = 3;
    assert_eq!(posterior.converged(), Err(Unconverged::Divergences { count: 3, draws: 2000 }));
    posterior.parameters[2].tail_ess = 399.0;
    assert!(
        matches!(posterior.converged(), Err(Unconverged::FewDraws { parameter, .. }) if parameter == "a")
    );
    posterior.parameters[3].r_hat = f64::INFINITY;
    assert!(
        matches!(posterior.converged(), Err(Unconverged::ChainsDisagree { parameter, .. }) if parameter == "b")
    );
}
