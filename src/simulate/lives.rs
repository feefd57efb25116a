use super::recorder::{Recorder, Symptoms};
use super::sketch::Sketch;
use super::{Buyer, Company, PlantedPain, PlantedTruth, SimulateError, Stream, Truth, stream};
use crate::customer::CustomerId;
use crate::interaction::{Interaction, PainKind};
use crate::lifecycle::{LifecycleHistory, StageChange, StageReason};
use crate::tag::Tag;
use crate::validation::ValidationError;
use chrono::DateTime;
use rand::RngExt;

/// How often the odds are set anew, because one pain point changes who reaches the next.
const ROUNDS: usize = 6;
const STAFF: usize = 40;

/// What planted pain does to purchases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purchases {
    /// They are facts and stay. Who did not buy again meets the pain more often, so that the contrast has the wanted
    /// size.
    Given,
    /// They are drawn, and end where the pain drives the customer away: the pain is a cause.
    Simulated,
}

/// The chances of one planted pain point.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Odds {
    /// To meet it, for customers who buy after the contact.
    if_bought: f64,
    /// To meet it, for customers who do not.
    if_not: f64,
    /// To stop buying on meeting it.
    stop: f64,
}

/// What is decided for one customer: how many purchases happen, and which pain is met in which contact.
#[derive(Debug, Default)]
struct Fate {
    kept: usize,
    /// For each planted pain: the position of the contact, whether it was met there, whether a purchase followed.
    reached: Vec<Option<(usize, bool, bool)>>,
    /// For each planted pain: the purchases that it prevented.
    prevented: Vec<usize>,
    /// For each planted pain: the uniform numbers that decide on meeting and on stopping.
    chances: Vec<(f64, f64)>,
    /// Whether the last contact is the one after which the customer is silent.
    silent: bool,
}

/// The simulated lives of given customers: an iterator of [`Life`], one customer at a time, and the [`Truth`].
///
/// Holds nothing per customer; each life is drawn when it is asked for, always the same.
#[derive(Clone, Debug)]
pub struct Lives<'a> {
    buyers: &'a [Buyer<'a>],
    company: Company,
    purchases: Purchases,
    seed: u64,
    seed_text: String,
    staff: Vec<Tag>,
    minor_per_cent: f64,
    odds: Vec<Odds>,
    truth: Truth,
}

/// What one customer went through.
#[derive(Clone, Debug, PartialEq)]
pub struct Life {
    customer: CustomerId,
    interactions: Vec<Interaction>,
    lifecycle: LifecycleHistory,
    purchases: usize,
    met: Vec<usize>,
}

impl Life {
    /// Who it is.
    pub const fn customer(&self) -> CustomerId {
        self.customer
    }

    /// Every contact, in order of time.
    pub fn interactions(&self) -> &[Interaction] {
        &self.interactions
    }

    /// The stages they went through.
    pub const fn lifecycle(&self) -> &LifecycleHistory {
        &self.lifecycle
    }

    /// How many of the purchases happened: all of them, unless they were simulated and pain drove the customer away.
    pub const fn purchases(&self) -> usize {
        self.purchases
    }

    /// Which planted pain points they met: positions in [`Company::planted`], ascending.
    pub fn met(&self) -> &[usize] {
        &self.met
    }

    /// Takes the contacts and the stages out.
    pub fn into_parts(self) -> (Vec<Interaction>, LifecycleHistory) {
        (self.interactions, self.lifecycle)
    }
}

