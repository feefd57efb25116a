use super::cell::Outcomes;
use super::point::p_of_two;
use super::{GroupCount, PainError};
use crate::measure::{Estimate, Share};
use crate::numeric::proportion::{difference, z};
use serde::Serialize;

/// What an action did: the share of successes among those who got it, beside that among those who were held out.
///
/// It is the effect of the action only if chance decided who got it, as a [`HoldOut`](super::HoldOut) does. Where someone
/// chose, compare within strata of what they chose by ([`ActionTally`](super::ActionTally)).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ActionEffect {
    treated: GroupCount,
    held_out: GroupCount,
    with: Share,
    without: Share,
    difference: Estimate,
    p_value: f64,
}

impl ActionEffect {
    pub(super) fn of(treated: GroupCount, held_out: GroupCount, level: Share) -> Result<Self, PainError> {
        let empty = |group| PainError::EmptyGroup { group };
        let found = |count: &GroupCount, group| {
            let proportion = count.proportion().ok_or(empty(group))?;
            Ok::<_, PainError>((proportion, proportion.share().ok_or(empty(group))?))
        };
        let (one, with) = found(&treated, "treated")?;
        let (other, without) = found(&held_out, "held_out")?;
        let (seen, ends) = difference(one, other, z(level.get()));
        let seen = seen.ok_or(empty("treated"))?;
        let n = treated.customers() + held_out.customers();
        let outcomes =
            |count: &GroupCount| Outcomes { customers: count.customers(), back: count.successes() };
        Ok(Self {
            treated,
            held_out,
            with: Share::new(with)?,
            without: Share::new(without)?,
            difference: Estimate::new(seen, ends.lower, ends.upper, level, n)?,
            p_value: p_of_two(outcomes(&treated), outcomes(&held_out), one, other),
        })
    }

    /// Those who got the action.
    pub const fn treated(&self) -> GroupCount {
        self.treated
    }

    /// Those who did not.
    pub const fn held_out(&self) -> GroupCount {
        self.held_out
    }

    /// The share of successes among those who got it.
    pub const fn with(&self) -> Share {
        self.with
    }

    /// The share among those who did not.
    pub const fn without(&self) -> Share {
        self.without
    }

    /// The first less the second (the uplift), with its interval; n is the customers of both groups.
    pub const fn difference(&self) -> Estimate {
        self.difference
    }

    /// How likely a difference as large, in either direction, would be if the action did nothing.
    pub const fn p_value(&self) -> f64 {
        self.p_value
    }

    /// How many customers must get the action for one more success; `None` where the interval does not exclude that it
    /// brings none.
    pub fn customers_for_one_more(&self) -> Option<f64> {
        (self.difference.lower() > 0.0).then(|| self.difference.value().recip())
    }
}
