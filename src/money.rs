//! Amounts of money: whole minor units of one currency, checked arithmetic only.

mod currency;

pub use currency::Currency;

use crate::validation::ValidationError;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Why an amount could not be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoneyError {
    /// Two amounts of different currencies met; convert first.
    #[error("currencies differ: {left} and {right}")]
    CurrencyMismatch {
        /// The currency of the left amount.
        left: Currency,
        /// The currency of the right amount.
        right: Currency,
    },
    /// The result does not fit into 64 bits of minor units.
    #[error("amount in {currency} does not fit into 64 bits of minor units")]
    Overflow {
        /// The currency of the result.
        currency: Currency,
    },
    /// A computed amount was NaN or infinite.
    #[error("amount in {currency} is not a finite number")]
    NotFinite {
        /// The currency of the result.
        currency: Currency,
    },
    /// Weights to share an amount by were empty or all zero.
    #[error("nothing to share {currency} by: the weights are empty or all zero")]
    NoWeights {
        /// The currency of the amount.
        currency: Currency,
    },
}

/// An amount of money: whole minor units (cents) of one currency.
///
/// There is no `+`: every operation may fail, by overflow or because currencies differ, and says so. Amounts of
/// different currencies have no order (`partial_cmp` is `None`). JSON form: `{"minor":1234,"currency":"EUR"}`; text
/// form: `12.34 EUR`.
///
/// # Example
/// ```
/// use patronage::{Currency, Money};
///
/// let price: Money = "12.34 EUR".parse()?;
/// assert_eq!(price.minor(), 1234);
/// assert_eq!(price.checked_add(Money::new(66, Currency::EUR))?.to_string(), "13.00 EUR");
/// assert!(price.checked_add(Money::new(66, Currency::USD)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: ISO 4217 (currencies and their minor units).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// An amount in minor units: `Money::new(1234, Currency::EUR)` is 12.34 EUR.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Rounds a computed number of minor units to the nearest whole one, ties to even.
    ///
    /// Models compute in `f64`; this is the one way back to money.
    ///
    /// # Errors
    /// [`MoneyError::NotFinite`] for NaN and infinities, [`MoneyError::Overflow`] beyond 64 bits.
    pub fn rounded(minor: f64, currency: Currency) -> Result<Self, MoneyError> {
        if !minor.is_finite() {
            return Err(MoneyError::NotFinite { currency });
        }
        let whole = libm::rint(minor);
        // Both bounds are powers of two and so exact; the upper one is already one too many.
        if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole) {
            return Err(MoneyError::Overflow { currency });
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked to lie within i64 just above")]
        let minor = whole as i64;
        Ok(Self { minor, currency })
    }

    /// The number of minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether the amount is below zero: a refund, a debt.
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
        }
    }

    fn fits(self, minor: Option<i64>) -> Result<Self, MoneyError> {
        minor
            .map(|minor| Self { minor, currency: self.currency })
            .ok_or(MoneyError::Overflow { currency: self.currency })
    }

    /// Adds an amount of the same currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::Overflow`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.fits(self.minor.checked_add(other.minor))
    }

    /// Subtracts an amount of the same currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::Overflow`].
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.fits(self.minor.checked_sub(other.minor))
    }

    /// Multiplies by a whole number.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn checked_mul(self, factor: i64) -> Result<Self, MoneyError> {
        self.fits(self.minor.checked_mul(factor))
    }

    /// The amount with the other sign.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] for the one amount whose negation does not fit.
    pub fn checked_neg(self) -> Result<Self, MoneyError> {
        self.fits(self.minor.checked_neg())
    }

    /// Adds up amounts of one currency, in 128 bits, so that only the total can overflow.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::Overflow`].
    ///
    /// # Example
    /// ```
    /// use patronage::{Currency, Money};
    ///
    /// let spent = [Money::new(500, Currency::EUR), Money::new(-120, Currency::EUR)];
    /// assert_eq!(Money::sum(Currency::EUR, spent)?, Money::new(380, Currency::EUR));
    /// # Ok::<(), patronage::MoneyError>(())
    /// ```
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        let zero = Self::zero(currency);
        let mut total = 0_i128;
        for amount in amounts {
            zero.same_currency(amount)?;
            total += i128::from(amount.minor);
        }
        zero.fits(i64::try_from(total).ok())
    }

    /// Splits the amount by weights, so that the parts add up to the whole to the last minor unit.
    ///
    /// Each part gets its exact share rounded towards zero; the minor units left over go to the largest remainders,
    /// the earlier part first where remainders are equal. Cost: O(n log n).
    ///
    /// # Errors
    /// [`MoneyError::NoWeights`] when there is no weight or all are zero.
    ///
    /// # Example
    /// ```
    /// use patronage::{Currency, Money};
    ///
    /// let parts = Money::new(100, Currency::EUR).allocate(&[1, 1, 1])?;
    /// assert_eq!(parts.iter().map(|part| part.minor()).collect::<Vec<_>>(), [34, 33, 33]);
    /// # Ok::<(), patronage::MoneyError>(())
    /// ```
    pub fn allocate(self, weights: &[u32]) -> Result<Vec<Self>, MoneyError> {
        let total: i128 = weights.iter().copied().map(i128::from).sum();
        if total == 0 {
            return Err(MoneyError::NoWeights { currency: self.currency });
        }
        let mut given = 0_i128;
        let mut parts = Vec::with_capacity(weights.len());
        for (index, &weight) in weights.iter().enumerate() {
            let scaled = i128::from(self.minor) * i128::from(weight);
            given += scaled / total;
            parts.push((index, scaled / total, (scaled % total).abs()));
        }
        parts.sort_by(|a, b| b.2.cmp(&a.2).then(a.0.cmp(&b.0)));
        let mut left = i128::from(self.minor) - given;
        let unit = left.signum();
        for part in &mut parts {
            if left == 0 {
                break;
            }
            part.1 += unit;
            left -= unit;
        }
        parts.sort_by_key(|part| part.0);
        parts.into_iter().map(|part| self.fits(i64::try_from(part.1).ok())).collect()
    }
}

