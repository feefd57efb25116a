use super::{Purchase, PurchaseHistory};
use crate::money::{Currency, MoneyError};
use chrono::{DateTime, Offset, TimeZone, Utc};

/// The calendar day of an instant in a time zone, as days since 1970-01-01: the way from instants to the columns of
/// [`PurchaseLog`](crate::value::PurchaseLog) and to [`PurchaseHistory`].
///
/// Any zone of chrono will do: a fixed offset, or with the feature `chrono-tz` one with its changes of the clock, by name.
/// A day has as many hours as the clock gives it.
///
/// # Example
/// ```
/// use chrono::{DateTime, FixedOffset, Utc};
/// use patronage::purchase::day_in;
///
/// let at: DateTime<Utc> = "1970-01-02T22:30:00Z".parse()?;
/// let two_hours_east = FixedOffset::east_opt(7200).ok_or("no such offset")?;
/// assert_eq!((day_in(at, &Utc), day_in(at, &two_hours_east)), (1, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn day_in(at: DateTime<Utc>, zone: &impl TimeZone) -> i32 {
    let offset = zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
    // An instant of chrono lies within a hundred million days of the epoch.
    let day = at.timestamp().saturating_add(offset.into()).div_euclid(86_400);
    i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX })
}

impl PurchaseHistory {
    /// The history of purchases in any order, by their days in a time zone.
    ///
    /// # Errors
    /// As [`from_purchases`](Self::from_purchases).
    pub fn from_purchases_in<'a>(
        currency: Currency,
        purchases: impl IntoIterator<Item = &'a Purchase>,
        zone: &impl TimeZone,
    ) -> Result<Self, MoneyError> {
        let mut history = Self::new(currency);
        for purchase in purchases {
            history.push_in(purchase, zone)?;
        }
        Ok(history)
    }

    /// Adds a purchase on its day in a time zone. One history holds days of one zone.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    ///
    /// # Example
    /// ```
    /// use chrono::FixedOffset;
    /// use patronage::customer::CustomerId;
    /// use patronage::purchase::{Purchase, PurchaseHistory, PurchaseId};
    /// use patronage::Currency;
    ///
    /// let new_york = FixedOffset::west_opt(5 * 3600).ok_or("no such offset")?;
    /// let mut history = PurchaseHistory::new(Currency::USD);
    /// for at in ["2026-01-10T23:30:00Z", "2026-01-11T04:59:59Z"] {
    ///     let id = PurchaseId::derive(&["shop", at]);
    ///     let customer = CustomerId::derive(&["shop", "customer 17"]);
    ///     let purchase = Purchase::new(id, customer, at.parse()?, "29.33 USD".parse()?)?;
    ///     history.push_in(&purchase, &new_york)?;
    /// }
    /// // In New York both were on the tenth.
    /// assert_eq!((history.days().len(), history.days()[0].purchases), (1, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push_in(&mut self, purchase: &Purchase, zone: &impl TimeZone) -> Result<(), MoneyError> {
        self.add(day_in(purchase.at(), zone), purchase.amount())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::FixedOffset;

    #[test]
    fn days_before_the_epoch_and_at_the_ends_of_time() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let west = FixedOffset::west_opt(3600).unwrap();
        assert_eq!(
            (day_in(at("1969-12-31T23:59:59Z"), &Utc), day_in(at("1970-01-01T00:30:00Z"), &west)),
            (-1, -1)
        );
        let east = FixedOffset::east_opt(86_399).unwrap();
        for end in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert!(day_in(end, &east).abs_diff(day_in(end, &Utc)) <= 1);
        }
        assert_eq!(
            day_in(at("2026-05-01T12:00:00Z"), &Utc),
            crate::period::day_number(at("2026-05-01T12:00:00Z"))
        );
    }

    #[cfg(feature = "chrono-tz")]
    #[test]
    fn days_are_those_of_the_wall_clock_through_changes_of_it() {
        use chrono::NaiveDate;
        use chrono_tz::Tz;

        // Every quarter of an hour of two years, in zones whose clocks change by an hour, by half an hour, at midnight,
        // and in one that skipped a day.
        for (zone, year) in [
            (Tz::Europe__Berlin, 2025),
            (Tz::Australia__Lord_Howe, 2025),
            (Tz::America__Havana, 2025),
            (Tz::Pacific__Apia, 2011),
        ] {
            let start = NaiveDate::from_ymd_opt(year, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
            for quarter in 0..(4 * 24 * 731) {
                let at = start + chrono::TimeDelta::minutes(15 * quarter);
                let shown = at.with_timezone(&zone).date_naive();
                let day = shown.signed_duration_since(NaiveDate::default()).num_days();
                assert_eq!(i64::from(day_in(at, &zone)), day, "{zone} {at}");
            }
        }
        // In Berlin the 29th of March 2026 has 23 hours and the 25th of October 25.
        let hours = |month, day| {
            let date = NaiveDate::from_ymd_opt(2026, month, day).unwrap();
            let number = date.signed_duration_since(NaiveDate::default()).num_days();
            let noon = date.and_hms_opt(12, 0, 0).unwrap().and_utc();
            (-24..24)
                .filter(|&hour| {
                    let at = noon + chrono::TimeDelta::hours(hour);
                    i64::from(day_in(at, &Tz::Europe__Berlin)) == number
                })
                .count()
        };
        assert_eq!((hours(3, 28), hours(3, 29), hours(10, 25)), (24, 23, 25));
    }
}
