//! Small dense symmetric matrices, as an optimiser and its standard errors need them.
#![expect(clippy::indexing_slicing, reason = "every index runs below the size the matrix was made with")]

/// A symmetric matrix, both triangles kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Symmetric {
    size: usize,
    cells: Vec<f64>,
}

impl Symmetric {
    pub(crate) fn zeros(size: usize) -> Self {
        Self { size, cells: vec![0.0; size * size] }
    }

    /// The matrix with this upper triangle; what `cell(row, column)` says below the diagonal is not asked for.
    pub(crate) fn from_upper(size: usize, cell: impl Fn(usize, usize) -> f64) -> Self {
        let mut matrix = Self::zeros(size);
        for row in 0..size {
            for column in row..size {
                let value = cell(row, column);
                matrix.cells[row * size + column] = value;
                matrix.cells[column * size + row] = value;
            }
        }
        matrix
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn at(&self, row: usize, column: usize) -> f64 {
        self.cells[row * self.size + column]
    }

    /// Sets a cell and its mirror image.
    pub(crate) fn set(&mut self, row: usize, column: usize, value: f64) {
        self.cells[row * self.size + column] = value;
        self.cells[column * self.size + row] = value;
    }

    pub(crate) fn is_finite(&self) -> bool {
        self.cells.iter().all(|cell| cell.is_finite())
    }

    /// The lower factor L of (self + damping D) = L L', or `None` when that is not positive definite.
    ///
    /// D holds the absolute diagonal of self, so that each direction is damped in its own measure: one that is nearly
    /// flat is not stopped by the steepness of the others.
    pub(crate) fn cholesky(&self, damping: f64) -> Option<Cholesky> {
        let size = self.size;
        // What lies below this on the diagonal is rounding.
        let noise = 1e-15 * (0..size).map(|k| self.at(k, k).abs()).sum::<f64>();
        let mut cells = vec![0.0; size * size];
        for row in 0..size {
            for column in 0..=row {
                let dot: f64 = (0..column).map(|k| cells[row * size + k] * cells[column * size + k]).sum();
                if row == column {
                    let shift = damping * self.at(row, row).abs().max(noise);
                    let square = self.at(row, row) + shift - dot;
                    // A pivot of rounding size is a zero.
                    let least = 1e-15 * (self.at(row, row).abs() + shift);
                    if !square.is_finite() || square <= least {
                        return None;
                    }
                    cells[row * size + row] = square.sqrt();
                } else {
                    cells[row * size + column] = (self.at(row, column) - dot) / cells[column * size + column];
                }
            }
        }
        Some(Cholesky { size, cells })
    }

    /// The first row that is nearly a combination of those before it: what these leave of its diagonal is at most
    /// `share` of it. `None` where there is none.
    pub(crate) fn dependent(&self, share: f64) -> Option<usize> {
        let size = self.size;
        let mut cells = vec![0.0; size * size];
        for row in 0..size {
            for column in 0..=row {
                let dot: f64 = (0..column).map(|k| cells[row * size + k] * cells[column * size + k]).sum();
                let rest = self.at(row, column) - dot;
                if row > column {
                    cells[row * size + column] = rest / cells[column * size + column];
                } else if rest > share * self.at(row, row) {
                    cells[row * size + row] = rest.sqrt();
                } else {
                    return Some(row);
                }
            }
        }
        None
    }

    /// The inverse of a positive definite matrix, or `None` when it is not.
    pub(crate) fn inverse(&self) -> Option<Self> {
        let factor = self.cholesky(0.0)?;
        let columns: Vec<Vec<f64>> = (0..self.size)
            .map(|column| {
                let mut unit = vec![0.0; self.size];
                unit[column] = 1.0;
                factor.solve(unit)
            })
            .collect();
        Some(Self::from_upper(self.size, |row, column| 0.5 * (columns[row][column] + columns[column][row])))
    }

    /// The square root of a positive definite matrix that is symmetric itself, and its inverse; `None` when it is not.
    pub(crate) fn roots(&self) -> Option<(Self, Self)> {
        let size = self.size;
        let mut vectors = vec![0.0; size * size];
        for k in 0..size {
            vectors[k * size + k] = 1.0;
        }
        let values = self.rotate(&mut vectors);
        if !values.iter().all(|&value| value > 0.0 && value.is_finite()) {
            return None;
        }
        let stretched = |stretch: &dyn Fn(f64) -> f64| {
            Self::from_upper(size, |row, column| {
                let part =
                    |k: usize| vectors[row * size + k] * stretch(values[k]) * vectors[column * size + k];
                (0..size).map(part).sum()
            })
        };
        Some((stretched(&f64::sqrt), stretched(&|value| value.sqrt().recip())))
    }

    /// The eigenvalues in no order, by Jacobi's rotations.
    pub(crate) fn eigenvalues(&self) -> Vec<f64> {
        self.rotate(&mut [])
    }

    /// Rotates the matrix until it is diagonal, and `vectors`, rows of this size, along with it: what begins as the
    /// identity ends with the eigenvectors as its columns.
    fn rotate(&self, vectors: &mut [f64]) -> Vec<f64> {
        let size = self.size;
        let mut m = self.cells.clone();
        for _sweep in 0..60 {
            let mut largest = 0.0_f64;
            for p in 0..size {
                for q in (p + 1)..size {
                    let off = m[p * size + q];
                    let (first, second) = (m[p * size + p], m[q * size + q]);
                    if off == 0.0 || off.abs() <= 1e-18 * (first * second).abs().sqrt() {
                        continue;
                    }
                    largest = largest.max(off.abs());
                    let theta = (second - first) / (2.0 * off);
                    let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                    let along = (tangent * tangent + 1.0).sqrt().recip();
                    let across = tangent * along;
                    for k in 0..size {
                        let (x, y) = (m[k * size + p], m[k * size + q]);
                        m[k * size + p] = along * x - across * y;
                        m[k * size + q] = across * x + along * y;
                    }
                    for k in 0..size {
                        let (x, y) = (m[p * size + k], m[q * size + k]);
                        m[p * size + k] = along * x - across * y;
                        m[q * size + k] = across * x + along * y;
                    }
                    for row in vectors.chunks_exact_mut(size) {
                        let (x, y) = (row[p], row[q]);
                        row[p] = along * x - across * y;
                        row[q] = across * x + along * y;
                    }
                }
            }
            if largest == 0.0 {
                break;
            }
        }
        (0..size).map(|k| m[k * size + k]).collect()
    }
}

/// The lower triangular factor of a positive definite matrix.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    size: usize,
    cells: Vec<f64>,
}

