//! What someone is expected to buy who may leave, as a power series whose coefficients do not depend on time, so that
//! many customers share them.

/// Relative size below which what is left of a series no longer counts.
const SMALL: f64 = 1e-16;
/// The series gives way beyond this many terms, four to a block.
const MOST_BLOCKS: usize = 350;
/// Closer to 1 than this it would need more.
const LARGEST_SHARE: f64 = 0.97;
/// Powers of the discount.
const MOST_ORDERS: usize = 32;
/// The largest discount exponent whose powers fade within those orders.
pub(crate) const LARGEST_DISCOUNT: f64 = 3.5;
/// Where terms of both signs come to less than this share of their sizes, too many digits are lost.
const TRUSTED: f64 = 0.03;

/// The series that all horizons of one customer share, and all customers with one frequency.
///
/// ```text
/// integral of n e^(-h u / tau) E over p of (1 + p u)^(-n-1) du over 0..tau       p of Beta(a, b)
/// = n z (1 - z)^(a-1) e^(-h) [sum over j of z^j sum over m of h^m k(m, j)],      z = tau / (1 + tau)
/// k(m, j) = [(a+j-1) k(m, j-1) + k(m-1, j)] / (m+1+j),   k(-1, j) = (A)_j (a)_j / ((a+b)_j j!),   A = a+b-n-1
/// k(0, j) = (a)_j / (j+1)! [sum over i <= j of (A)_i / (a+b)_i]
/// ```
/// It is the series of E (1 + p u)^(-n-1) = (1 - z)^a 2F1(A, a; a+b; z), integrated term by term, with the discount
/// as a series in what is left of the time: where A is not negative, there is no negative term in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Series {
    a: f64,
    /// The A of the formula.
    first: f64,
    whole: f64,
    discount: f64,
}

impl Series {
    /// For someone who buys with shape `n` and leaves after each purchase with a probability of Beta(a, b).
    pub(crate) fn of_purchases(n: f64, a: f64, b: f64, discount: f64) -> Self {
        Self { a, first: (a + (b - 1.0)) - n, whole: a + b, discount }
    }

    /// For (1 + u)^-s alone: someone who leaves at a rate of Gamma(s, 1).
    pub(crate) fn of_time(s: f64, discount: f64) -> Self {
        Self { a: s, first: 0.0, whole: 1.0, discount }
    }

    /// z (1 - z)^(a-1) e^(-h) times the sum; `None` where the sum is too long or cancels.
    pub(crate) fn integral(self, tau: f64, sums: &mut impl Sums) -> Option<f64> {
        let z = tau / (1.0 + tau);
        let exponent = (self.a - 1.0) * libm::log1p(tau) + self.discount;
        if z > LARGEST_SHARE || exponent.abs() > 700.0 {
            return None;
        }
        let sum = sums.sum(self, z)?;
        let integral = z * libm::exp(-exponent) * sum;
        integral.is_finite().then_some(integral)
    }

    /// Whether terms of both signs may come.
    fn alternates(self) -> bool {
        self.first < 0.0
    }
}

/// A way to the sum of a series: all ways lead to the same bits.
pub(crate) trait Sums {
    fn sum(&mut self, series: Series, z: f64) -> Option<f64>;
}

/// Works the coefficients out as they are needed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Afresh;

impl Sums for Afresh {
    fn sum(&mut self, series: Series, z: f64) -> Option<f64> {
        let sum = match (series.alternates(), series.discount > 0.0) {
            (false, false) => {
                let mut values = Plain::new(series, false);
                sum_of_positive(z, MOST_BLOCKS, |_| values.block())
            }
            (false, true) => {
                let mut values = Coefficients::new(series, false);
                sum_of_positive(z, MOST_BLOCKS, |_| values.block())
            }
            (true, _) => {
                let mut values = Coefficients::new(series, false);
                let mut sizes = Coefficients::new(series, true);
                sum_of_both_signs(z, MOST_BLOCKS, |_| (values.block(), sizes.block()))
            }
        };
        sum.settled()
    }
}

