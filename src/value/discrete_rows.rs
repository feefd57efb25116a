use super::bg_bb::BgBb;
use super::likelihood::{Bounds, Likelihood, Slopes};
use super::{DiscreteBuyer, FitError};
use crate::numeric::linear::Symmetric;

/// All customers with one number of opportunities and one frequency, by recency, the latest first.
#[derive(Clone, Debug)]
struct Group {
    opportunities: u32,
    frequency: u32,
    rows: Vec<(u32, f64)>,
}

/// The sufficient statistics: distinct rows and how many customers have them.
#[derive(Clone, Debug)]
pub struct DiscreteRows {
    groups: Vec<Group>,
    customers: u64,
    longest: u32,
}

impl DiscreteRows {
    /// Sorts and counts equal rows.
    ///
    /// # Errors
    /// Where nothing can be learned from them: no customers, nobody who bought, or all the same.
    pub(super) fn of(buyers: impl IntoIterator<Item = (DiscreteBuyer, u64)>) -> Result<Self, FitError> {
        let mut rows: Vec<(DiscreteBuyer, u64)> =
            buyers.into_iter().filter(|&(_, count)| count > 0).collect();
        rows.sort_unstable_by_key(|&(buyer, _)| {
            (buyer.opportunities(), buyer.frequency(), std::cmp::Reverse(buyer.recency()))
        });
        let customers = rows.iter().fold(0_u64, |sum, &(_, count)| sum.saturating_add(count));
        let (Some(&(first, _)), Some(&(last, _))) = (rows.first(), rows.last()) else {
            return Err(FitError::NoCustomers);
        };
        if rows.iter().all(|(buyer, _)| buyer.frequency() == 0) {
            return Err(FitError::NoRepeatPurchases { customers });
        }
        if first == last {
            return Err(FitError::AllTheSame { customers });
        }
        let kind = |buyer: DiscreteBuyer| (buyer.opportunities(), buyer.frequency());
        let groups = rows
            .chunk_by(|&(one, _), &(next, _)| kind(one) == kind(next))
            .filter_map(|group| {
                let (opportunities, frequency) = kind(group.first()?.0);
                let rows = group
                    .chunk_by(|(one, _), (next, _)| one == next)
                    .filter_map(|equal| {
                        let count = equal.iter().fold(0_u64, |sum, &(_, count)| sum.saturating_add(count));
                        #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
                        let weight = count as f64;
                        Some((equal.first()?.0.recency(), weight))
                    })
                    .collect();
                Some(Group { opportunities, frequency, rows })
            })
            .collect();
        Ok(Self { groups, customers, longest: last.opportunities() })
    }
}

/// The parameters in the order of the gradient, and the pairs of them in the order of the upper triangle.
const PAIRS: [(usize, usize); 10] =
    [(0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3)];

/// The logarithms of x (x+1) .. (x+k-1) for all k up to a number, with their first and second derivatives.
#[derive(Debug)]
struct Rising(Vec<[f64; 3]>);

impl Rising {
    fn new(x: f64, most: u32) -> Self {
        let mut sum = [0.0; 3];
        let mut table = Vec::with_capacity(usize::try_from(most).unwrap_or(0) + 1);
        table.push(sum);
        for step in 0..most {
            let at = x + f64::from(step);
            let inverse = at.recip();
            sum = [sum[0] + libm::log(at), sum[1] + inverse, sum[2] - inverse * inverse];
            table.push(sum);
        }
        Self(table)
    }

    fn at(&self, steps: u32) -> [f64; 3] {
        usize::try_from(steps).ok().and_then(|index| self.0.get(index)).copied().unwrap_or([f64::NAN; 3])
    }
}

/// How likely a history is with its slopes, over the ways in which it may have come about.
#[derive(Clone, Copy, Debug)]
struct Ways {
    ln: f64,
    /// The mean slope over the ways, each as likely as it is.
    slope: [f64; 4],
    /// The mean of the second derivatives plus the products of the slopes.
    bend: [f64; 10],
}

impl Ways {
    const NONE: Self = Self { ln: f64::NEG_INFINITY, slope: [0.0; 4], bend: [0.0; 10] };

