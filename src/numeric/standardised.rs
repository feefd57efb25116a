//! Columns with mean 0 and variance 1, so that regressions on them neither cancel nor overflow.

use super::linear::Symmetric;

/// Sums are those of chunks of so many rows, in order, so that they do not depend on who adds them up.
pub(super) const CHUNK: usize = 4096;
/// A column whose values differ by less than this share of their size holds one value and rounding.
const LEAST_SPREAD: f64 = 1e-14;

/// Columns of equal length, standardised, kept row by row.
#[derive(Clone, Debug)]
pub(crate) struct Standardised {
    width: usize,
    cells: Vec<f64>,
    /// Of the columns as they came; deviations are those of the population (by n).
    pub(super) means: Vec<f64>,
    pub(super) deviations: Vec<f64>,
}

impl Standardised {
    /// Standardises columns of finite values, of equal length.
    ///
    /// # Errors
    /// The first column that is constant, counted from 0; also one without rows.
    pub(crate) fn new(columns: &[Vec<f64>]) -> Result<Self, usize> {
        let width = columns.len();
        let rows = columns.first().map_or(0, Vec::len);
        let mut standardised =
            Self { width, cells: vec![0.0; rows * width], means: Vec::new(), deviations: Vec::new() };
        for (place, column) in columns.iter().enumerate() {
            let Scale { mean, unit, deviation } = scale(column).ok_or(place)?;
            standardised.means.push(mean.0 + mean.1);
            standardised.deviations.push(deviation * unit);
            for (row, &value) in standardised.cells.chunks_exact_mut(width.max(1)).zip(column) {
                if let Some(cell) = row.get_mut(place) {
                    *cell = mean.centred(value) / unit / deviation;
                }
            }
        }
        Ok(standardised)
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// How many rows there are.
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 rows")]
    pub(crate) fn count(&self) -> f64 {
        self.rows().len() as f64
    }

    pub(crate) fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.cells.chunks_exact(self.width.max(1))
    }

    /// The sample standard deviation (by n - 1) of a column as it came.
    pub(crate) fn sample_deviation(&self, column: usize) -> f64 {
        let n = self.count();
        self.deviations.get(column).copied().unwrap_or(0.0) * (n / (n - 1.0).max(1.0)).sqrt()
    }

    /// The correlations of the columns.
    pub(crate) fn correlations(&self) -> Symmetric {
        let mut sums = Products::new(self.width);
        let mut chunk = sums.clone();
        for rows in self.cells.chunks(CHUNK * self.width.max(1)) {
            chunk.clear();
            rows.chunks_exact(self.width.max(1)).for_each(|row| chunk.push(row, 1.0));
            sums.merge(&chunk);
        }
        sums.correlations().unwrap_or_else(|| Symmetric::zeros(self.width))
    }

    /// The correlations of the rows, each counted so often; `None` where a column is constant among those that count.
    pub(crate) fn correlations_of(&self, counts: &[u32]) -> Option<Symmetric> {
        let mut sums = Products::new(self.width);
        let mut chunk = sums.clone();
        for (rows, counts) in self.cells.chunks(CHUNK * self.width.max(1)).zip(counts.chunks(CHUNK)) {
            chunk.clear();
            let counted = rows.chunks_exact(self.width.max(1)).zip(counts).filter(|&(_, &count)| count > 0);
            counted.for_each(|(row, &count)| chunk.push(row, count.into()));
            sums.merge(&chunk);
        }
        sums.correlations()
    }
}

/// A mean in two parts: their sum is beyond the precision of one number.
#[derive(Clone, Copy)]
struct Mean(f64, f64);

impl Mean {
    fn centred(self, value: f64) -> f64 {
        (value - self.0) - self.1
    }
}

struct Scale {
    mean: Mean,
    /// The largest distance from the mean, so that squares of small and large values do not leave the range.
    unit: f64,
    /// In units.
    deviation: f64,
}

#[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 rows")]
fn scale(column: &[f64]) -> Option<Scale> {
    let n = column.len() as f64;
    let (least, most) =
        column.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (x.min(low), x.max(high)));
    let spread = most - least;
    if !spread.is_finite() || spread <= LEAST_SPREAD * most.abs().max(least.abs()) {
        return None;
    }
    let first = chunked(column, |x| x) / n;
    let mean = Mean(first, chunked(column, |x| x - first) / n);
    let unit = column.iter().fold(0.0, |unit: f64, &x| unit.max(mean.centred(x).abs()));
    let deviation = (chunked(column, |x| (mean.centred(x) / unit) * (mean.centred(x) / unit)) / n).sqrt();
    (deviation > 0.0 && deviation.is_finite()).then_some(Scale { mean, unit, deviation })
}

