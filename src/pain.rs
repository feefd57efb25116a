//! Where customers get lost, confused, frustrated or defect: how many, how sure it is, and what it costs.
//!
//! An [`Experience`] is what one customer lived through: [`Contact`]s in order of time, and the days of their purchases.
//! [`symptoms`] finds in it what hurt, by the [`Rules`]. A [`PainMap`] counts the symptoms of many customers, and
//! [`PainMap::points`] turns the counts into a [`PainReport`]: for each stage, touch point and kind of pain how many
//! customers met it, whether they came back less often than others **who reached the same step** without meeting it,
//! and the value at risk in money.
//!
//! The comparison is among those who reached the same step because a fault inside the check-out is only met by those
//! who are nearly through: compared with all customers it looks good for business.
//!
//! A [`DriverTable`] asks the other way round: which attributes of touch points move an outcome. It says odds ratios of
//! coming back, the importance of each driver of satisfaction, and what an attribute costs where it is bad and brings
//! where it is good; [`ContactDrivers`] makes it from experiences.
//!
//! What helps is learnt by doing: a [`HoldOut`] withholds an action from some customers by chance,
//! [`GroupCount::against`] says what it did, an [`ActionTally`] compares within strata, [`ActionsByNeed`] says which action
//! fits which customers, and [`uplift_at`] whether it pays to choose them.
//!
//! # Example
//! ```
//! use chrono::{DateTime, Utc};
//! use patronage::customer::CustomerId;
//! use patronage::interaction::{Interaction, InteractionId, Outcome};
//! use patronage::lifecycle::LifecycleStage;
//! use patronage::pain::{Contact, Experience, PainMap, PointOptions, Rules, Worth};
//! use patronage::{Currency, Money, Share};
//!
//! let as_of: DateTime<Utc> = "2026-12-31T00:00:00Z".parse()?;
//! let called: DateTime<Utc> = "2026-02-01T10:00:00Z".parse()?;
//! let mut map = PainMap::new(Rules::default(), as_of, Currency::EUR);
//! for number in 0..400_u32 {
//!     let customer = CustomerId::derive(&["example", &number.to_string()]);
//!     let outcome = if number % 2 == 0 { Outcome::Abandoned } else { Outcome::Resolved };
//!     let call = Interaction::builder(InteractionId::derive(&["example", &number.to_string()]), customer, called)
//!         .outcome(outcome)
//!         .build()?;
//!     let contacts = [Contact::new(&call, Some(LifecycleStage::Existing))];
//!     // Of those who gave up a tenth came back within 90 days, of the others a half.
//!     let came_back = if number % 2 == 0 { number % 20 == 0 } else { number % 4 == 1 };
//!     let purchases = if came_back { vec![20_460, 20_500] } else { vec![20_460] };
//!     let worth = Worth::new(Money::new(100_00, Currency::EUR), Share::new(0.9)?);
//!     map.push(&Experience::new(&contacts, &purchases)?.worth(worth))?;
//! }
//! let report = map.points(&PointOptions::default())?;
//! let worst = report.points().first().ok_or("no pain at all")?;
//! assert_eq!(worst.to_string(), "existing, self_service, lost: 200 of 400 customers");
//! let effect = worst.effect().found().ok_or("too few")?;
//! assert_eq!(format!("{:.1}", effect.fewer_came_back()), "0.4 [0.3, 0.5] (95.0 %, n = 400)");
//! assert_eq!(effect.value_at_risk().map(|money| money.value().to_string()), Some("8000.00 EUR".to_owned()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod action_effect;
mod action_tally;
mod actions_by_need;
mod cell;
mod change;
mod columns;
mod contact;
mod contact_drivers;
mod detector;
mod driver_options;
mod driver_priority;
mod driver_table;
mod error;
mod experience;
mod group_count;
mod hold_out;
mod impact_class;
mod key_drivers;
mod map;
mod odds_ratios;
mod penalty_reward;
mod point;
mod report;
mod rules;
mod symptom;
mod uplift;

pub use action_effect::ActionEffect;
pub use action_tally::{ActionTally, StratifiedEffect};
pub use actions_by_need::{ActionsByNeed, NeedAction, NeedFit};
pub use change::{Change, PainChange, PainChanges, Trend};
pub use columns::PainColumns;
pub use contact::Contact;
pub use contact_drivers::{ContactDriver, ContactDrivers};
pub use driver_options::DriverOptions;
pub use driver_priority::{DriverPriority, priority};
pub use driver_table::{DriverColumn, DriverTable};
pub use error::PainError;
pub use experience::{Experience, Worth};
pub use group_count::GroupCount;
pub use hold_out::HoldOut;
pub use impact_class::{Factor, ImpactClass};
pub use key_drivers::{Decomposition, KeyDriver, KeyDrivers};
pub use map::PainMap;
pub use odds_ratios::{DriverOdds, OddsRatios};
pub use penalty_reward::{Contrast, DriverContrast, PenaltyReward, Potential, RatingCuts};
pub use point::{Effect, Finding, PainPoint, Reach};
pub use report::{PainCounts, PainReport, PointOptions};
pub use rules::{ExpectedWait, PainRule, Rules};
pub use symptom::{Symptom, symptoms};
pub use uplift::{Uplift, UpliftRow, uplift_at};

#[cfg(test)]
mod tests;
