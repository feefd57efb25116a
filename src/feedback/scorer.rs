use crate::interaction::Sentiment;
use crate::tag::Tag;

/// Says how positive or negative a text is: your model, a service, or a lexicon.
///
/// The crate has none of its own, because none is right enough to be trusted unseen: on 14,640 complaints to airlines
/// the lexicon VADER is right in 49 % of the cases, and "always negative" in 63 %. Let
/// [`ScorerCheck`](super::ScorerCheck) judge yours on labelled texts of your own customers first.
///
/// # Contract
/// - The same text gives the same answer.
/// - The sentiment names [`source`](Self::source) as its source.
/// - `Ok(None)` where the text says nothing; never a neutral sentiment for a text that could not be read.
/// - The text is personal: it appears in no error.
///
/// # Example
/// ```
/// use patronage::feedback::SentimentScorer;
/// use patronage::interaction::Sentiment;
/// use patronage::{Share, Tag, ValidationError};
///
/// struct Shouting;
///
/// impl SentimentScorer for Shouting {
///     type Error = ValidationError;
///
///     fn source(&self) -> Tag {
///         Tag::literal("shouting")
///     }
///
///     fn sentiment(&self, text: &str) -> Result<Option<Sentiment>, ValidationError> {
///         let loud = text.contains('!');
///         loud.then(|| Sentiment::new(-0.5, self.source(), Share::new(0.6)?)).transpose()
///     }
/// }
///
/// assert_eq!(Shouting.sentiment("Where is my parcel!")?.map(|found| found.score()), Some(-0.5));
/// assert_eq!(Shouting.sentiment("Thank you")?, None);
/// # Ok::<(), ValidationError>(())
/// ```
pub trait SentimentScorer {
    /// Why a text could not be scored.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The name of the scorer and its version, which its sentiments carry.
    fn source(&self) -> Tag;

    /// The sentiment of a text; `None` where it says nothing.
    ///
    /// # Errors
    /// When the scorer failed.
    fn sentiment(&self, text: &str) -> Result<Option<Sentiment>, Self::Error>;
}