/// Draws the life around the purchases of given customers: contacts, stages, and the company's planted pain points.
///
/// Around each purchase there is ordinary life: advertising and advice before the first one; order, invoice and parcel;
/// questions about both; support, self-service, newsletters; what long silence brings. Where a contact leaves something to
/// do, the company does it within three days. Every contact has the waits,
/// costs, outcomes, feelings usual at its place, and with a small chance a symptom of any kind that has no effect.
///
/// A planted pain point is met at the first contact that a customer has in its place (stage, touch point, engagement), or
/// never. It shows in the contacts as the kind says:
///
/// | kind | symptom |
/// |---|---|
/// | lost | the contact is abandoned, and two or three more attempts at the same place within the hour are too |
/// | confused | one or two more contacts for the same reason, each within four days, half of them by another channel |
/// | frustrated | eight to fourteen times the usual wait, two or three transfers, low sentiment, effort of 1 or 2 of 7 |
/// | defected | an unanswered question or a complaint; who buys no more is silent from then on |
///
/// So compare, among those who reach a place, who met the pain at their first contact there with who did not. Symptoms
/// counted over all contacts follow the number of contacts, and with it the number of purchases: such a comparison is
/// confounded, here as in life.
///
/// # Arguments
/// `buyers`: the customers, each once; `purchases`: whether the pain may end their purchases; `seed`: the only source of
/// chance.
///
/// # Returns
/// The lives, to be drawn one at a time, and the truth about what was planted.
///
/// # Errors
/// [`SimulateError::Repeated`] when a customer is given twice.
///
/// # Formula
/// ```text
/// rho    reach: share of those who reach the place that meets the pain
/// delta  effect: P(buys again | not met) - P(buys again | met), among those who reach the place
/// g      share of those who reach the place that bought again afterwards, as given
///
/// given:      P(met | did not buy again) = rho + delta rho (1 - rho) / (1 - g)
///             P(met | bought again)      = rho - delta rho (1 - rho) / g
/// simulated:  P(met) = rho;  who met it and would buy again stops with probability delta / P(buys again | not met)
/// ```
/// By Bayes' rule the first two give reach rho and risk difference delta exactly in expectation. They exist while
/// delta rho <= 1 - g and delta (1 - rho) <= g; beyond, the most possible is planted
/// ([`PlantedTruth::is_attainable`]). "Again" is any purchase after the contact until the end of the observation.
///
/// # Cost
/// O(contacts); a few passes over all customers to set the odds, then one to draw. Memory for one life at a time, and an
/// identity per customer while they are checked to differ.
///
/// # Example
/// ```
/// use patronage::Period;
/// use patronage::customer::CustomerId;
/// use patronage::simulate::{Buyer, Company, Purchases, interactions};
///
/// let observed = Period::new("1996-10-01T00:00:00Z".parse()?, "1998-07-01T00:00:00Z".parse()?)?;
/// let bought = ["1997-01-01T00:00:00Z".parse()?, "1997-01-18T00:00:00Z".parse()?];
/// let buyers = [Buyer::new(CustomerId::derive(&["cdnow", "00004"]), &bought, observed)?];
///
/// let lives = interactions(&buyers, &Company::without_pain(), Purchases::Given, 42)?;
/// let life = lives.life(0).ok_or("there is one customer")??;
/// let orders = life.interactions().iter().filter(|contact| contact.at() == bought[0]);
/// assert_eq!(orders.count(), 1);
/// assert_eq!(life.purchases(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn interactions<'a>(
    buyers: &'a [Buyer<'a>],
    company: &Company,
    purchases: Purchases,
    seed: u64,
) -> Result<Lives<'a>, SimulateError> {
    let mut customers: Vec<CustomerId> = buyers.iter().map(Buyer::customer).collect();
    customers.sort_unstable();
    if let Some(customer) = customers.windows(2).find_map(|pair| match pair {
        [one, other] if one == other => Some(*one),
        _ => None,
    }) {
        return Err(SimulateError::Repeated { customer });
    }
    let exponent = f64::from(company.currency().exponent());
    let staff = (0..STAFF).map(|number| Tag::new(&format!("agent_{number:02}"))).collect::<Result<_, _>>()?;
    let odds = company.planted().iter().map(|_| Odds { if_bought: 0.0, if_not: 0.0, stop: 0.0 }).collect();
    let mut lives = Lives {
        buyers,
        company: company.clone(),
        purchases,
        seed,
        seed_text: seed.to_string(),
        staff,
        minor_per_cent: libm::pow(10.0, exponent - 2.0),
        odds,
        truth: Truth::default(),
    };
    lives.plant();
    Ok(lives)
}

