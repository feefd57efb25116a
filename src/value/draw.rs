//! What customers may do, drawn at random from a model.

use super::living::{Leaving, Living};
use super::{Buyer, PurchaseModel};
use crate::numeric::random::Random;

/// What one customer does in a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Course {
    /// How many purchases they make.
    pub(super) purchases: f64,
    /// After how much of the time they can no longer have left unnoticed, and how many stages there are in it.
    length: f64,
    stages: f64,
    /// How many stages a purchase needs, and how many had passed before.
    needed: f64,
    passed: f64,
}

impl Course {
    /// When the last purchase is; 0 where there is none.
    fn last(&self, random: &mut Random) -> f64 {
        // Of stages at random times, the one at this place in order.
        let place = self.purchases * self.needed - self.passed;
        if place > 0.0 { self.length * random.beta(place, self.stages - place + 1.0) } else { 0.0 }
    }
}

impl Living {
    /// What a customer does who is alive now until t.
    pub(super) fn draw(self, t: f64, random: &mut Random) -> Course {
        let (mut needed, mut passed, mut length) = (1.0, 0.0, t);
        match self.leaving {
            Leaving::AfterPurchase { stages: Some(stages), .. } => {
                needed = f64::from(stages.needed);
                let mut left = random.uniform();
                for share in stages.passed(self.shape) {
                    left -= share;
                    if left < 0.0 || passed + 1.0 >= needed {
                        break;
                    }
                    passed += 1.0;
                }
            }
            Leaving::AnyTime { s, beta } => {
                let pace = random.gamma(s) / beta;
                length = (random.exponential() / pace).min(t);
            }
            Leaving::Never | Leaving::AfterPurchase { stages: None, .. } => {}
        }
        // The stages passed say something about the rate.
        let rate = random.gamma(self.shape + passed) / self.scale;
        let stages = random.poisson(rate * length);
        let mut purchases = libm::floor((passed + stages) / needed);
        if let Leaving::AfterPurchase { a, b, .. } = self.leaving
            && purchases > 0.0
        {
            let leaving = random.beta(a, b);
            purchases = random.geometric(leaving).min(purchases);
        }
        Course { purchases, length, stages, needed, passed }
    }
}

