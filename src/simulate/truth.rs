use super::PlantedPain;
use crate::measure::Share;

/// A group of customers, and how many of them bought again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Met {
    /// How many customers.
    pub customers: u64,
    /// How many of them bought after the contact, before the end of their observation.
    pub bought_again: u64,
}

impl Met {
    /// The share that bought again; `None` for a group of nobody.
    pub fn share(&self) -> Option<Share> {
        Share::of(self.bought_again, self.customers).unwrap_or_default()
    }

    pub(super) fn count(&mut self, bought: bool) {
        self.customers += 1;
        self.bought_again += u64::from(bought);
    }
}

/// What came of one planted pain point.
///
/// The counts are of planted exposure; everyday mishaps of the same kind at the same place come on top and have no
/// effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlantedTruth {
    pub(super) pain: PlantedPain,
    pub(super) met: Met,
    pub(super) not_met: Met,
    pub(super) purchases_lost: u64,
    pub(super) attainable: bool,
}

impl PlantedTruth {
    /// What was planted.
    pub const fn pain(&self) -> &PlantedPain {
        &self.pain
    }

    /// The customers who reached the place and met it there at their first contact.
    pub const fn met(&self) -> Met {
        self.met
    }

    /// The customers who reached the place and did not meet it.
    pub const fn not_met(&self) -> Met {
        self.not_met
    }

    /// How many customers reached the place.
    pub const fn reached(&self) -> u64 {
        self.met.customers + self.not_met.customers
    }

    /// The share of those who reached the place that met it; `None` where nobody reached it.
    pub fn reach(&self) -> Option<Share> {
        Share::of(self.met.customers, self.reached()).unwrap_or_default()
    }

    /// The effect as realised: how much rarer those who met it bought again. `None` where either group is empty.
    ///
    /// # Returns
    /// A difference of shares from -1 to 1; positive where meeting it went with buying less.
    pub fn effect(&self) -> Option<f64> {
        Some(self.not_met.share()?.get() - self.met.share()?.get())
    }

    /// The customers it cost: those who met it, times the effect as realised. `None` where there is no effect to tell.
    pub fn customers_lost(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts of customers stay far below 53 bits")]
        let met = self.met.customers as f64;
        self.effect().map(|effect| effect * met)
    }

    /// How many purchases never happened because of it; 0 where the purchases were given.
    pub const fn purchases_lost(&self) -> u64 {
        self.purchases_lost
    }

    /// Whether so much effect could be had at that reach and that chance to buy again. Where not, the most possible was
    /// planted, and [`effect`](Self::effect) tells how much.
    pub const fn is_attainable(&self) -> bool {
        self.attainable
    }
}

/// What was planted and what came of it: the answers beside which findings are held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    pub(super) customers: u64,
    pub(super) planted: Vec<PlantedTruth>,
}

impl Truth {
    /// How many customers were simulated.
    pub const fn customers(&self) -> u64 {
        self.customers
    }

    /// Each planted pain point, in the order of [`Company::planted`](super::Company::planted).
    pub fn planted(&self) -> &[PlantedTruth] {
        &self.planted
    }
}
