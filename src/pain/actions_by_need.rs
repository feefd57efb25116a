use super::{ActionEffect, Finding, GroupCount, PainError, PointOptions};
use crate::numeric::proportion::benjamini_hochberg;
use crate::tag::Tag;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one action did for the customers of one need.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NeedAction {
    action: Tag,
    effect: Finding<ActionEffect>,
    q_value: Option<f64>,
    helps: bool,
}

impl NeedAction {
    /// The action.
    pub const fn action(&self) -> Tag {
        self.action
    }

    /// What it did against the held out of the same need.
    pub const fn effect(&self) -> &Finding<ActionEffect> {
        &self.effect
    }

    /// The p-value after adjusting for all actions and needs (Benjamini and Hochberg); `None` where there were too few.
    pub const fn q_value(&self) -> Option<f64> {
        self.q_value
    }

    /// Whether it helps, beyond what chance explains.
    pub const fn helps(&self) -> bool {
        self.helps
    }
}

/// What each action did for the customers of one need, and which fits them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NeedFit {
    need: Tag,
    actions: Vec<NeedAction>,
    best: Option<Tag>,
    lead: Option<ActionEffect>,
}

impl NeedFit {
    /// The need.
    pub const fn need(&self) -> Tag {
        self.need
    }

    /// The actions in the order of their names.
    pub fn actions(&self) -> &[NeedAction] {
        &self.actions
    }

    /// The action with the largest effect of those that help; `None` where none does.
    pub const fn best(&self) -> Option<Tag> {
        self.best
    }

    /// The best action against the one that did second best. Where its interval holds 0 the data cannot tell the two
    /// apart: take the cheaper. `None` without a second.
    pub const fn lead(&self) -> Option<&ActionEffect> {
        self.lead.as_ref()
    }
}

/// Says which action fits which customers: counts, for each need, how many of those who got each action and of those held
/// out did what was hoped for.
///
/// A need is anything known of a customer before the action: why they were unhappy, what they buy, their segment. The same
/// action may win back those who waited too long and leave those cold who were overcharged; one average over both hides it.
///
/// # Example
/// ```
/// use patronage::Tag;
/// use patronage::pain::{ActionsByNeed, GroupCount, PointOptions};
///
/// let [waited, overcharged] = ["waited", "overcharged"].map(Tag::literal);
/// let [call, refund] = ["call", "refund"].map(Tag::literal);
/// let mut actions = ActionsByNeed::default();
/// for (need, action, successes) in [
///     (waited, None, 120), (waited, Some(call), 180), (waited, Some(refund), 125),
///     (overcharged, None, 90), (overcharged, Some(call), 95), (overcharged, Some(refund), 170),
/// ] {
///     actions.push_group(need, action, GroupCount::new(successes, 300)?);
/// }
/// let fits = actions.fits(&PointOptions::default())?;
/// assert_eq!(fits.iter().map(|fit| (fit.need(), fit.best())).collect::<Vec<_>>(), [
///     (overcharged, Some(refund)),
///     (waited, Some(call)),
/// ]);
/// let lead = fits[1].lead().ok_or("one action only")?;
/// assert_eq!(format!("{:.3}", lead.difference()), "0.183 [0.104, 0.260] (95.0 %, n = 600)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionsByNeed {
    needs: BTreeMap<Tag, Counts>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    held_out: GroupCount,
    actions: BTreeMap<Tag, GroupCount>,
}

impl ActionsByNeed {
    /// Counts a customer of a need who got an action, or none because they were held out, and did what was hoped for or
    /// did not.
    pub fn push(&mut self, need: Tag, action: Option<Tag>, success: bool) {
        let mut one = GroupCount::default();
        one.push(success);
        self.push_group(need, action, one);
    }

    /// Counts many customers of a need who all got the same.
    pub fn push_group(&mut self, need: Tag, action: Option<Tag>, count: GroupCount) {
        let counts = self.needs.entry(need).or_default();
        match action {
            Some(action) => counts.actions.entry(action).or_default().merge(&count),
            None => counts.held_out.merge(&count),
        }
    }

    /// Counts the customers of another tally.
    pub fn merge(&mut self, other: &Self) {
        for (&need, counts) in &other.needs {
            self.push_group(need, None, counts.held_out);
            for (&action, &count) in &counts.actions {
                self.push_group(need, Some(action), count);
            }
        }
    }

