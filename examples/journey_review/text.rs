//! How the page writes names, shares and times.

use patronage::Estimate;
use patronage::journey::Durations;
use patronage::{Share, ValidationError};

/// How sure intervals are.
pub(crate) fn level() -> Result<Share, ValidationError> {
    Share::new(0.95)
}

/// A name, without anything that would break the line, cut to a width.
pub(crate) fn cut(name: &str, width: usize) -> String {
    let clean: Vec<char> = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.len() <= width {
        return clean.into_iter().collect();
    }
    clean.into_iter().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// A share in percent of a whole.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    let share = Share::of(part, whole).ok().flatten();
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share.get() * 100.0))
}

/// A share in percent with its interval and what it is of.
pub(crate) fn estimate(share: Option<Estimate>) -> String {
    let Some(share) = share else { return "nothing to divide by".to_owned() };
    let [value, lower, upper] = [share.value(), share.lower(), share.upper()].map(|part| part * 100.0);
    let n = super::number::number(share.n());
    format!("{value:.1} % [{lower:.1}, {upper:.1}] of {n}")
}

/// Seconds in the unit people would use.
pub(crate) fn span(seconds: f64) -> String {
    let (number, unit) = match seconds {
        _ if seconds < 120.0 => (seconds, "s"),
        _ if seconds < 7_200.0 => (seconds / 60.0, "min"),
        _ if seconds < 172_800.0 => (seconds / 3_600.0, "h"),
        _ => (seconds / 86_400.0, "d"),
    };
    format!("{number:.1} {unit}")
}

/// Median, what nine of ten stay below, and mean; a `~` where a quantile is exact to 0.4 % only.
pub(crate) fn spans(durations: &Durations) -> [String; 3] {
    let quantile = |share: f64| {
        let found = durations.quantile(Share::new(share).ok()?)?;
        Some(format!("{}{}", if found.exact { "" } else { "~" }, span(found.seconds)))
    };
    [quantile(0.5), quantile(0.9), durations.mean_seconds().map(span)]
        .map(|text| text.unwrap_or_else(|| "-".to_owned()))
}
