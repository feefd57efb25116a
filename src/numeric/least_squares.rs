//! Ordinary least squares with an intercept.

use super::linear::Symmetric;
use super::standardised::{CHUNK, Standardised};
use super::student;

/// A fitted line, plane or hyperplane.
#[derive(Clone, Debug)]
pub(crate) struct LeastSquares {
    pub(crate) coefficients: Vec<f64>,
    /// Of the coefficients.
    pub(crate) covariance: Symmetric,
    pub(crate) intercept: f64,
    pub(crate) r_squared: f64,
    /// Rows less coefficients, the intercept among them.
    pub(crate) degrees: f64,
}

/// Less than this share of its variance must not be left of a predictor by the others: a variance inflation of 1e8.
pub(crate) const LEAST_OWN_VARIANCE: f64 = 1e-8;

/// Fits the last column on the others; `Err` with the first of these that is nearly a combination of those before it.
/// There must be more rows than columns.
///
/// The normal equations are those of standardised columns, where they lose no more digits than the columns are alike.
///
/// # Cost
/// O(n p²) and O(p³).
#[expect(clippy::cast_precision_loss, reason = "a regression has few columns")]
pub(crate) fn fit(data: &Standardised, correlations: &Symmetric) -> Result<LeastSquares, usize> {
    let last = data.width().saturating_sub(1);
    let among = Symmetric::from_upper(last, |row, column| correlations.at(row, column));
    if let Some(column) = among.dependent(LEAST_OWN_VARIANCE) {
        return Err(column);
    }
    let (Some(factor), Some(inverse)) = (among.cholesky(0.0), among.inverse()) else { return Err(0) };
    let with: Vec<f64> = (0..last).map(|row| correlations.at(row, last)).collect();
    let mut slopes = factor.solve(with);
    // One step of refinement against the rows themselves: what the solution left over.
    let left = residual_products(data, &slopes);
    slopes.iter_mut().zip(factor.solve(left)).for_each(|(slope, more)| *slope += more);
    let squares = residual_squares(data, &slopes);
    let n = data.count();
    let degrees = n - data.width() as f64;
    let deviation = |column: usize| data.deviations.get(column).copied().unwrap_or(1.0);
    let mean = |column: usize| data.means.get(column).copied().unwrap_or(0.0);
    let unit = |column: usize| deviation(last) / deviation(column);
    let coefficients: Vec<f64> =
        slopes.iter().enumerate().map(|(column, slope)| slope * unit(column)).collect();
    let variance = squares / n / degrees;
    Ok(LeastSquares {
        covariance: Symmetric::from_upper(last, |row, column| {
            inverse.at(row, column) * variance * unit(row) * unit(column)
        }),
        intercept: mean(last) - coefficients.iter().enumerate().map(|(k, b)| b * mean(k)).sum::<f64>(),
        coefficients,
        r_squared: (1.0 - squares / n).clamp(0.0, 1.0),
        degrees,
    })
}

impl LeastSquares {
    pub(crate) fn standard_error(&self, column: usize) -> f64 {
        self.covariance.at(column, column).max(0.0).sqrt()
    }

    /// How likely a coefficient as far from 0 would be if it were 0.
    pub(crate) fn p_value(&self, column: usize) -> f64 {
        let coefficient = self.coefficients.get(column).copied().unwrap_or(0.0);
        student::two_sided_p(coefficient / self.standard_error(column), self.degrees)
    }
}

fn residual(row: &[f64], slopes: &[f64]) -> f64 {
    let outcome = row.last().copied().unwrap_or(0.0);
    outcome - row.iter().zip(slopes).map(|(value, slope)| value * slope).sum::<f64>()
}

fn residual_squares(data: &Standardised, slopes: &[f64]) -> f64 {
    let mut rows = data.rows();
    let mut sum = 0.0;
    while rows.len() > 0 {
        sum +=
            rows.by_ref().take(CHUNK).map(|row| residual(row, slopes)).map(|rest| rest * rest).sum::<f64>();
    }
    sum
}

