use super::SimulateError;
use crate::interaction::{Engagement, PainKind, Touchpoint};
use crate::lifecycle::LifecycleStage;
use crate::measure::Share;
use crate::money::Currency;

/// A pain point that is planted on purpose, with its true reach and its true effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlantedPain {
    /// What it does to customers.
    pub kind: PainKind,
    /// The stage of life in which it is met.
    pub stage: LifecycleStage,
    /// The touch point at which it is met.
    pub touchpoint: Touchpoint,
    /// The part of the business in which it is met.
    pub engagement: Engagement,
    /// The share of the customers who reach stage, touch point and part of the business that meet it there.
    pub reach: Share,
    /// By how much meeting it lowers the chance to buy again, among those who reach the place.
    ///
    /// ```text
    /// effect = P(buys again | reached, not met) - P(buys again | reached, met)
    /// ```
    pub effect: Share,
}

impl PlantedPain {
    pub(super) fn is_at(
        &self,
        stage: LifecycleStage,
        touchpoint: Touchpoint,
        engagement: Engagement,
    ) -> bool {
        self.stage == stage && self.touchpoint == touchpoint && self.engagement == engagement
    }
}

/// The company whose customers are simulated: its money, its everyday mishaps, and its planted pain points.
///
/// # Example
/// ```
/// use patronage::simulate::Company;
///
/// assert_eq!(Company::default().planted().len(), 4);
/// assert!(Company::without_pain().planted().is_empty());
/// assert_eq!(Company::default().background(), Company::without_pain().background());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Company {
    currency: Currency,
    background: Share,
    planted: Vec<PlantedPain>,
}

/// The default pain points with reach and effect, the costliest first.
const DEFAULT: [(PainKind, LifecycleStage, Touchpoint, Engagement, f64, f64); 4] = [
    (
        PainKind::Frustrated,
        LifecycleStage::Existing,
        Touchpoint::PhoneCallCentre,
        Engagement::Support,
        0.32,
        0.33,
    ),
    (PainKind::Lost, LifecycleStage::Existing, Touchpoint::SelfService, Engagement::Ordering, 0.20, 0.26),
    (PainKind::Confused, LifecycleStage::Purchase, Touchpoint::Chat, Engagement::Fulfilment, 0.20, 0.22),
    (PainKind::Defected, LifecycleStage::Purchase, Touchpoint::PhoneInHouse, Engagement::Billing, 0.12, 0.22),
];

impl Default for Company {
    /// A mail-order shop that sells in US dollars, with four pain points in four different places.
    ///
    /// | kind | stage | touch point | engagement | reach | effect |
    /// |---|---|---|---|---|---|
    /// | frustrated | existing | phone, call centre | support | 32 % | 33 % |
    /// | lost | existing | self-service | ordering | 20 % | 26 % |
    /// | confused | purchase | chat | fulfilment | 20 % | 22 % |
    /// | defected | purchase | phone, in house | billing | 12 % | 22 % |
    ///
    /// They are listed by what they cost, in customers and in money.
    fn default() -> Self {
        let planted = DEFAULT.iter().map(|&(kind, stage, touchpoint, engagement, reach, effect)| {
            let share = |value| Share::new(value).unwrap_or_default();
            let (reach, effect) = (share(reach), share(effect));
            PlantedPain { kind, stage, touchpoint, engagement, reach, effect }
        });
        Self { planted: planted.collect(), ..Self::without_pain() }
    }
}

impl Company {
    /// The default company with nothing planted: the same everyday life and mishaps, none of which has an effect.
    pub fn without_pain() -> Self {
        let background = Share::new(0.004).unwrap_or_default();
        Self { currency: Currency::USD, background, planted: Vec::new() }
    }

    /// The same company, counting its costs in another currency. The amounts stay, as if a unit were a dollar.
    #[must_use]
    pub fn with_currency(self, currency: Currency) -> Self {
        Self { currency, ..self }
    }

    /// The same company, where each contact shows each kind of symptom with this chance, independently of buying.
    ///
    /// # Errors
    /// [`SimulateError::Background`] above 0.25, because the four kinds exclude each other.
    pub fn with_background(self, background: Share) -> Result<Self, SimulateError> {
        if background.get() > 0.25 {
            return Err(SimulateError::Background { background: background.get() });
        }
        Ok(Self { background, ..self })
    }

    /// The same company with one more pain point.
    ///
    /// # Errors
    /// [`SimulateError::PlantedTwice`] when the kind is planted at the place already.
    ///
    /// # Example
    /// ```
    /// use patronage::Share;
    /// use patronage::interaction::{Engagement, PainKind, Touchpoint};
    /// use patronage::lifecycle::LifecycleStage;
    /// use patronage::simulate::{Company, PlantedPain};
    ///
    /// let late_parcels = PlantedPain {
    ///     kind: PainKind::Frustrated,
    ///     stage: LifecycleStage::Purchase,
    ///     touchpoint: Touchpoint::Mail,
    ///     engagement: Engagement::Fulfilment,
    ///     reach: Share::new(0.1)?,
    ///     effect: Share::new(0.2)?,
    /// };
    /// let company = Company::without_pain().with_pain(late_parcels)?;
    /// assert!(company.with_pain(late_parcels).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_pain(mut self, pain: PlantedPain) -> Result<Self, SimulateError> {
        let PlantedPain { kind, stage, touchpoint, engagement, .. } = pain;
        let same = |other: &PlantedPain| other.kind == kind && other.is_at(stage, touchpoint, engagement);
        if self.planted.iter().any(same) {
            return Err(SimulateError::PlantedTwice { kind, stage, touchpoint, engagement });
        }
        self.planted.push(pain);
        Ok(self)
    }

    /// The currency of its costs.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The chance of each kind of symptom in each contact, whatever the customer does afterwards.
    pub const fn background(&self) -> Share {
        self.background
    }

    /// What is planted.
    pub fn planted(&self) -> &[PlantedPain] {
        &self.planted
    }
}
