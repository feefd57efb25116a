use super::{Buyers, RepeatSpends, ValueError};

/// Rows that one thread takes at a time: enough to make up for what the rows of a block share.
const BLOCK: usize = 16_384;

/// Runs a door for columns on the threads of rayon's pool: the one it is called in, or else the global one.
///
/// # Arguments
/// - `columns`: what the door takes, as a tuple: any of [`Buyers`], [`RepeatSpends`], `&[T]` and `&mut [T]`, of one
///   length.
/// - `door`: is called with blocks of the columns.
///
/// # Returns
/// The same bits as the door for all rows at once, whatever the number of threads is.
///
/// # Errors
/// [`ValueError::ColumnLength`] when the columns differ in length; those of the door, of the first block that has one.
///
/// # Cost
/// That of the door, divided by the threads; nothing is allocated for each row.
///
/// # Example
/// ```
/// use patronage::value::{BgNbd, Buyers, Horizon, PurchaseModel, in_parallel};
///
/// let model = BgNbd::new(0.243, 4.414, 0.793, 2.426)?;
/// let buyers = Buyers::new(&[2, 1], &[30.43, 1.71], &[38.86, 38.86])?;
/// let weeks = Horizon::new(39.0)?;
/// let (mut p_alive, mut expected) = (vec![0.0; 2], vec![0.0; 2]);
/// in_parallel((buyers, &mut p_alive[..], &mut expected[..]), |(buyers, p_alive, expected)| {
///     model.score_into(buyers, weeks, p_alive, expected)
/// })?;
/// assert_eq!(format!("{:.4} {:.4}", p_alive[0], expected[0]), "0.7266 1.2260");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn in_parallel<C: Columns>(
    columns: C,
    door: impl Fn(C) -> Result<(), ValueError> + Sync,
) -> Result<(), ValueError> {
    let rows = columns.rows()?;
    divide(columns, rows, &door)
}

fn divide<C: Columns>(
    columns: C,
    rows: usize,
    door: &(impl Fn(C) -> Result<(), ValueError> + Sync),
) -> Result<(), ValueError> {
    if rows <= BLOCK {
        return door(columns);
    }
    let at = rows.div_ceil(BLOCK) / 2 * BLOCK;
    let (first, second) = columns.split(at);
    let (one, other) = rayon::join(|| divide(first, at, door), || divide(second, rows - at, door));
    one.and(other)
}

mod sealed {
    /// Columns are divided here.
    pub trait Sealed: Sized {
        /// How many rows all of them have.
        fn rows(&self) -> Result<usize, super::ValueError>;

        /// The rows before and from `at` on.
        fn split(self, at: usize) -> (Self, Self);
    }
}

/// Columns that can be divided between threads: [`Buyers`], [`RepeatSpends`], slices, and pairs to fours of them.
///
/// Sealed: columns are added here.
pub trait Columns: sealed::Sealed + Send {}

impl sealed::Sealed for Buyers<'_> {
    fn rows(&self) -> Result<usize, ValueError> {
        Ok(self.len())
    }

    fn split(self, at: usize) -> (Self, Self) {
        self.split_at(at)
    }
}

impl sealed::Sealed for RepeatSpends<'_> {
    fn rows(&self) -> Result<usize, ValueError> {
        Ok(self.len())
    }

    fn split(self, at: usize) -> (Self, Self) {
        self.split_at(at)
    }
}

impl<T> sealed::Sealed for &[T] {
    fn rows(&self) -> Result<usize, ValueError> {
        Ok(self.len())
    }

    fn split(self, at: usize) -> (Self, Self) {
        self.split_at(at)
    }
}

impl<T> sealed::Sealed for &mut [T] {
    fn rows(&self) -> Result<usize, ValueError> {
        Ok(self.len())
    }

    fn split(self, at: usize) -> (Self, Self) {
        self.split_at_mut(at)
    }
}

impl Columns for Buyers<'_> {}
impl Columns for RepeatSpends<'_> {}
impl<T: Sync> Columns for &[T] {}
impl<T: Send> Columns for &mut [T] {}

macro_rules! tuple {
    ($first:ident: $One:ident, $($name:ident: $Other:ident),+) => {
        impl<$One: Columns, $($Other: Columns),+> sealed::Sealed for ($One, $($Other),+) {
            fn rows(&self) -> Result<usize, ValueError> {
                let ($first, $($name),+) = self;
                let expected = $first.rows()?;
                $(
                    let found = $name.rows()?;
                    if found != expected {
                        return Err(ValueError::ColumnLength { column: stringify!($name), expected, found });
                    }
                )+
                Ok(expected)
            }

            fn split(self, at: usize) -> (Self, Self) {
                let ($first, $($name),+) = self;
                let ($first, $($name),+) = ($first.split(at), $($name.split(at)),+);
                (($first.0, $($name.0),+), ($first.1, $($name.1),+))
            }
        }

        impl<$One: Columns, $($Other: Columns),+> Columns for ($One, $($Other),+) {}
    };
}

tuple!(first: A, second: B);
tuple!(first: A, second: B, third: C);
tuple!(first: A, second: B, third: C, fourth: D);

