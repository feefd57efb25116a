/// What came back for a request for feedback that was delivered.
///
/// Only [`Answer::Answered`] carries something to score, so the others cannot slip into a denominator: five promoters
/// and five who closed the form are an NPS of 100, not 50.
///
/// # Example
/// ```
/// use patronage::Share;
/// use patronage::feedback::{Answer, NpsScore, NpsTally};
///
/// let promoter = Answer::Answered(NpsScore::new(10)?);
/// let tally: NpsTally = [promoter; 5].into_iter().chain([Answer::Dismissed; 5]).collect();
/// let level = Share::new(0.95)?;
/// assert_eq!(tally.score(level)?.value(), 100.0);
/// assert_eq!(tally.response_rate(level)?.value(), 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer<T> {
    /// The customer answered.
    Answered(T),
    /// The customer saw the question and closed it.
    Dismissed,
    /// The request was delivered and nothing came back.
    Unanswered,
}

impl<T> Answer<T> {
    /// The answer, if there is one.
    pub fn answered(self) -> Option<T> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::Dismissed | Self::Unanswered => None,
        }
    }
}
