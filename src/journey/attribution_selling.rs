use crate::measure::{Estimate, Share};
use crate::numeric::proportion::{self, Proportion};
use crate::numeric::stratified::Stratified;
use serde::Serialize;
use std::collections::BTreeMap;

/// Customers in one stratum at one moment: how many, and how many of them bought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cell {
    offered: u64,
    offered_bought: u64,
    others: u64,
    others_bought: u64,
}

/// Counts who was made an offer at which moment, and who bought; comparable customers share a stratum.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::journey::{OfferTally, SellingPoint};
///
/// let mut tally = OfferTally::new();
/// for customer in 0..100 {
///     let (offered, stratum) = (customer % 2 == 0, customer / 50);
///     let bought = customer % if offered { 4 } else { 10 } < 2;
///     tally.push(7, stratum, offered, bought);
/// }
/// let points = tally.selling_points(10, Share::new(0.95)?);
/// assert_eq!((points.customers(), points.tests()), (100, 1));
/// let SellingPoint::Measured { effect, .. } = points.points()[0] else { return Err("100 customers are enough".into()) };
/// assert_eq!(format!("{effect:.2}"), "0.30 [0.12, 0.48] (95.0 %, n = 100)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfferTally {
    cells: BTreeMap<(u16, u32), Cell>,
}

/// A moment of the journey, by how much more those bought who were made an offer there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SellingPoint {
    /// There were enough customers of both kinds.
    Measured {
        /// The moment.
        moment: u16,
        /// Share of buyers with an offer less that of comparable customers without, pooled over strata by Mantel and
        /// Haenszel, with Sato's interval.
        effect: Estimate,
        /// How likely an effect as large would be if there were none (Cochran, Mantel, Haenszel, not corrected for
        /// continuity).
        p_value: f64,
        /// The same, adjusted for having asked about every measured moment (Benjamini and Hochberg).
        adjusted_p_value: f64,
        /// How many strata held customers of both kinds. The others say nothing, and are left out of `n`.
        strata: u64,
    },
    /// Too few customers of one kind had comparable ones of the other.
    TooFew {
        /// The moment.
        moment: u16,
        /// Customers with an offer in strata that hold both kinds.
        offered: u64,
        /// Customers without.
        others: u64,
    },
}

/// The moments at which an offer sells, and how they were measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SellingPoints {
    least: u64,
    level: Share,
    customers: u64,
    tests: u64,
    points: Vec<SellingPoint>,
}

impl SellingPoints {
    /// How many customers of each kind a moment needs to be measured.
    pub const fn least(&self) -> u64 {
        self.least
    }

    /// The level of the intervals.
    pub const fn level(&self) -> Share {
        self.level
    }

    /// How many customers were counted at all moments together; one who was at several counts at each. Those in strata
    /// of one kind only are in no effect.
    pub const fn customers(&self) -> u64 {
        self.customers
    }

    /// How many moments were measured, and the p-values adjusted for.
    pub const fn tests(&self) -> u64 {
        self.tests
    }

    /// Each moment: the largest effect first, then those with too few customers by number.
    pub fn points(&self) -> &[SellingPoint] {
        &self.points
    }
}

impl OfferTally {
    /// Nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one customer at one moment.
    pub fn push(&mut self, moment: u16, stratum: u32, offered: bool, bought: bool) {
        let cell = self.cells.entry((moment, stratum)).or_default();
        let (all, buyers) = if offered {
            (&mut cell.offered, &mut cell.offered_bought)
        } else {
            (&mut cell.others, &mut cell.others_bought)
        };
        *all += 1;
        *buyers += u64::from(bought);
    }

    /// Adds the counts of other customers.
    pub fn merge(&mut self, other: &Self) {
        for (&key, more) in &other.cells {
            let cell = self.cells.entry(key).or_default();
            cell.offered += more.offered;
            cell.offered_bought += more.offered_bought;
            cell.others += more.others;
            cell.others_bought += more.others_bought;
        }
    }

