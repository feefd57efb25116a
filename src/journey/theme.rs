use super::JourneyError;
use crate::measure::{Estimate, Share};
use crate::numeric::proportion::{benjamini_hochberg, two_sided_p, z};
use crate::tag::Tag;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    count: u64,
    sum: i128,
    squares: i128,
}

impl Sums {
    fn push(&mut self, score: i32) {
        self.count += 1;
        self.sum += i128::from(score);
        self.squares += i128::from(score) * i128::from(score);
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    fn without(&self, part: &Self) -> Self {
        Self {
            count: self.count - part.count,
            sum: self.sum - part.sum,
            squares: self.squares - part.squares,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a mean has 53 bits")]
    fn mean(&self) -> f64 {
        self.sum as f64 / self.count as f64
    }

    /// The variance of the mean, from exact whole sums.
    #[expect(clippy::cast_precision_loss, reason = "a variance has 53 bits")]
    fn variance_of_mean(&self) -> f64 {
        let n = i128::from(self.count);
        let spread = self.squares.saturating_mul(n).saturating_sub(self.sum.saturating_mul(self.sum));
        let n = self.count as f64;
        spread.max(0) as f64 / (n * (n - 1.0)) / n
    }
}

/// Counts which themes come with which scores, to say what each theme does to the whole.
///
/// A score is a whole number: for NPS -100 (detractor), 0 or 100 (promoter); for CSAT 0 or 100. One answer may have any
/// number of themes. `merge` is associative and commutative.
///
/// # Example
/// ```
/// use patronage::journey::ThemeTally;
/// use patronage::{Share, Tag};
///
/// let (late, price) = (Tag::literal("late"), Tag::literal("price"));
/// let mut tally = ThemeTally::default();
/// for (score, themes) in
///     [(-100, &[late][..]), (-100, &[late, price]), (100, &[late]), (100, &[price]), (100, &[]), (0, &[])]
/// {
///     tally.push(score, themes);
/// }
/// let found = tally.impacts(2, Share::new(0.95)?)?;
/// // All: 16.7; without `late`: (100 + 100 + 0) / 3 = 66.7.
/// let worst = found.impacts()[0];
/// assert_eq!(worst.theme, late);
/// let impact = worst.impact.ok_or("too few")?;
/// assert!((impact.value() + 50.0).abs() < 1e-12);
/// assert_eq!((found.answers(), found.tests()), (6, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThemeTally {
    all: Sums,
    themes: BTreeMap<Tag, Sums>,
}

/// What one theme does to the mean score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ThemeImpact {
    /// The theme.
    pub theme: Tag,
    /// How many answers have it.
    pub answers: u64,
    /// The mean score of all answers less that of the answers without the theme: negative where it pulls the score
    /// down. n is all answers. `None` where too few have the theme, or too few do not.
    pub impact: Option<Estimate>,
    /// How likely an impact as far from 0 would be if the theme did nothing (normal); `None` where too few say.
    pub p_value: Option<f64>,
    /// The same, adjusted for all themes that were tested (Benjamini and Hochberg).
    pub q_value: Option<f64>,
}

/// What each theme does to the mean score, and what that rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ThemeImpacts {
    impacts: Vec<ThemeImpact>,
    answers: u64,
    least: u64,
    level: Share,
    tests: usize,
}

impl ThemeImpacts {
    /// The themes: the worst first, those with too few answers last.
    pub fn impacts(&self) -> &[ThemeImpact] {
        &self.impacts
    }

    /// How many answers there are, with themes or without.
    pub const fn answers(&self) -> u64 {
        self.answers
    }

    /// How many answers with and without a theme were asked for.
    pub const fn least(&self) -> u64 {
        self.least
    }

    /// The level of the intervals, each of which stands for itself.
    pub const fn level(&self) -> Share {
        self.level
    }

    /// How many themes were tested, of those with answers enough.
    pub const fn tests(&self) -> usize {
        self.tests
    }
}

impl ThemeTally {
    /// Counts an answer: its score and its themes (a theme named twice counts once).
    pub fn push(&mut self, score: i32, themes: &[Tag]) {
        self.all.push(score);
        for (place, theme) in themes.iter().enumerate() {
            if !themes.iter().take(place).any(|earlier| earlier == theme) {
                self.themes.entry(*theme).or_default().push(score);
            }
        }
    }

    /// Adds other answers.
    pub fn merge(&mut self, other: &Self) {
        self.all.add(&other.all);
        for (theme, more) in &other.themes {
            self.themes.entry(*theme).or_default().add(more);
        }
    }

    /// How many answers there are.
    pub const fn answers(&self) -> u64 {
        self.all.count
    }