/// The coefficients k(0, j) in turn, or their largest possible sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Plain {
    series: Series,
    sizes: bool,
    /// How many have been given.
    given: f64,
    /// (a)_j / (j+1)!, (A)_j / (a+b)_j and the sum of the latter.
    rising: f64,
    part: f64,
    sum: f64,
}

impl Plain {
    fn new(series: Series, sizes: bool) -> Self {
        Self { series, sizes, given: 0.0, rising: 1.0, part: 1.0, sum: 1.0 }
    }

    #[expect(clippy::inline_always, reason = "its numbers are to stay in registers")]
    #[inline(always)]
    fn block(&mut self) -> [f64; 4] {
        let Series { a, first, whole, .. } = self.series;
        let mut block = [0.0; 4];
        for slot in &mut block {
            *slot = self.rising * self.sum;
            let j = self.given;
            // Two running products side by side.
            let [grow, go_on] = [(a + j) / (2.0 + j), (first + j) / (whole + j)];
            [self.rising, self.part] = [self.rising * grow, self.part * go_on];
            self.sum += if self.sizes { self.part.abs() } else { self.part };
            self.given = j + 1.0;
        }
        block
    }
}

/// The coefficients with all orders of the discount in turn.
#[derive(Clone, Copy, Debug)]
struct Coefficients {
    plain: Plain,
    orders: usize,
    /// h^m k(m, j) for m = 1..
    powers: [f64; MOST_ORDERS],
}

impl Coefficients {
    fn new(series: Series, sizes: bool) -> Self {
        // As many orders as h^m / m! takes to fade.
        let (mut orders, mut left) = (0, series.discount);
        let mut order = 1.0;
        while orders < MOST_ORDERS && left > 1e-17 {
            orders += 1;
            order += 1.0;
            left *= series.discount / order;
        }
        Self { plain: Plain::new(series, sizes), orders, powers: [0.0; MOST_ORDERS] }
    }

    fn block(&mut self) -> [f64; 4] {
        let Series { a, discount, .. } = self.plain.series;
        let mut j = self.plain.given;
        let mut block = self.plain.block();
        for slot in &mut block {
            let (mut below, mut all) = (*slot, *slot);
            let (mut divisor, grown) = (j + 2.0, a + (j - 1.0));
            for power in self.powers.iter_mut().take(self.orders) {
                *power = (grown * *power + discount * below) * divisor.recip();
                below = *power;
                all += below;
                divisor += 1.0;
            }
            *slot = all;
            j += 1.0;
        }
        block
    }
}

/// What summing came to.
#[derive(Clone, Copy, Debug)]
enum Sum {
    Settled(f64),
    /// Too many digits cancel.
    Cancelled,
    /// It takes more blocks.
    TooLong,
}

impl Sum {
    fn settled(self) -> Option<f64> {
        match self {
            Self::Settled(sum) => Some(sum),
            Self::Cancelled | Self::TooLong => None,
        }
    }

    /// Starts again without what is kept where that is not enough.
    fn or_afresh(self, series: Series, z: f64) -> Option<f64> {
        if matches!(self, Self::TooLong) { Afresh.sum(series, z) } else { self.settled() }
    }
}

/// The sum of positive terms, block by block, until what is left no longer counts.
fn sum_of_positive(z: f64, most: usize, mut blocks: impl FnMut(usize) -> [f64; 4]) -> Sum {
    let square = z * z;
    let enough = SMALL * (1.0 - z);
    let (mut power, mut sum) = (1.0, 0.0);
    for index in 0..most {
        let part = power * of_block(blocks(index), z, square);
        sum += part;
        if part <= enough * sum {
            return Sum::Settled(sum);
        }
        power *= square * square;
    }
    Sum::TooLong
}

