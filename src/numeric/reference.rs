//! Reads the high-precision tables of `tests/reference`.

/// The rows of a table: hexadecimal arguments, and the value rounded to `f64`.
pub(crate) fn rows(file: &str) -> Vec<(Vec<f64>, f64)> {
    let path = format!("{}/tests/reference/{file}", env!("CARGO_MANIFEST_DIR"));
    parsed(&std::fs::read_to_string(path).unwrap()).map(|(arguments, value, _)| (arguments, value)).collect()
}

/// The rows of the text of a table: arguments, value, and the share of the value that its rounding leaves out.
pub(crate) fn parsed(text: &str) -> impl Iterator<Item = (Vec<f64>, f64, f64)> {
    text.lines().map(|line| {
        let (arguments, digits) = line.split_once('|').unwrap();
        let value = digits.parse().unwrap();
        (arguments.split(';').map(hexadecimal).collect(), value, left_out(digits, value))
    })
}

fn hexadecimal(text: &str) -> f64 {
    let (sign, rest) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    let (mantissa, exponent) = rest.strip_prefix("0x").unwrap().split_once('p').unwrap();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = i64::from_str_radix(&format!("{whole}{fraction}"), 16).unwrap();
    let shift = exponent.parse::<i32>().unwrap() - 4 * i32::try_from(fraction.len()).unwrap();
    #[expect(clippy::cast_precision_loss, reason = "14 hexadecimal digits of which the first is at most 1")]
    let digits = digits as f64;
    sign * libm::ldexp(digits, shift)
}

/// (truth - value) / value, where the truth is given by its digits.
fn left_out(truth: &str, value: f64) -> f64 {
    let ((truth, above), (rounded, below)) = (decimal(truth), decimal(&format!("{value:.40e}")));
    // Two numbers on either side of a power of ten differ in their exponents.
    let (truth, rounded) =
        (if above > below { 10 * truth } else { truth }, if below > above { 10 * rounded } else { rounded });
    #[expect(clippy::cast_precision_loss, reason = "the quotient needs few digits")]
    let share = (truth - rounded) as f64 / rounded as f64;
    share
}

/// The first 36 digits of a number without its sign, and its exponent.
fn decimal(text: &str) -> (i128, i32) {
    let (mantissa, exponent) = text.trim_start_matches('-').split_once('e').unwrap_or((text, "0"));
    let mantissa = mantissa.trim_start_matches('-');
    let point = mantissa.find('.').unwrap_or(mantissa.len());
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.trim_start_matches('0');
    let zeros = i32::try_from(digits.len() - significant.len()).unwrap();
    let exponent = exponent.parse::<i32>().unwrap() + i32::try_from(point).unwrap() - zeros;
    (format!("{significant:0<36}")[..36].parse().unwrap(), exponent)
}

#[test]
fn nothing_is_left_out() {
    let row = |digits: &str| parsed(&format!("0x1p0|{digits}")).next().unwrap();
    // 0.1 is 0.1000000000000000055511151231257827.. as a float.
    let (arguments, value, rest) = row("0.1");
    assert!(arguments == [1.0] && (value * (1.0 + rest) - 0.1).abs() < 1e-30);
    assert!((rest / -5.551_115_123_125_783e-17 - 1.0).abs() < 1e-12, "{rest}");
    let same =
        [row("-1.0e-1").2, row("0.0001e3").2, row("0.00099999999999999999999999999999999999999999e2").2];
    assert!(same.iter().all(|&other| (other / rest - 1.0).abs() < 1e-12), "{same:?}");
    assert!(row("250").2 == 0.0 && row("2.5e+2").2 == 0.0);
}
