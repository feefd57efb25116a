use crate::customer::CustomerId;
use crate::measure::Share;
use crate::numeric::hashed_draw::{seed, ten_thousandth};
use crate::tag::Tag;
use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};

const PARTS: f64 = 10_000.0;

/// Decides by chance which customers an action is withheld from, so that what it does can be told from what would have
/// happened anyway.
///
/// The name of the trial and the customer's id alone decide: a customer stays held out over restarts, machines and new
/// customers, and nothing has to be stored. Trials of other names hold out others, independently. Raising the share keeps
/// everybody who was held out. The same customers are those of the segment rule
/// [`bucket`](crate::segment::Rule::Bucket) with the name as its salt, from 0 to ten thousand times the share.
///
/// Ask with the id that facts are recorded under now; of merged customers take that of the one they were merged into.
///
/// # Formula
/// ```text
/// held out  <=>  XXH3(customer, seed = XXH3(name)) * 10,000 / 2^64 < 10,000 share        (the lower half of XXH3-128)
/// ```
///
/// # Cost
/// Two short hashes, one of which is made once; no memory.
///
/// # Example
/// ```
/// use patronage::customer::CustomerId;
/// use patronage::pain::HoldOut;
/// use patronage::{Share, Tag};
///
/// let trial = HoldOut::new(Tag::literal("call_after_refund"), Share::new(0.1)?)?;
/// let customer = |number: u32| CustomerId::derive(&["shop", &number.to_string()]);
/// let held_out = (0..10_000).filter(|&number| trial.holds(customer(number))).count();
/// assert_eq!(held_out, 983);
/// # Ok::<(), patronage::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct HoldOut {
    name: Tag,
    below: u16,
    seed: u64,
}

#[derive(Serialize, Deserialize)]
struct Fields {
    name: Tag,
    share: Share,
}

impl TryFrom<Fields> for HoldOut {
    type Error = ValidationError;

    fn try_from(fields: Fields) -> Result<Self, ValidationError> {
        Self::new(fields.name, fields.share)
    }
}

impl From<HoldOut> for Fields {
    fn from(trial: HoldOut) -> Self {
        Self { name: trial.name, share: trial.share() }
    }
}

impl HoldOut {
    /// A trial of this name that withholds its action from a share of all customers.
    ///
    /// # Errors
    /// [`ValidationError`] unless the share is a whole number of ten-thousandths above 0 and below 1: without a group on
    /// either side nothing is learnt.
    pub fn new(name: Tag, share: Share) -> Result<Self, ValidationError> {
        let parts = share.get() * PARTS;
        let whole = libm::rint(parts);
        if (parts - whole).abs() > 1e-9 || !(1.0..PARTS).contains(&whole) {
            let rule = "must be whole ten-thousandths above 0 and below 1";
            return Err(ValidationError::new("hold_out.share", rule, share.get()));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number from 1 to 9,999"
        )]
        let below = whole as u16;
        Ok(Self { name, below, seed: seed(name) })
    }

    /// The name of the trial.
    pub const fn name(&self) -> Tag {
        self.name
    }

    /// The share of all customers that is held out.
    pub fn share(&self) -> Share {
        Share::new(f64::from(self.below) / PARTS).unwrap_or_default()
    }

    /// Whether the action is withheld from this customer.
    pub fn holds(&self, customer: CustomerId) -> bool {
        ten_thousandth(self.seed, customer.as_uuid().as_bytes()) < self.below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customers() -> impl Iterator<Item = CustomerId> {
        (0..20_000_u32).map(|number| CustomerId::derive(&["test", &number.to_string()]))
    }

    fn trial(name: &'static str, share: f64) -> HoldOut {
        HoldOut::new(Tag::literal(name), Share::new(share).unwrap()).unwrap()
    }

    /// The first five are those that the segment rule of the same salt has always had.
    #[test]
    fn who_is_held_out_stays_held_out() {
        let spring = trial("spring", 0.1);
        let held: Vec<usize> =
            customers().enumerate().filter(|&(_, one)| spring.holds(one)).map(|(number, _)| number).collect();
        assert_eq!(held[..5], [1, 9, 11, 21, 23]);
        // Five standard deviations.
        assert!((1_790..2_210).contains(&held.len()), "{}", held.len());
        let wider = trial("spring", 0.2);
        assert!(customers().filter(|&one| spring.holds(one)).all(|one| wider.holds(one)));
        let both = customers().filter(|&one| spring.holds(one) && trial("autumn", 0.1).holds(one)).count();
        assert!((130..270).contains(&both), "{both}");
    }

    #[test]
    fn refuses_trials_without_a_group() {
        let name = Tag::literal("a");
        for share in [0.0, 1.0, 0.000_05, 0.123_45] {
            assert!(HoldOut::new(name, Share::new(share).unwrap()).is_err(), "{share}");
        }
        for parts in 1..10_000_u16 {
            let share = Share::new(f64::from(parts) / 10_000.0).unwrap();
            assert_eq!(HoldOut::new(name, share).unwrap().share(), share);
        }
        let text = serde_json::to_string(&trial("spring", 0.1)).unwrap();
        assert_eq!(text, r#"{"name":"spring","share":0.1}"#);
        assert_eq!(serde_json::from_str::<HoldOut>(&text).unwrap(), trial("spring", 0.1));
    }
}
