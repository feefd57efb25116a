//! What a wall clock shows, and when: the one thing this crate asks of a time zone database.

use chrono::{DateTime, NaiveDateTime, Utc};
use std::fmt;
use std::sync::Arc;

/// The widest offset from UTC a zone may have, in seconds.
const WIDEST: i64 = 16 * 3600;

/// Turns UTC into wall time and wall time into UTC. The one thing this crate asks of a time zone database.
///
/// # Contract
/// - [`offset_at`](Self::offset_at) is the same for the same instant for as long as the program runs, and lies within
///   16 hours of UTC.
/// - Two changes of the offset are more than 32 hours apart.
///
/// # Example
/// ```
/// use chrono::{DateTime, Utc};
/// use patronage::{LocalTime, ZoneRules};
///
/// let at: DateTime<Utc> = "2026-03-29T01:00:00Z".parse()?;
/// assert_eq!(ZoneRules::offset_at(&Utc, at), 0);
/// assert_eq!(Utc.resolve(at.naive_utc()), LocalTime::Single(at));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ZoneRules: fmt::Debug + Send + Sync {
    /// The name of the zone in the IANA database, such as `Europe/Zurich`.
    fn name(&self) -> &str;

    /// How many seconds the wall clock is ahead of UTC at an instant (negative in the west).
    fn offset_at(&self, at: DateTime<Utc>) -> i32;

    /// The instants at which the wall clock shows `local`: one, none (in a gap) or two (in a fold).
    ///
    /// # Cost
    /// Two questions to [`offset_at`](Self::offset_at), up to 20 around a change of the offset.
    fn resolve(&self, local: NaiveDateTime) -> LocalTime {
        let fraction = local.and_utc().timestamp_subsec_nanos();
        let instant =
            |seconds: i64| DateTime::from_timestamp(seconds, fraction).unwrap_or(DateTime::<Utc>::MAX_UTC);
        match resolve(|at| offset(self, at), local.and_utc().timestamp()) {
            Seconds::Single(at) => LocalTime::Single(instant(at)),
            Seconds::Gap(at) => {
                LocalTime::Gap { until: DateTime::from_timestamp(at, 0).unwrap_or(DateTime::<Utc>::MAX_UTC) }
            }
            Seconds::Fold(earlier, later) => {
                LocalTime::Fold { earlier: instant(earlier), later: instant(later) }
            }
        }
    }
}

/// What a wall time means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LocalTime {
    /// The clock shows it once.
    Single(DateTime<Utc>),
    /// The clock jumps over it.
    Gap {
        /// The first instant after the jump.
        until: DateTime<Utc>,
    },
    /// The clock shows it twice, because it was put back.
    Fold {
        /// The first time.
        earlier: DateTime<Utc>,
        /// The second time.
        later: DateTime<Utc>,
    },
}

impl LocalTime {
    /// The one instant to use for something that happens once or begins: the first time in a fold, the first instant
    /// after a gap.
    #[must_use]
    pub const fn earliest(self) -> DateTime<Utc> {
        match self {
            Self::Single(at) | Self::Gap { until: at } | Self::Fold { earlier: at, .. } => at,
        }
    }

    /// The instant to use for something that ends: the second time in a fold, the first instant after a gap.
    #[must_use]
    pub const fn latest(self) -> DateTime<Utc> {
        match self {
            Self::Single(at) | Self::Gap { until: at } | Self::Fold { later: at, .. } => at,
        }
    }
}

/// The offset of a zone at an instant, all in seconds.
pub(crate) fn offset<Z: ZoneRules + ?Sized>(zone: &Z, at: i64) -> i64 {
    i64::from(zone.offset_at(DateTime::from_timestamp(at, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)))
}

/// What a wall time means, in seconds from the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seconds {
    Single(i64),
    Gap(i64),
    Fold(i64, i64),
}

impl Seconds {
    pub(crate) const fn earliest(self) -> i64 {
        match self {
            Self::Single(at) | Self::Gap(at) | Self::Fold(at, _) => at,
        }
    }

    pub(crate) const fn latest(self) -> i64 {
        match self {
            Self::Single(at) | Self::Gap(at) | Self::Fold(_, at) => at,
        }
    }
}