/// The same for terms of both signs with their sizes.
fn sum_of_both_signs(z: f64, most: usize, mut blocks: impl FnMut(usize) -> ([f64; 4], [f64; 4])) -> Sum {
    let square = z * z;
    let enough = SMALL * (1.0 - z);
    let (mut power, mut sum, mut size) = (1.0, 0.0, 0.0);
    for index in 0..most {
        let (values, sizes) = blocks(index);
        let part = power * of_block(sizes, z, square);
        sum += power * of_block(values, z, square);
        size += part;
        if part <= enough * size {
            return if sum > TRUSTED * size { Sum::Settled(sum) } else { Sum::Cancelled };
        }
        power *= square * square;
    }
    Sum::TooLong
}

fn of_block([zeroth, first, second, third]: [f64; 4], z: f64, square: f64) -> f64 {
    (zeroth + first * z) + (second + third * z) * square
}

/// How many frequencies have a slot in a memory.
const SLOTS: usize = 40;
/// The blocks of all slots.
const ALL_BLOCKS: usize = start(SLOTS);

/// Where the blocks of a slot begin. The lowest frequencies have more, because who has bought little may be new, and the
/// horizon long against the time they have been a customer.
const fn start(slot: usize) -> usize {
    match slot {
        0..=3 => 128 * slot,
        4..=7 => 512 + 64 * (slot - 4),
        _ => 768 + 32 * (slot - 8),
    }
}

/// Keeps the coefficients that many customers share. It lives on the stack and allocates nothing.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    kept: [Option<Kept>; SLOTS],
    blocks: [[f64; 4]; ALL_BLOCKS],
}

/// The coefficients of one series, of which so many blocks are there.
#[derive(Clone, Copy, Debug)]
struct Kept {
    coefficients: Coefficients,
    there: usize,
}

impl Memory {
    #[expect(clippy::large_stack_arrays, reason = "scoring is not to allocate")]
    pub(crate) fn new() -> Self {
        Self { kept: [None; SLOTS], blocks: [[0.0; 4]; ALL_BLOCKS] }
    }

    /// Sums from what is kept for customers with a frequency, which all have one series.
    pub(crate) fn of(&mut self, frequency: u32) -> Remembered<'_> {
        Remembered { memory: self, frequency }
    }

    /// What is kept in a slot, and the room there is for it.
    fn slot(&mut self, slot: usize) -> Option<(&mut Option<Kept>, &mut [[f64; 4]])> {
        let kept = self.kept.get_mut(slot)?;
        Some((kept, self.blocks.get_mut(start(slot)..start(slot + 1))?))
    }

    /// The same of two neighbours.
    #[expect(clippy::type_complexity, reason = "twice what a slot is")]
    fn slots(&mut self, slot: usize) -> Option<[(&mut Option<Kept>, &mut [[f64; 4]]); 2]> {
        let [first, second] = self.kept.get_disjoint_mut([slot, slot.saturating_add(1)]).ok()?;
        let rooms = [start(slot)..start(slot + 1), start(slot + 1)..start(slot + 2)];
        let [room, more] = self.blocks.get_disjoint_mut(rooms).ok()?;
        Some([(first, room), (second, more)])
    }
}

/// One frequency in a memory.
#[derive(Debug)]
pub(crate) struct Remembered<'m> {
    memory: &'m mut Memory,
    frequency: u32,
}

impl Sums for Remembered<'_> {
    fn sum(&mut self, series: Series, z: f64) -> Option<f64> {
        let frequency = usize::try_from(self.frequency).unwrap_or(usize::MAX);
        let sum = if series.alternates() {
            let pair = self.memory.slots(frequency.saturating_mul(2));
            let Some([(values, room), (sizes, more)]) = pair else { return Afresh.sum(series, z) };
            let (values, sizes) = (Kept::of(values, series, false), Kept::of(sizes, series, true));
            let most = room.len().min(more.len());
            sum_of_both_signs(z, most, |index| (values.block(index, room), sizes.block(index, more)))
        } else {
            let Some((kept, room)) = self.memory.slot(frequency) else { return Afresh.sum(series, z) };
            let kept = Kept::of(kept, series, false);
            sum_of_positive(z, room.len(), |index| kept.block(index, room))
        };
        sum.or_afresh(series, z)
    }
}