    /// Finds the moments at which an offer sells: the largest effect first, then those with too few customers.
    ///
    /// An effect is a comparison, not an experiment: it is as good as the strata make customers comparable.
    ///
    /// # Arguments
    /// `least`: how many customers of each kind a moment needs to be measured, at least 1.
    ///
    /// # Formula
    /// ```text
    /// effect = Σ w d / Σ w      w = n₁ n₀ / n      d = x₁ / n₁ - x₀ / n₀      over strata with both kinds
    /// ```
    ///
    /// # Cost
    /// O(moments · strata).
    ///
    /// Source: S. Greenland, J. M. Robins, "Estimation of a common effect parameter from sparse follow-up data",
    /// Biometrics 41 (1985); T. Sato, "On the variance estimator for the Mantel-Haenszel risk difference", Biometrics 45
    /// (1989).
    pub fn selling_points(&self, least: u64, level: Share) -> SellingPoints {
        let mut moments: BTreeMap<u16, Stratified> = BTreeMap::new();
        for (&(moment, _), cell) in &self.cells {
            let offered = Proportion::new(cell.offered_bought, cell.offered);
            let others = Proportion::new(cell.others_bought, cell.others);
            // There are never more buyers than customers.
            if let (Some(offered), Some(others)) = (offered, others) {
                moments.entry(moment).or_default().push(offered, others);
            }
        }
        let (z, least) = (proportion::z(level.get()), least.max(1));
        let (mut measured, mut few) = (Vec::new(), Vec::new());
        for (moment, pooled) in moments {
            let (offered, others) = (pooled.exposed(), pooled.others());
            let enough = offered.min(others) >= least;
            let effect = pooled.risk_difference(z).filter(|_| enough).and_then(|(seen, ends)| {
                Estimate::new(seen, ends.lower, ends.upper, level, offered + others).ok()
            });
            match effect {
                Some(effect) => measured.push((moment, effect, pooled.p_value(), pooled.strata())),
                None => few.push(SellingPoint::TooFew { moment, offered, others }),
            }
        }
        let p_values: Vec<f64> = measured.iter().map(|point| point.2).collect();
        let adjusted = proportion::benjamini_hochberg(&p_values);
        let mut points: Vec<_> = measured.into_iter().zip(adjusted).collect();
        points.sort_by(|a, b| b.0.1.value().total_cmp(&a.0.1.value()).then(a.0.0.cmp(&b.0.0)));
        let points = points.into_iter().map(|((moment, effect, p_value, strata), adjusted_p_value)| {
            SellingPoint::Measured { moment, effect, p_value, adjusted_p_value, strata }
        });
        let points = points.chain(few).collect();
        let customers = self.cells.values().map(|cell| cell.offered + cell.others).sum();
        SellingPoints { least, level, customers, tests: p_values.len() as u64, points }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stratum_is_the_plain_difference_and_lone_strata_say_nothing() {
        let mut tally = OfferTally::new();
        for customer in 0..40 {
            tally.push(1, 0, customer < 10, customer % 5 == 0);
            tally.push(2, customer, customer < 10, true);
        }
        tally.push(1, 9, true, true);
        let found = tally.selling_points(10, Share::new(0.95).unwrap());
        assert_eq!((found.tests(), found.customers(), found.least()), (1, 81, 10));
        let points = found.points();
        let SellingPoint::Measured { moment: 1, effect, p_value, strata: 1, .. } = points[0] else {
            panic!("{points:?}")
        };
        assert!((effect.value() - 0.0).abs() < 1e-15 && (p_value - 1.0).abs() < 1e-12 && effect.n() == 40);
        assert_eq!(points[1], SellingPoint::TooFew { moment: 2, offered: 0, others: 0 });
        assert!(matches!(
            tally.selling_points(11, Share::ONE).points()[0],
            SellingPoint::TooFew { offered: 10, .. }
        ));
    }

    #[test]
    fn merging_adds() {
        let (mut one, mut two, mut all) = (OfferTally::new(), OfferTally::new(), OfferTally::new());
        for customer in 0..50_u32 {
            let row =
                (u16::try_from(customer % 3).unwrap(), customer % 2, customer % 5 < 2, customer % 7 < 3);
            all.push(row.0, row.1, row.2, row.3);
            let part = if customer % 4 == 0 { &mut one } else { &mut two };
            part.push(row.0, row.1, row.2, row.3);
        }
        let mut swapped = two.clone();
        swapped.merge(&one);
        one.merge(&two);
        assert_eq!((&one, &swapped), (&all, &all));
    }
}
