use super::{Contact, Experience, PainError, Worth};
use crate::measure::Share;
use crate::money::{Currency, Money};

/// Many customers as borrowed columns: their contacts one after the other, the days of their purchases likewise, and
/// where each customer's part begins and ends.
///
/// `contact_offsets` and `purchase_offsets` hold one number more than there are customers: customer `i` owns the rows
/// from `offsets[i]` to before `offsets[i + 1]`. Lengths, offsets, probabilities and the order of time are checked
/// once, here; nothing is copied.
///
/// # Example
/// ```
/// use patronage::pain::{PainColumns, PainError};
/// use patronage::Currency;
///
/// let columns = PainColumns::new(&[], &[0, 0, 0], &[10_000, 10_031, 10_040], &[0, 2, 3])?
///     .worth(Currency::USD, &[120_00, 35_00], &[0.9, 0.2])?;
/// assert_eq!(columns.len(), 2);
///
/// let refused = PainColumns::new(&[], &[0, 0], &[10_000], &[0, 2]).unwrap_err();
/// assert_eq!(refused, PainError::Offset { column: "purchase_offsets", offset: 1 });
/// # Ok::<(), PainError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PainColumns<'a> {
    contacts: &'a [Contact],
    contact_offsets: &'a [usize],
    purchase_days: &'a [i32],
    purchase_offsets: &'a [usize],
    worth: Option<WorthColumns<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct WorthColumns<'a> {
    currency: Currency,
    value_minor: &'a [i64],
    p_alive: &'a [f64],
}

impl<'a> PainColumns<'a> {
    /// Checks and borrows the columns; units as in [`Experience::new`].
    ///
    /// # Errors
    /// [`PainError::ColumnLength`] when the two columns of offsets differ in length, [`PainError::Offset`] for the
    /// first offset out of place, and [`PainError::Customer`] for the first customer whose time goes back.
    ///
    /// # Cost
    /// O(contacts + purchases).
    pub fn new(
        contacts: &'a [Contact],
        contact_offsets: &'a [usize],
        purchase_days: &'a [i32],
        purchase_offsets: &'a [usize],
    ) -> Result<Self, PainError> {
        let (expected, found) = (contact_offsets.len(), purchase_offsets.len());
        if expected != found {
            return Err(PainError::ColumnLength { column: "purchase_offsets", expected, found });
        }
        offsets("contact_offsets", contact_offsets, contacts.len())?;
        offsets("purchase_offsets", purchase_offsets, purchase_days.len())?;
        let columns = Self { contacts, contact_offsets, purchase_days, purchase_offsets, worth: None };
        for (customer, experience) in columns.rows().enumerate() {
            Experience::new(experience.contacts, experience.purchase_days)
                .map_err(|refused| refused.of_customer(customer))?;
        }
        Ok(columns)
    }

    /// Adds what the customers are worth, a row each: see [`Worth`].
    ///
    /// # Errors
    /// [`PainError::ColumnLength`] when a column does not hold one row a customer, and [`PainError::NoProbability`]
    /// for the first P(alive) that is NaN or outside 0 to 1.
    pub fn worth(
        self,
        currency: Currency,
        value_minor: &'a [i64],
        p_alive: &'a [f64],
    ) -> Result<Self, PainError> {
        let expected = self.len();
        for (column, found) in [("value_minor", value_minor.len()), ("p_alive", p_alive.len())] {
            if found != expected {
                return Err(PainError::ColumnLength { column, expected, found });
            }
        }
        let wrong = p_alive.iter().copied().enumerate().find(|&(_, p)| Share::new(p).is_err());
        if let Some((row, value)) = wrong {
            return Err(PainError::NoProbability { row, value });
        }
        Ok(Self { worth: Some(WorthColumns { currency, value_minor, p_alive }), ..self })
    }

    /// How many customers there are.
    pub const fn len(&self) -> usize {
        self.contact_offsets.len().saturating_sub(1)
    }

    /// Whether there are no customers.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The customers as rows.
    pub fn rows(&self) -> impl Iterator<Item = Experience<'a>> + Clone + use<'a> {
        let Self { contacts, purchase_days, worth, .. } = *self;
        let contacts = parts(contacts, self.contact_offsets);
        let purchases = parts(purchase_days, self.purchase_offsets);
        contacts.zip(purchases).enumerate().map(move |(customer, (contacts, purchase_days))| {
            let worth = worth.and_then(|columns| {
                let value = Money::new(*columns.value_minor.get(customer)?, columns.currency);
                Some(Worth::new(value, Share::new(*columns.p_alive.get(customer)?).ok()?))
            });
            Experience { contacts, purchase_days, worth }
        })
    }
}

fn offsets(column: &'static str, offsets: &[usize], rows: usize) -> Result<(), PainError> {
    let refuse = |offset| Err(PainError::Offset { column, offset });
    match (offsets.first(), offsets.last()) {
        // No customers at all: neither offsets nor rows.
        (None, _) if rows == 0 => return Ok(()),
        (Some(0), Some(_)) => {}
        _ => return refuse(0),
    }
    if let Some(before) = offsets.iter().zip(offsets.iter().skip(1)).position(|(a, b)| a > b) {
        return refuse(before + 1);
    }
    if offsets.last() == Some(&rows) { Ok(()) } else { refuse(offsets.len().saturating_sub(1)) }
}

/// The parts between offsets that were checked to ascend within the column.
fn parts<'a, T>(column: &'a [T], offsets: &'a [usize]) -> impl Iterator<Item = &'a [T]> + Clone + use<'a, T> {
    offsets.iter().zip(offsets.iter().skip(1)).map(|(&from, &to)| column.get(from..to).unwrap_or_default())
}
