use super::OutreachError;
use crate::measure::Share;
use crate::purchase::Purchase;
use crate::tag::Tag;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use std::collections::BTreeMap;

/// A category of goods and how much of a customer's buying is in it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FavouriteCategory {
    /// The category.
    pub category: Tag,
    /// Purchases of it, each worth half as much after each half-life.
    pub weight: f64,
    /// Its part of the weight of all categories.
    pub share: Share,
}

/// Says which categories a customer likes, the favourite first: purchases count, each half as much after each half-life;
/// of equal ones the category whose name comes first.
///
/// Returns, purchases without a category and purchases after `as_of` count nothing. The order of the purchases does not
/// matter.
///
/// # Errors
/// [`OutreachError::HalfLife`] when it is not positive.
///
/// # Cost
/// O(purchases × log purchases).
///
/// # Example
/// ```
/// use chrono::TimeDelta;
/// use patronage::customer::CustomerId;
/// use patronage::outreach::favourite_categories;
/// use patronage::purchase::{Purchase, PurchaseId};
/// use patronage::Tag;
///
/// let bought = |category: &str, at: &str| {
///     let (id, customer) = (PurchaseId::derive(&[category, at]), CustomerId::derive(&["ada"]));
///     let purchase = Purchase::new(id, customer, at.parse()?, "10.00 EUR".parse()?)?;
///     Ok::<_, Box<dyn std::error::Error>>(purchase.with_category(Tag::new(category)?))
/// };
/// // Two books two half-lives ago count 1/4 each, the record of today counts 1.
/// let purchases =
///     [bought("books", "2026-01-01T00:00:00Z")?, bought("books", "2026-01-01T00:00:01Z")?, bought("music", "2026-03-02T00:00:00Z")?];
/// let liked = favourite_categories(&purchases, "2026-03-02T00:00:00Z".parse()?, TimeDelta::days(30))?;
/// assert_eq!(liked[0].category, Tag::literal("music"));
/// assert!((liked[0].share.get() - 1.0 / 1.5).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn favourite_categories(
    purchases: &[Purchase],
    as_of: DateTime<Utc>,
    half_life: TimeDelta,
) -> Result<Vec<FavouriteCategory>, OutreachError> {
    if half_life <= TimeDelta::zero() {
        return Err(OutreachError::HalfLife { days: (half_life.as_seconds_f64() / 86_400.0).to_string() });
    }
    let mut ages: BTreeMap<Tag, Vec<f64>> = BTreeMap::new();
    for purchase in purchases.iter().filter(|purchase| !purchase.is_return() && purchase.at() <= as_of) {
        if let Some(category) = purchase.category() {
            let age = as_of.signed_duration_since(purchase.at());
            ages.entry(category).or_default().push(age.as_seconds_f64() / half_life.as_seconds_f64());
        }
    }
    let mut liked: Vec<(Tag, f64)> = Vec::with_capacity(ages.len());
    for (category, mut ages) in ages {
        // Added in the order of time, whatever order they came in.
        ages.sort_by(f64::total_cmp);
        liked.push((category, ages.into_iter().map(|age| libm::exp2(-age)).sum()));
    }
    let all: f64 = liked.iter().map(|&(_, weight)| weight).sum();
    liked.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    let favourite = |(category, weight): (Tag, f64)| {
        // Purchases so old that nothing is left of any of them are no preference.
        let share = Share::new((weight / all).min(1.0)).ok()?;
        Some(FavouriteCategory { category, weight, share })
    };
    Ok(liked.into_iter().filter_map(favourite).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::CustomerId;
    use crate::purchase::PurchaseId;

    fn purchase(number: u32, category: Option<&'static str>, day: i64, minor: i64) -> Purchase {
        let id = PurchaseId::derive(&[&number.to_string()]);
        let at = DateTime::from_timestamp(day * 86_400, 0).unwrap();
        let amount = crate::money::Money::new(minor, crate::money::Currency::EUR);
        let purchase = Purchase::new(id, CustomerId::derive(&["c"]), at, amount).unwrap();
        category.map_or(purchase, |category| purchase.with_category(Tag::literal(category)))
    }

    #[test]
    fn returns_the_unknown_and_the_future_count_nothing() {
        let as_of = DateTime::from_timestamp(100 * 86_400, 0).unwrap();
        let mut purchases = vec![
            purchase(1, Some("tea"), 90, 5),
            purchase(2, Some("cups"), 80, 5),
            purchase(3, Some("cups"), 95, -5),
            purchase(4, Some("cups"), 101, 5),
            purchase(5, None, 99, 5),
        ];
        let liked = favourite_categories(&purchases, as_of, TimeDelta::days(10)).unwrap();
        let shown: Vec<_> = liked.iter().map(|liked| (liked.category.to_string(), liked.weight)).collect();
        assert_eq!(shown, [("tea".to_owned(), 0.5), ("cups".to_owned(), 0.25)]);
        purchases.reverse();
        assert_eq!(favourite_categories(&purchases, as_of, TimeDelta::days(10)).unwrap(), liked);
        assert!(favourite_categories(&[], as_of, TimeDelta::days(10)).unwrap().is_empty());
        assert!(favourite_categories(&[], as_of, TimeDelta::zero()).is_err());
    }
}