    /// What each action did for each need, and which fits.
    ///
    /// # Returns
    /// The needs in the order of their names. Groups below the [`minimum`](PointOptions::minimum) say "too few"; an action
    /// helps when its effect is above 0 and its q-value, adjusted for all pairs of action and need that were compared, is
    /// at most the [`false_discoveries`](PointOptions::false_discoveries).
    ///
    /// # Errors
    /// [`PainError::NothingToCompare`] when nothing was counted.
    ///
    /// # Cost
    /// O(p log p) for p pairs of action and need.
    pub fn fits(&self, options: &PointOptions) -> Result<Vec<NeedFit>, PainError> {
        let mut fits = Vec::new();
        for (&need, counts) in &self.needs {
            let mut actions = Vec::new();
            for (&action, count) in &counts.actions {
                let fewest = count.customers().min(counts.held_out.customers());
                let effect = if fewest < options.minimum() {
                    Finding::TooFew { minimum: options.minimum() }
                } else {
                    Finding::Found(count.against(&counts.held_out, options.level())?)
                };
                actions.push(NeedAction { action, effect, q_value: None, helps: false });
            }
            fits.push(NeedFit { need, actions, best: None, lead: None });
        }
        if fits.is_empty() {
            return Err(PainError::NothingToCompare);
        }
        let found = |action: &&mut NeedAction| action.effect.found().is_some();
        let compared: Vec<&mut NeedAction> =
            fits.iter_mut().flat_map(|fit| &mut fit.actions).filter(found).collect();
        let p_values: Vec<f64> =
            compared.iter().filter_map(|one| one.effect.found()).map(ActionEffect::p_value).collect();
        for (one, q_value) in compared.into_iter().zip(benjamini_hochberg(&p_values)) {
            let brings_more = one.effect.found().is_some_and(|effect| effect.difference().value() > 0.0);
            one.q_value = Some(q_value);
            one.helps = brings_more && q_value <= options.false_discoveries().get();
        }
        for fit in &mut fits {
            choose(fit, options)?;
        }
        Ok(fits)
    }
}

/// Finds the best action of a need and holds it against the second best.
fn choose(fit: &mut NeedFit, options: &PointOptions) -> Result<(), PainError> {
    let mut ranked: Vec<(&NeedAction, &ActionEffect)> =
        fit.actions.iter().filter_map(|one| Some((one, one.effect.found()?))).collect();
    // Equal effects keep the order of their names.
    ranked.sort_by(|one, other| other.1.difference().value().total_cmp(&one.1.difference().value()));
    let Some(place) = ranked.iter().position(|(one, _)| one.helps) else { return Ok(()) };
    let (best, effect) = ranked.remove(place);
    fit.best = Some(best.action);
    fit.lead = match ranked.first() {
        Some((_, second)) => Some(effect.treated().against(&second.treated(), options.level())?),
        None => None,
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_say_nothing_and_shards_merge() {
        let [need, call] = ["need", "call"].map(Tag::literal);
        let options = PointOptions::default();
        assert_eq!(ActionsByNeed::default().fits(&options), Err(PainError::NothingToCompare));
        let (mut one, mut other) = (ActionsByNeed::default(), ActionsByNeed::default());
        for number in 0..100_u32 {
            one.push(need, None, number < 20);
            other.push(need, Some(call), number < 60);
        }
        let alone = one.fits(&options).unwrap();
        assert_eq!((alone.len(), alone[0].actions().len(), alone[0].best()), (1, 0, None));
        let alone = other.fits(&options).unwrap();
        assert_eq!(*alone[0].actions()[0].effect(), Finding::TooFew { minimum: 30 });
        assert_eq!((alone[0].best(), alone[0].actions()[0].q_value()), (None, None));
        let mut merged = one.clone();
        merged.merge(&other);
        other.merge(&one);
        assert_eq!(merged, other);
        let fit = &merged.fits(&options).unwrap()[0];
        assert_eq!((fit.best(), fit.lead()), (Some(call), None));
        let text = serde_json::to_string(&merged).unwrap();
        assert_eq!(serde_json::from_str::<ActionsByNeed>(&text).unwrap(), merged);
    }

    /// An action that does harm is shown as doing so, and is not recommended.
    #[test]
    fn what_harms_does_not_fit() {
        let [need, call] = ["need", "call"].map(Tag::literal);
        let mut actions = ActionsByNeed::default();
        actions.push_group(need, None, GroupCount::new(60, 100).unwrap());
        actions.push_group(need, Some(call), GroupCount::new(20, 100).unwrap());
        let fits = actions.fits(&PointOptions::default()).unwrap();
        assert!(fits[0].actions()[0].q_value().unwrap() < 1e-6);
        assert_eq!((fits[0].best(), fits[0].actions()[0].helps()), (None, false));
    }
}
