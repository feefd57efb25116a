use super::distinct_rows::{DistinctRows, Group, Row};
use super::{Buyer, FitError};
use crate::numeric::random::Random;

/// Data that are made of customers, and so can be made of other ones.
pub trait Resample: Sized {
    /// One customer.
    type Customer;

    /// The data of these customers.
    ///
    /// # Errors
    /// Where nothing can be learned from them.
    fn of_customers(customers: impl IntoIterator<Item = Self::Customer>) -> Result<Self, FitError>;

    /// As many customers drawn from these, with repetition, by the stream of this index.
    ///
    /// # Errors
    /// Where nothing can be learned from them.
    fn drawn_again(&self, seed: u64, index: u64) -> Result<Self, FitError>;
}

impl Resample for DistinctRows {
    type Customer = Buyer;

    fn of_customers(customers: impl IntoIterator<Item = Buyer>) -> Result<Self, FitError> {
        Self::of(customers)
    }

    fn drawn_again(&self, seed: u64, index: u64) -> Result<Self, FitError> {
        let rows = self.groups.iter().flat_map(|group| &group.rows);
        let mut weights = Random::stream(seed, index).drawn_again(rows.map(|row| row.weight)).into_iter();
        let mut found = Self {
            groups: Vec::with_capacity(self.groups.len()),
            longest_age: 0.0,
            total_age: 0.0,
            total_frequency: 0.0,
            // Whatever it is, it moves no maximum; and nobody asks for the likelihood of a replicate.
            ..*self
        };
        let mut distinct = 0;
        for group in &self.groups {
            let drawn = group.rows.iter().zip(&mut weights).filter(|&(_, weight)| weight > 0.0);
            let rows: Vec<Row> = drawn.map(|(row, weight)| Row { weight, ..*row }).collect();
            let mut weight = 0.0;
            for row in &rows {
                weight += row.weight;
                found.longest_age = found.longest_age.max(row.age);
                found.total_age += row.weight * row.age;
            }
            distinct += rows.len();
            if weight > 0.0 {
                found.total_frequency += weight * f64::from(group.frequency);
                found.groups.push(Group { frequency: group.frequency, weight, rows });
            }
        }
        let customers = self.customers;
        if found.total_frequency <= 0.0 {
            Err(FitError::NoRepeatPurchases { customers })
        } else if distinct == 1 {
            Err(FitError::AllTheSame { customers })
        } else {
            Ok(found)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_of_the_same_customers() {
        let buyers = [(0, 0.0, 5.0), (0, 0.0, 5.0), (1, 2.0, 6.0), (1, 3.0, 7.0), (4, 2.0, 8.0)];
        let buyers = buyers.map(|(x, recency, age)| Buyer::new(x, recency, age).unwrap());
        let data = DistinctRows::of(buyers).unwrap();
        let (mut sums, mut refused) = ([0.0; 4], 0);
        for index in 0..4000 {
            let again = match data.drawn_again(7, index) {
                Ok(again) => again,
                Err(error) => {
                    refused += 1;
                    let none = FitError::NoRepeatPurchases { customers: 5 };
                    assert!(error == none || error == FitError::AllTheSame { customers: 5 });
                    continue;
                }
            };
            let rows = again.groups.iter().flat_map(|group| &group.rows);
            assert!((rows.clone().map(|row| row.weight).sum::<f64>() - 5.0).abs() < 1e-15);
            for row in rows {
                let place =
                    buyers[1..].iter().position(|buyer| (buyer.age() - row.age).abs() < 1e-15).unwrap();
                sums[place] += row.weight / 4000.0;
            }
            // The totals are those of the same customers sorted anew.
            let repeated = again.groups.iter().flat_map(|group| {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "up to five")]
                let rows = group.rows.iter().flat_map(|row| std::iter::repeat_n(row, row.weight as usize));
                rows.map(|row| Buyer::new(group.frequency, row.recency, row.age).unwrap())
            });
            let sorted = DistinctRows::of(repeated).unwrap();
            assert_eq!(format!("{again:?}"), format!("{sorted:?}"));
        }
        // (2/5)^5 never buy again, 3 / 5^5 are one of the others five times.
        assert!((f64::from(refused) / 4000.0 - 0.0112).abs() < 0.007, "{refused}");
        for (sum, truth) in sums.iter().zip([2.0, 1.0, 1.0, 1.0]) {
            assert!((sum - truth).abs() < 0.06, "{sums:?}");
        }
    }
}
