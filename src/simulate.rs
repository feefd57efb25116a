//! A seeded company with known truth: buyers whose habits are known, the life around their purchases, and pain points
//! planted on purpose, to try things out, to test them, and to see found beside planted.
//!
//! Two doors. [`buyers`] draws customers and purchases from BG/NBD and Gamma-Gamma with known parameters.
//! [`interactions`] draws the life around the purchases of any customers, simulated or real: contacts, stages, and the
//! pain points of a [`Company`]; what really happened is in the [`Truth`].
//!
//! Chance comes from the seed alone. Each customer has random streams of their own, so a customer's life does not
//! depend on threads, on order, or on who else is looked at (only the odds that plant an effect are set from all
//! customers together). The same seed and version give the same bytes; times are whole seconds and amounts whole
//! minor units, so that last digits of logarithms on other platforms do not show.
//!
//! # Example
//! ```
//! use patronage::Period;
//! use patronage::simulate::{self, Buyer, BuyingTruth, Company, Purchases};
//!
//! let year = Period::new("2025-01-01T00:00:00Z".parse()?, "2026-01-01T00:00:00Z".parse()?)?;
//! let buyers = simulate::buyers(&BuyingTruth::cdnow(), 500, year, 7)?;
//! let facts: Vec<Buyer<'_>> = buyers.iter().map(|buyer| buyer.facts()).collect();
//! let lives = simulate::interactions(&facts, &Company::default(), Purchases::Simulated, 7)?;
//!
//! let mut contacts = 0;
//! for (buyer, life) in buyers.iter().zip(&lives) {
//!     let life = life?;
//!     assert_eq!(life.customer(), buyer.customer().id());
//!     assert!(life.purchases() <= buyer.purchases().len());
//!     contacts += life.interactions().len();
//! }
//! assert!(contacts > 500);
//! assert_eq!(lives.truth().planted().len(), 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod buyer;
mod buying;
mod company;
mod error;
mod habit;
mod lives;
mod recorder;
mod sketch;
mod truth;

#[cfg(test)]
mod tests;

pub use buyer::Buyer;
pub use buying::{BgNbd, BuyerTruth, BuyingTruth, GammaGamma, SimulatedBuyer, buyer, buyers};
pub use company::{Company, PlantedPain};
pub use error::SimulateError;
pub use lives::{Life, Lives, LivesIter, Purchases, interactions};
pub use truth::{Met, PlantedTruth, Truth};

use crate::customer::CustomerId;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// What a random stream decides; each decision of each customer has its own.
#[derive(Clone, Copy)]
enum Stream {
    Buying = 1,
    Contacts = 2,
    Planting = 3,
    Recording = 4,
}

/// The random numbers of one decision of one customer: nothing else decides them.
fn stream(seed: u64, stream: Stream, customer: CustomerId) -> ChaCha8Rng {
    let words = seed.to_le_bytes().into_iter().chain((stream as u64).to_le_bytes());
    let mut key = [0; 32];
    for (byte, from) in key.iter_mut().zip(words.chain(*customer.as_uuid().as_bytes())) {
        *byte = from;
    }
    ChaCha8Rng::from_seed(key)
}

/// A span of time in microseconds, cut to whole seconds.
fn seconds(span: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "cutting to whole seconds is the purpose; casts saturate"
    )]
    let whole = span as i64;
    whole.saturating_mul(SECOND)
}