impl PartialOrd for Money {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self.currency == other.currency).then(|| self.minor.cmp(&other.minor))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = usize::from(self.currency.exponent());
        let scale = 10_u64.pow(u32::from(self.currency.exponent()));
        let (whole, part) = (self.minor.unsigned_abs() / scale, self.minor.unsigned_abs() % scale);
        let sign = if self.minor < 0 { "-" } else { "" };
        if digits == 0 {
            f.pad(&format!("{sign}{whole} {}", self.currency))
        } else {
            f.pad(&format!("{sign}{whole}.{part:0digits$} {}", self.currency))
        }
    }
}

impl FromStr for Money {
    type Err = ValidationError;

    /// Reads `12.34 EUR`: an optional sign, digits, at most as many decimals as the currency has, one space, the
    /// code. No thousands separators, no rounding.
    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let refuse = |rule| ValidationError::new("money", rule, text);
        let (number, code) = text.split_once(' ').ok_or_else(|| refuse("must read like `12.34 EUR`"))?;
        let currency: Currency = code.parse()?;
        Self::from_decimal(number, currency).map_err(|error| refuse(error.rule()))
    }
}

impl Money {
    /// Reads a decimal number such as `12.34` or `-3` in a known currency, exactly.
    ///
    /// # Errors
    /// [`ValidationError`] when it is no plain decimal number, has more decimals than the currency, or does not fit.
    ///
    /// # Example
    /// ```
    /// use patronage::{Currency, Money};
    ///
    /// assert_eq!(Money::from_decimal("29.33", Currency::USD)?.minor(), 2933);
    /// assert!(Money::from_decimal("29.333", Currency::USD).is_err());
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    pub fn from_decimal(number: &str, currency: Currency) -> Result<Self, ValidationError> {
        let refuse = |rule| ValidationError::new("money", rule, number);
        let (negative, digits) = match number.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || !all_digits(whole)
            || !all_digits(part)
            || (part.is_empty() && digits.contains('.'))
        {
            return Err(refuse("must be a plain decimal number"));
        }
        let exponent = usize::from(currency.exponent());
        if part.len() > exponent {
            return Err(refuse("must not have more decimals than the currency"));
        }
        let mut minor = 0_i128;
        for byte in whole.bytes().chain(part.bytes()).chain(std::iter::repeat_n(b'0', exponent - part.len()))
        {
            minor = minor * 10 + i128::from(byte - b'0');
            if minor > i128::from(i64::MAX) + 1 {
                return Err(refuse("must fit into 64 bits of minor units"));
            }
        }
        let signed = if negative { -minor } else { minor };
        i64::try_from(signed)
            .map(|minor| Self { minor, currency })
            .map_err(|_| refuse("must fit into 64 bits of minor units"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn arithmetic_refuses_instead_of_wrapping() {
        let most = Money::new(i64::MAX, Currency::EUR);
        assert_eq!(
            most.checked_add(Money::new(1, Currency::EUR)),
            Err(MoneyError::Overflow { currency: Currency::EUR })
        );
        assert_eq!(
            Money::new(i64::MIN, Currency::EUR).checked_neg(),
            Err(MoneyError::Overflow { currency: Currency::EUR })
        );
        assert_eq!(
            most.checked_sub(Money::new(1, Currency::JPY)),
            Err(MoneyError::CurrencyMismatch { left: Currency::EUR, right: Currency::JPY })
        );
        assert!(most.partial_cmp(&Money::new(1, Currency::JPY)).is_none());
    }

    #[test]
    fn sum_overflows_only_in_the_total() {
        let most = Money::new(i64::MAX, Currency::EUR);
        let back = Money::new(-i64::MAX, Currency::EUR);
        assert_eq!(Money::sum(Currency::EUR, [most, most, back, back]), Ok(Money::zero(Currency::EUR)));
        assert!(Money::sum(Currency::EUR, [most, most]).is_err());
    }

    #[test]
    fn rounding_is_half_to_even_and_total() {
        for (minor, expected) in [(0.5, 0), (1.5, 2), (-2.5, -2), (2.500_001, 3)] {
            assert_eq!(Money::rounded(minor, Currency::EUR), Ok(Money::new(expected, Currency::EUR)));
        }
        assert!(Money::rounded(f64::NAN, Currency::EUR).is_err());
        assert!(Money::rounded(f64::INFINITY, Currency::EUR).is_err());
        assert!(Money::rounded(9.3e18, Currency::EUR).is_err());
        assert!(Money::rounded(-9_223_372_036_854_775_808.0, Currency::EUR).is_ok());
    }

    #[test]
    fn text_form_follows_the_currency() {
        assert_eq!(Money::new(-5, Currency::EUR).to_string(), "-0.05 EUR");
        assert_eq!(Money::new(1500, Currency::JPY).to_string(), "1500 JPY");
        assert_eq!("1.234 BHD".parse::<Money>().unwrap().minor(), 1234);
        for wrong in
            ["", "1", "1.2.3 EUR", "1. EUR", ".5 EUR", "1e3 EUR", "1.5 JPY", "٣ EUR", "1 EURO", "1  EUR"]
        {
            assert!(wrong.parse::<Money>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole(minor: i64, weights in prop::collection::vec(0_u32.., 1..20)) {
            prop_assume!(weights.iter().any(|&weight| weight > 0));
            let whole = Money::new(minor, Currency::EUR);
            let parts = whole.allocate(&weights).unwrap();
            prop_assert_eq!(Money::sum(Currency::EUR, parts), Ok(whole));
        }

        #[test]
        fn text_and_json_round_trip(minor: i64, index in 0..Currency::ALL.len()) {
            let amount = Money::new(minor, Currency::ALL[index].parse().unwrap());
            prop_assert_eq!(amount.to_string().parse::<Money>(), Ok(amount));
            let json = serde_json::to_string(&amount).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), amount);
        }
    }
}
