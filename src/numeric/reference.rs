//! Reads the high-precision tables of `tests/reference`.

/// The rows of a table: hexadecimal arguments, and the value rounded to `f64`.
pub(crate) fn rows(file: &str) -> Vec<(Vec<f64>, f64)> {
    let path = format!("{}/tests/reference/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| {
            let (arguments, value) = line.split_once('|').unwrap();
            (arguments.split(';').map(hexadecimal).collect(), value.parse().unwrap())
        })
        .collect()
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
