use super::PainError;
use crate::numeric::standardised::Standardised;
use crate::tag::Tag;

/// One column of a [`DriverTable`], borrowed: what each customer met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DriverColumn<'a> {
    /// A number for each row: a rating, a wait, a count.
    Numbers(&'a [f64]),
    /// Whether something happened: counts as 1 and 0.
    Flags(&'a [bool]),
    /// A number where it is known.
    Known(&'a [Option<f64>]),
}

impl<'a> From<&'a [f64]> for DriverColumn<'a> {
    fn from(numbers: &'a [f64]) -> Self {
        Self::Numbers(numbers)
    }
}

impl<'a> From<&'a [bool]> for DriverColumn<'a> {
    fn from(flags: &'a [bool]) -> Self {
        Self::Flags(flags)
    }
}

impl<'a> From<&'a [Option<f64>]> for DriverColumn<'a> {
    fn from(known: &'a [Option<f64>]) -> Self {
        Self::Known(known)
    }
}

impl DriverColumn<'_> {
    const fn len(self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Flags(flags) => flags.len(),
            Self::Known(known) => known.len(),
        }
    }

    fn cells(self) -> Vec<Option<f64>> {
        match self {
            Self::Numbers(numbers) => numbers.iter().copied().map(Some).collect(),
            Self::Flags(flags) => flags.iter().map(|&flag| Some(f64::from(u8::from(flag)))).collect(),
            Self::Known(known) => known.to_vec(),
        }
    }
}

/// Numbers beyond this size have squares that leave the range.
pub(super) const LARGEST: f64 = 1e100;

/// What customers met at touch points, a named column for each attribute and a row for each customer (or answer): the
/// input of [`odds_ratios`](Self::odds_ratios), [`key_drivers`](Self::key_drivers) and
/// [`penalty_reward`](Self::penalty_reward), which say what of it moves an outcome.
///
/// Shards may be [appended](Self::append). The order of rows moves the last digits of results, and decides which rows
/// are drawn again for the intervals of [`key_drivers`](Self::key_drivers); nothing else.
///
/// The outcome is no part of the table: it is given to each analysis as a column of equal length, `&[bool]` (came back,
/// promoter) or `&[f64]` (satisfaction, likelihood to recommend). Where it is not known, there must be no row.
///
/// What is not known of a driver is `None`. It is never filled in: rows in which any driver is missing are left out of
/// an analysis, and every result says how many. That is right where it is missing by chance, and not where those who
/// were hurt most stay silent. See [`missing`](Self::missing) before trusting it, and [`select`](Self::select) to do
/// without a driver that is rarely known.
///
/// # Cost
/// 16 bytes a cell.
///
/// # Example
/// ```
/// use patronage::Tag;
/// use patronage::pain::{DriverTable, PainError};
///
/// let mut table = DriverTable::new([Tag::literal("wait_minutes"), Tag::literal("transferred")])?;
/// table.push(&[Some(3.0), Some(0.0)])?;
/// table.push(&[None, Some(1.0)])?;
/// assert_eq!((table.rows(), table.missing()), (2, [1, 0].as_slice()));
///
/// let columns = DriverTable::from_columns([(Tag::literal("wait_minutes"), [3.0, 8.5].as_slice())])?;
/// assert_eq!(columns.rows(), 2);
/// let refused = table.push(&[Some(f64::NAN), None]).unwrap_err();
/// assert_eq!(refused.to_string(), "driver `wait_minutes`: row 2 is no number of a size up to 1e100, got NaN");
/// # Ok::<(), PainError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DriverTable {
    drivers: Vec<Tag>,
    columns: Vec<Vec<Option<f64>>>,
    missing: Vec<u64>,
}

