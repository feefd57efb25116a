/// Rows are added up in chunks of this size, and the chunks in order, so that no number of threads changes a bit.
const CHUNK: u32 = 4096;

/// Several sums over many rows, each the same to the last bit however the rows are shared between threads.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkedSum<const N: usize> {
    total: [f64; N],
    part: [f64; N],
    rows: u32,
    count: u64,
}

impl<const N: usize> ChunkedSum<N> {
    pub(super) const fn new() -> Self {
        Self { total: [0.0; N], part: [0.0; N], rows: 0, count: 0 }
    }

    pub(super) fn push(&mut self, row: [f64; N]) {
        for (sum, number) in self.part.iter_mut().zip(row) {
            *sum += number;
        }
        self.rows += 1;
        self.count += 1;
        if self.rows == CHUNK {
            self.total = self.sums();
            (self.part, self.rows) = ([0.0; N], 0);
        }
    }

    pub(super) fn sums(&self) -> [f64; N] {
        let mut sums = self.total;
        for (sum, part) in sums.iter_mut().zip(self.part) {
            *sum += part;
        }
        sums
    }

    /// How many rows there were.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// The same as a number to divide by.
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
    pub(super) const fn n(&self) -> f64 {
        self.count as f64
    }
}

/// The sum of many numbers.
pub(super) fn chunked_sum(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut sum = ChunkedSum::new();
    for number in numbers {
        sum.push([number]);
    }
    let [sum] = sum.sums();
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_add_up_in_order() {
        let numbers: Vec<f64> = (0..10_000).map(|i| f64::from(i).sqrt()).collect();
        let whole: f64 = numbers.chunks(4096).map(|chunk| chunk.iter().sum::<f64>()).sum();
        assert_eq!(chunked_sum(numbers.iter().copied()).to_bits(), whole.to_bits());
        let mut two = ChunkedSum::new();
        for &number in &numbers {
            two.push([number, 1.0]);
        }
        let [sum, count] = two.sums();
        assert_eq!((sum.to_bits(), count.to_bits()), (whole.to_bits(), 10_000_f64.to_bits()));
        assert_eq!((two.count(), two.n().to_bits()), (10_000, count.to_bits()));
    }
}
