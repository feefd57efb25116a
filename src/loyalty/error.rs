use super::{Evidence, LoyaltyRung};
use crate::tag::Tag;
use crate::validation::ValidationError;
use chrono::{DateTime, Utc};

/// Why loyalty could not be measured.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LoyaltyError {
    /// A column does not fit the first one.
    #[error("column `{column}` holds {found} rows where `days` holds {expected}")]
    ColumnLength {
        /// The column.
        column: &'static str,
        /// Rows of the first column.
        expected: usize,
        /// Rows of this column.
        found: usize,
    },
    /// A spell is shorter than no time at all.
    #[error("row {row}: `days` must not be negative, got {days}")]
    NegativeDays {
        /// The first such row, counted from 0.
        row: usize,
        /// What it holds.
        days: i32,
    },
    /// A spell is longer than a table counts.
    #[error("row {row}: `days` must be at most {limit}, got {days}")]
    TooLong {
        /// The first such row, counted from 0.
        row: usize,
        /// What it holds.
        days: i32,
        /// The longest spell that is counted.
        limit: i32,
    },
    /// A spell came under observation when it was over, or before it began.
    #[error("row {row}: `entered` must be 0, or lie before the end at {days}, got {entered}")]
    EntryNotBefore {
        /// The first such row, counted from 0.
        row: usize,
        /// When it came under observation.
        entered: i32,
        /// When it ended or was last seen.
        days: i32,
    },
    /// A row belongs to a group that is not there.
    #[error("row {row}: group {group} is not one of the {groups} groups")]
    UnknownGroup {
        /// The first such row, counted from 0.
        row: usize,
        /// Its group.
        group: u16,
        /// How many there are.
        groups: u16,
    },
    /// There is nobody to make a curve of.
    #[error("there are no spells")]
    NoSpells,
    /// A group has nobody in it.
    #[error("group {group} is empty")]
    EmptyGroup {
        /// The group, counted from 0.
        group: usize,
    },
    /// It takes two groups to compare.
    #[error("a comparison needs at least 2 groups, got {found}")]
    TooFewGroups {
        /// How many there are.
        found: usize,
    },
    /// A stratum has more or fewer groups than the first one.
    #[error("stratum {stratum} has {found} groups where the first has {expected}")]
    GroupCount {
        /// The stratum, counted from 0.
        stratum: usize,
        /// Groups of the first stratum.
        expected: usize,
        /// Groups of this one.
        found: usize,
    },
    /// Nobody ended while customers of two groups were there, so that groups cannot be told apart.
    #[error("no spell ended while two groups were there to be compared")]
    NothingToCompare,
    /// Two tables or scores do not count the same thing.
    #[error("the two differ in their {part}")]
    Different {
        /// What differs.
        part: &'static str,
    },
    /// A day lies after the last one that was observed.
    #[error("day {day} lies after day {last}, the last one observed")]
    BeyondObservation {
        /// The day asked for.
        day: u32,
        /// The last one.
        last: u32,
    },
    /// Everybody is gone by that day.
    #[error("nobody is left after day {day}")]
    NobodyLeft {
        /// The day asked for.
        day: u32,
    },
    /// Days of purchases or contacts go back in time.
    #[error("day {day} of number {place} is earlier than day {before} before it")]
    DaysOutOfOrder {
        /// Which one, counted from 0.
        place: usize,
        /// Its day.
        day: i32,
        /// The day before it in the input.
        before: i32,
    },
    /// Something happened after the day that the answer is for.
    #[error("day {day} of number {place} lies after the day {as_of} asked for")]
    AfterAsOf {
        /// Which one, counted from 0.
        place: usize,
        /// Its day.
        day: i32,
        /// The day of the answer.
        as_of: i32,
    },
    /// A score was asked for at an instant before its last item.
    #[error("the last item is of {last}, after {as_of}")]
    ItemAfter {
        /// The last item.
        last: DateTime<Utc>,
        /// The instant asked for.
        as_of: DateTime<Utc>,
    },
    /// A score of no parts.
    #[error("there are no parts")]
    NoParts,
    /// Two parts have one name.
    #[error("part `{part}` comes more than once")]
    RepeatedPart {
        /// The name.
        part: Tag,
    },
    /// A weight is no number above 0.
    #[error("part `{part}`: the weight must be above 0 and at most 1e6, got {weight}")]
    PartWeight {
        /// The part.
        part: Tag,
        /// Its weight.
        weight: f64,
    },
    /// There are more or fewer values than parts.
    #[error("{found} values are given for {expected} parts")]
    PartCount {
        /// How many parts there are.
        expected: usize,
        /// How many values there are.
        found: usize,
    },
    /// Too much is missing for a score.
    #[error("parts of a share {have} of all weight are known where {need} is needed")]
    TooLittleKnown {
        /// The share that must be known.
        need: f64,
        /// The share that is.
        have: f64,
    },
    /// A threshold for keeping a rung lies above the one for reaching it.
    #[error("rung `{rung}`, `{evidence}`: {keep} to keep it must not be above {reach} to reach it")]
    KeepAboveReach {
        /// The rung.
        rung: LoyaltyRung,
        /// The evidence.
        evidence: Evidence,
        /// What it takes to reach the rung.
        reach: f64,
        /// What it takes to keep it.
        keep: f64,
    },
    /// A rung without a requirement, or a requirement without a bar.
    #[error("rung `{rung}` asks for nothing")]
    AsksForNothing {
        /// The rung.
        rung: LoyaltyRung,
    },
    /// A value breaks a rule of its own.
    #[error("{0}")]
    Invalid(#[from] ValidationError),
}
