//! The likelihood of models in which customers leave right after a purchase, with its first derivatives alone: a
//! sampler asks for nothing else, and asks ten thousand times.

use super::beta_geometric::BetaGeometric;
use super::distinct_rows::{CHUNK, DistinctRows, Row};
use super::likelihood::Gradient;
use crate::numeric::gamma::{digamma, ln_gamma};
use crate::numeric::quick_exponential::exp_below_one;

/// Further apart than this, frequencies are not walked between one by one.
const LONGEST_WALK: f64 = 16.0;

impl BetaGeometric {
    /// The log-likelihood of all customers with its first derivatives in r, alpha, a, b: as
    /// [`slopes`](Self::slopes), to rounding.
    pub(super) fn gradient(&self, histories: &DistinctRows) -> Gradient {
        if self.stages > 1 {
            return self.slopes(histories).into();
        }
        let Self { r, alpha, a, b, .. } = *self;
        let (ln_alpha, origin) = (libm::log(alpha), alpha.recip());
        let first = f64::from(self.first);
        let (mut buying, mut staying, mut whole) = (Rising::new(r), Rising::new(b), Rising::new(a + b));
        let [mut value, mut d_r, mut d_alpha, mut d_a, mut d_b] = [histories.constant, 0.0, 0.0, 0.0, 0.0];
        for group in &histories.groups {
            let (x, weight) = (f64::from(group.frequency), group.weight);
            let stays = x + first;
            // What depends on the frequency alone is worked out once, from what it was for the one before.
            buying.rise_to(x);
            staying.rise_to(stays);
            whole.rise_to(stays);
            value += weight * (buying.ln + staying.ln - whole.ln - x * ln_alpha);
            d_r += weight * buying.slope;
            d_alpha -= weight * x * origin;
            d_a -= weight * whole.slope;
            d_b += weight * (staying.slope - whole.slope);
            let shape = r + x;
            let odds = (stays > 0.0).then(|| {
                // Two steps keep the digits of a small b.
                let last = b + ((x - 1.0) + first);
                (libm::log(a / last), a.recip(), -last.recip())
            });
            for chunk in group.rows.chunks(CHUNK) {
                let sums = Sums::of(chunk, alpha, shape, odds.map(|(ln_odds, ..)| ln_odds));
                value += sums.softplus - shape * sums.growth;
                d_r += sums.gone_silence - sums.growth;
                d_alpha += shape * (sums.lag - sums.gone_turn);
                if let Some((_, q_a, q_b)) = odds {
                    d_a += sums.gone * q_a;
                    d_b += sums.gone * q_b;
                }
            }
        }
        Gradient { value, gradient: vec![d_r, d_alpha, d_a, d_b] }
    }
}

/// ln x (x + 1) .. (x + steps - 1) with its slope in x, for more and more steps.
struct Rising {
    x: f64,
    steps: f64,
    ln: f64,
    slope: f64,
}

impl Rising {
    fn new(x: f64) -> Self {
        Self { x, steps: 0.0, ln: 0.0, slope: 0.0 }
    }

    fn rise_to(&mut self, steps: f64) {
        if steps - self.steps > LONGEST_WALK {
            self.ln = ln_gamma(self.x + steps) - ln_gamma(self.x);
            self.slope = digamma(self.x + steps) - digamma(self.x);
            self.steps = steps;
            return;
        }
        let mut product = 1.0;
        while self.steps < steps {
            let factor = self.x + self.steps;
            product *= factor;
            self.slope += factor.recip();
            self.steps += 1.0;
        }
        self.ln += libm::log(product);
    }
}

/// Sums over rows of one frequency, of ln(1 + T / alpha) and 1 / alpha - 1 / (alpha + T) among others.
#[derive(Default)]
struct Sums {
    softplus: f64,
    growth: f64,
    lag: f64,
    gone: f64,
    gone_silence: f64,
    gone_turn: f64,
}

