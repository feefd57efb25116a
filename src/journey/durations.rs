use crate::measure::Share;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

/// How much is kept of durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DurationDetail {
    /// Number, sum, least and most: mean only. The fastest.
    Moments,
    /// Quantiles too: exact up to this many durations, of more from counts in classes (see [`Durations`]).
    Quantiles {
        /// Up to how many durations each is kept; 8 bytes apiece.
        exact_up_to: u32,
    },
}

impl Default for DurationDetail {
    /// Quantiles, exact up to 4,096 durations.
    fn default() -> Self {
        Self::Quantiles { exact_up_to: 4_096 }
    }
}

/// A quantile of durations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DurationQuantile {
    /// The quantile in seconds.
    pub seconds: f64,
    /// Whether it is exact (type 7 of Hyndman and Fan, the default of R and `NumPy`) or lies within 1/256 (0.4 %) of
    /// a duration of that rank.
    pub exact: bool,
}

/// How long something took, many times: number, mean, least, most, median, any quantile.
///
/// Durations are whole microseconds and summed as such, so nothing is rounded before the mean is taken. What is kept
/// depends only on which durations came, not on their order or grouping: `merge` is associative and commutative, and
/// parts merged equal the whole. Beyond the number up to which durations are kept, they are counted in classes, 128 to
/// each doubling of the duration; a quantile then is the middle of its class, off by at most 1/256 of the duration.
///
/// # Cost
/// Constant time a push; at most `8 * exact_up_to` bytes, afterwards at most 60 KB whatever the number.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::journey::{DurationDetail, Durations};
///
/// let mut waits = Durations::new(DurationDetail::default());
/// for seconds in [30, 60, 300] {
///     waits.push(seconds * 1_000_000);
/// }
/// assert_eq!(waits.mean_seconds(), Some(130.0));
/// assert_eq!(waits.quantile(Share::new(0.5)?).map(|median| median.seconds), Some(60.0));
/// # Ok::<(), patronage::ValidationError>(())
/// ```
///
/// Source: R. J. Hyndman, Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50 (1996).
#[derive(Clone, Debug)]
pub struct Durations {
    count: u64,
    sum: u128,
    least: u64,
    most: u64,
    detail: DurationDetail,
    kept: Kept,
}

#[derive(Clone, Debug)]
enum Kept {
    /// Every duration, in the order in which they came.
    All(Vec<u64>),
    Classes(Classes),
}

/// Written as what people ask of durations: how many, mean, least, most, median, and what nine of ten stay below.
impl Serialize for Durations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Durations", 6)?;
        fields.serialize_field("n", &self.count)?;
        fields.serialize_field("mean_seconds", &self.mean_seconds())?;
        fields.serialize_field("least_seconds", &self.least_seconds())?;
        fields.serialize_field("most_seconds", &self.most_seconds())?;
        fields.serialize_field("median", &self.median())?;
        fields.serialize_field("nine_in_ten", &self.quantile_at(0.9))?;
        fields.end()
    }
}

impl PartialEq for Durations {
    /// Equal when the same durations came, in whatever order.
    fn eq(&self, other: &Self) -> bool {
        let same_kept = match (&self.kept, &other.kept) {
            (Kept::All(one), Kept::All(two)) => one == two || sorted(one) == sorted(two),
            (Kept::Classes(one), Kept::Classes(two)) => one == two,
            _ => false,
        };
        (self.count, self.sum, self.least, self.most, self.detail)
            == (other.count, other.sum, other.least, other.most, other.detail)
            && same_kept
    }
}

impl Eq for Durations {}

fn sorted(durations: &[u64]) -> Vec<u64> {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    sorted
}

impl Default for Durations {
    fn default() -> Self {
        Self::new(DurationDetail::default())
    }
}

impl Durations {
    /// No durations yet.
    pub const fn new(detail: DurationDetail) -> Self {
        Self { count: 0, sum: 0, least: u64::MAX, most: 0, detail, kept: Kept::All(Vec::new()) }
    }

    /// Sums made elsewhere, for which no single durations are kept.
    pub(super) const fn from_moments(count: u64, sum: u128, least: u64, most: u64) -> Self {
        Self { count, sum, least, most, detail: DurationDetail::Moments, kept: Kept::All(Vec::new()) }
    }

