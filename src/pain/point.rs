use super::PainError;
use super::cell::{Cell, Outcomes, Place, Tally};
use super::report::PointOptions;
use crate::interaction::{InteractionId, PainKind, Touchpoint};
use crate::lifecycle::LifecycleStage;
use crate::measure::{Estimate, Share};
use crate::money::{Currency, Money};
use crate::numeric::exact;
use crate::numeric::proportion::{self, Interval, Proportion};
use crate::numeric::stratified::Stratified;
use serde::Serialize;
use std::fmt;

/// A figure, or the statement that there are too few customers for one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding<T> {
    /// Fewer customers than the minimum: nothing is said.
    TooFew {
        /// The minimum.
        minimum: u64,
    },
    /// What was found.
    Found(T),
}

impl<T> Finding<T> {
    /// What was found, if there were enough customers.
    pub const fn found(&self) -> Option<&T> {
        match self {
            Self::Found(found) => Some(found),
            Self::TooFew { .. } => None,
        }
    }
}

/// How many customers a pain point reaches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reach {
    met: u64,
    reached: u64,
    share: Estimate,
    severity: f64,
    lost: Option<Estimate<Money>>,
}

impl Reach {
    /// How many customers met it.
    pub const fn met(&self) -> u64 {
        self.met
    }

    /// How many customers reached the same stage and touch point: the anchor.
    ///
    /// Those whose contacts there are younger than the window are not counted, because their symptoms are not known
    /// yet; for defection those who made no contact there since the shortest silence that counts.
    pub const fn reached(&self) -> u64 {
        self.reached
    }

    /// The share of those who reached it that met it, with its Wilson interval.
    pub const fn share(&self) -> Estimate {
        self.share
    }

    /// How often it hits a customer who meets it: symptoms for each, at least 1 (0 where nobody met it).
    pub const fn severity(&self) -> f64 {
        self.severity
    }

    /// For defection the value that has gone with those who met it, as far as their values are known.
    ///
    /// # Formula
    /// ```text
    /// L = Σ v (1 - P(alive))      L ± z √(Σ v² P(alive) (1 - P(alive)))       within 0 and Σ v
    /// ```
    /// over the customers who met it, each lost or not independently of the others; v is their value if still a
    /// customer. It says how much went, not how much of it would have stayed: that is
    /// [`value_at_risk`](Effect::value_at_risk).
    pub const fn lost(&self) -> Option<Estimate<Money>> {
        self.lost
    }
}

/// What meeting a pain point does: a comparison among those who reached the same step, and were comparable when they
/// did.
///
/// Each customer counts once, by their **first** contact at the stage and touch point: it exposed them to the pain or
/// it did not, and afterwards they came back or not. More contacts would give customers who stay more chances to meet
/// a pain, and so make it look good.
///
/// Customers are compared within strata of what they were worth and how long they had been customers **at that
/// contact**: on how many days they had bought (0, 1, 2 to 3, 4 to 7, 8 or more) and for how long (less than 30, 180
/// or 730 days, or longer). What is known of their value today knows already whether they came back, and would hide
/// the effect. Strata with customers of one side only compare nothing and are left out of all figures.
///
/// # Formula
/// ```text
/// in stratum s       came back   did not
/// exposed               a_s        b_s       d = Σ w_s (c_s / (c_s + d_s) - a_s / (a_s + b_s)) / Σ w_s
/// not exposed           c_s        d_s       w_s = (a_s + b_s) (c_s + d_s) / (a_s + b_s + c_s + d_s)
///
/// interval of d: Sato's; odds ratio: Mantel and Haenszel's, interval by Robins, Breslow and Greenland
/// p: test of Cochran, Mantel and Haenszel, exact where Mantel and Fleiss find the numbers too small for it
/// one stratum only: Newcombe's interval; p by the pooled test, by Fisher's where a cell expects fewer than 5
/// q: Benjamini and Hochberg over all points of the report that are tested
///
/// value at risk = max(0, d) Σ v     over all customers exposed, v their value; the ends from those of d
/// ```
///
/// Source: N. Mantel, W. Haenszel, JNCI 22 (1959); T. Sato, Biometrics 45 (1989); R. G. Newcombe, Statistics in Medicine
/// 17 (1998); Y. Benjamini, Y. Hochberg, JRSS B 57 (1995).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Effect {
    exposed: Estimate,
    others: Estimate,
    fewer: Estimate,
    odds_ratio: Option<Estimate>,
    strata: u64,
    p_value: f64,
    q_value: f64,
    customers_exposed: u64,
    customers_valued: u64,
    value_at_risk: Option<Estimate<Money>>,
}

impl Effect {
    /// The share of those exposed that came back, before customers are compared within strata.
    pub const fn exposed(&self) -> Estimate {
        self.exposed
    }

    /// The share of those who reached the same step without being exposed that came back, before customers are compared
    /// within strata.
    pub const fn others(&self) -> Estimate {
        self.others
    }