impl Kept {
    /// What is kept of a series; anything else gives way to it.
    fn of(slot: &mut Option<Self>, series: Series, sizes: bool) -> &mut Self {
        if slot.is_some_and(|kept| {
            (kept.coefficients.plain.series, kept.coefficients.plain.sizes) != (series, sizes)
        }) {
            *slot = None;
        }
        slot.get_or_insert_with(|| Self { coefficients: Coefficients::new(series, sizes), there: 0 })
    }

    fn block(&mut self, index: usize, room: &mut [[f64; 4]]) -> [f64; 4] {
        let Some(place) = room.get_mut(index) else { return [0.0; 4] };
        if index == self.there {
            *place = self.coefficients.block();
            self.there += 1;
        }
        *place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::reference;
    use proptest::prelude::*;

    /// How many rows of a table the series serves, and its worst error there.
    fn worst(file: &str, function: impl Fn(&[f64]) -> Option<f64>) -> (usize, f64) {
        let mut found = (0, 0.0_f64);
        for (x, truth) in reference::rows(file) {
            if let Some(value) = function(&x) {
                let error = (value / truth - 1.0).abs();
                assert!(error < 1e-11, "{x:?}: {value} instead of {truth}");
                found = (found.0 + 1, found.1.max(error));
            }
        }
        found
    }

    #[test]
    fn agrees_with_the_tables() {
        let (rows, error) = worst("discounted_dropout.csv", |x| {
            let series = Series::of_purchases(x[0], x[1], x[2], x[4]);
            series.integral(x[3], &mut Afresh).map(|integral| x[0] * integral)
        });
        assert!(rows > 150 && error < 2e-13, "{rows} {error}");
        let (rows, error) =
            worst("discounted_time.csv", |x| Series::of_time(x[0], x[2]).integral(x[1], &mut Afresh));
        assert!(rows > 110 && error < 2e-13, "{rows} {error}");
    }

    #[test]
    fn gives_up_where_it_cannot_be_trusted() {
        let far = Series::of_purchases(0.5, 0.8, 2.4, 0.0);
        assert!(far.integral(30.0, &mut Afresh).is_some() && far.integral(40.0, &mut Afresh).is_none());
        // (A)_i with A = -51 grows and cancels.
        let cancels = Series::of_purchases(52.0, 1.0, 1.0, 0.0);
        assert!(
            cancels.integral(0.01, &mut Afresh).is_some() && cancels.integral(3.0, &mut Afresh).is_none()
        );
        assert!(Series::of_purchases(0.5, 5e3, 2.4, 0.0).integral(1.0, &mut Afresh).is_none());
    }

    proptest! {
        #[test]
        fn what_is_kept_has_the_same_bits(
            r in 0.01..4.0_f64,
            a in 0.01..4.0_f64,
            b in 0.01..4.0_f64,
            discount in prop_oneof![Just(0.0), 0.0..LARGEST_DISCOUNT],
            rows in prop::collection::vec((0_u32..60, 1e-6..32.0_f64), 1..60),
        ) {
            let mut memory = Memory::new();
            for (frequency, tau) in rows {
                let x = f64::from(frequency);
                // Now and then a series that is not the one kept.
                let discount = if frequency == 7 { discount * tau / 32.0 } else { discount };
                let series = Series::of_purchases(r + x, a, b + x, discount);
                let kept = series.integral(tau, &mut memory.of(frequency));
                prop_assert_eq!(kept.map(f64::to_bits), series.integral(tau, &mut Afresh).map(f64::to_bits));
            }
        }
    }
}