impl Cholesky {
    /// Makes L x of x: normal draws become those of the covariance L L'.
    pub(crate) fn stretch(&self, x: &mut [f64]) {
        for row in (0..self.size).rev() {
            x[row] = (0..=row).map(|k| self.cells[row * self.size + k] * x[k]).sum();
        }
    }

    /// Makes L' x of x.
    #[cfg(feature = "bayes")]
    pub(crate) fn transposed_times(&self, x: &mut [f64]) {
        for row in 0..self.size {
            x[row] = (row..self.size).map(|k| self.cells[k * self.size + row] * x[k]).sum();
        }
    }

    /// The x with L L' x = `right`.
    pub(crate) fn solve(&self, right: Vec<f64>) -> Vec<f64> {
        let size = self.size;
        let mut x = right;
        for row in 0..size {
            let dot: f64 = (0..row).map(|k| self.cells[row * size + k] * x[k]).sum();
            x[row] = (x[row] - dot) / self.cells[row * size + row];
        }
        for row in (0..size).rev() {
            let dot: f64 = ((row + 1)..size).map(|k| self.cells[k * size + row] * x[k]).sum();
            x[row] = (x[row] - dot) / self.cells[row * size + row];
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_is_not_positive_definite() {
        let saddle = Symmetric::from_upper(2, |row, column| if row == column { 1.0 } else { 2.0 });
        assert!(saddle.inverse().is_none() && saddle.cholesky(1.5).is_some());
        let flat = Symmetric::from_upper(2, |_, _| 1.0);
        assert!(flat.inverse().is_none() && saddle.roots().is_none());
        assert_eq!((flat.dependent(1e-8), saddle.dependent(1e-8)), (Some(1), Some(1)));
        assert_eq!(Symmetric::zeros(1).dependent(1e-8), Some(0));
        let near = Symmetric::from_upper(3, |row, column| if row == column { 1.0 } else { 0.9 });
        assert_eq!((near.dependent(1e-8), near.dependent(0.15)), (None, Some(2)));
        let mut values = saddle.eigenvalues();
        values.sort_by(f64::total_cmp);
        assert!((values[0] + 1.0).abs() < 1e-15 && (values[1] - 3.0).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn inverse_times_matrix_is_one(cells in prop::collection::vec(-1.0_f64..1.0, 25)) {
            // A A' + I is positive definite.
            let matrix = Symmetric::from_upper(5, |row, column| {
                let dot: f64 = (0..5).map(|k| cells[row * 5 + k] * cells[column * 5 + k]).sum();
                dot + if row == column { 1.0 } else { 0.0 }
            });
            let inverse = matrix.inverse().unwrap();
            for row in 0..5 {
                for column in 0..5 {
                    let cell: f64 = (0..5).map(|k| matrix.at(row, k) * inverse.at(k, column)).sum();
                    prop_assert!((cell - f64::from(u8::from(row == column))).abs() < 1e-12);
                }
            }
            let trace: f64 = (0..5).map(|k| matrix.at(k, k)).sum();
            let values = matrix.eigenvalues();
            prop_assert!((values.iter().sum::<f64>() - trace).abs() < 1e-12);
            prop_assert!(values.iter().all(|&value| value > 0.99));
            let (root, inverse_root) = matrix.roots().unwrap();
            for row in 0..5 {
                for column in 0..5 {
                    let square: f64 = (0..5).map(|k| root.at(row, k) * root.at(k, column)).sum();
                    prop_assert!((square - matrix.at(row, column)).abs() < 1e-12);
                    let one: f64 = (0..5).map(|k| root.at(row, k) * inverse_root.at(k, column)).sum();
                    prop_assert!((one - f64::from(u8::from(row == column))).abs() < 1e-12);
                }
            }
        }
    }
}
