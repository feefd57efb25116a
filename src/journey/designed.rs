use super::JourneyError;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// The journey as it was meant: which step may follow which, within what time. A small graph without circles; every
/// path from a first to a last step is as it should be.
///
/// The first steps are those nothing leads to, the last those that lead nowhere; without circles every step lies on a
/// path from a first to a last one. Read from JSON, the same rules are checked.
///
/// # Example
/// ```
/// use chrono::TimeDelta;
/// use patronage::journey::{DesignedJourney, Ending, JourneyLog};
///
/// let designed = DesignedJourney::builder(["order", "pay", "deliver"])
///     .step("order", "pay", Some(TimeDelta::days(1)))
///     .step("pay", "deliver", Some(TimeDelta::days(3)))
///     .build()?;
/// let day = 86_400_000_000;
/// let log = JourneyLog::from_events([(1, 0, "order"), (1, 1, "complain"), (1, 5 * day, "deliver")], 10)?;
/// let replay = designed.replay(log.activities(), log.journeys().next().unwrap(), Ending::Complete);
/// let said: Vec<String> = replay.deviations().iter().map(|one| one.to_string()).collect();
/// assert_eq!(said, ["skipped `pay`", "inserted `complain`"]);
/// assert_eq!(replay.fitness().get(), 1.0 - 2.0 / 6.0);
/// # Ok::<(), patronage::journey::JourneyError>(())
/// ```
///
/// Source: J. Carmona, B. van Dongen, A. Solti, M. Weidlich, "Conformance Checking" (2018), alignments; G. Bernard,
/// P. Andritsos, "A process mining based model for customer journey mapping" (`CAiSE` Forum 2017).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct DesignedJourney {
    pub(super) names: Vec<String>,
    pub(super) steps: Vec<DesignedStep>,
    /// Steps in an order in which each comes after all that lead to it.
    pub(super) order: Vec<usize>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DesignedStep {
    /// What leads here, and within how many microseconds.
    pub(super) from: Vec<(usize, Option<u64>)>,
    pub(super) to: Vec<usize>,
    pub(super) repeatable: bool,
}

/// A [`DesignedJourney`] being defined.
#[derive(Clone, Debug)]
#[must_use]
pub struct DesignedJourneyBuilder {
    names: Vec<String>,
    moves: Vec<(String, String, Option<TimeDelta>)>,
    repeatable: Vec<String>,
}

/// How a designed journey is written.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename = "DesignedJourney", deny_unknown_fields)]
struct Fields {
    steps: Vec<String>,
    moves: Vec<MoveFields>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    repeatable: Vec<String>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename = "Move", deny_unknown_fields)]
struct MoveFields {
    from: String,
    to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within_us: Option<i64>,
}

impl From<DesignedJourney> for Fields {
    fn from(designed: DesignedJourney) -> Self {
        let name = |place: usize| designed.names.get(place).cloned().unwrap_or_default();
        let repeats = designed.steps.iter().enumerate().filter(|(_, step)| step.repeatable);
        let moves = designed
            .steps
            .iter()
            .enumerate()
            .flat_map(|(to, step)| step.from.iter().map(move |&(from, within)| (from, to, within)));
        Self {
            moves: moves
                .map(|(from, to, within)| MoveFields {
                    from: name(from),
                    to: name(to),
                    within_us: within.map(|within| i64::try_from(within).unwrap_or(i64::MAX)),
                })
                .collect(),
            repeatable: repeats.map(|(place, _)| name(place)).collect(),
            steps: designed.names,
        }
    }
}

impl TryFrom<Fields> for DesignedJourney {
    type Error = JourneyError;

    fn try_from(fields: Fields) -> Result<Self, JourneyError> {
        let mut builder = Self::builder(fields.steps);
        for one in &fields.moves {
            builder = builder.step(&one.from, &one.to, one.within_us.map(TimeDelta::microseconds));
        }
        fields.repeatable.iter().fold(builder, |builder, name| builder.repeatable(name)).build()
    }
}

impl DesignedJourney {
    /// Begins a design with the names of its steps; [`DesignedJourneyBuilder::build`] checks it.
    pub fn builder<N: Into<String>>(names: impl IntoIterator<Item = N>) -> DesignedJourneyBuilder {
        let names = names.into_iter().map(Into::into).collect();
        DesignedJourneyBuilder { names, moves: Vec::new(), repeatable: Vec::new() }
    }

