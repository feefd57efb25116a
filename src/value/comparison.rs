#[cfg(test)]
mod tests;

use super::beta_geometric::ln_unseen_times;
use super::chunked_sum::chunked_sum;
use super::{
    BgCnbd, BgNbd, Buyer, Candidate, FitError, FittedModel, ForecastErrors, Horizon, LikelihoodRatio,
    MbgCnbd, MbgNbd, ModelKind, Nbd, ParetoNbd, PurchaseForecast, PurchaseModel, TimedBuyer, ValueError,
    Vuong,
};
use crate::because::Because;
use crate::numeric::gamma::ln_gamma;
use crate::tag::Tag;

/// A difference is noise where one as large is at least this likely by chance.
const NOISE: f64 = 0.05;

/// A difference of BIC from which on it is positive evidence.
const EVIDENCE: f64 = 2.0;

const LOWEST_BIC: Tag = Tag::literal("lowest_bic");
const LOWEST_BIC_OF_AS_GOOD: Tag = Tag::literal("lowest_bic_of_as_good");
const HIGHER_BIC: Tag = Tag::literal("higher_bic");
const HIGHEST_HOLDOUT_SCORE: Tag = Tag::literal("highest_holdout_score");
const HOLDOUT_AS_GOOD: Tag = Tag::literal("holdout_as_good");
const HOLDOUT_WORSE: Tag = Tag::literal("holdout_worse");
const FIT_AS_GOOD: Tag = Tag::literal("fit_as_good");
const FIT_WORSE: Tag = Tag::literal("fit_worse");
const FIT_BETTER: Tag = Tag::literal("fit_better");
const SAME_AS_PLAIN_MODEL: Tag = Tag::literal("same_as_plain_model");

/// Which model to use, and why: several models fitted to the same customers, side by side.
///
/// # The rule
/// 1. Without a hold-out, the model with the lowest BIC.
/// 2. With one, the model under which the purchases of the hold-out are likeliest leads. Those that it does not beat
///    beyond noise are as good, and of all these the one with the lowest BIC is used.
///
/// Models that could not be fitted stay in the list with their error. "Beyond noise" is a p-value below 0.05: of the
/// likelihood-ratio test where one model is a case of the other, of [`Vuong`]'s test where not. The regularity k counts
/// as a parameter; a regular model with k = 1 beside the plain model, which it is, stays out of the ranking.
///
/// # Example
/// ```
/// use patronage::value::{Buyers, Comparison, ModelKind};
///
/// let buyers = Buyers::new(
///     &[0, 2, 1, 0, 5, 0, 1, 9],
///     &[0.0, 30.0, 2.0, 0.0, 20.0, 0.0, 30.0, 38.0],
///     &[38.0, 39.0, 37.0, 39.0, 38.0, 39.0, 39.0, 39.0],
/// )?;
/// // Eight customers do not show that anybody leaves.
/// let comparison = Comparison::fit_buyers(buyers.iter())?;
/// let recommended = comparison.recommendation().ok_or("no model fits")?;
/// assert_eq!(recommended.model(), ModelKind::Nbd);
/// assert_eq!(recommended.because()[0].to_string(), "lowest_bic: 3.3145 against 2");
/// assert_eq!(comparison.models().len(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    models: Vec<JudgedModel>,
    tests: Vec<(ModelKind, ModelKind, ModelTest)>,
    holdout_tests: Vec<(ModelKind, ModelKind, Vuong)>,
    recommendation: Option<Recommendation>,
}

/// One of the models compared.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedModel {
    candidate: Candidate,
    figures: Option<ModelFigures>,
    because: Vec<Because>,
}

impl JudgedModel {
    /// Which model it is.
    pub const fn kind(&self) -> ModelKind {
        self.candidate.kind()
    }

    /// The fit, or why there is none.
    ///
    /// # Errors
    /// That of the fit.
    pub const fn fit(&self) -> Result<&FittedModel, &FitError> {
        self.candidate.fit()
    }

    /// What it was found to be worth; `None` where there is no fit.
    pub const fn figures(&self) -> Option<&ModelFigures> {
        self.figures.as_ref()
    }