impl Lives<'_> {
    /// What was planted and what came of it.
    pub const fn truth(&self) -> &Truth {
        &self.truth
    }

    /// How many customers there are.
    pub const fn len(&self) -> usize {
        self.buyers.len()
    }

    /// Whether there is nobody.
    pub const fn is_empty(&self) -> bool {
        self.buyers.is_empty()
    }

    /// The life of the customer at a position; `None` beyond the last. May be called from many threads at once.
    ///
    /// # Errors
    /// [`ValidationError`] should a drawn value be refused by its own type.
    pub fn life(&self, index: usize) -> Option<Result<Life, ValidationError>> {
        self.buyers.get(index).map(|buyer| self.draw(buyer))
    }

    /// All lives in the order of the customers, each drawn when it is asked for.
    pub fn iter(&self) -> LivesIter<'_> {
        LivesIter { lives: self, left: self.buyers.iter() }
    }

    /// Sets the odds of each pain point from who reaches it, until they no longer change, and counts what comes of it.
    fn plant(&mut self) {
        self.truth = self.count();
        if self.company.planted().is_empty() {
            return;
        }
        for _ in 0..ROUNDS {
            let odds: Vec<_> = self.truth.planted.iter().map(|truth| odds(truth, self.purchases)).collect();
            let settled = odds.iter().zip(&self.odds).all(|((new, _), old)| {
                (new.if_bought - old.if_bought).abs() < 1e-3
                    && (new.if_not - old.if_not).abs() < 1e-3
                    && (new.stop - old.stop).abs() < 1e-3
            });
            if settled {
                break;
            }
            self.odds = odds.iter().map(|&(odds, _)| odds).collect();
            self.truth = self.count();
            for (truth, (_, attainable)) in self.truth.planted.iter_mut().zip(odds) {
                truth.attainable = attainable;
            }
        }
    }

    fn count(&self) -> Truth {
        let planted = self.company.planted().iter().map(|&pain| PlantedTruth {
            pain,
            met: super::Met::default(),
            not_met: super::Met::default(),
            purchases_lost: 0,
            attainable: true,
        });
        let mut planted: Vec<PlantedTruth> = planted.collect();
        if !planted.is_empty() {
            let (mut sketch, mut fate) = (Sketch::default(), Fate::default());
            for buyer in self.buyers {
                self.decide(buyer, &mut sketch, &mut fate);
                for ((truth, reached), prevented) in
                    planted.iter_mut().zip(&fate.reached).zip(&fate.prevented)
                {
                    truth.purchases_lost += *prevented as u64;
                    match *reached {
                        Some((_, true, bought)) => truth.met.count(bought),
                        Some((_, false, bought)) => truth.not_met.count(bought),
                        None => {}
                    }
                }
            }
        }
        Truth { customers: self.buyers.len() as u64, planted }
    }

    /// Sketches a life and decides which pain it meets. Each time a pain drives the customer away, the life is sketched
    /// again without what would have come; up to that contact it is the same.
    fn decide(&self, buyer: &Buyer<'_>, sketch: &mut Sketch, fate: &mut Fate) {
        let pains = self.company.planted();
        let customer = buyer.customer();
        let mut rng = stream(self.seed, Stream::Planting, customer);
        fate.chances.clear();
        fate.chances.extend(pains.iter().map(|_| (rng.random::<f64>(), rng.random::<f64>())));
        fate.prevented.clear();
        fate.prevented.resize(pains.len(), 0);
        fate.kept = buyer.purchases().len();
        while !self.sketched(buyer, sketch, fate) {}
    }

    /// Returns whether the life is as it happened; otherwise fewer purchases are left, and it must be sketched again.
    fn sketched(&self, buyer: &Buyer<'_>, sketch: &mut Sketch, fate: &mut Fate) -> bool {
        let pains = self.company.planted();
        sketch.draw(buyer, fate.kept, &mut stream(self.seed, Stream::Contacts, buyer.customer()));
        fate.silent = false;
        fate.reached.clear();
        fate.reached.resize(pains.len(), None);
        for (index, step) in sketch.steps.iter().enumerate() {
            let mut silent = false;
            let each = pains.iter().zip(&self.odds).zip(&fate.chances);
            for (((pain, odds), &(to_meet, to_stop)), (reached, prevented)) in
                each.zip(fate.reached.iter_mut().zip(&mut fate.prevented))
            {
                if reached.is_some() || !pain.is_at(step.stage, step.habit.touchpoint, step.habit.engagement)
                {
                    continue;
                }
                let by_then = buyer.bought_by(step.at);
                let bought = by_then < fate.kept;
                let met = to_meet < if bought { odds.if_bought } else { odds.if_not };
                if met && bought && to_stop < odds.stop {
                    *prevented = fate.kept - by_then;
                    fate.kept = by_then;
                    return false;
                }
                *reached = Some((index, met, bought));
                silent |= met && !bought && pain.kind == PainKind::Defected;
            }
            fate.silent = silent;
            if silent {
                sketch.steps.truncate(index + 1);
                break;
            }
        }
        true
    }

    fn draw(&self, buyer: &Buyer<'_>) -> Result<Life, ValidationError> {
        let (mut sketch, mut fate) = (Sketch::default(), Fate::default());
        self.decide(buyer, &mut sketch, &mut fate);
        let customer = buyer.customer();
        let name = customer.to_string();
        let mut recorder = Recorder {
            customer,
            names: [&self.seed_text, &name],
            currency: self.company.currency(),
            minor_per_cent: self.minor_per_cent,
            staff: &self.staff,
            end: buyer.observed().end().timestamp_micros(),
            rng: stream(self.seed, Stream::Recording, customer),
            recorded: Vec::with_capacity(sketch.steps.len() + 4),
        };
        let background = self.company.background().get();
        let end = recorder.end;
        let last = sketch.steps.last().filter(|_| fate.silent).map_or(end, |step| step.at);
        for (index, step) in sketch.steps.iter().enumerate() {
            let mut mishap = recorder.rng.random::<f64>();
            let mut symptoms = Symptoms::default();
            for (pain, reached) in self.company.planted().iter().zip(&fate.reached) {
                if matches!(reached, Some((at, true, _)) if *at == index) {
                    symptoms.add(pain.kind);
                }
            }
            // Where planted pain is met nothing else goes wrong, and nothing comes after the last contact.
            if symptoms.none() {
                for &kind in PainKind::ALL {
                    if (0.0..background).contains(&mishap) {
                        symptoms.add(kind);
                    }
                    mishap -= background;
                }
            }
            recorder.end = if index + 1 == sketch.steps.len() { end } else { last };
            recorder.record(step, symptoms, sketch.stage_ends(step.at))?;
        }
        let mut interactions = recorder.recorded;
        interactions.sort_by_key(Interaction::at);

        let mut lifecycle = LifecycleHistory::new();
        for &(from, stage) in &sketch.stages {
            let at = DateTime::from_timestamp_micros(from).unwrap_or_default();
            lifecycle.push(StageChange::new(stage, at, StageReason::Observed)?)?;
        }
        let met =
            fate.reached.iter().enumerate().filter(|(_, reached)| matches!(reached, Some((_, true, _))));
        let met = met.map(|(index, _)| index).collect();
        Ok(Life { customer, interactions, lifecycle, purchases: fate.kept, met })
    }
}