    /// The names of the steps, in the order in which they were given.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

impl DesignedJourneyBuilder {
    /// Allows a step to follow another directly, at most `within` later (that long included). Said twice, the later
    /// limit counts.
    pub fn step(mut self, from: &str, to: &str, within: Option<TimeDelta>) -> Self {
        self.moves.push((from.to_owned(), to.to_owned(), within));
        self
    }

    /// Allows a step to happen several times in a row.
    pub fn repeatable(mut self, name: &str) -> Self {
        self.repeatable.push(name.to_owned());
        self
    }

    /// Checks the design.
    ///
    /// # Errors
    /// [`JourneyError::Setting`] for no or more than 1,000 steps and for a limit that is not positive;
    /// [`JourneyError::DuplicateActivity`]; [`JourneyError::UnknownStep`]; [`JourneyError::Circle`] names a step of a
    /// circle (a step that may come several times in a row is [`repeatable`](Self::repeatable)).
    pub fn build(self) -> Result<DesignedJourney, JourneyError> {
        let Self { names, moves, repeatable } = self;
        if !(1..=1_000).contains(&names.len()) {
            return Err(JourneyError::Setting { setting: "steps", rule: "must be 1 to 1,000" });
        }
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        if let Some((name, _)) = sorted.iter().zip(sorted.iter().skip(1)).find(|(a, b)| a == b) {
            return Err(JourneyError::DuplicateActivity { name: (*name).clone() });
        }
        let place = |name: &String| {
            let found = names.iter().position(|known| known == name);
            found.ok_or_else(|| JourneyError::UnknownStep { name: name.clone() })
        };
        let mut steps = vec![DesignedStep::default(); names.len()];
        for (from_name, to_name, within) in &moves {
            let (from, to) = (place(from_name)?, place(to_name)?);
            if from == to {
                return Err(JourneyError::Circle { name: to_name.clone() });
            }
            let within = match within {
                None => None,
                Some(within) if *within > TimeDelta::zero() => {
                    Some(within.num_microseconds().map_or(u64::MAX, i64::unsigned_abs))
                }
                Some(_) => return Err(JourneyError::Setting { setting: "within", rule: "must be positive" }),
            };
            if let Some(step) = steps.get_mut(to) {
                step.from.retain(|&(before, _)| before != from);
                step.from.push((from, within));
            }
            if let Some(step) = steps.get_mut(from)
                && !step.to.contains(&to)
            {
                step.to.push(to);
            }
        }
        for name in &repeatable {
            if let Some(step) = steps.get_mut(place(name)?) {
                step.repeatable = true;
            }
        }
        let order = sorted_by_moves(&names, &steps)?;
        Ok(DesignedJourney { names, steps, order })
    }
}

/// The steps in an order in which each comes after all that lead to it.
fn sorted_by_moves(names: &[String], steps: &[DesignedStep]) -> Result<Vec<usize>, JourneyError> {
    let mut missing: Vec<usize> = steps.iter().map(|step| step.from.len()).collect();
    let mut order: Vec<usize> =
        missing.iter().enumerate().filter(|(_, left)| **left == 0).map(|(place, _)| place).collect();
    let mut done = 0;
    while let Some(&place) = order.get(done) {
        done += 1;
        for &next in steps.get(place).map(|step| step.to.as_slice()).unwrap_or_default() {
            if let Some(left) = missing.get_mut(next) {
                *left -= 1;
                if *left == 0 {
                    order.push(next);
                }
            }
        }
    }
    if order.len() == steps.len() {
        return Ok(order);
    }
    // What is left over lies on a circle or behind one: walking back from it must enter the circle.
    let left_over = |place: usize| missing.get(place).is_some_and(|&left| left > 0);
    let mut seen = vec![false; steps.len()];
    let mut place = (0..steps.len()).find(|&place| left_over(place)).unwrap_or_default();
    while let Some(seen) = seen.get_mut(place).filter(|seen| !**seen) {
        *seen = true;
        let before = steps.get(place).and_then(|step| step.from.iter().find(|from| left_over(from.0)));
        place = before.map_or(place, |before| before.0);
    }
    Err(JourneyError::Circle { name: names.get(place).cloned().unwrap_or_default() })
}

#[cfg(test)]
mod tests;
