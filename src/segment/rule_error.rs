use crate::tag::Tag;

/// Why rules were refused: which segment's rule, and where in it.
///
/// A place reads from the root: `all[1].not.any[0]` is the first part of the `any` that the second part of the `all`
/// negates; the root itself is `rule`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// A rule is nested too deep.
    #[error("segment `{segment}`, {place}: rules may be {most} levels deep")]
    TooDeep {
        /// The segment.
        segment: Tag,
        /// Where.
        place: String,
        /// How many levels there may be.
        most: usize,
    },
    /// A rule has too many conditions, or leads through too many with the segments it names.
    #[error("segment `{segment}`: a rule may have {most} conditions, got {found}")]
    TooLarge {
        /// The segment.
        segment: Tag,
        /// How many there may be.
        most: usize,
        /// How many there are.
        found: usize,
    },
    /// An `all`, an `any` or a `stage` without parts.
    #[error("segment `{segment}`, {place}: must have at least one part")]
    Empty {
        /// The segment.
        segment: Tag,
        /// Where.
        place: String,
    },
    /// Conditions that no customer can ever meet together.
    #[error("segment `{segment}`, {place}: no customer can ever meet `{first}` and `{second}`")]
    Contradiction {
        /// The segment.
        segment: Tag,
        /// Where.
        place: String,
        /// One condition, or the only one.
        first: String,
        /// The other.
        second: String,
    },
    /// A condition that makes no sense by itself: a number that is not finite, an order of names, a band that descends.
    #[error("segment `{segment}`, {place}: {rule}")]
    Condition {
        /// The segment.
        segment: Tag,
        /// Where.
        place: String,
        /// What it must be.
        rule: &'static str,
    },
    /// A segment includes itself, directly or through others.
    #[error("a segment must not include itself: {}", path(.cycle))]
    Cycle {
        /// The segments on the way, the first one again at the end.
        cycle: Vec<Tag>,
    },
    /// A rule names a segment that there is not.
    #[error("segment `{segment}`, {place}: there is no segment `{named}`")]
    UnknownSegment {
        /// The segment.
        segment: Tag,
        /// Where.
        place: String,
        /// What it names.
        named: Tag,
    },
    /// Two rules have one name.
    #[error("there are two segments `{segment}`")]
    Duplicate {
        /// The name.
        segment: Tag,
    },
}

fn path(cycle: &[Tag]) -> String {
    cycle.iter().map(Tag::to_string).collect::<Vec<_>>().join(" > ")
}