impl DriverTable {
    /// An empty table with these columns.
    ///
    /// # Errors
    /// [`PainError::NoDrivers`] without any, [`PainError::RepeatedDriver`] where a name comes twice.
    pub fn new(drivers: impl IntoIterator<Item = Tag>) -> Result<Self, PainError> {
        let drivers: Vec<Tag> = drivers.into_iter().collect();
        if drivers.is_empty() {
            return Err(PainError::NoDrivers);
        }
        for (place, &driver) in drivers.iter().enumerate() {
            if drivers.iter().take(place).any(|&before| before == driver) {
                return Err(PainError::RepeatedDriver { driver });
            }
        }
        let (columns, missing) = (vec![Vec::new(); drivers.len()], vec![0; drivers.len()]);
        Ok(Self { drivers, columns, missing })
    }

    /// A table of columns that are there already; numbers, flags, or numbers where they are known.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`PainError::DriverLength`] for the first column that differs in length from the first one,
    /// and [`PainError::DriverValue`] for the first number that is NaN or above 1e100 in size.
    ///
    /// # Cost
    /// O(cells), which are copied.
    pub fn from_columns<'a, C: Into<DriverColumn<'a>>>(
        columns: impl IntoIterator<Item = (Tag, C)>,
    ) -> Result<Self, PainError> {
        let named: Vec<(Tag, DriverColumn<'a>)> =
            columns.into_iter().map(|(driver, column)| (driver, column.into())).collect();
        let mut table = Self::new(named.iter().map(|&(driver, _)| driver))?;
        let expected = named.first().map_or(0, |(_, column)| column.len());
        table.columns.clear();
        for ((driver, column), missing) in named.into_iter().zip(&mut table.missing) {
            let found = column.len();
            if found != expected {
                return Err(PainError::DriverLength { driver, expected, found });
            }
            let cells = column.cells();
            for (row, cell) in cells.iter().enumerate() {
                check(driver, row, *cell)?;
                *missing += u64::from(cell.is_none());
            }
            table.columns.push(cells);
        }
        Ok(table)
    }

    /// Adds a row: a number for each driver, in their order, `None` where it is not known.
    ///
    /// # Errors
    /// [`PainError::RowLength`] when there are fewer or more numbers than drivers, [`PainError::DriverValue`] for the first
    /// that is NaN or above 1e100 in size. The table is unchanged then.
    pub fn push(&mut self, row: &[Option<f64>]) -> Result<(), PainError> {
        let (expected, found) = (self.drivers.len(), row.len());
        if expected != found {
            return Err(PainError::RowLength { row: self.rows(), expected, found });
        }
        let number = self.rows();
        self.drivers.iter().zip(row).try_for_each(|(&driver, &cell)| check(driver, number, cell))?;
        for ((column, missing), &cell) in self.columns.iter_mut().zip(&mut self.missing).zip(row) {
            column.push(cell);
            *missing += u64::from(cell.is_none());
        }
        Ok(())
    }

    /// Adds the rows of another table, of another shard say, after those that are there.
    ///
    /// # Errors
    /// [`PainError::DifferentMaps`] when it has other drivers, or the same ones in another order. The table is unchanged
    /// then.
    pub fn append(&mut self, other: &Self) -> Result<(), PainError> {
        if self.drivers != other.drivers {
            return Err(PainError::DifferentMaps { part: "drivers" });
        }
        self.columns.iter_mut().zip(&other.columns).for_each(|(mine, theirs)| mine.extend_from_slice(theirs));
        self.missing.iter_mut().zip(&other.missing).for_each(|(mine, theirs)| *mine += theirs);
        Ok(())
    }

    /// The table with these drivers only, in this order.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`PainError::UnknownDriver`] for the first that the table does not have.
    pub fn select(&self, drivers: &[Tag]) -> Result<Self, PainError> {
        let mut selected = Self::new(drivers.iter().copied())?;
        selected.columns.clear();
        selected.missing.clear();
        for &driver in drivers {
            let known = self.drivers.iter().position(|&known| known == driver);
            let place = known.ok_or(PainError::UnknownDriver { driver })?;
            selected.columns.push(self.columns.get(place).cloned().unwrap_or_default());
            selected.missing.push(self.missing.get(place).copied().unwrap_or(0));
        }
        Ok(selected)
    }

    /// The drivers, in the order of the columns.
    pub fn drivers(&self) -> &[Tag] {
        &self.drivers
    }

    /// How many rows there are, complete or not.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// In how many rows each driver is missing.
    pub fn missing(&self) -> &[u64] {
        &self.missing
    }

    pub(super) fn empty(&self) -> Self {
        let (columns, missing) = (vec![Vec::new(); self.drivers.len()], vec![0; self.drivers.len()]);
        Self { drivers: self.drivers.clone(), columns, missing }
    }

    /// The rows in which every driver is known, beside the outcome of each.
    pub(super) fn complete<T: Copy>(&self, outcome: &[T]) -> Result<Complete<T>, PainError> {
        let (expected, found) = (self.rows(), outcome.len());
        if expected != found {
            return Err(PainError::ColumnLength { column: "outcome", expected, found });
        }
        let is_complete: Vec<bool> = (0..expected)
            .map(|row| self.columns.iter().all(|column| matches!(column.get(row), Some(Some(_)))))
            .collect();
        let kept = |row: usize| is_complete.get(row).copied().unwrap_or(false);
        let columns = self.columns.iter().map(|column| {
            let cells = column.iter().enumerate().filter(|&(row, _)| kept(row));
            cells.filter_map(|(_, cell)| *cell).collect::<Vec<f64>>()
        });
        let rows = is_complete.iter().filter(|&&complete| complete).count();
        Ok(Complete {
            columns: columns.collect(),
            outcome: outcome
                .iter()
                .zip(&is_complete)
                .filter(|&(_, &kept)| kept)
                .map(|(&value, _)| value)
                .collect(),
            rows: rows as u64,
            left_out: (expected - rows) as u64,
        })
    }

    /// The driver of a column.
    pub(super) fn driver(&self, column: usize) -> Tag {
        const NONE: Tag = Tag::literal("none");
        self.drivers.get(column).copied().unwrap_or(NONE)
    }
}

fn check(driver: Tag, row: usize, cell: Option<f64>) -> Result<(), PainError> {
    match cell {
        Some(value) if value.is_nan() || value.abs() > LARGEST => {
            Err(PainError::DriverValue { driver, row, value })
        }
        _ => Ok(()),
    }
}

/// Complete rows, column by column, and their outcomes.
pub(super) struct Complete<T> {
    pub(super) columns: Vec<Vec<f64>>,
    pub(super) outcome: Vec<T>,
    pub(super) rows: u64,
    /// How many rows were not complete.
    pub(super) left_out: u64,
}

impl<T> Complete<T> {
    /// At least one row more than there are coefficients, the intercept among them.
    pub(super) fn enough(&self, drivers: usize) -> Result<(), PainError> {
        let needed = drivers as u64 + 2;
        if self.rows < needed { Err(PainError::TooFewRows { rows: self.rows, needed }) } else { Ok(()) }
    }
}

impl Complete<f64> {
    /// The outcomes must be numbers, as the drivers are.
    pub(super) fn checked(outcome: &[f64]) -> Result<&[f64], PainError> {
        let wrong = outcome.iter().position(|value| value.is_nan() || value.abs() > LARGEST);
        match wrong.and_then(|row| Some((row, *outcome.get(row)?))) {
            Some((row, value)) => Err(PainError::OutcomeValue { row, value }),
            None => Ok(outcome),
        }
    }
}

/// Standardises drivers, and after them the outcome where it is a number.
pub(super) fn standardised(
    columns: &[Vec<f64>],
    name: impl Fn(usize) -> Tag,
    drivers: usize,
) -> Result<Standardised, PainError> {
    Standardised::new(columns).map_err(|column| {
        if column < drivers {
            PainError::ConstantDriver { driver: name(column) }
        } else {
            PainError::ConstantOutcome
        }
    })
}

#[cfg(test)]
mod tests;