/// A customer of this age, as a model makes them.
pub(super) fn new_buyer(model: &impl PurchaseModel, age: f64, random: &mut Random) -> Buyer {
    let stays = random.uniform() < model.p_alive(Buyer::NEW);
    let course = model.living(Buyer::NEW).draw(if stays { age } else { 0.0 }, random);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and no more than fits"
    )]
    let frequency = course.purchases.min(f64::from(u32::MAX)) as u32;
    // A recency is above 0, however soon the purchase came.
    let recency = if frequency > 0 { course.last(random).max(f64::MIN_POSITIVE).min(age) } else { 0.0 };
    Buyer::new(frequency, recency, age).unwrap_or(Buyer::NEW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{BgCnbd, BgNbd, Horizon, MbgCnbd, MbgNbd, Nbd, ParetoNbd, PurchaseForecast};

    const DRAWS: u32 = 40_000;

    /// Holds means over new customers, and over what one customer does from now on, against the formulas.
    fn check<M: PurchaseForecast>(name: &str, model: &M) {
        let mut random = Random::new(1);
        let n = f64::from(DRAWS);
        let horizon = Horizon::new(39.0).unwrap();
        let close = |found: f64, truth: f64, variance: f64, what: &str| {
            let error = (variance / n).sqrt();
            assert!(
                (found - truth).abs() < 4.5 * error,
                "{name}, {what}: {found} instead of {truth}, +-{error}"
            );
        };
        let share = |p: f64| p * (1.0 - p);

        // New customers: how many came back, how often, and who of them is alive by what is seen of them alone.
        let new: Vec<Buyer> = (0..DRAWS).map(|_| new_buyer(model, 39.0, &mut random)).collect();
        let mean = |of: &dyn Fn(&Buyer) -> f64| new.iter().map(of).sum::<f64>() / n;
        let expected = model.expected_purchases_new(horizon);
        let purchases = mean(&|buyer| f64::from(buyer.frequency()));
        let spread = mean(&|buyer| (f64::from(buyer.frequency()) - expected).powi(2));
        close(purchases, expected, spread, "purchases");
        for count in 0..5 {
            let truth = model.p_purchases(Buyer::NEW, count, horizon);
            let found = mean(&|buyer| f64::from(u8::from(buyer.frequency() == count)));
            close(found, truth, share(truth), "count");
        }
        // The likelihood of all that is seen: the score of a true model has mean 0, so that of alpha, by differences of
        // the scale of time.
        let slope = |buyer: &Buyer| {
            let scaled = |factor: f64| {
                let (x, recency) = (buyer.frequency(), buyer.recency() * factor);
                let buyer = Buyer::new(x, recency, buyer.age() * factor).unwrap();
                model.log_likelihood(buyer) + f64::from(x) * factor.ln()
            };
            (scaled(1.001) - scaled(0.999)) / 0.002
        };
        let slopes: Vec<f64> = new.iter().map(slope).collect();
        let found = slopes.iter().sum::<f64>() / n;
        let spread = slopes.iter().map(|slope| slope * slope).sum::<f64>() / n;
        close(found, 0.0, spread, "score");
        // Whether they buy in the next 39 weeks, drawn from what is known of each, as for new customers from 39 to 78.
        let between = model.expected_purchases_between(Buyer::NEW, horizon, Horizon::new(78.0).unwrap());
        let later: Vec<f64> = new
            .iter()
            .map(|&buyer| {
                let alive = random.uniform() < model.p_alive(buyer);
                if alive { model.living(buyer).draw(39.0, &mut random).purchases } else { 0.0 }
            })
            .collect();
        let found = later.iter().sum::<f64>() / n;
        let spread = later.iter().map(|count| (count - between).powi(2)).sum::<f64>() / n;
        close(found, between, spread, "later purchases");

        // One customer.
        let buyer = Buyer::new(3, 25.0, 39.0).unwrap();
        let p_alive = model.p_alive(buyer);
        let counts: Vec<f64> =
            (0..DRAWS).map(|_| model.living(buyer).draw(39.0, &mut random).purchases).collect();
        for count in 0..5 {
            let p = model.p_purchases(buyer, count, horizon);
            let truth = if count == 0 { (p - (1.0 - p_alive)) / p_alive } else { p / p_alive };
            let hits = counts.iter().filter(|&&drawn| (drawn - f64::from(count)).abs() < 0.5).count();
            close(f64::from(u32::try_from(hits).unwrap()) / n, truth, share(truth), "count of one");
        }
    }

    #[test]
    fn draws_follow_every_model() {
        check("BG/NBD", &BgNbd::new(0.243, 4.414, 0.793, 2.426).unwrap());
        check("MBG/NBD", &MbgNbd::new(0.525, 6.183, 0.891, 1.614).unwrap());
        check("Pareto/NBD", &ParetoNbd::new(0.553, 10.578, 0.606, 11.669).unwrap());
        check("NBD", &Nbd::new(0.385, 12.072).unwrap());
        check("BG/CNBD-3", &BgCnbd::new(3, 0.8, 2.0, 0.8, 2.5).unwrap());
        check("MBG/CNBD-2", &MbgCnbd::new(2, 0.8, 2.0, 0.8, 2.5).unwrap());
    }

    #[test]
    fn no_time_is_no_purchase() {
        let model = ParetoNbd::new(1e-20, 1e-20, 1e-20, 1e-20).unwrap();
        let mut random = Random::new(2);
        for age in [0.0, 1e-300, 1e30] {
            assert!(new_buyer(&model, age, &mut random).recency() <= age);
        }
    }
}
