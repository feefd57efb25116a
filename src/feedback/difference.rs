use crate::measure::Estimate;
use serde::Serialize;

/// By how much one period or group differs from another: the first less the second, so that better is positive.
///
/// It is for one question. Where several periods or segments are looked at, hand the differences to a
/// [`Family`](super::Family): of twelve months without any change, plain tests flag at least one in two years of five.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    pub(super) estimate: Estimate,
    pub(super) p_value: f64,
}

impl Difference {
    /// The first less the second, with its interval; n is the answers of both.
    pub const fn estimate(&self) -> Estimate {
        self.estimate
    }

    /// How likely a difference as large, in either direction, would be if nothing had changed.
    pub const fn p_value(&self) -> f64 {
        self.p_value
    }
}