/// The mean products of the residuals with each predictor.
fn residual_products(data: &Standardised, slopes: &[f64]) -> Vec<f64> {
    let (mut rows, n) = (data.rows(), data.count());
    let mut sums = vec![0.0; slopes.len()];
    while rows.len() > 0 {
        let mut chunk = vec![0.0; slopes.len()];
        for row in rows.by_ref().take(CHUNK) {
            let rest = residual(row, slopes);
            chunk.iter_mut().zip(row).for_each(|(sum, value)| *sum += rest * value);
        }
        sums.iter_mut().zip(chunk).for_each(|(sum, part)| *sum += part);
    }
    sums.into_iter().map(|sum| sum / n).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Coefficients with the intercept first, and their standard deviations.
    const CERTIFIED: [(f64, f64); 7] = [
        (-3_482_258.634_595_82, 890_420.383_607_373),
        (15.061_872_271_373_3, 84.914_925_774_766_9),
        (-0.358_191_792_925_910e-1, 0.334_910_077_722_432e-1),
        (-2.020_229_803_816_83, 0.488_399_681_651_699),
        (-1.033_226_867_173_59, 0.214_274_163_161_675),
        (-0.511_041_056_535_807e-1, 0.226_073_200_069_370),
        (1_829.151_464_613_55, 455.478_499_142_212),
    ];

    fn longley() -> Vec<Vec<f64>> {
        let columns = [
            "83.0 88.5 88.2 89.5 96.2 98.1 99.0 100.0 101.2 104.6 108.4 110.8 112.6 114.2 115.7 116.9",
            "234289 259426 258054 284599 328975 346999 365385 363112 397469 419180 442769 444546 482704 502601 518173 \
             554894",
            "2356 2325 3682 3351 2099 1932 1870 3578 2904 2822 2936 4681 3813 3931 4806 4007",
            "1590 1456 1616 1650 3099 3594 3547 3350 3048 2857 2798 2637 2552 2514 2572 2827",
            "107608 108632 109773 110929 112075 113270 115094 116219 117388 118734 120445 121950 123366 125368 127852 \
             130081",
            "1947 1948 1949 1950 1951 1952 1953 1954 1955 1956 1957 1958 1959 1960 1961 1962",
            "60323 61122 60171 61187 63221 63639 64989 63761 66019 67857 68169 66513 68655 69564 69331 70551",
        ];
        columns.map(|column| column.split_whitespace().map(|value| value.parse().unwrap()).collect()).to_vec()
    }

    fn fitted(columns: &[Vec<f64>]) -> Result<LeastSquares, usize> {
        let data = Standardised::new(columns).unwrap();
        fit(&data, &data.correlations())
    }

    /// NIST, Statistical Reference Datasets, Linear Least Squares, Longley: of a higher level of difficulty.
    #[test]
    fn agrees_with_certified_values() {
        let found = fitted(&longley()).unwrap();
        assert!((found.intercept / CERTIFIED[0].0 - 1.0).abs() < 1e-9, "{}", found.intercept);
        for (column, (value, deviation)) in CERTIFIED.into_iter().skip(1).enumerate() {
            let coefficient = found.coefficients[column];
            assert!((coefficient / value - 1.0).abs() < 1e-9, "{column}: {coefficient} {value}");
            let error = found.standard_error(column);
            assert!((error / deviation - 1.0).abs() < 1e-9, "{column}: {error} {deviation}");
        }
        assert!((found.r_squared - 0.995_479_004_577_296).abs() < 1e-14);
        assert!((found.degrees - 9.0).abs() < 1e-12);
    }

    #[test]
    fn large_means_cost_no_digits_but_those_of_the_data() {
        let x: Vec<f64> = (0..500_i32).map(|row| f64::from(row * 37 % 101)).collect();
        let z: Vec<f64> = (0..500_i32).map(|row| f64::from(row * 53 % 89)).collect();
        let noise = (0..500_i32).map(|row| f64::from(row * 29 % 31));
        let y: Vec<f64> =
            noise.zip(x.iter().zip(&z)).map(|(noise, (x, z))| noise + 0.5 * x - 0.25 * z).collect();
        let near = fitted(&[x.clone(), z.clone(), y.clone()]).unwrap();
        let moved = |column: &[f64], by: f64| column.iter().map(|value| value + by).collect::<Vec<_>>();
        // Quarters beside a million are exact, so the columns differ by nothing but their means.
        let far = fitted(&[moved(&x, 1e6), moved(&z, -1e6), moved(&y, 1e6)]).unwrap();
        for column in 0..2 {
            let (one, other) = (near.coefficients[column], far.coefficients[column]);
            assert!((one / other - 1.0).abs() < 1e-12, "{one} {other}");
            assert!((near.standard_error(column) / far.standard_error(column) - 1.0).abs() < 1e-12);
        }
        assert!((near.r_squared - far.r_squared).abs() < 1e-12);
    }

    #[test]
    fn dependent_predictors_are_named() {
        let mut columns = longley();
        let sum = columns[0].iter().zip(&columns[2]).map(|(a, b)| a + 2.0 * b).collect();
        columns.insert(3, sum);
        assert_eq!(fitted(&columns).unwrap_err(), 3);
    }
}