/// Finds the instants of a wall time from the offsets alone: those long before and long after it are the only two that
/// can be in force.
pub(crate) fn resolve(offset: impl Fn(i64) -> i64, local: i64) -> Seconds {
    let (before, after) = (offset(local - WIDEST), offset(local + WIDEST));
    if before == after {
        return Seconds::Single(local - before);
    }
    let holds = |by: i64| offset(local - by) == by;
    match (holds(before), holds(after)) {
        (true, true) => {
            Seconds::Fold((local - before).min(local - after), (local - before).max(local - after))
        }
        (true, false) => Seconds::Single(local - before),
        (false, true) => Seconds::Single(local - after),
        (false, false) => {
            let (mut old, mut new) = (local - WIDEST, local + WIDEST);
            while new - old > 1 {
                let middle = old + (new - old) / 2;
                if offset(middle) == before {
                    old = middle;
                } else {
                    new = middle;
                }
            }
            Seconds::Gap(new)
        }
    }
}

impl ZoneRules for Utc {
    fn name(&self) -> &'static str {
        "UTC"
    }

    fn offset_at(&self, _: DateTime<Utc>) -> i32 {
        0
    }
}

impl<Z: ZoneRules + ?Sized> ZoneRules for Arc<Z> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn offset_at(&self, at: DateTime<Utc>) -> i32 {
        (**self).offset_at(at)
    }

    fn resolve(&self, local: NaiveDateTime) -> LocalTime {
        (**self).resolve(local)
    }
}

#[cfg(feature = "chrono-tz")]
impl ZoneRules for chrono_tz::Tz {
    fn name(&self) -> &str {
        Self::name(*self)
    }

    fn offset_at(&self, at: DateTime<Utc>) -> i32 {
        use chrono::{Offset, TimeZone};

        self.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()
    }
}

/// Finds the rules of a zone by its name in the IANA database.
///
/// # Errors
/// [`ValidationError`](crate::ValidationError) when there is none of that name.
///
/// # Example
/// ```
/// use patronage::{ZoneRules, zone_named};
///
/// let zone = zone_named("Europe/Zurich")?;
/// assert_eq!(zone.offset_at("2026-07-01T00:00:00Z".parse()?), 7200);
/// assert!(zone_named("Europe/Nowhere").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "chrono-tz")]
pub fn zone_named(name: &str) -> Result<chrono_tz::Tz, crate::validation::ValidationError> {
    let rule = "must be the name of a time zone";
    name.parse().map_err(|_| crate::validation::ValidationError::new("zone", rule, name))
}

/// A zone of a name of its own with the clock of UTC.
#[cfg(test)]
pub(crate) fn tests_zone(name: &'static str) -> impl ZoneRules + Clone + 'static {
    #[derive(Clone, Debug)]
    struct Named(&'static str);

    impl ZoneRules for Named {
        fn name(&self) -> &str {
            self.0
        }

        fn offset_at(&self, _: DateTime<Utc>) -> i32 {
            0
        }
    }

    Named(name)
}

#[cfg(all(test, feature = "chrono-tz"))]
mod tests {
    use super::*;
    use chrono::{NaiveDate, Offset, TimeZone};

    #[test]
    fn agrees_with_the_database_on_every_quarter_hour_around_every_change() {
        // The database answers local questions by its own tables; gaps it only names, so their end is checked here.
        for name in
            ["Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "America/Havana", "Pacific/Apia"]
        {
            let zone = zone_named(name).unwrap();
            let first = NaiveDate::from_ymd_opt(2010, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap();
            for quarter in 0..(4 * 24 * 366 * 4) {
                let local = first + chrono::TimeDelta::minutes(15 * quarter);
                match (zone.offset_from_local_datetime(&local), zone.resolve(local)) {
                    (chrono::LocalResult::Single(offset), LocalTime::Single(at)) => {
                        assert_eq!(local - offset.fix(), at.naive_utc(), "{name} {local}");
                    }
                    (chrono::LocalResult::Ambiguous(one, two), LocalTime::Fold { earlier, later }) => {
                        let (one, two) = (local - one.fix(), local - two.fix());
                        assert_eq!((one.min(two), one.max(two)), (earlier.naive_utc(), later.naive_utc()));
                    }
                    (chrono::LocalResult::None, LocalTime::Gap { until }) => {
                        assert!(zone.from_utc_datetime(&until.naive_utc()).naive_local() > local);
                        let just_before = until - chrono::TimeDelta::seconds(1);
                        assert!(zone.from_utc_datetime(&just_before.naive_utc()).naive_local() < local);
                    }
                    (theirs, ours) => panic!("{name} {local}: {theirs:?} against {ours:?}"),
                }
            }
        }
    }
}
