use super::{Contact, PainError};
use crate::measure::Share;
use crate::money::Money;

/// What a customer is worth to the company, as some value model says.
///
/// `value` is what they are expected to bring **if they are still a customer**: a lifetime value that is not yet
/// multiplied by P(alive). Those with a negative value put nothing at risk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worth {
    value: Money,
    p_alive: Share,
}

impl Worth {
    /// The value of a customer who is still one, and how likely they are.
    pub const fn new(value: Money, p_alive: Share) -> Self {
        Self { value, p_alive }
    }

    /// The value of the customer if still one.
    pub const fn value(&self) -> Money {
        self.value
    }

    /// How likely the customer still is one.
    pub const fn p_alive(&self) -> Share {
        self.p_alive
    }
}

/// What one customer lived through: contacts and purchases in order of time, and what they are worth where known.
///
/// # Example
/// ```
/// use patronage::pain::{Experience, PainError};
///
/// assert!(Experience::new(&[], &[20_000, 20_000, 20_031]).is_ok());
/// let refused = Experience::new(&[], &[20_031, 20_000]).unwrap_err();
/// assert_eq!(refused, PainError::PurchasesOutOfOrder { purchase: 1 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Experience<'a> {
    pub(super) contacts: &'a [Contact],
    pub(super) purchase_days: &'a [i32],
    pub(super) worth: Option<Worth>,
}

impl<'a> Experience<'a> {
    /// Borrows a customer's contacts in order of time (equal instants in the order they are given) and the days of
    /// their purchases (since 1970-01-01, UTC; a day may come more than once).
    ///
    /// # Errors
    /// [`PainError::ContactsOutOfOrder`] or [`PainError::PurchasesOutOfOrder`] where time goes back.
    ///
    /// # Cost
    /// O(contacts + purchases), nothing is copied.
    pub fn new(contacts: &'a [Contact], purchase_days: &'a [i32]) -> Result<Self, PainError> {
        let back = contacts.iter().zip(contacts.iter().skip(1)).position(|(a, b)| a.at() > b.at());
        if let Some(before) = back {
            return Err(PainError::ContactsOutOfOrder { contact: before + 1 });
        }
        let back = purchase_days.iter().zip(purchase_days.iter().skip(1)).position(|(a, b)| a > b);
        if let Some(before) = back {
            return Err(PainError::PurchasesOutOfOrder { purchase: before + 1 });
        }
        Ok(Self { contacts, purchase_days, worth: None })
    }

    /// Adds what the customer is worth.
    #[must_use]
    pub const fn worth(self, worth: Worth) -> Self {
        Self { worth: Some(worth), ..self }
    }

    /// The contacts, in order of time.
    pub const fn contacts(&self) -> &'a [Contact] {
        self.contacts
    }

    /// The days of purchases, in order of time.
    pub const fn purchase_days(&self) -> &'a [i32] {
        self.purchase_days
    }
}
