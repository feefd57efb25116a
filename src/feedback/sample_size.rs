use super::FeedbackError;
use crate::measure::Share;
use crate::numeric::proportion::z;

/// How many answers an NPS needs to be known to within so many points.
///
/// # Arguments
/// `variance`: of one answer counted as -1, 0 or 1, from a pilot ([`NpsTally::variance`](super::NpsTally::variance)) or
/// 1, which is the worst there is. `margin`: half the width of the interval, in points. `level`: of the interval.
///
/// # Errors
/// [`FeedbackError::Setting`] when the variance is not above 0 and at most 1, the margin not above 0 and below 100, or
/// the level 0 or 1.
///
/// # Formula
/// ```text
/// n = V z² / h² - 3        rounded up; h = margin / 100
/// ```
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::feedback::nps_sample_size;
///
/// // To know an NPS to within 10 points takes hundreds of answers, to within 5 four times as many.
/// assert_eq!(nps_sample_size(0.68, 10.0, Share::new(0.95)?)?, 259);
/// assert_eq!(nps_sample_size(0.68, 5.0, Share::new(0.95)?)?, 1042);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: J. Sauro, J. R. Lewis, "Sample sizes for Net Promoter Scores", `MeasuringU` (2021).
pub fn nps_sample_size(variance: f64, margin: f64, level: Share) -> Result<u64, FeedbackError> {
    checked("variance", variance)?;
    let (h, z) = (points("margin", margin, 100.0)?, deviations(level)?);
    Ok(rounded_up(variance * (z / h) * (z / h) - 3.0))
}

/// How many answers each of two groups or periods needs to see a difference of NPS of so many points.
///
/// # Arguments
/// `variances`: of one answer counted as -1, 0 or 1, in both groups. `difference`: the smallest one worth seeing, in
/// points. `level`: one less the chance to see one where there is none. `power`: the chance to see it where it is.
///
/// # Errors
/// [`FeedbackError::Setting`] when a variance is not above 0 and at most 1, the difference not above 0 and below 200,
/// the level 0 or 1, or the power below one half or 1.
///
/// # Formula
/// ```text
/// n = (V₁ + V₂) (z_level + z_power)² / d² - 3        rounded up
/// ```
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::feedback::nps_sample_size_per_group;
///
/// let (level, power) = (Share::new(0.95)?, Share::new(0.8)?);
/// assert_eq!(nps_sample_size_per_group([1.0, 1.0], 10.0, level, power)?, 1567);
/// assert_eq!(nps_sample_size_per_group([0.68, 0.68], 10.0, level, power)?, 1065);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: J. Sauro, J. R. Lewis, "Sample sizes for comparing Net Promoter Scores", `MeasuringU` (2021).
pub fn nps_sample_size_per_group(
    variances: [f64; 2],
    difference: f64,
    level: Share,
    power: Share,
) -> Result<u64, FeedbackError> {
    let [first, second] = variances;
    checked("the first variance", first)?;
    checked("the second variance", second)?;
    let (d, z_level) = (points("difference", difference, 200.0)?, deviations(level)?);
    if !(0.5..1.0).contains(&power.get()) {
        return Err(FeedbackError::Setting {
            setting: "power",
            rule: "must be at least 0.5 and below 1",
            value: power.get(),
        });
    }
    let deviations = (z_level + z(2.0 * power.get() - 1.0)) / d;
    Ok(rounded_up((first + second) * deviations * deviations - 3.0))
}

/// How many answers a share (of satisfied customers, of promoters) needs to be known to within a margin.
///
/// # Arguments
/// `expected`: the share; one half is the worst there is. `margin`: half the width of the Wilson interval, as a share.
///
/// # Errors
/// [`FeedbackError::Setting`] when the margin is not above 0 and below one half, or the level is 0 or 1.
///
/// # Formula
/// ```text
/// n with z √(p (1 - p) / n + z² / 4n²) / (1 + z² / n) = h        rounded up
/// ```
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::feedback::share_sample_size;
///
/// assert_eq!(share_sample_size(Share::new(0.5)?, Share::new(0.05)?, Share::new(0.95)?)?, 381);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: the Wilson interval (JASA 22, 1927), solved for n.
pub fn share_sample_size(expected: Share, margin: Share, level: Share) -> Result<u64, FeedbackError> {
    let (h, z) = (margin.get(), deviations(level)?);
    if !(h > 0.0 && h < 0.5) {
        return Err(FeedbackError::Setting {
            setting: "margin",
            rule: "must lie above 0 and below 0.5",
            value: h,
        });
    }
    // With a = z² / n: (1/4 - h²) a² + (p (1 - p) - 2h²) a - h² = 0, which has one positive solution.
    let (quadratic, square) = (0.25 - h * h, h * h);
    let half_linear = 0.5 * expected.get() * expected.complement().get() - square;
    let root = (half_linear * half_linear + quadratic * square).sqrt();
    // n = z² / a, written without the difference of near numbers.
    let inverse =
        if half_linear < 0.0 { quadratic / (root - half_linear) } else { (root + half_linear) / square };
    Ok(rounded_up(z * z * inverse))
}

fn checked(setting: &'static str, variance: f64) -> Result<(), FeedbackError> {
    if variance > 0.0 && variance <= 1.0 {
        Ok(())
    } else {
        let rule = "must lie above 0 and be at most 1";
        Err(FeedbackError::Setting { setting, rule, value: variance })
    }
}

/// Points as a net share.
fn points(setting: &'static str, points: f64, most: f64) -> Result<f64, FeedbackError> {
    if points > 0.0 && points < most {
        Ok(points / 100.0)
    } else {
        let rule = "must lie above 0 and within what scores can differ by";
        Err(FeedbackError::Setting { setting, rule, value: points })
    }
}

fn deviations(level: Share) -> Result<f64, FeedbackError> {
    if level > Share::ZERO && level < Share::ONE {
        Ok(z(level.get()))
    } else {
        let rule = "must lie above 0 and below 1";
        Err(FeedbackError::Setting { setting: "level", rule, value: level.get() })
    }
}

/// At least one answer.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at least 1, and the cast saturates"
)]
fn rounded_up(answers: f64) -> u64 {
    answers.ceil().max(1.0) as u64
}