    /// Why it is used or not:
    ///
    /// | rule | figure and threshold |
    /// |---|---|
    /// | `lowest_bic` | by how much the next lowest BIC is above it, and 2, from which on it is evidence |
    /// | `lowest_bic_of_as_good` | the same among those as good in the hold-out, where there is one |
    /// | `higher_bic` | by how much the BIC is above that of the model used (below 0 where the hold-out left out a model with a lower one), and 2 |
    /// | `highest_holdout_score` | the mean log score in the hold-out, and the next highest |
    /// | `holdout_as_good`, `holdout_worse` | the p-value against the highest score, and 0.05 |
    /// | `fit_as_good`, `fit_worse`, `fit_better` | the p-value against the model used (for that, against the next lowest BIC), and 0.05 |
    /// | `same_as_plain_model` | none: the regularity is 1 |
    pub fn because(&self) -> &[Because] {
        &self.because
    }
}

/// How well a model explains the customers it was fitted to, and what they did later.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ModelFigures {
    /// The log-likelihood of all customers.
    pub log_likelihood: f64,
    /// Akaike's criterion, the regularity k counted as a parameter.
    pub aic: f64,
    /// Schwarz's criterion, the regularity k counted as a parameter.
    pub bic: f64,
    /// By how much the BIC is above the lowest; above 10, the evidence against the model is very strong (Raftery 1995).
    pub bic_difference: f64,
    /// How well it foresaw the hold-out, where there is one.
    pub holdout: Option<HoldoutFigures>,
}

/// How well a model foresaw what customers did.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct HoldoutFigures {
    /// The expected purchases beside those made.
    pub errors: ForecastErrors,
    /// The mean over customers of the logarithm of how likely the model thought just as many purchases as were made: the
    /// score that only the true model makes highest.
    pub log_score: f64,
}

/// Whether the fits of two models differ beyond noise.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ModelTest {
    /// Of a model and a more general one.
    LikelihoodRatio(LikelihoodRatio),
    /// Of two models of which neither is a case of the other.
    Vuong(Vuong),
}

impl ModelTest {
    /// How likely such a difference is by chance.
    pub const fn p_value(&self) -> f64 {
        match self {
            Self::LikelihoodRatio(test) => test.p_value(),
            Self::Vuong(test) => test.p_value(),
        }
    }
}

/// The model to use.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
    model: ModelKind,
    because: Vec<Because>,
    as_good: Vec<ModelKind>,
}

impl Recommendation {
    /// The model to use.
    pub const fn model(&self) -> ModelKind {
        self.model
    }

    /// Why; the rules are those of [`JudgedModel::because`].
    pub fn because(&self) -> &[Because] {
        &self.because
    }

    /// The other models that are as good as these data can tell.
    pub fn as_good(&self) -> &[ModelKind] {
        &self.as_good
    }
}

impl Comparison {
    /// Fits all six models, and compares them.
    ///
    /// # Errors
    /// [`ValueError::NoRows`] without customers. Errors of fits are kept with their model.
    ///
    /// # Cost
    /// That of the six fits, of which those of regular models are several each, and a pass for each pair.
    pub fn fit(customers: impl IntoIterator<Item = TimedBuyer>) -> Result<Self, ValueError> {
        let timed: Vec<TimedBuyer> = customers.into_iter().collect();
        let mut candidates = plain_candidates(timed.iter().map(TimedBuyer::buyer));
        candidates.push(BgCnbd::fit(timed.iter().copied()).into());
        candidates.push(MbgCnbd::fit(timed.iter().copied()).into());
        Self::of(candidates, timed)
    }