    fn add(&mut self, ln: f64, slope: [f64; 4], bend: [f64; 10]) {
        let (more, less) = (self.ln.max(ln), self.ln.min(ln));
        let small = libm::exp(less - more);
        let share = if ln >= self.ln { (1.0 + small).recip() } else { small / (1.0 + small) };
        self.ln = more + libm::log1p(small);
        for ((mean, &(row, column)), &bend) in self.bend.iter_mut().zip(&PAIRS).zip(&bend) {
            let at = |index: usize| slope.get(index).copied().unwrap_or_default();
            *mean += share * (bend + at(row) * at(column) - *mean);
        }
        for (mean, &slope) in self.slope.iter_mut().zip(&slope) {
            *mean += share * (slope - *mean);
        }
    }
}

impl Likelihood for BgBb {
    type Data = DiscreteRows;

    const MODEL: &'static str = "bg_bb";
    const NAMES: &'static [&'static str] = &["alpha", "beta", "gamma", "delta"];

    fn customers(data: &DiscreteRows) -> u64 {
        data.customers
    }

    fn ranges(&self, _: &DiscreteRows) -> Vec<Bounds> {
        vec![Bounds { lower: 1e-5, upper: 1e6 }; 4]
    }

    fn starts(&self, _: &DiscreteRows) -> Vec<Vec<f64>> {
        vec![
            vec![1.0, 1.0, 0.7, 3.0],
            vec![0.5, 2.0, 1.0, 10.0],
            vec![3.0, 3.0, 1.0, 1.0],
            vec![0.3, 0.3, 0.2, 5.0],
        ]
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.alpha(), self.beta(), self.gamma(), self.delta()]
    }

    fn with_parameters(&self, parameters: &[f64]) -> Option<Self> {
        let &[alpha, beta, gamma, delta] = parameters else { return None };
        Self::new(alpha, beta, gamma, delta).ok()
    }

    /// Goes back from the last opportunity through those of silence, one way to have left after the other, so that all
    /// recencies of a group are met on one way.
    fn slopes(&self, data: &DiscreteRows) -> Slopes {
        let most = data.longest;
        let [buys, waits] = [self.alpha(), self.beta()].map(|x| Rising::new(x, most));
        let chances = Rising::new(self.alpha() + self.beta(), most);
        let (stays, leaves) =
            (Rising::new(self.delta(), most), Rising::new(self.gamma() + self.delta(), most));
        let (ln_gamma, rate) = (libm::log(self.gamma()), self.gamma().recip());
        let (mut value, mut gradient, mut bends) = (0.0, [0.0; 4], [0.0; 10]);
        for Group { opportunities, frequency, rows } in &data.groups {
            let bought = buys.at(*frequency);
            // Alive after the last opportunity, or gone after this one.
            let way = |last: u32, gone: bool| {
                let (waited, had) = (waits.at(last - frequency), chances.at(last));
                let (stayed, lost) = (stays.at(last), leaves.at(last + u32::from(gone)));
                let (ln_left, left) = if gone { (ln_gamma, rate) } else { (0.0, 0.0) };
                let ln = bought[0] + waited[0] - had[0] + ln_left + stayed[0] - lost[0];
                let slope = [bought[1] - had[1], waited[1] - had[1], left - lost[1], stayed[1] - lost[1]];
                let bend = [
                    bought[2] - had[2],
                    -had[2],
                    0.0,
                    0.0,
                    waited[2] - had[2],
                    0.0,
                    0.0,
                    -left * left - lost[2],
                    -lost[2],
                    stayed[2] - lost[2],
                ];
                (ln, slope, bend)
            };
            let mut ways = Ways::NONE;
            let (ln, slope, bend) = way(*opportunities, false);
            ways.add(ln, slope, bend);
            let mut met = *opportunities;
            for &(recency, weight) in rows {
                while met > recency {
                    met -= 1;
                    let (ln, slope, bend) = way(met, true);
                    ways.add(ln, slope, bend);
                }
                value += weight * ways.ln;
                gradient.iter_mut().zip(ways.slope).for_each(|(sum, slope)| *sum += weight * slope);
                for ((sum, bend), (row, column)) in bends.iter_mut().zip(ways.bend).zip(PAIRS) {
                    let at = |index: usize| ways.slope.get(index).copied().unwrap_or_default();
                    *sum += weight * (bend - at(row) * at(column));
                }
            }
        }
        Slopes {
            value,
            gradient: gradient.to_vec(),
            hessian: Symmetric::from_upper(4, |row, column| {
                let place = PAIRS.iter().position(|&pair| pair == (row, column));
                place.and_then(|place| bends.get(place)).copied().unwrap_or_default()
            }),
        }
    }
}