    /// How much less often those exposed came back than comparable customers: the pooled difference of the shares, from
    /// -1 to 1, with its interval.
    pub const fn fewer_came_back(&self) -> Estimate {
        self.fewer
    }

    /// The odds of coming back when exposed over those of comparable customers who were not: below 1 where it harms.
    /// `None` where the data give no finite ratio or interval.
    pub const fn odds_ratio(&self) -> Option<Estimate> {
        self.odds_ratio
    }

    /// Within how many strata customers were compared.
    pub const fn strata(&self) -> u64 {
        self.strata
    }

    /// How likely a difference of this size or more would be if there were none.
    pub const fn p_value(&self) -> f64 {
        self.p_value
    }

    /// The p-value after adjusting for all points tested: of points with `q` at most 0.05 about 5 % are false.
    pub const fn q_value(&self) -> f64 {
        self.q_value
    }

    /// How many customers were exposed by any of their contacts there, not only the first.
    pub const fn customers_exposed(&self) -> u64 {
        self.customers_exposed
    }

    /// For how many of these no value was known: they put nothing at risk here.
    pub const fn without_value(&self) -> u64 {
        self.customers_exposed.saturating_sub(self.customers_valued)
    }

    /// How many customers it cost: those exposed times the difference, or 0 where they came back more often.
    pub fn customers_lost(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts of customers stay far below 2^53")]
        let exposed = self.customers_exposed as f64;
        exposed * self.fewer.value().max(0.0)
    }

    /// What it costs in money; `None` where no value of those exposed is known.
    pub const fn value_at_risk(&self) -> Option<Estimate<Money>> {
        self.value_at_risk
    }

    pub(super) const fn set_q_value(&mut self, q_value: f64) {
        self.q_value = q_value;
    }
}

/// A stage and a touch point where customers meet one kind of pain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PainPoint {
    stage: Option<LifecycleStage>,
    touchpoint: Touchpoint,
    kind: PainKind,
    reach: Finding<Reach>,
    pub(super) effect: Finding<Effect>,
    evidence: Vec<InteractionId>,
}

impl PainPoint {
    /// The stage of life; `None` where it was not known.
    pub const fn stage(&self) -> Option<LifecycleStage> {
        self.stage
    }

    /// The touch point.
    pub const fn touchpoint(&self) -> Touchpoint {
        self.touchpoint
    }

    /// The kind of pain.
    pub const fn kind(&self) -> PainKind {
        self.kind
    }

    /// How many customers meet it.
    pub const fn reach(&self) -> &Finding<Reach> {
        &self.reach
    }

    /// What it does to those who meet it.
    pub const fn effect(&self) -> &Finding<Effect> {
        &self.effect
    }

    /// Up to five interactions that show it: those with the smallest ids.
    pub fn evidence(&self) -> &[InteractionId] {
        &self.evidence
    }
}

impl fmt::Display for PainPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = self.stage.map_or("unknown stage", LifecycleStage::as_str);
        write!(f, "{stage}, {}, {}: ", self.touchpoint, self.kind)?;
        match &self.reach {
            Finding::TooFew { .. } => f.write_str("too few customers"),
            Finding::Found(reach) => write!(f, "{} of {} customers", reach.met, reach.reached),
        }
    }
}

/// The point of one kind at a place; `None` where nobody met it.
pub(super) fn of(
    place: Place,
    cell: &Cell,
    kind: PainKind,
    currency: Currency,
    options: &PointOptions,
) -> Result<Option<PainPoint>, PainError> {
    let tally = cell.tally(kind);
    if tally.met == 0 && tally.exposed == 0 {
        return Ok(None);
    }
    let Place { stage, touchpoint } = place;
    let reach = reach(cell, &tally, kind, currency, options)?;
    let effect = effect(cell, &tally, currency, options)?;
    let evidence = tally.evidence.ids().collect();
    Ok(Some(PainPoint { stage, touchpoint, kind, reach, effect, evidence }))
}

#[expect(clippy::cast_precision_loss, reason = "estimates need no more than 53 bits of the sums")]
fn reach(
    cell: &Cell,
    tally: &Tally,
    kind: PainKind,
    currency: Currency,
    options: &PointOptions,
) -> Result<Finding<Reach>, PainError> {
    let too_few = Finding::TooFew { minimum: options.minimum() };
    let defected = kind == PainKind::Defected;
    let reached = cell.reached_by(kind);
    if reached < options.minimum() {
        return Ok(too_few);
    }
    let Some(share) = Proportion::new(tally.met, reached) else { return Ok(too_few) };
    let share = share_of(share, reached, options)?;
    let severity = if tally.met == 0 { 0.0 } else { tally.symptoms as f64 / tally.met as f64 };
    let lost = if defected && tally.met_valued > 0 {
        let lost = tally.lost as f64;
        let margin = options.z() * (tally.lost_variance as f64).sqrt();
        let ends = Interval {
            lower: (lost - margin).max(0.0),
            upper: (lost + margin).min(tally.met_value as f64).max(lost),
        };
        Some(money(lost, ends, currency, options.level(), tally.met_valued)?)
    } else {
        None
    };
    Ok(Finding::Found(Reach { met: tally.met, reached, share, severity, lost }))
}

