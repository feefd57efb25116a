//! What customers feel: NPS, CSAT and customer effort with honest intervals, differences between periods and groups, and
//! sentiment and emotions for each stage of life and touch point.
//!
//! | question | where |
//! |---|---|
//! | Would they recommend us? | [`NpsTally`] |
//! | Are they satisfied? | [`CsatTally`] |
//! | How easy was it? | [`CesTally`], by one of the [`CesConvention`]s |
//! | Did it change, do groups differ? | [`NpsTally::difference`] and its like: a signed [`Difference`] |
//! | We looked at many segments and months: which differences are real? | [`Family`] |
//! | How many answers do we need? | [`nps_sample_size`], [`nps_sample_size_per_group`], [`share_sample_size`] |
//! | How do they feel, and where? | [`SentimentMap`] |
//! | What about the text they wrote? | any [`SentimentScorer`], once [`ScorerCheck`] says that it may be believed |
//! | Which reasons pull the score down? | [`ThemeTally`](crate::journey::ThemeTally), see [`NpsGroup::theme_score`] |
//!
//! Whoever was asked and did not answer is told apart by type ([`Answer`]): such requests count in the response rate
//! and never in a score. Every tally has `push` and an associative, commutative `merge`, so it is built for each thread,
//! shard or day, and put together in any order with equal bits.
//!
//! # Example
//! ```
//! use patronage::Share;
//! use patronage::feedback::{Answer, NpsScore, NpsTally};
//!
//! let mut march = NpsTally::default();
//! for score in [0, 6, 7, 8, 8, 9, 9, 10, 10, 10] {
//!     march.push(Answer::Answered(NpsScore::new(score)?));
//! }
//! march.push(Answer::Dismissed);
//!
//! let score = march.score(Share::new(0.95)?)?;
//! assert_eq!(format!("{score:.1}"), "30.0 [-21.7, 67.5] (95.0 %, n = 10)");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod ces;
mod counts;
mod csat;
mod difference;
mod emotion;
mod error;
mod family;
mod nps;
mod nps_tally;
mod sample_size;
mod scorer;
mod scorer_check;
mod sentiment_map;
mod sentiment_tally;
mod trinomial;
#[cfg(feature = "vader")]
mod vader;

pub use answer::Answer;
pub use ces::{CesConvention, CesTally, EffortScale};
pub use csat::{CsatAnswer, CsatScale, CsatTally};
pub use difference::Difference;
pub use emotion::{Emotion, Feeling};
pub use error::FeedbackError;
pub use family::{ErrorRate, Family, Finding};
pub use nps::{NpsGroup, NpsScore};
pub use nps_tally::{NpsMethod, NpsTally};
pub use sample_size::{nps_sample_size, nps_sample_size_per_group, share_sample_size};
pub use scorer::SentimentScorer;
pub use scorer_check::{Polarity, ScorerCheck};
pub use sentiment_map::{FeedbackPlace, SentimentMap};
pub use sentiment_tally::{SentimentTally, Weighting};
#[cfg(feature = "vader")]
pub use vader::VaderScorer;

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "what is exact must be exact")]
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "the numbers are small")]
mod tests;