#[cfg(test)]
mod tests {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a frequency is the whole part of a small number"
    )]

    use super::*;
    use crate::measure::Share;
    use crate::numeric::random::Random;
    use crate::value::draw::new_buyer;
    use crate::value::{
        BgNbd, Buyer, Discount, Fit, FitError, GammaGamma, Horizon, LifetimeValue, MbgNbd, Nbd, ParetoNbd,
        PurchaseModel,
    };
    use proptest::prelude::*;

    const THREADS: [usize; 3] = [1, 2, 7];

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    fn bits(numbers: &[f64]) -> Vec<u64> {
        numbers.iter().map(|number| number.to_bits()).collect()
    }

    struct Table {
        frequency: Vec<u32>,
        recency: Vec<f64>,
        age: Vec<f64>,
        mean: Vec<f64>,
    }

    /// Customers who buy and leave at rates of their own, of whom few are alike.
    fn table(rows: u32, seed: u32) -> Table {
        let mut table = Table { frequency: vec![], recency: vec![], age: vec![], mean: vec![] };
        let mut state = seed;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f64::from(state >> 8) + 0.5) / f64::from(1 << 24)
        };
        for _ in 0..rows {
            let age = 20.0 + 20.0 * random();
            let life = age.min(15.0 * (random().powf(-0.8) - 1.0));
            let frequency = (0.2 * random().ln() * random().ln() * life + random()).min(200.0) as u32;
            let back = frequency > 0;
            table.frequency.push(frequency);
            table.recency.push(if back { life * random().powf(f64::from(frequency).recip()) } else { 0.0 });
            table.age.push(age);
            table.mean.push(if back { 100.0 + 900.0 * random() } else { 0.0 });
        }
        table
    }

    /// The same fit in every pool.
    fn same<M: PartialEq + std::fmt::Debug + Send>(fit: impl Fn() -> Result<Fit<M>, FitError> + Sync) {
        let [one, two, seven] = THREADS.map(|threads| pool(threads).install(&fit).unwrap());
        assert_eq!(one, two);
        assert_eq!(one, seven);
    }

    #[test]
    fn fits_have_the_same_bits_on_any_number_of_threads() {
        let truth = ParetoNbd::new(0.6, 8.0, 0.6, 12.0).unwrap();
        let mut random = Random::new(3);
        let all: Vec<Buyer> = (0..40_000)
            .map(|row| new_buyer(&truth, 20.0 + f64::from(row % 1_000) / 50.0, &mut random))
            .collect();
        same(|| BgNbd::fit(all.iter().copied()));
        same(|| MbgNbd::fit(all.iter().copied()));
        same(|| Nbd::fit(all.iter().copied()));
        same(|| ParetoNbd::fit(all.iter().copied().take(20_000)));
    }

    #[test]
    fn refuses_columns_of_other_lengths() {
        let refused = in_parallel((&[1_u8, 2][..], &mut [0.0][..]), |_| Ok(())).unwrap_err();
        assert_eq!(refused.to_string(), "column second has 1 rows instead of 2");
        let rows = vec![0_u8; 3 * BLOCK];
        let error = |found: usize| ValueError::TooManyRows { rows: found };
        let refused = in_parallel(rows.as_slice(), |block| Err(error(block.len()))).unwrap_err();
        assert_eq!(refused, error(BLOCK));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]

        #[test]
        fn scores_have_the_same_bits_on_any_number_of_threads(
            rows in 0_u32..100_000,
            seed in any::<u32>(),
            r in 0.1..2.0_f64,
            a in 0.1..2.0_f64,
        ) {
            let table = table(rows, seed);
            let buyers = Buyers::new(&table.frequency, &table.recency, &table.age).unwrap();
            let spends = RepeatSpends::new(&table.frequency, &table.mean).unwrap();
            let model = BgNbd::new(r, 4.4, a, 2.4).unwrap();
            let spend = GammaGamma::new(6.25, 3.74, 1544.0).unwrap();
            let (year, discount) = (Horizon::new(52.0).unwrap(), Discount::try_from(0.0018).unwrap());
            let worth = LifetimeValue::new(&model, &spend, year, discount, Share::ONE);
            let mut whole = vec![vec![0.0; table.age.len()]; 3];
            let [p_alive, expected, values] = &mut whole[..] else { panic!("three columns") };
            model.score_into(buyers, year, p_alive, expected).unwrap();
            worth.value_into(buyers, spends, values).unwrap();
            for threads in THREADS {
                let mut parts = vec![vec![0.0; table.age.len()]; 3];
                let [p_alive, expected, values] = &mut parts[..] else { panic!("three columns") };
                pool(threads).install(|| {
                    in_parallel((buyers, &mut p_alive[..], &mut expected[..]), |(buyers, p_alive, expected)| {
                        model.score_into(buyers, year, p_alive, expected)
                    })
                    .unwrap();
                    in_parallel((buyers, spends, &mut values[..]), |(buyers, spends, values)| {
                        worth.value_into(buyers, spends, values)
                    })
                    .unwrap();
                });
                for (part, whole) in parts.iter().zip(&whole) {
                    prop_assert_eq!(bits(part), bits(whole));
                }
            }
        }
    }
}