#[expect(clippy::cast_precision_loss, reason = "estimates need no more than 53 bits of the sums")]
pub(super) fn effect(
    cell: &Cell,
    tally: &Tally,
    currency: Currency,
    options: &PointOptions,
) -> Result<Finding<Effect>, PainError> {
    let too_few = Finding::TooFew { minimum: options.minimum() };
    let proportion = |group: Outcomes| Proportion::new(group.back, group.customers);
    let (mut exposed, mut others) = (Outcomes::default(), Outcomes::default());
    let (mut pooled, mut tables) = (Stratified::default(), Vec::new());
    for (one, other) in cell.first.compared(&tally.first) {
        let (Some(with), Some(without)) = (proportion(one), proportion(other)) else { continue };
        exposed.merge(one);
        others.merge(other);
        pooled.push(with, without);
        tables.push((with, without));
    }
    if exposed.customers.min(others.customers) < options.minimum() {
        return Ok(too_few);
    }
    let (Some(with), Some(without)) = (proportion(exposed), proportion(others)) else { return Ok(too_few) };
    let n = exposed.customers.saturating_add(others.customers);
    let (fewer, ends, p_value) = if tables.len() == 1 {
        let (Some(fewer), ends) = proportion::difference(without, with, options.z()) else {
            return Ok(too_few);
        };
        (fewer, ends, p_of_two(exposed, others, with, without))
    } else {
        // Pooled are the shares of the exposed less those of the others: the other way round.
        let Some((more, ends)) = pooled.risk_difference(options.z()) else { return Ok(too_few) };
        let p_value = if pooled.is_large() { pooled.p_value() } else { exact::stratified_p(tables) };
        (0.0 - more, Interval { lower: 0.0 - ends.upper, upper: 0.0 - ends.lower }, p_value)
    };
    let odds_ratio = match pooled.odds_ratio(options.z()) {
        Some((ratio, ends)) if ends.upper.is_finite() => {
            Some(Estimate::new(ratio, ends.lower, ends.upper, options.level(), n)?)
        }
        _ => None,
    };
    let value_at_risk = if tally.valued > 0 {
        let at_risk = |share: f64| tally.value as f64 * share.max(0.0);
        let ends = Interval { lower: at_risk(ends.lower), upper: at_risk(ends.upper) };
        Some(money(at_risk(fewer), ends, currency, options.level(), tally.valued)?)
    } else {
        None
    };
    Ok(Finding::Found(Effect {
        exposed: share_of(with, exposed.customers, options)?,
        others: share_of(without, others.customers, options)?,
        fewer: Estimate::new(fewer, ends.lower, ends.upper, options.level(), n)?,
        odds_ratio,
        strata: pooled.strata(),
        p_value,
        q_value: p_value,
        customers_exposed: tally.exposed,
        customers_valued: tally.valued,
        value_at_risk,
    }))
}

/// How likely two shares this far apart are if they are equal.
pub(super) fn p_of_two(one: Outcomes, other: Outcomes, share: Proportion, other_share: Proportion) -> f64 {
    if least_expected(one, other) < 5.0 {
        exact::fisher_p(one.back, one.customers, other.back, other.customers)
    } else {
        proportion::pooled_p(share, other_share)
    }
}

/// The smallest count that equal shares would lead one to expect in the table.
#[expect(clippy::cast_precision_loss, reason = "a rule of thumb needs no more than 53 bits of the counts")]
fn least_expected(one: Outcomes, other: Outcomes) -> f64 {
    let row = one.customers.min(other.customers) as f64;
    let back = one.back.saturating_add(other.back);
    let all = one.customers.saturating_add(other.customers);
    let column = back.min(all.saturating_sub(back)) as f64;
    row * column / (all as f64).max(1.0)
}

pub(super) fn share_of(
    proportion: Proportion,
    n: u64,
    options: &PointOptions,
) -> Result<Estimate, PainError> {
    let ends = proportion.wilson(options.z());
    Ok(Estimate::new(proportion.share().unwrap_or(0.0), ends.lower, ends.upper, options.level(), n)?)
}

fn money(
    value: f64,
    ends: Interval,
    currency: Currency,
    level: Share,
    n: u64,
) -> Result<Estimate<Money>, PainError> {
    let rounded = |minor| Money::rounded(minor, currency);
    Ok(Estimate::new(rounded(value)?, rounded(ends.lower)?, rounded(ends.upper)?, level, n)?)
}
