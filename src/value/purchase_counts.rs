use super::chunked_sum::ChunkedSum;
use super::{Buyer, Horizon, PurchaseForecast, ValueError};
use std::collections::BTreeMap;

/// How many customers bought again so many times.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PurchaseCount {
    /// How many times they bought again.
    pub purchases: u32,
    /// How many customers did.
    pub actual: u64,
    /// How many a model expects, of customers of whom nothing is known but their age.
    pub expected: f64,
}

/// Whether a model reproduces the customers it was fitted to: how many bought again never, once, twice and so on, beside
/// how many it expects.
///
/// # Arguments
/// - `buyers`: the customers that the model was fitted to.
/// - `most`: those who bought again as often or more are one group.
///
/// # Returns
/// One row for each number of purchases from 0 to `most`. Both columns add up to the customers.
///
/// # Errors
/// [`ValueError::NoRows`] without customers.
///
/// # Formula
/// ```text
/// expected with x purchases = sum over customers of P(X(T) = x),  T their age
/// ```
///
/// # Cost
/// `most` probabilities for each distinct age.
///
/// # Example
/// ```
/// use patronage::value::{Buyers, Nbd, purchase_counts};
///
/// let buyers = Buyers::new(&[0, 2, 1, 0], &[0.0, 5.0, 8.0, 0.0], &[10.0; 4])?;
/// let counts = purchase_counts(&Nbd::new(1.0, 10.0)?, buyers.iter(), 2)?;
/// let shown: Vec<String> = counts.iter().map(|row| format!("{} {:.1}", row.actual, row.expected)).collect();
/// assert_eq!(shown, ["2 2.0", "1 1.0", "1 1.0"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: P. Fader, B. Hardie, K. L. Lee, "Counting your customers the easy way", Marketing Science 24 (2005), figure 2.
pub fn purchase_counts(
    model: &impl PurchaseForecast,
    buyers: impl IntoIterator<Item = Buyer>,
    most: u32,
) -> Result<Vec<PurchaseCount>, ValueError> {
    // Ages are not negative, so the order of their bits is their order.
    let mut ages: BTreeMap<u64, u64> = BTreeMap::new();
    let mut actual: BTreeMap<u32, u64> = BTreeMap::new();
    let mut customers = 0_u64;
    for buyer in buyers {
        *ages.entry(buyer.age().to_bits()).or_default() += 1;
        *actual.entry(buyer.frequency().min(most)).or_default() += 1;
        customers += 1;
    }
    if customers == 0 {
        return Err(ValueError::NoRows);
    }
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
    let mut rest = customers as f64;
    let mut rows = Vec::new();
    for purchases in 0..=most {
        let mut sum = ChunkedSum::new();
        for (&age, &customers) in &ages {
            #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
            let customers = customers as f64;
            if purchases < most {
                let age = Horizon::trusted(f64::from_bits(age));
                sum.push([customers * model.p_purchases(Buyer::NEW, purchases, age)]);
            }
        }
        let [expected] = if purchases < most { sum.sums() } else { [rest.max(0.0)] };
        rest -= expected;
        let actual = actual.get(&purchases).copied().unwrap_or_default();
        rows.push(PurchaseCount { purchases, actual, expected });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::super::{BgNbd, MbgNbd, ParetoNbd};
    use super::*;

    #[test]
    fn both_columns_add_up() {
        let buyers: Vec<Buyer> = (0..50)
            .map(|i| Buyer::new(i % 7, if i % 7 == 0 { 0.0 } else { 3.0 }, 30.0 + f64::from(i % 4)).unwrap())
            .collect();
        let check = |counts: Vec<PurchaseCount>| {
            assert_eq!(counts.iter().map(|row| row.actual).sum::<u64>(), 50);
            assert!((counts.iter().map(|row| row.expected).sum::<f64>() - 50.0).abs() < 1e-12);
            assert!(counts.iter().all(|row| row.expected >= 0.0));
        };
        for most in [0, 1, 5, 40] {
            let rows = || buyers.iter().copied();
            check(purchase_counts(&BgNbd::new(0.243, 4.414, 0.793, 2.426).unwrap(), rows(), most).unwrap());
            check(purchase_counts(&MbgNbd::new(0.525, 6.183, 0.891, 1.614).unwrap(), rows(), most).unwrap());
            check(
                purchase_counts(&ParetoNbd::new(0.553, 10.578, 0.606, 11.669).unwrap(), rows(), most)
                    .unwrap(),
            );
        }
        let model = BgNbd::new(0.243, 4.414, 0.793, 2.426).unwrap();
        assert_eq!(purchase_counts(&model, [], 3), Err(ValueError::NoRows));
        let just_now = purchase_counts(&model, [Buyer::NEW], 2).unwrap();
        assert!((just_now[0].expected - 1.0).abs() < 1e-15);
    }
}