    /// As [`fit`](Self::fit), where the times between purchases are not known: without the two regular models, whose
    /// regularity is told by them.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_buyers(customers: impl IntoIterator<Item = Buyer>) -> Result<Self, ValueError> {
        let buyers: Vec<Buyer> = customers.into_iter().collect();
        Self::of_buyers(plain_candidates(buyers.iter().copied()), buyers)
    }

    /// Compares models that you have fitted to `customers`.
    ///
    /// # Errors
    /// [`ValueError::NoRows`], [`ValueError::OtherCustomers`] where a fit rests on another number of customers, or
    /// [`ValueError::SameModelTwice`].
    pub fn of(
        candidates: impl IntoIterator<Item = Candidate>,
        customers: impl IntoIterator<Item = TimedBuyer>,
    ) -> Result<Self, ValueError> {
        let row = |timed: TimedBuyer| (timed.buyer(), Some(timed.ln_intervals()));
        Self::of_rows(candidates, &customers.into_iter().map(row).collect::<Vec<_>>())
    }

    /// Compares models that you have fitted to `customers`, where the times between purchases are not known.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn of_buyers(
        candidates: impl IntoIterator<Item = Candidate>,
        customers: impl IntoIterator<Item = Buyer>,
    ) -> Result<Self, ValueError> {
        let rows: Vec<_> = customers.into_iter().map(|buyer| (buyer, None)).collect();
        Self::of_rows(candidates, &rows)
    }

    fn of_rows(
        candidates: impl IntoIterator<Item = Candidate>,
        rows: &[(Buyer, Option<f64>)],
    ) -> Result<Self, ValueError> {
        if rows.is_empty() {
            return Err(ValueError::NoRows);
        }
        let given = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let (mut models, mut scores) = (Vec::<JudgedModel>::new(), Vec::new());
        for candidate in candidates {
            let model = candidate.kind();
            if models.iter().any(|known| known.kind() == model) {
                return Err(ValueError::SameModelTwice { model });
            }
            let mut figures = None;
            if let Ok(fit) = candidate.fit() {
                if fit.customers() != given {
                    return Err(ValueError::OtherCustomers { model, fitted: fit.customers(), given });
                }
                let each: Vec<f64> = rows.iter().map(|&(buyer, times)| score(fit, buyer, times)).collect();
                figures = Some(ModelFigures::of(model, &each));
                scores.push((model, each));
            }
            models.push(JudgedModel { candidate, figures, because: Vec::new() });
        }
        let lowest = models.iter().filter_map(|model| Some(model.figures?.bic)).fold(f64::INFINITY, f64::min);
        for figures in models.iter_mut().filter_map(|model| model.figures.as_mut()) {
            figures.bic_difference = figures.bic - lowest;
        }
        let tests = each_pair(&scores, test)?;
        let mut comparison = Self { models, tests, holdout_tests: Vec::new(), recommendation: None };
        comparison.recommend();
        Ok(comparison)
    }

    /// Judges the models by what customers did later as well.
    ///
    /// # Arguments
    /// - `customers`: each as known at the end of the calibration, and how many purchases they then made:
    ///   [`Holdouts::rows`](super::Holdouts::rows).
    /// - `horizon`: the length of the hold-out in the unit of the fits: [`Holdouts::horizon`](super::Holdouts::horizon).
    ///
    /// # Errors
    /// [`ValueError::NoRows`] without customers.
    ///
    /// # Cost
    /// For each model and customer the probability of a number of purchases: incomplete beta functions, in the
    /// Pareto/NBD model an integral, about a microsecond to ten.
    pub fn with_holdout(
        mut self,
        customers: impl IntoIterator<Item = (Buyer, u32)>,
        horizon: Horizon,
    ) -> Result<Self, ValueError> {
        let rows: Vec<(Buyer, u32)> = customers.into_iter().collect();
        let mut scores = Vec::new();
        for JudgedModel { candidate, figures, .. } in &mut self.models {
            let (Ok(fit), Some(figures)) = (candidate.fit(), figures.as_mut()) else { continue };
            let forecasts = rows
                .iter()
                .map(|&(buyer, actual)| (fit.expected_purchases(buyer, horizon), f64::from(actual)));
            let errors = ForecastErrors::of(forecasts)?;
            // What a model thinks impossible by rounding counts as the least likely number there is.
            let ln = |p: f64| libm::log(p.max(f64::MIN_POSITIVE));
            let each: Vec<f64> =
                rows.iter().map(|&(buyer, actual)| ln(fit.p_purchases(buyer, actual, horizon))).collect();
            #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
            let log_score = chunked_sum(each.iter().copied()) / each.len() as f64;
            figures.holdout = Some(HoldoutFigures { errors, log_score });
            scores.push((candidate.kind(), each));
        }
        self.holdout_tests = each_pair(&scores, |_, _, pairs| Vuong::of(pairs, 0, 0))?;
        self.recommend();
        Ok(self)
    }

    /// The models in the order given, with those that could not be fitted.
    pub fn models(&self) -> &[JudgedModel] {
        &self.models
    }

    /// The model to use; `None` where not one could be fitted.
    pub const fn recommendation(&self) -> Option<&Recommendation> {
        self.recommendation.as_ref()
    }

    /// The fit of the model to use; `None` where not one could be fitted.
    pub fn best(&self) -> Option<&FittedModel> {
        let model = self.recommendation.as_ref()?.model;
        self.models.iter().find(|judged| judged.kind() == model)?.fit().ok()
    }

    /// Whether the fits of two models differ beyond noise; `None` where one has none.
    pub fn test(&self, one: ModelKind, other: ModelKind) -> Option<ModelTest> {
        self.tests.iter().find_map(|&(first, second, test)| match test {
            test if (first, second) == (one, other) => Some(test),
            ModelTest::Vuong(test) if (second, first) == (one, other) => {
                Some(ModelTest::Vuong(test.reversed()))
            }
            test => ((second, first) == (one, other)).then_some(test),
        })
    }

    /// Whether the log scores of two models in the hold-out differ beyond noise; `None` where one has none.
    pub fn holdout_test(&self, one: ModelKind, other: ModelKind) -> Option<Vuong> {
        self.holdout_tests.iter().find_map(|&(first, second, test)| {
            if (first, second) == (one, other) {
                return Some(test);
            }
            ((second, first) == (one, other)).then(|| test.reversed())
        })
    }

    /// Whether a model is the plain one, which is there as well.
    fn is_plain(&self, judged: &JudgedModel) -> bool {
        let fitted = |kind| self.models.iter().any(|other| other.kind() == kind && other.fit().is_ok());
        judged.fit().is_ok_and(|fit| fit.regularity() == 1) && judged.kind().plain().is_some_and(fitted)
    }

    /// The models with a figure, lowest first; where equal, in the order given.
    fn ranked(&self, figure: impl Fn(&ModelFigures) -> Option<f64>) -> Vec<(ModelKind, f64)> {
        let of = |judged: &JudgedModel| Some((judged.kind(), figure(judged.figures()?)?));
        let ranked = self.models.iter().filter(|judged| !self.is_plain(judged)).filter_map(of);
        let mut ranked: Vec<(ModelKind, f64)> = ranked.collect();
        ranked.sort_by(|one, other| one.1.total_cmp(&other.1));
        ranked
    }

    fn holdout_p(&self, one: ModelKind, other: ModelKind) -> f64 {
        self.holdout_test(one, other).map_or(1.0, |test| test.p_value())
    }

    fn fit_p(&self, one: ModelKind, other: ModelKind) -> f64 {
        self.test(one, other).map_or(1.0, |test| test.p_value())
    }

    /// Chooses by the rule, and gives each model its reasons.
    fn recommend(&mut self) {
        let by_bic = self.ranked(|figures| Some(figures.bic));
        let by_score = self.ranked(|figures| Some(-figures.holdout?.log_score));
        let leader = by_score.first().map(|&(model, _)| model);
        // Those that the hold-out leaves, lowest BIC first.
        let is_left = |model| leader.is_none_or(|leader| self.holdout_p(model, leader) >= NOISE);
        let left: Vec<(ModelKind, f64)> =
            by_bic.iter().copied().filter(|&(model, _)| is_left(model)).collect();
        let Some(&(used, bic)) = left.first() else { return };
        let mut reasons = Vec::new();
        for judged in &self.models {
            let mut because = Reasons(Vec::new());
            if let Some(figures) = judged.figures
                && !self.is_plain(judged)
            {
                let model = judged.kind();
                if let (Some(leader), Some(holdout)) = (leader, figures.holdout) {
                    self.say_holdout(&mut because, model, leader, holdout.log_score, by_score.get(1));
                }
                if model != used {
                    because.say(HIGHER_BIC, figures.bic - bic, EVIDENCE);
                    self.say_fit(&mut because, model, used);
                } else if let Some(&(next, next_bic)) = left.get(1) {
                    let all = left.len() == by_bic.len() && leader.is_none();
                    because.say(
                        if all { LOWEST_BIC } else { LOWEST_BIC_OF_AS_GOOD },
                        next_bic - bic,
                        EVIDENCE,
                    );
                    self.say_fit(&mut because, model, next);
                }
            } else if judged.figures.is_some() {
                because.0.push(Because::rule(SAME_AS_PLAIN_MODEL));
            }
            reasons.push(because.0);
        }
        let as_good = left.iter().map(|&(model, _)| model).skip(1);
        let as_good = as_good.filter(|&model| leader.is_some() || self.fit_p(model, used) >= NOISE).collect();
        for (judged, because) in self.models.iter_mut().zip(reasons) {
            judged.because = because;
        }
        let because = self.models.iter().find(|judged| judged.kind() == used);
        let because = because.map(|judged| judged.because.clone()).unwrap_or_default();
        self.recommendation = Some(Recommendation { model: used, because, as_good });
    }

    fn say_holdout(
        &self,
        because: &mut Reasons,
        model: ModelKind,
        leader: ModelKind,
        log_score: f64,
        next: Option<&(ModelKind, f64)>,
    ) {
        if model != leader {
            let p = self.holdout_p(model, leader);
            because.say(if p < NOISE { HOLDOUT_WORSE } else { HOLDOUT_AS_GOOD }, p, NOISE);
        } else if let Some(&(_, next)) = next {
            because.say(HIGHEST_HOLDOUT_SCORE, log_score, -next);
        }
    }

    fn say_fit(&self, because: &mut Reasons, model: ModelKind, other: ModelKind) {
        let p = self.fit_p(model, other);
        let rule = if p >= NOISE {
            FIT_AS_GOOD
        } else if self.explains_better(model, other) {
            FIT_BETTER
        } else {
            FIT_WORSE
        };
        because.say(rule, p, NOISE);
    }

    /// Whether the log-likelihood of the first is the higher.
    fn explains_better(&self, one: ModelKind, other: ModelKind) -> bool {
        let of = |kind| {
            let judged = self.models.iter().find(|judged| judged.kind() == kind);
            judged.and_then(|judged| Some(judged.figures?.log_likelihood))
        };
        of(one) > of(other)
    }
}

