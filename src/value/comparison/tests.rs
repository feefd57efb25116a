use super::*;
use crate::numeric::split_mix::SplitMix;

/// How long customers are watched after what is known of them.
const LATER: f64 = 40.0;

/// Customers simulated from the assumptions of the models, by the plainest ways there are.
struct Simulation(SplitMix);

impl Simulation {
    fn uniform(&mut self) -> f64 {
        let number = u32::try_from(self.0.below(1 << 32)).unwrap();
        (f64::from(number) + 0.5) / 4_294_967_296.0
    }

    fn exponential(&mut self, rate: f64) -> f64 {
        -libm::log(self.uniform()) / rate
    }

    /// G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000).
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = libm::pow(self.uniform(), shape.recip());
            return boost * self.gamma(shape + 1.0);
        }
        let d = shape - 1.0 / 3.0;
        let c = (9.0 * d).sqrt().recip();
        loop {
            let (radius, angle) = ((-2.0 * libm::log(self.uniform())).sqrt(), self.uniform());
            let normal = radius * libm::cos(std::f64::consts::TAU * angle);
            let v = (1.0 + c * normal).powi(3);
            if v > 0.0 && libm::log(self.uniform()) < 0.5 * normal * normal + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }

    fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (one, other) = (self.gamma(a), self.gamma(b));
        one / (one + other)
    }

    /// The times at which a customer buys who does so at the k-th stage each, until `end`.
    fn times(&mut self, rate: f64, k: u32, end: f64, leaves: impl Fn(&mut Self) -> bool) -> Vec<f64> {
        let (mut now, mut times) = (0.0, Vec::new());
        loop {
            for _ in 0..k {
                now += self.exponential(rate);
            }
            if now > end {
                return times;
            }
            times.push(now);
            if leaves(self) {
                return times;
            }
        }
    }

    /// Customers of this kind of model, and how many purchases each makes later.
    fn customers(&mut self, kind: ModelKind, count: u32) -> (Vec<TimedBuyer>, Vec<u32>) {
        let customer = |_| {
            let age = 30.0 + 20.0 * self.uniform();
            let whole = age + LATER;
            let times = match kind {
                ModelKind::Nbd => {
                    let rate = self.gamma(0.8) / 8.0;
                    self.times(rate, 1, whole, |_| false)
                }
                ModelKind::ParetoNbd => {
                    let rate = self.gamma(0.8) / 4.0;
                    let leaves = self.gamma(0.6) / 12.0;
                    let gone = self.exponential(leaves).min(whole);
                    self.times(rate, 1, gone, |_| false)
                }
                ModelKind::BgNbd | ModelKind::MbgNbd | ModelKind::BgCnbd | ModelKind::MbgCnbd => {
                    let k = if kind.is_regular() { 3 } else { 1 };
                    let rate = self.gamma(0.8) * f64::from(k) / 4.0;
                    let p = self.beta(0.8, 2.4);
                    let at_once = kind.dropout() == super::super::Dropout::AfterAnyPurchase;
                    if at_once && self.uniform() < p {
                        Vec::new()
                    } else {
                        self.times(rate, k, whole, move |simulation| simulation.uniform() < p)
                    }
                }
            };
            let known: Vec<f64> = times.iter().copied().filter(|&time| time <= age).collect();
            let frequency = u32::try_from(known.len()).unwrap();
            let buyer = Buyer::new(frequency, known.last().copied().unwrap_or(0.0), age).unwrap();
            let starts = [0.0].into_iter().chain(known.iter().copied());
            let sum = starts.zip(&known).fold(0.0, |sum, (from, until)| sum + libm::log(until - from));
            (TimedBuyer::new(buyer, sum).unwrap(), u32::try_from(times.len()).unwrap() - frequency)
        };
        (0..count).map(customer).unzip()
    }
}

fn simulated(kind: ModelKind, count: u32) -> (Vec<TimedBuyer>, Vec<u32>) {
    Simulation(SplitMix::new(3)).customers(kind, count)
}

#[test]
fn finds_the_model_that_made_the_data() {
    for &kind in &ModelKind::ALL[1..] {
        let (customers, later) = simulated(kind, 1500);
        let comparison = Comparison::fit(customers.iter().copied()).unwrap();
        assert_eq!(comparison.models().len(), 6);
        let recommended = comparison.recommendation().unwrap();
        assert_eq!(recommended.model(), kind, "{recommended:?}");
        if kind.is_regular() {
            assert_eq!(comparison.best().unwrap().regularity(), 3);
        }
        // In the hold-out it leads, or is as good as the one that does.
        let rows = customers.iter().map(TimedBuyer::buyer).zip(later.iter().copied());
        let judged = comparison.with_holdout(rows, Horizon::new(LATER).unwrap()).unwrap();
        let recommended = judged.recommendation().unwrap();
        let found = recommended.model() == kind || recommended.as_good().contains(&kind);
        assert!(found, "{kind}: {recommended:?}");
    }
}

