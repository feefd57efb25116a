//! Spans of time written as whole microseconds, as all times of journeys are.

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, Serializer};

/// The span in microseconds; one that is too long for 64 bits is written as the longest.
pub(super) fn of(span: TimeDelta) -> i64 {
    let longest = if span < TimeDelta::zero() { i64::MIN } else { i64::MAX };
    span.num_microseconds().unwrap_or(longest)
}

pub(super) fn serialize<S: Serializer>(span: &TimeDelta, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(of(*span))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeDelta, D::Error> {
    i64::deserialize(deserializer).map(TimeDelta::microseconds)
}

/// The same for a span that may be missing.
pub(super) mod optional {
    use chrono::TimeDelta;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde passes a reference")]
    pub(in crate::journey) fn serialize<S: Serializer>(
        span: &Option<TimeDelta>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        span.map(super::of).serialize(serializer)
    }

    pub(in crate::journey) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<TimeDelta>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(TimeDelta::microseconds))
    }
}

/// The same for a span that is never negative.
pub(super) mod duration {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    pub(in crate::journey) fn serialize<S: Serializer>(
        span: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
    }

    pub(in crate::journey) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_micros)
    }
}