impl Sums {
    /// Without `ln_odds`, nobody can have left.
    fn of(rows: &[Row], alpha: f64, shape: f64, ln_odds: Option<f64>) -> Self {
        let origin = alpha.recip();
        let mut sums = Self::default();
        let (mut growth, mut softplus) = (LnProduct::default(), LnProduct::default());
        for row in rows {
            let weight = row.weight;
            let till_now = alpha + row.age;
            growth.times(till_now * origin, weight);
            let Some(ln_odds) = ln_odds else {
                sums.lag += weight * row.age * till_now.recip();
                continue;
            };
            // One division for two.
            let till_last = alpha + row.recency;
            let both = (till_now * till_last).recip();
            let (now, then) = (till_last * both, till_now * both);
            sums.lag += weight * row.age * now;
            let silence = libm::log(till_now * then);
            let q = shape * silence + ln_odds;
            let e = exp_below_one(-q.abs());
            let likelier = (1.0 + e).recip();
            let gone = weight * if q > 0.0 { likelier } else { e * likelier };
            softplus.times(1.0 + e, weight);
            sums.softplus += weight * q.max(0.0);
            sums.gone += gone;
            sums.gone_silence += gone * silence;
            sums.gone_turn += gone * (row.age - row.recency) * both;
        }
        sums.lag *= origin;
        sums.growth = growth.ln();
        sums.softplus += softplus.ln();
        sums
    }
}

/// A sum of logarithms, most of them taken together: of numbers from 1e-70 to 1e70.
struct LnProduct {
    ln: f64,
    product: f64,
}

impl Default for LnProduct {
    fn default() -> Self {
        Self { ln: 0.0, product: 1.0 }
    }
}

impl LnProduct {
    fn times(&mut self, number: f64, weight: f64) {
        if weight.to_bits() == 1.0_f64.to_bits() {
            self.product *= number;
            if !(1e-200..1e200).contains(&self.product) {
                self.ln += libm::log(self.product);
                self.product = 1.0;
            }
        } else {
            self.ln += weight * libm::log(number);
        }
    }

    fn ln(self) -> f64 {
        self.ln + libm::log(self.product)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Buyer;

    /// Customers of all frequencies, some of them more than once, and some twenty thousand times as frequent.
    fn rows() -> DistinctRows {
        let buyers = (0..400_u32).map(|row| {
            let frequency = match row % 7 {
                0 | 1 => 0,
                2 => 1,
                3 => row % 30,
                4 => 3 * (row % 11),
                5 => 17,
                _ => 20_000 + row,
            };
            let age = 20.0 + f64::from(row % 13);
            let recency = if frequency == 0 { 0.0 } else { age * (0.2 + 0.8 * f64::from(row % 5) / 4.0) };
            Buyer::new(frequency, recency, age).unwrap()
        });
        DistinctRows::of(buyers).unwrap()
    }

    #[test]
    fn agrees_with_the_slopes() {
        let rows = rows();
        for first in [0, 1] {
            for stages in [1, 3] {
                for (r, alpha, a, b) in
                    [(0.243, 4.414, 0.793, 2.426), (7.0, 0.02, 30.0, 0.001), (1e-4, 900.0, 1e-4, 50.0)]
                {
                    let family = BetaGeometric { r, alpha, a, b, stages, first };
                    let (found, truth) = (family.gradient(&rows), Gradient::from(family.slopes(&rows)));
                    assert!(
                        (found.value / truth.value - 1.0).abs() < 1e-13,
                        "{family:?}: {found:?} {truth:?}"
                    );
                    // By the logarithms of the parameters, for each customer.
                    for ((found, truth), scale) in
                        found.gradient.iter().zip(&truth.gradient).zip([r, alpha, a, b])
                    {
                        let tolerance = f64::max(400.0 * 1e-12, 4e-15 * truth.abs() * scale);
                        assert!((found - truth).abs() * scale < tolerance, "{family:?}: {found} {truth}");
                    }
                }
            }
        }
    }
}