/// The sum of a function of the values, chunk by chunk.
pub(super) fn chunked<T: Copy>(values: &[T], function: impl Fn(T) -> f64) -> f64 {
    values.chunks(CHUNK).map(|chunk| chunk.iter().map(|&value| function(value)).sum::<f64>()).sum()
}

/// Sums of values and of their products.
#[derive(Clone)]
struct Products {
    count: f64,
    sums: Vec<f64>,
    /// The products, of the upper triangle, row by row.
    cross: Vec<f64>,
}

impl Products {
    fn new(width: usize) -> Self {
        Self { count: 0.0, sums: vec![0.0; width], cross: vec![0.0; width * (width + 1) / 2] }
    }

    fn clear(&mut self) {
        self.count = 0.0;
        self.sums.fill(0.0);
        self.cross.fill(0.0);
    }

    fn push(&mut self, row: &[f64], count: f64) {
        self.count += count;
        let mut cross = self.cross.iter_mut();
        for (place, (&value, sum)) in row.iter().zip(&mut self.sums).enumerate() {
            let value = value * count;
            *sum += value;
            for &other in row.iter().skip(place) {
                if let Some(product) = cross.next() {
                    *product += value * other;
                }
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sums.iter_mut().zip(&other.sums).for_each(|(mine, theirs)| *mine += theirs);
        self.cross.iter_mut().zip(&other.cross).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// `None` where a column does not vary. The columns are centred, or nearly so: nothing cancels.
    fn correlations(&self) -> Option<Symmetric> {
        let width = self.sums.len();
        let mut cross = self.cross.iter();
        let mut upper = Symmetric::zeros(width);
        for row in 0..width {
            for column in row..width {
                let (sum, other) = (self.sums.get(row)?, self.sums.get(column)?);
                upper.set(row, column, (cross.next()? - sum * other / self.count) / self.count);
            }
        }
        if (0..width)
            .any(|place| upper.at(place, place) <= LEAST_VARIANCE || !upper.at(place, place).is_finite())
        {
            return None;
        }
        let scale = |row, column| (upper.at(row, row) * upper.at(column, column)).sqrt();
        Some(Symmetric::from_upper(width, |row, column| {
            if row == column { 1.0 } else { upper.at(row, column) / scale(row, column) }
        }))
    }
}

/// Of columns whose variance was 1.
const LEAST_VARIANCE: f64 = 1e-12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_means_do_not_cancel() {
        // The values of NIST's data set NumAcc4: mean 10000000.2, sample deviation 0.1, exact.
        let mut column = vec![10_000_000.2];
        for _ in 0..500 {
            column.extend([10_000_000.1, 10_000_000.3]);
        }
        let one = Standardised::new(&[column]).unwrap();
        assert!((one.means[0] - 10_000_000.2).abs() < 1e-8);
        // The data themselves are rounded to 2e-9.
        assert!((one.sample_deviation(0) - 0.1).abs() < 1e-8);
        let square: f64 = one.rows().map(|row| row[0] * row[0]).sum();
        assert!((square / one.count() - 1.0).abs() < 1e-13);
    }

    #[test]
    fn sizes_do_not_leave_the_range() {
        for size in [1e-90, 1.0, 1e90] {
            let columns = [vec![size, 2.0 * size, 4.0 * size], vec![3.0 * size, 5.0 * size, 4.0 * size]];
            let both = Standardised::new(&columns).unwrap();
            // By hand: deviations (-4, -1, 5) / 3 and (-1, 1, 0), so 3 / √(42 · 2).
            let correlation = both.correlations().at(0, 1);
            assert!((correlation - 3.0 / 84_f64.sqrt()).abs() < 1e-15, "{size}: {correlation}");
        }
    }

    #[test]
    fn constant_columns_are_named() {
        for constant in [vec![0.1; 3], vec![0.3, 0.1 + 0.2, 0.3], vec![0.0; 3]] {
            assert_eq!(Standardised::new(&[vec![1.0, 2.0, 3.0], constant]).unwrap_err(), 1);
        }
        assert_eq!(Standardised::new(&[vec![]]).unwrap_err(), 0);
    }

    #[test]
    fn counts_are_repetitions() {
        let columns = [vec![1.0, 2.0, 4.0, 9.0], vec![3.0, 5.0, 4.0, 1.0]];
        let counted = Standardised::new(&columns).unwrap().correlations_of(&[2, 0, 3, 1]).unwrap();
        let repeated =
            columns.clone().map(|column| [0, 0, 2, 2, 2, 3].map(|row: usize| column[row]).to_vec());
        let truth = Standardised::new(&repeated).unwrap().correlations();
        assert!((counted.at(0, 1) - truth.at(0, 1)).abs() < 1e-15);
        assert_eq!(Standardised::new(&columns).unwrap().correlations_of(&[0, 0, 5, 0]), None);
    }
}