    /// Adds a duration, in microseconds.
    pub fn push(&mut self, microseconds: u64) {
        self.count += 1;
        self.sum += u128::from(microseconds);
        self.least = self.least.min(microseconds);
        self.most = self.most.max(microseconds);
        if let DurationDetail::Quantiles { exact_up_to } = self.detail {
            match &mut self.kept {
                Kept::All(all) => {
                    all.push(microseconds);
                    if all.len() > exact_up_to as usize {
                        self.kept = Kept::Classes(Classes::of(all));
                    }
                }
                Kept::Classes(classes) => classes.push(microseconds),
            }
        }
    }

    /// Adds the durations of another part.
    ///
    /// Where the parts keep different detail, the whole keeps the lesser.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        let (DurationDetail::Quantiles { exact_up_to: one }, DurationDetail::Quantiles { exact_up_to: two }) =
            (self.detail, other.detail)
        else {
            self.detail = DurationDetail::Moments;
            self.kept = Kept::All(Vec::new());
            return;
        };
        let exact_up_to = one.min(two);
        self.detail = DurationDetail::Quantiles { exact_up_to };
        if let (Kept::All(all), Kept::All(more)) = (&mut self.kept, &other.kept) {
            all.extend_from_slice(more);
            if all.len() > exact_up_to as usize {
                self.kept = Kept::Classes(Classes::of(all));
            }
            return;
        }
        let mut classes = self.classes();
        classes.merge(&other.classes());
        self.kept = Kept::Classes(classes);
    }

    fn classes(&self) -> Classes {
        match &self.kept {
            Kept::All(all) => Classes::of(all),
            Kept::Classes(classes) => classes.clone(),
        }
    }

    /// How many durations there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their sum in seconds.
    pub fn sum_seconds(&self) -> f64 {
        to_seconds(self.sum)
    }

    /// Their mean in seconds; `None` where there are none.
    #[expect(clippy::cast_precision_loss, reason = "a mean has 53 bits")]
    pub fn mean_seconds(&self) -> Option<f64> {
        (self.count > 0).then(|| to_seconds(self.sum) / self.count as f64)
    }

    /// The least in seconds; `None` where there are none.
    pub fn least_seconds(&self) -> Option<f64> {
        (self.count > 0).then(|| to_seconds(self.least.into()))
    }

    /// The most in seconds; `None` where there are none.
    pub fn most_seconds(&self) -> Option<f64> {
        (self.count > 0).then(|| to_seconds(self.most.into()))
    }

    /// The median; `None` where there are no durations or only moments are kept.
    pub fn median(&self) -> Option<DurationQuantile> {
        self.quantile_at(0.5)
    }

    /// Below which duration a share of them lies; `None` where there are none or only moments are kept.
    ///
    /// # Cost
    /// O(durations kept).
    pub fn quantile(&self, share: Share) -> Option<DurationQuantile> {
        self.quantile_at(share.get())
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank below 2^53 and never negative"
    )]
    fn quantile_at(&self, share: f64) -> Option<DurationQuantile> {
        let last = self.count.checked_sub(1)?;
        if self.detail == DurationDetail::Moments {
            return None;
        }
        let place = last as f64 * share;
        let rank = place.floor();
        match &self.kept {
            Kept::All(all) => {
                let mut all = all.clone();
                let (_, &mut below, above) = if all.len() > rank as usize {
                    all.select_nth_unstable(rank as usize)
                } else {
                    return None;
                };
                let above = above.iter().copied().min().unwrap_or(below);
                let step = (above - below) as f64 * (place - rank);
                Some(DurationQuantile { seconds: (below as f64 + step) / 1e6, exact: true })
            }
            Kept::Classes(classes) => {
                let middle = classes.middle(rank as u64)?.clamp(self.least as f64, self.most as f64);
                Some(DurationQuantile { seconds: middle / 1e6, exact: false })
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds have 53 bits")]
fn to_seconds(microseconds: u128) -> f64 {
    microseconds as f64 / 1e6
}

/// How many classes there are to each doubling.
const CLASSES: u64 = 128;

/// Counts in classes: one a microsecond below 256, then 128 to each doubling. Holds the classes from the least to the
/// greatest that was met, which depends only on what came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Classes {
    first: usize,
    counts: Vec<u64>,
}

impl Classes {
    fn of(durations: &[u64]) -> Self {
        let mut classes = Self::default();
        for &duration in durations {
            classes.push(duration);
        }
        classes
    }

    fn push(&mut self, duration: u64) {
        let class = class_of(duration);
        self.reach(class);
        if let Some(count) = class.checked_sub(self.first).and_then(|place| self.counts.get_mut(place)) {
            *count += 1;
        }
    }

    /// Makes room for a class.
    fn reach(&mut self, class: usize) {
        if self.counts.is_empty() {
            self.first = class;
        }
        if class < self.first {
            let missing = self.first - class;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = class;
        }
        if class - self.first >= self.counts.len() {
            self.counts.resize(class - self.first + 1, 0);
        }
    }

    fn merge(&mut self, other: &Self) {
        let Some(more) = other.counts.len().checked_sub(1) else { return };
        self.reach(other.first);
        self.reach(other.first + more);
        let own = self.counts.iter_mut().skip(other.first - self.first);
        for (count, &added) in own.zip(&other.counts) {
            *count += added;
        }
    }

    /// The middle of the class in which the duration of a rank lies, in microseconds.
    #[expect(clippy::cast_precision_loss, reason = "a class is wider than what is lost")]
    fn middle(&self, rank: u64) -> Option<f64> {
        let mut before = 0;
        let place = self.counts.iter().position(|&count| {
            before += count;
            before > rank
        })?;
        let class = (self.first + place) as u64;
        let (low, width) = if class < 2 * CLASSES {
            (class, 1_u64)
        } else {
            let shift = class / CLASSES - 1;
            ((class - shift * CLASSES) << shift, 1 << shift)
        };
        Some(low as f64 + (width - 1) as f64 / 2.0)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "classes are at most 7,424")]
fn class_of(duration: u64) -> usize {
    let shift = u64::from((duration | CLASSES).ilog2() - CLASSES.ilog2());
    (shift * CLASSES + (duration >> shift)) as usize
}

#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "compared within 1/256"
)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pushed(durations: &[u64], exact_up_to: u32) -> Durations {
        let mut all = Durations::new(DurationDetail::Quantiles { exact_up_to });
        for &duration in durations {
            all.push(duration);
        }
        all
    }

    #[test]
    fn nothing_is_known_of_nothing() {
        let none = Durations::default();
        assert_eq!((none.mean_seconds(), none.median(), none.least_seconds()), (None, None, None));
        let mut moments = Durations::new(DurationDetail::Moments);
        moments.push(u64::MAX);
        moments.push(u64::MAX);
        assert_eq!(moments.median(), None);
        assert!((moments.sum_seconds() - 2.0 * 18_446_744_073_709.55).abs() < 1e-2);
    }

    #[test]
    fn classes_cover_every_duration_once() {
        for duration in (0..5_000).chain((0..64).flat_map(|bit| [(1 << bit) - 1, 1 << bit, u64::MAX >> bit]))
        {
            let mut classes = Classes::default();
            classes.push(duration);
            let middle = classes.middle(0).unwrap();
            assert!((middle - duration as f64).abs() <= duration as f64 / 256.0, "{duration} {middle}");
        }
        assert_eq!(class_of(u64::MAX), 56 * 128 + 255);
    }

    proptest! {
        #[test]
        fn parts_equal_the_whole(
            one in prop::collection::vec(0_u64..1 << 50, 0..30),
            two in prop::collection::vec(0_u64..300, 0..30),
            three in prop::collection::vec(any::<u64>(), 0..30),
            exact_up_to in 0_u32..60,
        ) {
            let whole = pushed(&[one.clone(), two.clone(), three.clone()].concat(), exact_up_to);
            let parts = [&one, &two, &three].map(|part| pushed(part, exact_up_to));
            for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
                let mut left = parts[order[0]].clone();
                left.merge(&parts[order[1]]);
                left.merge(&parts[order[2]]);
                let mut right = parts[order[1]].clone();
                right.merge(&parts[order[2]]);
                let mut outer = parts[order[0]].clone();
                outer.merge(&right);
                prop_assert_eq!(&left, &whole);
                prop_assert_eq!(&outer, &whole);
            }
        }

        #[test]
        fn quantiles_are_as_near_as_promised(mut all in prop::collection::vec(any::<u64>(), 1..200), share in 0.0..=1.0) {
            let counted = pushed(&all, 0).quantile_at(share).unwrap();
            prop_assert!(!counted.exact);
            all.sort_unstable();
            let truth = all[((all.len() - 1) as f64 * share).floor() as usize] as f64 / 1e6;
            prop_assert!((counted.seconds - truth).abs() <= truth / 256.0);
        }
    }
}