/// Reasons as they are found.
struct Reasons(Vec<Because>);

impl Reasons {
    fn say(&mut self, rule: Tag, figure: f64, threshold: f64) {
        let rule = Because::rule(rule);
        self.0.push(rule.figure(figure, threshold).unwrap_or(rule));
    }
}

impl ModelFigures {
    fn of(model: ModelKind, scores: &[f64]) -> Self {
        let log_likelihood = chunked_sum(scores.iter().copied());
        #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
        let customers = scores.len() as f64;
        let size = f64::from(model.size());
        let bic = size * libm::log(customers) - 2.0 * log_likelihood;
        Self { log_likelihood, aic: 2.0 * (size - log_likelihood), bic, bic_difference: 0.0, holdout: None }
    }
}

fn plain_candidates(buyers: impl Iterator<Item = Buyer> + Clone) -> Vec<Candidate> {
    vec![
        Nbd::fit(buyers.clone()).into(),
        BgNbd::fit(buyers.clone()).into(),
        MbgNbd::fit(buyers.clone()).into(),
        ParetoNbd::fit(buyers).into(),
    ]
}

/// The log-likelihood of a customer: of the times of all purchases where those are known, else relative to purchases at
/// random. Both compare between models.
fn score(fit: &FittedModel, buyer: Buyer, ln_intervals: Option<f64>) -> f64 {
    let (plain, k) = (fit.log_likelihood(buyer), fit.regularity());
    match ln_intervals {
        Some(ln_intervals) if k > 1 => {
            let stages = f64::from(k);
            let seen = (stages - 1.0) * ln_intervals - f64::from(buyer.frequency()) * ln_gamma(stages);
            plain + seen - ln_unseen_times(k, buyer.frequency(), buyer.recency())
        }
        _ => plain,
    }
}