/// Draws one life after the other; made by [`Lives::iter`].
#[derive(Clone, Debug)]
pub struct LivesIter<'a> {
    lives: &'a Lives<'a>,
    left: std::slice::Iter<'a, Buyer<'a>>,
}

impl Iterator for LivesIter<'_> {
    type Item = Result<Life, ValidationError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left.next().map(|buyer| self.lives.draw(buyer))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl ExactSizeIterator for LivesIter<'_> {}

impl<'a> IntoIterator for &'a Lives<'_> {
    type Item = Result<Life, ValidationError>;
    type IntoIter = LivesIter<'a>;

    fn into_iter(self) -> LivesIter<'a> {
        self.iter()
    }
}

/// The odds that give a pain point its reach and effect among those who reached its place, and whether they exist.
fn odds(truth: &PlantedTruth, purchases: Purchases) -> (Odds, bool) {
    let PlantedPain { reach, effect, .. } = *truth.pain();
    let (reach, effect) = (reach.get(), effect.get());
    let chance = |chance: f64| (chance.clamp(0.0, 1.0), (-1e-12..=1.0 + 1e-12).contains(&chance));
    let nothing = (Odds { if_bought: reach, if_not: reach, stop: 0.0 }, effect == 0.0 || reach == 0.0);
    match purchases {
        Purchases::Given => {
            let reached = truth.reached();
            let bought = truth.met.bought_again + truth.not_met.bought_again;
            if bought == 0 || bought == reached {
                return nothing;
            }
            #[expect(clippy::cast_precision_loss, reason = "counts of customers stay far below 53 bits")]
            let g = bought as f64 / reached as f64;
            let shift = effect * reach * (1.0 - reach);
            let (if_not, possible_not) = chance(reach + shift / (1.0 - g));
            let (if_bought, possible) = chance(reach - shift / g);
            (Odds { if_bought, if_not, stop: 0.0 }, possible && possible_not)
        }
        Purchases::Simulated => {
            let base = truth.not_met.share().map_or(0.0, crate::measure::Share::get);
            if base == 0.0 {
                return nothing;
            }
            let (stop, possible) = chance(effect / base);
            (Odds { if_bought: reach, if_not: reach, stop }, possible)
        }
    }
}
