//! Shares and estimates: numbers that know their range and how sure they are.

mod estimate;
mod share;

pub use estimate::{Estimate, Quantity};
pub use share::Share;