#[test]
fn what_cannot_be_fitted_stays_in_the_list() {
    let (customers, _) = simulated(ModelKind::Nbd, 300);
    let buyers = || customers.iter().map(TimedBuyer::buyer);
    let failed = FitError::NoCustomers;
    let candidates = || {
        vec![
            Candidate::from(BgNbd::fit([])),
            Candidate::from(Nbd::fit(buyers())),
            Candidate::from(ParetoNbd::fit([])),
        ]
    };
    let comparison = Comparison::of_buyers(candidates(), buyers()).unwrap();
    let kinds: Vec<ModelKind> = comparison.models().iter().map(JudgedModel::kind).collect();
    assert_eq!(kinds, [ModelKind::BgNbd, ModelKind::Nbd, ModelKind::ParetoNbd]);
    assert_eq!(comparison.models()[0].fit(), Err(&failed));
    assert!(comparison.models()[0].figures().is_none() && comparison.models()[0].because().is_empty());
    // There is nothing to compare the only one with.
    let recommended = comparison.recommendation().unwrap();
    assert_eq!(
        (recommended.model(), recommended.because(), recommended.as_good()),
        (ModelKind::Nbd, [].as_slice(), [].as_slice())
    );
    assert_eq!(comparison.test(ModelKind::Nbd, ModelKind::BgNbd), None);
    let judged =
        comparison.with_holdout(buyers().map(|buyer| (buyer, 1)), Horizon::new(9.0).unwrap()).unwrap();
    assert!(judged.models()[1].figures().unwrap().holdout.is_some());

    let nothing = Comparison::of_buyers([Candidate::from(BgNbd::fit([]))], buyers()).unwrap();
    assert!(nothing.recommendation().is_none() && nothing.best().is_none());
}

#[test]
fn refuses_what_does_not_belong_together() {
    let (customers, _) = simulated(ModelKind::Nbd, 300);
    let buyers = || customers.iter().map(TimedBuyer::buyer);
    let nbd = || Candidate::from(Nbd::fit(buyers()));
    assert_eq!(Comparison::fit([]), Err(ValueError::NoRows));
    assert_eq!(Comparison::fit_buyers([]), Err(ValueError::NoRows));
    let model = ModelKind::Nbd;
    let twice = Comparison::of_buyers([nbd(), nbd()], buyers());
    assert_eq!(twice, Err(ValueError::SameModelTwice { model }));
    let fewer = Comparison::of_buyers([nbd()], buyers().take(200));
    assert_eq!(fewer, Err(ValueError::OtherCustomers { model, fitted: 300, given: 200 }));
    let fitted = Comparison::of_buyers([nbd()], buyers()).unwrap();
    assert_eq!(fitted.with_holdout([], Horizon::new(9.0).unwrap()), Err(ValueError::NoRows));
}

/// The hold-out comes first: customers made by MBG/NBD, of whom those who never came back then buy as if none had left.
#[test]
fn the_holdout_outweighs_the_fit() {
    let (customers, _) = simulated(ModelKind::MbgNbd, 1500);
    let buyers = || customers.iter().map(TimedBuyer::buyer);
    let candidates = [Candidate::from(BgNbd::fit(buyers())), Candidate::from(MbgNbd::fit(buyers()))];
    let comparison = Comparison::of_buyers(candidates, buyers()).unwrap();
    assert_eq!(comparison.recommendation().unwrap().model(), ModelKind::MbgNbd);
    let rows = buyers().zip(0_u32..).map(|(buyer, row)| {
        let bought = if buyer.frequency() == 0 { u32::from(row % 2 == 0) } else { buyer.frequency() / 2 };
        (buyer, bought)
    });
    let judged = comparison.with_holdout(rows, Horizon::new(LATER).unwrap()).unwrap();
    let recommended = judged.recommendation().unwrap();
    assert_eq!((recommended.model(), recommended.as_good()), (ModelKind::BgNbd, [].as_slice()));
    assert_eq!(recommended.because().len(), 1);
    assert_eq!(recommended.because()[0].by(), HIGHEST_HOLDOUT_SCORE);
    let left_out = judged.models()[1].because();
    assert_eq!(left_out.iter().map(Because::by).collect::<Vec<_>>(), [HOLDOUT_WORSE, HIGHER_BIC, FIT_BETTER]);
    assert!(left_out[1].figures().unwrap().0 < 0.0);
}

/// The figure in the documentation of [`LikelihoodRatio`].
#[test]
#[cfg_attr(debug_assertions, ignore = "1,000 fits: with --release")]
fn the_test_finds_too_little_at_the_edge() {
    let mut simulation = Simulation(SplitMix::new(5));
    let (mut found, mut fitted) = ([0; 2], [0; 2]);
    for _ in 0..500 {
        let (customers, _) = simulation.customers(ModelKind::Nbd, 1000);
        let buyers = || customers.iter().map(TimedBuyer::buyer);
        let nbd = Nbd::fit(buyers()).unwrap();
        let tests = [
            BgNbd::fit(buyers()).ok().map(|fit| LikelihoodRatio::of(&nbd, &fit).unwrap()),
            MbgNbd::fit(buyers()).ok().map(|fit| LikelihoodRatio::of(&nbd, &fit).unwrap()),
        ];
        for ((test, found), fitted) in tests.iter().zip(&mut found).zip(&mut fitted) {
            *fitted += u32::from(test.is_some());
            *found += u32::from(test.is_some_and(|test| test.p_value() < 0.05));
        }
    }
    // 1 of 129 and 6 of 205 when this was written; all other fits end at the edge, which says the same.
    assert!(found.iter().all(|&found| found <= 10), "{found:?} of {fitted:?}");
}