    /// What each theme does to the mean score.
    ///
    /// The interval is that of a normal difference of two means with their own variances, for the number of answers
    /// that have the theme as it is. Where neither side varies, nothing says how sure the difference is: p is 1.
    ///
    /// # Arguments
    /// `least`: how many answers with and without a theme are needed, at least 2. `level`: of the interval.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] when `least` is below 2 or `level` is 1.
    ///
    /// # Formula
    /// ```text
    /// impact = m(all) - m(without) = n_t / N (m_t - m(without))
    /// variance = (n_t / N)² (s²_t / n_t + s²_without / (N - n_t))
    /// ```
    ///
    /// Source: the leave-one-theme-out difference of Thematic ("impact on score"), Kapiche and Qualtrics, to which an
    /// interval was added.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits of the counts")]
    pub fn impacts(&self, least: u64, level: Share) -> Result<ThemeImpacts, JourneyError> {
        if least < 2 {
            return Err(JourneyError::Setting { setting: "least", rule: "must be at least 2" });
        }
        let z = z(level.get());
        if !z.is_finite() {
            return Err(JourneyError::Setting { setting: "level", rule: "must be below 1" });
        }
        let mut impacts: Vec<ThemeImpact> = self
            .themes
            .iter()
            .map(|(&theme, with)| {
                let without = self.all.without(with);
                let enough = with.count >= least && without.count >= least;
                let found = enough.then(|| {
                    let part = with.count as f64 / self.all.count as f64;
                    let value = part * (with.mean() - without.mean());
                    (value, part * (with.variance_of_mean() + without.variance_of_mean()).sqrt())
                });
                let impact = found.and_then(|(value, error)| {
                    Estimate::new(value, value - z * error, value + z * error, level, self.all.count).ok()
                });
                let p_value =
                    found.map(|(value, error)| if error > 0.0 { two_sided_p(value / error) } else { 1.0 });
                ThemeImpact { theme, answers: with.count, impact, p_value, q_value: None }
            })
            .collect();
        let p_values: Vec<f64> = impacts.iter().filter_map(|one| one.p_value).collect();
        let tested = impacts.iter_mut().filter(|one| one.p_value.is_some());
        for (one, q_value) in tested.zip(benjamini_hochberg(&p_values)) {
            one.q_value = Some(q_value);
        }
        let rank = |one: &ThemeImpact| one.impact.map_or(f64::INFINITY, |impact| impact.value());
        impacts.sort_by(|a, b| rank(a).total_cmp(&rank(b)).then(a.theme.cmp(&b.theme)));
        Ok(ThemeImpacts { impacts, answers: self.all.count, least, level, tests: p_values.len() })
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "there are few rows")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn too_few_say_nothing() {
        let theme = Tag::literal("rare");
        let mut tally = ThemeTally::default();
        tally.push(100, &[theme, theme]);
        tally.push(0, &[]);
        let level = Share::new(0.95).unwrap();
        let found = tally.impacts(2, level).unwrap();
        let rare = found.impacts()[0];
        assert_eq!((rare.answers, rare.impact, rare.p_value, rare.q_value), (1, None, None, None));
        assert_eq!((found.answers(), found.least(), found.level(), found.tests()), (2, 2, level, 0));
        assert!(tally.impacts(1, level).is_err());
        assert!(tally.impacts(2, Share::ONE).is_err());
        assert!(ThemeTally::default().impacts(2, level).unwrap().impacts().is_empty());
    }

    #[test]
    fn themes_are_tested_together() {
        let (late, price) = (Tag::literal("late"), Tag::literal("price"));
        let mut tally = ThemeTally::default();
        for row in 0..200_i32 {
            // Half are late, of whom a quarter are promoters, of the others three quarters; every third names the price.
            let promoter = if row % 2 == 0 { row % 8 == 0 } else { row % 8 != 1 };
            let mut themes = Vec::new();
            themes.extend((row % 2 == 0).then_some(late));
            themes.extend((row % 3 == 0).then_some(price));
            tally.push(if promoter { 100 } else { -100 }, &themes);
        }
        let found = tally.impacts(30, Share::new(0.95).unwrap()).unwrap();
        let [worst, other] = found.impacts() else { panic!("{found:?}") };
        assert_eq!((worst.theme, other.theme, found.tests()), (late, price, 2));
        // -50 and 50, each with a variance of 7,500 / 99 of its mean: the half of -100 with an error of 6.1546.
        let impact = worst.impact.unwrap();
        assert!((impact.value() + 50.0).abs() < 1e-9 && (impact.upper() + 37.937_2).abs() < 1e-3, "{impact}");
        assert!((worst.q_value.unwrap() / (2.0 * worst.p_value.unwrap()) - 1.0).abs() < 1e-12);
        assert!(worst.q_value.unwrap() < 1e-12 && other.p_value.unwrap() > 0.05, "{found:?}");
    }

    proptest! {
        #[test]
        fn leaving_the_theme_out_gives_the_difference(rows in prop::collection::vec((-100_i32..=100, any::<bool>()), 2..60)) {
            let theme = Tag::literal("t");
            let (mut tally, mut parts) = (ThemeTally::default(), [ThemeTally::default(), ThemeTally::default()]);
            for (place, &(score, has)) in rows.iter().enumerate() {
                let themes = if has { &[theme][..] } else { &[] };
                tally.push(score, themes);
                parts[place % 2].push(score, themes);
            }
            let [mut merged, odd] = parts;
            merged.merge(&odd);
            prop_assert_eq!(&merged, &tally);
            let mean = |scores: Vec<i32>| scores.iter().map(|&score| f64::from(score)).sum::<f64>() / scores.len() as f64;
            let all = mean(rows.iter().map(|row| row.0).collect());
            let without = mean(rows.iter().filter(|row| !row.1).map(|row| row.0).collect());
            for one in tally.impacts(2, Share::new(0.9).unwrap()).unwrap().impacts() {
                if let Some(impact) = one.impact {
                    prop_assert!((impact.value() - (all - without)).abs() < 1e-9);
                }
            }
        }
    }
}
