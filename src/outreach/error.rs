use crate::interaction::Touchpoint;
use crate::money::MoneyError;
use crate::tag::Tag;
use crate::validation::ValidationError;

/// Why there is no answer to what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutreachError {
    /// A value was refused.
    #[error(transparent)]
    Invalid(#[from] ValidationError),
    /// An amount does not fit, or is in another currency.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The time zone database has no zone of that name.
    #[error("there is no time zone `{name}`")]
    UnknownZone {
        /// The name.
        name: String,
    },
    /// An action does not say what it is worth.
    #[error("action `{action}` has no value")]
    NoValue {
        /// Its name.
        action: Tag,
    },
    /// An action names no touch point to reach the customer by.
    #[error("action `{action}` has no touch point")]
    NoTouchpoint {
        /// Its name.
        action: Tag,
    },
    /// An amount of an action is below zero.
    #[error("action `{action}`: `{field}` must not be negative, got {minor} minor units")]
    NegativeAmount {
        /// Its name.
        action: Tag,
        /// Which amount.
        field: &'static str,
        /// What it is, in minor units.
        minor: i64,
    },
    /// Two conditions of an action leave nobody whom it is for.
    #[error("action `{action}`: nobody fits both `{one}` and `{other}`")]
    NobodyFits {
        /// Its name.
        action: Tag,
        /// One condition.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// The quiet hours of a contact policy, taken together, leave no minute of the week.
    #[error("the quiet hours leave no minute of the week for {}", by(*via))]
    AlwaysQuiet {
        /// For this touch point; `None` for all that no quiet hours name.
        via: Option<Touchpoint>,
    },
    /// An action asks for a segment that the rules do not know.
    #[error("action `{action}` asks for segment `{segment}`, which has no rule")]
    UnknownSegment {
        /// Its name.
        action: Tag,
        /// The segment.
        segment: Tag,
    },
    /// Two actions have one name.
    #[error("action `{action}` is there twice")]
    DuplicateAction {
        /// The name.
        action: Tag,
    },
    /// A half-life is no positive number of days.
    #[error("the half-life must be a positive number of days, got {days}")]
    HalfLife {
        /// What it is, as text.
        days: String,
    },
    /// A purchased item does not belong to the customers and items that were announced.
    #[error("row {row}: `{field}` must be below {limit}, got {found}")]
    OutOfRange {
        /// The row, counted from 0.
        row: usize,
        /// Which number.
        field: &'static str,
        /// How many there are.
        limit: u32,
        /// What the row holds.
        found: u32,
    },
    /// Columns differ in length.
    #[error("column `{column}` holds {found} rows where the first holds {expected}")]
    ColumnLength {
        /// The column.
        column: &'static str,
        /// Rows of the first column.
        expected: usize,
        /// Rows of this column.
        found: usize,
    },
    /// There are too many baskets, items or rows to number them.
    #[error("`{what}` must be fewer than {limit}")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// There are no baskets, so nothing is a share of them.
    #[error("there are no baskets")]
    NoBaskets,
}

fn by(via: Option<Touchpoint>) -> String {
    via.map_or("most touch points".to_owned(), |via| format!("`{via}`"))
}