type Scores = (ModelKind, Vec<f64>);

/// A test of every model against every later one.
fn each_pair<T>(
    scores: &[Scores],
    test: impl Fn(ModelKind, ModelKind, Vec<(f64, f64)>) -> Result<T, ValueError>,
) -> Result<Vec<(ModelKind, ModelKind, T)>, ValueError> {
    let mut found = Vec::new();
    for (place, (one, first)) in scores.iter().enumerate() {
        for (other, second) in scores.iter().skip(place + 1) {
            let pairs = first.iter().copied().zip(second.iter().copied()).collect();
            found.push((*one, *other, test(*one, *other, pairs)?));
        }
    }
    Ok(found)
}

fn test(one: ModelKind, other: ModelKind, pairs: Vec<(f64, f64)>) -> Result<ModelTest, ValueError> {
    let sum = |of: fn(&(f64, f64)) -> f64| chunked_sum(pairs.iter().map(of));
    let nested = if one.is_nested_in(other) {
        Some((sum(|pair| pair.0), sum(|pair| pair.1)))
    } else if other.is_nested_in(one) {
        Some((sum(|pair| pair.1), sum(|pair| pair.0)))
    } else {
        None
    };
    if let Some((simple, general)) = nested {
        // A general model that is no better was not fitted by maximum likelihood to these data.
        if let Ok(test) = LikelihoodRatio::new(simple, general, one.size().abs_diff(other.size())) {
            return Ok(ModelTest::LikelihoodRatio(test.irregular()));
        }
    }
    Ok(ModelTest::Vuong(Vuong::of(pairs, one.size(), other.size())?))
}
